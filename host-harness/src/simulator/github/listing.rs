//! Lists: the filters of run lists, and pages with their `link` header.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::super::server::{Received, Reply};
use super::run::Run;

/// Any filter on a run list caps its results.
const FILTERED_MAX: usize = 1_000;

/// The filters of a run list.
#[derive(Debug)]
pub(super) struct Filter {
    actor: Option<String>,
    branch: Option<String>,
    event: Option<String>,
    status: Option<String>,
    head_sha: Option<String>,
    check_suite_id: Option<String>,
    created: Option<Range>,
}

impl Filter {
    pub(super) fn of(received: &Received) -> Self {
        let text = |name: &str| received.parameter(name).filter(|value| !value.is_empty());
        Self {
            actor: text("actor"),
            branch: text("branch"),
            event: text("event"),
            status: text("status"),
            head_sha: text("head_sha"),
            check_suite_id: text("check_suite_id"),
            created: text("created").map(|text| Range::parse(&text)),
        }
    }

    pub(super) fn matches(&self, run: &Run) -> bool {
        let same =
            |wanted: &Option<String>, is: &str| wanted.as_ref().is_none_or(|wanted| wanted == is);
        let status = self.status.as_ref().is_none_or(|wanted| {
            run.status().as_str() == wanted
                || run
                    .current()
                    .and_then(|attempt| attempt.conclusion.as_ref())
                    == Some(wanted)
        });
        same(&self.actor, &run.actor)
            && same(&self.branch, &run.branch)
            && same(&self.event, &run.event)
            && same(&self.head_sha, &run.sha)
            && self
                .check_suite_id
                .as_ref()
                .is_none_or(|id| *id == (run.id + 11_000_000_000).to_string())
            && status
            && self
                .created
                .as_ref()
                .is_none_or(|range| range.contains(run.created_at))
    }

    /// How many results there can be.
    pub(super) fn cap(&self, count: usize) -> usize {
        let filters = [
            &self.actor,
            &self.branch,
            &self.event,
            &self.status,
            &self.head_sha,
            &self.check_suite_id,
        ];
        let filtered = self.created.is_some() || filters.iter().any(|filter| filter.is_some());
        if filtered {
            count.min(FILTERED_MAX)
        } else {
            count
        }
    }
}

/// A range of search syntax, in whole seconds: `>=T`, `>T`, `<=T`, `<T`, `A..B` with `*` for an open end, or `T`.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    from: Option<i64>,
    to: Option<i64>,
}

impl Range {
    /// What cannot be read matches nothing, as a search with nonsense finds nothing.
    fn parse(text: &str) -> Self {
        let nothing = Self {
            from: Some(i64::MAX),
            to: Some(i64::MIN),
        };
        let range = if let Some((from, to)) = text.split_once("..") {
            let open = |text: &str, edge: fn((i64, i64)) -> i64| {
                if text == "*" {
                    Some(None)
                } else {
                    moment(text).map(|moment| Some(edge(moment)))
                }
            };
            open(from, |(first, _)| first)
                .zip(open(to, |(_, last)| last))
                .map(|(from, to)| Self { from, to })
        } else if let Some(text) = text.strip_prefix(">=") {
            moment(text).map(|(first, _)| Self {
                from: Some(first),
                to: None,
            })
        } else if let Some(text) = text.strip_prefix("<=") {
            moment(text).map(|(_, last)| Self {
                from: None,
                to: Some(last),
            })
        } else if let Some(text) = text.strip_prefix('>') {
            moment(text).map(|(_, last)| Self {
                from: Some(last.saturating_add(1)),
                to: None,
            })
        } else if let Some(text) = text.strip_prefix('<') {
            moment(text).map(|(first, _)| Self {
                from: None,
                to: Some(first.saturating_sub(1)),
            })
        } else {
            moment(text).map(|(first, last)| Self {
                from: Some(first),
                to: Some(last),
            })
        };
        range.unwrap_or(nothing)
    }

    fn contains(&self, at: SystemTime) -> bool {
        let at = at
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or(Duration::ZERO)
            .as_secs();
        let at = i64::try_from(at).unwrap_or(i64::MAX);
        self.from.is_none_or(|from| at >= from) && self.to.is_none_or(|to| at <= to)
    }
}

/// First and last second of a moment: a day has many.
fn moment(text: &str) -> Option<(i64, i64)> {
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some((at.as_second(), at.as_second()));
    }
    // A timestamp is also a valid date to the date parser, so it comes second.
    let day: Date = text.parse().ok()?;
    let start = day.to_zoned(TimeZone::UTC).ok()?.timestamp().as_second();
    Some((start, start + 86_399))
}

/// A page of a list.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    size: usize,
    number: usize,
}

impl Page {
    pub(super) fn of(received: &Received) -> Self {
        let number = |name: &str, default: usize| {
            received
                .parameter(name)
                .and_then(|value| value.parse().ok())
                .filter(|value| *value > 0)
                .unwrap_or(default)
        };
        Self {
            size: number("per_page", 30).min(100),
            number: number("page", 1),
        }
    }

    pub(super) fn skip(self) -> usize {
        (self.number - 1).saturating_mul(self.size)
    }

    pub(super) fn size(self) -> usize {
        self.size
    }

    /// Adds the `link` header when there is more than one page.
    pub(super) fn link(self, reply: Reply, received: &Received, base: &str, total: usize) -> Reply {
        let last = total.div_ceil(self.size).max(1);
        let to = |number: usize, relation: &str| {
            link_to(received, base, ("page", &number.to_string()), relation)
        };
        let mut links = Vec::new();
        if self.number > 1 {
            links.push(to(self.number - 1, "prev"));
            links.push(to(1, "first"));
        }
        if self.number < last {
            links.push(to(self.number + 1, "next"));
            links.push(to(last, "last"));
        }
        if links.is_empty() {
            reply
        } else {
            reply.with("link", links.join(", "))
        }
    }
}

/// One entry of a `link` header: the same request with another value of this parameter.
pub(super) fn link_to(
    received: &Received,
    base: &str,
    (name, value): (&str, &str),
    relation: &str,
) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (other, value) in received.parameters() {
        if other != name {
            query.append_pair(&other, &value);
        }
    }
    query.append_pair(name, value);
    format!(
        "<{base}{}?{}>; rel=\"{relation}\"",
        received.path,
        query.finish()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn created_understands_comparisons_ranges_days_and_offsets() {
        let at = |text: &str| SystemTime::from(text.parse::<Timestamp>().unwrap_or_default());
        let noon = at("2026-03-04T12:00:00.9Z");
        for yes in [
            ">=2026-03-04T12:00:00Z",
            ">=2026-03-04T13:00:00+01:00",
            "2026-03-04",
            "2026-03-04T11:00:00Z..2026-03-04T12:00:00Z",
            "2026-03-04..*",
            "*..2026-03-04",
            "<=2026-03-04T12:00:00Z",
        ] {
            assert!(Range::parse(yes).contains(noon), "{yes}");
        }
        for no in [
            ">2026-03-04T12:00:00Z",
            "<2026-03-04",
            "2026-03-05..*",
            ">2026-03-04",
            "yesterday",
            ">=2027-01-01",
        ] {
            assert!(!Range::parse(no).contains(noon), "{no}");
        }
    }
}
