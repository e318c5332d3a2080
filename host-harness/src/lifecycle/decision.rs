//! What happens next to a run: a pure function of its state and an event.
//!
//! Nothing here waits, sends or reads a clock. The driver (`driver`) does what the returned effects say and comes back
//! with the event that follows from it.

use super::backoff;
use crate::contract::{
    Change, Completion, Failure, FailureKind, Outcome, Progress, RunPlan, RunUpdate, Started,
};
use std::time::Duration;

/// Where a run is in its life.
#[derive(Debug, Clone, PartialEq)]
pub enum State {
    /// Claimed from Port; the plugin looks at it.
    Planning,
    /// Port is told that the run is ours. What follows is decided already: start it, or say why not.
    Acking(Result<RunPlan, Failure>),
    /// The plugin starts it on the server.
    Dispatching(RunPlan),
    /// It waits until the server may be asked again.
    Parked(RunPlan),
    /// The server runs it; news is awaited.
    Started {
        /// The newest attempt that there was news of.
        attempt: u32,
    },
    /// Nothing more will happen here.
    Ended(End),
}

/// How the host's part in a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its end was reported, or its refusal.
    Reported(Outcome),
    /// It runs, and its end is not to be reported.
    HandedOver,
    /// It belongs to somebody else: Port says that it was taken already.
    NotOurs,
    /// It has ended in Port by other hands: a person's, for instance.
    Elsewhere,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The plugin has looked at the run.
    Planned(Result<RunPlan, Failure>),
    /// Port has answered the ack.
    Acked(Ack),
    /// The plugin has tried to start the run.
    Dispatched(Result<Started, Failure>),
    /// The time to wait is over.
    Woken,
    /// There is news of the run.
    Updated(RunUpdate),
    /// Port says that the run has ended already.
    EndedElsewhere,
}

/// What Port says to an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// The run is ours.
    Ours,
    /// Somebody else has it.
    Taken,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell Port that the run is ours.
    Ack,
    /// Let the plugin start the run; the number of the attempt.
    Dispatch(u32),
    /// Wait so long, holding nothing.
    Park(Duration),
    /// Tell Port something about the run. Writes of one run keep their order.
    Write(Write),
}

/// Something to tell Port.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// The server has accepted the run.
    Started(Started),
    /// The run waits; a label that says for what.
    Waiting(String),
    /// It goes on.
    Progress(Progress),
    /// It has ended on the server.
    Completed(Completion),
    /// It was not started, for this reason.
    NotStarted(Failure),
}

/// How often a server that cannot be reached is asked again before the run fails. With the pauses of [`backoff`],
/// about six minutes.
const UNAVAILABLE_TRIES: u32 = 12;
/// How often an attempt with an unknown outcome is looked into before a person has to.
const AMBIGUOUS_TRIES: u32 = 3;
/// Pause before looking into an attempt with an unknown outcome: a run that was created shows up within seconds.
const AMBIGUOUS_PAUSE: Duration = Duration::from_secs(2);
/// Longest pause that is believed: GitHub's quota comes back within the hour.
const LONGEST_PAUSE: Duration = Duration::from_secs(65 * 60);
/// Pause when the server asks for one but doesn't say how long (GitHub: "wait at least one minute").
const RATE_LIMIT_PAUSE: Duration = Duration::from_secs(60);

/// A run's life.
#[derive(Debug, Clone, PartialEq)]
pub struct Life {
    state: State,
    /// Number of the attempt, from 1. Rises only when an earlier one may have had its effect.
    attempt: u32,
    unavailable: u32,
    unauthorized: bool,
    /// What Port shows beside the status, as far as it was told.
    label: Option<String>,
    /// The label that the newest attempt began with.
    first_label: Option<String>,
    /// Whether Port was told that the run waits.
    says_waiting: bool,
}

impl Default for Life {
    fn default() -> Life {
        Life::new()
    }
}

impl Life {
    /// A run that was just claimed.
    pub fn new() -> Life {
        Life {
            state: State::Planning,
            attempt: 1,
            unavailable: 0,
            unauthorized: false,
            label: None,
            first_label: None,
            says_waiting: false,
        }
    }

    /// Where the run is.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// How the run ended, if it has.
    pub fn end(&self) -> Option<End> {
        match self.state {
            State::Ended(end) => Some(end),
            _ => None,
        }
    }

    /// Takes an event in and says what is to be done. An event that does not belong to the state changes nothing: news
    /// may come twice, late, or for an older attempt.
    pub fn handle(&mut self, event: Event) -> Vec<Effect> {
        let state = std::mem::replace(&mut self.state, State::Planning);
        let (state, effects) = match (state, event) {
            (State::Planning, Event::Planned(plan)) => (State::Acking(plan), vec![Effect::Ack]),
            (State::Acking(_), Event::Acked(Ack::Taken)) => (State::Ended(End::NotOurs), vec![]),
            (State::Acking(Ok(plan)), Event::Acked(Ack::Ours)) => (
                State::Dispatching(plan),
                vec![Effect::Dispatch(self.attempt)],
            ),
            (State::Acking(Err(failure)), Event::Acked(Ack::Ours)) => not_started(failure),
            (State::Dispatching(plan), Event::Dispatched(Ok(started))) => {
                self.on_started(&plan, started)
            }
            (State::Dispatching(plan), Event::Dispatched(Err(failure))) => {
                self.on_failure(plan, failure)
            }
            (State::Parked(plan), Event::Woken) => (
                State::Dispatching(plan),
                vec![Effect::Dispatch(self.attempt)],
            ),
            (State::Started { .. } | State::Parked(_), Event::EndedElsewhere) => {
                (State::Ended(End::Elsewhere), vec![])
            }
            (State::Started { attempt }, Event::Updated(update)) if update.attempt >= attempt => {
                if update.attempt > attempt {
                    self.first_label = None;
                }
                self.on_update(update)
            }
            (state, _) => (state, vec![]),
        };
        self.state = state;
        effects
    }

