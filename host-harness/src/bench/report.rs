//! What was measured, as a table for people and as JSON for programs. Ratios come first: a figure alone says as much about
//! the machine as about the host.

use super::{Spread, delivery, dispatch, flood, instance, journal, life, steady};
use comfy_table::{ContentArrangement, Table, presets};
use serde::Serialize;

/// Everything that was measured; what was left out is `null`.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// Starting workflows.
    pub dispatch: Option<Vec<dispatch::Row>>,
    /// Fresh instances.
    pub instance: Option<instance::Row>,
    /// Webhooks.
    pub delivery: Option<delivery::Rows>,
    /// The journal alone.
    pub journal: Option<Vec<journal::Row>>,
    /// Whole runs.
    pub life: Option<Vec<life::Row>>,
    /// Many runs that end at once.
    pub flood: Option<flood::Row>,
    /// Whether those that wait become more while runs end at a steady rate.
    pub steady: Option<steady::Row>,
    /// The start of the process.
    pub start: Option<life::Start>,
}

/// One line of the table.
struct Line {
    what: String,
    ratio: String,
    goal: &'static str,
    figures: String,
}

impl Report {
    /// For people.
    pub fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_preset(presets::UTF8_FULL_CONDENSED)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(WIDTH)
            .set_header(["what", "ratio", "goal", "µs of CPU: median (least to most)"]);
        for line in self.lines() {
            table.add_row([line.what, line.ratio, line.goal.to_owned(), line.figures]);
        }
        table.to_string()
    }

    fn lines(&self) -> Vec<Line> {
        let dispatches = self.dispatch.iter().flatten().map(of_dispatch);
        let instance = self.instance.iter().map(of_instance);
        let deliveries = self.delivery.iter().flat_map(of_deliveries);
        let journal = self.journal.iter().flat_map(|rows| of_journal(rows));
        let lives = self.life.iter().flat_map(|rows| of_lives(rows));
        let starts = self.start.iter().flat_map(of_starts);
        let calls = dispatches.chain(instance).chain(deliveries).chain(journal);
        let flood = self.flood.iter().flat_map(of_flood);
        let steady = self.steady.iter().map(of_steady);
        calls
            .chain(lives)
            .chain(flood)
            .chain(steady)
            .chain(starts)
            .collect()
    }
}

/// Width of the table, in characters: the same on a terminal and in a pipe.
const WIDTH: u16 = 118;

fn of_dispatch(row: &dispatch::Row) -> Line {
    let requests = match row.requests {
        1 => "1 request",
        _ => "2 requests",
    };
    let raw = row.raw.map(|raw| format!(", wasmtime alone {}", told(raw)));
    Line {
        what: format!("dispatch, {requests}, {} at once", row.at_once),
        ratio: format!("{:.2} × native", row.ratio()),
        goal: if row.at_once == 64 { "≤ 2.0" } else { "" },
        figures: format!(
            "host {}, native {}{}; on the wall {:.0} and {:.0}",
            told(row.host),
            told(row.native),
            raw.unwrap_or_default(),
            row.host_wall.median,
            row.native_wall.median,
        ),
    }
}

fn of_instance(row: &instance::Row) -> Line {
    Line {
        what: "a fresh instance".to_owned(),
        ratio: format!("{:.2} × wasmtime alone", row.host.median / row.raw.median),
        goal: "≤ 20 µs",
        figures: format!("host {}, wasmtime alone {}", told(row.host), told(row.raw)),
    }
}

