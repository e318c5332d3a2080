//! One answer that is kept: how it is given again, and what a confirmation changes in it. Pure.

use super::super::headers::is_forbidden;
use bytes::Bytes;
use http::header::{AGE, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, Request, Response};
use http_cache_semantics::{CacheOptions, CachePolicy};
use serde::de::IgnoredAny;
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

/// A reading request as the guest made it, without a body, and with directives in lower case.
pub(in crate::egress) type Asked = Request<()>;

/// The greatest `age` that is believed, in seconds. Not more than a guard: the sum of two times must not overflow.
const OLDEST_AGE: u64 = 365 * 86_400;

/// What a header field takes besides its name and value, about, in bytes.
const FIELD: usize = 64;

/// A request without its body, ready to be compared.
pub(super) fn asked<B>(request: &Request<B>) -> Asked {
    let mut asked = Request::new(());
    *asked.method_mut() = request.method().clone();
    *asked.uri_mut() = request.uri().clone();
    *asked.headers_mut() = lower_directives(request.headers());
    asked
}

/// `cache-control` in lower case: its directives are compared without case (RFC 9111, section 5.2).
fn lower_directives(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    if let http::header::Entry::Occupied(mut field) = headers.entry(CACHE_CONTROL) {
        for value in field.iter_mut() {
            let lower = value.as_bytes().to_ascii_lowercase();
            if let Ok(lower) = HeaderValue::from_bytes(&lower) {
                *value = lower;
            }
        }
    }
    headers
}

fn policy(asked: &Asked, headers: &HeaderMap, time: SystemTime) -> CachePolicy {
    let mut answer = Response::new(());
    *answer.headers_mut() = lower_directives(headers);
    let options = CacheOptions {
        shared: false,
        // Only what the server says: an answer that has not changed for a year may change today.
        cache_heuristic: 0.0,
        ..CacheOptions::default()
    };
    CachePolicy::new_options(asked, &answer, time, options)
}

/// The head of an answer (status 200) that is to be kept when its body has come.
pub(super) struct Head {
    asked: Asked,
    policy: CachePolicy,
    etag: HeaderValue,
    headers: HeaderMap,
}

impl Head {
    /// None: the answer cannot be kept.
    pub(super) fn of(asked: Asked, headers: &HeaderMap, time: SystemTime) -> Option<Head> {
        let etag = headers.get(ETAG)?.clone();
        let has_sane_age = headers.get(AGE).is_none_or(|age| {
            let age = age.to_str().ok().and_then(|age| age.parse::<u64>().ok());
            age.is_some_and(|age| age <= OLDEST_AGE)
        });
        if !has_sane_age || !is_plain_json(headers) {
            return None;
        }
        let headers = kept(headers);
        let policy = policy(&asked, &headers, time);
        policy.is_storable().then_some(Head {
            asked,
            policy,
            etag,
            headers,
        })
    }

    /// The request that this answers.
    pub(super) fn asked(&self) -> &Asked {
        &self.asked
    }

    /// The whole answer. None: the body is not what the head says. The server would confirm a damaged body for ever, if
    /// it was kept under the right `etag`; so what cannot be checked is not kept.
    pub(super) fn with_body(self, body: Bytes, read: Instant) -> Option<Stored> {
        serde_json::from_slice::<IgnoredAny>(&body).ok()?;
        Some(Stored::new(
            self.policy,
            self.etag,
            self.headers,
            body,
            read,
            &self.asked,
        ))
    }
}

/// An answer that is kept.
pub(in crate::egress) struct Stored {
    policy: CachePolicy,
    etag: HeaderValue,
    headers: HeaderMap,
    body: Bytes,
    /// When the body came.
    read: Instant,
    weight: usize,
}

impl Stored {
    fn new(
        policy: CachePolicy,
        etag: HeaderValue,
        headers: HeaderMap,
        body: Bytes,
        read: Instant,
        asked: &Asked,
    ) -> Stored {
        // The policy has a copy of both heads.
        let weight = body.len() + 2 * weight(&headers) + weight(asked.headers());
        Stored {
            policy,
            etag,
            headers,
            body,
            read,
            weight,
        }
    }

