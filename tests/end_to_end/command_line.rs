//! The commands, as a user sees them.

use crate::component::component;
use crate::program::{Program, Running};
use crate::scene::{DEPLOY, SOON, TEST};
use host_harness::simulator::github::{self, GitHub, Repository, Standing, Workflow};
use host_harness::simulator::port::{self, Port};
use host_harness::simulator::{Fault, KeptAddress, github::secondary_limit};
use serde_json::{Value, json};
use std::time::Duration;

const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";
const HOOK_SECRET: &str = "the secret of the hook";

/// An installation file for a server, and what it names.
fn installation(program: &Program, api_url: &str) {
    program.file("token", format!("{TOKEN}\n"));
    program.file("hook-secret", HOOK_SECRET);
    let text = format!(
        "id = \"acme-github\"\nhosting = \"self-hosted\"\napi-url = \"{api_url}\"\nallow-plain-http = true\n\
         allow-addresses = [\"127.0.0.0/8\"]\n\
         credential = {{ token = {{ file = \"token\" }} }}\nwebhook-secret = {{ file = \"hook-secret\" }}\n"
    );
    program.file("installation.toml", text);
}

/// A run file, as Port hands runs out.
fn run_file(program: &Program, properties: &str) {
    let run = json!({"id": "r_0000000000000001", "status": "IN_PROGRESS", "payload": {
        "type": "INTEGRATION_ACTION",
        "installationId": "acme-github",
        "integrationActionType": "dispatch_workflow",
        "integrationActionExecutionProperties": serde_json::from_str::<Value>(properties).unwrap(),
    }});
    program.file("run.json", run.to_string());
}

async fn github() -> GitHub {
    let github = GitHub::start(github::Options::default()).await.unwrap();
    github.add_token(TOKEN, true, "mona");
    let quick = |workflow: Workflow| workflow.duration(Duration::from_millis(20));
    github.add_repository(
        Repository::new("acme", "shop")
            .workflow(quick(Workflow::new("deploy.yml")))
            .workflow(quick(Workflow::new("test.yml")).failing("unit tests", "Run cargo test")),
    );
    github
}

const DISPATCH: [&str; 5] = [
    "dispatch",
    "--run",
    "run.json",
    "--installation",
    "installation.toml",
];

// dispatch

