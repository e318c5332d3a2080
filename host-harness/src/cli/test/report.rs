//! How scenarios went, for people and for programs.

use super::super::{Format, Stop, output};
use crate::scenario::schema::told;
use crate::scenario::suite::Verdict;
use indicatif::{ProgressBar, ProgressStyle};
use quick_junit::{NonSuccessKind, TestCase, TestCaseStatus, TestSuite};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::{Duration, Instant};

/// The suite's name for build servers.
const SUITE: &str = "scenarios";

/// A report that is being written.
pub(super) struct Report {
    format: Format,
    traces: bool,
    began: Instant,
    bar: ProgressBar,
}

impl Report {
    /// Begins a report on so many scenarios. The bar is shown on a terminal only.
    pub(super) fn begin(format: Format, number: usize, traces: bool) -> Report {
        let length = u64::try_from(number).unwrap_or(u64::MAX);
        let bar = ProgressBar::new(length);
        // The template is ours and right; a wrong one would only look plain.
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} {wide_msg}") {
            bar.set_style(style);
        }
        Report {
            format,
            traces,
            began: Instant::now(),
            bar,
        }
    }

    /// One more has been played. A failure is told at once.
    pub(super) fn add(&self, verdict: &Verdict) {
        self.bar.inc(1);
        self.bar.set_message(verdict.name.clone());
        if self.format == Format::Text && (self.traces || !verdict.passed()) {
            let text = verdict.told();
            self.bar.suspend(|| output::write(&text));
        }
    }

    /// All have been played.
    pub(super) fn end(&self, verdicts: &[Verdict]) -> Result<(), Stop> {
        self.bar.finish_and_clear();
        match self.format {
            Format::Text => {
                output::write(&format!("{}\n", summary(verdicts, self.began.elapsed())))
            }
            Format::Json => output::print(&as_json(verdicts, self.began.elapsed())),
            Format::Junit => output::write(&format!("{}\n", as_junit(verdicts)?)),
        }
        Ok(())
    }
}

fn summary(verdicts: &[Verdict], took: Duration) -> String {
    let failed: Vec<&Verdict> = verdicts.iter().filter(|it| !it.passed()).collect();
    let mut text = String::new();
    for verdict in &failed {
        let _ = writeln!(text, "FAILED {}", verdict.name);
    }
    let virtual_time: Duration = verdicts.iter().map(|it| it.virtual_time).sum();
    let slowest = verdicts.iter().max_by_key(|it| it.took);
    let _ = write!(
        text,
        "{} passed, {} failed in {:.2} s ({} of virtual time",
        verdicts.len() - failed.len(),
        failed.len(),
        took.as_secs_f64(),
        told(Duration::from_secs(virtual_time.as_secs())),
    );
    if let Some(slowest) = slowest {
        let seconds = slowest.took.as_secs_f64();
        let _ = write!(text, "; the slowest took {seconds:.2} s: {}", slowest.name);
    }
    text.push(')');
    text
}

fn as_json(verdicts: &[Verdict], took: Duration) -> Value {
    let milliseconds = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    let all: Vec<Value> = verdicts
        .iter()
        .map(|verdict| {
            json!({
                "name": verdict.name,
                "file": verdict.file,
                "why": verdict.why,
                "passed": verdict.passed(),
                "error": verdict.error,
                "complaints": verdict.complaints.iter().map(|complaint| json!({
                    "key": complaint.key,
                    "text": complaint.text,
                })).collect::<Vec<_>>(),
                "trace": (!verdict.passed()).then_some(&verdict.trace),
                "tookMs": milliseconds(verdict.took),
                "virtualMs": milliseconds(verdict.virtual_time),
            })
        })
        .collect();
    json!({
        "passed": verdicts.iter().filter(|it| it.passed()).count(),
        "failed": verdicts.iter().filter(|it| !it.passed()).count(),
        "tookMs": milliseconds(took),
        "scenarios": all,
    })
}

/// What build servers group tests by, made of a scenario's folders, and what is left of its name.
fn class_and_name(name: &str) -> (String, &str) {
    let (folders, claim) = name.rsplit_once('/').unwrap_or(("", name));
    let folders = folders.split('/').filter(|folder| !folder.is_empty());
    let class: Vec<&str> = std::iter::once(SUITE).chain(folders).collect();
    (class.join("."), claim)
}

fn as_junit(verdicts: &[Verdict]) -> Result<String, Stop> {
    let mut suite = TestSuite::new(SUITE);
    for verdict in verdicts {
        let status = if verdict.passed() {
            TestCaseStatus::success()
        } else {
            let kind = match verdict.error {
                Some(_) => NonSuccessKind::Error,
                None => NonSuccessKind::Failure,
            };
            let mut status = TestCaseStatus::non_success(kind);
            let keys: Vec<&str> = verdict
                .complaints
                .iter()
                .map(|it| it.key.as_str())
                .collect();
            status.set_message(verdict.error.clone().unwrap_or_else(|| keys.join(", ")));
            status.set_description(verdict.told());
            status
        };
        let (class, name) = class_and_name(&verdict.name);
        let mut case = TestCase::new(name, status);
        case.set_classname(class);
        case.set_time(verdict.took);
        suite.add_test_case(case);
    }
    let mut report = quick_junit::Report::new("host-harness test");
    report.add_test_suite(suite);
    report.to_string().map_err(Stop::unusable)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_server_groups_scenarios_by_their_folders() {
        for (name, class, claim) in [
            ("a_claim", "scenarios", "a_claim"),
            ("cancel/a_claim", "scenarios.cancel", "a_claim"),
            ("a/b/a_claim", "scenarios.a.b", "a_claim"),
        ] {
            assert_eq!(class_and_name(name), (class.to_owned(), claim));
        }
    }
}
