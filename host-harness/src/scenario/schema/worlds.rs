//! For whom the plugin works, and what is around it.

use super::units::{Offset, Span};
use crate::config::LimitsConfig;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

/// The installation.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Installation {
    /// Port's `installationId`. Default: `acme`.
    pub id: Option<String>,
    /// Who runs it. Default: self-hosted.
    pub hosting: HostingWord,
    /// The organization that it is fixed to.
    pub organization: Option<String>,
    /// Whether webhooks are set up. Default: true.
    pub live_events: Option<bool>,
    /// The plugin's settings.
    pub settings: BTreeMap<String, Value>,
    /// What its requests carry. Default: a token.
    pub credential: CredentialWord,
    /// Where the server's API is. Default: the simulated GitHub, else the scripted server.
    pub api_url: Option<String>,
    /// The environment variable with the token, for recordings of a real server.
    pub token_env: Option<String>,
    /// What a call may use.
    pub limits: Limits,
    /// What the operator has set about its runs.
    pub rules: RulesTable,
}

/// Limits of a call, as in a host's configuration.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Limits(#[schemars(with = "BTreeMap<String, u32>")] pub LimitsConfig);

/// Who runs an installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HostingWord {
    /// The customer.
    #[default]
    SelfHosted,
    /// Port.
    HostedByPort,
}

/// What an installation's requests carry.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialWord {
    /// A token that may start workflows.
    #[default]
    Token,
    /// A token that may only read.
    ReadOnlyToken,
    /// The simulated GitHub's App, which is installed on every owner of a repository.
    App,
    /// Nothing.
    None,
}

/// Rules about runs.
#[derive(Debug, Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RulesTable {
    /// First pause before the server is asked about a run that there is no news of. Default: 30 s.
    pub first_check: Option<Span>,
    /// Pauses between checks double up to this. Default: 5 min.
    pub longest_check: Option<Span>,
    /// How long a run may take before it is cancelled.
    pub max_run: Option<Span>,
    /// How long a failure waits for a re-run.
    pub failure_grace: Option<Span>,
    /// Whether a run that is ended in Port is cancelled on the server.
    pub cancel_with_port: bool,
    /// First pause where the server wants one and does not say how long. Default: 60 s.
    pub limit_pause: Option<Span>,
}

/// A simulated GitHub.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct GitHub {
    /// GitHub's clock minus ours.
    pub clock_offset: Option<Offset>,
    /// Every accepted dispatch is answered with 204, without the run's id.
    pub always_204: bool,
    /// False: an older server, which refuses `return_run_details`. Default: true.
    pub run_details: Option<bool>,
    /// Requests of a token in a window. Default: 5,000.
    pub rate_limit: Option<u32>,
    /// Length of a window. Default: 1 h.
    pub rate_window: Option<Span>,
    /// Status of the answer when the quota is used up: 403 (default) or 429.
    pub rate_limit_status: Option<u16>,
    /// Requests that are left in the window at the start.
    pub remaining: Option<u32>,
    /// How long a new run stays out of the lists.
    pub list_lag: Option<Span>,
    /// How long a new run answers 404 by its id.
    pub fresh_run_lag: Option<Span>,
    /// How long a new branch answers `No ref found`.
    pub ref_lag: Option<Span>,
    /// How long the App's installation tokens live. Default: 1 h.
    pub app_token_life: Option<Span>,
    /// Owners for whom the App is installed and suspended.
    pub app_suspended: Vec<String>,
    /// Base of links for people. Default: `https://github.com`.
    pub html_base: Option<String>,
    /// What it holds. Default: `acme/shop` with the workflow `deploy.yml`.
    pub repository: Vec<Repository>,
}

/// A repository.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Repository {
    /// Who owns it. Default: `acme`.
    pub owner: Option<String>,
    /// Its name. Default: `shop`.
    pub name: Option<String>,
    /// Its branches; the first is the default branch. Default: `main`.
    pub branches: Vec<String>,
    /// Its tags.
    pub tags: Vec<String>,
    /// Whether it is archived.
    pub archived: bool,
    /// Whether Actions are on. Default: true.
    pub actions: Option<bool>,
    /// Its environments.
    pub environments: Vec<String>,
    /// Its workflows. Default: `deploy.yml`, which takes the input `environment`.
    pub workflow: Vec<Workflow>,
}

