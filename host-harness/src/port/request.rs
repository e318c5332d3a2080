//! What is asked of Port: one function per call, from its meaning to method, path and body. No I/O here.
//!
//! The calls that claim, acknowledge and look up runs and the one that registers the integration are not part of
//! Port's published API description; they are what Port's own integration framework sends (version 0.48.12). The
//! others are published.

use std::time::Duration;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::RunKind;

/// What stays as it is in one segment of a path or one value of a query: RFC 3986's unreserved characters. An id
/// with a slash, a question mark or an ampersand in it can then reach no other endpoint.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

fn encoded(text: &str) -> impl std::fmt::Display {
    utf8_percent_encode(text, SEGMENT)
}

/// One request, without address and credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) method: Method,
    /// From `/v1` on, percent-encoded, without query.
    pub(super) path: String,
    pub(super) query: String,
    /// JSON, or nothing.
    pub(super) body: Option<Vec<u8>>,
    /// Whether the call carries `x-port-reserved-usage: true`, as the framework sends it.
    pub(super) reserved: bool,
    /// Port's id of the run that it is about, if it is about one.
    pub(super) run: Option<String>,
}

impl Request {
    fn new(method: Method, path: String) -> Request {
        Request {
            method,
            path,
            query: String::new(),
            body: None,
            reserved: false,
            run: None,
        }
    }

    fn json(mut self, body: &impl Serialize) -> Request {
        // Writing structs with string keys into memory cannot fail; an empty body would be refused by Port.
        self.body = Some(serde_json::to_vec(body).unwrap_or_default());
        self
    }

    fn reserved(mut self) -> Request {
        self.reserved = true;
        self
    }

    fn about(mut self, run: &str) -> Request {
        self.run = Some(run.to_owned());
        self
    }
}

/// What to claim.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The installation whose runs are wanted.
    pub installation_id: String,
    /// At most so many runs.
    pub limit: u32,
    /// How long a claimed run stays hidden from other claims if nobody acknowledges it.
    #[serde(rename = "visibilityTimeoutMs", serialize_with = "milliseconds")]
    pub visibility_timeout: Duration,
    /// Actions (for workflow nodes: node uids) whose runs are not wanted now.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

fn milliseconds<S: serde::Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// That the work has begun, and where it can be watched.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Started {
    /// The id by which later events find the run again.
    pub external_run_id: String,
    /// Where a person can watch it.
    pub link: Option<String>,
    /// The label beside the status. Workflow node runs have none; it is left out there.
    pub status_label: Option<String>,
    /// A workflow node run's output. Action runs have none; it is left out there.
    pub output: Option<Box<RawValue>>,
}

/// Where the work stands. Each field that is given replaces the one before.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Progress {
    /// The label beside the status.
    pub status_label: Option<String>,
    /// Markdown shown on the run's page.
    pub summary: Option<String>,
}

/// How loud a log line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum LogLevel {
    /// Of use when something is being looked into.
    Debug,
    /// The normal course of things.
    Info,
    /// Something that a person should know.
    Warn,
    /// Something that went wrong.
    Error,
}

/// One line of a run's log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// How loud it is.
    pub level: LogLevel,
    /// The text.
    pub message: String,
}

/// What is added to a run's log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Log {
    /// The lines, oldest first.
    pub lines: Vec<LogLine>,
    /// What people see beside the status from then on. A workflow node run has no label.
    pub status_label: Option<String>,
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// It did what it should.
    Success,
    /// It did not.
    Failure,
    /// A person or a newer run stopped it. Only workflow nodes know this; for action runs it is a failure.
    Cancelled,
}

/// That the work has ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// The last line of an action run's log; Port wants one. Workflow node runs: send it with the log.
    pub message: String,
    /// The label beside the status, of an action run.
    pub status_label: Option<String>,
    /// A workflow node run's output. It replaces the earlier one, so give the whole.
    pub output: Option<Box<RawValue>>,
}

/// How an integration makes itself known to Port for the first time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registration {
    /// What actions name to choose it, and what claims name to get its runs. The installation's identifier.
    pub installation_id: String,
    /// What it integrates with, as Port calls it: `github-ocean`. It can be changed later.
    pub installation_app_type: String,
    /// The integration's version.
    pub version: String,
    /// Whether Port offers it as a backend for actions, and hands runs out to it.
    pub actions_processing_enabled: bool,
}

