use super::*;
use proptest::prelude::*;

fn range(address: &str) -> Option<Range> {
    let judged = Exceptions::default().check(address.parse().unwrap());
    judged.err().map(|prohibited| prohibited.range)
}

fn except(networks: &[&str]) -> Exceptions {
    Exceptions::new(networks.iter().map(|text| Exceptions::parse(text).unwrap()))
}

fn allows(exceptions: &Exceptions, address: &str) -> bool {
    exceptions.check(address.parse().unwrap()).is_ok()
}

#[test]
fn the_public_internet_is_allowed() {
    for address in [
        "140.82.121.6",
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:50c0:8000::153",
        "2a01:4f8::1",
        "2001:200::1",
        "2001:4860:4860::8888",
        // What holds an IPv4 address of the public internet.
        "::ffff:140.82.121.6",
        "64:ff9b::140.82.121.6",
        "2002:8c52:7906::1",
        "2a01:4f8::5efe:140.82.121.6",
    ] {
        assert_eq!(range(address), None, "{address}");
    }
}

#[test]
fn every_special_range_is_prohibited_from_its_first_address_to_its_last() {
    for (first, last, expected) in [
        ("0.0.0.0", "0.255.255.255", Range::Unspecified),
        ("10.0.0.0", "10.255.255.255", Range::Private),
        ("100.64.0.0", "100.127.255.255", Range::Shared),
        ("127.0.0.0", "127.255.255.255", Range::Loopback),
        ("169.254.0.0", "169.254.255.255", Range::LinkLocal),
        ("172.16.0.0", "172.31.255.255", Range::Private),
        ("192.0.0.0", "192.0.0.255", Range::Protocol),
        ("192.0.2.0", "192.0.2.255", Range::Documentation),
        ("192.31.196.0", "192.31.196.255", Range::Anycast),
        ("192.52.193.0", "192.52.193.255", Range::Anycast),
        ("192.88.99.0", "192.88.99.255", Range::Anycast),
        ("192.168.0.0", "192.168.255.255", Range::Private),
        ("192.175.48.0", "192.175.48.255", Range::Anycast),
        ("198.18.0.0", "198.19.255.255", Range::Benchmarking),
        ("198.51.100.0", "198.51.100.255", Range::Documentation),
        ("203.0.113.0", "203.0.113.255", Range::Documentation),
        ("224.0.0.0", "239.255.255.255", Range::Multicast),
        ("240.0.0.0", "255.255.255.254", Range::Reserved),
        ("255.255.255.255", "255.255.255.255", Range::Broadcast),
        ("::", "::", Range::Unspecified),
        ("::1", "::1", Range::Loopback),
        ("::2", "::ffff:ffff", Range::Reserved),
        (
            "64:ff9b:1::",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            Range::LocalTranslation,
        ),
        ("100::", "100::ffff:ffff:ffff:ffff", Range::Discard),
        (
            "2001::",
            "2001:0:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Teredo,
        ),
        (
            "2001:1::",
            "2001:1:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Protocol,
        ),
        (
            "2001:2::",
            "2001:2:0:ffff:ffff:ffff:ffff:ffff",
            Range::Benchmarking,
        ),
        (
            "2001:3::",
            "2001:3:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Anycast,
        ),
        (
            "2001:4:112::",
            "2001:4:112:ffff:ffff:ffff:ffff:ffff",
            Range::Anycast,
        ),
        (
            "2001:10::",
            "2001:2f:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Orchid,
        ),
        (
            "2001:30::",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Protocol,
        ),
        (
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Documentation,
        ),
        (
            "2620:4f:8000::",
            "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
            Range::Anycast,
        ),
        (
            "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Documentation,
        ),
        (
            "4000::",
            "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Reserved,
        ),
        (
            "fc00::",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::UniqueLocal,
        ),
        (
            "fe80::",
            "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::LinkLocal,
        ),
        (
            "fec0::",
            "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::SiteLocal,
        ),
        (
            "ff00::",
            "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            Range::Multicast,
        ),
    ] {
        assert_eq!(range(first), Some(expected), "{first}");
        assert_eq!(range(last), Some(expected), "{last}");
    }
}

