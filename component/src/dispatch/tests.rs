//! Claims about starting a run.

use super::*;
use crate::script::{NOW, Script, answer, attempt, deploy, installation, refusal, repository, run};
use crate::time::to_timestamp;

type Answer = Result<Response, TransportError>;

fn with_id() -> Answer {
    answer(
        200,
        r#"{"workflow_run_id":33,"run_url":"x","html_url":"https://github.com/acme/shop/actions/runs/33"}"#,
    )
}

fn listed(ids: &[u64]) -> Answer {
    let runs: Vec<String> = ids
        .iter()
        .map(|id| {
            let created = to_timestamp(NOW);
            format!(r#"{{"id":{id},"status":"in_progress","head_branch":"main","created_at":"{created}"}}"#)
        })
        .collect();
    answer(200, &format!(r#"{{"workflow_runs":[{}]}}"#, runs.join(",")))
}

fn no_details() -> Answer {
    refusal(
        422,
        "Invalid request.\n\n\"return_run_details\" is not a permitted key.",
    )
}

fn first(answers: impl IntoIterator<Item = Answer>) -> (Result<Started, Failure>, Script) {
    nth(1, answers)
}

fn nth(
    number: u32,
    answers: impl IntoIterator<Item = Answer>,
) -> (Result<Started, Failure>, Script) {
    let host = Script::of(answers);
    let result = dispatch(&host, &installation(), &deploy(), &attempt(number));
    (result, host)
}

fn resending() -> Installation {
    let settings = r#"{"resend-after-ambiguous":true,"discovery-seconds":1}"#.into();
    Installation {
        settings,
        ..installation()
    }
}

#[test]
fn an_accepted_run_with_an_id_is_started() {
    let (result, host) = first([repository(), with_id()]);
    let started = result.unwrap();
    assert_eq!(started.external_run_id, "gh_11_22_33");
    assert_eq!(
        started.link.as_deref(),
        Some("https://github.com/acme/shop/actions/runs/33")
    );
    let output =
        r#"{"workflowRunId":33,"workflowRunUrl":"https://github.com/acme/shop/actions/runs/33"}"#;
    assert_eq!(started.output, output);
    assert_eq!(
        host.asked(),
        [
            "GET /repos/acme/shop",
            "POST /repos/acme/shop/actions/workflows/deploy.yml/dispatches"
        ]
    );
    assert_eq!(
        host.body(1),
        r#"{"ref":"main","inputs":{"env":"prod"},"return_run_details":true}"#
    );
}

#[test]
fn an_accepted_run_without_an_id_is_looked_for_and_never_sent_again() {
    for accepted in [
        answer(204, ""),
        answer(200, ""),
        answer(200, "{}"),
        answer(200, r#"{"workflow_run_id":0}"#),
    ] {
        let (result, host) = first([
            repository(),
            accepted,
            listed(&[]),
            listed(&[7]),
            listed(&[7]),
        ]);
        let started = result.unwrap();
        assert_eq!(
            (started.external_run_id.as_str(), host.dispatches()),
            ("gh_11_22_7", 1)
        );
        assert_eq!(started.status_label.as_deref(), Some("Running"));
    }
}

#[test]
fn a_server_that_does_not_know_run_details_is_asked_once_more_without_them() {
    let (result, host) = first([
        repository(),
        no_details(),
        answer(204, ""),
        listed(&[7]),
        listed(&[7]),
    ]);
    assert_eq!(result.unwrap().external_run_id, "gh_11_22_7");
    assert_eq!(host.dispatches(), 2);
    assert_eq!(host.body(2), r#"{"ref":"main","inputs":{"env":"prod"}}"#);
    let (result, host) = first([repository(), no_details(), no_details()]);
    assert_eq!(
        (result.unwrap_err().kind, host.dispatches()),
        (FailureKind::Rejected, 2)
    );
}

#[test]
fn what_may_have_been_executed_is_ambiguous() {
    for unknown in [
        refusal(500, "Failed to run workflow dispatch"),
        answer(502, "<html>"),
        answer(200, "<html>log in</html>"),
        answer(200, r#"{"workflow_run_id":-1}"#),
        answer(200, r#"{"workflow_run_id":99999999999999999999}"#),
        Err(TransportError::Unknown("the connection was closed".into())),
        Ok(Response {
            complete: false,
            ..answer(200, "").unwrap()
        }),
    ] {
        let (result, host) = first([repository(), unknown.clone()]);
        let failure = result.unwrap_err();
        assert_eq!(
            (failure.kind, failure.request_sent),
            (FailureKind::Ambiguous, true),
            "{unknown:?}"
        );
        assert_eq!(host.dispatches(), 1);
    }
}

#[test]
fn what_was_not_sent_is_unavailable_and_what_the_host_forbids_is_rejected() {
    let failure = first([repository(), Err(TransportError::NotSent("x".into()))])
        .0
        .unwrap_err();
    assert_eq!(
        (failure.kind, failure.request_sent),
        (FailureKind::Unavailable, false)
    );
    let failure = first([repository(), Err(TransportError::Denied("x".into()))])
        .0
        .unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_str(), failure.request_sent),
        (FailureKind::Rejected, "egress-denied", false)
    );
    let failure = first([Err(TransportError::Unknown("x".into()))])
        .0
        .unwrap_err();
    assert_eq!(
        (failure.kind, failure.request_sent),
        (FailureKind::Unavailable, false)
    );
}

#[test]
fn an_unreadable_repository_is_a_failure_before_anything_is_sent() {
    for (answer, code) in [
        (refusal(404, "Not Found"), "repository-not-found"),
        (refusal(401, "Bad credentials"), "bad-credentials"),
        (
            refusal(403, "Resource not accessible by integration"),
            "permission-missing",
        ),
        (
            answer(
                200,
                r#"{"id":1,"name":"..","owner":{"id":2,"login":"a"},"default_branch":"m"}"#,
            ),
            "unreadable-answer",
        ),
        (
            answer(200, r#"{"id":1,"name":"b","owner":{"id":2,"login":"a"}}"#),
            "no-default-branch",
        ),
    ] {
        let (result, host) = first([answer]);
        let failure = result.unwrap_err();
        assert_eq!(
            (
                failure.code.as_str(),
                failure.request_sent,
                host.dispatches()
            ),
            (code, false, 0)
        );
    }
}

#[test]
fn a_renamed_default_branch_is_read_again_once() {
    let renamed = answer(
        200,
        r#"{"id":22,"name":"shop","owner":{"id":11,"login":"acme"},"default_branch":"trunk"}"#,
    );
    let (result, host) = first([
        repository(),
        refusal(422, "No ref found for: main"),
        renamed,
        with_id(),
    ]);
    assert!(result.is_ok());
    assert_eq!(
        host.body(3),
        r#"{"ref":"trunk","inputs":{"env":"prod"},"return_run_details":true}"#
    );
    assert!(
        host.requests.borrow()[2]
            .headers
            .contains(&("cache-control", "no-cache".into()))
    );

    let (result, host) = first([
        repository(),
        refusal(422, "No ref found for: main"),
        repository(),
    ]);
    assert_eq!(
        (result.unwrap_err().code.as_str(), host.dispatches()),
        ("ref-not-found", 1)
    );
}

#[test]
fn a_named_ref_that_is_missing_is_not_tried_again() {
    let host = Script::of([repository(), refusal(422, "No ref found for: v9")]);
    let run = run(r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","ref":"v9"}"#);
    let failure = dispatch(&host, &installation(), &run, &attempt(1)).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), host.dispatches()),
        ("ref-not-found", 1)
    );
    assert!(failure.remedy.unwrap().contains("`v9`"));
}

#[test]
fn a_renamed_repository_is_addressed_by_its_new_name_and_a_moved_one_is_refused() {
    let renamed = || {
        answer(
            200,
            r#"{"id":22,"name":"store","owner":{"id":11,"login":"acme"},"default_branch":"main"}"#,
        )
    };
    let (_, host) = first([renamed(), with_id()]);
    assert_eq!(
        host.asked()[1],
        "POST /repos/acme/store/actions/workflows/deploy.yml/dispatches"
    );
    let moved = answer(
        200,
        r#"{"id":22,"name":"shop","owner":{"id":12,"login":"other"},"default_branch":"main"}"#,
    );
    let fixed = Installation {
        organization: Some("acme".into()),
        ..installation()
    };
    let host = Script::of([moved]);
    let failure = dispatch(&host, &fixed, &deploy(), &attempt(1)).unwrap_err();
    assert_eq!(failure.code, "organization-mismatch");
}

#[test]
fn a_retry_adopts_what_the_first_try_started_and_sends_nothing() {
    let (result, host) = nth(2, [repository(), listed(&[7]), listed(&[7])]);
    assert_eq!(
        (result.unwrap().external_run_id.as_str(), host.dispatches()),
        ("gh_11_22_7", 0)
    );
    // Ten seconds ago by the host's clock, which is an hour behind: 11:59:50 on GitHub's, less the slack.
    assert!(
        host.asked()[1].ends_with("created=%3E%3D2026-03-10T11%3A59%3A45Z"),
        "{:?}",
        host.asked()
    );
}

#[test]
fn a_retry_leaves_runs_of_others_alone() {
    let host = Script::of([repository()]).then_forever(listed(&[7, 8]));
    let attempt = Attempt {
        taken: vec!["gh_11_22_8".into()],
        ..attempt(2)
    };
    let started = dispatch(&host, &installation(), &deploy(), &attempt).unwrap();
    assert_eq!(started.external_run_id, "gh_11_22_7");
}

#[test]
fn a_retry_that_finds_nothing_sends_nothing_unless_told_to() {
    let host = Script::of([repository()]).then_forever(listed(&[]));
    let failure = dispatch(&host, &installation(), &deploy(), &attempt(2)).unwrap_err();
    assert_eq!(
        (failure.kind, failure.code.as_str()),
        (FailureKind::Ambiguous, "run-not-discovered")
    );
    assert!(
        failure
            .remedy
            .unwrap()
            .contains("https://github.com/acme/shop/actions/workflows/deploy.yml")
    );
    assert_eq!(host.dispatches(), 0);

    let host = Script::of([repository(), listed(&[]), listed(&[]), with_id()]);
    assert!(dispatch(&host, &resending(), &deploy(), &attempt(2)).is_ok());
    assert_eq!(host.dispatches(), 1);
}

#[test]
fn a_retry_never_sends_when_the_search_failed_or_found_several() {
    let host = Script::of([repository()]).then_forever(refusal(503, "x"));
    let failure = dispatch(&host, &resending(), &deploy(), &attempt(2)).unwrap_err();
    assert_eq!(
        (failure.kind, host.dispatches()),
        (FailureKind::Unavailable, 0)
    );
    let host = Script::of([repository()]).then_forever(listed(&[7, 8]));
    let failure = dispatch(&host, &resending(), &deploy(), &attempt(2)).unwrap_err();
    assert_eq!(
        (failure.code.as_str(), host.dispatches()),
        ("several-runs-discovered", 0)
    );
    assert!(failure.message.contains("/runs/7") && failure.message.contains("/runs/8"));
}

#[test]
fn of_many_runs_that_may_be_the_one_a_few_are_named() {
    let ids: Vec<u64> = (1..=100).collect();
    let host = Script::of([repository()]).then_forever(listed(&ids));
    let failure = dispatch(&host, &installation(), &deploy(), &attempt(2)).unwrap_err();
    assert_eq!(failure.message.matches("/actions/runs/").count(), MAX_NAMED);
    assert!(failure.message.contains("and 90 more"));
}

#[test]
fn a_retry_that_is_refused_does_not_claim_that_nothing_was_started() {
    let failure = nth(2, [refusal(404, "Not Found")]).0.unwrap_err();
    assert_eq!(
        (failure.kind, failure.request_sent),
        (FailureKind::Ambiguous, true)
    );
    assert_eq!(failure.code, "repository-not-found");
    let limited = nth(2, [refusal(429, "slow down")]).0.unwrap_err();
    assert_eq!(limited.kind, FailureKind::RateLimited(None));
}

#[test]
fn an_accepted_run_whose_search_fails_is_ambiguous_whatever_failed() {
    for answer in [refusal(429, "x"), refusal(401, "x"), refusal(404, "x")] {
        let failure = first([repository(), self::answer(204, ""), answer])
            .0
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.request_sent),
            (FailureKind::Ambiguous, true)
        );
    }
}

#[test]
fn a_display_name_is_resolved_before_the_dispatch() {
    let list = r#"{"workflows":[{"id":5,"name":"Deploy it","path":".github/workflows/deploy it.yml","state":"active"}]}"#;
    let host = Script::of([repository(), answer(200, list), with_id()]);
    let run = run(r#"{"org":"acme","repo":"shop","workflow":"Deploy it"}"#);
    dispatch(&host, &installation(), &run, &attempt(1)).unwrap();
    assert_eq!(
        host.asked()[2],
        "POST /repos/acme/shop/actions/workflows/deploy%20it.yml/dispatches"
    );
}

#[test]
fn wrong_properties_send_nothing() {
    let host = Script::default();
    for properties in ["{}", r#"{"org":"a","repo":"b","workflow":"../../x.yml"}"#] {
        let failure = dispatch(&host, &installation(), &run(properties), &attempt(1)).unwrap_err();
        assert!(!failure.request_sent);
    }
    assert!(host.requests.borrow().is_empty());
}

#[test]
fn a_link_that_is_no_url_is_replaced() {
    let endless = ["https://github.com/", &"x".repeat(5000)].concat();
    for link in ["javascript:alert(1)", &endless] {
        let reply = format!(r#"{{"workflow_run_id":33,"html_url":"{link}"}}"#);
        let started = first([repository(), answer(200, &reply)]).0.unwrap();
        assert_eq!(
            started.link.as_deref(),
            Some("https://github.com/acme/shop/actions/runs/33")
        );
    }
}
