//! The path of every request: what the client did wrong, the gate, the endpoint, the headers of every answer.

use sha2::{Digest as _, Sha256};

use crate::clock;

use super::super::fault::Faults;
use super::super::lock;
use super::super::recording::Recording;
use super::super::server::{Received, Reply, Service};
use super::app::{self, Flaw};
use super::endpoint::{self, Endpoint};
use super::gate::Caller;
use super::{Api, State, answers, errors, gate};

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
        found.extend(self.credential_violation(received, &endpoint));
        if matches!(endpoint, Endpoint::AppToken(_)) && !app::fits_schema(&received.body) {
            found.push("a body outside the schema of a request for a token".to_owned());
        }
        if operation != "rate-limit" {
            let key = self.quota_key(&gate::token(received).unwrap_or_default());
            let early = lock(&self.gate).too_early(&key, self.now(), self.options.limit_grace);
            if let Some(early) = early {
                found.push(format!(
                    "sent while rate-limited, {} ms too early",
                    early.as_millis()
                ));
            }
        }
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
        let caller = match self.caller(received, &endpoint) {
            Ok(caller) => caller,
            Err(reply) => return reply,
        };
        if endpoint != Endpoint::RateLimit && !lock(&self.gate).count(&caller.key, self.now()) {
            return self.used_up(&caller);
        }
        let reply = answers::answer(&self.0, received, &endpoint, &caller, version);
        let reply = conditional(received, reply);
        // Free only for those who say who they are (docs: Best practices, conditional requests).
        if reply.status == 304 && !caller.anonymous {
            lock(&self.gate).uncount(&caller.key);
        }
        reply
    }

    fn finish(&self, received: &Received, mut reply: Reply) -> Reply {
        let now = self.now();
        let token = gate::token(received).unwrap_or_default();
        if let Some(scopes) = lock(&self.gate).scopes(&token) {
            reply.default_header("x-oauth-scopes", scopes);
        }
        let key = self.quota_key(&token);
        let segments = received.segments();
        let endpoint = endpoint::parse(&received.method, &segments);
        let (limit, used, remaining, reset) = lock(&self.gate).quota(&key, now);
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
        let key = self.quota_key(&authorization.map(gate::token_of).unwrap_or_default());
        lock(&self.gate).told_to_wait(&key, reply, self.now());
    }
}

impl State {
    /// Whose quota requests with this token are charged to.
    pub(super) fn quota_key(&self, token: &str) -> String {
        lock(&self.app)
            .quota_key(token)
            .unwrap_or_else(|| token.to_owned())
    }

    fn caller(&self, received: &Received, endpoint: &Endpoint<'_>) -> Result<Caller, Reply> {
        let token = gate::token(received).unwrap_or_default();
        let app = lock(&self.app);
        if endpoint.wants_jwt() {
            app.verify(&token, self.now()).map_err(Flaw::reply)?;
            return Ok(app.itself());
        }
        match app.caller(&token, self.now()) {
            Some(caller) => caller,
            None => lock(&self.gate).caller(&token),
        }
    }

    /// What a correct client would not have done with the credential that it sends, or without one. Credentials
    /// themselves are not repeated.
    fn credential_violation(&self, received: &Received, endpoint: &Endpoint<'_>) -> Option<String> {
        let token = gate::token(received);
        let is_of_somebody =
            endpoint.repository().is_some() || endpoint.wants_jwt() || endpoint.administers();
        if token.is_none() && is_of_somebody {
            return Some("no Authorization".to_owned());
        }
        let token = token?;
        let app = lock(&self.app);
        if endpoint.wants_jwt() {
            let flaw = app.verify(&token, self.now()).err()?;
            // A client that goes by its own clock, or by GitHub's, has done nothing wrong.
            let excused = flaw.is_of_time() && app.verify(&token, clock::now()).is_ok();
            return (!excused).then(|| flaw.to_string());
        }
        if app.minted(&token) || lock(&self.gate).knows(&token) {
            None
        } else if app::looks_like_one(&token) {
            Some("a JWT, where only a token will do".to_owned())
        } else {
            Some("a token that was never issued".to_owned())
        }
    }

    fn used_up(&self, caller: &Caller) -> Reply {
        let message = match &caller.reach {
            Some(reach) => format!(
                "API rate limit exceeded for installation ID {}.",
                reach.installation()
            ),
            None if caller.is_app() => format!(
                "API rate limit exceeded for installation ID {}.",
                self.options.installation_id
            ),
            None if caller.anonymous => "API rate limit exceeded for 127.0.0.1. (But here's the good news: \
                                         Authenticated requests get a higher rate limit. Check out the documentation \
                                         for more details.)"
                .to_owned(),
            None => "API rate limit exceeded for user ID 41000001.".to_owned(),
        };
        let page = "https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api";
        errors::error_at(page, self.options.rate_limit_status, &message)
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
