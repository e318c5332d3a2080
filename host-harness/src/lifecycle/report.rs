//! From what is to be told to the calls of Port's API that tell it. Pure.

use super::decision::Write;
use crate::contract::{Failure, FailureKind, Level, LogLine, Outcome, Progress};
use crate::port::{self, RunKind};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// One call of Port's API. Each is safe to repeat: it sets fields to values, or ends a run that Port then refuses to end
/// again, or adds lines to a log, where they may then stand twice.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) enum PortCall {
    /// The run has begun.
    Started(port::Started),
    /// Where it stands.
    Progress(port::Progress),
    /// Lines for its log, and where it stands with them.
    Log(port::Log),
    /// It has ended.
    Finished(port::Finished),
}

/// What people see of a write.
impl Write {
    /// The label that stands beside the run's status then, if it changes.
    pub fn label(&self) -> Option<&str> {
        match self {
            Write::Started(started) => started.status_label.as_deref(),
            Write::Waiting(label) => Some(label),
            Write::Progress(progress) => progress.label.as_deref(),
            Write::Completed(completion) => Some(&completion.label),
            Write::NotStarted(failure) => Some(not_started_label(&failure.kind)),
        }
    }

    /// The explanation on the run's page, if there is one.
    pub fn summary(&self) -> Option<String> {
        match self {
            Write::Completed(completion) => completion.summary.clone(),
            Write::NotStarted(failure) => Some(explanation(failure)),
            Write::Started(_) | Write::Waiting(_) | Write::Progress(_) => None,
        }
    }

    /// Where the run can be watched, if that is new.
    pub fn link(&self) -> Option<&str> {
        match self {
            Write::Started(started) => started.link.as_deref(),
            _ => None,
        }
    }
}

/// Turns writes into calls for one run. Remembers the run's output, since Port replaces it as a whole.
#[derive(Debug)]
pub(super) struct Reporter {
    kind: RunKind,
    output: Map<String, Value>,
}

impl Reporter {
    pub(super) fn new(kind: RunKind, output: Map<String, Value>) -> Reporter {
        Reporter { kind, output }
    }

    /// The run's output so far.
    pub(super) fn output(&self) -> &Map<String, Value> {
        &self.output
    }

    /// The calls that a write takes, in order.
    pub(super) fn calls(&mut self, write: Write) -> Vec<PortCall> {
        match write {
            Write::Started(started) => {
                let output = self.merge(&started.output);
                vec![PortCall::Started(port::Started {
                    external_run_id: started.external_run_id,
                    link: started.link,
                    status_label: started.status_label,
                    output,
                })]
            }
            Write::Waiting(label) => self.waiting(label).into_iter().collect(),
            Write::Progress(Progress { label, log, .. }) if log.is_empty() => {
                label_call(label).into_iter().collect()
            }
            Write::Progress(progress) => {
                log_call(progress.log, progress.label).into_iter().collect()
            }
            Write::Completed(completion) => {
                let output = self.merge(&completion.output);
                self.end(End {
                    outcome: completion.outcome,
                    label: completion.label,
                    summary: completion.summary,
                    log: completion.log,
                    output,
                })
            }
            Write::NotStarted(failure) => self.end(End {
                outcome: Outcome::Failure,
                label: not_started_label(&failure.kind).to_owned(),
                summary: Some(explanation(&failure)),
                log: vec![LogLine {
                    level: Level::Error,
                    message: one_line(&failure),
                }],
                output: None,
            }),
        }
    }

    /// A workflow node run has no label, so there it is a line of the log.
    fn waiting(&self, label: String) -> Option<PortCall> {
        match self.kind {
            RunKind::Action => label_call(Some(label)),
            RunKind::WorkflowNode => {
                let line = LogLine {
                    level: Level::Info,
                    message: label,
                };
                log_call(vec![line], None)
            }
        }
    }

    fn end(&self, end: End) -> Vec<PortCall> {
        let mut log = end.log;
        // The call that ends an action run carries a log line itself; the one that ends a node run does not.
        let message = match self.kind {
            RunKind::Action => log.pop().map(|line| line.message),
            RunKind::WorkflowNode => None,
        };
        let mut calls: Vec<PortCall> = log_call(log, None).into_iter().collect();
        if let (RunKind::Action, Some(summary)) = (self.kind, end.summary) {
            calls.push(PortCall::Progress(port::Progress {
                status_label: None,
                summary: Some(summary),
            }));
        }
        calls.push(PortCall::Finished(port::Finished {
            outcome: match end.outcome {
                Outcome::Success => port::Outcome::Success,
                Outcome::Failure => port::Outcome::Failure,
                Outcome::Cancelled => port::Outcome::Cancelled,
            },
            message: message.unwrap_or_else(|| end.label.clone()),
            status_label: Some(end.label),
            output: end.output,
        }));
        calls
    }

    /// Takes an output in and returns the whole.
    fn merge(&mut self, output: &str) -> Option<Box<RawValue>> {
        if let Ok(new) = serde_json::from_str::<Map<String, Value>>(output) {
            self.output.extend(new);
        }
        if self.output.is_empty() {
            return None;
        }
        serde_json::value::to_raw_value(&self.output).ok()
    }
}

struct End {
    outcome: Outcome,
    label: String,
    summary: Option<String>,
    log: Vec<LogLine>,
    output: Option<Box<RawValue>>,
}

fn label_call(label: Option<String>) -> Option<PortCall> {
    label.map(|label| {
        PortCall::Progress(port::Progress {
            status_label: Some(label),
            summary: None,
        })
    })
}

