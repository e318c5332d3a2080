//! From what a scenario says about its installations to the roles of a stage.

use super::error::ScenarioError;
use super::schema::{self, CredentialWord, HostingWord, Scenario};
use super::world::PERSON;
use crate::contract::Hosting;
use crate::lifecycle::Rules;
use crate::stage::{Role, Sends, WEBHOOK_SECRET};
use serde_json::Value;
use std::path::Path;

/// The installation's id where a scenario says none.
const MAIN: &str = "acme";
/// The token of an installation that may only read.
const READ_ONLY: &str = "ghs_may_only_read_0123456789abcdefghij";

impl Scenario {
    /// The id of the installation that runs and deliveries belong to unless they say otherwise.
    pub(super) fn main(&self) -> &str {
        self.installation.id.as_deref().unwrap_or(MAIN)
    }

    /// The installation.
    pub(super) fn role(&self) -> Result<Role, ScenarioError> {
        self.play(&self.installation)
    }

    /// All installations, each of the others with a token and a webhook secret of its own.
    pub(super) fn roles(&self) -> Result<Vec<Role>, ScenarioError> {
        let mut roles = vec![self.role()?];
        for said in &self.another_installation {
            let role = self.play(said)?;
            let sends = match role.sends {
                Sends::SimulatorsToken => {
                    Sends::Token(format!("ghs_of_the_installation_{}", role.id))
                }
                sends => sends,
            };
            let webhook_secret = webhook_secret(&role.id);
            roles.push(Role {
                sends,
                webhook_secret,
                ..role
            });
        }
        Ok(roles)
    }

    /// What an installation's deliveries are signed with.
    pub(super) fn secret_of(&self, installation: &str) -> String {
        let mut others = self.another_installation.iter();
        if others.any(|it| it.id.as_deref() == Some(installation)) {
            webhook_secret(installation)
        } else {
            WEBHOOK_SECRET.to_owned()
        }
    }

    fn play(&self, said: &schema::Installation) -> Result<Role, ScenarioError> {
        let limits = said.limits.0;
        let limits = limits.resolve(Path::new("installation"), "limits")?;
        let settings = Value::Object(said.settings.clone().into_iter().collect());
        let machine = self.port.machine_token.unwrap_or(true);
        Ok(Role {
            id: said.id.clone().unwrap_or_else(|| MAIN.to_owned()),
            hosting: match said.hosting {
                HostingWord::SelfHosted => Hosting::SelfHosted,
                HostingWord::HostedByPort => Hosting::HostedByPort,
            },
            organization: said.organization.clone(),
            live_events: said.live_events.unwrap_or(true),
            settings: settings.to_string(),
            sends: match said.credential {
                CredentialWord::Token => Sends::SimulatorsToken,
                CredentialWord::ReadOnlyToken => Sends::ReadOnlyToken(READ_ONLY.to_owned()),
                CredentialWord::App => Sends::AsApp,
                CredentialWord::None => Sends::Nothing,
            },
            limits,
            rules: Some(rules(&said.rules)),
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            port_client: (!machine).then(|| (PERSON.0.to_owned(), PERSON.1.to_owned())),
        })
    }
}

/// The webhook secret of an installation beside the main one.
fn webhook_secret(installation: &str) -> String {
    format!("a secret of {installation}")
}

fn rules(said: &schema::RulesTable) -> Rules {
    let default = Rules::default();
    Rules {
        first_check: said.first_check.map_or(default.first_check, |time| time.0),
        longest_check: said
            .longest_check
            .map_or(default.longest_check, |time| time.0),
        max_run: said.max_run.map(|time| time.0),
        failure_grace: said.failure_grace.map(|time| time.0),
        cancel_with_port: said.cancel_with_port,
        limit_pause: said.limit_pause.map_or(default.limit_pause, |time| time.0),
    }
}
