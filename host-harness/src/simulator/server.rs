//! The one path every request takes: read, name, strike with faults, answer, record.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

use axum::Router;
use axum::body::Body;
use axum::extract::connect_info::ConnectInfo;
use axum::response::Response;
use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use http_body_util::BodyExt;
use percent_encoding::percent_decode_str;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::clock;
use crate::network::Network;

use super::fault::{Effect, Faults};
use super::recording::{Exchange, Recording};
use super::wire::{Cuttable, Plug, Wire};

/// A request that has arrived completely.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) at: SystemTime,
    /// Path segments, percent-decoded one by one.
    pub(super) segments: Vec<String>,
    /// A fault will keep the true answer from the client, so that a repetition is to be forgiven.
    pub(super) reply_lost: bool,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(super) fn segments(&self) -> Vec<&str> {
        self.segments.iter().map(String::as_str).collect()
    }

    /// Query parameters, decoded.
    pub(super) fn parameters(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query.as_deref().unwrap_or_default().as_bytes())
            .into_owned()
            .collect()
    }

    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        self.parameters()
            .into_iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value)
    }

    /// What is wrong with the path itself, for a client that glues strings into URLs.
    pub(super) fn path_flaw(&self) -> Option<&'static str> {
        if self.path.contains("//") {
            return Some("has an empty segment");
        }
        if self
            .segments
            .iter()
            .any(|segment| segment == "." || segment == "..")
        {
            return Some("has a dot segment");
        }
        let plain =
            |byte: u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/%".contains(&byte);
        (!self.path.bytes().all(plain)).then_some("is not percent-encoded")
    }
}

/// An answer on its way to the client.
#[derive(Debug, Clone)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Bytes,
    /// How long it takes to leave.
    pub(super) after: Duration,
    /// It never leaves: the connection breaks.
    pub(super) cut: bool,
}

impl Reply {
    pub(super) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Bytes::new(),
            after: Duration::ZERO,
            cut: false,
        }
    }

    pub(super) fn json(status: u16, body: impl Into<Bytes>) -> Self {
        Self::empty(status)
            .with("content-type", "application/json; charset=utf-8")
            .body(body)
    }

    pub(super) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub(super) fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// Adds a header unless an earlier hand (a fault) has set it.
    pub(super) fn default_header(&mut self, name: &str, value: impl Into<String>) {
        if self.get(name).is_none() {
            self.headers.push((name.to_owned(), value.into()));
        }
    }
}

/// What the two simulators put behind the common path.
pub(super) trait Service: Clone + Send + Sync + 'static {
    fn recording(&self) -> &Recording;
    fn faults(&self) -> &Faults;
    /// Name of the operation, for faults and the log.
    fn operation(&self, received: &Received) -> &'static str;
    /// Notes violations that show in the request itself, whatever then happens to it.
    fn examine(&self, received: &Received, operation: &'static str);
    /// Does the work.
    fn answer(&self, received: &Received) -> Reply;
    /// Adds what every answer carries, injected ones too.
    fn finish(&self, received: &Received, reply: Reply) -> Reply;
    /// The client with this `authorization` is being sent this answer: from now on it knows.
    fn told(&self, _authorization: Option<&str>, _reply: &Reply) {}
}

/// A running server; dropping the last handle stops it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) address: SocketAddr,
    plug: Plug,
    stop: CancellationToken,
    finished: tokio::sync::Mutex<Option<tokio::task::JoinHandle<()>>>,
    _guard: DropGuard,
}

