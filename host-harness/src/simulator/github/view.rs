//! What the handle shows of a run.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::run::Run;
use super::world::World;

/// A workflow run as the simulator knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunView {
    /// Run id; stays the same over all attempts.
    pub id: u64,
    /// Owner login.
    pub owner: String,
    /// Repository name.
    pub repo: String,
    /// Workflow file name.
    pub workflow: String,
    /// Branch or tag, short.
    pub reference: String,
    /// What started it: `workflow_dispatch`, `push`, …
    pub event: String,
    /// Inputs with the workflow's defaults applied.
    pub inputs: BTreeMap<String, String>,
    /// Title in lists; holds the inputs if the workflow's `run-name` does.
    pub display_title: String,
    /// Who started it.
    pub actor: String,
    /// `queued`, `waiting`, `in_progress` or `completed`.
    pub status: String,
    /// How the latest attempt ended.
    pub conclusion: Option<String>,
    /// Number of the latest attempt, from 1.
    pub attempt: u32,
    /// Page for people.
    pub html_url: String,
    /// `gh_{owner id}_{repository id}_{run id}`: the id that Port's integration gives such a run.
    pub external_id: String,
    /// When it was created, by GitHub's clock.
    pub created_at: SystemTime,
}

pub(super) fn view(world: &World, run: &Run) -> Option<RunView> {
    let repository = world.repositories.get(&run.repository)?;
    let attempt = run.current()?;
    Some(RunView {
        id: run.id,
        owner: repository.definition.owner.clone(),
        repo: repository.definition.name.clone(),
        workflow: repository.workflow(run.workflow)?.definition.file.clone(),
        reference: run.branch.clone(),
        event: run.event.clone(),
        inputs: run.inputs.clone(),
        display_title: run.title.clone(),
        actor: run.actor.clone(),
        status: attempt.status.as_str().to_owned(),
        conclusion: attempt.conclusion.clone(),
        attempt: attempt.number,
        html_url: format!(
            "{}/{}/actions/runs/{}",
            world.bases.html,
            repository.full_name(),
            run.id
        ),
        external_id: world.external_id(run),
        created_at: run.created_at,
    })
}
