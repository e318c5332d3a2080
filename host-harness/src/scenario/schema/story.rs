//! What happens: a call or runs, and steps.

use super::units::Span;
use super::worlds::Side;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// One call of the plugin.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Call {
    /// Which function.
    pub function: Function,
    /// The run that it is about.
    #[serde(default)]
    pub run: RunTable,
    /// Which try it is.
    #[serde(default)]
    pub attempt: AttemptTable,
    /// The run on the server, for `check` and `cancel`.
    pub external_run_id: Option<String>,
    /// The delivery, for `handle-webhook`.
    #[serde(default)]
    pub delivery: DeliveryTable,
    /// The definition, for `configure`.
    pub definition: Option<Value>,
    /// The same as text, whatever it is.
    pub definition_text: Option<String>,
    /// Where the definition was made. Default: `api`.
    pub origin: Option<OriginWord>,
    /// Whether the server is asked. Default: `definition-only`.
    pub scope: Option<ScopeWord>,
}

/// A function of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the contract documents them")]
pub enum Function {
    Describe,
    Configure,
    Plan,
    Dispatch,
    HandleWebhook,
    Check,
    Cancel,
}

/// The run of a call.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RunTable {
    /// Port's id of it. Default: `r_1`.
    pub id: Option<String>,
    /// Which kind of run. Default: `action`.
    pub kind: Kind,
    /// Port's `integrationActionType`. Default: the first of the plugin's manifest.
    #[serde(rename = "type")]
    pub action_type: Option<String>,
    /// The execution properties. Default: those of `acme/shop`'s `deploy.yml`.
    pub properties: Option<Map<String, Value>>,
    /// The same as text, whatever it is.
    pub properties_text: Option<String>,
}

/// A kind of run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Of a self-service action or an automation.
    #[default]
    Action,
    /// Of one node of a Port workflow.
    WorkflowNode,
}

/// Which try of a dispatch.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct AttemptTable {
    /// Its number. Default: 1.
    pub number: Option<u32>,
    /// How long ago the first try began. Default: now.
    pub began: Option<Span>,
    /// External run ids that belong to other runs.
    pub taken: Vec<String>,
}

/// A delivery.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct DeliveryTable {
    /// The event's name.
    pub event: Option<String>,
    /// The sender's id of it. Default: `delivery-1`.
    pub id: Option<String>,
    /// Further header fields.
    pub headers: BTreeMap<String, String>,
    /// The body, as JSON.
    pub json: Option<Value>,
    /// The body, as text.
    pub text: Option<String>,
    /// The body, as base64.
    pub base64: Option<String>,
}

/// Where a definition was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OriginWord {
    /// In Port's user interface.
    Ui,
    /// Through Port's API.
    Api,
}

/// Whether the server is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScopeWord {
    /// It is not.
    DefinitionOnly,
    /// It is.
    AgainstServer,
}

/// A run in Port.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct Run {
    /// What this scenario calls it. Default: its number, from 1.
    pub name: Option<String>,
    /// Of which installation. Default: that of `[installation]`.
    pub installation: Option<String>,
    /// When it appears in Port. Default: at the start.
    pub at: Option<Span>,
    /// Which kind of run. Default: `action`.
    pub kind: Kind,
    /// Port's `integrationActionType`. Default: the first of the plugin's manifest.
    #[serde(rename = "type")]
    pub action_type: Option<String>,
    /// The execution properties. Default: those of `acme/shop`'s `deploy.yml`. The text `{{ run.id }}` in a value stands
    /// for the run's id, as in Port's own mappings.
    pub properties: Option<Map<String, Value>>,
    /// The same as text, whatever it is.
    pub properties_text: Option<String>,
    /// The whole pending run as text, whatever it is.
    pub raw: Option<String>,
    /// So many runs alike, named `NAME-1`, `NAME-2`, … Default: 1.
    pub times: Option<u32>,
}