fn of_deliveries(rows: &delivery::Rows) -> [Line; 3] {
    let by = |spread: Spread, of: Spread| spread.median / of.median;
    [
        Line {
            what: format!("a delivery of {} bytes that ends a run", rows.bytes),
            ratio: format!(
                "{:.2} × native",
                by(rows.relevant_host, rows.relevant_native)
            ),
            goal: "≤ 2.5, ≤ 60 µs",
            figures: format!(
                "host {}, wasmtime alone {}, native {}",
                told(rows.relevant_host),
                told(rows.relevant_raw),
                told(rows.relevant_native)
            ),
        },
        Line {
            what: "one of an event that nobody wants".to_owned(),
            ratio: format!("{:.2} × its hash", by(rows.irrelevant, rows.hash)),
            goal: "≤ 15 µs",
            figures: told(rows.irrelevant),
        },
        Line {
            what: "one that is badly signed".to_owned(),
            ratio: format!("{:.2} × its hash", by(rows.badly_signed, rows.hash)),
            goal: "≤ 1.3",
            figures: format!("{}, hash {}", told(rows.badly_signed), told(rows.hash)),
        },
    ]
}

fn of_journal(rows: &[journal::Row]) -> Vec<Line> {
    let of = |shared| {
        let first = rows.iter().find(|row| row.shared == shared);
        first.map_or(1.0, |row| row.run.median)
    };
    rows.iter()
        .map(|row| Line {
            what: format!(
                "a run's changes in the journal alone, {} to a commit, {} runs in it before",
                row.shared, row.journaled
            ),
            ratio: format!("{:.2} × the first", row.run.median / of(row.shared)),
            goal: "≤ 1.2",
            figures: format!("{}; on the wall {:.0}", told(row.run), row.wall.median),
        })
        .collect()
}

fn of_lives(rows: &[life::Row]) -> Vec<Line> {
    let first = rows.first().map_or(1.0, |row| row.run.median);
    rows.iter()
        .map(|row| Line {
            what: match row.journaled {
                0 => format!("a run's whole life, {} installations", row.installations),
                journaled => format!("the same, {journaled} runs in the journal"),
            },
            ratio: format!("{:.2} × the first", row.run.median / first),
            goal: "≤ 1,000 µs, ≤ 1.2",
            figures: format!(
                "{}; {:.0} a second; idle {:.0} a second, {} MiB",
                told(row.run),
                row.runs_a_second.median,
                row.idle,
                row.memory >> 20
            ),
        })
        .collect()
}

fn of_flood(row: &flood::Row) -> [Line; 2] {
    [
        Line {
            what: format!("{} runs that end at once", row.runs),
            ratio: format!("{:.0} a core and second", row.a_core()),
            goal: "≥ 2,000",
            figures: format!(
                "{} for one; {:.0} a second with both simulators beside",
                told(row.end),
                row.ends_a_second.median
            ),
        },
        Line {
            what: "a run under way".to_owned(),
            ratio: String::new(),
            goal: "",
            figures: format!("{} bytes", row.memory),
        },
    ]
}

fn of_steady(row: &steady::Row) -> Line {
    let [first, second] = row.waiting;
    Line {
        what: format!("{} runs that end one after another", row.runs),
        ratio: format!("{:.0} a second", row.ends_a_second),
        goal: "≥ 2,000, no more wait later",
        figures: format!(
            "{:.1} for one; {} wait in the first half of the time, {} in the second",
            row.end,
            told(first),
            told(second)
        ),
    }
}

fn of_starts(start: &life::Start) -> [Line; 3] {
    let line = |what: &str, goal, figures| Line {
        what: what.to_owned(),
        ratio: String::new(),
        goal,
        figures,
    };
    [
        line(
            "start until it listens",
            "≤ 50 ms",
            format!(
                "{} ms; {:.0} ms where the component is compiled",
                told(start.warm),
                start.compiling
            ),
        ),
        line(
            "start until the first claim",
            "≤ 100 ms",
            format!("{} ms", told(start.first_claim)),
        ),
        line(
            "pressed until GitHub is asked, idle",
            "≤ 1,000 ms",
            format!("{} ms", told(start.pressed_to_github)),
        ),
    ]
}

fn told(spread: Spread) -> String {
    let Spread {
        median,
        least,
        most,
    } = spread;
    format!("{median:.1} ({least:.1} to {most:.1})")
}
