//! A small HTTP client and a webhook receiver for the simulators' own tests.

use std::collections::VecDeque;
use std::error::Error;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use serde_json::Value;

use crate::network::Network;

use super::fault::Faults;
use super::lock;
use super::recording::Recording;
use super::server::{Received, Reply, Running, Service};

pub(super) type Outcome<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// An answer as the client saw it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Answer {
    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    /// Text at a JSON pointer.
    pub(super) fn text(&self, pointer: &str) -> String {
        match self.json().pointer(pointer) {
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
            None => String::new(),
        }
    }
}

pub(super) async fn call(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Outcome<Answer> {
    let mut request = Request::builder().method(method).uri(url);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let client: Client<_, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response = client
        .request(request.body(Full::new(Bytes::from(body.to_owned())))?)
        .await?;
    let (parts, body) = response.into_parts();
    let body = tokio::time::timeout(Duration::from_secs(2), body.collect())
        .await??
        .to_bytes();
    Ok(Answer {
        status: parts.status.as_u16(),
        headers: parts.headers,
        body,
    })
}

/// A webhook delivery as the receiver saw it.
#[derive(Debug, Clone)]
pub(super) struct Arrival {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Arrival {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// `event.action`.
    pub(super) fn name(&self) -> String {
        let action = self
            .json()
            .get("action")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        format!("{}.{action}", self.header("x-github-event"))
    }
}

/// Answers 202 unless told otherwise, and keeps what arrives.
#[derive(Clone, Default)]
pub(super) struct Receiver {
    arrivals: Arc<Mutex<Vec<Arrival>>>,
    statuses: Arc<Mutex<VecDeque<u16>>>,
    recording: Arc<Recording>,
    faults: Arc<Faults>,
}

impl Receiver {
    pub(super) async fn start() -> Outcome<(Self, Running)> {
        let (receiver, running) = Running::start(
            &Network::Machine,
            SocketAddr::from(([127, 0, 0, 1], 0)),
            |_| Ok(Self::default()),
        )
        .await?;
        Ok((receiver, running))
    }

    pub(super) fn answer_next(&self, status: u16) {
        lock(&self.statuses).push_back(status);
    }

    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        lock(&self.arrivals).clone()
    }

    pub(super) fn names(&self) -> Vec<String> {
        lock(&self.arrivals).iter().map(Arrival::name).collect()
    }
}

impl Service for Receiver {
    fn recording(&self) -> &Recording {
        &self.recording
    }

    fn faults(&self) -> &Faults {
        &self.faults
    }

    fn operation(&self, _: &Received) -> &'static str {
        "delivery"
    }

    fn examine(&self, _: &Received, _: &'static str) {}

    fn answer(&self, received: &Received) -> Reply {
        let arrival = Arrival {
            headers: received.headers.clone(),
            body: received.body.clone(),
        };
        lock(&self.arrivals).push(arrival);
        Reply::empty(lock(&self.statuses).pop_front().unwrap_or(202))
    }

    fn finish(&self, _: &Received, reply: Reply) -> Reply {
        reply
    }
}
