//! Every rule of the decisions, without a host around them.

use super::super::retry::AMBIGUOUS_TRIES;
use super::following::{CANCEL_AGAIN, CANCEL_GRACE, MOST_NEWS, UNANSWERED_CHECKS};
use super::*;
use crate::contract::{Change, Level, LogLine, Part, Progress, RunUpdate};

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

/// One event, by the default rules.
fn handle(life: &mut Life, event: Event) -> Vec<Effect> {
    life.handle(event, &Rules::default())
}

fn dispatching(report_status: bool) -> Life {
    let mut life = Life::new();
    handle(&mut life, Event::Planned(Ok(plan(report_status))));
    assert_eq!(handle(&mut life, Event::Acked(Ack::Ours)), [Effect::LineUp]);
    assert_eq!(handle(&mut life, Event::Turn), [Effect::Dispatch(1)]);
    life
}

fn sending(report_status: bool) -> Life {
    let mut life = dispatching(report_status);
    assert_eq!(handle(&mut life, Event::Leaving), []);
    life
}

fn running() -> Life {
    let mut life = sending(true);
    handle(&mut life, Event::Dispatched(Ok(started())));
    life
}

fn failed(kind: FailureKind) -> Event {
    Event::Dispatched(Err(failure(kind)))
}

/// What a run says about its end.
fn told(effects: &[Effect]) -> &Write {
    match effects {
        [Effect::Write(write)] => write,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_is_acked_before_it_is_dispatched_and_waits_for_its_turn() {
    let mut life = Life::new();
    let ack = Effect::Ack { again: false };
    assert_eq!(handle(&mut life, Event::Planned(Ok(plan(true)))), [ack]);
    assert_eq!(handle(&mut life, Event::Turn), []);
    dispatching(true);
}

#[test]
fn a_refused_run_is_acked_too_so_that_port_stops_offering_it() {
    let mut life = Life::new();
    let wrong = failure(FailureKind::InvalidParameters);
    handle(&mut life, Event::Planned(Err(wrong.clone())));
    let effects = handle(&mut life, Event::Acked(Ack::Ours));
    assert_eq!(told(&effects), &Write::NotStarted(wrong));
    assert_eq!(life.end(), Some(End::Reported(Outcome::Failure)));
}

#[test]
fn a_run_that_somebody_else_has_or_that_cannot_be_acked_is_left_alone() {
    for (ack, end) in [(Ack::Taken, End::NotOurs), (Ack::Unheard, End::Returned)] {
        let mut life = Life::new();
        handle(&mut life, Event::Planned(Ok(plan(true))));
        assert_eq!(handle(&mut life, Event::Acked(ack)), []);
        assert_eq!(life.end(), Some(end));
    }
}

#[test]
fn after_a_kill_before_the_request_the_run_is_started_as_if_nothing_had_been() {
    let mut life = dispatching(true);
    assert_eq!(handle(&mut life, Event::Restarted), [Effect::LineUp]);
    assert_eq!(handle(&mut life, Event::Turn), [Effect::Dispatch(1)]);
}

#[test]
fn after_a_kill_around_the_request_the_run_is_looked_for_before_anything_is_sent() {
    let mut life = sending(true);
    assert_eq!(handle(&mut life, Event::Restarted), [Effect::LineUp]);
    assert!(life.is_unresolved());
    assert_eq!(handle(&mut life, Event::Turn), [Effect::Dispatch(2)]);
    // Killed again while it looks: nothing was sent, so it is the same attempt.
    handle(&mut life, Event::Restarted);
    assert_eq!(handle(&mut life, Event::Turn), [Effect::Dispatch(2)]);
}

#[test]
fn after_a_kill_around_the_ack_it_is_said_that_port_may_have_heard_it() {
    let mut life = Life::new();
    handle(&mut life, Event::Planned(Ok(plan(true))));
    let again = Effect::Ack { again: true };
    assert_eq!(handle(&mut life, Event::Restarted), [again]);
}

#[test]
fn after_a_kill_the_server_is_asked_about_a_run_that_it_has() {
    let effects = handle(&mut running(), Event::Restarted);
    assert!(effects.contains(&Effect::Check), "{effects:?}");
}

#[test]
fn an_unknown_outcome_is_looked_into_as_a_new_attempt_and_never_just_sent_again() {
    let mut life = sending(true);
    for attempt in 2..=AMBIGUOUS_TRIES {
        let effects = handle(&mut life, failed(FailureKind::Ambiguous));
        assert!(
            matches!(effects.last(), Some(Effect::Wake(_))),
            "{effects:?}"
        );
        assert!(life.is_unresolved());
        handle(&mut life, Event::Woken);
        assert_eq!(handle(&mut life, Event::Turn), [Effect::Dispatch(attempt)]);
    }
    let effects = handle(&mut life, failed(FailureKind::Ambiguous));
    assert!(matches!(told(&effects), Write::NotStarted(_)));
}

#[test]
fn an_unknown_kind_of_failure_counts_as_ambiguous_only_if_something_was_sent() {
    let mut odd = failure(FailureKind::Other("quantum".to_owned()));
    odd.request_sent = true;
    let mut life = sending(true);
    handle(&mut life, Event::Dispatched(Err(odd.clone())));
    assert!(life.is_unresolved());
    odd.request_sent = false;
    let mut life = dispatching(true);
    handle(&mut life, Event::Dispatched(Err(odd)));
    assert!(life.end().is_some());
}

#[test]
fn a_look_that_fails_never_sounds_as_if_nothing_had_been_started() {
    for kind in [
        FailureKind::Internal,
        FailureKind::Unauthorized,
        FailureKind::Unavailable,
    ] {
        let mut life = sending(true);
        handle(&mut life, failed(FailureKind::Ambiguous));
        let mut last = vec![];
        while life.end().is_none() {
            handle(&mut life, Event::Woken);
            handle(&mut life, Event::Turn);
            last = handle(&mut life, failed(kind.clone()));
        }
        let Write::NotStarted(told) = told(&last) else {
            panic!("{last:?}");
        };
        assert_eq!(told.kind, FailureKind::Ambiguous, "{kind:?}");
        assert!(told.message.contains("may have started"), "{told:?}");
    }
}

#[test]
fn a_rate_limited_run_waits_as_told_under_the_same_attempt_and_says_so_once() {
    let mut life = sending(true);
    let limited = || failed(FailureKind::RateLimited(Some(7)));
    let wake = Effect::Wake(Duration::from_secs(7));
    let label = Effect::Write(Write::Waiting("Waiting: It broke".to_owned()));
    assert_eq!(handle(&mut life, limited()), [label, wake.clone()]);
    assert!(!life.is_unresolved(), "nothing was started");
    handle(&mut life, Event::Woken);
    assert_eq!(handle(&mut life, Event::Turn), [Effect::Dispatch(1)]);
    assert_eq!(handle(&mut life, limited()), [wake]);
}

#[test]
fn a_limit_without_a_time_holds_the_installation_back() {
    let effects = handle(&mut sending(true), failed(FailureKind::RateLimited(None)));
    let minute = Duration::from_secs(60);
    assert_eq!(
        effects[1..],
        [Effect::Wake(minute), Effect::HoldInstallation(minute)]
    );
}

#[test]
fn a_run_that_finds_no_budget_waits_for_it_and_says_so() {
    let mut life = Life::new();
    handle(&mut life, Event::Planned(Ok(plan(true))));
    handle(&mut life, Event::Acked(Ack::Ours));
    let why = "12 of 5,000 requests left. More later.".to_owned();
    let effects = handle(&mut life, Event::NoBudget(Duration::from_secs(9), why));
    let label = "Waiting: 12 of 5,000 requests left".to_owned();
    assert_eq!(
        effects,
        [
            Effect::Write(Write::Waiting(label)),
            Effect::Wake(Duration::from_secs(9))
        ]
    );
}

#[test]
fn a_refused_credential_is_tried_once_more_and_then_reported() {
    let mut life = sending(true);
    let refused = || failed(FailureKind::Unauthorized);
    assert_eq!(handle(&mut life, refused()), [Effect::LineUp]);
    assert_eq!(handle(&mut life, Event::Turn), [Effect::Dispatch(1)]);
    handle(&mut life, refused());
    assert_eq!(life.end(), Some(End::Reported(Outcome::Failure)));
}

#[test]
fn the_end_is_reported_once_however_often_it_is_told() {
    let mut life = running();
    assert_eq!(handle(&mut life, completed(1)).len(), 1);
    for _ in 0..100 {
        assert_eq!(handle(&mut life, completed(1)), []);
    }
    assert_eq!(handle(&mut life, completed(2)), []);
}

fn progress(attempt: u32, label: &str) -> Event {
    Event::Updated(RunUpdate {
        external_run_id: "gh_1_2_3".to_owned(),
        attempt,
        change: Change::Progress(Progress {
            label: Some(label.to_owned()),
            log: vec![],
            part: None,
        }),
    })
}

#[test]
fn news_of_an_older_attempt_never_replaces_news_of_a_newer_one() {
    let mut life = running();
    handle(&mut life, progress(2, "Running"));
    assert_eq!(handle(&mut life, completed(1)), []);
    assert_eq!(handle(&mut life, completed(2)).len(), 1);
}

#[test]
fn a_label_that_port_shows_already_costs_no_call() {
    let mut life = running();
    let mut calls = |label: &str| {
        let effects = handle(&mut life, progress(1, label));
        effects
            .iter()
            .filter(|it| matches!(it, Effect::Write(_)))
            .count()
    };
    assert_eq!(["Queued", "Running", "Running"].map(&mut calls), [0, 1, 0]);
    // A late delivery of the beginning.
    assert_eq!(calls("Queued"), 0);
}

/// News of a job, as a plugin tells it; what Port is told of it: label and lines.
fn job(life: &mut Life, id: &str, label: Option<&str>, ended: bool) -> Option<Option<String>> {
    let line = LogLine {
        level: Level::Info,
        message: format!("{id}: {ended}"),
    };
    let event = Event::Updated(RunUpdate {
        external_run_id: "gh_1_2_3".to_owned(),
        attempt: 1,
        change: Change::Progress(Progress {
            label: label.map(str::to_owned),
            log: if label.is_some() || ended {
                vec![line]
            } else {
                vec![]
            },
            part: Some(Part {
                kind: "job".to_owned(),
                id: id.to_owned(),
                ended,
            }),
        }),
    });
    handle(life, event)
        .into_iter()
        .find_map(|effect| match effect {
            Effect::Write(Write::Progress(progress)) => Some(progress.label),
            _ => None,
        })
}

#[test]
fn the_label_says_which_job_of_how_many_a_run_is_at() {
    let mut life = running();
    let running = Some("Running");
    let label = |text: &str| Some(Some(text.to_owned()));
    // That a job exists is no news by itself.
    assert_eq!(job(&mut life, "a", None, false), None);
    assert_eq!(job(&mut life, "a", running, false), label("Running"));
    assert_eq!(job(&mut life, "b", None, false), None);
    assert_eq!(
        job(&mut life, "a", None, true),
        label("Running: job 2 of 2")
    );
    assert_eq!(job(&mut life, "c", None, false), None);
    assert_eq!(
        job(&mut life, "b", running, false),
        label("Running: job 2 of 3")
    );
    assert_eq!(
        job(&mut life, "c", running, false),
        Some(None),
        "a line, and the same label"
    );
    assert_eq!(job(&mut life, "a", running, false), Some(None), "late news");
    assert_eq!(
        job(&mut life, "b", None, true),
        label("Running: job 3 of 3")
    );
    assert_eq!(job(&mut life, "c", None, true), Some(None));
}

#[test]
fn a_new_attempt_counts_its_jobs_anew() {
    let mut life = running();
    job(&mut life, "a", Some("Running"), false);
    job(&mut life, "b", Some("Running"), false);
    let effects = handle(&mut life, progress(2, "Running"));
    assert!(
        matches!(&effects[0], Effect::Write(Write::Progress(it)) if it.label.as_deref() == Some("Running")),
        "{effects:?}"
    );
}

#[test]
fn a_run_of_ever_more_jobs_is_told_to_a_bound() {
    let mut life = running();
    let told =
        (0..2_000).filter(|n| job(&mut life, &n.to_string(), Some("Running"), false).is_some());
    assert_eq!(told.count(), usize::try_from(MOST_NEWS).unwrap());
    assert_eq!(handle(&mut life, completed(1)).len(), 1, "its end is told");
}

#[test]
fn without_news_the_server_is_asked_less_and_less_often_until_there_is_some() {
    let mut life = running();
    let mut pauses = Vec::new();
    for _ in 0..6 {
        let effects = handle(&mut life, Event::Quiet);
        let [Effect::Check, Effect::Listen(pause)] = effects.as_slice() else {
            panic!("{effects:?}");
        };
        pauses.push(pause.as_secs());
    }
    assert_eq!(pauses, [60, 120, 240, 300, 300, 300]);
    let effects = handle(&mut life, progress(1, "Running"));
    assert_eq!(
        effects.last(),
        Some(&Effect::Listen(Duration::from_secs(30)))
    );
}

#[test]
fn a_run_that_has_ended_in_port_is_left_alone_and_cancelled_only_where_that_is_wanted() {
    let mut life = running();
    assert_eq!(handle(&mut life, Event::EndedElsewhere), []);
    assert_eq!(life.end(), Some(End::Elsewhere));
    assert_eq!(handle(&mut life, completed(1)), []);
    let rules = Rules {
        cancel_with_port: true,
        ..Rules::default()
    };
    let mut life = running();
    assert_eq!(life.handle(Event::EndedElsewhere, &rules), [Effect::Cancel]);
    let away = Event::Cancelled(Err(failure(FailureKind::Unavailable)));
    assert!(matches!(
        life.handle(away, &rules).as_slice(),
        [Effect::Wake(_)]
    ));
    assert_eq!(life.handle(Event::Restarted, &rules), [Effect::Cancel]);
    life.handle(Event::Cancelled(Ok(())), &rules);
    assert_eq!(life.end(), Some(End::Elsewhere));
}

#[test]
fn a_run_whose_end_is_not_wanted_is_handed_over_with_its_link_and_no_label() {
    let mut life = sending(false);
    let effects = handle(&mut life, Event::Dispatched(Ok(started())));
    let Write::Started(started) = told(&effects) else {
        panic!("{effects:?}");
    };
    assert_eq!(started.status_label, None);
    assert_eq!(life.end(), Some(End::HandedOver));
    assert_eq!(handle(&mut life, completed(1)), []);
}

fn ended(attempt: u32, outcome: Outcome) -> Event {
    let Event::Updated(mut update) = completed(attempt) else {
        panic!("no update")
    };
    if let Change::Completed(completion) = &mut update.change {
        completion.outcome = outcome;
    }
    Event::Updated(update)
}

#[test]
fn a_run_that_takes_too_long_is_cancelled_and_says_why() {
    let rules = Rules {
        max_run: Some(Duration::from_secs(120)),
        ..Rules::default()
    };
    let mut life = sending(true);
    let effects = life.handle(Event::Dispatched(Ok(started())), &rules);
    assert_eq!(
        effects.last(),
        Some(&Effect::Deadline(Duration::from_secs(120)))
    );
    let effects = life.handle(Event::Overdue, &rules);
    assert!(effects.contains(&Effect::Cancel), "{effects:?}");
    let mut silent = life.clone();
    let effects = life.handle(ended(1, Outcome::Cancelled), &rules);
    let Write::Completed(completion) = told(&effects) else {
        panic!("{effects:?}");
    };
    assert_eq!(
        (completion.outcome, completion.label.as_str()),
        (Outcome::Failure, "Timed out")
    );
    assert!(
        completion
            .summary
            .as_ref()
            .unwrap()
            .contains("longer than 2 min")
    );
    // The server does not say that it ended: it is over all the same.
    let effects = silent.handle(Event::Overdue, &rules);
    let Write::Completed(completion) = told(&effects) else {
        panic!("{effects:?}");
    };
    assert!(
        completion
            .summary
            .as_ref()
            .unwrap()
            .contains("may still be running")
    );
}

#[test]
fn a_failure_can_wait_for_a_re_run_that_makes_it_good() {
    let rules = Rules {
        failure_grace: Some(Duration::from_secs(60)),
        ..Rules::default()
    };
    let mut life = running();
    let effects = life.handle(ended(1, Outcome::Failure), &rules);
    assert!(
        effects.contains(&Effect::Wake(Duration::from_secs(60))),
        "{effects:?}"
    );
    let again = life.handle(Event::Quiet, &rules);
    assert!(
        again.contains(&Effect::Check),
        "a re-run's webhook may be lost"
    );
    let mut patient = life.clone();
    assert_eq!(life.handle(ended(1, Outcome::Failure), &rules), []);
    life.handle(progress(2, "Running"), &rules);
    life.handle(ended(2, Outcome::Success), &rules);
    assert_eq!(life.end(), Some(End::Reported(Outcome::Success)));
    let effects = patient.handle(Event::Woken, &rules);
    assert!(matches!(told(&effects), Write::Completed(_)));
    assert_eq!(patient.end(), Some(End::Reported(Outcome::Failure)));
}

#[test]
fn an_overdue_run_gets_its_grace_from_then_on_also_after_a_restart() {
    let rules = Rules {
        max_run: Some(Duration::from_secs(120)),
        ..Rules::default()
    };
    let mut life = running();
    let effects = life.handle(Event::Overdue, &rules);
    assert!(
        effects.contains(&Effect::LastChance(CANCEL_GRACE)),
        "{effects:?}"
    );
    let effects = life.handle(Event::Restarted, &rules);
    for effect in [
        Effect::Check,
        Effect::Cancel,
        Effect::LastChance(CANCEL_GRACE),
    ] {
        assert!(effects.contains(&effect), "{effects:?}");
    }
    // A cancellation that did not get through is made again.
    let away = Event::Cancelled(Err(failure(FailureKind::Unavailable)));
    assert_eq!(life.handle(away, &rules), [Effect::Wake(CANCEL_AGAIN)]);
    assert_eq!(life.handle(Event::Woken, &rules), [Effect::Cancel]);
}

#[test]
fn a_run_that_the_server_cannot_tell_about_for_days_does_not_hang() {
    let mut life = running();
    let lost = || Event::Unanswered(failure(FailureKind::Unavailable));
    for _ in 0..UNANSWERED_CHECKS {
        assert_eq!(handle(&mut life, lost()), []);
    }
    let mut found = life.clone();
    let effects = handle(&mut life, lost());
    let Write::Completed(completion) = told(&effects) else {
        panic!("{effects:?}");
    };
    assert_eq!(completion.label, "Outcome unknown");
    // Any news at all, and the count begins anew.
    handle(&mut found, progress(1, "Running"));
    assert_eq!(handle(&mut found, lost()), []);
}

mod every_state;
