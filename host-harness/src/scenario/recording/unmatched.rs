//! What is said about a request that the recording does not answer.

use super::super::difference;
use super::Recorded;
use super::replay::Asked;
use crate::legible::escaped;
use http::HeaderName;
use std::cmp::Ordering;

/// A request that was answered as often as it was recorded.
pub(super) fn once_too_often(asked: &Asked<'_>) -> String {
    format!(
        "{}: it was made more often than it was recorded",
        summary(asked)
    )
}

/// A request like which there is none. `left` has what is left of the recording.
pub(super) fn told(asked: &Asked<'_>, left: &[(usize, &Recorded)], names: &[HeaderName]) -> String {
    let summary = summary(asked);
    let Some((number, nearest)) = nearest(asked, left) else {
        return format!("{summary}: it is not in the recording, and nothing is left there");
    };
    let mut lines = vec![format!(
        "{summary}: it is not in the recording. Nearest of {} left is exchange {} ({} ms), which differs:",
        left.len(),
        number + 1,
        nearest.at.as_millis()
    )];
    differences(&Asked::of(nearest), asked, names, &mut lines);
    lines.join("\n")
}

/// An exchange that nobody has asked for.
pub(super) fn left_over(number: usize, recorded: &Recorded) -> String {
    format!(
        "{}: it is exchange {} ({} ms) of the recording, and was not made",
        summary(&Asked::of(recorded)),
        number + 1,
        recorded.at.as_millis()
    )
}

fn summary(asked: &Asked<'_>) -> String {
    format!(
        "{} {} of {:?}",
        escaped(asked.method.as_str()),
        escaped(&asked.url),
        asked.installation
    )
}

/// The one that is most like what was asked for; of several, the first. Whose it is, and method and URL, count before all
/// else.
fn nearest<'r>(asked: &Asked<'_>, left: &[(usize, &'r Recorded)]) -> Option<(usize, &'r Recorded)> {
    let likenesses = left.iter().rev().map(|(number, recorded)| {
        let likeness = Likeness::of(&Asked::of(recorded), asked);
        (likeness, (*number, *recorded))
    });
    let most = likenesses.max_by(|(a, _), (b, _)| a.compare(b));
    most.map(|(_, found)| found)
}

/// How much alike two requests are.
struct Likeness {
    /// Same installation, method and URL.
    is_same: [bool; 2],
    url: f64,
    /// Bytes at the beginning that the bodies have in common.
    body: usize,
}

impl Likeness {
    fn of(recorded: &Asked<'_>, asked: &Asked<'_>) -> Likeness {
        let is_same_target = recorded.method == asked.method && recorded.url == asked.url;
        Likeness {
            is_same: [recorded.installation == asked.installation, is_same_target],
            url: strsim::normalized_levenshtein(&recorded.url, &asked.url),
            body: difference::first_difference(recorded.body, asked.body).unwrap_or(usize::MAX),
        }
    }

    fn compare(&self, other: &Likeness) -> Ordering {
        self.is_same
            .cmp(&other.is_same)
            .then(self.url.total_cmp(&other.url))
            .then(self.body.cmp(&other.body))
    }
}

/// All that keeps a request from being the recorded one.
fn differences(
    recorded: &Asked<'_>,
    asked: &Asked<'_>,
    names: &[HeaderName],
    lines: &mut Vec<String>,
) {
    let mut differs = |what: &str, recorded: &str, asked: &str| {
        if recorded != asked {
            let (recorded, asked) = (escaped(recorded), escaped(asked));
            lines.push(format!("  {what}: expected {recorded}, seen {asked}"));
        }
    };
    differs("installation", recorded.installation, asked.installation);
    differs("method", recorded.method.as_str(), asked.method.as_str());
    differs("url", &recorded.url, &asked.url);
    for name in names {
        let (recorded, asked) = (recorded.values(name), asked.values(name));
        differs(name.as_str(), &values(&recorded), &values(&asked));
    }
    let body = difference::of_bodies(recorded.body, asked.body);
    if !body.is_empty() {
        lines.push("  body:".to_owned());
        lines.extend(body.lines().map(|line| format!("    {line}")));
    }
}

fn values(values: &[&[u8]]) -> String {
    if values.is_empty() {
        return "none".to_owned();
    }
    let shown: Vec<String> = values
        .iter()
        .map(|value| format!("\"{}\"", value.escape_ascii()))
        .collect();
    shown.join(", ")
}
