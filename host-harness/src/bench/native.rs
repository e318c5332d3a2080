//! The same work without a sandbox: what a careful program of one customer would do, and no more.
//!
//! The requests are those of the component, byte for byte but for the order of header fields; the pool is the host's own;
//! JSON is read by serde into types of exactly the fields that are used.

use super::work::TOKEN;
use crate::contract::{Attempt, Change, Completion, Level, LogLine, Outcome, Run, RunUpdate};
use crate::network::Network;
use crate::transport;
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::{BodyExt, Full};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A client of one server, on one thread.
pub(super) struct Native {
    client: transport::Client<Full<Bytes>>,
    api: String,
    repositories: RefCell<BTreeMap<String, (Instant, Repository)>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'p> {
    org: &'p str,
    repo: &'p str,
    workflow: &'p str,
    #[serde(borrow)]
    workflow_inputs: BTreeMap<&'p str, &'p RawValue>,
}

#[derive(Clone, Deserialize)]
struct Repository {
    id: u64,
    owner: Owner,
    default_branch: String,
}

#[derive(Clone, Deserialize)]
struct Owner {
    id: u64,
}

#[derive(Serialize)]
struct Order<'o> {
    #[serde(rename = "ref")]
    reference: &'o str,
    inputs: BTreeMap<&'o str, String>,
    return_run_details: bool,
}

#[derive(Deserialize)]
struct Started {
    workflow_run_id: u64,
    html_url: String,
}

/// How long GitHub lets an answer be kept.
const FRESH: Duration = Duration::from_secs(60);

impl Native {
    pub(super) fn new(api: &str) -> Result<Native, String> {
        Ok(Native {
            client: transport::client(Network::Machine).map_err(|error| error.to_string())?,
            api: api.to_owned(),
            repositories: RefCell::default(),
        })
    }

    /// Starts the workflow of a run; returns the external id.
    pub(super) async fn dispatch(&self, run: &Run, attempt: &Attempt) -> Result<String, String> {
        if attempt.number > 1 {
            return Err("the benchmark has first attempts only".to_owned());
        }
        let order: Properties<'_> = serde_json::from_str(&run.properties).map_err(told)?;
        let path = format!("{}/repos/{}/{}", self.api, order.org, order.repo);
        let repository = self.repository(&path).await?;
        let inputs = order.workflow_inputs.iter().map(|(name, value)| {
            let text = serde_json::from_str::<String>(value.get());
            (*name, text.unwrap_or_else(|_| value.get().to_owned()))
        });
        let body = serde_json::to_vec(&Order {
            reference: &repository.default_branch,
            inputs: inputs.collect(),
            return_run_details: true,
        });
        let url = format!("{path}/actions/workflows/{}/dispatches", order.workflow);
        let (_, body) = self
            .exchange(Method::POST, url, body.map_err(told)?)
            .await?;
        let started: Started = serde_json::from_slice(&body).map_err(told)?;
        if !started.html_url.starts_with("http") {
            return Err(started.html_url);
        }
        let (owner, id) = (repository.owner.id, repository.id);
        Ok(format!("gh_{owner}_{id}_{}", started.workflow_run_id))
    }

    async fn repository(&self, url: &str) -> Result<Repository, String> {
        let known = self.repositories.borrow().get(url).cloned();
        if let Some((until, repository)) = known
            && Instant::now() < until
        {
            return Ok(repository);
        }
        let (may_be_kept, body) = self
            .exchange(Method::GET, url.to_owned(), Vec::new())
            .await?;
        let repository: Repository = serde_json::from_slice(&body).map_err(told)?;
        if may_be_kept {
            let entry = (Instant::now() + FRESH, repository.clone());
            self.repositories.borrow_mut().insert(url.to_owned(), entry);
        }
        Ok(repository)
    }

    /// Sends a request. Whether the answer may be kept, and its body.
    async fn exchange(
        &self,
        method: Method,
        url: String,
        body: Vec<u8>,
    ) -> Result<(bool, Bytes), String> {
        let mut request = Request::builder()
            .method(method)
            .uri(url)
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header("user-agent", "native")
            .header("authorization", format!("Bearer {TOKEN}"));
        if !body.is_empty() {
            request = request.header("content-type", "application/json");
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(told)?;
        let answer = self.client.request(request).await.map_err(told)?;
        let (head, body) = answer.into_parts();
        let body = body.collect().await.map_err(told)?.to_bytes();
        if head.status != 200 {
            return Err(format!(
                "{}: {}",
                head.status,
                String::from_utf8_lossy(&body)
            ));
        }
        Ok((head.headers.contains_key("etag"), body))
    }
}

fn told(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[derive(Deserialize)]
struct Told<'d> {
    action: &'d str,
    #[serde(borrow)]
    workflow_run: ToldRun<'d>,
    repository: ToldRepository,
}

#[derive(Deserialize)]
struct ToldRun<'d> {
    id: u64,
    run_attempt: u32,
    event: &'d str,
    conclusion: Option<&'d str>,
    run_started_at: &'d str,
    updated_at: &'d str,
}

#[derive(Deserialize)]
struct ToldRepository {
    id: u64,
    owner: Owner,
}

/// What a delivery of the event `workflow_run` says about the end of a run that went well; other ends have to be
/// explained, and that takes requests.
pub(super) fn decide(body: &[u8]) -> Result<Vec<RunUpdate>, String> {
    let delivery: Told<'_> = serde_json::from_slice(body).map_err(told)?;
    let run = &delivery.workflow_run;
    if delivery.action != "completed" || run.event != "workflow_dispatch" {
        return Ok(vec![]);
    }
    let conclusion = run.conclusion.ok_or("it has no conclusion")?;
    if conclusion != "success" {
        return Err(format!("{conclusion} is another benchmark"));
    }
    let moment = |text: &str| text.parse::<jiff::Timestamp>().map_err(told);
    let took = moment(run.updated_at)?.as_second() - moment(run.run_started_at)?.as_second();
    let (owner, repository, id) = (delivery.repository.owner.id, delivery.repository.id, run.id);
    let attempt = run.run_attempt;
    Ok(vec![RunUpdate {
        external_run_id: format!("gh_{owner}_{repository}_{id}"),
        attempt,
        change: Change::Completed(Completion {
            outcome: Outcome::Success,
            conclusion: conclusion.to_owned(),
            label: "Succeeded".to_owned(),
            summary: None,
            output: format!(
                r#"{{"workflowRunConclusion":"success","workflowRunAttempt":{attempt},"workflowRunSeconds":{took}}}"#
            ),
            log: vec![LogLine {
                level: Level::Info,
                message: format!("The workflow run ended: success after {took} s."),
            }],
        }),
    }])
}
