//! A journal that forgets when the process ends: for the demo and for tests that kill nothing.

use super::record::{
    Call, Change, ChangeSet, Committed, Delivery, DeliveryKey, Filter, History, Note, Phase,
    Restored, Run, RunKey, StoredRun, Taken,
};
use super::{JournalError, Store};
use std::collections::BTreeMap;

/// A journal in memory.
#[derive(Debug, Default)]
pub struct Memory {
    runs: BTreeMap<RunKey, Run>,
    calls: BTreeMap<(RunKey, u32), Call>,
    notes: BTreeMap<(RunKey, u32), Note>,
    deliveries: BTreeMap<DeliveryKey, Inbox>,
}

#[derive(Debug)]
enum Inbox {
    Waiting(Delivery),
    Done(u64),
}

impl Memory {
    /// Makes a set's changes; false if something in it was known already.
    fn apply(&mut self, set: &ChangeSet) -> bool {
        let mut fresh = true;
        for change in set {
            match change {
                Change::Claimed(run) => {
                    let known = self.runs.get(&run.key);
                    if known.is_some_and(|known| known.phase != Phase::Returned) {
                        return false;
                    }
                    self.runs.insert(run.key.clone(), run.clone());
                }
                Change::Moved(moved) => {
                    if let Some(run) = self.runs.get_mut(&moved.key) {
                        run.phase = moved.phase;
                        run.life.clone_from(&moved.life);
                        run.external_run_id.clone_from(&moved.external_run_id);
                        run.started_at = moved.started_at;
                        run.finished_at = moved.finished_at;
                    }
                }
                Change::Call(key, call) => {
                    self.calls.insert((key.clone(), call.number), call.clone());
                }
                Change::CallDone(key, number) => {
                    self.calls.remove(&(key.clone(), *number));
                }
                Change::Delivery(delivery) => {
                    if self.deliveries.contains_key(&delivery.key) {
                        fresh = false;
                    } else {
                        let waiting = Inbox::Waiting(delivery.clone());
                        self.deliveries.insert(delivery.key.clone(), waiting);
                    }
                }
                Change::DeliveryDone(key, at) => {
                    if let Some(delivery) = self.deliveries.get_mut(key) {
                        *delivery = Inbox::Done(*at);
                    }
                }
                Change::DeliveryForgotten(key) => {
                    self.deliveries.remove(key);
                }
                Change::Note(key, note) => {
                    self.notes.insert((key.clone(), note.number), note.clone());
                }
            }
        }
        fresh
    }

    fn calls_of(&self, key: &RunKey) -> Vec<Call> {
        of(&self.calls, key)
    }

    fn under_way(&self) -> Vec<StoredRun> {
        let is_under_way = |run: &&Run| run.finished_at.is_none() && run.phase != Phase::Returned;
        let mut runs: Vec<StoredRun> = self
            .runs
            .values()
            .filter(is_under_way)
            .map(|run| StoredRun {
                run: run.clone(),
                calls: self.calls_of(&run.key),
                notes: u32::try_from(of(&self.notes, &run.key).len()).unwrap_or(u32::MAX),
            })
            .collect();
        runs.sort_by(|a, b| {
            (a.run.claimed_at, &a.run.key.run).cmp(&(b.run.claimed_at, &b.run.key.run))
        });
        runs
    }

    fn taken(&self, most: u32) -> Vec<Taken> {
        let mut ended: Vec<&Run> = self
            .runs
            .values()
            .filter(|run| run.finished_at.is_some())
            .collect();
        ended.sort_by_key(|run| std::cmp::Reverse(run.finished_at));
        let taken = |run: &Run| {
            Some(Taken {
                installation: run.key.installation.clone(),
                external_run_id: run.external_run_id.clone()?,
            })
        };
        let taken = ended.into_iter().filter_map(taken);
        taken
            .take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect()
    }

