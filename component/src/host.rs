//! The one seam to the world outside: requests, two clocks, waiting, and the log.
//!
//! All decisions of this crate take a [`Host`]. In the sandbox it is the component's imports (`guest.rs`), in tests
//! a script.

use crate::contract::ocean::integration_action::types::Level;
use crate::contract::wasi::http::types::ErrorCode;

/// What the plugin can do besides computing.
pub trait Host {
    /// Sends one request and reads the response to its end.
    ///
    /// # Errors
    /// [`TransportError`] when there is no response head. A body that breaks off is not an error: the status is
    /// known then, and [`Response::complete`] says that something is missing.
    fn send(&self, request: &Request) -> Result<Response, TransportError>;

    /// Waits so many milliseconds.
    fn sleep(&self, milliseconds: u64);

    /// Milliseconds on a clock that never goes back, since an unnamed start.
    fn elapsed_ms(&self) -> u64;

    /// The host's time of day, in milliseconds since 1970. May be wrong; GitHub's `Date` header is preferred.
    fn wall_clock_ms(&self) -> u64;

    /// Writes one message for the operator.
    fn log(&self, level: Level, message: &str);
}

/// The methods that this plugin uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Reads; may be repeated.
    Get,
    /// Changes something.
    Post,
}

/// A request, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Whether the scheme is `https` (else `http`).
    pub secure: bool,
    /// Host name and port, if any.
    pub authority: String,
    /// Path and query, percent-encoded.
    pub path: String,
    /// Header fields; names in lower case. Never credentials: the host adds those.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if the request has one.
    pub body: Option<String>,
}

/// A response, read to its end or as far as allowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Response {
    /// The HTTP status code.
    pub status: u16,
    /// Header fields; names in lower case.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body's bytes, at most [`MAX_RESPONSE_BYTES`].
    pub body: Vec<u8>,
    /// False when the body broke off or was longer than allowed.
    pub complete: bool,
}

/// How much of a response's body is read: 100 workflow runs with all their fields are about 2 MB.
pub const MAX_RESPONSE_BYTES: usize = 8 * 1024 * 1024;

impl Response {
    /// The value of a header field, if it is there once as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        let (_, value) = self
            .headers
            .iter()
            .find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok().map(str::trim)
    }

    /// The value of a header field that is a whole number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.header(name)?.parse().ok()
    }
}

/// Why there is no response. The only question that matters: can the server have acted?
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// No byte of the request can have left: nothing was done, and trying again may help.
    NotSent(String),
    /// The host's policy refused the request before sending it: trying again is no use.
    Denied(String),
    /// The request may have left, and what became of it is unknown.
    Unknown(String),
}

impl TransportError {
    /// Reads an error code of `wasi:http` (names and meanings: RFC 9209 section 2.3).
    ///
    /// Only what that document ties to the time before the request is taken as "not sent"; TLS errors and alerts for
    /// instance may also come in the middle of a connection, so they are unknown.
    #[must_use]
    pub fn from_code(code: &ErrorCode) -> Self {
        let (kind, why): (fn(String) -> Self, &str) = match code {
            ErrorCode::DnsTimeout => (Self::NotSent, "the name server did not answer"),
            ErrorCode::DnsError(_) => (Self::NotSent, "the name could not be resolved"),
            ErrorCode::DestinationNotFound => (Self::NotSent, "the host name is unknown"),
            ErrorCode::DestinationUnavailable => (Self::NotSent, "the server is not available"),
            ErrorCode::DestinationIpUnroutable => {
                (Self::NotSent, "there is no route to the server")
            }
            ErrorCode::ConnectionRefused => (Self::NotSent, "the connection was refused"),
            ErrorCode::ConnectionTimeout => (Self::NotSent, "the connection took too long to open"),
            ErrorCode::ConnectionLimitReached => (Self::NotSent, "too many connections are open"),
            ErrorCode::TlsCertificateError => {
                (Self::NotSent, "the server's certificate was not accepted")
            }
            ErrorCode::DestinationIpProhibited => {
                (Self::Denied, "the server's address is not allowed")
            }
            ErrorCode::HttpRequestDenied => (Self::Denied, "the request is not allowed"),
            ErrorCode::TlsProtocolError | ErrorCode::TlsAlertReceived(_) => {
                (Self::Unknown, "the encrypted connection failed")
            }
            ErrorCode::ConnectionTerminated => (Self::Unknown, "the connection was closed"),
            ErrorCode::ConnectionReadTimeout | ErrorCode::HttpResponseTimeout => {
                (Self::Unknown, "no answer came in time")
            }
            ErrorCode::ConnectionWriteTimeout => {
                (Self::Unknown, "the request could not be written in time")
            }
            ErrorCode::HttpResponseIncomplete => (Self::Unknown, "the answer broke off"),
            ErrorCode::HttpProtocolError => (Self::Unknown, "the answer was not valid HTTP"),
            ErrorCode::ConfigurationError => {
                (Self::Unknown, "the host's configuration does not allow it")
            }
            ErrorCode::InternalError(_) => (Self::Unknown, "the host had an internal error"),
            _ => (Self::Unknown, "the exchange failed"),
        };
        let detail = match code {
            ErrorCode::DnsError(payload) => payload.rcode.as_deref(),
            ErrorCode::InternalError(detail) => detail.as_deref(),
            _ => None,
        };
        kind(match detail {
            Some(detail) if !detail.is_empty() => [why, " (", detail, ")"].concat(),
            _ => why.to_owned(),
        })
    }

    /// The same error, when it is known that the host refused the request outright, before sending.
    #[must_use]
    pub fn before_sending(self) -> Self {
        match self {
            Self::Unknown(why) => Self::NotSent(why),
            known => known,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::wasi::http::types::DnsErrorPayload;

    #[test]
    fn what_fails_before_the_connection_stands_was_not_sent() {
        let dns = ErrorCode::DnsError(DnsErrorPayload {
            rcode: Some("NXDOMAIN".into()),
            info_code: None,
        });
        assert_eq!(
            TransportError::from_code(&dns),
            TransportError::NotSent("the name could not be resolved (NXDOMAIN)".into())
        );
        for code in [
            ErrorCode::ConnectionRefused,
            ErrorCode::ConnectionTimeout,
            ErrorCode::TlsCertificateError,
        ] {
            assert!(
                matches!(TransportError::from_code(&code), TransportError::NotSent(_)),
                "{code:?}"
            );
        }
    }

    #[test]
    fn what_policy_forbids_is_denied() {
        for code in [
            ErrorCode::HttpRequestDenied,
            ErrorCode::DestinationIpProhibited,
        ] {
            assert!(
                matches!(TransportError::from_code(&code), TransportError::Denied(_)),
                "{code:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_proven_unsent_is_unknown() {
        for code in [
            ErrorCode::ConnectionTerminated,
            ErrorCode::ConnectionReadTimeout,
            ErrorCode::TlsProtocolError,
            ErrorCode::InternalError(None),
            ErrorCode::HttpRequestBodySize(None),
            ErrorCode::LoopDetected,
        ] {
            let error = TransportError::from_code(&code);
            assert!(matches!(error, TransportError::Unknown(_)), "{code:?}");
            assert!(matches!(error.before_sending(), TransportError::NotSent(_)));
        }
    }
}