#[tokio::test]
async fn dispatch_shows_every_exchange_and_never_the_token() {
    let (program, github) = (Program::new(), github().await);
    installation(&program, &github.api_url());
    run_file(&program, DEPLOY);
    let finished = program.run_beside(&DISPATCH).await;
    finished.expect_code(0).expect_never(TOKEN);
    let run = &github.runs()[0];
    for shown in [
        format!("> GET {}/repos/acme/shop\n", github.api_url()),
        format!(
            "> POST {}/repos/acme/shop/actions/workflows/deploy.yml/dispatches\n",
            github.api_url()
        ),
        "authorization: (added by the host)".to_owned(),
        "\"return_run_details\":true".to_owned(),
        "< 200 (".to_owned(),
        format!("started as {}\n", run.external_id),
        run.html_url.clone(),
    ] {
        assert!(
            finished.stdout.contains(&shown),
            "{shown:?} is not shown: {finished}"
        );
    }
    assert_eq!(finished.stderr, "");
    assert_eq!(github.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn dispatch_as_json_is_one_object_with_every_exchange() {
    let (program, github) = (Program::new(), github().await);
    installation(&program, &github.api_url());
    run_file(&program, DEPLOY);
    let finished = program
        .run_beside(&[&DISPATCH[..], &["--output", "json"]].concat())
        .await;
    finished.expect_code(0).expect_never(TOKEN);
    let object = finished.json();
    let run = &github.runs()[0];
    assert_eq!(object["ok"], true);
    assert_eq!(object["started"]["externalRunId"], run.external_id);
    assert_eq!(object["started"]["link"], run.html_url);
    assert_eq!(object["started"]["output"]["workflowRunId"], run.id);
    let seen: Vec<_> = object["exchanges"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (
                it["method"].clone(),
                it["credentialAdded"].clone(),
                it["answer"]["status"].clone(),
            )
        })
        .collect();
    assert_eq!(
        seen,
        [
            (json!("GET"), json!(true), json!(200)),
            (json!("POST"), json!(true), json!(200))
        ]
    );
    assert_eq!(object["exchanges"][1]["body"]["ref"], "main");
    assert_eq!(github.exchanges().len(), 2);
    assert_eq!(github.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn dispatch_that_is_refused_says_why_and_ends_with_1() {
    let (program, github) = (Program::new(), github().await);
    installation(&program, &github.api_url());
    run_file(&program, &DEPLOY.replace('}', r#","ref":"mian"}"#));
    let text = program.run_beside(&DISPATCH).await;
    text.expect_code(1);
    assert!(
        text.stdout
            .contains("not started: GitHub answered 422: No ref found for: mian"),
        "{text}"
    );
    assert!(
        text.stdout.contains("[rejected ref-not-found]") && text.stdout.contains("remedy: "),
        "{text}"
    );
    github.inject(Fault::new("get-repository", secondary_limit(429, Some(7))));
    let limited = program
        .run_beside(&[&DISPATCH[..], &["--output", "json"]].concat())
        .await;
    let failure = limited.expect_code(1).json()["failure"].clone();
    assert_eq!(failure["kind"], "rate-limited", "{limited}");
    assert_eq!(failure["retryAfterSeconds"], 7, "{limited}");
    github.clear_faults();
    github.set_standing(TOKEN, Standing::Expired);
    let expired = program
        .run_beside(&[&DISPATCH[..], &["--output", "json"]].concat())
        .await;
    assert_eq!(
        expired.expect_code(1).json()["failure"]["kind"],
        "unauthorized",
        "{expired}"
    );
    expired.expect_never(TOKEN);
}

#[tokio::test]
async fn dispatch_with_a_higher_attempt_adopts_what_an_earlier_one_has_started() {
    let (program, github) = (Program::new(), github().await);
    installation(&program, &github.api_url());
    run_file(&program, DEPLOY);
    program.run_beside(&DISPATCH).await.expect_code(0);
    let second = program
        .run_beside(&[&DISPATCH[..], &["--attempt", "2"]].concat())
        .await;
    second.expect_code(0);
    assert_eq!(github.runs().len(), 1);
    assert!(
        second.stdout.contains(&github.runs()[0].external_id),
        "{second}"
    );
}

#[test]
fn dispatch_to_a_server_that_is_not_there_is_safe_to_repeat() {
    let program = Program::new();
    installation(&program, "http://127.0.0.1:9");
    run_file(&program, DEPLOY);
    let finished = program.run(&[&DISPATCH[..], &["--output", "json"]].concat());
    let failure = finished.expect_code(1).json()["failure"].clone();
    assert_eq!(
        (&failure["kind"], &failure["requestSent"]),
        (&json!("unavailable"), &json!(false)),
        "{finished}"
    );
}

#[test]
fn dispatch_of_a_run_of_another_installation_is_refused() {
    let program = Program::new();
    installation(&program, "https://api.github.com");
    run_file(&program, DEPLOY);
    let run = std::fs::read_to_string(program.folder().join("run.json")).unwrap();
    program.file("run.json", run.replace("acme-github", "globex"));
    let finished = program.run(&DISPATCH);
    let sentence = finished.refusal();
    assert!(
        sentence.contains("\"globex\"") && sentence.contains("\"acme-github\""),
        "{sentence}"
    );
}

// webhook

const COMPLETED: &str = r#"{"action":"completed","workflow_run":{"id":33,"run_attempt":2,"event":"workflow_dispatch",
    "status":"completed","conclusion":"success","run_started_at":"2026-03-10T12:00:00Z",
    "updated_at":"2026-03-10T12:03:18Z"},"repository":{"id":22,"name":"shop","owner":{"id":11,"login":"acme"}}}"#;

fn webhook(event: &str, more: &[&str]) -> crate::program::Finished {
    let program = Program::new();
    installation(&program, "https://api.github.com");
    program.file("body.json", COMPLETED);
    let arguments = [
        "webhook",
        "--event",
        event,
        "--body",
        "body.json",
        "--installation",
        "installation.toml",
    ];
    program.run(&[&arguments[..], more].concat())
}

#[test]
fn webhook_shows_what_a_delivery_means() {
    let text = webhook("workflow_run", &[]);
    text.expect_code(0).expect_never(HOOK_SECRET);
    assert!(
        text.stdout
            .contains("gh_11_22_33 attempt 2\n    ended: Succeeded (success, success)"),
        "{text}"
    );
    assert!(text.stdout.contains("3 min 18 s"), "{text}");
    let object = webhook("workflow_run", &["--output", "json"]);
    let update = object.expect_code(0).json()["updates"][0].clone();
    assert_eq!(
        (&update["externalRunId"], &update["attempt"]),
        (&json!("gh_11_22_33"), &json!(2))
    );
    assert_eq!(update["change"]["completed"]["outcome"], "success");
}

#[test]
fn webhook_with_a_wrong_signature_is_refused_and_with_the_right_one_taken() {
    let wrong = format!("sha256={}", "0".repeat(64));
    for sign in [wrong.as_str(), "sha256=", "nonsense"] {
        let text = webhook("workflow_run", &["--signature", sign]);
        text.expect_code(1).expect_never(HOOK_SECRET);
        assert!(text.stdout.starts_with("refused with 401: "), "{text}");
        let object = webhook("workflow_run", &["--signature", sign, "--output", "json"]).json();
        assert_eq!(object["ok"], false);
        assert!(object["refused"].is_string(), "{object}");
    }
    let right = github::signature(HOOK_SECRET, COMPLETED.as_bytes());
    webhook("workflow_run", &["--signature", &right]).expect_code(0);
}

#[test]
fn webhook_of_an_event_that_concerns_no_run_reports_nothing() {
    let text = webhook("push", &[]);
    assert_eq!(
        text.expect_code(0).stdout,
        "nothing to report: the delivery concerns no run\n"
    );
    let object = webhook("push", &["--output", "json"]);
    assert_eq!(
        object.expect_code(0).json(),
        json!({"ok": true, "updates": []})
    );
}

// configure

const ACTION: &str = r#"{"identifier":"deploy","invocationMethod":{"type":"INTEGRATION_ACTION",
    "installationId":"acme-github","integrationActionType":"dispatch_workflow","reportWorkflowStatus":false,
    "integrationActionExecutionProperties":{"org":"acme","repo":"shop","workflow":".github/workflows/deploy.yml"}}}"#;

const CONFIGURE: [&str; 4] = [
    "configure",
    "action.json",
    "--installation",
    "installation.toml",
];

#[test]
fn configure_completes_a_good_definition_and_notes_what_it_changed() {
    let program = Program::new();
    installation(&program, "https://api.github.com");
    program.file("action.json", ACTION);
    let text = program.run(&CONFIGURE);
    let definition = text.expect_code(0).json();
    let expected = json!({"org": "acme", "repo": "shop", "workflow": "deploy.yml", "reportWorkflowStatus": false});
    assert_eq!(
        definition["invocationMethod"]["integrationActionExecutionProperties"],
        expected
    );
    assert!(
        definition["invocationMethod"]
            .get("reportWorkflowStatus")
            .is_none()
    );
    assert!(
        text.stderr
            .contains("note: `reportWorkflowStatus` was moved"),
        "{text}"
    );
    let object = program.run(&[&CONFIGURE[..], &["--output", "json"]].concat());
    let object = object.expect_code(0).json();
    assert_eq!(
        (&object["ok"], &object["definition"]),
        (&json!(true), &definition)
    );
    assert!(object["notes"].as_array().unwrap().len() >= 2);
}

#[test]
fn configure_keeps_every_digit_and_the_order_of_what_it_does_not_change() {
    let program = Program::new();
    installation(&program, "https://api.github.com");
    let inputs = r#""workflowInputs":{"z":10000000000000000000000001,"a":1.50}"#;
    let action = ACTION.replace(r#""org":"acme""#, &format!(r#"{inputs},"org":"acme""#));
    program.file("action.json", action);
    for format in ["text", "json"] {
        let finished = program.run(&[&CONFIGURE[..], &["--output", format]].concat());
        finished.expect_code(0);
        let compact = finished.stdout.replace([' ', '\n'], "");
        assert!(compact.contains(inputs), "{finished}");
    }
}

#[test]
fn configure_tells_all_problems_at_once_with_pointers_and_remedies() {
    let program = Program::new();
    installation(&program, "https://api.github.com");
    program.file(
        "action.json",
        r#"{"invocationMethod":{"type":"GITHUB","installationId":"globex","integrationActionType":"run",
            "integrationActionExecutionProperties":{"repo":"a/b"}}}"#,
    );
    let object = program.run(&[&CONFIGURE[..], &["--output", "json"]].concat());
    let problems = object.expect_code(1).json()["problems"].clone();
    let mut codes: Vec<_> = problems
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["code"].as_str().unwrap().to_owned())
        .collect();
    codes.sort();
    let expected = [
        "invalid-repository",
        "missing-organization",
        "missing-workflow",
        "wrong-action-type",
        "wrong-installation",
        "wrong-type",
    ];
    assert_eq!(codes, expected);
    let text = program.run(&CONFIGURE);
    text.expect_code(1);
    assert!(
        text.stdout
            .contains("action.json: /invocationMethod/installationId: "),
        "{text}"
    );
    assert_eq!(text.stdout.matches("    remedy: ").count(), 6, "{text}");
}

