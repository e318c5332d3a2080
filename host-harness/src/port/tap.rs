//! Showing the calls about runs to somebody, without the credentials that go with them.

use super::error::{Call, Error};
use std::sync::Arc;
use std::time::Duration;

/// One request to Port about a run, and what became of it. No text in it contains the client secret or a token.
#[derive(Debug, Clone)]
pub struct Exchange {
    /// Port's id of the run.
    pub run: String,
    /// Which call.
    pub call: Call,
    /// What was asked for behind the path; empty for nothing.
    pub query: String,
    /// The request's body: JSON, or nothing.
    pub body: Vec<u8>,
    /// Status and body of the answer, or why there is none.
    pub answer: Result<(u16, Vec<u8>), Error>,
    /// How long it took.
    pub took: Duration,
}

/// Somebody who is shown them. Must return quickly.
pub type Tap = Arc<dyn Fn(Exchange) + Send + Sync>;
