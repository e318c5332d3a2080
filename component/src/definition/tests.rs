//! Claims about definitions.

use super::*;
use crate::script::{Script, answer, installation, refusal, repository};

const PROPERTIES_POINTER: &str = "/invocationMethod/integrationActionExecutionProperties";

fn method(properties: &str) -> String {
    format!(
        r#"{{"type":"INTEGRATION_ACTION","installationId":"inst-1","integrationActionType":"dispatch_workflow","integrationActionExecutionProperties":{properties}}}"#
    )
}

fn action(properties: &str) -> String {
    format!(
        r#"{{"identifier":"deploy","trigger":{{"n":1.0}},"invocationMethod":{},"publish":true}}"#,
        method(properties)
    )
}

fn hosted() -> Installation {
    Installation {
        hosting: Hosting::HostedByPort,
        organization: Some("acme".into()),
        ..installation()
    }
}

fn alone(
    installation: &Installation,
    definition: &str,
    origin: Origin,
) -> Result<Configured, Vec<Problem>> {
    configure(
        &Script::default(),
        installation,
        definition,
        origin,
        Scope::DefinitionOnly,
    )
}

fn found(definition: &str) -> Vec<(String, String)> {
    let problems = alone(&installation(), definition, Origin::Api).unwrap_err();
    problems
        .into_iter()
        .map(|problem| (problem.code, problem.pointer))
        .collect()
}

fn found_in(properties: &str) -> Vec<String> {
    let problems = found(&action(properties));
    problems
        .into_iter()
        .map(|(code, pointer)| {
            format!(
                "{code} {}",
                pointer.strip_prefix(PROPERTIES_POINTER).unwrap_or(&pointer)
            )
        })
        .collect()
}

const COMPLETE: &str =
    r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","reportWorkflowStatus":true}"#;

#[test]
fn a_complete_definition_stays_as_it_is() {
    for definition in [action(COMPLETE), method(COMPLETE)] {
        assert_eq!(
            alone(&installation(), &definition, Origin::Api)
                .unwrap()
                .definition,
            definition
        );
    }
}

