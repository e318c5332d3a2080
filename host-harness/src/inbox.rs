//! Deliveries that were taken and answered, on their way to the runs that they are about.
//!
//! The journal has each of them before its sender has its answer, so a kill loses none: those that were not handled are
//! read again at the next start. Installations take turns here as well, so that one whose repositories never sleep
//! does not delay the end of another's runs.

use crate::clock;
use crate::contract::{self, Header, RunUpdate};
use crate::installation::Installation;
use crate::journal::{self, Change, DeliveryKey, Journal};
use crate::legible::escaped;
use crate::lifecycle::{Delivered, Lifecycle};
use crate::metrics::{DeliveryResult, Metrics};
use crate::runtime::{Call, Runtime};
use crate::scheduler::{Share, Turns};
use crate::watcher::{self, About, Fate, Watching};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::sleep;

/// Deliveries that the plugin looks at at once: of all installations, and of one.
const AT_ONCE: Share = Share {
    at_once: 64,
    each: 16,
};

/// How often a delivery is put before the plugin when the server cannot be asked about it.
const TRIES: u32 = 5;

/// How often news that waits for its run is looked through for what has waited too long.
const FORGET_EVERY: Duration = Duration::from_secs(30);

/// A verified delivery that the journal has.
#[derive(Debug)]
pub struct Accepted {
    /// Whose it is.
    pub installation: Arc<Installation>,
    /// Its name in the journal.
    pub key: DeliveryKey,
    /// What came.
    pub delivery: contract::Delivery,
    /// Its share of the room for deliveries that wait, given back when it has been handled.
    pub room: Vec<OwnedSemaphorePermit>,
}

/// The deliveries that wait. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    shared: Arc<Shared>,
}

struct Shared {
    runtime: Runtime,
    lifecycle: Lifecycle,
    journal: Journal,
    metrics: Metrics,
    watcher: Watching,
    queue: Mutex<Queue>,
}

struct Queue {
    turns: Turns<u64>,
    jobs: BTreeMap<u64, Job>,
    next: u64,
}

struct Job {
    installation: Arc<Installation>,
    key: DeliveryKey,
    what: What,
    failures: u32,
}

enum What {
    /// It came just now.
    Here(Box<Accepted>),
    /// It is in the journal, from before this process began.
    Stored,
    /// It was handled before, and somebody wants to see that again. The journal is not told.
    Again(Box<Accepted>),
}

/// What is to become of a delivery.
enum Verdict {
    Done,
    /// It could not be handled now.
    Again,
    /// It could not be handled; the sender may send it again.
    Forget,
}

impl Inbox {
    /// An empty inbox.
    pub fn new(
        runtime: Runtime,
        lifecycle: Lifecycle,
        journal: Journal,
        metrics: Metrics,
        watcher: Watching,
    ) -> Inbox {
        Inbox {
            shared: Arc::new(Shared {
                runtime,
                lifecycle,
                journal,
                metrics,
                watcher,
                queue: Mutex::new(Queue {
                    turns: Turns::new(AT_ONCE),
                    jobs: BTreeMap::new(),
                    next: 0,
                }),
            }),
        }
    }

    /// Takes in a delivery that has just come. Must be called inside a tokio runtime.
    pub fn put(&self, accepted: Accepted) {
        self.shared.show(&accepted.key, &accepted.delivery);
        self.shared.put(Job {
            installation: accepted.installation.clone(),
            key: accepted.key.clone(),
            what: What::Here(Box::new(accepted)),
            failures: 0,
        });
        self.shared.pump();
    }

    /// Takes in a delivery that an earlier process has left in the journal.
    pub fn put_stored(&self, installation: Arc<Installation>, key: DeliveryKey) {
        self.shared.put(Job {
            installation,
            key,
            what: What::Stored,
            failures: 0,
        });
        self.shared.pump();
    }

