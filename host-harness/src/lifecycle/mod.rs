//! A run's life, from the claim to the report of its end.
//!
//! * `decision`: what happens next, a pure function of state and event;
//! * `driver`: does what was decided, one task for each run, and comes back with the next event;
//! * `routes`: brings news to its run, also news that comes before its run is known;
//! * `report` and `outbox`: tell Port, in order, until Port has it.
//!
//! This first version keeps everything in memory: a restart forgets runs that are under way. What the rest of the
//! host sees of it is [`Lifecycle`]: runs are offered, news is delivered.

mod ack;
mod backoff;
mod decision;
mod driver;
mod outbox;
mod report;
mod routes;
mod step;

pub use decision::{Ack, Effect, End, Event, Life, State, Write};
pub use step::{Observer, Step};

use crate::contract::{Failure, FailureKind, RunUpdate};
use crate::installation::Installation;
use crate::port::{self, PendingRun, RunKind, Unreadable};
use crate::runtime::Runtime;
use routes::Routes;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Where runs come from and go back to: one installation and its access to Port.
pub struct Source {
    /// The installation.
    pub installation: Arc<Installation>,
    /// Port, with the installation's credentials.
    pub port: Arc<port::Client>,
    /// How long Port keeps a claimed run from others.
    pub visibility_timeout: Duration,
}

/// When the plugin is asked about runs that there is no news of.
#[derive(Debug, Clone, Copy)]
pub struct CheckTimes {
    /// First pause without news.
    pub first: Duration,
    /// Pauses double up to this.
    pub longest: Duration,
}

impl Default for CheckTimes {
    /// Half a minute to five: news by webhook is faster, and a check costs a request.
    fn default() -> CheckTimes {
        CheckTimes {
            first: Duration::from_secs(30),
            longest: Duration::from_secs(5 * 60),
        }
    }
}

/// All runs of the process. Cheap to clone.
#[derive(Clone)]
pub struct Lifecycle {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Runtime,
    check_times: CheckTimes,
    observer: Option<Observer>,
    routes: Mutex<Routes>,
    /// Runs that have a task, by installation and run id. Port offers a run again while its ack is late.
    active: Mutex<BTreeSet<(String, String)>>,
    idle: Notify,
    /// Cancelled when the host wants to stop.
    draining: CancellationToken,
    /// One lock for each partition key of an installation that a run holds or waits for.
    partitions: Mutex<BTreeMap<(String, String), Partition>>,
}

/// Held by the run whose turn it is.
type Partition = Arc<tokio::sync::Mutex<()>>;

impl Lifecycle {
    /// A life for runs that `runtime` executes. `observer` is told every step.
    pub fn new(runtime: Runtime, check_times: CheckTimes, observer: Option<Observer>) -> Lifecycle {
        Lifecycle {
            shared: Arc::new(Shared {
                runtime,
                check_times,
                observer,
                routes: Mutex::default(),
                active: Mutex::default(),
                idle: Notify::new(),
                draining: CancellationToken::new(),
                partitions: Mutex::default(),
            }),
        }
    }

    /// Takes a run in that was claimed. False if it has a life already. Must be called inside a tokio runtime.
    pub fn offer(&self, source: &Arc<Source>, run: PendingRun) -> bool {
        if run.installation_id != source.installation.id() {
            let failure = wrong_installation(&run, source.installation.id());
            return self.start(source, run.kind, run.id.clone(), Err(failure));
        }
        self.start(source, run.kind, run.id.clone(), Ok(run))
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
        self.start(source, unreadable.kind, id, Err(failure))
    }

    /// Brings news of a run of an installation. News of a run that is not known yet waits for it.
    pub fn deliver(&self, installation: &str, update: RunUpdate) {
        let key = (installation.to_owned(), update.external_run_id.clone());
        lock(&self.shared.routes).deliver(key, update);
    }

    /// How many runs have a life.
    pub fn active(&self) -> usize {
        lock(&self.shared.active).len()
    }

    /// How many runs of an installation have a life.
    pub fn active_of(&self, installation: &str) -> usize {
        lock(&self.shared.active)
            .range((installation.to_owned(), String::new())..)
            .take_while(|(of, _)| of == installation)
            .count()
    }

    /// Asks about all runs that are under way now, and often from now on: the host is about to stop.
    pub fn drain(&self) {
        self.shared.draining.cancel();
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

    fn start(
        &self,
        source: &Arc<Source>,
        kind: RunKind,
        id: String,
        run: Result<PendingRun, Failure>,
    ) -> bool {
        let key = (source.installation.id().to_owned(), id.clone());
        if !lock(&self.shared.active).insert(key.clone()) {
            return false;
        }
        let shared = self.shared.clone();
        let source = source.clone();
        tokio::spawn(async move {
            // Dropped on every way out, also when the runtime shuts down.
            let _registered = Registered {
                shared: shared.clone(),
                key,
            };
            driver::drive(&shared, &source, kind, id, run).await;
        });
        true
    }
}

/// A run's entry among the active ones.
struct Registered {
    shared: Arc<Shared>,
    key: (String, String),
}

impl Drop for Registered {
    fn drop(&mut self) {
        lock(&self.shared.active).remove(&self.key);
        self.shared.idle.notify_waiters();
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
