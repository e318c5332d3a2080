//! A GitHub that answers what the input says, and plainly when the input has no more to say.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use github_workflow::contract::ocean::integration_action::types::Level;
use github_workflow::host::{Host, Method, Request, Response, TransportError};

use crate::input::{Scene, answer};
use crate::texts;

/// A request and what came back.
pub type Exchange = (Request, Result<Response, TransportError>);

/// The world outside, as an input describes it.
pub struct Scripted {
    answers: RefCell<VecDeque<Vec<u8>>>,
    exchanges: RefCell<Vec<Exchange>>,
    began_ms: u64,
    elapsed_ms: Cell<u64>,
}

impl Scripted {
    /// Answers requests with these sections in order, and then as a GitHub would on which all goes well.
    #[must_use]
    pub fn of(scene: &Scene, answers: &[&[u8]]) -> Self {
        Self {
            answers: RefCell::new(answers.iter().map(|section| section.to_vec()).collect()),
            exchanges: RefCell::default(),
            began_ms: scene.now_ms(),
            elapsed_ms: Cell::default(),
        }
    }

    /// What was asked, in order.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges.borrow().clone()
    }
}

impl Host for Scripted {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let next = self.answers.borrow_mut().pop_front();
        let answer = match next {
            Some(section) => answer(&section),
            None => Ok(plain(request)),
        };
        let mut exchanges = self.exchanges.borrow_mut();
        exchanges.push((request.clone(), answer.clone()));
        assert!(exchanges.len() <= 1_000, "a call that does not stop asking");
        answer
    }

    fn sleep(&self, milliseconds: u64) {
        self.elapsed_ms.set(self.elapsed_ms.get() + milliseconds);
        assert!(
            self.elapsed_ms.get() <= 24 * 3_600_000,
            "a call that does not stop waiting"
        );
    }

    fn elapsed_ms(&self) -> u64 {
        self.elapsed_ms.get()
    }

    fn wall_clock_ms(&self) -> u64 {
        self.began_ms.saturating_add(self.elapsed_ms.get())
    }

    fn log(&self, _: Level, message: &str) {
        texts::within(message, texts::EXPLANATION, "a message for the operator");
    }
}

/// What GitHub says when all is well.
fn plain(request: &Request) -> Response {
    let path = request.path.split('?').next().unwrap_or_default();
    let names = path.split_once("/repos/").map_or("", |(_, names)| names);
    let mut segments = names.split('/');
    let (owner, name) = (
        segments.next().unwrap_or_default(),
        segments.next().unwrap_or_default(),
    );
    let rest: Vec<&str> = segments.collect();
    let (status, body) = match (request.method, rest.as_slice()) {
        (Method::Post, [.., "cancel"]) => (202, "{}".to_owned()),
        (Method::Post, _) => (
            200,
            r#"{"workflow_run_id":33,"html_url":"https://github.com/acme/shop/actions/runs/33"}"#
                .to_owned(),
        ),
        (Method::Get, []) => (
            200,
            format!(
                r#"{{"id":22,"name":"{name}","default_branch":"main","owner":{{"id":11,"login":"{owner}"}}}}"#
            ),
        ),
        (Method::Get, ["actions", "workflows"]) => {
            (200, format!(r#"{{"workflows":[{WORKFLOW}]}}"#))
        }
        (Method::Get, [.., "runs"]) => (200, r#"{"workflow_runs":[]}"#.to_owned()),
        (Method::Get, [.., "jobs"]) => (200, r#"{"jobs":[]}"#.to_owned()),
        (Method::Get, ["actions", "workflows", _]) => (200, WORKFLOW.to_owned()),
        (Method::Get, ["actions", "runs", id]) => (
            200,
            format!(r#"{{"id":{id},"status":"completed","conclusion":"success"}}"#),
        ),
        _ => (404, r#"{"message":"Not Found"}"#.to_owned()),
    };
    Response {
        status,
        headers: vec![("date".to_owned(), b"Tue, 10 Mar 2026 12:00:00 GMT".to_vec())],
        body: body.into_bytes(),
        complete: true,
    }
}

const WORKFLOW: &str =
    r#"{"id":44,"name":"Deploy","path":".github/workflows/deploy.yml","state":"active"}"#;
