//! Why a run failed: the jobs and steps that did, with links.
//!
//! Explaining is a courtesy. Whatever goes wrong here, the end of the run is reported without it.

use crate::annotations;
use crate::contract::ocean::integration_action::types::{Change, Completion, Level, LogLine};
use crate::github::{GitHub, Job, JobList, PAGE_SIZE, Subject, WorkflowRun, parse, run_path};
use crate::legible::{escaped, is_plain_url, one_line};

/// How many pages of jobs are read: a matrix has up to 256 jobs.
const MAX_PAGES: usize = 3;

/// How many failed jobs are named.
const MAX_NAMED: usize = 10;

/// How many failed jobs are asked for what was said about them.
const MAX_ASKED: usize = 3;

/// The end of a run with its explanation, if it needs one.
#[must_use]
pub fn completed(
    github: &GitHub<'_>,
    owner: &str,
    repository: &str,
    run: &WorkflowRun<'_>,
    mut end: Completion,
) -> Change {
    match end.conclusion.as_str() {
        "failure" | "timed_out" => {
            let mut failed = failed_jobs(github, owner, repository, run);
            for job in failed.iter_mut().take(MAX_ASKED) {
                if let Some(id) = job.id {
                    job.annotations = annotations::of_job(github, owner, repository, id);
                }
            }
            end.summary = summary(&failed);
            end.log
                .extend(failed.iter().take(MAX_NAMED).flat_map(FailedJob::log));
        }
        "startup_failure" => {
            end.summary = Some(
                "GitHub could not start the run: the workflow's file has an error at this ref."
                    .to_owned(),
            );
        }
        "action_required" => {
            end.summary = Some(
                "GitHub wants a person to act before the run goes on; see its page.".to_owned(),
            );
        }
        "stale" => {
            end.summary =
                Some("GitHub has given the run up, because it took too long to go on.".to_owned());
        }
        _ => {}
    }
    Change::Completed(end)
}

/// A job that failed, the first of its steps that did, and what was said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FailedJob {
    id: Option<u64>,
    name: String,
    verb: &'static str,
    link: Option<String>,
    step: Option<(u64, String)>,
    annotations: Vec<String>,
}

fn failed_jobs(
    github: &GitHub<'_>,
    owner: &str,
    repository: &str,
    run: &WorkflowRun<'_>,
) -> Vec<FailedJob> {
    let base = format!(
        "{}/attempts/{}/jobs?per_page={PAGE_SIZE}",
        run_path(owner, repository, run.id),
        run.attempt()
    );
    let mut failed = Vec::new();
    for page in 1..=MAX_PAGES {
        let path = format!("{base}&page={page}");
        let answer = github.read(&Subject::Jobs, &path, true);
        let list = answer.and_then(|response| {
            let list: JobList<'_> = parse(&response)?;
            failed.extend(list.jobs.iter().filter_map(failure_of_job));
            Ok(list.jobs.len())
        });
        match list {
            Ok(count) if count == PAGE_SIZE => {}
            Ok(_) => break,
            Err(failure) => {
                let message = ["The failed jobs could not be read: ", &failure.message].concat();
                github.host().log(Level::Warn, &message);
                break;
            }
        }
    }
    failed
}

fn failure_of_job(job: &Job<'_>) -> Option<FailedJob> {
    let verb = match job.conclusion.as_deref()? {
        "failure" => "failed",
        "timed_out" => "timed out",
        "startup_failure" => "could not start",
        _ => return None,
    };
    let is_failed = |conclusion: Option<&str>| matches!(conclusion, Some("failure" | "timed_out"));
    let step = job
        .steps
        .iter()
        .find(|step| is_failed(step.conclusion.as_deref()));
    Some(FailedJob {
        id: job.id,
        annotations: Vec::new(),
        name: one_line(job.name.as_deref().unwrap_or("(unnamed)")),
        verb,
        link: job
            .html_url
            .as_deref()
            .filter(|url| is_plain_url(url))
            .map(str::to_owned),
        step: step.map(|step| {
            (
                step.number.unwrap_or(1),
                one_line(step.name.as_deref().unwrap_or("(unnamed)")),
            )
        }),
    })
}

impl FailedJob {
    /// The page of the job, at its failed step.
    fn page(&self) -> Option<String> {
        let link = self.link.as_ref()?;
        Some(match &self.step {
            Some((number, _)) => format!("{link}#step:{number}:1"),
            None => link.clone(),
        })
    }

    fn plain(&self) -> String {
        let step = self
            .step
            .as_ref()
            .map(|(number, name)| format!(" in step {number} \"{name}\""))
            .unwrap_or_default();
        let page = self
            .page()
            .map(|page| [": ", &page].concat())
            .unwrap_or_default();
        ["Job \"", &self.name, "\" ", self.verb, &step, &page].concat()
    }

    fn log(&self) -> impl Iterator<Item = LogLine> {
        let job = LogLine {
            level: Level::Error,
            message: self.plain(),
        };
        let said = self.annotations.iter();
        std::iter::once(job).chain(said.map(|line| annotations::log_line(line)))
    }

