//! The real component in the real host, between a simulated GitHub and a simulated Port; and the real program.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a test that cannot be set up has failed"
)]

mod app;
mod budget;
mod chaos;
mod command_line;
mod configuration;
mod costs;
mod definitions;
mod demo;
mod doctor;
mod egress;
mod ingress;
mod kills;
mod lifecycle;
mod new;
mod new_action;
mod page;
mod printing;
mod promises;
mod scenarios;
mod scheduling;
mod secrets;
mod seed;

#[path = "../support/bench.rs"]
#[expect(dead_code, reason = "most of it is for the tests of single calls")]
mod bench;
#[path = "../support/browser.rs"]
mod browser;
#[path = "../support/canary.rs"]
mod canary;
#[path = "../support/capacity.rs"]
mod capacity;
#[path = "../support/component.rs"]
mod component;
#[path = "../support/killable.rs"]
mod killable;
#[path = "../support/program.rs"]
mod program;
#[path = "../support/scene.rs"]
mod scene;
#[path = "../support/sender.rs"]
mod sender;
#[path = "../support/terminal.rs"]
mod terminal;