#[test]
fn metadata_services_are_known_by_name() {
    for address in [
        "169.254.169.254",
        "169.254.170.2",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
        "64:ff9b::168.63.129.16",
        "2002:a83f:8110::1",
        "2a01:4f8::5efe:169.254.169.254",
        "2a01:4f8::200:5efe:169.254.169.254",
    ] {
        assert_eq!(range(address), Some(Range::Metadata), "{address}");
    }
}

#[test]
fn an_address_that_holds_an_inner_one_is_prohibited_like_that_one() {
    for address in [
        "::ffff:10.0.0.1",
        "::ffff:a00:1",
        "64:ff9b::10.0.0.1",
        "2002:a00:1::",
        "2002:a00:1:1:2:3:4:5",
        "2a01:4f8::5efe:10.0.0.1",
        "2a01:4f8::200:5efe:a00:1",
    ] {
        assert_eq!(range(address), Some(Range::Private), "{address}");
    }
    // The prefix itself is special too.
    assert_eq!(range("::10.0.0.1"), Some(Range::Reserved));
    assert_eq!(range("64:ff9b:1::10.0.0.1"), Some(Range::LocalTranslation));
}

#[test]
fn an_exception_has_to_name_the_address_and_the_one_in_it() {
    let prefix = except(&["2001::/32", "64:ff9b:1::/48", "::/96"]);
    let server = "2001:0:a00:1:0:ffff:73ad:86f9"; // 10.0.0.1 and 140.82.121.6
    let client = "2001:0:8c52:7906:0:ffff:f5ff:fffe"; // 140.82.121.6 and 10.0.0.1
    for address in [server, client, "64:ff9b:1::10.0.0.1", "::10.0.0.1"] {
        assert!(!allows(&prefix, address), "{address}");
        let both = except(&["2001::/32", "64:ff9b:1::/48", "::/96", "10.0.0.0/8"]);
        assert!(allows(&both, address), "{address}");
        assert!(!allows(&except(&["10.0.0.0/8"]), address), "{address}");
    }
    assert!(allows(&except(&["10.0.0.0/8"]), "::ffff:10.0.0.1"));
    assert!(allows(&except(&["10.0.0.0/8"]), "64:ff9b::10.0.0.1"));
}

#[test]
fn an_exception_opens_its_own_network_and_no_other() {
    let exceptions = except(&["10.1.0.0/16", "fd12::/16", "192.168.7.9"]);
    for address in ["10.1.255.255", "fd12::1", "192.168.7.9", "140.82.121.6"] {
        assert!(allows(&exceptions, address), "{address}");
    }
    for address in ["10.2.0.0", "fd13::1", "192.168.7.8", "127.0.0.1"] {
        assert!(!allows(&exceptions, address), "{address}");
    }
}

#[test]
fn a_wide_exception_opens_neither_metadata_services_nor_the_same_wire() {
    let everything = except(&[
        "0.0.0.0/0",
        "::/0",
        "100.64.0.0/10",
        "fd00::/8",
        "192.0.0.0/24",
    ]);
    for address in [
        "10.0.0.1",
        "127.0.0.1",
        "100.64.0.1",
        "fd00::1",
        "255.255.255.255",
    ] {
        assert!(allows(&everything, address), "{address}");
    }
    for address in [
        "169.254.169.254",
        "169.254.1.1",
        "fe80::1",
        "168.63.129.16",
        "100.100.100.200",
        "192.0.0.192",
        "fd00:ec2::254",
        "::ffff:169.254.169.254",
        "64:ff9b::169.254.169.254",
    ] {
        assert!(!allows(&everything, address), "{address}");
    }
    assert!(allows(&except(&["169.254.169.254/32"]), "169.254.169.254"));
    assert!(allows(&except(&["fd00:ec2::254"]), "fd00:ec2::254"));
    assert!(!allows(&except(&["169.254.169.254"]), "169.254.169.253"));
}

#[test]
fn what_is_no_exception_is_refused_with_what_to_write_instead() {
    for (text, words) in [
        ("everything", "like 10.1.2.3"),
        ("10.0.0.0/33", "like 10.1.2.3"),
        ("2130706433", "like 10.1.2.3"),
        ("10.1.2.3/8", "write 10.0.0.0/8"),
        ("::ffff:10.0.0.0/104", "as an IPv4 network"),
        ("169.254.0.0/16", "name each of them alone"),
        ("fe80::/64", "name each of them alone"),
    ] {
        let error = Exceptions::parse(text).unwrap_err().to_string();
        assert!(error.contains(words), "{text}: {error}");
    }
}

