//! Credentials, versions and quotas: what every request passes before it reaches an endpoint.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::super::server::{Received, Reply};
use super::app::{self, Reach};
use super::endpoint::Endpoint;
use super::errors;
use super::options::{Options, Standing};

/// Requests per hour without a token, per address; all of loopback is one address.
const ANONYMOUS_LIMIT: u32 = 60;

/// A waiting client's clock may be this much ahead.
const RESET_TOLERANCE: Duration = Duration::from_millis(50);

pub(super) const VERSIONS: [&str; 2] = ["2022-11-28", "2026-03-10"];

/// Who asks.
#[derive(Debug, Clone)]
pub(super) struct Caller {
    /// Whose quota it is charged to: a given token's own, an installation's, or the App's.
    pub(super) key: String,
    pub(super) login: String,
    pub(super) anonymous: bool,
    pub(super) write: bool,
    /// Set for tokens that the App has minted; tokens that were given reach everything.
    pub(super) reach: Option<Reach>,
}

impl Caller {
    /// Installation tokens belong to an App; everything else to a person.
    pub(super) fn is_app(&self) -> bool {
        self.reach.is_some() || self.key.starts_with("ghs_")
    }

    /// Whether the caller has the permission of an endpoint. Tokens that were given may read everything, and those that
    /// may write administer everything too.
    pub(super) fn may(&self, endpoint: &Endpoint<'_>) -> bool {
        match &self.reach {
            Some(reach) => reach.permits(endpoint.permission()),
            None => self.write || !(endpoint.writes() || endpoint.administers()),
        }
    }

    pub(super) fn refusal(&self) -> &'static str {
        if self.is_app() {
            "Resource not accessible by integration"
        } else {
            "Resource not accessible by personal access token"
        }
    }
}

#[derive(Debug)]
struct Credential {
    standing: Standing,
    write: bool,
    login: String,
    /// Of a classic token: what answers to it show.
    scopes: Option<String>,
}

#[derive(Debug)]
struct Quota {
    limit: u32,
    used: u32,
    resets_at: Option<SystemTime>,
    /// Told to wait: since when, until when.
    limited: Option<(SystemTime, SystemTime)>,
}

/// The credentials that were given, by token; the empty token is everybody without one. And all quotas.
#[derive(Debug)]
pub(super) struct Gate {
    credentials: BTreeMap<String, Credential>,
    quotas: BTreeMap<String, Quota>,
    window: Duration,
}

impl Gate {
    pub(super) fn new(options: &Options) -> Self {
        let mut gate = Self {
            credentials: BTreeMap::new(),
            quotas: BTreeMap::new(),
            window: options.rate_window,
        };
        for token in &options.tokens {
            gate.add(token, true, &options.token_login, options.rate_limit);
        }
        for token in &options.read_only_tokens {
            gate.add(token, false, &options.token_login, options.rate_limit);
        }
        gate.add("", false, "", ANONYMOUS_LIMIT);
        gate.open(&app::app_quota(), app::APP_LIMIT);
        gate
    }

    pub(super) fn add(&mut self, token: &str, write: bool, login: &str, limit: u32) {
        let credential = Credential {
            standing: Standing::Valid,
            write,
            login: login.to_owned(),
            scopes: None,
        };
        self.credentials.insert(token.to_owned(), credential);
        self.quotas.insert(token.to_owned(), Quota::new(limit));
    }

    /// Makes a token a classic one, which has scopes.
    pub(super) fn set_scopes(&mut self, token: &str, scopes: &str) {
        if let Some(credential) = self.credentials.get_mut(token) {
            credential.scopes = Some(scopes.to_owned());
        }
    }

    /// The scopes of a classic token that is good.
    pub(super) fn scopes(&self, token: &str) -> Option<String> {
        let credential = self.credentials.get(token)?;
        let is_valid = credential.standing == Standing::Valid;
        credential.scopes.clone().filter(|_| is_valid)
    }

    /// Opens a quota that no single token has, unless it is open already.
    pub(super) fn open(&mut self, key: &str, limit: u32) {
        self.quotas
            .entry(key.to_owned())
            .or_insert_with(|| Quota::new(limit));
    }

    pub(super) fn set_standing(&mut self, token: &str, standing: Standing) -> bool {
        self.credentials
            .get_mut(token)
            .map(|credential| credential.standing = standing)
            .is_some()
    }

    pub(super) fn set_remaining(&mut self, key: &str, remaining: u32, now: SystemTime) -> bool {
        let window = self.window;
        self.quotas
            .get_mut(key)
            .map(|quota| {
                quota.used = quota.limit.saturating_sub(remaining);
                quota.resets_at.get_or_insert(now + window);
            })
            .is_some()
    }

    /// Whether such a token was ever issued here, in whatever standing.
    pub(super) fn knows(&self, token: &str) -> bool {
        self.credentials.contains_key(token)
    }

    /// The caller behind a token that was given, or the 401.
    pub(super) fn caller(&self, token: &str) -> Result<Caller, Reply> {
        let credential = self
            .credentials
            .get(token)
            .filter(|credential| credential.standing == Standing::Valid)
            .ok_or_else(bad_credentials)?;
        Ok(Caller {
            key: token.to_owned(),
            login: credential.login.clone(),
            anonymous: token.is_empty(),
            write: credential.write,
            reach: None,
        })
    }

    /// Takes one request out of the quota; `false` when none is left.
    pub(super) fn count(&mut self, key: &str, now: SystemTime) -> bool {
        let window = self.window;
        let Some(quota) = self.quotas.get_mut(key) else {
            return true;
        };
        if quota.resets_at.is_none_or(|reset| reset <= now) {
            quota.resets_at = Some(now + window);
            quota.used = 0;
        }
        if quota.used >= quota.limit {
            return false;
        }
        quota.used += 1;
        true
    }

