//! From a delivery to news of runs.
//!
//! Most deliveries concern nothing that Port started, so the decision begins with the headers and reads only the few
//! fields it needs. A delivery is evidence, not an instruction: no URL in it is ever requested.

use std::borrow::Cow;

use percent_encoding::percent_decode;

use crate::contract::ocean::integration_action::types::{
    Change, Delivery, Failure, FailureKind, Installation, Level, LogLine, Part, Progress, RunUpdate,
};
use crate::explain;
use crate::github::{GitHub, Job, Repository, Text, WorkflowRun};
use crate::host::Host;
use crate::json::{self, Fault, Fields, Object};
use crate::legible::one_line;
use crate::manifest::EVENT_HEADER;
use crate::names::ExternalId;
use crate::{check, conclusion, time};

/// A delivery of the event `workflow_run`.
struct RunDelivery<'a> {
    action: Text<'a>,
    workflow_run: WorkflowRun<'a>,
    repository: Repository,
}

/// A delivery of the event `workflow_job`.
struct JobDelivery<'a> {
    action: Text<'a>,
    workflow_job: Job<'a>,
    repository: Repository,
}

impl<'a> Object<'a> for RunDelivery<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            action: fields.needed("action"),
            workflow_run: fields.needed("workflow_run"),
            repository: fields.needed("repository"),
        }
    }
}

impl<'a> Object<'a> for JobDelivery<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            action: fields.needed("action"),
            workflow_job: fields.needed("workflow_job"),
            repository: fields.needed("repository"),
        }
    }
}

/// Turns a delivery into news of runs.
///
/// # Errors
/// `unreadable-delivery` for a body that is not what its event promises, and what went wrong with a question where
/// the delivery leaves the end of a run open.
pub fn handle(
    host: &dyn Host,
    installation: &Installation,
    delivery: &Delivery,
) -> Result<Vec<RunUpdate>, Failure> {
    match header(delivery, EVENT_HEADER) {
        Some("workflow_run") => {
            let body = payload(delivery);
            let told: RunDelivery<'_> = json::from_slice(&body).map_err(unreadable)?;
            of_run(host, installation, &told)
        }
        Some("workflow_job") => {
            let body = payload(delivery);
            let told: JobDelivery<'_> = json::from_slice(&body).map_err(unreadable)?;
            Ok(of_job(&told).into_iter().collect())
        }
        _ => Ok(Vec::new()),
    }
}

fn of_run(
    host: &dyn Host,
    installation: &Installation,
    told: &RunDelivery<'_>,
) -> Result<Vec<RunUpdate>, Failure> {
    let (run, repository) = (&told.workflow_run, &told.repository);
    if run.event.as_deref() != Some("workflow_dispatch") {
        return Ok(Vec::new());
    }
    let id = ExternalId {
        owner: repository.owner.id,
        repository: repository.id,
        run: run.id,
    };
    let change = match &*told.action {
        "requested" => conclusion::progress(Some(requested_label(run)), None),
        "in_progress" => conclusion::progress(Some("Running"), Some(started_line(run))),
        "completed" => match conclusion::completion(run) {
            // A known end is reported even where nobody can be asked for an explanation.
            Some(end) => match GitHub::of(host, installation) {
                Ok(github) if repository.has_sound_names() => {
                    explain::completed(&github, &repository.owner.login, &repository.name, run, end)
                }
                _ => Change::Completed(end),
            },
            None => return reread(host, installation, repository, id),
        },
        _ => return Ok(Vec::new()),
    };
    Ok(vec![RunUpdate {
        external_run_id: id.to_string(),
        attempt: run.attempt(),
        change,
    }])
}

/// A completion without a conclusion, or with an unknown one, says nothing: GitHub is asked.
fn reread(
    host: &dyn Host,
    installation: &Installation,
    repository: &Repository,
    id: ExternalId,
) -> Result<Vec<RunUpdate>, Failure> {
    if !repository.has_sound_names() {
        return Err(unsound_names());
    }
    let github = GitHub::of(host, installation)?;
    match check::state_of(&github, &repository.owner.login, &repository.name, id) {
        Ok(update) => Ok(vec![update]),
        Err(failure) if failure.is_passing() => Err(failure),
        Err(failure) => {
            // The host will ask again with `check`; a refusal is no news of the run.
            let message = [
                "A run ended without a conclusion, and GitHub does not tell it: ",
                &failure.message,
            ]
            .concat();
            host.log(Level::Warn, &message);
            Ok(Vec::new())
        }
    }
}

