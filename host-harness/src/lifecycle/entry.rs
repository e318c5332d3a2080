//! One run in memory: its life, its outbox, and what happens to it in order.
//!
//! A run has no task of its own. Whatever happens to it is put into its queue; whoever finds the queue idle works it off
//! (`driver`). A run that waits is an entry in a map and a timer.

use super::Source;
use super::decision::{End, Event, Life, State};
use super::mark::Mark;
use super::outbox::{Fate, Outbox};
use super::report::{PortCall, Reporter};
use crate::clock;
use crate::contract;
use crate::journal::{self, Change, JournalError, Phase, RunKey, StoredRun};
use crate::port::RunKind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// One run: what stays the same, and what changes.
pub(super) struct Entry {
    pub(super) key: RunKey,
    pub(super) kind: RunKind,
    /// What a claim can exclude.
    pub(super) action: Option<String>,
    pub(super) source: Arc<Source>,
    /// The run as the plugin gets it; none if it could not be read.
    pub(super) order: Option<contract::Run>,
    pub(super) claimed_at: u64,
    inner: Mutex<Inner>,
}

/// What changes.
pub(super) struct Inner {
    pub(super) life: Life,
    pub(super) queue: VecDeque<Happened>,
    /// Whether somebody works the queue off.
    pub(super) is_busy: bool,
    /// Whether the journal knows the run.
    pub(super) is_journaled: bool,
    pub(super) external_run_id: Option<String>,
    pub(super) started_at: Option<u64>,
    pub(super) finished_at: Option<u64>,
    /// When the first attempt began.
    pub(super) first_began: Option<u64>,
    /// When the state was entered.
    pub(super) since: u64,
    pub(super) notes: u32,
    pub(super) outbox: Outbox,
    pub(super) reporter: Reporter,
    /// Whether it waits for its turn.
    pub(super) is_lined_up: bool,
    pub(super) has_turn: bool,
    /// Whether the event that uses the turn is on its way.
    pub(super) turn_is_pending: bool,
    /// Whether it keeps its partition without having a turn: what its attempt came to is not known yet.
    pub(super) holds_partition: bool,
    pub(super) is_checking: bool,
    /// Whether it has finished and is in no list any more.
    pub(super) is_gone: bool,
    /// Whether it is counted as one that waits to be started.
    pub(super) counts_as_waiting: bool,
    pub(super) timers: Timers,
    /// What there was to say about the last event.
    pub(super) words: String,
    /// When a delivery told the end.
    pub(super) heard_end: Option<Instant>,
}

/// Something that happened to a run.
pub(super) struct Happened {
    pub(super) what: What,
    /// The delivery that told it: marked as handled with it, or after the rest of its news.
    pub(super) mark: Option<Mark>,
    /// Told when it is durable.
    pub(super) reply: Option<oneshot::Sender<Result<(), JournalError>>>,
}

/// What.
pub(super) enum What {
    /// Something in its life.
    Life(Event),
    /// The first call of the outbox has met its fate.
    Call(Fate),
}

impl Happened {
    pub(super) fn life(event: Event) -> Happened {
        Happened {
            what: What::Life(event),
            mark: None,
            reply: None,
        }
    }
}

/// The timers of a run. Setting one replaces it.
#[derive(Default)]
pub(super) struct Timers {
    pub(super) wake: Option<AbortHandle>,
    pub(super) listen: Option<AbortHandle>,
    pub(super) deadline: Option<AbortHandle>,
}

impl Timers {
    pub(super) fn stop(&mut self) {
        for timer in [&mut self.wake, &mut self.listen, &mut self.deadline] {
            set(timer, None);
        }
    }
}

/// Replaces a timer.
pub(super) fn set(timer: &mut Option<AbortHandle>, new: Option<AbortHandle>) {
    if let Some(old) = std::mem::replace(timer, new) {
        old.abort();
    }
}

/// What the journal keeps as a run's life.
#[derive(Serialize, Deserialize)]
struct Stored {
    life: Life,
    output: Map<String, Value>,
    first_began: Option<u64>,
    since: u64,
}

