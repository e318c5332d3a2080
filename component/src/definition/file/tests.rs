//! Claims about workflow files, and a comparison with a YAML library.

mod oracle;

use super::Written::{Nothing, Unread};
use super::*;

fn read(text: &str) -> WorkflowFile {
    WorkflowFile::read(text).unwrap_or_else(|why| panic!("{why}\n{text}"))
}

fn refused(text: &str) -> String {
    match WorkflowFile::read(text) {
        Ok(file) => panic!("{file:?}\n{text}"),
        Err(why) => why.to_string(),
    }
}

fn with_inputs(inputs: &str) -> String {
    format!("name: x\non:\n  workflow_dispatch:\n    inputs:\n{inputs}\njobs: {{}}\n")
}

fn input(
    name: &str,
    kind: Kind,
    required: bool,
    description: &Written,
    default: Written,
) -> Declared {
    Declared {
        name: name.into(),
        kind,
        required,
        description: description.clone(),
        default,
    }
}

fn text(text: &str) -> Written {
    Written::Text(text.into())
}

/// A file as people write it.
const WHOLE: &str = r#"# Deploys a service.
name: "Deploy: to # everywhere"
run-name: Deploy ${{ inputs.env }} by @${{ github.actor }} # told in the list
on:
  # Merges go to staging.
  push:
    branches: [main, 'release/**'] # and these
    paths-ignore:
    - '**.md'
    - docs/** # text
  pull_request:
    types: [opened,
            "re:opened"]   # over two lines

  schedule:
    - cron: '0 4 * * *'
  workflow_dispatch:
    inputs:
      env:
        description: >-
          Where to: it goes on
          # no comment
        type: choice
        required: true
        options:
          - dev   # the first
          - "prod"
          - 'it''s'
      dry-run: { type: boolean, default: false, description: "a, b: c" }
      count:
        description: A long
          text # with a comment
        type: number
        default: 3
      'where':
        type: environment
        description: 'It''s # here'
        default: ~
      free:
jobs:
  on:
    runs-on: ubuntu-latest
    steps:
      - run: |
          on: push
          echo "unbalanced
      - uses: actions/checkout@v4
"#;

#[test]
fn a_file_as_people_write_it_is_read() {
    let options = vec!["dev".into(), "prod".into(), "it's".into()];
    let expected = WorkflowFile {
        has_trigger: true,
        inputs: vec![
            input("env", Kind::Choice(options), true, &Unread, Nothing),
            input(
                "dry-run",
                Kind::Boolean,
                false,
                &text("a, b: c"),
                text("false"),
            ),
            input("count", Kind::Number, false, &Unread, text("3")),
            input(
                "where",
                Kind::Environment,
                false,
                &text("It's # here"),
                Nothing,
            ),
            input("free", Kind::Text, false, &Nothing, Nothing),
        ],
    };
    assert_eq!(read(WHOLE), expected);
    assert_eq!(read(&WHOLE.replace('\n', "\r\n")), expected);
    assert_eq!(read(&format!("\u{feff}# c\n--- # d\n{WHOLE}")), expected);
}

#[test]
fn the_trigger_is_found_in_all_three_forms_and_not_elsewhere() {
    for text in [
        "on: workflow_dispatch",
        "on : workflow_dispatch # x",
        "\"on\": 'workflow_dispatch'",
        "on: [push, workflow_dispatch]",
        "on: [push,\n  workflow_dispatch,\n  ]",
        "on:\n- push\n- workflow_dispatch",
        "on:\n  - workflow_dispatch\njobs:\n",
        "on: {workflow_dispatch: }",
        "on:\n  workflow_dispatch:",
        "on:\n  workflow_dispatch: {}\n  push:",
    ] {
        assert!(read(text).has_trigger, "{text}");
    }
    for text in [
        "",
        "name: x",
        "on:",
        "on: push",
        "on: [push]",
        "on:\n  push:\n    branches: [workflow_dispatch]",
        "on: push\njobs:\n  workflow_dispatch:\n    runs-on: x",
        "on:\n  # workflow_dispatch:\n  push:",
        "env:\n  on: workflow_dispatch",
        "run-name: |\n  on: workflow_dispatch\non: push",
    ] {
        assert!(!read(text).has_trigger, "{text}");
    }
}

#[test]
fn what_has_another_form_makes_the_file_unreadable_and_is_never_guessed() {
    for text in [
        "- on",
        "on: push\non: workflow_dispatch",
        "on: push\n---\non: workflow_dispatch",
        "on: push\n...\n",
        "%YAML 1.2\n---\non: push",
        "on: &x\n  push:",
        "on: *x",
        "on: !!str push",
        "on: |\n  push",
        "on: push\n  workflow_dispatch",
        "on: \"push",
        "on: [push",
        "on: push: x",
        "on: {push: , <<: *x}",
        "on:\n  push:\n    branches:\n   - x",
        "on:\n\tpush:",
        "on:\n  - push:\n",
        "name: \"a\nb\"\non: workflow_dispatch",
    ] {
        refused(text);
    }
    for (inputs, named) in [
        ("      a: *x", "inputs.a`"),
        ("      a: text", "inputs.a`"),
        ("      a: {type: secret}", "a.type`"),
        ("      a: {type: [string]}", "a.type`"),
        ("      a: {required: yes}", "a.required`"),
        ("      a: {default: [x]}", "a.default`"),
        ("      a: {type: choice}", "a.options`"),
        ("      a: {type: choice, options: x}", "a.options`"),
        ("      a: {type: choice, options: [[x]]}", "a.options`"),
        (
            "      a: {type: choice, options: [\"\\x41\"]}",
            "a.options`",
        ),
        (
            "      a:\n        type: string\n        type: number",
            "twice",
        ),
        ("      a:\n      a:", "twice"),
        ("      <<: *x", "merges"),
    ] {
        let why = refused(&with_inputs(inputs));
        assert!(why.contains(named), "{why}");
    }
}

#[test]
fn the_trouble_is_told_with_its_line() {
    let why = refused("name: x\non:\n  push:\n    a: 1\n   b: 2\n");
    assert_eq!(
        why,
        "line 5: a key was expected at the indentation of the one before"
    );
}

#[test]
fn depth_and_size_have_bounds() {
    let deep = format!("on: {}{}", "[".repeat(50_000), "]".repeat(50_000));
    refused(&deep);
    let steps: Vec<String> = (0..5_000).map(|n| format!("{}k:", " ".repeat(n))).collect();
    refused(&format!("on:\n {}", steps.join("\n ")));
    refused(&format!("on: push # {}", "x".repeat(600_000)));
}

/// Whatever is read from a file, a YAML library reads the same from it. The files are made from good ones by leaving
/// out, doubling, indenting and joining lines, and by changing single characters.
#[test]
fn whatever_is_read_a_yaml_library_reads_alike() {
    let mut compared = 0;
    let seeds = [
        WHOLE.to_owned(),
        with_inputs(
            "      a: {type: choice, options: [1, x y, 'b'], required: True}\n      b:\n        default: \"q\"",
        ),
        "on: [push, workflow_dispatch]\nname: x\n".to_owned(),
        "on:\n- push\n- workflow_dispatch\nenv:\n  A: 'b'\n".to_owned(),
    ];
    for seed in &seeds {
        for text in variants(seed) {
            let (Ok(ours), Some(theirs)) = (WorkflowFile::read(&text), oracle::read(&text)) else {
                continue;
            };
            assert_eq!(
                Ok(&ours),
                theirs.map(|file| as_far_as_read(file, &ours)).as_ref(),
                "{text}"
            );
            compared += 1;
        }
    }
    assert!(compared > 2_000, "{compared}");
}

/// What a library reads, without the texts that our reader says it has not read. Whether there is a default is certain
/// all the same; a description may turn out to be none.
fn as_far_as_read(mut theirs: WorkflowFile, ours: &WorkflowFile) -> WorkflowFile {
    for (theirs, ours) in theirs.inputs.iter_mut().zip(&ours.inputs) {
        if ours.default == Unread && theirs.has_default() {
            theirs.default = Unread;
        }
        if ours.description == Unread {
            theirs.description = Unread;
        }
    }
    theirs
}

fn variants(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut variants = vec![text.to_owned()];
    for at in 0..lines.len() {
        let mut with = |changed: &[String]| {
            let mut all: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
            all.splice(at..=at, changed.iter().cloned());
            variants.push(all.join("\n"));
        };
        let line = lines[at];
        with(&[]);
        with(&[line.to_owned(), line.to_owned()]);
        for indented in [format!(" {line}"), format!("  {line}"), format!("\t{line}")] {
            with(&[indented]);
        }
        with(&[line.trim_start().to_owned()]);
        with(&[line.strip_prefix(' ').unwrap_or(line).to_owned()]);
        with(&[format!("{line} # \" ' : [ x")]);
        with(&[format!("{line} x")]);
    }
    let characters = [
        '"', '\'', '#', ':', '[', ']', '{', '}', ',', '-', ' ', '\n', '&', '*', '|', '\\', 'x',
    ];
    for (place, _) in text.char_indices() {
        for character in characters {
            let (before, after) = text.split_at(place);
            variants.push(format!("{before}{character}{after}"));
        }
    }
    variants
}
