//! Times as people read them: UTC, in figures of one width.

use jiff::Timestamp;
use std::time::Duration;

/// A moment, for a `<time>` element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// For programs: RFC 3339.
    pub(super) datetime: String,
    /// `29 Nov 20:00:31`
    pub(super) text: String,
    /// `20:00:31.042`
    pub(super) precise: String,
}

impl Moment {
    /// A moment in milliseconds since 1970.
    pub(super) fn of(milliseconds: u64) -> Moment {
        let signed = i64::try_from(milliseconds).unwrap_or(i64::MAX);
        let time = Timestamp::from_millisecond(signed).unwrap_or(Timestamp::MAX);
        Moment {
            datetime: format!("{time:.3}"),
            text: time.strftime("%-d %b %H:%M:%S").to_string(),
            precise: time.strftime("%H:%M:%S%.3f").to_string(),
        }
    }
}

/// A length of time: `12 ms`, `1.34 s`, `2 min 5 s`, `3 h 4 min`, `2 d 3 h`.
pub(super) fn length(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 => format!("{} ms", time.as_millis()),
        1..60 => {
            let hundredths = time.subsec_millis() / 10;
            format!("{seconds}.{hundredths:02} s")
        }
        60..3_600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// The time between two moments in milliseconds; none if they are the wrong way round.
pub(super) fn between(from: u64, to: u64) -> Duration {
    Duration::from_millis(to.saturating_sub(from))
}

/// How long after the beginning something was: `+0.042 s`, `+2 min 5 s`.
pub(super) fn since(beginning: u64, at: u64) -> String {
    let time = between(beginning, at);
    match time.as_secs() {
        seconds @ 0..60 => format!("+{seconds}.{:03} s", time.subsec_millis()),
        _ => format!("+{}", length(time)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_shown_in_utc() {
        let moment = Moment::of(1_795_982_431_042);
        assert_eq!(moment.datetime, "2026-11-29T20:00:31.042Z");
        assert_eq!(moment.text, "29 Nov 20:00:31");
        assert_eq!(moment.precise, "20:00:31.042");
        assert!(!Moment::of(u64::MAX).datetime.is_empty());
    }

    #[test]
    fn lengths_have_two_figures_that_matter() {
        let shown = |milliseconds| length(Duration::from_millis(milliseconds));
        assert_eq!(shown(12), "12 ms");
        assert_eq!(shown(1_349), "1.34 s");
        assert_eq!(shown(125_000), "2 min 5 s");
        assert_eq!(shown(11_040_000), "3 h 4 min");
        assert_eq!(shown(183_600_000), "2 d 3 h");
    }

    #[test]
    fn a_clock_that_jumped_back_gives_no_negative_time() {
        assert_eq!(since(2_000, 1_000), "+0.000 s");
        assert_eq!(since(1_000, 1_042), "+0.042 s");
        assert_eq!(since(0, 125_000), "+2 min 5 s");
    }
}
