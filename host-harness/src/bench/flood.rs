//! Many workflows that end at once: what one more end costs, and what a run that is under way holds.

use super::measure::{Spread, each};
use super::served::World;
use super::{BenchError, Effort, cache};
use serde::Serialize;
use std::path::Path;
use std::time::Instant;

/// Runs that are under way at once.
const RUNS: usize = 2_000;

/// What ends of runs cost.
#[derive(Debug, Serialize)]
pub struct Row {
    /// How many runs were under way.
    pub runs: usize,
    /// CPU time of the process for an end, in microseconds: a delivery verified, written down, decided, and reported to
    /// Port.
    pub end: Spread,
    /// Ends in a second, with both simulators on the same machine.
    pub ends_a_second: Spread,
    /// What a run that is under way holds, in bytes.
    pub memory: u64,
}

impl Row {
    /// Ends that one core can take in a second.
    pub fn a_core(&self) -> f64 {
        1e6 / self.end.median
    }
}

/// Measures it.
pub async fn measure(component: &Path, effort: Effort) -> Result<Row, BenchError> {
    let cache = cache()?;
    let (mut costs, mut rates, mut memories) = (Vec::new(), Vec::new(), Vec::new());
    let runs = effort.operations(RUNS);
    for _ in 0..effort.rounds.min(3) {
        // Several, since the runs of one workflow are started one after the other.
        let world = World::build(component, 20).await?;
        let served = world.serve(cache.path())?;
        world.run(200).await?;
        let idle = served.memory();
        let ids = world.hold(runs).await?;
        memories.push(served.memory().saturating_sub(idle) as f64 / runs as f64);
        let (began, before) = (Instant::now(), served.cpu());
        for run in world.github.runs() {
            world.github.finish(run.id, "success");
        }
        world.ended(&ids).await?;
        costs.push(each(served.cpu().saturating_sub(before), runs));
        rates.push(1e6 / each(began.elapsed(), runs));
    }
    Ok(Row {
        runs,
        end: Spread::of(costs),
        ends_a_second: Spread::of(rates),
        memory: Spread::of(memories).median as u64,
    })
}
