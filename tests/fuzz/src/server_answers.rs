//! What a server answers the host itself: its rate limit is noted, and what can be kept is kept.
//!
//! Each section is one exchange of the same installation, in order: header fields of the request with `wait` for the
//! seconds since the last one and `path` for what is asked (`method` for how), a line of `----`, an answer.

use bytes::Bytes;
use host_harness::egress::{Budget, Cache, fuzzing};
use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

use crate::input::{answer, cut, fields, sections};

/// What is believed of a server that wants a pause, with the second that whole seconds may hide.
const LONGEST: Duration = Duration::from_secs(65 * 60 + 1);

/// Checks one input.
pub fn check(input: &[u8]) {
    let began = Instant::now();
    let mut now = began;
    let budget = Budget::default();
    let cache = Arc::new(Cache::default());
    let mut given: BTreeMap<String, Vec<Bytes>> = BTreeMap::new();
    for section in sections(input).into_iter().take(64) {
        let (asked, answered) = cut(section, b"\n----\n");
        let asked = fields(asked);
        now += Duration::from_secs(wait(&asked));
        let Some(request) = request(&asked) else {
            continue;
        };
        let Some(answer) = response(answered) else {
            continue;
        };
        note(&budget, &answer, now);
        through(&cache, request, &answer, now, &mut given);
    }
}

fn note(budget: &Budget, answer: &Response<Bytes>, now: Instant) {
    budget.note(answer.status(), answer.headers(), now);
    let known = budget.snapshot(now);
    for length in [known.paused_for, known.resets_in].into_iter().flatten() {
        assert!(length <= LONGEST, "{known:?}");
    }
    assert_eq!(budget.paused_for(now), known.paused_for);
    if let Some(wait) = budget.wait(now, u32::MAX) {
        assert!(wait.until > now && wait.until <= now + LONGEST, "{wait:?}");
        assert!(wait.reason.chars().count() <= 250, "{wait:?}");
    }
    assert_eq!(budget.wait(now + LONGEST, u32::MAX), None, "a pause ends");
}

/// What a guest gets is what the server says now, or has said before about the same place and confirms.
fn through(
    cache: &Arc<Cache>,
    request: Request<()>,
    answer: &Response<Bytes>,
    now: Instant,
    given: &mut BTreeMap<String, Vec<Bytes>>,
) {
    let place = request.uri().to_string();
    let is_read = request.method() == Method::GET;
    let own_condition = request.headers().contains_key(IF_NONE_MATCH);
    let must_ask = request
        .headers()
        .get("cache-control")
        .is_some_and(|value| value == "no-cache");
    let mut condition = None;
    let got = fuzzing::ask(cache, request, now, |headers| {
        condition = Some(headers.contains_key(IF_NONE_MATCH) && !own_condition);
        answer.clone()
    });
    let known = given.entry(place).or_default();
    match (condition, got) {
        (None, None) => panic!("neither asked nor answered"),
        (None, Some(got)) => {
            assert!(is_read && !must_ask, "the server has to be asked");
            assert_eq!(got.status(), StatusCode::OK);
            assert!(
                known.contains(got.body()),
                "an answer that nobody has given"
            );
            assert!(
                got.headers().contains_key("age"),
                "an answer from memory tells its age"
            );
        }
        (Some(is_conditional), Some(got)) => {
            let is_new = got.body() == answer.body() && got.status() == answer.status();
            let is_confirmed = is_conditional
                && answer.status() == StatusCode::NOT_MODIFIED
                && got.status() == StatusCode::OK
                && known.contains(got.body());
            assert!(is_new || is_confirmed, "{answer:?} became {got:?}");
        }
        (Some(_), None) => assert_eq!(answer.status(), StatusCode::NOT_MODIFIED),
    }
    if condition.is_some() && answer.status() == StatusCode::OK {
        known.push(answer.body().clone());
    }
}

fn wait(asked: &[(String, Vec<u8>)]) -> u64 {
    let seconds = asked.iter().find(|(name, _)| name == "wait");
    let seconds = seconds.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
    seconds.unwrap_or(0_u64).min(100_000)
}

fn request(asked: &[(String, Vec<u8>)]) -> Option<Request<()>> {
    let word = |name: &str| {
        let (_, value) = asked.iter().find(|(given, _)| given == name)?;
        std::str::from_utf8(value).ok()
    };
    let path = word("path").unwrap_or("/repos/acme/shop");
    let mut request = Request::new(());
    *request.method_mut() = word("method").unwrap_or("GET").parse().ok()?;
    let place = format!("https://api.example{path}");
    *request.uri_mut() = place.parse::<Uri>().ok()?;
    let own = |name: &str| matches!(name, "path" | "method" | "wait");
    for (name, value) in asked.iter().filter(|(name, _)| !own(name)) {
        append(request.headers_mut(), name, value);
    }
    Some(request)
}

fn response(section: &[u8]) -> Option<Response<Bytes>> {
    let answer = answer(section).ok()?;
    let mut response = Response::new(Bytes::from(answer.body));
    *response.status_mut() = StatusCode::from_u16(answer.status).ok()?;
    for (name, value) in &answer.headers {
        append(response.headers_mut(), name, value);
    }
    Some(response)
}

fn append(headers: &mut HeaderMap, name: &str, value: &[u8]) {
    let name = HeaderName::from_bytes(name.as_bytes());
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
        headers.append(name, value);
    }
}
