//! Recordings: what a plugin sent and what it got, in a file that people read and edit, and answers out of it.
//!
//! ```toml
//! version = 1
//! began = "2026-01-15T10:00:00Z"
//! match-headers = ["accept", "content-type", "x-github-api-version"]
//!
//! [[exchange]]
//! installation = "acme"
//! at-ms = 120
//! took-ms = 3
//!
//! [exchange.request]
//! method = "POST"
//! url = "http://127.0.0.1:20000/repos/acme/shop/actions/workflows/deploy.yml/dispatches"
//! credential = true
//! headers = ["content-type: application/json"]
//! json = '{"ref":"main"}'
//!
//! [exchange.response]
//! status = 204
//! ```
//!
//! Deliveries that came, and that the host took, are there as well; they are signed anew when they come again:
//!
//! ```toml
//! [[delivery]]
//! installation = "acme"
//! at-ms = 7000
//! event = "workflow_run"
//! id = "6f000013-51a7-11f1-8013-000000000013"
//! json = '{"action":"completed"}'
//! ```
//!
//! * [`Recorder`] is shown exchanges and blots out every secret of the installations in all that it keeps. The credential
//!   that the host adds is never there: `credential = true` says that there was one.
//! * The file holds every byte. A body is `json` if it is JSON without spaces between its tokens, laid out in lines where
//!   it is long; other text is `text`, anything else `base64`; an empty one is left out. A header field is a text
//!   `name: value`, or `name:: base64` if the value is no text. A request without an answer has no table `response` but
//!   `failed = "connection-terminated"` before its request: what `wasi:http` calls it.
//! * [`Replay`] answers a request if the installation, the method, the URL, the header fields `match-headers` and the body
//!   are those of an exchange. Exchanges that are alike in these are answered one after another; those that are not may
//!   be asked for in any order. What was asked for and is not there, and what is there and was not asked for, are faults.

mod body;
mod field;
mod file;
mod recorder;
mod replay;
#[cfg(test)]
mod tests;
mod unmatched;

pub use recorder::Recorder;
pub use replay::{Replay, Unmatched};

use crate::egress::ExchangeOutcome;
use bytes::Bytes;
use http::header::CONTENT_LENGTH;
use http::{HeaderMap, HeaderName, Method, Response, StatusCode};
use std::time::Duration;
use wasmtime_wasi_http::Error;

/// What one or more installations sent and got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// When it began, in milliseconds since 1970-01-01T00:00:00Z.
    pub began: u64,
    /// The header fields of a request that have to be the same for it to be answered.
    pub match_headers: Vec<HeaderName>,
    /// What was sent, in this order.
    pub exchanges: Vec<Recorded>,
    /// What came, in this order.
    pub deliveries: Vec<Delivery>,
}

/// A delivery that came and was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// For which installation.
    pub installation: String,
    /// When it came, since the recording began. The file holds milliseconds.
    pub at: Duration,
    /// The event's name.
    pub event: String,
    /// The sender's id of it.
    pub id: String,
    /// Its body.
    pub body: Bytes,
}

/// One request and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Whose request.
    pub installation: String,
    /// When it was made, since the recording began. The file holds milliseconds.
    pub at: Duration,
    /// How long it took until the whole answer was there. The file holds milliseconds.
    pub took: Duration,
    /// Its method.
    pub method: Method,
    /// Its destination. A text, since a secret may have been blotted out of it.
    pub url: String,
    /// Whether the host added a credential.
    pub credential: bool,
    /// Its header fields, as the guest set them.
    pub request_headers: HeaderMap,
    /// Its body.
    pub request_body: Bytes,
    /// What became of it.
    pub outcome: ExchangeOutcome,
}

impl Recorded {
    /// What the guest is to get. A length is that of the body, which somebody may have edited.
    ///
    /// # Errors
    /// The error that it got, if there was no answer.
    pub fn response(&self) -> Result<Response<Bytes>, Error> {
        match &self.outcome {
            ExchangeOutcome::Answered {
                status,
                headers,
                body,
            } => {
                let mut response = Response::new(Bytes::copy_from_slice(body));
                *response.status_mut() =
                    StatusCode::from_u16(*status).map_err(|_| Error::HttpProtocolError)?;
                *response.headers_mut() = headers.clone();
                correct_length(response.headers_mut(), body);
                Ok(response)
            }
            ExchangeOutcome::Failed(reason) => Err(reason.error()),
        }
    }
}

/// Has a length that is told be that of the body. An answer to HEAD tells the length of a body that is not there.
fn correct_length(headers: &mut HeaderMap, body: &[u8]) {
    if !body.is_empty() && headers.contains_key(CONTENT_LENGTH) {
        headers.insert(CONTENT_LENGTH, body.len().into());
    }
}

/// Those that say what a request wants, in the APIs that are asked: who asks, and with what client, does not matter.
pub fn default_match_headers() -> Vec<HeaderName> {
    ["accept", "content-type", "x-github-api-version"]
        .map(HeaderName::from_static)
        .to_vec()
}

/// Why a recording cannot be read or written.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RecordingError {
    /// The text is not what it should be.
    #[error("{line}:{column}: {message}")]
    Text {
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong, and what to do.
        message: String,
    },
    /// Another program has written it.
    #[error(
        "{line}: this is a recording of version {found}, and this program reads version {known}: record it anew",
        known = file::VERSION
    )]
    Version {
        /// The line of the version, from 1.
        line: usize,
        /// The version that it says.
        found: u32,
    },
    /// It cannot be written.
    #[error("the recording cannot be written: {0}")]
    Unwritable(String),
}
