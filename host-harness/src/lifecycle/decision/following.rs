//! What happens to a run that the server has: news, silence, time limits, cancellation.

use super::{Effect, End, Event, Life, Parts, Rules, State, Write, completed};
use crate::contract::{
    Change, Completion, Failure, FailureKind, Level, LogLine, Outcome, Progress, RunUpdate,
};
use std::time::Duration;

/// How long a run that is cancelled for being overdue may take to end. A job gets five minutes from GitHub to clean up.
pub(super) const CANCEL_GRACE: Duration = Duration::from_secs(6 * 60);
/// Pause before a cancellation that failed for a passing reason is tried again, unless the server names another, and how
/// often it is: for two hours, longer than a rate limit lasts.
pub(super) const CANCEL_AGAIN: Duration = Duration::from_secs(60);
const CANCEL_TRIES: u32 = 120;
/// Longest pause that is believed of a server.
const LONGEST_CANCEL_PAUSE: Duration = Duration::from_secs(65 * 60);
/// How often Port is told that a run goes on: a run of a hundred jobs, each with its start and its end. What comes after
/// that is its end alone.
pub(super) const MOST_NEWS: u32 = 200;
/// How many checks in a row may fail before the run is given up: three days with five minutes between. Longer than an
/// outage, and long enough to mend a credential after a weekend.
pub(super) const UNANSWERED_CHECKS: u32 = 3 * 24 * 12;

impl Life {
    pub(super) fn while_started(
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
                    self.begin_attempt();
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
                    part: None,
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
            Change::Progress(progress) => {
                let effects = self.on_progress(progress, overdue, rules);
                (State::Started { attempt, overdue }, effects)
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

    fn on_progress(&mut self, mut progress: Progress, overdue: bool, rules: &Rules) -> Vec<Effect> {
        if let Some(part) = progress.part.take() {
            self.parts.learn(part);
        }
        if progress.label.is_none() && progress.log.is_empty() {
            return vec![];
        }
        progress.label = match progress.label.take() {
            // What Port shows then says that the run is being cancelled.
            _ if overdue => None,
            label => self.news(label),
        };
        if progress.label.is_none() && progress.log.is_empty() {
            return vec![];
        }
        self.quiet = 0;
        let listen = Effect::Listen(self.next_check(rules));
        self.told = self.told.saturating_add(1);
        if self.told > MOST_NEWS {
            return vec![listen];
        }
        if self.told == MOST_NEWS {
            progress.log.push(LogLine {
                level: Level::Info,
                message: "There is more news of this run than is told here; its end will be."
                    .to_owned(),
            });
        }
        vec![Effect::Write(Write::Progress(progress)), listen]
    }

    /// What is known of an attempt says nothing about the next.
    fn begin_attempt(&mut self) {
        self.first_label = None;
        self.stage = None;
        self.parts = Parts::default();
    }

    pub(super) fn while_holding(
        &mut self,
        attempt: u32,
        completion: Completion,
        event: Event,
        rules: &Rules,
    ) -> (State, Vec<Effect>) {
        match event {
            Event::Updated(update) if update.attempt > attempt => {
                self.begin_attempt();
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
    pub(super) fn while_stopping(&mut self, event: Event) -> (State, Vec<Effect>) {
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
            log: vec![reason(format!(
                "Timed out: it {}, was cancelled, and the server has not said that it ended.",
                too_long(rules)
            ))],
        })
    }

    /// Waits for a re-run of a failure, and looks for one, since its webhook may be lost.
    pub(super) fn hold(&self, rules: &Rules) -> [Effect; 2] {
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
    pub(super) fn next_check(&self, rules: &Rules) -> Duration {
        rules
            .first_check
            .saturating_mul(2u32.saturating_pow(self.quiet))
            .min(rules.longest_check)
    }

    /// The label with the part that the run is at, if Port doesn't show it already. A label that leads back to the
    /// beginning is none: deliveries may come out of order.
    fn news(&mut self, label: Option<String>) -> Option<String> {
        if label.is_some() && label != self.first_label {
            self.stage = label;
        }
        let stage = self.stage.as_ref()?;
        let label = match self.parts.place() {
            Some(place) => format!("{stage}: {place}"),
            None => stage.clone(),
        };
        if self.label.as_ref() == Some(&label) {
            return None;
        }
        self.label = Some(label.clone());
        Some(label)
    }
}

pub(super) fn deadline(rules: &Rules, overdue: bool) -> Option<Effect> {
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
        log: vec![reason(format!(
            "Outcome unknown: the server could not be asked for days. The last try: {}",
            failure.message
        ))],
    }
}

/// A line with the reason of an end: the log is all that a run of a workflow node shows.
fn reason(message: String) -> LogLine {
    LogLine {
        level: Level::Error,
        message,
    }
}

/// A run that was cancelled for being overdue has failed for that reason. One that ended well in spite of it has not.
fn timed_out(completion: Completion, rules: &Rules) -> Completion {
    if completion.outcome == Outcome::Success {
        return completion;
    }
    let why = format!("It {} and was cancelled.", too_long(rules));
    let mut log = completion.log;
    log.push(reason(format!("Timed out. {why}")));
    Completion {
        outcome: Outcome::Failure,
        label: "Timed out".to_owned(),
        summary: Some(why),
        log,
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
