//! `host-harness test` as a user runs it.

use crate::program::Program;
use host_harness::simulator::github::{self, GitHub, Repository, Workflow};
use serde_json::Value;
use std::time::Duration;

const GOOD: &str = "why = 'a run ends well'\n[[run]]\n[[expect.run]]\nstatus = 'SUCCESS'\n";
const BAD: &str =
    "why = 'a run that ends well is said to fail'\n[[run]]\n[[expect.run]]\nstatus = 'FAILURE'\n";

#[test]
fn scenarios_that_pass_end_with_0_and_a_line_that_counts_them() {
    let program = Program::new();
    program.file("good.toml", GOOD);
    let finished = program.run(&["test", "."]);
    finished.expect_code(0);
    assert!(
        finished.stdout.starts_with("1 passed, 0 failed in "),
        "{finished}"
    );
}

#[test]
fn a_scenario_that_fails_tells_its_rule_what_was_seen_and_what_happened_and_ends_with_1() {
    let program = Program::new();
    program.file("good.toml", GOOD);
    program.file("bad.toml", BAD);
    let finished = program.run(&["test", "."]);
    finished.expect_code(1);
    for part in [
        "FAILED bad\n",
        "  rule: a run that ends well is said to fail\n",
        "  expect.run[0].status (run 1)\n    - FAILURE\n    + SUCCESS\n",
        "POST /repos/acme/shop/actions/workflows/deploy.yml/dispatches -> 200",
        "1 passed, 1 failed in ",
    ] {
        assert!(finished.stdout.contains(part), "{part:?}: {finished}");
    }
}

#[test]
fn a_filter_chooses_by_name_and_what_is_not_there_ends_with_2() {
    let program = Program::new();
    program.file("good.toml", GOOD);
    program.file("bad.toml", BAD);
    program
        .run(&["test", ".", "--filter", "goo"])
        .expect_code(0);
    program
        .run(&["test", ".", "--filter", "none"])
        .expect_code(2);
    program.run(&["test", "nowhere"]).expect_code(2);
    let other = program.run(&["inspect", "x.wasm", "--output", "junit"]);
    other.expect_code(2);
    assert!(other.stderr.contains("only `test`"), "{other}");
}

#[test]
fn a_key_that_is_misspelt_fails_its_scenario_with_the_line_and_a_proposal() {
    let program = Program::new();
    program.file(
        "odd.toml",
        "[[run]]\n[installation]\norganisation = 'acme'\n",
    );
    let finished = program.run(&["test", "odd.toml"]);
    finished.expect_code(1);
    assert!(finished.stdout.contains("odd.toml:3:1: "), "{finished}");
    assert!(
        finished.stdout.contains("did you mean `organization`?"),
        "{finished}"
    );
}

#[test]
fn results_come_as_json_and_as_junit() {
    let program = Program::new();
    program.file("good.toml", GOOD);
    program.file("bad.toml", BAD);
    let finished = program.run(&["test", ".", "--output", "json"]);
    finished.expect_code(1);
    let all: Value = serde_json::from_str(&finished.stdout).unwrap();
    assert_eq!((&all["passed"], &all["failed"]), (&1.into(), &1.into()));
    assert_eq!(all["scenarios"][0]["name"], "bad");
    let key = &all["scenarios"][0]["complaints"][0]["key"];
    assert_eq!(key, "expect.run[0].status (run 1)");
    std::fs::create_dir(program.folder().join("below")).unwrap();
    std::fs::rename(
        program.folder().join("bad.toml"),
        program.folder().join("below/bad.toml"),
    )
    .unwrap();
    let finished = program.run(&["test", ".", "--output", "junit"]);
    finished.expect_code(1);
    assert!(finished.stdout.starts_with("<?xml"), "{finished}");
    for part in [
        "tests=\"2\" ",
        "failures=\"1\" ",
        "<testcase name=\"good\" classname=\"scenarios\" ",
        "<testcase name=\"bad\" classname=\"scenarios.below\" ",
        "<failure message=\"expect.run[0].status (run 1)\">",
    ] {
        assert!(finished.stdout.contains(part), "{part:?}: {finished}");
    }
}

#[tokio::test]
async fn a_watched_scenario_is_played_again_when_it_changes_and_the_others_are_not() {
    let program = Program::new();
    program.file("good.toml", GOOD);
    program.file("other.toml", GOOD);
    let mut running = program.start(&["test", ".", "--watch"]);
    running.line_with("2 passed, 0 failed").await;
    running.line_with("watching").await;
    program.file("good.toml", BAD);
    running.line_with("FAILED good").await;
    running.line_with("0 passed, 1 failed").await;
    running.line_with("watching").await;
    program.file("new.toml", GOOD);
    running.line_with("2 passed, 1 failed").await;
    // That they were read is no change.
    tokio::time::sleep(Duration::from_millis(700)).await;
    let all = running.terminate().await.stdout;
    assert_eq!(all.matches(" failed in ").count(), 3, "{all}");
}

