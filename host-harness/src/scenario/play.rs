//! Playing a scenario: everything on one thread, in virtual time, over a network within the process.
//!
//! The runtime's time is paused, so it jumps to the next timer whenever nobody has anything left to do: an hour's wait
//! takes as long as an instant. That is right only because nothing waits for anything outside: there is no socket
//! ([`Network::in_process`]), no other thread ([`Runtime::on_this_thread`]), no disk (the journal is in memory). Chance
//! is drawn from the scenario's seed. So the order of everything depends on the scenario alone.

use super::call;
use super::chronicle::{Chronicle, Entry, What};
use super::error::ScenarioError;
use super::faults::{self, Armed, Outage, Services};
use super::judge::DELIVERIES;
use super::log;
use super::operation;
use super::real;
use super::schema::{Scenario, Side};
use super::steps::Story;
use super::suite::CALLS;
use super::tape::Requests;
use super::world::{SERVER, body};
use crate::chance::Seed;
use crate::clock::{self, Virtual};
use crate::egress::Clients;
use crate::engine::Plugin;
use crate::installation::Installation;
use crate::network::Network;
use crate::runtime::Runtime;
use crate::simulator::github;
use crate::simulator::port::RunView;
use crate::simulator::script::Script;
use crate::stage::{self, Stage, StageError};
use serde_json::Value;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::task::LocalSet;

/// What is to be seen after a scenario.
#[derive(Debug, Default)]
pub struct Played {
    /// Everything that has happened, in order.
    pub entries: Vec<Entry>,
    /// How long it took, in virtual time: until the call answered, or the last run ended.
    pub took: Duration,
    /// What the call gave.
    pub result: Option<Value>,
    /// The runs in Port, by the scenario's names for them.
    pub runs: Vec<(String, RunView)>,
    /// GitHub's runs.
    pub workflow_runs: Vec<github::RunView>,
    /// What a correct client never does.
    pub violations: Vec<String>,
    /// Whether the host was ready in the end.
    pub ready: Option<Result<(), String>>,
    /// What went wrong with the scenario itself: it hung, or a step could not be taken.
    pub troubles: Vec<String>,
}

/// When virtual time begins, unless the scenario says otherwise: a Thursday morning in winter, UTC.
const START: &str = "2026-01-15T10:00:00Z";
/// Most virtual time for a scenario, unless it says otherwise.
const LIMIT: Duration = Duration::from_secs(30 * 60);
/// How long the host is given to have nothing left to do after the last run has ended.
const REST: Duration = Duration::from_secs(15 * 60);
/// How long is waited for what should not come any more.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// Plays a scenario with a plugin.
///
/// # Errors
/// The scenario says something that makes no sense. Everything that the plugin or the host do wrong is in [`Played`].
pub fn play(
    scenario: &Scenario,
    plugin: &Plugin,
    requests: &Requests,
) -> Result<Played, ScenarioError> {
    if let (Requests::Recorded(tape), Some(call), Some(_)) =
        (requests, &scenario.call, &scenario.installation.token_env)
    {
        return real::record(scenario, call, plugin, tape);
    }
    for name in scenario.expect.counts.keys() {
        if !name.starts_with(DELIVERIES) {
            operation::named("expect.counts", name)?;
        }
    }
    let start = start(scenario, requests)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()?;
    let chronicle = Chronicle::default();
    let _log = log::listen(&chronicle);
    let _seed = Seed::plant(scenario.seed);
    let tasks = LocalSet::new();
    let playing = async {
        let _time = Virtual::begin(start);
        let played = Player::new(scenario, plugin, &chronicle, requests);
        let mut played = match &scenario.call {
            Some(call) => played.call(call).await?,
            None => played.lives().await?,
        };
        if let Requests::Replayed(replay) = requests {
            played.troubles.extend(replay.faults());
        }
        played.entries = chronicle.all();
        Ok(played)
    };
    let played = tasks.block_on(&runtime, playing);
    // Tasks that wait for ever (idle connections) end with their runtime.
    drop(tasks);
    runtime.shutdown_background();
    played
}

