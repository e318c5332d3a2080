use crate::egress::Exceptions;
use crate::egress::trial::{Answers, Server, Trial, linger, local, strict};
use crate::installation::Installation;
use futures_util::FutureExt;
use std::sync::atomic::Ordering;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use wasmtime_wasi_http::Error;

const FINE: &str = "HTTP/1.1 204 No Content\r\n\r\n";
const NAME: &str = "http://server.example";

fn except(api: &str, networks: &[&str]) -> Installation {
    let networks = networks.iter().map(|text| Exceptions::parse(text).unwrap());
    strict(api).with_exceptions(Exceptions::new(networks))
}

#[tokio::test]
async fn this_machine_is_not_reached_in_any_spelling() {
    let server = Server::answering(FINE).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "0x7f000001",
        "0177.0.0.1",
        "017700000001",
        "localhost",
        "LOCALHOST",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::]",
    ] {
        let url = format!("http://{host}:{port}/");
        let refused = Trial::of(strict(&url)).get(&url).await.err();
        assert!(
            matches!(refused, Some(Error::DestinationIpProhibited)),
            "{host}: {refused:?}"
        );
    }
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn an_exception_opens_this_machine_in_the_same_spellings() {
    let server = Server::answering(FINE).await;
    let port = server.address.port();
    for host in [
        "127.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "017700000001",
        "[::ffff:127.0.0.1]",
    ] {
        let url = format!("http://{host}:{port}/");
        let answer = Trial::of(local(&url)).get(&url).await;
        assert_eq!(answer.unwrap().status(), 204, "{host}");
    }
}

#[tokio::test]
async fn metadata_services_are_not_reached_although_everything_is_an_exception() {
    for host in [
        "169.254.169.254",
        "2852039166",
        "0xa9fea9fe",
        "0251.0376.0251.0376",
        "169.254.43518",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "168.63.129.16",
    ] {
        let url = format!("http://{host}/latest/meta-data");
        let refused = Trial::of(except(&url, &["0.0.0.0/0", "::/0"]))
            .get(&url)
            .await
            .err();
        assert!(
            matches!(refused, Some(Error::DestinationIpProhibited)),
            "{host}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_zone_does_not_help_an_address() {
    for host in ["[fe80::1%25lo]", "[fe80::1%lo]", "[::1%25lo]", "[::1%lo]"] {
        let url = format!("http://{host}/");
        let refused = Trial::of(strict(&url)).get(&url).await.err();
        let is_closed = matches!(
            refused,
            Some(Error::DestinationIpProhibited | Error::DnsError { .. })
        );
        assert!(is_closed, "{host}: {refused:?}");
    }
    for host in ["fe80::1%lo", "127.0.0.1%lo"] {
        let url = format!("http://{host}/").parse::<http::Uri>();
        assert!(url.is_err(), "{host}");
    }
}

#[tokio::test]
async fn of_several_addresses_a_prohibited_one_is_never_dialled() {
    let fine = Server::answering(FINE).await;
    let port = fine.address.port();
    let inner = Server::at(&format!("127.0.0.2:{port}"), |stream| {
        linger(stream).boxed()
    })
    .await;
    let api = format!("{NAME}:{port}");
    let names = Answers::new(&[&["127.0.0.2", "10.255.255.1", "127.0.0.1"]]);
    let trial = Trial::resolving_with(except(&api, &["127.0.0.1"]), names);
    assert_eq!(trial.get(&api).await.unwrap().status(), 204);
    assert_eq!((fine.connections(), inner.connections()), (1, 0));
}

#[tokio::test]
async fn a_name_is_resolved_once_for_a_connection_and_what_was_checked_is_dialled() {
    let close = |mut stream: TcpStream| {
        async move {
            crate::egress::trial::head(&mut stream).await;
            let _ = stream
                .write_all(b"HTTP/1.1 204 No\r\nconnection: close\r\n\r\n")
                .await;
        }
        .boxed()
    };
    let fine = Server::driven(close).await;
    let port = fine.address.port();
    let inner = Server::at(&format!("127.0.0.2:{port}"), |stream| {
        linger(stream).boxed()
    })
    .await;
    let api = format!("{NAME}:{port}");
    let names = Answers::new(&[&["127.0.0.1"], &["127.0.0.2"]]);
    let trial = Trial::resolving_with(except(&api, &["127.0.0.1"]), names.clone());
    assert_eq!(trial.get(&api).await.unwrap().status(), 204);
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    // The next connection is checked anew.
    let refused = trial.get(&api).await.err();
    assert!(
        matches!(refused, Some(Error::DestinationIpProhibited)),
        "{refused:?}"
    );
    assert_eq!((fine.connections(), inner.connections()), (1, 0));
}

#[tokio::test]
async fn a_name_without_an_address_is_not_called_prohibited() {
    let names = Answers::new(&[&[]]);
    let refused = Trial::resolving_with(strict(NAME), names)
        .get(NAME)
        .await
        .err();
    assert!(
        matches!(
            refused,
            Some(Error::DnsError { .. } | Error::DestinationUnavailable)
        ),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_operator_is_told_once_which_host_and_range_it_was_and_what_allows_it() {
    let (log, _guard) = crate::egress::trial::Log::listen();
    let names = Answers::new(&[&["10.1.2.3"]]);
    let trial = Trial::resolving_with(strict(NAME), names);
    for _ in 0..3 {
        assert!(trial.get(NAME).await.is_err());
    }
    let log = log.text();
    for words in [
        "server.example",
        "10.1.2.3 is private",
        "10.1.2.3/32",
        "allow-addresses",
    ] {
        assert_eq!(log.matches(words).count().min(1), 1, "{words}: {log}");
    }
    assert_eq!(log.lines().count(), 1, "{log}");
}
