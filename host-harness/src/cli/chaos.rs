//! `chaos`: fault campaigns against this very program.

mod table;

use super::signals::Signals;
use super::{ComponentArgument, Output, Stop, output};
use crate::campaign::baseline::{self, ROWS};
use crate::campaign::catalogue::{self, find};
use crate::campaign::plan::{Cast, Faults, Wish};
use crate::campaign::transitions::{Set, Walk, every_transition};
use crate::campaign::{Report, Setup, campaign};
use clap::Args;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `chaos`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    component: ComponentArgument,
    /// How many runs; for --baseline in each row. The default is 200, for --every-transition one of each kind and course.
    #[arg(long)]
    runs: Option<usize>,
    /// Everything that is left to chance comes from it: the same seed gives the same campaign.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only this fault of the catalogue (docs/faults.md), such as "github.dispatch: 500-but-it-ran".
    #[arg(long, value_name = "WORD", conflicts_with_all = ["every_transition", "baseline"])]
    fault: Option<String>,
    /// Leave this fault out of the mixture; can be given more than once.
    #[arg(long, value_name = "WORD", conflicts_with_all = ["fault", "every_transition", "baseline"])]
    without: Vec<String>,
    /// How many percent of the occasions that fault strikes.
    #[arg(long, default_value_t = 20, requires = "fault", value_parser = clap::value_parser!(u8).range(1..=100))]
    share: u8,
    /// How often the process is killed; the default suits the number of runs, 0 leaves all faults out that end it.
    #[arg(long)]
    kills: Option<usize>,
    /// Kill the process right before and right after every commit of its journal, in turn.
    #[arg(long, conflicts_with = "baseline")]
    every_transition: bool,
    /// With --every-transition: each run in campaigns of its own.
    #[arg(long, requires = "every_transition")]
    apart: bool,
    /// Rebuild the faults that the system in use was measured under.
    #[arg(long)]
    baseline: bool,
    /// With --baseline: only rows whose name holds this text.
    #[arg(long, requires = "baseline")]
    row: Option<String>,
    /// Only list the faults, as docs/faults.md does.
    #[arg(long)]
    list: bool,
    /// How long one campaign may take, in seconds; the default suits the number of runs.
    #[arg(long)]
    limit_seconds: Option<u64>,
    /// Where the files of campaigns go (they stay only when something is wrong); the default is the system's folder for
    /// temporary files.
    #[arg(long)]
    folder: Option<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let setup = Setup {
        program: std::env::current_exe().map_err(Stop::unusable)?,
        component: arguments.component.component.clone(),
        folder: arguments.folder.clone(),
    };
    // Stopped by a signal, it still ends the process that it has started.
    let mut signals = Signals::listen()?;
    tokio::select! {
        result = hold(&arguments, &setup, format) => result,
        () = signals.next() => Err(Stop::No),
    }
}

async fn hold(arguments: &Arguments, setup: &Setup, format: Output) -> Result<(), Stop> {
    if arguments.list {
        match format {
            Output::Json => output::print(&table::faults()),
            Output::Text => output::write(&catalogue::table()),
        }
        return Ok(());
    }
    if arguments.every_transition {
        return transitions(arguments, setup, format).await;
    }
    if arguments.baseline {
        return rows(arguments, setup, format).await;
    }
    let faults = match &arguments.fault {
        Some(word) => Faults::One(find(word).map_err(Stop::unusable)?, arguments.share),
        None => Faults::Mixture(
            arguments
                .without
                .iter()
                .map(|word| find(word).map_err(Stop::unusable))
                .collect::<Result<_, _>>()?,
        ),
    };
    let wish = Wish {
        runs: arguments.runs(),
        seed: arguments.seed,
        faults,
        kills: arguments.kills,
        cast: Cast::All,
    };
    let report = campaign(setup, &wish, arguments.limit(), &tell)
        .await
        .map_err(Stop::unusable)?;
    show(&report, format);
    good(report.is_good())
}

impl Arguments {
    fn runs(&self) -> usize {
        self.runs.unwrap_or(200).max(1)
    }

    /// Two minutes, and a third of a second for each run.
    fn limit(&self) -> Duration {
        self.limit_seconds.map_or_else(
            || Duration::from_secs(120 + self.runs() as u64 / 3),
            Duration::from_secs,
        )
    }
}

