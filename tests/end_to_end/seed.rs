//! The page that the project started from, sentence by sentence: from the button in Port to what Port shows at the end.

use crate::program::Program;
use crate::scene::{
    DEPLOY, HELD, INSTALLATION, Log, OFTEN, SOON, TEST, alone, ended, failed_saying, press,
    run_on_github, stage, started, strike, succeeded,
};
use crate::sender::get;
use host_harness::simulator::github::{Input, Repository, Workflow};
use host_harness::simulator::port::{Claims, Kind};
use host_harness::stage::{Role, Sends, StageOptions};
use serde_json::json;
use std::time::Duration;

// "The GitHub Ocean backend uses the INTEGRATION_ACTION type and requires you to specify which GitHub Ocean integration
// installation to use via the installationId field."

#[tokio::test]
async fn the_installation_id_chooses_the_installation() {
    let role = |id: &str| Role {
        sends: Sends::Token(format!("token-of-{id}")),
        ..Role::self_hosted(id)
    };
    let stage = stage(StageOptions::with(vec![role("acme"), role("globex")])).await;
    for installation in ["globex", "acme", "globex"] {
        let id = stage
            .port
            .create_action_run(installation, "dispatch_workflow", DEPLOY);
        let run = succeeded(&stage, &id).await;
        let on_github = run_on_github(&stage, &run.external_run_id.unwrap());
        assert_eq!(on_github.actor, format!("{installation}[bot]"));
    }
    assert_eq!(stage.github.count("dispatch"), 3);
    strike(stage).await;
}

#[tokio::test]
async fn a_run_of_another_installation_is_refused_by_name_and_not_dispatched() {
    let stage = stage(alone()).await;
    // The simulator hands a run to whoever comes first where it finds no installation: it does not look under `node`.
    let run = json!({"identifier": "wfnr_foreign", "status": "IN_PROGRESS", "node": {"config": {
        "type": "INTEGRATION_ACTION",
        "installationId": "somebody-else",
        "integrationProvider": "github",
        "integrationInvocationType": "dispatch_workflow",
        "integrationActionExecutionProperties": {"org": "acme", "repo": "shop", "workflow": "deploy.yml"},
    }}});
    let id = stage
        .port
        .create_raw_pending_run(Kind::Node, &run.to_string());
    failed_saying(&stage, &id, &["\"somebody-else\"", INSTALLATION]).await;
    assert_eq!(stage.github.count("dispatch"), 0);
    strike(stage).await;
}

#[tokio::test]
async fn a_run_of_another_type_than_integration_action_is_refused() {
    let stage = stage(alone()).await;
    let run = json!({"id": "r_webhook", "status": "IN_PROGRESS", "action": {"identifier": "x"}, "payload": {
        "type": "WEBHOOK",
        "installationId": INSTALLATION,
        "integrationActionType": "dispatch_workflow",
        "integrationActionExecutionProperties": {"org": "acme", "repo": "shop", "workflow": "deploy.yml"},
    }});
    let id = stage
        .port
        .create_raw_pending_run(Kind::Action, &run.to_string());
    failed_saying(&stage, &id, &["WEBHOOK", "INTEGRATION_ACTION"]).await;
    strike(stage).await;
}

// "Ensure that actions processing is enabled."

#[tokio::test]
async fn actions_processing_that_is_disabled_is_said_and_may_be_enabled_later() {
    let (log, _listening) = Log::listen();
    let stage = stage(alone()).await;
    stage.port.add_integration(INSTALLATION, false);
    let id = press(&stage, DEPLOY);
    let sentence = "actionsProcessingEnabled";
    let is_said = stage
        .port
        .wait_until(SOON, |_| log.count(sentence) > 0)
        .await;
    assert!(is_said && !stage.port.run(&id).unwrap().acked);
    stage.port.add_integration(INSTALLATION, true);
    succeeded(&stage, &id).await;
    assert_eq!(log.count(sentence), 1);
    strike(stage).await;
}

