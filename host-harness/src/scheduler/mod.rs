//! When what may happen: turns between installations, how often Port is asked, and what is left to Port for now.
//!
//! Nothing here looks inside a run, and nothing here does I/O: each module is a decision that the lifecycle, the inbox
//! and the poller carry out.

mod pace;
mod turns;

pub use pace::Pace;
pub use turns::{Share, Turns};
