//! What is remembered, and what has to go when there is too much of it. No clock, no lock, no I/O.
//!
//! Runs that have ended go before those that have not, and the oldest first. What strangers can make the host write down
//! (requests that are refused) has room of its own, so that it pushes out nothing else.

use super::record::{Delivery, Entry, Outcome, Request, Run, TurnedAway, What};
use crate::journal::{DeliveryKey, RunKey};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

/// How much is remembered. About 50 MiB at the most, however busy the host is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    /// Runs.
    pub(super) runs: usize,
    /// Entries on the timeline of one run. The first of them are kept, and the newest.
    pub(super) entries: usize,
    /// How many of them are the first.
    pub(super) first_entries: usize,
    /// Bytes of all runs.
    pub(super) run_bytes: usize,
    /// Deliveries.
    pub(super) deliveries: usize,
    /// Requests that the plugin sent about one delivery.
    pub(super) requests: usize,
    /// Bytes of all deliveries.
    pub(super) delivery_bytes: usize,
    /// Bytes of a delivery that can be replayed: GitHub's usual ones have 20 KB, its largest 25 MB.
    pub(super) whole_delivery: usize,
    /// Requests that did not become deliveries.
    pub(super) turned_away: usize,
}

impl Default for Bounds {
    fn default() -> Bounds {
        Bounds {
            runs: 1_000,
            entries: 200,
            first_entries: 50,
            run_bytes: 32 << 20,
            deliveries: 500,
            requests: 20,
            delivery_bytes: 16 << 20,
            whole_delivery: 1 << 20,
            turned_away: 100,
        }
    }
}

/// The record. Numbers rise with time over all kinds of things.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    bounds: Bounds,
    next: u64,
    runs: BTreeMap<u64, Run>,
    numbers: BTreeMap<RunKey, u64>,
    /// Those that have ended.
    ended: BTreeSet<u64>,
    /// Which run an external run id belongs to.
    external: BTreeMap<(String, String), RunKey>,
    run_bytes: usize,
    deliveries: VecDeque<Delivery>,
    delivery_bytes: usize,
    turned_away: VecDeque<TurnedAway>,
}

/// A delivery as it stands, to be shown without holding anybody up.
#[derive(Debug, Clone)]
pub(super) struct Told {
    pub(super) delivery: Delivery,
    /// The runs that it is about, and what they run.
    pub(super) runs: Vec<(RunKey, Option<String>)>,
}

impl Ledger {
    /// An empty ledger within these bounds.
    #[cfg(test)]
    pub(super) fn within(bounds: Bounds) -> Ledger {
        Ledger {
            bounds,
            ..Ledger::default()
        }
    }

    /// The next number.
    pub(super) fn number(&mut self) -> u64 {
        self.next += 1;
        self.next
    }

    /// Its bounds.
    pub(super) fn bounds(&self) -> &Bounds {
        &self.bounds
    }

    /// Takes a run in; one that is known already begins anew.
    pub(super) fn add_run(&mut self, run: Run) {
        if let Some(before) = self.numbers.get(&run.key).copied() {
            self.forget_run(before);
        }
        self.run_bytes += run.bytes;
        self.numbers.insert(run.key.clone(), run.number);
        if let Some(id) = &run.external_run_id {
            let external = (run.key.installation.clone(), id.clone());
            self.external.insert(external, run.key.clone());
        }
        self.runs.insert(run.number, run);
        self.make_room();
    }

    /// Changes what is known of a run; nothing where it is not remembered.
    pub(super) fn change_run(&mut self, key: &RunKey, change: impl FnOnce(&mut Run)) {
        let number = self.numbers.get(key);
        let Some(run) = number.and_then(|number| self.runs.get_mut(number)) else {
            return;
        };
        let before = run.texts();
        change(run);
        run.bytes = run.bytes + run.texts() - before;
        self.run_bytes = self.run_bytes + run.texts() - before;
        if run.ended.is_some() {
            self.ended.insert(run.number);
        }
        if let Some(id) = &run.external_run_id {
            let external = (key.installation.clone(), id.clone());
            self.external.insert(external, key.clone());
        }
        self.make_room();
    }

    /// Writes something on the timeline of a run.
    pub(super) fn add_entry(&mut self, key: &RunKey, at: u64, what: What) {
        let number = self.number();
        let Bounds {
            entries,
            first_entries,
            ..
        } = self.bounds;
        let of_run = self.numbers.get(key);
        let Some(run) = of_run.and_then(|number| self.runs.get_mut(number)) else {
            return;
        };
        let entry = Entry { number, at, what };
        let before = run.bytes;
        run.bytes += entry.bytes();
        run.entries.push(entry);
        if run.entries.len() > entries {
            let gone = run.entries.remove(first_entries.min(entries));
            run.bytes -= gone.bytes();
            run.left_out += 1;
        }
        self.run_bytes = self.run_bytes + run.bytes - before;
        self.make_room();
    }

    /// Takes a delivery in.
    pub(super) fn add_delivery(&mut self, delivery: Delivery) {
        self.delivery_bytes += delivery.bytes;
        self.deliveries.push_back(delivery);
        self.make_room_for_deliveries();
    }

