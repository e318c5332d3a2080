//! Runs, workflows and jobs as answers and deliveries show them.

use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::objects::{node_id, time, time_millis};
use super::run::{Attempt, Job, Run, STEP, Status};
use super::world::{RepositoryRecord, WorkflowRecord, World};

#[derive(Debug, Serialize)]
struct Person {
    name: &'static str,
    email: &'static str,
}

#[derive(Debug, Serialize)]
struct Commit<'a> {
    id: &'a str,
    tree_id: String,
    message: &'static str,
    timestamp: String,
    author: Person,
    committer: Person,
}

/// A workflow run; the same object in REST answers and deliveries.
#[derive(Debug, Serialize)]
pub(super) struct RunObject<'a> {
    id: u64,
    name: &'a str,
    node_id: String,
    check_suite_id: u64,
    check_suite_node_id: String,
    head_branch: &'a str,
    head_sha: &'a str,
    path: String,
    display_title: &'a str,
    run_number: u64,
    event: &'a str,
    status: &'static str,
    conclusion: Option<&'a str>,
    workflow_id: u64,
    url: String,
    html_url: String,
    pull_requests: [Value; 0],
    created_at: String,
    updated_at: String,
    actor: &'a RawValue,
    run_attempt: u32,
    referenced_workflows: [Value; 0],
    run_started_at: String,
    triggering_actor: &'a RawValue,
    jobs_url: String,
    logs_url: String,
    check_suite_url: String,
    artifacts_url: String,
    cancel_url: String,
    rerun_url: String,
    previous_attempt_url: Option<String>,
    workflow_url: String,
    head_commit: Commit<'a>,
    repository: &'a RawValue,
    head_repository: &'a RawValue,
}

/// Who asks: REST appends the ref to a run's `path`, deliveries do not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Audience {
    Rest,
    Webhook,
}

pub(super) fn run<'a>(
    world: &'a World,
    run: &'a Run,
    attempt: &'a Attempt,
    audience: Audience,
) -> Option<RunObject<'a>> {
    let repository = world.repositories.get(&run.repository)?;
    let workflow = repository.workflow(run.workflow)?;
    let api = format!("{}/repos/{}", world.bases.api, repository.full_name());
    let url = format!("{api}/actions/runs/{}", run.id);
    let suite = run.id + 11_000_000_000;
    let path = workflow.definition.path();
    Some(RunObject {
        id: run.id,
        name: &workflow.definition.name,
        node_id: node_id("WFR", run.id),
        check_suite_id: suite,
        check_suite_node_id: node_id("CS", suite),
        head_branch: &run.branch,
        head_sha: &run.sha,
        path: if audience == Audience::Rest {
            format!("{path}@{}", run.branch)
        } else {
            path
        },
        display_title: &run.title,
        run_number: run.number,
        event: &run.event,
        status: attempt.status.as_str(),
        conclusion: attempt.conclusion.as_deref(),
        workflow_id: run.workflow,
        html_url: format!(
            "{}/{}/actions/runs/{}",
            world.bases.html,
            repository.full_name(),
            run.id
        ),
        pull_requests: [],
        created_at: time(run.created_at),
        updated_at: time(attempt.updated_at),
        actor: world.actor_object(&run.actor),
        run_attempt: attempt.number,
        referenced_workflows: [],
        run_started_at: time(attempt.started_at),
        triggering_actor: world.actor_object(&run.actor),
        jobs_url: format!("{url}/jobs"),
        logs_url: format!("{url}/logs"),
        check_suite_url: format!("{api}/check-suites/{suite}"),
        artifacts_url: format!("{url}/artifacts"),
        cancel_url: format!("{url}/cancel"),
        rerun_url: format!("{url}/rerun"),
        previous_attempt_url: (attempt.number > 1)
            .then(|| format!("{url}/attempts/{}", attempt.number - 1)),
        workflow_url: format!("{api}/actions/workflows/{}", run.workflow),
        url,
        head_commit: Commit {
            id: &run.sha,
            tree_id: repository.sha(&format!("{}-tree", run.branch)),
            message: "Prepare the next release",
            timestamp: time(repository.created_at),
            author: Person {
                name: "Ada Simulated",
                email: "ada@example.com",
            },
            committer: Person {
                name: "GitHub",
                email: "noreply@github.com",
            },
        },
        repository: &repository.short,
        head_repository: &repository.short,
    })
}

