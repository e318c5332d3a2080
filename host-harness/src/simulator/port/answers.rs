//! The way of every request to its answer; tokens, claims and acknowledgements, which both kinds of run share.

use std::time::SystemTime;

use serde_json::{Map, Value};

use crate::clock;

use super::super::lock;
use super::super::server::{Received, Reply};
use super::State;
use super::endpoint::Endpoint;
use super::runs::{Claim, Record, lapses};
use super::schema::{Field, Holds, error, not_found, ok, optional, read, required, text};
use super::tokens::Bearer;
use super::view::Kind;

/// Bounds of a claim. Port does not publish its own; its client stays within these.
const MAX_LIMIT: u64 = 1_000;
const MAX_VISIBILITY_MS: u64 = 600_000;

const TOKEN: &[Field] = &[
    required("clientId", Holds::Text),
    required("clientSecret", Holds::Text),
];
const CLAIM: &[Field] = &[
    required("installationId", Holds::Text),
    required("limit", Holds::Whole(1, MAX_LIMIT)),
    required("visibilityTimeoutMs", Holds::Whole(1, MAX_VISIBILITY_MS)),
    optional("exclude", Holds::Texts),
];
const ACK_ACTION: &[Field] = &[required("runId", Holds::Text)];
const ACK_NODE: &[Field] = &[required("nodeRunIdentifier", Holds::Text)];

impl State {
    /// Answers a request: token first, then the endpoint.
    pub(super) fn respond(&self, received: &Received, endpoint: Endpoint<'_>) -> Reply {
        let now = clock::now();
        if endpoint == Endpoint::Token {
            return self.token(received, now).unwrap_or_else(|reply| reply);
        }
        let Bearer::Good(claims) = lock(&self.tokens).bearer(received, now) else {
            return error(
                401,
                "unauthorized",
                "The access token is missing, invalid or expired",
            );
        };
        let at = format!("{} {}", received.method, received.path);
        let reply = match endpoint {
            Endpoint::Claim(_) if !claims.may_claim() => {
                self.recording.violation(format!(
                    "{at}: claimed with a token that is not a machine's"
                ));
                Err(error(
                    403,
                    "forbidden",
                    "Runs can be claimed only with the credentials of a machine",
                ))
            }
            Endpoint::Claim(kind) => self.claim(received, kind, now),
            Endpoint::Ack(kind) => self.ack(received, kind, now),
            Endpoint::PatchRun(id) => self.patch_run(received, id, now),
            Endpoint::AddLog(id) => self.add_log(received, id, now),
            Endpoint::Logs(id) => self.logs(received, id),
            Endpoint::GetRun(id) => self.get_run(id),
            Endpoint::FindRuns => self.find_runs(received),
            Endpoint::PatchNode(id) => self.patch_node(received, id, now),
            Endpoint::NodeLogs(id) => self.node_logs(received, id, now),
            Endpoint::FindNodeRuns => self.find_node_runs(received),
            Endpoint::Integrations => Ok(self.integrations(received)),
            Endpoint::CreateIntegration => self.create_integration(received),
            Endpoint::Integration(id) => self.integration(id),
            Endpoint::PatchIntegration(id) => self.patch_integration(received, id),
            Endpoint::Token | Endpoint::Unknown => {
                Err(error(404, "route_not_found", "Route not found"))
            }
        };
        self.change();
        reply.unwrap_or_else(|reply| reply)
    }

    /// Reads a body; one that does not fit is also a violation, for a correct client knows the schema.
    pub(super) fn read(
        &self,
        received: &Received,
        fields: &[Field],
    ) -> Result<Map<String, Value>, Reply> {
        read(&received.body, fields).inspect_err(|reply| {
            let message = String::from_utf8_lossy(&reply.body);
            self.recording
                .violation(format!("{} {}: {message}", received.method, received.path));
        })
    }

    fn token(&self, received: &Received, now: SystemTime) -> Result<Reply, Reply> {
        let body = self.read(received, TOKEN)?;
        let (id, secret) = (
            text(&body, "clientId").unwrap_or_default(),
            text(&body, "clientSecret").unwrap_or_default(),
        );
        let token = lock(&self.tokens).issue(id, secret, self.options.token_life, now);
        let token = token.ok_or_else(|| {
            error(
                401,
                "invalid_credentials",
                "The client id or the secret is wrong",
            )
        })?;
        let expires = self.options.token_life.as_secs();
        Ok(answer(
            200,
            [
                ("accessToken", token.into()),
                ("expiresIn", expires.into()),
                ("tokenType", "Bearer".into()),
            ],
        ))
    }