    /// The plugin could not start the run: try again, look again, or give up.
    fn on_failure(&mut self, plan: RunPlan, failure: Failure) -> (State, Vec<Effect>) {
        match next_try(&failure, self.attempt) {
            NextTry::After(pause) => self.park(plan, &failure, pause),
            NextTry::Backoff if self.unavailable < UNAVAILABLE_TRIES => {
                let pause = backoff::delay(self.unavailable);
                self.unavailable += 1;
                self.park(plan, &failure, pause)
            }
            NextTry::OnceMore if !self.unauthorized => {
                self.unauthorized = true;
                (
                    State::Dispatching(plan),
                    vec![Effect::Dispatch(self.attempt)],
                )
            }
            NextTry::LookFirst if self.attempt < AMBIGUOUS_TRIES => {
                self.attempt += 1;
                self.park(plan, &failure, AMBIGUOUS_PAUSE)
            }
            _ if self.attempt > 1 => not_started(after_an_earlier_try(failure)),
            _ => not_started(failure),
        }
    }

    /// Waits; says for what, once.
    fn park(&mut self, plan: RunPlan, failure: &Failure, pause: Duration) -> (State, Vec<Effect>) {
        let mut effects = Vec::with_capacity(2);
        if !self.says_waiting {
            self.says_waiting = true;
            let label = format!("Waiting: {}", first_sentence(&failure.message));
            self.label = Some(label.clone());
            effects.push(Effect::Write(Write::Waiting(label)));
        }
        effects.push(Effect::Park(pause));
        (State::Parked(plan), effects)
    }

    fn on_started(&mut self, plan: &RunPlan, mut started: Started) -> (State, Vec<Effect>) {
        let state = if plan.report_status {
            self.label = started.status_label.clone();
            self.first_label = started.status_label.clone();
            State::Started { attempt: 1 }
        } else {
            // Nobody will come back to change it, so a label would stay for ever; one that says that the run waits has to
            // be replaced, though.
            started.status_label = self.says_waiting.then(|| "Started".to_owned());
            State::Ended(End::HandedOver)
        };
        (state, vec![Effect::Write(Write::Started(started))])
    }

    fn on_update(&mut self, update: RunUpdate) -> (State, Vec<Effect>) {
        let attempt = update.attempt;
        match update.change {
            Change::Progress(mut progress) => {
                progress.label = progress.label.and_then(|label| self.news(label));
                let is_empty = progress.label.is_none() && progress.log.is_empty();
                let effects = if is_empty {
                    vec![]
                } else {
                    vec![Effect::Write(Write::Progress(progress))]
                };
                (State::Started { attempt }, effects)
            }
            Change::Completed(completion) => (
                State::Ended(End::Reported(completion.outcome)),
                vec![Effect::Write(Write::Completed(completion))],
            ),
        }
    }

    /// The label, if Port doesn't show it already, and if it doesn't lead back to the beginning: deliveries may come out
    /// of order.
    fn news(&mut self, label: String) -> Option<String> {
        if self.label.as_deref() == Some(&label) || self.first_label.as_deref() == Some(&label) {
            return None;
        }
        self.label = Some(label.clone());
        Some(label)
    }
}

/// What a failure to start allows.
enum NextTry {
    /// Again after a pause that the server asked for.
    After(Duration),
    /// Again, with growing pauses.
    Backoff,
    /// Again, once.
    OnceMore,
    /// Only as a new attempt, which looks before it sends.
    LookFirst,
    /// Not at all.
    Never,
}

fn next_try(failure: &Failure, attempt: u32) -> NextTry {
    match &failure.kind {
        FailureKind::RateLimited(seconds) => {
            let asked = seconds.map(|seconds| Duration::from_secs(u64::from(seconds)));
            NextTry::After(asked.unwrap_or(RATE_LIMIT_PAUSE).min(LONGEST_PAUSE))
        }
        FailureKind::Unavailable => NextTry::Backoff,
        FailureKind::Unauthorized => NextTry::OnceMore,
        FailureKind::Ambiguous => NextTry::LookFirst,
        // A kind that this host doesn't know: the fact whether something was sent decides.
        FailureKind::Other(_) if failure.request_sent => NextTry::LookFirst,
        // The look itself failed, which says nothing about what an earlier try has started.
        FailureKind::Internal if attempt > 1 => NextTry::LookFirst,
        FailureKind::Other(_)
        | FailureKind::InvalidParameters
        | FailureKind::Rejected
        | FailureKind::Unsupported
        | FailureKind::Internal => NextTry::Never,
    }
}

/// After an attempt with an unknown outcome, no failure may sound as if nothing had been started.
fn after_an_earlier_try(failure: Failure) -> Failure {
    if failure.kind == FailureKind::Ambiguous {
        return failure;
    }
    Failure {
        kind: FailureKind::Ambiguous,
        message: format!(
            "An earlier try may have started the run, and it could not be found out whether it did: {}",
            failure.message
        ),
        remedy: Some(
            "Look at the workflow's runs on the server; start it again only if it is missing there.".to_owned(),
        ),
        ..failure
    }
}

fn not_started(failure: Failure) -> (State, Vec<Effect>) {
    (
        State::Ended(End::Reported(Outcome::Failure)),
        vec![Effect::Write(Write::NotStarted(failure))],
    )
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(sentence, _)| sentence)
}

#[cfg(test)]
mod tests;
