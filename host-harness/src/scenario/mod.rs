//! Scenarios: a plugin tested by files, in virtual time, without a network.
//!
//! A scenario is a TOML file ([`schema`]): a world (simulated GitHub and Port, or a scripted server), faults, one call
//! of the plugin or whole lives of runs through a real host, and what is expected of it. `docs/scenarios.md` is the
//! reference for people.
//!
//! * [`play()`] plays one, on one thread and from a seed; [`chronicle`] is what happened, the same each time;
//! * [`tape`] says where requests go: to the worlds, or into a [`recording`];
//! * [`judge`] compares that with what was expected.

pub mod affected;
mod call;
pub mod chronicle;
mod deliver;
pub mod difference;
mod error;
mod faults;
mod judge;
mod life;
mod log;
mod operation;
mod play;
mod played;
mod player;
mod real;
pub mod recording;
mod roles;
pub mod schema;
mod sense;
mod steps;
pub mod suite;
pub mod tape;
pub mod text;
mod world;

pub use error::ScenarioError;
pub use judge::{Complaint, judge};
pub use play::play;
pub use played::Played;
