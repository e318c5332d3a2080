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
use super::schema::{Scenario, told};
use super::tape::Requests;
use super::{call, life, log, real, sense};
use crate::chance::Seed;
use crate::clock::{self, Virtual};
use crate::engine::Plugin;
use std::time::{Duration, SystemTime};
use tokio::task::LocalSet;

/// When virtual time may begin: HTTP has no dates before 1970, and a scenario needs room behind it.
const YEARS: std::ops::Range<i64> = 0..7_258_118_400;

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
    sense::check(scenario, requests)?;
    if let (Requests::Recorded(tape), Some(call), Some(_)) =
        (requests, &scenario.call, &scenario.installation.token_env)
    {
        return real::record(scenario, call, plugin, tape);
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
        let playing = async {
            match &scenario.call {
                Some(said) => call::call(&player, said).await,
                None => life::lives(&player).await,
            }
        };
        let mut played = tokio::select! {
            biased;
            played = playing => played?,
            told = overtime() => Played {
                troubles: vec![told],
                ..Played::default()
            },
        };
        played.troubles.extend(log::panics());
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

/// Most real time that a scenario may take. One that takes as long as this is one that does not end.
const REAL_LIMIT: Duration = Duration::from_secs(20);
/// How often that is looked at, in virtual time.
const LOOK: Duration = Duration::from_secs(60);

/// Ends when the scenario has taken too long.
async fn overtime() -> String {
    let began = std::time::Instant::now();
    while began.elapsed() < REAL_LIMIT {
        tokio::time::sleep(LOOK).await;
    }
    format!(
        "it has taken {} of real time for {} of virtual time: let less happen in it (`port.poll-interval`, `limit`)",
        told(REAL_LIMIT),
        told(clock::elapsed())
    )
}

fn start(scenario: &Scenario, requests: &Requests) -> Result<SystemTime, ScenarioError> {
    if let Requests::Replayed(replay) = requests {
        // What was fresh then is to be fresh now.
        return Ok(SystemTime::UNIX_EPOCH + Duration::from_millis(replay.began()));
    }
    let text = scenario.start.as_deref().unwrap_or(START);
    let time: Option<jiff::Timestamp> = text.parse().ok();
    time.filter(|time| YEARS.contains(&time.as_second()))
        .map(SystemTime::from)
        .ok_or_else(|| {
            let reason = format!("{text:?} is no moment between 1970 and 2200, such as {START:?}");
            ScenarioError::senseless("start", reason)
        })
}
