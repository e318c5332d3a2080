//! The host: all parts put together for a list of installations. `serve`, `demo` and the tests run this.

use crate::clock;
use crate::config::PortAccess;
use crate::inbox::Inbox;
use crate::ingress::{Ingress, IngressOptions};
use crate::installation::Installation;
use crate::journal::{CrashPoint, Journal, JournalError, Phase, Restored, Store};
use crate::lifecycle::{Lifecycle, LifecycleOptions, Observer, Rules, Source};
use crate::metrics::{self, Metrics};
use crate::network::{Listener, Network};
use crate::page::{Page, PageOptions, Sights};
use crate::poller::{self, Claims, Readiness};
use crate::port;
use crate::runtime::Runtime;
use crate::scheduler::Share;
use crate::transport;
use crate::watcher::{self, Watching};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// An installation and how to reach Port for it.
pub struct Tenant {
    /// The installation.
    pub installation: Arc<Installation>,
    /// Port, for this installation.
    pub port: PortAccess,
    /// What the operator has set about its runs.
    pub rules: Rules,
}

/// What a host is started with.
pub struct HostOptions {
    /// The plugin and its threads.
    pub runtime: Runtime,
    /// The network that it is on; the plugin's requests leave by the runtime's.
    pub network: Network,
    /// Where to listen for webhooks and health checks; port 0 for any that is free.
    pub listen: SocketAddr,
    /// What stands before every path of the listener.
    pub path_prefix: String,
    /// For whom to work.
    pub tenants: Vec<Tenant>,
    /// Where everything is written down.
    pub store: Box<dyn Store>,
    /// How long finished runs are kept there.
    pub retention: Duration,
    /// Where to die, in a campaign of faults.
    pub crash: Option<CrashPoint>,
    /// How many dispatches may be under way.
    pub share: Share,
    /// No run is started while a credential has only so many requests left.
    pub rate_threshold: u32,
    /// How many claimed runs may wait, of one installation and of one of its actions in percent.
    pub buffer: (usize, Option<u8>),
    /// Who is told every step of every run.
    pub observer: Option<Observer>,
    /// A page to look at, if there is to be one.
    pub page: Option<PageOptions>,
}

impl HostOptions {
    /// A host with the defaults of the configuration file and these parts.
    pub fn new(runtime: Runtime, tenants: Vec<Tenant>, store: Box<dyn Store>) -> HostOptions {
        let claims = Claims::default();
        HostOptions {
            runtime,
            network: Network::Machine,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            path_prefix: String::new(),
            tenants,
            store,
            retention: Duration::from_secs(14 * 24 * 3600),
            crash: None,
            share: Share {
                at_once: 64,
                each: 8,
            },
            rate_threshold: 20,
            buffer: (claims.buffer, claims.percent_per_action),
            observer: None,
            page: None,
        }
    }
}

/// Why a host could not be started.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {error}; is something else using the port?")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// The page's address cannot be listened on.
    #[error("cannot listen on {address} for the page: {error}; is something else using the port?")]
    Page {
        /// The address.
        address: SocketAddr,
        /// What the system said.
        error: std::io::Error,
    },
    /// There is no way to reach Port.
    #[error("installation {installation:?}: {error}")]
    Port {
        /// Whose.
        installation: String,
        /// What is wrong.
        error: port::Error,
    },
    /// What an earlier process has left cannot be read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// Connections cannot be made.
    #[error(transparent)]
    Transport(#[from] transport::TransportError),
}

/// A running host.
pub struct Host {
    address: SocketAddr,
    page: Option<SocketAddr>,
    lifecycle: Lifecycle,
    journal: Journal,
    readiness: Arc<Board>,
    stop_claiming: CancellationToken,
    stop_listening: CancellationToken,
    tasks: TaskTracker,
}

/// Readiness of all installations.
#[derive(Default)]
struct Board(Mutex<BTreeMap<String, Readiness>>);

impl Board {
    fn set(&self, installation: &str, readiness: Readiness) {
        let mut board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        board.insert(installation.to_owned(), readiness);
    }

