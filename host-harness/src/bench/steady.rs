//! Workflows that end one after another for some seconds, as many a second as are to be borne: whether those that wait
//! become more.

use super::measure::{Spread, each};
use super::served::World;
use super::{BenchError, Effort, cache};
use serde::Serialize;
use std::collections::HashMap;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio::time::{MissedTickBehavior, interval};

/// Ends a second: a little more than the 2,000 that one core is to bear, so that they really come. The machine has both
/// simulators to bear as well.
const RATE: usize = 2_100;

/// Runs that end: for four seconds.
const RUNS: usize = 4 * RATE;

/// How often some end, and those are counted that wait.
const TICK: Duration = Duration::from_millis(10);
const A_TICK: usize = RATE / 100;

/// What became of it.
#[derive(Debug, Serialize)]
pub struct Row {
    /// How many runs ended.
    pub runs: usize,
    /// Ends a second that there really were, from the first to the last that Port knows of.
    pub ends_a_second: f64,
    /// CPU time of the process for an end, in microseconds.
    pub end: f64,
    /// Ends at least ten milliseconds old that Port did not know of, from time to time: in the first half of the time, and
    /// in the second.
    pub waiting: [Spread; 2],
}

/// Measures it.
pub async fn measure(component: &Path, effort: Effort) -> Result<Row, BenchError> {
    let cache = cache()?;
    let world = World::build(component, 20).await?;
    let served = world.serve(cache.path())?;
    world.run(200).await?;
    let runs = effort.operations(RUNS);
    let held = world.hold(runs).await?;
    let (began, before) = (Instant::now(), served.cpu());
    let waiting = end_all(&world, &held).await?;
    let (took, cpu) = (began.elapsed(), served.cpu().saturating_sub(before));
    let (first, second) = waiting.split_at(waiting.len() / 2);
    let spread = |half: &[usize]| Spread::of(half.iter().map(|number| *number as f64));
    Ok(Row {
        runs,
        ends_a_second: 1e6 / each(took, runs),
        end: each(cpu, runs),
        waiting: [spread(first), spread(second)],
    })
}

/// Ends all runs in their turn. Returns how many ends Port did not know of after a tick, at each of them.
async fn end_all(world: &World, held: &[String]) -> Result<Vec<usize>, BenchError> {
    let of_github: HashMap<String, u64> = world
        .github
        .runs()
        .into_iter()
        .map(|run| (run.external_id, run.id))
        .collect();
    let on_github = |id: &String| {
        let external_id = world.port.run(id)?.external_run_id?;
        Some((*of_github.get(&external_id)?, id.clone()))
    };
    let runs: Vec<(u64, String)> = held.iter().filter_map(on_github).collect();
    let mut ticks = interval(TICK);
    // Both simulators share this thread and have to have their turns.
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let (mut unknown, mut waiting) = (Vec::<String>::new(), Vec::new());
    for some in runs.chunks(A_TICK) {
        ticks.tick().await;
        unknown.retain(|id| !world.has_succeeded(id));
        waiting.push(unknown.len());
        for (run, id) in some {
            world.github.finish(*run, "success");
            unknown.push(id.clone());
        }
    }
    world.ended(held).await?;
    Ok(waiting)
}
