//! Who is next? Installations take turns, runs of one partition follow each other.
//!
//! One that waits is in its installation's line; a line whose installation has its share under way is passed over. So an
//! installation with ten thousand runs delays another by at most one turn of each installation that waits. When all
//! turns are taken, by servers that hang for instance, an installation that has none under way still gets one: up to
//! twice the number, so that eight customers with a server that hangs do not stop the ninth.
//!
//! Pure: whoever asks does the work and says when it is done.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

/// How many may be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Of all installations together.
    pub at_once: usize,
    /// Of one installation.
    pub each: usize,
}

/// Those who wait for a turn and those who have one.
#[derive(Debug)]
pub struct Turns<T> {
    share: Share,
    under_way: usize,
    lines: BTreeMap<String, Line<T>>,
    /// Installations in whose line somebody is ready, in the order in which they are asked. Each is in it once.
    ring: VecDeque<String>,
}

#[derive(Debug)]
struct Line<T> {
    under_way: usize,
    /// May go now. Each of them holds its key, if it has one.
    ready: VecDeque<T>,
    /// Wait until whoever holds their key is done with it.
    behind: BTreeMap<String, VecDeque<T>>,
    /// Who holds which key.
    holders: BTreeMap<String, T>,
    in_ring: bool,
}

impl<T> Default for Line<T> {
    fn default() -> Line<T> {
        Line {
            under_way: 0,
            ready: VecDeque::new(),
            behind: BTreeMap::new(),
            holders: BTreeMap::new(),
            in_ring: false,
        }
    }
}

impl<T: Clone + PartialEq> Turns<T> {
    /// Nobody waits yet.
    pub fn new(share: Share) -> Turns<T> {
        Turns {
            share,
            under_way: 0,
            lines: BTreeMap::new(),
            ring: VecDeque::new(),
        }
    }

    /// Gives a key to somebody who does not wait: an attempt of an earlier process whose outcome is unknown.
    pub fn hold(&mut self, installation: &str, key: &str, who: T) {
        let line = self.lines.entry(installation.to_owned()).or_default();
        line.holders.entry(key.to_owned()).or_insert(who);
    }

    /// Lines up. Those with the same key follow each other: the next one's turn comes when the one before has let go of the
    /// key.
    pub fn push(&mut self, installation: &str, key: Option<&str>, who: T) {
        let line = self.lines.entry(installation.to_owned()).or_default();
        match key {
            Some(key) if !line.takes(key, &who) => {
                line.behind
                    .entry(key.to_owned())
                    .or_default()
                    .push_back(who);
            }
            _ => line.ready.push_back(who),
        }
        self.line_up(installation);
    }

    /// Whose turn it is, if anybody's. Whoever is returned is under way until [`Turns::done`].
    pub fn grant(&mut self) -> Option<T> {
        for _ in 0..self.ring.len() {
            let installation = self.ring.pop_front()?;
            let line = self.lines.get_mut(&installation)?;
            line.in_ring = false;
            if line.under_way >= self.share.each {
                // Comes back into the ring when one of its own is done.
                continue;
            }
            let most = match line.under_way {
                0 => self.share.at_once * 2,
                _ => self.share.at_once,
            };
            if self.under_way >= most {
                line.in_ring = true;
                self.ring.push_back(installation);
                continue;
            }
            let next = line.ready.pop_front();
            if next.is_some() {
                line.under_way += 1;
                self.under_way += 1;
            }
            self.line_up(&installation);
            if next.is_some() {
                return next;
            }
        }
        None
    }

    /// A turn is over. The key is kept where its outcome is not known yet.
    pub fn done(&mut self, installation: &str, who: &T, keeps_key: bool) {
        self.under_way = self.under_way.saturating_sub(1);
        if let Some(line) = self.lines.get_mut(installation) {
            line.under_way = line.under_way.saturating_sub(1);
            if !keeps_key {
                line.let_go(who);
            }
        }
        self.line_up(installation);
        self.tidy(installation);
    }

    /// Somebody who waits, or holds a key, does not want it any more.
    pub fn leave(&mut self, installation: &str, who: &T) {
        if let Some(line) = self.lines.get_mut(installation) {
            line.ready.retain(|other| other != who);
            for behind in line.behind.values_mut() {
                behind.retain(|other| other != who);
            }
            line.behind.retain(|_, behind| !behind.is_empty());
            line.let_go(who);
        }
        self.line_up(installation);
        self.tidy(installation);
    }

