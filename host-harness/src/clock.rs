//! The time of day, from one place. Everything that waits or measures uses `tokio::time` instead.
//!
//! The variable `HOST_HARNESS_CLOCK_OFFSET_SECONDS` of the process sets the clock wrong by so much, for the campaign of
//! faults: the clocks of machines do jump.

use std::sync::OnceLock;
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that sets the clock wrong.
pub const OFFSET: &str = "HOST_HARNESS_CLOCK_OFFSET_SECONDS";

/// This moment, in milliseconds since 1970-01-01T00:00:00Z: the contract's `timestamp`.
pub fn timestamp() -> u64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        });
    now.saturating_add_signed(offset())
}

fn offset() -> i64 {
    static MILLISECONDS: OnceLock<i64> = OnceLock::new();
    *MILLISECONDS.get_or_init(|| {
        let seconds = std::env::var(OFFSET).ok();
        let seconds = seconds.and_then(|text| text.parse::<i64>().ok());
        seconds.unwrap_or_default().saturating_mul(1000)
    })
}
