//! Telling Port: in order, again and again until Port has it.

use super::backoff;
use super::decision::Write;
use super::report::{PortCall, Reporter};
use crate::port::{self, RunKind};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// How often a call is tried before it is given up. With the pauses between, about an hour.
const TRIES: u32 = 65;

/// The calls of one run, sent by a task of their own so that the run never waits for Port.
#[derive(Debug)]
pub(super) struct Outbox {
    reporter: Reporter,
    queue: mpsc::UnboundedSender<PortCall>,
    sender: JoinHandle<()>,
    refused: CancellationToken,
}

impl Outbox {
    pub(super) fn open(port: Arc<port::Client>, kind: RunKind, id: String) -> Outbox {
        let (queue, mut calls) = mpsc::unbounded_channel();
        let refused = CancellationToken::new();
        let refusal = refused.clone();
        let sender = tokio::spawn(async move {
            while let Some(call) = calls.recv().await {
                if let Fate::Refused = send(&port, kind, &id, &call).await {
                    refusal.cancel();
                    return;
                }
            }
        });
        Outbox {
            reporter: Reporter::new(kind),
            queue,
            sender,
            refused,
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

    /// Waits until everything is told or given up.
    pub(super) async fn flush(self) {
        drop(self.queue);
        // An error means that the runtime is shutting down, and nothing more can be sent.
        let _ = self.sender.await;
    }
}

/// What became of a call.
enum Fate {
    /// Port has it, or will never have it; the next one may be sent.
    Done,
    /// The run has ended in Port, so no call about it is wanted any more.
    Refused,
}

async fn send(port: &port::Client, kind: RunKind, id: &str, call: &PortCall) -> Fate {
    for failures in 0..TRIES {
        let result = match call {
            PortCall::Started(started) => port.started(kind, id, started).await,
            PortCall::Progress(progress) => port.progress(kind, id, progress).await,
            PortCall::Log(lines) => port.log(kind, id, lines).await,
            PortCall::Finished(finished) => port.finished(kind, id, finished).await,
        };
        let error = match result {
            Ok(()) => return Fate::Done,
            Err(error) => error,
        };
        if let port::Error::Conflict { .. } = error {
            // The run has ended in Port: by an earlier try whose answer was lost, or by a person. Either way there is
            // nothing left to tell.
            tracing::info!(run = id, "{error}");
            return Fate::Refused;
        }
        if !is_worth_trying_again(&error) {
            tracing::error!(run = id, "Port will not be told: {error}");
            return Fate::Done;
        }
        let pause = backoff::with_jitter(backoff::delay(failures));
        let pause = error.retry_after().map_or(pause, |asked| asked.max(pause));
        tracing::warn!(run = id, "{error}; next try in {} s", pause.as_secs_f32());
        tokio::time::sleep(pause).await;
    }
    tracing::error!(run = id, "Port was not told, in {TRIES} tries");
    Fate::Done
}

/// Refused credentials may be mended while the run goes on; an answer that cannot be read may come from a proxy in
/// between.
fn is_worth_trying_again(error: &port::Error) -> bool {
    error.is_transient()
        || matches!(
            error,
            port::Error::Unauthorized { .. } | port::Error::Unreadable { .. }
        )
}
