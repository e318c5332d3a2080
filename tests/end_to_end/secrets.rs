//! Secrets are nowhere: not in a log of the finest level, not in the journal, not in what Port is told, not in what a
//! person is shown; also where a server repeats what it was sent.

use crate::canary::Haystack;
use crate::killable::Killable;
use crate::scene::SOON;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_harness::simulator::github::{AppInstallation, GitHub};
use host_harness::simulator::{Effect, Fault};
use std::collections::BTreeSet;

/// A token that looks like no other text.
const TOKEN: &str = "ghp_Canary7f3e9a1c5b2d8e4f6a0c9b7d5e3f";
const HOOK: &str = "canary-hook/Secret+with=signs?9c1e";

/// Writes other values of the configuration.
fn reconfigure(world: &Killable, from: &str, to: &str) {
    let path = world.program.folder().join("host.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from:?} is not in\n{text}");
    world.program.file("host.toml", text.replace(from, to));
}

/// Runs the host at its most talkative, presses the button for each of these workflows and waits for the ends.
async fn live(world: &mut Killable, workflows: &[&str]) -> Haystack {
    let variables = [("RUST_LOG", "trace"), ("RUST_BACKTRACE", "1")];
    world.start_with(&variables).await;
    world.listening().await;
    let mut haystack = Haystack::default();
    for workflow in workflows {
        let run = world.press(workflow);
        let run = world.port.wait_until_ended(&run, SOON).await.unwrap();
        haystack.add("the run in Port", format!("{run:#?}"));
    }
    let metrics = get(world, "/metrics").await;
    assert!(metrics.contains("# TYPE"), "{metrics}");
    haystack.add("the metrics", metrics);
    haystack.add("readiness", get(world, "/health/ready").await);
    let finished = world.terminate().await;
    assert!(
        finished.stderr.contains("TRACE"),
        "the log is not at its finest level: {finished}"
    );
    haystack.add("the log", finished.stderr);
    haystack.add("standard output", finished.stdout);
    haystack.add_files(world.program.folder(), "journal.db");
    let export = ["journal", "--journal", "journal.db", "export"];
    haystack.add("the export", world.program.run(&export).stdout);
    haystack
}

