//! What somebody who watches is shown.

use crate::egress::trial::{Server, Trial, get, head, local};
use crate::egress::{CallEgress, Clients, Exchange, ExchangeOutcome, Way};
use crate::engine::Limits;
use bytes::Bytes;
use futures_util::FutureExt;
use http_body_util::BodyExt;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// A call whose exchanges are shown.
fn watched(api: &str) -> (Trial, Arc<Mutex<Vec<Exchange>>>) {
    let shown: Arc<Mutex<Vec<Exchange>>> = Arc::default();
    let keep = shown.clone();
    let installation = Arc::new(local(api));
    let client = Clients::default().of(&installation).unwrap();
    let egress = CallEgress::new(
        installation,
        Some(Way::Network(client)),
        Some(Arc::new(move |exchange| {
            keep.lock().unwrap().push(exchange)
        })),
        Limits::default(),
        None,
    );
    (Trial(egress.shared), shown)
}

async fn body(trial: &Trial, url: &str) -> Bytes {
    let response = trial.send(get(url)).await.unwrap();
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn an_answer_that_is_no_text_is_shown_byte_for_byte() {
    let answer = b"HTTP/1.1 200 OK\r\nx-odd: \xff\xfe\r\ncontent-length: 5\r\n\r\n\xffa\0\xe2\x82";
    let server = Server::answering(answer).await;
    let (trial, shown) = watched(&server.url());
    let got = body(&trial, &server.url()).await;
    let shown = shown.lock().unwrap();
    let ExchangeOutcome::Answered { headers, body, .. } = &shown[0].outcome else {
        panic!("{shown:?}");
    };
    assert_eq!(*body, b"\xffa\0\xe2\x82");
    assert_eq!(*body, got);
    assert_eq!(headers["x-odd"], &b"\xff\xfe"[..]);
}

#[tokio::test]
async fn an_answer_out_of_the_cache_is_shown_as_such() {
    let date = httpdate::fmt_http_date(std::time::SystemTime::now());
    let answer = format!(
        "HTTP/1.1 200 OK\r\ndate: {date}\r\netag: \"a\"\r\ncache-control: max-age=60\r\n\
         content-type: application/json\r\ncontent-length: 2\r\n\r\n[]"
    );
    let server = Server::answering(answer).await;
    let (trial, shown) = watched(&server.url());
    for _ in 0..2 {
        assert_eq!(body(&trial, &server.url()).await, "[]");
    }
    server.only_head();
    let shown = shown.lock().unwrap();
    let from_cache: Vec<bool> = shown.iter().map(|exchange| exchange.from_cache).collect();
    assert_eq!(from_cache, [false, true]);
}

#[tokio::test]
async fn why_there_was_no_answer_is_shown_as_the_guest_is_told() {
    let cut = |mut stream: TcpStream| {
        async move {
            head(&mut stream).await;
            let begun = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nab";
            let _ = stream.write_all(begun).await;
        }
        .boxed()
    };
    let server = Server::driven(cut).await;
    let (trial, shown) = watched(&server.url());
    let told = trial.get(&server.url()).await.err().unwrap();
    let shown = shown.lock().unwrap();
    let ExchangeOutcome::Failed(reason) = &shown[0].outcome else {
        panic!("{shown:?}");
    };
    assert_eq!(reason.spelled(), "http-response-incomplete");
    assert_eq!(format!("{:?}", reason.error()), format!("{told:?}"));
}
