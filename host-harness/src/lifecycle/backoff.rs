//! How long to wait before trying again.

use crate::chance;
use std::time::Duration;

const FIRST: Duration = Duration::from_millis(500);
const LONGEST: Duration = Duration::from_secs(60);
const LONGEST_JITTER: Duration = Duration::from_secs(5);

/// The pause after `failures` failures (0 for the first): doubling from half a second to a minute.
pub(super) fn delay(failures: u32) -> Duration {
    FIRST
        .saturating_mul(2u32.saturating_pow(failures))
        .min(LONGEST)
}

/// A pause with up to a fifth, and no more than five seconds, added by chance, so that runs that failed together do not
/// come back together.
pub(super) fn with_jitter(pause: Duration) -> Duration {
    pause + most_jitter(pause).mul_f64(chance::fraction())
}

fn most_jitter(pause: Duration) -> Duration {
    (pause / 5).min(LONGEST_JITTER)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_a_minute() {
        let pauses: Vec<u64> = (0..10)
            .map(|n| u64::try_from(delay(n).as_millis()).unwrap())
            .collect();
        assert_eq!(
            pauses,
            [
                500, 1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000, 60_000
            ]
        );
    }
}
