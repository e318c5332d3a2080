//! Runs of both kinds: offered, claimed, acknowledged, updated, ended.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::view::{Kind, LogView, NewRun, RunView};

#[derive(Debug)]
pub(super) struct Record {
    pub(super) view: RunView,
    pub(super) sequence: u64,
    pub(super) identifier: String,
    action_type: String,
    properties: String,
    /// A raw run: this text is all of it.
    raw: Option<String>,
    pub(super) claimed_until: Option<SystemTime>,
    /// Acknowledgements and ends whose answer the client got to see.
    pub(super) acks_seen: u32,
    pub(super) end_seen: bool,
    log_ids: u64,
}

/// All runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    pub(super) records: BTreeMap<String, Record>,
    /// Not acknowledged yet, oldest first.
    pending: BTreeSet<(u64, String)>,
    counter: u64,
}

/// What a claim asks for.
#[derive(Debug)]
pub(super) struct Claim<'a> {
    pub(super) kind: Kind,
    pub(super) installation_id: &'a str,
    pub(super) limit: usize,
    pub(super) visible_again: SystemTime,
    pub(super) exclude: Vec<&'a str>,
}

impl Runs {
    pub(super) fn create(&mut self, new: NewRun, now: SystemTime) -> String {
        self.insert(new, None, None, now)
    }

    /// A pending run that is just this text. Its id and installation are read from the text as far as it is JSON.
    pub(super) fn create_raw(&mut self, kind: Kind, raw: &str, now: SystemTime) -> String {
        let value: Value = serde_json::from_str(raw).unwrap_or_default();
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let (id, properties, identifier) = match kind {
            Kind::Action => (
                value.get("id"),
                value.get("payload"),
                value.pointer("/action/identifier"),
            ),
            Kind::Node => (
                value.get("identifier"),
                value.get("config"),
                value.get("nodeUid"),
            ),
        };
        let installation = text(properties.and_then(|properties| properties.get("installationId")));
        let new = NewRun {
            kind,
            installation_id: installation.clone().unwrap_or_default(),
            action_type: String::new(),
            properties: String::new(),
            identifier: text(identifier).unwrap_or_default(),
        };
        let id = self.insert(new, Some(raw.to_owned()), text(id), now);
        if let Some(record) = self.records.get_mut(&id) {
            record.view.installation_id = installation;
        }
        id
    }

    fn insert(
        &mut self,
        new: NewRun,
        raw: Option<String>,
        id: Option<String>,
        now: SystemTime,
    ) -> String {
        self.counter += 1;
        let sequence = self.counter;
        let id = id.unwrap_or_else(|| id_of(new.kind, sequence));
        let view = RunView {
            id: id.clone(),
            kind: new.kind,
            installation_id: Some(new.installation_id),
            status: "IN_PROGRESS".into(),
            status_label: None,
            link: Vec::new(),
            summary: None,
            external_run_id: None,
            logs: Vec::new(),
            acked: false,
            claims: 0,
            output: None,
            result: None,
            updates: Vec::new(),
            terminal_reports: 0,
            created_at: now,
            acked_at: None,
            ended_at: None,
        };
        let record = Record {
            view,
            sequence,
            identifier: new.identifier,
            action_type: new.action_type,
            properties: new.properties,
            raw,
            claimed_until: None,
            acks_seen: 0,
            end_seen: false,
            log_ids: 0,
        };
        self.records.insert(id.clone(), record);
        self.pending.insert((sequence, id.clone()));
        id
    }

    /// The id that the next run of this kind gets.
    pub(super) fn next_id(&self, kind: Kind) -> String {
        id_of(kind, self.counter + 1)
    }

    pub(super) fn get_mut(&mut self, kind: Kind, id: &str) -> Option<&mut Record> {
        self.records
            .get_mut(id)
            .filter(|record| record.view.kind == kind)
    }

    /// Hands out what is due, oldest first, as the text of a JSON array.
    pub(super) fn claim(&mut self, claim: &Claim<'_>, now: SystemTime) -> String {
        let mut texts = Vec::new();
        for (_, id) in &self.pending {
            if texts.len() >= claim.limit {
                break;
            }
            let Some(record) = self.records.get_mut(id) else {
                continue;
            };
            let for_caller = record
                .view
                .installation_id
                .as_ref()
                .is_none_or(|id| id == claim.installation_id);
            let free = record.claimed_until.is_none_or(|until| until <= now);
            let excluded = claim.exclude.contains(&record.identifier.as_str());
            if record.view.kind != claim.kind
                || !for_caller
                || !free
                || excluded
                || record.view.ended()
            {
                continue;
            }
            record.claimed_until = Some(claim.visible_again);
            record.view.claims += 1;
            texts.push(record.text());
        }
        format!("[{}]", texts.join(","))
    }

    /// The one acknowledgement that counts; `false` when it was given before.
    pub(super) fn ack(&mut self, id: &str, now: SystemTime) -> bool {
        let Some(record) = self.records.get_mut(id) else {
            return false;
        };
        if record.view.acked || record.view.ended() {
            return false;
        }
        record.view.acked = true;
        record.view.acked_at = Some(now);
        self.pending.remove(&(record.sequence, id.to_owned()));
        true
    }
}

fn id_of(kind: Kind, sequence: u64) -> String {
    let prefix = match kind {
        Kind::Action => "r",
        Kind::Node => "wfnr",
    };
    format!("{prefix}_{sequence:016}")
}

impl Record {
    /// Ends the run.
    pub(super) fn end(&mut self, status: &str, result: Option<&str>, now: SystemTime) {
        self.view.status = status.to_owned();
        self.view.result = result.map(str::to_owned);
        self.view.ended_at = Some(now);
        self.view.terminal_reports += 1;
    }

