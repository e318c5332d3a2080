//! What happens next to a run: a pure function of its state and an event.
//!
//! Nothing here waits, sends or reads a clock. The driver (`driver`) writes the new state into the journal, *then* does
//! what the effects say, and comes back with the event that follows from each. After a kill it reads the state from the
//! journal and sends [`Event::Restarted`].
//!
//! ```text
//! Planning ─ Acking ─ Ready ─ Dispatching ─ Sending ─ Started ─ (Holding) ─ Ended
//!               │       └───────── Parked ─────┘         └─── Stopping ───────┘
//!               └ refused, not ours ──────────────────────────────────────────┘
//! ```
//!
//! What the journal says after a kill, and what follows:
//!
//! | state | a kill may have hit | restart |
//! |---|---|---|
//! | – | before the ack | Port offers the run again |
//! | `Acking` | around the ack | ack again; that it is taken then means by us |
//! | `Ready`, `Dispatching` | before any request that starts the run | dispatch, as if nothing had been |
//! | `Sending` | around the request | dispatch as a new attempt, which looks before it sends |
//! | `Parked` | while it waits | wait for the rest of the time |
//! | `Started` | while the server runs it | ask the server how it stands |
//! | `Holding` | while a failure may still be made good | wait again, then report |
//! | `Stopping` | around the cancellation | cancel again |
//! | `Ended` | around the report | tell Port whatever the outbox holds |

mod following;
mod parts;
mod rules;
mod vocabulary;

pub use rules::Rules;
pub use vocabulary::{Ack, Effect, End, Event, State, Write};

