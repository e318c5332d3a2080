//! The host's own requests to the server of an installation, where no guest is involved: for looking at a set-up.
//!
//! They go the way that a guest's requests go: the same origin, the same addresses, the same authorities. What is
//! different is the answer when that way is closed: a guest gets a code, whoever mends a set-up needs the reason.

use super::connect::{Door, NoWay, SystemResolver};
use super::{Audience, Denied};
use crate::credentials::Sender;
use crate::installation::Installation;
use crate::network::Network;
use crate::transport::{self, ConnectFailure, TransportError};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;

/// Longest wait for a whole answer. GitHub cuts requests off after 10 s, servers on premises after 30 s.
const ANSWER: Duration = Duration::from_secs(35);
/// Largest answer, in bytes. A hundred deliveries or hooks are below 200 KB.
const LARGEST: usize = 4 << 20;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unreached {
    /// The destination is not the installation's API.
    #[error(transparent)]
    Denied(#[from] Denied),
    /// No address of the server may be reached.
    #[error("{0}")]
    Address(String),
    /// Its name has no address.
    #[error("its name cannot be resolved")]
    Name,
    /// Nobody listens there.
    #[error("the connection was refused")]
    Refused,
    /// No connection, or no answer, in time.
    #[error("it does not answer in time")]
    TimedOut,
    /// Its certificate is of no authority that counts here, or of another name, or over.
    #[error("its certificate is not trusted ({0})")]
    Certificate(String),
    /// No TLS session could be agreed on.
    #[error("it speaks no TLS that this host speaks ({0})")]
    Tls(String),
    /// The connection broke, or what came is no HTTP.
    #[error("no answer came ({0})")]
    Broken(String),
}

/// Connections to the server of one installation.
pub struct Direct<'i> {
    installation: &'i Installation,
    client: legacy::Client<HttpsConnector<Door>, Full<Bytes>>,
}

impl Direct<'_> {
    /// A pool without connections.
    ///
    /// # Errors
    ///
    /// Where the machine has no usable root certificates, and the installation names none.
    pub fn new(
        network: Network,
        installation: &Installation,
    ) -> Result<Direct<'_>, TransportError> {
        let exceptions = installation.exceptions().clone();
        let door = Door::new(network, Arc::new(SystemResolver), exceptions);
        let tls = transport::tls(installation.trust())?;
        Ok(Direct {
            installation,
            client: transport::pooled(transport::https(door, tls)),
        })
    }
}

impl Sender for Direct<'_> {
    type Error = Unreached;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Unreached> {
        let policy = self.installation.policy();
        // Every request of this kind may carry a credential, and that one is for the API alone.
        if policy.check(request.method(), request.uri())? != Audience::Api {
            return Err(Unreached::Denied(Denied::Nowhere));
        }
        let exchange = async {
            let response = self.client.request(request.map(Full::new)).await;
            let (head, body) = response.map_err(|error| unreached(&error))?.into_parts();
            let body = Limited::new(body, LARGEST).collect().await;
            let body = body.map_err(|error| Unreached::Broken(error.to_string()))?;
            Ok(Response::from_parts(head, body.to_bytes()))
        };
        let answer = timeout(ANSWER, exchange).await;
        answer.unwrap_or(Err(Unreached::TimedOut))
    }
}

fn unreached(error: &transport::SendError) -> Unreached {
    if let Some(no_way) = NoWay::in_error(error) {
        return Unreached::Address(no_way.to_string());
    }
    let causes = || transport::causes(error);
    match transport::connect_failure(error) {
        Some(ConnectFailure::Refused) => Unreached::Refused,
        Some(ConnectFailure::TimedOut) => Unreached::TimedOut,
        Some(ConnectFailure::NameNotFound) => Unreached::Name,
        Some(ConnectFailure::Certificate) => Unreached::Certificate(causes()),
        Some(ConnectFailure::Tls) => Unreached::Tls(causes()),
        Some(ConnectFailure::Other) | None => Unreached::Broken(causes()),
    }
}
