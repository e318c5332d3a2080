//! Servers and guests that take their time, or say too much.

use crate::egress::trial::{Server, Trial, get, head, linger, local};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{Method, Request};
use http_body::Frame;
use http_body_util::{BodyExt, StreamBody};
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

/// Long enough for anything on loopback, and short for a test.
const MOMENT: u64 = 300;

/// Fails the test unless the request fails with what `is_right` says, soon.
async fn expect(
    server: &Server,
    request: impl FnOnce(&str) -> Request<WasiBody>,
    limits: [u64; 3],
    is_right: impl Fn(&Error) -> bool,
) {
    let trial = Trial::of(local(&server.url()));
    let began = Instant::now();
    let failure = trial
        .hurried(request(&server.url()), limits)
        .await
        .err()
        .unwrap();
    assert!(is_right(&failure), "{failure:?}");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
}

/// Says something again and again, with a pause, after the request's head.
async fn repeating(first: &'static str, again: &'static str, pause: Duration) -> Server {
    let conduct = move |mut stream: TcpStream| {
        async move {
            head(&mut stream).await;
            let mut said = stream.write_all(first.as_bytes()).await;
            while said.is_ok() {
                sleep(pause).await;
                said = stream.write_all(again.as_bytes()).await;
            }
        }
        .boxed()
    };
    Server::driven(conduct).await
}

fn endless_upload(url: &str) -> Request<WasiBody> {
    let frames = futures_util::stream::unfold((), |()| async {
        sleep(Duration::from_millis(5)).await;
        Some((Ok(Frame::data(Bytes::from_static(b"more"))), ()))
    });
    let body = StreamBody::new(Box::pin(frames)).boxed_unsync();
    Request::builder()
        .method(Method::POST)
        .uri(url)
        .body(body)
        .unwrap()
}

#[tokio::test]
async fn a_head_that_trickles_is_cut_off_at_the_limit() {
    let server = repeating("HTTP/1.1 200 OK\r\n", "x: y\r\n", Duration::from_millis(20)).await;
    let is_right = |error: &Error| matches!(error, Error::ConnectionReadTimeout);
    expect(&server, get, [MOMENT, MOMENT, MOMENT], is_right).await;
}

#[tokio::test]
async fn a_head_without_end_is_cut_off_at_its_size() {
    let long = concat!(
        "x: ",
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
    );
    let line = format!("{}\r\n", long.repeat(200)).leak();
    let server = repeating("HTTP/1.1 200 OK\r\n", line, Duration::ZERO).await;
    let is_right = |error: &Error| matches!(error, Error::HttpResponseHeaderSectionSize(Some(_)));
    expect(&server, get, [9_000, 9_000, 9_000], is_right).await;
}

#[tokio::test]
async fn a_head_of_too_many_fields_is_refused() {
    let fields: String = (0..101)
        .map(|number| format!("x-{number}: y\r\n"))
        .collect();
    let server = Server::answering(format!("HTTP/1.1 204 No Content\r\n{fields}\r\n")).await;
    let is_right = |error: &Error| matches!(error, Error::HttpResponseHeaderSectionSize(Some(_)));
    expect(&server, get, [9_000, 9_000, 9_000], is_right).await;
}

#[tokio::test]
async fn answers_before_the_answer_without_end_are_cut_off_by_their_number() {
    let server = repeating("", "HTTP/1.1 103 Early Hints\r\n\r\n", Duration::ZERO).await;
    let is_right = |error: &Error| matches!(error, Error::HttpProtocolError);
    expect(&server, get, [9_000, 9_000, 9_000], is_right).await;
    let few = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n";
    let server = Server::answering(few).await;
    assert!(
        Trial::of(local(&server.url()))
            .get(&server.url())
            .await
            .is_ok()
    );
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_called_so() {
    let server = Server::answering("220 mail.example ESMTP\r\n\r\n").await;
    let is_right = |error: &Error| matches!(error, Error::HttpProtocolError);
    expect(&server, get, [9_000, 9_000, 9_000], is_right).await;
}

#[tokio::test]
async fn an_upload_without_end_is_cut_off_at_the_limit() {
    let server = Server::driven(|stream| linger(stream).boxed()).await;
    let is_right = |error: &Error| matches!(error, Error::ConnectionReadTimeout);
    expect(&server, endless_upload, [MOMENT, MOMENT, MOMENT], is_right).await;
}

#[tokio::test]
async fn a_server_that_never_answers_the_handshake_has_been_sent_nothing() {
    let server = Server::driven(|stream| linger(stream).boxed()).await;
    let url = format!("https://{}/", server.address);
    let trial = Trial::of(local(&url));
    let failure = trial.hurried(get(&url), [MOMENT, 9_000, 9_000]).await.err();
    assert!(
        matches!(failure, Some(Error::ConnectionTimeout)),
        "{failure:?}"
    );
}

#[tokio::test]
async fn limits_of_zero_end_at_once_and_hang_nowhere() {
    let server = Server::driven(|stream| linger(stream).boxed()).await;
    let is_right = |error: &Error| {
        matches!(
            error,
            Error::ConnectionTimeout | Error::ConnectionReadTimeout
        )
    };
    let began = Instant::now();
    expect(&server, get, [0, 0, 0], is_right).await;
    expect(&server, get, [MOMENT, 0, 0], is_right).await;
    expect(&server, endless_upload, [0, 0, 0], is_right).await;
    assert!(began.elapsed() < Duration::from_secs(2));
}

#[tokio::test]
async fn a_body_that_pauses_for_too_long_is_cut_off_and_one_that_trickles_is_not() {
    let chunked = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n";
    let slow = Server::answering(chunked).await;
    let trial = Trial::of(local(&slow.url()));
    let response = trial
        .hurried(get(&slow.url()), [MOMENT, MOMENT, 100])
        .await
        .unwrap();
    let failure = response.into_body().collect().await.err();
    assert!(
        matches!(failure, Some(Error::ConnectionReadTimeout)),
        "{failure:?}"
    );
    let steady = repeating(chunked, "1\r\na\r\n", Duration::from_millis(20)).await;
    let trial = Trial::of(local(&steady.url()));
    let response = trial
        .hurried(get(&steady.url()), [MOMENT, MOMENT, 500])
        .await
        .unwrap();
    let mut body = response.into_body();
    for _ in 0..10 {
        assert!(body.frame().await.unwrap().is_ok());
    }
}
