//! Doing what was decided. The journal has it.

use super::decision::{Effect, End, Event, State};
use super::driver::{partition, post, pump};
use super::entry::{Entry, Happened, Inner, What, set};
use super::{Shared, backoff, calls, checks, lock, outbox};
use crate::clock;
use crate::contract::Outcome;
use crate::metrics::RunOutcome;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// Does what was decided. The journal has it.
pub(super) fn carry_out(
    shared: &Arc<Shared>,
    entry: &Arc<Entry>,
    effects: Vec<Effect>,
    is_restart: bool,
) {
    let mut inner = entry.lock();
    // First, so that a run that lines up again stands behind those that wait for its partition.
    give_turn_back(shared, entry, &mut inner);
    for effect in effects {
        match effect {
            Effect::Ack { again } => calls::ack(shared, entry, again),
            Effect::LineUp => {
                let partition = partition(&inner);
                inner.is_lined_up = true;
                lock(&shared.turns).push(
                    &entry.key.installation,
                    partition.as_deref(),
                    entry.key.clone(),
                );
            }
            Effect::Dispatch(number) => {
                // A first attempt is repeated only if the one before has started nothing, so the search for what may have
                // been started must not reach back behind the newest.
                let now = clock::timestamp();
                let began = match inner.first_began {
                    Some(began) if number > 1 => began,
                    _ => now,
                };
                inner.first_began = Some(began);
                calls::dispatch(shared, entry, number, began);
            }
            Effect::Wake(pause) => {
                let passed = clock::timestamp().saturating_sub(inner.since);
                let left = if is_restart {
                    rest_of(pause, passed, entry, &inner)
                } else {
                    pause
                };
                let timer = after(shared, entry, backoff::with_jitter(left), Event::Woken);
                set(&mut inner.timers.wake, Some(timer));
            }
            Effect::HoldInstallation(pause) => {
                let budget = entry.source.installation.budget();
                budget.hold(pause, Instant::now());
            }
            Effect::Listen(pause) => {
                let timer = after(shared, entry, backoff::with_jitter(pause), Event::Quiet);
                set(&mut inner.timers.listen, Some(timer));
            }
            Effect::Deadline(time) => {
                let since = inner.started_at.unwrap_or_else(clock::timestamp);
                let passed = Duration::from_millis(clock::timestamp().saturating_sub(since));
                // After a restart the run may have ended long ago: the check comes first.
                let least = if is_restart {
                    entry.source.rules.first_check
                } else {
                    Duration::ZERO
                };
                let left = time.saturating_sub(passed).max(least);
                let timer = after(shared, entry, left, Event::Overdue);
                set(&mut inner.timers.deadline, Some(timer));
            }
            Effect::LastChance(time) => {
                let timer = after(shared, entry, time, Event::Overdue);
                set(&mut inner.timers.deadline, Some(timer));
            }
            Effect::Check if !std::mem::replace(&mut inner.is_checking, true) => {
                checks::line_up(shared, entry);
            }
            Effect::Cancel => calls::cancel(shared, entry, inner.external_run_id.clone()),
            Effect::Write(write) => {
                if let Some(watcher) = &shared.watcher {
                    watcher.wrote(&entry.key, &write);
                }
            }
            Effect::Check => {}
        }
    }
    tell_port(shared, entry, &mut inner);
    if inner.finished_at.is_some() {
        inner.is_gone = true;
        inner.timers.stop();
        count_end(shared, entry, &inner);
        drop(inner);
        shared.remove(entry);
    } else {
        drop(inner);
        shared.recount(entry);
    }
    pump(shared);
}

/// What is left of a pause that began before the restart. A failure that is held back may have been made good meanwhile, so
/// the check comes first.
fn rest_of(pause: Duration, passed: u64, entry: &Entry, inner: &Inner) -> Duration {
    let left = pause.saturating_sub(Duration::from_millis(passed));
    match inner.life.state() {
        State::Holding { .. } => left.max(entry.source.rules.first_check),
        _ => left,
    }
}

/// A run whose call is over lets the next one begin; its partition only if the outcome is known.
fn give_turn_back(shared: &Shared, entry: &Entry, inner: &mut Inner) {
    let is_under_way = matches!(
        inner.life.state(),
        State::Dispatching(_) | State::Sending(_)
    );
    // A turn that was granted and not used yet is kept, whatever else happens to the run meanwhile.
    let is_done = !inner.turn_is_pending || inner.life.end().is_some();
    if inner.has_turn && !is_under_way && is_done {
        inner.has_turn = false;
        inner.turn_is_pending = false;
        inner.holds_partition = inner.life.is_unresolved();
        lock(&shared.turns).done(&entry.key.installation, &entry.key, inner.holds_partition);
    }
}

/// Sends the first call of the outbox, unless it is being sent.
fn tell_port(shared: &Arc<Shared>, entry: &Arc<Entry>, inner: &mut Inner) {
    if inner.outbox.is_sending {
        return;
    }
    let Some((_, call)) = inner.outbox.first() else {
        return;
    };
    let call = call.clone();
    inner.outbox.is_sending = true;
    let (shared, entry) = (shared.clone(), entry.clone());
    tokio::spawn(async move {
        let fate = outbox::send(&entry, &call, &shared.metrics).await;
        let happened = Happened {
            what: What::Call(fate),
            mark: None,
            reply: None,
        };
        post(&shared, &entry, happened);
    });
}

fn after(shared: &Arc<Shared>, entry: &Arc<Entry>, pause: Duration, event: Event) -> AbortHandle {
    let (shared, entry) = (shared.clone(), entry.clone());
    let timer = tokio::spawn(async move {
        tokio::time::sleep(pause).await;
        post(&shared, &entry, Happened::life(event));
    });
    timer.abort_handle()
}

fn count_end(shared: &Shared, entry: &Entry, inner: &Inner) {
    let outcome = match inner.life.end() {
        Some(End::Reported(Outcome::Success)) => RunOutcome::Success,
        Some(End::Reported(Outcome::Failure)) => RunOutcome::Failure,
        Some(End::Reported(Outcome::Cancelled)) => RunOutcome::Cancelled,
        Some(End::HandedOver) => RunOutcome::HandedOver,
        Some(End::NotOurs) => RunOutcome::NotOurs,
        Some(End::Returned) => RunOutcome::Returned,
        Some(End::Elsewhere) | None => RunOutcome::EndedElsewhere,
    };
    shared.metrics.run_ended(outcome);
    if let Some(heard) = inner.heard_end {
        shared.metrics.end_reported(heard.elapsed());
    }
    let life = clock::timestamp().saturating_sub(entry.claimed_at);
    shared.metrics.run_lasted(Duration::from_millis(life));
}
