//! Runs integration action components.

mod answer;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod credentials;
pub mod egress;
pub mod engine;
pub mod host;
pub mod ingress;
pub mod installation;
pub mod lifecycle;
pub mod poller;
pub mod port;
pub mod runtime;
pub mod secrets;
pub mod simulator;
pub mod stage;
pub mod transport;
