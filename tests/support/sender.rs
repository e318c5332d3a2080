//! Somebody who sends requests to the host's listener.

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::net::SocketAddr;

/// Status and text of the answer to a GET.
pub async fn get(host: SocketAddr, path: &str) -> (u16, String) {
    send(Request::get(format!("http://{host}{path}")), &[], vec![]).await
}

/// Status and text of the answer to a POST.
pub async fn post(
    host: SocketAddr,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Vec<u8>>,
) -> (u16, String) {
    send(
        Request::post(format!("http://{host}{path}")),
        headers,
        body.into(),
    )
    .await
}

async fn send(
    request: http::request::Builder,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, String) {
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let add = |request: http::request::Builder, (name, value): &(&str, &str)| {
        request.header(*name, *value)
    };
    let request = headers.iter().fold(request, add).body(Full::from(body));
    let response = client.request(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let text = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8_lossy(&text).into_owned())
}
