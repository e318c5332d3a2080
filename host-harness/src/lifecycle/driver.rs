//! What happens to a run, in order: decide, write into the journal, then do.
//!
//! Everything goes through [`post`]. Whoever finds a run's queue idle becomes the one who works it off, so there is
//! never a second one, and nothing of one event is done before the journal has all of it. The next event is looked at
//! after that; so what leaves this process is never ahead of the journal.
//!
//! But for what a next process would hear once more and decide alike ([`Event::is_heard_again`], and Port's answers to the
//! calls of the outbox): that is handed over to the journal and not waited for. A kill before it is durable makes Port hear
//! a word about the run twice. To start a run, to take one and to give one back is never of that kind.

use super::calls;
use super::decision::{Event, Life, State};
use super::effects::carry_out;
use super::entry::{Entry, Happened, Inner, What};
use super::mark::Mark;
use super::outbox::{self, Fate};
use super::routes::{News, Taken};
use super::step::{self, Step};
use super::{Effect, Shared, lock};
use crate::clock;
use crate::contract::{Failure, FailureKind, Started};
use crate::journal::{Call, Change, JournalError, Note};
use std::sync::Arc;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Tells a run that something has happened. Must be called inside a tokio runtime.
pub(super) fn post(shared: &Arc<Shared>, entry: &Arc<Entry>, happened: Happened) {
    let mut inner = entry.lock();
    inner.queue.push_back(happened);
    if !std::mem::replace(&mut inner.is_busy, true) {
        drop(inner);
        tokio::spawn(work_off(shared.clone(), entry.clone()));
    }
}

/// Lets those have their turn whose turn it is.
pub(super) fn pump(shared: &Arc<Shared>) {
    if shared.stopping.is_cancelled() {
        return;
    }
    loop {
        let next = lock(&shared.turns).grant();
        let Some(key) = next else {
            return;
        };
        let Some(entry) = shared.entry(&key) else {
            lock(&shared.turns).done(&key.installation, &key, false);
            continue;
        };
        {
            let mut inner = entry.lock();
            inner.has_turn = true;
            inner.turn_is_pending = true;
            inner.is_lined_up = false;
        }
        let now = Instant::now();
        let budget = entry.source.installation.budget();
        match budget.wait(now, shared.rate_threshold) {
            None => calls::turn(shared, &entry),
            Some(wait) => {
                let pause = wait.until.duration_since(now);
                let event = Event::NoBudget(pause, wait.reason);
                post(shared, &entry, Happened::life(event));
            }
        }
    }
}

/// What was decided about one event.
struct Decided {
    changes: Vec<Change>,
    effects: Vec<Effect>,
    steps: Vec<Step>,
    reply: Option<oneshot::Sender<Result<(), JournalError>>>,
    /// The life before, for an event that is taken back if it cannot be written.
    before: Option<Life>,
    /// Whether a process that is started anew would hear it once more.
    is_heard_again: bool,
    is_restart: bool,
    /// Of a delivery with more news, which is not marked yet.
    mark: Option<Mark>,
}

impl Decided {
    /// About a run that is gone: only that the delivery which told of it has been heard.
    fn nothing(mark: Option<Mark>) -> Decided {
        let mut decided = Decided {
            changes: vec![],
            effects: vec![],
            steps: vec![],
            reply: None,
            before: None,
            is_heard_again: true,
            is_restart: false,
            mark: None,
        };
        decided.marks(mark);
        decided
    }

    fn marks(&mut self, mark: Option<Mark>) {
        match mark.map(Mark::alone) {
            Some(Ok(delivery)) => {
                let done = Change::DeliveryDone(delivery, clock::timestamp());
                self.changes.push(done);
            }
            Some(Err(mark)) => self.mark = Some(mark),
            None => {}
        }
    }
}