#[tokio::test]
async fn configure_asks_the_server_when_told_to() {
    let (program, github) = (Program::new(), github().await);
    github.add_repository(
        Repository::new("acme", "old")
            .workflow(Workflow::new("deploy.yml").state("disabled_manually")),
    );
    installation(&program, &github.api_url());
    let against = [&CONFIGURE[..], &["--against-server", "--output", "json"]].concat();
    program.file("action.json", ACTION);
    program.run_beside(&against).await.expect_code(0);
    for (from, to, code) in [
        ("\"shop\"", "\"nowhere\"", "repository-not-found"),
        ("deploy.yml", "missing.yml", "workflow-not-found"),
        ("\"shop\"", "\"old\"", "workflow-disabled"),
    ] {
        program.file("action.json", ACTION.replace(from, to));
        let finished = program.run_beside(&against).await;
        assert_eq!(
            finished.expect_code(1).json()["problems"][0]["code"],
            code,
            "{finished}"
        );
    }
    assert_eq!(github.count("dispatch"), 0);
    assert_eq!(github.violations(), Vec::<String>::new());
}

// inspect

#[test]
fn the_component_imports_what_the_contract_gives_it_and_nothing_else() {
    let program = Program::new();
    let path = component().to_str().unwrap();
    let finished = program.run(&["inspect", path, "--output", "json"]);
    let object = finished.expect_code(0).json();
    let mut imports: Vec<_> = object["imports"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it.as_str().unwrap())
        .collect();
    imports.sort_unstable();
    assert_eq!(
        imports,
        [
            "ocean:integration-action/logging@0.1.0",
            "ocean:integration-action/types@0.1.0",
            "wasi:clocks/monotonic-clock@0.2.0",
            "wasi:clocks/wall-clock@0.2.0",
            "wasi:http/outgoing-handler@0.2.0",
            "wasi:http/types@0.2.0",
            "wasi:io/error@0.2.0",
            "wasi:io/poll@0.2.0",
            "wasi:io/streams@0.2.0",
        ]
    );
    assert_eq!(
        object["exports"],
        json!(["ocean:integration-action/actions@0.1.0"])
    );
    assert_eq!(
        object["contract"],
        json!({"package": "ocean:integration-action", "version": "0.1.0"})
    );
    let size = object["size"].as_u64().unwrap();
    assert_eq!(size, std::fs::metadata(component()).unwrap().len());
    assert!(size < 420_000, "{size}");
    assert_eq!(
        object["manifest"]["actionTypes"][0]["name"],
        "dispatch_workflow"
    );
    assert_eq!(
        object["manifest"]["webhooks"]["events"],
        json!(["workflow_run", "workflow_job"])
    );
    let text = program.run(&["inspect", path]);
    text.expect_code(0);
    for shown in [
        "github-workflow",
        "wasi:http/outgoing-handler@0.2.0",
        "dispatch_workflow",
        "max-inputs",
        "MiB",
    ] {
        assert!(
            text.stdout.contains(shown),
            "{shown:?} is not shown: {text}"
        );
    }
}

