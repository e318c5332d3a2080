//! A run's life, from the claim to the report of its end.
//!
//! * `decision`: what happens next, a pure function of state and event; `retry`: what a failure to start allows;
//! * `entry`: one run in memory; `driver`: decide and write into the journal; `effects`: then do; `calls` and `checks`: the
//!   calls that it takes;
//! * `restore`: what a host that was started anew finds in its journal;
//! * `routes`: brings news to its run, also news that comes before its run is known;
//! * `report` and `outbox`: tell Port, in order, until Port has it.
//!
//! What the rest of the host sees of it is [`Lifecycle`]: runs are offered, news is delivered.

mod ack;
mod backoff;
mod calls;
mod checks;
mod decision;
mod driver;
mod effects;
mod entry;
mod mark;
mod outbox;
mod report;
mod restore;
mod retry;
mod routes;
mod step;
mod waiting;

pub use decision::{Ack, Effect, End, Event, Life, Rules, State, Write};
pub use step::{Observer, Step};

use crate::clock;
use crate::contract::{Failure, FailureKind, Run, RunUpdate};
use crate::installation::Installation;
use crate::journal::{Change, DeliveryKey, Journal, JournalError, Phase, RunKey};
use crate::legible::escaped;
use crate::metrics::Metrics;
use crate::port::{self, PendingRun, RunKind, Unreadable};
use crate::runtime::Runtime;
use crate::scheduler::{Share, Turns};
use crate::watcher::{Facts, Watching};
use driver::post;
use entry::{Entry, Happened};
use mark::Mark;
use routes::{News, Routes, Went};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use waiting::Waiting;

/// Where runs come from and go back to: one installation and its access to Port.
pub struct Source {
    /// The installation.
    pub installation: Arc<Installation>,
    /// Port, with the installation's credentials.
    pub port: Arc<port::Client>,
    /// How long Port keeps a claimed run from others.
    pub visibility_timeout: Duration,
    /// What the operator has set about its runs.
    pub rules: Rules,
}

/// All runs of the process. Cheap to clone.
#[derive(Clone)]
pub struct Lifecycle {
    shared: Arc<Shared>,
}

/// What a lifecycle works with.
pub struct LifecycleOptions {
    /// The plugin and its threads.
    pub runtime: Runtime,
    /// Where everything is written down first.
    pub journal: Journal,
    /// Where is counted.
    pub metrics: Metrics,
    /// Who is told every step.
    pub observer: Option<Observer>,
    /// Who is shown everything.
    pub watcher: Watching,
    /// How many dispatches may be under way.
    pub share: Share,
    /// No run is started while a credential has only so many requests left.
    pub rate_threshold: u32,
}

struct Shared {
    runtime: Runtime,
    journal: Journal,
    metrics: Metrics,
    observer: Option<Observer>,
    watcher: Watching,
    rate_threshold: u32,
    /// Runs that have a life. Port offers a run again while its ack is late.
    entries: Mutex<BTreeMap<RunKey, Arc<Entry>>>,
    routes: Mutex<Routes>,
    turns: Mutex<Turns<RunKey>>,
    checks: Mutex<Turns<RunKey>>,
    waiting: Mutex<Waiting>,
    idle: Notify,
    /// Cancelled when nothing new may begin.
    stopping: CancellationToken,
}

/// What became of the news of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// Some run takes it.
    News,
    /// It waits for its run.
    Early,
    /// It concerns no run of this host.
    Nobody,
}

/// How many runs are where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Census {
    /// Runs by phase.
    pub phases: BTreeMap<Phase, usize>,
    /// Calls that Port has not taken yet.
    pub calls: usize,
    /// Dispatches under way.
    pub dispatches: usize,
}

impl Lifecycle {
    /// A lifecycle without runs.
    pub fn new(options: LifecycleOptions) -> Lifecycle {
        Lifecycle {
            shared: Arc::new(Shared {
                runtime: options.runtime,
                journal: options.journal,
                metrics: options.metrics,
                observer: options.observer,
                watcher: options.watcher,
                rate_threshold: options.rate_threshold,
                entries: Mutex::default(),
                routes: Mutex::default(),
                turns: Mutex::new(Turns::new(options.share)),
                checks: Mutex::new(Turns::new(checks::SHARE)),
                waiting: Mutex::default(),
                idle: Notify::new(),
                stopping: CancellationToken::new(),
            }),
        }
    }

    /// Takes a run in that was claimed. False if it has a life already. Must be called inside a tokio runtime.
    pub fn offer(&self, source: &Arc<Source>, run: PendingRun) -> bool {
        let key = RunKey {
            installation: source.installation.id().to_owned(),
            run: run.id.clone(),
        };
        if run.installation_id != source.installation.id() {
            let failure = wrong_installation(&run, source.installation.id());
            return self.refuse(source, run.kind, key, failure);
        }
        let (kind, action) = (run.kind, run.action_identifier.clone());
        let order = Some(Run::from(run));
        let entry = Entry::claimed(key, kind, action, source.clone(), order);
        let Some(entry) = self.shared.add(entry) else {
            return false;
        };
        calls::plan(&self.shared, &entry);
        true
    }

