//! Which part of how many a run is at: `job 2 of 3`, counted from the news of its parts.
//!
//! Servers tell of a part when it exists, and that may be late: a job of GitHub that needs another one is created when
//! that one is done. So the number of parts is that of the parts known so far.

use crate::contract::Part;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// How many parts are told apart. A matrix of GitHub has at most 256 jobs.
const MOST: usize = 300;

/// The parts of one attempt that there was news of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Parts {
    /// What they are called.
    kind: String,
    /// Whether each has ended.
    ended: BTreeMap<String, bool>,
}

impl Parts {
    /// Takes in news. A part that has ended stays ended: deliveries have no order.
    pub(super) fn learn(&mut self, part: Part) {
        self.kind = part.kind;
        if let Some(ended) = self.ended.get_mut(&part.id) {
            *ended |= part.ended;
        } else if self.ended.len() < MOST {
            self.ended.insert(part.id, part.ended);
        }
    }

    /// The first part that has not ended, by number, as the parts end: after two of three, the third. Where there is
    /// one part or none, there is nothing to count.
    pub(super) fn place(&self) -> Option<String> {
        let known = self.ended.len();
        let ended = self.ended.values().filter(|ended| **ended).count();
        let more = if known == MOST { "more than " } else { "" };
        let at = (ended + 1).min(known);
        (known > 1).then(|| format!("{} {at} of {more}{known}", self.kind))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(news: &[(&str, bool)]) -> Option<String> {
        let mut parts = Parts::default();
        for (id, ended) in news {
            parts.learn(Part {
                kind: "job".to_owned(),
                id: (*id).to_owned(),
                ended: *ended,
            });
        }
        parts.place()
    }

    #[test]
    fn the_first_part_that_has_not_ended_is_counted() {
        for (news, place) in [
            (vec![], None),
            (vec![("a", false)], None),
            (vec![("a", true)], None),
            (vec![("a", false), ("b", false)], Some("job 1 of 2")),
            (
                vec![("a", false), ("b", false), ("b", true)],
                Some("job 2 of 2"),
            ),
            (vec![("a", true), ("b", true)], Some("job 2 of 2")),
            (
                vec![("a", true), ("b", true), ("c", false)],
                Some("job 3 of 3"),
            ),
        ] {
            assert_eq!(after(&news).as_deref(), place, "{news:?}");
        }
    }

    #[test]
    fn a_part_that_has_ended_does_not_begin_again() {
        let late = [("a", true), ("b", false), ("a", false)];
        assert_eq!(after(&late).as_deref(), Some("job 2 of 2"));
    }

    #[test]
    fn a_run_of_ever_more_parts_is_counted_to_a_bound() {
        let ids: Vec<String> = (0..5_000).map(|id| id.to_string()).collect();
        let news: Vec<(&str, bool)> = ids.iter().map(|id| (id.as_str(), false)).collect();
        assert_eq!(after(&news).as_deref(), Some("job 1 of more than 300"));
    }
}