    /// Puts a delivery before the plugin once more, past every list of what was seen. For the runs that it is about it is
    /// news that they have had: none ends twice.
    pub fn put_again(&self, accepted: Accepted) {
        self.shared.put(Job {
            installation: accepted.installation.clone(),
            key: accepted.key.clone(),
            what: What::Again(Box::new(accepted)),
            failures: 0,
        });
        self.shared.pump();
    }

    /// How many wait or are being handled.
    pub fn waiting(&self) -> usize {
        let queue = self.shared.lock();
        queue.turns.waiting() + queue.turns.under_way()
    }

    /// Lets go of news that nobody waits for, from time to time. Ends when it is dropped.
    pub async fn forget_early(self) {
        loop {
            sleep(FORGET_EVERY).await;
            self.shared.lifecycle.forget_early().await;
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, job: Job) {
        let mut queue = self.lock();
        let number = queue.next;
        queue.next += 1;
        queue.turns.push(job.installation.id(), None, number);
        queue.jobs.insert(number, job);
    }

    fn pump(self: &Arc<Self>) {
        loop {
            let mut queue = self.lock();
            let Some(number) = queue.turns.grant() else {
                return;
            };
            let job = queue.jobs.remove(&number);
            drop(queue);
            let shared = self.clone();
            tokio::spawn(async move {
                if let Some(job) = job {
                    shared.work(job, number).await;
                }
            });
        }
    }

    async fn work(self: Arc<Self>, mut job: Job, number: u64) {
        let verdict = self.handle(&job).await;
        self.lock()
            .turns
            .done(job.installation.id(), &number, false);
        match verdict {
            Verdict::Done => {}
            Verdict::Forget if job.is_again() => {}
            Verdict::Forget => self.write(Change::DeliveryForgotten(job.key)).await,
            Verdict::Again => {
                job.failures += 1;
                let shared = self.clone();
                tokio::spawn(async move {
                    sleep(Duration::from_secs(2u64.pow(job.failures - 1))).await;
                    shared.put(job);
                    shared.pump();
                });
            }
        }
        self.pump();
    }

    async fn handle(&self, job: &Job) -> Verdict {
        let delivery = match &job.what {
            What::Here(accepted) | What::Again(accepted) => accepted.delivery.clone(),
            What::Stored => match self.journal.delivery(job.key.clone()).await {
                Ok(Some(stored)) => {
                    let delivery = from_journal(stored);
                    if job.failures == 0 {
                        self.show(&job.key, &delivery);
                    }
                    delivery
                }
                Ok(None) => return Verdict::Done,
                Err(error) => {
                    tracing::error!("{error}");
                    return Verdict::Again;
                }
            },
        };
        let id = job.key.delivery.clone();
        let tap = watcher::tap(&self.watcher, || About::Delivery(job.key.clone()));
        let call = Call::new(job.installation.clone(), id.clone()).watched_by(tap);
        match self.runtime.handle_webhook(call, delivery).await {
            Ok(Ok(updates)) => {
                let (installation, key) = (job.installation.id(), job.key.clone());
                let about = self.watcher.as_ref().map(|_| ids(&updates));
                let delivered = if job.is_again() {
                    self.lifecycle.deliver_again(installation, updates).await
                } else {
                    self.lifecycle.deliver(installation, updates, key).await
                };
                self.tell(job, || Fate::Read {
                    delivered,
                    external_run_ids: about.unwrap_or_default(),
                });
                self.metrics.delivery_handled(match delivered {
                    Delivered::News => DeliveryResult::News,
                    Delivered::Early => DeliveryResult::Early,
                    Delivered::Nobody => DeliveryResult::Irrelevant,
                });
                Verdict::Done
            }
            Ok(Err(failure)) if failure.is_transient() && job.failures + 1 < TRIES => {
                tracing::warn!(
                    delivery = id,
                    "not understood yet: {}",
                    escaped(&failure.message)
                );
                self.tell(job, || Fate::Again(failure.message));
                Verdict::Again
            }
            Ok(Err(failure)) if failure.is_transient() => {
                tracing::error!(delivery = id, "given up; the run will be checked instead");
                self.metrics.delivery_handled(DeliveryResult::Failed);
                self.tell(job, || Fate::Failed(failure.message));
                Verdict::Forget
            }
            Ok(Err(failure)) => {
                // It would not be understood the next time either.
                tracing::warn!(
                    delivery = id,
                    "not understood: {}",
                    escaped(&failure.message)
                );
                self.metrics.delivery_handled(DeliveryResult::Failed);
                self.tell(job, || Fate::Failed(failure.message));
                if !job.is_again() {
                    self.write(Change::DeliveryDone(job.key.clone(), clock::timestamp()))
                        .await;
                }
                Verdict::Done
            }
            Err(error) => {
                tracing::error!(delivery = id, "{error}");
                self.metrics.delivery_handled(DeliveryResult::Failed);
                self.tell(job, || Fate::Failed(error.to_string()));
                Verdict::Forget
            }
        }
    }

    /// Shows a delivery to whoever watches.
    fn show(&self, key: &DeliveryKey, delivery: &contract::Delivery) {
        if let Some(watcher) = &self.watcher {
            watcher.received(key, delivery);
        }
    }

    /// Tells whoever watches what became of one.
    fn tell(&self, job: &Job, fate: impl FnOnce() -> Fate) {
        if let Some(watcher) = &self.watcher {
            watcher.handled(&job.key, fate());
        }
    }

    async fn write(&self, change: Change) {
        // The only error is that the process ends; then the next one handles the delivery again.
        let _ = self.journal.insist(vec![change]).await;
    }
}

impl Job {
    /// Whether the journal has it as handled already.
    fn is_again(&self) -> bool {
        matches!(self.what, What::Again(_))
    }
}

/// Which runs of the server the updates are about.
fn ids(updates: &[RunUpdate]) -> Vec<String> {
    let mut ids: Vec<String> = updates
        .iter()
        .map(|it| it.external_run_id.clone())
        .collect();
    ids.dedup();
    ids
}

/// A delivery as the journal keeps it.
pub fn to_journal(key: DeliveryKey, delivery: &contract::Delivery) -> journal::Delivery {
    // One character for each byte: nothing is lost, and texts stay readable.
    let text = |value: &[u8]| value.iter().map(|byte| char::from(*byte)).collect();
    let headers: Vec<(&str, String)> = delivery
        .headers
        .iter()
        .map(|header| (header.name.as_str(), text(&header.value)))
        .collect();
    journal::Delivery {
        key,
        received_at: delivery.received,
        headers: serde_json::to_string(&headers).unwrap_or_default(),
        body: delivery.body.clone(),
    }
}

fn from_journal(stored: journal::Delivery) -> contract::Delivery {
    let headers: Vec<(String, String)> = serde_json::from_str(&stored.headers).unwrap_or_default();
    let bytes = |text: String| -> Vec<u8> {
        text.chars()
            .map(|character| u8::try_from(u32::from(character)).unwrap_or(b'?'))
            .collect()
    };
    contract::Delivery {
        id: stored.key.delivery,
        headers: headers
            .into_iter()
            .map(|(name, value)| Header {
                name,
                value: bytes(value),
            })
            .collect(),
        body: stored.body,
        received: stored.received_at,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delivery_comes_out_of_the_journal_byte_by_byte_as_it_went_in() {
        let delivery = contract::Delivery {
            id: "guid".to_owned(),
            headers: vec![Header {
                name: "x-github-event".to_owned(),
                value: vec![b'a', 0xff, 0x00, b'"'],
            }],
            body: vec![0, 159, 146, 150],
            received: 7,
        };
        let key = DeliveryKey {
            installation: "acme".to_owned(),
            delivery: "guid".to_owned(),
        };
        assert_eq!(from_journal(to_journal(key, &delivery)), delivery);
    }
}
