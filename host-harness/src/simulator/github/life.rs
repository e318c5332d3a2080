//! A run's life: created, waiting, in progress, completed, run again; and the deliveries that tell of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::lock;
use super::State;
use super::hooks::{Event, Hook, Outgoing};
use super::run::{NewRun, Run, Status};
use super::run_object;
use super::world::World;

/// What happens to a run next; see [`GitHub::advance`](super::GitHub::advance).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Waits for an approval.
    Waiting,
    /// Runs.
    InProgress,
    /// Has ended with this conclusion.
    Completed(String),
}

/// How long GitHub takes from accepting a cancellation to the end of the run.
const CANCEL_TIME: Duration = Duration::from_millis(20);

impl State {
    pub(super) fn now(&self) -> SystemTime {
        self.options.now()
    }

    fn scaled(&self, time: Duration) -> Duration {
        time.mul_f64(self.options.time_scale.max(0.0))
    }

    pub(super) fn create_run(self: &Arc<Self>, new: NewRun) -> Option<u64> {
        let now = self.now();
        let mut world = lock(&self.world);
        let id = world.create_run(new, now)?;
        self.tell(&world, id, "workflow_run", "requested");
        self.tell(&world, id, "workflow_job", "queued");
        drop(world);
        self.play(id, 1);
        self.change();
        Some(id)
    }

    /// Starts the next attempt. GitHub sends no `requested` for it.
    pub(super) fn rerun(self: &Arc<Self>, id: u64) -> bool {
        let mut world = lock(&self.world);
        let Some(number) = world.rerun(id, self.now()) else {
            return false;
        };
        self.tell(&world, id, "workflow_job", "queued");
        drop(world);
        self.play(id, number);
        self.change();
        true
    }

    /// Lets an attempt take its course in the background, unless somebody holds it.
    fn play(self: &Arc<Self>, id: u64, attempt: u32) {
        let plan = {
            let world = lock(&self.world);
            world.runs.get(&id).and_then(|run| {
                let workflow = world
                    .repositories
                    .get(&run.repository)?
                    .workflow(run.workflow)?;
                let conclusion = workflow.definition.conclusion_of(attempt).to_owned();
                (!run.held).then_some((
                    workflow.definition.queue_time,
                    workflow.definition.duration,
                    conclusion,
                ))
            })
        };
        let Some((queue_time, duration, conclusion)) = plan else {
            return;
        };
        let state = Arc::clone(self);
        tokio::spawn(async move {
            tokio::time::sleep(state.scaled(queue_time)).await;
            if !state.holds(id) {
                state.advance(id, &Phase::InProgress, Some(attempt));
            }
            tokio::time::sleep(state.scaled(duration)).await;
            if !state.holds(id) {
                state.advance(id, &Phase::Completed(conclusion), Some(attempt));
            }
        });
    }

    fn holds(&self, id: u64) -> bool {
        lock(&self.world).runs.get(&id).is_none_or(|run| run.held)
    }

    pub(super) fn hold(&self, id: u64) -> bool {
        lock(&self.world)
            .runs
            .get_mut(&id)
            .map(|run| run.held = true)
            .is_some()
    }

    /// Moves a run forward and tells the hooks. Nothing happens when it is there already, or at another attempt.
    pub(super) fn advance(self: &Arc<Self>, id: u64, phase: &Phase, attempt: Option<u32>) -> bool {
        let now = self.now();
        let mut world = lock(&self.world);
        let Some(run) = world.runs.get_mut(&id) else {
            return false;
        };
        let current = run.current().map(|current| current.number);
        if attempt.is_some() && attempt != current {
            return false;
        }
        let (status, conclusion) = match phase {
            Phase::Waiting => (Status::Waiting, None),
            Phase::InProgress => (Status::InProgress, None),
            Phase::Completed(conclusion) => (Status::Completed, Some(conclusion.as_str())),
        };
        if !run.step(status, conclusion, now) {
            return false;
        }
        match phase {
            Phase::Waiting => self.tell(&world, id, "workflow_job", "waiting"),
            Phase::InProgress => {
                self.tell(&world, id, "workflow_run", "in_progress");
                self.tell(&world, id, "workflow_job", "in_progress");
            }
            Phase::Completed(_) => {
                self.tell(&world, id, "workflow_job", "completed");
                self.tell(&world, id, "workflow_run", "completed");
            }
        }
        drop(world);
        self.change();
        true
    }

    /// Accepts a cancellation: the run ends a moment later. `false` when it has ended already.
    pub(super) fn cancel(self: &Arc<Self>, id: u64) -> bool {
        let running = lock(&self.world)
            .runs
            .get(&id)
            .is_some_and(|run| run.status() != Status::Completed);
        if running {
            let state = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(state.scaled(CANCEL_TIME)).await;
                state.advance(id, &Phase::Completed("cancelled".into()), None);
            });
        }
        running
    }

    /// Builds and queues the deliveries of one event to every hook that wants it. Called with the world locked, so
    /// that deliveries queue in the order in which things happened.
    fn tell(self: &Arc<Self>, world: &World, id: u64, event: &'static str, action: &str) {
        let Some(run) = world.runs.get(&id) else {
            return;
        };
        let Some(repository) = world.repositories.get(&run.repository) else {
            return;
        };
        let hooks: Vec<Hook> = lock(&self.hooks)
            .iter()
            .filter(|hook| hook.wants(event, repository))
            .cloned()
            .collect();
        let installation = lock(&self.app)
            .installation_id_on(&repository.definition.owner)
            .or(Some(self.options.installation_id));
        let (apps, others): (Vec<Hook>, Vec<Hook>) =
            hooks.into_iter().partition(|hook| hook.target.is_app());
        // Who hears of the same thing hears of it under the same GUID.
        let mut guids = Vec::new();
        for (hooks, installation) in [(apps, installation), (others, None)] {
            if hooks.is_empty() {
                continue;
            }
            let payloads = payloads(world, run, event, action, installation);
            for (number, payload) in payloads.into_iter().enumerate() {
                if number == guids.len() {
                    guids.push(self.guid());
                }
                let event = Event {
                    guid: guids.get(number).cloned().unwrap_or_default(),
                    name: event.to_owned(),
                    action: action.to_owned(),
                    run_id: id,
                    repository_id: Some(run.repository),
                    installation_id: installation,
                    json: payload,
                };
                self.queue(&hooks, &event);
            }
        }
    }

    /// Behind the earlier deliveries of the same run to the same hook.
    fn queue(self: &Arc<Self>, hooks: &[Hook], event: &Event) {
        for hook in hooks {
            let (done, next) = oneshot::channel();
            let after = lock(&self.lanes).insert((event.run_id, hook.id), next);
            self.deliver(Outgoing {
                hook: hook.clone(),
                event: event.clone(),
                redelivery: false,
                after,
                done: Some(done),
            });
        }
    }
}

/// The bodies of one event: one of a run, one for each of its jobs.
fn payloads(
    world: &World,
    run: &Run,
    event: &str,
    action: &str,
    installation: Option<u64>,
) -> Vec<Bytes> {
    if event == "workflow_run" {
        let payload = run_object::run_event(world, run, action, installation);
        return payload.into_iter().map(Bytes::from).collect();
    }
    run.current()
        .into_iter()
        .flat_map(|attempt| &attempt.jobs)
        .filter_map(|job| run_object::job_event(world, run, job, action, installation))
        .map(Bytes::from)
        .collect()
}
