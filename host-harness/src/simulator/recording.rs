//! What a simulator saw: every exchange, and every breach of the contract by the client.

use std::sync::Mutex;
use std::time::SystemTime;

use super::lock;

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
    /// Status that was answered; `None` when the connection was cut instead.
    pub status: Option<u16>,
    /// When the request had arrived completely.
    pub at: SystemTime,
    /// Response body before any damage by a fault. Empty when the simulator was told not to keep bodies.
    pub response_body: Vec<u8>,
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
}

/// The log of one simulator.
#[derive(Debug, Default)]
pub(super) struct Recording {
    keep_bodies: bool,
    log: Mutex<Log>,
}

#[derive(Debug, Default)]
struct Log {
    exchanges: Vec<Exchange>,
    violations: Vec<String>,
}

impl Recording {
    pub(super) fn new(keep_bodies: bool) -> Self {
        Self {
            keep_bodies,
            log: Mutex::default(),
        }
    }

    pub(super) fn record(&self, mut exchange: Exchange) {
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
