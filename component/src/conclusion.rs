//! What GitHub's statuses and conclusions mean for Port. The same for webhooks and for checks.

use crate::contract::ocean::integration_action::types::{
    Change, Completion, Level, LogLine, Outcome, Progress,
};
use crate::github::WorkflowRun;
use crate::{json, time};

/// The meaning of a conclusion: outcome and label. `None` if GitHub has not said one that is known; then nobody may
/// guess.
#[must_use]
pub fn meaning(conclusion: &str) -> Option<(Outcome, &'static str)> {
    Some(match conclusion {
        "success" => (Outcome::Success, "Succeeded"),
        "skipped" => (Outcome::Success, "Skipped"),
        "neutral" => (Outcome::Success, "Neutral"),
        "failure" => (Outcome::Failure, "Failed"),
        "cancelled" => (Outcome::Cancelled, "Cancelled"),
        "timed_out" => (Outcome::Failure, "Timed out"),
        "action_required" => (Outcome::Failure, "Action required"),
        "stale" => (Outcome::Failure, "Stale"),
        "startup_failure" => (Outcome::Failure, "Could not start"),
        _ => return None,
    })
}

/// What Port shows while a run goes on. `None` for a status that is not known.
#[must_use]
pub fn status_label(status: &str) -> Option<&'static str> {
    Some(match status {
        "queued" | "requested" => "Queued",
        "pending" => "Pending",
        "waiting" => "Waiting for approval",
        "in_progress" => "Running",
        _ => return None,
    })
}

/// News that a run goes on.
#[must_use]
pub fn progress(label: Option<&str>, log: Option<LogLine>) -> Change {
    Change::Progress(Progress {
        label: label.map(str::to_owned),
        log: log.into_iter().collect(),
        part: None,
    })
}

/// The end of a run, if GitHub's conclusion says how it ended.
#[must_use]
pub fn completion(run: &WorkflowRun<'_>) -> Option<Completion> {
    let conclusion = run.conclusion.as_deref()?;
    let (outcome, label) = meaning(conclusion)?;
    let level = if outcome == Outcome::Success {
        Level::Info
    } else {
        Level::Error
    };
    let took = elapsed(run.run_started_at.as_deref(), run.updated_at.as_deref());
    let after = took
        .map(|seconds| [" after ", &time::duration_text(seconds)].concat())
        .unwrap_or_default();
    let seconds = took.map(|seconds| seconds.to_string());
    let attempt = run.attempt().to_string();
    let which = if run.attempt() > 1 {
        [" (attempt ", &attempt, ")"].concat()
    } else {
        String::new()
    };
    let message = [
        "The workflow run",
        &which,
        " ended: ",
        conclusion,
        &after,
        ".",
    ]
    .concat();
    Some(Completion {
        outcome,
        conclusion: conclusion.to_owned(),
        label: label.to_owned(),
        summary: None,
        output: json::object(
            [
                ("workflowRunConclusion", json::string(conclusion).as_str()),
                ("workflowRunAttempt", attempt.as_str()),
            ]
            .into_iter()
            .chain(
                seconds
                    .as_deref()
                    .map(|seconds| ("workflowRunSeconds", seconds)),
            ),
        ),
        log: vec![LogLine { level, message }],
    })
}

/// Seconds between two of GitHub's timestamps, if both are there.
#[must_use]
pub fn elapsed(from: Option<&str>, to: Option<&str>) -> Option<u64> {
    time::from_timestamp(to?)?.checked_sub(time::from_timestamp(from?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn completed(text: &str) -> Option<Completion> {
        completion(&json::from_slice(text.as_bytes()).unwrap())
    }

    #[test]
    fn every_conclusion_has_its_outcome() {
        for (conclusion, outcome) in [
            ("success", Outcome::Success),
            ("skipped", Outcome::Success),
            ("neutral", Outcome::Success),
            ("failure", Outcome::Failure),
            ("timed_out", Outcome::Failure),
            ("action_required", Outcome::Failure),
            ("stale", Outcome::Failure),
            ("startup_failure", Outcome::Failure),
            ("cancelled", Outcome::Cancelled),
        ] {
            assert_eq!(meaning(conclusion).unwrap().0, outcome, "{conclusion}");
        }
    }

    #[test]
    fn an_unknown_or_missing_conclusion_is_never_an_end() {
        for text in [
            r#"{"id":1}"#,
            r#"{"id":1,"conclusion":null}"#,
            r#"{"id":1,"conclusion":"exploded"}"#,
            r#"{"id":1,"conclusion":"SUCCESS"}"#,
        ] {
            assert_eq!(completed(text), None, "{text}");
        }
    }

    #[test]
    fn an_end_tells_how_long_it_took_and_which_attempt_it_was() {
        let text = r#"{"id":1,"run_attempt":2,"conclusion":"failure","run_started_at":"2026-03-10T12:00:00Z",
                       "updated_at":"2026-03-10T12:03:18Z"}"#;
        let end = completed(text).unwrap();
        assert_eq!(end.label, "Failed");
        assert_eq!(
            end.log[0].message,
            "The workflow run (attempt 2) ended: failure after 3 min 18 s."
        );
        assert_eq!(
            end.output,
            r#"{"workflowRunConclusion":"failure","workflowRunAttempt":2,"workflowRunSeconds":198}"#
        );
    }

    #[test]
    fn clocks_that_run_backwards_give_no_duration() {
        assert_eq!(
            elapsed(Some("2026-03-10T12:00:01Z"), Some("2026-03-10T12:00:00Z")),
            None
        );
        assert_eq!(elapsed(None, Some("2026-03-10T12:00:00Z")), None);
    }
}