    /// Gives one request back: a 304 is free.
    pub(super) fn uncount(&mut self, key: &str) {
        if let Some(quota) = self.quotas.get_mut(key) {
            quota.used = quota.used.saturating_sub(1);
        }
    }

    /// `(limit, used, remaining, reset in epoch seconds)` of the caller's quota.
    pub(super) fn quota(&self, key: &str, now: SystemTime) -> (u32, u32, u32, u64) {
        let Some(quota) = self.quotas.get(key) else {
            return (
                ANONYMOUS_LIMIT,
                0,
                ANONYMOUS_LIMIT,
                epoch(now + self.window),
            );
        };
        let (used, reset) = match quota.resets_at {
            Some(reset) if reset > now => (quota.used, reset),
            _ => (0, now + self.window),
        };
        (
            quota.limit,
            used,
            quota.limit.saturating_sub(used),
            epoch(reset),
        )
    }

    /// Nobody counts as told to wait any more.
    pub(super) fn forget_limits(&mut self) {
        for quota in self.quotas.values_mut() {
            quota.limited = None;
        }
    }

    /// Remembers that this caller has been told to wait.
    pub(super) fn told_to_wait(&mut self, key: &str, reply: &Reply, now: SystemTime) {
        if !matches!(reply.status, 403 | 429) {
            return;
        }
        let number = |name: &str| reply.get(name).and_then(|value| value.parse::<u64>().ok());
        let until = match (
            number("retry-after"),
            number("x-ratelimit-remaining"),
            number("x-ratelimit-reset"),
        ) {
            (Some(seconds), _, _) => now + Duration::from_secs(seconds),
            (None, Some(0), Some(reset)) => UNIX_EPOCH + Duration::from_secs(reset),
            _ => return,
        };
        if let Some(quota) = self.quotas.get_mut(key) {
            let still = quota.limited.filter(|(_, end)| *end > now);
            quota.limited =
                Some(still.map_or((now, until), |(since, end)| (since, end.max(until))));
        }
    }

    /// How much too early a request of this caller is, if it was told to wait and does not.
    pub(super) fn too_early(
        &self,
        key: &str,
        now: SystemTime,
        grace: Duration,
    ) -> Option<Duration> {
        let (since, until) = self.quotas.get(key)?.limited?;
        let wait = until.duration_since(now + RESET_TOLERANCE).ok()?;
        (now.duration_since(since).unwrap_or_default() > grace && !wait.is_zero()).then_some(wait)
    }
}

impl Quota {
    fn new(limit: u32) -> Self {
        Self {
            limit,
            used: 0,
            resets_at: None,
            limited: None,
        }
    }
}

/// 401 for a token that is unknown, revoked or over.
pub(super) fn bad_credentials() -> Reply {
    errors::error("", 401, "Bad credentials")
}

/// The token of the authorization header, whatever its scheme is called.
pub(super) fn token(received: &Received) -> Option<String> {
    received.header("authorization").map(token_of)
}

/// The token of such a header's value.
pub(super) fn token_of(value: &str) -> String {
    match value.split_once(' ') {
        Some((scheme, token))
            if scheme.eq_ignore_ascii_case("bearer") || scheme.eq_ignore_ascii_case("token") =>
        {
            token.trim().to_owned()
        }
        // An unknown scheme must not pass for "no token".
        _ => value.to_owned(),
    }
}

/// The version that a request selects, or the 400.
pub(super) fn version(received: &Received) -> Result<&'static str, Reply> {
    let [default, _] = VERSIONS;
    match received.header("x-github-api-version") {
        None => Ok(default),
        Some(asked) => VERSIONS
            .into_iter()
            .find(|known| *known == asked)
            .ok_or_else(|| errors::unknown_version(asked)),
    }
}

fn epoch(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).map_or(0, |since| {
        since
            .as_millis()
            .div_ceil(1000)
            .try_into()
            .unwrap_or(u64::MAX)
    })
}

/// What is wrong with the request's own headers: contract violations, whatever the endpoint.
pub(super) fn header_violations(received: &Received) -> Vec<String> {
    let mut found = Vec::new();
    if received
        .header("user-agent")
        .is_none_or(|value| value.trim().is_empty())
    {
        found.push("no User-Agent".to_owned());
    }
    match received.header("x-github-api-version") {
        None => found.push("no X-GitHub-Api-Version".to_owned()),
        Some(version) if !VERSIONS.contains(&version) => {
            found.push(format!("unknown API version {version:?}"))
        }
        Some(_) => {}
    }
    match received.header("accept") {
        None => found.push("no Accept".to_owned()),
        Some(accept) if !acceptable(accept) => {
            found.push(format!("cannot be answered as {accept:?}"))
        }
        Some(_) => {}
    }
    if !received.body.is_empty() {
        let json = received
            .header("content-type")
            .is_some_and(|value| value.starts_with("application/json"));
        if !json {
            found.push("a body without content type application/json".to_owned());
        }
    }
    if let Some(flaw) = received.path_flaw() {
        found.push(format!("the path {flaw}"));
    }
    found
}

/// GitHub answers JSON, or a file's raw text where it is asked for that.
pub(super) fn acceptable(accept: &str) -> bool {
    accept.split(',').any(|part| {
        let kind = part.split(';').next().unwrap_or_default().trim();
        matches!(kind, "*/*" | "application/*" | "application/json")
            || kind.starts_with("application/vnd.github")
    })
}
