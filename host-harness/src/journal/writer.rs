//! One writer, many who wait: group commit.
//!
//! A commit waits for the disk. While it does, further change sets pile up in the queue, and the next commit takes all of
//! them: the busier the host, the larger the groups and the less a run pays for the disk.

use super::{
    Change, ChangeSet, Committed, CrashPoint, Delivery, DeliveryKey, History, JournalError,
    Restored, Store,
};
use crate::metrics::Metrics;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep};

/// Most change sets in one commit. A bound on how long the first of them waits for the last.
const GROUP: usize = 256;

/// Change sets that wait for the writer. More wait with their senders, each of which has its own bound.
const QUEUE: usize = 4_096;

/// Pause before a change that could not be written is tried again.
const AGAIN: Duration = Duration::from_millis(500);

/// How often a journal that cannot be written is tried, and with how many bytes.
const PROBE_EVERY: Duration = Duration::from_secs(1);
const PROBE_SIZE: usize = 64 * 1024;

/// Whether the journal can be written: the reason if not.
pub type Health = Result<(), String>;

/// A handle to the writer. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Journal {
    requests: mpsc::Sender<Request>,
    health: watch::Receiver<Health>,
}

#[derive(Debug)]
enum Request {
    Commit(ChangeSet, oneshot::Sender<Result<Committed, JournalError>>),
    Delivery(
        DeliveryKey,
        oneshot::Sender<Result<Option<Delivery>, JournalError>>,
    ),
    ExternalIds(
        String,
        u32,
        oneshot::Sender<Result<Vec<String>, JournalError>>,
    ),
    History(String, oneshot::Sender<Result<Vec<History>, JournalError>>),
    Prune(u64, oneshot::Sender<Result<u64, JournalError>>),
}

impl Journal {
    /// Reads what was under way and starts the writer as a task of the current tokio runtime. It ends when the last
    /// handle is dropped. `ended` as for [`Store::restore`].
    pub async fn start(
        mut store: Box<dyn Store>,
        ended: u32,
        metrics: Metrics,
        crash: Option<CrashPoint>,
    ) -> Result<(Journal, Restored), JournalError> {
        let restored = store.restore(ended).await?;
        let (requests, queue) = mpsc::channel(QUEUE);
        let (health, watched) = watch::channel(Ok(()));
        let writer = Writer {
            store,
            health,
            metrics,
            crash,
            commits: 0,
        };
        tokio::spawn(writer.run(queue));
        let journal = Journal {
            requests,
            health: watched,
        };
        Ok((journal, restored))
    }

    /// Makes a change set durable: when this returns without an error, it is.
    pub async fn commit(&self, changes: ChangeSet) -> Result<Committed, JournalError> {
        self.ask(|reply| Request::Commit(changes, reply)).await
    }

    /// Makes a change set durable, however long that takes: while the disk is full, nothing may happen that is not
    /// written down. The only error is [`JournalError::Closed`].
    pub async fn insist(&self, changes: ChangeSet) -> Result<Committed, JournalError> {
        loop {
            match self.commit(changes.clone()).await {
                Ok(committed) => return Ok(committed),
                Err(JournalError::Closed) => return Err(JournalError::Closed),
                Err(_) => sleep(AGAIN).await,
            }
        }
    }

    /// A delivery that waits.
    pub async fn delivery(&self, key: DeliveryKey) -> Result<Option<Delivery>, JournalError> {
        self.ask(|reply| Request::Delivery(key, reply)).await
    }

    /// As [`Store::external_ids`].
    pub async fn external_ids(
        &self,
        installation: &str,
        most: u32,
    ) -> Result<Vec<String>, JournalError> {
        let installation = installation.to_owned();
        self.ask(|reply| Request::ExternalIds(installation, most, reply))
            .await
    }

    /// As [`Store::history`].
    pub async fn history(&self, run: &str) -> Result<Vec<History>, JournalError> {
        let run = run.to_owned();
        self.ask(|reply| Request::History(run, reply)).await
    }