    /// How many are under way.
    pub fn under_way(&self) -> usize {
        self.under_way
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.lines.values().map(Line::waiting).sum()
    }

    fn line_up(&mut self, installation: &str) {
        let each = self.share.each;
        if let Some(line) = self.lines.get_mut(installation)
            && !line.in_ring
            && !line.ready.is_empty()
            && line.under_way < each
        {
            line.in_ring = true;
            self.ring.push_back(installation.to_owned());
        }
    }

    /// Forgets a line in which nothing is left, so that the memory of a host follows its load.
    fn tidy(&mut self, installation: &str) {
        let is_empty = |line: &Line<T>| {
            line.under_way == 0 && line.waiting() == 0 && line.holders.is_empty() && !line.in_ring
        };
        if self.lines.get(installation).is_some_and(is_empty) {
            self.lines.remove(installation);
        }
    }
}

impl<T: Clone + PartialEq> Line<T> {
    fn waiting(&self) -> usize {
        self.ready.len() + self.behind.values().map(VecDeque::len).sum::<usize>()
    }

    /// Takes a key that is free; true also if it is held by the same one already.
    fn takes(&mut self, key: &str, who: &T) -> bool {
        match self.holders.entry(key.to_owned()) {
            Entry::Occupied(holder) => holder.get() == who,
            Entry::Vacant(free) => {
                free.insert(who.clone());
                true
            }
        }
    }

