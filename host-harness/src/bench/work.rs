//! The work that everybody does: one run, and what the server answers.

use super::BenchError;
use crate::contract::{self, Attempt, Hosting, Run, RunKind};
use crate::credentials::Credential;
use crate::egress::{Exceptions, Origin, Permits, Policy};
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use secrecy::SecretString;

/// Id of the run in Port.
pub(super) const RUN: &str = "r_Qm9KzL4xTb2pVn8s";
/// The external id that a dispatch has to find.
pub(super) const EXTERNAL: &str = "gh_41000001_500000002_20000000014";
/// The credential.
pub(super) const TOKEN: &str = "ghs_0123456789abcdefghijklmnopqrstuvwxyz";
/// Where the repository is.
pub(super) const REPOSITORY_PATH: &str = "/repos/acme/shop";
/// Where its workflow is started.
pub(super) const DISPATCH_PATH: &str = "/repos/acme/shop/actions/workflows/deploy.yml/dispatches";

/// The run.
pub(super) fn run() -> Run {
    Run {
        id: RUN.to_owned(),
        kind: RunKind::Action,
        action_type: "dispatch_workflow".to_owned(),
        properties: r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"staging","version":"1.27.3","replicas":3,"port_context":{"entity":"shop","by":"ada@acme.example"}},"reportWorkflowStatus":true}"#.to_owned(),
    }
}

/// Its first attempt.
pub(super) fn attempt() -> Attempt {
    Attempt {
        number: 1,
        first_began: 1_774_000_000_000,
        taken: vec![],
    }
}

/// The installation, whose API is there.
pub(super) fn installation(api_url: &str) -> Result<Installation, BenchError> {
    let build = || -> Result<Installation, String> {
        let uri: http::Uri = api_url.parse().map_err(|error| format!("{error}"))?;
        let origin = Origin::of(&uri).map_err(|error| error.to_string())?;
        let public = contract::Installation {
            id: "bench".to_owned(),
            hosting: Hosting::SelfHosted,
            organization: None,
            api_url: api_url.to_owned(),
            live_events: true,
            settings: "{}".to_owned(),
        };
        Ok(Installation::new(
            public,
            Policy::only(origin),
            Credential::Token(SecretString::from(TOKEN)),
            WebhookSecret::Verify(SecretString::from(SECRET)),
        )
        .with_exceptions(Exceptions::loopback())
        // As a customer who sets what is not the network's: no request waits for room.
        .with_permits(Permits::new(2_000)))
    };
    build().map_err(BenchError::setup("the installation"))
}

/// What deliveries are signed with.
pub(super) const SECRET: &str = "a secret of the benchmark";
