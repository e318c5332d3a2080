//! Every rule of the decisions, without a host around them.

use super::*;

fn plan(report_status: bool) -> RunPlan {
    RunPlan {
        partition_key: None,
        report_status,
        target: "acme/shop · deploy.yml".to_owned(),
    }
}

fn started() -> Started {
    Started {
        external_run_id: "gh_1_2_3".to_owned(),
        link: None,
        output: "{}".to_owned(),
        status_label: Some("Queued".to_owned()),
    }
}

fn failure(kind: FailureKind) -> Failure {
    Failure {
        kind,
        code: "c".to_owned(),
        message: "It broke. Really.".to_owned(),
        remedy: None,
        request_sent: false,
    }
}

fn completed(attempt: u32) -> Event {
    Event::Updated(RunUpdate {
        external_run_id: "gh_1_2_3".to_owned(),
        attempt,
        change: Change::Completed(Completion {
            outcome: Outcome::Success,
            conclusion: "success".to_owned(),
            label: "Succeeded".to_owned(),
            summary: None,
            output: "{}".to_owned(),
            log: vec![],
        }),
    })
}

fn dispatching(report_status: bool) -> Life {
    let mut life = Life::new();
    life.handle(Event::Planned(Ok(plan(report_status))));
    assert_eq!(
        life.handle(Event::Acked(Ack::Ours)),
        vec![Effect::Dispatch(1)]
    );
    life
}

#[test]
fn a_run_is_acked_before_it_is_dispatched() {
    let mut life = Life::new();
    assert_eq!(
        life.handle(Event::Planned(Ok(plan(true)))),
        vec![Effect::Ack]
    );
    assert_eq!(
        life.handle(Event::Acked(Ack::Ours)),
        vec![Effect::Dispatch(1)]
    );
}

#[test]
fn a_refused_run_is_acked_too_so_that_port_stops_offering_it() {
    let mut life = Life::new();
    let wrong = failure(FailureKind::InvalidParameters);
    assert_eq!(
        life.handle(Event::Planned(Err(wrong.clone()))),
        vec![Effect::Ack]
    );
    assert_eq!(
        life.handle(Event::Acked(Ack::Ours)),
        vec![Effect::Write(Write::NotStarted(wrong))]
    );
    assert_eq!(life.end(), Some(End::Reported(Outcome::Failure)));
}

#[test]
fn a_run_that_somebody_else_has_is_left_alone() {
    let mut life = Life::new();
    life.handle(Event::Planned(Ok(plan(true))));
    assert_eq!(life.handle(Event::Acked(Ack::Taken)), vec![]);
    assert_eq!(life.end(), Some(End::NotOurs));
}

#[test]
fn an_unknown_outcome_is_looked_into_as_a_new_attempt_and_never_just_sent_again() {
    let mut life = dispatching(true);
    let lost = || Event::Dispatched(Err(failure(FailureKind::Ambiguous)));
    assert!(life.handle(lost()).contains(&Effect::Park(AMBIGUOUS_PAUSE)));
    assert_eq!(life.handle(Event::Woken), vec![Effect::Dispatch(2)]);
    assert_eq!(life.handle(lost()), vec![Effect::Park(AMBIGUOUS_PAUSE)]);
    assert_eq!(life.handle(Event::Woken), vec![Effect::Dispatch(3)]);
    let effects = life.handle(lost());
    assert!(matches!(
        effects.as_slice(),
        [Effect::Write(Write::NotStarted(_))]
    ));
}

#[test]
fn an_unknown_kind_of_failure_counts_as_ambiguous_only_if_something_was_sent() {
    let mut life = dispatching(true);
    let mut odd = failure(FailureKind::Other("quantum".to_owned()));
    odd.request_sent = true;
    assert!(
        life.handle(Event::Dispatched(Err(odd.clone())))
            .contains(&Effect::Park(AMBIGUOUS_PAUSE))
    );
    odd.request_sent = false;
    let mut life = dispatching(true);
    life.handle(Event::Dispatched(Err(odd)));
    assert!(life.end().is_some());
}

#[test]
fn a_look_that_fails_never_sounds_as_if_nothing_had_been_started() {
    for kind in [
        FailureKind::Internal,
        FailureKind::Unauthorized,
        FailureKind::Unavailable,
    ] {
        let mut life = dispatching(true);
        life.handle(Event::Dispatched(Err(failure(FailureKind::Ambiguous))));
        life.handle(Event::Woken);
        let mut last = vec![];
        while life.end().is_none() {
            last = life.handle(Event::Dispatched(Err(failure(kind.clone()))));
            life.handle(Event::Woken);
        }
        let [Effect::Write(Write::NotStarted(told))] = last.as_slice() else {
            panic!("{last:?}");
        };
        assert_eq!(told.kind, FailureKind::Ambiguous, "{kind:?}");
        assert!(told.message.contains("may have started"), "{told:?}");
    }
}

