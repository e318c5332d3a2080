//! Tests over the wire.

mod api;
mod app;
mod faults;
mod hooks;
mod webhooks;

use std::time::Duration;

use serde_json::{Value, json};

use super::super::testing::{Answer, Outcome, call};
use super::*;

const LIMIT: Duration = Duration::from_secs(2);

fn shop() -> Repository {
    Repository::new("acme", "shop")
        .branch("feature/one")
        .tag("v1")
        .workflow(
            Workflow::new("deploy.yml")
                .name("Deploy")
                .input(Input::choice("level", ["dev", "prod"]).default("dev"))
                .input(Input::new("environment").required())
                .input(Input::new("marker"))
                .without_trigger_on("feature/one")
                .run_name_echoes_inputs(true)
                .queue_time(Duration::ZERO)
                .duration(Duration::from_millis(5)),
        )
        .workflow(
            Workflow::new("broken.yml")
                .jobs(["lint", "test"])
                .failing("test", "Run cargo test")
                .queue_time(Duration::ZERO)
                .duration(Duration::ZERO),
        )
        .workflow(Workflow::new("slow.yml").manual())
        .workflow(Workflow::new("push.yml").trigger(false))
        .workflow(Workflow::new("off.yml").state("disabled_manually"))
}

async fn start(options: Options) -> Outcome<GitHub> {
    let github = GitHub::start(options).await?;
    github.add_repository(shop());
    Ok(github)
}

async fn send(
    github: &GitHub,
    method: &str,
    path: &str,
    extra: &[(&str, &str)],
    body: &str,
) -> Outcome<Answer> {
    let bearer = format!("Bearer {}", github.token());
    let mut headers = vec![
        ("user-agent", "simulator-test"),
        ("accept", "application/vnd.github+json"),
        ("x-github-api-version", "2022-11-28"),
        ("authorization", bearer.as_str()),
    ];
    if !body.is_empty() {
        headers.push(("content-type", "application/json"));
    }
    headers.retain(|(name, _)| !extra.iter().any(|(other, _)| other == name));
    headers.extend(extra.iter().filter(|(_, value)| !value.is_empty()));
    call(
        method,
        &format!("{}{path}", github.api_url()),
        &headers,
        body,
    )
    .await
}

async fn get(github: &GitHub, path: &str) -> Outcome<Answer> {
    send(github, "GET", path, &[], "").await
}

async fn dispatch(github: &GitHub, workflow: &str, body: &Value) -> Outcome<Answer> {
    let path = format!("/repos/acme/shop/actions/workflows/{workflow}/dispatches");
    send(github, "POST", &path, &[], &body.to_string()).await
}

fn good() -> Value {
    json!({"ref": "main", "inputs": {"environment": "x", "marker": "r_1"}, "return_run_details": true})
}

async fn started(github: &GitHub, workflow: &str) -> Outcome<u64> {
    let body = if workflow == "deploy.yml" {
        good()
    } else {
        json!({"ref": "main", "return_run_details": true})
    };
    Ok(dispatch(github, workflow, &body)
        .await?
        .text("/workflow_run_id")
        .parse()?)
}
