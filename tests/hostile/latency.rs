//! What a neighbour on the same thread feels of guests that spin, and when these are stopped.

use crate::arena::{Arena, dispatch, expect_stop, limits, seen};
use host_harness::engine::{CallErrorKind, Limits};
use serde_json::{Value, json};
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// CPU time that the guests which spin have.
const BUDGET: Duration = Duration::from_millis(500);
/// Time between two ticks while a guest is on a CPU.
const TICK: Duration = Duration::from_millis(1);
/// Calls of the neighbour that are measured at a time.
const CALLS: usize = 100;
/// How often a machine with other things to do may spoil a measurement.
const TRIES: usize = 4;

/// Past the test program's capture: these figures are for people who look at a run that passes.
fn print(text: &str) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A place where so many guests together spin for the budget of one.
async fn arena(spinning: u32) -> Arena {
    Arena::with(Limits {
        cpu: BUDGET / spinning,
        wall: Duration::from_secs(60),
        ..limits()
    })
    .await
}

struct Felt {
    median: Duration,
    p99: Duration,
}

impl std::fmt::Display for Felt {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "median {:.1?}, p99 {:.1?}", self.median, self.p99)
    }
}

/// How long the neighbour's calls take, one after the other: each is one request to its server.
async fn felt(arena: &Arena, path: &str) -> Felt {
    let mut took = Vec::new();
    for _ in 0..CALLS {
        let began = Instant::now();
        let with = json!({ "path": path });
        seen(dispatch(&arena.runtime, &arena.neighbour, "neighbour", with).await);
        took.push(began.elapsed());
    }
    took.sort();
    Felt {
        median: took[CALLS / 2],
        p99: took[CALLS * 99 / 100 - 1],
    }
}

/// The same, while so many guests of the attacker spin: whenever one is stopped, the next begins.
async fn felt_beside(spinning: u32, arena: &Arena, path: &str) -> Felt {
    let enough = Arc::new(AtomicBool::new(false));
    let spin = || {
        let (runtime, attacker) = (arena.runtime.clone(), arena.attacker.clone());
        let (enough, kind) = (enough.clone(), CallErrorKind::Cpu(arena.limits.cpu));
        async move {
            while !enough.load(Ordering::Relaxed) {
                let error = dispatch(&runtime, &attacker, "spin_in_wasm", Value::Null).await;
                expect_stop(&error.unwrap_err(), &kind);
            }
        }
    };
    let spinners: Vec<_> = (0..spinning).map(|_| tokio::spawn(spin())).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let felt = felt(arena, path).await;
    enough.store(true, Ordering::Relaxed);
    for spinner in spinners {
        spinner.await.unwrap();
    }
    felt
}

#[tokio::test]
async fn a_guest_that_spins_is_stopped_within_its_budget_and_one_tick() {
    let _alone = crate::MEASURING.write().await;
    let mut overrun = Duration::MAX;
    for _ in 0..TRIES {
        let arena = arena(1).await;
        for _ in 0..5 {
            let error = arena.stopped("spin_in_wasm", Value::Null).await;
            expect_stop(&error, &CallErrorKind::Cpu(BUDGET));
        }
        let mut used: Vec<Duration> = arena.log().iter().filter_map(|line| used(line)).collect();
        used.sort();
        assert_eq!(used.len(), 5);
        overrun = used[2] - BUDGET;
        print(&format!(
            "guests that spin, on one thread, CPU budget {BUDGET:?}: stopped after {used:.1?}"
        ));
        // A sleep of the system lasts a tenth longer than it should.
        if overrun <= TICK + TICK / 5 {
            return;
        }
    }
    panic!("{overrun:?} too late");
}

/// "… it has used 500.3ms of CPU time"
fn used(line: &str) -> Option<Duration> {
    let (_, rest) = line.split_once("it has used ")?;
    let milliseconds: f64 = rest.split_once("ms")?.0.parse().ok()?;
    Some(Duration::from_secs_f64(milliseconds / 1_000.0))
}

async fn expect_latency_kept(spinning: u32) {
    let _alone = crate::MEASURING.write().await;
    for _ in 0..TRIES {
        let arena = arena(spinning).await;
        let quiet = felt(&arena, "/slow").await;
        let beside = felt_beside(spinning, &arena, "/slow").await;
        print(&format!(
            "a neighbour on one thread, its server answers after 20 ms: {quiet}; beside {spinning} guests that spin: \
             {beside}"
        ));
        if beside.p99 <= quiet.p99 * 2 {
            return;
        }
    }
    panic!("the neighbour's latency was not kept");
}

#[tokio::test]
async fn a_neighbour_of_a_guest_that_spins_keeps_its_latency() {
    expect_latency_kept(1).await;
}

#[tokio::test]
async fn a_neighbour_of_ten_guests_that_spin_keeps_its_latency() {
    expect_latency_kept(10).await;
}

/// Without a bound that means much: with a server that takes no time, what is measured is the slices alone.
#[tokio::test]
async fn a_neighbour_whose_server_answers_at_once_waits_for_a_few_slices() {
    let _alone = crate::MEASURING.write().await;
    for spinning in [1, 10] {
        let arena = arena(spinning).await;
        let quiet = felt(&arena, "/fine").await;
        let beside = felt_beside(spinning, &arena, "/fine").await;
        print(&format!(
            "a neighbour on one thread, its server answers at once: {quiet}; beside {spinning} guests that spin: {beside}"
        ));
        assert!(beside.median < Duration::from_millis(100), "{beside}");
    }
}
