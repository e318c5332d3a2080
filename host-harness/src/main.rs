//! The command `host-harness`. Everything it does is in the library; see [`host_harness::cli`].

use clap::Parser;
use host_harness::cli::{Cli, run};
use mimalloc::MiMalloc;
use std::process::ExitCode;

/// A call makes and frees hundreds of small objects, on several threads.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    run(Cli::parse())
}
