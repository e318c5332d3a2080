//! Tests of pauses and windows.

use super::*;

fn headers(fields: &[(&'static str, &str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap()))
        .collect()
}

fn pause(status: u16, fields: &[(&'static str, &str)]) -> Option<Duration> {
    pause_asked_for(StatusCode::from_u16(status).unwrap(), &headers(fields))
}

const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// The server's clock when the tests begin, in seconds since 1970.
const BEGIN: u64 = 784_111_777;

/// An answer that the server gives `at` seconds after the beginning, in a window that ends at `reset`.
fn answer(at: u64, remaining: u32, reset: u64) -> HeaderMap {
    let date = httpdate::fmt_http_date(UNIX_EPOCH + seconds(BEGIN + at));
    headers(&[
        ("date", &date),
        ("x-ratelimit-limit", "5000"),
        ("x-ratelimit-remaining", &remaining.to_string()),
        ("x-ratelimit-reset", &(BEGIN + reset).to_string()),
        ("x-ratelimit-resource", "core"),
    ])
}

fn note(budget: &Budget, headers: &HeaderMap) {
    budget.note(StatusCode::OK, headers, Instant::now());
}

fn remaining(budget: &Budget) -> Option<u32> {
    budget.snapshot(Instant::now()).remaining
}

#[test]
fn retry_after_is_obeyed_on_403_and_429_alone() {
    let headers = [("retry-after", "7")];
    assert_eq!(pause(403, &headers), Some(seconds(7)));
    assert_eq!(pause(429, &headers), Some(seconds(7)));
    assert_eq!(pause(503, &headers), None);
    assert_eq!(pause(200, &headers), None);
}

#[test]
fn retry_after_may_be_a_moment_on_the_servers_clock() {
    let until = ("retry-after", "Sun, 06 Nov 1994 08:49:47 GMT");
    let date = ("date", "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_eq!(pause(429, &[until, date]), Some(seconds(11)));
    assert_eq!(pause(429, &[until]), None);
    assert_eq!(pause(429, &[("retry-after", "soon"), date]), None);
}

#[test]
fn an_exhausted_quota_pauses_until_its_reset_by_the_servers_own_clock() {
    let headers = [
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("x-ratelimit-remaining", "0"),
        ("x-ratelimit-reset", "784111787"),
    ];
    assert_eq!(pause(403, &headers), Some(seconds(11)));
}

#[test]
fn a_missing_permission_is_no_pause() {
    assert_eq!(pause(403, &[("x-ratelimit-remaining", "4000")]), None);
}

#[tokio::test(start_paused = true)]
async fn a_pause_ends_by_itself_and_a_shorter_one_does_not_cut_it() {
    let budget = Budget::default();
    let note = |seconds: &str| {
        let headers = headers(&[("retry-after", seconds)]);
        budget.note(StatusCode::TOO_MANY_REQUESTS, &headers, Instant::now());
    };
    note("10");
    note("2");
    tokio::time::advance(seconds(9)).await;
    assert_eq!(budget.paused_for(Instant::now()), Some(seconds(1)));
    tokio::time::advance(seconds(1)).await;
    assert_eq!(budget.paused_for(Instant::now()), None);
}

#[tokio::test(start_paused = true)]
async fn a_pause_without_a_length_is_held_as_long_as_the_caller_says_and_bounded() {
    let budget = Budget::default();
    let began = Instant::now();
    budget.hold(seconds(60), began);
    budget.hold(seconds(5), began);
    let wait = budget.wait(began, 0).unwrap();
    assert_eq!(wait.until, began + seconds(60));
    assert!(wait.reason.contains("asked for a pause"), "{}", wait.reason);
    budget.hold(seconds(86_400), began);
    assert_eq!(budget.paused_for(began), Some(LONGEST));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_known_before_the_first_answer_and_then_nobody_waits() {
    let budget = Budget::default();
    assert_eq!(budget.wait(Instant::now(), u32::MAX), None);
    assert_eq!(budget.snapshot(Instant::now()), Snapshot::default());
}

#[tokio::test(start_paused = true)]
async fn with_as_few_requests_left_as_the_threshold_runs_wait_for_the_reset_and_a_second() {
    let budget = Budget::default();
    let began = Instant::now();
    note(&budget, &answer(0, 21, 100));
    assert_eq!(budget.wait(began, 20), None);
    note(&budget, &answer(0, 20, 100));
    let wait = budget.wait(began, 20).unwrap();
    assert_eq!(wait.until, began + seconds(101));
    assert_eq!(
        wait.reason,
        "The server's rate limit is nearly used up: 20 of 5,000 requests left"
    );
    let snapshot = budget.snapshot(began);
    assert_eq!((snapshot.limit, snapshot.remaining), (Some(5000), Some(20)));
    assert_eq!(snapshot.resets_in, Some(seconds(100)));
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_has_passed_leaves_no_stale_value_behind() {
    let budget = Budget::default();
    note(&budget, &answer(0, 3, 100));
    tokio::time::advance(seconds(100)).await;
    assert!(budget.wait(Instant::now(), 20).is_some());
    tokio::time::advance(seconds(1)).await;
    assert_eq!(budget.wait(Instant::now(), 20), None);
    assert_eq!(remaining(&budget), None);
    // Not the smaller of the two: this is another window.
    note(&budget, &answer(101, 4998, 3701));
    assert_eq!(remaining(&budget), Some(4998));
}

#[tokio::test(start_paused = true)]
async fn answers_of_one_window_that_overtake_each_other_never_raise_what_is_left() {
    let budget = Budget::default();
    note(&budget, &answer(0, 17, 100));
    note(&budget, &answer(0, 19, 100));
    assert_eq!(remaining(&budget), Some(17));
    // The same window, its end rounded another way.
    note(&budget, &answer(1, 18, 101));
    note(&budget, &answer(1, 16, 99));
    assert_eq!(remaining(&budget), Some(16));
}

#[tokio::test(start_paused = true)]
async fn a_late_answer_of_the_window_before_says_nothing_about_this_one() {
    let budget = Budget::default();
    note(&budget, &answer(100, 4999, 3700));
    note(&budget, &answer(99, 2, 100));
    assert_eq!(remaining(&budget), Some(4999));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_is_over_by_the_servers_clock_gives_way_however_short_it_was() {
    let budget = Budget::default();
    note(&budget, &answer(0, 1, 1));
    note(&budget, &answer(1, 49, 2));
    assert_eq!(remaining(&budget), Some(49));
}

#[tokio::test(start_paused = true)]
async fn the_servers_clock_may_be_wrong() {
    let budget = Budget::default();
    let began = Instant::now();
    // BEGIN is in 1994; what counts is the distance between two of the server's own times.
    note(&budget, &answer(0, 5, 30));
    assert_eq!(budget.wait(began, 20).unwrap().until, began + seconds(31));
}

#[tokio::test(start_paused = true)]
async fn limits_of_other_resources_and_answers_without_a_clock_are_not_read() {
    let budget = Budget::default();
    let mut search = answer(0, 0, 100);
    search.insert("x-ratelimit-resource", "search".parse().unwrap());
    note(&budget, &search);
    let mut clockless = answer(0, 0, 100);
    clockless.remove("date");
    note(&budget, &clockless);
    note(&budget, &answer(100, 0, 100));
    assert_eq!(remaining(&budget), None);
    let mut unnamed = answer(0, 7, 100);
    unnamed.remove("x-ratelimit-resource");
    note(&budget, &unnamed);
    assert_eq!(remaining(&budget), Some(7));
}

#[tokio::test(start_paused = true)]
async fn a_window_that_never_ends_is_not_believed() {
    let budget = Budget::default();
    // Milliseconds where seconds are meant.
    note(&budget, &answer(0, 5, BEGIN * 999));
    let wait = budget.wait(Instant::now(), 20).unwrap();
    assert_eq!(wait.until, Instant::now() + LONGEST + seconds(1));
}

#[tokio::test(start_paused = true)]
async fn of_two_reasons_to_wait_the_longer_one_is_told() {
    let budget = Budget::default();
    let now = Instant::now();
    note(&budget, &answer(0, 5, 100));
    budget.hold(seconds(50), now);
    assert!(budget.wait(now, 20).unwrap().reason.contains("5 of 5,000"));
    budget.hold(seconds(500), now);
    let wait = budget.wait(now, 20).unwrap();
    assert_eq!(wait.until, now + seconds(500));
    assert!(wait.reason.contains("pause"), "{}", wait.reason);
}

#[tokio::test(start_paused = true)]
async fn a_refusal_because_nothing_is_left_both_pauses_and_shows_the_window() {
    let budget = Budget::default();
    budget.note(StatusCode::FORBIDDEN, &answer(0, 0, 10), Instant::now());
    let snapshot = budget.snapshot(Instant::now());
    assert_eq!(snapshot.paused_for, Some(seconds(11)));
    assert_eq!(snapshot.remaining, Some(0));
}
