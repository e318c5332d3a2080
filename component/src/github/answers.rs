//! What an answer that is not a plain success means.
//!
//! GitHub's texts are matched on status and beginning only: their wording changes, and servers of different age differ.
//! An answer that nothing here knows keeps its class by its status, and GitHub's own words are always passed on.

use crate::contract::ocean::integration_action::types::{Failure, FailureKind};
use crate::host::Response;
use crate::inputs;
use crate::json::{self, Members};
use crate::time;

/// How much of the server's words is passed on, in characters.
const MAX_QUOTE: usize = 1000;

/// What was asked.
#[derive(Clone, Copy, Debug)]
pub enum Subject<'a> {
    /// A repository, as `owner/name`.
    Repository(&'a str),
    /// A workflow, by file name or id.
    Workflow(&'a str),
    /// A repository's list of workflows.
    Workflows,
    /// A repository's list of environments.
    Environments,
    /// The file of a workflow at a branch or tag.
    File {
        /// Its name.
        file: &'a str,
        /// The branch or tag.
        reference: &'a str,
    },
    /// The list of a workflow's runs.
    Runs,
    /// One run.
    Run,
    /// A run's jobs.
    Jobs,
    /// What was said about a job.
    Annotations,
    /// To stop a run.
    Cancel,
    /// To start a run. The only request that starts something.
    Dispatch {
        /// The workflow, by file name or id.
        workflow: &'a str,
        /// The branch or tag.
        reference: &'a str,
    },
}

/// The failure that an answer stands for. `now` is GitHub's time in seconds.
#[must_use]
pub fn failure_of(subject: &Subject<'_>, response: &Response, now: u64) -> Failure {
    let said = Said::by(response);
    let message = format!("GitHub answered {}: {}", response.status, said.full);
    let starts_run = matches!(subject, Subject::Dispatch { .. });
    let failure = if let Some(pause) = limited(response, &said.message, now) {
        Failure::new(FailureKind::RateLimited(pause), "rate-limited", message)
            .with_remedy("Nothing to do: the request is sent again when GitHub's pause is over.")
    } else {
        match response.status {
            401 => Failure::new(FailureKind::Unauthorized, "bad-credentials", message)
                .with_remedy("Renew the GitHub credential of this installation."),
            // 408 and 499 say that somebody on the way gave up waiting, not that GitHub refused.
            408 | 499 | 500.. if starts_run => Failure::ambiguous(
                "server-error",
                message,
                "The workflow may have been started nevertheless; it is looked for before anything is sent again.",
            ),
            408 | 499 | 500.. => Failure::new(FailureKind::Unavailable, "server-error", message)
                .with_remedy("Nothing to do if it passes; otherwise see GitHub's status page."),
            _ => {
                let (code, remedy) = refusal(subject, response, &said.message);
                Failure::rejected(code, message, remedy)
            }
        }
    };
    if starts_run { failure.sent() } else { failure }
}

/// Whether the server refuses the key `return_run_details`, which GitHub Enterprise Server knows from 3.21 on. It
/// has refused the whole request then, so nothing was started.
#[must_use]
pub fn names_run_details(response: &Response) -> bool {
    let has = |text: &[u8]| response.body.windows(text.len()).any(|part| part == text);
    // An input may have the same name, and is refused in other words.
    matches!(response.status, 400 | 422)
        && has(b"return_run_details")
        && !has(b"Unexpected inputs provided")
}

/// Whether GitHub wants a pause, and how long in seconds, if it says so. Source: "Rate limits for the REST API".
fn limited(response: &Response, message: &str, now: u64) -> Option<Option<u32>> {
    let retry_after = response.header("retry-after");
    let exhausted = response.number("x-ratelimit-remaining") == Some(0);
    let says_so = [
        "You have exceeded a secondary rate limit",
        "API rate limit exceeded",
        "You have triggered an abuse",
    ]
    .iter()
    .any(|start| message.starts_with(start));
    let is_limit = match response.status {
        429 => true,
        403 => retry_after.is_some() || exhausted || says_so,
        _ => false,
    };
    if !is_limit {
        return None;
    }
    let told = retry_after.and_then(|value| {
        let until = || time::from_http_date(value).map(|date| date.saturating_sub(now));
        value.parse().ok().or_else(until)
    });
    let until_reset = || {
        let reset = response.number("x-ratelimit-reset").filter(|_| exhausted)?;
        // One second more, since both clocks show whole seconds.
        Some(reset.saturating_sub(now).saturating_add(1))
    };
    let seconds: Option<u64> = told.or_else(until_reset);
    Some(seconds.map(|seconds| u32::try_from(seconds).unwrap_or(u32::MAX)))
}

/// Code and remedy of a refusal.
fn refusal(subject: &Subject<'_>, response: &Response, message: &str) -> (&'static str, String) {
    match response.status {
        300..=399 => (
            "redirect-refused",
            "The repository has moved to another server or the answer comes from a proxy. Correct `org` and `repo`, or \
             the installation's API URL."
                .to_owned(),
        ),
        403 => forbidden(response, message),
        404 | 410 => missing(subject, message),
        409 if matches!(subject, Subject::Cancel) => {
            ("already-completed", "Nothing to do: the run has ended already.".to_owned())
        }
        413 => ("inputs-too-large", inputs::ONE_INPUT_REMEDY.to_owned()),
        451 => ("repository-disabled", "GitHub has blocked this repository; its owner can ask GitHub why.".to_owned()),
        400 | 422 => match subject {
            Subject::Dispatch { workflow, reference } => not_startable(message, workflow, reference),
            _ => request_refused(),
        },
        _ => request_refused(),
    }
}

fn forbidden(response: &Response, message: &str) -> (&'static str, String) {
    if message.starts_with("Repository was archived") {
        return (
            "repository-archived",
            "Unarchive the repository, or use another one.".to_owned(),
        );
    }
    if message.starts_with("Repository access blocked") {
        return (
            "repository-disabled",
            "GitHub has blocked this repository; its owner can ask GitHub why.".to_owned(),
        );
    }
    if message.starts_with("This installation has been suspended") {
        return (
            "app-suspended",
            "An owner of the organization must unsuspend the GitHub App.".to_owned(),
        );
    }
    let needed = match response.header("x-accepted-github-permissions") {
        Some(needed) if !needed.is_empty() => quoted(needed).replace('=', ": "),
        _ => "actions: write".to_owned(),
    };
    let remedy = format!(
        "Give the credential the permission `{needed}` and access to this repository (a classic token needs the scope \
         `repo`), and have the change approved where it is a GitHub App."
    );
    ("permission-missing", remedy)
}

fn missing(subject: &Subject<'_>, message: &str) -> (&'static str, String) {
    match subject {
        Subject::File { reference, .. } if message.starts_with("No commit found for the ref") => (
            "ref-not-found",
            format!("Create the branch or tag `{reference}`, or correct `ref`."),
        ),
        Subject::File { file, reference } => (
            "workflow-not-at-ref",
            format!(
                "Add {file} at `{reference}`, or name another branch or tag in `ref`. If it is there, check that the \
                 credential may read the repository's contents: GitHub hides what it may not."
            ),
        ),
        Subject::Repository(name) => (
            "repository-not-found",
            format!("Check that `{name}` exists and that the credential may see it: GitHub hides what it may not."),
        ),
        Subject::Workflow(workflow) | Subject::Dispatch { workflow, .. } => (
            "workflow-not-found",
            format!(
                "Check that `{workflow}` is the name of a file in .github/workflows/ on the default branch, and that \
                 the credential may use Actions in this repository."
            ),
        ),
        Subject::Run | Subject::Cancel | Subject::Jobs | Subject::Annotations => {
            ("run-not-found", "Check whether the run or its repository has been deleted.".to_owned())
        }
        Subject::Environments => (
            "environments-not-found",
            "Check that the credential may read Actions in this repository.".to_owned(),
        ),
        Subject::Workflows | Subject::Runs => (
            "workflow-not-found",
            "Check that the workflow exists and that the credential may read Actions in this repository.".to_owned(),
        ),
    }
}

/// The refusals of a dispatch (status 422): code and remedy.
fn not_startable(message: &str, workflow: &str, reference: &str) -> (&'static str, String) {
    // The validator of schemas puts this before its own sentence.
    let message = message
        .strip_prefix("Invalid request.")
        .unwrap_or(message)
        .trim_start();
    let begins = |start: &str| message.starts_with(start);
    if begins("Workflow does not have 'workflow_dispatch' trigger") {
        (
            "no-dispatch-trigger",
            format!("Add `workflow_dispatch:` under `on:` in {workflow} at `{reference}`."),
        )
    } else if begins("No ref found") {
        (
            "ref-not-found",
            format!("Create the branch or tag `{reference}`, or correct `ref`."),
        )
    } else if begins("Unexpected inputs provided") {
        (
            "unexpected-inputs",
            format!(
                "Remove {} from `workflowInputs`, or declare under `inputs:` in {workflow} at `{reference}`.",
                listed(message).unwrap_or("what is not declared".to_owned())
            ),
        )
    } else if begins("Required input") {
        (
            "required-input-missing",
            format!(
                "Give {} in `workflowInputs`, or a default in {workflow} at `{reference}`.",
                input_named(message, "Required input '")
            ),
        )
    } else if begins("Provided value") {
        (
            "input-value-not-allowed",
            format!(
                "Give {} one of the values that {workflow} at `{reference}` allows. An optional choice or boolean \
                 without a default must be given too.",
                input_named(message, " for input '")
            ),
        )
    } else if begins("inputs are too large") {
        (
            "inputs-too-large",
            "Send less: store large values elsewhere and pass a link to them.".to_owned(),
        )
    } else if begins("No more than") {
        ("too-many-inputs", inputs::ONE_INPUT_REMEDY.to_owned())
    } else if begins("Invalid Argument - failed to parse workflow") {
        (
            "workflow-file-invalid",
            format!("Correct the file {workflow} at `{reference}`."),
        )
    } else if begins("Cannot trigger a 'workflow_dispatch' on a disabled workflow") {
        (
            "workflow-disabled",
            format!("Enable {workflow} on the repository's Actions page."),
        )
    } else if begins("Actions has been disabled for this") {
        (
            "actions-disabled",
            "Enable Actions in the settings of the repository or organization.".to_owned(),
        )
    } else {
        request_refused()
    }
}

/// The input that GitHub's words name after this: `` `environment` ``.
fn input_named(message: &str, before: &str) -> String {
    let named = message
        .split(before)
        .nth(1)
        .and_then(|rest| rest.split_once('\''));
    match named {
        Some((name, _)) if !name.is_empty() => ["`", name, "`"].concat(),
        _ => "the input".to_owned(),
    }
}

/// The names in GitHub's list: `` `a`, `b` `` of `["a", "b"]`.
fn listed(message: &str) -> Option<String> {
    let list = message.split_once(": ")?.1;
    let names: Vec<String> = json::elements(list)?
        .iter()
        .map(|name| Some(["`", &json::as_string(name)?, "`"].concat()))
        .collect::<Option<_>>()?;
    (!names.is_empty()).then(|| names.join(", "))
}

fn request_refused() -> (&'static str, String) {
    (
        "request-refused",
        "See GitHub's words for what it does not accept.".to_owned(),
    )
}

/// GitHub's words.
struct Said {
    /// The field `message` alone, or the text of an answer that is not JSON.
    message: String,
    /// The message and what `errors` adds to it.
    full: String,
}

impl Said {
    fn by(response: &Response) -> Self {
        let text = String::from_utf8_lossy(&response.body);
        let body = Members::of(&text);
        let message = body
            .as_ref()
            .and_then(|body| json::as_string(body.get("message")?));
        let Some(message) = message else {
            let text = quoted(text.trim());
            let full = if text.is_empty() {
                "(no text)".to_owned()
            } else {
                text.clone()
            };
            return Self {
                message: text,
                full,
            };
        };
        let details = body
            .and_then(|body| body.get("errors").map(details))
            .unwrap_or_default();
        let full = if details.is_empty() {
            quoted(&message)
        } else {
            quoted(&[&message, " (", &details, ")"].concat())
        };
        Self { message, full }
    }
}

/// The text of `errors`, which is a text, or a list of texts or objects.
fn details(raw: &str) -> String {
    if let Some(text) = json::as_string(raw) {
        return text;
    }
    let items = json::elements(raw).unwrap_or_default();
    let texts: Vec<String> = items
        .iter()
        .map(|item| detail(item))
        .filter(|text| !text.is_empty())
        .collect();
    texts.join("; ")
}

/// One of `errors`: a text, or an object with a message or with what was wrong where.
fn detail(raw: &str) -> String {
    if let Some(text) = json::as_string(raw) {
        return text;
    }
    let Some(item) = Members::of(raw) else {
        return raw.to_owned();
    };
    let field = |key: &str| item.get(key).and_then(json::as_string);
    let parts = || {
        ["resource", "field", "code"]
            .into_iter()
            .filter_map(field)
            .collect::<Vec<_>>()
            .join(" ")
    };
    field("message").unwrap_or_else(parts)
}

fn quoted(text: &str) -> String {
    match text.char_indices().nth(MAX_QUOTE) {
        Some((at, _)) => [text.get(..at).unwrap_or_default(), "…"].concat(),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{NOW, answer, answer_with, refusal};

    const DISPATCH: Subject<'static> = Subject::Dispatch {
        workflow: "deploy.yml",
        reference: "main",
    };

    fn dispatch_code(status: u16, message: &str) -> String {
        let failure = failure_of(&DISPATCH, &refusal(status, message).unwrap(), NOW);
        assert_eq!(failure.kind, FailureKind::Rejected, "{message}");
        assert!(failure.request_sent);
        assert!(failure.message.contains(message) && failure.remedy.is_some());
        failure.code
    }

    #[test]
    fn every_refusal_of_a_dispatch_has_its_code() {
        for (status, message, code) in [
            (
                422,
                "Workflow does not have 'workflow_dispatch' trigger",
                "no-dispatch-trigger",
            ),
            (422, "No ref found for: main", "ref-not-found"),
            (
                422,
                "Unexpected inputs provided: [\"a\", \"b\"]",
                "unexpected-inputs",
            ),
            (
                422,
                "Required input 'environment' not provided",
                "required-input-missing",
            ),
            (
                422,
                "Provided value 'x' for input 'level' not in the list of allowed values",
                "input-value-not-allowed",
            ),
            (422, "inputs are too large.", "inputs-too-large"),
            (
                422,
                "Invalid Argument - failed to parse workflow: (Line: 1)",
                "workflow-file-invalid",
            ),
            (
                422,
                "Invalid request.\n\n\"ref\" wasn't supplied.",
                "request-refused",
            ),
            (
                422,
                "No more than 10 properties are allowed; 11 were supplied.",
                "too-many-inputs",
            ),
            (
                422,
                "Invalid request.\n\nNo more than 25 properties are allowed; 26 were supplied.",
                "too-many-inputs",
            ),
            (
                422,
                "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
                "workflow-disabled",
            ),
            (
                422,
                "Actions has been disabled for this repository.",
                "actions-disabled",
            ),
            (
                403,
                "Resource not accessible by integration",
                "permission-missing",
            ),
            (
                403,
                "Must have admin rights to Repository.",
                "permission-missing",
            ),
            (
                403,
                "Repository was archived so is read-only.",
                "repository-archived",
            ),
            (403, "This installation has been suspended", "app-suspended"),
            (404, "Not Found", "workflow-not-found"),
            (400, "Problems parsing JSON", "request-refused"),
            (418, "I'm a teapot", "request-refused"),
        ] {
            assert_eq!(dispatch_code(status, message), code, "{message}");
        }
    }

    #[test]
    fn the_missing_permission_is_named() {
        let response = answer_with(
            403,
            &[("X-Accepted-GitHub-Permissions", "actions=write")],
            r#"{"message":"Resource not accessible"}"#,
        );
        let failure = failure_of(&DISPATCH, &response.unwrap(), NOW);
        assert!(failure.remedy.unwrap().contains("`actions: write`"));
        let endless = "x".repeat(50_000);
        let fields = [("x-accepted-github-permissions", endless.as_str())];
        let failure = failure_of(&DISPATCH, &answer_with(403, &fields, "{}").unwrap(), NOW);
        assert!(failure.remedy.unwrap().len() < 2_000);
    }

    #[test]
    fn a_reset_at_the_end_of_time_is_the_longest_pause_whatever_the_clock_says() {
        let fields = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "18446744073709551615"),
        ];
        let response = answer_with(403, &fields, "{}").unwrap();
        for now in [0, 1, NOW] {
            assert_eq!(
                failure_of(&DISPATCH, &response, now).kind,
                FailureKind::RateLimited(Some(u32::MAX))
            );
        }
    }

    #[test]
    fn a_pause_is_read_from_retry_after_then_from_the_reset_and_never_made_up() {
        let limited_for = |status, headers: &[(&str, &str)], message: &str| {
            let body = format!("{{\"message\":\"{message}\"}}");
            let failure = failure_of(
                &DISPATCH,
                &answer_with(status, headers, &body).unwrap(),
                NOW,
            );
            (failure.kind, failure.request_sent)
        };
        let reset = (NOW + 100).to_string();
        let exhausted = [
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", reset.as_str()),
        ];
        for (kind, expected) in [
            (limited_for(429, &[("retry-after", "7")], ""), Some(7)),
            (limited_for(403, &[("retry-after", "7")], "x"), Some(7)),
            (
                limited_for(429, &[("retry-after", "Tue, 10 Mar 2026 12:00:30 GMT")], ""),
                Some(30),
            ),
            (
                limited_for(
                    403,
                    &exhausted,
                    "API rate limit exceeded for installation ID 1.",
                ),
                Some(101),
            ),
            (
                limited_for(
                    403,
                    &[],
                    "You have exceeded a secondary rate limit. Please wait",
                ),
                None,
            ),
            (limited_for(429, &[("retry-after", "soon")], ""), None),
        ] {
            assert_eq!(kind, (FailureKind::RateLimited(expected), true));
        }
    }

    #[test]
    fn a_403_without_marks_is_permission() {
        let response = answer_with(
            403,
            &[("x-ratelimit-remaining", "4999")],
            r#"{"message":"Forbidden"}"#,
        );
        assert_eq!(
            failure_of(&Subject::Runs, &response.unwrap(), NOW).code,
            "permission-missing"
        );
    }

    #[test]
    fn a_server_error_is_ambiguous_for_a_dispatch_and_unavailable_for_a_question() {
        for status in [500, 502, 503, 504, 408, 499] {
            let response = refusal(status, "Failed to run workflow dispatch").unwrap();
            let dispatch = failure_of(&DISPATCH, &response, NOW);
            assert_eq!(
                (dispatch.kind, dispatch.request_sent),
                (FailureKind::Ambiguous, true)
            );
            let question = failure_of(&Subject::Run, &response, NOW);
            assert_eq!(
                (question.kind, question.request_sent),
                (FailureKind::Unavailable, false)
            );
        }
    }

    #[test]
    fn github_s_own_words_and_errors_are_passed_on() {
        for (body, expected) in [
            (
                r#"{"message":"Bad Request","errors":"version"}"#,
                "GitHub answered 400: Bad Request (version)",
            ),
            (
                r#"{"message":"M","errors":["a",{"message":"b"},{"resource":"R","code":"c"},7]}"#,
                "GitHub answered 400: M (a; b; R c; 7)",
            ),
            (r#"{"message":"M","errors":{}}"#, "GitHub answered 400: M"),
            (
                "<html> no </html>\n",
                "GitHub answered 400: <html> no </html>",
            ),
            ("", "GitHub answered 400: (no text)"),
            (r#"{"message":5}"#, r#"GitHub answered 400: {"message":5}"#),
        ] {
            assert_eq!(
                failure_of(&DISPATCH, &answer(400, body).unwrap(), NOW).message,
                expected
            );
        }
        let long = failure_of(&DISPATCH, &answer(400, &"é".repeat(5000)).unwrap(), NOW).message;
        assert!(long.chars().count() < 1100 && long.ends_with('…'));
    }

    #[test]
    fn only_a_refusal_that_names_the_key_is_about_the_key() {
        let body = "Invalid request.\n\n\"return_run_details\" is not a permitted key.";
        assert!(names_run_details(&refusal(422, body).unwrap()));
        assert!(!names_run_details(
            &refusal(422, "No ref found for: x").unwrap()
        ));
        assert!(!names_run_details(&refusal(500, body).unwrap()));
    }
}
