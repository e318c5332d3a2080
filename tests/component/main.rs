//! The real component, call by call, in front of a simulated GitHub.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

mod dispatch_outcomes;

#[path = "../support/bench.rs"]
mod bench;
#[path = "../support/component.rs"]
mod component;
