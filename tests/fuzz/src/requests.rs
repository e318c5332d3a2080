//! What must hold for everything that the component asks, whatever it was told to do and however it was answered.

use std::collections::BTreeSet;

use github_workflow::contract::ocean::integration_action::types::{
    Attempt, Failure, FailureKind, Installation, Started,
};
use github_workflow::host::{Method, Request, Response, TransportError};
use serde_json::Value;

use crate::script::Exchange;

/// Owner and name of a repository, as they stand in a path.
pub type Place = (String, String);

/// Every request goes to the installation's server, names one of `places` or a repository that the server has named, and
/// asks there for one of the things that this plugin is about. A redirect is followed on the same server only.
pub fn stay_within(installation: &Installation, places: &[Place], exchanges: &[Exchange]) {
    let mut allowed: BTreeSet<Place> = places.iter().cloned().collect();
    let mut moved: Option<String> = None;
    for (request, answer) in exchanges {
        plain_fields(request);
        let prefix = prefix(installation, request);
        match moved.take() {
            Some(location) => assert!(
                location.contains(&request.path) && request.path.starts_with('/'),
                "{} is not where {location} leads",
                request.path
            ),
            None => {
                let path = request.path.strip_prefix(&prefix);
                let place = known_path(request.method, path.unwrap_or_default());
                assert!(
                    allowed.contains(&place),
                    "{} is in neither of {allowed:?}",
                    request.path
                );
            }
        }
        if let Ok(response) = answer {
            allowed.extend(named(&response.body));
            moved = (300..400)
                .contains(&response.status)
                .then(|| response.header("location").unwrap_or_default().to_owned())
                .filter(|location| !location.is_empty());
        }
        // A redirect that is not followed says nothing about the next request.
        moved = moved.filter(|_| follows(exchanges, request));
    }
}

/// Whether the request after this one is the same under another path.
fn follows(exchanges: &[Exchange], request: &Request) -> bool {
    let at = exchanges
        .iter()
        .position(|(asked, _)| std::ptr::eq(asked, request));
    let next = at.and_then(|at| exchanges.get(at + 1));
    next.is_some_and(|(next, _)| {
        next.method == request.method
            && next.body == request.body
            && next.headers == request.headers
    })
}

/// Credentials are the host's business, and a field is one line.
fn plain_fields(request: &Request) {
    const OWN: [&str; 5] = [
        "accept",
        "cache-control",
        "content-type",
        "user-agent",
        "x-github-api-version",
    ];
    for (name, value) in &request.headers {
        assert!(OWN.contains(name), "the field {name} is set");
        assert!(
            value
                .bytes()
                .all(|byte| byte.is_ascii_graphic() || byte == b' '),
            "{name}: {value:?}"
        );
    }
}

/// What stands before every path of the installation's server; the request goes to this server.
fn prefix(installation: &Installation, request: &Request) -> String {
    let scheme = if request.secure {
        "https://"
    } else {
        "http://"
    };
    let rest = installation.api_url.strip_prefix(scheme);
    let rest = rest.expect("the scheme is the installation's");
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    assert_eq!(request.authority, authority, "another server is asked");
    match path.trim_end_matches('/') {
        "" => String::new(),
        path => format!("/{path}"),
    }
}

/// The repository that a path is about. Panics if the path is none of the plugin's.
fn known_path(method: Method, path: &str) -> Place {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').collect();
    let is_known = match (method, segments.as_slice()) {
        (Method::Get, ["", "repos", _, _])
        | (Method::Get, ["", "repos", _, _, "environments"])
        | (Method::Get, ["", "repos", _, _, "actions", "workflows"])
        | (Method::Get, ["", "repos", _, _, "actions", "workflows", _])
        | (Method::Get, ["", "repos", _, _, "actions", "workflows", _, "runs"])
        | (Method::Post, ["", "repos", _, _, "actions", "workflows", _, "dispatches"]) => true,
        (Method::Get, ["", "repos", _, _, "contents", ".github", "workflows", _]) => true,
        (Method::Get, ["", "repos", _, _, "actions", "runs", id])
        | (Method::Post, ["", "repos", _, _, "actions", "runs", id, "cancel"]) => is_number(id),
        (
            Method::Get,
            [
                "",
                "repos",
                _,
                _,
                "actions",
                "runs",
                id,
                "attempts",
                n,
                "jobs",
            ],
        ) => is_number(id) && is_number(n),
        _ => false,
    };
    assert!(is_known, "{path} is no path of this plugin");
    for segment in &segments[1..] {
        assert!(
            is_encoded(segment) && !matches!(*segment, "" | "." | ".."),
            "{path} has the segment {segment:?}"
        );
    }
    let is_plain = |part: &str| {
        part.bytes()
            .all(|b| is_unreserved(b) || b"%=&".contains(&b))
    };
    assert!(is_plain(query), "{query} is no query of this plugin");
    (
        segments[2].to_ascii_lowercase(),
        segments[3].to_ascii_lowercase(),
    )
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_encoded(segment: &str) -> bool {
    segment
        .bytes()
        .all(|byte| is_unreserved(byte) || byte == b'%')
}

fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
}

