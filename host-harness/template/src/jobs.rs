//! What a run of Port means on the batch server.
//!
//! `POST /jobs` starts a job, `GET /jobs?idempotency-key=…` lists the one that was started with that key,
//! `GET /jobs/{id}` tells how it stands, `DELETE /jobs/{id}` stops it, and the webhook `job.changed` tells its news.

use crate::contract::ocean::integration_action::types::{
    Attempt, Change, Completion, Delivery, Failure, FailureKind, Installation, Outcome, Problem, Progress,
    Run, RunUpdate, Started,
};
use crate::contract::wasi::http::types::Method;
use crate::http::{self, Response, Unanswered};
use serde::Deserialize;
use serde_json::{Map, Value, json};

pub const EVENT: &str = "job.changed";
pub const EVENT_HEADER: &str = "x-batch-event";

/// The properties of a run.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Order {
    pub job: String,
    #[serde(default)]
    arguments: Map<String, Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    #[serde(default = "default_queue")]
    queue: String,
}

fn default_queue() -> String {
    "default".to_owned()
}

/// A job, as the server shows it.
#[derive(Deserialize)]
struct Job {
    id: String,
    state: State,
    url: Option<String>,
    message: Option<String>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum State {
    Queued,
    Running,
    Succeeded,
    Failed,
    Cancelled,
    /// A state that a later server knows.
    #[serde(other)]
    Unknown,
}

/// What to run, and in which queue. Sends nothing.
pub fn order(installation: &Installation, run: &Run) -> Result<(Order, String), Failure> {
    let queue = queue(installation)?;
    let order: Order = serde_json::from_str(&run.properties).map_err(|error| {
        invalid("invalid-properties", format!("The run's properties cannot be used: {error}."))
    })?;
    if order.job.trim().is_empty() {
        return Err(invalid("missing-job", "The run names no job."));
    }
    Ok((order, queue))
}

fn queue(installation: &Installation) -> Result<String, Failure> {
    match serde_json::from_str::<Settings>(&installation.settings) {
        Ok(Settings { queue }) if !queue.is_empty() => Ok(queue),
        Ok(_) => Err(invalid("invalid-settings", "The setting queue is empty.")),
        Err(error) => Err(invalid("invalid-settings", format!("The settings cannot be used: {error}."))),
    }
}

/// All that is wrong with a definition: a whole action or its `invocationMethod`. Texts in it may be templates.
pub fn problems(installation: &Installation, definition: &str) -> Result<(), Vec<Problem>> {
    let mut problems = vec![];
    let mut add = |pointer: &str, code: &str, message: &str, remedy: &str| {
        let [pointer, code, message, remedy] = [pointer, code, message, remedy].map(str::to_owned);
        problems.push(Problem { pointer, code, message, remedy });
    };
    if let Err(bad) = queue(installation) {
        add("", &bad.code, &bad.message, "Name a queue, or leave the setting out.");
    }
    let value = serde_json::from_str(definition).unwrap_or(Value::Null);
    let (at, method) = match value.get("invocationMethod") {
        Some(method) => ("/invocationMethod", method),
        None => ("", &value),
    };
    let properties = method.get("integrationActionExecutionProperties");
    let place = format!("{at}/integrationActionExecutionProperties");
    if !properties
        .and_then(|it| it.get("job"))
        .and_then(Value::as_str)
        .is_some_and(|it| !it.trim().is_empty())
    {
        let pointer = format!("{place}/job");
        add(&pointer, "missing-job", "No job is named.", "Set job to the name of a job.");
    }
    let arguments = properties.and_then(|it| it.get("arguments"));
    if arguments.is_some_and(|it| !it.is_object() && !it.is_string()) {
        let pointer = format!("{place}/arguments");
        add(&pointer, "invalid-arguments", "The arguments are no object.", "Make them an object.");
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

/// Starts a job once. The key is the same at every attempt, so the server knows what belongs together.
pub fn dispatch(installation: &Installation, run: &Run, attempt: &Attempt) -> Result<Started, Failure> {
    let key = format!("port-{}", run.id);
    if attempt.number == 1 {
        let (order, queue) = order(installation, run)?;
        return create(installation, &key, &order, &queue);
    }
    // An earlier attempt may have started it: look before anything is sent, and claim nothing that is not known.
    let (order, queue) = order(installation, run).map_err(maybe_started)?;
    match find(installation, &key).map_err(maybe_started)? {
        Some(job) => job.started(),
        None => create(installation, &key, &order, &queue),
    }
}

fn create(installation: &Installation, key: &str, order: &Order, queue: &str) -> Result<Started, Failure> {
    let body = json!({"job": order.job, "queue": queue, "arguments": order.arguments}).to_string();
    let headers = [("idempotency-key", key), ("content-type", "application/json")];
    let answer = http::send(&installation.api_url, &Method::Post, "/jobs", &headers, Some(body.as_bytes()))
        .map_err(|error| unanswered(error, true))?;
    if !matches!(answer.status, 200 | 201) {
        return Err(refused(&answer, true));
    }
    let job: Option<Job> = answer.json();
    job.ok_or_else(unreadable_start)?.started()
}

fn find(installation: &Installation, key: &str) -> Result<Option<Job>, Failure> {
    #[derive(Deserialize)]
    struct Jobs {
        jobs: Vec<Job>,
    }
    let answer = get(installation, &format!("/jobs?idempotency-key={}", http::encoded(key)))?;
    let found: Jobs = answer.json().ok_or_else(unreadable)?;
    Ok(found.jobs.into_iter().next())
}

pub fn check(installation: &Installation, external: &str) -> Result<Vec<RunUpdate>, Failure> {
    let answer = get(installation, &path_of(external)?)?;
    let job: Job = answer.json().ok_or_else(unreadable)?;
    Ok(vec![job.update()])
}

/// Stopping twice does no harm, so a lost answer is `unavailable` and not `ambiguous`.
pub fn cancel(installation: &Installation, external: &str) -> Result<(), Failure> {
    let answer = http::send(&installation.api_url, &Method::Delete, &path_of(external)?, &[], None)
        .map_err(|error| unanswered(error, false))?;
    if matches!(answer.status, 200..=299) { Ok(()) } else { Err(refused(&answer, false)) }
}

/// The host has checked the signature.
pub fn news(delivery: &Delivery) -> Result<Vec<RunUpdate>, Failure> {
    #[derive(Deserialize)]
    struct Changed {
        job: Job,
    }
    let event = delivery.headers.iter().find(|header| header.name == EVENT_HEADER);
    if event.is_none_or(|header| header.value != EVENT.as_bytes()) {
        return Ok(vec![]);
    }
    let changed: Changed = serde_json::from_slice(&delivery.body).map_err(|error| {
        failure(
            FailureKind::Internal,
            "unreadable-delivery",
            format!("The delivery cannot be read: {error}."),
        )
    })?;
    Ok(vec![changed.job.update()])
}

fn get(installation: &Installation, path: &str) -> Result<Response, Failure> {
    let answer = http::send(&installation.api_url, &Method::Get, path, &[], None)
        .map_err(|error| unanswered(error, false))?;
    if answer.status == 200 { Ok(answer) } else { Err(refused(&answer, false)) }
}

/// The path of a job. The id came from outside, so it is looked at.
fn path_of(external: &str) -> Result<String, Failure> {
    let id = external.strip_prefix("job_").filter(|id| is_id(id));
    let id =
        id.ok_or_else(|| invalid("invalid-external-run-id", format!("{external:?} is the id of no job.")))?;
    Ok(format!("/jobs/{id}"))
}

fn is_id(id: &str) -> bool {
    (1..=200).contains(&id.len())
        && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

impl Job {
    fn started(self) -> Result<Started, Failure> {
        if !is_id(&self.id) {
            return Err(unreadable_start());
        }
        Ok(Started {
            external_run_id: format!("job_{}", self.id),
            output: json!({"jobId": self.id}).to_string(),
            link: self.url,
            status_label: Some("Queued".to_owned()),
        })
    }

    fn update(self) -> RunUpdate {
        let completed = |outcome, conclusion: &str, label: &str| {
            Change::Completed(Completion {
                outcome,
                conclusion: conclusion.to_owned(),
                label: label.to_owned(),
                summary: self.message.clone(),
                output: "{}".to_owned(),
                log: vec![],
            })
        };
        let progress =
            |label: Option<&str>| Change::Progress(Progress { label: label.map(str::to_owned), log: vec![], part: None });
        let change = match self.state {
            State::Queued => progress(Some("Queued")),
            State::Running => progress(Some("Running")),
            State::Succeeded => completed(Outcome::Success, "succeeded", "Succeeded"),
            State::Failed => completed(Outcome::Failure, "failed", "Failed"),
            State::Cancelled => completed(Outcome::Cancelled, "cancelled", "Cancelled"),
            State::Unknown => progress(None),
        };
        RunUpdate { external_run_id: format!("job_{}", self.id), attempt: 1, change }
    }
}

/// An answer that says no. `starts`: to the request that starts a job, of which the failure then has to tell whether
/// the server has acted on it.
fn refused(answer: &Response, starts: bool) -> Failure {
    let (kind, code) = match answer.status {
        401 => (FailureKind::Unauthorized, "unauthorized"),
        404 if !starts => (FailureKind::Rejected, "job-not-found"),
        429 => (FailureKind::RateLimited(answer.number("retry-after")), "rate-limited"),
        300..=499 => (FailureKind::Rejected, "refused"),
        // This server says 503 before it takes a job, and any other error when nobody knows.
        503 => (FailureKind::Unavailable, "server-busy"),
        _ if starts => (FailureKind::Ambiguous, "server-error"),
        _ => (FailureKind::Unavailable, "server-error"),
    };
    let words = answer.json::<Value>().and_then(|body| Some(body.get("error")?.as_str()?.to_owned()));
    let words = words.map(|words| format!(": {words}")).unwrap_or_default();
    Failure {
        request_sent: starts,
        ..failure(kind, code, format!("The batch server answered {}{words}", answer.status))
    }
}

/// No answer at all: what counts is whether the server can have acted.
fn unanswered(error: Unanswered, starts: bool) -> Failure {
    match error {
        Unanswered::NotSent(why) => failure(
            FailureKind::Unavailable,
            "not-reached",
            format!("The batch server was not reached: {why}"),
        ),
        Unanswered::Denied(why) => failure(
            FailureKind::Rejected,
            "egress-denied",
            format!("The host does not send this request: {why}"),
        ),
        Unanswered::Lost(why) => {
            let kind = if starts { FailureKind::Ambiguous } else { FailureKind::Unavailable };
            let lost = failure(kind, "no-answer", format!("The batch server did not answer: {why}"));
            Failure { request_sent: starts, ..lost }
        }
    }
}

/// After an earlier attempt, only what the next look may mend keeps its kind: all else would claim that nothing runs.
fn maybe_started(bad: Failure) -> Failure {
    match bad.kind {
        FailureKind::Unavailable | FailureKind::RateLimited(_) | FailureKind::Unauthorized => bad,
        _ => Failure { kind: FailureKind::Ambiguous, request_sent: true, ..bad },
    }
}

fn unreadable_start() -> Failure {
    let text = "The batch server has taken the job, and its answer cannot be read.";
    Failure { request_sent: true, ..failure(FailureKind::Ambiguous, "unreadable-answer", text) }
}

fn unreadable() -> Failure {
    failure(FailureKind::Unavailable, "unreadable-answer", "The batch server's answer cannot be read.")
}

fn invalid(code: &str, message: impl Into<String>) -> Failure {
    failure(FailureKind::InvalidParameters, code, message)
}

fn failure(kind: FailureKind, code: &str, message: impl Into<String>) -> Failure {
    Failure { kind, code: code.to_owned(), message: message.into(), remedy: None, request_sent: false }
}
