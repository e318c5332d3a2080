//! What is decided before a run: what a definition needs to be saved (`configure`), and what a run is about (`plan`).

use crate::bench::{Bench, PROPERTIES, expect_failure, run};
use host_harness::contract::{
    self, Configured, Failure, FailureKind, Origin, Problem, Run, RunPlan, Scope,
};
use host_harness::credentials::Credential;
use host_harness::egress::Policy;
use host_harness::ingress::WebhookSecret;
use host_harness::installation::Installation;
use host_harness::simulator::github::{Input, Options, Standing, Workflow};
use host_harness::stage::Role;
use serde_json::{Value, json};
use std::sync::Arc;

/// A bench for an installation that Port hosts for the organization `acme`.
async fn hosted() -> Bench {
    Bench::with(Options::default(), Role::hosted("bench", "acme")).await
}

/// A bench whose installation talks to this API. It can send nothing.
async fn at(api_url: &str) -> Bench {
    let mut bench = Bench::new().await;
    let public = contract::Installation {
        api_url: api_url.to_owned(),
        ..bench.installation.public().clone()
    };
    bench.installation = Arc::new(Installation::new(
        public,
        Policy::nowhere(),
        Credential::None,
        WebhookSecret::Missing,
    ));
    bench
}

fn properties(key: &str, value: &Value) -> String {
    let mut properties: Value = serde_json::from_str(PROPERTIES).unwrap();
    properties[key] = value.clone();
    properties.to_string()
}

/// An `invocationMethod` with these properties.
fn method(properties: &Value) -> Value {
    json!({
        "type": "INTEGRATION_ACTION",
        "installationId": "bench",
        "integrationActionType": "dispatch_workflow",
        "integrationActionExecutionProperties": properties,
    })
}

/// A whole action with these properties.
fn action(properties: &Value) -> Value {
    json!({"identifier": "deploy", "title": "Deploy", "invocationMethod": method(properties)})
}

fn complete() -> Value {
    json!({"org": "acme", "repo": "shop", "workflow": "deploy.yml", "reportWorkflowStatus": true})
}

/// The completed definition, from its text alone.
async fn configured(bench: &Bench, definition: &Value, origin: Origin) -> Value {
    let configured = alone(bench, definition, origin).await.unwrap();
    serde_json::from_str(&configured.definition).unwrap()
}

async fn alone(
    bench: &Bench,
    definition: &Value,
    origin: Origin,
) -> Result<Configured, Vec<Problem>> {
    let result = bench
        .configure(&definition.to_string(), origin, Scope::DefinitionOnly)
        .await;
    bench.expect_nothing_sent();
    result
}

/// Code and pointer of each problem. All of them have words and a remedy.
#[track_caller]
fn problems(result: Result<Configured, Vec<Problem>>) -> Vec<(String, String)> {
    let problems = result.unwrap_err();
    assert!(
        problems
            .iter()
            .all(|it| !it.message.is_empty() && !it.remedy.is_empty()),
        "{problems:#?}"
    );
    problems
        .into_iter()
        .map(|it| (it.code, it.pointer))
        .collect()
}

fn one(code: &str, pointer: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), pointer.to_owned())]
}

const INSIDE: &str = "/invocationMethod/integrationActionExecutionProperties";

/// The only problem that GitHub finds in a complete definition.
#[track_caller]
fn expect_only(result: Result<Configured, Vec<Problem>>, code: &str, key: &str) -> Problem {
    let [problem] = result.unwrap_err().try_into().unwrap();
    let problem: Problem = problem;
    assert_eq!(
        (problem.code.as_str(), problem.pointer),
        (code, format!("{INSIDE}/{key}"))
    );
    assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
    Problem {
        pointer: String::new(),
        ..problem
    }
}

async fn against_github(bench: &Bench, definition: &Value) -> Result<Configured, Vec<Problem>> {
    let result = bench
        .configure(&definition.to_string(), Origin::Api, Scope::AgainstServer)
        .await;
    assert!(bench.github.exchanges().iter().all(|it| it.method == "GET"));
    bench.expect_no_violations();
    result
}

// Plan: the target.

