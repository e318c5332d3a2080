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

use super::retry::{self, NextTry};
use crate::contract::{
    Change, Completion, Failure, FailureKind, Outcome, Progress, RunPlan, RunUpdate, Started,
};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a run is in its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Claimed from Port; the plugin looks at it. Not in the journal yet.
    Planning,
    /// Port is told that the run is ours. What follows is decided already: start it, or say why not.
    Acking(Result<RunPlan, Failure>),
    /// It waits for its turn.
    Ready(RunPlan),
    /// The plugin starts it. No request that could do so has left.
    Dispatching(RunPlan),
    /// The plugin starts it, and a request that does so may have left.
    Sending(RunPlan),
    /// It waits until the server may be asked again.
    Parked {
        /// What was found out about it.
        plan: RunPlan,
        /// How long it waits.
        pause: Duration,
        /// Whether the server's limits make it wait, so that no other run of the installation should start either.
        limited: bool,
    },
    /// The server runs it; news is awaited.
    Started {
        /// The newest attempt that there was news of.
        attempt: u32,
        /// Whether it has run for longer than it may and is being cancelled.
        overdue: bool,
    },
    /// It has failed, and is not reported yet: somebody may run it again.
    Holding {
        /// The attempt that failed.
        attempt: u32,
        /// How.
        completion: Completion,
    },
    /// It has ended in Port, and the server is asked to stop it.
    Stopping,
    /// Nothing more will happen here but telling Port.
    Ended(End),
}

/// How the host's part in a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Its end was reported, or its refusal.
    Reported(Outcome),
    /// It runs, and its end is not to be reported.
    HandedOver,
    /// It belongs to somebody else: Port says that it was taken already.
    NotOurs,
    /// It could not be taken from Port, which will offer it again.
    Returned,
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
    /// It is the run's turn.
    Turn,
    /// It would be its turn, but the server may not be asked for so long, for this reason.
    NoBudget(Duration, String),
    /// The first request that starts the run is about to leave.
    Leaving,
    /// The plugin has tried to start the run.
    Dispatched(Result<Started, Failure>),
    /// The time to wait is over.
    Woken,
    /// There was no news for a while.
    Quiet,
    /// There is news of the run.
    Updated(RunUpdate),
    /// The server was asked how the run stands, and could not say.
    Unanswered(Failure),
    /// It has run for as long as it may, or has not ended in the time that it got to be cancelled.
    Overdue,
    /// The server was asked to stop the run.
    Cancelled(Result<(), Failure>),
    /// Port says that the run has ended already.
    EndedElsewhere,
    /// The process has begun anew, with this state from the journal.
    Restarted,
}

/// What Port says to an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// The run is ours.
    Ours,
    /// Somebody else has it.
    Taken,
    /// Port could not be told, and cannot have heard.
    Unheard,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell Port that the run is ours.
    Ack {
        /// Whether Port may have heard it before.
        again: bool,
    },
    /// Line up for a turn.
    LineUp,
    /// Let the plugin start the run; the number of the attempt.
    Dispatch(u32),
    /// Come back with [`Event::Woken`] after so long, holding nothing.
    Wake(Duration),
    /// Let no run of the installation start for so long: the server wants a pause and did not say how long.
    HoldInstallation(Duration),
    /// Come back with [`Event::Quiet`] if no news comes for so long.
    Listen(Duration),
    /// Ask the server how the run stands.
    Check,
    /// Come back with [`Event::Overdue`] when the run has been on the server for so long.
    Deadline(Duration),
    /// Come back with [`Event::Overdue`] after so long from now.
    LastChance(Duration),
    /// Ask the server to stop the run.
    Cancel,
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

/// What an operator may set about lives; all per installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// First pause before the server is asked about a run that there is no news of.
    pub first_check: Duration,
    /// Pauses between checks double up to this.
    pub longest_check: Duration,
    /// How long a run may be on the server before it is cancelled. None: as long as it likes.
    pub max_run: Option<Duration>,
    /// How long a failure waits for somebody to run it again before it is reported. None: not at all.
    pub failure_grace: Option<Duration>,
    /// Whether a run that is ended in Port is cancelled on the server.
    pub cancel_with_port: bool,
    /// First pause where the server wants one and does not say how long; it doubles each time.
    pub limit_pause: Duration,
}

impl Default for Rules {
    /// Checks after half a minute, then up to five minutes apart: news by webhook is faster, and a check costs a
    /// request. Nothing is cancelled and nothing held back. GitHub wants a pause of a minute at least where it does not
    /// say how long ("Best practices for using the REST API").
    fn default() -> Rules {
        Rules {
            first_check: Duration::from_secs(30),
            longest_check: Duration::from_secs(5 * 60),
            max_run: None,
            failure_grace: None,
            cancel_with_port: false,
            limit_pause: Duration::from_secs(60),
        }
    }
}

