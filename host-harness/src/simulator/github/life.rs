//! A run's life: created, waiting, in progress, completed, run again; and the deliveries that tell of it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use tokio::sync::oneshot;

use super::super::lock;
use super::State;
use super::deliveries::{self, DeliveryEffect, DeliveryView, Outgoing, StruckDelivery};
use super::run::{NewRun, Status};
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
        let owner = world
            .repositories
            .get(&run.repository)
            .map_or("", |repository| repository.definition.owner.as_str());
        let hooks: Vec<_> = lock(&self.hooks)
            .iter()
            .filter(|hook| hook.wants(event, owner))
            .cloned()
            .collect();
        if hooks.is_empty() {
            return;
        }
        let installation = lock(&self.app)
            .installation_id_on(owner)
            .or(Some(self.options.installation_id));
        let payloads: Vec<Bytes> = match event {
            "workflow_run" => run_object::run_event(world, run, action, installation)
                .into_iter()
                .map(Bytes::from)
                .collect(),
            _ => run
                .current()
                .into_iter()
                .flat_map(|attempt| &attempt.jobs)
                .filter_map(|job| run_object::job_event(world, run, job, action, installation))
                .map(Bytes::from)
                .collect(),
        };
        for payload in payloads {
            let guid = self.guid();
            for hook in &hooks {
                let (done, next) = oneshot::channel();
                let after = lock(&self.lanes).insert((id, hook.id), next);
                self.deliver(Outgoing {
                    hook: hook.clone(),
                    guid: guid.clone(),
                    event,
                    action: action.to_owned(),
                    run_id: id,
                    payload: payload.clone(),
                    redelivery: false,
                    after,
                    done: Some(done),
                });
            }
        }
    }

    /// Sends in the background, with whatever the faults have in store.
    pub(super) fn deliver(self: &Arc<Self>, mut outgoing: Outgoing) {
        let strikes = lock(&self.delivery_faults).strike(outgoing.event, &outgoing.action);
        let mut effects = Vec::with_capacity(strikes.len());
        for (effect, fault) in strikes {
            effects.push(effect);
            if let Some(fault) = fault {
                lock(&self.struck_deliveries).push(StruckDelivery {
                    at: self.now(),
                    fault,
                    event: outgoing.event.to_owned(),
                    action: outgoing.action.clone(),
                    run_id: outgoing.run_id,
                });
            }
        }
        let state = Arc::clone(self);
        tokio::spawn(async move {
            if effects.contains(&DeliveryEffect::Drop) {
                // The deliveries behind must still wait for those before.
                if let Some(after) = outgoing.after.take() {
                    let _ = after.await;
                }
                return;
            }
            if let Some(after) = outgoing.after.take() {
                let _ = after.await;
            }
            let mut copies = 1;
            let mut secret = outgoing.hook.secret.clone();
            for effect in &effects {
                match effect {
                    DeliveryEffect::Overtaken(time) => {
                        outgoing.done = None;
                        tokio::time::sleep(*time).await;
                    }
                    DeliveryEffect::Delay(time) => tokio::time::sleep(*time).await,
                    DeliveryEffect::Duplicate => copies += 1,
                    DeliveryEffect::NullConclusion => {
                        outgoing.payload = deliveries::without_conclusion(&outgoing.payload);
                    }
                    DeliveryEffect::NoSignature => secret = None,
                    DeliveryEffect::BadSignature => secret = Some("another secret".into()),
                    DeliveryEffect::Drop => {}
                }
            }
            let signature = secret.map(|secret| deliveries::signature(&secret, &outgoing.payload));
            for _ in 0..copies {
                state.send(&outgoing, signature.clone()).await;
            }
        });
    }

    async fn send(&self, outgoing: &Outgoing, signature: Option<String>) {
        let headers = deliveries::headers(outgoing, self.options.app_id, signature);
        let delivered_at = self.now();
        let (status_code, status, duration) = deliveries::send(
            &self.client,
            &outgoing.hook.url,
            &headers,
            outgoing.payload.clone(),
            self.options.delivery_timeout,
        )
        .await;
        let view = DeliveryView {
            id: self.delivery_id(),
            guid: outgoing.guid.clone(),
            hook_id: outgoing.hook.id,
            event: outgoing.event.to_owned(),
            action: outgoing.action.clone(),
            run_id: outgoing.run_id,
            status_code,
            status,
            redelivery: outgoing.redelivery,
            delivered_at,
            duration,
            headers,
            payload: if self.options.keep_bodies {
                outgoing.payload.clone()
            } else {
                Bytes::new()
            },
        };
        lock(&self.deliveries).push(view);
        self.change();
    }

    /// Sends an earlier event again under its GUID, to the hook that it went to. `false` if its body is not known.
    pub(super) fn redeliver(self: &Arc<Self>, guid: &str) -> bool {
        let found = lock(&self.deliveries)
            .iter()
            .find(|view| view.guid == guid)
            .cloned();
        let Some(view) = found.filter(|view| !view.payload.is_empty()) else {
            return false;
        };
        let hook = lock(&self.hooks)
            .iter()
            .find(|hook| hook.id == view.hook_id)
            .cloned();
        let Some(hook) = hook else { return false };
        let event = if view.event == "workflow_run" {
            "workflow_run"
        } else {
            "workflow_job"
        };
        self.deliver(Outgoing {
            hook,
            guid: view.guid,
            event,
            action: view.action,
            run_id: view.run_id,
            payload: view.payload,
            redelivery: true,
            after: None,
            done: None,
        });
        true
    }
}
