//! Claims about comparing a definition with a workflow's file.

use crate::contract::ocean::integration_action::types::{Configured, Origin, Problem, Scope};
use crate::definition::configure;
use crate::host::{Response, TransportError};
use crate::script::{Script, answer, answer_with, installation, refusal, repository};

type Answer = Result<Response, TransportError>;

const FILE: &str = "on:\n  workflow_dispatch:\n    inputs:\n      env:\n        required: true\n";

/// Asks about a definition with these further properties. The answers follow those about repository and workflow.
fn ask(further: &str, answers: &[Answer]) -> (Result<Configured, Vec<Problem>>, Vec<String>) {
    ask_in(repository(), further, answers)
}

fn ask_in(
    repository: Answer,
    further: &str,
    answers: &[Answer],
) -> (Result<Configured, Vec<Problem>>, Vec<String>) {
    let definition = format!(
        r#"{{"type":"INTEGRATION_ACTION","installationId":"inst-1","integrationActionType":"dispatch_workflow",
            "integrationActionExecutionProperties":{{"org":"acme","repo":"shop","workflow":"deploy.yml"{further}}}}}"#
    );
    let workflow = answer(
        200,
        r#"{"id":5,"name":"Deploy","path":".github/workflows/deploy.yml","state":"active"}"#,
    );
    let host = Script::of(
        [repository, workflow]
            .into_iter()
            .chain(answers.iter().cloned()),
    );
    let result = configure(
        &host,
        &installation(),
        &definition,
        Origin::Api,
        Scope::AgainstServer,
    );
    let asked = host.asked();
    assert!(asked.iter().all(|line| line.starts_with("GET ")));
    (result, asked.get(2..).unwrap_or_default().to_vec())
}

/// Code and place of each problem.
fn problems(further: &str, answers: &[Answer]) -> Vec<String> {
    let problems = ask(further, answers).0.err().unwrap_or_default();
    problems
        .into_iter()
        .map(|problem| {
            assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
            let place = problem
                .pointer
                .replace("/integrationActionExecutionProperties", "");
            format!("{} {place}", problem.code)
        })
        .collect()
}

fn notes(further: &str, answers: &[Answer]) -> String {
    ask(further, answers).0.unwrap().notes.join("\n")
}

fn file(text: &str) -> Answer {
    answer(200, text)
}

const ENV: &str = r#","workflowInputs":{"env":"prod"}"#;