/// The answer of a list of runs.
#[derive(Debug, Serialize)]
pub(super) struct RunList<'a> {
    pub(super) total_count: usize,
    pub(super) workflow_runs: Vec<RunObject<'a>>,
}

pub(super) fn workflow(
    world: &World,
    repository: &RepositoryRecord,
    workflow: &WorkflowRecord,
) -> Value {
    let path = workflow.definition.path();
    let page = format!("{}/{}", world.bases.html, repository.full_name());
    let name: String =
        url::form_urlencoded::byte_serialize(workflow.definition.name.as_bytes()).collect();
    json!({
        "id": workflow.id,
        "node_id": node_id("W", workflow.id),
        "name": workflow.definition.name,
        "path": path,
        "state": workflow.state,
        "created_at": time_millis(workflow.created_at),
        "updated_at": time_millis(workflow.created_at),
        "url": format!("{}/repos/{}/actions/workflows/{}", world.bases.api, repository.full_name(), workflow.id),
        "html_url": format!("{page}/blob/{}/{path}", repository.definition.default_branch),
        "badge_url": format!("{page}/workflows/{}/badge.svg", name.replace('+', "%20")),
    })
}

pub(super) fn job(world: &World, run: &Run, attempt: &Attempt, job: &Job) -> Option<Value> {
    let repository = world.repositories.get(&run.repository)?;
    let workflow = repository.workflow(run.workflow)?;
    let api = format!("{}/repos/{}", world.bases.api, repository.full_name());
    let page = format!("{}/{}", world.bases.html, repository.full_name());
    let running = matches!(job.status, Status::InProgress | Status::Completed);
    let runner = |text: &str| {
        if running {
            Value::from(text)
        } else {
            Value::Null
        }
    };
    Some(json!({
        "id": job.id,
        "run_id": run.id,
        "workflow_name": workflow.definition.name,
        "head_branch": run.branch,
        "run_url": format!("{api}/actions/runs/{}", run.id),
        "run_attempt": attempt.number,
        "node_id": node_id("CR", job.id),
        "head_sha": run.sha,
        "url": format!("{api}/actions/jobs/{}", job.id),
        "html_url": format!("{page}/actions/runs/{}/job/{}", run.id, job.id),
        "status": job.status.as_str(),
        "conclusion": job.conclusion,
        "created_at": time(job.created_at),
        "started_at": time(job.started_at),
        "completed_at": job.completed_at.map(time),
        "name": job.name,
        "steps": steps(job),
        "check_run_url": format!("{api}/check-runs/{}", job.id),
        "labels": ["ubuntu-latest"],
        "runner_id": if running { Value::from(7) } else { Value::Null },
        "runner_name": runner("GitHub Actions 7"),
        "runner_group_id": if running { Value::from(2) } else { Value::Null },
        "runner_group_name": runner("GitHub Actions"),
    }))
}

fn steps(job: &Job) -> Vec<Value> {
    let step = |number: u32, name: &str, status: &str, conclusion: Option<&str>| {
        json!({
            "name": name,
            "status": status,
            "conclusion": conclusion,
            "number": number,
            "started_at": time_millis(job.started_at),
            "completed_at": job.completed_at.map(time_millis),
        })
    };
    match job.status {
        Status::Queued | Status::Waiting => Vec::new(),
        Status::InProgress => vec![step(1, "Set up job", "in_progress", None)],
        Status::Completed => {
            let end = job.conclusion.as_deref();
            let mut all = vec![
                step(1, "Set up job", "completed", Some("success")),
                step(2, "Run actions/checkout@v4", "completed", Some("success")),
            ];
            match &job.failing_step {
                Some(name) => {
                    all.push(step(3, name, "completed", Some("failure")));
                    all.push(step(4, "Upload results", "completed", Some("skipped")));
                }
                None => all.push(step(3, STEP, "completed", Some(step_conclusion(end)))),
            }
            all.push(step(
                9,
                "Post Run actions/checkout@v4",
                "completed",
                Some("success"),
            ));
            all.push(step(10, "Complete job", "completed", Some("success")));
            all
        }
    }
}

