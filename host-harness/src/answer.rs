//! What a plugin's answer may hold when it leaves the runtime.
//!
//! Everything that a plugin says goes on to people and to Port. Here, in one place, known secrets are blotted out (a
//! server's error page may repeat what it was sent), and texts and lists are cut to what the contract allows.

use crate::contract::{
    Change, Completion, Configured, Failure, LogLine, Problem, Progress, RunPlan, RunUpdate,
    Started,
};
use crate::installation::Installation;

/// Characters of a line of log (the contract's limit).
const LINE: usize = 4_000;
/// Characters of a label, a code or a target.
const LABEL: usize = 250;
/// Characters of an explanation.
const EXPLANATION: usize = 20_000;
/// Characters of an external run id (the contract's limit).
const ID: usize = 250;
/// Characters of a JSON document for Port. One that is longer is left out, since half a document is none.
const DOCUMENT: usize = 100_000;
/// Lines of log in one update.
const LINES: usize = 100;
/// Updates in one answer.
const UPDATES: usize = 100;

/// Something that a plugin said.
pub(crate) trait Answer: Sized {
    /// Without secrets, and within the contract's limits.
    fn tidied(self, installation: &Installation) -> Self;
}

impl Answer for () {
    fn tidied(self, _installation: &Installation) -> Self {}
}

impl<T: Answer, E: Answer> Answer for Result<T, E> {
    fn tidied(self, installation: &Installation) -> Self {
        match self {
            Ok(value) => Ok(value.tidied(installation)),
            Err(error) => Err(error.tidied(installation)),
        }
    }
}

impl Answer for Failure {
    fn tidied(self, installation: &Installation) -> Self {
        Failure {
            code: text(installation, self.code, LABEL),
            message: text(installation, self.message, EXPLANATION),
            remedy: self.remedy.map(|t| text(installation, t, EXPLANATION)),
            ..self
        }
    }
}

impl Answer for RunPlan {
    fn tidied(self, installation: &Installation) -> Self {
        RunPlan {
            target: text(installation, self.target, LABEL),
            ..self
        }
    }
}

impl Answer for Started {
    fn tidied(self, installation: &Installation) -> Self {
        Started {
            external_run_id: text(installation, self.external_run_id, ID),
            link: self.link.map(|t| text(installation, t, LINE)),
            output: document(installation, self.output),
            status_label: self.status_label.map(|t| text(installation, t, LABEL)),
        }
    }
}

impl Answer for Vec<RunUpdate> {
    fn tidied(mut self, installation: &Installation) -> Self {
        if self.len() > UPDATES {
            tracing::warn!(
                installation = installation.id(),
                "{} updates in one answer: the first {UPDATES} are taken",
                self.len()
            );
            self.truncate(UPDATES);
        }
        let tidied = |update: RunUpdate| RunUpdate {
            external_run_id: text(installation, update.external_run_id, ID),
            change: update.change.tidied(installation),
            ..update
        };
        self.into_iter().map(tidied).collect()
    }
}

impl Answer for Change {
    fn tidied(self, installation: &Installation) -> Self {
        match self {
            Change::Progress(progress) => Change::Progress(Progress {
                label: progress.label.map(|t| text(installation, t, LABEL)),
                log: lines(installation, progress.log),
            }),
            Change::Completed(completion) => Change::Completed(Completion {
                conclusion: text(installation, completion.conclusion, LABEL),
                label: text(installation, completion.label, LABEL),
                summary: completion
                    .summary
                    .map(|t| text(installation, t, EXPLANATION)),
                output: document(installation, completion.output),
                log: lines(installation, completion.log),
                ..completion
            }),
        }
    }
}

/// The definition goes back to whoever gave it, as it is.
impl Answer for Configured {
    fn tidied(self, _installation: &Installation) -> Self {
        self
    }
}

impl Answer for Vec<Problem> {
    fn tidied(self, installation: &Installation) -> Self {
        let tidied = |problem: Problem| Problem {
            message: text(installation, problem.message, EXPLANATION),
            remedy: text(installation, problem.remedy, EXPLANATION),
            ..problem
        };
        self.into_iter().map(tidied).collect()
    }
}

fn lines(installation: &Installation, mut lines: Vec<LogLine>) -> Vec<LogLine> {
    lines.truncate(LINES);
    let tidied = |line: LogLine| LogLine {
        message: text(installation, line.message, LINE),
        ..line
    };
    lines.into_iter().map(tidied).collect()
}

/// Secrets are blotted out before the text is cut: a cut through the middle of one would leave its first half.
fn text(installation: &Installation, text: String, most: usize) -> String {
    let text = installation.scrub(&text).into_owned();
    match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

fn document(installation: &Installation, json: String) -> String {
    let json = installation.scrub(&json).into_owned();
    if json.chars().count() > DOCUMENT {
        return "{}".to_owned();
    }
    json
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::FailureKind;
    use crate::credentials::Credential;
    use crate::egress::Policy;
    use crate::ingress::WebhookSecret;
    use secrecy::SecretString;

    fn installation() -> Installation {
        Installation::new(
            Installation::nobody().public().clone(),
            Policy::nowhere(),
            Credential::Token(SecretString::from("ghs_canary")),
            WebhookSecret::Missing,
        )
    }

    #[test]
    fn a_server_that_repeats_the_credential_does_not_get_it_to_port() {
        let failure = Failure {
            kind: FailureKind::Rejected,
            code: "c".to_owned(),
            message: "GitHub answered 400: authorization: Bearer ghs_canary".to_owned(),
            remedy: Some("ghs_canary".to_owned()),
            request_sent: true,
        };
        let tidied = failure.tidied(&installation());
        assert!(!format!("{tidied:?}").contains("ghs_canary"), "{tidied:?}");
    }

    #[test]
    fn texts_are_cut_between_characters_and_documents_left_out_whole() {
        let started = Started {
            external_run_id: "é".repeat(ID + 5),
            link: None,
            output: format!("{{\"a\":\"{}\"}}", "x".repeat(DOCUMENT)),
            status_label: None,
        };
        let tidied = started.tidied(&installation());
        assert_eq!(tidied.external_run_id.chars().count(), ID + 1);
        assert_eq!(tidied.output, "{}");
    }

    #[test]
    fn an_answer_cannot_flood_port() {
        let update = RunUpdate {
            external_run_id: "x".to_owned(),
            attempt: 1,
            change: Change::Progress(Progress {
                label: None,
                log: vec![],
            }),
        };
        assert_eq!(vec![update; 5_000].tidied(&installation()).len(), UPDATES);
    }
}