    fn claim(&self, received: &Received, kind: Kind, now: SystemTime) -> Result<Reply, Reply> {
        let body = self.read(received, CLAIM)?;
        let installation_id = text(&body, "installationId").unwrap_or_default();
        let number = |name: &str| body.get(name).and_then(Value::as_u64).unwrap_or_default();
        let enabled = lock(&self.integrations)
            .get(installation_id)
            .map(|integration| {
                integration
                    .get("actionsProcessingEnabled")
                    .and_then(Value::as_bool)
                    .unwrap_or_default()
            });
        let enabled = enabled.ok_or_else(|| not_found("Integration", installation_id))?;
        let claim = Claim {
            kind,
            installation_id,
            limit: usize::try_from(number("limit")).unwrap_or(usize::MAX),
            visible_again: lapses(now, number("visibilityTimeoutMs")),
            exclude: body
                .get("exclude")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect(),
        };
        // An installation that may not process actions is not told so: it is offered nothing.
        let runs = if enabled {
            lock(&self.runs).claim(&claim, now)
        } else {
            "[]".to_owned()
        };
        let name = match kind {
            Kind::Action => "runs",
            Kind::Node => "nodeRuns",
        };
        Ok(Reply::json(
            200,
            format!("{{\"ok\":true,\"{name}\":{runs}}}"),
        ))
    }

    fn ack(&self, received: &Received, kind: Kind, now: SystemTime) -> Result<Reply, Reply> {
        let (fields, name) = match kind {
            Kind::Action => (ACK_ACTION, "runId"),
            Kind::Node => (ACK_NODE, "nodeRunIdentifier"),
        };
        let body = self.read(received, fields)?;
        let id = text(&body, name).unwrap_or_default();
        let mut runs = lock(&self.runs);
        let record = runs
            .get_mut(kind, id)
            .ok_or_else(|| self.unknown(received, id))?;
        if record.view.claims == 0 {
            self.recording
                .violation(format!("{id}: acknowledged, but never claimed"));
        }
        // One repetition is right after a crash between the answer and the journal; more are not.
        if record.acks_seen > 1 {
            self.recording
                .violation(format!("{id}: acknowledged again and again"));
        }
        if !received.reply_lost {
            record.acks_seen += 1;
        }
        if !runs.ack(id, now) {
            return Err(error(
                409,
                "run_already_acknowledged",
                &format!("Run \"{id}\" is already acknowledged"),
            ));
        }
        Ok(ok(200, Map::new()))
    }

    /// An id that a correct client cannot have.
    pub(super) fn unknown(&self, received: &Received, id: &str) -> Reply {
        self.recording.violation(format!(
            "{} {}: no run {id:?}",
            received.method, received.path
        ));
        not_found("Run", id)
    }

    /// Refuses to change a run that has ended. A client that was told of the end knows better than to try.
    pub(super) fn still_open(&self, record: &Record) -> Result<(), Reply> {
        if !record.view.ended() {
            return Ok(());
        }
        let id = &record.view.id;
        if record.end_seen {
            self.recording
                .violation(format!("{id}: updated after its end"));
        }
        Err(error(
            409,
            "run_already_ended",
            &format!("Run \"{id}\" has ended and cannot be changed"),
        ))
    }

    /// The texts of the newest runs that match, joined with commas.
    pub(super) fn select(
        &self,
        limit: usize,
        matches: impl Fn(&Record) -> bool,
    ) -> impl FnOnce(&dyn Fn(&Record) -> String) -> String {
        move |text| {
            let runs = lock(&self.runs);
            let mut found: Vec<&Record> = runs
                .records
                .values()
                .filter(|record| matches(record))
                .collect();
            found.sort_by_key(|record| std::cmp::Reverse(record.sequence));
            let texts: Vec<String> = found.into_iter().take(limit).map(text).collect();
            texts.join(",")
        }
    }
}

pub(super) fn answer<const N: usize>(status: u16, members: [(&str, Value); N]) -> Reply {
    ok(
        status,
        members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// One text or several.
pub(super) fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(items) => items
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}
