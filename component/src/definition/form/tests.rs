//! Claims about forms.

use super::super::file::WorkflowFile;
use super::*;

fn form_of(inputs: &str, given: &[&str], environments: Option<&[&str]>) -> Form {
    let file = format!("on:\n  workflow_dispatch:\n    inputs:\n{inputs}");
    let file = WorkflowFile::read(&file).unwrap_or_else(|why| panic!("{why}\n{file}"));
    let given = Members(given.iter().map(|name| ((*name).into(), "1")).collect());
    let environments: Option<Vec<String>> =
        environments.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    Form::of(&file.inputs, &given, environments.as_deref())
}

/// The form's `userInputs`, and the words of its notes.
fn made(inputs: &str) -> (String, Vec<String>) {
    let form = form_of(inputs, &[], None);
    (form.user_inputs(), form.notes)
}

/// The only field, and the notes.
fn field(input: &str) -> (String, Vec<String>) {
    let (form, notes) = made(input);
    let form = Members::of(&form).unwrap();
    let properties = Members::of(form.get("properties").unwrap()).unwrap();
    (properties.0[0].1.to_owned(), notes)
}

#[test]
fn each_type_of_input_has_its_field_in_the_order_of_the_file() {
    let inputs = r#"
      version: {description: "What to deploy", required: true}
      level: {type: choice, default: low, options: [low, high]}
      dry-run: {type: boolean, default: true}
      count: {type: number, default: 1.50}
      where: {type: environment, default: prod}
      note: {type: string, default: "none \"yet\""}
"#;
    let form = form_of(inputs, &[], Some(&["staging", "prod"]));
    let expected = r#"{"properties":{
"version":{"type":"string","title":"version","description":"What to deploy"},
"level":{"type":"string","title":"level","enum":["low","high"],"default":"low"},
"dry-run":{"type":"boolean","title":"dry-run","default":true},
"count":{"type":"number","title":"count","default":1.50},
"where":{"type":"string","title":"where","enum":["staging","prod"],"default":"prod"},
"note":{"type":"string","title":"note","default":"none \"yet\""}},
"required":["version"],"order":["version","level","dry-run","count","where","note"]}"#;
    assert_eq!(form.user_inputs(), expected.replace('\n', ""));
    assert_eq!(form.notes, [""; 0]);
    let mapping: Vec<_> = form.mapping().collect();
    assert_eq!(
        mapping[2],
        ("dry-run", r#""{{ .inputs.\"dry-run\" }}""#.to_owned())
    );
    assert_eq!(mapping.len(), 6);
}

#[test]
fn a_workflow_without_inputs_has_an_empty_form() {
    assert_eq!(made(""), (r#"{"properties":{}}"#.to_owned(), vec![]));
}

#[test]
fn what_is_given_already_is_not_asked_for() {
    let form = form_of("      a:\n      b:\n", &["a"], None);
    let expected = r#"{"properties":{"b":{"type":"string","title":"b"}},"order":["b"]}"#;
    assert_eq!(form.user_inputs(), expected);
    assert_eq!(form.mapping().count(), 1);
}

#[test]
fn a_default_of_another_type_is_left_out_and_noted() {
    for (input, words) in [
        ("a: {type: boolean, default: maybe}", "is no boolean"),
        ("a: {type: number, default: many}", "is no number"),
        ("a: {type: number, default: +7}", "is no number"),
        ("a: {type: number, default: \"[1]\"}", "is no number"),
        (
            "a: {type: choice, default: c, options: [b]}",
            "is not among the choices",
        ),
        (
            "a:\n        default: |\n          long\n",
            "is not read here",
        ),
    ] {
        let (field, notes) = field(&format!("      {input}"));
        assert!(!field.contains("\"default\""), "{field}");
        assert!(
            notes[0].contains("The default of the input `a`"),
            "{notes:?}"
        );
        assert!(notes[0].contains(words), "{notes:?}");
    }
}

#[test]
fn a_description_that_is_not_read_is_noted() {
    let (field, notes) = field("      a:\n        description: >-\n          long\n");
    assert_eq!(field, r#"{"type":"string","title":"a"}"#);
    assert!(
        notes[0].contains("The description of the input `a`"),
        "{notes:?}"
    );
}

#[test]
fn an_environment_is_any_text_where_the_environments_are_not_known() {
    let (field, _) = field("      a: {type: environment, default: prod}");
    assert_eq!(field, r#"{"type":"string","title":"a","default":"prod"}"#);
    let form = form_of(
        "      a: {type: environment, default: prod}",
        &[],
        Some(&["dev"]),
    );
    assert!(
        form.notes[0].contains("is not among the choices"),
        "{:?}",
        form.notes
    );
}

#[test]
fn what_github_refuses_to_have_left_out_cannot_be_left_out() {
    let (form, notes) = made("      a: {type: choice, options: [x]}");
    assert!(form.contains(r#""required":["a"]"#), "{form}");
    assert!(notes[0].contains("required in the form"), "{notes:?}");
    let (form, notes) = made("      a: {type: choice, options: [x], required: true}");
    assert!(form.contains(r#""required":["a"]"#), "{form}");
    assert_eq!(notes, [""; 0]);
    let (field, notes) = field("      a: {type: boolean}");
    assert_eq!(field, r#"{"type":"boolean","title":"a","default":false}"#);
    assert!(notes[0].contains("is false in the form"), "{notes:?}");
}

#[test]
fn a_name_that_port_does_not_take_is_changed_and_stays_unlike_the_others() {
    let form = form_of("      a.b:\n      'a b':\n      \"\":\n", &[], None);
    let mapping: Vec<_> = form.mapping().collect();
    assert_eq!(
        mapping,
        [
            ("a.b", r#""{{ .inputs.\"a_b\" }}""#.to_owned()),
            ("a b", r#""{{ .inputs.\"a_b_\" }}""#.to_owned()),
            ("", r#""{{ .inputs.\"_\" }}""#.to_owned()),
        ]
    );
    assert_eq!(form.notes.len(), 3);
}

#[test]
fn an_option_that_is_there_twice_is_offered_once() {
    let (field, _) = field("      a: {type: choice, options: [x, y, x], default: x}");
    assert!(field.contains(r#""enum":["x","y"]"#), "{field}");
}

#[test]
fn only_the_marker_asks_for_a_form() {
    let asks = |action: &str| is_asked_for(&Members::of(action).unwrap());
    assert!(asks(r#"{"trigger":{"userInputs":"declared"}}"#));
    for action in [
        "{}",
        r#"{"trigger":{}}"#,
        r#"{"trigger":"declared"}"#,
        r#"{"userInputs":"declared"}"#,
        r#"{"trigger":{"userInputs":null}}"#,
        r#"{"trigger":{"userInputs":{}}}"#,
        r#"{"trigger":{"userInputs":"Declared"}}"#,
    ] {
        assert!(!asks(action), "{action}");
    }
}

#[test]
fn a_form_takes_the_place_of_the_marker_and_nothing_else_changes() {
    let action =
        r#"{"a":1.0,"trigger":{"type":"self-service","userInputs":"declared","z":2},"b":3}"#;
    assert_eq!(
        filled_in(action, "{}"),
        r#"{"a":1.0,"trigger":{"type":"self-service","userInputs":{},"z":2},"b":3}"#
    );
}
