//! Where bytes go: over the machine's network, or from one part of this process to another.
//!
//! A production host and everything that a person starts use [`Network::Machine`]. Scenarios use
//! [`Network::in_process`]: addresses mean something within one [`Network`] only, nothing touches a socket, and so
//! time can be virtual, because a runtime that has nothing left to do is not waiting for the operating system. Above
//! this seam both are the same: HTTP, pools, limits and broken connections.

mod connector;
mod stream;
mod switchboard;

pub use connector::Connector;
pub use stream::Stream;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use switchboard::{Exchange, Switchboard};
use tokio::net::{TcpListener, TcpStream};

/// A network. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub enum Network {
    /// The machine's.
    #[default]
    Machine,
    /// One within this process.
    InProcess(InProcess),
}

/// A network within this process. Clones are the same one.
#[derive(Debug, Clone, Default)]
pub struct InProcess(Arc<Switchboard>);

/// Somebody who waits for connections.
#[derive(Debug)]
pub enum Listener {
    /// On the machine's network.
    Machine(TcpListener),
    /// Within this process.
    InProcess(Exchange),
}

impl Network {
    /// A new network within this process, without anybody on it.
    #[must_use]
    pub fn in_process() -> Network {
        Network::InProcess(InProcess::default())
    }

    /// Waits for connections at an address; port 0 for any that is free.
    ///
    /// # Errors
    /// Somebody else listens there, or the system refuses.
    pub async fn listen(&self, address: SocketAddr) -> io::Result<Listener> {
        match self {
            Network::Machine => TcpListener::bind(address).await.map(Listener::Machine),
            Network::InProcess(network) => network.0.listen(address).map(Listener::InProcess),
        }
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// Nobody listens there, or the system refuses.
    pub async fn connect(&self, address: SocketAddr) -> io::Result<Stream> {
        match self {
            Network::Machine => TcpStream::connect(address).await.map(Stream::Machine),
            Network::InProcess(network) => network.0.connect(address).map(Stream::InProcess),
        }
    }
}

impl Listener {
    /// The next connection, and where it comes from.
    ///
    /// # Errors
    /// As the system says; trying again is the way on.
    pub async fn accept(&mut self) -> io::Result<(Stream, SocketAddr)> {
        match self {
            Listener::Machine(listener) => {
                let (stream, from) = listener.accept().await?;
                // Small answers must not wait for an acknowledgement timer.
                stream.set_nodelay(true)?;
                Ok((Stream::Machine(stream), from))
            }
            Listener::InProcess(listener) => {
                let (stream, from) = listener.accept().await?;
                Ok((Stream::InProcess(stream), from))
            }
        }
    }

    /// Where it listens.
    ///
    /// # Errors
    /// As the system says.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match self {
            Listener::Machine(listener) => listener.local_addr(),
            Listener::InProcess(listener) => Ok(listener.address()),
        }
    }
}

/// For `axum::serve`.
impl axum::serve::Listener for Listener {
    type Io = Stream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Stream, SocketAddr) {
        loop {
            match Listener::accept(self).await {
                Ok(accepted) => return accepted,
                // Out of file handles, for example: connections that end give some back.
                Err(error) => {
                    tracing::warn!("a connection could not be accepted: {error}");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        Listener::local_addr(self)
    }
}

/// How long a listener waits that could not accept a connection.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    const ANY: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

    #[tokio::test]
    async fn both_networks_carry_bytes_and_refuse_where_nobody_listens() {
        for network in [Network::Machine, Network::in_process()] {
            let mut listener = network.listen(ANY).await.unwrap();
            let address = listener.local_addr().unwrap();
            assert_ne!(address.port(), 0);
            let mut client = network.connect(address).await.unwrap();
            let (mut server, _) = listener.accept().await.unwrap();
            client.write_all(b"hello").await.unwrap();
            let mut seen = [0; 5];
            server.read_exact(&mut seen).await.unwrap();
            assert_eq!(&seen, b"hello");
            drop(server);
            assert_eq!(client.read(&mut seen).await.unwrap(), 0, "{network:?}");
            drop(listener);
            let refused = network.connect(address).await.unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
        }
    }

    #[tokio::test]
    async fn networks_within_the_process_do_not_hear_of_each_other() {
        let (one, other) = (Network::in_process(), Network::in_process());
        let listener = one.listen(ANY).await.unwrap();
        let address = listener.local_addr().unwrap();
        assert!(other.connect(address).await.is_err());
        assert!(one.connect(address).await.is_ok());
        let taken = one.listen(address).await.unwrap_err();
        assert_eq!(taken.kind(), io::ErrorKind::AddrInUse);
    }
}
