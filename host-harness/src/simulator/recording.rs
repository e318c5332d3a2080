//! What a simulator saw: every exchange, and every breach of the contract by the client.
//!
//! The variable `HOST_HARNESS_EXCHANGES` of the process names a folder: every simulator then also writes there what it
//! saw, in a file of its own, one JSON object a line, for judges outside of this program (`make interop`).

use std::fs::File;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::SystemTime;

use serde_json::json;

use super::lock;
use super::witness::{Sight, Witness};

/// The environment variable that names the folder.
pub const FOLDER: &str = "HOST_HARNESS_EXCHANGES";

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// Upper-case method.
    pub method: String,
    /// Path as it came over the wire, still percent-encoded.
    pub path: String,
    /// Query as it came over the wire, without the question mark.
    pub query: Option<String>,
    /// Request headers in wire order; values that are not text are shown with replacement characters.
    pub headers: Vec<(String, String)>,
    /// Request body. Empty when the simulator was told not to keep bodies.
    pub body: Vec<u8>,
    /// Which simulator saw it: `github`, `port` or `server`.
    pub service: &'static str,
    /// Status that was answered; `None` when the connection was cut instead.
    pub status: Option<u16>,
    /// When the request had arrived completely.
    pub at: SystemTime,
    /// Response headers in the order in which they were added; none when the connection was cut.
    pub response_headers: Vec<(String, String)>,
    /// Response body before any damage by a fault. Empty when the simulator was told not to keep bodies.
    pub response_body: Vec<u8>,
    /// A fault answered in the service's place, so that its answer need not be one that the service gives.
    pub injected: bool,
    /// Name of the operation as faults name it; `unknown` for an endpoint that does not exist.
    pub operation: &'static str,
    /// Names of the faults that struck it, as far as they have one.
    pub faults: Vec<String>,
}

impl Exchange {
    /// First request header of that name, compared without case.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Request body as JSON, if it is JSON.
    #[must_use]
    pub fn json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Response body as JSON, if it is JSON.
    #[must_use]
    pub fn response_json(&self) -> Option<serde_json::Value> {
        serde_json::from_slice(&self.response_body).ok()
    }

    /// One line for a judge. What is not UTF-8 is shown with replacement characters.
    fn line(&self, service: &str) -> String {
        let line = json!({
            "service": service,
            "operation": self.operation,
            "method": self.method,
            "path": self.path,
            "query": self.query,
            "headers": self.headers,
            "body": String::from_utf8_lossy(&self.body),
            "status": self.status,
            "responseHeaders": self.response_headers,
            "responseBody": String::from_utf8_lossy(&self.response_body),
            "injected": self.injected,
        });
        format!("{line}\n")
    }
}

/// The log of one simulator.
#[derive(Debug, Default)]
pub(super) struct Recording {
    /// `github`, `port` or `server`.
    service: &'static str,
    keep_bodies: bool,
    witness: Witness,
    log: Mutex<Log>,
    /// Where judges read on.
    file: Option<Mutex<File>>,
}

#[derive(Debug, Default)]
struct Log {
    exchanges: Vec<Exchange>,
    violations: Vec<String>,
}

impl Recording {
    /// The log of this service (`github`, `port`).
    ///
    /// # Errors
    /// The folder for judges is asked for and cannot be written to.
    pub(super) fn new(
        service: &'static str,
        keep_bodies: bool,
        witness: Witness,
    ) -> std::io::Result<Self> {
        Ok(Self {
            service,
            keep_bodies,
            witness,
            log: Mutex::default(),
            file: file_for_judges(service)?.map(Mutex::new),
        })
    }

    pub(super) fn record(&self, mut exchange: Exchange) {
        exchange.service = self.service;
        if let Some(file) = &self.file
            && let Err(error) = lock(file).write_all(exchange.line(self.service).as_bytes())
        {
            self.violation(format!("an exchange could not be written down: {error}"));
        }
        self.witness.see(Sight::Exchange(&exchange));
        if !self.keep_bodies {
            exchange.body = Vec::new();
            exchange.response_body = Vec::new();
        }
        lock(&self.log).exchanges.push(exchange);
    }

    pub(super) fn violation(&self, text: impl Into<String>) {
        let text = text.into();
        tracing::warn!(violation = %text, "simulator: contract violation by the client");
        lock(&self.log).violations.push(text);
    }

    pub(super) fn exchanges(&self) -> Vec<Exchange> {
        lock(&self.log).exchanges.clone()
    }

    pub(super) fn exchanges_that(&self, wanted: impl Fn(&Exchange) -> bool) -> Vec<Exchange> {
        let log = lock(&self.log);
        log.exchanges
            .iter()
            .filter(|exchange| wanted(exchange))
            .cloned()
            .collect()
    }

    pub(super) fn violations(&self) -> Vec<String> {
        lock(&self.log).violations.clone()
    }

    pub(super) fn count(&self, operation: &str) -> usize {
        lock(&self.log)
            .exchanges
            .iter()
            .filter(|exchange| exchange.operation == operation)
            .count()
    }

    pub(super) fn clear(&self) {
        *lock(&self.log) = Log::default();
    }
}

/// A new file in the folder that the environment names, if it names one.
fn file_for_judges(service: &str) -> std::io::Result<Option<File>> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let Some(folder) = std::env::var_os(FOLDER) else {
        return Ok(None);
    };
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let name = format!("{service}-{}-{number}.jsonl", std::process::id());
    File::create_new(std::path::Path::new(&folder).join(name)).map(Some)
}
