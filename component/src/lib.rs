//! Port's "GitHub workflow" action backend: the part that knows GitHub, and nothing else.
//!
//! Port lets people press a button; a *run* of an action is the result. This crate decides what such a run means on
//! GitHub: which workflow to start with which inputs, whether it has been started, how it goes on, how it ended, and
//! why. It is built as a WebAssembly component that exports the interface `actions` of the package
//! `ocean:integration-action` (see `wit/`), and as a plain Rust library in which the same decisions are tested.
//!
//! What it does not know: Port's API, secrets, other customers, the past. It keeps nothing between calls, so the host
//! may run every call in a new instance. It sends no credential; the host adds one after checking where a request goes.
//!
//! # Where to change what
//!
//! | to change | look at |
//! |---|---|
//! | what the plugin says about itself: action types, events, settings | [`manifest`], [`settings`] |
//! | what a definition must look like before it is saved | [`definition`] |
//! | which properties a run has and what is allowed in them | [`properties`], [`inputs`], [`names`] |
//! | which workflows an operator lets an installation start | [`allowed`] |
//! | how a run is started, and when a request may be sent twice | [`dispatch`] |
//! | how a run is found whose id the server did not tell | [`discovery`] |
//! | what a refusal of GitHub means: codes and remedies | `github/answers.rs` ([`github::failure_of`]) |
//! | which fields of GitHub's objects are read | `github/objects.rs` |
//! | paths, headers, redirects | [`github`] |
//! | how deliveries become news | [`webhook`] |
//! | how a run is asked for or stopped | [`check`], [`cancel`] |
//! | which conclusion is a success | [`conclusion`] |
//! | how a failure is explained | [`explain`], [`annotations`] |
//!
//! # The seam
//!
//! Every function that needs the world takes a [`host::Host`]: send a request, wait, two clocks, a log. In the
//! component, `guest.rs` implements it over the imports; in tests it is a script of answers. So each promise of this
//! crate is a test that runs in microseconds, and none needs a network.
//!
//! # The one rule
//!
//! A request that starts a run has left, or it has not; and the server has acted on it, or it has not, or nobody knows.
//! Every failure says which ([`Failure`](contract::ocean::integration_action::types::Failure), its kind and
//! `request-sent`). What is not known is never taken for a refusal and never for a success: it is `ambiguous`, and
//! then the next call looks before it sends.
//!
//! # The sandbox
//!
//! The target is `wasm32-unknown-unknown`, whose standard library has no clock, no environment, no streams and no random
//! numbers: `std::time` panics there, and a `HashMap` has constant seeds. Use the [`host::Host`]'s clocks and ordered
//! maps. The import list of the component is its whole authority; a test of the workspace pins it.

#[cfg(target_family = "wasm")]
mod allocator;
pub mod allowed;
pub mod annotations;
pub mod cancel;
pub mod check;
pub mod conclusion;
pub mod contract;
pub mod definition;
pub mod discovery;
pub mod dispatch;
pub mod explain;
mod failure;
pub mod github;
#[cfg(target_family = "wasm")]
mod guest;
pub mod host;
pub mod inputs;
pub mod json;
pub mod legible;
pub mod manifest;
pub mod names;
pub mod properties;
#[cfg(test)]
mod script;
pub mod settings;
pub mod time;
pub mod webhook;
pub mod workflows;
