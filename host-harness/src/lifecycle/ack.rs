//! Telling Port that a run is ours, exactly as often as is safe.
//!
//! Until the ack is heard, Port offers the run again when its visibility timeout is over, so giving up loses nothing.
//! Once an ack *may* have been heard, nobody else will get the run, so giving up would leave it in progress for ever.
//! After a kill, an earlier process's ack may have been heard.

use super::decision::Ack;
use super::entry::Entry;
use super::{Source, backoff};
use crate::metrics::{Metrics, PortCall, PortResult};
use crate::port::{self, RunKind};

/// How often an ack is tried that cannot have been heard. About half a minute.
const UNHEARD_TRIES: u32 = 6;

/// Acks a run. `again`: an earlier process may have done so.
pub(super) async fn ack(entry: &Entry, again: bool, metrics: &Metrics) -> Ack {
    let Entry { source, kind, .. } = entry;
    let id = entry.key.run.as_str();
    let mut heard = again;
    let mut failures = 0;
    loop {
        let error = match source.port.ack(*kind, id).await {
            Ok(()) => {
                metrics.port_called(PortCall::Ack, PortResult::Ok);
                return Ack::Ours;
            }
            Err(error) => error,
        };
        metrics.port_called(
            PortCall::Ack,
            match &error {
                port::Error::Conflict { .. } => PortResult::Ended,
                port::Error::Refused { .. } => PortResult::Refused,
                _ => PortResult::Retried,
            },
        );
        match &error {
            port::Error::Conflict { .. } if !heard => return Ack::Taken,
            port::Error::Conflict { .. } if entry.is_still_hidden() => return Ack::Ours,
            port::Error::Conflict { .. } => {
                if let Some(ack) = look(source, *kind, id).await {
                    return ack;
                }
            }
            port::Error::Refused { .. } if !heard || is_gone(source, *kind, id).await => {
                tracing::error!(run = id, "Port does not let the run be taken: {error}");
                return Ack::Taken;
            }
            _ => {}
        }
        heard |= may_have_been_heard(&error);
        failures += 1;
        if !heard && (failures >= UNHEARD_TRIES || !error.is_transient()) {
            tracing::error!(run = id, "not acked, given back to Port: {error}");
            return Ack::Unheard;
        }
        let pause = backoff::with_jitter(backoff::delay(failures - 1));
        let pause = error.retry_after().map_or(pause, |asked| asked.max(pause));
        tracing::warn!(run = id, "not acked yet: {error}");
        tokio::time::sleep(pause).await;
    }
}

/// Port says that the run was acked already, and so long after the claim that it may have offered the run to somebody
/// else meanwhile. That one would have started it, and Port would show a link; without one, the ack was our own. None if
/// Port cannot say.
async fn look(source: &Source, kind: RunKind, id: &str) -> Option<Ack> {
    if kind == RunKind::Action {
        match source.port.action_run(id).await {
            Ok(run) if run.has_link || run.has_ended() => {
                tracing::warn!(run = id, "acked by somebody else, who has started it");
                return Some(Ack::Taken);
            }
            Ok(_) => {}
            Err(error) => {
                tracing::warn!(run = id, "whose it is cannot be said yet: {error}");
                return None;
            }
        }
    }
    tracing::warn!(
        run = id,
        "acked before; by this host, for all that Port shows"
    );
    Some(Ack::Ours)
}

/// Whether a run whose ack Port refuses, though it may have heard an earlier one, is not there any more. Anything else, a
/// proxy's refusal for instance, may pass.
async fn is_gone(source: &Source, kind: RunKind, id: &str) -> bool {
    if kind == RunKind::WorkflowNode {
        return false;
    }
    match source.port.action_run(id).await {
        Ok(run) => run.has_ended(),
        Err(error) => matches!(error, port::Error::Refused { status: 404, .. }),
    }
}

/// Whether the ack itself, and not the request for a token before it, may have had its effect.
fn may_have_been_heard(error: &port::Error) -> bool {
    let of_the_ack = |call: &port::Call| call.path.ends_with("/ack");
    match error {
        port::Error::Ambiguous { call, .. } => of_the_ack(call),
        port::Error::Unavailable { call, status, .. } => *status >= 500 && of_the_ack(call),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(path: &str) -> port::Call {
        port::Call {
            method: http::Method::PATCH,
            path: path.to_owned(),
        }
    }

    fn unavailable(path: &str, status: u16) -> port::Error {
        port::Error::Unavailable {
            call: call(path),
            status,
            retry_after: None,
            message: String::new(),
        }
    }

    #[test]
    fn only_a_server_error_of_the_ack_itself_may_have_been_heard() {
        assert!(may_have_been_heard(&unavailable(
            "/v1/actions/runs/ack",
            503
        )));
        assert!(!may_have_been_heard(&unavailable(
            "/v1/actions/runs/ack",
            429
        )));
        assert!(!may_have_been_heard(&unavailable(
            "/v1/auth/access_token",
            503
        )));
    }
}