// "Ensure the integration uses Port machine tokens (organization-level tokens). Personal tokens or service account
// tokens are not supported."

#[tokio::test]
async fn a_token_that_is_no_machines_claims_nothing_and_readiness_says_why() {
    let claims = |is_machine, personal_token| Claims {
        is_machine,
        personal_token,
    };
    for claims in [
        claims(Some(false), Some(true)),
        claims(None, Some(true)),
        claims(None, None),
    ] {
        let stage = stage(StageOptions::with(vec![Role {
            port_client: Some(("mona@example.com".to_owned(), "secret".to_owned())),
            ..Role::self_hosted(INSTALLATION)
        }]))
        .await;
        stage.port.add_client("mona@example.com", "secret", claims);
        let id = press(&stage, DEPLOY);
        let says = |text: &str| {
            stage
                .host
                .readiness()
                .is_err_and(|said| said.contains(text))
        };
        let is_said = stage
            .port
            .wait_until(SOON, |_| says("only machine tokens"))
            .await;
        assert!(is_said, "{:?}", stage.host.readiness());
        let (status, text) = get(stage.host.address(), "/health/ready").await;
        assert_eq!(status, 503);
        assert!(
            text.contains(INSTALLATION) && text.contains("only machine tokens"),
            "{text}"
        );
        assert_eq!(get(stage.host.address(), "/health/live").await.0, 200);
        assert_eq!(
            stage.port.count("claim") + stage.port.count("claim-node"),
            0
        );
        assert!(!stage.port.run(&id).unwrap().acked);
        strike(stage).await;
    }
}

// "The GitHub organization and repository where the workflow is located. The workflow name. The integration action type
// (integrationActionType) - must be set to dispatch_workflow."

#[tokio::test]
async fn organization_repository_and_workflow_say_what_runs() {
    let stage = stage(alone()).await;
    stage.github.add_repository(
        Repository::new("globex", "api").workflow(
            Workflow::new("build.yml")
                .input(Input::new("version"))
                .input(Input::new("options")),
        ),
    );
    let id = press(
        &stage,
        r#"{"org":"globex","repo":"api","workflow":"build.yml",
            "workflowInputs":{"version":"1.0","options":{"dry":true,"é":[1.0]},"nothing":null}}"#,
    );
    let run = succeeded(&stage, &id).await;
    let on_github = run_on_github(&stage, &run.external_run_id.unwrap());
    assert_eq!(
        (on_github.owner.as_str(), on_github.repo.as_str()),
        ("globex", "api")
    );
    assert_eq!(on_github.workflow, "build.yml");
    assert_eq!(on_github.inputs["version"], "1.0");
    assert_eq!(on_github.inputs["options"], r#"{"dry":true,"é":[1.0]}"#);
    assert_eq!(run.link, [on_github.html_url]);
    strike(stage).await;
}

#[tokio::test]
async fn each_of_organization_repository_and_workflow_is_required() {
    let stage = stage(alone()).await;
    for missing in ["org", "repo", "workflow"] {
        let properties = DEPLOY.replace(&format!("\"{missing}\""), "\"other\"");
        let id = press(&stage, &properties);
        failed_saying(&stage, &id, &[&format!("`{missing}` is missing")]).await;
    }
    assert!(stage.github.exchanges().is_empty());
    strike(stage).await;
}

#[tokio::test]
async fn another_action_type_than_dispatch_workflow_fails_and_both_are_named() {
    let stage = stage(alone()).await;
    let port = &stage.port;
    for id in [
        port.create_action_run(INSTALLATION, "open_issue", DEPLOY),
        port.create_node_run(INSTALLATION, "open_issue", DEPLOY),
    ] {
        let run = failed_saying(&stage, &id, &["`open_issue`", "`dispatch_workflow`"]).await;
        assert!(run.acked);
    }
    assert!(stage.github.exchanges().is_empty());
    strike(stage).await;
}

// "The workflow must reside in the repository's .github/workflows/ directory."

