//! Runs as Port hands them out.
//!
//! Port has two kinds of run that can be handed to an integration: runs of a self-service action, and runs of one
//! node of a workflow. They differ in every field name and agree in everything that matters here, so both are
//! read into the same types.
//!
//! Reading is done run by run: one that cannot be read is set aside with the reason, and the rest of the batch
//! goes on. (The system that we replace reads a batch as a whole; one bad run stops all runs, for as long as Port
//! offers it.) Status values are open strings: Port may add some, and a word that we do not know is no reason to
//! refuse a run.

use crate::contract;
use crate::misread;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;
use serde_json::value::RawValue;

/// Which of Port's two kinds a run is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum RunKind {
    /// A run of a self-service action.
    Action,
    /// A run of one node of a workflow.
    WorkflowNode,
}

impl RunKind {
    /// Both kinds, in a fixed order.
    pub const ALL: [RunKind; 2] = [RunKind::Action, RunKind::WorkflowNode];

    /// A word for texts and metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            RunKind::Action => "action run",
            RunKind::WorkflowNode => "workflow node run",
        }
    }

    /// The field of a list answer that holds the runs.
    fn list_field(self) -> &'static str {
        match self {
            RunKind::Action => "runs",
            RunKind::WorkflowNode => "nodeRuns",
        }
    }

    fn id_field(self) -> &'static str {
        match self {
            RunKind::Action => "id",
            RunKind::WorkflowNode => "identifier",
        }
    }
}

/// A run that Port has offered to this installation.
#[derive(Debug, Clone)]
pub struct PendingRun {
    /// Port's id of the run.
    pub id: String,
    /// Which kind of run it is.
    pub kind: RunKind,
    /// The action, or the uid of the workflow's node: what a claim can exclude. Port leaves the uid out at times.
    pub action_identifier: Option<String>,
    /// The installation that the run is for.
    pub installation_id: String,
    /// What to do, for example `dispatch_workflow`.
    pub action_type: String,
    /// `integrationActionExecutionProperties`, byte for byte as Port sent them; always a JSON object.
    pub properties: Box<RawValue>,
    /// Port's word for where the run stands.
    pub status: Option<String>,
}

impl PendingRun {
    /// Reads one run as a claim hands it out, of either kind: from a file, for instance.
    pub fn read(run: &str) -> Result<PendingRun, String> {
        /// What tells the kinds apart.
        #[derive(Deserialize)]
        struct Kind {
            payload: Option<IgnoredAny>,
            identifier: Option<IgnoredAny>,
        }
        let kind: Kind = parse(run)?;
        let kind = match (kind.payload, kind.identifier) {
            (Some(_), _) => RunKind::Action,
            (None, Some(_)) => RunKind::WorkflowNode,
            (None, None) => {
                return Err(
                    "neither an action run (with `id` and `payload`) nor a workflow node run (with `identifier` and \
                     `config`)"
                        .to_owned(),
                );
            }
        };
        let what = match kind {
            RunKind::Action => "an action run",
            RunKind::WorkflowNode => "a workflow node run",
        };
        read_pending(kind, run).map_err(|reason| format!("not {what}: {reason}"))
    }
}

/// The run as a plugin gets it.
impl From<PendingRun> for contract::Run {
    fn from(run: PendingRun) -> contract::Run {
        contract::Run {
            id: run.id,
            kind: match run.kind {
                RunKind::Action => contract::RunKind::Action,
                RunKind::WorkflowNode => contract::RunKind::WorkflowNode,
            },
            action_type: run.action_type,
            properties: run.properties.get().to_owned(),
        }
    }
}

/// A run that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// Its id, if at least that could be read: then it can be acknowledged and failed.
    pub id: Option<String>,
    /// Which kind of run it is.
    pub kind: RunKind,
    /// What is wrong with it, in words that can be shown to the person who started the run.
    pub reason: String,
}

/// The answer to a claim.
#[derive(Debug, Clone, Default)]
pub struct Claimed {
    /// The runs that can be worked on.
    pub runs: Vec<PendingRun>,
    /// The runs that cannot.
    pub unreadable: Vec<Unreadable>,
}

/// A run that Port was asked about.
#[derive(Debug, Clone)]
pub struct KnownRun {
    /// Port's id of the run.
    pub id: String,
    /// Which kind of run it is.
    pub kind: RunKind,
    /// Port's word for where it stands: `IN_PROGRESS`, `SUCCESS`, `FAILURE`, `COMPLETED` or another.
    pub status: String,
    /// A workflow node run's result, once it is completed.
    pub result: Option<String>,
    /// The label that people see beside the status.
    pub status_label: Option<String>,
    /// The id that the integration gave it. Port's published answer does not list this field.
    pub external_run_id: Option<String>,
    /// Whether somebody has linked it with a page, as an integration does once it has started the run.
    pub has_link: bool,
    /// A workflow node run's output so far. Sending an output replaces it.
    pub output: Option<Box<RawValue>>,
}

