//! The journal: what the host has to know again after it was killed.
//!
//! What starts, takes or gives back a run is written here *before* its effect leaves the process, and every webhook delivery
//! before it is answered; what a restart would hear once more is written soon ([`Journal::later`]). So whatever is killed, a
//! restart reads from the journal what may have happened and goes on from there.
//!
//! | table | holds | for how long |
//! |---|---|---|
//! | `run` | each run: Port's order, where it stands, its external run id | until pruned, some days after its end |
//! | `call` | the outbox: what Port still has to be told, in order | until Port has it |
//! | `delivery` | the inbox: deliveries that were answered with 2xx | the body until handled, the id until pruned |
//! | `note` | what happened to each run, in words | as long as the run |
//!
//! Writers hand over *change sets* ([`Change`]); one writer commits them in groups, so that a hundred runs that move
//! at once cost one wait for the disk ([`Journal`]). What a store has to be able to do is the trait [`Store`]; the suite
//! in `conformance` says it in tests. There are two: [`Sqlite`] in a file, and [`Memory`] for the demo and tests,
//! which forgets when the process ends.

#[cfg(test)]
mod conformance;
mod crash;
mod memory;
mod record;
mod sqlite;
mod writer;

pub use crash::{CrashPoint, VARIABLE as CRASH_VARIABLE};
pub use memory::Memory;
pub use record::{
    Call, Change, ChangeSet, Committed, Delivery, DeliveryKey, Filter, History, Moved, Note, Phase,
    Restored, Run, RunKey, StoredRun, Taken,
};
pub use sqlite::{Sqlite, SqliteOptions};
pub use writer::{Health, Journal};

/// What can go wrong with a journal.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum JournalError {
    /// It cannot be opened at all.
    #[error("the journal {path} cannot be opened: {reason}")]
    Open {
        /// Where it is.
        path: String,
        /// What the system or the database said.
        reason: String,
    },
    /// Another process uses it. Two hosts on one journal would start each run twice.
    #[error(
        "the journal {path} is in use by another process: stop that one first, or give this host a journal of its own"
    )]
    InUse {
        /// Where it is.
        path: String,
    },
    /// A change could not be made durable. Nothing of its group was.
    #[error("the journal cannot be written: {0}; runs wait until it can")]
    Unwritable(String),
    /// It cannot be read, or what was read is not what a host has written.
    #[error("the journal cannot be read: {0}")]
    Unreadable(String),
    /// There is no thread for its writer.
    #[error("the journal's thread cannot be started: {0}; look at the limits of the process")]
    Thread(String),
    /// The writer has ended with the process.
    #[error("the journal is closed")]
    Closed,
}

/// A place that keeps the journal. One at a time writes to it.
///
/// A store decides nothing. It must keep this: a group is kept whole or not at all; once [`Store::commit`] has returned
/// without an error, the group outlives the process and, where the store is durable at all, a loss of power.
pub trait Store: Send {
    /// Makes a group of change sets durable, in order. One answer for each set.
    fn commit(&mut self, group: &[ChangeSet]) -> Result<Vec<Committed>, JournalError>;

    /// Everything that was under way: for the start of a host. External run ids are also given of the `ended` runs that
    /// ended last. By number and not by time: clocks jump.
    fn restore(&mut self, ended: u32) -> Result<Restored, JournalError>;

    /// External run ids of an installation's newest runs, at most so many.
    fn external_ids(&mut self, installation: &str, most: u32) -> Result<Vec<String>, JournalError>;

    /// A delivery that waits, whole.
    fn delivery(&mut self, key: &DeliveryKey) -> Result<Option<Delivery>, JournalError>;

    /// Runs for people to look at, newest first.
    fn list(&mut self, filter: &Filter) -> Result<Vec<Run>, JournalError>;

    /// All about one run of Port; it may be known to several installations.
    fn history(&mut self, run: &str) -> Result<Vec<History>, JournalError>;

    /// Forgets runs that finished before this moment, deliveries that were handled before it, and those that came before it
    /// and that nobody has handled. Returns how many rows went.
    fn prune(&mut self, before: u64) -> Result<u64, JournalError>;

    /// Bytes that the journal takes up, if that can be said.
    fn size(&self) -> Option<u64>;

    /// Whether its functions wait for something, a disk or a server. Then it has a thread of its own, so that nobody else
    /// waits with it.
    fn waits(&self) -> bool;
}
