//! Time and CPU time of an operation, in rounds.

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use std::time::{Duration, Instant};

/// What one operation took in one round, in microseconds.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// On all CPUs together.
    pub cpu: f64,
    /// By the clock on the wall, with as many under way as there were.
    pub wall: f64,
}

/// The middle of several rounds, and how far apart they are.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// The median.
    pub median: f64,
    /// The least.
    pub least: f64,
    /// The most.
    pub most: f64,
}

impl Spread {
    /// Of at least one value; without any, zeros.
    pub fn of(values: impl IntoIterator<Item = f64>) -> Spread {
        let mut values: Vec<f64> = values.into_iter().collect();
        values.sort_by(f64::total_cmp);
        let at = |index: usize| values.get(index).copied().unwrap_or_default();
        Spread {
            median: at(values.len() / 2),
            least: at(0),
            most: at(values.len().saturating_sub(1)),
        }
    }

    /// CPU time of rounds.
    pub fn of_cpu(costs: &[Cost]) -> Spread {
        Spread::of(costs.iter().map(|cost| cost.cpu))
    }

    /// Time on the wall of rounds.
    pub fn of_wall(costs: &[Cost]) -> Spread {
        Spread::of(costs.iter().map(|cost| cost.wall))
    }
}

/// The CPU time of this process so far.
pub(super) fn process_cpu() -> Duration {
    cpu(ClockId::ProcessCPUTime)
}

/// The CPU time of this thread so far.
pub(super) fn thread_cpu() -> Duration {
    cpu(ClockId::ThreadCPUTime)
}

fn cpu(clock: ClockId) -> Duration {
    // Neither number is ever negative, and the second is below a billion.
    let now = clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(now.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

/// From the beginning to the end of a round.
pub(super) struct Round {
    began: Instant,
    cpu: Duration,
    others: Duration,
}

impl Round {
    /// Begins; `others` is the CPU time so far of those that only serve.
    pub(super) fn begin(others: Duration) -> Round {
        Round {
            others,
            began: Instant::now(),
            cpu: process_cpu(),
        }
    }

    /// Ends after so many operations.
    pub(super) fn end(self, others: Duration, operations: usize) -> Cost {
        let cpu = process_cpu().saturating_sub(self.cpu);
        let cpu = cpu.saturating_sub(others.saturating_sub(self.others));
        Cost {
            cpu: each(cpu, operations),
            wall: each(self.began.elapsed(), operations),
        }
    }
}

/// Microseconds for each.
pub(super) fn each(time: Duration, operations: usize) -> f64 {
    let operations = u32::try_from(operations.max(1)).unwrap_or(u32::MAX);
    time.as_secs_f64() * 1e6 / f64::from(operations)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_and_the_ends_are_told() {
        let spread = Spread::of([5.0, 1.0, 3.0]);
        assert_eq!((spread.least, spread.median, spread.most), (1.0, 3.0, 5.0));
        assert_eq!(Spread::of([]).median, 0.0);
    }

    #[test]
    fn a_thread_that_waits_takes_no_cpu_and_one_that_works_does() {
        let before = thread_cpu();
        std::thread::sleep(Duration::from_millis(30));
        let waited = thread_cpu().saturating_sub(before);
        let end = Instant::now() + Duration::from_millis(30);
        while Instant::now() < end {}
        let worked = thread_cpu().saturating_sub(before);
        assert!(waited < Duration::from_millis(3), "{waited:?}");
        assert!(worked > waited, "{worked:?}");
        assert!(process_cpu() >= worked);
    }

    #[test]
    fn what_others_have_done_is_taken_off() {
        let round = Round {
            began: Instant::now(),
            cpu: Duration::ZERO,
            others: Duration::from_secs(1),
        };
        // They have taken more since than the process has: nothing is left, and nothing is below zero.
        let cost = round.end(Duration::from_secs(3_600), 10);
        assert_eq!(cost.cpu, 0.0);
        assert_eq!(each(Duration::from_micros(50), 10), 5.0);
    }
}