    /// As [`Store::prune`].
    pub async fn prune(&self, before: u64) -> Result<u64, JournalError> {
        self.ask(|reply| Request::Prune(before, reply)).await
    }

    /// Whether the newest commit went well.
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    async fn ask<T>(
        &self,
        request: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Request,
    ) -> Result<T, JournalError> {
        let (reply, answer) = oneshot::channel();
        let sent = self.requests.send(request(reply)).await;
        sent.map_err(|_| JournalError::Closed)?;
        answer.await.unwrap_or(Err(JournalError::Closed))
    }
}

struct Writer {
    store: Box<dyn Store>,
    health: watch::Sender<Health>,
    metrics: Metrics,
    crash: Option<CrashPoint>,
    commits: u64,
}

type Waiting = oneshot::Sender<Result<Committed, JournalError>>;

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut group = Vec::new();
        let mut waiting: Vec<Waiting> = Vec::new();
        while let Some(first) = self.next(&mut queue).await {
            let mut next = Some(first);
            // What is not a commit ends the group, so that it sees everything before it.
            let mut other = None;
            while let Some(request) = next.take() {
                match request {
                    Request::Commit(changes, reply) => {
                        group.push(changes);
                        waiting.push(reply);
                    }
                    request => other = Some(request),
                }
                if other.is_none() && group.len() < GROUP {
                    next = queue.try_recv().ok();
                }
            }
            if !group.is_empty() {
                self.commit(&group, waiting.drain(..)).await;
                group.clear();
            }
            if let Some(request) = other {
                self.answer(request).await;
            }
        }
    }

    /// The next request. While the journal cannot be written, it is tried from time to time: nobody claims or sends a
    /// delivery meanwhile, so nothing else would find out that it can be again.
    async fn next(&mut self, queue: &mut mpsc::Receiver<Request>) -> Option<Request> {
        loop {
            if self.health.borrow().is_ok() {
                return queue.recv().await;
            }
            match tokio::time::timeout(PROBE_EVERY, queue.recv()).await {
                Ok(request) => return request,
                // How it went, the health says.
                Err(_) => drop(self.write(&[probe()]).await),
            }
        }
    }

    async fn commit(&mut self, group: &[ChangeSet], waiting: impl Iterator<Item = Waiting>) {
        match self.write(group).await {
            Ok(answers) => {
                for (reply, answer) in waiting.zip(answers) {
                    // Whoever asked may have been cancelled; the change stands all the same.
                    let _ = reply.send(Ok(answer));
                }
            }
            // One set that cannot be written must not hold up the others for ever.
            Err(_) if group.len() > 1 => {
                for (changes, reply) in group.iter().zip(waiting) {
                    let answer = self.write(std::slice::from_ref(changes)).await;
                    let _ = reply.send(answer.map(|answers| first(&answers)));
                }
            }
            Err(error) => {
                for reply in waiting {
                    let _ = reply.send(Err(error.clone()));
                }
            }
        }
    }

    async fn write(&mut self, group: &[ChangeSet]) -> Result<Vec<Committed>, JournalError> {
        self.commits += 1;
        if let Some(crash) = &self.crash {
            crash.before(self.commits);
        }
        let began = Instant::now();
        let result = self.store.commit(group).await;
        if let Some(crash) = &self.crash {
            crash.after(self.commits);
        }
        match &result {
            Ok(_) => self.metrics.journal_committed(group.len(), began.elapsed()),
            Err(_) => self.metrics.journal_failed(),
        }
        self.tell(
            result
                .as_ref()
                .map(|_| ())
                .map_err(|error| error.to_string()),
        );
        result
    }

    /// Says once when the journal becomes unwritable, and once when it is well again.
    fn tell(&self, now: Health) {
        self.health.send_if_modified(|before| {
            let changed = *before != now;
            match (&now, &before) {
                (Err(reason), Ok(())) => tracing::error!("{reason}"),
                (Ok(()), Err(_)) => tracing::info!("the journal can be written again"),
                _ => {}
            }
            *before = now;
            changed
        });
    }

    async fn answer(&mut self, request: Request) {
        match request {
            Request::Commit(changes, reply) => {
                let answer = self.write(std::slice::from_ref(&changes)).await;
                let _ = reply.send(answer.map(|answers| first(&answers)));
            }
            Request::Delivery(key, reply) => {
                let _ = reply.send(self.store.delivery(&key).await);
            }
            Request::ExternalIds(installation, most, reply) => {
                let _ = reply.send(self.store.external_ids(&installation, most).await);
            }
            Request::History(run, reply) => {
                let _ = reply.send(self.store.history(&run).await);
            }
            Request::Prune(before, reply) => {
                let _ = reply.send(self.store.prune(before).await);
            }
        }
        if let Some(bytes) = self.store.size() {
            self.metrics.set_journal_size(bytes);
        }
    }
}

