//! Whole runs through `serve`, with its journal on the disk: claimed, acked, dispatched, three deliveries, reported. What the process takes, how soon it is there, and how both grow.

use super::measure::{Spread, each};
use super::served::{Served, World};
use super::{BenchError, Effort, cache, journal};
use serde::Serialize;
use std::path::Path;
use std::time::{Duration, Instant};

/// Runs in a round.
const RUNS: usize = 1_000;

/// Numbers of installations.
const INSTALLATIONS: [usize; 4] = [1, 10, 100, 1_000];

/// Numbers of runs that the journal holds already.
const JOURNALED: [usize; 2] = [100, 100_000];

/// How long an idle process is looked at, so that what it does anyhow is not counted among its runs.
const IDLE: Duration = Duration::from_secs(3);

/// What a run costs.
#[derive(Debug, Serialize)]
pub struct Row {
    /// How many installations share the process.
    pub installations: usize,
    /// How many runs the journal held before.
    pub journaled: usize,
    /// CPU time of the process for a run, in microseconds, without what it does when idle.
    pub run: Spread,
    /// Runs that ended in a second, with both simulators on the same machine.
    pub runs_a_second: Spread,
    /// CPU time of the idle process, in microseconds a second.
    pub idle: f64,
    /// What it has allocated, in bytes: idle at first.
    pub memory: u64,
}

/// How soon a process is there, in milliseconds.
#[derive(Debug, Serialize)]
pub struct Start {
    /// Until it listens, where the component has to be compiled.
    pub compiling: f64,
    /// Until it listens, where it is compiled already.
    pub warm: Spread,
    /// Until Port has been asked for runs, warm.
    pub first_claim: Spread,
    /// From a pressed button until GitHub is asked to start the workflow, of an idle host, in milliseconds.
    pub pressed_to_github: Spread,
}

/// Measures runs.
pub async fn measure(component: &Path, effort: Effort) -> Result<Vec<Row>, BenchError> {
    let cache = cache()?;
    let mut rows = Vec::new();
    let most = if effort.divide > 1 { 10 } else { 1_000 };
    for installations in INSTALLATIONS.into_iter().filter(|number| *number <= most) {
        rows.push(row(component, cache.path(), (installations, 0), effort).await?);
    }
    for journaled in JOURNALED {
        let journaled = journaled / effort.divide;
        rows.push(row(component, cache.path(), (1, journaled), effort).await?);
    }
    Ok(rows)
}

async fn row(
    component: &Path,
    cache: &Path,
    (installations, journaled): (usize, usize),
    effort: Effort,
) -> Result<Row, BenchError> {
    let world = World::build(component, installations).await?;
    if journaled > 0 {
        journal::fill(&world.journal(), journaled)?;
    }
    let served = world.serve(cache)?;
    // Connections, tokens, the first claims.
    let runs = effort.operations(RUNS);
    world.run(installations.max(50)).await?;
    let memory = served.memory();
    let idle = idle(&served).await;
    let (mut costs, mut rates) = (Vec::new(), Vec::new());
    for _ in 0..effort.rounds.min(3) {
        let (began, before) = (Instant::now(), served.cpu());
        world.run(runs).await?;
        let (took, cpu) = (began.elapsed(), served.cpu().saturating_sub(before));
        costs.push(each(cpu.saturating_sub(took.mul_f64(idle / 1e6)), runs));
        rates.push(1e6 / each(took, runs));
        world.github.clear_log();
        world.port.clear_log();
    }
    Ok(Row {
        installations,
        journaled,
        run: Spread::of(costs),
        runs_a_second: Spread::of(rates),
        idle,
        memory,
    })
}

/// CPU time of a process that has nothing to do, in microseconds a second.
async fn idle(served: &Served) -> f64 {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (began, before) = (Instant::now(), served.cpu());
    tokio::time::sleep(IDLE).await;
    let cpu = served.cpu().saturating_sub(before);
    cpu.as_secs_f64() * 1e6 / began.elapsed().as_secs_f64()
}

/// Measures starts.
pub async fn starts(component: &Path, effort: Effort) -> Result<Start, BenchError> {
    let cache = cache()?;
    let world = World::build(component, 1).await?;
    let compiling = milliseconds(world.serve(cache.path())?.listening);
    let (mut warm, mut first_claims, mut pressed) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..effort.rounds {
        let claims = world.port.count("claim");
        let served = world.serve(cache.path())?;
        warm.push(milliseconds(served.listening));
        let has_claimed = |port: &crate::simulator::port::Port| port.count("claim") > claims;
        world
            .port
            .wait_until(Duration::from_secs(10), has_claimed)
            .await;
        first_claims.push(milliseconds(served.began.elapsed()));
        // Somewhere between two claims.
        tokio::time::sleep(Duration::from_millis(1_370)).await;
        let dispatches = world.github.count("dispatch");
        let began = Instant::now();
        world.press(0);
        let has_come =
            |github: &crate::simulator::github::GitHub| github.count("dispatch") > dispatches;
        world
            .github
            .wait_until(Duration::from_secs(10), has_come)
            .await;
        pressed.push(milliseconds(began.elapsed()));
    }
    Ok(Start {
        compiling,
        warm: Spread::of(warm),
        first_claim: Spread::of(first_claims),
        pressed_to_github: Spread::of(pressed),
    })
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