#[test]
fn the_file_is_read_where_the_workflow_would_run() {
    let place = "GET /repos/acme/shop/contents/.github/workflows/deploy.yml?ref=";
    for (further, refs) in [
        (ENV, vec!["main"]),
        (
            r#","ref":"main","workflowInputs":{"env":"x"}"#,
            vec!["main"],
        ),
        (
            r#","ref":"refs/heads/main","workflowInputs":{"env":"x"}"#,
            vec!["refs%2Fheads%2Fmain"],
        ),
        (
            r#","ref":"a/b","workflowInputs":{"env":"x"}"#,
            vec!["a%2Fb", "main"],
        ),
        (
            r#","workflowInputs":{"env":"x","ref":"v1"}"#,
            vec!["v1", "main"],
        ),
        (
            r#","ref":"{{ .x }}","workflowInputs":{"env":"x"}"#,
            vec!["main"],
        ),
        (r#","workflowInputs":"{{ .inputs }}""#, vec!["main"]),
    ] {
        let (result, asked) = ask(further, &[file(FILE), file(FILE)]);
        assert!(result.is_ok(), "{further}: {result:?}");
        let expected: Vec<String> = refs
            .iter()
            .map(|reference| [place, reference].concat())
            .collect();
        assert_eq!(asked, expected, "{further}");
    }
}

#[test]
fn a_file_that_takes_other_inputs_or_cannot_be_started_is_a_problem() {
    for (further, answers, expected) in [
        (
            "",
            vec![file(FILE)],
            vec!["missing-required-input /workflowInputs"],
        ),
        (
            r#","workflowInputs":{"a/b":1}"#,
            vec![file(FILE)],
            vec![
                "unknown-input /workflowInputs/a~1b",
                "missing-required-input /workflowInputs",
            ],
        ),
        (
            ENV,
            vec![file("on: push")],
            vec!["no-dispatch-trigger /workflow"],
        ),
        (
            ENV,
            vec![file("on: [push")],
            vec!["workflow-file-unreadable /workflow"],
        ),
        (
            ENV,
            vec![Ok(Response {
                body: vec![0xff],
                ..answer(200, "").unwrap()
            })],
            vec!["workflow-file-unreadable /workflow"],
        ),
        (
            ENV,
            vec![refusal(404, "Not Found")],
            vec!["workflow-not-at-ref /workflow"],
        ),
        (ENV, vec![refusal(502, "x")], vec!["server-error /workflow"]),
        (
            ENV,
            vec![Ok(Response {
                complete: false,
                ..file(FILE).unwrap()
            })],
            vec!["unreadable-answer /workflow"],
        ),
        (
            r#","ref":"x","workflowInputs":{"env":"y"}"#,
            vec![refusal(404, "No commit found for the ref x"), file(FILE)],
            vec!["ref-not-found /ref"],
        ),
        (
            r#","workflowInputs":{"env":"y","ref":"x"}"#,
            vec![refusal(404, "No commit found for the ref x"), file(FILE)],
            vec!["ref-not-found /workflowInputs/ref"],
        ),
    ] {
        assert_eq!(problems(further, &answers), expected);
    }
}

#[test]
fn the_branch_that_is_asked_for_decides_and_the_default_branch_is_a_note() {
    let further = r#","ref":"x","workflowInputs":{"env":"y"}"#;
    assert_eq!(
        problems(further, &[file("on: push"), file(FILE)]),
        ["no-dispatch-trigger /workflow"]
    );
    for missing in [file("on: push"), refusal(404, "Not Found")] {
        let told = notes(further, &[file(FILE), missing]);
        assert!(told.contains("on the default branch, `main`"), "{told}");
    }
    assert!(!notes(further, &[file(FILE), file(FILE)]).contains("default branch"));
    assert!(!notes(further, &[file(FILE), refusal(502, "x")]).contains("default branch"));
}

#[test]
fn where_only_the_run_shows_the_branch_findings_are_notes() {
    let further = r#","ref":"{{ .x }}","workflowInputs":{"other":"y"}"#;
    let told = notes(further, &[file(FILE)]);
    for words in [
        "declares no input `other`",
        "requires the input `env`",
        "only a run shows its `ref`",
    ] {
        assert!(told.contains(words), "{told}");
    }
}

#[test]
fn what_a_template_hides_is_not_compared() {
    let spread = r#","workflowInputs":{"{{ spreadValue() }}":"{{ .inputs }}"}"#;
    assert_eq!(problems(spread, &[file(FILE)]), [""; 0]);
    let told = notes(
        r#","ref":"main","workflowInputs":"{{ .inputs }}""#,
        &[file(FILE)],
    );
    assert!(told.contains("inputs were not compared"), "{told}");
}

#[test]
fn a_credential_that_may_not_read_files_is_no_mistake_of_the_definition() {
    let refused = answer_with(
        403,
        &[("x-accepted-github-permissions", "contents=read")],
        r#"{"message":"Resource not accessible by integration"}"#,
    );
    let told = notes("", &[refused]);
    assert!(
        told.contains("were not checked") && told.contains("`contents: read`"),
        "{told}"
    );
}

#[test]
fn whether_the_credential_may_start_workflows_is_told_where_github_tells_it() {
    let with = |scopes: Option<&str>, push: &str| {
        let mut found = repository().unwrap();
        let body = String::from_utf8(found.body).unwrap();
        let permissions = format!(r#"{{"permissions":{{"push":{push}}},"#);
        found.body = body.replacen('{', &permissions, 1).into_bytes();
        if let Some(scopes) = scopes {
            found.headers.push(("x-oauth-scopes".into(), scopes.into()));
        }
        let problems = ask_in(Ok(found), ENV, &[file(FILE)]).0;
        problems
            .map(|configured| configured.notes.join("\n").contains("was not checked"))
            .map_err(|problems| problems[0].code.clone())
    };
    let refused = Err("permission-missing".to_owned());
    for (scopes, push, expected) in [
        (None, "true", Ok(true)),
        (None, "false", Ok(true)),
        (Some(""), "false", Ok(true)),
        (Some("gist, repo"), "true", Ok(false)),
        (Some("public_repo"), "null", Ok(false)),
        (Some("repo:status, gist"), "true", refused.clone()),
        (Some("repo"), "false", refused),
    ] {
        assert_eq!(with(scopes, push), expected, "{scopes:?} {push}");
    }
}
