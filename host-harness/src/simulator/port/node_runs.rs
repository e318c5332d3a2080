//! Workflow node runs: updates, logs, look-up.

use std::time::SystemTime;

use serde_json::{Map, Value};

use super::super::lock;
use super::super::server::{Received, Reply};
use super::State;
use super::answers::texts;
use super::runs::Record;
use super::schema::{Field, Holds, error, ok, optional, required, text};
use super::view::Kind;

const LEVELED: &[Field] = &[
    required("level", Holds::OneOf(&["INFO", "WARN", "ERROR", "DEBUG"])),
    required("message", Holds::Text),
];
const NODE_LOGS: &[Field] = &[required("logs", Holds::Objects(LEVELED))];
const PATCH_NODE: &[Field] = &[
    optional("status", Holds::OneOf(&["IN_PROGRESS", "COMPLETED"])),
    optional("result", Holds::OneOf(&["SUCCESS", "FAILED", "CANCELLED"])),
    optional("externalRunId", Holds::Text),
    optional("output", Holds::Object),
    optional("links", Holds::Texts),
    optional("logs", Holds::Objects(LEVELED)),
];

impl State {
    pub(super) fn find_node_runs(&self, received: &Received) -> Result<Reply, Reply> {
        let Some(external) = received.parameter("external_run_id") else {
            return Err(error(
                422,
                "invalid_request",
                "querystring must have required property 'external_run_id'",
            ));
        };
        let with_config = received.parameter("include").as_deref() == Some("nodeConfig");
        let texts = self.select(100, |record| {
            record.view.kind == Kind::Node
                && record.view.external_run_id.as_ref() == Some(&external)
        });
        let texts = texts(&|record| record.lookup_text(with_config));
        Ok(Reply::json(
            200,
            format!("{{\"ok\":true,\"nodeRuns\":[{texts}]}}"),
        ))
    }

    pub(super) fn patch_node(
        &self,
        received: &Received,
        id: &str,
        now: SystemTime,
    ) -> Result<Reply, Reply> {
        let body = self.read(received, PATCH_NODE)?;
        let completed = text(&body, "status") == Some("COMPLETED");
        if completed != body.contains_key("result") {
            self.recording.violation(format!(
                "{id}: a result and the status COMPLETED belong together"
            ));
            return Err(error(
                422,
                "invalid_request",
                "body/result must come with the status COMPLETED, and only then",
            ));
        }
        let mut runs = lock(&self.runs);
        let record = runs
            .get_mut(Kind::Node, id)
            .ok_or_else(|| self.unknown(received, id))?;
        let open = self.still_open(record);
        record.end_seen |= record.view.ended() && !received.reply_lost;
        open?;
        if !record.view.acked {
            self.recording
                .violation(format!("{id}: updated, but not acknowledged"));
        }
        if let Some(external) = text(&body, "externalRunId") {
            record.view.external_run_id = Some(external.to_owned());
        }
        // Every key is overwritten whole: an output left out of the last update stays, a shorter one replaces.
        if let Some(output) = body.get("output") {
            record.view.output = Some(output.clone());
        }
        if let Some(links) = body.get("links") {
            record.view.link = texts(links);
        }
        log_all(record, &body, now);
        if completed {
            record.end("COMPLETED", text(&body, "result"), now);
            record.end_seen = !received.reply_lost;
        }
        record.view.updates.push((now, Value::Object(body)));
        Ok(Reply::json(
            200,
            format!("{{\"ok\":true,\"nodeRun\":{}}}", record.text()),
        ))
    }

    pub(super) fn node_logs(
        &self,
        received: &Received,
        id: &str,
        now: SystemTime,
    ) -> Result<Reply, Reply> {
        let body = self.read(received, NODE_LOGS)?;
        let mut runs = lock(&self.runs);
        let record = runs
            .get_mut(Kind::Node, id)
            .ok_or_else(|| self.unknown(received, id))?;
        log_all(record, &body, now);
        Ok(ok(201, Map::new()))
    }
}

fn log_all(record: &mut Record, body: &Map<String, Value>, now: SystemTime) {
    for log in body
        .get("logs")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |name: &str| log.get(name).and_then(Value::as_str);
        record.log(text("level"), text("message").unwrap_or_default(), now);
    }
}