// help

#[test]
fn the_help_mentions_every_command_and_every_command_has_help() {
    let program = Program::new();
    let help = program.run(&["--help"]);
    help.expect_code(0);
    for command in [
        "demo",
        "dispatch",
        "webhook",
        "configure",
        "serve",
        "simulate",
        "inspect",
    ] {
        assert!(
            help.stdout.contains(&format!("\n  {command} ")),
            "{command}: {help}"
        );
        let own = program.run(&[command, "--help"]);
        own.expect_code(0);
        assert!(
            own.stdout
                .contains(&format!("Usage: host-harness {command}")),
            "{own}"
        );
    }
    assert!(
        program
            .run(&["--version"])
            .expect_code(0)
            .stdout
            .starts_with("host-harness 0.")
    );
    program.run(&[]).expect_code(2);
}

// simulate

#[tokio::test]
async fn simulate_github_serves_another_process_and_counts_violations() {
    let program = Program::new();
    let mut simulator = program.start(&["simulate", "github", "--listen", "127.0.0.1:0"]);
    let line = simulator.line_with("GitHub is played at ").await;
    let (url, token) = line.split_once("; a valid token is ").unwrap();
    installation(&program, url.strip_prefix("GitHub is played at ").unwrap());
    program.file("token", token);
    run_file(&program, DEPLOY);
    program.run_beside(&DISPATCH).await.expect_code(0);
    simulator
        .line_with("200 POST /repos/acme/shop/actions/workflows/deploy.yml/dispatches")
        .await;
    let finished = simulator.terminate().await;
    assert!(
        finished
            .expect_code(0)
            .stdout
            .ends_with("0 contract violations\n"),
        "{finished}"
    );
}

