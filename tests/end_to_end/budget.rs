//! What requests cost, and what is done before one that changes something leaves: a component in front of a simulated
//! GitHub.

use crate::bench::{Bench, PROPERTIES, RUN_ID, expect_failure, run};
use host_harness::contract::{Attempt, Change, Failure, FailureKind, Outcome, RunUpdate, Started};
use host_harness::egress::{BeforeSending, Budgets, Snapshot};
use host_harness::runtime::Call;
use host_harness::simulator::fault::{Effect, Fault};
use host_harness::simulator::github::{self, GitHub, Phase, Repository, Workflow};
use host_harness::stage::{self, Role};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::time::Instant;

/// A bench with a workflow that goes on only when the test says so.
async fn held(options: github::Options) -> Bench {
    let workflow = Workflow::new("deploy.yml").manual();
    let repository = Repository::new("acme", "shop").workflow(workflow);
    Bench::before(options, Role::self_hosted("bench"), repository).await
}

fn budget(bench: &Bench) -> Snapshot {
    bench.installation.budget().snapshot(Instant::now())
}

/// The statuses of all answers to an operation.
fn statuses(bench: &Bench, operation: &str) -> Vec<u16> {
    let exchanges = bench.exchanges(operation).into_iter();
    exchanges.filter_map(|exchange| exchange.status).collect()
}

#[track_caller]
fn label(updates: Result<Vec<RunUpdate>, Failure>) -> Option<String> {
    match &updates.unwrap()[..] {
        [
            RunUpdate {
                change: Change::Progress(progress),
                ..
            },
        ] => progress.label.clone(),
        other => panic!("{other:#?}"),
    }
}

// Conditional requests.