#[tokio::test]
async fn a_plan_names_repository_workflow_and_default_branch() {
    let bench = Bench::new().await;
    let plan = bench.plan(PROPERTIES).await.unwrap();
    assert_eq!(plan.target, "acme/shop · deploy.yml @ default branch");
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn a_plan_names_the_branch_without_its_prefix() {
    let bench = Bench::new().await;
    for (given, shown) in [
        ("next", "next"),
        ("refs/heads/next", "next"),
        ("refs/tags/v1", "v1"),
    ] {
        let plan = bench.plan(&properties("ref", &json!(given))).await.unwrap();
        assert_eq!(plan.target, format!("acme/shop · deploy.yml @ {shown}"));
    }
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn a_plan_names_the_file_of_a_path_and_a_workflow_by_id_or_display_name() {
    let bench = Bench::new().await;
    for (given, shown) in [
        (json!(".github/workflows/deploy.yml"), "deploy.yml"),
        (json!(161_335), "161335"),
        (json!("161335"), "161335"),
        (json!("Deploy it"), "Deploy it"),
    ] {
        let plan = bench.plan(&properties("workflow", &given)).await.unwrap();
        assert_eq!(plan.target, format!("acme/shop · {shown} @ default branch"));
    }
    bench.expect_nothing_sent();
}

// Plan: whether the end is reported.

async fn reports(value: &Value) -> Result<RunPlan, Failure> {
    let bench = Bench::new().await;
    let plan = bench.plan(&properties("reportWorkflowStatus", value)).await;
    bench.expect_nothing_sent();
    plan
}

#[tokio::test]
async fn the_end_is_reported_if_nothing_else_is_said() {
    let bench = Bench::new().await;
    assert!(bench.plan(PROPERTIES).await.unwrap().report_status);
    assert!(reports(&Value::Null).await.unwrap().report_status);
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn the_end_is_reported_as_a_boolean_says() {
    assert!(reports(&json!(true)).await.unwrap().report_status);
    assert!(!reports(&json!(false)).await.unwrap().report_status);
}

#[tokio::test]
async fn the_end_is_reported_as_a_text_says() {
    assert!(reports(&json!("true")).await.unwrap().report_status);
    assert!(!reports(&json!("false")).await.unwrap().report_status);
}

#[tokio::test]
async fn anything_else_about_the_report_is_refused() {
    for value in [
        json!(""),
        json!("True"),
        json!("FALSE"),
        json!("yes"),
        json!("no"),
        json!("0"),
        json!(" true"),
        json!("{{ .inputs.report }}"),
        json!(0),
        json!(1),
        json!([]),
        json!([true]),
        json!({}),
    ] {
        let result = reports(&value).await;
        let failure = expect_failure(
            result,
            &FailureKind::InvalidParameters,
            "invalid-report-status",
        );
        assert!(failure.remedy.is_some() && !failure.request_sent);
    }
}

// Plan: which runs take turns.

#[tokio::test]
async fn runs_of_one_workflow_take_turns_on_every_server() {
    for api_url in [
        "https://api.github.com",
        "https://api.acme.ghe.com",
        "https://github.example.com/api/v3",
        "http://127.0.0.1:8080",
    ] {
        let bench = at(api_url).await;
        let plan = bench.plan(PROPERTIES).await.unwrap();
        assert_eq!(
            plan.partition_key.as_deref(),
            Some("acme/shop/deploy.yml"),
            "{api_url}"
        );
        bench.expect_nothing_sent();
    }
}

#[tokio::test]
async fn names_of_one_repository_in_other_cases_have_the_same_partition_key() {
    let bench = Bench::new().await;
    let key = async |org: &str, repo: &str, workflow: &str| {
        let properties = json!({"org": org, "repo": repo, "workflow": workflow}).to_string();
        bench
            .plan(&properties)
            .await
            .unwrap()
            .partition_key
            .unwrap()
    };
    let one = key("acme", "shop", "deploy.yml").await;
    assert_eq!(
        key("ACME", "Shop", ".github/workflows/deploy.yml").await,
        one
    );
    assert_ne!(
        key("acme", "shop", "Deploy.yml").await,
        one,
        "names of files have a case"
    );
    assert_ne!(key("acme", "shoe", "deploy.yml").await, one);
    bench.expect_nothing_sent();
}

// Plan: what is refused.

#[tokio::test]
async fn an_unknown_action_type_is_unsupported_and_named() {
    let bench = Bench::new().await;
    for action_type in ["dispatch_pipeline", "", "DISPATCH_WORKFLOW"] {
        let run = Run {
            action_type: action_type.to_owned(),
            ..run(PROPERTIES)
        };
        let failure = expect_failure(
            bench.plan_run(run).await,
            &FailureKind::Unsupported,
            "unsupported-action-type",
        );
        assert!(
            failure.message.contains(&format!("`{action_type}`")),
            "{failure:#?}"
        );
        assert!(failure.remedy.unwrap().contains("dispatch_workflow"));
    }
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn a_plan_refuses_what_a_dispatch_would_refuse() {
    let bench = Bench::new().await;
    let many: serde_json::Map<String, Value> =
        (0..26).map(|n| (format!("i{n}"), json!("x"))).collect();
    for (properties, code) in [
        (properties("org", &Value::Null), "missing-organization"),
        (properties("org", &json!("a/b")), "invalid-organization"),
        (properties("repo", &Value::Null), "missing-repository"),
        (properties("repo", &json!("..")), "invalid-repository"),
        (properties("workflow", &Value::Null), "missing-workflow"),
        (
            properties("workflow", &json!("a/b.yml")),
            "invalid-workflow",
        ),
        (properties("ref", &json!([])), "invalid-ref"),
        (properties("workflowInputs", &json!([])), "invalid-inputs"),
        (
            properties("workflowInputs", &json!(many)),
            "too-many-inputs",
        ),
        (
            properties("workflowInputs", &json!({"x": "a".repeat(65_536)})),
            "inputs-too-large",
        ),
        ("[]".to_owned(), "invalid-properties"),
        (r#"{"org":"a","org":"b"}"#.to_owned(), "duplicate-key"),
    ] {
        let failure = expect_failure(
            bench.plan(&properties).await,
            &FailureKind::InvalidParameters,
            code,
        );
        assert!(
            failure.remedy.is_some() && !failure.request_sent,
            "{failure:#?}"
        );
        let later = bench.dispatch(&properties).await.unwrap_err();
        assert_eq!(later, failure);
    }
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn another_organization_than_that_of_the_installation_is_refused() {
    let bench = hosted().await;
    let result = bench.plan(&properties("org", &json!("rivals"))).await;
    let failure = expect_failure(
        result,
        &FailureKind::InvalidParameters,
        "organization-mismatch",
    );
    assert!(
        failure.message.contains("`acme`") && failure.message.contains("`rivals`"),
        "{failure:#?}"
    );
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn the_organization_of_the_installation_may_be_written_in_another_case() {
    let bench = hosted().await;
    bench
        .plan(&properties("org", &json!("ACME")))
        .await
        .unwrap();
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn wrong_settings_are_refused_by_name() {
    for (settings, word) in [
        (r#"{"discovery-second":5}"#, "discovery-second"),
        (r#"{"discovery-seconds":0}"#, "discovery-seconds"),
        (r#"{"discovery-seconds":"5"}"#, "discovery-seconds"),
        (r#"{"max-inputs":1001}"#, "max-inputs"),
        (
            r#"{"resend-after-ambiguous":"true"}"#,
            "resend-after-ambiguous",
        ),
        (r#"{"actor":""}"#, "actor"),
        ("[]", "object"),
        ("{", "JSON"),
    ] {
        let role = Role {
            settings: settings.to_owned(),
            ..Role::self_hosted("bench")
        };
        let bench = Bench::with(Options::default(), role).await;
        let failure = expect_failure(
            bench.plan(PROPERTIES).await,
            &FailureKind::InvalidParameters,
            "invalid-settings",
        );
        assert!(failure.message.contains(word), "{failure:#?}");
        bench.expect_nothing_sent();
    }
}

// Configure: the organization.

#[tokio::test]
async fn the_user_interface_of_a_hosted_installation_fills_in_the_organization() {
    let bench = hosted().await;
    let definition =
        action(&json!({"repo": "shop", "workflow": "deploy.yml", "reportWorkflowStatus": true}));
    let result = alone(&bench, &definition, Origin::Ui).await.unwrap();
    let completed: Value = serde_json::from_str(&result.definition).unwrap();
    assert_eq!(completed, action(&complete()));
    assert!(
        result
            .notes
            .iter()
            .any(|note| note.contains("`org`") && note.contains("`acme`")),
        "{result:#?}"
    );
}

#[tokio::test]
async fn a_self_hosted_installation_needs_the_organization_from_everybody() {
    let fixed = Role {
        organization: Some("acme".to_owned()),
        ..Role::self_hosted("bench")
    };
    for role in [Role::self_hosted("bench"), fixed] {
        let bench = Bench::with(Options::default(), role).await;
        let definition = action(&json!({"repo": "shop", "workflow": "deploy.yml"}));
        for origin in [Origin::Ui, Origin::Api] {
            let result = alone(&bench, &definition, origin).await;
            assert_eq!(
                problems(result),
                one("missing-organization", &format!("{INSIDE}/org"))
            );
        }
    }
}

#[tokio::test]
async fn an_empty_organization_is_filled_in_like_a_missing_one() {
    let bench = hosted().await;
    for empty in [json!(""), Value::Null] {
        let mut properties = complete();
        properties["org"] = empty;
        let completed = configured(&bench, &action(&properties), Origin::Ui).await;
        assert_eq!(completed, action(&complete()));
    }
}

#[tokio::test]
async fn the_organization_of_another_installation_is_a_problem() {
    let bench = hosted().await;
    let mut properties = complete();
    properties["org"] = json!("rivals");
    for origin in [Origin::Ui, Origin::Api] {
        let result = alone(&bench, &action(&properties), origin).await;
        assert_eq!(
            problems(result),
            one("organization-mismatch", &format!("{INSIDE}/org"))
        );
    }
}

// Configure: the form.

#[tokio::test]
async fn a_complete_action_stays_as_it_is_byte_by_byte() {
    let bench = Bench::new().await;
    let definition = r#"{"z":1.0,"identifier":"deploy","invocationMethod":{"type":"INTEGRATION_ACTION","installationId":"bench","integrationActionType":"dispatch_workflow","integrationActionExecutionProperties":{"workflow":"deploy.yml","repo":"shop","org":"acme","workflowInputs":{"n":12345678901234567890123,"e":1e400},"reportWorkflowStatus":"false"}},"a":null}"#;
    let result = bench
        .configure(definition, Origin::Api, Scope::DefinitionOnly)
        .await
        .unwrap();
    assert_eq!(result.definition, definition);
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn an_invocation_method_alone_is_taken_as_well() {
    let bench = Bench::new().await;
    let definition = method(&complete());
    assert_eq!(
        configured(&bench, &definition, Origin::Api).await,
        definition
    );
}

#[tokio::test]
async fn pointers_lead_into_a_whole_action() {
    let bench = Bench::new().await;
    let result = alone(
        &bench,
        &action(&json!({"org": "acme", "repo": "a/b", "workflow": "deploy.yml"})),
        Origin::Api,
    )
    .await;
    assert_eq!(
        problems(result),
        one("invalid-repository", &format!("{INSIDE}/repo"))
    );
}

#[tokio::test]
async fn pointers_lead_into_an_invocation_method_alone() {
    let bench = Bench::new().await;
    let result = alone(
        &bench,
        &method(&json!({"org": "acme", "repo": "a/b", "workflow": "deploy.yml"})),
        Origin::Api,
    )
    .await;
    assert_eq!(
        problems(result),
        one(
            "invalid-repository",
            "/integrationActionExecutionProperties/repo"
        )
    );
}

#[tokio::test]
async fn all_problems_come_at_once() {
    let bench = Bench::new().await;
    let mut definition = action(&json!({
        "repo": "a/b",
        "workflow": "../x.yml",
        "ref": [],
        "workflowInputs": 1,
        "reportWorkflowStatus": "maybe",
    }));
    definition["invocationMethod"]["type"] = json!("GITHUB");
    definition["invocationMethod"]["installationId"] = json!("other");
    definition["invocationMethod"]["integrationActionType"] = json!("x");
    definition["invocationMethod"]["a/b~c"] = json!(1);
    let mut found = problems(alone(&bench, &definition, Origin::Api).await);
    found.sort();
    let mut expected = vec![
        ("wrong-type".to_owned(), "/invocationMethod/type".to_owned()),
        (
            "wrong-installation".to_owned(),
            "/invocationMethod/installationId".to_owned(),
        ),
        (
            "wrong-action-type".to_owned(),
            "/invocationMethod/integrationActionType".to_owned(),
        ),
        (
            "unknown-member".to_owned(),
            "/invocationMethod/a~1b~0c".to_owned(),
        ),
        ("missing-organization".to_owned(), format!("{INSIDE}/org")),
        ("invalid-repository".to_owned(), format!("{INSIDE}/repo")),
        ("invalid-workflow".to_owned(), format!("{INSIDE}/workflow")),
        ("invalid-ref".to_owned(), format!("{INSIDE}/ref")),
        (
            "invalid-inputs".to_owned(),
            format!("{INSIDE}/workflowInputs"),
        ),
        (
            "invalid-report-status".to_owned(),
            format!("{INSIDE}/reportWorkflowStatus"),
        ),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[tokio::test]
async fn what_is_no_definition_is_one_problem() {
    let bench = Bench::new().await;
    for (definition, code, pointer) in [
        ("", "invalid-json", ""),
        ("{", "invalid-json", ""),
        ("[]", "invalid-definition", ""),
        ("null", "invalid-definition", ""),
        (
            r#"{"identifier":"x"}"#,
            "missing-invocation-method",
            "/invocationMethod",
        ),
        (
            r#"{"invocationMethod":[]}"#,
            "invalid-invocation-method",
            "/invocationMethod",
        ),
        (
            r#"{"invocationMethod":{"type":"a","type":"b"}}"#,
            "duplicate-key",
            "/invocationMethod/type",
        ),
    ] {
        let result = bench
            .configure(definition, Origin::Api, Scope::DefinitionOnly)
            .await;
        assert_eq!(problems(result), one(code, pointer), "{definition}");
    }
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn properties_that_are_no_object_are_a_problem() {
    let bench = Bench::new().await;
    let result = alone(&bench, &action(&json!([])), Origin::Api).await;
    assert_eq!(problems(result), one("invalid-properties", INSIDE));
}

#[tokio::test]
async fn a_path_is_shortened_to_its_file_and_the_answer_says_so() {
    let bench = Bench::new().await;
    let mut properties = complete();
    properties["workflow"] = json!(".github/workflows/deploy.yml");
    let result = alone(&bench, &action(&properties), Origin::Api)
        .await
        .unwrap();
    let completed: Value = serde_json::from_str(&result.definition).unwrap();
    assert_eq!(completed, action(&complete()));
    assert!(
        result
            .notes
            .iter()
            .any(|note| note.contains("`deploy.yml`")),
        "{result:#?}"
    );
}

#[tokio::test]
async fn too_many_or_too_large_inputs_are_problems_of_the_definition_already() {
    let bench = Bench::new().await;
    let many: serde_json::Map<String, Value> = (0..26)
        .map(|n| (format!("i{n}"), json!("{{ .inputs.x }}")))
        .collect();
    for (inputs, code) in [
        (json!(many), "too-many-inputs"),
        (json!({"x": "a".repeat(65_536)}), "inputs-too-large"),
    ] {
        let mut properties = complete();
        properties["workflowInputs"] = inputs;
        let result = alone(&bench, &action(&properties), Origin::Api).await;
        assert_eq!(
            problems(result),
            one(code, &format!("{INSIDE}/workflowInputs"))
        );
    }
}

// Configure: `reportWorkflowStatus`.

#[tokio::test]
async fn the_report_defaults_to_true_and_the_answer_says_so() {
    let bench = Bench::new().await;
    for missing in [
        json!({"org": "acme", "repo": "shop", "workflow": "deploy.yml"}),
        {
            let mut properties = complete();
            properties["reportWorkflowStatus"] = Value::Null;
            properties
        },
    ] {
        let result = alone(&bench, &action(&missing), Origin::Api).await.unwrap();
        let completed: Value = serde_json::from_str(&result.definition).unwrap();
        assert_eq!(completed, action(&complete()));
        assert!(
            result
                .notes
                .iter()
                .any(|note| note.contains("`reportWorkflowStatus`")),
            "{result:#?}"
        );
    }
}

#[tokio::test]
async fn a_report_beside_the_properties_is_moved_inside_and_the_answer_says_so() {
    let bench = Bench::new().await;
    for value in [json!(false), json!(true), json!("false")] {
        let mut definition =
            action(&json!({"org": "acme", "repo": "shop", "workflow": "deploy.yml"}));
        definition["invocationMethod"]["reportWorkflowStatus"] = value.clone();
        let result = alone(&bench, &definition, Origin::Api).await.unwrap();
        let completed: Value = serde_json::from_str(&result.definition).unwrap();
        let mut properties = complete();
        properties["reportWorkflowStatus"] = value;
        assert_eq!(completed, action(&properties));
        assert!(
            result.notes.iter().any(|note| note.contains("moved")),
            "{result:#?}"
        );
    }
}

#[tokio::test]
async fn the_same_report_in_both_places_is_kept_inside() {
    let bench = Bench::new().await;
    let mut definition = action(&complete());
    definition["invocationMethod"]["reportWorkflowStatus"] = json!(true);
    assert_eq!(
        configured(&bench, &definition, Origin::Api).await,
        action(&complete())
    );
}

#[tokio::test]
async fn a_wrong_report_inside_is_a_problem_there() {
    let bench = Bench::new().await;
    for value in [json!("yes"), json!(1), json!([]), json!("")] {
        let mut properties = complete();
        properties["reportWorkflowStatus"] = value;
        let result = alone(&bench, &action(&properties), Origin::Api).await;
        assert_eq!(
            problems(result),
            one(
                "invalid-report-status",
                &format!("{INSIDE}/reportWorkflowStatus")
            )
        );
    }
}

// Configure: templates.

#[tokio::test]
async fn templates_pass_wherever_only_the_run_can_tell() {
    let bench = Bench::new().await;
    let properties = json!({
        "org": "{{ .inputs.org }}",
        "repo": "{{ .inputs.repo }}",
        "workflow": "{{ .inputs.workflow }}",
        "ref": "{{ .inputs.ref }}",
        "workflowInputs": {"env": "{{ .inputs.env }}", "all": {"{{ .x }}": "{{ .y }}"}},
        "reportWorkflowStatus": "{{ .inputs.report }}",
    });
    let definition = action(&properties);
    assert_eq!(
        configured(&bench, &definition, Origin::Api).await,
        definition
    );
}

#[tokio::test]
async fn inputs_that_are_a_template_as_a_whole_pass() {
    let bench = Bench::new().await;
    let mut properties = complete();
    properties["workflowInputs"] = json!("{{ .inputs }}");
    let definition = action(&properties);
    assert_eq!(
        configured(&bench, &definition, Origin::Api).await,
        definition
    );
}

#[tokio::test]
async fn a_template_for_the_organization_is_not_overwritten_by_that_of_the_installation() {
    let bench = hosted().await;
    let mut properties = complete();
    properties["org"] = json!("{{ .inputs.org }}");
    let definition = action(&properties);
    assert_eq!(
        configured(&bench, &definition, Origin::Ui).await,
        definition
    );
}

// Configure against GitHub.

#[tokio::test]
async fn a_definition_that_fits_the_server_passes() {
    let bench = Bench::new().await;
    let result = against_github(&bench, &action(&complete())).await.unwrap();
    let completed: Value = serde_json::from_str(&result.definition).unwrap();
    assert_eq!(completed, action(&complete()));
    assert!(bench.requests("get-repository") > 0 && bench.requests("get-workflow") > 0);
}

#[tokio::test]
async fn a_workflow_that_was_deleted_is_a_problem() {
    let bench = Bench::of(Workflow::new("deploy.yml").state("deleted")).await;
    let result = against_github(&bench, &action(&complete())).await;
    expect_only(result, "workflow-not-found", "workflow");
}

#[tokio::test]
async fn a_workflow_that_is_switched_off_is_a_problem() {
    for state in ["disabled_manually", "disabled_inactivity", "disabled_fork"] {
        let bench = Bench::of(Workflow::new("deploy.yml").state(state)).await;
        let result = against_github(&bench, &action(&complete())).await;
        let problem = expect_only(result, "workflow-disabled", "workflow");
        assert!(problem.message.contains(state), "{problem:#?}");
    }
}

#[tokio::test]
async fn an_expired_credential_is_a_problem() {
    let bench = Bench::new().await;
    bench
        .github
        .set_standing(&bench.github.token(), Standing::Expired);
    let result = against_github(&bench, &action(&complete())).await;
    let problem = expect_only(result, "bad-credentials", "repo");
    assert!(problem.message.contains("Bad credentials"));
}

#[tokio::test]
async fn a_definition_that_fits_can_be_dispatched() {
    let bench = Bench::of(Workflow::new("deploy.yml").input(Input::new("env"))).await;
    let mut properties = complete();
    properties["workflow"] = json!(".github/workflows/deploy.yml");
    properties["workflowInputs"] = json!({"env": "prod"});
    let completed = against_github(&bench, &action(&properties))
        .await
        .unwrap()
        .definition;
    let completed: Value = serde_json::from_str(&completed).unwrap();
    let properties = &completed["invocationMethod"]["integrationActionExecutionProperties"];
    bench.dispatch(&properties.to_string()).await.unwrap();
    assert_eq!(bench.github.runs()[0].inputs["env"], "prod");
    bench.expect_no_violations();
}