fn start(scenario: &Scenario, requests: &Requests) -> Result<SystemTime, ScenarioError> {
    if let Requests::Replayed(replay) = requests {
        // What was fresh then is to be fresh now.
        return Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(replay.began()));
    }
    let text = scenario.start.as_deref().unwrap_or(START);
    let time: Result<jiff::Timestamp, _> = text.parse();
    time.map(SystemTime::from)
        .map_err(|error| ScenarioError::senseless("start", error.to_string()))
}

/// One that plays a scenario.
pub(super) struct Player<'s> {
    pub(super) scenario: &'s Scenario,
    pub(super) plugin: &'s Plugin,
    pub(super) chronicle: &'s Chronicle,
    pub(super) network: Network,
    pub(super) requests: &'s Requests,
}

impl<'s> Player<'s> {
    fn new(
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

    /// Whole lives of runs, through a host.
    async fn lives(&self) -> Result<Played, ScenarioError> {
        let script = self.script().await?;
        let mut options = self.scenario.stage(&self.network, self.chronicle)?;
        faults::settings(&self.scenario.fault.0, &mut options.github)?;
        let role = self.scenario.role()?;
        let installation = role.id.clone();
        let api = options.github_through.clone();
        let stage = Stage::set(self.runtime(&installation), options).await?;
        self.record(|| {
            let api = api.unwrap_or_else(|| stage.github.api_url());
            stage::installation_at(&role, &stage.github, &api)
        })?;
        // The host's tasks have not run yet: nothing has been awaited since it started.
        self.scenario.furnish(&stage.github);
        self.scenario.furnish_port(&stage.port, &installation);
        let services = Services {
            github: stage.github.clone(),
            port: stage.port.clone(),
            script: script.clone(),
        };
        let faults = self.arm(&services)?;
        let mut played = Played::default();
        let mut story = Story::new(self, &services, installation)?;
        let limit = self.limit();
        if tokio::time::timeout(limit, story.tell(&mut played))
            .await
            .is_err()
        {
            played.troubles.push(story.still_waits(limit));
        }
        story.take_down(&mut played);
        played.took = self.took(&played);
        if self.scenario.until.is_none() {
            self.come_to_rest(&stage, &mut played).await;
        }
        story.take_down(&mut played);
        let idle = faults.iter().filter_map(Armed::never_struck);
        played.troubles.extend(idle);
        played.ready = Some(stage.host.readiness());
        played.workflow_runs = stage.github.runs();
        played.violations = stage.violations();
        let unforeseen = script.violations().into_iter();
        played
            .violations
            .extend(unforeseen.map(|what| format!("server: {what}")));
        stage.strike(Duration::ZERO).await;
        Ok(played)
    }

    fn took(&self, played: &Played) -> Duration {
        let base = clock::now() - clock::elapsed();
        let ends = played.runs.iter().map(|(_, run)| run.ended_at);
        // If one has not ended, what was waited for is not over.
        ends.collect::<Option<Vec<_>>>()
            .and_then(|ends| ends.into_iter().max())
            .and_then(|last| last.duration_since(base).ok())
            .filter(|_| self.scenario.until.is_none())
            .unwrap_or_else(clock::elapsed)
    }

    /// Waits until the host has nothing left to do, and then for what should not come any more.
    async fn come_to_rest(&self, stage: &Stage, played: &mut Played) {
        let lifecycle = stage.host.lifecycle();
        if tokio::time::timeout(REST, lifecycle.idle()).await.is_err() {
            let left = lifecycle.active();
            played.troubles.push(format!(
                "every run has ended in Port, and the host still works on {left} of them"
            ));
        }
        tokio::time::sleep(STRAGGLERS).await;
    }

    /// Notes a step in the chronicle.
    pub(super) fn note(&self, step: impl Into<String>) {
        self.chronicle.note(What::Step(step.into()));
    }

    async fn call(&self, said: &super::schema::Call) -> Result<Played, ScenarioError> {
        call::call(self, said).await
    }
}

async fn bring_about(services: Services, outage: Outage) {
    tokio::time::sleep(outage.from).await;
    services.set_reachable(outage.side, false);
    tokio::time::sleep(outage.lasting).await;
    services.set_reachable(outage.side, true);
}

/// A body of a delivery.
pub(super) fn payload(
    key: &str,
    json: Option<&Value>,
    text: Option<&String>,
    base64: Option<&String>,
) -> Result<Vec<u8>, ScenarioError> {
    body(key, json, text, base64).map(|(bytes, _)| bytes)
}