#[test]
fn all_problems_are_reported_at_once_with_pointers_into_what_was_given() {
    let inside = r#"{"repo":"a/b","workflow":"../x.yml","ref":[],"workflowInputs":1,"reportWorkflowStatus":"maybe"}"#;
    let codes = [
        ("wrong-type", "/type"),
        ("wrong-action-type", "/integrationActionType"),
        ("wrong-installation", "/installationId"),
        ("unknown-member", "/a~1b"),
        (
            "missing-organization",
            "/integrationActionExecutionProperties/org",
        ),
        (
            "invalid-repository",
            "/integrationActionExecutionProperties/repo",
        ),
        (
            "invalid-workflow",
            "/integrationActionExecutionProperties/workflow",
        ),
        ("invalid-ref", "/integrationActionExecutionProperties/ref"),
        (
            "invalid-inputs",
            "/integrationActionExecutionProperties/workflowInputs",
        ),
        (
            "invalid-report-status",
            "/integrationActionExecutionProperties/reportWorkflowStatus",
        ),
    ];
    let bare = format!(
        r#"{{"type":"GITHUB","installationId":"other","a/b":1,"integrationActionExecutionProperties":{inside}}}"#
    );
    let whole = format!(r#"{{"identifier":"x","invocationMethod":{bare}}}"#);
    for (definition, base) in [(bare, ""), (whole, "/invocationMethod")] {
        let expected: Vec<_> = codes
            .iter()
            .map(|(code, at)| (code.to_string(), format!("{base}{at}")))
            .collect();
        assert_eq!(found(&definition), expected);
    }
}

#[test]
fn what_is_no_definition_is_one_problem() {
    for (definition, code, pointer) in [
        ("", "invalid-json", ""),
        ("[]", "invalid-definition", ""),
        ("{}", "missing-invocation-method", "/invocationMethod"),
        (
            r#"{"invocationMethod":[]}"#,
            "invalid-invocation-method",
            "/invocationMethod",
        ),
        (
            r#"{"invocationMethod":{"type":1,"type":2}}"#,
            "duplicate-key",
            "/invocationMethod/type",
        ),
    ] {
        assert_eq!(found(definition), [(code.to_owned(), pointer.to_owned())]);
    }
    assert_eq!(found_in("[]"), ["invalid-properties "]);
    assert_eq!(
        found_in("null"),
        [
            "missing-organization /org",
            "missing-repository /repo",
            "missing-workflow /workflow"
        ]
    );
}

#[test]
fn the_organization_is_filled_in_only_by_the_user_interface_of_a_hosted_installation() {
    let definition =
        action(r#"{"repo":"shop","workflow":"deploy.yml","reportWorkflowStatus":true}"#);
    let filled = alone(&hosted(), &definition, Origin::Ui).unwrap();
    assert!(
        filled
            .definition
            .contains(r#"Properties":{"org":"acme","repo":"shop""#),
        "{}",
        filled.definition
    );
    assert!(filled.notes[0].contains("`acme`"));
    let self_hosted = Installation {
        hosting: Hosting::SelfHosted,
        ..hosted()
    };
    for (installation, origin) in [
        (hosted(), Origin::Api),
        (self_hosted.clone(), Origin::Ui),
        (self_hosted, Origin::Api),
    ] {
        let problems = alone(&installation, &definition, origin).unwrap_err();
        assert_eq!(
            (problems.len(), problems[0].code.as_str()),
            (1, "missing-organization")
        );
    }
}

#[test]
fn an_organization_of_another_installation_is_a_problem() {
    let definition = action(&COMPLETE.replace("acme", "other"));
    let problems = alone(&hosted(), &definition, Origin::Ui).unwrap_err();
    assert_eq!(problems[0].code, "organization-mismatch");
}

#[test]
fn a_report_status_beside_the_properties_is_moved_inside() {
    let definition = method(r#"{"org":"acme","repo":"shop","workflow":"deploy.yml"}"#).replace(
        r#","integrationActionExec"#,
        r#","reportWorkflowStatus":false,"integrationActionExec"#,
    );
    let configured = alone(&installation(), &definition, Origin::Api).unwrap();
    let expected = method(
        r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","reportWorkflowStatus":false}"#,
    );
    assert_eq!(configured.definition, expected);
    assert!(configured.notes.iter().any(|note| note.contains("moved")));

    let twice = method(COMPLETE).replace(
        r#","integrationActionExec"#,
        r#","reportWorkflowStatus":false,"integrationActionExec"#,
    );
    assert_eq!(
        found(&twice),
        [(
            "conflicting-report-status".to_owned(),
            "/reportWorkflowStatus".to_owned()
        )]
    );
}

#[test]
fn the_report_status_defaults_to_true_and_its_text_forms_are_kept() {
    let configured = alone(
        &installation(),
        &method(r#"{"org":"a","repo":"b","workflow":"c.yml"}"#),
        Origin::Api,
    )
    .unwrap();
    assert!(
        configured
            .definition
            .contains(r#""reportWorkflowStatus":true"#)
    );
    let text = method(&COMPLETE.replace(":true", ":\"false\""));
    assert_eq!(
        alone(&installation(), &text, Origin::Api)
            .unwrap()
            .definition,
        text
    );
}

#[test]
fn a_path_is_shortened_to_the_file_name() {
    let definition = method(&COMPLETE.replace("deploy.yml", ".github/workflows/deploy.yml"));
    let configured = alone(&installation(), &definition, Origin::Api).unwrap();
    assert_eq!(configured.definition, method(COMPLETE));
    assert!(configured.notes[0].contains("deploy.yml"));
}

#[test]
fn templates_pass_wherever_only_the_run_can_tell() {
    let properties = r#"{"org":"{{ .inputs.org }}","repo":"{{ .inputs.repo }}","workflow":"{{ .inputs.workflow }}","ref":"{{ .inputs.ref }}","workflowInputs":"{{ .inputs }}","reportWorkflowStatus":"{{ .inputs.report }}"}"#;
    assert_eq!(
        alone(&installation(), &method(properties), Origin::Api)
            .unwrap()
            .definition,
        method(properties)
    );
    let inputs = r#"{"org":"a","repo":"b","workflow":"c.yml","reportWorkflowStatus":true,"workflowInputs":{"ref":"{{ .inputs.ref }}","x":{"y":"{{ .x }}"}}}"#;
    assert!(alone(&installation(), &method(inputs), Origin::Api).is_ok());
}

#[test]
fn limits_are_checked_and_stated() {
    let many: Vec<String> = (0..26)
        .map(|n| format!("\"i{n}\":\"{{{{ .inputs.x }}}}\""))
        .collect();
    let properties = COMPLETE.replace(
        "}",
        &format!(",\"workflowInputs\":{{{}}}}}", many.join(",")),
    );
    assert_eq!(found_in(&properties), ["too-many-inputs /workflowInputs"]);
    let large = COMPLETE.replace(
        "}",
        &format!(",\"workflowInputs\":{{\"a\":\"{}\"}}}}", "x".repeat(65_536)),
    );
    assert_eq!(found_in(&large), ["inputs-too-large /workflowInputs"]);
    let notes = alone(&installation(), &method(COMPLETE), Origin::Api)
        .unwrap()
        .notes
        .join(" ");
    assert!(
        notes.contains("25 inputs") && notes.contains("65535") && notes.contains("GITHUB_TOKEN")
    );
}

#[test]
fn an_unknown_property_is_noted_and_kept() {
    let definition = method(&COMPLETE.replace("}", r#","workflowInput":{"a":1.50}}"#));
    let configured = alone(&installation(), &definition, Origin::Api).unwrap();
    assert_eq!(configured.definition, definition);
    assert!(configured.notes[0].contains("`workflowInput`"));
}

#[test]
fn wrong_settings_are_a_problem() {
    let installation = Installation {
        settings: r#"{"x":1}"#.into(),
        ..installation()
    };
    assert_eq!(
        alone(&installation, &method(COMPLETE), Origin::Api).unwrap_err()[0].code,
        "invalid-settings"
    );
}

fn workflow(path: &str, state: &str) -> Result<crate::host::Response, crate::host::TransportError> {
    answer(
        200,
        &format!(r#"{{"id":5,"name":"Deploy","path":"{path}","state":"{state}"}}"#),
    )
}

/// A workflow's file that takes no inputs.
const DISPATCHABLE: &str = "on: workflow_dispatch";

#[test]
fn against_the_server_repository_and_workflow_must_be_usable() {
    let deploy = ".github/workflows/deploy.yml";
    let archived = answer(
        200,
        r#"{"id":1,"name":"shop","owner":{"id":2,"login":"acme"},"archived":true}"#,
    );
    for (answers, code, at) in [
        (
            vec![refusal(404, "Not Found")],
            "repository-not-found",
            "/repo",
        ),
        (
            vec![refusal(401, "Bad credentials")],
            "bad-credentials",
            "/repo",
        ),
        (vec![refusal(503, "x")], "server-error", "/repo"),
        (vec![archived], "repository-archived", "/repo"),
        (
            vec![repository(), refusal(404, "Not Found")],
            "workflow-not-found",
            "/workflow",
        ),
        (
            vec![
                repository(),
                workflow(deploy, "disabled_manually"),
                answer(200, DISPATCHABLE),
            ],
            "workflow-disabled",
            "/workflow",
        ),
        (
            vec![repository(), workflow(deploy, "deleted")],
            "workflow-not-found",
            "/workflow",
        ),
        (
            vec![repository(), workflow("dynamic/scan/codeql", "active")],
            "workflow-outside-folder",
            "/workflow",
        ),
    ] {
        let host = Script::of(answers);
        let problems = configure(
            &host,
            &installation(),
            &action(COMPLETE),
            Origin::Api,
            Scope::AgainstServer,
        )
        .unwrap_err();
        assert_eq!(problems.len(), 1);
        assert_eq!(
            (problems[0].code.as_str(), &problems[0].pointer),
            (code, &[PROPERTIES_POINTER, at].concat())
        );
        assert!(host.asked().iter().all(|line| line.starts_with("GET ")));
    }
    let host = Script::of([
        repository(),
        workflow(deploy, "active"),
        answer(200, DISPATCHABLE),
    ]);
    assert!(
        configure(
            &host,
            &installation(),
            &action(COMPLETE),
            Origin::Api,
            Scope::AgainstServer
        )
        .is_ok()
    );
}

#[test]
fn a_repository_that_the_server_names_impossibly_is_asked_about_no_further() {
    let body = r#"{"id":1,"name":"..","default_branch":"main","owner":{"id":2,"login":"acme"}}"#;
    let host = Script::of([answer(200, body)]);
    let problems = configure(
        &host,
        &installation(),
        &action(COMPLETE),
        Origin::Api,
        Scope::AgainstServer,
    )
    .unwrap_err();
    assert_eq!(problems[0].code, "unreadable-answer");
    assert_eq!(host.asked(), ["GET /repos/acme/shop"]);
}

#[test]
fn a_display_name_is_replaced_by_its_file_once_the_server_was_asked() {
    let named = action(&COMPLETE.replace("deploy.yml", "Deploy"));
    let list = r#"{"workflows":[{"id":5,"name":"Deploy","path":".github/workflows/deploy.yml","state":"active"}]}"#;
    let host = Script::of([
        repository(),
        answer(200, list),
        workflow(".github/workflows/deploy.yml", "active"),
        answer(200, DISPATCHABLE),
    ]);
    let configured = configure(
        &host,
        &installation(),
        &named,
        Origin::Api,
        Scope::AgainstServer,
    )
    .unwrap();
    assert_eq!(configured.definition, action(COMPLETE));
    assert_eq!(
        alone(&installation(), &named, Origin::Api)
            .unwrap()
            .definition,
        named
    );
}

#[test]
fn the_server_is_not_asked_about_templates() {
    let definition = action(&COMPLETE.replace("shop", "{{ .inputs.repo }}"));
    let host = Script::default();
    let configured = configure(
        &host,
        &installation(),
        &definition,
        Origin::Api,
        Scope::AgainstServer,
    )
    .unwrap();
    assert!(
        configured
            .notes
            .iter()
            .any(|note| note.contains("not asked"))
    );
    assert!(host.requests.borrow().is_empty());
}
