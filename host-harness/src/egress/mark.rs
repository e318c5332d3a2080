//! What the host does before a call changes anything: it marks that a request may have left.
//!
//! A host that is killed in the middle of a call must be able to tell afterwards whether the server may have been asked
//! to start something. It can only tell if it wrote that down before.

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use std::pin::Pin;
use std::sync::{Arc, OnceLock};

/// Makes the mark of one call. Called at most once for each call, when its first request that is not safe (RFC 9110,
/// section 9.2.1) is about to leave. The request leaves when the future has given `Ok`; after an error, whose text goes
/// to the log, no such request of the call leaves any more.
///
/// The future runs on the worker thread that makes the call, on a runtime that it must not depend on: what it waits for
/// has to be done elsewhere. It is dropped half-way if the call reaches a limit, so a mark may be made although nothing
/// was sent; the reverse cannot happen.
pub type BeforeSending = Arc<dyn Fn() -> Marking + Send + Sync>;

/// A mark in the making.
type Marking = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;

/// The mark that all requests of a call wait for.
type Made = Shared<BoxFuture<'static, Result<(), Unmarked>>>;

/// The mark could not be made, and the log says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Unmarked;

/// The mark of one call.
#[derive(Default)]
pub(super) struct Mark {
    before: Option<BeforeSending>,
    /// Begun by the first request that needs it, and finished by whichever still waits for it.
    made: OnceLock<Made>,
}

impl Mark {
    pub(super) fn new(before: Option<BeforeSending>) -> Mark {
        Mark {
            before,
            made: OnceLock::new(),
        }
    }

    /// Waits until the mark of the call is made; without one to make, not at all.
    ///
    /// Requests of one call run side by side, but no request can leave before the mark is made. The first to come here
    /// puts the future into `made`, and `OnceLock` lets only one in. All await that same future: it gives its result to
    /// them when the mark is made and not before, whoever of them drives it, and if the one that drove it is dropped,
    /// the next goes on where it stopped. Whoever comes later finds the result. Since a request is handed to the
    /// network only after this has returned `Ok`, the mark is always older than its first byte.
    pub(super) async fn wait(&self, installation: &str) -> Result<(), Unmarked> {
        let Some(before) = &self.before else {
            return Ok(());
        };
        let made = self.made.get_or_init(|| {
            let installation = installation.to_owned();
            let marking = before();
            let made = async move {
                marking.await.map_err(|reason| {
                    tracing::error!(
                        installation,
                        "nothing is sent that may change something, because it cannot be written down first: {reason}"
                    );
                    Unmarked
                })
            };
            made.boxed().shared()
        });
        made.clone().await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::egress::trial::Log;
    use futures_util::future::join;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;
    use tokio::time::{Instant, sleep, timeout};

    /// How long the mark takes here.
    const TAKES: Duration = Duration::from_millis(100);

    fn mark(result: Result<(), &'static str>) -> (Mark, Arc<AtomicU32>) {
        let begun = Arc::new(AtomicU32::new(0));
        let count = begun.clone();
        let before: BeforeSending = Arc::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
            Box::pin(async move {
                sleep(TAKES).await;
                result.map_err(str::to_owned)
            })
        });
        (Mark::new(Some(before)), begun)
    }

    #[tokio::test]
    async fn without_a_mark_nobody_waits() {
        assert_eq!(Mark::default().wait("a").await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn requests_side_by_side_wait_for_one_mark_and_later_ones_for_none() {
        let (mark, begun) = mark(Ok(()));
        let began = Instant::now();
        assert_eq!(join(mark.wait("a"), mark.wait("a")).await, (Ok(()), Ok(())));
        assert_eq!(began.elapsed(), TAKES);
        assert_eq!(mark.wait("a").await, Ok(()));
        assert_eq!(began.elapsed(), TAKES);
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn when_the_first_request_is_given_up_the_next_waits_for_the_same_mark() {
        let (mark, begun) = mark(Ok(()));
        let began = Instant::now();
        assert!(timeout(TAKES / 2, mark.wait("a")).await.is_err());
        assert_eq!(mark.wait("a").await, Ok(()));
        assert_eq!(began.elapsed(), TAKES);
        assert_eq!(begun.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn a_mark_that_fails_is_not_tried_again_and_logged_once() {
        let (log, _guard) = Log::listen();
        let (mark, begun) = mark(Err("the disk is full"));
        let both = join(mark.wait("a"), mark.wait("a")).await;
        assert_eq!(both, (Err(Unmarked), Err(Unmarked)));
        assert_eq!(mark.wait("a").await, Err(Unmarked));
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        assert_eq!(log.text().matches("the disk is full").count(), 1);
    }
}
