//! Port: can it be reached, does it know these credentials, and does it hand runs to this integration?

use super::finding::{Change, Finding, skipped};
use crate::port::{Client, Error, IntegrationPatch, TokenOwner};

const REACHABLE: &str = "port.reachable";
const CREDENTIALS: &str = "port.credentials";
const MACHINE: &str = "port.machine";
const INTEGRATION: &str = "port.integration";
const PROCESSING: &str = "port.action-processing";

/// Everything that is asked of Port.
pub(super) const CHECKS: [&str; 5] = [REACHABLE, CREDENTIALS, MACHINE, INTEGRATION, PROCESSING];

/// What there is to say about Port, and whether action processing can be switched on.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) findings: Vec<Finding>,
    pub(super) is_switched_off: bool,
}

/// Looks at Port for the integration `id`; `base_url` is for the texts.
pub(super) async fn examine(client: &Client, base_url: &str, id: &str) -> Seen {
    let owner = match client.token_owner().await {
        Ok(owner) => owner,
        Err(error) => return without_token(&error, base_url),
    };
    let mut findings = vec![
        Finding::ok(REACHABLE, format!("{base_url} answers")),
        Finding::ok(CREDENTIALS, "Port accepts client id and secret"),
        machine(owner),
    ];
    let integration = client.integration(id).await;
    let processing = integration.map(|it| it.actions_processing_enabled == Some(true));
    let is_switched_off = matches!(processing, Ok(false));
    findings.extend(judged(processing, id));
    Seen {
        findings,
        is_switched_off,
    }
}

/// Has Port hand out runs.
pub(super) async fn switch_on(client: &Client, id: &str) -> Change {
    let patch = IntegrationPatch {
        actions_processing_enabled: Some(true),
        ..IntegrationPatch::default()
    };
    let failed = client.patch_integration(id, &patch).await.err();
    Change {
        what: format!("switched action processing on for the integration {id:?} in Port"),
        failed: failed.map(|error| error.to_string()),
    }
}

fn without_token(error: &Error, base_url: &str) -> Seen {
    let mut findings = match error {
        Error::Unauthorized { .. } => vec![
            Finding::ok(REACHABLE, format!("{base_url} answers")),
            Finding::wrong(
                CREDENTIALS,
                error.to_string(),
                "set port.client-id and port.client-secret to those that Port shows under Credentials",
            ),
        ],
        Error::Unavailable { .. } => vec![Finding::wrong(
            REACHABLE,
            error.to_string(),
            "wait for Port, and look at its status page",
        )],
        _ => vec![Finding::wrong(
            REACHABLE,
            error.to_string(),
            "check port.base-url (https://api.getport.io, or https://api.us.getport.io), the name service, and the \
             firewall",
        )],
    };
    let rest = CHECKS.get(findings.len()..).unwrap_or_default();
    let because_of = CHECKS.get(findings.len() - 1).copied();
    findings.extend(skipped(rest, because_of.unwrap_or_default()));
    Seen {
        findings,
        is_switched_off: false,
    }
}

fn machine(owner: TokenOwner) -> Finding {
    match owner {
        TokenOwner::Machine => Finding::ok(MACHINE, "the credentials are a machine's"),
        TokenOwner::Person => Finding::wrong(
            MACHINE,
            "the credentials are a person's, and Port hands runs out to machines only: every claim comes back empty",
            "use the client id and secret of the organization",
        ),
        TokenOwner::Unknown => Finding::not_known(
            MACHINE,
            "Port's token does not say whose it is",
            "see whether a run is claimed; if not, use the client id and secret of the organization",
        ),
    }
}

/// What Port's answer about the integration means; true: action processing is on.
fn judged(processing: Result<bool, Error>, id: &str) -> Vec<Finding> {
    let known = || Finding::ok(INTEGRATION, format!("Port knows the integration {id:?}"));
    match processing {
        Ok(true) => vec![known(), Finding::ok(PROCESSING, "it is on")],
        Ok(false) => vec![
            known(),
            Finding::wrong(
                PROCESSING,
                "it is off: Port offers this integration to no action, and hands no runs out",
                "run this again with --fix",
            ),
        ],
        Err(Error::Refused { status: 404, .. }) => {
            let mut findings = vec![Finding::wrong(
                INTEGRATION,
                format!("Port knows no integration {id:?}"),
                "set `id` to the identifier that Port shows under Data sources, or install the integration there first",
            )];
            findings.extend(skipped(&[PROCESSING], INTEGRATION));
            findings
        }
        Err(error) => {
            let mut findings = vec![Finding::not_known(
                INTEGRATION,
                error.to_string(),
                "run this again",
            )];
            findings.extend(skipped(&[PROCESSING], INTEGRATION));
            findings
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use crate::port::Call;

    fn call() -> Call {
        Call {
            method: http::Method::POST,
            path: "/v1/auth/access_token".to_owned(),
        }
    }

    fn states(findings: &[Finding]) -> Vec<(&str, State)> {
        findings.iter().map(|it| (it.check, it.state)).collect()
    }

    #[test]
    fn every_check_is_told_of_whatever_fails_first() {
        for error in [
            Error::Unreachable {
                call: call(),
                reason: "refused".to_owned(),
            },
            Error::Unauthorized {
                call: call(),
                message: "no".to_owned(),
            },
            Error::Unavailable {
                call: call(),
                status: 503,
                retry_after: None,
                message: "later".to_owned(),
            },
        ] {
            let seen = without_token(&error, "https://port.example");
            let checks: Vec<&str> = seen.findings.iter().map(|it| it.check).collect();
            assert_eq!(checks, CHECKS, "{error}");
            let wrong = seen.findings.iter().filter(|it| it.state == State::Wrong);
            assert_eq!(wrong.count(), 1, "{error}");
        }
    }

    #[test]
    fn an_integration_that_port_cannot_show_now_is_not_known() {
        let error = Error::Unavailable {
            call: call(),
            status: 503,
            retry_after: None,
            message: "later".to_owned(),
        };
        assert_eq!(
            states(&judged(Err(error), "acme")),
            [
                (INTEGRATION, State::NotKnown),
                (PROCESSING, State::NotKnown)
            ]
        );
    }

    #[test]
    fn a_token_that_says_nothing_is_no_reason_to_call_it_wrong() {
        assert_eq!(machine(TokenOwner::Unknown).state, State::NotKnown);
    }
}
