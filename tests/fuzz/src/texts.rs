//! What must hold for everything that the component says, whoever it repeats: the contract's limits, and the host's.

use github_workflow::contract::ocean::integration_action::types::{
    Change, Failure, LogLine, Problem, RunUpdate, Started,
};
use github_workflow::names::ExternalId;

/// Characters of a line of log (the contract's limit).
const LINE: usize = 4_000;
/// Characters of a label or code: more is cut by the host.
const LABEL: usize = 250;
/// Characters of an explanation: more is cut by the host.
pub const EXPLANATION: usize = 20_000;
/// Characters of a JSON document for Port: one that is longer is left out by the host.
const DOCUMENT: usize = 100_000;

/// A text has at most so many characters.
pub fn within(text: &str, most: usize, what: &str) {
    let length = text.chars().count();
    assert!(
        length <= most,
        "{what} has {length} characters: {text:.200}"
    );
}

/// A failure that arose from an answer, not from what somebody has written into an action of their own.
pub fn failure(failure: &Failure) {
    code(&failure.code);
    assert!(!failure.message.is_empty(), "a failure without a message");
    within(&failure.message, EXPLANATION, "a failure's message");
    within(
        failure.remedy.as_deref().unwrap_or_default(),
        EXPLANATION,
        "a remedy",
    );
}

/// A code is a word for programs.
pub fn code(code: &str) {
    let is_word = !code.is_empty()
        && code
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    assert!(is_word, "{code:?} is not a code");
}

/// What a dispatch says about the run that it has started.
pub fn started(started: &Started) {
    external_id(&started.external_run_id);
    document(&started.output);
    let link = started.link.as_deref().unwrap_or("https://");
    within(link, LINE, "a link");
    let is_link = link.starts_with("https://") || link.starts_with("http://");
    assert!(
        is_link && link.bytes().all(|byte| byte.is_ascii_graphic()),
        "{link:?} is not a link"
    );
    within(
        started.status_label.as_deref().unwrap_or_default(),
        LABEL,
        "a label",
    );
}

/// News of runs.
pub fn updates(updates: &[RunUpdate]) {
    for update in updates {
        external_id(&update.external_run_id);
        assert!(update.attempt >= 1, "attempts count from 1");
        match &update.change {
            Change::Progress(progress) => {
                within(
                    progress.label.as_deref().unwrap_or_default(),
                    LABEL,
                    "a label",
                );
                lines(&progress.log);
            }
            Change::Completed(end) => {
                within(&end.label, LABEL, "a label");
                within(&end.conclusion, LABEL, "a conclusion");
                within(
                    end.summary.as_deref().unwrap_or_default(),
                    EXPLANATION,
                    "a summary",
                );
                document(&end.output);
                lines(&end.log);
            }
        }
    }
}

/// What is wrong with a definition.
pub fn problems(problems: &[Problem]) {
    assert!(!problems.is_empty(), "refused without a reason");
    for problem in problems {
        code(&problem.code);
        assert!(!problem.message.is_empty() && !problem.remedy.is_empty());
        let is_pointer = problem.pointer.is_empty() || problem.pointer.starts_with('/');
        assert!(is_pointer, "{:?} is not a JSON pointer", problem.pointer);
    }
}

fn lines(lines: &[LogLine]) {
    for line in lines {
        within(&line.message, LINE, "a line of log");
        assert!(
            !line.message.chars().any(char::is_control),
            "{:?} is not one line",
            line.message
        );
    }
}

fn document(json: &str) {
    within(json, DOCUMENT, "a document for Port");
    let value: serde_json::Value = serde_json::from_str(json).expect("output is JSON");
    assert!(value.is_object(), "{json} is not an object");
}

fn external_id(id: &str) {
    within(id, LABEL, "an external run id");
    let read = ExternalId::parse(id).map(|parsed| parsed.to_string());
    assert_eq!(read.as_deref(), Some(id), "an id that is not understood");
}
