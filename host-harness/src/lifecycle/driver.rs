//! One run's task: does what was decided and comes back with what followed.

use super::ack::ack;
use super::decision::{Ack, Effect, Event, Life, State, Write};
use super::outbox::Outbox;
use super::routes::Taken;
use super::{Shared, Source, Step, backoff, lock};
use crate::clock;
use crate::contract::{self, Attempt, Failure, FailureKind, Run, RunUpdate};
use crate::engine::CallError;
use crate::port::{PendingRun, RunKind};
use crate::runtime::Call;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::OwnedMutexGuard;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::Instant;

/// First pause between checks while the host waits for runs before it stops.
const DRAIN_CHECK: Duration = Duration::from_secs(2);

/// What the task holds.
struct Task<'t> {
    shared: &'t Arc<Shared>,
    source: &'t Source,
    kind: RunKind,
    id: String,
    /// The run as the plugin gets it; none if it could not be read.
    run: Option<Run>,
    outbox: Outbox,
    claimed: Instant,
    /// When the first attempt began: for the plugin, and for this host.
    first_began: Option<(u64, Instant)>,
    /// Set when the server has accepted the run.
    news: Option<News>,
}

struct News {
    external_run_id: String,
    updates: UnboundedReceiver<RunUpdate>,
}

/// Lives a run's life to its end.
pub(super) async fn drive(
    shared: &Arc<Shared>,
    source: &Source,
    kind: RunKind,
    id: String,
    run: Result<PendingRun, Failure>,
) {
    let (run, refused) = match run {
        Ok(run) => (Some(Run::from(run)), None),
        Err(failure) => (None, Some(failure)),
    };
    let mut task = Task {
        shared,
        source,
        kind,
        outbox: Outbox::open(source.port.clone(), kind, id.clone()),
        id,
        run,
        claimed: Instant::now(),
        first_began: None,
        news: None,
    };
    let plan = match refused {
        Some(failure) => Err(failure),
        None => task.plan().await,
    };
    // Held until the run has its id or has failed: dispatches with the same key never overlap.
    let mut partition = match &plan {
        Ok(plan) => task.enter_partition(plan.partition_key.as_deref()).await,
        Err(_) => None,
    };
    let mut life = Life::new();
    let mut event = Some(Event::Planned(plan));
    let mut words = String::new();
    while let Some(happened) = event.take() {
        words = task.tell(&life, &happened);
        for effect in life.handle(happened) {
            task.announce(&effect, &words);
            // At most one effect of a decision comes back with an event, and it is the last one.
            event = task.carry_out(effect).await;
        }
        if matches!(life.state(), State::Started { .. } | State::Ended(_)) {
            partition = None;
        }
        if event.is_none() && life.end().is_none() {
            event = task.hear().await;
        }
    }
    drop(partition);
    if let Some(news) = &task.news {
        let key = (
            source.installation.id().to_owned(),
            news.external_run_id.clone(),
        );
        lock(&shared.routes).close(key);
    }
    if task.outbox.flush().await
        && let Some(end) = life.end()
    {
        step(shared, source, &task.id, Step::Ended { end, label: words });
    }
}

/// Tells the log and whoever watches.
fn step(shared: &Shared, source: &Source, run: &str, step: Step) {
    let installation = source.installation.id();
    tracing::info!(installation, run, "{step}");
    if let Some(observer) = &shared.observer {
        observer(installation, run, &step);
    }
}