impl Entry {
    /// A run that was just claimed.
    pub(super) fn claimed(
        key: RunKey,
        kind: RunKind,
        action: Option<String>,
        source: Arc<Source>,
        order: Option<contract::Run>,
    ) -> Entry {
        let now = clock::timestamp();
        Entry {
            key,
            kind,
            action,
            source,
            order,
            claimed_at: now,
            inner: Mutex::new(Inner {
                life: Life::new(),
                queue: VecDeque::new(),
                is_busy: false,
                is_journaled: false,
                external_run_id: None,
                started_at: None,
                finished_at: None,
                first_began: None,
                since: now,
                notes: 0,
                outbox: Outbox::default(),
                reporter: Reporter::new(kind, Map::new()),
                is_lined_up: false,
                has_turn: false,
                turn_is_pending: false,
                holds_partition: false,
                is_checking: false,
                is_gone: false,
                counts_as_waiting: false,
                timers: Timers::default(),
                words: String::new(),
                heard_end: None,
            }),
        }
    }

    /// A run from the journal.
    pub(super) fn restored(source: Arc<Source>, stored: StoredRun) -> Result<Entry, JournalError> {
        let StoredRun { run, calls, notes } = stored;
        let unreadable = |error: serde_json::Error| {
            JournalError::Unreadable(format!("the run {}: {error}", run.key))
        };
        let life: Stored = serde_json::from_str(&run.life).map_err(unreadable)?;
        let calls = calls
            .into_iter()
            .map(|call| Ok((call.number, serde_json::from_str(&call.call)?)))
            .collect::<Result<Vec<(u32, PortCall)>, serde_json::Error>>()
            .map_err(unreadable)?;
        let order = serde_json::from_str(&run.order).map_err(unreadable)?;
        let Entry { mut inner, .. } =
            Entry::claimed(run.key.clone(), run.kind, None, source.clone(), None);
        let restored = inner.get_mut().unwrap_or_else(PoisonError::into_inner);
        restored.life = life.life;
        restored.is_journaled = true;
        restored.external_run_id = run.external_run_id;
        restored.started_at = run.started_at;
        restored.first_began = life.first_began;
        restored.since = life.since;
        restored.notes = notes;
        restored.outbox = Outbox::restored(calls);
        restored.reporter = Reporter::new(run.kind, life.output);
        Ok(Entry {
            key: run.key,
            kind: run.kind,
            action: run.action,
            source,
            order,
            claimed_at: run.claimed_at,
            inner,
        })
    }

    /// The data behind the lock is whole after every statement, so a panic elsewhere doesn't spoil it.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether Port still keeps the run from others, as far as the time since the claim tells.
    pub(super) fn is_still_hidden(&self) -> bool {
        let since = Duration::from_millis(clock::timestamp().saturating_sub(self.claimed_at));
        since < self.source.visibility_timeout
    }

    /// How the journal is told where the run stands.
    pub(super) fn record(&self, inner: &Inner) -> Change {
        let life = Stored {
            life: inner.life.clone(),
            output: inner.reporter.output().clone(),
            first_began: inner.first_began,
            since: inner.since,
        };
        // Structs of texts and numbers always have a JSON form.
        let life = serde_json::to_string(&life).unwrap_or_default();
        if inner.is_journaled {
            return Change::Moved(journal::Moved {
                key: self.key.clone(),
                phase: inner.phase(),
                life,
                external_run_id: inner.external_run_id.clone(),
                started_at: inner.started_at,
                finished_at: inner.finished_at,
            });
        }
        Change::Claimed(journal::Run {
            key: self.key.clone(),
            kind: self.kind,
            action: self.action.clone(),
            order: serde_json::to_string(&self.order).unwrap_or_default(),
            phase: inner.phase(),
            life,
            external_run_id: inner.external_run_id.clone(),
            claimed_at: self.claimed_at,
            started_at: inner.started_at,
            finished_at: inner.finished_at,
        })
    }
}

impl Inner {
    /// Where the run is, for people and for counting.
    pub(super) fn phase(&self) -> Phase {
        match self.life.state() {
            State::Planning | State::Acking(_) => Phase::Acking,
            State::Ready(_) | State::Dispatching(_) => Phase::Ready,
            State::Sending(_) => Phase::Sending,
            State::Parked { .. } => Phase::Parked,
            State::Started { .. } | State::Holding { .. } | State::Stopping => Phase::Started,
            State::Ended(End::NotOurs | End::Returned) => Phase::Returned,
            State::Ended(_) if self.outbox.is_empty() => Phase::Finished,
            State::Ended(_) => Phase::Reporting,
        }
    }

    /// Whether there is nothing left to do.
    pub(super) fn is_over(&self) -> bool {
        self.life.end().is_some() && self.outbox.is_empty()
    }
}
