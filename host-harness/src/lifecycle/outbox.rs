//! Telling Port: in order, again and again until Port has it.
//!
//! What becomes of a call that Port does not take:
//!
//! | call | Port cannot be reached, 5xx, 429, 401 | Port refuses it (other 4xx) |
//! |---|---|---|
//! | it has ended | tried for as long as the process lives | once more in its shortest form |
//! | it has begun | tried for an hour | given up |
//! | label, summary, log | tried for about two minutes, so that it holds up nothing that matters | given up |
//!
//! A 409 says that the run has ended in Port: nothing more is told.

use super::backoff;
use super::decision::Write;
use super::report::{PortCall, Reporter};
use crate::port::{self, RunKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often the call that says that a run has begun is tried: about an hour with the pauses between.
const BEGIN_TRIES: u32 = 65;
/// How often calls are tried that the run's end does not depend on: about two minutes.
const NEWS_TRIES: u32 = 9;

/// The calls of one run, sent by a task of their own so that the run never waits for Port.
pub(super) struct Outbox {
    reporter: Reporter,
    queue: mpsc::UnboundedSender<PortCall>,
    sender: JoinHandle<()>,
    refused: CancellationToken,
    /// Whether a call that matters was given up.
    lost: Arc<AtomicBool>,
}

/// What the sending task works with.
struct Sender {
    port: Arc<port::Client>,
    kind: RunKind,
    id: String,
}

/// What became of a call.
enum Fate {
    /// Port has it.
    Told,
    /// Port will never have it.
    GivenUp,
    /// The run has ended in Port, so no call about it is wanted any more.
    Ended,
}

impl Outbox {
    pub(super) fn open(port: Arc<port::Client>, kind: RunKind, id: String) -> Outbox {
        let (queue, mut calls) = mpsc::unbounded_channel();
        let refused = CancellationToken::new();
        let lost = Arc::new(AtomicBool::new(false));
        let (refusal, loss) = (refused.clone(), lost.clone());
        let sender = Sender { port, kind, id };
        let sender = tokio::spawn(async move {
            while let Some(call) = calls.recv().await {
                match sender.send(&call).await {
                    Fate::Told => {}
                    Fate::GivenUp => {
                        loss.fetch_or(matters(&call), Ordering::Relaxed);
                    }
                    Fate::Ended => {
                        refusal.cancel();
                        return;
                    }
                }
            }
        });
        Outbox {
            reporter: Reporter::new(kind),
            queue,
            sender,
            refused,
            lost,
        }
    }

    /// Returns when Port has said that the run has ended already: there is nothing left to tell.
    pub(super) async fn refused(&self) {
        self.refused.cancelled().await;
    }

    pub(super) fn put(&mut self, write: Write) {
        for call in self.reporter.calls(write) {
            // An error means that Port has refused an earlier call, so this one isn't wanted either.
            let _ = self.queue.send(call);
        }
    }

    /// Waits until everything is told or given up; true if nothing that matters was given up.
    pub(super) async fn flush(self) -> bool {
        drop(self.queue);
        // An error means that the runtime is shutting down, and nothing more can be sent.
        self.sender.await.is_ok() && !self.lost.load(Ordering::Relaxed)
    }
}

fn matters(call: &PortCall) -> bool {
    matches!(call, PortCall::Started(_) | PortCall::Finished(_))
}

/// How often a call is tried; none for no limit.
fn tries(call: &PortCall) -> Option<u32> {
    match call {
        PortCall::Finished(_) => None,
        PortCall::Started(_) => Some(BEGIN_TRIES),
        PortCall::Progress(_) | PortCall::Log(_) => Some(NEWS_TRIES),
    }
}

impl Sender {
    async fn send(&self, call: &PortCall) -> Fate {
        let run = &self.id;
        let mut failures = 0;
        loop {
            let Err(error) = self.attempt(call).await else {
                return Fate::Told;
            };
            match error {
                port::Error::Conflict { .. } => {
                    // By an earlier try whose answer was lost, or by a person. Either way there is nothing left to tell.
                    tracing::info!(run, "{error}");
                    return Fate::Ended;
                }
                port::Error::Refused { .. } => {
                    tracing::error!(run, "Port will not be told: {error}");
                    return self.send_shortest(call).await;
                }
                _ => {}
            }
            failures += 1;
            if tries(call).is_some_and(|most| failures >= most) {
                tracing::error!(run, "Port was not told in {failures} tries: {error}");
                return Fate::GivenUp;
            }
            let pause = backoff::with_jitter(backoff::delay(failures - 1));
            let pause = error.retry_after().map_or(pause, |asked| asked.max(pause));
            tracing::warn!(run, "{error}; next try in {} s", pause.as_secs_f32());
            tokio::time::sleep(pause).await;
        }
    }

    /// The end of a run that Port refuses as it is may be refused for its texts; without them the run still ends.
    async fn send_shortest(&self, call: &PortCall) -> Fate {
        let PortCall::Finished(finished) = call else {
            return Fate::GivenUp;
        };
        let shortest = port::Finished {
            outcome: finished.outcome,
            message: "The run has ended; Port refused what there was to say about it.".to_owned(),
            status_label: None,
            output: None,
        };
        let shortest = PortCall::Finished(shortest);
        for failures in 0..NEWS_TRIES {
            match self.attempt(&shortest).await {
                Ok(()) => return Fate::Told,
                Err(port::Error::Conflict { .. }) => return Fate::Ended,
                Err(port::Error::Refused { .. }) => break,
                Err(_) => {
                    tokio::time::sleep(backoff::with_jitter(backoff::delay(failures))).await;
                }
            }
        }
        Fate::GivenUp
    }

    async fn attempt(&self, call: &PortCall) -> Result<(), port::Error> {
        let (port, kind, id) = (&self.port, self.kind, &self.id);
        match call {
            PortCall::Started(started) => port.started(kind, id, started).await,
            PortCall::Progress(progress) => port.progress(kind, id, progress).await,
            PortCall::Log(lines) => port.log(kind, id, lines).await,
            PortCall::Finished(finished) => port.finished(kind, id, finished).await,
        }
    }
}