impl Task<'_> {
    fn call(&self) -> Call {
        Call::new(self.source.installation.clone(), self.id.clone())
    }

    fn step(&self, what: Step) {
        step(self.shared, self.source, &self.id, what);
    }

    async fn plan(&self) -> Result<contract::RunPlan, Failure> {
        let run = self.run.clone().ok_or_else(no_run)?;
        let plan = self.shared.runtime.plan(self.call(), run).await;
        flatten(plan)
    }

    async fn enter_partition(&self, key: Option<&str>) -> Option<OwnedMutexGuard<()>> {
        let key = (self.source.installation.id().to_owned(), key?.to_owned());
        let partition = {
            let mut partitions = lock(&self.shared.partitions);
            // Those that nobody holds or waits for are not needed any more.
            partitions.retain(|_, partition| Arc::strong_count(partition) > 1);
            partitions.entry(key).or_default().clone()
        };
        Some(partition.lock_owned().await)
    }

    /// Does one thing. An effect that has a result returns it as the next event.
    async fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Write(write) => {
                self.outbox.put(write);
                None
            }
            Effect::Park(pause) => tokio::select! {
                () = tokio::time::sleep(backoff::with_jitter(pause)) => Some(Event::Woken),
                () = self.outbox.refused() => Some(Event::EndedElsewhere),
            },
            Effect::Ack => ack(self.source, self.kind, &self.id, self.claimed)
                .await
                .map(Event::Acked),
            Effect::Dispatch(number) => Some(Event::Dispatched(self.dispatch(number).await)),
        }
    }

    async fn dispatch(&mut self, number: u32) -> Result<contract::Started, Failure> {
        let run = self.run.clone().ok_or_else(no_run)?;
        let installation = self.source.installation.id().to_owned();
        let (first_began, began) = *self
            .first_began
            .get_or_insert_with(|| (clock::timestamp(), Instant::now()));
        let attempt = Attempt {
            number,
            first_began,
            taken: lock(&self.shared.routes).taken(&installation, began),
        };
        self.step(Step::Dispatching { attempt: number });
        let answer = self
            .shared
            .runtime
            .dispatch(self.call(), run, attempt)
            .await;
        let started = flatten(answer)?;
        // Before anything else: news that overtook this answer is waiting for its run.
        let key = (installation, started.external_run_id.clone());
        let updates = lock(&self.shared.routes).open(key);
        self.news = Some(News {
            external_run_id: started.external_run_id.clone(),
            updates: updates.map_err(|Taken| belongs_to_another(&started))?,
        });
        Ok(started)
    }

    /// Waits for news. When none comes for a while, or when the host is about to stop, asks the plugin.
    async fn hear(&mut self) -> Option<Event> {
        let times = self.shared.check_times;
        let mut pause = times.first;
        let mut draining = false;
        loop {
            let news = self.news.as_mut()?;
            tokio::select! {
                // The sender stays among the routes for as long as this task lives.
                Some(update) = news.updates.recv() => return Some(Event::Updated(update)),
                () = self.outbox.refused() => return Some(Event::EndedElsewhere),
                () = self.shared.draining.cancelled(), if !draining => {
                    draining = true;
                    pause = DRAIN_CHECK;
                }
                () = tokio::time::sleep(pause) => pause = (pause * 2).min(times.longest),
            }
            self.check().await;
        }
    }

    /// Asks the plugin how the run stands. What it says goes the same way as any other news.
    async fn check(&mut self) {
        let (Some(run), Some(news)) = (self.run.clone(), &self.news) else {
            return;
        };
        let call = self.call();
        let answer = self
            .shared
            .runtime
            .check(call, run, news.external_run_id.clone())
            .await;
        match flatten(answer) {
            Ok(updates) => {
                let installation = self.source.installation.id();
                for update in updates {
                    let key = (installation.to_owned(), update.external_run_id.clone());
                    lock(&self.shared.routes).deliver(key, update);
                }
            }
            Err(failure) => {
                tracing::warn!(run = self.id, "could not be checked: {}", failure.message);
            }
        }
    }

    /// Tells the observer what is about to be done, if that is a step.
    fn announce(&self, effect: &Effect, words: &str) {
        match effect {
            Effect::Park(_) => self.step(Step::Parked {
                reason: words.to_owned(),
            }),
            Effect::Write(Write::Progress(progress)) => {
                if let Some(label) = progress.label.clone() {
                    self.step(Step::News { label });
                }
            }
            Effect::Ack | Effect::Dispatch(_) | Effect::Write(_) => {}
        }
    }

    /// Tells the observer what happened; returns the words for it.
    fn tell(&self, life: &Life, event: &Event) -> String {
        match event {
            Event::Planned(Ok(plan)) => {
                let target = plan.target.clone();
                self.step(Step::Planned { target });
                String::new()
            }
            Event::Planned(Err(failure)) | Event::Dispatched(Err(failure)) => {
                failure.message.clone()
            }
            Event::Acked(Ack::Ours) => {
                self.step(Step::Acked);
                match life.state() {
                    State::Acking(Err(failure)) => failure.message.clone(),
                    _ => String::new(),
                }
            }
            Event::Acked(Ack::Taken) => "somebody else has acked it".to_owned(),
            Event::Dispatched(Ok(started)) => {
                self.step(Step::Started {
                    external_run_id: started.external_run_id.clone(),
                });
                "its end is not to be reported".to_owned()
            }
            Event::Woken => String::new(),
            Event::EndedElsewhere => "somebody has ended it in Port".to_owned(),
            Event::Updated(update) => match &update.change {
                contract::Change::Progress(_) => String::new(),
                contract::Change::Completed(completion) => completion.label.clone(),
            },
        }
    }
}

/// Joins the two ways of failing: the plugin's own answer, and a call that gave none.
fn flatten<T>(answer: Result<Result<T, Failure>, CallError>) -> Result<T, Failure> {
    answer.unwrap_or_else(|error| Err(stopped(&error)))
}

/// A call that gave no answer, as a failure. If a request was sent before, nobody knows what it did.
fn stopped(error: &CallError) -> Failure {
    Failure {
        kind: if error.request_sent {
            FailureKind::Ambiguous
        } else {
            FailureKind::Internal
        },
        code: "plugin-stopped".to_owned(),
        message: format!("The run could not be handled: {error}."),
        remedy: Some("Ask the operator of the integration; its log has more.".to_owned()),
        request_sent: error.request_sent,
    }
}

/// The plugin took another run of Port's for this one: two were started so close together that it could not tell.
fn belongs_to_another(started: &contract::Started) -> Failure {
    Failure {
        kind: FailureKind::Ambiguous,
        code: "run-belongs-to-another".to_owned(),
        message: format!(
            "The run that was found, {}, belongs to another run in Port.",
            started.external_run_id
        ),
        remedy: Some(
            "Look at the workflow's runs on the server, and start it again if it is missing."
                .to_owned(),
        ),
        request_sent: true,
    }
}

fn no_run() -> Failure {
    Failure {
        kind: FailureKind::Internal,
        code: "unreadable-run".to_owned(),
        message: "The run cannot be read.".to_owned(),
        remedy: None,
        request_sent: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::CallErrorKind;

    #[test]
    fn a_call_that_died_after_sending_is_ambiguous_and_one_before_is_not() {
        let error = |request_sent| CallError {
            function: "dispatch",
            kind: CallErrorKind::Wall(Duration::from_secs(1)),
            request_sent,
        };
        assert_eq!(stopped(&error(true)).kind, FailureKind::Ambiguous);
        assert_eq!(stopped(&error(false)).kind, FailureKind::Internal);
    }
}
