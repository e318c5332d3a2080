//! Showing exchanges to somebody: the `dispatch` command, tests, recordings.
//!
//! A tap gets requests as the guest made them, before the credential was added, so no secret can be in them; what
//! comes back is scrubbed.

use super::NoAnswer;
use http::{HeaderMap, Method, Request, Uri};
use std::sync::Arc;
use std::time::Duration;

/// One request of a guest and what became of it. An answer out of the cache is shown as the guest gets it: with an
/// `age`, and without a credential if nothing was sent for it.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// The request's method.
    pub method: Method,
    /// The request's destination.
    pub uri: Uri,
    /// The request's header fields, as the guest set them.
    pub request_headers: HeaderMap,
    /// The request's body.
    pub request_body: Vec<u8>,
    /// Whether the host added a credential.
    pub credential_added: bool,
    /// Whether the answer came out of the cache, so that nothing was sent.
    pub from_cache: bool,
    /// What became of it.
    pub outcome: Outcome,
    /// How long it took until the whole response was there.
    pub took: Duration,
}

impl Exchange {
    /// A request, to which the host has added nothing yet.
    pub(super) fn begun<B>(
        request: &Request<B>,
        body: Vec<u8>,
        credential_added: bool,
    ) -> Exchange {
        Exchange {
            method: request.method().clone(),
            uri: request.uri().clone(),
            request_headers: request.headers().clone(),
            request_body: body,
            credential_added,
            from_cache: false,
            outcome: Outcome::Failed(NoAnswer::unknown()),
            took: Duration::ZERO,
        }
    }
}

/// What became of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server answered.
    Answered {
        /// The status code.
        status: u16,
        /// The header fields, scrubbed.
        headers: HeaderMap,
        /// The body, scrubbed.
        body: Vec<u8>,
    },
    /// There was no complete answer.
    Failed(NoAnswer),
}

/// Somebody who is shown exchanges. Called on worker threads, once for each exchange, in the order in which they end.
pub type Tap = Arc<dyn Fn(Exchange) + Send + Sync>;
