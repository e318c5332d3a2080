//! The time of day, from one place. Everything that waits or measures uses `tokio::time` instead.

use std::time::{SystemTime, UNIX_EPOCH};

/// This moment, in milliseconds since 1970-01-01T00:00:00Z: the contract's `timestamp`.
pub fn timestamp() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| {
            u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
        })
}
