//! Listeners and connections within one process.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::DuplexStream;
use tokio::sync::mpsc;

/// How many bytes a connection holds that nobody has read yet, in each direction. A writer waits above that, as it would
/// for a socket's buffer.
const BUFFER: usize = 64 << 10;

/// The first port that is given out where any will do; those of clients begin a little above.
const FIRST_PORT: u16 = 20_000;
const FIRST_CLIENT_PORT: u16 = 40_000;

type Incoming = mpsc::UnboundedSender<(DuplexStream, SocketAddr)>;

/// Who listens where.
#[derive(Debug, Default)]
pub struct Switchboard(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    listeners: BTreeMap<SocketAddr, Incoming>,
    ports: u16,
    clients: u16,
}

/// One listener.
#[derive(Debug)]
pub struct Exchange {
    address: SocketAddr,
    incoming: mpsc::UnboundedReceiver<(DuplexStream, SocketAddr)>,
    switchboard: Arc<Switchboard>,
}

impl Switchboard {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn listen(self: &Arc<Self>, mut address: SocketAddr) -> io::Result<Exchange> {
        let mut state = self.state();
        while address.port() == 0 {
            let port = FIRST_PORT.wrapping_add(state.ports);
            state.ports = state.ports.wrapping_add(1);
            let free = SocketAddr::new(address.ip(), port);
            if !state.listeners.contains_key(&free) {
                address = free;
            }
        }
        if state.listeners.contains_key(&address) {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        let (sender, incoming) = mpsc::unbounded_channel();
        state.listeners.insert(address, sender);
        Ok(Exchange {
            address,
            incoming,
            switchboard: Arc::clone(self),
        })
    }

    pub(super) fn connect(&self, address: SocketAddr) -> io::Result<DuplexStream> {
        let mut state = self.state();
        let port = FIRST_CLIENT_PORT.wrapping_add(state.clients % 20_000);
        state.clients = state.clients.wrapping_add(1);
        let from = SocketAddr::new(address.ip(), port);
        let (here, there) = tokio::io::duplex(BUFFER);
        let listener = state.listeners.get(&address);
        // An error of `send`: the listener is being dropped right now.
        match listener.and_then(|listener| listener.send((there, from)).ok()) {
            Some(()) => Ok(here),
            None => Err(io::ErrorKind::ConnectionRefused.into()),
        }
    }
}

impl Exchange {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(super) async fn accept(&mut self) -> io::Result<(DuplexStream, SocketAddr)> {
        // The sender is on the switchboard as long as this is here, so that the channel does not end.
        self.incoming
            .recv()
            .await
            .ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Exchange {
    fn drop(&mut self) {
        self.switchboard.state().listeners.remove(&self.address);
    }
}
