//! Counting the time that a call really runs.
//!
//! Epochs pass while a guest waits for a response as well, so they say nothing about its CPU time. The meter counts
//! the time spent inside `poll`: that is the guest and the host functions it calls, without any waiting.

use super::slices::Turn;
use super::ticker::Watch;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
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
    /// The turn of a guest that uses much, while it runs.
    turn: Mutex<Option<Turn>>,
}

const PAUSED: u64 = u64::MAX;

impl Meter {
    pub(super) fn new() -> Arc<Meter> {
        Arc::new(Meter {
            began: Instant::now(),
            finished: AtomicU64::new(0),
            poll_began: AtomicU64::new(PAUSED),
            turn: Mutex::new(None),
        })
    }

    /// The running time up to now.
    pub(super) fn used(&self) -> Duration {
        let finished = Duration::from_nanos(self.finished.load(Ordering::Relaxed));
        finished.saturating_add(self.at_a_stretch())
    }

    /// The running time since the call last waited.
    pub(super) fn at_a_stretch(&self) -> Duration {
        match self.poll_began.load(Ordering::Relaxed) {
            PAUSED => Duration::ZERO,
            began => Duration::from_nanos(self.now().saturating_sub(began)),
        }
    }

    /// Keeps a turn until the call stops running.
    pub(super) fn hold(&self, turn: Option<Turn>) {
        *self.turn.lock().unwrap_or_else(PoisonError::into_inner) = turn;
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(PAUSED - 1)
    }

    fn resume(&self) {
        self.poll_began.store(self.now(), Ordering::Relaxed);
    }

    pub(super) fn pause(&self) {
        let used = self.used();
        self.finished.store(
            u64::try_from(used.as_nanos()).unwrap_or(u64::MAX),
            Ordering::Relaxed,
        );
        self.poll_began.store(PAUSED, Ordering::Relaxed);
        self.hold(None);
    }
}

/// A future whose polls are counted, and during whose polls the ticker runs.
pub(super) struct Metered<F> {
    inner: Pin<Box<F>>,
    meter: Arc<Meter>,
    watch: Arc<Watch>,
}

impl<F> Metered<F> {
    pub(super) fn new(inner: F, meter: Arc<Meter>, watch: Arc<Watch>) -> Metered<F> {
        Metered {
            inner: Box::pin(inner),
            meter,
            watch,
        }
    }
}

impl<F: Future> Future for Metered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let Metered {
            inner,
            meter,
            watch,
        } = &mut *self;
        let _on_cpu = watch.enter();
        meter.resume();
        let result = inner.as_mut().poll(context);
        meter.pause();
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
            Arc::new(Watch::new()),
        )
        .await;
        let used = meter.used();
        assert!(used >= Duration::from_millis(20), "{used:?}");
        assert!(used < Duration::from_millis(70), "{used:?}");
    }
}
