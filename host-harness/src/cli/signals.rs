//! Being told to stop.

use super::Stop;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// What tells the process to stop: SIGINT and SIGTERM. From the moment that this is made, neither ends it.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Signals, Stop> {
        Ok(Signals {
            interrupt: signal(SignalKind::interrupt()).map_err(Stop::unusable)?,
            terminate: signal(SignalKind::terminate()).map_err(Stop::unusable)?,
        })
    }

    /// Until the next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
