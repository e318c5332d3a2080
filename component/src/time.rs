//! Reading and writing moments: HTTP dates (RFC 9110 section 5.6.7) and timestamps (RFC 3339), as GitHub writes them.
//!
//! All moments are whole seconds since 1970-01-01T00:00:00Z.

/// Reads an HTTP date in the form that servers must send: `Sun, 06 Nov 1994 08:49:37 GMT`.
#[must_use]
pub fn from_http_date(text: &str) -> Option<u64> {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let (_, rest) = text.trim().split_once(',')?;
    let mut parts = rest.trim_start().split(' ');
    let day = digits(parts.next()?)?;
    let month = parts.next()?;
    let month = (1..).zip(MONTHS).find(|(_, name)| *name == month)?.0;
    let year = digits(parts.next()?)?;
    let seconds = time_of_day(parts.next()?)?;
    (parts.next() == Some("GMT")).then_some(())?;
    since_epoch(year, month, day, seconds)
}

/// Reads a timestamp as GitHub writes it: `2026-03-10T08:49:37Z`, also with a fraction or an offset.
#[must_use]
pub fn from_timestamp(text: &str) -> Option<u64> {
    let (date, rest) = text.trim().split_once('T')?;
    let mut parts = date.splitn(3, '-');
    let year = digits(parts.next()?)?;
    let month = digits(parts.next()?)?;
    let day = digits(parts.next()?)?;
    let (clock, zone) = rest.split_at_checked(8)?;
    let zone = zone.trim_start_matches(|c: char| c == '.' || c.is_ascii_digit());
    let local = since_epoch(year, month, day, time_of_day(clock)?)?;
    if zone.eq_ignore_ascii_case("z") {
        return Some(local);
    }
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let offset = digits(hours)? * 3600 + digits(minutes)? * 60;
    match zone.as_bytes().first()? {
        b'+' => local.checked_sub(offset),
        b'-' => local.checked_add(offset),
        _ => None,
    }
}

/// Writes a timestamp: `2026-03-10T08:49:37Z`.
#[must_use]
pub fn to_timestamp(seconds: u64) -> String {
    // Days to civil date: the calendar repeats every 400 years (146,097 days), counted from 0000-03-01 so that
    // the leap day comes last.
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// How long something took, for people: `3 min 18 s`.
#[must_use]
pub fn duration_text(seconds: u64) -> String {
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn since_epoch(year: u64, month: u64, day: u64, seconds: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted_year = if month <= 2 { year - 1 } else { year };
    let shifted_month = (month + 9) % 12;
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let leap_days = shifted_year / 4 - shifted_year / 100 + shifted_year / 400;
    Some((365 * shifted_year + leap_days + day_of_year - 719_468) * 86_400 + seconds)
}

fn time_of_day(text: &str) -> Option<u64> {
    let mut parts = text.splitn(3, ':');
    let (hour, minute, second) = (
        digits(parts.next()?)?,
        digits(parts.next()?)?,
        digits(parts.next()?)?,
    );
    // 60 is a leap second.
    (hour < 24 && minute < 60 && second <= 60).then_some(hour * 3600 + minute * 60 + second)
}

fn digits(text: &str) -> Option<u64> {
    (text.len() <= 4 && !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()))
        .then(|| text.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(
            from_http_date("Sun, 06 Nov 1994 08:49:37 GMT"),
            Some(784_111_777)
        );
        assert_eq!(
            from_http_date("Thu, 29 Feb 2024 00:00:00 GMT"),
            Some(1_709_164_800)
        );
        assert_eq!(from_http_date("yesterday"), None);
        assert_eq!(from_http_date("Sun, 06 Nov 1994 08:49:37 CET"), None);
    }

    #[test]
    fn a_timestamp_is_read_with_fraction_and_offset() {
        assert_eq!(from_timestamp("1994-11-06T08:49:37Z"), Some(784_111_777));
        assert_eq!(
            from_timestamp("1994-11-06T09:49:37.123+01:00"),
            Some(784_111_777)
        );
        assert_eq!(
            from_timestamp("1994-11-06T06:49:37-02:00"),
            Some(784_111_777)
        );
        for bad in [
            "",
            "T",
            "1994-11-06",
            "1994-13-06T08:49:37Z",
            "1994-11-06T08:49",
            "1994-11-06T08:49:3é",
            "99999-01-01T00:00:00Z",
        ] {
            assert_eq!(from_timestamp(bad), None, "{bad}");
        }
    }

    #[test]
    fn writing_undoes_reading() {
        for day in 0..40_000_u64 {
            let moment = day * 86_400 + day % 86_400;
            assert_eq!(from_timestamp(&to_timestamp(moment)), Some(moment));
        }
        assert_eq!(to_timestamp(784_111_777), "1994-11-06T08:49:37Z");
    }

    #[test]
    fn durations_are_readable() {
        assert_eq!(duration_text(18), "18 s");
        assert_eq!(duration_text(198), "3 min 18 s");
        assert_eq!(duration_text(7_384), "2 h 3 min");
    }
}