/// What may be changed about the integration itself.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct IntegrationPatch {
    /// Whether Port offers this integration as a backend for actions, and hands runs out to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actions_processing_enabled: Option<bool>,
    /// The integration's version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

pub(super) fn token(client_id: &str, client_secret: &str) -> Request {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        client_id: &'a str,
        client_secret: &'a str,
    }
    Request::new(Method::POST, "/v1/auth/access_token".to_owned()).json(&Body {
        client_id,
        client_secret,
    })
}

pub(super) fn claim(kind: RunKind, claim: &Claim) -> Request {
    let path = match kind {
        RunKind::Action => "/v1/actions/runs/claim-pending",
        RunKind::WorkflowNode => "/v1/workflows/runs/claim-pending",
    };
    Request::new(Method::POST, path.to_owned())
        .json(claim)
        .reserved()
}

pub(super) fn ack(kind: RunKind, id: &str) -> Request {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase", untagged)]
    enum Body<'a> {
        #[serde(rename_all = "camelCase")]
        Action { run_id: &'a str },
        #[serde(rename_all = "camelCase")]
        Node { node_run_identifier: &'a str },
    }
    let (path, body) = match kind {
        RunKind::Action => ("/v1/actions/runs/ack", Body::Action { run_id: id }),
        RunKind::WorkflowNode => (
            "/v1/workflows/runs/ack",
            Body::Node {
                node_run_identifier: id,
            },
        ),
    };
    Request::new(Method::PATCH, path.to_owned())
        .json(&body)
        .reserved()
        .about(id)
}

fn run_path(kind: RunKind, id: &str) -> String {
    match kind {
        RunKind::Action => format!("/v1/actions/runs/{}", encoded(id)),
        RunKind::WorkflowNode => format!("/v1/workflows/nodes/runs/{}", encoded(id)),
    }
}

/// Of `PATCH /v1/actions/runs/{id}`, which refuses unknown fields.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct ActionPatch<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    external_run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    link: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_label: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<&'a str>,
}

/// Of `PATCH /v1/workflows/nodes/runs/{id}`.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
struct NodePatch<'a> {
    status: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    external_run_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<[&'a str; 1]>,
}

pub(super) fn started(kind: RunKind, id: &str, started: &Started) -> Request {
    let request = Request::new(Method::PATCH, run_path(kind, id)).about(id);
    match kind {
        RunKind::Action => request.json(&ActionPatch {
            external_run_id: Some(&started.external_run_id),
            link: started.link.as_deref(),
            status_label: started.status_label.as_deref(),
            summary: None,
        }),
        RunKind::WorkflowNode => request.json(&NodePatch {
            status: "IN_PROGRESS",
            result: None,
            external_run_id: Some(&started.external_run_id),
            output: started.output.as_deref(),
            links: started.link.as_deref().map(|link| [link]),
        }),
    }
}

/// Nothing to send for a workflow node run: it has neither label nor summary.
pub(super) fn progress(kind: RunKind, id: &str, progress: &Progress) -> Option<Request> {
    let empty = progress.status_label.is_none() && progress.summary.is_none();
    if kind == RunKind::WorkflowNode || empty {
        return None;
    }
    Some(
        Request::new(Method::PATCH, run_path(kind, id))
            .about(id)
            .json(&ActionPatch {
                status_label: progress.status_label.as_deref(),
                summary: progress.summary.as_deref(),
                ..ActionPatch::default()
            }),
    )
}

/// Of `POST /v1/actions/runs/{id}/logs`, which refuses unknown fields.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ActionLog<'a> {
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    termination_status: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_label: Option<&'a str>,
}

