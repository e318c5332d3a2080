//! Fault campaigns, small ones: the real program holds them against itself.

use crate::program::Program;
use host_harness::campaign::catalogue::{CATALOGUE, find};

fn counts(object: &serde_json::Value) -> [u64; 4] {
    ["lost", "doubled", "stuck", "wrong"].map(|key| object["tally"][key].as_u64().unwrap())
}

#[test]
fn every_fault_of_the_catalogue_is_listed_with_its_fate_and_found_by_its_word() {
    let listed = Program::new().run(&["chaos", "--list", "--output", "json"]);
    let listed = listed.expect_code(0).json();
    let listed = listed.as_array().unwrap();
    assert_eq!(listed.len(), CATALOGUE.len());
    for entry in listed {
        let profile = find(entry["fault"].as_str().unwrap()).unwrap();
        assert_eq!(entry["fate"], profile.fate.words());
    }
}

#[test]
fn an_unknown_fault_is_refused_with_the_nearest_word() {
    let program = Program::new();
    let finished = program.run(&["chaos", "--fault", "port.finished: lost-replie"]);
    assert!(finished.refusal().contains("port.finished: lost-reply"));
}

#[test]
fn a_campaign_without_faults_that_end_the_process_ends_every_run_as_it_should() {
    let program = Program::new();
    let arguments = ["chaos", "--fault", "webhook.completed: early"];
    let more = ["--share", "50", "--runs", "40", "--output", "json"];
    let finished = program.run(&[&arguments[..], &more[..]].concat());
    let object = finished.expect_code(0).json();
    assert_eq!(counts(&object), [0; 4], "{finished}");
    assert_eq!(object["tally"]["runs"], 40);
    assert!(object["strikes"]["webhook.completed: early"].as_u64() > Some(5));
}

#[test]
fn a_mixture_with_kills_loses_doubles_and_forgets_nothing() {
    let program = Program::new();
    let arguments = ["chaos", "--runs", "60", "--kills", "15", "--seed", "1"];
    let finished = program.run(&[&arguments[..], &["--output", "json"]].concat());
    let object = finished.expect_code(0).json();
    assert_eq!(counts(&object), [0; 4], "{finished}");
    // At most the gentle ones are missing.
    assert!(object["kills"].as_u64() >= Some(8), "{finished}");
}

#[test]
fn a_process_that_is_killed_at_any_commit_of_its_journal_loses_nothing() {
    let program = Program::new();
    // The whole set is for `make chaos ARGS=--every-transition`: it takes two minutes.
    let arguments = ["chaos", "--every-transition", "--runs", "2"];
    let finished = program.run(&[&arguments[..], &["--output", "json"]].concat());
    let object = finished.expect_code(0).json();
    assert_eq!(counts(&object), [0; 4], "{finished}");
    assert!(object["commits"].as_u64() > Some(8), "{finished}");
}