#[tokio::test]
async fn a_change_of_a_source_builds_the_component_and_plays_everything_again() {
    let program = Program::new();
    std::fs::create_dir(program.folder().join("src")).unwrap();
    program.file("good.toml", GOOD);
    program.file("src/lib.rs", "// one\n");
    let build = "cat src/lib.rs > built && grep -q two src/lib.rs";
    let mut running = program.start(&["test", "good.toml", "--watch", "--build", build]);
    running.line_with("watching").await;
    program.file("src/lib.rs", "// three\n");
    running.line_with("the component was not built").await;
    program.file("src/lib.rs", "// two\n");
    running.line_with("building: ").await;
    running.line_with("1 passed, 0 failed").await;
    let built = std::fs::read_to_string(program.folder().join("built")).unwrap();
    assert_eq!(built, "// two\n");
    running.line_with("watching").await;
    // What was read and built is no change: that would be one more every 300 ms. On a busy machine the emptying of a file and
    // what is written into it can be two.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let all = running.terminate().await.stdout;
    let builds = all.matches("building: ").count();
    assert!((2..=4).contains(&builds), "{all}");
}

/// A dispatch that is answered out of a recording; the recording is made of a server at this address.
fn recorded(api_url: &str) -> String {
    format!(
        "recording = 'real.recording.toml'\n[installation]\napi-url = '{api_url}'\ntoken-env = 'A_REAL_TOKEN'\n\
         [call]\nfunction = 'dispatch'\n[expect]\nresult = {{ started = {{ externalRunId = 'gh_[..]' }} }}\n"
    )
}

#[tokio::test]
async fn a_real_server_is_recorded_once_and_not_asked_again() {
    let program = Program::new();
    let github = GitHub::start(github::Options::default()).await.unwrap();
    github.add_repository(Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml")));
    program.file("real.toml", recorded(&github.api_url()));
    let test = async |arguments: &[&str], token: Option<String>| {
        let mut command = program.command(&[&["test", "real.toml"], arguments].concat());
        command.envs(token.map(|token| ("A_REAL_TOKEN", token)));
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        let output = output.unwrap().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stdout).unwrap(),
        )
    };
    let (code, told) = test(&["--record"], None).await;
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("installation.token-env: A_REAL_TOKEN"),
        "{told}"
    );
    let (code, told) = test(&["--record"], Some(github.token())).await;
    assert_eq!(code, Some(0), "{told}");
    assert_eq!(github.runs().len(), 1);
    let text = std::fs::read_to_string(program.folder().join("real.recording.toml")).unwrap();
    assert!(
        text.contains("/dispatches") && !text.contains(&github.token()),
        "{text}"
    );
    github.stop().await;
    let (code, told) = test(&[], None).await;
    assert_eq!(code, Some(0), "{told}");
    let (code, told) = test(&["--update"], Some(github.token())).await;
    assert_eq!((code, github.runs().len()), (Some(1), 1), "{told}");
}

#[test]
fn a_date_without_quotes_is_refused_where_it_stands() {
    let program = Program::new();
    let text = "[[run]]\nproperties = { workflowInputs = { day = 2026-01-15 } }\n";
    program.file("date.toml", text);
    let finished = program.run(&["test", "date.toml"]);
    finished.expect_code(1);
    let told = "run[0].properties.workflowInputs.day: it is a date";
    assert!(finished.stdout.contains(told), "{finished}");
}

#[test]
fn what_makes_no_sense_is_refused_with_file_and_key_before_anything_is_played() {
    let program = Program::new();
    program.file("both.toml", "[[run]]\n[call]\nfunction = 'plan'\n");
    program.file("early.toml", "start = '0001-01-01T00:00:00Z'\n[[run]]\n");
    let shared = "recording = 'x.recording.toml'\n[[run]]\n";
    program.file("one.toml", shared);
    program.file("two.toml", shared);
    let finished = program.run(&["test", "."]);
    finished.expect_code(1);
    for told in [
        "both.toml: run: a [call] has no host around it",
        "early.toml: start: \"0001-01-01T00:00:00Z\" is no moment between 1970 and 2200",
        "two.toml: its recording ./x.recording.toml is that of one too",
    ] {
        assert!(finished.stdout.contains(told), "{told:?}: {finished}");
    }
}

#[test]
fn links_that_lead_in_a_circle_and_what_cargo_builds_are_passed_over() {
    let program = Program::new();
    program.file("good.toml", GOOD);
    program.file("Cargo.toml", "[package]\n");
    std::fs::create_dir(program.folder().join("target")).unwrap();
    program.file("target/built.toml", "no = 'scenario'\n");
    std::os::unix::fs::symlink("..", program.folder().join("up")).unwrap();
    let finished = program.run(&["test", ".", "good.toml"]);
    finished.expect_code(0);
    assert!(finished.stdout.starts_with("1 passed"), "{finished}");
}
