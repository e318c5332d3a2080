//! A [`Host`] that follows a script: the other half of this crate's tests.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;

use crate::contract::ocean::integration_action::types::{
    Attempt, Hosting, Installation, Level, Run, RunKind,
};
use crate::host::{Host, Method, Request, Response, TransportError};

/// Answers requests in the order of its script and keeps what was asked.
#[derive(Default)]
pub struct Script {
    answers: RefCell<VecDeque<Result<Response, TransportError>>>,
    /// What the last answer is repeated with when the script is over.
    forever: Option<Response>,
    /// All requests, in order.
    pub requests: RefCell<Vec<Request>>,
    /// All pauses in milliseconds, in order.
    pub pauses: RefCell<Vec<u64>>,
    elapsed: Cell<u64>,
}

impl Script {
    /// Answers with these, in order.
    pub fn of(answers: impl IntoIterator<Item = Result<Response, TransportError>>) -> Self {
        Self {
            answers: RefCell::new(answers.into_iter().collect()),
            ..Self::default()
        }
    }

    /// Goes on with this answer when the script is over.
    pub fn then_forever(mut self, answer: Result<Response, TransportError>) -> Self {
        self.forever = answer.ok();
        self
    }

    /// `GET /path` or `POST /path`, one line for each request.
    pub fn asked(&self) -> Vec<String> {
        let line = |request: &Request| {
            let method = match request.method {
                Method::Get => "GET",
                Method::Post => "POST",
            };
            format!("{method} {}", request.path)
        };
        self.requests.borrow().iter().map(line).collect()
    }

    /// How many requests start a run.
    pub fn dispatches(&self) -> usize {
        self.asked()
            .iter()
            .filter(|line| line.starts_with("POST ") && line.ends_with("/dispatches"))
            .count()
    }

    /// The body of the n-th request.
    pub fn body(&self, n: usize) -> String {
        self.requests.borrow()[n].body.clone().unwrap()
    }
}

/// GitHub's clock in all scripts: 2026-03-10T12:00:00Z.
pub const NOW: u64 = 1_773_144_000;

impl Host for Script {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        self.requests.borrow_mut().push(request.clone());
        let next = self.answers.borrow_mut().pop_front();
        next.or_else(|| self.forever.clone().map(Ok))
            .expect("the script has no answer for this request")
    }

    fn sleep(&self, milliseconds: u64) {
        self.pauses.borrow_mut().push(milliseconds);
        self.elapsed.set(self.elapsed.get() + milliseconds);
    }

    fn elapsed_ms(&self) -> u64 {
        self.elapsed.get()
    }

    /// The host's clock is an hour behind GitHub's.
    fn wall_clock_ms(&self) -> u64 {
        (NOW - 3600) * 1000 + self.elapsed.get()
    }

    fn log(&self, _: Level, _: &str) {}
}

/// A response with GitHub's `Date`.
#[expect(clippy::unnecessary_wraps, reason = "a script is a list of results")]
pub fn answer(status: u16, body: &str) -> Result<Response, TransportError> {
    let date = ("date".to_owned(), b"Tue, 10 Mar 2026 12:00:00 GMT".to_vec());
    Ok(Response {
        status,
        headers: vec![date],
        body: body.as_bytes().to_vec(),
        complete: true,
    })
}

/// A response with more header fields.
pub fn answer_with(
    status: u16,
    headers: &[(&str, &str)],
    body: &str,
) -> Result<Response, TransportError> {
    let mut response = answer(status, body)?;
    response.headers.extend(
        headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())),
    );
    Ok(response)
}

/// GitHub's refusal with this message.
pub fn refusal(status: u16, message: &str) -> Result<Response, TransportError> {
    answer(
        status,
        &format!(
            r#"{{"message":{},"status":"{status}"}}"#,
            crate::json::string(message)
        ),
    )
}

/// The repository of all scripts.
pub fn repository() -> Result<Response, TransportError> {
    answer(
        200,
        r#"{"id":22,"name":"shop","full_name":"acme/shop","default_branch":"main","archived":false,"disabled":false,
            "owner":{"id":11,"login":"acme","type":"Organization"}}"#,
    )
}

/// A self-hosted installation at github.com.
pub fn installation() -> Installation {
    Installation {
        id: "inst-1".into(),
        hosting: Hosting::SelfHosted,
        organization: None,
        api_url: "https://api.github.com".into(),
        live_events: true,
        settings: "{}".into(),
    }
}

/// A run with these properties.
pub fn run(properties: &str) -> Run {
    Run {
        id: "r_0123456789abcdef".into(),
        kind: RunKind::Action,
        action_type: "dispatch_workflow".into(),
        properties: properties.into(),
    }
}

/// A run of `deploy.yml` in `acme/shop`.
pub fn deploy() -> Run {
    run(r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"env":"prod"}}"#)
}

/// The n-th try; the first began ten seconds ago by the host's clock.
pub fn attempt(number: u32) -> Attempt {
    Attempt {
        number,
        first_began: (NOW - 3600 - 10) * 1000,
        taken: Vec::new(),
    }
}