async fn work_off(shared: Arc<Shared>, entry: Arc<Entry>) {
    loop {
        let Some(decided) = decide(&shared, &entry) else {
            return;
        };
        let is_new = !entry.lock().is_journaled;
        let changes = decided.changes;
        let committed = match (&decided.before, changes.is_empty()) {
            (_, true) => Ok(None),
            (Some(_), _) => shared.journal.commit(changes).await.map(Some),
            (None, _) if decided.is_heard_again && !is_new => {
                shared.journal.later(changes).await.map(|()| None)
            }
            (None, _) => shared.journal.insist(changes).await.map(Some),
        };
        match committed {
            Ok(Some(committed)) if is_new && !committed.fresh => {
                tracing::error!(
                    run = %entry.key,
                    "Port offers a run that the journal has as done: it is left alone, so that it cannot be done twice"
                );
                return shared.remove(&entry);
            }
            Ok(Some(_)) => entry.lock().is_journaled = true,
            Ok(None) => {}
            Err(error) => match decided.before {
                // Nothing has left, so it has not happened.
                Some(before) => {
                    entry.lock().life = before;
                    answer(decided.reply, Err(error));
                    continue;
                }
                // The process ends; the next one reads how far this one came.
                None => return,
            },
        }
        answer(decided.reply, Ok(()));
        shared.done(decided.mark).await;
        for step in decided.steps {
            shared.tell(&entry, &step);
        }
        carry_out(&shared, &entry, decided.effects, decided.is_restart);
    }
}

fn answer(
    reply: Option<oneshot::Sender<Result<(), JournalError>>>,
    answer: Result<(), JournalError>,
) {
    if let Some(reply) = reply {
        // Whoever asked may have been stopped meanwhile.
        let _ = reply.send(answer);
    }
}

/// Takes the next event out of the queue and decides what follows. None: the queue is empty.
fn decide(shared: &Shared, entry: &Entry) -> Option<Decided> {
    let mut inner = entry.lock();
    loop {
        let Some(happened) = inner.queue.pop_front() else {
            inner.is_busy = false;
            return None;
        };
        let Happened { what, mark, reply } = happened;
        if inner.is_gone {
            // Late news, or the answer to a call of a run that has finished meanwhile.
            answer(reply, Err(JournalError::Closed));
            if mark.is_some() {
                return Some(Decided::nothing(mark));
            }
            continue;
        }
        let decided = match what {
            What::Life(event) => decide_life(shared, entry, &mut inner, event, reply),
            What::Call(fate) => Some(decide_call(entry, &mut inner, fate)),
        };
        if let Some(mut decided) = decided {
            if mark.is_some() && inner.life.end().is_some() {
                inner.heard_end.get_or_insert_with(Instant::now);
            }
            decided.marks(mark);
            return Some(decided);
        }
    }
}

fn decide_life(
    shared: &Shared,
    entry: &Entry,
    inner: &mut Inner,
    event: Event,
    reply: Option<oneshot::Sender<Result<(), JournalError>>>,
) -> Option<Decided> {
    let is_leaving = matches!(event, Event::Leaving);
    if is_leaving && !matches!(inner.life.state(), State::Dispatching(_)) {
        // A call that nobody waits for any more.
        answer(reply, Err(JournalError::Closed));
        return None;
    }
    let event = match event {
        Event::Dispatched(Ok(started)) => accepted(shared, entry, inner, started),
        event => event,
    };
    let before = inner.life.clone();
    let words = step::words(&before, &event);
    if matches!(event, Event::Turn | Event::NoBudget(..)) {
        inner.turn_is_pending = false;
    }
    let needs_record = !matches!(event, Event::Turn | Event::Quiet | Event::Unanswered(_));
    let is_restart = matches!(event, Event::Restarted);
    let is_heard_again = event.is_heard_again();
    let effects = inner.life.handle(event.clone(), &entry.source.rules);
    if before.state() != inner.life.state() && !is_restart {
        inner.since = clock::timestamp();
    }
    let can_be_told = matches!(
        inner.life.state(),
        State::Ready(_) | State::Parked { .. } | State::Started { .. } | State::Holding { .. }
    );
    let is_told = matches!(event, Event::EndedElsewhere);
    if inner.outbox.is_refused && can_be_told && !is_told {
        // It has ended in Port, and its life was in a state where that did not matter when Port said so.
        let ended = Happened::life(Event::EndedElsewhere);
        inner.queue.push_back(ended);
    }
    let mut changes = Vec::new();
    for effect in &effects {
        if let Effect::Write(write) = effect {
            put(entry, inner, write.clone(), &mut changes);
        }
    }
    let mut steps = step::steps(&event, &effects, &words);
    if !words.is_empty() {
        inner.words = words;
    }
    if (needs_record && before != inner.life) || !changes.is_empty() {
        steps.extend(finish_if_over(inner));
        changes.push(entry.record(inner));
    }
    if !changes.is_empty() {
        note(entry, inner, &steps, &mut changes);
    }
    Some(Decided {
        changes,
        effects,
        steps,
        reply,
        before: is_leaving.then_some(before),
        is_heard_again,
        is_restart,
        mark: None,
    })
}

