//! What a plugin's answer may hold when it leaves the runtime.
//!
//! Everything that a plugin says goes on to people and to Port. Here, in one place, known secrets are blotted out (a
//! server's error page may repeat what it was sent), texts and lists are cut to what the contract allows, and characters
//! that steer terminals or that databases refuse are taken out.

use crate::contract::{
    Change, Completion, Configured, Failure, FailureKind, LogLine, Part, Problem, Progress,
    RunPlan, RunUpdate, Started,
};
use crate::installation::Installation;
use crate::legible;
use serde_json::{Map, Value};
use std::borrow::Cow;

/// Characters of a line of log (the contract's limit).
const LINE: usize = 4_000;
/// Characters of a label, a code or a target.
const LABEL: usize = 250;
/// Characters of what a part is called, and of its name (the contract's limit).
const PART: usize = 100;
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
/// Problems in one answer: more than anybody mends at once.
const PROBLEMS: usize = 200;

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
            kind: match self.kind {
                FailureKind::Other(kind) => FailureKind::Other(line(installation, kind, LABEL)),
                kind => kind,
            },
            code: line(installation, self.code, LABEL),
            message: text(installation, self.message, EXPLANATION),
            remedy: self.remedy.map(|t| text(installation, t, EXPLANATION)),
            ..self
        }
    }
}

impl Answer for RunPlan {
    fn tidied(self, installation: &Installation) -> Self {
        RunPlan {
            // Not changed but for its length: it only has to be the same for the same things.
            partition_key: self.partition_key.map(|key| cut(key, LINE)),
            target: line(installation, self.target, LABEL),
            ..self
        }
    }
}

impl Answer for Started {
    fn tidied(self, installation: &Installation) -> Self {
        Started {
            external_run_id: line(installation, self.external_run_id, ID),
            link: self.link.map(|t| line(installation, t, LINE)),
            output: document(installation, self.output),
            status_label: self.status_label.map(|t| line(installation, t, LABEL)),
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
            external_run_id: line(installation, update.external_run_id, ID),
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
                label: progress.label.map(|t| line(installation, t, LABEL)),
                log: lines(installation, progress.log),
                part: progress.part.map(|part| Part {
                    kind: line(installation, part.kind, PART),
                    id: line(installation, part.id, PART),
                    ..part
                }),
            }),
            Change::Completed(completion) => Change::Completed(Completion {
                conclusion: line(installation, completion.conclusion, LABEL),
                label: line(installation, completion.label, LABEL),
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
    fn tidied(mut self, installation: &Installation) -> Self {
        self.truncate(PROBLEMS);
        let tidied = |problem: Problem| Problem {
            pointer: line(installation, problem.pointer, LINE),
            code: line(installation, problem.code, LABEL),
            message: text(installation, problem.message, EXPLANATION),
            remedy: text(installation, problem.remedy, EXPLANATION),
        };
        self.into_iter().map(tidied).collect()
    }
}

fn lines(installation: &Installation, mut lines: Vec<LogLine>) -> Vec<LogLine> {
    lines.truncate(LINES);
    let tidied = |line: LogLine| LogLine {
        message: self::line(installation, line.message, LINE),
        ..line
    };
    lines.into_iter().map(tidied).collect()
}

/// Some lines of text.
fn text(installation: &Installation, text: String, most: usize) -> String {
    tidy(installation, text, legible::lines, most)
}

/// One line of text.
fn line(installation: &Installation, text: String, most: usize) -> String {
    tidy(installation, text, legible::one_line, most)
}

/// Searched for secrets once more only where something was taken out of it or changed: nothing new can be in what stayed
/// as it was.
fn tidy(
    installation: &Installation,
    text: String,
    legible: fn(&str) -> Cow<'_, str>,
    most: usize,
) -> String {
    let text = scrubbed(installation, text);
    let changed = match legible(&text) {
        Cow::Borrowed(_) => None,
        Cow::Owned(changed) => Some(changed),
    };
    match changed {
        None => cut(text, most),
        Some(changed) => cut(scrubbed(installation, changed), most),
    }
}

/// Secrets are blotted out before a text is cut: a cut through the middle of one would leave its first half. And before
/// and after characters are taken out of it: a key may have lines, and a secret may come with a character in its middle.
fn scrubbed(installation: &Installation, text: String) -> String {
    match installation.scrub(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(scrubbed) => scrubbed,
    }
}

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned() + "…",
        None => text,
    }
}

/// A JSON object for Port; an empty one for anything else, since it is put into a larger document there.
fn document(installation: &Installation, json: String) -> String {
    let json = scrubbed(installation, json);
    let is_object = || serde_json::from_str::<Map<String, Value>>(&json).is_ok();
    if json.chars().count() > DOCUMENT || !is_object() {
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
    fn a_character_in_the_middle_of_a_secret_does_not_hide_it() {
        let hidden = line(&installation(), "a ghs_\0canary\u{7f}".to_owned(), LINE);
        assert_eq!(hidden, "a [secret]");
    }

    #[test]
    fn only_an_object_is_a_document_for_port() {
        let deep = format!("{{\"a\":{}{}}}", "[".repeat(1_000), "]".repeat(1_000));
        for json in ["", "[]", "1", "{\"a\":1},{", "{\"a\":\"\0\"}", &deep] {
            assert_eq!(document(&installation(), json.to_owned()), "{}", "{json}");
        }
        let good = "{ \"a\": [1] }";
        assert_eq!(document(&installation(), good.to_owned()), good);
    }

    #[test]
    fn an_answer_cannot_flood_port() {
        let update = RunUpdate {
            external_run_id: "x".to_owned(),
            attempt: 1,
            change: Change::Progress(Progress {
                label: None,
                log: vec![],
                part: None,
            }),
        };
        assert_eq!(vec![update; 5_000].tidied(&installation()).len(), UPDATES);
    }
}
