//! One writer, many who wait: group commit.
//!
//! A commit waits for the disk. While it does, further change sets pile up in the queue, and the next commit takes all of
//! them: the busier the host, the larger the groups and the less a run pays for the disk.
//!
//! Some change sets nobody waits for ([`Journal::later`]): those whose news a next process would hear once more, if this one
//! were killed before they are durable. They go along with the next commit, so on a busy host they cost none.

mod group;

use super::record::Subject;
use super::{
    Change, ChangeSet, Committed, CrashPoint, Delivery, DeliveryKey, History, JournalError,
    Restored, Store,
};
use crate::metrics::Metrics;
use group::Group;
use std::collections::BTreeSet;
use std::thread;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout_at};

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
    /// Without a sender: nobody waits for it.
    Commit(ChangeSet, Option<Waiting>),
    Ask(Question),
}

type Reply<T> = oneshot::Sender<Result<T, JournalError>>;

/// Who waits for a change set.
type Waiting = Reply<Committed>;

/// What the store is asked, after all that was handed over before.
#[derive(Debug)]
enum Question {
    Delivery(DeliveryKey, Reply<Option<Delivery>>),
    ExternalIds(String, u32, Reply<Vec<String>>),
    History(String, Reply<Vec<History>>),
    Prune(u64, Reply<u64>),
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
    /// answer to a call, a delivery that is not marked as handled. It is made durable with the next commit, or within 20
    /// milliseconds, and before anything that is handed over after it. The only error is [`JournalError::Closed`].
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
        self.ask(|reply| Request::Ask(Question::Delivery(key, reply)))
            .await
    }

    /// As [`Store::external_ids`].
    pub async fn external_ids(
        &self,
        installation: &str,
        most: u32,
    ) -> Result<Vec<String>, JournalError> {
        let installation = installation.to_owned();
        self.ask(|reply| Request::Ask(Question::ExternalIds(installation, most, reply)))
            .await
    }

    /// As [`Store::history`].
    pub async fn history(&self, run: &str) -> Result<Vec<History>, JournalError> {
        let run = run.to_owned();
        self.ask(|reply| Request::Ask(Question::History(run, reply)))
            .await
    }

    /// As [`Store::prune`].
    pub async fn prune(&self, before: u64) -> Result<u64, JournalError> {
        self.ask(|reply| Request::Ask(Question::Prune(before, reply)))
            .await
    }

    /// Whether the newest commit went well.
    pub fn health(&self) -> Health {
        self.health.borrow().clone()
    }

    async fn ask<T>(&self, request: impl FnOnce(Reply<T>) -> Request) -> Result<T, JournalError> {
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
            // It ends the group, so that it sees everything before it.
            let mut question = None;
            match self.next(&mut queue, group.due).await {
                Next::Request(first) => question = group.gather(first, &mut queue),
                Next::Time if group.sets.is_empty() => self.probe(),
                Next::Time => {}
                Next::Closed => return self.commit(&mut group),
            }
            if group.is_due() || question.is_some() {
                self.commit(&mut group);
            }
            if let Some(question) = question {
                self.answer(question);
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

    /// Writes sets one by one. One that nobody waits for and that could not be written is overtaken by none about the same
    /// run or delivery, which may hold newer words; all others pass, since handling what is there makes room.
    fn write_each(
        &mut self,
        sets: &[ChangeSet],
        waiting: &[Option<Waiting>],
    ) -> Vec<Result<Committed, JournalError>> {
        let mut stuck: Option<(JournalError, BTreeSet<Subject>)> = None;
        let mut answers = Vec::with_capacity(sets.len());
        for (changes, waiting) in sets.iter().zip(waiting) {
            let subjects: BTreeSet<Subject> = changes.iter().map(Change::subject).collect();
            let answer = match &stuck {
                Some((error, of)) if !of.is_disjoint(&subjects) => Err(error.clone()),
                _ => self
                    .write(std::slice::from_ref(changes), waiting.is_some())
                    .map(|answers| first(&answers)),
            };
            if let (None, Err(error)) = (waiting, &answer) {
                let (_, of) = stuck.get_or_insert_with(|| (error.clone(), BTreeSet::new()));
                of.extend(subjects);
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

    fn answer(&mut self, question: Question) {
        match question {
            Question::Delivery(key, reply) => {
                let _ = reply.send(self.store.delivery(&key));
            }
            Question::ExternalIds(installation, most, reply) => {
                let _ = reply.send(self.store.external_ids(&installation, most));
            }
            Question::History(run, reply) => {
                let _ = reply.send(self.store.history(&run));
            }
            Question::Prune(before, reply) => {
                let _ = reply.send(self.store.prune(before));
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
mod tests;
