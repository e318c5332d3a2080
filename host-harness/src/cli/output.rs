//! Values of the contract as JSON, in the spelling of the contract.

use crate::contract::{
    Change, Failure, FailureKind, Level, LogLine, Manifest, Outcome, Problem, RunUpdate, Started,
};
use crate::egress::{Exchange, ExchangeOutcome};
use crate::engine::CallError;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Prints one JSON object, the whole output of a command. Whoever reads it may have gone: then nobody misses it.
pub(super) fn print(value: &Value) {
    if let Err(error) = writeln!(io::stdout(), "{value:#}")
        && error.kind() != io::ErrorKind::BrokenPipe
    {
        eprintln!("error: the result could not be written: {error}");
    }
}

/// An object with one more member.
pub(super) fn with(object: Value, key: &str, value: Value) -> Value {
    let mut object = object;
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
    object
}

/// A JSON text inside a value: as JSON if it is JSON, else as text.
pub(super) fn embedded(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| Value::from(text))
}

/// A body: as JSON if it is JSON, else as text.
pub(super) fn body(bytes: &[u8]) -> Value {
    if bytes.is_empty() {
        return Value::Null;
    }
    embedded(&String::from_utf8_lossy(bytes))
}

pub(super) fn started(started: &Started) -> Value {
    json!({
        "externalRunId": started.external_run_id,
        "link": started.link,
        "statusLabel": started.status_label,
        "output": embedded(&started.output),
    })
}

pub(super) fn kind(kind: &FailureKind) -> String {
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

pub(super) fn failure(failure: &Failure) -> Value {
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

pub(super) fn call_error(error: &CallError) -> Value {
    json!({
        "kind": "stopped",
        "message": error.to_string(),
        "requestSent": error.request_sent,
    })
}

pub(super) fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Success => "success",
        Outcome::Failure => "failure",
        Outcome::Cancelled => "cancelled",
    }
}

pub(super) fn level(level: Level) -> &'static str {
    match level {
        Level::Debug => "debug",
        Level::Info => "info",
        Level::Warn => "warn",
        Level::Error => "error",
    }
}

fn log(lines: &[LogLine]) -> Value {
    lines
        .iter()
        .map(|line| json!({"level": level(line.level), "message": line.message}))
        .collect()
}

pub(super) fn update(update: &RunUpdate) -> Value {
    let change = match &update.change {
        Change::Progress(progress) => json!({
            "progress": {"label": progress.label, "log": log(&progress.log)},
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

pub(super) fn problem(problem: &Problem) -> Value {
    json!({
        "pointer": problem.pointer,
        "code": problem.code,
        "message": problem.message,
        "remedy": problem.remedy,
    })
}

pub(super) fn exchange(exchange: &Exchange) -> Value {
    let headers = |map: &http::HeaderMap| -> Value {
        map.iter()
            .map(|(name, value)| json!([name.as_str(), String::from_utf8_lossy(value.as_bytes())]))
            .collect()
    };
    let outcome = match &exchange.outcome {
        ExchangeOutcome::Answered {
            status,
            headers: fields,
            body: bytes,
        } => json!({"status": status, "headers": headers(fields), "body": body(bytes)}),
        ExchangeOutcome::Failed(reason) => json!({"failed": reason.to_string()}),
    };
    json!({
        "method": exchange.method.as_str(),
        "url": exchange.uri.to_string(),
        "headers": headers(&exchange.request_headers),
        "credentialAdded": exchange.credential_added,
        "body": body(&exchange.request_body),
        "tookMs": u64::try_from(exchange.took.as_millis()).unwrap_or(u64::MAX),
        "answer": outcome,
    })
}

pub(super) fn manifest(manifest: &Manifest) -> Value {
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
