//! Addresses for servers that are to listen at the same place in several lives.

use super::mix;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::atomic::{AtomicU64, Ordering};

/// Ports are looked for from here up to where systems usually begin to take ports for connections: what a server has
/// given up for a moment is then not taken by a connection.
const FIRST: u16 = 20_000;
const PORTS: u16 = 12_000;

/// An address on loopback that nobody listens at, and that this process is not given a second time.
///
/// # Errors
///
/// All ports are taken.
pub fn free_address() -> io::Result<SocketAddr> {
    static GIVEN: AtomicU64 = AtomicU64::new(0);
    // Processes side by side look at different places first.
    let first = mix(u64::from(std::process::id()));
    for _ in 0..PORTS {
        let given = GIVEN.fetch_add(1, Ordering::Relaxed);
        let offset = first.wrapping_add(given) % u64::from(PORTS);
        let port = FIRST.saturating_add(u16::try_from(offset).unwrap_or_default());
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        if TcpListener::bind(address).is_ok() {
            return Ok(address);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::AddrInUse,
        "no port is free on loopback",
    ))
}
