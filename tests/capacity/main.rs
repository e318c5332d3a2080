//! `make bench`: 1,000 installations and 10,000 runs that wait for a rate limit, held by the real program at once.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark that cannot be set up has failed, and it prints what it measured"
)]

#[path = "../support/capacity.rs"]
mod capacity;
#[path = "../support/component.rs"]
#[expect(dead_code, reason = "the runtime is for tests in the process")]
mod component;
#[path = "../support/program.rs"]
#[expect(dead_code, reason = "most of it is for the tests of commands")]
mod program;
#[path = "../support/sender.rs"]
#[expect(dead_code, reason = "deliveries are for the tests of webhooks")]
mod sender;

const INSTALLATIONS: u64 = 1_000;
const RUNS: u64 = 10_000;

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if !cfg!(target_os = "linux") {
        println!("the memory of a process is read from /proc, which only Linux has");
        return;
    }
    let held = capacity::hold(INSTALLATIONS, RUNS).await;
    let mib = |bytes: u64| bytes.div_ceil(1024 * 1024);
    println!(
        "memory, one idle installation:      {} MiB",
        mib(held.alone)
    );
    println!(
        "memory, {INSTALLATIONS} idle installations:     {} MiB",
        mib(held.idle)
    );
    println!("memory, {RUNS} runs parked as well: {} MiB", mib(held.all));
    println!(
        "per idle installation:              {} bytes",
        held.per_installation()
    );
    println!(
        "per parked run:                     {} bytes",
        held.per_run()
    );
    println!(
        "claimed, acked and parked:          {} runs in {:.1} s",
        RUNS - INSTALLATIONS,
        held.parking.as_secs_f64()
    );
    println!("files and sockets open, at most:    {}", held.open_files);
    println!(
        "requests to GitHub while they wait: {}",
        held.requests_to_github
    );
}