/// A workflow.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Workflow {
    /// Its file's name. Default: `deploy.yml`.
    pub file: Option<String>,
    /// Its name for people.
    pub name: Option<String>,
    /// The inputs that it takes.
    pub inputs: Vec<Input>,
    /// How its runs end. Default: `success`.
    pub conclusion: Option<String>,
    /// How runs that are run again end.
    pub rerun_conclusion: Option<String>,
    /// How long a run waits before it begins. Default: 2 s.
    pub queued: Option<Span>,
    /// How long it runs. Default: 5 s.
    pub runs_for: Option<Span>,
    /// Its jobs.
    pub jobs: Vec<String>,
    /// The job and the step that fail.
    pub failing: Option<Failing>,
    /// Its runs go on only by steps of the scenario.
    pub manual: bool,
    /// Its state: `active` (default), `disabled_manually`, `disabled_inactivity`, …
    pub state: Option<String>,
    /// Whether it has a `workflow_dispatch` trigger. Default: true.
    pub trigger: Option<bool>,
    /// The branch on which it has none.
    pub no_trigger_on: Option<String>,
    /// Whether its `run-name` shows its inputs.
    pub echoes_inputs: bool,
}

/// A job and its step that fail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failing {
    /// The job's name.
    pub job: String,
    /// The step's name.
    pub step: String,
    /// What a tool in it says about places in the code.
    #[serde(default)]
    pub annotations: Vec<Annotation>,
}

/// What a tool in a job says about a place in the code.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Annotation {
    /// The file.
    pub path: String,
    /// The line.
    pub line: u32,
    /// What is wrong there.
    pub message: String,
}

/// An input of a workflow.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// `string` (default), `boolean`, `number`, `environment`, or `choice` with options.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// The values that it may have.
    pub options: Vec<String>,
    /// Whether it has to be given.
    pub required: bool,
    /// What it is if it is not given.
    pub default: Option<String>,
}

/// One answer of the scripted server.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Server {
    /// The request's method. Default: any.
    pub method: Option<String>,
    /// The request's path with its query; `[..]` stands for any text. Default: any.
    pub path: Option<String>,
    /// Header fields that the request has to have.
    pub headers: BTreeMap<String, String>,
    /// What the request's body has to contain, as JSON.
    pub json: Option<Value>,
    /// How often this answer is given. Default: always.
    pub times: Option<u32>,
    /// The answer.
    pub answer: Answer,
}

/// An answer.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Answer {
    /// Its status. Default: 200.
    pub status: Option<u16>,
    /// Its header fields.
    pub headers: BTreeMap<String, String>,
    /// Its body, as JSON.
    pub json: Option<Value>,
    /// Its body, as text.
    pub text: Option<String>,
    /// Its body, as base64.
    pub base64: Option<String>,
    /// How long the server takes.
    pub after: Option<Span>,
    /// Instead of an answer: the connection breaks.
    pub cut: bool,
}

/// A simulated Port.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Port {
    /// Whether the integration may process actions. Default: true.
    pub actions_processing: Option<bool>,
    /// Whether the host's credentials are a machine's. Default: true.
    pub machine_token: Option<bool>,
    /// How long a token lives. Default: 3 h.
    pub token_life: Option<Span>,
    /// How often the host asks for runs. Default: 1 s.
    pub poll_interval: Option<Span>,
    /// How long a claimed run is kept from others. Default: 60 s.
    pub visibility_timeout: Option<Span>,
}

/// One of the services around the host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The simulated GitHub.
    #[serde(rename = "github")]
    GitHub,
    /// The simulated Port.
    Port,
    /// The scripted server.
    Server,
}

impl Side {
    /// The word for it in scenarios.
    pub fn word(self) -> &'static str {
        match self {
            Side::GitHub => "github",
            Side::Port => "port",
            Side::Server => "server",
        }
    }
}