/// IPv4 by the standard library's own questions and by numbers, and nothing of the table.
fn is_public_v4(address: Ipv4Addr) -> bool {
    let [a, b, c, d] = address.octets();
    let is_special = a == 0
        || address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_documentation()
        || address.is_multicast()
        || a >= 240
        || (a == 100 && b & 0xc0 == 64)
        || (a == 198 && b & 0xfe == 18)
        || (a == 192
            && matches!(
                (b, c),
                (0, 0) | (31, 196) | (52, 193) | (88, 99) | (175, 48)
            ))
        || [a, b, c, d] == [168, 63, 129, 16];
    !is_special
}

/// Addresses near the edges of ranges, where mistakes are, and anywhere.
fn any_v4() -> impl Strategy<Value = Ipv4Addr> {
    let heads = proptest::sample::select(vec![
        0u32,
        0x0a00_0000,
        0x6440_0000,
        0x7f00_0000,
        0xa83f_8110,
        0xa9fe_0000,
        0xac10_0000,
        0xac20_0000,
        0xc000_0000,
        0xc000_0200,
        0xc01f_c400,
        0xc034_c100,
        0xc058_6300,
        0xc0a8_0000,
        0xc0af_3000,
        0xc612_0000,
        0xc614_0000,
        0xc633_6400,
        0xcb00_7100,
        0xe000_0000,
        0xf000_0000,
        0xffff_ffff,
    ]);
    prop_oneof![
        any::<u32>(),
        (heads, -300i32..300).prop_map(|(head, step)| head.wrapping_add_signed(step)),
    ]
    .prop_map(Ipv4Addr::from_bits)
}

proptest! {
    #[test]
    fn an_ipv4_address_is_allowed_exactly_if_it_is_public(address in any_v4()) {
        let allowed = Exceptions::default().check(address.into()).is_ok();
        prop_assert_eq!(allowed, is_public_v4(address));
    }

    #[test]
    fn no_disguise_makes_an_inner_ipv4_address_allowed(v4 in any_v4(), tail in any::<u64>()) {
        let low = u128::from(v4.to_bits());
        let disguises = [
            0xffff << 32 | low,
            0x0064_ff9b << 96 | low,
            0x2002 << 112 | low << 80 | u128::from(tail),
            0x2a01_04f8 << 96 | u128::from(tail >> 32) << 64 | 0x5efe << 32 | low,
            0x2a01_04f8 << 96 | 0x0200_5efe << 32 | low,
        ];
        for bits in disguises {
            let v6 = Ipv6Addr::from_bits(bits);
            let allowed = Exceptions::default().check(v6.into()).is_ok();
            prop_assert_eq!(allowed, is_public_v4(v4), "{}", v6);
        }
        for bits in [low, 0x0064_ff9b_0001 << 80 | low, 0x2001 << 112 | low << 64 | u128::from(tail)] {
            prop_assert!(Exceptions::default().check(Ipv6Addr::from_bits(bits).into()).is_err());
        }
    }

    #[test]
    fn an_ipv6_address_outside_of_what_is_given_out_is_never_allowed(bits in any::<u128>()) {
        let v6 = Ipv6Addr::from_bits(bits);
        let is_given_out = bits >> 125 == 1 || v6.to_ipv4_mapped().is_some() || bits >> 32 == 0x0064_ff9b << 64;
        prop_assume!(!is_given_out);
        prop_assert!(Exceptions::default().check(v6.into()).is_err());
    }

    #[test]
    fn exceptions_never_prohibit_what_is_allowed_without_them(v4 in any_v4(), network in any_v4(), prefix in 0u8..=32) {
        let network = IpNet::new(network.into(), prefix).unwrap().trunc();
        let with = Exceptions::new([network]).check(v4.into()).is_ok();
        let without = Exceptions::default().check(v4.into()).is_ok();
        let is_named = network.contains(&IpAddr::V4(v4));
        prop_assert!(with >= without);
        prop_assert!(with == without || is_named);
    }
}
