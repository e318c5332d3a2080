//! What Port, or somebody in its place, answers: read by every call that reads answers.
//!
//! One section: an answer. `$S` in it stands for the client secret, `$T` for the access token, so that a server can
//! repeat what it was sent.

use bytes::Bytes;
use host_harness::port::fuzzing::{Readings, read};
use host_harness::port::{Client, Error, Identity, Pool, RunKind, Settings};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use secrecy::SecretString;
use std::fmt::Debug;
use std::sync::OnceLock;
use std::time::Duration;
use url::Url;

const SECRET: &str = "canary-client-secret";
const TOKEN: &str = "canary.access.token";

/// The secrets that a request is sent with.
const SENT: [&str; 2] = [SECRET, TOKEN];

/// Characters of one text: what Port is shown, and what people read.
const TEXT: usize = 2_000;

/// Checks one input.
pub fn check(input: &[u8]) {
    let input = replaced(&replaced(input, b"$S", SECRET), b"$T", TOKEN);
    let Ok(answer) = crate::input::answer(&input) else {
        return;
    };
    let Ok(status) = StatusCode::from_u16(answer.status) else {
        return;
    };
    let mut headers = HeaderMap::new();
    for (name, value) in &answer.headers {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    let body = match answer.complete {
        true => Ok(Bytes::from(answer.body)),
        false => Err("it broke off".to_owned()),
    };
    let readings = read(client(), TOKEN, status, &headers, &body);
    sound(status, &readings);
}

fn sound(status: StatusCode, readings: &Readings) {
    // It was sent with the secret alone.
    judged(status, &readings.token, &[SECRET]);
    judged(status, &readings.action_run, &SENT);
    judged(status, &readings.integration, &SENT);
    for (kind, claim) in RunKind::ALL.into_iter().zip(&readings.claims) {
        judged(status, claim, &SENT);
        let Ok(claimed) = claim else { continue };
        for run in &claimed.runs {
            assert!(run.kind == kind && !run.id.is_empty(), "{run:?}");
            assert!(run.properties.get().starts_with('{'), "{run:?}");
        }
        for unreadable in &claimed.unreadable {
            assert_ne!(unreadable.id.as_deref(), Some(""));
            text(&unreadable.reason, &SENT);
        }
    }
    for lookup in &readings.lookups {
        judged(status, lookup, &SENT);
    }
}

/// A success is read or says why not, and everything else says what is to be done about it.
fn judged<T: Debug>(status: StatusCode, reading: &Result<T, Error>, sent: &[&str]) {
    let Err(error) = reading else {
        assert!(status.is_success(), "{status} was read: {reading:?}");
        return;
    };
    text(&error.to_string(), sent);
    let fits = match error {
        Error::Unreadable { .. } | Error::Ambiguous { .. } => status.is_success(),
        Error::Unavailable { .. } => {
            status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429 | 600..)
        }
        Error::Unauthorized { .. } => matches!(status.as_u16(), 401 | 403 | 404),
        Error::Conflict { .. } => status == StatusCode::CONFLICT,
        Error::Refused { .. } => !status.is_success(),
        Error::Settings(_) | Error::Unreachable { .. } => false,
    };
    assert!(fits, "{status}: {error:?}");
    let longest = Duration::from_secs(5 * 60);
    assert!(
        error.retry_after().is_none_or(|pause| pause <= longest),
        "{error:?}"
    );
}

/// A text for people: without secrets, and not endless.
fn text(text: &str, sent: &[&str]) {
    let length = text.chars().count();
    assert!(length <= TEXT, "{length} characters: {text:.200}");
    for secret in sent {
        assert!(!text.contains(secret), "a secret is told: {text}");
    }
}

fn replaced(input: &[u8], mark: &[u8], by: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(input.len());
    let mut rest = input;
    while let Some(at) = rest.windows(mark.len()).position(|part| part == mark) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(by.as_bytes());
        rest = &rest[at + mark.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn client() -> &'static Client {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    CLIENT.get_or_init(|| {
        let settings = Settings {
            base_url: Url::parse("https://api.getport.io").expect("a URL"),
            client_id: "client".to_owned(),
            client_secret: SecretString::from(SECRET),
            integration: Identity {
                integration_type: "github".to_owned(),
                version: "0".to_owned(),
                identifier: "acme".to_owned(),
            },
            timeout: Settings::TIMEOUT,
        };
        let pool = Pool::new().expect("a pool without connections");
        Client::new(settings, pool).expect("sound settings")
    })
}
