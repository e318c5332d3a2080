//! What commands print as JSON, beside the values of the contract.

use crate::contract::json::body;
use crate::egress::{Exchange, ExchangeOutcome};
use crate::engine::CallError;
use serde_json::{Value, json};
use std::io::{self, Write};

/// Prints one JSON object, the whole output of a command.
pub(super) fn print(value: &Value) {
    write(&format!("{value:#}\n"));
}

/// Prints a text. Whoever reads it may have gone: then nobody misses the rest, and the process ends.
pub(super) fn write(text: &str) {
    let mut out = io::stdout();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        if error.kind() == io::ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        eprintln!("error: the result could not be written: {error}");
    }
}

pub(super) fn call_error(error: &CallError) -> Value {
    json!({
        "kind": "stopped",
        "message": error.to_string(),
        "requestSent": error.request_sent,
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