/// A run that was asked for but has to be approved first is told as completed with `action_required`; it goes on
/// after that.
fn requested_label(run: &WorkflowRun<'_>) -> &'static str {
    if run.conclusion.as_deref() == Some("action_required") {
        return "Waiting for approval";
    }
    run.status
        .as_deref()
        .and_then(conclusion::status_label)
        .unwrap_or("Queued")
}

fn started_line(run: &WorkflowRun<'_>) -> LogLine {
    let message = match run.attempt() {
        1 => "The workflow run started.".to_owned(),
        attempt => format!("Attempt {attempt} of the workflow run started."),
    };
    LogLine {
        level: Level::Info,
        message,
    }
}

/// News of a job. That it is queued is none by itself, and counts among the jobs of its run.
fn of_job(told: &JobDelivery<'_>) -> Option<RunUpdate> {
    let (job, repository) = (&told.workflow_job, &told.repository);
    let (label, line) = match &*told.action {
        "queued" => (None, None),
        "waiting" => (Some("Waiting for approval"), Some(waiting_line(job))),
        "in_progress" => (Some("Running"), Some(started_job_line(job))),
        "completed" => (None, Some(ended_job_line(job)?)),
        _ => return None,
    };
    let id = ExternalId {
        owner: repository.owner.id,
        repository: repository.id,
        run: job.run_id?,
    };
    let part = job.id.map(|id| Part {
        kind: "job".to_owned(),
        id: id.to_string(),
        ended: &*told.action == "completed",
    });
    if line.is_none() && part.is_none() {
        return None;
    }
    Some(RunUpdate {
        external_run_id: id.to_string(),
        attempt: job.run_attempt.unwrap_or(1).max(1),
        change: Change::Progress(Progress {
            label: label.map(str::to_owned),
            log: line.into_iter().collect(),
            part,
        }),
    })
}

fn name(job: &Job<'_>) -> String {
    one_line(job.name.as_deref().unwrap_or("(unnamed)"))
}

fn waiting_line(job: &Job<'_>) -> LogLine {
    LogLine {
        level: Level::Info,
        message: ["Job \"", &name(job), "\" waits for an approval."].concat(),
    }
}

fn started_job_line(job: &Job<'_>) -> LogLine {
    let runner = job.runner_name.as_deref().map(one_line);
    let on = match runner {
        Some(runner) if !runner.is_empty() => [" on ", &runner].concat(),
        _ => String::new(),
    };
    LogLine {
        level: Level::Info,
        message: ["Job \"", &name(job), "\" started", &on, "."].concat(),
    }
}

fn ended_job_line(job: &Job<'_>) -> Option<LogLine> {
    let ended = job.conclusion.as_deref()?;
    let took = conclusion::elapsed(job.started_at.as_deref(), job.completed_at.as_deref());
    let after = took
        .map(|seconds| [" after ", &time::duration_text(seconds)].concat())
        .unwrap_or_default();
    let level = match ended {
        "failure" | "timed_out" | "startup_failure" => Level::Error,
        "cancelled" | "action_required" => Level::Warn,
        _ => Level::Info,
    };
    let job = ["Job \"", &name(job), "\" finished: "].concat();
    Some(LogLine {
        level,
        message: [&job, &one_line(ended), &after, "."].concat(),
    })
}

fn header<'d>(delivery: &'d Delivery, name: &str) -> Option<&'d str> {
    let header = delivery
        .headers
        .iter()
        .find(|header| header.name.eq_ignore_ascii_case(name))?;
    std::str::from_utf8(&header.value).ok().map(str::trim)
}

/// The JSON of a delivery. A hook with the content type `form` sends it as the field `payload` of a form.
fn payload(delivery: &Delivery) -> Cow<'_, [u8]> {
    const FORM: &str = "application/x-www-form-urlencoded";
    let content_type = header(delivery, "content-type").unwrap_or_default();
    let is_form = content_type
        .get(..FORM.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(FORM));
    if !is_form {
        return Cow::Borrowed(&delivery.body);
    }
    let mut fields = delivery.body.split(|byte| *byte == b'&');
    let value = fields
        .find_map(|field| field.strip_prefix(b"payload="))
        .unwrap_or_default();
    // One allocation of the right size: a delivery may have 25 MB, and memory is limited.
    let mut json = Vec::with_capacity(value.len());
    for (number, part) in value.split(|byte| *byte == b'+').enumerate() {
        if number > 0 {
            json.push(b' ');
        }
        json.extend(percent_decode(part));
    }
    Cow::Owned(json)
}

fn unreadable(fault: Fault) -> Failure {
    Failure::new(
        FailureKind::Internal,
        "unreadable-delivery",
        format!("The delivery is not what its event promises: {fault}."),
    )
    .with_remedy(
        "Look at the delivery in the hook's settings on GitHub; its body must be GitHub's JSON.",
    )
}

fn unsound_names() -> Failure {
    Failure::new(
        FailureKind::Internal,
        "unreadable-delivery",
        "The delivery names a repository in a way that no GitHub repository can be named.",
    )
}

#[cfg(test)]
mod tests;
