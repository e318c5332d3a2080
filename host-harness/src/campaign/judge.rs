//! The judge: what became of a run, from Port's and GitHub's views alone. Pure.

use super::catalogue::Fate;
use super::plan::Course;
use crate::simulator::github;
use crate::simulator::port::{self, Kind};

/// One run when everything is over.
#[derive(Debug, Clone)]
pub struct Case {
    /// How it was meant to go.
    pub course: Course,
    /// Whether its workflow's `run-name` shows its id.
    pub echoes: bool,
    /// The run in Port.
    pub port: port::RunView,
    /// The runs on GitHub that carry its marker.
    pub github: Vec<github::RunView>,
    /// The fates of the faults that struck it.
    pub fates: Vec<Fate>,
    /// Whether a process died, or GitHub went away, while it was under way.
    pub in_doubt: bool,
    /// Whether a person has ended it in Port.
    pub ended_by_a_person: bool,
}

/// What the judge says of a run. All but the first two are the host's fault; the text says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// As it should be.
    Right,
    /// Nobody can tell which run on GitHub is its own, and Port says so: the one honest limit.
    Unknown,
    /// It never started and has no end.
    Lost(String),
    /// It was started or ended twice.
    Doubled(String),
    /// Its workflow is over, and Port still shows it in progress.
    Stuck(String),
    /// It ended otherwise than it should, or without the explanation or link that belongs to it.
    Wrong(String),
}

impl Verdict {
    /// Whether the host has done nothing wrong.
    pub fn is_good(&self) -> bool {
        matches!(self, Verdict::Right | Verdict::Unknown)
    }
}

/// Judges a run.
pub fn judge(case: &Case) -> Verdict {
    if case.github.len() > 1 {
        let ids: Vec<String> = case.github.iter().map(|run| run.id.to_string()).collect();
        return Verdict::Doubled(format!(
            "GitHub has {} runs for it: {}",
            ids.len(),
            ids.join(", ")
        ));
    }
    if case.port.terminal_reports > 1 {
        return Verdict::Doubled(format!(
            "Port has taken {} reports of its end",
            case.port.terminal_reports
        ));
    }
    if case.fates.contains(&Fate::IsLeftAlone) {
        return left_alone(case);
    }
    if case.ended_by_a_person {
        return Verdict::Right;
    }
    match case.github.first() {
        None => never_started(case),
        Some(run) => started(case, run),
    }
}

/// Another host has it.
fn left_alone(case: &Case) -> Verdict {
    if !case.github.is_empty() {
        Verdict::Doubled("it was started although another host has it".to_owned())
    } else if case.port.ended() {
        Verdict::Wrong("it was ended although another host has it".to_owned())
    } else {
        Verdict::Right
    }
}

fn never_started(case: &Case) -> Verdict {
    if !case.port.ended() {
        let what = match (case.port.acked, case.port.claims) {
            (true, _) => "it was acknowledged, never started and never ended",
            (false, 0) => "it was never claimed",
            (false, _) => "it was claimed and never acknowledged",
        };
        return Verdict::Lost(what.to_owned());
    }
    if case.port.succeeded() {
        return Verdict::Wrong(
            "Port says that it succeeded, and GitHub never started it".to_owned(),
        );
    }
    if !is_explained(&case.port) {
        return Verdict::Wrong("it failed without an explanation".to_owned());
    }
    // Where it could be started, giving up is right only for a dispatch that may have left, and only if that is said.
    let may_be_unknown = case.in_doubt || case.fates.contains(&Fate::MayBeUnknown);
    let may_fail = !case.course.starts()
        || case.fates.contains(&Fate::FailsSayingWhy)
        || (may_be_unknown && says_unknown(&case.port));
    if may_fail {
        Verdict::Right
    } else {
        Verdict::Wrong(
            "it failed without having been started, and nothing was in its way".to_owned(),
        )
    }
}