impl KnownRun {
    /// Whether the run has ended for Port, which then accepts no further status. An unknown word counts as not
    /// ended: a needless report is refused by Port, a report left out leaves the run hanging.
    pub fn has_ended(&self) -> bool {
        match self.kind {
            RunKind::Action => matches!(self.status.as_str(), "SUCCESS" | "FAILURE"),
            RunKind::WorkflowNode => self.status == "COMPLETED",
        }
    }
}

/// Reads the answer to a claim. An error means that the answer as a whole is not one.
pub(super) fn read_claim(kind: RunKind, body: &[u8]) -> Result<Claimed, String> {
    let mut claimed = Claimed::default();
    for raw in list(kind, body)? {
        match read_pending(kind, raw.get()) {
            Ok(run) => claimed.runs.push(run),
            Err(reason) => claimed.unreadable.push(Unreadable {
                id: id_of(kind, raw.get()),
                kind,
                reason,
            }),
        }
    }
    Ok(claimed)
}

/// Reads the answer to a lookup: the first run of the list, if there is one.
pub(super) fn read_lookup(kind: RunKind, body: &[u8]) -> Result<Option<KnownRun>, String> {
    match list(kind, body)?.first() {
        Some(raw) => read_known(kind, raw.get()).map(Some),
        None => Ok(None),
    }
}

/// Reads the answer to a GET of one action run.
pub(super) fn read_action_run(body: &[u8]) -> Result<KnownRun, String> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        run: &'a RawValue,
    }
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    read_known(RunKind::Action, answer.run.get())
}

fn list(kind: RunKind, body: &[u8]) -> Result<Vec<&RawValue>, String> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow)]
        runs: Option<Vec<&'a RawValue>>,
        #[serde(borrow, rename = "nodeRuns")]
        node_runs: Option<Vec<&'a RawValue>>,
    }
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(unreadable)?;
    let list = match kind {
        RunKind::Action => answer.runs,
        RunKind::WorkflowNode => answer.node_runs,
    };
    // An answer without the list is not an empty list: read as one, a wrong base URL would look like a quiet day.
    list.ok_or_else(|| format!("the list `{}` is missing", kind.list_field()))
}

fn id_of(kind: RunKind, run: &str) -> Option<String> {
    let value: Value = serde_json::from_str(run).ok()?;
    let id = value.get(kind.id_field())?.as_str()?;
    (!id.is_empty()).then(|| id.to_owned())
}

#[derive(Deserialize)]
struct Identified {
    identifier: String,
}

/// The part that the two kinds share except for its name: `payload` of an action run, `config` of a node run.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    #[serde(rename = "type")]
    kind: Option<String>,
    installation_id: String,
    /// In an action run.
    integration_action_type: Option<String>,
    /// The same in a workflow node run.
    integration_invocation_type: Option<String>,
    #[serde(borrow)]
    integration_action_execution_properties: &'a RawValue,
}

fn read_pending(kind: RunKind, run: &str) -> Result<PendingRun, String> {
    let (id, action_identifier, status, invocation) = match kind {
        RunKind::Action => {
            #[derive(Deserialize)]
            struct Shape<'a> {
                id: String,
                action: Option<Identified>,
                status: Option<String>,
                #[serde(borrow)]
                payload: Invocation<'a>,
            }
            let shape: Shape<'_> = parse(run)?;
            let action = shape.action.map(|action| action.identifier);
            (shape.id, action, shape.status, shape.payload)
        }
        RunKind::WorkflowNode => {
            #[derive(Deserialize)]
            struct Node<'a> {
                #[serde(borrow)]
                config: Option<Invocation<'a>>,
            }
            #[derive(Deserialize)]
            #[serde(rename_all = "camelCase")]
            struct Shape<'a> {
                identifier: String,
                node_uid: Option<String>,
                status: Option<String>,
                #[serde(borrow)]
                config: Option<Invocation<'a>>,
                #[serde(borrow)]
                node: Option<Node<'a>>,
            }
            let shape: Shape<'_> = parse(run)?;
            // A claim has the configuration on top, a lookup has it under `node`.
            let config = shape
                .config
                .or_else(|| shape.node.and_then(|node| node.config))
                .ok_or("the field `config` is missing")?;
            (shape.identifier, shape.node_uid, shape.status, config)
        }
    };
    if id.is_empty() {
        return Err("its id is empty".to_owned());
    }
    // The published schema fixes the type for action runs; nothing is known about that of workflow nodes.
    let wanted = Some("INTEGRATION_ACTION");
    if kind == RunKind::Action && invocation.kind.as_deref() != wanted {
        let kind = invocation.kind.unwrap_or_default();
        return Err(format!(
            "its invocation has {}, this integration runs INTEGRATION_ACTION only",
            if is_word(&kind) {
                format!("the type {kind}")
            } else {
                "another type".to_owned()
            }
        ));
    }
    let (action_type, field) = match kind {
        RunKind::Action => (invocation.integration_action_type, "integrationActionType"),
        RunKind::WorkflowNode => (
            invocation.integration_invocation_type,
            "integrationInvocationType",
        ),
    };
    let properties = invocation.integration_action_execution_properties;
    if !properties.get().starts_with('{') {
        return Err("`integrationActionExecutionProperties` is not a JSON object".to_owned());
    }
    Ok(PendingRun {
        id,
        kind,
        action_identifier,
        installation_id: invocation.installation_id,
        action_type: action_type.ok_or_else(|| format!("missing field `{field}`"))?,
        properties: properties.to_owned(),
        status,
    })
}

