//! Claims about deliveries.

use super::*;
use crate::contract::ocean::integration_action::types::{Completion, Header, Outcome, Progress};
use crate::host::{Response, TransportError};
use crate::script::{Script, answer, installation, refusal};

fn delivery(event: &str, content_type: &str, body: &[u8]) -> Delivery {
    let header = |name: &str, value: &str| Header {
        name: name.into(),
        value: value.into(),
    };
    Delivery {
        id: "0b989ba4-242f-11e5-81e1-c7b6966d2516".into(),
        headers: vec![
            header("x-github-event", event),
            header("content-type", content_type),
        ],
        body: body.to_vec(),
        received: 0,
    }
}

fn handled(event: &str, body: &str) -> Result<Vec<RunUpdate>, Failure> {
    handle(
        &Script::default(),
        &installation(),
        &delivery(event, "application/json", body.as_bytes()),
    )
}

fn run_body(action: &str, fields: &str) -> String {
    format!(
        r#"{{"action":"{action}","workflow_run":{{"id":33,"name":null,"run_attempt":1,"event":"workflow_dispatch",
            "pull_requests":[{{"x":[1,2,{{}}]}}],{fields}}},"workflow":null,
            "repository":{{"id":22,"name":"shop","full_name":"acme/shop","owner":{{"id":11,"login":"acme"}}}},"sender":{{}}}}"#
    )
}

fn job_body(action: &str, fields: &str) -> String {
    format!(
        r#"{{"action":"{action}","workflow_job":{{"run_id":33,"name":"build","run_attempt":2,{fields}}},
            "repository":{{"id":22,"name":"shop","owner":{{"id":11,"login":"acme"}}}}}}"#
    )
}

fn only(updates: Result<Vec<RunUpdate>, Failure>) -> RunUpdate {
    let mut updates = updates.unwrap();
    assert_eq!(updates.len(), 1);
    let update = updates.remove(0);
    assert_eq!(update.external_run_id, "gh_11_22_33");
    update
}

fn progress(updates: Result<Vec<RunUpdate>, Failure>) -> Progress {
    match only(updates).change {
        Change::Progress(progress) => progress,
        Change::Completed(end) => panic!("{end:?}"),
    }
}

fn end(updates: Result<Vec<RunUpdate>, Failure>) -> Completion {
    match only(updates).change {
        Change::Completed(end) => end,
        Change::Progress(progress) => panic!("{progress:?}"),
    }
}

#[test]
fn an_event_that_is_not_wanted_is_dropped_without_reading_its_body() {
    for event in ["ping", "push", "check_run", "workflow_dispatch", ""] {
        assert_eq!(handled(event, "not json"), Ok(Vec::new()), "{event}");
    }
    let bare = Delivery {
        headers: Vec::new(),
        ..delivery("", "", b"not json")
    };
    assert_eq!(
        handle(&Script::default(), &installation(), &bare),
        Ok(Vec::new())
    );
}

#[test]
fn a_run_that_no_dispatch_started_is_no_news() {
    let body = run_body(
        "completed",
        r#""status":"completed","conclusion":"success""#,
    );
    for event in ["push", "repository_dispatch", "schedule"] {
        let other = body.replace("\"workflow_dispatch\"", &format!("\"{event}\""));
        assert_eq!(handled("workflow_run", &other), Ok(Vec::new()));
    }
    assert_eq!(
        handled(
            "workflow_run",
            &body.replace("\"workflow_dispatch\"", "null")
        ),
        Ok(Vec::new())
    );
}