/// Changes that need as much room as a usual delivery and leave nothing behind.
fn probe() -> ChangeSet {
    let key = DeliveryKey {
        installation: String::new(),
        delivery: "probe".to_owned(),
    };
    vec![
        Change::Delivery(Delivery {
            key: key.clone(),
            received_at: 0,
            headers: "[]".to_owned(),
            body: vec![0; PROBE_SIZE],
        }),
        Change::DeliveryForgotten(key),
    ]
}

fn first(answers: &[Committed]) -> Committed {
    answers
        .first()
        .copied()
        .unwrap_or(Committed { fresh: true })
}

#[cfg(test)]
mod tests {
    use super::super::{Filter, History, Memory, Run};
    use super::*;
    use futures_util::future::{BoxFuture, ready};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::SystemTime;

    /// A disk that is full for a while.
    struct Disk {
        memory: Memory,
        is_full: Arc<AtomicBool>,
        groups: Arc<std::sync::Mutex<Vec<usize>>>,
    }

    impl Store for Disk {
        fn commit<'s>(
            &'s mut self,
            group: &'s [ChangeSet],
        ) -> BoxFuture<'s, Result<Vec<Committed>, JournalError>> {
            self.groups.lock().unwrap().push(group.len());
            if self.is_full.load(Ordering::SeqCst) {
                return Box::pin(ready(Err(JournalError::Unwritable("full".to_owned()))));
            }
            Box::pin(async move {
                sleep(Duration::from_millis(5)).await;
                self.memory.commit(group).await
            })
        }

        fn restore(&mut self, ended: u32) -> BoxFuture<'_, Result<Restored, JournalError>> {
            self.memory.restore(ended)
        }

        fn external_ids<'s>(
            &'s mut self,
            installation: &'s str,
            most: u32,
        ) -> BoxFuture<'s, Result<Vec<String>, JournalError>> {
            self.memory.external_ids(installation, most)
        }

        fn delivery<'s>(
            &'s mut self,
            key: &'s DeliveryKey,
        ) -> BoxFuture<'s, Result<Option<Delivery>, JournalError>> {
            self.memory.delivery(key)
        }

        fn list<'s>(
            &'s mut self,
            filter: &'s Filter,
        ) -> BoxFuture<'s, Result<Vec<Run>, JournalError>> {
            self.memory.list(filter)
        }

        fn history<'s>(
            &'s mut self,
            run: &'s str,
        ) -> BoxFuture<'s, Result<Vec<History>, JournalError>> {
            self.memory.history(run)
        }

        fn prune(&mut self, before: u64) -> BoxFuture<'_, Result<u64, JournalError>> {
            self.memory.prune(before)
        }

        fn size(&self) -> Option<u64> {
            None
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
        let started = Journal::start(Box::new(disk), 0, metrics, None).await;
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
}
