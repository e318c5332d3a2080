//! The runs of each installation that became known not long ago: those that a search for another run could take for it.
//!
//! Every dispatch asks for them, so they are kept by time: what it costs depends on how many there are, and not on how
//! many runs the host knows.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How much earlier than a run's first attempt another run may have become known and still look like it: three times the
/// slack that the search allows for clocks.
pub(super) const SLACK: Duration = Duration::from_secs(15);
/// How many of an installation are remembered: seven times as many as GitHub lets anybody start in that time. Each is copied
/// for each dispatch, and once more into the plugin. Should more be started elsewhere, a search may find one that is not
/// among them: its id is known all the same ([`super::Taken`]), so the search is made again.
const MOST: usize = 150;

/// External run ids by installation, oldest first, with when they became known.
#[derive(Debug, Default)]
pub(super) struct Recent(BTreeMap<String, VecDeque<(Instant, String)>>);

impl Recent {
    /// A run has become known.
    pub(super) fn add(&mut self, installation: &str, external_run_id: &str) {
        let now = Instant::now();
        // Not by `entry`, which would copy the installation's id each time.
        if !self.0.contains_key(installation) {
            self.0.insert(installation.to_owned(), VecDeque::new());
        }
        let Some(ids) = self.0.get_mut(installation) else {
            return;
        };
        let is_old = |(since, _): &(Instant, String)| *since + SLACK < now;
        while ids.len() >= MOST || ids.front().is_some_and(is_old) {
            ids.pop_front();
        }
        ids.push_back((now, external_run_id.to_owned()));
    }

    /// The ids of an installation that cannot belong to a run whose first attempt began then, among those that the server
    /// could take for it.
    pub(super) fn not_before(&self, installation: &str, began: Instant) -> Vec<String> {
        let newest_first = self.0.get(installation).into_iter().flatten().rev();
        newest_first
            .take_while(|(since, _)| *since + SLACK >= began)
            .map(|(_, id)| id.clone())
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_newest_of_an_installation_are_told_and_the_old_ones_are_forgotten() {
        let mut recent = Recent::default();
        for number in 0..MOST + 100 {
            recent.add("acme", &number.to_string());
        }
        recent.add("other", "x");
        let ids = recent.not_before("acme", Instant::now());
        assert_eq!(
            (ids.len(), ids.first().map(String::as_str)),
            (MOST, Some("249"))
        );
        tokio::time::advance(SLACK * 2).await;
        assert!(recent.not_before("acme", Instant::now()).is_empty());
        recent.add("acme", "new");
        assert_eq!(recent.0["acme"].len(), 1);
    }
}
