//! GitHub's error answers, and the ones worth injecting.

use serde_json::json;

use super::super::fault::Effect;
use super::super::server::Reply;

pub(super) const DOCS: &str = "https://docs.github.com/rest";

/// Page of the documentation that an error of this operation names.
pub(super) fn documentation(operation: &str) -> String {
    let page = match operation {
        "dispatch" => "/actions/workflows#create-a-workflow-dispatch-event",
        "get-workflow" => "/actions/workflows#get-a-workflow",
        "list-workflows" => "/actions/workflows#list-repository-workflows",
        "list-runs" => "/actions/workflow-runs#list-workflow-runs-for-a-repository",
        "get-run" => "/actions/workflow-runs#get-a-workflow-run",
        "list-jobs" => "/actions/workflow-jobs#list-jobs-for-a-workflow-run",
        "get-job" => "/actions/workflow-jobs#get-a-job-for-a-workflow-run",
        "list-annotations" => "/checks/runs#list-check-run-annotations",
        "cancel" => "/actions/workflow-runs#cancel-a-workflow-run",
        "get-repository" => "/repos/repos#get-a-repository",
        "get-ref" => "/git/refs#get-a-reference",
        "get-contents" => "/repos/contents#get-repository-content",
        "list-environments" => "/deployments/environments#list-environments",
        "get-user" => "/users/users#get-the-authenticated-user",
        "app" => "/apps/apps#get-the-authenticated-app",
        "app-installations" => "/apps/apps#list-installations-for-the-authenticated-app",
        "app-installation" => "/apps/apps#get-an-installation-for-the-authenticated-app",
        "app-token" => "/apps/apps#create-an-installation-access-token-for-an-app",
        _ => "",
    };
    format!("{DOCS}{page}")
}

/// The usual error object: the status is a string, and most have no `errors`.
pub(super) fn error(operation: &str, status: u16, message: &str) -> Reply {
    error_at(&documentation(operation), status, message)
}

/// An error that names a page of its own.
pub(super) fn error_at(page: &str, status: u16, message: &str) -> Reply {
    let body = json!({"message": message, "documentation_url": page, "status": status.to_string()});
    Reply::json(status, body.to_string())
}

/// 400 for a version header that GitHub does not know; `errors` is a string here.
pub(super) fn unknown_version(version: &str) -> Reply {
    let errors = format!(
        "The version you specified in the \"X-GitHub-API-Version\" request header, \"{version}\", is not a supported \
         version. The following versions are currently supported: \"2026-03-10\" (most recent) and \"2022-11-28\". \
         If you don't specify a version in the request header, the API will use \"2022-11-28\" by default."
    );
    let body = json!({
        "message": "Bad Request",
        "errors": errors,
        "documentation_url": format!("{DOCS}/about-the-rest-api/api-versions"),
        "status": "400",
    });
    Reply::json(400, body.to_string())
}

/// A user agent is mandatory; this answer is not JSON.
pub(super) fn no_user_agent() -> Reply {
    Reply::empty(403).with("content-type", "text/html; charset=utf-8").body(
        "\r\nRequest forbidden by administrative rules. Please make sure your request has a User-Agent header \
         (https://docs.github.com/en/rest/overview/resources-in-the-rest-api#user-agent-required).\r\n",
    )
}

fn injected(status: u16, message: &str, headers: &[(&str, String)]) -> Effect {
    let reply = error_at(
        &format!("{DOCS}/using-the-rest-api/rate-limits-for-the-rest-api"),
        status,
        message,
    );
    let mut all = reply.headers;
    all.extend(
        headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    Effect::Answer {
        status,
        headers: all,
        body: String::from_utf8_lossy(&reply.body).into_owned(),
    }
}

/// Secondary rate limit, as 403 or 429, with or without `retry-after` (GitHub sends both kinds). Not processed.
#[must_use]
pub fn secondary_limit(status: u16, retry_after_seconds: Option<u64>) -> Effect {
    let headers: Vec<(&str, String)> = retry_after_seconds
        .map(|seconds| ("retry-after", seconds.to_string()))
        .into_iter()
        .collect();
    let message = "You have exceeded a secondary rate limit. Please wait a few minutes before you try again. \
                   If you reach out to GitHub Support for help, please include the request ID \
                   7C5E:2B1A:11D3F0:16A5C9:6741B2E0.";
    injected(status, message, &headers)
}

/// Primary limit used up until that second of the epoch, as 403 or 429. Not processed. To let a token really run
/// out, set [`Options::rate_limit`](super::Options::rate_limit) instead.
#[must_use]
pub fn primary_limit(status: u16, reset_epoch_seconds: u64) -> Effect {
    let headers = [
        ("x-ratelimit-remaining", "0".to_owned()),
        ("x-ratelimit-reset", reset_epoch_seconds.to_string()),
    ];
    injected(
        status,
        "API rate limit exceeded for installation ID 55000001.",
        &headers,
    )
}

/// The dispatch answer that hides a created run: 500 although the work was done.
#[must_use]
pub fn server_error_after_processing() -> Effect {
    let reply = error("dispatch", 500, "Failed to run workflow dispatch");
    Effect::ProcessThenAnswer {
        status: 500,
        headers: reply.headers,
        body: String::from_utf8_lossy(&reply.body).into_owned(),
    }
}

/// The same 500, honest: nothing was done. A client cannot tell the two apart.
#[must_use]
pub fn server_error() -> Effect {
    let reply = error("dispatch", 500, "Failed to run workflow dispatch");
    Effect::Answer {
        status: 500,
        headers: reply.headers,
        body: String::from_utf8_lossy(&reply.body).into_owned(),
    }
}

/// A gateway's 502 with its HTML page. Not processed.
#[must_use]
pub fn bad_gateway() -> Effect {
    Effect::Answer {
        status: 502,
        headers: vec![("content-type".into(), "text/html".into())],
        body: "<html><head><title>502 Bad Gateway</title></head><body><h1>502 Bad Gateway</h1></body></html>\n".into(),
    }
}

/// 404 `Not Found`, as for a run that a replica does not know yet. Not processed.
#[must_use]
pub fn not_found() -> Effect {
    let reply = error("get-run", 404, "Not Found");
    Effect::Answer {
        status: 404,
        headers: reply.headers,
        body: String::from_utf8_lossy(&reply.body).into_owned(),
    }
}