/// Something that happens. Steps happen one after another, each after waiting for `when` and then for `after`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Step {
    /// Waits for this first.
    pub when: Option<When>,
    /// Then waits so long.
    pub after: Option<Span>,
    /// What happens.
    #[serde(rename = "do")]
    pub action: Do,
    /// The run that it is about. Default: the first.
    pub run: Option<String>,
    /// `end-in-port`: whether it ends well. Default: false.
    pub succeeded: Option<bool>,
    /// `unreachable`, `revoke-tokens`: who.
    pub side: Option<Side>,
    /// `unreachable`: how long. Default: 30 s.
    #[serde(rename = "for")]
    pub lasting: Option<Span>,
    /// `finish`: how the workflow's run ends. Default: `success`.
    pub conclusion: Option<String>,
    /// `advance`: `waiting` or `in-progress`. `rename-repository`: the new name.
    pub to: Option<String>,
    /// `install-app`, `uninstall-app`, `suspend-app`, `unsuspend-app`: for which owner. Default: `acme`.
    pub owner: Option<String>,
    /// `rename-repository`, `archive`: which, as `owner/name`. Default: `acme/shop`.
    pub repository: Option<String>,
    /// `set-remaining`: how many requests are left in the window.
    pub requests: Option<u32>,
    /// `deliver`, `redeliver`: the event's name.
    pub event: Option<String>,
    /// `redeliver`: the event's action.
    #[serde(rename = "action")]
    pub event_action: Option<String>,
    /// `deliver`, `switch-off`, `switch-on`: which installation. Default: that of `[installation]`.
    pub installation: Option<String>,
    /// `deliver`: with which installation's secret it is signed. Default: with that of the one that it is for.
    pub signed_by: Option<String>,
    /// `deliver`: the sender's id of it.
    pub id: Option<String>,
    /// `deliver`: the body, as JSON. The text `{{ external-run-id }}` stands for the run's.
    pub json: Option<Value>,
    /// `deliver`: the body, as text.
    pub text: Option<String>,
    /// `deliver`: how it is signed. Default: well.
    pub signature: Option<Signed>,
    /// `deliver`, `redeliver`: how often. Default: once.
    pub times: Option<u32>,
    /// `deliver`: the status that the host has to answer. Default: 202.
    pub status: Option<u16>,
}

/// What a step waits for.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct When {
    /// Which run. Default: the first.
    pub run: Option<String>,
    /// Where it has to be.
    pub is: Moment,
}

/// A moment in a run's life, as Port sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// It has been handed out.
    Claimed,
    /// It has been acknowledged.
    Acked,
    /// Its external run id is known.
    Started,
    /// It has ended.
    Ended,
}

/// What a step does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Do {
    /// Only waits.
    Wait,
    /// A person ends the run in Port.
    EndInPort,
    /// A delivery comes.
    Deliver,
    /// GitHub sends its last delivery of that event and action again, under the same id.
    Redeliver,
    /// Nobody listens for a while, and connections break.
    Unreachable,
    /// Tokens are not known any more: Port gives new ones, GitHub does not.
    RevokeTokens,
    /// The workflow's run ends.
    Finish,
    /// The workflow's run goes on.
    Advance,
    /// The workflow's run is run again.
    Rerun,
    /// A repository gets another name; the old one redirects.
    RenameRepository,
    /// A repository is archived.
    Archive,
    /// The App is installed for an owner, on all its repositories.
    InstallApp,
    /// The App is taken off an owner.
    UninstallApp,
    /// The App is suspended for an owner: it gets no token, and those that it has are refused.
    SuspendApp,
    /// The App's suspension ends.
    UnsuspendApp,
    /// The token has only so many requests left until its window ends.
    SetRemaining,
    /// Action processing is switched off in Port.
    SwitchOff,
    /// Action processing is switched on in Port.
    SwitchOn,
    /// Somebody else starts the same workflow.
    StartForeignRun,
    /// All faults end.
    ClearFaults,
}

/// How a delivery is signed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Signed {
    /// With the secret of the installation, or of the one in `signed-by`.
    #[default]
    Good,
    /// With another secret.
    Bad,
    /// Not at all.
    None,
}
