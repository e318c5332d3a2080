//! From a request that may leave to the head of its response: time limits, limits on what a server may say, and what a
//! guest is told if it comes to nothing.

use super::connect::NoWay;
use super::{Client, Shared};
use crate::transport::{self, ConnectFailure, RESPONSE_HEAD};
use http::{HeaderMap, Request, Response};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::capture_connection;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// Longest wait for the head of a response. GitHub cuts requests off after 10 s; servers on premises after 30 s.
const FIRST_BYTE: Duration = Duration::from_secs(35);
/// Longest pause within a response's body.
const BETWEEN_BYTES: Duration = Duration::from_secs(20);
/// Most header fields of a response, on any version of HTTP: as many as hyper reads on HTTP/1.1. GitHub sends 30.
const FIELDS: usize = 100;
/// Most answers before the answer (1xx; RFC 9110, section 15.2). Each of them counts as a sign of life for nobody here,
/// but has to be read; servers send one or two.
const PRELUDES: u32 = 16;

/// The three limits of WASI, shortened to ours where the guest asked for more.
#[derive(Debug, Clone, Copy)]
pub(super) struct TimeLimits {
    /// Until when it may wait for room.
    pub room: Instant,
    /// How long opening a connection may take, with name resolution and TLS.
    connect: Duration,
    /// Until when the response's head has to be there.
    pub head: Instant,
    /// How long the body may pause.
    pub between_bytes: Duration,
}

impl TimeLimits {
    /// The limits of a request that begins now. Waiting for room is part of waiting for the first byte.
    pub(super) fn clamped(options: Option<RequestOptions>, now: Instant) -> TimeLimits {
        let clamp = |asked: Option<Duration>, most: Duration| asked.map_or(most, |d| d.min(most));
        let (connect, first_byte, between_bytes) = options.map_or((None, None, None), |asked| {
            (
                asked.connect_timeout,
                asked.first_byte_timeout,
                asked.between_bytes_timeout,
            )
        });
        let connect = clamp(connect, transport::CONNECT_TIMEOUT);
        let room = now + clamp(first_byte, FIRST_BYTE);
        TimeLimits {
            room,
            connect,
            head: room + connect,
            between_bytes: clamp(between_bytes, BETWEEN_BYTES).max(Duration::from_millis(1)),
        }
    }
}

/// Why there is no response.
pub(super) enum Failure {
    /// The client's own reason.
    Client(transport::SendError),
    /// A limit of ours.
    Limit(Error),
}

/// Sends a request and waits for the head of its response.
///
/// The client reads a head of at most [`RESPONSE_HEAD`] bytes; however slowly it comes, the time limit holds.
pub(super) async fn request(
    client: &Client,
    mut request: Request<WasiBody>,
    limits: &TimeLimits,
) -> Result<Response<Incoming>, Failure> {
    let connection = capture_connection(&mut request);
    let endless = count_preludes(&mut request);
    let mut response = pin!(async {
        tokio::select! {
            biased;
            () = endless.notified() => Err(Failure::Limit(Error::HttpProtocolError)),
            result = client.request(request) => result.map_err(Failure::Client),
        }
    });
    let connected_by = (Instant::now() + limits.connect).min(limits.head);
    let response = match timeout_at(connected_by, &mut response).await {
        Ok(result) => result?,
        // No connection, so nothing was sent, and the guest may know it.
        Err(_) if connection.connection_metadata().is_none() => {
            return Err(Failure::Limit(Error::ConnectionTimeout));
        }
        Err(_) => timeout_at(limits.head, response)
            .await
            .map_err(|_| Failure::Limit(Error::ConnectionReadTimeout))??,
    };
    check_size(response.headers())?;
    Ok(response)
}

/// Tells when a server has sent more answers before the answer than any that means well.
///
/// On HTTP/1.1, that is: on HTTP/2 hyper throws them away unseen, and only the time limit ends them.
fn count_preludes(request: &mut Request<WasiBody>) -> Arc<Notify> {
    let endless = Arc::new(Notify::new());
    let (notify, seen) = (endless.clone(), AtomicU32::new(0));
    hyper::ext::on_informational(request, move |_| {
        if seen.fetch_add(1, Ordering::Relaxed) >= PRELUDES {
            notify.notify_one();
        }
    });
    endless
}