#[tokio::test]
async fn checking_a_run_that_has_not_changed_costs_no_quota() {
    let bench = held(github::Options::default()).await;
    let started = bench.dispatch(PROPERTIES).await.unwrap();
    let first = label(bench.check(&started.external_run_id).await);
    let before = budget(&bench).remaining;
    for _ in 0..3 {
        assert_eq!(label(bench.check(&started.external_run_id).await), first);
    }
    assert_eq!(statuses(&bench, "get-run"), [200, 304, 304, 304]);
    assert_eq!(budget(&bench).remaining, before);
    // Two requests of the dispatch, one check.
    assert_eq!(before, Some(5_000 - 3));
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_run_that_has_changed_is_seen_at_once() {
    let bench = held(github::Options::default()).await;
    let started = bench.dispatch(PROPERTIES).await.unwrap();
    let id = bench.github.runs()[0].id;
    assert_eq!(
        label(bench.check(&started.external_run_id).await).as_deref(),
        Some("Queued")
    );
    bench.github.advance(id, Phase::InProgress);
    assert_eq!(
        label(bench.check(&started.external_run_id).await).as_deref(),
        Some("Running")
    );
    assert_eq!(
        label(bench.check(&started.external_run_id).await).as_deref(),
        Some("Running")
    );
    bench.github.finish(id, "success");
    let updates = bench.check(&started.external_run_id).await.unwrap();
    assert!(
        matches!(&updates[0].change, Change::Completed(end) if end.outcome == Outcome::Success),
        "{updates:#?}"
    );
    assert_eq!(statuses(&bench, "get-run"), [200, 200, 304, 200]);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_damaged_answer_is_not_confirmed_for_ever() {
    for effect in [Effect::GarbageBody, Effect::TruncateBody] {
        let bench = held(github::Options::default()).await;
        let started = bench.dispatch(PROPERTIES).await.unwrap();
        bench.github.inject(Fault::new("get-run", effect).once());
        let result = bench.check(&started.external_run_id).await;
        expect_failure(result, &FailureKind::Unavailable, "unreadable-answer");
        let updates = bench.check(&started.external_run_id).await;
        assert_eq!(label(updates).as_deref(), Some("Queued"));
        bench.expect_no_violations();
    }
}

#[tokio::test]
async fn the_repository_is_asked_for_once_for_dispatches_that_follow_each_other() {
    let bench = held(github::Options::default()).await;
    for _ in 0..3 {
        bench.dispatch(PROPERTIES).await.unwrap();
    }
    assert_eq!(statuses(&bench, "get-repository"), [200]);
    assert_eq!(bench.requests("dispatch"), 3);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_retry_asks_for_githubs_clock_although_the_repository_is_known() {
    let options = github::Options {
        clock_offset_seconds: -7_200,
        ..github::Options::default()
    };
    let mut bench = held(options).await;
    let cut = Fault::new("dispatch", Effect::CutAfterProcessing).once();
    bench.github.inject(cut);
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Ambiguous, "no-answer");
    bench.attempt = 2;
    let found = bench.dispatch(PROPERTIES).await.unwrap();
    assert_eq!(found.external_run_id, bench.github.runs()[0].external_id);
    assert_eq!(statuses(&bench, "get-repository"), [200, 304]);
    assert_eq!(bench.requests("dispatch"), 1);
    bench.expect_no_violations();
}

// The budget.

#[tokio::test]
async fn the_budget_follows_what_the_server_says() {
    let bench = held(github::Options::default()).await;
    assert_eq!(budget(&bench), Snapshot::default());
    bench.github.set_remaining(&bench.github.token(), 22);
    bench.dispatch(PROPERTIES).await.unwrap();
    let now = Instant::now();
    let seen = budget(&bench);
    assert_eq!((seen.limit, seen.remaining), (Some(5_000), Some(20)));
    let wait = bench.installation.budget().wait(now, 20).unwrap();
    let until_reset = wait.until - now;
    assert!(
        (3_595..=3_602).contains(&until_reset.as_secs()),
        "{until_reset:?}"
    );
    assert!(
        wait.reason.contains("20 of 5,000 requests left"),
        "{}",
        wait.reason
    );
    assert_eq!(bench.installation.budget().wait(now, 19), None);
    bench.expect_no_violations();
}

#[tokio::test]
async fn after_the_reset_nobody_waits_any_longer() {
    let window = Duration::from_secs(1);
    let options = github::Options {
        rate_window: window,
        ..github::Options::default()
    };
    let bench = held(options).await;
    bench.github.set_remaining(&bench.github.token(), 3);
    bench.dispatch(PROPERTIES).await.unwrap();
    let budget = bench.installation.budget();
    let wait = budget.wait(Instant::now(), 20).unwrap();
    assert!(wait.until <= Instant::now() + Duration::from_secs(4));
    tokio::time::sleep_until(wait.until).await;
    assert_eq!(budget.wait(Instant::now(), 20), None);
    bench.dispatch(PROPERTIES).await.unwrap();
    assert_eq!(budget.wait(Instant::now(), 20), None);
    bench.expect_no_violations();
}

#[tokio::test]
async fn installations_with_one_credential_know_what_the_others_use_and_pause_together() {
    let mut bench = held(github::Options::default()).await;
    let mut budgets = Budgets::default();
    let mut resolve = |id: &str| {
        let installation = stage::installation(&Role::self_hosted(id), &bench.github).unwrap();
        Arc::new(budgets.share(installation))
    };
    let (one, other) = (resolve("one"), resolve("other"));
    bench.installation = one;
    bench.github.set_remaining(&bench.github.token(), 100);
    bench.dispatch(PROPERTIES).await.unwrap();
    assert_eq!(other.budget().snapshot(Instant::now()).remaining, Some(98));
    let limit = github::secondary_limit(403, Some(30));
    bench.github.inject(Fault::new("dispatch", limit).once());
    bench.dispatch(PROPERTIES).await.unwrap_err();
    let asked = bench.github.exchanges().len();
    bench.installation = other;
    let failure = bench.dispatch(PROPERTIES).await.unwrap_err();
    assert!(
        matches!(failure.kind, FailureKind::RateLimited(Some(_))),
        "{failure:#?}"
    );
    assert_eq!(bench.github.exchanges().len(), asked);
    bench.expect_no_violations();
}

// The mark.

/// A mark that takes a moment, and what was to be seen when it was made: how many dispatches the server had received.
#[derive(Clone, Default)]
struct Marks(Arc<Mutex<Vec<usize>>>);

impl Marks {
    fn before(&self, github: &GitHub, result: Result<(), &'static str>) -> BeforeSending {
        let (marks, github) = (self.clone(), github.clone());
        Arc::new(move || {
            let (marks, github) = (marks.clone(), github.clone());
            Box::pin(async move {
                tokio::time::sleep(Duration::from_millis(100)).await;
                marks.0.lock().unwrap().push(github.count("dispatch"));
                result.map_err(str::to_owned)
            })
        })
    }

    fn made(&self) -> Vec<usize> {
        self.0.lock().unwrap().clone()
    }
}

async fn dispatch(bench: &Bench, mark: BeforeSending) -> Result<Started, Failure> {
    let attempt = Attempt {
        number: 1,
        first_began: host_harness::clock::timestamp(),
        taken: vec![],
    };
    let call = Call::new(bench.installation.clone(), RUN_ID).before_sending(mark);
    bench
        .runtime
        .dispatch(call, run(PROPERTIES), attempt)
        .await
        .unwrap()
}

#[tokio::test]
async fn the_mark_is_made_before_the_dispatch_reaches_the_server() {
    let bench = held(github::Options::default()).await;
    let marks = Marks::default();
    dispatch(&bench, marks.before(&bench.github, Ok(())))
        .await
        .unwrap();
    assert_eq!(marks.made(), [0]);
    assert_eq!(bench.requests("dispatch"), 1);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_dispatch_that_is_sent_again_without_run_details_is_marked_once() {
    let options = github::Options {
        return_run_details_supported: false,
        ..github::Options::default()
    };
    let bench = held(options).await;
    let marks = Marks::default();
    dispatch(&bench, marks.before(&bench.github, Ok(())))
        .await
        .unwrap();
    assert_eq!(marks.made(), [0]);
    assert_eq!(bench.requests("dispatch"), 2);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_mark_that_fails_lets_nothing_out_and_the_run_is_known_not_to_have_started() {
    let bench = held(github::Options::default()).await;
    let marks = Marks::default();
    let result = dispatch(&bench, marks.before(&bench.github, Err("the disk is full"))).await;
    let failure = expect_failure(result, &FailureKind::Unavailable, "not-reached");
    assert!(!failure.request_sent, "{failure:#?}");
    assert_eq!((marks.made(), bench.requests("dispatch")), (vec![0], 0));
    assert!(bench.github.runs().is_empty());
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_call_that_only_reads_makes_no_mark() {
    let bench = held(github::Options::default()).await;
    let started = bench.dispatch(PROPERTIES).await.unwrap();
    let marks = Marks::default();
    let call = Call::new(bench.installation.clone(), RUN_ID)
        .before_sending(marks.before(&bench.github, Err("nobody asked")));
    let checked = bench
        .runtime
        .check(call, run(PROPERTIES), started.external_run_id);
    assert_eq!(label(checked.await.unwrap()).as_deref(), Some("Queued"));
    assert_eq!(marks.made(), Vec::<usize>::new());
    bench.expect_no_violations();
}
