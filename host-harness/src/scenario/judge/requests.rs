//! Requests that were sent, and how many.

use super::Complaint;
use crate::scenario::chronicle::{What, target};
use crate::scenario::operation;
use crate::scenario::played::Played;
use crate::scenario::schema::{ExpectedRequest, Order, Scenario, Side, told};
use crate::scenario::text::{ABSENT, differences, fits, fits_what_is_there};
use crate::simulator::Exchange;
use std::collections::BTreeSet;
use std::time::Duration;

/// A request that was sent.
struct Seen<'p> {
    at: Duration,
    side: Side,
    exchange: &'p Exchange,
}

pub(super) fn judge(scenario: &Scenario, played: &Played, found: &mut Vec<Complaint>) {
    let seen: Vec<Seen<'_>> = played
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Exchange(side, exchange) => Some(Seen {
                at: entry.at,
                side: *side,
                exchange,
            }),
            _ => None,
        })
        .collect();
    counts(scenario, played, &seen, found);
    let usual = if scenario.has_github() {
        Side::GitHub
    } else {
        Side::Server
    };
    let expect = &scenario.expect;
    match expect.requests {
        Order::InOrder => in_order(&expect.request, &seen, usual, found),
        Order::AnyOrder => any_order(&expect.request, &seen, usual, found),
        Order::Exactly => exactly(&expect.request, &seen, usual, found),
    }
    for (number, unwanted) in expect.no_request.iter().enumerate() {
        for request in &seen {
            if mismatches(unwanted, request, usual).is_empty() {
                let text = format!("  there is: {}", line(request));
                found.push(Complaint::new(format!("expect.no-request[{number}]"), text));
            }
        }
    }
}

fn counts(scenario: &Scenario, played: &Played, seen: &[Seen<'_>], found: &mut Vec<Complaint>) {
    for (name, expected) in &scenario.expect.counts {
        let number = match name.strip_prefix(operation::DELIVERIES) {
            Some(event) => deliveries(played, event),
            None => seen.iter().filter(|request| request.is(name)).count(),
        };
        if !expected.0.hold(u64::try_from(number).unwrap_or(u64::MAX)) {
            let key = format!("expect.counts.{name:?}");
            let (expected, number) = (expected.to_string(), number.to_string());
            found.push(Complaint::differs(key, &expected, &number));
        }
    }
}

/// How often GitHub has sent a delivery of this event, or of this event and action.
fn deliveries(played: &Played, name: &str) -> usize {
    let is_it = |what: &What| match what {
        What::Delivery(it) => it.event == name || format!("{}.{}", it.event, it.action) == name,
        _ => false,
    };
    let entries = played.entries.iter();
    entries.filter(|entry| is_it(&entry.what)).count()
}

impl Seen<'_> {
    /// Whether it is of this operation, as `github.dispatch` or `github.*` name it.
    fn is(&self, name: &str) -> bool {
        let side = self.side.word();
        name.strip_prefix(side)
            .and_then(|rest| rest.strip_prefix('.'))
            .is_some_and(|rest| rest == operation::ANY || rest == self.exchange.operation)
    }
}

