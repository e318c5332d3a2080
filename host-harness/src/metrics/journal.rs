//! How it goes with the journal.

use super::Metrics;
use super::label::{Durations, counter, whole};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Seconds of a commit: below a millisecond on a good disk, seconds on one that is about to fail.
const COMMIT: &[f64] = &[
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0,
];
/// Change sets of a commit.
const CHANGE_SETS: [f64; 11] = [
    1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0,
];

#[derive(Debug)]
pub(super) struct Journal {
    commits: Counter,
    change_sets: Histogram,
    commit: Durations,
    errors: Counter,
    size: Gauge,
}

impl Journal {
    pub(super) fn register(registry: &mut Registry) -> Journal {
        let change_sets = Histogram::new(CHANGE_SETS);
        registry.register(
            "journal_commit_change_sets",
            "Change sets that were made durable together in one commit",
            change_sets.clone(),
        );
        let size = Gauge::default();
        registry.register_with_unit(
            "journal_size",
            "Size of the journal's file",
            Unit::Bytes,
            size.clone(),
        );
        Journal {
            commits: counter(registry, "journal_commits", "Commits of the journal"),
            change_sets,
            commit: Durations::register(
                registry,
                "journal_commit_duration",
                "Time that a commit of the journal took",
                COMMIT,
            ),
            errors: counter(
                registry,
                "journal_errors",
                "Times that the journal could not be read or written",
            ),
            size,
        }
    }
}

impl Metrics {
    /// A commit was made durable. Slow commits slow everything, since no effect goes ahead of its entry: the disk is
    /// too slow or shared. Many change sets in one are no trouble: that is how a burst stays fast.
    pub fn journal_committed(&self, change_sets: usize, took: Duration) {
        let journal = &self.families.journal;
        journal.commits.inc();
        // Exact up to 2^53; a commit holds a few thousand at most.
        journal.change_sets.observe(change_sets as f64);
        journal.commit.observe(took);
    }

    /// The journal could not be read or written. Nothing new is taken on while that lasts: the disk is full, read-only
    /// or gone.
    pub fn journal_failed(&self) {
        self.families.journal.errors.inc();
    }

    /// The size of the journal's file now, in bytes. Grows with the runs of the retention time, then stays.
    pub fn set_journal_size(&self, bytes: u64) {
        self.families.journal.size.set(whole(bytes));
    }
}
