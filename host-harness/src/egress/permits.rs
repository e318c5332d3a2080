//! How many requests may be under way at once.
//!
//! Two numbers: one for an installation, across all threads, so that a customer stays within what its server takes at
//! once; and one for a call, so that one call cannot use up all that its installation has. A request that finds no room
//! waits, and gets it in the order of asking.

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::Error;

/// Requests of one installation at once, unless it is set otherwise: as many as GitHub takes (GitHub, "Rate limits for
/// the REST API": 100 concurrent requests).
pub const OF_INSTALLATION: usize = 100;

/// Requests of one call at once. The plugin for GitHub sends one after the other.
pub(super) const OF_CALL: usize = 16;

/// Room for a number of requests at once. Clones share it.
#[derive(Debug, Clone)]
pub struct Permits(Arc<Semaphore>);

impl Default for Permits {
    fn default() -> Permits {
        Permits::new(OF_INSTALLATION)
    }
}

impl Permits {
    /// Room for so many.
    pub fn new(at_once: usize) -> Permits {
        Permits(Arc::new(Semaphore::new(
            at_once.min(Semaphore::MAX_PERMITS),
        )))
    }

    /// How many more requests could begin at this moment.
    pub fn free(&self) -> usize {
        self.0.available_permits()
    }
}

/// Room for one request: given back when it is dropped, which happens with the body of its response, or with whatever
/// came in the way of one.
pub(super) struct Permit(#[expect(dead_code, reason = "held")] [OwnedSemaphorePermit; 2]);

/// Waits for room in a call and then in its installation. In this order, a request that waits because of its own call
/// keeps nothing from others.
///
/// # Errors
///
/// [`Error::ConnectionLimitReached`] where there is none until the deadline; nothing was sent then.
pub(super) async fn take(
    call: &Permits,
    installation: &Permits,
    deadline: Instant,
) -> Result<Permit, Error> {
    let both = async {
        let of_call = call.0.clone().acquire_owned().await;
        let of_installation = installation.0.clone().acquire_owned().await;
        // They are never closed.
        Some(Permit([of_call.ok()?, of_installation.ok()?]))
    };
    match timeout_at(deadline, both).await {
        Ok(Some(permit)) => Ok(permit),
        _ => Err(Error::ConnectionLimitReached),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn soon() -> Instant {
        Instant::now() + Duration::from_secs(3)
    }

    #[tokio::test(start_paused = true)]
    async fn who_finds_no_room_waits_until_the_deadline_and_no_longer() {
        let (call, installation) = (Permits::new(2), Permits::new(1));
        let held = take(&call, &installation, soon()).await.ok();
        let began = Instant::now();
        let refused = take(&call, &installation, soon()).await.err();
        assert!(matches!(refused, Some(Error::ConnectionLimitReached)));
        assert_eq!(began.elapsed(), Duration::from_secs(3));
        drop(held);
        assert!(take(&call, &installation, soon()).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn room_that_is_given_back_goes_to_who_waits() {
        let (call, installation) = (Permits::new(2), Permits::new(1));
        let held = take(&call, &installation, soon()).await.ok();
        let waiting = take(&call, &installation, soon());
        let giving = async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            drop(held);
        };
        let (got, ()) = futures_util::future::join(waiting, giving).await;
        assert!(got.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_for_itself_keeps_nothing_from_others() {
        let (greedy, other, installation) = (Permits::new(1), Permits::new(1), Permits::new(2));
        let _held = take(&greedy, &installation, soon()).await.ok();
        let more = take(&greedy, &installation, soon());
        let others = async {
            tokio::task::yield_now().await;
            take(&other, &installation, Instant::now()).await.is_ok()
        };
        let (more, others) = futures_util::future::join(more, others).await;
        assert!(more.is_err() && others);
    }
}