/// The client's limits are those of a connection's buffers; these hold whatever the version of HTTP.
fn check_size(headers: &HeaderMap) -> Result<(), Failure> {
    let fields = headers.iter();
    let size: usize = fields
        .map(|(name, value)| name.as_str().len() + value.len())
        .sum();
    if headers.len() > FIELDS || size > RESPONSE_HEAD as usize {
        return Err(Failure::Limit(Error::HttpResponseHeaderSectionSize(Some(
            RESPONSE_HEAD,
        ))));
    }
    Ok(())
}

impl Failure {
    /// What the guest is told, and the operator too where it is the operator who can help.
    pub(super) fn told(self, shared: &Shared) -> Error {
        let error = match self {
            Failure::Limit(error) => return error,
            Failure::Client(error) => error,
        };
        if let Some(no_way) = NoWay::in_error(&error) {
            shared.tell_refusal(no_way);
            return Error::DestinationIpProhibited;
        }
        wasi_error(&error)
    }
}

/// What the guest is told about a request that the client could not send or get an answer to.
fn wasi_error(error: &transport::SendError) -> Error {
    tracing::debug!("a request failed: {}", transport::causes(error));
    match transport::connect_failure(error) {
        Some(ConnectFailure::Refused) => Error::ConnectionRefused,
        Some(ConnectFailure::TimedOut) => Error::ConnectionTimeout,
        Some(ConnectFailure::NameNotFound) => Error::DnsError {
            rcode: None,
            info_code: None,
        },
        Some(ConnectFailure::Certificate) => Error::TlsCertificateError,
        // Not the code for TLS errors: that one may also mean an error after the handshake, when something was sent.
        Some(ConnectFailure::Tls | ConnectFailure::Other) => Error::DestinationUnavailable,
        // From here on something was sent.
        None => after_sending(error),
    }
}

fn after_sending(error: &transport::SendError) -> Error {
    let cause =
        std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<hyper::Error>());
    match cause {
        Some(cause) if cause.is_parse_too_large() => {
            Error::HttpResponseHeaderSectionSize(Some(RESPONSE_HEAD))
        }
        Some(cause) if cause.is_parse() => Error::HttpProtocolError,
        _ => Error::ConnectionTerminated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits(connect: u64, first: u64, between: u64) -> (Instant, TimeLimits) {
        let now = Instant::now();
        let asked = RequestOptions {
            connect_timeout: Some(Duration::from_secs(connect)),
            first_byte_timeout: Some(Duration::from_secs(first)),
            between_bytes_timeout: Some(Duration::from_secs(between)),
        };
        (now, TimeLimits::clamped(Some(asked), now))
    }

    #[test]
    fn a_guest_can_shorten_time_limits_and_not_lengthen_them() {
        let (now, short) = limits(1, 2, 3);
        assert_eq!(short.connect, Duration::from_secs(1));
        assert_eq!(short.room, now + Duration::from_secs(2));
        assert_eq!(short.head, now + Duration::from_secs(3));
        assert_eq!(short.between_bytes, Duration::from_secs(3));
        let (now, long) = limits(86_400, 86_400, 86_400);
        assert_eq!(long.connect, transport::CONNECT_TIMEOUT);
        assert_eq!(long.room, now + FIRST_BYTE);
        assert_eq!(long.head, now + FIRST_BYTE + transport::CONNECT_TIMEOUT);
        assert_eq!(long.between_bytes, BETWEEN_BYTES);
    }

    #[test]
    fn who_asks_for_no_limits_gets_ours() {
        let now = Instant::now();
        let ours = TimeLimits::clamped(None, now);
        assert_eq!(ours.head, now + FIRST_BYTE + transport::CONNECT_TIMEOUT);
        assert_eq!(ours.between_bytes, BETWEEN_BYTES);
    }
}
