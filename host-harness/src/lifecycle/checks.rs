//! Asking the server how runs stand that there is no news of. Installations take turns here as well: a server that
//! hangs holds up the checks of its own installation, and neither those of others nor a single dispatch.

use super::calls::{call, flatten, has_ended_in_port};
use super::decision::Event;
use super::driver::post;
use super::entry::{Entry, Happened};
use super::{Shared, lock};
use crate::contract::FailureKind;
use crate::legible::escaped;
use crate::metrics::CheckResult;
use crate::scheduler::Share;
use std::sync::Arc;
use tokio::time::Instant;

/// Checks under way at once. After a restart there may be thousands; GitHub allows 100 requests of one credential at
/// once and asks for fewer.
pub(super) const SHARE: Share = Share {
    at_once: 64,
    each: 8,
};

/// Lines a run up for a check.
pub(super) fn line_up(shared: &Arc<Shared>, entry: &Entry) {
    lock(&shared.checks).push(&entry.key.installation, None, entry.key.clone());
    // Not here: the caller holds the run's lock.
    let shared = shared.clone();
    tokio::spawn(async move { pump(&shared) });
}

fn pump(shared: &Arc<Shared>) {
    loop {
        let next = lock(&shared.checks).grant();
        let Some(key) = next else {
            return;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            if let Some(entry) = shared.entry(&key) {
                check(&shared, &entry).await;
                entry.lock().is_checking = false;
            }
            lock(&shared.checks).done(&key.installation, &key, false);
            pump(&shared);
        });
    }
}

/// Asks the plugin; what it says goes the way of all news. Where the end of a run in Port is to stop it on the server,
/// Port is asked as well.
async fn check(shared: &Arc<Shared>, entry: &Arc<Entry>) {
    let external_run_id = entry.lock().external_run_id.clone();
    if entry.source.rules.cancel_with_port && has_ended_in_port(entry, &external_run_id).await {
        return post(shared, entry, Happened::life(Event::EndedElsewhere));
    }
    let budget = entry.source.installation.budget();
    // What is left of the limit is for runs that want to start.
    let is_scarce = budget.wait(Instant::now(), shared.rate_threshold.saturating_mul(2));
    let (Some(order), Some(id), None) = (entry.order.clone(), external_run_id, is_scarce) else {
        // It will be asked again.
        return;
    };
    match flatten(shared.runtime.check(call(shared, entry), order, id).await) {
        Ok(updates) if updates.is_empty() => shared.metrics.checked(CheckResult::None),
        Ok(updates) => {
            shared.metrics.checked(CheckResult::News);
            let installation = &entry.key.installation;
            shared.deliver(installation, updates, None).await;
        }
        Err(failure) => {
            shared.metrics.checked(CheckResult::Failed);
            let message = escaped(&failure.message);
            if failure.kind == FailureKind::Unsupported {
                // Not news: the plugin never can. It still counts, or a run whose end is lost would stay for ever.
                tracing::debug!(run = %entry.key, "cannot be checked: {message}");
            } else {
                tracing::warn!(run = %entry.key, "could not be checked: {message}");
            }
            post(shared, entry, Happened::life(Event::Unanswered(failure)));
        }
    }
}