#[test]
fn a_run_on_its_way_has_a_label() {
    for (action, fields, label) in [
        (
            "requested",
            r#""status":"queued","conclusion":null"#,
            "Queued",
        ),
        (
            "requested",
            r#""status":"waiting","conclusion":null"#,
            "Waiting for approval",
        ),
        (
            "requested",
            r#""status":"completed","conclusion":"action_required""#,
            "Waiting for approval",
        ),
        ("requested", r#""status":null"#, "Queued"),
        (
            "in_progress",
            r#""status":"in_progress","conclusion":null"#,
            "Running",
        ),
    ] {
        let body = run_body(action, fields);
        assert_eq!(
            progress(handled("workflow_run", &body)).label.as_deref(),
            Some(label),
            "{fields}"
        );
    }
}

#[test]
fn a_completed_run_has_an_outcome_label_and_log_line() {
    for (conclusion, outcome, label) in [
        ("success", Outcome::Success, "Succeeded"),
        ("skipped", Outcome::Success, "Skipped"),
        ("cancelled", Outcome::Cancelled, "Cancelled"),
        ("stale", Outcome::Failure, "Stale"),
    ] {
        let fields = format!(
            r#""status":"completed","conclusion":"{conclusion}","run_started_at":"2026-03-10T12:00:00Z","updated_at":"2026-03-10T12:00:42Z""#
        );
        let end = end(handled("workflow_run", &run_body("completed", &fields)));
        assert_eq!((end.outcome, end.label.as_str()), (outcome, label));
        assert_eq!(
            end.log[0].message,
            format!("The workflow run ended: {conclusion} after 42 s.")
        );
    }
}

#[test]
fn a_failure_is_explained_from_the_installations_own_api() {
    let jobs =
        r#"{"jobs":[{"name":"build","conclusion":"failure","html_url":"https://github.com/x"}]}"#;
    let host = Script::of([answer(200, jobs)]);
    let fields = r#""status":"completed","conclusion":"failure","url":"https://evil.example/","jobs_url":"https://evil.example/""#;
    let delivery = delivery(
        "workflow_run",
        "application/json",
        run_body("completed", fields).as_bytes(),
    );
    let end = end(handle(&host, &installation(), &delivery));
    assert_eq!(
        end.summary.as_deref(),
        Some("- Job [build](https://github.com/x) failed")
    );
    assert_eq!(host.requests.borrow()[0].authority, "api.github.com");
}

#[test]
fn a_completion_without_conclusion_is_re_read_and_never_guessed() {
    let rereads = |fields: &str, answer: Result<Response, TransportError>| {
        let host = Script::of([answer]);
        let delivery = delivery(
            "workflow_run",
            "application/json",
            run_body("completed", fields).as_bytes(),
        );
        let updates = handle(&host, &installation(), &delivery);
        assert_eq!(
            host.asked(),
            ["GET /repos/acme/shop/actions/runs/33?exclude_pull_requests=true"]
        );
        updates
    };
    for open in [
        r#""status":"queued","conclusion":null"#,
        r#""status":"completed""#,
        r#""conclusion":"exploded""#,
    ] {
        let known = answer(
            200,
            r#"{"id":33,"run_attempt":3,"status":"completed","conclusion":"success"}"#,
        );
        let update = only(rereads(open, known));
        assert!(matches!(update.change, Change::Completed(_)));
        assert_eq!(update.attempt, 3);

        let still_open = answer(200, r#"{"id":33,"status":"completed","conclusion":null}"#);
        assert_eq!(
            progress(rereads(open, still_open)),
            Progress {
                label: None,
                log: Vec::new(),
                part: None,
            }
        );

        assert_eq!(
            rereads(open, refusal(403, "Resource not accessible by integration")),
            Ok(Vec::new())
        );
        assert_eq!(
            rereads(open, refusal(502, "x")).unwrap_err().kind,
            FailureKind::Unavailable
        );
    }
}

#[test]
fn jobs_become_log_lines_of_their_attempt() {
    for (action, fields, label, line) in [
        (
            "waiting",
            r#""status":"waiting""#,
            Some("Waiting for approval"),
            "Job \"build\" waits for an approval.",
        ),
        (
            "in_progress",
            r#""runner_name":"runner-1""#,
            Some("Running"),
            "Job \"build\" started on runner-1.",
        ),
        (
            "in_progress",
            r#""runner_name":null"#,
            Some("Running"),
            "Job \"build\" started.",
        ),
        (
            "completed",
            r#""conclusion":"failure","started_at":"2026-03-10T12:00:00Z","completed_at":"2026-03-10T12:03:18Z""#,
            None,
            "Job \"build\" finished: failure after 3 min 18 s.",
        ),
    ] {
        let update = only(handled("workflow_job", &job_body(action, fields)));
        assert_eq!(update.attempt, 2);
        let Change::Progress(progress) = update.change else {
            panic!("not progress")
        };
        assert_eq!(
            (progress.label.as_deref(), progress.log[0].message.as_str()),
            (label, line)
        );
    }
    assert_eq!(
        handled(
            "workflow_job",
            &job_body("completed", r#""conclusion":null"#)
        ),
        Ok(Vec::new())
    );
}

#[test]
fn a_job_is_a_part_of_its_run_from_when_it_is_queued() {
    let part = |action, fields| {
        progress(handled("workflow_job", &job_body(action, fields)))
            .part
            .map(|part| (part.kind, part.id, part.ended))
    };
    let job = |ended| Some(("job".to_owned(), "7".to_owned(), ended));
    assert_eq!(part("queued", r#""id":7"#), job(false));
    assert_eq!(part("waiting", r#""id":7"#), job(false));
    assert_eq!(part("in_progress", r#""id":7"#), job(false));
    assert_eq!(
        part("completed", r#""id":7,"conclusion":"skipped""#),
        job(true)
    );

    let queued = progress(handled("workflow_job", &job_body("queued", r#""id":7"#)));
    assert_eq!((queued.label, queued.log), (None, Vec::new()));
    let nameless = handled("workflow_job", &job_body("queued", r#""status":"queued""#));
    assert_eq!(nameless, Ok(Vec::new()));
}

#[test]
fn a_form_is_read_like_json() {
    let body = run_body("in_progress", r#""display_title":"a + b & c""#);
    let encoded = crate::names::encoded(&body).replace("%20", "+");
    for form in [
        format!("payload={encoded}"),
        format!("x=1&payload={encoded}&y=2"),
    ] {
        let delivery = delivery(
            "workflow_run",
            "application/x-www-form-urlencoded; charset=utf-8",
            form.as_bytes(),
        );
        let updates = handle(&Script::default(), &installation(), &delivery);
        assert_eq!(progress(updates).label.as_deref(), Some("Running"));
    }
}

#[test]
fn a_body_that_is_no_delivery_is_a_failure_and_no_crash() {
    let huge = run_body("completed", r#""x":1"#).replace(":33", ":99999999999999999999");
    let negative = run_body("completed", r#""x":1"#).replace(":33", ":-1");
    let deep = ["{\"action\":", &"[".repeat(100_000)].concat();
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{\"action\":1}",
        "\u{0}",
        &huge,
        &negative,
        &deep,
    ] {
        for event in ["workflow_run", "workflow_job"] {
            let failure = handled(event, body).unwrap_err();
            assert_eq!(
                (failure.kind, failure.code.as_str()),
                (FailureKind::Internal, "unreadable-delivery")
            );
        }
    }
    for form in ["", "payload", "payload=", "payload=%ZZ", "x=%7B%7D"] {
        let delivery = delivery(
            "workflow_run",
            "application/x-www-form-urlencoded",
            form.as_bytes(),
        );
        assert!(handle(&Script::default(), &installation(), &delivery).is_err());
    }
    let not_text = delivery("workflow_run", "application/json", b"{\"action\":\"\xff\"}");
    assert!(handle(&Script::default(), &installation(), &not_text).is_err());
}

#[test]
fn names_that_could_change_a_path_are_never_requested() {
    let body = |fields: &str| run_body("completed", fields).replace("\"shop\"", "\"../../user\"");
    let failed = end(handled("workflow_run", &body(r#""conclusion":"failure""#)));
    assert_eq!((failed.label.as_str(), failed.summary), ("Failed", None));
    assert_eq!(
        handled("workflow_run", &body(r#""conclusion":null"#))
            .unwrap_err()
            .code,
        "unreadable-delivery"
    );
}
