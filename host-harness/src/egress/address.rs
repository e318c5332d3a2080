//! Which addresses requests may reach. Pure: addresses go in, and a decision comes out.
//!
//! A host runs in somebody's network, where much listens that trusts whoever can reach it. So requests go to addresses
//! of the public internet only, unless the operator has named others as exceptions. The ranges are those of IANA's
//! registries of special-purpose addresses (IPv4 and IPv6; RFC 6890), of the address architecture of IPv6 (RFC 4291,
//! section 2.4), and the addresses at which clouds hand out credentials to whoever asks from inside.
//!
//! Many IPv6 addresses hold an IPv4 address, and a packet to such a one may arrive at the other. They are judged by
//! both: an exception has to name each of the two that lies in a range. Translators with a prefix of the network's own
//! (RFC 6052, section 2.2) cannot be recognized; whoever runs one has to keep it from translating to inner addresses.

mod ranges;

use ipnet::IpNet;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub use ranges::Range;

/// An address in a range that requests may not reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{address} is {range}")]
pub struct Prohibited {
    /// The address, or the IPv4 address in it.
    pub address: IpAddr,
    /// Where it lies.
    pub range: Range,
}

impl Prohibited {
    /// The exception that allows this address, and no other.
    pub fn exception(&self) -> IpNet {
        IpNet::from(self.address)
    }
}

/// The networks that requests may reach although they are in a range that is prohibited otherwise.
///
/// Addresses at which clouds hand out credentials, and link-local ones, which these addresses are among, have to be
/// named one by one (`/32`, `/128`): somebody who allows a company's whole inner network has not thought of them, and
/// with one of them a guest would get the rights of the machine.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Exceptions(Vec<IpNet>);

/// Why a network is no exception.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnException {
    /// It is no address and no network.
    #[error(
        "{0:?} is neither an address nor a network; write it like 10.1.2.3, 10.0.0.0/8 or fd00::/8"
    )]
    Unreadable(String),
    /// There are bits behind the prefix.
    #[error("{0} has bits set behind its prefix; write {1}, or the address alone")]
    Untidy(IpNet, IpNet),
    /// It is an IPv4 network in IPv6 clothes.
    #[error("{0} stands for IPv4 addresses; write it as an IPv4 network")]
    Mapped(IpNet),
    /// It is in a range whose addresses have to be named one by one.
    #[error("{0} is more than one address of a range that is {1}; name each of them alone")]
    TooWide(IpNet, Range),
}

impl Exceptions {
    /// Reads a network or a single address.
    pub fn parse(text: &str) -> Result<IpNet, NotAnException> {
        let network = match text.parse::<IpNet>() {
            Ok(network) => network,
            Err(_) => match text.parse::<IpAddr>() {
                Ok(address) => IpNet::from(address),
                Err(_) => return Err(NotAnException::Unreadable(text.chars().take(100).collect())),
            },
        };
        let tidy = network.trunc();
        if tidy != network {
            return Err(NotAnException::Untidy(network, tidy));
        }
        if let IpNet::V6(v6) = network
            && v6.prefix_len() >= 96
            && v6.addr().to_ipv4_mapped().is_some()
        {
            return Err(NotAnException::Mapped(network));
        }
        match Range::of(network.addr()) {
            Some(range) if range.is_named_singly() && !is_single(&network) => {
                Err(NotAnException::TooWide(network, range))
            }
            _ => Ok(network),
        }
    }

    /// Makes the list.
    pub fn new(networks: impl IntoIterator<Item = IpNet>) -> Exceptions {
        Exceptions(networks.into_iter().collect())
    }

    /// The addresses of this machine: for a server that runs on it.
    pub fn loopback() -> Exceptions {
        Exceptions::new(ranges::LOOPBACK)
    }

    /// Decides on an address that a connection would be opened to.
    pub fn check(&self, address: IpAddr) -> Result<(), Prohibited> {
        // An IPv4-mapped address is the IPv4 address for the system that dials it.
        let address = address.to_canonical();
        self.judge(address)?;
        match address {
            IpAddr::V4(_) => Ok(()),
            IpAddr::V6(v6) => embedded(v6).try_for_each(|v4| self.judge(IpAddr::V4(v4))),
        }
    }

    fn judge(&self, address: IpAddr) -> Result<(), Prohibited> {
        match Range::of(address) {
            Some(range) if !self.name(address, range) => Err(Prohibited { address, range }),
            _ => Ok(()),
        }
    }

    fn name(&self, address: IpAddr, range: Range) -> bool {
        self.0
            .iter()
            .filter(|network| is_single(network) || !range.is_named_singly())
            .any(|network| network.contains(&address))
    }
}

fn is_single(network: &IpNet) -> bool {
    network.prefix_len() == network.max_prefix_len()
}

/// The IPv4 addresses that an IPv6 address may stand for.
fn embedded(address: Ipv6Addr) -> impl Iterator<Item = Ipv4Addr> {
    let [a, b, c, d, _, f, g, h] = address.segments();
    let (high, low) = (
        (u32::from(b) << 16) | u32::from(c),
        address.to_bits() as u32,
    );
    let holds = [
        // IPv4-compatible (RFC 4291, section 2.5.5.1); the two addresses that look like it are `::` and `::1`.
        (address.to_bits() >> 32 == 0 && low > 1, low),
        // NAT64 (RFC 6052, section 2.1), and that for local use (RFC 8215) with its longest prefix.
        ((a, b) == (0x64, 0xff9b), low),
        // 6to4 (RFC 3056, section 2).
        (a == 0x2002, high),
        // Teredo (RFC 4380, section 4): the server, and the client with all bits turned over.
        ((a, b) == (0x2001, 0), (u32::from(c) << 16) | u32::from(d)),
        ((a, b) == (0x2001, 0), !low),
        // ISATAP (RFC 5214, section 6.1), below any prefix; the second bit tells whether the address is unique.
        (
            f == 0x5efe && matches!(address.segments().get(4), Some(0 | 0x200)),
            (u32::from(g) << 16) | u32::from(h),
        ),
    ];
    holds
        .into_iter()
        .filter(|(is_held, _)| *is_held)
        .map(|(_, bits)| Ipv4Addr::from_bits(bits))
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.words())
    }
}

#[cfg(test)]
mod tests;
