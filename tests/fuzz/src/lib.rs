//! What every fuzz target does with one input, and what must hold whatever the input is.
//!
//! Each target is one function over bytes: the fuzzer (`fuzz/`) calls it with what it invents, and the test `corpus`
//! with what it has kept, so that an input that once found something is tried in every build. A broken promise is a
//! panic, which is what both look for.
//!
//! An input is a text in [sections](input), so that a seed can be written and a finding can be read by people.
//!
//! Without the feature `host` only the targets that need the component are here, and nothing compiles wasmtime.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "a panic is how a check says that something does not hold"
)]

pub mod definition;
pub mod github_responses;
pub mod input;
pub mod properties;
pub mod requests;
pub mod script;
pub mod texts;

#[cfg(feature = "host")]
pub mod config;
#[cfg(feature = "host")]
pub mod port_responses;
#[cfg(feature = "host")]
pub mod server_answers;
#[cfg(feature = "host")]
pub mod token_answers;
#[cfg(feature = "host")]
pub mod webhook;

/// A check: panics if something does not hold for this input.
pub type Check = fn(&[u8]);

/// All targets by name: the name of the fuzzer's binary, and of the folder with its corpus.
pub const TARGETS: &[(&str, Check)] = &[
    ("definition", definition::check),
    ("github_responses", github_responses::check),
    ("properties", properties::check),
    #[cfg(feature = "host")]
    ("config", config::check),
    #[cfg(feature = "host")]
    ("port_responses", port_responses::check),
    #[cfg(feature = "host")]
    ("server_answers", server_answers::check),
    #[cfg(feature = "host")]
    ("token_answers", token_answers::check),
    #[cfg(feature = "host")]
    ("webhook", webhook::check),
];
