//! How a run stands, asked from GitHub: the way when deliveries are late, lost, switched off or unclear.

use crate::contract::ocean::integration_action::types::{
    Change, Failure, FailureKind, Installation, Run, RunUpdate,
};
use crate::github::{GitHub, Subject, WorkflowRun, parse, run_path};
use crate::host::Host;
use crate::names::ExternalId;
use crate::{conclusion, explain, properties};

/// Asks GitHub how a run stands.
///
/// # Errors
/// `invalid-external-run-id`, what [`properties::place`] refuses, `unclear-conclusion`, and what went wrong with the
/// question. A run
/// that GitHub does not show is `run-not-found` of the kind `unavailable`: right after its start that passes.
pub fn check(
    host: &dyn Host,
    installation: &Installation,
    run: &Run,
    external: &str,
) -> Result<Vec<RunUpdate>, Failure> {
    let id = ExternalId::parse(external).ok_or_else(|| invalid_external_id(external))?;
    let (owner, repository) = properties::place(installation, run)?;
    let github = GitHub::of(host, installation)?;
    let (update, is_completed) = read(&github, &owner, &repository, id)?;
    if is_completed && matches!(update.change, Change::Progress(_)) {
        return Err(unclear());
    }
    Ok(vec![update])
}

/// GitHub says that the run has ended, in a word that nobody here knows. Not news: the host would ask for ever.
fn unclear() -> Failure {
    Failure::new(
        FailureKind::Internal,
        "unclear-conclusion",
        "GitHub says that the run has completed, and how it did in a word that this plugin does not know.",
    )
    .with_remedy("Look at the run on GitHub; a newer version of the plugin may know the word.")
}

/// The state of a run as GitHub tells it now.
///
/// # Errors
/// As [`check`].
pub fn state_of(
    github: &GitHub<'_>,
    owner: &str,
    repository: &str,
    id: ExternalId,
) -> Result<RunUpdate, Failure> {
    read(github, owner, repository, id).map(|(update, _)| update)
}

/// The state of a run, and whether it has completed.
fn read(
    github: &GitHub<'_>,
    owner: &str,
    repository: &str,
    id: ExternalId,
) -> Result<(RunUpdate, bool), Failure> {
    let path = [
        &run_path(owner, repository, id.run),
        "?exclude_pull_requests=true",
    ]
    .concat();
    let response = github.read(&Subject::Run, &path, true).map_err(not_yet)?;
    let run: WorkflowRun<'_> = parse(&response)?;
    let status = run.status.as_deref().unwrap_or_default();
    let end = if status == "completed" {
        conclusion::completion(&run)
    } else {
        None
    };
    let change = match end {
        Some(end) => explain::completed(github, owner, repository, &run, end),
        None => conclusion::progress(conclusion::status_label(status), None),
    };
    let update = RunUpdate {
        external_run_id: id.to_string(),
        attempt: run.attempt(),
        change,
    };
    Ok((update, status == "completed"))
}

/// GitHub may not show a run in the first seconds of its life.
fn not_yet(failure: Failure) -> Failure {
    if failure.code != "run-not-found" {
        return failure;
    }
    Failure {
        kind: FailureKind::Unavailable,
        message: [
            "GitHub does not show the run, or not yet. ",
            &failure.message,
        ]
        .concat(),
        ..failure
    }
}

/// The failure for an id that this plugin has not given out.
#[must_use]
pub fn invalid_external_id(external: &str) -> Failure {
    let shown: String = external.chars().take(250).collect();
    Failure::invalid(
        "invalid-external-run-id",
        format!("`{shown}` is not the id of a GitHub workflow run."),
        "Use the id that the dispatch gave: gh_{owner id}_{repository id}_{run id}.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ocean::integration_action::types::{Change, Outcome};
    use crate::script::{Script, answer, deploy, installation, refusal};

    const ID: &str = "gh_11_22_33";

    fn checked(
        answers: Vec<Result<crate::host::Response, crate::host::TransportError>>,
    ) -> (Result<Vec<RunUpdate>, Failure>, Script) {
        let host = Script::of(answers);
        (check(&host, &installation(), &deploy(), ID), host)
    }

    fn state(status: &str, conclusion: &str) -> Change {
        let body =
            format!(r#"{{"id":33,"run_attempt":2,"status":"{status}","conclusion":{conclusion}}}"#);
        let updates = checked(vec![answer(200, &body)]).0.unwrap();
        assert_eq!(
            (
                updates.len(),
                updates[0].attempt,
                updates[0].external_run_id.as_str()
            ),
            (1, 2, ID)
        );
        updates[0].change.clone()
    }

    fn label(change: Change) -> Option<String> {
        match change {
            Change::Progress(progress) => progress.label,
            Change::Completed(end) => panic!("{end:?}"),
        }
    }

    #[test]
    fn a_run_that_goes_on_has_a_label() {
        assert_eq!(label(state("queued", "null")).as_deref(), Some("Queued"));
        assert_eq!(
            label(state("waiting", "null")).as_deref(),
            Some("Waiting for approval")
        );
        assert_eq!(
            label(state("in_progress", "null")).as_deref(),
            Some("Running")
        );
        assert_eq!(label(state("dreaming", "null")), None);
    }

    #[test]
    fn a_run_that_has_ended_is_completed_and_an_unclear_end_is_not() {
        let Change::Completed(end) = state("completed", "\"success\"") else {
            panic!("not completed")
        };
        assert_eq!(end.outcome, Outcome::Success);
        for unclear in ["null", "\"exploded\""] {
            let body = format!(r#"{{"id":33,"status":"completed","conclusion":{unclear}}}"#);
            let failure = checked(vec![answer(200, &body)]).0.unwrap_err();
            assert_eq!(failure.code, "unclear-conclusion", "{unclear}");
        }
        assert_eq!(
            label(state("in_progress", "\"success\"")).as_deref(),
            Some("Running")
        );
    }

    #[test]
    fn the_question_is_asked_by_name_and_number_past_caches() {
        let (_, host) = checked(vec![answer(200, r#"{"id":33,"status":"queued"}"#)]);
        assert_eq!(
            host.asked(),
            ["GET /repos/acme/shop/actions/runs/33?exclude_pull_requests=true"]
        );
        assert!(
            host.requests.borrow()[0]
                .headers
                .contains(&("cache-control", "no-cache".into()))
        );
    }

    #[test]
    fn a_run_that_github_does_not_show_may_come() {
        let failure = checked(vec![refusal(404, "Not Found")]).0.unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Unavailable, "run-not-found")
        );
    }

    #[test]
    fn a_foreign_id_is_refused_without_a_request() {
        let host = Script::default();
        for id in ["", "33", "gl_1_2_3", "gh_1_2_3/../4"] {
            let failure = check(&host, &installation(), &deploy(), id).unwrap_err();
            assert_eq!(failure.code, "invalid-external-run-id");
        }
    }
}
