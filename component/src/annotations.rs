//! What the tools in a failed job said about it: its annotations, which GitHub shows beside the code.
//!
//! They take the permission `checks: read` in private repositories, which starting workflows doesn't. Without it a
//! failure is explained by job and step alone.

use crate::contract::ocean::integration_action::types::{Level, LogLine};
use crate::github::{GitHub, Subject, Text, parse, repository_path};
use crate::json::{Fields, Object};
use crate::legible::{escaped, one_line};

/// How many annotations of a job are shown.
const MOST: usize = 5;

/// How many are read to find those that are failures. GitHub keeps at most 10 of each level for a step.
const PAGE_SIZE: usize = 50;

/// One annotation of a check run, which every job is. Source: "List check run annotations".
struct Annotation<'a> {
    path: Option<Text<'a>>,
    start_line: Option<u64>,
    /// `failure`, `warning` or `notice`.
    level: Option<Text<'a>>,
    message: Option<Text<'a>>,
}

impl<'a> Object<'a> for Annotation<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            path: fields.maybe("path"),
            start_line: fields.maybe("start_line"),
            level: fields.maybe("annotation_level"),
            message: fields.maybe("message"),
        }
    }
}

/// What went wrong in a job, a line each: `src/cart.rs:12: mismatched types`. Nothing where it cannot be read.
pub fn of_job(github: &GitHub<'_>, owner: &str, repository: &str, job: u64) -> Vec<String> {
    let path = [
        &repository_path(owner, repository),
        "/check-runs/",
        &job.to_string(),
        "/annotations?per_page=",
        &PAGE_SIZE.to_string(),
    ]
    .concat();
    let answer = github.read(&Subject::Annotations, &path, true);
    let lines = answer.and_then(|response| {
        let annotations: Vec<Annotation<'_>> = parse(&response)?;
        Ok(worth_telling(&annotations))
    });
    lines.unwrap_or_else(|failure| {
        let message = [
            "The annotations of the failed job could not be read: ",
            &failure.message,
        ]
        .concat();
        github.host().log(Level::Info, &message);
        Vec::new()
    })
}

fn worth_telling(annotations: &[Annotation<'_>]) -> Vec<String> {
    let failures = annotations
        .iter()
        .filter(|it| it.level.as_deref() == Some("failure"));
    let mut lines: Vec<String> = failures.filter_map(Annotation::line).collect();
    // The runner's own last word on a step says nothing where a tool has said more.
    let is_generic = |line: &String| line.starts_with("Process completed with exit code ");
    if !lines.iter().all(is_generic) {
        lines.retain(|line| !is_generic(line));
    }
    lines.truncate(MOST);
    lines
}

impl Annotation<'_> {
    fn line(&self) -> Option<String> {
        let message = one_line(self.message.as_deref()?);
        // Where there is no file, GitHub names this folder.
        let file = self.path.as_deref().filter(|path| *path != ".github");
        Some(match (file, self.start_line) {
            _ if message.is_empty() => return None,
            (Some(file), Some(line)) => {
                [&one_line(file), ":", &line.to_string(), ": ", &message].concat()
            }
            (Some(file), None) => [&one_line(file), ": ", &message].concat(),
            (None, _) => message,
        })
    }
}

/// Under the job, in a summary.
pub fn markdown(line: &str) -> String {
    ["  - ", &escaped(line)].concat()
}

/// In a log.
pub fn log_line(line: &str) -> LogLine {
    LogLine {
        level: Level::Error,
        message: line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Script, answer, installation, refusal};

    fn told(body: &str) -> Vec<String> {
        let host = Script::of(vec![answer(200, body)]);
        let github = GitHub::of(&host, &installation()).unwrap();
        let lines = of_job(&github, "acme", "shop", 7);
        assert_eq!(
            host.asked(),
            ["GET /repos/acme/shop/check-runs/7/annotations?per_page=50"]
        );
        lines
    }

    #[test]
    fn failures_are_told_with_their_place_and_warnings_are_not() {
        let lines = told(
            r#"[{"path":"src/a.rs","start_line":3,"annotation_level":"failure","message":"mismatched\ntypes"},
                {"path":"src/b.rs","annotation_level":"failure","message":"no line"},
                {"path":"src/a.rs","start_line":9,"annotation_level":"warning","message":"unused"},
                {"path":".github","start_line":1,"annotation_level":"failure","message":"Process completed with exit code 101."}]"#,
        );
        assert_eq!(lines, ["src/a.rs:3: mismatched types", "src/b.rs: no line"]);
    }

    #[test]
    fn the_runners_own_word_is_told_where_there_is_no_other() {
        let lines = told(
            r#"[{"path":".github","start_line":1,"annotation_level":"failure","message":"Process completed with exit code 2."}]"#,
        );
        assert_eq!(lines, ["Process completed with exit code 2."]);
    }

    #[test]
    fn many_annotations_are_cut() {
        let one = r#"{"path":"a","start_line":1,"annotation_level":"failure","message":"x"}"#;
        assert_eq!(told(&format!("[{}]", [one; 40].join(","))).len(), MOST);
    }

    #[test]
    fn annotations_that_may_not_be_read_are_left_out() {
        for trouble in [refusal(403, "Resource not accessible"), answer(200, "{}")] {
            let host = Script::of(vec![trouble]);
            let github = GitHub::of(&host, &installation()).unwrap();
            assert!(of_job(&github, "acme", "shop", 7).is_empty());
        }
    }
}
