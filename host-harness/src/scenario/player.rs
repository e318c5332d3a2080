//! What every play of a scenario has: its network, its chronicle, where requests go, what goes wrong.

use super::chronicle::{Chronicle, What};
use super::deliver::{Mail, Post};
use super::error::ScenarioError;
use super::faults::{Armed, Outage, Services};
use super::schema::{Scenario, Side};
use super::tape::{CALLS, Requests};
use super::world::SERVER;
use crate::egress::Clients;
use crate::engine::Plugin;
use crate::installation::Installation;
use crate::network::Network;
use crate::runtime::Runtime;
use crate::simulator::script::Script;
use crate::stage::StageError;
use std::sync::Arc;
use std::time::Duration;

/// Most virtual time for a scenario, unless it says otherwise.
const LIMIT: Duration = Duration::from_secs(30 * 60);

/// One that plays a scenario.
pub(super) struct Player<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) plugin: &'s Plugin,
    pub(super) chronicle: &'s Chronicle,
    pub(super) network: Network,
    pub(super) requests: &'s Requests,
}

impl<'s> Player<'s> {
    pub(super) fn new(
        scenario: &'s Scenario,
        plugin: &'s Plugin,
        chronicle: &'s Chronicle,
        requests: &'s Requests,
    ) -> Player<'s> {
        Player {
            scenario,
            plugin,
            chronicle,
            network: Network::in_process(),
            requests,
        }
    }

    pub(super) fn runtime(&self, installation: &str) -> Runtime {
        let side = if self.scenario.has_github() {
            Side::GitHub
        } else {
            Side::Server
        };
        let about = (installation.to_owned(), self.chronicle, side);
        let clients = Clients::on(self.network.clone());
        self.requests.runtime(self.plugin, clients, CALLS, about)
    }

    /// Begins the recording, if there is one.
    pub(super) fn record(
        &self,
        installation: impl FnOnce() -> Result<Installation, StageError>,
    ) -> Result<(), ScenarioError> {
        if let Requests::Recorded(tape) = self.requests {
            tape.begin(Arc::new(installation()?));
        }
        Ok(())
    }

    pub(super) fn limit(&self) -> Duration {
        self.scenario.limit.map_or(LIMIT, |limit| limit.0)
    }

    /// The scripted server, which is there even when nobody asks it anything.
    pub(super) async fn script(&self) -> Result<Script, ScenarioError> {
        let lines = self.scenario.lines()?;
        let witness = self.chronicle.witness();
        Ok(Script::start(&self.network, SERVER, lines, witness).await?)
    }

    /// Puts all faults in, and lets outages come.
    pub(super) fn arm(&self, services: &Services) -> Result<Vec<Armed>, ScenarioError> {
        let mut all = Vec::new();
        for (number, fault) in self.scenario.fault.0.iter().enumerate() {
            let armed = services.arm(number, fault)?;
            for outage in &armed.outages {
                tokio::task::spawn_local(bring_about(services.clone(), *outage));
            }
            all.push(armed);
        }
        Ok(all)
    }

    /// Whether requests are answered out of a recording, and not by worlds.
    pub(super) fn replays(&self) -> bool {
        matches!(self.requests, Requests::Replayed(_))
    }

    /// Has the deliveries of a recording come again, each at its time.
    pub(super) fn post_again(&self) {
        let Requests::Replayed(replay) = self.requests else {
            return;
        };
        let webhooks = self.plugin.manifest().webhooks.clone();
        let post = Post::new(self.network.clone(), webhooks);
        let deliveries = replay.deliveries().iter();
        let mail: Vec<(Duration, Mail)> = deliveries
            .map(|it| (it.at, Mail::again(it, self.scenario)))
            .collect();
        let chronicle = self.chronicle.clone();
        let began = tokio::time::Instant::now();
        tokio::task::spawn_local(async move {
            for (at, mail) in mail {
                tokio::time::sleep_until(began + at).await;
                // What does not arrive is missed by the run that it is about.
                if let Ok(status) = post.send(&mail).await {
                    chronicle.note(What::Delivered(mail.event, status));
                }
            }
        });
    }

    /// Notes a step in the chronicle.
    pub(super) fn note(&self, step: impl Into<String>) {
        self.chronicle.note(What::Step(step.into()));
    }
}

async fn bring_about(services: Services, outage: Outage) {
    tokio::time::sleep(outage.from).await;
    services.set_reachable(outage.side, false);
    tokio::time::sleep(outage.lasting).await;
    services.set_reachable(outage.side, true);
}