#[test]
fn nobody_is_parked_for_ever() {
    let mut life = dispatching(true);
    let effects = life.handle(Event::Dispatched(Err(failure(FailureKind::RateLimited(
        Some(u32::MAX),
    )))));
    assert_eq!(effects.last(), Some(&Effect::Park(LONGEST_PAUSE)));
    assert_eq!(life.handle(Event::EndedElsewhere), vec![]);
    assert_eq!(life.end(), Some(End::Elsewhere));
}

#[test]
fn a_rate_limited_run_waits_as_told_under_the_same_attempt_and_says_so_once() {
    let mut life = dispatching(true);
    let limited = || Event::Dispatched(Err(failure(FailureKind::RateLimited(Some(7)))));
    assert_eq!(
        life.handle(limited()),
        vec![
            Effect::Write(Write::Waiting("Waiting: It broke".to_owned())),
            Effect::Park(Duration::from_secs(7)),
        ]
    );
    assert_eq!(life.handle(Event::Woken), vec![Effect::Dispatch(1)]);
    assert_eq!(
        life.handle(limited()),
        vec![Effect::Park(Duration::from_secs(7))]
    );
}

#[test]
fn a_refused_credential_is_tried_once_more_and_then_reported() {
    let mut life = dispatching(true);
    let refused = || Event::Dispatched(Err(failure(FailureKind::Unauthorized)));
    assert_eq!(life.handle(refused()), vec![Effect::Dispatch(1)]);
    life.handle(refused());
    assert_eq!(life.end(), Some(End::Reported(Outcome::Failure)));
}

#[test]
fn a_server_that_stays_away_fails_the_run_in_the_end() {
    let mut life = dispatching(true);
    let mut tries = 0;
    while life.end().is_none() {
        life.handle(Event::Dispatched(Err(failure(FailureKind::Unavailable))));
        life.handle(Event::Woken);
        tries += 1;
    }
    assert_eq!(tries, UNAVAILABLE_TRIES + 1);
}

#[test]
fn the_end_is_reported_once_however_often_it_is_told() {
    let mut life = dispatching(true);
    life.handle(Event::Dispatched(Ok(started())));
    assert_eq!(life.handle(completed(1)).len(), 1);
    assert_eq!(life.handle(completed(1)), vec![]);
    assert_eq!(life.handle(completed(2)), vec![]);
}

#[test]
fn news_of_an_older_attempt_never_replaces_news_of_a_newer_one() {
    let mut life = dispatching(true);
    life.handle(Event::Dispatched(Ok(started())));
    life.handle(Event::Updated(RunUpdate {
        external_run_id: "gh_1_2_3".to_owned(),
        attempt: 2,
        change: Change::Progress(Progress {
            label: Some("Running".to_owned()),
            log: vec![],
        }),
    }));
    assert_eq!(life.handle(completed(1)), vec![]);
    assert_eq!(life.handle(completed(2)).len(), 1);
}

#[test]
fn a_label_that_port_shows_already_costs_no_call() {
    let mut life = dispatching(true);
    life.handle(Event::Dispatched(Ok(started())));
    let mut progress = |label: &str| {
        life.handle(Event::Updated(RunUpdate {
            external_run_id: "gh_1_2_3".to_owned(),
            attempt: 1,
            change: Change::Progress(Progress {
                label: Some(label.to_owned()),
                log: vec![],
            }),
        }))
        .len()
    };
    let calls = ["Queued", "Running", "Running"].map(&mut progress);
    assert_eq!(calls, [0, 1, 0]);
    // A late delivery of the beginning.
    assert_eq!(progress("Queued"), 0);
}

#[test]
fn a_run_that_has_ended_in_port_is_left_alone() {
    let mut life = dispatching(true);
    life.handle(Event::Dispatched(Ok(started())));
    assert_eq!(life.handle(Event::EndedElsewhere), vec![]);
    assert_eq!(life.end(), Some(End::Elsewhere));
    assert_eq!(life.handle(completed(1)), vec![]);
}

#[test]
fn a_run_whose_end_is_not_wanted_is_handed_over_with_its_link_and_no_label() {
    let mut life = dispatching(false);
    let effects = life.handle(Event::Dispatched(Ok(started())));
    let [Effect::Write(Write::Started(started))] = effects.as_slice() else {
        panic!("{effects:?}");
    };
    assert_eq!(started.status_label, None);
    assert_eq!(life.end(), Some(End::HandedOver));
    assert_eq!(life.handle(completed(1)), vec![]);
}