    fn of(&self, installation: &str) -> Readiness {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let known = board.get(installation).cloned();
        known.unwrap_or(Readiness::Starting)
    }

    /// How many installations are ready, and how many are not.
    fn count(&self) -> (u64, u64) {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ready = board.values().filter(|it| **it == Readiness::Ready).count();
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        (count(ready), count(board.len() - ready))
    }

    /// Ready when every installation is; else a sentence for each that is not.
    fn summary(&self) -> Result<(), String> {
        let board = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let troubles: Vec<String> = board
            .iter()
            .filter_map(|(installation, readiness)| match readiness {
                Readiness::Ready => None,
                Readiness::Starting => Some(format!("{installation}: starting")),
                Readiness::Broken(reason) => Some(format!("{installation}: {reason}")),
            })
            .collect();
        if troubles.is_empty() {
            Ok(())
        } else {
            Err(troubles.join("\n"))
        }
    }
}

impl Host {
    /// Starts everything; nothing has been claimed or accepted if this fails. What an earlier process has left in the
    /// journal is taken over first. Must be called inside a tokio runtime, whose tasks the host's parts become.
    pub async fn start(options: HostOptions) -> Result<Host, HostError> {
        let metrics = Metrics::new(clock::now());
        let page = open_page(&options).await?;
        let watcher = page.as_ref().map(Page::watcher);
        let runtime = options.runtime.counted_by(metrics.clone());
        let listen = options.listen;
        let listen_error = |error| HostError::Listen {
            address: listen,
            error,
        };
        let pool = port::Pool::on(options.network.clone())?;
        let connect = |tenant| connect(&runtime, tenant, &pool, options.buffer, &watcher);
        let tenants = options.tenants.into_iter().map(connect);
        let tenants = tenants.collect::<Result<Vec<_>, HostError>>()?;
        let listener = options.network.listen(listen).await.map_err(listen_error)?;
        let (journal, restored) =
            Journal::start(options.store, REMEMBERED, metrics.clone(), options.crash)?;
        let lifecycle = Lifecycle::new(LifecycleOptions {
            runtime: runtime.clone(),
            journal: journal.clone(),
            metrics: metrics.clone(),
            observer: options.observer,
            watcher: watcher.clone(),
            share: options.share,
            rate_threshold: options.rate_threshold,
        });
        let inbox = Inbox::new(
            runtime.clone(),
            lifecycle.clone(),
            journal.clone(),
            metrics.clone(),
            watcher.clone(),
        );
        let host = Host {
            address: listener.local_addr().map_err(listen_error)?,
            page: page.as_ref().map(Page::address),
            lifecycle,
            journal,
            readiness: Arc::default(),
            stop_claiming: CancellationToken::new(),
            stop_listening: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        host.take_over(&tenants, &inbox, &restored);
        let parts = Parts {
            tenants: &tenants,
            inbox,
            metrics: metrics.clone(),
            watcher,
            path_prefix: options.path_prefix,
        };
        if let Some(page) = page {
            host.show(page, &parts);
        }
        host.listen(listener, &runtime, parts);
        host.prune(options.retention);
        for (source, claims) in tenants {
            say_if_events_are_off(&source.installation);
            host.poll(source, claims, metrics.clone());
        }
        Ok(host)
    }

    /// Where the host listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where the page is, if there is one.
    pub fn page(&self) -> Option<SocketAddr> {
        self.page
    }

    /// The runs.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Whether every installation can claim runs; else why not.
    pub fn readiness(&self) -> Result<(), String> {
        self.readiness.summary()
    }

    /// Stops claiming and starting runs, waits up to `patience` for what is under way and for Port to be told what there
    /// is to tell, then stops listening. What is left is in the journal. Returns how many runs have not ended.
    pub async fn shutdown(self, patience: Duration) -> usize {
        self.stop_claiming.cancel();
        self.lifecycle.stop();
        let _ = tokio::time::timeout(patience, self.lifecycle.settled()).await;
        self.stop_listening.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(LAST_ANSWERS, self.tasks.wait()).await;
        let _ = tokio::time::timeout(LAST_ANSWERS, self.journal.flush()).await;
        self.lifecycle.active()
    }

    /// Goes on where an earlier process has stopped.
    fn take_over(&self, tenants: &[(Arc<Source>, Claims)], inbox: &Inbox, restored: &Restored) {
        let sources: BTreeMap<String, Arc<Source>> = tenants
            .iter()
            .map(|(source, _)| (source.installation.id().to_owned(), source.clone()))
            .collect();
        let runs = self.lifecycle.restore(&sources, restored);
        for key in &restored.deliveries {
            if let Some(source) = sources.get(&key.installation) {
                inbox.put_stored(source.installation.clone(), key.clone());
            }
        }
        if runs > 0 || !restored.deliveries.is_empty() {
            tracing::info!(
                "taken over from the journal: {runs} runs, {} deliveries",
                restored.deliveries.len()
            );
        }
    }

    fn poll(&self, source: Arc<Source>, claims: Claims, metrics: Metrics) {
        let board = self.readiness.clone();
        let id = source.installation.id().to_owned();
        board.set(&id, Readiness::Starting);
        self.tasks.spawn(poller::poll(
            self.lifecycle.clone(),
            self.journal.clone(),
            metrics,
            source,
            claims,
            self.stop_claiming.clone(),
            move |readiness| board.set(&id, readiness),
        ));
    }

    fn listen(&self, listener: Listener, runtime: &Runtime, parts: Parts<'_>) {
        let (board, journal) = (self.readiness.clone(), self.journal.clone());
        let ingress = Ingress::new(IngressOptions {
            installations: installations(&parts),
            webhooks: runtime.manifest().webhooks.clone(),
            path_prefix: parts.path_prefix.clone(),
            journal: self.journal.clone(),
            inbox: parts.inbox.clone(),
            metrics: parts.metrics.clone(),
            watcher: parts.watcher.clone(),
            measure: self.measure(&parts),
            readiness: Box::new(move || journal.health().and_then(|()| board.summary())),
        });
        let stop = self.stop_listening.clone();
        self.tasks.spawn(async move {
            let serving = axum::serve(listener, ingress.router())
                .with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::error!("the listener has ended: {error}");
            }
        });
        let stop = self.stop_listening.clone();
        let forget = parts.inbox.forget_early();
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = forget => {}
                () = stop.cancelled() => {}
            }
        });
    }

    /// Shows the page.
    fn show(&self, page: Page, parts: &Parts<'_>) {
        let board = self.readiness.clone();
        let sights = Sights {
            installations: installations(parts),
            readiness: Box::new(move |installation| board.of(installation)),
            lifecycle: self.lifecycle.clone(),
            journal: self.journal.clone(),
            inbox: parts.inbox.clone(),
        };
        self.tasks
            .spawn(page.show(sights, self.stop_listening.clone()));
    }

    /// What `/metrics` looks at when it is asked.
    fn measure(&self, parts: &Parts<'_>) -> Box<dyn Fn() + Send + Sync> {
        let (lifecycle, board) = (self.lifecycle.clone(), self.readiness.clone());
        let (inbox, metrics) = (parts.inbox.clone(), parts.metrics.clone());
        let installations = installations(parts);
        let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
        Box::new(move || {
            let census = lifecycle.census();
            for (phase, label) in PHASES {
                let runs = census.phases.get(&phase).copied().unwrap_or_default();
                metrics.set_runs(label, count(runs));
            }
            metrics.set_outbox_waiting(count(census.calls));
            metrics.set_dispatches_under_way(count(census.dispatches));
            metrics.set_inbox_waiting(count(inbox.waiting()));
            let (ready, not_ready) = board.count();
            metrics.set_installations(ready, not_ready);
            let now = Instant::now();
            let left = |it: &Arc<Installation>| it.budget().snapshot(now).remaining;
            let lowest = installations.iter().filter_map(left).min();
            metrics.set_lowest_rate_budget(lowest.map(u64::from));
        })
    }

    /// Forgets what finished long ago, once an hour.
    fn prune(&self, retention: Duration) {
        let (journal, stop) = (self.journal.clone(), self.stop_listening.clone());
        let retention = u64::try_from(retention.as_millis()).unwrap_or(u64::MAX);
        let prune = async move {
            loop {
                let before = clock::timestamp().saturating_sub(retention);
                match journal.prune(before).await {
                    Ok(0) => {}
                    Ok(rows) => tracing::info!("forgot {rows} old rows of the journal"),
                    Err(error) => tracing::warn!("old rows of the journal stay: {error}"),
                }
                tokio::time::sleep(PRUNE_EVERY).await;
            }
        };
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = prune => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

/// What the listener is made of.
struct Parts<'t> {
    tenants: &'t [(Arc<Source>, Claims)],
    inbox: Inbox,
    metrics: Metrics,
    watcher: Watching,
    path_prefix: String,
}

