//! Every input that the fuzzer has kept or that somebody has written down, through the check of its target.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test")]

use std::collections::BTreeSet;
use std::fs;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};

use fuzz_checks::TARGETS;

/// `seeds`, written by hand, and `corpus`, what the fuzzer has found worth keeping.
const KINDS: [&str; 2] = ["seeds", "corpus"];

fn folder(kind: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz")
        .join(kind)
}

fn inputs(kind: &str, target: &str) -> Vec<PathBuf> {
    let folder = folder(kind).join(target);
    let entries = fs::read_dir(&folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

#[test]
fn every_kept_input_still_passes_its_check() {
    let mut failed = Vec::new();
    for kind in KINDS {
        for (target, check) in TARGETS {
            for file in inputs(kind, target) {
                let input = fs::read(&file).unwrap();
                if catch_unwind(|| check(&input)).is_err() {
                    failed.push(file);
                }
            }
        }
    }
    assert!(failed.is_empty(), "what is wrong stands above: {failed:#?}");
}

#[test]
fn every_target_has_a_binary_for_the_fuzzer_and_every_folder_a_target() {
    let names = |path: PathBuf| -> BTreeSet<String> {
        let entries = fs::read_dir(path).unwrap();
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        entries.map(|entry| stem(entry.unwrap().path())).collect()
    };
    let targets: BTreeSet<String> = TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    for place in ["fuzz_targets", "seeds", "corpus"] {
        assert_eq!(names(folder(place)), targets, "{place}");
    }
}
