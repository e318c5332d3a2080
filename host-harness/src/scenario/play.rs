//! Playing a scenario: everything on one thread, in virtual time, over a network within the process.
//!
//! The runtime's time is paused, so it jumps to the next timer whenever nobody has anything left to do: an hour's wait
//! takes as long as an instant. That is right only because nothing waits for anything outside: there is no socket
//! ([`Network::in_process`](crate::network::Network::in_process)), no other thread ([`Runtime::on_this_thread`](crate::runtime::Runtime::on_this_thread)), no disk (the journal is in memory). Chance
//! is drawn from the scenario's seed. So the order of everything depends on the scenario alone.

use super::chronicle::Chronicle;
use super::error::ScenarioError;
use super::played::Played;
use super::player::Player;
use super::schema::Scenario;
use super::tape::Requests;
use super::{call, life, log, operation, real};
use crate::chance::Seed;
use crate::clock::Virtual;
use crate::engine::Plugin;
use std::time::{Duration, SystemTime};
use tokio::task::LocalSet;

/// When virtual time begins, unless the scenario says otherwise: a Thursday morning in winter, UTC.
const START: &str = "2026-01-15T10:00:00Z";
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
        if !name.starts_with(operation::DELIVERIES) {
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
        let player = Player::new(scenario, plugin, &chronicle, requests);
        let mut played = match &scenario.call {
            Some(said) => call::call(&player, said).await?,
            None => life::lives(&player).await?,
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
