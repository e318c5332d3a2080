//! The real component, call by call, in front of a simulated GitHub.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

mod conclusions;
mod dispatch_outcomes;
mod hostile_values;
mod plan_and_configure;

#[path = "../support/bench.rs"]
mod bench;
#[path = "../support/component.rs"]
mod component;
