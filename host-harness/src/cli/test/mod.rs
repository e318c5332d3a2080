//! `test`: scenarios.

mod report;

use super::{ComponentArgument, Format, Stop, output};
use crate::scenario::chronicle::Detail;
use crate::scenario::schema::editor_schema;
use crate::scenario::suite::{self, Plugins};
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
    #[arg(long)]
    jobs: Option<usize>,
    /// Show what happened in those that passed too, every request and every line of the log.
    #[arg(long)]
    trace: bool,
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
    let cases = suite::find(&arguments.paths, arguments.filter.as_deref())
        .map_err(|error| Stop::Unusable(format!("the scenarios cannot be read: {error}")))?;
    if cases.is_empty() {
        return Err(Stop::unusable("there is no such scenario"));
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let jobs = arguments.jobs.unwrap_or(cores).max(1);
    let plugins = Plugins::load(&cases, &arguments.component.component, jobs)
        .await
        .map_err(Stop::unusable)?;
    let detail = if arguments.trace {
        Detail::Beginnings
    } else {
        Detail::Lines
    };
    let report = report::Report::begin(format, cases.len(), arguments.trace);
    let verdicts = suite::run_all(&cases, &plugins, jobs, detail, |verdict| {
        report.add(verdict)
    });
    report.end(&verdicts)?;
    if verdicts.iter().all(suite::Verdict::passed) {
        Ok(())
    } else {
        Err(Stop::No)
    }
}