impl Running {
    /// Binds the address first and builds the service after, because it must know its own port.
    pub(super) async fn start<S: Service>(
        network: &Network,
        listen: SocketAddr,
        build: impl FnOnce(SocketAddr) -> io::Result<S>,
    ) -> io::Result<(S, Self)> {
        let listener = network.listen(listen).await?;
        let address = listener.local_addr()?;
        let service = build(address)?;
        let handler = service.clone();
        let router =
            Router::new().fallback(move |info: ConnectInfo<Wire>, request: Request<Body>| {
                let service = handler.clone();
                async move { pass(&service, &info.0, request).await }
            });
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let plug = Plug::default();
        let listener = Cuttable::new(network.clone(), listener, address, plug.clone());
        let task = tokio::spawn(async move {
            let make = router.into_make_service_with_connect_info::<Wire>();
            let served = axum::serve(listener, make)
                .with_graceful_shutdown(stopped)
                .await;
            if let Err(error) = served {
                tracing::warn!(%error, "simulator: server ended");
            }
        });
        let guard = stop.clone().drop_guard();
        Ok((
            service,
            Self {
                address,
                plug,
                stop,
                finished: tokio::sync::Mutex::new(Some(task)),
                _guard: guard,
            },
        ))
    }

    /// Takes the server off the network, or brings it back at the same address.
    pub(super) fn set_reachable(&self, reachable: bool) {
        if reachable {
            self.plug.insert();
        } else {
            self.plug.pull();
        }
    }

    /// Takes no new connection, lets answers under way leave (at most a second), and frees the port.
    pub(super) async fn stop(&self) {
        self.stop.cancel();
        if let Some(task) = self.finished.lock().await.take() {
            let abort = task.abort_handle();
            if tokio::time::timeout(Duration::from_secs(1), task)
                .await
                .is_err()
            {
                abort.abort();
            }
        }
    }
}

async fn pass<S: Service>(service: &S, wire: &Wire, request: Request<Body>) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = body.collect().await else {
        // The client went away in the middle of its own request: nobody is left to answer.
        return wire.cut();
    };
    let path = parts.uri.path().to_owned();
    let mut received = Received {
        method: parts.method.as_str().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        body: body.to_bytes(),
        at: clock::now(),
        segments: segments(&path),
        path,
        reply_lost: false,
    };
    let operation = service.operation(&received);
    let strike = service.faults().strike(operation, &received);
    received.reply_lost = strike.loses_reply();
    service.examine(&received, operation);
    pause(strike.before).await;

    let injected = matches!(
        strike.effect,
        Some(Effect::Answer { .. } | Effect::ProcessThenAnswer { .. })
    );
    let (reply, outcome) = match strike.effect {
        Some(Effect::CutBeforeProcessing) => (None, Outcome::Cut),
        Some(Effect::Answer {
            status,
            headers,
            body,
        }) => (
            Some(Reply {
                headers,
                ..Reply::empty(status).body(body)
            }),
            Outcome::Whole,
        ),
        Some(Effect::CutAfterProcessing) => (Some(service.answer(&received)), Outcome::Cut),
        Some(Effect::ProcessThenAnswer {
            status,
            headers,
            body,
        }) => {
            drop(service.answer(&received));
            (
                Some(Reply {
                    headers,
                    ..Reply::empty(status).body(body)
                }),
                Outcome::Whole,
            )
        }
        Some(Effect::SlowBody(time)) => (Some(service.answer(&received)), Outcome::Slow(time)),
        Some(Effect::TruncateBody) => (Some(service.answer(&received)), Outcome::Truncated),
        Some(Effect::GarbageBody) => (Some(service.answer(&received)), Outcome::Garbage),
        None | Some(Effect::Delay(_) | Effect::HoldReply(_)) => {
            (Some(service.answer(&received)), Outcome::Whole)
        }
    };
    let reply = reply.map(|reply| dated(service.finish(&received, reply)));
    let cut = matches!(outcome, Outcome::Cut) || reply.as_ref().is_some_and(|reply| reply.cut);
    let takes = reply.as_ref().map_or(Duration::ZERO, |reply| reply.after);
    let authorization = received.header("authorization").map(str::to_owned);
    service.recording().record(Exchange {
        service: "",
        status: reply.as_ref().filter(|_| !cut).map(|reply| reply.status),
        response_body: reply
            .as_ref()
            .map(|reply| reply.body.to_vec())
            .unwrap_or_default(),
        response_headers: reply
            .as_ref()
            .filter(|_| !cut)
            .map(|reply| reply.headers.clone())
            .unwrap_or_default(),
        injected,
        headers: text_headers(&received.headers),
        method: received.method,
        path: received.path,
        query: received.query,
        body: received.body.to_vec(),
        at: received.at,
        operation,
        faults: strike.names,
    });
    pause(strike.hold + takes).await;
    if let Some(reply) = reply.as_ref().filter(|_| !cut) {
        service.told(authorization.as_deref(), reply);
    }
    match (reply, outcome) {
        (None, _) | (_, Outcome::Cut) => wire.cut(),
        _ if cut => wire.cut(),
        (Some(reply), Outcome::Whole) => respond(&reply, Body::from(reply.body.clone()), None),
        (Some(reply), Outcome::Garbage) => {
            respond(&reply, Body::from("<html>}{\u{0}upstream"), None)
        }
        (Some(reply), Outcome::Slow(time)) => slow(&reply, time),
        (Some(reply), Outcome::Truncated) => truncated(&reply),
    }
}

