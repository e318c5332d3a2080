//! What a scenario file may say. These types are the format: the reference in `docs/scenarios.md` tells of them, and the
//! schema for editors is made of them.

mod expect;
mod fault;
mod story;
mod units;
mod worlds;

pub use expect::{
    Expect, ExpectedRequest, ExpectedRun, ExpectedWorkflowRun, Order, Readiness, Status,
};
pub use fault::{Cut, DeliveryEffectWord, FaultTable, Faults, Times};
pub use story::{
    AttemptTable, Call, DeliveryTable, Do, Function, Kind, Moment, OriginWord, Run, RunTable,
    ScopeWord, Signed, Step, When,
};
pub use units::{Bound, Bounds, Count, Offset, Span, told};
pub use worlds::{
    Answer, CredentialWord, Failing, GitHub, HostingWord, Input, Installation, Limits, Port,
    Repository, RulesTable, Server, Side, Workflow,
};

use schemars::JsonSchema;
use serde::Deserialize;
use std::path::PathBuf;

/// One scenario: a world, what happens in it, and what is expected.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Scenario {
    /// The rule that this scenario shows, in a sentence. Printed when it fails.
    pub why: Option<String>,
    /// Promises of `docs/promises.md` that it shows: `["D5"]`.
    pub promises: Vec<String>,
    /// The component, relative to this file. Default: the one that the command line names.
    pub component: Option<PathBuf>,
    /// Seed of everything that is decided by lot. Default: 0.
    pub seed: u64,
    /// When virtual time begins (RFC 3339). Default: 2026-01-15T10:00:00Z.
    pub start: Option<String>,
    /// Most virtual time that it may take. Default: 30 minutes.
    pub limit: Option<Span>,
    /// Looks at the world at this moment, instead of waiting until every run has ended.
    pub until: Option<Span>,
    /// Requests of the plugin are answered from this recording, relative to this file, and not by the worlds.
    pub recording: Option<PathBuf>,
    /// For whom the plugin works.
    pub installation: Installation,
    /// Further installations in the same host, each with an `id` of its own and its own token.
    pub another_installation: Vec<Installation>,
    /// A simulated GitHub.
    pub github: Option<GitHub>,
    /// The answers of a scripted server, for plugins of any kind: the first that matches and is not used up is given.
    pub server: Vec<Server>,
    /// The simulated Port, which is there whenever there are runs.
    pub port: Port,
    /// What goes wrong: a word of `docs/faults.md`, a table, or a list of both.
    pub fault: Faults,
    /// One call of the plugin. Either this or runs.
    pub call: Option<Call>,
    /// Runs in Port, which the host carries to their ends.
    pub run: Vec<Run>,
    /// What else happens, one after another.
    pub step: Vec<Step>,
    /// What is expected.
    pub expect: Expect,
}

/// The schema of scenario files, for editors (JSON Schema).
pub fn editor_schema() -> serde_json::Value {
    schemars::schema_for!(Scenario).to_value()
}
