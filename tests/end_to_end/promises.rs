//! `docs/promises.md` names a test for each defect of the system that this host can replace. The tests exist: functions, or
//! scenarios, whose file has the name and which say what they show.

use crate::component::root;
use host_harness::scenario::suite;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// The text of all Rust files below a folder.
fn sources(folder: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            text.push_str(&sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
    text
}

/// How many defects are known.
const DEFECTS: u32 = 44;

/// The names of all scenarios, and the promises that each says it shows. Several may have one name.
fn scenarios() -> BTreeMap<String, BTreeSet<String>> {
    let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for case in suite::find(&[root().join("tests/scenarios")], None).unwrap() {
        let claim = case.file.file_stem().unwrap().to_str().unwrap().to_owned();
        let promises = case.scenario.unwrap().promises;
        all.entry(claim).or_default().extend(promises);
    }
    all
}

#[test]
fn every_promise_that_a_scenario_names_is_on_the_page() {
    let page = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    for case in suite::find(&[root().join("tests/scenarios")], None).unwrap() {
        for promise in case.scenario.unwrap().promises {
            let row = format!("| {promise} |");
            assert!(page.contains(&row), "{}: {promise}", case.file.display());
        }
    }
}

#[test]
fn every_defect_that_is_promised_to_be_gone_has_a_test_that_exists() {
    let page = fs::read_to_string(root().join("docs/promises.md")).unwrap();
    let all: String = ["tests", "host-harness/src", "component/src"]
        .map(|folder| sources(&root().join(folder)))
        .concat();
    let scenarios = scenarios();
    let mut promised = BTreeSet::new();
    for row in page.lines().filter(|line| line.starts_with("| D")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let tests: Vec<&str> = cells[4].split('`').skip(1).step_by(2).collect();
        assert!(!tests.is_empty(), "no test: {row}");
        for test in tests {
            match scenarios.get(test) {
                Some(shown) => assert!(shown.contains(cells[1]), "{test} does not say so: {row}"),
                None => assert!(
                    all.contains(&format!("fn {test}()")),
                    "there is no test {test}: {row}"
                ),
            }
        }
        assert!(promised.insert(cells[1].to_owned()), "twice: {row}");
    }
    let wanted: BTreeSet<String> = (1..=DEFECTS).map(|number| format!("D{number}")).collect();
    assert_eq!(promised, wanted);
}
