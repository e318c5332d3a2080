//! How many requests are under way at once.

use crate::egress::permits::OF_CALL;
use crate::egress::trial::{Server, Trial, get, local, text};
use crate::egress::{Clients, Permits};
use http_body_util::BodyExt;
use std::sync::Arc;
use wasmtime_wasi_http::Error;

const HELLO: &str = "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello";
const SHORT: [u64; 3] = [100, 100, 1_000];

#[tokio::test]
async fn a_request_is_under_way_until_its_body_is_read_or_dropped() {
    let server = Server::answering(HELLO).await;
    let trial = Trial::of(local(&server.url()).with_permits(Permits::new(2)));
    let free = || trial.0.installation.permits().free();
    let read = trial.get(&server.url()).await.unwrap();
    let dropped = trial.get(&server.url()).await.unwrap();
    assert_eq!(free(), 0);
    assert_eq!(text(read).await, "hello");
    assert_eq!(free(), 1);
    drop(dropped);
    assert_eq!(free(), 2);
}

#[tokio::test]
async fn a_body_that_is_read_and_kept_gives_its_room_back() {
    let server = Server::answering(HELLO).await;
    let trial = Trial::of(local(&server.url()).with_permits(Permits::new(1)));
    let mut body = trial.get(&server.url()).await.unwrap().into_body();
    while body.frame().await.is_some() {}
    assert_eq!(trial.0.installation.permits().free(), 1);
    drop(body);
}

#[tokio::test]
async fn a_request_without_room_is_told_so_and_nothing_of_it_leaves() {
    let server = Server::answering(HELLO).await;
    let clients = Clients::default();
    let installation = Arc::new(local(&server.url()).with_permits(Permits::new(1)));
    let (one, other) = (
        Trial::on(&clients, installation.clone()),
        Trial::on(&clients, installation),
    );
    let held = one.get(&server.url()).await.unwrap();
    let mut change = get(&server.url());
    *change.method_mut() = http::Method::POST;
    let refused = other.hurried(change, SHORT).await.err();
    assert!(
        matches!(refused, Some(Error::ConnectionLimitReached)),
        "{refused:?}"
    );
    assert!(!other.0.sent.get());
    assert_eq!(server.connections(), 1);
    // What a call leaves lying around goes with it.
    drop((held, one));
    assert!(other.get(&server.url()).await.is_ok());
}

#[tokio::test]
async fn a_request_that_fails_or_is_given_up_gives_its_room_back() {
    let server = Server::driven(|stream| Box::pin(crate::egress::trial::linger(stream))).await;
    let trial = Trial::of(local(&server.url()).with_permits(Permits::new(1)));
    for _ in 0..2 {
        let failed = trial.hurried(get(&server.url()), SHORT).await.err();
        assert!(
            matches!(failed, Some(Error::ConnectionReadTimeout)),
            "{failed:?}"
        );
    }
    let url = server.url();
    let given_up = tokio::time::timeout(std::time::Duration::from_millis(50), trial.get(&url));
    assert!(given_up.await.is_err());
    assert_eq!(trial.0.installation.permits().free(), 1);
}

#[tokio::test]
async fn one_call_cannot_use_up_all_that_its_installation_has() {
    let server = Server::answering(HELLO).await;
    let clients = Clients::default();
    let installation = Arc::new(local(&server.url()));
    let greedy = Trial::on(&clients, installation.clone());
    let mut held = Vec::new();
    for _ in 0..OF_CALL {
        held.push(greedy.get(&server.url()).await.unwrap());
    }
    let refused = greedy.hurried(get(&server.url()), SHORT).await.err();
    assert!(
        matches!(refused, Some(Error::ConnectionLimitReached)),
        "{refused:?}"
    );
    let other = Trial::on(&clients, installation);
    assert_eq!(text(other.get(&server.url()).await.unwrap()).await, "hello");
}

#[tokio::test]
async fn a_guest_that_spells_the_port_in_ever_new_ways_gets_no_connection_for_each() {
    let server = Server::answering(HELLO).await;
    let trial = Trial::of(local(&server.url()));
    let port = server.address.port();
    for zeros in 0..5 {
        let url = format!("http://127.0.0.1:{}{port}/", "0".repeat(zeros));
        assert_eq!(text(trial.get(&url).await.unwrap()).await, "hello");
    }
    assert_eq!(server.connections(), 1);
}
