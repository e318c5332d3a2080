//! `make instructions`: `instructions` names the paths, `instructions PATH TIMES` does one so often.

#![expect(
    clippy::print_stdout,
    reason = "what it is asked for goes to standard output"
)]

use instructions::PATHS;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1).filter(|one| one != "--bench");
    let (Some(path), Some(times)) = (arguments.next(), arguments.next()) else {
        for (name, _) in PATHS {
            println!("{name}");
        }
        return ExitCode::SUCCESS;
    };
    let found = PATHS.iter().find(|(name, _)| *name == path);
    let (Some((_, prepare)), Ok(times)) = (found, times.parse::<u32>()) else {
        return ExitCode::from(2);
    };
    let mut work = prepare();
    for _ in 0..times {
        work();
    }
    ExitCode::SUCCESS
}
