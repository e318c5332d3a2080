//! The path of every request: what the client did wrong, the answer, the headers of every answer.

use std::time::SystemTime;

use crate::clock;

use super::super::fault::Faults;
use super::super::lock;
use super::super::recording::Recording;
use super::super::server::{Received, Reply, Service};
use super::tokens::Bearer;
use super::{Api, endpoint};

impl Service for Api {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn operation(&self, received: &Received) -> &'static str {
        endpoint::parse(&received.method, &received.segments()).operation()
    }

    fn examine(&self, received: &Received, operation: &'static str) {
        let segments = received.segments();
        let endpoint = endpoint::parse(&received.method, &segments);
        let mut found = Vec::new();
        if operation == "unknown" {
            found.push("no such endpoint".to_owned());
        }
        if received
            .header("user-agent")
            .is_none_or(|value| value.trim().is_empty())
        {
            found.push("no User-Agent".to_owned());
        }
        if let Some(flaw) = received.path_flaw() {
            found.push(format!("the path {flaw}"));
        }
        if endpoint.reserved_usage() && received.header("x-port-reserved-usage") != Some("true") {
            found.push("no x-port-reserved-usage: true".to_owned());
        }
        if endpoint.has_body() {
            let json = received
                .header("content-type")
                .is_some_and(|value| value.starts_with("application/json"));
            if !json {
                found.push("a body without content type application/json".to_owned());
            }
        }
        let known = endpoint.known_parameters();
        for (name, _) in received.parameters() {
            if operation != "unknown" && !known.contains(&name.as_str()) {
                found.push(format!("unknown query parameter {name:?}"));
            }
        }
        if operation != "token" {
            match lock(&self.tokens).bearer(received, clock::now()) {
                Bearer::Unknown => found.push("a token that was never issued".to_owned()),
                Bearer::Missing => found.push("no Authorization".to_owned()),
                Bearer::Good(_) | Bearer::Stale => {}
            }
        }
        for what in found {
            self.recording
                .violation(format!("{} {}: {what}", received.method, received.path));
        }
    }

    fn answer(&self, received: &Received) -> Reply {
        let segments = received.segments();
        self.respond(received, endpoint::parse(&received.method, &segments))
    }

    fn finish(&self, received: &Received, mut reply: Reply) -> Reply {
        // Port's clients put this into their error logs.
        reply.default_header(
            "x-trace-id",
            format!("trace-{:016x}", {
                let at = received
                    .at
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default();
                at.as_nanos() as u64
            }),
        );
        reply
    }
}
