//! How many runs were claimed and are not started yet: what the poller leaves room for.

use std::collections::BTreeMap;

/// Runs that wait, by installation and action.
#[derive(Debug, Default)]
pub(super) struct Waiting {
    by: BTreeMap<String, BTreeMap<Option<String>, usize>>,
    all: usize,
}

impl Waiting {
    pub(super) fn add(&mut self, installation: &str, action: &Option<String>) {
        let actions = self.by.entry(installation.to_owned()).or_default();
        *actions.entry(action.clone()).or_default() += 1;
        self.all += 1;
    }

    pub(super) fn remove(&mut self, installation: &str, action: &Option<String>) {
        let Some(actions) = self.by.get_mut(installation) else {
            return;
        };
        if let Some(runs) = actions.get_mut(action) {
            *runs = runs.saturating_sub(1);
            self.all = self.all.saturating_sub(1);
        }
        actions.retain(|_, runs| *runs > 0);
        if actions.is_empty() {
            self.by.remove(installation);
        }
    }

    pub(super) fn of(&self, installation: &str) -> BTreeMap<Option<String>, usize> {
        self.by.get(installation).cloned().unwrap_or_default()
    }

    pub(super) fn all(&self) -> usize {
        self.all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_who_leave_leave_nothing_behind() {
        let mut waiting = Waiting::default();
        let deploy = Some("deploy".to_owned());
        waiting.add("acme", &deploy);
        waiting.add("acme", &deploy);
        waiting.add("globex", &None);
        assert_eq!(waiting.of("acme"), BTreeMap::from([(deploy.clone(), 2)]));
        assert_eq!(waiting.all(), 3);
        for _ in 0..3 {
            waiting.remove("acme", &deploy);
        }
        waiting.remove("globex", &None);
        assert_eq!(waiting.all(), 0);
        assert!(waiting.by.is_empty());
    }
}
