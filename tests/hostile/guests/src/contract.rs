//! The contract, as Rust types; see the plugin's module of the same name.

#![allow(
    missing_docs,
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    reason = "generated code"
)]

wit_bindgen::generate!({
    path: ["../../../wit", "wit"],
    world: "hostile:guests/guest",
    generate_all,
    additional_derives: [PartialEq],
    additional_derives_ignore: ["stream-error"],
});

pub use wasi::{clocks0_2_1 as clocks, http0_2_1 as http, io0_2_1 as io};
