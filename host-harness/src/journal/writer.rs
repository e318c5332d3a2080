//! One writer, many who wait: group commit.
//!
//! A commit waits for the disk. While it does, further change sets pile up in the queue, and the next commit takes all of
//! them: the busier the host, the larger the groups and the less a run pays for the disk.
//!
//! Some change sets nobody waits for ([`Journal::later`]): those whose news a next process would hear once more, if this one
//! were killed before they are durable. They go along with the next commit, so on a busy host they cost none.

use super::{
    Change, ChangeSet, Committed, CrashPoint, Delivery, DeliveryKey, History, JournalError,
    Restored, Store,
};
use crate::metrics::Metrics;
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

/// Most change sets in one commit. A bound on how long the first of them waits for the last.
const GROUP: usize = 256;

/// Change sets that wait for the writer. More wait with their senders, each of which has its own bound.
const QUEUE: usize = 4_096;

/// How long a change set that nobody waits for may wait for company. So much of what Port was told can be told once more after
/// a kill.
const LATER: Duration = Duration::from_millis(20);

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
    /// Without a sender: nobody waits for it.
    Commit(ChangeSet, Option<Waiting>),
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
    /// Reads what was under way and starts the writer: on a thread of its own if the store waits, else as a task of the
    /// current tokio runtime. It ends when the last handle is dropped. `ended` as for [`Store::restore`].
    pub fn start(
        mut store: Box<dyn Store>,
        ended: u32,
        metrics: Metrics,
        crash: Option<CrashPoint>,
    ) -> Result<(Journal, Restored), JournalError> {
        let restored = store.restore(ended)?;
        let waits = store.waits();
        let (requests, queue) = mpsc::channel(QUEUE);
        let (health, watched) = watch::channel(Ok(()));
        let writer = Writer {
            store,
            health,
            metrics,
            crash,
            commits: 0,
        };
        if waits {
            on_a_thread(writer.run(queue))
                .map_err(|error| JournalError::Thread(error.to_string()))?;
        } else {
            tokio::spawn(writer.run(queue));
        }
        let journal = Journal {
            requests,
            health: watched,
        };
        Ok((journal, restored))
    }

    /// Makes a change set durable: when this returns without an error, it is.
    pub async fn commit(&self, changes: ChangeSet) -> Result<Committed, JournalError> {
        self.ask(|reply| Request::Commit(changes, Some(reply)))
            .await
    }

    /// Hands over a change set whose news would be heard once more if this process were killed before it is durable: Port's
    /// answer to a call, a delivery that is not marked as handled. It is made durable with the next commit, or within
    /// [`LATER`], and before anything that is handed over after it. The only error is [`JournalError::Closed`].
    pub async fn later(&self, changes: ChangeSet) -> Result<(), JournalError> {
        let sent = self.requests.send(Request::Commit(changes, None)).await;
        sent.map_err(|_| JournalError::Closed)
    }

    /// Waits until everything that was handed over is durable, or cannot be made so.
    pub async fn flush(&self) -> Result<(), JournalError> {
        self.commit(vec![]).await.map(drop)
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

/// Runs the writer where nobody else waits with it.
fn on_a_thread(writer: impl Future<Output = ()> + Send + 'static) -> std::io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()?;
    let thread = thread::Builder::new().name("journal".to_owned());
    thread.spawn(move || runtime.block_on(writer)).map(drop)
}

struct Writer {
    store: Box<dyn Store>,
    health: watch::Sender<Health>,
    metrics: Metrics,
    crash: Option<CrashPoint>,
    commits: u64,
}

type Waiting = oneshot::Sender<Result<Committed, JournalError>>;

/// Change sets of the next commit, in order, and who waits for each.
#[derive(Default)]
struct Group {
    sets: Vec<ChangeSet>,
    waiting: Vec<Option<Waiting>>,
    /// When it is written though nobody waits.
    due: Option<Instant>,
}

impl Group {
    fn add(&mut self, changes: ChangeSet, waiting: Option<Waiting>) {
        if self.due.is_none() && waiting.is_none() {
            self.due = Some(Instant::now() + LATER);
        }
        self.sets.push(changes);
        self.waiting.push(waiting);
    }

    fn is_full(&self) -> bool {
        self.sets.len() >= GROUP
    }

    fn is_due(&self) -> bool {
        let is_late = self.due.is_some_and(|due| due <= Instant::now());
        is_late || self.is_full() || self.waiting.iter().any(Option::is_some)
    }
}

/// What the writer has to do next.
enum Next {
    Request(Request),
    /// Some time is over: that of a group, or that of a try.
    Time,
    /// Nobody has a handle any more.
    Closed,
}

impl Writer {
    async fn run(mut self, mut queue: mpsc::Receiver<Request>) {
        let mut group = Group::default();
        loop {
            // What is not a commit ends the group, so that it sees everything before it.
            let mut other = None;
            match self.next(&mut queue, group.due).await {
                Next::Request(first) => other = gather(&mut group, first, &mut queue),
                Next::Time if group.sets.is_empty() => self.probe(),
                Next::Time => {}
                Next::Closed => return self.commit(&mut group),
            }
            if group.is_due() || other.is_some() {
                self.commit(&mut group);
            }
            if let Some(request) = other {
                self.answer(request);
            }
        }
    }

    /// The next request. While the journal cannot be written, it is tried from time to time: nobody claims or sends a
    /// delivery meanwhile, so nothing else would find out that it can be again.
    async fn next(&mut self, queue: &mut mpsc::Receiver<Request>, due: Option<Instant>) -> Next {
        let is_ill = self.health.borrow().is_err();
        let probe = is_ill.then(|| Instant::now() + PROBE_EVERY);
        let request = match due.into_iter().chain(probe).min() {
            None => queue.recv().await,
            Some(until) => match timeout_at(until, queue.recv()).await {
                Ok(request) => request,
                Err(_) => return Next::Time,
            },
        };
        request.map_or(Next::Closed, Next::Request)
    }

    /// Tries whether the journal can be written. How it went, the health says.
    fn probe(&mut self) {
        drop(self.write(&[probe()], false));
    }

    /// Writes a group and tells those who wait. What could not be written and nobody waits for stays in it.
    fn commit(&mut self, group: &mut Group) {
        let Group { sets, waiting, .. } = std::mem::take(group);
        if sets.is_empty() {
            return;
        }
        let is_awaited = waiting.iter().any(Option::is_some);
        let answers = match self.write(&sets, is_awaited) {
            Ok(answers) => answers.into_iter().map(Ok).collect(),
            // One set that cannot be written must not hold up the others for ever.
            Err(_) if sets.len() > 1 => self.write_each(&sets, &waiting),
            Err(error) => vec![Err(error)],
        };
        for ((changes, waiting), answer) in sets.into_iter().zip(waiting).zip(answers) {
            match (waiting, answer) {
                // Whoever asked may have been cancelled; the change stands all the same.
                (Some(waiting), answer) => drop(waiting.send(answer)),
                (None, Ok(_)) => {}
                (None, Err(_)) => group.add(changes, None),
            }
        }
        if !group.sets.is_empty() {
            group.due = Some(Instant::now() + AGAIN);
        }
    }

    /// Writes sets one by one. Nothing overtakes one that nobody waits for and that could not be written: what comes after it
    /// may be newer words about the same run.
    fn write_each(
        &mut self,
        sets: &[ChangeSet],
        waiting: &[Option<Waiting>],
    ) -> Vec<Result<Committed, JournalError>> {
        let mut stuck = None;
        let mut answers = Vec::with_capacity(sets.len());
        for (changes, waiting) in sets.iter().zip(waiting) {
            let answer = match &stuck {
                Some(error) => Err(JournalError::clone(error)),
                None => self
                    .write(std::slice::from_ref(changes), waiting.is_some())
                    .map(|answers| first(&answers)),
            };
            if let (None, Err(error)) = (waiting, &answer) {
                stuck = Some(error.clone());
            }
            answers.push(answer);
        }
        answers
    }

    /// Writes a group. Commits that somebody waits for are counted: at one of those the process may be told to die.
    fn write(
        &mut self,
        group: &[ChangeSet],
        is_awaited: bool,
    ) -> Result<Vec<Committed>, JournalError> {
        self.commits += u64::from(is_awaited);
        let crash = self.crash.filter(|_| is_awaited);
        if let Some(crash) = crash {
            crash.before(self.commits);
        }
        let began = Instant::now();
        let result = self.store.commit(group);
        if let Some(crash) = crash {
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

    fn answer(&mut self, request: Request) {
        match request {
            // Gathered before it comes here.
            Request::Commit(..) => {}
            Request::Delivery(key, reply) => {
                let _ = reply.send(self.store.delivery(&key));
            }
            Request::ExternalIds(installation, most, reply) => {
                let _ = reply.send(self.store.external_ids(&installation, most));
            }
            Request::History(run, reply) => {
                let _ = reply.send(self.store.history(&run));
            }
            Request::Prune(before, reply) => {
                let _ = reply.send(self.store.prune(before));
            }
        }
        if let Some(bytes) = self.store.size() {
            self.metrics.set_journal_size(bytes);
        }
    }
}

/// Takes a request into the group, and as many more as there are now. Returns one that is not a commit.
fn gather(
    group: &mut Group,
    first: Request,
    queue: &mut mpsc::Receiver<Request>,
) -> Option<Request> {
    let mut next = Some(first);
    while let Some(request) = next {
        match request {
            Request::Commit(changes, waiting) => group.add(changes, waiting),
            request => return Some(request),
        }
        if group.is_full() {
            return None;
        }
        next = queue.try_recv().ok();
    }
    None
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
        fn commit(&mut self, group: &[ChangeSet]) -> Result<Vec<Committed>, JournalError> {
            self.groups.lock().unwrap().push(group.len());
            if self.is_full.load(Ordering::SeqCst) {
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
}
