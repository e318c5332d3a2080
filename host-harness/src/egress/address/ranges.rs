//! The ranges themselves.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What makes an address special.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// A cloud answers here with credentials of the machine.
    Metadata,
    /// This network, or no address at all (RFC 791, section 3.2; RFC 4291, section 2.5.2).
    Unspecified,
    /// This machine (RFC 1122, section 3.2.1.3; RFC 4291, section 2.5.3).
    Loopback,
    /// A private network (RFC 1918).
    Private,
    /// Between a provider and its customers (RFC 6598).
    Shared,
    /// The same wire (RFC 3927; RFC 4291, section 2.5.6).
    LinkLocal,
    /// A private network (RFC 4193).
    UniqueLocal,
    /// A private network, as it was done before (RFC 3879).
    SiteLocal,
    /// Many machines (RFC 5771; RFC 4291, section 2.7).
    Multicast,
    /// All machines of this network (RFC 919, section 7).
    Broadcast,
    /// Examples in texts (RFC 5737, RFC 3849, RFC 9637).
    Documentation,
    /// Measurements in laboratories (RFC 2544, RFC 5180).
    Benchmarking,
    /// Protocols of the IETF (RFC 6890, section 2.2.2; RFC 2928).
    Protocol,
    /// Name servers and relays that every network may run itself (RFC 7534, RFC 7535, RFC 7450, RFC 3068).
    Anycast,
    /// IPv4 in UDP to a client behind a translator (RFC 4380).
    Teredo,
    /// Names of machines in the form of addresses (RFC 4843, RFC 7343).
    Orchid,
    /// Nobody: what comes here is thrown away (RFC 6666).
    Discard,
    /// A translator to IPv4 of this network's own (RFC 8215).
    LocalTranslation,
    /// Kept for the future (RFC 1112, section 4; RFC 4291, section 2.4).
    Reserved,
}

/// Credentials of the machine, by cloud. Most of them lie in other ranges too; what counts is that they have to be
/// named one by one.
const METADATA: [IpAddr; 12] = [
    // Almost all of them, and by IPv6 OpenStack.
    v4(169, 254, 169, 254),
    v6([0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe]),
    // Amazon: by IPv6, and the credentials of containers and pods.
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]),
    v4(169, 254, 170, 2),
    v4(169, 254, 170, 23),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23]),
    // Google, by IPv6.
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]),
    // Azure: in public space.
    v4(168, 63, 129, 16),
    // Alibaba.
    v4(100, 100, 100, 200),
    // Oracle.
    v4(192, 0, 0, 192),
    // Scaleway.
    v4(169, 254, 42, 42),
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]),
];

/// Ranges of IPv4. The first that holds an address counts.
const V4: [(Ipv4Net, Range); 19] = [
    (net4(0, 0, 0, 0, 8), Range::Unspecified),
    (net4(10, 0, 0, 0, 8), Range::Private),
    (net4(100, 64, 0, 0, 10), Range::Shared),
    (LOOPBACK_V4, Range::Loopback),
    (net4(169, 254, 0, 0, 16), Range::LinkLocal),
    (net4(172, 16, 0, 0, 12), Range::Private),
    (net4(192, 0, 0, 0, 24), Range::Protocol),
    (net4(192, 0, 2, 0, 24), Range::Documentation),
    (net4(192, 31, 196, 0, 24), Range::Anycast),
    (net4(192, 52, 193, 0, 24), Range::Anycast),
    (net4(192, 88, 99, 0, 24), Range::Anycast),
    (net4(192, 168, 0, 0, 16), Range::Private),
    (net4(192, 175, 48, 0, 24), Range::Anycast),
    (net4(198, 18, 0, 0, 15), Range::Benchmarking),
    (net4(198, 51, 100, 0, 24), Range::Documentation),
    (net4(203, 0, 113, 0, 24), Range::Documentation),
    (net4(224, 0, 0, 0, 4), Range::Multicast),
    (net4(255, 255, 255, 255, 32), Range::Broadcast),
    (net4(240, 0, 0, 0, 4), Range::Reserved),
];

