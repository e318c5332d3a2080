//! One window of a server's rate limit, and how answers that overtake each other are put into it. Pure.

use super::{LONGEST, WHOLE_SECONDS, number, time};
use http::HeaderMap;
use http::header::DATE;
use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;

/// How far two answers may differ in the end of one and the same window: servers that compute it anew for each answer
/// round it now up and now down.
const SAME_RESET: u64 = 1;

/// The limit that counts: GitHub has others for searches and the like, which say nothing about this one.
const RESOURCE: &str = "core";

/// A window that is not over yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Window {
    /// Requests that the server allows in the window.
    pub(super) limit: Option<u32>,
    /// The fewest requests that any answer of this window has left.
    pub(super) remaining: u32,
    /// Its end by the server's clock, in seconds since 1970.
    resets_at: u64,
    /// When it is certainly over, by our clock.
    pub(super) over: Instant,
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let remaining = thousands(self.remaining);
        write!(f, "The server's rate limit is nearly used up: {remaining} ")?;
        match self.limit {
            Some(limit) => write!(f, "of {} requests left", thousands(limit)),
            None => f.write_str("requests left"),
        }
    }
}

/// `5,000` for 5000.
fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// What one answer says about its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Reading {
    limit: Option<u32>,
    remaining: u32,
    /// The window's end by the server's clock, in seconds since 1970.
    resets_at: u64,
    /// When the server answered by its clock, in seconds since 1970.
    answered_at: u64,
}

impl Reading {
    /// Reads an answer's header fields. None: it says nothing about the limit that counts.
    pub(super) fn of(headers: &HeaderMap) -> Option<Reading> {
        if headers
            .get("x-ratelimit-resource")
            .is_some_and(|resource| resource != RESOURCE)
        {
            return None;
        }
        let small = |name| Some(u32::try_from(number(headers, name)?).unwrap_or(u32::MAX));
        Some(Reading {
            limit: small("x-ratelimit-limit"),
            remaining: small("x-ratelimit-remaining")?,
            resets_at: number(headers, "x-ratelimit-reset")?,
            answered_at: seconds(time(headers, &DATE)?)?,
        })
    }

    /// The window as it is known after this answer, given what was known before.
    pub(super) fn into_window(self, known: Option<Window>, now: Instant) -> Option<Window> {
        let Some(known) = known else {
            return self.opened(now);
        };
        // By the server's own clock the known window was over when it answered.
        let is_later = self.answered_at >= known.resets_at
            || self.resets_at > known.resets_at.saturating_add(SAME_RESET);
        if is_later {
            return self.opened(now);
        }
        let is_late = self.resets_at.saturating_add(SAME_RESET) < known.resets_at;
        if is_late {
            return Some(known);
        }
        Some(Window {
            limit: self.limit.or(known.limit),
            remaining: self.remaining.min(known.remaining),
            ..known
        })
    }

    /// The window that this answer alone describes. None: it was over already.
    fn opened(self, now: Instant) -> Option<Window> {
        let left = self.resets_at.checked_sub(self.answered_at)?;
        (left > 0).then(|| Window {
            limit: self.limit,
            remaining: self.remaining,
            resets_at: self.resets_at,
            over: now + Duration::from_secs(left).min(LONGEST) + WHOLE_SECONDS,
        })
    }
}

fn seconds(time: SystemTime) -> Option<u64> {
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}
