//! What commands print as JSON, beside the values of the contract; and where it goes.

use super::Stop;
use crate::contract::json::body;
use crate::egress::{Exchange, ExchangeOutcome};
use crate::engine::CallError;
use clap::Args;
use serde_json::{Value, json};
use std::fmt;
use std::fs::OpenOptions;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Prints one JSON object, the whole output of a command.
pub(super) fn print(value: &Value) {
    write(&format!("{value:#}\n"));
}

/// Prints a text. Whoever reads it may have gone: then nobody misses the rest, and the process ends.
pub(super) fn write(text: &str) {
    let mut out = io::stdout();
    if let Err(error) = out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        if error.kind() == ErrorKind::BrokenPipe {
            std::process::exit(0);
        }
        eprintln!("error: the result could not be written: {error}");
    }
}

/// Prints a line of a process that serves others: it goes on, whether anybody reads that or not.
pub(super) fn notice(text: fmt::Arguments<'_>) {
    let mut out = io::stdout();
    let _ = writeln!(out, "{text}").and_then(|()| out.flush());
}

/// Prints a line, as [`write`].
pub(super) fn line(text: fmt::Arguments<'_>) {
    write(&format!("{text}\n"));
}

/// Where a document goes that a command makes.
#[derive(Debug, Args)]
pub(super) struct Destination {
    /// Write the document into this file instead of printing it.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Overwrite the file of `--out` if it is there.
    #[arg(long, requires = "out")]
    force: bool,
}

impl Destination {
    /// Says early that the file is there already: before somebody answers questions.
    pub(super) fn check(&self) -> Result<(), Stop> {
        match &self.out {
            Some(file) if file.exists() && !self.force => Err(is_there(file)),
            _ => Ok(()),
        }
    }

    /// Writes a document. The object, for programs, is printed also where the document goes into a file.
    pub(super) fn write(&self, document: &str, object: Option<&str>) -> Result<(), Stop> {
        if let Some(file) = &self.out {
            self.write_file(file, document)?;
        }
        match (object, &self.out) {
            (Some(object), _) => write(&format!("{object}\n")),
            (None, None) => write(&format!("{document}\n")),
            (None, Some(file)) => eprintln!("wrote {}", file.display()),
        }
        Ok(())
    }

    fn write_file(&self, file: &Path, document: &str) -> Result<(), Stop> {
        let mut options = OpenOptions::new();
        options.write(true);
        if self.force {
            options.create(true).truncate(true);
        } else {
            options.create_new(true);
        }
        let written = options
            .open(file)
            .and_then(|mut open| open.write_all(format!("{document}\n").as_bytes()));
        written.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => is_there(file),
            _ => Stop::Unusable(format!("cannot write {}: {error}", file.display())),
        })
    }
}

fn is_there(file: &Path) -> Stop {
    Stop::Unusable(format!(
        "{} is there already; choose another name, or overwrite it with `--force`",
        file.display()
    ))
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
