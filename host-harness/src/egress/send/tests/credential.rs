//! Who gets the credential, and where redirects lead.

use crate::egress::trial::{Server, TOKEN, Trial, get, local, origin, under};
use crate::egress::{Exceptions, Policy};
use crate::installation::Installation;
use http::header::{AUTHORIZATION, LOCATION};
use wasmtime_wasi_http::Error;

const FINE: &str = "HTTP/1.1 204 No Content\r\n\r\n";

/// An installation that may send to another origin beside its API.
fn two(api: &str, other: &str) -> Installation {
    let policy = Policy::only(origin(api)).and_without_credential(vec![origin(other)]);
    under("", policy)
}

fn redirect(to: &str) -> String {
    format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n")
}

#[tokio::test]
async fn the_api_gets_the_credential_and_another_origin_does_not() {
    let (api, other) = (Server::answering(FINE).await, Server::answering(FINE).await);
    let trial = Trial::of(two(&api.url(), &other.url()));
    trial.get(&api.url()).await.unwrap();
    trial.get(&other.url()).await.unwrap();
    assert!(
        api.only_head()
            .contains(&format!("authorization: Bearer {TOKEN}\r\n"))
    );
    let head = other.only_head().to_ascii_lowercase();
    assert!(
        !head.contains(AUTHORIZATION.as_str()) && !head.contains(TOKEN),
        "{head}"
    );
}

#[tokio::test]
async fn another_server_neither_uses_nor_holds_up_the_apis_budget() {
    let other =
        Server::answering("HTTP/1.1 429 No\r\nretry-after: 60\r\ncontent-length: 0\r\n\r\n").await;
    let api = Server::answering(FINE).await;
    let trial = Trial::of(two(&api.url(), &other.url()));
    assert_eq!(trial.get(&other.url()).await.unwrap().status(), 429);
    assert_eq!(trial.get(&api.url()).await.unwrap().status(), 204);
}

#[tokio::test]
async fn a_redirect_comes_back_as_it_is_and_following_it_is_a_request_like_any_other() {
    let elsewhere = Server::answering(FINE).await;
    for to in [
        elsewhere.url(),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ] {
        let api = Server::answering(redirect(&to)).await;
        let trial = Trial::of(local(&api.url()));
        let response = trial.get(&api.url()).await.unwrap();
        assert_eq!(response.status(), 302);
        assert_eq!(response.headers()[LOCATION], to.as_str());
        let refused = trial.get(&to).await.err();
        assert!(
            matches!(refused, Some(Error::HttpRequestDenied)),
            "{refused:?}"
        );
        assert_eq!(api.connections(), 1);
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn a_redirect_to_a_metadata_service_is_a_dead_end_even_if_its_origin_is_allowed() {
    let to = "http://169.254.169.254/latest/meta-data";
    let api = Server::answering(redirect(to)).await;
    let everything = ["0.0.0.0/0", "::/0"].map(|text| Exceptions::parse(text).unwrap());
    let trial = Trial::of(two(&api.url(), to).with_exceptions(Exceptions::new(everything)));
    assert_eq!(trial.send(get(&api.url())).await.unwrap().status(), 302);
    let refused = trial.get(to).await.err();
    assert!(
        matches!(refused, Some(Error::DestinationIpProhibited)),
        "{refused:?}"
    );
}