/// Whether this is a word as Port has them for types. Anything else is not repeated.
fn is_word(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
    (1..=40).contains(&text.len()) && text.bytes().all(is_letter)
}

fn read_known(kind: RunKind, run: &str) -> Result<KnownRun, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Shape {
        id: Option<String>,
        identifier: Option<String>,
        status: String,
        result: Option<String>,
        status_label: Option<String>,
        external_run_id: Option<String>,
        /// One link or a list of them.
        #[serde(alias = "links")]
        link: Option<Value>,
        output: Option<Box<RawValue>>,
    }
    let shape: Shape = parse(run)?;
    let id = match kind {
        RunKind::Action => shape.id,
        RunKind::WorkflowNode => shape.identifier,
    };
    Ok(KnownRun {
        id: id.ok_or_else(|| format!("missing field `{}`", kind.id_field()))?,
        kind,
        status: shape.status,
        result: shape.result,
        status_label: shape.status_label,
        external_run_id: shape.external_run_id,
        has_link: match shape.link {
            Some(Value::String(link)) => !link.is_empty(),
            Some(Value::Array(links)) => !links.is_empty(),
            _ => false,
        },
        output: shape.output,
    })
}

/// serde's texts name the field; the position is of no use to a person who cannot see the text.
fn parse<'a, T: Deserialize<'a>>(run: &'a str) -> Result<T, String> {
    serde_json::from_str(run).map_err(|error| {
        let text = unreadable(error);
        match text.rsplit_once(" at line ") {
            Some((reason, _)) => reason.to_owned(),
            None => text,
        }
    })
}