#[tokio::test]
async fn simulate_github_ends_with_1_after_a_violation() {
    let program = Program::new();
    let mut simulator = program.start(&[
        "simulate",
        "github",
        "--listen",
        "127.0.0.1:0",
        "--output",
        "json",
    ]);
    let hello: Value = serde_json::from_str(&simulator.line_with("apiUrl").await).unwrap();
    let address = hello["apiUrl"]
        .as_str()
        .unwrap()
        .strip_prefix("http://")
        .unwrap()
        .parse()
        .unwrap();
    assert_eq!(
        crate::sender::get(address, "/no/such/endpoint").await.0,
        403
    );
    let finished = simulator.terminate().await;
    let last = finished
        .expect_code(1)
        .stdout
        .lines()
        .last()
        .unwrap()
        .to_owned();
    let violations = serde_json::from_str::<Value>(&last).unwrap()["violations"].clone();
    assert!(!violations.as_array().unwrap().is_empty(), "{finished}");
}

#[tokio::test]
async fn simulate_github_installs_the_app_and_writes_its_key() {
    let program = Program::new();
    let mut simulator = program.start(&[
        "simulate",
        "github",
        "--listen",
        "127.0.0.1:0",
        "--app-installed-on",
        "acme,globex",
        "--app-key-out",
        "app.pem",
        "--output",
        "json",
    ]);
    let hello: Value = serde_json::from_str(&simulator.line_with("apiUrl").await).unwrap();
    assert_eq!(
        hello["app"]["installations"],
        json!({"acme": 55_000_001, "globex": 55_000_002})
    );
    assert_eq!(hello["app"]["id"], 900_001);
    assert!(hello["app"]["clientId"].is_string());
    let key = std::fs::read_to_string(program.folder().join("app.pem")).unwrap();
    assert_eq!(key, github::TEST_KEY_PKCS1);
    simulator.terminate().await.expect_code(0);

    let nowhere = [
        "simulate",
        "github",
        "--listen",
        "127.0.0.1:0",
        "--app-key-out",
        "no/such/folder",
    ];
    let refused = program.run(&nowhere);
    assert!(refused.stderr.contains("--app-key-out"), "{refused}");
    refused.expect_code(2);
}

/// The configuration of a host between two servers.
fn host_file(program: &Program, listen: &str, github: &str, port: &str, client: (&str, &str)) {
    program.file("port-secret", client.1);
    program.file("token", TOKEN);
    program.file("hook-secret", HOOK_SECRET);
    let text = format!(
        "component = {:?}\nlisten = \"{listen}\"\n\n[port]\nbase-url = \"{port}\"\nclient-id = \"{}\"\n\
         client-secret = {{ file = \"port-secret\" }}\npoll-interval-ms = 50\n\n[[installation]]\nid = \"acme-github\"\n\
         hosting = \"self-hosted\"\napi-url = \"{github}\"\nallow-plain-http = true\n\
         allow-addresses = [\"127.0.0.0/8\"]\n\
         credential = {{ token = {{ file = \"token\" }} }}\nwebhook-secret = {{ file = \"hook-secret\" }}\n",
        component(),
        client.0
    );
    program.file("host.toml", text);
}

