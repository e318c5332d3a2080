//! Chance, from one place: everything that is decided by lot asks here.
//!
//! A thread draws from the system's generator, unless a [`Seed`] is planted on it: then everything that happens on that
//! thread is drawn from the seed, and the same seed draws the same.

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::cell::RefCell;

thread_local! {
    static SEEDED: RefCell<Option<StdRng>> = const { RefCell::new(None) };
}

/// A number from 0 to 1, not including 1.
pub fn fraction() -> f64 {
    SEEDED.with_borrow_mut(|seeded| match seeded {
        Some(generator) => generator.random_range(0.0..1.0),
        None => rand::rng().random_range(0.0..1.0),
    })
}

/// A seed for this thread, as long as this lives.
#[derive(Debug)]
pub struct Seed {
    // Not `Send`: it belongs to its thread.
    _thread: std::marker::PhantomData<*const ()>,
}

impl Seed {
    /// From now on this thread draws from the seed.
    #[must_use]
    pub fn plant(seed: u64) -> Seed {
        SEEDED.set(Some(StdRng::seed_from_u64(seed)));
        Seed {
            _thread: std::marker::PhantomData,
        }
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        SEEDED.set(None);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_and_another_draws_something_else() {
        let draw = |seed| {
            let _seed = Seed::plant(seed);
            [fraction(), fraction(), fraction()]
        };
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
        assert_ne!([fraction(), fraction()], [fraction(), fraction()]);
    }
}