fn installations(parts: &Parts<'_>) -> Vec<Arc<Installation>> {
    let tenants = parts.tenants.iter();
    tenants
        .map(|(source, _)| source.installation.clone())
        .collect()
}

/// Makes the page listen, if there is to be one.
async fn open_page(options: &HostOptions) -> Result<Option<Page>, HostError> {
    let Some(page) = options.page else {
        return Ok(None);
    };
    let tenants = options.tenants.iter();
    let installations = tenants.map(|tenant| tenant.installation.clone());
    let webhooks = options.runtime.manifest().webhooks.as_ref();
    let opened = Page::open(page, &options.network, installations, webhooks).await;
    opened.map(Some).map_err(|error| HostError::Page {
        address: page.listen,
        error,
    })
}

/// The phases that are counted, with their words in the metrics.
const PHASES: [(Phase, metrics::Phase); 6] = [
    (Phase::Acking, metrics::Phase::Acking),
    (Phase::Ready, metrics::Phase::Ready),
    (Phase::Sending, metrics::Phase::Sending),
    (Phase::Parked, metrics::Phase::Parked),
    (Phase::Started, metrics::Phase::Started),
    (Phase::Reporting, metrics::Phase::Reporting),
];

/// How often old rows of the journal are looked for.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// How many runs that have ended are remembered at the start, so that no search takes one of them for another.
const REMEMBERED: u32 = 10_000;