    /// Takes a run in that Port offered and that cannot be read: it is acked and fails with the reason, so that Port
    /// stops offering it. Without an id there is nothing to ack, and only the log can tell.
    pub fn offer_unreadable(&self, source: &Arc<Source>, unreadable: Unreadable) -> bool {
        let Some(id) = unreadable.id else {
            tracing::error!(
                installation = source.installation.id(),
                "Port offers a run without an id: {}",
                unreadable.reason
            );
            return false;
        };
        let failure = Failure {
            kind: FailureKind::InvalidParameters,
            code: "unreadable-run".to_owned(),
            message: format!(
                "The run that Port offered cannot be read: {}.",
                unreadable.reason
            ),
            remedy: Some("Save the action again with the installation's backend.".to_owned()),
            request_sent: false,
        };
        let key = RunKey {
            installation: source.installation.id().to_owned(),
            run: id,
        };
        self.refuse(source, unreadable.kind, key, failure)
    }

    /// Brings the news of a delivery. News of a run that is not known yet waits for it. The delivery is marked as handled
    /// together with what its news changes.
    pub async fn deliver(
        &self,
        installation: &str,
        updates: Vec<RunUpdate>,
        delivery: DeliveryKey,
    ) -> Delivered {
        self.shared
            .deliver(installation, updates, Some(delivery))
            .await
    }

    /// Brings the news of a delivery that was handled before, as often as anybody likes: news that a run has had changes
    /// nothing, and nothing is marked.
    pub async fn deliver_again(&self, installation: &str, updates: Vec<RunUpdate>) -> Delivered {
        self.shared.deliver(installation, updates, None).await
    }

    /// Lets go of news that has waited for too long.
    pub async fn forget_early(&self) {
        let gone = lock(&self.shared.routes).forget_early();
        self.shared.done(gone).await;
    }

    /// How many runs have a life.
    pub fn active(&self) -> usize {
        lock(&self.shared.entries).len()
    }

    /// How many runs of an installation were claimed and have not been accepted by the server, by action.
    pub fn waiting_of(&self, installation: &str) -> BTreeMap<Option<String>, usize> {
        lock(&self.shared.waiting).of(installation)
    }

    /// How many runs of all installations were claimed and have not been accepted by a server.
    pub fn waiting(&self) -> usize {
        lock(&self.shared.waiting).all()
    }

    /// Where all runs are.
    pub fn census(&self) -> Census {
        let mut census = Census {
            dispatches: lock(&self.shared.turns).under_way(),
            ..Census::default()
        };
        let entries: Vec<Arc<Entry>> = lock(&self.shared.entries).values().cloned().collect();
        for entry in entries {
            let inner = entry.lock();
            *census.phases.entry(inner.phase()).or_default() += 1;
            census.calls += inner.outbox.len();
        }
        census
    }

    /// Where each run is.
    pub fn phases(&self) -> BTreeMap<RunKey, Phase> {
        let entries: Vec<Arc<Entry>> = lock(&self.shared.entries).values().cloned().collect();
        let phase = |entry: Arc<Entry>| (entry.key.clone(), entry.lock().phase());
        entries.into_iter().map(phase).collect()
    }

    /// Where a run is; none if it has no life here.
    pub fn phase(&self, run: &RunKey) -> Option<Phase> {
        let entry = self.shared.entry(run)?;
        let phase = entry.lock().phase();
        Some(phase)
    }

    /// Begins nothing new from now on: no dispatch, no check. What Port is to be told still goes out, acks as well.
    pub fn stop(&self) {
        self.shared.stopping.cancel();
    }

    /// Waits until no call is under way and Port has been told everything. Runs that wait stay where they are.
    pub async fn settled(&self) {
        while !self.is_settled() {
            tokio::time::sleep(SETTLE_TICK).await;
        }
    }

    fn is_settled(&self) -> bool {
        let entries: Vec<Arc<Entry>> = lock(&self.shared.entries).values().cloned().collect();
        entries.iter().all(|entry| {
            let inner = entry.lock();
            let is_waiting = matches!(
                inner.life.state(),
                State::Ready(_)
                    | State::Parked { .. }
                    | State::Started { .. }
                    | State::Holding { .. }
            );
            is_waiting && !inner.is_busy && !inner.has_turn && inner.outbox.is_empty()
        })
    }

    /// Waits until no run has a life. New ones can still be offered.
    pub async fn idle(&self) {
        loop {
            let idle = self.shared.idle.notified();
            if self.active() == 0 {
                return;
            }
            idle.await;
        }
    }

    /// Gives a run a life that ends with this failure.
    fn refuse(&self, source: &Arc<Source>, kind: RunKind, key: RunKey, failure: Failure) -> bool {
        let entry = Entry::claimed(key, kind, None, source.clone(), None);
        let Some(entry) = self.shared.add(entry) else {
            return false;
        };
        post(
            &self.shared,
            &entry,
            Happened::life(Event::Planned(Err(failure))),
        );
        true
    }
}

/// How often is looked whether everything has settled.
const SETTLE_TICK: Duration = Duration::from_millis(20);