fn log_call(lines: Vec<LogLine>, status_label: Option<String>) -> Option<PortCall> {
    if lines.is_empty() {
        return None;
    }
    let lines = lines.into_iter().map(|line| port::LogLine {
        level: match line.level {
            Level::Debug => port::LogLevel::Debug,
            Level::Info => port::LogLevel::Info,
            Level::Warn => port::LogLevel::Warn,
            Level::Error => port::LogLevel::Error,
        },
        message: line.message,
    });
    Some(PortCall::Log(port::Log {
        lines: lines.collect(),
        status_label,
    }))
}

/// The label of a run that was not started, so that a list of runs shows whose turn it is to act.
fn not_started_label(kind: &FailureKind) -> &'static str {
    match kind {
        FailureKind::InvalidParameters => "Wrong parameters",
        FailureKind::Rejected => "Refused",
        FailureKind::Unauthorized => "Not authorized",
        FailureKind::RateLimited(_) | FailureKind::Unavailable => "Server not available",
        FailureKind::Ambiguous => "Outcome unknown",
        FailureKind::Unsupported => "Not supported",
        FailureKind::Internal | FailureKind::Other(_) => "Internal error",
    }
}

fn one_line(failure: &Failure) -> String {
    match &failure.remedy {
        Some(remedy) => format!("{} {remedy} [{}]", failure.message, failure.code),
        None => format!("{} [{}]", failure.message, failure.code),
    }
}

fn explanation(failure: &Failure) -> String {
    let remedy = failure.remedy.as_deref().unwrap_or_default();
    let text = format!("{}\n\n{remedy}\n\n`{}`", failure.message, failure.code);
    text.replace("\n\n\n\n", "\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Completion, Started};

    fn completion(summary: Option<&str>, lines: &[&str]) -> Write {
        Write::Completed(Completion {
            outcome: Outcome::Cancelled,
            conclusion: "cancelled".to_owned(),
            label: "Cancelled".to_owned(),
            summary: summary.map(str::to_owned),
            output: r#"{"conclusion":"cancelled"}"#.to_owned(),
            log: lines
                .iter()
                .map(|line| LogLine {
                    level: Level::Info,
                    message: (*line).to_owned(),
                })
                .collect(),
        })
    }

    #[test]
    fn an_action_runs_last_log_line_label_and_status_are_one_call() {
        let mut reporter = Reporter::new(RunKind::Action, Map::new());
        let calls = reporter.calls(completion(None, &["Took 3 s"]));
        let [PortCall::Finished(finished)] = calls.as_slice() else {
            panic!("{calls:?}");
        };
        assert_eq!(finished.message, "Took 3 s");
        assert_eq!(finished.status_label.as_deref(), Some("Cancelled"));
    }

    #[test]
    fn a_node_runs_output_keeps_what_was_known_when_it_started() {
        let mut reporter = Reporter::new(RunKind::WorkflowNode, Map::new());
        reporter.calls(Write::Started(Started {
            external_run_id: "x".to_owned(),
            link: None,
            output: r#"{"workflowRunId":7}"#.to_owned(),
            status_label: None,
        }));
        let calls = reporter.calls(completion(Some("why"), &["a", "b"]));
        let [PortCall::Log(log), PortCall::Finished(finished)] = calls.as_slice() else {
            panic!("{calls:?}");
        };
        assert_eq!(log.lines.len(), 2);
        let output: Value = serde_json::from_str(finished.output.as_ref().unwrap().get()).unwrap();
        assert_eq!(
            output,
            serde_json::json!({"workflowRunId": 7, "conclusion": "cancelled"})
        );
    }

    #[test]
    fn a_refused_run_says_what_happened_and_what_to_do() {
        let mut reporter = Reporter::new(RunKind::Action, Map::new());
        let calls = reporter.calls(Write::NotStarted(Failure {
            kind: FailureKind::Rejected,
            code: "ref-not-found".to_owned(),
            message: "No ref found for: mian".to_owned(),
            remedy: Some("Choose a branch that exists.".to_owned()),
            request_sent: true,
        }));
        let [PortCall::Progress(progress), PortCall::Finished(finished)] = calls.as_slice() else {
            panic!("{calls:?}");
        };
        let summary = progress.summary.as_deref().unwrap();
        assert_eq!(
            summary,
            "No ref found for: mian\n\nChoose a branch that exists.\n\n`ref-not-found`"
        );
        assert_eq!(finished.status_label.as_deref(), Some("Refused"));
        assert!(finished.message.contains("mian") && finished.message.contains("Choose"));
    }

    #[test]
    fn progress_without_news_costs_no_call() {
        let mut reporter = Reporter::new(RunKind::Action, Map::new());
        let calls = reporter.calls(Write::Progress(Progress {
            label: None,
            log: vec![],
            part: None,
        }));
        assert!(calls.is_empty());
    }

    #[test]
    fn lines_and_the_label_that_they_come_with_are_one_call() {
        let mut reporter = Reporter::new(RunKind::Action, Map::new());
        let calls = reporter.calls(Write::Progress(Progress {
            label: Some("Running: job 2 of 3".to_owned()),
            log: vec![LogLine {
                level: Level::Info,
                message: "Job started".to_owned(),
            }],
            part: None,
        }));
        let [PortCall::Log(log)] = calls.as_slice() else {
            panic!("{calls:?}");
        };
        assert_eq!(log.status_label.as_deref(), Some("Running: job 2 of 3"));
    }
}
