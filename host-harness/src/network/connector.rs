//! From a URL to a connection, for HTTP clients.

use super::{Network, Stream};
use crate::transport;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll};
use tower_service::Service;

/// What a connection can fail with before it is there.
pub type ConnectError = Box<dyn std::error::Error + Send + Sync>;

/// Opens connections over a network. `R` makes addresses of names, on the machine's network; within a process there are
/// no names, only addresses.
#[derive(Debug, Clone)]
pub struct Connector<R> {
    network: Network,
    tcp: HttpConnector<R>,
}

impl<R> Connector<R> {
    /// Connections over this network.
    pub fn new(network: Network, resolver: R) -> Connector<R> {
        Connector {
            network,
            tcp: transport::tcp(resolver),
        }
    }
}

impl<R> Service<Uri> for Connector<R>
where
    R: Service<Name, Error: Into<ConnectError>, Future: Send> + Clone + Send + Sync + 'static,
    R::Response: Iterator<Item = SocketAddr> + Send,
{
    type Response = TokioIo<Stream>;
    type Error = ConnectError;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.tcp.poll_ready(context).map_err(Into::into)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        if let Network::InProcess(_) = &self.network {
            let network = self.network.clone();
            return async move {
                let address = address(&destination).ok_or_else(no_names)?;
                Ok(TokioIo::new(network.connect(address).await?))
            }
            .boxed();
        }
        let opening = self.tcp.call(destination);
        async move {
            let stream = opening.await?.into_inner();
            Ok(TokioIo::new(Stream::Machine(stream)))
        }
        .boxed()
    }
}

/// The text begins like that of the system's resolver, which is how a name is told from an address.
fn no_names() -> io::Error {
    io::Error::other("dns error: there are no names within a process")
}

fn address(destination: &Uri) -> Option<SocketAddr> {
    let host = destination.host()?;
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
        .unwrap_or(host);
    let address: IpAddr = inner.parse().ok()?;
    let default = if destination.scheme_str() == Some("https") {
        443
    } else {
        80
    };
    Some(SocketAddr::new(
        address,
        destination.port_u16().unwrap_or(default),
    ))
}