fn in_order(
    expected: &[ExpectedRequest],
    seen: &[Seen<'_>],
    usual: Side,
    found: &mut Vec<Complaint>,
) {
    let mut rest = seen;
    for (number, request) in expected.iter().enumerate() {
        let place = rest
            .iter()
            .position(|seen| mismatches(request, seen, usual).is_empty());
        match place {
            Some(place) => rest = rest.get(place + 1..).unwrap_or_default(),
            None => found.push(missing(number, request, rest, usual)),
        }
    }
}

fn any_order(
    expected: &[ExpectedRequest],
    seen: &[Seen<'_>],
    usual: Side,
    found: &mut Vec<Complaint>,
) {
    let mut left: Vec<&Seen<'_>> = seen.iter().collect();
    for (number, request) in expected.iter().enumerate() {
        let place = left
            .iter()
            .position(|seen| mismatches(request, seen, usual).is_empty());
        match place {
            Some(place) => drop(left.remove(place)),
            None => found.push(missing(number, request, seen, usual)),
        }
    }
}

fn exactly(
    expected: &[ExpectedRequest],
    seen: &[Seen<'_>],
    usual: Side,
    found: &mut Vec<Complaint>,
) {
    let mut sides: BTreeSet<Side> = expected.iter().map(|it| it.to.unwrap_or(usual)).collect();
    // "Exactly nothing" is about the plugin's server.
    if sides.is_empty() {
        sides.insert(usual);
    }
    let seen: Vec<&Seen<'_>> = seen.iter().filter(|it| sides.contains(&it.side)).collect();
    for (number, request) in expected.iter().enumerate() {
        let key = format!("expect.request[{number}]");
        match seen.get(number) {
            None => {
                let text = format!("  expected and not sent: {}", words(request, usual));
                found.push(Complaint::new(key, text));
            }
            Some(seen) => {
                let wrong = mismatches(request, seen, usual);
                if !wrong.is_empty() {
                    let text = format!("  {}\n{}", line(seen), wrong.join("\n"));
                    found.push(Complaint::new(key, text));
                }
            }
        }
    }
    for extra in seen.iter().skip(expected.len()) {
        let text = format!("  sent and not expected: {}", line(extra));
        found.push(Complaint::new("expect.request", text));
    }
}

/// A request that was not sent, and the one that comes nearest to it.
fn missing(number: usize, request: &ExpectedRequest, seen: &[Seen<'_>], usual: Side) -> Complaint {
    let mut text = format!("  expected and not sent: {}", words(request, usual));
    let near = seen
        .iter()
        .map(|seen| (mismatches(request, seen, usual), seen))
        .min_by_key(|(wrong, _)| wrong.len());
    if let Some((wrong, seen)) = near {
        text.push_str(&format!(
            "\n  the nearest: {}\n{}",
            line(seen),
            wrong.join("\n")
        ));
    }
    Complaint::new(format!("expect.request[{number}]"), text)
}

/// In what a request is not as expected, a paragraph each.
fn mismatches(expected: &ExpectedRequest, seen: &Seen<'_>, usual: Side) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut compare = |name: &str, expected: &str, seen: Option<&str>| {
        if !fits_what_is_there(expected, seen) {
            let seen = seen.unwrap_or(ABSENT);
            wrong.push(format!("    {name}\n      - {expected}\n      + {seen}"));
        }
    };
    let exchange = seen.exchange;
    compare(
        "to",
        expected.to.unwrap_or(usual).word(),
        Some(seen.side.word()),
    );
    if let Some(method) = &expected.method {
        compare(
            "method",
            &method.to_ascii_uppercase(),
            Some(&exchange.method),
        );
    }
    if let Some(path) = &expected.path {
        compare("path", path, Some(&target(exchange)));
    }
    for (name, value) in &expected.headers {
        compare(&format!("header {name}"), value, exchange.header(name));
    }
    if let Some(status) = expected.status {
        let seen = exchange
            .status
            .map_or("none".to_owned(), |it| it.to_string());
        compare("status", &status.to_string(), Some(&seen));
    }
    let body = String::from_utf8_lossy(&exchange.body);
    if let Some(expected) = &expected.body
        && !fits(expected, &body)
    {
        let difference =
            crate::scenario::difference::of_bodies(expected.as_bytes(), &exchange.body);
        wrong.push(format!("    body\n{difference}"));
    }
    if let Some(expected) = &expected.json {
        match exchange.json() {
            None => wrong.push(format!("    body\n      - JSON\n      + {body}")),
            Some(seen) => {
                let different = differences(expected, &seen);
                wrong.extend(different.iter().map(|it| {
                    format!(
                        "    body {}\n      - {}\n      + {}",
                        it.at, it.expected, it.seen
                    )
                }));
            }
        }
    }
    if let Some(bound) = &expected.at
        && !bound.0.hold(seen.at)
    {
        wrong.push(format!(
            "    at\n      - {bound}\n      + {}",
            told(seen.at)
        ));
    }
    wrong
}

fn line(seen: &Seen<'_>) -> String {
    let exchange = seen.exchange;
    let side = seen.side.word();
    format!(
        "{side} {} {} (at {})",
        exchange.method,
        target(exchange),
        told(seen.at)
    )
}

fn words(request: &ExpectedRequest, usual: Side) -> String {
    format!(
        "{} {} {}",
        request.to.unwrap_or(usual).word(),
        request.method.as_deref().unwrap_or("(any method)"),
        request.path.as_deref().unwrap_or("(any path)")
    )
}
