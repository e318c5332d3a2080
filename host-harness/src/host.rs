//! The host: all parts put together for a list of installations. `serve`, `demo` and the tests run this.

use crate::config::PortAccess;
use crate::ingress::{Accepted, Ingress};
use crate::installation::Installation;
use crate::lifecycle::{CheckTimes, Lifecycle, Observer, Source};
use crate::poller::{self, ClaimTimes, Readiness};
use crate::port;
use crate::runtime::{Call, Runtime};
use crate::transport;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, mpsc};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// An installation and how to reach Port for it.
pub struct Tenant {
    /// The installation.
    pub installation: Arc<Installation>,
    /// Port, for this installation.
    pub port: PortAccess,
}

/// What a host is started with.
pub struct HostOptions {
    /// The plugin and its threads.
    pub runtime: Runtime,
    /// Where to listen for webhooks and health checks; port 0 for any that is free.
    pub listen: SocketAddr,
    /// For whom to work.
    pub tenants: Vec<Tenant>,
    /// When runs without news are checked.
    pub check_times: CheckTimes,
    /// Who is told every step of every run.
    pub observer: Option<Observer>,
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
    /// There is no way to reach Port.
    #[error("installation {installation:?}: {error}")]
    Port {
        /// Whose.
        installation: String,
        /// What is wrong.
        error: port::Error,
    },
    /// Connections cannot be made.
    #[error(transparent)]
    Transport(#[from] transport::TransportError),
}

/// A running host.
pub struct Host {
    address: SocketAddr,
    lifecycle: Lifecycle,
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
    /// Starts everything; nothing has been claimed or accepted if this fails. Must be called inside a tokio runtime,
    /// whose tasks the host's parts become.
    pub async fn start(options: HostOptions) -> Result<Host, HostError> {
        let HostOptions {
            runtime,
            listen,
            tenants,
            check_times,
            observer,
        } = options;
        let tenants = tenants
            .into_iter()
            .map(|tenant| connect(&runtime, tenant))
            .collect::<Result<Vec<_>, HostError>>()?;
        let listen_error = |error| HostError::Listen {
            address: listen,
            error,
        };
        let listener = TcpListener::bind(listen).await.map_err(listen_error)?;
        let host = Host {
            address: listener.local_addr().map_err(listen_error)?,
            lifecycle: Lifecycle::new(runtime.clone(), check_times, observer),
            readiness: Arc::default(),
            stop_claiming: CancellationToken::new(),
            stop_listening: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        host.listen(listener, &runtime, &tenants);
        for (source, times) in tenants {
            say_if_events_are_off(&source.installation);
            host.poll(source, times);
        }
        Ok(host)
    }

    /// Where the host listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The runs.
    pub fn lifecycle(&self) -> &Lifecycle {
        &self.lifecycle
    }

    /// Whether every installation can claim runs; else why not.
    pub fn readiness(&self) -> Result<(), String> {
        self.readiness.summary()
    }

    /// Stops claiming and waits up to `patience` for the runs that are under way, whose ends still come in by webhook or
    /// are asked for; then stops listening. Returns how many runs are left.
    pub async fn shutdown(self, patience: Duration) -> usize {
        self.stop_claiming.cancel();
        self.lifecycle.drain();
        let _ = tokio::time::timeout(patience, self.lifecycle.idle()).await;
        self.stop_listening.cancel();
        self.tasks.close();
        let _ = tokio::time::timeout(LAST_ANSWERS, self.tasks.wait()).await;
        self.lifecycle.active()
    }

    fn poll(&self, source: Arc<Source>, times: ClaimTimes) {
        let board = self.readiness.clone();
        let id = source.installation.id().to_owned();
        board.set(&id, Readiness::Starting);
        self.tasks.spawn(poller::poll(
            self.lifecycle.clone(),
            source,
            times,
            self.stop_claiming.clone(),
            move |readiness| board.set(&id, readiness),
        ));
    }

    fn listen(
        &self,
        listener: TcpListener,
        runtime: &Runtime,
        tenants: &[(Arc<Source>, ClaimTimes)],
    ) {
        let board = self.readiness.clone();
        let (ingress, accepted) = Ingress::new(
            tenants
                .iter()
                .map(|(source, _)| source.installation.clone()),
            runtime.manifest().webhooks.clone(),
            move || board.summary(),
        );
        let forgetful = Arc::downgrade(&ingress);
        let stop = self.stop_listening.clone();
        self.tasks.spawn(async move {
            let serving = axum::serve(listener, ingress.router())
                .with_graceful_shutdown(stop.cancelled_owned());
            if let Err(error) = serving.await {
                tracing::error!("the listener has ended: {error}");
            }
        });
        self.tasks.spawn(handle_deliveries(
            runtime.clone(),
            self.lifecycle.clone(),
            forgetful,
            accepted,
        ));
    }
}

/// Makes the connection to Port.
fn connect(runtime: &Runtime, tenant: Tenant) -> Result<(Arc<Source>, ClaimTimes), HostError> {
    let Tenant { installation, port } = tenant;
    let id = installation.id().to_owned();
    let times = ClaimTimes {
        interval: port.poll_interval,
        visibility_timeout: port.visibility_timeout,
    };
    let manifest = runtime.manifest();
    let identity = port::Identity {
        integration_type: manifest.name.clone(),
        version: manifest.version.clone(),
        identifier: id.clone(),
    };
    let client =
        port::Client::new(port.settings(identity), transport::client()?).map_err(|error| {
            HostError::Port {
                installation: id,
                error,
            }
        })?;
    let source = Source {
        installation,
        port: Arc::new(client),
        visibility_timeout: times.visibility_timeout,
    };
    Ok((Arc::new(source), times))
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

/// How often a delivery is put before the plugin when the server cannot be asked about it.
const DELIVERY_TRIES: u32 = 5;

/// Deliveries that the plugin looks at at once. More wait, in the room that the listener has for them.
const DELIVERIES_AT_ONCE: usize = 64;

/// Puts accepted deliveries before the plugin. Each has a task; one that waits before it is tried again holds up no
/// other.
async fn handle_deliveries(
    runtime: Runtime,
    lifecycle: Lifecycle,
    // Weak, since the queue ends when the listener is gone.
    ingress: Weak<Ingress>,
    mut accepted: mpsc::Receiver<Accepted>,
) {
    let room = Arc::new(Semaphore::new(DELIVERIES_AT_ONCE));
    while let Some(accepted) = accepted.recv().await {
        let (runtime, lifecycle) = (runtime.clone(), lifecycle.clone());
        let (ingress, room) = (ingress.clone(), room.clone());
        tokio::spawn(async move {
            let handled = handle_delivery(&runtime, &lifecycle, &room, &accepted).await;
            if let (Handled::No, Some(ingress)) = (handled, ingress.upgrade()) {
                ingress.forget(&accepted);
            }
        });
    }
}

/// Whether a delivery is done with; if not, the same may come again.
enum Handled {
    Yes,
    No,
}

async fn handle_delivery(
    runtime: &Runtime,
    lifecycle: &Lifecycle,
    room: &Semaphore,
    accepted: &Accepted,
) -> Handled {
    let installation = &accepted.installation;
    let delivery = accepted.delivery.id.as_str();
    for failures in 0..DELIVERY_TRIES {
        let call = Call::new(installation.clone(), delivery);
        let answer = {
            let _turn = room.acquire().await;
            runtime
                .handle_webhook(call, accepted.delivery.clone())
                .await
        };
        match answer {
            Ok(Ok(updates)) => {
                for update in updates {
                    lifecycle.deliver(installation.id(), update);
                }
                return Handled::Yes;
            }
            Ok(Err(failure)) if failure.is_transient() => {
                tracing::warn!(delivery, "not understood yet: {}", failure.message);
            }
            Ok(Err(failure)) => {
                // It would not be understood the next time either.
                tracing::warn!(delivery, "not understood: {}", failure.message);
                return Handled::Yes;
            }
            Err(error) => {
                tracing::error!(delivery, "{error}");
                return Handled::No;
            }
        }
        tokio::time::sleep(Duration::from_secs(2u64.pow(failures))).await;
    }
    tracing::error!(delivery, "given up; the run will be checked instead");
    Handled::No
}
