//! Addresses for servers that are to listen at the same place in several lives.

use super::mix;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::net::TcpSocket;

/// Ports are looked for from here up to where systems usually begin to take ports for connections: what a server has
/// given up for a moment is then not taken by a connection.
const FIRST: u16 = 20_000;
const PORTS: u16 = 12_000;

/// An address on loopback that is kept for one server, whether that listens at the moment or not: until this is dropped,
/// no other process is given it.
///
/// On Linux a socket is bound to it that never listens. Everybody else who asks for the address alone is refused, and a
/// server that allows addresses to be used again (`SO_REUSEADDR`, as tokio's and the standard library's do) may listen
/// there, since nobody does: socket(7). Other systems refuse such a server too, so there the address is only looked at, and
/// processes side by side begin to look at different places.
#[derive(Debug)]
pub struct KeptAddress {
    address: SocketAddr,
    _socket: Option<TcpSocket>,
}

impl KeptAddress {
    /// One that nobody listens at, and that this process was not given before.
    ///
    /// # Errors
    ///
    /// All ports are taken.
    pub fn find() -> io::Result<KeptAddress> {
        static GIVEN: AtomicU64 = AtomicU64::new(0);
        let first = mix(u64::from(std::process::id()));
        for _ in 0..PORTS {
            let given = GIVEN.fetch_add(1, Ordering::Relaxed);
            let offset = first.wrapping_add(given) % u64::from(PORTS);
            let port = FIRST.saturating_add(u16::try_from(offset).unwrap_or_default());
            if let Ok(kept) = KeptAddress::keep(SocketAddr::from((Ipv4Addr::LOCALHOST, port))) {
                return Ok(kept);
            }
        }
        Err(io::Error::new(
            io::ErrorKind::AddrInUse,
            "no port is free on loopback",
        ))
    }

    fn keep(address: SocketAddr) -> io::Result<KeptAddress> {
        let socket = TcpSocket::new_v4()?;
        // The address must be nobody's, and may be shared only from then on.
        socket.set_reuseaddr(false)?;
        socket.bind(address)?;
        socket.set_reuseaddr(true)?;
        Ok(KeptAddress {
            address,
            _socket: cfg!(target_os = "linux").then_some(socket),
        })
    }

    /// The address.
    pub fn get(&self) -> SocketAddr {
        self.address
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn an_address_between_two_lives_of_its_server_is_given_to_nobody() {
        let kept = KeptAddress::find().unwrap();
        for _ in 0..2 {
            // As another process would look for one.
            let refused = KeptAddress::keep(kept.get()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
            // A connection that the server closes first leaves the address in TIME_WAIT.
            let server = TcpListener::bind(kept.get()).unwrap();
            let mut client = TcpStream::connect(kept.get()).unwrap();
            drop(server.accept().unwrap());
            assert_eq!(client.read(&mut [0]).unwrap(), 0);
            let refused = KeptAddress::keep(kept.get()).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AddrInUse);
        }
        let nobody = TcpStream::connect(kept.get()).unwrap_err();
        assert_eq!(nobody.kind(), io::ErrorKind::ConnectionRefused);
    }
}
