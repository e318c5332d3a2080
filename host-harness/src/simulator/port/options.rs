//! How the simulated Port is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use crate::network::Network;

use super::super::witness::Witness;

/// Settings of [`Port`](super::Port). Every field has a default that is right for a test on loopback.
#[derive(Debug, Clone)]
pub struct Options {
    /// The network that it is on. Default: the machine's.
    pub network: Network,
    /// Who is shown every request. Default: nobody.
    pub witness: Witness,
    /// Address to listen on. Default: loopback, any free port.
    pub listen: SocketAddr,
    /// Id of the first machine client.
    pub client_id: String,
    /// Its secret.
    pub client_secret: String,
    /// Life of an access token. Default: three hours.
    pub token_life: Duration,
    /// Keep request and response bodies. Default: `true`.
    pub keep_bodies: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: Network::Machine,
            witness: Witness::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            client_id: "machine-client".into(),
            client_secret: "machine-secret".into(),
            token_life: Duration::from_secs(3 * 3_600),
            keep_bodies: true,
        }
    }
}

/// What a client's tokens say about it. A client counts as a machine when `is_machine` says so, or, where that claim
/// is missing, when `personal_token` is there and false.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Claims {
    /// Claim `isMachine`; `None` leaves it out.
    pub is_machine: Option<bool>,
    /// Claim `personalToken`; `None` leaves it out.
    pub personal_token: Option<bool>,
}

impl Claims {
    /// The claims of a machine client.
    #[must_use]
    pub fn machine() -> Self {
        Self {
            is_machine: Some(true),
            personal_token: Some(false),
        }
    }

    pub(super) fn may_claim(self) -> bool {
        self.is_machine
            .unwrap_or_else(|| !self.personal_token.unwrap_or(true))
    }
}
