//! The benchmark can measure everything, and compares what gives the same answers. What it measures here means nothing.

use crate::program::Program;
use serde_json::Value;

fn median(figures: &Value, what: &str) -> f64 {
    let median = figures[what]["median"].as_f64();
    median.unwrap_or_else(|| panic!("{what} is not in {figures:#}"))
}

#[test]
fn every_contender_of_the_benchmark_does_the_work_and_is_measured() {
    let program = Program::new();
    let only = "instance,delivery,dispatch,journal";
    let finished = program.run(&[
        "bench",
        "--quick",
        "--only",
        only,
        "--output",
        "json",
        "--json",
        "bench.json",
    ]);
    finished.expect_code(0);
    let figures: Value = serde_json::from_str(&finished.stdout).unwrap();
    let file = std::fs::read_to_string(program.folder().join("bench.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&file).unwrap(), figures);
    assert_eq!(figures["life"], Value::Null, "it was not asked for");
    let rows = figures["dispatch"].as_array().unwrap();
    assert_eq!(rows.len(), 6);
    for row in rows {
        assert!(median(row, "native") > 0.0, "{row:#}");
        // A sandbox is never free.
        assert!(median(row, "host") > median(row, "native"), "{row:#}");
    }
    let delivery = &figures["delivery"];
    assert!(
        median(delivery, "relevant_host") > median(delivery, "hash"),
        "{delivery:#}"
    );
    assert!(median(&figures["instance"], "host") > 0.0);
    let [alone, shared, ..] = figures["journal"].as_array().unwrap().as_slice() else {
        panic!("{figures:#}");
    };
    // Whoever has a commit alone pays for it alone.
    assert!(median(alone, "run") > median(shared, "run"), "{figures:#}");
}

#[cfg(target_os = "linux")]
#[test]
fn whole_runs_that_end_are_measured_in_a_process_of_their_own() {
    let program = Program::new();
    let finished = program.run(&["bench", "--quick", "--only", "flood,start"]);
    finished.expect_code(0);
    for what in [
        "100 runs that end at once",
        "a run under way",
        "420 runs that end one",
        "start until it listens",
    ] {
        assert!(finished.stdout.contains(what), "{finished}");
    }
}
