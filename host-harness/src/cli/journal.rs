//! `journal`: a look into a host's journal, also while the host uses it. Changes nothing.

use super::{Output, Stop, output};
use crate::contract::json as as_json;
use crate::journal::{Filter, History, JournalError, Phase, Run, Sqlite, Store};
use clap::{Args, Subcommand};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `journal`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The journal: the key `path` in the table `journal` of the host's configuration.
    #[arg(
        long,
        global = true,
        env = "HOST_HARNESS_JOURNAL",
        default_value = "journal.db"
    )]
    journal: PathBuf,
    #[command(subcommand)]
    look: Look,
}

#[derive(Debug, Subcommand)]
enum Look {
    /// List runs, newest first.
    Ls {
        /// Only those of this installation.
        #[arg(long)]
        installation: Option<String>,
        /// Only those in this phase: acking, ready, sending, parked, started, reporting, finished, returned.
        #[arg(long, value_parser = phase)]
        phase: Option<Phase>,
        /// At most so many; 0 for all.
        #[arg(long, default_value_t = 50)]
        limit: u32,
    },
    /// Tell everything about one run: what happened, and what Port still has to be told.
    Show {
        /// Port's id of the run.
        run: String,
    },
    /// Print all runs with their histories, one JSON object on each line.
    Export,
}

fn phase(word: &str) -> Result<Phase, String> {
    Phase::parse(word).ok_or_else(|| {
        let known = Phase::ALL.map(Phase::as_str).join(", ");
        format!("there is no such phase; there are {known}")
    })
}

pub(super) fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let mut journal = Sqlite::look(&arguments.journal).map_err(Stop::unusable)?;
    match arguments.look {
        Look::Ls {
            installation,
            phase,
            limit,
        } => {
            let filter = Filter {
                installation,
                phase,
                limit,
            };
            let runs = journal.list(&filter).map_err(Stop::unusable)?;
            list(&runs, format);
            Ok(())
        }
        Look::Show { run } => show(&mut journal, &run, format),
        Look::Export => export(&mut journal).map_err(Stop::unusable),
    }
}

fn list(runs: &[Run], format: Output) {
    if format == Output::Json {
        let runs: Vec<Value> = runs.iter().map(as_json).collect();
        return output::print(&json!({ "runs": runs }));
    }
    let mut table = Table::new();
    table
        .load_preset(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(["claimed", "phase", "installation", "run", "external run id"]);
    for run in runs {
        table.add_row([
            time(run.claimed_at),
            run.phase.as_str().to_owned(),
            run.key.installation.clone(),
            run.key.run.clone(),
            run.external_run_id.clone().unwrap_or_default(),
        ]);
    }
    output::line(format_args!("{}", table.trim_fmt()));
}

fn show(journal: &mut Sqlite, run: &str, format: Output) -> Result<(), Stop> {
    let histories = journal.history(run).map_err(Stop::unusable)?;
    if histories.is_empty() {
        eprintln!("the journal knows no run {run}");
        return Err(Stop::No);
    }
    if format == Output::Json {
        let histories: Vec<Value> = histories.iter().map(history_as_json).collect();
        output::print(&json!({ "histories": histories }));
        return Ok(());
    }
    for history in histories {
        tell(&history);
    }
    Ok(())
}

fn tell(History { run, calls, notes }: &History) {
    output::line(format_args!("{}  {}", run.key, run.phase.as_str()));
    if let Some(id) = &run.external_run_id {
        output::line(format_args!("  external run id  {id}"));
    }
    if let Some(action) = &run.action {
        output::line(format_args!("  action           {action}"));
    }
    output::line(format_args!("  claimed          {}", time(run.claimed_at)));
    for note in notes {
        output::line(format_args!("  {}  {}", time(note.at), note.text));
    }
    for call in calls {
        output::line(format_args!("  Port still has to be told: {}", call.call));
    }
}

fn export(journal: &mut Sqlite) -> Result<(), JournalError> {
    let mut out = io::stdout().lock();
    let runs = journal.list(&Filter::default())?;
    for run in runs.iter().rev() {
        for history in journal.history(&run.key.run)? {
            // The same id may be known to several installations, each of which is in the list.
            if history.run.key == run.key && writeln!(out, "{}", history_as_json(&history)).is_err()
            {
                // Nobody reads any more.
                return Ok(());
            }
        }
    }
    Ok(())
}

fn as_json(run: &Run) -> Value {
    json!({
        "installation": run.key.installation,
        "run": run.key.run,
        "kind": run.kind,
        "action": run.action,
        "phase": run.phase,
        "externalRunId": run.external_run_id,
        "claimedAt": time(run.claimed_at),
        "startedAt": run.started_at.map(time),
        "finishedAt": run.finished_at.map(time),
        "order": as_json::embedded(&run.order),
    })
}

fn history_as_json(history: &History) -> Value {
    let notes: Vec<Value> = history
        .notes
        .iter()
        .map(|note| json!({"at": time(note.at), "text": note.text}))
        .collect();
    let calls: Vec<Value> = history
        .calls
        .iter()
        .map(|call| as_json::embedded(&call.call))
        .collect();
    let run = as_json::with(as_json(&history.run), "notes", notes.into());
    let run = as_json::with(run, "calls", calls.into());
    as_json::with(run, "life", as_json::embedded(&history.run.life))
}

/// A moment as people write it, in UTC.
fn time(milliseconds: u64) -> String {
    let signed = i64::try_from(milliseconds).unwrap_or(i64::MAX);
    jiff::Timestamp::from_millisecond(signed)
        .map(|time| format!("{time:.3}"))
        .unwrap_or_default()
}