/// What was said about a job that has failed: by its tools, and at last by the runner.
pub(super) fn annotations(
    world: &World,
    repository: &RepositoryRecord,
    run: &Run,
    job: &Job,
) -> Vec<Value> {
    if job.conclusion.as_deref() != Some("failure") {
        return Vec::new();
    }
    let page = format!(
        "{}/{}/blob/{}",
        world.bases.html,
        repository.full_name(),
        run.sha
    );
    let annotation = |path: &str, line: u32, message: &str| {
        json!({
            "path": path,
            "blob_href": format!("{page}/{path}"),
            "start_line": line,
            "end_line": line,
            "start_column": null,
            "end_column": null,
            "annotation_level": "failure",
            "title": "",
            "message": message,
            "raw_details": "",
        })
    };
    let workflow = repository.workflow(run.workflow);
    let said = workflow
        .and_then(|workflow| workflow.definition.failing.as_ref())
        .filter(|failing| failing.job == job.name)
        .map(|failing| failing.annotations.as_slice());
    let mut all: Vec<Value> = said
        .unwrap_or_default()
        .iter()
        .map(|said| annotation(&said.path, said.line, &said.message))
        .collect();
    all.push(annotation(
        ".github",
        22,
        "Process completed with exit code 1.",
    ));
    all
}

/// Steps know fewer ends than jobs do (schema `webhooks_workflow_job`).
fn step_conclusion(job: Option<&str>) -> &str {
    match job {
        Some(end @ ("failure" | "skipped" | "cancelled")) => end,
        Some("timed_out") => "cancelled",
        _ => "success",
    }
}

#[derive(Debug, Serialize)]
struct Installation {
    id: u64,
    node_id: String,
}

#[derive(Debug, Serialize)]
struct Event<'a, T: Serialize> {
    action: &'a str,
    #[serde(flatten)]
    subject: T,
    repository: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<&'a RawValue>,
    sender: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    installation: Option<Installation>,
}

#[derive(Debug, Serialize)]
struct RunSubject<'a> {
    workflow_run: RunObject<'a>,
    workflow: Value,
}

#[derive(Debug, Serialize)]
struct JobSubject {
    workflow_job: Value,
}

fn event<T: Serialize>(
    world: &World,
    run: &Run,
    action: &str,
    subject: T,
    installation: Option<u64>,
) -> Option<Vec<u8>> {
    let repository = world.repositories.get(&run.repository)?;
    let event = Event {
        action,
        subject,
        repository: &repository.long,
        organization: repository.organization.as_deref(),
        sender: world.actor_object(&run.actor),
        installation: installation.map(|id| Installation {
            id,
            node_id: node_id("MDIzOkludGVncmF0aW9u", id),
        }),
    };
    serde_json::to_vec(&event).ok()
}

/// Body of a `workflow_run` delivery; `installation` only for an App's hook.
pub(super) fn run_event(
    world: &World,
    subject: &Run,
    action: &str,
    installation: Option<u64>,
) -> Option<Vec<u8>> {
    let repository = world.repositories.get(&subject.repository)?;
    let record = repository.workflow(subject.workflow)?;
    let subject_object = RunSubject {
        workflow_run: run(world, subject, subject.current()?, Audience::Webhook)?,
        workflow: workflow(world, repository, record),
    };
    event(world, subject, action, subject_object, installation)
}

/// Body of a `workflow_job` delivery.
pub(super) fn job_event(
    world: &World,
    subject: &Run,
    one: &Job,
    action: &str,
    installation: Option<u64>,
) -> Option<Vec<u8>> {
    let subject_object = JobSubject {
        workflow_job: job(world, subject, subject.current()?, one)?,
    };
    event(world, subject, action, subject_object, installation)
}