    /// A line, and one more for each annotation.
    fn markdown(&self) -> String {
        let name = escaped(&self.name);
        let job = match self.page() {
            Some(page) => ["[", &name, "](", &page, ")"].concat(),
            None => name,
        };
        let step = self
            .step
            .as_ref()
            .map(|(number, name)| format!(" in step {number}: {}", escaped(name)));
        let line = ["Job ", &job, " ", self.verb, &step.unwrap_or_default()].concat();
        let said = self.annotations.iter();
        let lines: Vec<String> = std::iter::once(line)
            .chain(said.map(|line| annotations::markdown(line)))
            .collect();
        lines.join("\n")
    }
}

fn summary(failed: &[FailedJob]) -> Option<String> {
    if failed.is_empty() {
        return None;
    }
    let mut lines: Vec<String> = failed
        .iter()
        .take(MAX_NAMED)
        .map(|job| ["- ", &job.markdown()].concat())
        .collect();
    let more = failed.len().saturating_sub(MAX_NAMED);
    if more > 0 {
        lines.push(format!("- and {more} more"));
    }
    Some(lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conclusion::completion;
    use crate::host::{Response, TransportError};
    use crate::script::{Script, answer, installation, refusal};

    fn explained(
        conclusion: &str,
        answers: Vec<Result<Response, TransportError>>,
    ) -> (Completion, Script) {
        let text = format!(r#"{{"id":33,"run_attempt":2,"conclusion":"{conclusion}"}}"#);
        let run: WorkflowRun<'_> = crate::json::from_slice(text.as_bytes()).unwrap();
        let host = Script::of(answers);
        let github = GitHub::of(&host, &installation()).unwrap();
        let Change::Completed(end) =
            completed(&github, "acme", "shop", &run, completion(&run).unwrap())
        else {
            panic!("not an end")
        };
        (end, host)
    }

    fn job(name: &str, conclusion: &str) -> String {
        format!(
            r#"{{"name":"{name}","conclusion":"{conclusion}","html_url":"https://github.com/acme/shop/actions/runs/33/job/4",
                "steps":[{{"name":"Set up","number":1,"conclusion":"success"}},{{"name":"Run [tests]","number":3,"conclusion":"failure"}},
                         {{"name":"Later","number":4,"conclusion":"failure"}}]}}"#
        )
    }

    fn jobs(jobs: &[String]) -> Result<Response, TransportError> {
        answer(
            200,
            &format!(r#"{{"total_count":1,"jobs":[{}]}}"#, jobs.join(",")),
        )
    }

    #[test]
    fn the_failed_job_and_step_are_named_with_a_link() {
        let (end, host) = explained(
            "failure",
            vec![jobs(&[job("lint", "success"), job("build *x*", "failure")])],
        );
        assert_eq!(
            end.summary.as_deref(),
            Some(
                r"- Job [build \*x\*](https://github.com/acme/shop/actions/runs/33/job/4#step:3:1) failed in step 3: Run \[tests\]"
            )
        );
        assert_eq!(
            end.log[1].message,
            "Job \"build *x*\" failed in step 3 \"Run [tests]\": https://github.com/acme/shop/actions/runs/33/job/4#step:3:1"
        );
        assert_eq!(
            host.asked(),
            ["GET /repos/acme/shop/actions/runs/33/attempts/2/jobs?per_page=100&page=1"]
        );
    }

    #[test]
    fn failing_to_explain_never_fails_the_report() {
        for trouble in [
            refusal(500, "x"),
            refusal(404, "x"),
            answer(200, "?"),
            Err(TransportError::Unknown("x".into())),
        ] {
            let (end, _) = explained("failure", vec![trouble]);
            assert_eq!(
                (end.label.as_str(), end.summary, end.log.len()),
                ("Failed", None, 1)
            );
        }
    }

    #[test]
    fn what_needs_no_jobs_asks_for_none() {
        for conclusion in [
            "success",
            "cancelled",
            "skipped",
            "startup_failure",
            "stale",
            "action_required",
        ] {
            assert!(explained(conclusion, vec![]).1.requests.borrow().is_empty());
        }
        assert!(explained("startup_failure", vec![]).0.summary.is_some());
    }

    #[test]
    fn many_jobs_are_read_in_bounded_pages_and_named_in_bounded_number() {
        let full: Vec<String> = (0..100)
            .map(|n| job(&format!("job {n}"), "timed_out"))
            .collect();
        let (end, host) = explained("timed_out", vec![jobs(&full), jobs(&full), jobs(&full)]);
        assert_eq!(host.requests.borrow().len(), MAX_PAGES);
        assert_eq!(end.log.len(), 1 + MAX_NAMED);
        assert!(end.summary.unwrap().ends_with("- and 290 more"));
    }

    #[test]
    fn names_cannot_forge_lines_markup_or_links() {
        let name = "a\\n# big\\u0000<img src=x>](http://evil)";
        let (end, _) = explained("failure", vec![jobs(&[job(name, "failure")])]);
        let summary = end.summary.unwrap();
        assert_eq!(summary.lines().count(), 1);
        assert!(
            summary.contains(r"\<img src\=x\>\]\(http\:\/\/evil\)"),
            "{summary}"
        );
        assert!(
            !is_plain_url("javascript:alert(1)")
                && !is_plain_url("https://a/)x")
                && !is_plain_url("https://a b")
        );
    }
}