/// The repositories that an answer or a delivery names.
#[must_use]
pub fn named(body: &[u8]) -> Option<Place> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let repository = value.get("repository").unwrap_or(&value);
    let owner = repository.get("owner")?.get("login")?.as_str()?;
    let name = repository.get("name")?.as_str()?;
    Some((owner.to_ascii_lowercase(), name.to_ascii_lowercase()))
}

/// No request that starts a run follows one that may have started it, and what the dispatch says fits what came back.
pub fn start_once(attempt: &Attempt, exchanges: &[Exchange], result: &Result<Started, Failure>) {
    let starts = |request: &Request| request.method == Method::Post;
    let mut last = None;
    for (request, answer) in exchanges.iter().filter(|(request, _)| starts(request)) {
        assert!(
            request.path.ends_with("/dispatches") || last.is_some(),
            "{} starts nothing",
            request.path
        );
        assert!(
            !last.is_some_and(may_have_started),
            "a run may be started twice"
        );
        last = Some(answer);
    }
    let is_first = attempt.number == 1;
    match (last, result) {
        (None, Ok(_)) => assert!(!is_first, "started without a request"),
        (None, Err(failure)) => {
            assert!(
                !is_first || !failure.request_sent,
                "nothing was sent: {failure:?}"
            );
        }
        (Some(answer), Ok(_)) => assert!(
            matches!(answer, Ok(response) if is_success(response)),
            "started by {answer:?}"
        ),
        (Some(answer), Err(failure)) if may_have_started(answer) => assert!(
            failure.kind == FailureKind::Ambiguous && failure.request_sent,
            "after {answer:?}: {failure:?}"
        ),
        (Some(answer), Err(failure)) => assert!(
            failure.kind != FailureKind::Ambiguous,
            "after {answer:?}: {failure:?}"
        ),
    }
}

fn is_success(response: &Response) -> bool {
    (200..300).contains(&response.status)
}

/// Whether a server that answers so may have started a run.
fn may_have_started(answer: &Result<Response, TransportError>) -> bool {
    match answer {
        Ok(response) => is_success(response) || matches!(response.status, 408 | 499 | 500..),
        Err(TransportError::Unknown(_)) => true,
        Err(TransportError::NotSent(_) | TransportError::Denied(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::{Scene, answer};

    fn exchange(method: Method, path: &str, answered: &[u8]) -> Exchange {
        let request = Request {
            method,
            secure: true,
            authority: "api.github.com".to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: None,
        };
        (request, answer(answered))
    }

    fn starts(answers: &[&[u8]], failure: FailureKind) {
        let path = "/repos/acme/shop/actions/workflows/deploy.yml/dispatches";
        let exchanges: Vec<Exchange> = answers
            .iter()
            .map(|answered| exchange(Method::Post, path, answered))
            .collect();
        let failure = Failure::new(failure, "code", "message").sent();
        start_once(&Scene::of(b"").attempt(), &exchanges, &Err(failure));
    }

    fn asks(path: &str) {
        let places = [("acme".to_owned(), "shop".to_owned())];
        let exchanges = [exchange(Method::Get, path, b"404")];
        stay_within(&Scene::of(b"").installation, &places, &exchanges);
    }

    #[test]
    fn what_is_allowed_passes() {
        starts(&[b"422", b"500"], FailureKind::Ambiguous);
        asks("/repos/Acme/shop/actions/workflows/a%20b.yml");
        asks("/repos/acme/shop/contents/.github/workflows/a%20b.yml?ref=feature%2Fone");
    }

    #[test]
    #[should_panic(expected = "a run may be started twice")]
    fn a_second_start_after_a_lost_answer_is_noticed() {
        starts(&[b"lost", b"422"], FailureKind::Rejected);
    }

    #[test]
    #[should_panic(expected = "after ")]
    fn a_lost_answer_that_is_called_a_refusal_is_noticed() {
        starts(&[b"lost"], FailureKind::Rejected);
    }

    #[test]
    #[should_panic(expected = "segment")]
    fn a_step_upwards_is_noticed() {
        asks("/repos/acme/../actions/workflows");
    }

    #[test]
    #[should_panic(expected = "is in neither of")]
    fn another_repository_is_noticed() {
        asks("/repos/acme/other");
    }

    #[test]
    #[should_panic(expected = "no path of this plugin")]
    fn another_file_is_noticed() {
        asks("/repos/acme/shop/contents/.env/workflows/deploy.yml");
    }

    #[test]
    #[should_panic(expected = "no path of this plugin")]
    fn another_endpoint_is_noticed() {
        asks("/repos/acme/shop/actions/secrets");
    }
}