#[tokio::test]
async fn a_workflow_has_to_lie_in_the_workflows_folder() {
    let stage = stage(alone()).await;
    for elsewhere in [
        "ci/deploy.yml",
        "../deploy.yml",
        ".github/workflows/sub/deploy.yml",
    ] {
        let id = press(&stage, &DEPLOY.replace("deploy.yml", elsewhere));
        failed_saying(&stage, &id, &[".github/workflows/"]).await;
    }
    let id = press(
        &stage,
        &DEPLOY.replace("deploy.yml", ".github/workflows/deploy.yml"),
    );
    succeeded(&stage, &id).await;
    let id = press(&stage, &DEPLOY.replace("deploy.yml", "missing.yml"));
    failed_saying(&stage, &id, &["404", "`missing.yml`", ".github/workflows/"]).await;
    strike(stage).await;
}

// "The workflow must use the workflow_dispatch trigger."

#[tokio::test]
async fn a_workflow_without_the_trigger_fails_and_the_remedy_is_told() {
    let stage = stage(alone()).await;
    stage.github.add_repository(
        Repository::new("acme", "library").workflow(Workflow::new("deploy.yml").trigger(false)),
    );
    let id = press(&stage, &DEPLOY.replace("shop", "library"));
    let words = [
        "Workflow does not have 'workflow_dispatch' trigger",
        "under `on:`",
        "no-dispatch-trigger",
    ];
    let run = failed_saying(&stage, &id, &words).await;
    assert_eq!(run.status_label.as_deref(), Some("Refused"));
    strike(stage).await;
}