/// With the time by our clock, where the service has no clock of its own; hyper's would be the machine's.
fn dated(mut reply: Reply) -> Reply {
    reply.default_header("date", httpdate::fmt_http_date(clock::now()));
    reply
}

enum Outcome {
    Whole,
    Cut,
    Slow(Duration),
    Truncated,
    Garbage,
}

async fn pause(time: Duration) {
    if !time.is_zero() {
        tokio::time::sleep(time).await;
    }
}

fn segments(path: &str) -> Vec<String> {
    path.trim_start_matches('/')
        .split('/')
        .map(|segment| percent_decode_str(segment).decode_utf8_lossy().into_owned())
        .collect()
}

/// What is not text is shown with replacement characters.
pub(super) fn text_headers(headers: &HeaderMap) -> Vec<(String, String)> {
    headers
        .iter()
        .map(|(name, value)| {
            (
                name.as_str().to_owned(),
                String::from_utf8_lossy(value.as_bytes()).into_owned(),
            )
        })
        .collect()
}

fn respond(reply: &Reply, body: Body, length: Option<usize>) -> Response {
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in &reply.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value.as_str()),
        ) {
            response.headers_mut().append(name, value);
        }
    }
    if let Some(length) = length {
        response
            .headers_mut()
            .insert(http::header::CONTENT_LENGTH, HeaderValue::from(length));
    }
    response
}

/// In how many pieces a slow body comes.
const PIECES: u32 = 8;

/// Sends the body in pieces with equal pauses between them.
fn slow(reply: &Reply, time: Duration) -> Response {
    let piece = (reply.body.len() / PIECES as usize).max(1);
    let parts = stream::unfold(reply.body.clone(), move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(time / PIECES).await;
        let next = rest.split_to(piece.min(rest.len()));
        Some((Ok::<_, io::Error>(next), rest))
    });
    respond(
        reply,
        Body::from_stream(parts),
        (!reply.body.is_empty()).then_some(reply.body.len()),
    )
}

/// Promises the whole length, sends half, and breaks: what a client sees when a proxy dies in the middle.
fn truncated(reply: &Reply) -> Response {
    let half = reply.body.slice(..reply.body.len() / 2);
    let parts = stream::unfold(Some(half), |half| async move {
        match half {
            Some(half) if !half.is_empty() => Some((Ok(half), Some(Bytes::new()))),
            Some(_) => {
                // The first half must have left before the connection breaks.
                tokio::time::sleep(Duration::from_millis(10)).await;
                Some((Err(io::Error::from(io::ErrorKind::ConnectionReset)), None))
            }
            None => None,
        }
    });
    respond(
        reply,
        Body::from_stream(parts),
        Some(reply.body.len().max(1)),
    )
}
