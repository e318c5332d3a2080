//! `doctor` against the simulators, over the wire: every check where it is bad and where it is good, and every repair.

mod app;
mod clinic;
mod hook;
mod host;
mod port;
mod repair;
mod server;
mod texts;
