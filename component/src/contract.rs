//! The contract, as Rust types.
//!
//! Everything here is generated from the WIT files in `wit/`, on every target: what is decided natively in a test is
//! decided over the same types as in the sandbox. The functions among them can be called in a component only.

#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: "../wit",
    world: "plugin",
    generate_all,
    additional_derives: [PartialEq],
    additional_derives_ignore: ["stream-error"],
});
