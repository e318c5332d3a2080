//! The demo is a test as well.

use crate::program::Program;

#[test]
fn the_demo_ends_every_run_as_it_should() {
    let program = Program::new();
    let finished = program.run(&["demo", "--output", "json"]);
    let object = finished.expect_code(0).json();
    assert_eq!(object["ok"], true, "{finished}");
    assert_eq!(object["violations"], serde_json::json!([]));
    assert!(object["killed"]["kills"].as_u64() >= Some(1), "{finished}");
    for verdict in ["lost", "doubled", "stuck", "wrong"] {
        assert_eq!(object["killed"][verdict], 0, "{finished}");
    }
    let runs = object["runs"].as_array().unwrap();
    assert!(runs.len() >= 8, "{finished}");
    for run in runs {
        for key in [
            "name",
            "kind",
            "status",
            "statusLabel",
            "link",
            "externalRunId",
            "expected",
        ] {
            assert!(run.get(key).is_some(), "{key} is missing: {run}");
        }
        assert_eq!(run["status"], run["expected"], "{run}");
    }
}
