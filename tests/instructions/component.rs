//! The component's paths.

use github_workflow::contract::ocean::integration_action::types::{
    Attempt, Delivery, Header, Hosting, Installation, Level, Run, RunKind,
};
use github_workflow::host::{Host, Request, Response, TransportError};
use github_workflow::{dispatch, webhook};
use std::fmt::Write as _;
use std::hint::black_box;

/// GitHub, as far as a dispatch asks it.
struct Answers;

impl Host for Answers {
    fn send(&self, request: &Request) -> Result<Response, TransportError> {
        let body = match request.path.ends_with("/dispatches") {
            true => r#"{"workflow_run_id":33,"run_url":"https://api.github.com/x","html_url":"https://github.com/acme/shop/actions/runs/33"}"#.to_owned(),
            false => repository(),
        };
        Ok(Response {
            status: 200,
            headers: vec![("date".to_owned(), b"Sun, 29 Nov 2026 12:00:00 GMT".to_vec())],
            body: body.into_bytes(),
            complete: true,
        })
    }

    fn sleep(&self, _milliseconds: u64) {}

    fn elapsed_ms(&self) -> u64 {
        0
    }

    fn wall_clock_ms(&self) -> u64 {
        1_795_953_600_000
    }

    fn log(&self, _level: Level, _message: &str) {}
}

/// An object as large as GitHub's: most of it are URLs that nobody reads.
fn with_urls(object: &str, number: usize) -> String {
    let mut text = object.trim_end_matches('}').to_owned();
    for number in 0..number {
        // Writing into a string cannot fail.
        let _ = write!(
            text,
            r#","part_{number}_url":"https://api.github.com/repos/acme/shop/part_{number}{{/sha}}""#
        );
    }
    text.push('}');
    text
}

fn repository() -> String {
    let owner = with_urls(r#"{"login":"acme","id":11}"#, 14);
    let object = format!(
        r#"{{"id":22,"name":"shop","owner":{owner},"default_branch":"main","archived":false,"disabled":false}}"#
    );
    with_urls(&object, 70)
}

fn delivery(event: &str) -> Delivery {
    let run = format!(
        r#"{{"id":33,"run_attempt":1,"event":"{event}","status":"completed","conclusion":"success","run_started_at":"2026-11-29T12:00:00Z","updated_at":"2026-11-29T12:03:18Z"}}"#
    );
    let body = format!(
        r#"{{"action":"completed","workflow_run":{},"workflow":{{}},"repository":{},"sender":{}}}"#,
        with_urls(&run, 90),
        repository(),
        with_urls(r#"{"login":"ada"}"#, 14),
    );
    let header = |name: &str, value: &str| Header {
        name: name.to_owned(),
        value: value.as_bytes().to_vec(),
    };
    Delivery {
        id: "0b0c".to_owned(),
        headers: vec![
            header("x-github-event", "workflow_run"),
            header("content-type", "application/json"),
        ],
        body: body.into_bytes(),
        received: 0,
    }
}

fn installation() -> Installation {
    Installation {
        id: "acme-github".to_owned(),
        hosting: Hosting::SelfHosted,
        organization: None,
        api_url: "https://api.github.com".to_owned(),
        live_events: true,
        settings: "{}".to_owned(),
    }
}

fn handling(event: &str, news: usize) -> Box<dyn FnMut()> {
    let (installation, delivery) = (installation(), delivery(event));
    Box::new(move || {
        let updates = webhook::handle(&Answers, &installation, black_box(&delivery));
        assert_eq!(updates.map(|updates| updates.len()), Ok(news));
    })
}

/// The end of a run that was dispatched.
pub fn relevant() -> Box<dyn FnMut()> {
    handling("workflow_dispatch", 1)
}

/// The end of a run that a push started.
pub fn foreign() -> Box<dyn FnMut()> {
    handling("push", 0)
}

/// A dispatch that succeeds.
pub fn dispatch() -> Box<dyn FnMut()> {
    let installation = installation();
    let run = Run {
        id: "r_1".to_owned(),
        kind: RunKind::Action,
        action_type: "dispatch_workflow".to_owned(),
        properties: r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"staging","count":3}}"#.to_owned(),
    };
    let attempt = Attempt {
        number: 1,
        first_began: 0,
        taken: vec![],
    };
    Box::new(move || {
        let started = dispatch::dispatch(&Answers, &installation, black_box(&run), &attempt);
        assert_eq!(
            started.map(|started| started.external_run_id),
            Ok("gh_11_22_33".to_owned())
        );
    })
}
