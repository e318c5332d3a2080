//! Claims about asking GitHub for what a form is made of.

use crate::contract::ocean::integration_action::types::{Configured, Origin, Problem, Scope};
use crate::definition::configure;
use crate::host::{Response, TransportError};
use crate::script::{Script, answer, answer_with, installation, refusal, repository};

type Answer = Result<Response, TransportError>;

const FILE: &str = "on:\n  workflow_dispatch:\n    inputs:\n      env: {type: environment, required: true}\n      dry-run: {type: boolean, default: true}\n";

/// Asks for the form of an action with these properties. The answers follow those about repository and workflow.
fn ask(
    properties: &str,
    scope: Scope,
    answers: &[Answer],
) -> (Result<Configured, Vec<Problem>>, Vec<String>) {
    let definition = format!(
        r#"{{"identifier":"deploy","trigger":{{"type":"self-service","operation":"CREATE","userInputs":"declared"}},
            "invocationMethod":{{"type":"INTEGRATION_ACTION","installationId":"inst-1",
            "integrationActionType":"dispatch_workflow","integrationActionExecutionProperties":{{{properties}}}}}}}"#
    );
    let workflow = answer(
        200,
        r#"{"id":5,"name":"Deploy","path":".github/workflows/deploy.yml","state":"active"}"#,
    );
    let host = Script::of(
        [repository(), workflow]
            .into_iter()
            .chain(answers.iter().cloned()),
    );
    let result = configure(&host, &installation(), &definition, Origin::Api, scope);
    let asked = host.asked();
    (result, asked.get(2..).unwrap_or_default().to_vec())
}

const FIXED: &str =
    r#""org":"acme","repo":"shop","workflow":"deploy.yml","reportWorkflowStatus":true"#;

fn made(further: &str, answers: &[Answer]) -> Configured {
    let properties = [FIXED, further].concat();
    ask(&properties, Scope::AgainstServer, answers).0.unwrap()
}

fn problems(properties: &str, scope: Scope, answers: &[Answer]) -> Vec<String> {
    let problems = ask(properties, scope, answers).0.unwrap_err();
    problems
        .into_iter()
        .map(|problem| format!("{} {}", problem.code, problem.pointer))
        .collect()
}

fn environments(names: &[&str], total: usize) -> Answer {
    let names: Vec<String> = names
        .iter()
        .map(|name| format!(r#"{{"id":1,"name":"{name}"}}"#))
        .collect();
    answer(
        200,
        &format!(
            r#"{{"total_count":{total},"environments":[{}]}}"#,
            names.join(",")
        ),
    )
}

#[test]
fn a_form_is_made_with_the_environments_of_the_repository_and_hands_its_values_over() {
    let answers = [answer(200, FILE), environments(&["dev", "prod"], 2)];
    let properties = FIXED.to_owned();
    let (result, asked) = ask(&properties, Scope::AgainstServer, &answers);
    assert_eq!(
        asked[1..],
        ["GET /repos/acme/shop/environments?per_page=100"]
    );
    let expected = r#"{"identifier":"deploy","trigger":{"type":"self-service","operation":"CREATE","userInputs":{"properties":{
"env":{"type":"string","title":"env","enum":["dev","prod"]},
"dry-run":{"type":"boolean","title":"dry-run","default":true}},"required":["env"],"order":["env","dry-run"]}},
"invocationMethod":{"type":"INTEGRATION_ACTION","installationId":"inst-1","integrationActionType":"dispatch_workflow",
"integrationActionExecutionProperties":{"org":"acme","repo":"shop","workflow":"deploy.yml","reportWorkflowStatus":true,
"workflowInputs":{"env":"{{ .inputs.\"env\" }}","dry-run":"{{ .inputs.\"dry-run\" }}"}}}}"#;
    assert_eq!(result.unwrap().definition, expected.replace('\n', ""));
}