async fn transitions(arguments: &Arguments, setup: &Setup, format: Output) -> Result<(), Stop> {
    let set = if arguments.apart {
        Set::Apart
    } else {
        Set::Together
    };
    let walk = Walk {
        runs: arguments.runs.unwrap_or(usize::MAX),
        seed: arguments.seed,
        set,
    };
    let total = every_transition(setup, walk, arguments.limit(), &tell)
        .await
        .map_err(Stop::unusable)?;
    let tally = &total.tally;
    let line = format!(
        "{} runs: {} lost, {} doubled, {} stuck, {} wrong",
        tally.runs, tally.lost, tally.doubled, tally.stuck, tally.wrong
    );
    match format {
        Output::Json => output::print(&json!({
            "tally": table::tally(tally),
            "kills": total.kills,
            "commits": total.commits,
            "killedWhenItWentWrong": total.bad.as_ref().map(|(point, _)| point),
            "trace": total.bad.as_ref().and_then(|(_, report)| report.trace.clone()),
        })),
        Output::Text => {
            if let Some((point, report)) = &total.bad {
                output::line(format_args!("killed {point}:"));
                output::line(format_args!(
                    "{}",
                    report.trace.as_deref().unwrap_or_default()
                ));
            }
            output::line(format_args!(
                "{} kills, before and after each of up to {} commits",
                total.kills, total.commits
            ));
            output::line(format_args!("{line}"));
        }
    }
    good(total.bad.is_none())
}

async fn rows(arguments: &Arguments, setup: &Setup, format: Output) -> Result<(), Stop> {
    let mut all = Vec::new();
    let named = |name: &str| {
        arguments
            .row
            .as_ref()
            .is_none_or(|text| name.contains(text))
    };
    for row in ROWS.iter().filter(|row| named(row.name)) {
        tell(row.name);
        let report = baseline::rebuild(
            setup,
            row,
            arguments.runs(),
            arguments.seed,
            arguments.limit(),
            &tell,
        )
        .await
        .map_err(Stop::unusable)?;
        tell(&format!("{}: {}", row.name, report.closing_line()));
        all.push((row, report));
    }
    let right = all
        .iter()
        .all(|(_, report)| report.is_good() && report.tally.unknown == 0);
    match format {
        Output::Json => output::print(&table::baseline_json(&all)),
        Output::Text => {
            output::line(format_args!("{}", table::baseline(&all)));
            if let Some(trace) = all.iter().find_map(|(_, report)| report.trace.as_ref()) {
                output::line(format_args!("{trace}"));
            }
        }
    }
    good(right)
}

/// Progress goes to standard error, so that standard output holds the result alone.
fn tell(line: &str) {
    eprintln!("{line}");
}

fn good(good: bool) -> Result<(), Stop> {
    if good { Ok(()) } else { Err(Stop::No) }
}

fn show(report: &Report, format: Output) {
    match format {
        Output::Json => output::print(&as_json(report)),
        Output::Text => {
            if let Some(trace) = &report.trace {
                output::line(format_args!("{trace}"));
            }
            if report.out_of_time {
                output::line(format_args!(
                    "the time was over before all runs had their end"
                ));
            }
            let struck: u32 = report.strikes.values().sum();
            output::line(format_args!(
                "{} s, {} kills, {} starts, {struck} strikes of {} faults, {} given up unstarted, {} that GitHub runs unknown",
                report.took.as_secs(),
                report.kills,
                report.starts,
                report.strikes.values().filter(|count| **count > 0).count(),
                report.tally.never_started,
                report.tally.unknown,
            ));
            if !report.is_good() {
                let arguments: Vec<String> = std::env::args().skip(1).collect();
                output::line(format_args!(
                    "the same again: host-harness {}",
                    arguments.join(" ")
                ));
            }
            output::line(format_args!("{}", report.closing_line()));
        }
    }
}

fn as_json(report: &Report) -> Value {
    json!({
        "ok": report.is_good(),
        "seed": report.seed,
        "tally": table::tally(&report.tally),
        "kills": report.kills,
        "starts": report.starts,
        "strikes": report.strikes,
        "violations": report.violations,
        "seconds": report.took.as_secs_f64(),
        "outOfTime": report.out_of_time,
        "trace": report.trace,
    })
}
