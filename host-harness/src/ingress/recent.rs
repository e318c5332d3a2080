//! Remembering which deliveries came already.

use std::collections::{BTreeSet, VecDeque};

/// The newest keys up to a number; older ones are forgotten.
#[derive(Debug)]
pub(super) struct Recent {
    capacity: usize,
    order: VecDeque<String>,
    keys: BTreeSet<String>,
}

impl Recent {
    pub(super) fn new(capacity: usize) -> Recent {
        Recent {
            capacity,
            order: VecDeque::new(),
            keys: BTreeSet::new(),
        }
    }

    /// Remembers a key; false if it was remembered already.
    pub(super) fn insert(&mut self, key: String) -> bool {
        if !self.keys.insert(key.clone()) {
            return false;
        }
        self.order.push_back(key);
        if self.order.len() > self.capacity
            && let Some(oldest) = self.order.pop_front()
        {
            self.keys.remove(&oldest);
        }
        true
    }

    /// Forgets a key, so that it may come again.
    pub(super) fn remove(&mut self, key: &str) {
        if self.keys.remove(key) {
            self.order.retain(|known| known != key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_new_once_until_it_is_forgotten() {
        let mut recent = Recent::new(2);
        assert!(recent.insert("a".to_owned()));
        assert!(!recent.insert("a".to_owned()));
        assert!(recent.insert("b".to_owned()));
        assert!(recent.insert("c".to_owned()));
        assert!(recent.insert("a".to_owned()));
        recent.remove("a");
        assert!(recent.insert("a".to_owned()));
    }
}