#[tokio::test]
async fn the_branch_is_the_default_one_unless_ref_says_another() {
    let stage = stage(alone()).await;
    for (more, branch) in [
        ("", "main"),
        (r#","workflowInputs":{"ref":"release"}"#, "release"),
        (r#","ref":"release""#, "release"),
        (r#","ref":null"#, "main"),
    ] {
        let id = press(&stage, &DEPLOY.replace('}', &format!("{more}}}")));
        assert_eq!(started(&stage, &id).await.reference, branch, "{more}");
        succeeded(&stage, &id).await;
    }
    let id = press(&stage, &DEPLOY.replace('}', r#","ref":"mian"}"#));
    failed_saying(&stage, &id, &["No ref found for: mian", "`mian`"]).await;
    strike(stage).await;
}

// "You can define whether Port should automatically use the workflow's end status (SUCCESS/FAILURE) to update the
// action/automation status in Port. By default, this is set to true."

#[tokio::test]
async fn an_action_run_ends_as_its_workflow_ends() {
    let stage = stage(alone()).await;
    let (good, bad) = (press(&stage, DEPLOY), press(&stage, TEST));
    let run = succeeded(&stage, &good).await;
    assert_eq!(
        (run.status.as_str(), run.status_label.as_deref()),
        ("SUCCESS", Some("Succeeded"))
    );
    let run = failed_saying(&stage, &bad, &["unit tests", "Run cargo test"]).await;
    assert_eq!(
        (run.status.as_str(), run.status_label.as_deref()),
        ("FAILURE", Some("Failed"))
    );
    strike(stage).await;
}

#[tokio::test]
async fn a_workflow_node_ends_as_its_workflow_ends() {
    let stage = stage(alone()).await;
    let node = |properties| {
        stage
            .port
            .create_node_run(INSTALLATION, "dispatch_workflow", properties)
    };
    let (good, bad, stopped) = (node(DEPLOY), node(TEST), node(HELD));
    let run = succeeded(&stage, &good).await;
    let on_github = run_on_github(&stage, &run.external_run_id.clone().unwrap());
    let output = run.output.unwrap();
    assert_eq!(output["workflowRunId"], on_github.id);
    assert_eq!(output["workflowRunUrl"], on_github.html_url);
    assert_eq!(output["workflowRunConclusion"], "success");
    let run = failed_saying(&stage, &bad, &["unit tests", "Run cargo test"]).await;
    assert_eq!(
        (run.status.as_str(), run.result.as_deref()),
        ("COMPLETED", Some("FAILED"))
    );
    let on_github = started(&stage, &stopped).await;
    stage.github.finish(on_github.id, "cancelled");
    assert_eq!(
        ended(&stage, &stopped).await.result.as_deref(),
        Some("CANCELLED")
    );
    strike(stage).await;
}

#[tokio::test]
async fn every_conclusion_of_github_is_success_or_failure_in_port() {
    let stage = stage(alone()).await;
    for (conclusion, status) in [
        ("success", "SUCCESS"),
        ("skipped", "SUCCESS"),
        ("neutral", "SUCCESS"),
        ("failure", "FAILURE"),
        ("cancelled", "FAILURE"),
        ("timed_out", "FAILURE"),
        ("action_required", "FAILURE"),
        ("stale", "FAILURE"),
        ("startup_failure", "FAILURE"),
    ] {
        let id = press(&stage, HELD);
        let on_github = started(&stage, &id).await;
        stage.github.finish(on_github.id, conclusion);
        assert_eq!(ended(&stage, &id).await.status, status, "{conclusion}");
    }
    strike(stage).await;
}

// "To disable this option, set the reportWorkflowStatus field to false."

#[tokio::test]
async fn an_end_that_is_not_to_be_reported_is_not_and_the_link_is_there() {
    let stage = stage(alone()).await;
    for off in ["false", "\"false\""] {
        let id = press(
            &stage,
            &TEST.replace('}', &format!(",\"reportWorkflowStatus\":{off}}}")),
        );
        let on_github = started(&stage, &id).await;
        let told = |run| {
            let deliveries = stage.github.deliveries();
            deliveries.iter().any(|it| {
                it.run_id == run && it.event == "workflow_run" && it.action == "completed"
            })
        };
        assert!(stage.github.wait_until(SOON, |_| told(on_github.id)).await);
        let run = stage.port.run(&id).unwrap();
        assert_eq!(
            (run.status.as_str(), run.terminal_reports),
            ("IN_PROGRESS", 0)
        );
        assert_eq!(
            (run.link, run.status_label),
            (vec![on_github.html_url], None)
        );
    }
    strike(stage).await;
}

#[tokio::test]
async fn an_end_is_reported_when_the_definition_says_so_in_words() {
    let stage = stage(alone()).await;
    for on in ["true", "\"true\"", "null"] {
        let id = press(
            &stage,
            &DEPLOY.replace('}', &format!(",\"reportWorkflowStatus\":{on}}}")),
        );
        succeeded(&stage, &id).await;
    }
    let id = press(
        &stage,
        &DEPLOY.replace('}', r#","reportWorkflowStatus":"perhaps"}"#),
    );
    failed_saying(
        &stage,
        &id,
        &["`reportWorkflowStatus` must be true or false"],
    )
    .await;
    strike(stage).await;
}

// "To enable automatic workflow status updates, the integration must have live events enabled." Here they are an
// accelerator: without them a run ends later, and the log says so.

#[tokio::test]
async fn live_events_that_are_off_are_said_once_and_the_run_still_ends() {
    let (log, _listening) = Log::listen();
    let stage = stage(StageOptions {
        rules: OFTEN,
        ..StageOptions::with(vec![Role {
            live_events: false,
            ..Role::self_hosted(INSTALLATION)
        }])
    })
    .await;
    let (good, bad) = (press(&stage, DEPLOY), press(&stage, TEST));
    succeeded(&stage, &good).await;
    failed_saying(&stage, &bad, &["unit tests", "Run cargo test"]).await;
    assert!(stage.github.deliveries().is_empty());
    assert_eq!(log.count("live events are off"), 1);
    strike(stage).await;
}

#[tokio::test]
async fn with_live_events_an_end_is_known_without_asking() {
    let (log, _listening) = Log::listen();
    let stage = stage(alone()).await;
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_eq!(stage.github.count("get-run"), 0);
    assert_eq!(log.count("live events are off"), 0);
    strike(stage).await;
}

// "If the integration is hosted by Port, the org input field will be hidden and prefilled in the UI."

#[tokio::test]
async fn the_organization_of_a_hosted_installation_is_filled_in() {
    let stage = stage(StageOptions::with(vec![Role::hosted(INSTALLATION, "acme")])).await;
    let id = press(&stage, r#"{"repo":"shop","workflow":"deploy.yml"}"#);
    assert_eq!(started(&stage, &id).await.owner, "acme");
    succeeded(&stage, &id).await;
    let id = press(&stage, &DEPLOY.replace("acme", "globex"));
    failed_saying(&stage, &id, &["`acme`", "`globex`"]).await;
    strike(stage).await;
}

// "If the integration is self-hosted, you must always fill in the organization input, even if it is configured for a
// specific organization."

#[tokio::test]
async fn a_self_hosted_installation_must_be_told_the_organization_even_if_it_has_only_one() {
    let stage = stage(StageOptions::with(vec![Role {
        organization: Some("acme".to_owned()),
        ..Role::self_hosted(INSTALLATION)
    }]))
    .await;
    let id = press(&stage, r#"{"repo":"shop","workflow":"deploy.yml"}"#);
    failed_saying(&stage, &id, &["`org` is missing", "missing-organization"]).await;
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    strike(stage).await;
}

// "When creating an action through the API, you must specify the organization even if the integration is hosted by
// Port."

#[test]
fn the_api_must_be_told_the_organization_and_the_user_interface_need_not() {
    let program = Program::new();
    program.file(
        "hosted.toml",
        "id = \"acme-github\"\nhosting = \"hosted-by-port\"\norganization = \"acme\"\napi-url = \"https://api.github.com\"\n",
    );
    program.file(
        "action.json",
        r#"{"identifier":"deploy","invocationMethod":{"type":"INTEGRATION_ACTION","installationId":"acme-github",
            "integrationActionType":"dispatch_workflow",
            "integrationActionExecutionProperties":{"repo":"shop","workflow":"deploy.yml"}}}"#,
    );
    let configure = |origin: &str| {
        let arguments = [
            "configure",
            "action.json",
            "--installation",
            "hosted.toml",
            "--output",
            "json",
            "--origin",
            origin,
        ];
        program.run(&arguments)
    };
    let api = configure("api");
    let problems = api.expect_code(1).json()["problems"].clone();
    assert_eq!(problems.as_array().unwrap().len(), 1, "{api}");
    assert_eq!(problems[0]["code"], "missing-organization");
    assert_eq!(
        problems[0]["pointer"],
        "/invocationMethod/integrationActionExecutionProperties/org"
    );
    let ui = configure("ui");
    let method = ui.expect_code(0).json()["definition"]["invocationMethod"].clone();
    assert_eq!(
        method["integrationActionExecutionProperties"]["org"], "acme",
        "{ui}"
    );
}

#[tokio::test]
async fn a_run_that_waits_for_an_approval_says_so() {
    let stage = stage(alone()).await;
    let id = press(&stage, HELD);
    let on_github = started(&stage, &id).await;
    stage.github.advance(
        on_github.id,
        host_harness::simulator::github::Phase::Waiting,
    );
    let shows = |label: &str| stage.port.run(&id).unwrap().status_label.as_deref() == Some(label);
    assert!(
        stage
            .port
            .wait_until(SOON, |_| shows("Waiting for approval"))
            .await
    );
    stage.github.finish(on_github.id, "success");
    succeeded(&stage, &id).await;
    strike(stage).await;
}

#[tokio::test]
async fn actions_processing_that_is_disabled_makes_readiness_red() {
    let stage = stage(alone()).await;
    stage.port.add_integration(INSTALLATION, false);
    assert!(
        stage
            .port
            .wait_until(SOON, |port| port.count("claim") > 3)
            .await
    );
    // The board is written after the answer has been read.
    tokio::time::sleep(Duration::from_millis(50)).await;
    let said = stage.host.readiness().unwrap_err();
    assert!(
        said.contains(INSTALLATION) && said.contains("action"),
        "{said}"
    );
    strike(stage).await;
}
