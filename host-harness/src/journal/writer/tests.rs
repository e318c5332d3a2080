//! The writer in front of a disk that is full for a while, or too full for some.

use super::group::LATER;
use super::*;
use crate::journal::{Filter, History, Memory, Run};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::SystemTime;

/// A disk that is full for a while. It is always too full for a delivery that is large.
struct Disk {
    memory: Memory,
    is_full: Arc<AtomicBool>,
    groups: Arc<std::sync::Mutex<Vec<usize>>>,
}

impl Store for Disk {
    fn commit(&mut self, group: &[ChangeSet]) -> Result<Vec<Committed>, JournalError> {
        self.groups.lock().unwrap().push(group.len());
        let is_large =
            |change: &Change| matches!(change, Change::Delivery(it) if it.body == b"large");
        if self.is_full.load(Ordering::SeqCst) || group.iter().flatten().any(is_large) {
            return Err(JournalError::Unwritable("full".to_owned()));
        }
        self.memory.commit(group)
    }

    fn restore(&mut self, ended: u32) -> Result<Restored, JournalError> {
        self.memory.restore(ended)
    }

    fn external_ids(&mut self, of: &str, most: u32) -> Result<Vec<String>, JournalError> {
        self.memory.external_ids(of, most)
    }

    fn delivery(&mut self, key: &DeliveryKey) -> Result<Option<Delivery>, JournalError> {
        self.memory.delivery(key)
    }

    fn list(&mut self, filter: &Filter) -> Result<Vec<Run>, JournalError> {
        self.memory.list(filter)
    }

    fn history(&mut self, run: &str) -> Result<Vec<History>, JournalError> {
        self.memory.history(run)
    }

    fn prune(&mut self, before: u64) -> Result<u64, JournalError> {
        self.memory.prune(before)
    }

    fn size(&self) -> Option<u64> {
        None
    }

    fn waits(&self) -> bool {
        self.memory.waits()
    }
}

async fn journal() -> (Journal, Arc<AtomicBool>, Arc<std::sync::Mutex<Vec<usize>>>) {
    let is_full = Arc::new(AtomicBool::new(false));
    let groups = Arc::default();
    let disk = Disk {
        memory: Memory::default(),
        is_full: is_full.clone(),
        groups: Arc::clone(&groups),
    };
    let metrics = Metrics::new(SystemTime::now());
    let started = Journal::start(Box::new(disk), 0, metrics, None);
    (started.unwrap().0, is_full, groups)
}

fn done() -> ChangeSet {
    let key = DeliveryKey {
        installation: "acme".to_owned(),
        delivery: "d".to_owned(),
    };
    vec![Change::DeliveryDone(key, 1)]
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_could_not_be_written_is_well_again_though_nobody_writes() {
    let (journal, is_full, _) = journal().await;
    is_full.store(true, Ordering::SeqCst);
    assert!(journal.commit(done()).await.is_err());
    assert!(journal.health().is_err());
    sleep(PROBE_EVERY * 3).await;
    assert!(journal.health().is_err());
    is_full.store(false, Ordering::SeqCst);
    sleep(PROBE_EVERY * 2).await;
    assert_eq!(journal.health(), Ok(()));
}

#[tokio::test(start_paused = true)]
async fn whoever_insists_waits_until_the_disk_has_room() {
    let (journal, is_full, _) = journal().await;
    is_full.store(true, Ordering::SeqCst);
    let insisting = tokio::spawn({
        let journal = journal.clone();
        async move { journal.insist(done()).await }
    });
    sleep(Duration::from_secs(10)).await;
    assert!(!insisting.is_finished());
    is_full.store(false, Ordering::SeqCst);
    assert!(insisting.await.unwrap().is_ok());
}

#[tokio::test(start_paused = true)]
async fn what_comes_while_the_disk_is_busy_is_one_commit() {
    let (journal, _, groups) = journal().await;
    let all = (0..100).map(|_| journal.commit(done()));
    let all = futures_util::future::join_all(all).await;
    assert!(all.iter().all(Result::is_ok));
    let groups = groups.lock().unwrap();
    assert!(groups.len() <= 3, "{groups:?}");
}

fn came(id: &str) -> ChangeSet {
    let key = DeliveryKey {
        installation: "acme".to_owned(),
        delivery: id.to_owned(),
    };
    vec![Change::Delivery(Delivery {
        key,
        received_at: 1,
        headers: "[]".to_owned(),
        body: vec![],
    })]
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_goes_along_with_the_next_commit() {
    let (journal, _, groups) = journal().await;
    for _ in 0..3 {
        journal.later(done()).await.unwrap();
    }
    journal.commit(came("d")).await.unwrap();
    assert_eq!(*groups.lock().unwrap(), [4]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_is_durable_soon_though_nobody_else_writes() {
    let (journal, _, groups) = journal().await;
    journal.later(done()).await.unwrap();
    sleep(LATER / 2).await;
    journal.later(done()).await.unwrap();
    assert!(groups.lock().unwrap().is_empty());
    sleep(LATER).await;
    assert_eq!(*groups.lock().unwrap(), [2]);
}

#[tokio::test(start_paused = true)]
async fn what_nobody_waits_for_outlives_a_full_disk_and_nothing_overtakes_it() {
    let (journal, is_full, _) = journal().await;
    is_full.store(true, Ordering::SeqCst);
    journal.later(came("d")).await.unwrap();
    assert!(journal.commit(done()).await.is_err());
    sleep(AGAIN * 3).await;
    is_full.store(false, Ordering::SeqCst);
    // It is the first to be written, so the one that says that it is handled finds it.
    journal.commit(done()).await.unwrap();
    assert!(!journal.commit(came("d")).await.unwrap().fresh);
    let key = DeliveryKey {
        installation: "acme".to_owned(),
        delivery: "d".to_owned(),
    };
    assert_eq!(journal.delivery(key).await, Ok(None));
}

#[tokio::test(start_paused = true)]
async fn a_journal_that_is_closed_has_what_nobody_waited_for() {
    let (journal, _, groups) = journal().await;
    journal.later(done()).await.unwrap();
    drop(journal);
    sleep(Duration::from_millis(1)).await;
    assert_eq!(*groups.lock().unwrap(), [1]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_holds_up_only_what_is_about_the_same() {
    let (journal, _, _) = journal().await;
    let mut large = came("large");
    if let [Change::Delivery(delivery)] = large.as_mut_slice() {
        delivery.body = b"large".to_vec();
    }
    let about = |id: &str| match came(id).remove(0) {
        Change::Delivery(delivery) => vec![Change::DeliveryDone(delivery.key, 1)],
        _ => vec![],
    };
    journal.later(large).await.unwrap();
    assert!(journal.commit(came("d")).await.unwrap().fresh);
    assert!(journal.commit(about("large")).await.is_err());
    assert!(journal.commit(about("d")).await.is_ok());
}