    /// Gives the key, if any, to the next one who waits for it.
    fn let_go(&mut self, who: &T) {
        let held = self.holders.iter().find(|(_, holder)| *holder == who);
        let Some(key) = held.map(|(key, _)| key.clone()) else {
            return;
        };
        let next = self.behind.get_mut(&key).and_then(VecDeque::pop_front);
        if self.behind.get(&key).is_some_and(VecDeque::is_empty) {
            self.behind.remove(&key);
        }
        match next {
            Some(next) => {
                self.holders.insert(key, next.clone());
                self.ready.push_back(next);
            }
            None => {
                self.holders.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn turns(at_once: usize, each: usize) -> Turns<u32> {
        Turns::new(Share { at_once, each })
    }

    fn all(turns: &mut Turns<u32>) -> Vec<u32> {
        std::iter::from_fn(|| turns.grant()).collect()
    }

    #[test]
    fn installations_take_turns_however_long_their_lines_are() {
        let mut turns = turns(100, 100);
        for run in 0..50 {
            turns.push("flood", None, run);
        }
        turns.push("quiet", None, 1000);
        let order = all(&mut turns);
        assert_eq!(order.iter().position(|run| *run == 1000), Some(1));
        assert_eq!(order.len(), 51);
    }

    #[test]
    fn an_installation_gets_no_more_than_its_share_and_all_no_more_than_theirs() {
        let mut turns = turns(3, 2);
        for run in 0..5 {
            turns.push("a", None, run);
            turns.push("b", None, 10 + run);
        }
        assert_eq!(all(&mut turns), [0, 10, 1]);
        turns.done("a", &0, false);
        assert_eq!(all(&mut turns), [11]);
        turns.done("b", &10, false);
        turns.done("b", &11, false);
        assert_eq!(all(&mut turns), [2, 12]);
    }

    #[test]
    fn installations_that_keep_all_turns_do_not_stop_one_that_has_none() {
        let mut turns = turns(4, 2);
        for run in 0..5 {
            turns.push("hangs", None, run);
            turns.push("hangs too", None, 10 + run);
        }
        assert_eq!(all(&mut turns), [0, 10, 1, 11]);
        turns.push("quiet", None, 20);
        turns.push("quiet", None, 21);
        assert_eq!(all(&mut turns), [20]);
        turns.done("quiet", &20, false);
        assert_eq!(all(&mut turns), [21]);
    }

    #[test]
    fn runs_of_one_partition_follow_each_other_and_hold_up_nobody_else() {
        let mut turns = turns(9, 9);
        turns.push("a", Some("deploy"), 1);
        turns.push("a", Some("deploy"), 2);
        turns.push("a", Some("test"), 3);
        turns.push("b", Some("deploy"), 4);
        assert_eq!(all(&mut turns), [1, 4, 3]);
        turns.done("a", &1, false);
        assert_eq!(all(&mut turns), [2]);
        turns.done("a", &2, false);
        assert_eq!(all(&mut turns), Vec::<u32>::new());
    }

    #[test]
    fn a_key_that_is_kept_blocks_the_next_until_its_holder_has_come_back() {
        let mut turns = turns(9, 9);
        turns.push("a", Some("deploy"), 1);
        turns.push("a", Some("deploy"), 2);
        assert_eq!(all(&mut turns), [1]);
        turns.done("a", &1, true);
        assert_eq!(all(&mut turns), Vec::<u32>::new());
        turns.push("a", Some("deploy"), 1);
        assert_eq!(all(&mut turns), [1]);
        turns.done("a", &1, false);
        assert_eq!(all(&mut turns), [2]);
    }

    #[test]
    fn one_that_comes_back_after_its_turn_stands_behind_those_of_its_partition() {
        let mut turns = turns(9, 9);
        turns.push("a", Some("deploy"), 1);
        turns.push("a", Some("deploy"), 2);
        assert_eq!(all(&mut turns), [1]);
        turns.done("a", &1, false);
        turns.push("a", Some("deploy"), 1);
        assert_eq!(all(&mut turns), [2]);
        turns.done("a", &2, false);
        assert_eq!(all(&mut turns), [1]);
    }

    #[test]
    fn an_attempt_of_an_earlier_process_goes_first() {
        let mut turns = turns(9, 9);
        turns.hold("a", "deploy", 7);
        turns.push("a", Some("deploy"), 1);
        turns.push("a", Some("deploy"), 7);
        assert_eq!(all(&mut turns), [7]);
        turns.done("a", &7, false);
        assert_eq!(all(&mut turns), [1]);
    }

    #[test]
    fn one_that_leaves_frees_its_key_and_nothing_is_left_behind() {
        let mut turns = turns(9, 9);
        turns.hold("a", "deploy", 7);
        turns.push("a", Some("deploy"), 1);
        turns.push("a", Some("deploy"), 2);
        turns.leave("a", &7);
        turns.leave("a", &2);
        assert_eq!(all(&mut turns), [1]);
        turns.done("a", &1, false);
        assert!(turns.lines.is_empty() && turns.ring.is_empty());
    }

    /// Installation, key and number of somebody who waits.
    fn waiting() -> impl Strategy<Value = Vec<(u8, Option<u8>)>> {
        prop::collection::vec((0u8..4, prop::option::of(0u8..3)), 0..60)
    }

    proptest! {
        #[test]
        fn everybody_gets_one_turn_and_no_partition_two_at_once(
            who in waiting(),
            at_once in 1usize..5,
            each in 1usize..3,
            order in prop::collection::vec(any::<prop::sample::Index>(), 200),
        ) {
            let mut turns = Turns::new(Share { at_once, each });
            for (number, (installation, key)) in who.iter().enumerate() {
                let key = key.map(|key| key.to_string());
                turns.push(&installation.to_string(), key.as_deref(), number);
            }
            let mut under_way: Vec<usize> = Vec::new();
            let mut seen = vec![0; who.len()];
            for index in order {
                while let Some(next) = turns.grant() {
                    under_way.push(next);
                    seen[next] += 1;
                }
                prop_assert!(under_way.len() <= at_once * 2);
                for (position, one) in under_way.iter().enumerate() {
                    let of_same = under_way.iter().filter(|other| who[**other].0 == who[*one].0);
                    prop_assert!(of_same.count() <= each);
                    let overlaps = under_way[..position]
                        .iter()
                        .any(|other| who[*other] == who[*one] && who[*one].1.is_some());
                    prop_assert!(!overlaps);
                }
                if under_way.is_empty() {
                    break;
                }
                let done = under_way.swap_remove(index.index(under_way.len()));
                turns.done(&who[done].0.to_string(), &done, false);
            }
            prop_assert!(seen.iter().all(|times| *times == 1), "{seen:?}");
            prop_assert!(turns.lines.is_empty() && turns.under_way() == 0);
        }
    }
}
