//! How guests share a thread: what happens to one that is still running at a tick.
//!
//! A guest that has used little goes on at once or after its neighbours. One that has used much takes turns with all
//! others of its kind on the thread: however many of them spin, a neighbour that has something to do waits for one slice
//! of one of them and not for a slice of each.

use super::meter::Meter;
use super::ticker::SLICE;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Running time after which a guest counts as one that uses much. Twenty times what a usual call takes.
const MUCH: Duration = Duration::from_millis(2);

/// What happens to a guest at a tick.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AtTick {
    /// It has just begun to run: the tick fell into its time by chance.
    GoOn,
    /// Everybody else on the thread has a turn first.
    Yield,
    /// It waits until no other guest that uses much has its turn.
    TakeTurns,
    /// It has used up its time.
    Stop,
}

/// Decides it. `used` is its running time in all, `at_a_stretch` the part since it last waited, `budget` what it may
/// use.
pub(super) fn at_tick(used: Duration, at_a_stretch: Duration, budget: Duration) -> AtTick {
    if used >= budget {
        AtTick::Stop
    } else if at_a_stretch < SLICE / 2 {
        AtTick::GoOn
    } else if used < MUCH {
        AtTick::Yield
    } else {
        AtTick::TakeTurns
    }
}

/// The turn of a guest that uses much: there is one on each thread.
pub(super) type Turn = OwnedSemaphorePermit;

/// Lets everybody else on the thread run.
pub(super) fn give_way() -> Pin<Box<dyn Future<Output = ()> + Send>> {
    // Not the engine's own yield: woken at once, it would land in the runtime's slot for the next task and run again
    // before any neighbour (wasmtime#10667).
    Box::pin(tokio::task::yield_now())
}

/// Waits for the turn on this thread, and then lets everybody else run once more. The meter gives the turn back when the
/// guest stops running.
pub(super) fn take_turns(meter: Arc<Meter>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    thread_local! {
        static TURN: Arc<Semaphore> = Arc::new(Semaphore::new(1));
    }
    let turn = TURN.with(Arc::clone);
    Box::pin(async move {
        // Never closed, so never an error.
        let turn = turn.acquire_owned().await.ok();
        // After the turn has come and not before: whoever gets it is woken at once, and would otherwise run before the
        // runtime has looked at sockets and timers.
        tokio::task::yield_now().await;
        meter.hold(turn);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BUDGET: Duration = Duration::from_secs(2);

    fn after(used_ms: u64, stretch_us: u64) -> AtTick {
        at_tick(
            Duration::from_millis(used_ms),
            Duration::from_micros(stretch_us),
            BUDGET,
        )
    }

    #[test]
    fn a_usual_call_that_meets_a_tick_goes_on() {
        assert_eq!(after(0, 80), AtTick::GoOn);
        assert_eq!(after(1_900, 80), AtTick::GoOn);
    }

    #[test]
    fn who_runs_for_a_whole_slice_gives_way_and_who_uses_much_takes_turns() {
        assert_eq!(after(1, 1_000), AtTick::Yield);
        assert_eq!(after(30, 1_000), AtTick::TakeTurns);
    }

    #[test]
    fn nobody_runs_beyond_the_budget() {
        assert_eq!(after(2_000, 80), AtTick::Stop);
        assert_eq!(after(2_000, 1_000), AtTick::Stop);
    }

    #[tokio::test]
    async fn only_one_of_those_that_use_much_has_its_turn_on_a_thread() {
        let meters: Vec<Arc<Meter>> = (0..3).map(|_| Meter::new()).collect();
        let waiting: Vec<_> = meters
            .iter()
            .map(|meter| tokio::spawn(take_turns(meter.clone())))
            .collect();
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        let done = |waiting: &[tokio::task::JoinHandle<()>]| {
            waiting.iter().filter(|one| one.is_finished()).count()
        };
        assert_eq!(done(&waiting), 1);
        for meter in &meters {
            meter.pause();
        }
        for _ in 0..20 {
            tokio::task::yield_now().await;
        }
        assert_eq!(done(&waiting), 2);
    }
}