/// A run that the server has accepted gets its id, and the news that came before.
fn accepted(shared: &Shared, entry: &Entry, inner: &mut Inner, started: Started) -> Event {
    if !matches!(
        inner.life.state(),
        State::Dispatching(_) | State::Sending(_)
    ) {
        return Event::Dispatched(Ok(started));
    }
    let route = (
        entry.key.installation.clone(),
        started.external_run_id.clone(),
    );
    match lock(&shared.routes).open(route, entry.key.clone()) {
        Ok(early) => {
            inner.external_run_id = Some(started.external_run_id.clone());
            inner.started_at = Some(clock::timestamp());
            // Before everything else that waits, in their order.
            for News { update, mark } in early.into_iter().rev() {
                let mut happened = Happened::life(Event::Updated(update));
                happened.mark = mark;
                inner.queue.push_front(happened);
            }
            Event::Dispatched(Ok(started))
        }
        Err(Taken) => Event::Dispatched(Err(belongs_to_another(&started))),
    }
}

/// Puts what Port is to be told into the outbox.
fn put(entry: &Entry, inner: &mut Inner, write: super::Write, changes: &mut Vec<Change>) {
    if inner.outbox.is_refused {
        return;
    }
    for call in inner.reporter.calls(write) {
        // Structs of texts and numbers always have a JSON form.
        let text = serde_json::to_string(&call).unwrap_or_default();
        let number = inner.outbox.put(call);
        changes.push(Change::Call(entry.key.clone(), Call { number, call: text }));
    }
}

fn decide_call(entry: &Entry, inner: &mut Inner, fate: Fate) -> Decided {
    let was_last = inner
        .outbox
        .first()
        .is_some_and(|(_, call)| outbox::is_last(call));
    let over = inner.outbox.is_over(&fate);
    let mut changes: Vec<Change> = over
        .into_iter()
        .map(|number| Change::CallDone(entry.key.clone(), number))
        .collect();
    if fate == Fate::Ended && !was_last {
        let ended = Happened::life(Event::EndedElsewhere);
        inner.queue.push_back(ended);
    }
    let steps: Vec<Step> = finish_if_over(inner).into_iter().collect();
    if inner.finished_at.is_some() {
        changes.push(entry.record(inner));
    }
    note(entry, inner, &steps, &mut changes);
    Decided {
        changes,
        effects: vec![],
        steps,
        reply: None,
        before: None,
        is_heard_again: true,
        is_restart: false,
        mark: None,
    }
}

/// When there is nothing left to do, the run has finished: the last step of its life.
fn finish_if_over(inner: &mut Inner) -> Option<Step> {
    if !inner.is_over() || inner.finished_at.is_some() {
        return None;
    }
    inner.finished_at = Some(clock::timestamp());
    let end = inner.life.end()?;
    (!inner.outbox.has_lost).then(|| Step::Ended {
        end,
        label: inner.words.clone(),
    })
}

fn note(entry: &Entry, inner: &mut Inner, steps: &[Step], changes: &mut Vec<Change>) {
    for step in steps {
        let note = Note {
            number: inner.notes,
            at: clock::timestamp(),
            text: step.to_string(),
        };
        inner.notes += 1;
        changes.push(Change::Note(entry.key.clone(), note));
    }
}

/// The partition of a run that is not started yet.
pub(super) fn partition(inner: &Inner) -> Option<String> {
    match inner.life.state() {
        State::Ready(plan)
        | State::Dispatching(plan)
        | State::Sending(plan)
        | State::Parked { plan, .. } => plan.partition_key.clone(),
        _ => None,
    }
}

/// The plugin took another run of Port's for this one: two were started so close together that it could not tell.
fn belongs_to_another(started: &Started) -> Failure {
    Failure {
        kind: FailureKind::Ambiguous,
        code: "run-belongs-to-another".to_owned(),
        message: format!(
            "The run that was found, {}, belongs to another run in Port.",
            started.external_run_id
        ),
        remedy: Some(
            "Look on the server for what was started, and start it again if nothing is there."
                .to_owned(),
        ),
        request_sent: true,
    }
}