impl Shared {
    fn add(&self, entry: Entry) -> Option<Arc<Entry>> {
        let mut entries = lock(&self.entries);
        if entries.contains_key(&entry.key) {
            return None;
        }
        let entry = Arc::new(entry);
        entries.insert(entry.key.clone(), entry.clone());
        drop(entries);
        self.metrics.run_claimed(entry.kind);
        self.show(&entry, false);
        self.recount(&entry);
        Some(entry)
    }

    /// Counts a run as waiting for as long as it does.
    fn recount(&self, entry: &Entry) {
        let mut inner = entry.lock();
        let waits = inner.phase() < Phase::Started;
        if waits == std::mem::replace(&mut inner.counts_as_waiting, waits) {
            return;
        }
        let mut waiting = lock(&self.waiting);
        let installation = &entry.key.installation;
        if waits {
            waiting.add(installation, &entry.action);
        } else {
            waiting.remove(installation, &entry.action);
        }
    }

    fn entry(&self, key: &RunKey) -> Option<Arc<Entry>> {
        lock(&self.entries).get(key).cloned()
    }

    /// The run has no life any more.
    fn remove(&self, entry: &Entry) {
        if std::mem::take(&mut entry.lock().counts_as_waiting) {
            lock(&self.waiting).remove(&entry.key.installation, &entry.action);
        }
        let (external_run_id, waits) = {
            let inner = entry.lock();
            let waits = inner.is_lined_up || inner.holds_partition;
            (inner.external_run_id.clone(), waits)
        };
        if waits {
            lock(&self.turns).leave(&entry.key.installation, &entry.key);
        }
        if let Some(id) = external_run_id {
            let route = (entry.key.installation.clone(), id);
            lock(&self.routes).close(route);
        }
        lock(&self.entries).remove(&entry.key);
        self.idle.notify_waiters();
    }

    async fn deliver(
        self: &Arc<Self>,
        installation: &str,
        updates: Vec<RunUpdate>,
        delivery: Option<DeliveryKey>,
    ) -> Delivered {
        let mark = delivery.map(Mark::of);
        let mut known = Vec::new();
        let mut waits = false;
        let mut gone = Vec::new();
        for update in updates {
            let route = (installation.to_owned(), update.external_run_id.clone());
            let mut happened = Happened::life(Event::Updated(update.clone()));
            happened.mark.clone_from(&mark);
            let news = News {
                update,
                mark: mark.clone(),
            };
            let (went, forgotten) = lock(&self.routes).deliver(route, news);
            gone.extend(forgotten);
            match went {
                Went::To(key) => known.extend(self.entry(&key).map(|entry| (entry, happened))),
                Went::Waits => waits = true,
                Went::Nowhere => {}
            }
        }
        let delivered = match (known.is_empty(), waits) {
            (false, _) => Delivered::News,
            (true, true) => Delivered::Early,
            (true, false) => Delivered::Nobody,
        };
        // Before its news is told, so that a single piece of news can take the mark along.
        self.done(gone.into_iter().chain(mark)).await;
        for (entry, happened) in known {
            post(self, &entry, happened);
        }
        delivered
    }

    /// Lets go of marks, and marks the deliveries that nobody else has news of.
    async fn done(&self, marks: impl IntoIterator<Item = Mark>) {
        let now = clock::timestamp();
        let done: Vec<Change> = marks
            .into_iter()
            .filter_map(Mark::let_go)
            .map(|key| Change::DeliveryDone(key, now))
            .collect();
        if !done.is_empty()
            && let Err(error) = self.journal.later(done).await
        {
            debug_assert_eq!(error, JournalError::Closed);
        }
    }

    /// Tells the log and whoever watches.
    fn tell(&self, entry: &Entry, step: &Step) {
        let RunKey { installation, run } = &entry.key;
        // A plugin's explanation may have lines.
        tracing::info!(installation, run, "{}", escaped(&step.to_string()));
        if let Some(observer) = &self.observer {
            observer(installation, run, step);
        }
        if let Some(watcher) = &self.watcher {
            watcher.stepped(&entry.key, step);
        }
    }

    /// Shows whoever watches a run that has just got a life here.
    fn show(&self, entry: &Entry, is_restored: bool) {
        let Some(watcher) = &self.watcher else {
            return;
        };
        let external_run_id = entry.lock().external_run_id.clone();
        let facts = Facts {
            kind: entry.kind,
            action: entry.action.as_deref(),
            order: entry.order.as_ref(),
            claimed_at: entry.claimed_at,
            external_run_id: external_run_id.as_deref(),
            is_restored,
        };
        watcher.took_in(&entry.key, facts);
    }
}

fn wrong_installation(run: &PendingRun, ours: &str) -> Failure {
    Failure {
        kind: FailureKind::InvalidParameters,
        code: "wrong-installation".to_owned(),
        message: format!(
            "The run is for the installation {:?}, and Port offered it to {ours:?}.",
            run.installation_id
        ),
        remedy: Some(format!("Set the action's installationId to {ours:?}.")),
        request_sent: false,
    }
}

/// The data behind these locks is whole after every statement, so a panic elsewhere doesn't spoil it.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
