//! The faults that the system in use was measured under, rebuilt: each row a campaign of its own.

use super::catalogue::{Profile, UnknownFault, find};
use super::conduct::Limits;
use super::plan::{Cast, Faults, Interruption, Plan, QUICK_LANE, When, Wish};
use super::{CampaignError, Progress, Report, Setup, held};
use std::time::Duration;

/// Figures of one system for one row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figures {
    /// How many runs.
    pub runs: usize,
    /// How many came out right.
    pub right: usize,
    /// How many were in progress for ever.
    pub stuck: usize,
    /// How many failed in Port and succeeded on GitHub.
    pub false_failures: usize,
    /// How many failed without having been started.
    pub never_started: usize,
}

const fn figures(
    runs: usize,
    right: usize,
    stuck: usize,
    false_failures: usize,
    never_started: usize,
) -> Figures {
    Figures {
        runs,
        right,
        stuck,
        false_failures,
        never_started,
    }
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// What goes wrong.
    pub name: &'static str,
    /// What was measured on the system in use (2026-11-22; 200 runs, 3 workers; the median of three where there were more).
    pub in_use: Figures,
    /// What happens here.
    bring_about: BringAbout,
    /// When buttons are pressed.
    pressed: Pressed,
    /// Whether the services take as long as real ones do.
    like_a_service: bool,
    /// Whether all workflows are as quick as the quickest.
    quick: bool,
}

/// When buttons are pressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pressed {
    /// Forty a second.
    Steadily,
    /// All at the beginning.
    AtOnce,
    /// So that a run has ended before the next begins.
    OneByOne,
}

/// Between two runs that must not meet: a run with services like real ones takes less.
const APART: Duration = Duration::from_millis(1_500);

/// How a row is brought about.
#[derive(Debug)]
enum BringAbout {
    /// Nothing goes wrong.
    Nothing,
    /// A fault of the catalogue, with its share in percent.
    Fault(&'static str, u8),
    /// The process is ended once so many runs have been started.
    Interruption { gently: bool },
}

/// After how many starts the process is ended.
const STARTS: usize = 80;
/// How long it is away then.
const DOWN: Duration = Duration::from_secs(1);

const fn row(name: &'static str, bring_about: BringAbout, in_use: Figures) -> Row {
    Row {
        name,
        in_use,
        bring_about,
        pressed: Pressed::Steadily,
        like_a_service: false,
        quick: false,
    }
}

impl Row {
    const fn pressed(self, pressed: Pressed) -> Row {
        Row { pressed, ..self }
    }

    const fn quick(self) -> Row {
        Row {
            quick: true,
            ..self
        }
    }

