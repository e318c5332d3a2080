//! Results of campaigns as tables and JSON.

use crate::campaign::baseline::{self, Figures, Row};
use crate::campaign::catalogue::CATALOGUE;
use crate::campaign::{Report, Tally};
use comfy_table::{Table, presets};
use serde_json::{Value, json};

pub(super) fn tally(tally: &Tally) -> Value {
    json!({
        "runs": tally.runs,
        "right": tally.right,
        "unknown": tally.unknown,
        "lost": tally.lost,
        "doubled": tally.doubled,
        "stuck": tally.stuck,
        "wrong": tally.wrong,
        "falseFailures": tally.false_failures,
        "neverStarted": tally.never_started,
    })
}

/// The catalogue.
pub(super) fn faults() -> Value {
    let entry = |profile: &crate::campaign::catalogue::Profile| json!({"fault": profile.word, "what": profile.what, "fate": profile.fate.words()});
    CATALOGUE.iter().map(entry).collect()
}

/// The rows side by side with what was measured on the system in use.
pub(super) fn baseline(rows: &[(&Row, Report)]) -> Table {
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN).set_header([
        "situation",
        "system in use (measured 2026-11-22): right",
        "stuck",
        "false failure",
        "never dispatched",
        "here: right",
        "stuck",
        "false failure",
        "never dispatched",
    ]);
    for (row, report) in rows {
        let mut cells = vec![row.name.to_owned()];
        cells.extend(cells_of(&row.in_use));
        cells.extend(cells_of(&baseline::of(report)));
        table.add_row(cells);
    }
    table
}

fn cells_of(figures: &Figures) -> [String; 4] {
    [
        format!("{} of {}", figures.right, figures.runs),
        figures.stuck.to_string(),
        figures.false_failures.to_string(),
        figures.never_started.to_string(),
    ]
}

pub(super) fn baseline_json(rows: &[(&Row, Report)]) -> Value {
    let figures = |figures: &Figures| {
        json!({
            "runs": figures.runs,
            "right": figures.right,
            "stuck": figures.stuck,
            "falseFailures": figures.false_failures,
            "neverStarted": figures.never_started,
        })
    };
    rows.iter()
        .map(|(row, report)| {
            json!({
                "situation": row.name,
                "inUse": figures(&row.in_use),
                "here": figures(&baseline::of(report)),
                "unknown": report.tally.unknown,
                "ok": report.is_good(),
            })
        })
        .collect()
}
