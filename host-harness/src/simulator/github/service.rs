//! The path of every request: what the client did wrong, the gate, the endpoint, the headers of every answer.

use sha2::{Digest as _, Sha256};

use super::super::fault::Faults;
use super::super::lock;
use super::super::recording::Recording;
use super::super::server::{Received, Reply, Service};
use super::endpoint::{self, Endpoint};
use super::{Api, answers, errors, gate};

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
        let at = format!("{} {}", received.method, received.path);
        let mut found = gate::header_violations(received);
        let segments = received.segments();
        let endpoint = endpoint::parse(&received.method, &segments);
        if operation == "unknown" {
            found.push("no such endpoint".to_owned());
        }
        for name in endpoint.unknown_parameters(received) {
            found.push(format!("unknown query parameter {name:?}"));
        }
        let gate = lock(&self.gate);
        let token = gate::token(received);
        match &token {
            Some(token) if !gate.knows(token) => {
                found.push("a token that was never issued".to_owned())
            }
            None if endpoint.repository().is_some() => found.push("no Authorization".to_owned()),
            _ => {}
        }
        if operation != "rate-limit" {
            let early = gate.too_early(
                &token.unwrap_or_default(),
                self.now(),
                self.options.limit_grace,
            );
            if let Some(early) = early {
                found.push(format!(
                    "sent while rate-limited, {} ms too early",
                    early.as_millis()
                ));
            }
        }
        drop(gate);
        for what in found {
            self.recording.violation(format!("{at}: {what}"));
        }
    }

    fn answer(&self, received: &Received) -> Reply {
        if received
            .header("user-agent")
            .is_none_or(|value| value.trim().is_empty())
        {
            return errors::no_user_agent();
        }
        let segments = received.segments();
        let endpoint = endpoint::parse(&received.method, &segments);
        let version = match gate::version(received) {
            Ok(version) => version,
            Err(reply) => return reply,
        };
        if let Some(accept) = received
            .header("accept")
            .filter(|accept| !gate::acceptable(accept))
        {
            let message =
                format!("Unsupported 'Accept' header: '{accept}'. Must accept 'application/json'.");
            return errors::error("", 415, &message);
        }
        let mut gate = lock(&self.gate);
        let caller = match gate.caller(received) {
            Ok(caller) => caller,
            Err(reply) => return reply,
        };
        if endpoint != Endpoint::RateLimit && !gate.count(&caller.key, self.now()) {
            let message = if caller.is_app() {
                format!(
                    "API rate limit exceeded for installation ID {}.",
                    self.options.installation_id
                )
            } else {
                "API rate limit exceeded for user ID 41000001.".to_owned()
            };
            let page =
                "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
            return errors::error_at(page, self.options.rate_limit_status, &message);
        }
        drop(gate);
        let reply = answers::answer(&self.0, received, &endpoint, &caller, version);
        let reply = conditional(received, reply);
        if reply.status == 304 {
            lock(&self.gate).uncount(&caller.key);
        }
        reply
    }

    fn finish(&self, received: &Received, mut reply: Reply) -> Reply {
        let now = self.now();
        let key = gate::token(received).unwrap_or_default();
        let segments = received.segments();
        let endpoint = endpoint::parse(&received.method, &segments);
        let gate = lock(&self.gate);
        let (limit, used, remaining, reset) = gate.quota(&key, now);
        reply.default_header("date", httpdate::fmt_http_date(now));
        reply.default_header("server", "github.com");
        reply.default_header("x-github-media-type", "github.v3; format=json");
        reply.default_header(
            "x-github-request-id",
            format!("51A7:2C0DE:{:07X}:F00D:6741B2E0", self.next()),
        );
        if let Ok(version) = gate::version(received) {
            reply.default_header("x-github-api-version-selected", version);
        }
        if !endpoint.permission().is_empty() {
            reply.default_header("x-accepted-github-permissions", endpoint.permission());
        }
        reply.default_header("x-ratelimit-limit", limit.to_string());
        reply.default_header("x-ratelimit-remaining", remaining.to_string());
        reply.default_header("x-ratelimit-used", used.to_string());
        reply.default_header("x-ratelimit-reset", reset.to_string());
        reply.default_header("x-ratelimit-resource", "core");
        reply
    }

    fn told(&self, authorization: Option<&str>, reply: &Reply) {
        let key = authorization.map(gate::token_of).unwrap_or_default();
        lock(&self.gate).told_to_wait(&key, reply, self.now());
    }
}

/// Gives a readable answer its ETag, and answers 304 to a client that has it already.
fn conditional(received: &Received, mut reply: Reply) -> Reply {
    if received.method != "GET" || reply.status != 200 {
        return reply;
    }
    let digest = Sha256::digest(&reply.body);
    let tag: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = format!("\"{tag}\"");
    let known = received.header("if-none-match").is_some_and(|given| {
        given.split(',').any(|one| {
            let one = one.trim();
            one == "*" || one.strip_prefix("W/").unwrap_or(one) == tag
        })
    });
    let private = received.header("authorization").is_some();
    if known {
        reply = Reply::empty(304);
    }
    let scope = if private { "private" } else { "public" };
    reply
        .with("etag", format!("W/{tag}"))
        .with("cache-control", format!("{scope}, max-age=60, s-maxage=60"))
        .with(
            "vary",
            "Accept, Authorization, Cookie, X-GitHub-OTP,Accept-Encoding, Accept, X-Requested-With",
        )
}