    pub(super) fn policy(&self) -> &CachePolicy {
        &self.policy
    }

    pub(super) fn may_be_kept(&self) -> bool {
        self.policy.is_storable()
    }

    /// What it takes, in bytes, about.
    pub(super) fn weight(&self) -> usize {
        self.weight
    }

    pub(super) fn is_older(&self, age: Duration, now: Instant) -> bool {
        now.saturating_duration_since(self.read) >= age
    }

    /// Whether its body came later than that of the other.
    pub(super) fn is_newer_than(&self, other: &Stored) -> bool {
        self.read > other.read
    }

    /// Makes a request conditional.
    pub(super) fn put_condition(&self, headers: &mut HeaderMap) {
        headers.insert(IF_NONE_MATCH, self.etag.clone());
        // Between here and the server both mean "ask the server". But `no-cache` is also what a browser sends to have
        // everything anew, and there are servers and proxies that then ignore the condition.
        let is_no_cache = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"no-cache");
        if headers.get(CACHE_CONTROL).is_some_and(is_no_cache) {
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("max-age=0"));
        }
    }

    /// Whether a 304 with these fields is about this answer: the only one that the server was asked about, unless it
    /// names another.
    pub(super) fn is_meant_by(&self, headers: &HeaderMap) -> bool {
        headers
            .get(ETAG)
            .is_none_or(|named| tag(named) == tag(&self.etag))
    }

    /// The same answer after the server has confirmed it with these fields (RFC 9111, sections 3.2 and 4.3.4).
    pub(super) fn refreshed(
        &self,
        asked: &Asked,
        confirmation: &HeaderMap,
        time: SystemTime,
    ) -> Stored {
        let mut headers = self.headers.clone();
        headers.remove(AGE);
        for name in confirmation.keys() {
            // What describes the body stays: the body does.
            if is_forbidden(name) || name.as_str().starts_with("content-") {
                continue;
            }
            headers.remove(name);
            for value in confirmation.get_all(name) {
                headers.append(name, value.clone());
            }
        }
        let policy = policy(asked, &headers, time);
        let etag = headers.get(ETAG).unwrap_or(&self.etag).clone();
        Stored::new(policy, etag, headers, self.body.clone(), self.read, asked)
    }

    /// The answer, given without asking the server.
    pub(super) fn fresh_answer(&self, time: SystemTime) -> Response<Bytes> {
        let mut answer = self.confirmed_answer();
        answer
            .headers_mut()
            .insert(AGE, self.policy.age(time).as_secs().into());
        answer
    }

    /// The answer, which the server has just given or confirmed.
    pub(super) fn confirmed_answer(&self) -> Response<Bytes> {
        let mut answer = Response::new(self.body.clone());
        *answer.headers_mut() = self.headers.clone();
        answer
    }
}

/// The fields that are kept: those that a guest may see.
fn kept(headers: &HeaderMap) -> HeaderMap {
    let fields = headers.iter().filter(|(name, _)| !is_forbidden(name));
    fields
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// An `etag` without the mark of weakness (RFC 9110, section 8.8.3.2).
fn tag(etag: &HeaderValue) -> &[u8] {
    let bytes = etag.as_bytes();
    bytes.strip_prefix(b"W/").unwrap_or(bytes)
}

fn is_plain_json(headers: &HeaderMap) -> bool {
    let text = |name| {
        headers
            .get(name)
            .and_then(|value: &HeaderValue| value.to_str().ok())
    };
    let kind = text(CONTENT_TYPE)
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    let is_json = kind == "application/json" || kind.ends_with("+json");
    is_json && !headers.contains_key(CONTENT_ENCODING)
}

fn weight(headers: &HeaderMap) -> usize {
    let field = |(name, value): (&http::HeaderName, &HeaderValue)| {
        name.as_str().len() + value.len() + FIELD
    };
    headers.iter().map(field).sum()
}
