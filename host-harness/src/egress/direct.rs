//! The host's own requests to the server of an installation, where no guest is involved: for looking at a set-up.
//!
//! They go the way that a guest's requests go: the same origin, the same addresses, the same authorities. What is
//! different is the answer when that way is closed: a guest gets a code, whoever mends a set-up needs the reason.

use super::connect::{Door, NoWay, Resolver, SystemResolver};
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
        Direct::resolving_with(network, Arc::new(SystemResolver), installation)
    }

    fn resolving_with(
        network: Network,
        resolver: Arc<dyn Resolver>,
        installation: &Installation,
    ) -> Result<Direct<'_>, TransportError> {
        let exceptions = installation.exceptions().clone();
        let door = Door::new(network, resolver, exceptions);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::trial::{Answers, Server, local, strict};

    const FINE: &str = "HTTP/1.1 204 No Content\r\n\r\n";
    const NAME: &str = "http://server.example";

    async fn ask(
        installation: &Installation,
        url: &str,
        addresses: &[&'static str],
    ) -> Result<Response<Bytes>, Unreached> {
        let resolver = Answers::new(&[addresses]);
        let direct = Direct::resolving_with(Network::Machine, resolver, installation);
        let request = Request::get(url).body(Bytes::new()).unwrap();
        direct.unwrap().send(request).await
    }

    #[tokio::test]
    async fn an_address_that_may_not_be_reached_is_named_with_the_exception() {
        let error = ask(&strict(NAME), NAME, &["10.1.2.3"]).await.unwrap_err();
        let Unreached::Address(sentence) = error else {
            panic!("{error}");
        };
        for word in ["server.example", "10.1.2.3/32", "allow-addresses"] {
            assert!(sentence.contains(word), "{sentence}");
        }
    }

    #[tokio::test]
    async fn no_origin_but_the_api_is_asked() {
        let server = Server::answering(FINE).await;
        let elsewhere = ask(&local(NAME), &server.url(), &["127.0.0.1"]).await;
        assert!(
            matches!(elsewhere, Err(Unreached::Denied(_))),
            "{elsewhere:?}"
        );
        assert_eq!(server.connections(), 0);
        let api = ask(&local(&server.url()), &server.url(), &["127.0.0.1"]).await;
        assert_eq!(api.unwrap().status(), 204);
    }

    #[tokio::test]
    async fn what_is_no_http_is_a_broken_connection() {
        let server = Server::answering("SSH-2.0-x\r\n").await;
        let broken = ask(&local(&server.url()), &server.url(), &["127.0.0.1"]).await;
        assert!(matches!(broken, Err(Unreached::Broken(_))), "{broken:?}");
    }

    #[tokio::test]
    async fn an_answer_that_never_ends_is_not_read_on() {
        let length = LARGEST + 1;
        let mut answer =
            format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n").into_bytes();
        answer.resize(answer.len() + length, b'x');
        let server = Server::answering(answer).await;
        let large = ask(&local(&server.url()), &server.url(), &["127.0.0.1"]).await;
        assert!(
            matches!(large, Err(Unreached::Broken(_))),
            "{:?}",
            large.map(|_| ())
        );
    }
}
