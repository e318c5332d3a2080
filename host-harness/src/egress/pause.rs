//! When a server asks for a pause, the whole installation pauses, not only the call that was told.
//!
//! Sending on while limited costs more quota and can get an App banned (GitHub, "Best practices for using the REST
//! API"). Servers say it with `retry-after` (RFC 9110) or with `x-ratelimit-remaining: 0` and `x-ratelimit-reset`
//! (seconds since 1970 by the server's own clock, so they are read against its `date`).

use http::header::{DATE, RETRY_AFTER};
use http::{HeaderMap, StatusCode};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, UNIX_EPOCH};
use tokio::time::Instant;

/// Longest pause that is believed. A server that says more is misread or misconfigured, and asked again meanwhile.
const LONGEST: Duration = Duration::from_secs(65 * 60);

/// The pause of one installation.
#[derive(Debug, Default)]
pub struct Pause {
    until: Mutex<Option<Instant>>,
}

impl Pause {
    /// How long no request may be sent, if any time at all.
    pub fn remaining(&self, now: Instant) -> Option<Duration> {
        let until = *self.until.lock().unwrap_or_else(PoisonError::into_inner);
        until
            .map(|until| until.saturating_duration_since(now))
            .filter(|left| !left.is_zero())
    }

    /// Reads a response.
    pub fn note(&self, status: StatusCode, headers: &HeaderMap, now: Instant) {
        if let Some(pause) = asked_for(status, headers) {
            let mut until = self.until.lock().unwrap_or_else(PoisonError::into_inner);
            *until = Some(now + pause.min(LONGEST)).max(*until);
        }
    }
}

fn asked_for(status: StatusCode, headers: &HeaderMap) -> Option<Duration> {
    if !matches!(
        status,
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS
    ) {
        return None;
    }
    let number = |name: &str| headers.get(name)?.to_str().ok()?.trim().parse::<u64>().ok();
    if let Some(seconds) = number(RETRY_AFTER.as_str()) {
        return Some(Duration::from_secs(seconds));
    }
    if number("x-ratelimit-remaining") == Some(0) {
        let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
        let reset = UNIX_EPOCH.checked_add(Duration::from_secs(number("x-ratelimit-reset")?))?;
        // One second more: both are whole seconds.
        return Some(reset.duration_since(date).unwrap_or_default() + Duration::from_secs(1));
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(status: u16, headers: &[(&'static str, &str)]) -> Option<Duration> {
        let headers = headers
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect();
        asked_for(StatusCode::from_u16(status).unwrap(), &headers)
    }

    #[test]
    fn retry_after_is_obeyed_on_403_and_429_alone() {
        let headers = [("retry-after", "7")];
        assert_eq!(pause(403, &headers), Some(Duration::from_secs(7)));
        assert_eq!(pause(429, &headers), Some(Duration::from_secs(7)));
        assert_eq!(pause(503, &headers), None);
        assert_eq!(pause(200, &headers), None);
    }

    #[test]
    fn an_exhausted_quota_pauses_until_its_reset_by_the_servers_own_clock() {
        let headers = [
            ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
            ("x-ratelimit-remaining", "0"),
            ("x-ratelimit-reset", "784111787"),
        ];
        assert_eq!(pause(403, &headers), Some(Duration::from_secs(11)));
    }

    #[test]
    fn a_missing_permission_is_no_pause() {
        assert_eq!(pause(403, &[("x-ratelimit-remaining", "4000")]), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_ends_by_itself_and_a_shorter_one_does_not_cut_it() {
        let pause = Pause::default();
        let note = |seconds: &str| {
            let headers = [(RETRY_AFTER, seconds.parse().unwrap())]
                .into_iter()
                .collect();
            pause.note(StatusCode::TOO_MANY_REQUESTS, &headers, Instant::now());
        };
        note("10");
        note("2");
        tokio::time::advance(Duration::from_secs(9)).await;
        assert_eq!(
            pause.remaining(Instant::now()),
            Some(Duration::from_secs(1))
        );
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(pause.remaining(Instant::now()), None);
    }
}
