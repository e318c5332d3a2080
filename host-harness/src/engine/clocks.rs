//! `wasi:clocks` for guests: the same time that the host's own timers and timeouts go by.
//!
//! wasmtime-wasi's clocks read the machine's while its subscriptions sleep on tokio's time. Where that is virtual the two
//! would disagree: a guest that sleeps for an hour would wake at once and find that no time has passed. These read
//! [`crate::clock`] and tokio's time, so all agree, whether they run or jump.

use crate::clock;
use std::pin::Pin;
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::Instant;
use wasmtime::component::{HasData, Resource, ResourceTable};
use wasmtime_wasi::p2::bindings::clocks::monotonic_clock::{self, Duration as Nanoseconds};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::{self, Datetime};
use wasmtime_wasi::p2::{DynPollable, Pollable, subscribe};

/// Tells the linker which part of a call the clocks work on.
pub(super) struct Clocks;

impl HasData for Clocks {
    type Data<'a> = ClocksView<'a>;
}

/// The clocks of one call.
pub(super) struct ClocksView<'c> {
    /// Where its monotonic clock has zero.
    pub(super) began: Instant,
    pub(super) table: &'c mut ResourceTable,
}

/// What both clocks tell apart, in nanoseconds: tokio's timers fire to the millisecond, so finer times mean little.
const RESOLUTION: u32 = 1;

impl wall_clock::Host for ClocksView<'_> {
    fn now(&mut self) -> wasmtime::Result<Datetime> {
        let now = clock::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Ok(Datetime {
            seconds: now.as_secs(),
            nanoseconds: now.subsec_nanos(),
        })
    }

    fn resolution(&mut self) -> wasmtime::Result<Datetime> {
        Ok(Datetime {
            seconds: 0,
            nanoseconds: RESOLUTION,
        })
    }
}

impl monotonic_clock::Host for ClocksView<'_> {
    fn now(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX))
    }

    fn resolution(&mut self) -> wasmtime::Result<u64> {
        Ok(u64::from(RESOLUTION))
    }

    fn subscribe_instant(&mut self, when: u64) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe(self.began.checked_add(Duration::from_nanos(when)))
    }

    fn subscribe_duration(
        &mut self,
        duration: Nanoseconds,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.subscribe(Instant::now().checked_add(Duration::from_nanos(duration)))
    }
}

impl ClocksView<'_> {
    /// A moment to wait for; none for one that is too far away to be told, which never comes.
    fn subscribe(&mut self, when: Option<Instant>) -> wasmtime::Result<Resource<DynPollable>> {
        let deadline = self.table.push(Deadline(when))?;
        subscribe(self.table, deadline)
    }
}

/// A moment that a guest waits for.
struct Deadline(Option<Instant>);

impl Pollable for Deadline {
    fn ready<'s, 'f>(&'s mut self) -> Pin<Box<dyn Future<Output = ()> + Send + 'f>>
    where
        's: 'f,
        Self: 'f,
    {
        let when = self.0;
        Box::pin(async move {
            match when {
                None => std::future::pending().await,
                // A guest that asks again and again for a moment that has passed must not keep the sockets of its thread
                // from being looked at.
                Some(when) if when <= Instant::now() => tokio::task::yield_now().await,
                Some(when) => tokio::time::sleep_until(when).await,
            }
        })
    }
}
