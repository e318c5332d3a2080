//! Claims about inputs and declarations.

use super::*;

const FILE: &str = r"on:
  workflow_dispatch:
    inputs:
      text: {required: true}
      level: {type: choice, required: true, default: low, options: [low, high, 10, 1.50, true]}
      dry-run: {type: boolean, default: false}
      count: {type: number, default: 1}
      where: {type: environment}
      flag: {type: boolean}
      pick: {type: choice, options: [a]}
";

fn compared(raw: &str) -> (Vec<String>, usize) {
    let file = WorkflowFile::read(FILE).unwrap();
    let given = Given::read(Some(raw), true).unwrap();
    let fit = compare(&given, &file, 25, "`x.yml` at `main`");
    let misfits = fit.misfits.into_iter().map(|misfit| {
        let place = misfit.member.unwrap_or_default();
        assert!(misfit.failure.remedy.is_some(), "{}", misfit.failure.code);
        format!("{} {place}", misfit.failure.code)
    });
    (misfits.collect(), fit.notes.len())
}

#[test]
fn what_fits_is_no_problem() {
    for raw in [
        r#"{"text":"","flag":"true","pick":"a"}"#,
        r#"{"text":"x","flag":false,"pick":"a","level":"high","dry-run":true,"count":-1.5e3,"where":"prod","ref":"x"}"#,
        r#"{"text":["x"],"flag":true,"pick":"a","level":10,"count":"+7"}"#,
        r#"{"text":"{{ .inputs.x }}","flag":"{{ .x }}","pick":"{{ .x }}","level":"{{ .x }}","count":"{{ .x }}"}"#,
        r#"{"text":"x","flag":true,"pick":"a","level":"TRUE"}"#,
        r#"{"text":"x","flag":true,"pick":"a","level":1.5}"#,
        r#"{"text":"x","flag":true,"pick":"a","level":"","dry-run":"","count":""}"#,
        r#"{"{{ spreadValue() }}":"{{ .inputs }}"}"#,
    ] {
        assert_eq!(compared(raw), (vec![], 0), "{raw}");
    }
}

#[test]
fn each_misfit_has_its_code_and_its_member() {
    for (raw, codes) in [
        (r#"{}"#, vec!["missing-required-input "]),
        (r#"{"text":null}"#, vec!["missing-required-input "]),
        (r#"{"text":"x","other":1}"#, vec!["unknown-input other"]),
        (r#"{"text":"x","Level":"low"}"#, vec!["unknown-input Level"]),
        (
            r#"{"text":"x","level":"medium"}"#,
            vec!["not-a-choice level"],
        ),
        (r#"{"text":"x","level":11}"#, vec!["not-a-choice level"]),
        (
            r#"{"text":"x","level":["low"]}"#,
            vec!["not-a-choice level"],
        ),
        (r#"{"text":"x","pick":""}"#, vec!["not-a-choice pick"]),
        (
            r#"{"text":"x","dry-run":"yes"}"#,
            vec!["not-a-boolean dry-run"],
        ),
        (r#"{"text":"x","dry-run":1}"#, vec!["not-a-boolean dry-run"]),
        (r#"{"text":"x","flag":""}"#, vec!["not-a-boolean flag"]),
        (r#"{"text":"x","count":"many"}"#, vec!["not-a-number count"]),
        (r#"{"text":"x","count":"1e"}"#, vec!["not-a-number count"]),
        (r#"{"text":"x","count":"."}"#, vec!["not-a-number count"]),
        (r#"{"text":"x","count":"inf"}"#, vec!["not-a-number count"]),
        (
            r#"{"other":1,"level":"medium","count":true,"{{ x }}":"{{ y }}"}"#,
            vec![
                "unknown-input other",
                "not-a-choice level",
                "not-a-number count",
            ],
        ),
    ] {
        let (found, _) = compared(raw);
        assert_eq!(found, codes, "{raw}");
    }
}

#[test]
fn a_choice_or_boolean_that_is_left_out_without_default_is_noted() {
    assert_eq!(compared(r#"{"text":"x"}"#), (vec![], 2));
    assert_eq!(compared(r#"{"text":"x","flag":true}"#), (vec![], 1));
}

#[test]
fn the_right_spelling_is_told() {
    let file = WorkflowFile::read(FILE).unwrap();
    let given = Given::read(Some(r#"{"text":"x","LEVEL":"low"}"#), true).unwrap();
    let fit = compare(&given, &file, 25, "it");
    let remedies: Vec<_> = fit
        .misfits
        .iter()
        .map(|misfit| &misfit.failure.remedy)
        .collect();
    assert_eq!(remedies, [&Some("Write it as `level`.".to_owned())]);
}

#[test]
fn a_file_that_declares_too_many_inputs_is_refused_at_the_installation_s_limit() {
    let file = WorkflowFile::read(FILE).unwrap();
    let given = Given::read(Some(r#"{"text":"x"}"#), true).unwrap();
    for (limit, codes) in [(6, vec!["workflow-file-invalid"]), (7, vec![])] {
        let fit = compare(&given, &file, limit, "it");
        let found: Vec<_> = fit
            .misfits
            .iter()
            .map(|misfit| misfit.failure.code.as_str())
            .collect();
        assert_eq!(found, codes);
    }
}

#[test]
fn a_ref_is_an_input_only_where_a_property_ref_names_the_branch() {
    let file = WorkflowFile::read("on: workflow_dispatch").unwrap();
    for (take_ref, count) in [(true, 0), (false, 1)] {
        let given = Given::read(Some(r#"{"ref":"x"}"#), take_ref).unwrap();
        assert_eq!(compare(&given, &file, 25, "it").misfits.len(), count);
    }
}
