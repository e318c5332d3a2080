//! What GitHub answers when the host, as a GitHub App, asks for a token.
//!
//! The first section says whose token is wanted: `org`, `any` or `id`. Each other section is an answer, in the order in
//! which the host asks; when there are no more, nothing can be reached.

use bytes::Bytes;
use futures_util::FutureExt;
use host_harness::credentials::{AppError, AppOptions, GitHubApp, Scope, Sender};
use host_harness::simulator::github::TEST_KEY_PKCS1;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, Uri};
use std::borrow::Cow;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::input::{answer, sections};

/// Characters of a refusal in words.
const TEXT: usize = 1_000;
/// Requests that one token may cost: two searches, a token, a search and a token again, each repeated for a clock.
const REQUESTS: usize = 12;

/// Checks one input.
pub fn check(input: &[u8]) {
    let sections = sections(input);
    let (scope, answers) = sections.split_first().unwrap();
    let app = app(scope.trim_ascii());
    let uri: Uri = "https://api.example/api/v3/repos/acme/shop"
        .parse()
        .unwrap();
    let account = app.account(&uri, None).expect("the path names an account");
    let github = Script {
        answers: RefCell::new(answers.iter().rev().map(|it| it.to_vec()).collect()),
        sent: RefCell::default(),
        is_lost: Cell::default(),
    };
    for _ in 0..3 {
        let before = github.sent.borrow().len();
        github.is_lost.set(false);
        let got = app.authorization(&account, &github).now_or_never();
        match got.expect("nobody else asks, so nobody is waited for") {
            Ok((header, secret)) => {
                assert!(header.is_sensitive());
                let text = header.to_str().unwrap_or("Bearer ").to_owned();
                let token = text.strip_prefix("Bearer ").expect("a bearer token");
                let left = secret.blot(Cow::Borrowed(&text));
                assert!(token.is_empty() || !left.contains(token), "{left}");
                app.was_refused(&account, &header);
            }
            Err(AppError::Refused(refusal)) => {
                told_no_jwt(&github, &app.explain(Some(&account), &refusal));
            }
            Err(AppError::Unavailable(words)) => told_no_jwt(&github, &words),
            Err(AppError::Limited(_)) => {}
            Err(AppError::Unreachable(())) => {
                assert!(github.is_lost.get(), "it was answered");
            }
        }
        let asked = github.sent.borrow().len() - before;
        assert!(asked <= REQUESTS, "{asked} requests for one token");
    }
    for (path, _) in github.sent.borrow().iter() {
        let is_known = path == "/api/v3/orgs/acme/installation"
            || path == "/api/v3/users/acme/installation"
            || path
                .strip_prefix("/api/v3/app/installations/")
                .and_then(|rest| rest.strip_suffix("/access_tokens"))
                .is_some_and(|id| id.parse::<u64>().is_ok());
        assert!(is_known, "{path}");
    }
}

fn app(scope: &[u8]) -> GitHubApp {
    GitHubApp::new(AppOptions {
        id: "1".to_owned(),
        key: TEST_KEY_PKCS1,
        api: "https://api.example/api/v3".parse().unwrap(),
        scope: match scope {
            b"id" => Scope::Installation(7),
            b"any" => Scope::AnyInstallation,
            _ => Scope::Organization("acme".to_owned()),
        },
        permissions: BTreeMap::new(),
    })
    .expect("the key is one")
}

/// A text for people: not endless, and without what the host has signed.
fn told_no_jwt(github: &Script, words: &str) {
    assert!(words.chars().count() <= TEXT, "{words}");
    for (_, jwt) in github.sent.borrow().iter() {
        assert!(!words.contains(jwt), "{words}");
    }
}

struct Script {
    /// The last one comes first.
    answers: RefCell<Vec<Vec<u8>>>,
    /// Path and JWT of each request.
    sent: RefCell<Vec<(String, String)>>,
    /// Whether the last request was not answered.
    is_lost: Cell<bool>,
}

impl Sender for Script {
    type Error = ();

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, ()> {
        let bearer = request.headers()["authorization"].to_str().unwrap();
        let jwt = bearer.trim_start_matches("Bearer ").to_owned();
        let path = request.uri().path().to_owned();
        self.sent.borrow_mut().push((path, jwt.clone()));
        // A server may repeat what it was sent.
        let answer = self.answers.borrow_mut().pop().and_then(|section| {
            let section = String::from_utf8_lossy(&section).replace("$JWT", &jwt);
            answer(section.as_bytes()).ok()
        });
        let Some(answer) = answer.filter(|it| StatusCode::from_u16(it.status).is_ok()) else {
            self.is_lost.set(true);
            return Err(());
        };
        let mut response = Response::new(Bytes::from(answer.body));
        *response.status_mut() = StatusCode::from_u16(answer.status).map_err(|_| ())?;
        for (name, value) in &answer.headers {
            let name = HeaderName::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
                response.headers_mut().append(name, value);
            }
        }
        Ok(response)
    }
}