use super::retry::{self, NextTry};
use crate::contract::{Completion, Failure, FailureKind, Outcome, RunPlan, Started};
use following::deadline;
use parts::Parts;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// A run's life. What is remembered of it over a kill is all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Life {
    pub(super) state: State,
    /// Number of the attempt, from 1. Rises only when an earlier one may have had its effect.
    pub(super) attempt: u32,
    /// What has gone wrong so far.
    pub(super) tally: retry::Tally,
    /// Checks without news since the last news.
    quiet: u32,
    /// Checks in a row that the server could not answer.
    unanswered: u32,
    cancels: u32,
    /// What Port shows beside the status, as far as it was told.
    label: Option<String>,
    /// The label that the newest attempt began with.
    first_label: Option<String>,
    /// The plugin's last label since then, without the part that the run is at.
    stage: Option<String>,
    /// The parts of the newest attempt.
    parts: Parts,
    /// How often Port was told that the run goes on.
    told: u32,
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
            tally: retry::Tally::default(),
            quiet: 0,
            unanswered: 0,
            cancels: 0,
            label: None,
            first_label: None,
            stage: None,
            parts: Parts::default(),
            told: 0,
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

    /// Whether an attempt may have had its effect and it is not known yet what: then no other run of the same partition
    /// may begin.
    pub fn is_unresolved(&self) -> bool {
        match self.state {
            State::Dispatching(_) | State::Sending(_) => true,
            State::Ready(_) | State::Parked { .. } => self.attempt > 1,
            _ => false,
        }
    }

    /// Takes an event in and says what is to be done. An event that does not belong to the state changes nothing: news
    /// may come twice, late, or for an older attempt.
    pub fn handle(&mut self, event: Event, rules: &Rules) -> Vec<Effect> {
        let state = std::mem::replace(&mut self.state, State::Planning);
        let (state, effects) = match (state, event) {
            (state, Event::Restarted) => self.on_restart(state, rules),
            (State::Planning, Event::Planned(plan)) => {
                (State::Acking(plan), vec![Effect::Ack { again: false }])
            }
            (State::Acking(plan), Event::Acked(ack)) => on_ack(plan, ack),
            (State::Ready(plan), Event::Turn) => {
                let dispatch = Effect::Dispatch(self.attempt);
                (State::Dispatching(plan), vec![dispatch])
            }
            (State::Ready(plan), Event::NoBudget(pause, why)) => {
                self.park(plan, &why, pause, false)
            }
            (State::Dispatching(plan), Event::Leaving) => (State::Sending(plan), vec![]),
            (State::Dispatching(plan) | State::Sending(plan), Event::Dispatched(Ok(started))) => {
                self.on_started(&plan, started, rules)
            }
            (State::Dispatching(plan) | State::Sending(plan), Event::Dispatched(Err(failure))) => {
                self.on_failure(plan, failure, rules)
            }
            (State::Parked { plan, .. }, Event::Woken) => {
                (State::Ready(plan), vec![Effect::LineUp])
            }
            (State::Started { attempt, overdue }, event) => {
                self.while_started(attempt, overdue, event, rules)
            }
            (
                State::Holding {
                    attempt,
                    completion,
                },
                event,
            ) => self.while_holding(attempt, completion, event, rules),
            // What an attempt in doubt may have started has to be found before it can be cancelled.
            (state @ (State::Parked { .. } | State::Ready(_)), Event::EndedElsewhere)
                if self.attempt > 1 && rules.cancel_with_port =>
            {
                (state, vec![])
            }
            (State::Parked { .. } | State::Ready(_), Event::EndedElsewhere) => {
                (State::Ended(End::Elsewhere), vec![])
            }
            (State::Stopping, event) => self.while_stopping(event),
            (state, _) => (state, vec![]),
        };
        self.state = state;
        effects
    }

    fn on_restart(&mut self, state: State, rules: &Rules) -> (State, Vec<Effect>) {
        match state {
            State::Acking(plan) => (State::Acking(plan), vec![Effect::Ack { again: true }]),
            State::Ready(plan) | State::Dispatching(plan) => {
                (State::Ready(plan), vec![Effect::LineUp])
            }
            State::Sending(plan) => {
                self.attempt += 1;
                (State::Ready(plan), vec![Effect::LineUp])
            }
            State::Parked { pause, .. } => (state, vec![Effect::Wake(pause)]),
            State::Started { attempt, overdue } => {
                let mut effects = vec![Effect::Check, Effect::Listen(self.next_check(rules))];
                if overdue {
                    effects.push(Effect::Cancel);
                }
                effects.extend(deadline(rules, overdue));
                (State::Started { attempt, overdue }, effects)
            }
            State::Holding {
                attempt,
                completion,
            } => {
                let state = State::Holding {
                    attempt,
                    completion,
                };
                let mut effects = vec![Effect::Check];
                effects.extend(self.hold(rules));
                (state, effects)
            }
            State::Stopping => (State::Stopping, vec![Effect::Cancel]),
            State::Planning | State::Ended(_) => (state, vec![]),
        }
    }

    /// The plugin could not start the run: try again, look again, or give up.
    fn on_failure(
        &mut self,
        plan: RunPlan,
        failure: Failure,
        rules: &Rules,
    ) -> (State, Vec<Effect>) {
        let next = self
            .tally
            .next_try(&failure, self.attempt, rules.limit_pause);
        match next {
            NextTry::After { pause, hold } => {
                let limited = matches!(failure.kind, FailureKind::RateLimited(_));
                let (state, mut effects) = self.park(plan, &failure.message, pause, limited);
                if hold {
                    effects.push(Effect::HoldInstallation(pause));
                }
                (state, effects)
            }
            NextTry::AtOnce => (State::Ready(plan), vec![Effect::LineUp]),
            NextTry::LookFirst(pause) => {
                self.attempt += 1;
                self.park(plan, &failure.message, pause, false)
            }
            NextTry::Never if self.attempt > 1 => not_started(retry::after_an_earlier_try(failure)),
            NextTry::Never => not_started(failure),
        }
    }

    /// Waits; says for what, once.
    fn park(
        &mut self,
        plan: RunPlan,
        why: &str,
        pause: Duration,
        limited: bool,
    ) -> (State, Vec<Effect>) {
        let mut effects = Vec::with_capacity(3);
        if !self.says_waiting {
            self.says_waiting = true;
            let label = format!("Waiting: {}", first_sentence(why));
            self.label = Some(label.clone());
            effects.push(Effect::Write(Write::Waiting(label)));
        }
        effects.push(Effect::Wake(pause));
        let state = State::Parked {
            plan,
            pause,
            limited,
        };
        (state, effects)
    }

    fn on_started(
        &mut self,
        plan: &RunPlan,
        mut started: Started,
        rules: &Rules,
    ) -> (State, Vec<Effect>) {
        if !plan.report_status {
            // Nobody will come back to change it, so a label would stay for ever; one that says that the run waits has to
            // be replaced, though.
            started.status_label = self.says_waiting.then(|| "Started".to_owned());
            let end = State::Ended(End::HandedOver);
            return (end, vec![Effect::Write(Write::Started(started))]);
        }
        self.label.clone_from(&started.status_label);
        self.first_label.clone_from(&started.status_label);
        let mut effects = vec![
            Effect::Write(Write::Started(started)),
            Effect::Listen(self.next_check(rules)),
        ];
        effects.extend(deadline(rules, false));
        let state = State::Started {
            attempt: 1,
            overdue: false,
        };
        (state, effects)
    }
}

fn on_ack(plan: Result<RunPlan, Failure>, ack: Ack) -> (State, Vec<Effect>) {
    match (plan, ack) {
        (_, Ack::Taken) => (State::Ended(End::NotOurs), vec![]),
        (_, Ack::Unheard) => (State::Ended(End::Returned), vec![]),
        (Ok(plan), Ack::Ours) => (State::Ready(plan), vec![Effect::LineUp]),
        (Err(failure), Ack::Ours) => not_started(failure),
    }
}

fn not_started(failure: Failure) -> (State, Vec<Effect>) {
    (
        State::Ended(End::Reported(Outcome::Failure)),
        vec![Effect::Write(Write::NotStarted(failure))],
    )
}

fn completed(completion: Completion) -> (State, Vec<Effect>) {
    (
        State::Ended(End::Reported(completion.outcome)),
        vec![Effect::Write(Write::Completed(completion))],
    )
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(sentence, _)| sentence)
}

#[cfg(test)]
mod tests;
