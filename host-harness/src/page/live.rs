//! News for pages that are open: server-sent events, each of which only says what has changed. The page then asks again.

use super::watch::Changed;
use axum::response::sse::{Event, Sse};
use futures_util::Stream;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

/// Pages that may be open at once.
pub(super) const LISTENERS: usize = 32;

/// How often every page looks, whatever happens: for budgets and readiness, and so that a browser which is gone is noticed.
const TICK: Duration = Duration::from_secs(10);

/// Says to a page that it should look, whatever it shows.
const ALL: &str = "all";

/// Room for pages that listen.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(LISTENERS))
}

/// The events of one page, until `stop`.
pub(super) fn events(
    changes: Receiver<Changed>,
    permit: OwnedSemaphorePermit,
    stop: CancellationToken,
) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let state = (changes, permit, stop);
    Sse::new(futures_util::stream::unfold(
        state,
        |mut state| async move {
            let (changes, _, stop) = &mut state;
            let next = tokio::time::timeout(TICK, changes.recv());
            let data = tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                next = next => data(next.ok())?,
            };
            Some((Ok(Event::default().data(data)), state))
        },
    ))
}

/// What an event says. None: there will be no more.
fn data(next: Option<Result<Changed, RecvError>>) -> Option<String> {
    Some(match next {
        Some(Ok(Changed::Run(run))) => one_line(&format!("run {}/{}", run.installation, run.run)),
        Some(Ok(Changed::Deliveries)) => "delivery".to_owned(),
        None | Some(Err(RecvError::Lagged(_))) => ALL.to_owned(),
        Some(Err(RecvError::Closed)) => return None,
    })
}

/// Ids may hold anything; an event may not hold the end of a line.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::RunKey;

    #[test]
    fn an_event_says_what_has_changed_in_one_line() {
        let run = Changed::Run(RunKey {
            installation: "acme".to_owned(),
            run: "r\n1".to_owned(),
        });
        assert_eq!(data(Some(Ok(run))).unwrap(), "run acme/r 1");
        assert_eq!(data(Some(Ok(Changed::Deliveries))).unwrap(), "delivery");
        assert_eq!(data(Some(Err(RecvError::Lagged(7)))).unwrap(), "all");
        assert_eq!(data(None).unwrap(), "all");
        assert_eq!(data(Some(Err(RecvError::Closed))), None);
    }

    #[tokio::test]
    async fn the_events_end_with_the_host_and_give_their_room_back() {
        use futures_util::StreamExt;
        let room = room();
        let (sender, changes) = tokio::sync::broadcast::channel(1);
        let stop = CancellationToken::new();
        let permit = room.clone().try_acquire_owned().unwrap();
        let response =
            axum::response::IntoResponse::into_response(events(changes, permit, stop.clone()));
        let mut body = response.into_body().into_data_stream();
        sender.send(Changed::Deliveries).unwrap();
        let first = body.next().await.unwrap().unwrap();
        assert_eq!(first, "data: delivery\n\n");
        assert_eq!(room.available_permits(), LISTENERS - 1);
        stop.cancel();
        assert!(body.next().await.is_none());
        drop(body);
        assert_eq!(room.available_permits(), LISTENERS);
    }
}
