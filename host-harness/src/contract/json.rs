//! Values of the contract as JSON: how the command line prints them, and what scenarios expect.

use super::{
    Change, Configured, Failure, FailureKind, Level, LogLine, Manifest, Outcome, Part, Problem,
    RunPlan, RunUpdate, Started,
};
use serde_json::{Value, json};

/// An object with one more member.
pub fn with(object: Value, key: &str, value: Value) -> Value {
    let mut object = object;
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
    object
}

/// A JSON text inside a value: as JSON if it is JSON, else as text.
pub fn embedded(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// A body: as JSON if it is JSON, else as text.
pub fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    embedded(&String::from_utf8_lossy(bytes))
}

/// A run that was accepted.
pub fn started(started: &Started) -> Value {
    json!({
        "externalRunId": started.external_run_id,
        "link": started.link,
        "statusLabel": started.status_label,
        "output": embedded(&started.output),
    })
}

/// The contract's word for a kind of failure.
pub fn kind(kind: &FailureKind) -> String {
    match kind {
        FailureKind::InvalidParameters => "invalid-parameters".to_owned(),
        FailureKind::Rejected => "rejected".to_owned(),
        FailureKind::Unauthorized => "unauthorized".to_owned(),
        FailureKind::RateLimited(_) => "rate-limited".to_owned(),
        FailureKind::Unavailable => "unavailable".to_owned(),
        FailureKind::Ambiguous => "ambiguous".to_owned(),
        FailureKind::Unsupported => "unsupported".to_owned(),
        FailureKind::Internal => "internal".to_owned(),
        FailureKind::Other(name) => name.clone(),
    }
}

/// A failure.
pub fn failure(failure: &Failure) -> Value {
    let value = json!({
        "kind": kind(&failure.kind),
        "code": failure.code,
        "message": failure.message,
        "remedy": failure.remedy,
        "requestSent": failure.request_sent,
    });
    match failure.kind {
        FailureKind::RateLimited(seconds) => with(value, "retryAfterSeconds", json!(seconds)),
        _ => value,
    }
}

/// The contract's word for an outcome.
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Cancelled => "cancelled",
    }
}

/// The contract's word for a level.
pub fn level(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn part(part: &Part) -> Value {
    json!({"kind": part.kind, "id": part.id, "ended": part.ended})
}

fn log(lines: &[LogLine]) -> Value {
    lines
        .iter()
        .map(|line| json!({"level": level(line.level), "message": line.message}))
        .collect()
}

/// News of a run.
pub fn update(update: &RunUpdate) -> Value {
    let change = match &update.change {
        Change::Progress(progress) => json!({
            "progress": {
                "label": progress.label,
                "log": log(&progress.log),
                "part": progress.part.as_ref().map(part),
            },
        }),
        Change::Completed(completion) => json!({
            "completed": {
                "outcome": outcome(completion.outcome),
                "conclusion": completion.conclusion,
                "label": completion.label,
                "summary": completion.summary,
                "output": embedded(&completion.output),
                "log": log(&completion.log),
            },
        }),
    };
    json!({
        "externalRunId": update.external_run_id,
        "attempt": update.attempt,
        "change": change,
    })
}

/// A problem of a definition.
pub fn problem(problem: &Problem) -> Value {
    json!({
        "pointer": problem.pointer,
        "code": problem.code,
        "message": problem.message,
        "remedy": problem.remedy,
    })
}

/// What a plugin says about itself.
pub fn manifest(manifest: &Manifest) -> Value {
    json!({
        "name": manifest.name,
        "version": manifest.version,
        "actionTypes": manifest.action_types.iter().map(|action| json!({
            "name": action.name,
            "title": action.title,
            "description": action.description,
            "inputSchema": embedded(&action.input_schema),
        })).collect::<Vec<_>>(),
        "webhooks": manifest.webhooks.as_ref().map(|webhooks| json!({
            "events": webhooks.events,
            "eventHeader": webhooks.event_header,
            "deliveryHeader": webhooks.delivery_header,
            "signatureHeader": webhooks.signature_header,
            "signaturePrefix": webhooks.signature_prefix,
            "signatureAlgorithm": "hmac-sha256",
        })),
        "settings": manifest.settings.iter().map(|setting| json!({
            "name": setting.name,
            "description": setting.description,
            "schema": embedded(&setting.schema),
        })).collect::<Vec<_>>(),
    })
}

/// What a plugin found out about a run.
pub fn plan(plan: &RunPlan) -> Value {
    json!({
        "partitionKey": plan.partition_key,
        "reportStatus": plan.report_status,
        "target": plan.target,
    })
}

/// A definition that is complete.
pub fn configured(configured: &Configured) -> Value {
    json!({
        "definition": embedded(&configured.definition),
        "notes": configured.notes,
    })
}