/// What the host answers to a GET.
async fn get(world: &Killable, path: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut stream = tokio::net::TcpStream::connect(world.address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: h\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// What the simulated GitHub was sent as authorization, ever.
fn sent_to(github: &GitHub) -> BTreeSet<String> {
    let exchanges = github.exchanges();
    let values = exchanges.iter().filter_map(|it| it.header("authorization"));
    let secrets = values.map(|value| value.trim_start_matches("Bearer ").to_owned());
    secrets.collect()
}

#[tokio::test]
async fn a_token_is_nowhere_even_if_the_server_repeats_it_in_every_spelling() {
    let mut world = Killable::new("").await;
    world.github.add_token(TOKEN, true, "canary[bot]");
    world.program.file("token", TOKEN);
    world.program.file("hook-secret", HOOK);
    world.github.remove_webhook(world.webhook);
    let hook = format!("http://{}/webhooks/acme-github", world.address);
    world.github.add_webhook(hook, Some(HOOK.to_owned()));
    let percent = TOKEN.replace('_', "%5F");
    let basic = STANDARD.encode(format!("x-access-token:{TOKEN}"));
    let message = format!("you sent Bearer {TOKEN}, {percent}, {basic}, signed with {HOOK}");
    let body = serde_json::json!({ "message": message, "errors": [message] }).to_string();
    let fault = Fault::new("dispatch", Effect::answer(422, body)).once();
    let repeated = world.github.inject(fault);
    let haystack = live(&mut world, &["deploy.yml", "deploy.yml", "../../x"]).await;
    assert_eq!(repeated.hits(), 1);
    assert!(
        sent_to(&world.github).contains(TOKEN),
        "the token was never sent"
    );
    assert!(haystack.size() > 100_000, "{} bytes", haystack.size());
    // What was sent is overwritten on its way to the plugin, what was not is blotted out on its way to people.
    let repeated = format!("you sent Bearer {}, ", "*".repeat(TOKEN.len()));
    for trace in [repeated.as_str(), "signed with [secret]"] {
        assert!(
            !haystack.find(trace).is_empty(),
            "{trace:?} is nowhere, so nothing was tried"
        );
    }
    haystack.expect_none([TOKEN, HOOK, &world.port.client_secret()]);
}

#[tokio::test]
async fn what_dispatch_shows_of_its_exchanges_holds_no_secret_that_a_server_repeats() {
    let world = Killable::new("").await;
    world.github.add_token(TOKEN, true, "canary[bot]");
    world.program.file("token", TOKEN);
    world.program.file("hook-secret", HOOK);
    let text = std::fs::read_to_string(world.program.folder().join("host.toml")).unwrap();
    let (_, installation) = text.split_once("[[installation]]").unwrap();
    world.program.file("installation.toml", installation);
    let payload = r#"{"id": "r_1", "payload": {"type": "INTEGRATION_ACTION", "installationId": "acme-github",
        "integrationActionType": "dispatch_workflow", "integrationActionExecutionProperties":
        {"org": "acme", "repo": "shop", "workflow": "deploy.yml"}}}"#;
    world.program.file("run.json", payload);
    let basic = STANDARD.encode(format!("x-access-token:{TOKEN}"));
    let body = serde_json::json!({ "message": format!("{TOKEN} {basic} {HOOK}") }).to_string();
    let fault = Fault::new("dispatch", Effect::answer(422, body)).times(2);
    let repeated = world.github.inject(fault);
    let mut haystack = Haystack::default();
    for output in ["text", "json"] {
        let mut command = vec!["dispatch", "--run", "run.json", "--output", output];
        command.extend(["--installation", "installation.toml"]);
        let finished = world.program.run_beside(&command).await;
        finished.expect_code(1);
        haystack.add("standard output", finished.stdout);
        haystack.add("standard error", finished.stderr);
    }
    assert_eq!(repeated.hits(), 2);
    assert!(!haystack.find(&"*".repeat(TOKEN.len())).is_empty());
    haystack.expect_none([TOKEN, HOOK]);
}

#[tokio::test]
async fn the_key_the_jwts_and_the_tokens_of_an_app_are_nowhere() {
    let mut world = Killable::new("").await;
    world
        .github
        .add_app_installation(AppInstallation::on("acme"));
    let key = world.github.app_private_key();
    world.program.file("app.pem", &key);
    let app = format!(
        "credential = {{ app = {{ id = {:?}, private-key = {{ file = \"app.pem\" }} }} }}",
        world.github.app_client_id()
    );
    reconfigure(
        &world,
        "credential = { token = { file = \"token\" } }",
        &app,
    );
    let haystack = live(&mut world, &["deploy.yml", "other.yml"]).await;
    let sent = sent_to(&world.github);
    assert!(
        sent.len() >= 2,
        "a JWT and a token at least: {}",
        sent.len()
    );
    haystack.expect_none(sent.iter().map(String::as_str));
    let lines = key.lines().filter(|line| !line.starts_with("-----"));
    haystack.expect_none(lines.filter(|line| line.len() > 20));
}

#[tokio::test]
async fn a_wrong_configuration_is_explained_without_the_secrets_in_it() {
    let world = Killable::new("").await;
    world
        .program
        .file("token", format!("{TOKEN}\nand a second line"));
    let finished = world.program.run(&["serve", "--config", "host.toml"]);
    assert!(
        finished.refusal().contains("credential.token"),
        "{finished}"
    );
    finished.expect_never(TOKEN);
    world.program.file("app.pem", TOKEN);
    let app = "credential = { app = { id = 1, private-key = { file = \"app.pem\" } } }";
    reconfigure(&world, "credential = { token = { file = \"token\" } }", app);
    let finished = world.program.run(&["serve", "--config", "host.toml"]);
    assert!(
        finished.refusal().contains("credential.app.private-key"),
        "{finished}"
    );
    finished.expect_never(TOKEN);
}
