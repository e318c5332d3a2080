//! Scenarios: tests of plugins as data.
//!
//! * [`recording`]: what a plugin sent and got, written down, and answered again without a network;
//! * [`difference`]: where two bodies differ, for people;
//! * `layout`: JSON laid out in lines and put together again, byte for byte.

pub mod difference;
mod layout;
pub mod recording;
