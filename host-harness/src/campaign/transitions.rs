//! The process killed at every single commit of its journal, before and after it, in turn.

use super::conduct::Limits;
use super::plan::{Cast, Faults, Plan, PlannedRun, Wish};
use super::{CampaignError, Progress, Report, Setup, Tally, held};
use futures_util::stream::{self, StreamExt};
use std::time::Duration;

/// How many campaigns are held at once. Each waits most of its time.
const AT_ONCE: usize = 12;

/// What came out.
#[derive(Debug, Clone)]
pub struct Transitions {
    /// All runs of all campaigns.
    pub tally: Tally,
    /// How often a process killed itself.
    pub kills: usize,
    /// The last commit that a process was killed at.
    pub commits: u32,
    /// The first bad report, and where its process was killed.
    pub bad: Option<(String, Report)>,
}

/// What is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Walk {
    /// How many runs of the set; the whole has 16.
    pub runs: usize,
    /// What everything that is left to chance comes from.
    pub seed: u64,
    /// Which runs each campaign has.
    pub set: Set,
}

/// Which runs each campaign has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Set {
    /// One of each kind and course, all in the same campaign.
    Together,
    /// One of each kind and course, each in campaigns of its own: every commit is about that run.
    Apart,
}

/// Kills the process right before and right after its first, second, third … commit, until one ends its work without having
/// been killed.
///
/// # Errors
/// If a campaign could not be held; and if the process does not kill itself at its first commit.
pub async fn every_transition(
    setup: &Setup,
    wish: Walk,
    limit: Duration,
    progress: Progress<'_>,
) -> Result<Transitions, CampaignError> {
    let mut total = Transitions {
        tally: Tally::default(),
        kills: 0,
        commits: 0,
        bad: None,
    };
    for plan in plans(wish) {
        walk(setup, &plan, limit, progress, &mut total).await?;
    }
    Ok(total)
}

fn plans(wish: Walk) -> Vec<Plan> {
    let plan = Plan::draw(&Wish {
        runs: wish.runs,
        seed: wish.seed,
        faults: Faults::None,
        kills: None,
        cast: Cast::OneOfEach,
    });
    let at_once = |runs: Vec<PlannedRun>| Plan {
        runs: runs
            .into_iter()
            .map(|run| PlannedRun {
                pressed: Duration::ZERO,
                ..run
            })
            .collect(),
        ..plan.clone()
    };
    match wish.set {
        Set::Together => vec![at_once(plan.runs.clone())],
        Set::Apart => plan
            .runs
            .iter()
            .map(|run| at_once(vec![run.clone()]))
            .collect(),
    }
}

/// All points of one plan, several at once.
async fn walk(
    setup: &Setup,
    plan: &Plan,
    limit: Duration,
    progress: Progress<'_>,
    total: &mut Transitions,
) -> Result<(), CampaignError> {
    let points = (1u32..).flat_map(|commit| [("before", commit), ("after", commit)]);
    let mut campaigns = std::pin::pin!(
        stream::iter(points)
            .map(|(side, commit)| async move {
                let limits = Limits {
                    time: limit,
                    crash: Some(format!("{side}:{commit}")),
                };
                let report = held(setup, plan, &limits, &|_| {}).await;
                (side, commit, report)
            })
            .buffered(AT_ONCE)
    );
    while let Some((side, commit, report)) = campaigns.next().await {
        let report = report?;
        if report.kills == 0 {
            if commit == 1 {
                return Err(CampaignError::NotKilled(side));
            }
            // Both sides of the last commit have been seen.
            break;
        }
        total.kills += report.kills;
        total.commits = total.commits.max(commit);
        total.tally.add(&report.tally);
        progress(&format!(
            "killed {side} commit {commit}: {}",
            report.closing_line()
        ));
        if !report.is_good() && total.bad.is_none() {
            total.bad = Some((format!("{side} commit {commit}"), report));
        }
    }
    Ok(())
}
