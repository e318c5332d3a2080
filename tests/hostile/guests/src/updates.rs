//! News that no host should believe.

use crate::contract::ocean::integration_action::types::{
    Change, Completion, Level, LogLine, Outcome, Progress, RunUpdate,
};

fn progress(id: &str, log: Vec<LogLine>) -> RunUpdate {
    RunUpdate {
        external_run_id: id.to_owned(),
        attempt: 1,
        change: Change::Progress(Progress {
            label: None,
            log,
            part: None,
        }),
    }
}

pub fn updates_without_end() -> Vec<RunUpdate> {
    vec![progress("", vec![]); 200_000]
}

pub fn lines_without_end() -> Vec<RunUpdate> {
    let line = LogLine {
        level: Level::Info,
        message: String::new(),
    };
    vec![progress("gh_1_1_1", vec![line; 500_000])]
}

/// Tells a whole life at once, and goes on after its end.
pub fn news_after_the_end() -> Vec<RunUpdate> {
    let says = |message: &str| {
        let line = LogLine {
            level: Level::Info,
            message: message.to_owned(),
        };
        progress("seen", vec![line])
    };
    vec![
        says("the first"),
        says("the second"),
        ended("seen", "the end"),
        says("too late"),
    ]
}

/// Says that runs have ended which this installation has never started.
pub fn updates_for_others() -> Vec<RunUpdate> {
    vec![ended("seen", "forged"), ended("gh_1_1_1", "forged")]
}

fn ended(id: &str, label: &str) -> RunUpdate {
    RunUpdate {
        external_run_id: id.to_owned(),
        attempt: 9,
        change: Change::Completed(Completion {
            outcome: Outcome::Failure,
            conclusion: "failure".to_owned(),
            label: label.to_owned(),
            summary: None,
            output: "{}".to_owned(),
            log: vec![],
        }),
    }
}
