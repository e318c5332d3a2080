//! The command `host-harness`. Everything it does is in the library; see [`host_harness::cli`].

use clap::Parser;
use host_harness::cli::{Cli, run};
use std::process::ExitCode;

fn main() -> ExitCode {
    run(Cli::parse())
}