#[test]
fn environments_that_cannot_be_chosen_from_leave_a_text_and_a_note() {
    let refused = answer_with(
        403,
        &[("x-accepted-github-permissions", "actions=read")],
        r#"{"message":"Resource not accessible by integration"}"#,
    );
    for (answer_, words) in [
        (environments(&[], 0), "has none"),
        (environments(&["dev"], 101), "has 101"),
        (refused, "not accessible"),
        (refusal(404, "Not Found"), "Not Found"),
        (answer(200, "{}"), "cannot be read"),
    ] {
        let configured = made("", &[answer(200, FILE), answer_]);
        assert!(
            !configured.definition.contains("enum"),
            "{}",
            configured.definition
        );
        let told = configured.notes.join("\n");
        assert!(
            told.contains("The input `env` is an environment") && told.contains(words),
            "{told}"
        );
    }
}

#[test]
fn inputs_that_are_given_stay_and_the_others_are_added() {
    let further = r#","workflowInputs":{"env":"prod","ref":"v1"}"#;
    let configured = made(further, &[answer(200, FILE), answer(200, FILE)]);
    for part in [
        r#""workflowInputs":{"env":"prod","ref":"v1","dry-run":"{{ .inputs.\"dry-run\" }}"}"#,
        r#""order":["dry-run"]"#,
    ] {
        assert!(
            configured.definition.contains(part),
            "{}",
            configured.definition
        );
    }
}

#[test]
fn an_input_called_ref_is_told_from_the_branch() {
    let file = "on:\n  workflow_dispatch:\n    inputs:\n      ref: {required: true}\n";
    let configured = made("", &[answer(200, file)]);
    let expected = r#""ref":"main","workflowInputs":{"ref":"{{ .inputs.\"ref\" }}"}"#;
    assert!(
        configured.definition.contains(expected),
        "{}",
        configured.definition
    );
    assert!(
        configured
            .notes
            .join("\n")
            .contains("`ref` was set to `main`")
    );
}

#[test]
fn a_form_that_cannot_be_made_is_a_problem_that_says_why() {
    const NOT_MADE: &str = "form-not-made /trigger/userInputs";
    let refused = answer_with(
        403,
        &[("x-accepted-github-permissions", "contents=read")],
        r#"{"message":"Resource not accessible by integration"}"#,
    );
    let with = |further: &str| [FIXED, further].concat();
    let template = |key: &str| {
        let value = if key == "repo" { "shop" } else { "deploy.yml" };
        FIXED.replace(
            &format!("\"{key}\":\"{value}\""),
            &format!("\"{key}\":\"{{{{ .x }}}}\""),
        )
    };
    let server = Scope::AgainstServer;
    assert_eq!(problems(FIXED, Scope::DefinitionOnly, &[]), [NOT_MADE]);
    assert_eq!(problems(&template("repo"), server, &[]), [NOT_MADE]);
    assert_eq!(problems(&template("workflow"), server, &[]), [NOT_MADE]);
    assert_eq!(
        problems(FIXED, server, std::slice::from_ref(&refused)),
        [NOT_MADE]
    );
    assert_eq!(
        problems(&with(r#","ref":"{{ .x }}""#), server, &[refused]),
        [NOT_MADE]
    );
    let all = with(r#","workflowInputs":"{{ .inputs }}""#);
    assert_eq!(problems(&all, server, &[answer(200, FILE)]), [NOT_MADE]);
}

#[test]
fn where_something_else_is_wrong_that_is_said() {
    let server = Scope::AgainstServer;
    for (file, problem) in [
        ("on: push", "no-dispatch-trigger"),
        (
            "on:\n  workflow_dispatch:\n    inputs:\n      a: {type: choice, options: []}\n",
            "workflow-file-invalid",
        ),
    ] {
        let found = problems(FIXED, server, &[answer(200, file)]);
        let place = "/invocationMethod/integrationActionExecutionProperties/workflow";
        assert_eq!(found, [format!("{problem} {place}")]);
    }
}

#[test]
fn the_form_of_a_branch_that_only_the_run_shows_is_that_of_the_default_branch() {
    let configured = made(
        r#","ref":"{{ .x }}""#,
        &[answer(200, FILE), environments(&["dev"], 1)],
    );
    assert!(
        configured
            .definition
            .contains(r#""order":["env","dry-run"]"#)
    );
    assert!(
        configured
            .notes
            .join("\n")
            .contains("only a run shows its `ref`")
    );
}
