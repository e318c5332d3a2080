//! Action runs: updates, logs, look-ups.

use std::time::SystemTime;

use serde_json::{Value, json};

use super::super::lock;
use super::super::server::{Received, Reply};
use super::State;
use super::answers::{answer, texts};
use super::runs::time;
use super::schema::{Field, Holds, error, not_found, optional, required, text};
use super::view::Kind;

const TERMINAL: Holds = Holds::OneOf(&["SUCCESS", "FAILURE"]);
const PATCH_RUN: &[Field] = &[
    optional("status", TERMINAL),
    optional("statusLabel", Holds::Text),
    optional("link", Holds::TextOrTexts),
    optional("summary", Holds::Text),
    optional("externalRunId", Holds::Text),
    optional("message", Holds::Object),
];
const LOG: &[Field] = &[
    required("message", Holds::Text),
    optional("terminationStatus", TERMINAL),
    optional("statusLabel", Holds::Text),
];

impl State {
    pub(super) fn patch_run(
        &self,
        received: &Received,
        id: &str,
        now: SystemTime,
    ) -> Result<Reply, Reply> {
        let body = self.read(received, PATCH_RUN)?;
        let mut runs = lock(&self.runs);
        let record = runs
            .get_mut(Kind::Action, id)
            .ok_or_else(|| self.unknown(received, id))?;
        let open = self.still_open(record);
        record.end_seen |= record.view.ended() && !received.reply_lost;
        open?;
        // A label may say what an unacknowledged run waits for; anything more is a start.
        if !record.view.acked
            && ["status", "link", "externalRunId"]
                .iter()
                .any(|key| body.contains_key(*key))
        {
            self.recording
                .violation(format!("{id}: started or ended, but not acknowledged"));
        }
        for (name, value) in [
            ("statusLabel", &mut record.view.status_label),
            ("summary", &mut record.view.summary),
            ("externalRunId", &mut record.view.external_run_id),
        ] {
            if let Some(text) = text(&body, name) {
                *value = Some(text.to_owned());
            }
        }
        if let Some(link) = body.get("link") {
            record.view.link = texts(link);
        }
        if let Some(status) = text(&body, "status") {
            record.end(status, None, now);
            record.end_seen = !received.reply_lost;
        }
        record.view.updates.push((now, Value::Object(body)));
        Ok(Reply::json(
            200,
            format!("{{\"ok\":true,\"run\":{}}}", record.text()),
        ))
    }

    pub(super) fn add_log(
        &self,
        received: &Received,
        id: &str,
        now: SystemTime,
    ) -> Result<Reply, Reply> {
        let body = self.read(received, LOG)?;
        let mut runs = lock(&self.runs);
        let record = runs
            .get_mut(Kind::Action, id)
            .ok_or_else(|| self.unknown(received, id))?;
        let label = text(&body, "statusLabel");
        if let Some(status) = text(&body, "terminationStatus") {
            let open = self.still_open(record);
            record.end_seen |= record.view.ended() && !received.reply_lost;
            open?;
            record.end(status, None, now);
            record.end_seen = !received.reply_lost;
        } else if label.is_some() {
            self.still_open(record)?;
        }
        if let Some(label) = label {
            record.view.status_label = Some(label.to_owned());
        }
        let entry = record.log(None, text(&body, "message").unwrap_or_default(), now);
        if body.len() > 1 {
            record.view.updates.push((now, Value::Object(body)));
        }
        Ok(answer(201, [("runLog", entry)]))
    }

    pub(super) fn logs(&self, received: &Received, id: &str) -> Result<Reply, Reply> {
        let number = |name: &str, default: usize| {
            received
                .parameter(name)
                .map_or(Some(default), |value| value.parse().ok())
        };
        let limit = number("limit", 50).filter(|limit| (1..=50).contains(limit));
        let (Some(limit), Some(offset)) = (limit, number("offset", 0)) else {
            return Err(error(
                422,
                "invalid_request",
                "querystring/limit must be number from 1 to 50",
            ));
        };
        let mut runs = lock(&self.runs);
        let record = runs
            .get_mut(Kind::Action, id)
            .ok_or_else(|| not_found("Run", id))?;
        let logs: Vec<Value> = record
            .view
            .logs
            .iter()
            .enumerate()
            .skip(offset)
            .take(limit)
            .map(|(index, log)| {
                json!({
                    "id": format!("log_{}_{}", record.sequence, index + 1),
                    "runId": id,
                    "message": log.message,
                    "createdBy": "machine-client",
                    "createdAt": time(log.at),
                })
            })
            .collect();
        Ok(answer(200, [("runLogs", logs.into())]))
    }

    pub(super) fn get_run(&self, id: &str) -> Result<Reply, Reply> {
        let mut runs = lock(&self.runs);
        let record = runs
            .get_mut(Kind::Action, id)
            .ok_or_else(|| not_found("Run", id))?;
        Ok(Reply::json(
            200,
            format!("{{\"ok\":true,\"run\":{}}}", record.text()),
        ))
    }

    /// All filters must hold; newest first.
    pub(super) fn find_runs(&self, received: &Received) -> Result<Reply, Reply> {
        let limit = match received
            .parameter("limit")
            .map(|limit| limit.parse::<usize>())
        {
            None => 100,
            Some(Ok(limit)) if (1..=1_000).contains(&limit) => limit,
            Some(_) => {
                return Err(error(
                    422,
                    "invalid_request",
                    "querystring/limit must be number from 1 to 1000",
                ));
            }
        };
        let external = received.parameter("external_run_id");
        let action = received.parameter("action");
        let active = match received.parameter("active").as_deref() {
            None => None,
            Some("true") => Some(true),
            Some("false") => Some(false),
            Some(_) => {
                return Err(error(
                    422,
                    "invalid_request",
                    "querystring/active must be boolean",
                ));
            }
        };
        let sources: Vec<String> = received
            .parameters()
            .into_iter()
            .filter(|(name, _)| name == "source")
            .map(|(_, value)| value)
            .collect();
        let texts = self.select(limit, |record| {
            record.view.kind == Kind::Action
                && external
                    .as_ref()
                    .is_none_or(|id| record.view.external_run_id.as_ref() == Some(id))
                && action
                    .as_ref()
                    .is_none_or(|action| *action == record.identifier)
                && active.is_none_or(|active| active != record.view.ended())
                && (sources.is_empty() || sources.iter().any(|source| source == "UI"))
        });
        Ok(Reply::json(
            200,
            format!(
                "{{\"ok\":true,\"runs\":[{}]}}",
                texts(&|record| record.text())
            ),
        ))
    }
}
