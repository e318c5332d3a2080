//! What all installations of a host share on their way to Port: its connections, and how many requests use them at once.

use crate::network::Network;
use crate::transport::{self, TransportError};
use bytes::Bytes;
use http_body_util::Full;
use std::sync::Arc;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Requests to Port at once, of all installations. More wait, in the order in which they came; none is refused.
///
/// A burst of runs is a burst of acks and labels. With a pool for each installation and without a limit, 10,000 runs that
/// came to wait at once held 14,254 open files and cost 29 KB each; with both, 1,322 and 5 KB, in half the time
/// (`make bench`).
pub const AT_ONCE: usize = 256;

/// Connections to Port. Cloning shares them.
#[derive(Clone)]
pub struct Pool {
    pub(super) http: transport::Client<Full<Bytes>>,
    at_once: Arc<Semaphore>,
}

impl Pool {
    /// A pool without connections, on the machine's network.
    ///
    /// # Errors
    ///
    /// As for [`transport::client`].
    pub fn new() -> Result<Pool, TransportError> {
        Pool::on(Network::Machine)
    }

    /// The same on another network.
    ///
    /// # Errors
    ///
    /// As for [`transport::client`].
    pub fn on(network: Network) -> Result<Pool, TransportError> {
        Ok(Pool {
            http: transport::client(network)?,
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
        })
    }

    /// Waits until one more request may be sent; it is under way until the permit is dropped.
    pub(super) async fn turn(&self) -> Option<SemaphorePermit<'_>> {
        // It is never closed, so there is always a permit.
        self.at_once.acquire().await.ok()
    }
}