pub(super) fn log(kind: RunKind, id: &str, log: &Log) -> Option<Request> {
    let Log {
        lines,
        status_label,
    } = log;
    if lines.is_empty() {
        return None;
    }
    let request = Request::new(Method::POST, format!("{}/logs", run_path(kind, id))).about(id);
    Some(match kind {
        RunKind::Action => request.json(&ActionLog {
            message: &joined(lines),
            termination_status: None,
            status_label: status_label.as_deref(),
        }),
        RunKind::WorkflowNode => {
            #[derive(Serialize)]
            struct Body<'a> {
                logs: &'a [LogLine],
            }
            request.json(&Body { logs: lines })
        }
    })
}

/// An action run's log has no levels and takes one message per call: a warning says so in words.
fn joined(lines: &[LogLine]) -> String {
    let mut text = String::new();
    for line in lines {
        if !text.is_empty() {
            text.push('\n');
        }
        match line.level {
            LogLevel::Debug | LogLevel::Info => {}
            LogLevel::Warn => text.push_str("Warning: "),
            LogLevel::Error => text.push_str("Error: "),
        }
        text.push_str(&line.message);
    }
    text
}

/// One request that logs, labels and ends an action run at once; Port takes it whole or not at all. (The system
/// that we replace logs and ends in two, and a failure between them leaves the run hanging.)
pub(super) fn finished(kind: RunKind, id: &str, finished: &Finished) -> Request {
    let path = run_path(kind, id);
    let request = match kind {
        RunKind::Action => Request::new(Method::POST, format!("{path}/logs")).json(&ActionLog {
            message: &finished.message,
            termination_status: Some(match finished.outcome {
                Outcome::Success => "SUCCESS",
                Outcome::Failure | Outcome::Cancelled => "FAILURE",
            }),
            status_label: finished.status_label.as_deref(),
        }),
        RunKind::WorkflowNode => Request::new(Method::PATCH, path).json(&NodePatch {
            status: "COMPLETED",
            result: Some(match finished.outcome {
                Outcome::Success => "SUCCESS",
                Outcome::Failure => "FAILED",
                Outcome::Cancelled => "CANCELLED",
            }),
            output: finished.output.as_deref(),
            ..NodePatch::default()
        }),
    };
    request.about(id)
}

pub(super) fn lookup(kind: RunKind, external_run_id: &str) -> Request {
    let id = encoded(external_run_id);
    match kind {
        RunKind::Action => Request {
            query: format!("version=v2&external_run_id={id}"),
            ..Request::new(Method::GET, "/v1/actions/runs".to_owned())
        },
        RunKind::WorkflowNode => Request {
            query: format!("external_run_id={id}&include=nodeConfig"),
            ..Request::new(Method::GET, "/v1/workflows/nodes/runs".to_owned()).reserved()
        },
    }
}

pub(super) fn action_run(id: &str) -> Request {
    Request {
        query: "version=v2".to_owned(),
        ..Request::new(Method::GET, run_path(RunKind::Action, id)).about(id)
    }
}

pub(super) fn integration(identifier: &str) -> Request {
    Request::new(
        Method::GET,
        format!("/v1/integration/{}", encoded(identifier)),
    )
}

/// This integration runs actions and brings no catalogue data, and the constants below say so: an empty mapping, no
/// place that changes are sent to, and `Ocean`, which leaves the default blueprints to the integration (which creates
/// none) instead of Port.
pub(super) fn register_integration(registration: &Registration) -> Request {
    #[derive(Serialize)]
    struct Nothing {}
    #[derive(Serialize)]
    struct NoMapping {
        resources: [Nothing; 0],
    }
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        installation_id: &'a str,
        installation_app_type: &'a str,
        version: &'a str,
        actions_processing_enabled: bool,
        config: NoMapping,
        changelog_destination: Nothing,
        create_port_resources_origin: &'a str,
    }
    Request::new(Method::POST, "/v1/integration".to_owned()).json(&Body {
        installation_id: &registration.installation_id,
        installation_app_type: &registration.installation_app_type,
        version: &registration.version,
        actions_processing_enabled: registration.actions_processing_enabled,
        config: NoMapping { resources: [] },
        changelog_destination: Nothing {},
        create_port_resources_origin: "Ocean",
    })
}

pub(super) fn patch_integration(identifier: &str, patch: &IntegrationPatch) -> Request {
    Request::new(
        Method::PATCH,
        format!("/v1/integration/{}", encoded(identifier)),
    )
    .json(patch)
}
