//! Runs as the handle makes and shows them.

use std::time::SystemTime;

use serde_json::Value;

/// What kind of run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    /// Run of a self-service action.
    Action,
    /// Run of a workflow node.
    Node,
}

/// A log line as Port keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogView {
    /// `INFO`, `WARN`, `ERROR` or `DEBUG` for a node run; action runs have no levels.
    pub level: Option<String>,
    /// Text.
    pub message: String,
    /// When it came.
    pub at: SystemTime,
}

/// A run as the simulator knows it.
#[derive(Debug, Clone, PartialEq)]
pub struct RunView {
    /// Run id: `r_…`, or `wfnr_…` for a node.
    pub id: String,
    /// Kind.
    pub kind: Kind,
    /// Installation that it is for; `None` for a raw one that names none.
    pub installation_id: Option<String>,
    /// `IN_PROGRESS`, then `SUCCESS` or `FAILURE` (`COMPLETED` for a node).
    pub status: String,
    /// Label beside the status.
    pub status_label: Option<String>,
    /// Link, or several.
    pub link: Vec<String>,
    /// Summary.
    pub summary: Option<String>,
    /// Id at the backend.
    pub external_run_id: Option<String>,
    /// Log.
    pub logs: Vec<LogView>,
    /// Whether it was acknowledged.
    pub acked: bool,
    /// How often it was handed out.
    pub claims: u32,
    /// Output of a node run.
    pub output: Option<Value>,
    /// Result of a node run: `SUCCESS`, `FAILED` or `CANCELLED`.
    pub result: Option<String>,
    /// Every accepted update, with its time.
    pub updates: Vec<(SystemTime, Value)>,
    /// Accepted updates and logs that ended the run: never more than one.
    pub terminal_reports: u32,
    /// When it was created.
    pub created_at: SystemTime,
    /// When it was acknowledged.
    pub acked_at: Option<SystemTime>,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
}

impl RunView {
    /// Whether the run has ended.
    #[must_use]
    pub fn ended(&self) -> bool {
        self.ended_at.is_some()
    }

    /// Whether it ended well.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        match self.kind {
            Kind::Action => self.status == "SUCCESS",
            Kind::Node => self.result.as_deref() == Some("SUCCESS"),
        }
    }
}

/// What makes a run.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Kind.
    pub kind: Kind,
    /// Installation that it is for.
    pub installation_id: String,
    /// `dispatch_workflow`, or something that nobody knows.
    pub action_type: String,
    /// JSON text of the execution properties, handed out exactly as it is, even if it is no JSON.
    pub properties: String,
    /// Identifier of the action or node: what claims exclude.
    pub identifier: String,
}