    /// Writes down what became of a delivery. Returns the runs that it is about.
    pub(super) fn handled(
        &mut self,
        key: &DeliveryKey,
        outcome: Outcome,
        external_run_ids: Vec<String>,
    ) -> Vec<RunKey> {
        if let Some(delivery) = self.newest(key) {
            delivery.outcome = outcome;
            if !external_run_ids.is_empty() {
                delivery.external_run_ids.clone_from(&external_run_ids);
            }
        }
        let run = |id: &String| self.run_of(&key.installation, id).cloned();
        external_run_ids.iter().filter_map(run).collect()
    }

    /// Writes down a request that the plugin sent about a delivery.
    pub(super) fn add_request(&mut self, key: &DeliveryKey, at: u64, request: Request) {
        let number = self.number();
        let most = self.bounds.requests;
        let entry = Entry {
            number,
            at,
            what: What::Request(Arc::new(request)),
        };
        let bytes = entry.bytes();
        if let Some(delivery) = self.newest(key)
            && delivery.requests.len() < most
        {
            delivery.bytes += bytes;
            delivery.requests.push(entry);
            self.delivery_bytes += bytes;
            self.make_room_for_deliveries();
        }
    }

    /// Writes down a request that did not become a delivery.
    pub(super) fn add_turned_away(&mut self, turned_away: TurnedAway) {
        self.turned_away.push_back(turned_away);
        if self.turned_away.len() > self.bounds.turned_away {
            self.turned_away.pop_front();
        }
    }

    /// The runs, newest first.
    pub(super) fn runs(&self) -> impl Iterator<Item = &Run> {
        self.runs.values().rev()
    }

    /// One run.
    pub(super) fn run(&self, key: &RunKey) -> Option<&Run> {
        self.runs.get(self.numbers.get(key)?)
    }

    /// The run with this external id.
    pub(super) fn run_of(&self, installation: &str, external_run_id: &str) -> Option<&RunKey> {
        let key = (installation.to_owned(), external_run_id.to_owned());
        self.external.get(&key)
    }

    /// The deliveries, newest first.
    pub(super) fn deliveries(&self) -> impl Iterator<Item = &Delivery> {
        self.deliveries.iter().rev()
    }

    /// The deliveries about a run.
    pub(super) fn told_of(&self, run: &Run) -> Vec<Told> {
        let Some(external) = &run.external_run_id else {
            return vec![];
        };
        let is_about = |it: &&Delivery| {
            it.key.installation == run.key.installation && it.external_run_ids.contains(external)
        };
        let deliveries = self.deliveries().filter(is_about);
        deliveries.map(|it| self.told(it)).collect()
    }

    /// At most so many deliveries, newest first: those before this number.
    pub(super) fn told_before(&self, number: u64, most: usize) -> Vec<Told> {
        let deliveries = self.deliveries().filter(|it| it.number < number);
        deliveries.take(most).map(|it| self.told(it)).collect()
    }

    fn told(&self, delivery: &Delivery) -> Told {
        let ids = delivery.external_run_ids.iter();
        let runs = ids.filter_map(|id| self.run_of(&delivery.key.installation, id));
        let target = |key: &RunKey| self.run(key).and_then(|run| run.target.clone());
        Told {
            delivery: delivery.clone(),
            runs: runs.map(|key| (key.clone(), target(key))).collect(),
        }
    }

    /// What did not become a delivery, newest first.
    pub(super) fn turned_away(&self) -> impl Iterator<Item = &TurnedAway> {
        self.turned_away.iter().rev()
    }

    /// One delivery, to be changed.
    pub(super) fn delivery(&mut self, number: u64) -> Option<&mut Delivery> {
        let mut deliveries = self.deliveries.iter_mut();
        deliveries.find(|delivery| delivery.number == number)
    }

    fn newest(&mut self, key: &DeliveryKey) -> Option<&mut Delivery> {
        let mut deliveries = self.deliveries.iter_mut().rev();
        deliveries.find(|delivery| delivery.key == *key)
    }

    fn make_room(&mut self) {
        while self.runs.len() > self.bounds.runs || self.run_bytes > self.bounds.run_bytes {
            let oldest = self.ended.first().or_else(|| self.runs.keys().next());
            match oldest.copied() {
                // The only run may be as large as it likes: its entries are bounded.
                Some(_) if self.runs.len() <= 1 => return,
                Some(oldest) => self.forget_run(oldest),
                None => return,
            }
        }
    }

    fn forget_run(&mut self, number: u64) {
        self.ended.remove(&number);
        let Some(run) = self.runs.remove(&number) else {
            return;
        };
        self.run_bytes -= run.bytes;
        if let Some(id) = run.external_run_id {
            self.external.remove(&(run.key.installation.clone(), id));
        }
        self.numbers.remove(&run.key);
    }

    fn make_room_for_deliveries(&mut self) {
        let bounds = self.bounds;
        while self.deliveries.len() > bounds.deliveries
            || self.delivery_bytes > bounds.delivery_bytes
        {
            let Some(gone) = self.deliveries.pop_front() else {
                return;
            };
            self.delivery_bytes -= gone.bytes;
        }
    }
}

#[cfg(test)]
pub(in crate::page) mod tests;