    const fn like_a_service(self) -> Row {
        Row {
            like_a_service: true,
            ..self
        }
    }
}

/// The rows, in the order in which the system in use was measured.
pub static ROWS: &[Row] = {
    use BringAbout::{Fault, Interruption, Nothing};
    use Pressed::{AtOnce, OneByOne};
    &[
        row("nothing", Nothing, figures(200, 200, 0, 0, 0)),
        row(
            "early webhooks, burst, no latency",
            Fault("webhook.completed: early", 100),
            figures(200, 200, 0, 0, 0),
        )
        .pressed(AtOnce),
        row(
            "early webhooks, burst, latency of services",
            Fault("webhook.completed: early", 100),
            figures(200, 199, 1, 0, 0),
        )
        .pressed(AtOnce)
        .like_a_service(),
        row(
            "early webhooks, one run at a time, latency of services",
            Fault("webhook.completed: early", 100),
            figures(30, 0, 30, 0, 0),
        )
        .pressed(OneByOne)
        .like_a_service(),
        row(
            "early webhooks, the answer is held until they are there",
            Fault("webhook.completed: early", 100),
            figures(200, 0, 200, 0, 0),
        ),
        row(
            "workflows of 20 ms, burst, latency of services",
            Nothing,
            figures(200, 199, 1, 0, 0),
        )
        .pressed(AtOnce)
        .like_a_service()
        .quick(),
        row(
            "5 % of acks, starts and ends: 500, not processed",
            Fault("port.write: 500", 5),
            figures(200, 179, 11, 10, 0),
        ),
        row(
            "5 % of acks, starts and ends: processed, but 503",
            Fault("port.write: 503-but-done", 5),
            figures(200, 177, 13, 10, 0),
        ),
        row(
            "kill -9 after 80 starts",
            Interruption { gently: false },
            figures(200, 131, 69, 0, 0),
        ),
        row(
            "SIGTERM after 80 starts",
            Interruption { gently: true },
            figures(200, 172, 28, 0, 0),
        ),
        row(
            "the dispatch is answered with 204",
            Fault("github.dispatch: 204", 100),
            figures(200, 0, 0, 200, 0),
        ),
        row(
            "an old server refuses return_run_details",
            Fault("github.dispatch: old-server", 100),
            figures(200, 0, 0, 0, 200),
        ),
        row(
            "20 %: secondary limit, 403 with retry-after",
            Fault("github.dispatch: 403-secondary", 20),
            figures(200, 161, 0, 0, 39),
        ),
        row(
            "20 %: secondary limit, 403 without retry-after",
            Fault("github.dispatch: 403-secondary-without-time", 20),
            figures(200, 161, 0, 0, 39),
        ),
        row(
            "20 %: secondary limit, 429",
            Fault("github.dispatch: 429-secondary", 20),
            figures(200, 161, 0, 0, 39),
        ),
        row(
            "5 % of dispatches: 500, but the run was created",
            Fault("github.dispatch: 500-but-it-ran", 5),
            figures(200, 189, 0, 11, 0),
        ),
        row(
            "5 % of dispatches: connection cut after processing",
            Fault("github.dispatch: lost-reply", 5),
            figures(200, 190, 0, 10, 0),
        ),
        row(
            "10 % of fresh run ids answer 404 for 300 ms",
            Fault("github.get-run: fresh-404", 10),
            figures(200, 179, 0, 21, 0),
        ),
        row(
            "5 % of the webhooks that tell of the end are never sent",
            Fault("webhook.completed: dropped", 5),
            figures(200, 186, 14, 0, 0),
        ),
        row(
            "webhooks come twice (50 %) and overtake each other (50 %)",
            Fault("webhook: twice-and-reordered", 50),
            figures(200, 200, 0, 0, 0),
        ),
        row(
            "5 % of the looks at runs: 502",
            Fault("github.get-run: 502", 5),
            figures(200, 200, 0, 0, 0),
        ),
        row(
            "GitHub's token is revoked for good meanwhile",
            Fault("github.token: revoked", 100),
            figures(200, 81, 0, 0, 119),
        ),
        row(
            "Port's token is revoked again and again",
            Fault("port.token: revoked", 10),
            figures(200, 198, 2, 0, 0),
        ),
        row(
            "one unreadable run beside the others",
            Fault("port.claim: unreadable-neighbour", 100),
            figures(200, 0, 0, 0, 0),
        ),
    ]
};

/// Holds the campaign of a row.
///
/// # Errors
/// If it could not be held.
pub async fn rebuild(
    setup: &Setup,
    row: &Row,
    runs: usize,
    seed: u64,
    limit: Duration,
    progress: Progress<'_>,
) -> Result<Report, CampaignError> {
    let plan = plan(row, runs, seed);
    let last = plan.runs.last().map_or(Duration::ZERO, |run| run.pressed);
    let limits = Limits {
        time: limit + last,
        crash: None,
    };
    held(setup, &plan, &limits, progress).await
}

fn plan(row: &Row, runs: usize, seed: u64) -> Plan {
    let faults = match profile(row) {
        Ok(Some((profile, percent))) => Faults::One(profile, percent),
        _ => Faults::None,
    };
    let mut plan = Plan::draw(&Wish {
        runs,
        seed,
        faults,
        kills: None,
        cast: Cast::Succeeding,
    });
    if let BringAbout::Interruption { gently } = row.bring_about {
        plan.interruptions = vec![Interruption {
            when: When::Starts(STARTS.min(runs / 2)),
            gently,
            down: DOWN,
            next_clock: 0,
        }];
    }
    plan.like_a_service = row.like_a_service;
    for (run, number) in plan.runs.iter_mut().zip(0..) {
        if row.quick {
            run.lane = QUICK_LANE;
        }
        run.pressed = match row.pressed {
            Pressed::Steadily => run.pressed,
            Pressed::AtOnce => Duration::ZERO,
            Pressed::OneByOne => APART * number,
        };
    }
    plan
}

fn profile(row: &Row) -> Result<Option<(&'static Profile, u8)>, UnknownFault> {
    match row.bring_about {
        BringAbout::Fault(word, percent) => Ok(Some((find(word)?, percent))),
        BringAbout::Nothing | BringAbout::Interruption { .. } => Ok(None),
    }
}

/// The figures of a report.
pub fn of(report: &Report) -> Figures {
    let tally = &report.tally;
    Figures {
        runs: tally.runs,
        right: tally.right,
        stuck: tally.stuck + tally.lost,
        false_failures: tally.false_failures,
        never_started: tally.never_started,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_names_a_fault_of_the_catalogue_or_none() {
        for row in ROWS {
            profile(row).unwrap();
        }
    }

    #[test]
    fn a_row_with_an_interruption_has_exactly_one_after_eighty_starts() {
        let row = ROWS
            .iter()
            .find(|row| row.name.starts_with("kill -9"))
            .unwrap();
        let plan = plan(row, 200, 1);
        assert_eq!(plan.interruptions.len(), 1);
        assert_eq!(plan.interruptions[0].when, When::Starts(80));
    }
}
