//! A plugin that `new` has written: it builds outside of this project, and the host takes it.

use crate::component::{built, root};
use crate::program::Program;
use serde_json::json;

const NAME: &str = "batch-jobs";

/// Writes a plugin and gives it this project's versions of what it depends on, which are there already.
fn written(program: &Program) {
    let finished = program.run(&["new", NAME]);
    finished.expect_code(0);
    for said in ["wrote batch-jobs/src/lib.rs\n", "cargo build --release\n"] {
        assert!(finished.stdout.contains(said), "{finished}");
    }
    let lock = root().join("Cargo.lock");
    std::fs::copy(lock, program.folder().join(NAME).join("Cargo.lock")).unwrap();
}

#[test]
fn a_new_plugin_builds_by_itself_and_the_host_takes_it() {
    let program = Program::new();
    written(&program);
    let wasm = built(Some(&program.folder().join(NAME)));
    let inspected = program.run(&["inspect", wasm.to_str().unwrap(), "--output", "json"]);
    let facts = inspected.expect_code(0).json();
    assert_eq!(facts["manifest"]["name"], NAME);
    assert_eq!(facts["manifest"]["actionTypes"][0]["name"], "run_job");
    assert_eq!(
        facts["manifest"]["webhooks"]["signatureHeader"],
        "x-batch-signature"
    );
    // It makes no forms, and what it wants to know is asked for all the same.
    program.file(
        "i.toml",
        "id = \"a\"\nhosting = \"self-hosted\"\napi-url = \"https://jobs.example\"\n",
    );
    let new = [
        "configure",
        "--new",
        "--installation",
        "i.toml",
        "--component",
        wasm.to_str().unwrap(),
    ];
    let missing = program.run(&new);
    assert!(
        missing.refusal().contains("--set job=…: No job is named"),
        "{missing}"
    );
    let given = [
        &new[..],
        &["--identifier", "nightly", "--set", "job=nightly"],
    ]
    .concat();
    let made = program.run(&given);
    let action = made.expect_code(0).json();
    assert_eq!(action["trigger"]["userInputs"], json!({"properties": {}}));
    assert!(made.stderr.contains("note: The form is empty"), "{made}");
    // Nothing of WASI but what the contract has.
    for import in facts["imports"].as_array().unwrap() {
        let import = import.as_str().unwrap();
        let known = [
            "ocean:integration-action/",
            "wasi:clocks/",
            "wasi:http/",
            "wasi:io/",
        ];
        assert!(known.iter().any(|it| import.starts_with(it)), "{import}");
    }
}

#[test]
fn the_scenarios_of_a_new_plugin_pass() {
    let program = Program::new();
    written(&program);
    let folder = program.folder().join(NAME);
    let wasm = built(Some(&folder));
    let scenarios = folder.join("scenarios");
    let scenarios = scenarios.to_str().unwrap();
    let finished = program.run(&["test", scenarios, "--component", wasm.to_str().unwrap()]);
    finished.expect_code(0);
    assert!(finished.stdout.contains("2 passed"), "{finished}");
}

#[test]
fn new_overwrites_nothing_and_takes_no_path() {
    let program = Program::new();
    std::fs::create_dir(program.folder().join(NAME)).unwrap();
    let mine = program.file("batch-jobs/README.md", "mine");
    let refused = program.run(&["new", NAME]);
    refused.expect_code(2);
    assert!(refused.stderr.contains("is there already"), "{refused}");
    assert_eq!(std::fs::read_to_string(mine).unwrap(), "mine");
    assert!(!program.folder().join(NAME).join("src").exists());

    let refused = program.run(&["new", "../up"]);
    refused.expect_code(2);
    assert!(refused.stderr.contains("lower-case letters"), "{refused}");
}

#[test]
fn new_as_json_lists_the_files() {
    let program = Program::new();
    let finished = program.run(&["new", NAME, "--output", "json"]);
    let object = finished.expect_code(0).json();
    assert_eq!(object["folder"], NAME);
    let files = object["files"].as_array().unwrap();
    assert!(files.contains(&json!("batch-jobs/wit/deps/http.wit")));
    for file in files {
        assert!(
            program.folder().join(file.as_str().unwrap()).is_file(),
            "{file}"
        );
    }
}
