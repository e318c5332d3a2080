//! What a host that was started anew finds in its journal, and how it goes on.

use super::driver::{partition, post, pump};
use super::entry::{Entry, Happened};
use super::{Event, Lifecycle, Source, State, lock};
use crate::clock;
use crate::journal::{JournalError, Restored, StoredRun};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

impl Lifecycle {
    /// Takes over what was under way: before anything is claimed and before any delivery is looked at. Runs of
    /// installations that are not here stay in the journal, and so does one that cannot be read: it holds up no other.
    /// Returns how many were taken over.
    pub fn restore(&self, sources: &BTreeMap<String, Arc<Source>>, restored: &Restored) -> usize {
        for taken in restored.taken.iter().rev() {
            // As if they had ended just now: how long ago it was, a clock that has jumped cannot tell.
            let route = (taken.installation.clone(), taken.external_run_id.clone());
            lock(&self.shared.routes).close(route);
        }
        let mut entries = Vec::new();
        let mut strangers = 0;
        for stored in &restored.runs {
            match sources.get(&stored.run.key.installation) {
                Some(source) => match self.take_over(source, stored.clone()) {
                    Ok(entry) => entries.push(entry),
                    Err(error) => tracing::error!("left alone: {error}"),
                },
                None => strangers += 1,
            }
        }
        if strangers > 0 {
            tracing::warn!(
                "{strangers} runs in the journal are of installations that are not configured here: they are left alone"
            );
        }
        // Only now, when every attempt that is not resolved holds its partition.
        for entry in &entries {
            post(&self.shared, entry, Happened::life(Event::Restarted));
        }
        pump(&self.shared);
        entries.len()
    }

    fn take_over(
        &self,
        source: &Arc<Source>,
        stored: StoredRun,
    ) -> Result<Arc<Entry>, JournalError> {
        let entry = Arc::new(Entry::restored(source.clone(), stored)?);
        {
            let mut inner = entry.lock();
            if let Some(id) = &inner.external_run_id {
                let route = (entry.key.installation.clone(), id.clone());
                // An id belongs to one run, so nobody else can have it.
                let _ = lock(&self.shared.routes).open(route, entry.key.clone());
            }
            if let State::Parked {
                pause,
                limited: true,
                ..
            } = inner.life.state()
            {
                // The server's wish outlives the process that heard it.
                let passed = Duration::from_millis(clock::timestamp().saturating_sub(inner.since));
                let left = pause.saturating_sub(passed);
                source.installation.budget().hold(left, Instant::now());
            }
            if inner.life.is_unresolved()
                && let Some(key) = partition(&inner)
            {
                inner.holds_partition = true;
                lock(&self.shared.turns).hold(&entry.key.installation, &key, entry.key.clone());
            }
        }
        lock(&self.shared.entries).insert(entry.key.clone(), entry.clone());
        self.shared.recount(&entry);
        self.shared.show(&entry, true);
        Ok(entry)
    }
}