/// How long a run that is cancelled for being overdue may take to end. A job gets five minutes from GitHub to clean up.
const CANCEL_GRACE: Duration = Duration::from_secs(6 * 60);
/// Pause before a cancellation that failed for a passing reason is tried again, unless the server names another, and how
/// often it is: for two hours, longer than a rate limit lasts.
const CANCEL_AGAIN: Duration = Duration::from_secs(60);
const CANCEL_TRIES: u32 = 120;
/// Longest pause that is believed of a server.
const LONGEST_CANCEL_PAUSE: Duration = Duration::from_secs(65 * 60);
/// How many checks in a row may fail before the run is given up: three days with five minutes between. Longer than an
/// outage, and long enough to mend a credential after a weekend.
const UNANSWERED_CHECKS: u32 = 3 * 24 * 12;

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
            (State::Ready(plan), Event::NoBudget(pause, why)) => self.park(plan, &why, pause, true),
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

    fn while_started(
        &mut self,
        attempt: u32,
        overdue: bool,
        event: Event,
        rules: &Rules,
    ) -> (State, Vec<Effect>) {
        let unchanged = State::Started { attempt, overdue };
        match event {
            Event::Quiet => {
                self.quiet = self.quiet.saturating_add(1);
                let listen = Effect::Listen(self.next_check(rules));
                (unchanged, vec![Effect::Check, listen])
            }
            Event::Updated(update) if update.attempt >= attempt => {
                self.unanswered = 0;
                if update.attempt > attempt {
                    self.first_label = None;
                }
                self.on_update(update, overdue, rules)
            }
            Event::Unanswered(failure) if self.unanswered >= UNANSWERED_CHECKS => {
                completed(never_answered(&failure))
            }
            Event::Unanswered(_) => {
                self.unanswered += 1;
                (unchanged, vec![])
            }
            Event::Cancelled(Err(failure)) if overdue && self.may_cancel_again(&failure) => {
                (unchanged, vec![Effect::Wake(cancel_pause(&failure))])
            }
            Event::Woken if overdue => (unchanged, vec![Effect::Cancel]),
            Event::Overdue if overdue => self.gave_no_end(rules),
            Event::Overdue => {
                let progress = Progress {
                    label: Some(format!("Cancelling: {}", too_long(rules))),
                    log: vec![],
                };
                let mut effects = vec![Effect::Write(Write::Progress(progress)), Effect::Cancel];
                effects.extend(deadline(rules, true));
                let overdue = State::Started {
                    attempt,
                    overdue: true,
                };
                (overdue, effects)
            }
            Event::EndedElsewhere if rules.cancel_with_port => {
                (State::Stopping, vec![Effect::Cancel])
            }
            Event::EndedElsewhere => (State::Ended(End::Elsewhere), vec![]),
            _ => (unchanged, vec![]),
        }
    }

    fn on_update(
        &mut self,
        update: RunUpdate,
        overdue: bool,
        rules: &Rules,
    ) -> (State, Vec<Effect>) {
        let attempt = update.attempt;
        match update.change {
            Change::Progress(mut progress) => {
                progress.label = progress.label.and_then(|label| self.news(label));
                let state = State::Started { attempt, overdue };
                if progress.label.is_none() && progress.log.is_empty() {
                    return (state, vec![]);
                }
                self.quiet = 0;
                let listen = Effect::Listen(self.next_check(rules));
                (
                    state,
                    vec![Effect::Write(Write::Progress(progress)), listen],
                )
            }
            Change::Completed(completion) if overdue => completed(timed_out(completion, rules)),
            Change::Completed(completion) => match rules.failure_grace {
                Some(_) if completion.outcome != Outcome::Success => {
                    let label = format!("{}; waiting for a re-run", completion.label);
                    let state = State::Holding {
                        attempt,
                        completion,
                    };
                    let mut effects = vec![Effect::Write(Write::Waiting(label))];
                    effects.extend(self.hold(rules));
                    (state, effects)
                }
                _ => completed(completion),
            },
        }
    }

    fn while_holding(
        &mut self,
        attempt: u32,
        completion: Completion,
        event: Event,
        rules: &Rules,
    ) -> (State, Vec<Effect>) {
        match event {
            Event::Updated(update) if update.attempt > attempt => {
                self.first_label = None;
                self.label = None;
                let (state, mut effects) = self.on_update(update, false, rules);
                if matches!(state, State::Started { .. }) {
                    effects.push(Effect::Listen(self.next_check(rules)));
                    effects.extend(rules.max_run.map(Effect::LastChance));
                }
                (state, effects)
            }
            Event::Woken => completed(completion),
            Event::EndedElsewhere => (State::Ended(End::Elsewhere), vec![]),
            Event::Quiet => {
                let state = State::Holding {
                    attempt,
                    completion,
                };
                (
                    state,
                    vec![Effect::Check, Effect::Listen(rules.first_check)],
                )
            }
            _ => {
                let state = State::Holding {
                    attempt,
                    completion,
                };
                (state, vec![])
            }
        }
    }

    /// The run has ended for Port; whether the server can be made to stop it changes nothing about that.
    fn while_stopping(&mut self, event: Event) -> (State, Vec<Effect>) {
        match event {
            Event::Cancelled(Err(failure)) if self.may_cancel_again(&failure) => {
                (State::Stopping, vec![Effect::Wake(cancel_pause(&failure))])
            }
            Event::Woken => (State::Stopping, vec![Effect::Cancel]),
            Event::Cancelled(_) => (State::Ended(End::Elsewhere), vec![]),
            _ => (State::Stopping, vec![]),
        }
    }

    /// It was cancelled for being overdue, and still has not ended.
    fn gave_no_end(&self, rules: &Rules) -> (State, Vec<Effect>) {
        completed(Completion {
            outcome: Outcome::Failure,
            conclusion: "timed_out".to_owned(),
            label: "Timed out".to_owned(),
            summary: Some(format!(
                "It {}. The server was asked to cancel it and has not said that it ended; it may still be running \
                 there.",
                too_long(rules)
            )),
            output: "{}".to_owned(),
            log: vec![],
        })
    }

    /// Waits for a re-run of a failure, and looks for one, since its webhook may be lost.
    fn hold(&self, rules: &Rules) -> [Effect; 2] {
        let grace = rules.failure_grace.unwrap_or_default();
        [
            Effect::Wake(grace),
            Effect::Listen(rules.first_check.min(grace / 2)),
        ]
    }

    fn may_cancel_again(&mut self, failure: &Failure) -> bool {
        self.cancels += 1;
        failure.is_transient() && self.cancels <= CANCEL_TRIES
    }

    /// The pause before the next check, by how many there were without news.
    fn next_check(&self, rules: &Rules) -> Duration {
        rules
            .first_check
            .saturating_mul(2u32.saturating_pow(self.quiet))
            .min(rules.longest_check)
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

fn deadline(rules: &Rules, overdue: bool) -> Option<Effect> {
    let time = rules.max_run?;
    Some(if overdue {
        Effect::LastChance(CANCEL_GRACE)
    } else {
        Effect::Deadline(time)
    })
}

fn cancel_pause(failure: &Failure) -> Duration {
    match failure.kind {
        FailureKind::RateLimited(Some(seconds)) => {
            Duration::from_secs(u64::from(seconds)).clamp(CANCEL_AGAIN, LONGEST_CANCEL_PAUSE)
        }
        _ => CANCEL_AGAIN,
    }
}

/// For days, the server could not say how the run stands. Nobody is to wait for ever.
fn never_answered(failure: &Failure) -> Completion {
    Completion {
        outcome: Outcome::Failure,
        conclusion: "unknown".to_owned(),
        label: "Outcome unknown".to_owned(),
        summary: Some(format!(
            "The server could not be asked how the run ended, again and again for days. The last try: {}",
            failure.message
        )),
        output: "{}".to_owned(),
        log: vec![],
    }
}

/// A run that was cancelled for being overdue has failed for that reason. One that ended well in spite of it has not.
fn timed_out(completion: Completion, rules: &Rules) -> Completion {
    if completion.outcome == Outcome::Success {
        return completion;
    }
    Completion {
        outcome: Outcome::Failure,
        label: "Timed out".to_owned(),
        summary: Some(format!("It {} and was cancelled.", too_long(rules))),
        ..completion
    }
}

fn too_long(rules: &Rules) -> String {
    let seconds = rules.max_run.unwrap_or_default().as_secs();
    match (seconds / 60, seconds % 60) {
        (minutes, 0) => format!("has run for longer than {minutes} min (max-run-minutes)"),
        _ => format!("has run for longer than {seconds} s (max-run-minutes)"),
    }
}

fn first_sentence(text: &str) -> &str {
    let line = text.lines().next().unwrap_or_default();
    line.split_once(". ").map_or(line, |(sentence, _)| sentence)
}

#[cfg(test)]
mod tests;