/// Whether Port was told that the outcome of the dispatch is unknown, in any of the places where a person looks: where
/// Port refuses the label, the summary still says it, and a node run has but its log.
fn says_unknown(run: &port::RunView) -> bool {
    let said = |text: &str| text.contains("may have been started") || text.contains("unknown");
    run.status_label.as_deref() == Some("Outcome unknown")
        || run.summary.as_deref().is_some_and(said)
        || run.logs.iter().any(|line| said(&line.message))
}

fn started(case: &Case, run: &github::RunView) -> Verdict {
    let shown = shown(&case.port);
    let Some(conclusion) = &run.conclusion else {
        return Verdict::Stuck("its workflow has not ended".to_owned());
    };
    if !case.port.ended() && case.course != Course::NotReported {
        return Verdict::Stuck(format!(
            "its workflow has ended ({conclusion}), Port shows {shown}"
        ));
    }
    if has_given_up(case) {
        return given_up(case, conclusion);
    }
    if let Some(problem) = missing(&case.port, run) {
        return Verdict::Wrong(problem);
    }
    if case.course == Course::NotReported {
        return if case.port.ended() {
            Verdict::Wrong(format!(
                "its end is not to be reported, and Port shows {shown}"
            ))
        } else {
            Verdict::Right
        };
    }
    let expected = expected(case.port.kind, conclusion);
    if shown != expected {
        return Verdict::Wrong(format!(
            "its workflow has ended with {conclusion}, so Port should show {expected}; it shows {shown}"
        ));
    }
    if !case.port.succeeded() && !is_explained(&case.port) {
        return Verdict::Wrong("it failed without an explanation".to_owned());
    }
    Verdict::Right
}

/// It has failed without ever knowing its run on GitHub.
fn has_given_up(case: &Case) -> bool {
    case.port.ended() && !case.port.succeeded() && case.port.external_run_id.is_none()
}

/// GitHub has a run, and the host does not know it.
fn given_up(case: &Case, conclusion: &str) -> Verdict {
    let ambiguous = case.in_doubt
        || case
            .fates
            .iter()
            .any(|fate| matches!(fate, Fate::MayBeUnknown | Fate::IsFoundAgain));
    if !ambiguous {
        return Verdict::Wrong(format!(
            "it was given up with nothing in its way, and its workflow has ended with {conclusion}"
        ));
    }
    if case.echoes {
        return Verdict::Wrong(format!(
            "it was given up although its workflow, which has ended with {conclusion}, shows its id"
        ));
    }
    if is_explained(&case.port) {
        Verdict::Unknown
    } else {
        Verdict::Wrong("it was given up without an explanation".to_owned())
    }
}

fn missing(port: &port::RunView, run: &github::RunView) -> Option<String> {
    match &port.external_run_id {
        None => return Some("Port does not know its external id".to_owned()),
        Some(id) if *id != run.external_id => {
            return Some(format!(
                "its run on GitHub is {}, and Port follows {id}",
                run.external_id
            ));
        }
        Some(_) => {}
    }
    if port.link.contains(&run.html_url) {
        None
    } else {
        Some(format!("Port does not show the link {}", run.html_url))
    }
}

/// What Port shows: the status of an action run, the result of a node run.
pub(super) fn shown(port: &port::RunView) -> &str {
    match (port.kind, &port.result) {
        (Kind::Node, Some(result)) => result,
        _ => &port.status,
    }
}

/// What Port should show of a run whose workflow has ended with this conclusion.
fn expected(kind: Kind, conclusion: &str) -> &'static str {
    match (kind, conclusion) {
        (_, "success" | "skipped" | "neutral") => "SUCCESS",
        (Kind::Action, _) => "FAILURE",
        (Kind::Node, "cancelled") => "CANCELLED",
        (Kind::Node, _) => "FAILED",
    }
}

fn is_explained(port: &port::RunView) -> bool {
    let says = |text: &str| !text.trim().is_empty();
    port.summary.as_deref().is_some_and(says) || port.logs.iter().any(|log| says(&log.message))
}

#[cfg(test)]
mod tests;
