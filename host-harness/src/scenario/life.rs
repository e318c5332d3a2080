//! Whole lives of runs: a simulated Port, the server, and a real host between them.

use super::error::ScenarioError;
use super::faults::{self, Services};
use super::played::Played;
use super::player::Player;
use super::schema::Scenario;
use super::steps::Story;
use crate::clock;
use crate::stage::{self, Stage};
use std::time::Duration;

/// How long the host is given to have nothing left to do after the last run has ended.
const REST: Duration = Duration::from_secs(15 * 60);
/// How long is waited for what should not come any more.
const STRAGGLERS: Duration = Duration::from_secs(2);

/// Carries the runs of a scenario to their ends.
pub(super) async fn lives(player: &Player<'_>) -> Result<Played, ScenarioError> {
    let scenario = player.scenario;
    let script = player.script().await?;
    let mut options = scenario.stage(&player.network, player.chronicle)?;
    faults::settings(&scenario.fault.0, &mut options.github)?;
    let role = scenario.role()?;
    let installation = role.id.clone();
    let api = options.github_through.clone();
    let stage = Stage::set(player.runtime(&installation), options).await?;
    player.record(|| {
        let api = api.unwrap_or_else(|| stage.github.api_url());
        stage::installation_at(&role, &stage.github, &api)
    })?;
    // The host's tasks have not run yet: nothing has been awaited since it started.
    scenario.furnish(&stage.github);
    scenario.furnish_port(&stage.port, &installation);
    let services = Services {
        github: stage.github.clone(),
        port: stage.port.clone(),
        script: script.clone(),
    };
    let faults = player.arm(&services)?;
    player.post_again();
    let mut played = Played::default();
    let mut story = Story::new(player, &services);
    let limit = player.limit();
    if tokio::time::timeout(limit, story.tell(&mut played))
        .await
        .is_err()
    {
        played.troubles.push(story.still_waits(limit));
    }
    story.take_down(&mut played);
    played.took = took(scenario, &played);
    if scenario.until.is_none() && played.troubles.is_empty() {
        come_to_rest(&stage, &mut played).await;
    }
    story.take_down(&mut played);
    // What went wrong at a server that is replayed is in the recording.
    let armed = faults.iter().zip(&scenario.fault.0);
    let can_strike = armed.filter(|(_, fault)| !player.replays() || fault.is_about_port());
    let idle = can_strike.filter_map(|(armed, _)| armed.never_struck());
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

fn took(scenario: &Scenario, played: &Played) -> Duration {
    let base = clock::now() - clock::elapsed();
    let ends = played.runs.iter().map(|(_, run)| run.ended_at);
    // If one has not ended, what was waited for is not over.
    ends.collect::<Option<Vec<_>>>()
        .and_then(|ends| ends.into_iter().max())
        .and_then(|last| last.duration_since(base).ok())
        .filter(|_| scenario.until.is_none())
        .unwrap_or_else(clock::elapsed)
}

/// Waits until the host has nothing left to do, and then for what should not come any more.
async fn come_to_rest(stage: &Stage, played: &mut Played) {
    let lifecycle = stage.host.lifecycle();
    if tokio::time::timeout(REST, lifecycle.idle()).await.is_err() {
        let left = lifecycle.active();
        played.troubles.push(format!(
            "every run has ended in Port, and the host still works on {left} of them"
        ));
    }
    tokio::time::sleep(STRAGGLERS).await;
}