#[tokio::test]
async fn three_processes_bring_a_run_to_its_end() {
    let program = Program::new();
    // The world has to name the host before it runs.
    let kept = KeptAddress::find().unwrap();
    let free = kept.get();
    program.file("hook-secret", HOOK_SECRET);
    program.file(
        "world.toml",
        format!(
            "[[repository]]\nowner = \"acme\"\nname = \"shop\"\n[[repository.workflow]]\nfile = \"deploy.yml\"\n\
             queued = \"20ms\"\nruns-for = \"50ms\"\n[[webhook]]\nurl = \"http://{free}/webhooks/acme-github\"\n\
             secret = {{ file = \"hook-secret\" }}\n"
        ),
    );
    program.file("properties.json", DEPLOY);
    let json = ["--listen", "127.0.0.1:0", "--output", "json"];
    let mut github =
        program.start(&[&["simulate", "github", "--world", "world.toml"][..], &json].concat());
    let mut port =
        program.start(&[&["simulate", "port", "--run", "properties.json"][..], &json].concat());
    let hello = async |of: &mut Running, key| {
        serde_json::from_str::<Value>(&of.line_with(key).await).unwrap()
    };
    let (on_github, in_port) = (
        hello(&mut github, "apiUrl").await,
        hello(&mut port, "baseUrl").await,
    );
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let client = (text(&in_port["clientId"]), text(&in_port["clientSecret"]));
    host_file(
        &program,
        &free.to_string(),
        &text(&on_github["apiUrl"]),
        &text(&in_port["baseUrl"]),
        (&client.0, &client.1),
    );
    program.file("token", text(&on_github["token"]));
    let mut host = program.start(&["serve", "--config", "host.toml"]);
    host.line_with("listening on").await;
    let end: Value = serde_json::from_str(&port.line_with("terminationStatus").await).unwrap();
    assert_eq!(
        (&end["body"]["terminationStatus"], &end["status"]),
        (&json!("SUCCESS"), &json!(201))
    );
    host.terminate().await.expect_code(0);
    for simulator in [github, port] {
        let finished = simulator.terminate().await;
        finished.expect_code(0);
        assert!(
            finished.stdout.ends_with("{\"violations\":[]}\n"),
            "{finished}"
        );
    }
}

// serve

#[tokio::test]
async fn serve_runs_what_port_offers_and_ends_on_sigterm() {
    let (program, github) = (Program::new(), github().await);
    let port = Port::start(port::Options::default()).await.unwrap();
    port.add_integration("acme-github", true);
    let (id, secret) = (port.client_id(), port.client_secret());
    host_file(
        &program,
        "127.0.0.1:0",
        &github.api_url(),
        &port.base_url(),
        (&id, &secret),
    );
    let mut host = program.start(&["serve", "--config", "host.toml", "--output", "json"]);
    let hello: Value = serde_json::from_str(&host.line_with("listening").await).unwrap();
    assert_eq!(hello["installations"], 1);
    let address = hello["listening"].as_str().unwrap();
    let secret = Some(HOOK_SECRET.to_owned());
    github.add_webhook(format!("http://{address}/webhooks/acme-github"), secret);
    for (properties, status) in [(DEPLOY, "SUCCESS"), (TEST, "FAILURE")] {
        let id = port.create_action_run("acme-github", "dispatch_workflow", properties);
        let run = port.wait_until_ended(&id, SOON).await.unwrap();
        assert_eq!(run.status, status, "{run:#?}");
    }
    assert_eq!(
        crate::sender::get(address.parse().unwrap(), "/health/ready")
            .await
            .0,
        200
    );
    let finished = host.terminate().await;
    finished
        .expect_code(0)
        .expect_never(TOKEN)
        .expect_never(HOOK_SECRET)
        .expect_never("machine-secret");
    assert_eq!(finished.stdout.lines().count(), 1, "{finished}");
    // With JSON asked for, the log is JSON too.
    for line in finished.stderr.lines() {
        assert!(serde_json::from_str::<Value>(line).is_ok(), "{line}");
    }
    assert_eq!(port.violations(), Vec::<String>::new());
    assert_eq!(github.violations(), Vec::<String>::new());
}
