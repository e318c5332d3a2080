//! What a server still lets one credential do: the requests that are left, and the pauses that it has asked for.
//!
//! Servers count requests for each credential, not for each call, so a [`Budget`] belongs to a credential at an origin
//! ([`Budgets`]), and everybody who sends with that credential reads every answer into it. Two things are read:
//!
//! * *Pauses.* Sending on while limited costs more quota and can get an App banned (GitHub, "Best practices for using
//!   the REST API"). Servers say it with `retry-after` (RFC 9110) or with `x-ratelimit-remaining: 0` on a refusal.
//! * *The window.* `x-ratelimit-limit`, `-remaining` and `-reset` on any answer (GitHub, "Rate limits for the REST
//!   API"). `-reset` is in seconds since 1970 by the server's own clock, so it is read against the answer's `date`.
//!
//! Answers of one window overtake each other, so within a window `remaining` only falls. When the window is over, what
//! was known of it is forgotten: nobody waits for a value that no request can refresh.

mod registry;
mod window;

pub use registry::Budgets;

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, HeaderName, StatusCode};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tokio::time::Instant;
use window::{Reading, Window};

/// Longest pause or window that is believed. A server that says more is misread or misconfigured, and asked again
/// meanwhile. GitHub's windows are an hour.
const LONGEST: Duration = Duration::from_secs(65 * 60);

/// Added to times that a server gives in whole seconds: both the time and the `date` it is read against are cut.
const WHOLE_SECONDS: Duration = Duration::from_secs(1);

/// What one credential may still do at one origin. All methods are short and wait for nobody.
#[derive(Debug, Default)]
pub struct Budget {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Until when the server, or somebody who knows it, wants no requests.
    paused_until: Option<Instant>,
    window: Option<Window>,
}

/// Why nothing new should be started for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wait {
    /// The first moment at which it may be tried.
    pub until: Instant,
    /// Why, as a sentence for people.
    pub reason: String,
}

/// A budget at one moment, for people and metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Snapshot {
    /// Requests that the server allows in a window, if it has said so.
    pub limit: Option<u32>,
    /// Requests that are left in the window; unknown before the first answer and after the window's end.
    pub remaining: Option<u32>,
    /// Time until the window ends, in whole seconds.
    pub resets_in: Option<Duration>,
    /// How long no request may be sent.
    pub paused_for: Option<Duration>,
}

impl Budget {
    /// Whether a run may be started now. None: yes. Some: not before then, because the server has asked for a pause
    /// or because at most `threshold` requests are left in its window.
    ///
    /// The threshold leaves room for the runs that are under way, whose checks send requests as well.
    pub fn wait(&self, now: Instant, threshold: u32) -> Option<Wait> {
        let state = self.lock();
        let paused = state.paused_until(now).map(|until| Wait {
            until,
            reason: "The server has asked for a pause".to_owned(),
        });
        let low = state
            .window(now)
            .filter(|window| window.remaining <= threshold)
            .map(|window| Wait {
                until: window.over,
                reason: window.to_string(),
            });
        paused.into_iter().chain(low).max_by_key(|wait| wait.until)
    }

    /// Makes everybody pause: for a limit whose length the server did not say. A longer pause is not cut.
    pub fn hold(&self, pause: Duration, now: Instant) {
        let until = now + pause.min(LONGEST);
        let mut state = self.lock();
        state.paused_until = state.paused_until.max(Some(until));
    }

    /// How long no request may be sent, if any time at all.
    pub fn paused_for(&self, now: Instant) -> Option<Duration> {
        Some(self.lock().paused_until(now)?.duration_since(now))
    }

    /// Reads a response.
    pub fn note(&self, status: StatusCode, headers: &HeaderMap, now: Instant) {
        if let Some(pause) = pause_asked_for(status, headers) {
            self.hold(pause, now);
        }
        if let Some(reading) = Reading::of(headers) {
            let mut state = self.lock();
            state.window = reading.into_window(state.window(now).copied(), now);
        }
    }

    /// The budget at this moment.
    pub fn snapshot(&self, now: Instant) -> Snapshot {
        let state = self.lock();
        let window = state.window(now);
        let resets_in = |window: &Window| {
            window
                .over
                .duration_since(now)
                .saturating_sub(WHOLE_SECONDS)
        };
        Snapshot {
            limit: window.and_then(|window| window.limit),
            remaining: window.map(|window| window.remaining),
            resets_in: window.map(resets_in),
            paused_for: state
                .paused_until(now)
                .map(|until| until.duration_since(now)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn paused_until(&self, now: Instant) -> Option<Instant> {
        self.paused_until.filter(|until| *until > now)
    }

    /// The window, unless it is over.
    fn window(&self, now: Instant) -> Option<&Window> {
        self.window.as_ref().filter(|window| window.over > now)
    }
}

/// The pause that a response asks for.
pub(crate) fn pause_asked_for(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(
        status,
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    ) {
        return None;
    }
    if let Some(seconds) = number(headers, RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    let until = match time(headers, &RETRY_AFTER) {
        Some(time) => time,
        None if number(headers, "x-ratelimit-remaining") == Some(0) => {
            let reset = number(headers, "x-ratelimit-reset")?;
            UNIX_EPOCH.checked_add(Duration::from_secs(reset))?
        }
        None => return None,
    };
    let left = until.duration_since(time(headers, &DATE)?);
    Some(left.unwrap_or_default() + WHOLE_SECONDS)
}

/// The value of a field that is a whole number.
fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// The value of a field that is a moment, by the server's own clock.
fn time(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()
}

#[cfg(test)]
mod tests;
