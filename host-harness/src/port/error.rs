//! What can go wrong with a call to Port, sorted by what the caller should do about it.

use std::fmt;
use std::time::Duration;

use http::Method;

/// Longest pause that is believed. A maintenance page that asks for a day must not hold up the end of a run for a day
/// after Port is back.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);

/// Which call it was: method and path, for texts and logs. The path holds run ids, never a credential.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The path from `/v1` on, without query.
    pub path: String,
}

impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// A call to Port that did not succeed. No text in it contains the client secret or a token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The settings cannot be used at all. Nothing was sent; only another configuration helps.
    #[error("the settings for Port cannot be used: {0}")]
    Settings(String),

    /// No connection. Not a byte was sent, so the same call may be made again after a pause.
    #[error(
        "{call}: Port could not be reached ({reason}); nothing was sent, it will be safe to try again"
    )]
    Unreachable {
        /// The call.
        call: Call,
        /// What the connection failed with.
        reason: String,
    },

    /// The request left and no usable answer came back: Port may or may not have acted on it. Repeat it only where
    /// repeating does no harm.
    #[error("{call}: no answer from Port ({reason}); it may or may not have acted on the request")]
    Ambiguous {
        /// The call.
        call: Call,
        /// What happened instead of an answer.
        reason: String,
    },

    /// Port does not accept the credentials, even with a token fetched just now. Repeating does not help.
    #[error(
        "{call}: Port does not accept the credentials ({message}); check the client id and the client secret"
    )]
    Unauthorized {
        /// The call.
        call: Call,
        /// Port's own words.
        message: String,
    },

    /// 409: somebody was faster. On an ack: the run is acknowledged already. On a report: the run has its final
    /// status already (ocean#3414).
    #[error("{call}: already done, says Port (409: {message})")]
    Conflict {
        /// The call.
        call: Call,
        /// Port's own words.
        message: String,
    },

    /// Port understood the request and refused it for good: repeating the same request gives the same answer.
    #[error("{call}: Port refused it ({status}: {message})")]
    Refused {
        /// The call.
        call: Call,
        /// The HTTP status, 3xx or 4xx.
        status: u16,
        /// Port's own words.
        message: String,
    },

    /// Port cannot answer now: 408, 425, 429 or 5xx. After 408, 425 and 429 the request was not acted on; after a
    /// 5xx that is not certain. Try again after `retry_after`, or after a pause of the caller's choice.
    #[error("{call}: Port cannot answer now ({status}: {message}); try again later")]
    Unavailable {
        /// The call.
        call: Call,
        /// The HTTP status.
        status: u16,
        /// How long Port asks to wait, where it says so.
        retry_after: Option<Duration>,
        /// Port's own words.
        message: String,
    },

    /// Port answered with success and something that is not what this call answers with. The call had its effect.
    #[error("{call}: Port's answer cannot be read ({reason}); is the base URL really Port's API?")]
    Unreadable {
        /// The call.
        call: Call,
        /// Where reading stopped.
        reason: String,
    },
}

impl Error {
    /// Whether the same call may succeed later. The decision to repeat it is the caller's.
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Unreachable { .. } | Error::Ambiguous { .. } | Error::Unavailable { .. } => true,
            Error::Settings(_)
            | Error::Unauthorized { .. }
            | Error::Conflict { .. }
            | Error::Refused { .. }
            | Error::Unreadable { .. } => false,
        }
    }

    /// How long Port asks to wait before the next call, where it says so; no longer than is believed.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Unavailable { retry_after, .. } => {
                retry_after.map(|asked| asked.min(LONGEST_PAUSE))
            }
            _ => None,
        }
    }
}
