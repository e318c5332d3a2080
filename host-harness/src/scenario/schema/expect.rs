//! What is expected. In every text `[..]` stands for any text, and `[absent]` says that there is nothing,
//! `[null]` that there is JSON's null. Objects have to contain what is named here and may hold more; lists are compared element by element.

use super::units::{Bound, Count};
use super::worlds::Side;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What is expected.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Expect {
    /// What the call gives, as the command line's `--output json` spells it.
    pub result: Option<Value>,
    /// How much virtual time passes until the call has answered or the last run has ended.
    pub took: Option<Bound>,
    /// What the client does that a correct one never does. Default: nothing.
    pub violations: Vec<String>,
    /// Lines of the host's log, the plugin's among them.
    pub log: Vec<String>,
    /// What no line of the host's log is.
    pub no_log: Vec<String>,
    /// Whether the host is ready in the end: true, or the reason why it is not.
    pub ready: Option<Readiness>,
    /// How `request` below is meant. Default: in this order, and others may lie between.
    pub requests: Order,
    /// How often each operation is asked for, and each delivery is sent: `"github.dispatch" = 1`,
    /// `"delivery.workflow_run.completed" = 2`.
    pub counts: BTreeMap<String, Count>,
    /// Requests that are sent.
    pub request: Vec<ExpectedRequest>,
    /// Requests that are not sent.
    pub no_request: Vec<ExpectedRequest>,
    /// What Port has in the end.
    pub run: Vec<ExpectedRun>,
    /// All runs of workflows that GitHub has in the end, oldest first.
    pub workflow_run: Option<Vec<ExpectedWorkflowRun>>,
}

/// A host's readiness.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Readiness {
    /// Ready or not.
    Is(bool),
    /// Not ready, for this reason.
    Because(String),
}

/// How expected requests are compared with those that were sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Order {
    /// In this order; others may lie between.
    #[default]
    InOrder,
    /// In any order; there may be others.
    AnyOrder,
    /// These, in this order, and no others to the sides that are named.
    Exactly,
}

/// A request.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ExpectedRequest {
    /// To whom. Default: `github` if there is one, else `server`.
    pub to: Option<Side>,
    /// Its method.
    pub method: Option<String>,
    /// Its path with its query, as it comes over the wire.
    pub path: Option<String>,
    /// Its header fields; names in lower case.
    pub headers: BTreeMap<String, String>,
    /// What its body contains, as JSON.
    pub json: Option<Value>,
    /// Its body, byte for byte (`[..]` stands for any text here too).
    pub body: Option<String>,
    /// What it was answered.
    pub status: Option<u16>,
    /// When it came, since the start.
    pub at: Option<Bound>,
}

/// A run as Port has it in the end.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ExpectedRun {
    /// Which; `*` for every run. Default: the first.
    pub run: Option<String>,
    /// How it stands.
    pub status: Option<Status>,
    /// The label beside the status.
    pub label: Option<String>,
    /// Labels that it has had, in this order; others may lie between.
    pub labels: Vec<String>,
    /// The link.
    pub link: Option<String>,
    /// The summary.
    pub summary: Option<String>,
    /// Lines of its log.
    pub log: Vec<String>,
    /// What no line of its log is.
    pub no_log: Vec<String>,
    /// The output of a workflow node's run.
    pub output: Option<Map<String, Value>>,
    /// The id on the server.
    pub external_run_id: Option<String>,
    /// When it ended, since it appeared in Port.
    pub ended: Option<Bound>,
    /// How often it was handed out.
    pub claims: Option<Count>,
    /// How often it was ended, by whomever. Default: once, if it has ended.
    pub terminal_reports: Option<u32>,
    /// Whether it was acknowledged.
    pub acked: Option<bool>,
}

/// How a run stands in Port; one word for both kinds of run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// It has not ended.
    InProgress,
    /// It has ended well.
    Success,
    /// It has failed.
    Failure,
    /// It was cancelled; runs of workflow nodes only.
    Cancelled,
}

impl Status {
    /// Its word.
    pub fn word(self) -> &'static str {
        match self {
            Status::InProgress => "IN_PROGRESS",
            Status::Success => "SUCCESS",
            Status::Failure => "FAILURE",
            Status::Cancelled => "CANCELLED",
        }
    }
}

/// A run of a workflow as GitHub has it in the end.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct ExpectedWorkflowRun {
    /// The workflow's file.
    pub workflow: Option<String>,
    /// The repository, as `owner/name`.
    pub repository: Option<String>,
    /// The branch or tag.
    #[serde(rename = "ref")]
    pub reference: Option<String>,
    /// Its inputs.
    pub inputs: Option<Map<String, Value>>,
    /// Its status.
    pub status: Option<String>,
    /// How it ended.
    pub conclusion: Option<String>,
    /// The number of its latest attempt.
    pub attempt: Option<u32>,
}