/// Makes the connection to Port.
fn connect(
    runtime: &Runtime,
    tenant: Tenant,
    pool: &port::Pool,
    buffer: (usize, Option<u8>),
    watcher: &Watching,
) -> Result<(Arc<Source>, Claims), HostError> {
    let Tenant {
        installation,
        port,
        rules,
    } = tenant;
    let id = installation.id().to_owned();
    let claims = Claims {
        interval: port.poll_interval,
        visibility_timeout: port.visibility_timeout,
        buffer: buffer.0,
        percent_per_action: buffer.1,
    };
    let manifest = runtime.manifest();
    let identity = port::Identity {
        integration_type: manifest.name.clone(),
        version: manifest.version.clone(),
        identifier: id.clone(),
    };
    let tap = watcher::port_tap(watcher, &id);
    let client = port::Client::new(port.settings(identity), pool.clone());
    let client = client.map_err(|error| HostError::Port {
        installation: id,
        error,
    })?;
    let source = Source {
        installation,
        port: Arc::new(client.watched_by(tap)),
        visibility_timeout: claims.visibility_timeout,
        rules,
    };
    Ok((Arc::new(source), claims))
}

/// Said once, clearly: without webhooks everything works, only later.
fn say_if_events_are_off(installation: &Installation) {
    if !installation.public().live_events {
        tracing::warn!(
            installation = installation.id(),
            "live events are off: the end of a run is found by asking the server from time to time, so Port learns of \
             it late; set up the webhook and live-events = true to have it at once"
        );
    }
}

/// How long requests to the listener that are under way may take when the host stops.
const LAST_ANSWERS: Duration = Duration::from_secs(2);
