//! Recording a call against a real server: in real time, over the machine's network, with a real credential.

use super::call::answer;
use super::chronicle::Chronicle;
use super::error::ScenarioError;
use super::played::Played;
use super::schema::{Call, Scenario, Side};
use super::tape::{CALLS, Requests, Tape};
use crate::contract;
use crate::credentials::Credential;
use crate::egress::{Clients, Exceptions, Origin, Policy};
use crate::engine::Plugin;
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use secrecy::SecretString;
use std::sync::Arc;
use tokio::task::LocalSet;

/// Makes the call of a scenario against the server that it names, and records it.
///
/// # Errors
/// The scenario names no server, or there is no token.
pub(super) fn record(
    scenario: &Scenario,
    call: &Call,
    plugin: &Plugin,
    tape: &Tape,
) -> Result<Played, ScenarioError> {
    let installation = Arc::new(installation(scenario)?);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let tasks = LocalSet::new();
    let calling = async {
        tape.begin(installation.clone());
        let chronicle = Chronicle::default();
        let about = (installation.id().to_owned(), &chronicle, Side::Server);
        let requests = Requests::Recorded(tape.clone());
        let runtime = requests.runtime(plugin, Clients::default(), CALLS, about);
        let result = answer(runtime, installation, call).await?;
        Ok(Played {
            result: Some(result),
            ..Played::default()
        })
    };
    let played = tasks.block_on(&runtime, calling);
    drop(tasks);
    runtime.shutdown_background();
    played
}

fn installation(scenario: &Scenario) -> Result<Installation, ScenarioError> {
    let said = &scenario.installation;
    let needed = |key: &str, value: &Option<String>| {
        let reason = "a recording of a real server needs `api-url` and `token-env`";
        value
            .clone()
            .ok_or_else(|| ScenarioError::senseless(format!("installation.{key}"), reason))
    };
    let api_url = needed("api-url", &said.api_url)?;
    let variable = needed("token-env", &said.token_env)?;
    let token = std::env::var(&variable).map_err(|error| {
        ScenarioError::senseless("installation.token-env", format!("{variable}: {error}"))
    })?;
    let wrong = |error: &dyn std::fmt::Display| {
        ScenarioError::senseless("installation.api-url", error.to_string())
    };
    let uri: http::Uri = api_url.parse().map_err(|error| wrong(&error))?;
    let origin = Origin::of(&uri).map_err(|error| wrong(&error))?;
    let role = scenario.role()?;
    let public = contract::Installation {
        id: role.id,
        hosting: role.hosting,
        organization: role.organization,
        api_url,
        live_events: role.live_events,
        settings: role.settings,
    };
    let credential = Credential::Token(SecretString::from(token));
    let policy = Policy::only(origin);
    // Who records may well record a server on the same machine.
    Ok(
        Installation::new(public, policy, credential, WebhookSecret::Missing)
            .with_exceptions(Exceptions::loopback())
            .with_limits(role.limits),
    )
}
