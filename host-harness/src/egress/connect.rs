//! Opening connections for guests: the one place where a name becomes an address, and where the address is checked.
//!
//! A name is resolved once for each connection. What the answer holds is checked, and exactly what has passed is
//! dialled, so an answer that is different a moment later changes nothing. The client does not ask the resolver about
//! hosts that are addresses already; those are checked before it sees them. A host in any other spelling of an address
//! (`2130706433`, `0x7f.1`) is a name for the client, and the system's resolver makes the address of it.

use super::address::{Exceptions, Prohibited};
use crate::network::{Connector, Network, Stream};
use crate::transport;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::connect::dns::{GaiResolver, Name};
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};
use tower_service::Service;

/// Finds the addresses of a name.
pub trait Resolver: Send + Sync {
    /// The addresses, in the order in which they are tried.
    fn resolve(&self, name: Name) -> BoxFuture<'static, io::Result<Vec<IpAddr>>>;
}

/// The system's own resolver, which knows the machine's names.
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, name: Name) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let answer = GaiResolver::new().call(name);
        async move { Ok(answer.await?.map(|found| found.ip()).collect()) }.boxed()
    }
}

/// No connection may be opened to any address of a host.
#[derive(Debug, thiserror::Error)]
#[error(
    "{host} has no address that requests of this installation may reach: {prohibited}; if it is meant, add {:?} to \
     allow-addresses", .prohibited.exception().to_string()
)]
pub struct NoWay {
    /// The host that was asked for.
    pub host: String,
    /// The first of its addresses.
    pub prohibited: Prohibited,
}

impl NoWay {
    /// The reason in an error of the client, if this is it.
    pub(super) fn in_error(error: &transport::SendError) -> Option<&NoWay> {
        let mut next = std::error::Error::source(error);
        while let Some(cause) = next {
            if let Some(no_way) = cause.downcast_ref() {
                return Some(no_way);
            }
            next = cause.source();
        }
        None
    }
}

/// Resolves names and lets only addresses through that may be reached.
#[derive(Clone)]
pub struct Checked {
    resolver: Arc<dyn Resolver>,
    exceptions: Arc<Exceptions>,
}

impl Service<Name> for Checked {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, _context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let exceptions = self.exceptions.clone();
        let host = name.as_str().to_owned();
        let found = self.resolver.resolve(name);
        async move {
            let (allowed, prohibited) = sift(&exceptions, found.await?);
            match (allowed.is_empty(), prohibited) {
                (true, Some(prohibited)) => Err(NoWay { host, prohibited }.into()),
                _ => Ok(allowed.into_iter()),
            }
        }
        .boxed()
    }
}

/// The addresses that may be dialled, and the first that may not. The client puts the port in.
fn sift(exceptions: &Exceptions, found: Vec<IpAddr>) -> (Vec<SocketAddr>, Option<Prohibited>) {
    let mut first = None;
    let allowed = found
        .into_iter()
        .filter(|address| match exceptions.check(*address) {
            Ok(()) => true,
            Err(prohibited) => {
                first.get_or_insert(prohibited);
                false
            }
        })
        .map(|address| SocketAddr::new(address, 0))
        .collect();
    (allowed, first)
}

/// Opens connections to hosts that may be reached.
#[derive(Clone)]
pub struct Door {
    connector: Connector<Checked>,
    exceptions: Arc<Exceptions>,
}

impl Door {
    /// Opens connections to public addresses and to `exceptions`.
    pub fn new(network: Network, resolver: Arc<dyn Resolver>, exceptions: Arc<Exceptions>) -> Door {
        let checked = Checked {
            resolver,
            exceptions: exceptions.clone(),
        };
        Door {
            connector: Connector::new(network, checked),
            exceptions,
        }
    }
}

impl Service<Uri> for Door {
    type Response = TokioIo<Stream>;
    type Error = Box<dyn std::error::Error + Send + Sync>;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.connector.poll_ready(context)
    }

    fn call(&mut self, destination: Uri) -> Self::Future {
        if let Some(prohibited) =
            literal(&destination).and_then(|address| self.exceptions.check(address).err())
        {
            let host = destination.host().unwrap_or_default().to_owned();
            return futures_util::future::err(NoWay { host, prohibited }.into()).boxed();
        }
        self.connector.call(destination)
    }
}

/// The host as an address, where the client takes it for one: the standard library decides for both.
fn literal(destination: &Uri) -> Option<IpAddr> {
    let host = destination.host()?;
    let inner = host
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'));
    inner.unwrap_or(host).parse().ok()
}

#[cfg(test)]
mod tests;