/// Ranges of IPv6. The first that holds an address counts.
const V6: [(Ipv6Net, Range); 18] = [
    (net6([0, 0, 0, 0, 0, 0, 0, 0], 128), Range::Unspecified),
    (LOOPBACK_V6, Range::Loopback),
    (
        net6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48),
        Range::LocalTranslation,
    ),
    (net6([0x100, 0, 0, 0, 0, 0, 0, 0], 64), Range::Discard),
    (net6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32), Range::Teredo),
    (net6([0x2001, 2, 0, 0, 0, 0, 0, 0], 48), Range::Benchmarking),
    (net6([0x2001, 3, 0, 0, 0, 0, 0, 0], 32), Range::Anycast),
    (net6([0x2001, 4, 0x112, 0, 0, 0, 0, 0], 48), Range::Anycast),
    (net6([0x2001, 0x10, 0, 0, 0, 0, 0, 0], 28), Range::Orchid),
    (net6([0x2001, 0x20, 0, 0, 0, 0, 0, 0], 28), Range::Orchid),
    (net6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23), Range::Protocol),
    (
        net6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32),
        Range::Documentation,
    ),
    (
        net6([0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0], 48),
        Range::Anycast,
    ),
    (
        net6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),
        Range::Documentation,
    ),
    (net6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7), Range::UniqueLocal),
    (net6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), Range::LinkLocal),
    (net6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10), Range::SiteLocal),
    (net6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), Range::Multicast),
];

/// All addresses of single machines that have been given out so far.
const GLOBAL_V6: Ipv6Net = net6([0x2000, 0, 0, 0, 0, 0, 0, 0], 3);
/// IPv4 by a translator (RFC 6052). What counts is the address in it.
const TRANSLATED: Ipv6Net = net6([0x64, 0xff9b, 0, 0, 0, 0, 0, 0], 96);

const LOOPBACK_V4: Ipv4Net = net4(127, 0, 0, 0, 8);
const LOOPBACK_V6: Ipv6Net = net6([0, 0, 0, 0, 0, 0, 0, 1], 128);
pub(super) const LOOPBACK: [IpNet; 2] = [IpNet::V4(LOOPBACK_V4), IpNet::V6(LOOPBACK_V6)];

impl Range {
    /// The range of an address, by itself alone; none for one of the public internet.
    pub fn of(address: IpAddr) -> Option<Range> {
        if METADATA.contains(&address) {
            return Some(Range::Metadata);
        }
        match address {
            IpAddr::V4(v4) => {
                let mut ranges = V4.iter();
                ranges
                    .find(|(network, _)| network.contains(&v4))
                    .map(|(_, range)| *range)
            }
            IpAddr::V6(v6) => Range::of_v6(v6),
        }
    }

    fn of_v6(address: Ipv6Addr) -> Option<Range> {
        if let Some((_, range)) = V6.iter().find(|(network, _)| network.contains(&address)) {
            return Some(*range);
        }
        let is_public = GLOBAL_V6.contains(&address) || TRANSLATED.contains(&address);
        (!is_public).then_some(Range::Reserved)
    }

    /// Whether its addresses have to be named one by one in exceptions.
    pub(super) fn is_named_singly(self) -> bool {
        matches!(self, Range::Metadata | Range::LinkLocal)
    }

    /// The range in words that go on after "the address is".
    pub fn words(self) -> &'static str {
        match self {
            Range::Metadata => "a metadata service of a cloud, which hands out credentials",
            Range::Unspecified => "unspecified (this network)",
            Range::Loopback => "loopback (this machine)",
            Range::Private => "private",
            Range::Shared => "shared between a provider and its customers",
            Range::LinkLocal => "link-local",
            Range::UniqueLocal => "unique-local (private)",
            Range::SiteLocal => "site-local (private)",
            Range::Multicast => "multicast",
            Range::Broadcast => "broadcast",
            Range::Documentation => "for documentation",
            Range::Benchmarking => "for benchmarking",
            Range::Protocol => "assigned to protocols of the IETF",
            Range::Anycast => "an anycast service of the network (AS112, AMT or 6to4 relay)",
            Range::Teredo => "Teredo (IPv4 in UDP)",
            Range::Orchid => "a hash (ORCHID)",
            Range::Discard => "discard-only",
            Range::LocalTranslation => "a local translator to IPv4 (NAT64)",
            Range::Reserved => "reserved",
        }
    }
}

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6(segments: [u16; 8]) -> IpAddr {
    IpAddr::V6(ipv6(segments))
}

const fn ipv6([a, b, c, d, e, f, g, h]: [u16; 8]) -> Ipv6Addr {
    Ipv6Addr::new(a, b, c, d, e, f, g, h)
}

/// Checked when it is compiled.
const fn net4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

/// Checked when it is compiled.
const fn net6(segments: [u16; 8], prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(ipv6(segments), prefix)
}
