//! Counting the time that a call really runs.
//!
//! Epochs pass while a guest waits for a response as well, so they say nothing about its CPU time. The meter counts
//! the time spent inside `poll`: that is the guest and the host functions it calls, without any waiting.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

/// The running time of one call. Written by the thread that polls, read by the same thread inside the epoch
/// callback; the atomics only make the type shareable.
#[derive(Debug)]
pub(super) struct Meter {
    began: Instant,
    /// Nanoseconds of all finished polls.
    finished: AtomicU64,
    /// Start of the poll under way, in nanoseconds since `began`; [`PAUSED`] between polls.
    poll_began: AtomicU64,
}

const PAUSED: u64 = u64::MAX;

impl Meter {
    pub(super) fn new() -> Arc<Meter> {
        Arc::new(Meter {
            began: Instant::now(),
            finished: AtomicU64::new(0),
            poll_began: AtomicU64::new(PAUSED),
        })
    }

    /// The running time up to now.
    pub(super) fn used(&self) -> Duration {
        let current = match self.poll_began.load(Ordering::Relaxed) {
            PAUSED => 0,
            began => self.now().saturating_sub(began),
        };
        Duration::from_nanos(
            self.finished
                .load(Ordering::Relaxed)
                .saturating_add(current),
        )
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(PAUSED - 1)
    }

    fn resume(&self) {
        self.poll_began.store(self.now(), Ordering::Relaxed);
    }

    fn pause(&self) {
        let used = self.used();
        self.finished.store(
            u64::try_from(used.as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        self.poll_began.store(PAUSED, Ordering::Relaxed);
    }
}

/// A future whose polls are counted.
pub(super) struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<Meter>,
}

impl<F> Metered<F> {
    pub(super) fn new(inner: F, meter: Arc<Meter>) -> Metered<F> {
        Metered {
            inner: Box::pin(inner),
            meter,
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        self.meter.resume();
        let result = self.inner.as_mut().poll(context);
        self.meter.pause();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn waiting_is_not_counted_and_running_is() {
        let meter = Meter::new();
        Metered::new(
            async {
                tokio::time::sleep(Duration::from_millis(80)).await;
                let end = Instant::now() + Duration::from_millis(20);
                while Instant::now() < end {}
            },
            meter.clone(),
        )
        .await;
        let used = meter.used();
        assert!(used >= Duration::from_millis(20), "{used:?}");
        assert!(used < Duration::from_millis(70), "{used:?}");
    }
}
