//! Chance that repeats: the same seed gives the same numbers, everywhere and for ever.

use crate::simulator::mix;
use std::time::Duration;

/// A sequence of numbers from a seed (SplitMix64).
#[derive(Debug, Clone)]
pub(super) struct Dice {
    seed: u64,
    thrown: u64,
}

impl Dice {
    pub(super) fn new(seed: u64) -> Dice {
        Dice { seed, thrown: 0 }
    }

    /// Dice of its own for one purpose, so that a change there changes nothing elsewhere.
    pub(super) fn fork(&self, purpose: &str) -> Dice {
        let fold = |hash: u64, byte: u8| mix(hash ^ u64::from(byte));
        Dice::new(purpose.bytes().fold(self.seed, fold))
    }

    pub(super) fn next(&mut self) -> u64 {
        self.thrown = self.thrown.wrapping_add(1);
        mix(self
            .seed
            .wrapping_add(self.thrown.wrapping_mul(0x9E37_79B9_7F4A_7C15)))
    }

    /// A number below `end`; 0 if that is 0.
    pub(super) fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).unwrap_or(u64::MAX).max(1);
        usize::try_from(self.next() % end).unwrap_or_default()
    }

    /// True in so many of a hundred cases.
    pub(super) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// A time from `first` to `last`, to the millisecond.
    pub(super) fn between(&mut self, first: Duration, last: Duration) -> Duration {
        let span = last.saturating_sub(first).as_millis();
        let more = self.below(
            usize::try_from(span)
                .unwrap_or(usize::MAX)
                .saturating_add(1),
        );
        first + Duration::from_millis(u64::try_from(more).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_throws_the_same_and_another_does_not() {
        let throw = |seed| -> Vec<u64> {
            let mut dice = Dice::new(seed);
            (0..10).map(|_| dice.next()).collect()
        };
        assert_eq!(throw(1), throw(1));
        assert_ne!(throw(1), throw(2));
    }

    #[test]
    fn a_fork_does_not_depend_on_what_was_thrown_before() {
        let mut dice = Dice::new(1);
        let before = dice.fork("kills").next();
        dice.next();
        assert_eq!(dice.fork("kills").next(), before);
        assert_ne!(dice.fork("runs").next(), before);
    }

    #[test]
    fn times_lie_between_their_bounds() {
        let (first, last) = (Duration::from_millis(20), Duration::from_millis(25));
        let mut dice = Dice::new(3);
        let drawn: Vec<Duration> = (0..200).map(|_| dice.between(first, last)).collect();
        assert!(drawn.iter().all(|time| (first..=last).contains(time)));
        assert!(drawn.contains(&first) && drawn.contains(&last));
    }
}