    fn newest_ids(&self, installation: &str, most: u32) -> Vec<String> {
        let of = |run: &&Run| run.key.installation == installation;
        let mut runs: Vec<&Run> = self.runs.values().filter(of).collect();
        runs.sort_by_key(|run| std::cmp::Reverse(run.claimed_at));
        let ids = runs
            .into_iter()
            .filter_map(|run| run.external_run_id.clone());
        ids.take(usize::try_from(most).unwrap_or(usize::MAX))
            .collect()
    }

    fn waiting(&self) -> Vec<DeliveryKey> {
        let mut waiting: Vec<&Delivery> = self
            .deliveries
            .values()
            .filter_map(|inbox| match inbox {
                Inbox::Waiting(delivery) => Some(delivery),
                Inbox::Done(_) => None,
            })
            .collect();
        waiting.sort_by_key(|delivery| (delivery.received_at, &delivery.key.delivery));
        waiting.into_iter().map(|it| it.key.clone()).collect()
    }

    fn forget(&mut self, before: u64) -> u64 {
        let count = |memory: &Memory| {
            memory.runs.len() + memory.calls.len() + memory.notes.len() + memory.deliveries.len()
        };
        let all = count(self);
        self.runs
            .retain(|_, run| run.finished_at.is_none_or(|at| at >= before));
        let runs = &self.runs;
        self.notes.retain(|(key, _), _| runs.contains_key(key));
        self.calls.retain(|(key, _), _| runs.contains_key(key));
        self.deliveries.retain(|_, inbox| match inbox {
            Inbox::Done(at) => *at >= before,
            Inbox::Waiting(delivery) => delivery.received_at >= before,
        });
        u64::try_from(all - count(self)).unwrap_or(u64::MAX)
    }
}

/// What belongs to a run, in the order of its numbers.
fn of<T: Clone>(all: &BTreeMap<(RunKey, u32), T>, key: &RunKey) -> Vec<T> {
    all.range((key.clone(), 0)..=(key.clone(), u32::MAX))
        .map(|(_, it)| it.clone())
        .collect()
}

impl Store for Memory {
    fn commit(&mut self, group: &[ChangeSet]) -> Result<Vec<Committed>, JournalError> {
        let answer = |set| Committed {
            fresh: self.apply(set),
        };
        Ok(group.iter().map(answer).collect())
    }

    fn restore(&mut self, ended: u32) -> Result<Restored, JournalError> {
        Ok(Restored {
            runs: self.under_way(),
            taken: self.taken(ended),
            deliveries: self.waiting(),
        })
    }

    fn external_ids(&mut self, installation: &str, most: u32) -> Result<Vec<String>, JournalError> {
        Ok(self.newest_ids(installation, most))
    }

    fn delivery(&mut self, key: &DeliveryKey) -> Result<Option<Delivery>, JournalError> {
        Ok(match self.deliveries.get(key) {
            Some(Inbox::Waiting(delivery)) => Some(delivery.clone()),
            Some(Inbox::Done(_)) | None => None,
        })
    }

    fn list(&mut self, filter: &Filter) -> Result<Vec<Run>, JournalError> {
        let wanted = |run: &&Run| {
            let of = filter.installation.as_ref();
            of.is_none_or(|id| *id == run.key.installation)
                && filter.phase.is_none_or(|phase| phase == run.phase)
        };
        let mut runs: Vec<Run> = self.runs.values().filter(wanted).cloned().collect();
        runs.sort_by(|a, b| (b.claimed_at, &b.key.run).cmp(&(a.claimed_at, &a.key.run)));
        if filter.limit > 0 {
            runs.truncate(usize::try_from(filter.limit).unwrap_or(usize::MAX));
        }
        Ok(runs)
    }

    fn history(&mut self, run: &str) -> Result<Vec<History>, JournalError> {
        let history = |it: &Run| History {
            run: it.clone(),
            calls: self.calls_of(&it.key),
            notes: of(&self.notes, &it.key),
        };
        let found = self.runs.values().filter(|it| it.key.run == run);
        Ok(found.map(history).collect())
    }

    fn prune(&mut self, before: u64) -> Result<u64, JournalError> {
        Ok(self.forget(before))
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn waits(&self) -> bool {
        false
    }
}
