//! The last act of the demo: the same host as a process of its own, killed in the middle of its work.

use crate::campaign::catalogue::find;
use crate::campaign::plan::{Cast, Faults, Wish};
use crate::campaign::{Report, Setup, campaign};
use crate::cli::Stop;
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

/// How many runs are under way, and how often the process is killed meanwhile.
const RUNS: usize = 10;
const KILLS: usize = 3;

/// Each demo is the same.
const SEED: u64 = 3;

/// How long it may take; two seconds are usual.
const PATIENCE: Duration = Duration::from_secs(30);

/// Kills a host that works, starts it again on its journal, and counts what became of its runs.
pub(super) async fn hold(component: &Path) -> Result<Report, Stop> {
    let program = std::env::current_exe().map_err(Stop::unusable)?;
    let setup = Setup::new(program, component.to_owned());
    let wish = Wish {
        runs: RUNS,
        seed: SEED,
        faults: Faults::One(find("host: killed").map_err(Stop::unusable)?, 100),
        kills: Some(KILLS),
        cast: Cast::All,
    };
    campaign(&setup, &wish, PATIENCE, &|_| {})
        .await
        .map_err(Stop::unusable)
}

/// What came of it, as a sentence.
pub(super) fn sentence(report: &Report) -> String {
    format!(
        "Then the host as a process of its own, killed (SIGKILL) {} times while it worked:\n{}",
        report.kills,
        report.closing_line()
    )
}

/// What came of it, as JSON.
pub(super) fn as_json(report: &Report) -> Value {
    json!({
        "kills": report.kills,
        "runs": report.tally.runs,
        "lost": report.tally.lost,
        "doubled": report.tally.doubled,
        "stuck": report.tally.stuck,
        "wrong": report.tally.wrong,
    })
}
