//! Pools of connections: one for each installation on each thread.

use super::connect::{Door, Resolver, SystemResolver};
use super::stand_in::{StandIn, Way};
use crate::installation::Installation;
use crate::network::Network;
use crate::transport::{self, TransportError};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use wasmtime_wasi_http::WasiBody;

/// A pool of connections for the requests of guests.
pub type Client = legacy::Client<HttpsConnector<Door>, WasiBody>;

/// The pools of one worker thread: one for each installation, so that no connection, no TLS session and no other state
/// that a server ties to it is ever shared by two of them.
pub struct Clients {
    network: Network,
    resolver: Arc<dyn Resolver>,
    stand_in: Option<Arc<dyn StandIn>>,
    pools: RefCell<BTreeMap<String, Client>>,
}

impl Default for Clients {
    fn default() -> Clients {
        Clients::resolving_with(Arc::new(SystemResolver))
    }
}

impl Clients {
    /// Pools that find addresses in another way than the system does.
    pub fn resolving_with(resolver: Arc<dyn Resolver>) -> Clients {
        Clients {
            network: Network::Machine,
            resolver,
            stand_in: None,
            pools: RefCell::default(),
        }
    }

    /// Pools of connections over this network.
    pub fn on(network: Network) -> Clients {
        Clients {
            network,
            ..Clients::default()
        }
    }

    /// No pools: all requests are answered by somebody in the servers' place.
    #[must_use]
    pub fn answered_by(self, stand_in: Option<Arc<dyn StandIn>>) -> Clients {
        Clients { stand_in, ..self }
    }

    /// The way of an installation's requests.
    ///
    /// # Errors
    ///
    /// As for [`Clients::of`].
    pub fn way(&self, installation: &Installation) -> Result<Way, TransportError> {
        match &self.stand_in {
            Some(stand_in) => Ok(Way::StandIn(stand_in.clone())),
            None => self.of(installation).map(Way::Network),
        }
    }

    /// The pool of an installation; made when first asked for.
    ///
    /// # Errors
    ///
    /// Where the machine has no usable root certificates, and the installation names none.
    pub fn of(&self, installation: &Installation) -> Result<Client, TransportError> {
        let mut pools = self.pools.borrow_mut();
        if let Some(client) = pools.get(installation.id()) {
            return Ok(client.clone());
        }
        let door = Door::new(
            self.network.clone(),
            self.resolver.clone(),
            installation.exceptions().clone(),
        );
        let tls = transport::tls(installation.trust())?;
        let client = transport::pooled(transport::https(door, tls));
        pools.insert(installation.id().to_owned(), client.clone());
        Ok(client)
    }
}