    pub(super) fn log(&mut self, level: Option<&str>, message: &str, now: SystemTime) -> Value {
        self.log_ids += 1;
        self.view.logs.push(LogView {
            level: level.map(str::to_owned),
            message: message.to_owned(),
            at: now,
        });
        json!({
            "id": format!("log_{}_{}", self.sequence, self.log_ids),
            "runId": self.view.id,
            "message": message,
            "createdBy": "machine-client",
            "createdAt": time(now),
        })
    }

    /// The run as an answer shows it, with its properties exactly as they were given.
    pub(super) fn text(&self) -> String {
        if let Some(raw) = &self.raw {
            return raw.clone();
        }
        match self.view.kind {
            Kind::Action => {
                let payload = format!(
                    "{{\"type\":\"INTEGRATION_ACTION\",\"installationId\":{},\"integrationActionType\":{},\
                     \"integrationActionExecutionProperties\":{}}}",
                    quoted(self.view.installation_id.as_deref().unwrap_or_default()),
                    quoted(&self.action_type),
                    self.properties
                );
                with_raw(self.action_object(), &[("payload", &payload)])
            }
            Kind::Node => with_raw(self.node_object(), &[("config", &self.config())]),
        }
    }

    /// The lookup shape of a node run: its configuration lies one level deeper, if it was asked for.
    pub(super) fn lookup_text(&self, with_config: bool) -> String {
        match self.view.kind {
            Kind::Action => self.text(),
            Kind::Node => {
                let identifier = quoted(&self.identifier);
                let node = if with_config {
                    format!(
                        "{{\"identifier\":{identifier},\"config\":{}}}",
                        self.config()
                    )
                } else {
                    format!("{{\"identifier\":{identifier}}}")
                };
                with_raw(self.node_object(), &[("node", &node)])
            }
        }
    }

    fn config(&self) -> String {
        format!(
            "{{\"type\":\"INTEGRATION_ACTION\",\"installationId\":{},\"integrationProvider\":\"github\",\
             \"integrationInvocationType\":{},\"integrationActionExecutionProperties\":{}}}",
            quoted(self.view.installation_id.as_deref().unwrap_or_default()),
            quoted(&self.action_type),
            self.properties
        )
    }

    fn action_object(&self) -> Map<String, Value> {
        let view = &self.view;
        let mut object = Map::new();
        object.insert("id".into(), view.id.clone().into());
        object.insert("status".into(), view.status.clone().into());
        object.insert("statusLabel".into(), view.status_label.clone().into());
        object.insert("blueprint".into(), json!({"identifier": "service", "title": "Service", "icon": "Service", "deleted": false}));
        object.insert(
            "entity".into(),
            json!({"identifier": "shop", "title": "Shop", "icon": null, "deleted": false}),
        );
        object.insert(
            "action".into(),
            json!({"identifier": self.identifier, "title": "Deploy", "icon": "Github", "deleted": false}),
        );
        object.insert("properties".into(), json!({}));
        object.insert("rawProperties".into(), json!({}));
        object.insert("source".into(), "UI".into());
        object.insert("requiredApproval".into(), false.into());
        object.insert("approval".into(), Value::Null);
        object.insert("link".into(), json!(view.link));
        if let Some(summary) = &view.summary {
            object.insert("summary".into(), summary.clone().into());
        }
        object.insert("response".into(), json!({}));
        object.insert("pendingExecution".into(), (!view.acked).into());
        if let Some(until) = self.claimed_until {
            object.insert("claimedUntil".into(), time(until).into());
        }
        object.insert("installationId".into(), view.installation_id.clone().into());
        object.insert("createdBy".into(), "user_simulated".into());
        object.insert("updatedBy".into(), "user_simulated".into());
        object.insert("createdAt".into(), time(view.created_at).into());
        object.insert("updatedAt".into(), time(self.updated_at()).into());
        if let Some(ended) = view.ended_at {
            object.insert("endedAt".into(), time(ended).into());
        }
        object
    }

    fn node_object(&self) -> Map<String, Value> {
        let view = &self.view;
        let mut object = Map::new();
        object.insert("identifier".into(), view.id.clone().into());
        object.insert("status".into(), view.status.clone().into());
        object.insert("result".into(), view.result.clone().into());
        object.insert("nodeUid".into(), self.identifier.clone().into());
        object.insert(
            "output".into(),
            view.output.clone().unwrap_or_else(|| json!({})),
        );
        object.insert("links".into(), json!(view.link));
        object.insert(
            "workflowRunIdentifier".into(),
            format!("wfr_{:016}", self.sequence).into(),
        );
        object.insert("createdAt".into(), time(view.created_at).into());
        object.insert("updatedAt".into(), time(self.updated_at()).into());
        object
    }

    fn updated_at(&self) -> SystemTime {
        self.view
            .updates
            .last()
            .map_or(self.view.created_at, |(at, _)| *at)
    }
}

pub(super) fn time(at: SystemTime) -> String {
    jiff::Timestamp::try_from(at)
        .map(|at| format!("{at:.3}"))
        .unwrap_or_default()
}

/// When a claim made now lapses.
pub(super) fn lapses(now: SystemTime, milliseconds: u64) -> SystemTime {
    now + Duration::from_millis(milliseconds)
}

pub(super) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

/// An object with further members whose text is not looked at.
fn with_raw(object: Map<String, Value>, members: &[(&str, &str)]) -> String {
    let mut text = Value::Object(object).to_string();
    text.pop();
    for (name, value) in members {
        text.push_str(&format!(",{}:{value}", quoted(name)));
    }
    text.push('}');
    text
}
