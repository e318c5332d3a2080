//! After a failure to start a run: try again, look what became of it, or give up.
//!
//! | failure | next |
//! |---|---|
//! | `rate-limited` with a time | after that time |
//! | `rate-limited` without one | after a minute, then twice as long each time (GitHub, "Best practices": at least a minute, then exponentially longer) |
//! | `unavailable` | with growing pauses, for about six minutes |
//! | `unauthorized` | once more: the host may have had an old token |
//! | `ambiguous` | as a new attempt, which looks before it sends; three times |
//! | any other | never |

use super::backoff;
use crate::contract::{Failure, FailureKind};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How often a server that cannot be reached is asked again before the run fails. With the pauses of [`backoff`],
/// about six minutes.
const UNAVAILABLE_TRIES: u32 = 12;
/// How often an attempt with an unknown outcome is looked into before a person has to.
pub(super) const AMBIGUOUS_TRIES: u32 = 3;
/// Pause before looking into an attempt with an unknown outcome: a run that was created shows up within seconds.
const AMBIGUOUS_PAUSE: Duration = Duration::from_secs(2);
/// Longest pause that is believed: GitHub's quota comes back within the hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(65 * 60);
/// How often a run may be told to wait. At an hour each, two days.
const RATE_LIMIT_TRIES: u32 = 48;

/// What has gone wrong so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tally {
    unavailable: u32,
    unauthorized: bool,
    limited: u32,
    /// Of those, without a time, since the last with one.
    limited_without_time: u32,
}

/// What a failure to start allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NextTry {
    /// Again after a pause.
    After {
        /// How long.
        pause: Duration,
        /// Whether all runs of the installation have to wait as well.
        hold: bool,
    },
    /// Again, now.
    AtOnce,
    /// Only as a new attempt, after a pause: it looks before it sends.
    LookFirst(Duration),
    /// Not at all.
    Never,
}

impl Tally {
    /// Decides, and counts the failure. `limit_pause` is the first pause where the server wants one and does not say
    /// how long.
    pub(super) fn next_try(
        &mut self,
        failure: &Failure,
        attempt: u32,
        limit_pause: Duration,
    ) -> NextTry {
        match &failure.kind {
            FailureKind::RateLimited(seconds) if self.limited < RATE_LIMIT_TRIES => {
                self.limited += 1;
                self.limited_for(*seconds, limit_pause)
            }
            FailureKind::Unavailable if self.unavailable < UNAVAILABLE_TRIES => {
                let pause = backoff::delay(self.unavailable);
                self.unavailable += 1;
                NextTry::After { pause, hold: false }
            }
            FailureKind::Unauthorized if !self.unauthorized => {
                self.unauthorized = true;
                NextTry::AtOnce
            }
            kind if attempt < AMBIGUOUS_TRIES
                && is_unknown(kind, failure.request_sent, attempt) =>
            {
                NextTry::LookFirst(AMBIGUOUS_PAUSE)
            }
            _ => NextTry::Never,
        }
    }

    fn limited_for(&mut self, seconds: Option<u32>, limit_pause: Duration) -> NextTry {
        if let Some(seconds) = seconds {
            self.limited_without_time = 0;
            let pause = Duration::from_secs(u64::from(seconds)).min(LONGEST_PAUSE);
            return NextTry::After { pause, hold: false };
        }
        let pause = limit_pause
            .saturating_mul(2u32.saturating_pow(self.limited_without_time))
            .min(LONGEST_PAUSE);
        self.limited_without_time += 1;
        NextTry::After { pause, hold: true }
    }
}

/// Whether nobody knows what became of the attempt.
fn is_unknown(kind: &FailureKind, request_sent: bool, attempt: u32) -> bool {
    match kind {
        FailureKind::Ambiguous => true,
        // A kind that this host doesn't know: the fact whether something was sent decides.
        FailureKind::Other(_) => request_sent,
        // The look itself failed, which says nothing about what an earlier try has started.
        FailureKind::Internal => attempt > 1,
        _ => false,
    }
}

/// After an attempt with an unknown outcome, no failure may sound as if nothing had been started.
pub(super) fn after_an_earlier_try(failure: Failure) -> Failure {
    if failure.kind == FailureKind::Ambiguous {
        return failure;
    }
    Failure {
        kind: FailureKind::Ambiguous,
        message: format!(
            "An earlier try may have started the run, and it could not be found out whether it did: {}",
            failure.message
        ),
        remedy: Some(
            "Look on the server for what was started; start it again only if nothing is there."
                .to_owned(),
        ),
        ..failure
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(kind: FailureKind) -> Failure {
        Failure {
            kind,
            code: "c".to_owned(),
            message: "It broke.".to_owned(),
            remedy: None,
            request_sent: false,
        }
    }

    const MINUTE: Duration = Duration::from_secs(60);

    fn pauses(kind: &FailureKind, times: usize) -> Vec<u64> {
        let mut tally = Tally::default();
        let next = |tally: &mut Tally| match tally.next_try(&failure(kind.clone()), 1, MINUTE) {
            NextTry::After { pause, .. } => pause.as_secs(),
            other => panic!("{other:?}"),
        };
        (0..times).map(|_| next(&mut tally)).collect()
    }

    #[test]
    fn a_limit_with_a_time_is_obeyed_and_one_without_doubles_from_a_minute() {
        assert_eq!(pauses(&FailureKind::RateLimited(Some(7)), 3), [7, 7, 7]);
        assert_eq!(
            pauses(&FailureKind::RateLimited(None), 8),
            [60, 120, 240, 480, 960, 1920, 3840, 3900]
        );
    }

    #[test]
    fn a_limit_without_a_time_holds_the_whole_installation_and_one_with_is_held_by_egress() {
        let next = |seconds| {
            let kind = FailureKind::RateLimited(seconds);
            Tally::default().next_try(&failure(kind), 1, MINUTE)
        };
        assert!(matches!(next(None), NextTry::After { hold: true, .. }));
        assert!(matches!(next(Some(1)), NextTry::After { hold: false, .. }));
    }

    #[test]
    fn nobody_waits_for_ever() {
        for kind in [FailureKind::RateLimited(Some(1)), FailureKind::Unavailable] {
            let mut tally = Tally::default();
            let mut tries = 0;
            while tally.next_try(&failure(kind.clone()), 1, MINUTE) != NextTry::Never {
                tries += 1;
                assert!(tries < 100, "{kind:?}");
            }
        }
    }
}
