//! How often Port is asked for runs when there are none.
//!
//! Port has two lists, of action runs and of workflow node runs, and no way to wait for either. A list that offers runs
//! is asked again at once. An idle one is asked once in an interval, a second by default, so that a run waits half a
//! second for a host that has nothing to do. The list of node runs is asked a fifth as often when it has offered nothing
//! for ten minutes, since most installations never have any; the one of action runs keeps its interval, since a button
//! that was not pressed all night is to work at once in the morning. At idle that makes 60 + 12 requests a minute for an
//! installation, and one more for whether action processing is on.
//!
//! After a failure the pauses double up to a minute, and are at least what Port asks for.

use std::time::Duration;
use tokio::time::Instant;

/// How long a list has to offer nothing before it is asked less often.
const QUIET: Duration = Duration::from_secs(10 * 60);
/// How many intervals pass between two claims of a quiet list.
const SLOWER: u32 = 5;
/// Longest pause after claims that failed.
const LONGEST: Duration = Duration::from_secs(60);

/// When one list is due.
#[derive(Debug, Clone)]
pub struct Pace {
    interval: Duration,
    may_slow_down: bool,
    failures: u32,
    /// When it last offered something.
    offered: Option<Instant>,
    due: Instant,
}

impl Pace {
    /// A list that is due now. One that may not slow down is asked every `interval`, however quiet it is.
    pub fn new(interval: Duration, may_slow_down: bool, now: Instant) -> Pace {
        Pace {
            interval,
            may_slow_down,
            failures: 0,
            // As if it had: nobody knows yet.
            offered: Some(now),
            due: now,
        }
    }

    /// When it is due.
    pub fn due(&self) -> Instant {
        self.due
    }

    /// It offered so many runs.
    pub fn answered(&mut self, runs: usize, now: Instant) {
        self.failures = 0;
        if runs > 0 {
            self.offered = Some(now);
            self.due = now;
            return;
        }
        let is_lively = self
            .offered
            .is_some_and(|offered| now.duration_since(offered) < QUIET);
        let slower = if is_lively || !self.may_slow_down {
            1
        } else {
            SLOWER
        };
        self.due = now + self.interval * slower;
    }

    /// It could not be asked; `asked_for` is the pause that Port wants.
    pub fn failed(&mut self, asked_for: Option<Duration>, now: Instant) {
        let pause = self
            .interval
            .saturating_mul(2u32.saturating_pow(self.failures))
            .min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        self.due = now + asked_for.map_or(pause, |asked| asked.max(pause));
    }

    /// There is no room for more runs: not before an interval has passed.
    pub fn hold(&mut self, now: Instant) {
        self.due = now + self.interval;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_list_that_offers_runs_is_asked_again_at_once_and_an_idle_one_after_the_interval() {
        let now = Instant::now();
        let mut pace = Pace::new(SECOND, true, now);
        pace.answered(3, now);
        assert_eq!(pace.due(), now);
        pace.answered(0, now);
        assert_eq!(pace.due(), now + SECOND);
    }

    #[test]
    fn at_idle_an_installation_costs_72_requests_a_minute() {
        let now = Instant::now();
        let per_minute = |may_slow_down| {
            let mut pace = Pace::new(SECOND, may_slow_down, now);
            let now = now + QUIET;
            pace.answered(0, now);
            let mut requests = 0;
            while pace.due() <= now + 60 * SECOND {
                requests += 1;
                pace.answered(0, pace.due());
            }
            requests
        };
        assert_eq!((per_minute(false), per_minute(true)), (60, 12));
    }

    #[test]
    fn a_list_that_was_used_is_asked_often_for_a_while() {
        let now = Instant::now();
        let mut pace = Pace::new(SECOND, true, now);
        pace.answered(1, now);
        pace.answered(0, now + QUIET / 2);
        assert_eq!(pace.due(), now + QUIET / 2 + SECOND);
        pace.answered(0, now + QUIET * 2);
        assert_eq!(pace.due(), now + QUIET * 2 + SECOND * SLOWER);
    }

    #[test]
    fn failures_double_the_pause_up_to_a_minute_and_ports_own_wish_counts() {
        let now = Instant::now();
        let mut pace = Pace::new(SECOND, true, now);
        let pauses: Vec<u64> = (0..8)
            .map(|_| {
                pace.failed(None, now);
                (pace.due() - now).as_secs()
            })
            .collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        pace.failed(Some(SECOND * 300), now);
        assert_eq!(pace.due(), now + SECOND * 300);
        pace.answered(0, now);
        pace.failed(None, now);
        assert_eq!(pace.due(), now + SECOND);
    }
}
