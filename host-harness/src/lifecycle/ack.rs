//! Telling Port that a run is ours, exactly as often as is safe.
//!
//! Until the ack is heard, Port offers the run again when its visibility timeout is over, so giving up loses nothing.
//! Once an ack *may* have been heard, nobody else will get the run, so giving up would leave it in progress for ever.

use super::decision::Ack;
use super::{Source, backoff};
use crate::port::{self, RunKind};
use tokio::time::Instant;

/// How often an ack is tried that cannot have been heard. About half a minute.
const UNHEARD_TRIES: u32 = 6;
/// How often an ack is tried that may have been heard. About an hour.
const HEARD_TRIES: u32 = 65;

/// Acks a run that was claimed at `claimed`. None: Port could not be told, and will offer the run again.
pub(super) async fn ack(source: &Source, kind: RunKind, id: &str, claimed: Instant) -> Option<Ack> {
    let mut heard = false;
    let mut failures = 0;
    loop {
        let error = match source.port.ack(kind, id).await {
            Ok(()) => return Some(Ack::Ours),
            Err(error) => error,
        };
        if let port::Error::Conflict { .. } = error {
            return Some(whose(
                id,
                heard,
                claimed.elapsed() < source.visibility_timeout,
            ));
        }
        heard |= may_have_been_heard(&error);
        failures += 1;
        let tries = if heard { HEARD_TRIES } else { UNHEARD_TRIES };
        // Credentials may be mended while an ack that may have been heard is tried again.
        let try_again = error.is_transient() || (heard && is_unauthorized(&error));
        if failures >= tries || !try_again {
            tracing::error!(run = id, "not acked, given up: {error}");
            return None;
        }
        let pause = backoff::with_jitter(backoff::delay(failures - 1));
        let pause = error.retry_after().map_or(pause, |asked| asked.max(pause));
        tracing::warn!(run = id, "not acked yet: {error}");
        tokio::time::sleep(pause).await;
    }
}

/// Port says that the run was acked already. By us, if an earlier try may have been heard, and if nobody else can have
/// been offered it meanwhile.
fn whose(id: &str, heard: bool, still_hidden: bool) -> Ack {
    if heard && !still_hidden {
        tracing::error!(
            run = id,
            "acked by this host or by another one, nobody can tell: it is left alone, so that it cannot be started \
             twice"
        );
    }
    if heard && still_hidden {
        Ack::Ours
    } else {
        Ack::Taken
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

fn is_unauthorized(error: &port::Error) -> bool {
    matches!(error, port::Error::Unauthorized { .. })
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

    #[test]
    fn a_conflict_is_ours_only_while_nobody_else_can_have_been_offered_the_run() {
        assert_eq!(whose("r", true, true), Ack::Ours);
        assert_eq!(whose("r", true, false), Ack::Taken);
        assert_eq!(whose("r", false, true), Ack::Taken);
    }
}
