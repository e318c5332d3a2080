//! `test`: scenarios.

mod report;
mod watch;

use super::{ComponentArgument, Format, Stop, output};
use crate::scenario::chronicle::Detail;
use crate::scenario::schema::editor_schema;
use crate::scenario::suite::{self, Case, Manner, Plugins};
use crate::scenario::tape::Recordings;
use clap::Args;
use std::path::PathBuf;

/// Arguments of `test`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Scenarios: files, or folders with all that is in them.
    #[arg(required_unless_present = "schema")]
    paths: Vec<PathBuf>,
    /// Only scenarios whose name contains this.
    #[arg(long)]
    filter: Option<String>,
    /// How many are played at once. The default is one for each core.
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..))]
    jobs: Option<u16>,
    /// Show what happened in those that passed too, every request and every line of the log.
    #[arg(long)]
    trace: bool,
    /// Make the recordings that scenarios name and that are not there yet.
    #[arg(long)]
    record: bool,
    /// Make all recordings anew.
    #[arg(long, conflicts_with = "record")]
    update: bool,
    /// Play again what changes affect, until Ctrl-C.
    #[arg(long)]
    watch: bool,
    /// With --watch: the command that builds the component, run when its sources change.
    #[arg(long, requires = "watch", value_name = "COMMAND")]
    build: Option<String>,
    /// With --build: what the component is built from. The default is `src`, `wit` and `component/src`, where they are.
    #[arg(long, requires = "build", value_name = "PATH")]
    source: Vec<PathBuf>,
    /// Print the schema of scenario files for editors, and do nothing else.
    #[arg(long)]
    schema: bool,
    #[command(flatten)]
    component: ComponentArgument,
}

pub(super) async fn run(arguments: Arguments, format: Format) -> Result<(), Stop> {
    if arguments.schema {
        output::print(&editor_schema());
        return Ok(());
    }
    if arguments.watch {
        return watch::watch(&arguments, format).await;
    }
    let (_, passed) = play(&arguments, format, &Selection::All).await?;
    if passed { Ok(()) } else { Err(Stop::No) }
}

/// Which of the scenarios are played.
enum Selection {
    All,
    /// By their places.
    These(Vec<usize>),
}

/// Plays scenarios and reports on them. Gives all that there are, and whether those that were played have passed.
async fn play(
    arguments: &Arguments,
    format: Format,
    selection: &Selection,
) -> Result<(Vec<Case>, bool), Stop> {
    let all = suite::find(&arguments.paths, arguments.filter.as_deref())
        .map_err(|error| Stop::Unusable(format!("the scenarios cannot be read: {error}")))?;
    if all.is_empty() {
        return Err(nothing(arguments));
    }
    let cases: Vec<Case> = match selection {
        Selection::All => all.clone(),
        Selection::These(places) => places
            .iter()
            .filter_map(|it| all.get(*it))
            .cloned()
            .collect(),
    };
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = arguments
        .jobs
        .map_or(cores, usize::from)
        .min(cases.len().max(1));
    let plugins = Plugins::load(&cases, &arguments.component.component, jobs)
        .await
        .map_err(Stop::unusable)?;
    let manner = manner(arguments);
    let report = report::Report::begin(format, cases.len(), arguments.trace);
    let verdicts = suite::run_all(&cases, &plugins, jobs, manner, |verdict| {
        report.add(verdict)
    });
    report.end(&verdicts)?;
    Ok((all, verdicts.iter().all(suite::Verdict::passed)))
}

fn nothing(arguments: &Arguments) -> Stop {
    let paths: Vec<String> = arguments
        .paths
        .iter()
        .map(|it| it.display().to_string())
        .collect();
    let filter = arguments.filter.as_ref();
    let filter = filter
        .map(|it| format!(" whose name contains {it:?}"))
        .unwrap_or_default();
    Stop::Unusable(format!(
        "there is no scenario in {}{filter}",
        paths.join(", ")
    ))
}

fn manner(arguments: &Arguments) -> Manner {
    Manner {
        detail: if arguments.trace {
            Detail::Beginnings
        } else {
            Detail::Lines
        },
        recordings: match (arguments.update, arguments.record) {
            (true, _) => Recordings::Update,
            (false, true) => Recordings::Record,
            (false, false) => Recordings::Replay,
        },
    }
}
