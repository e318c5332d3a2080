//! Stopping a run.

use crate::check::invalid_external_id;
use crate::contract::ocean::integration_action::types::{Failure, Installation, Run};
use crate::github::{GitHub, Subject, failure_of, run_path, unreached};
use crate::host::{Host, Method};
use crate::names::ExternalId;
use crate::properties;

/// Asks GitHub to stop a run. Asking twice does no harm, so a lost answer is `unavailable`, not `ambiguous`.
///
/// # Errors
/// `already-completed`, `run-not-found`, and what else GitHub refuses.
pub fn cancel(
    host: &dyn Host,
    installation: &Installation,
    run: &Run,
    external: &str,
) -> Result<(), Failure> {
    let id = ExternalId::parse(external).ok_or_else(|| invalid_external_id(external))?;
    let (owner, repository) = properties::place(installation, run)?;
    let github = GitHub::of(host, installation)?;
    let path = [&run_path(&owner, &repository, id.run), "/cancel"].concat();
    let response = github
        .exchange(Method::Post, &path, false, None)
        .map_err(|error| unreached(&error))?;
    match response.status {
        200..=299 => Ok(()),
        _ => Err(failure_of(
            &Subject::Cancel,
            &response,
            github.now(&response),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::ocean::integration_action::types::FailureKind;
    use crate::host::TransportError;
    use crate::script::{Script, answer, deploy, installation, refusal};

    #[test]
    fn a_run_is_cancelled_by_its_number() {
        let host = Script::of([answer(202, "{}")]);
        assert_eq!(
            cancel(&host, &installation(), &deploy(), "gh_11_22_33"),
            Ok(())
        );
        assert_eq!(
            host.asked(),
            ["POST /repos/acme/shop/actions/runs/33/cancel"]
        );
        assert_eq!(host.requests.borrow()[0].body, None);
    }

    #[test]
    fn what_cannot_be_cancelled_says_why() {
        for (answer, kind, code) in [
            (
                refusal(409, "Cannot cancel a workflow run that is completed."),
                FailureKind::Rejected,
                "already-completed",
            ),
            (
                refusal(404, "Not Found"),
                FailureKind::Rejected,
                "run-not-found",
            ),
            (
                refusal(403, "Resource not accessible by integration"),
                FailureKind::Rejected,
                "permission-missing",
            ),
            (refusal(502, "x"), FailureKind::Unavailable, "server-error"),
            (
                Err(TransportError::Unknown("x".into())),
                FailureKind::Unavailable,
                "not-reached",
            ),
        ] {
            let host = Script::of([answer]);
            let failure = cancel(&host, &installation(), &deploy(), "gh_11_22_33").unwrap_err();
            assert_eq!(
                (failure.kind, failure.code.as_str(), failure.request_sent),
                (kind, code, false)
            );
        }
    }
}
