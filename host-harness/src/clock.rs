//! The time of day, from one place. Everything that waits or measures uses `tokio::time` instead.
//!
//! Where a runtime's time is virtual (`tokio::time::pause`), [`Virtual`] makes the time of day of its thread go with it,
//! so that clocks, timers and timeouts agree and jump together.
//!
//! The variable `HOST_HARNESS_CLOCK_OFFSET_SECONDS` of the process sets the clock wrong by so much, for the campaign of
//! faults: the clocks of machines do jump.

use std::cell::Cell;
use std::sync::OnceLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// The environment variable that sets the clock wrong.
pub const OFFSET: &str = "HOST_HARNESS_CLOCK_OFFSET_SECONDS";

/// This moment, in milliseconds since 1970-01-01T00:00:00Z: the contract's `timestamp`.
pub fn timestamp() -> u64 {
    let since = now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// This moment.
pub fn now() -> SystemTime {
    match VIRTUAL.get() {
        Some((base, since)) => base + since.elapsed(),
        None => by(SystemTime::now(), offset()),
    }
}

/// The moment so many seconds later, or earlier.
fn by(moment: SystemTime, seconds: i64) -> SystemTime {
    let distance = Duration::from_secs(seconds.unsigned_abs());
    let moved = if seconds < 0 {
        moment.checked_sub(distance)
    } else {
        moment.checked_add(distance)
    };
    moved.unwrap_or(moment)
}

/// Whether time is virtual on this thread.
pub fn is_virtual() -> bool {
    VIRTUAL.get().is_some()
}

/// How long time has been virtual on this thread; zero where it is not.
pub fn elapsed() -> Duration {
    VIRTUAL
        .get()
        .map_or(Duration::ZERO, |(_, since)| since.elapsed())
}

thread_local! {
    static VIRTUAL: Cell<Option<(SystemTime, Instant)>> = const { Cell::new(None) };
}

/// Virtual time of day on this thread, as long as this lives.
#[derive(Debug)]
pub struct Virtual {
    // Not `Send`: it belongs to its thread.
    _thread: std::marker::PhantomData<*const ()>,
}

impl Virtual {
    /// From now on it is `base` on this thread, and later as the paused time of the tokio runtime passes. To be called
    /// inside of that runtime, which must be the only one that this thread runs meanwhile.
    #[must_use]
    pub fn begin(base: SystemTime) -> Virtual {
        VIRTUAL.set(Some((base, Instant::now())));
        Virtual {
            _thread: std::marker::PhantomData,
        }
    }
}

impl Drop for Virtual {
    fn drop(&mut self) {
        VIRTUAL.set(None);
    }
}

fn offset() -> i64 {
    static SECONDS: OnceLock<i64> = OnceLock::new();
    *SECONDS.get_or_init(|| {
        let seconds = std::env::var(OFFSET).ok();
        let seconds = seconds.and_then(|text| text.parse::<i64>().ok());
        seconds.unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_time_of_day_jumps_with_the_timers_and_only_while_it_is_virtual() {
        let base = UNIX_EPOCH + Duration::from_secs(1_000);
        let time = Virtual::begin(base);
        tokio::time::sleep(Duration::from_secs(3_600)).await;
        assert_eq!(now(), base + Duration::from_secs(3_600));
        assert_eq!(timestamp(), 4_600_000);
        let elsewhere = std::thread::spawn(now).join().unwrap();
        assert!(elsewhere > base + Duration::from_secs(1_000_000));
        drop(time);
        assert!(!is_virtual() && now() > base + Duration::from_secs(1_000_000));
    }
}