/// Not the values that serde's texts repeat: a server may repeat what it was sent, a token for instance.
fn unreadable(error: serde_json::Error) -> String {
    misread::without_value(&error.to_string()).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

    use super::*;

    fn action_run(id: &str, properties: &str) -> String {
        format!(
            r#"{{"id":"{id}","status":"IN_PROGRESS","action":{{"identifier":"deploy"}},"payload":{{
            "type":"INTEGRATION_ACTION","installationId":"gh","integrationActionType":"dispatch_workflow",
            "integrationActionExecutionProperties":{properties}}}}}"#
        )
    }

    fn claim(kind: RunKind, runs: &[&str]) -> Claimed {
        let body = format!(
            r#"{{"ok":true,"{}":[{}]}}"#,
            kind.list_field(),
            runs.join(",")
        );
        read_claim(kind, body.as_bytes()).unwrap()
    }

    #[test]
    fn one_run_that_cannot_be_read_does_not_spoil_the_others() {
        let good = action_run("r_good", "{}");
        let null = action_run("r_null", "null");
        let claimed = claim(
            RunKind::Action,
            &[
                &null,
                r#"{"id":"r_bare"}"#,
                "17",
                r#"{"payload":{}}"#,
                &good,
            ],
        );
        let ids: Vec<_> = claimed.runs.iter().map(|run| run.id.as_str()).collect();
        assert_eq!(ids, ["r_good"]);
        let unreadable: Vec<_> = claimed
            .unreadable
            .iter()
            .map(|run| run.id.as_deref())
            .collect();
        assert_eq!(unreadable, [Some("r_null"), Some("r_bare"), None, None]);
        assert!(claimed.unreadable[0].reason.contains("not a JSON object"));
        assert_eq!(claimed.unreadable[1].reason, "missing field `payload`");
    }

    #[test]
    fn properties_stay_byte_for_byte_as_port_sent_them() {
        let sent = r#"{ "z": 1.0, "a": 12345678901234567890123, "e": "\u00e9", "z": null }"#;
        let claimed = claim(RunKind::Action, &[&action_run("r", sent)]);
        assert_eq!(claimed.runs[0].properties.get(), sent);
    }

    #[test]
    fn an_unknown_status_is_no_reason_to_refuse_a_run() {
        let run = action_run("r", "{}").replace("IN_PROGRESS", "WAITING_FOR_THE_MOON");
        let claimed = claim(RunKind::Action, &[&run]);
        assert_eq!(
            claimed.runs[0].status.as_deref(),
            Some("WAITING_FOR_THE_MOON")
        );
    }

    #[test]
    fn a_run_of_another_backend_is_set_aside() {
        let run = action_run("r", "{}").replace("INTEGRATION_ACTION", "WEBHOOK");
        let claimed = claim(RunKind::Action, &[&run]);
        assert!(claimed.unreadable[0].reason.contains("WEBHOOK"));
    }

    #[test]
    fn a_value_in_a_wrong_place_is_not_repeated() {
        let run = action_run("r", "{}").replace("INTEGRATION_ACTION", "eyJ.a.token");
        let odd = r#"{"id":"r_2","payload":"eyJ.a.token"}"#;
        let claimed = claim(RunKind::Action, &[&run, odd]);
        let whole = read_action_run(br#"{"run":{"id":"r","status":["eyJ.a.token"]}}"#).unwrap_err();
        let list = read_claim(RunKind::Action, br#"{"runs":"eyJ.a.token"}"#).unwrap_err();
        let other =
            crate::port::integration::read(br#"{"integration":"eyJ.a.token"}"#).unwrap_err();
        let reasons = claimed.unreadable.iter().map(|run| run.reason.clone());
        for reason in reasons.chain([whole, list, other]) {
            assert!(!reason.contains("eyJ"), "{reason}");
        }
    }

    #[test]
    fn a_node_run_is_read_in_the_shape_of_a_claim_and_of_a_lookup() {
        let config = r#""config":{"type":"X","installationId":"gh","integrationProvider":"github",
            "integrationInvocationType":"dispatch_workflow","integrationActionExecutionProperties":{"org":"acme"}}"#;
        let flat =
            format!(r#"{{"identifier":"wfnr_1","status":"IN_PROGRESS","nodeUid":"n1",{config}}}"#);
        let nested = format!(r#"{{"identifier":"wfnr_2","node":{{{config}}}}}"#);
        let claimed = claim(
            RunKind::WorkflowNode,
            &[&flat, &nested, r#"{"identifier":"wfnr_3"}"#],
        );
        let [first, second] = claimed.runs.as_slice() else {
            panic!("two of three can be read");
        };
        assert_eq!(
            (first.id.as_str(), first.action_identifier.as_deref()),
            ("wfnr_1", Some("n1"))
        );
        assert_eq!(
            (second.id.as_str(), second.action_identifier.as_deref()),
            ("wfnr_2", None)
        );
        assert_eq!(second.action_type, "dispatch_workflow");
        assert_eq!(claimed.unreadable[0].id.as_deref(), Some("wfnr_3"));
    }

    #[test]
    fn an_answer_without_a_list_is_not_an_empty_list() {
        for body in [
            "{}",
            r#"{"nodeRuns":[]}"#,
            r#"{"runs":null}"#,
            "[]",
            "<html>",
        ] {
            assert!(
                read_claim(RunKind::Action, body.as_bytes()).is_err(),
                "{body}"
            );
        }
        assert!(
            read_claim(RunKind::Action, br#"{"runs":[]}"#)
                .unwrap()
                .runs
                .is_empty()
        );
    }

    #[test]
    fn only_a_known_final_word_ends_a_run() {
        let ended = |kind: RunKind, status: &str| {
            let run = format!(r#"{{"{}":"r","status":"{status}"}}"#, kind.id_field());
            read_known(kind, &run).unwrap().has_ended()
        };
        assert!(ended(RunKind::Action, "SUCCESS") && ended(RunKind::Action, "FAILURE"));
        assert!(!ended(RunKind::Action, "IN_PROGRESS") && !ended(RunKind::Action, "COMPLETED"));
        assert!(
            ended(RunKind::WorkflowNode, "COMPLETED") && !ended(RunKind::WorkflowNode, "SUCCESS")
        );
    }
}
