//! Everything about one run, in order of time: what a person needs who wants to know why it came out badly.

use super::conduct::Record;
use super::judge::{Case, Verdict, shown};
use super::plan::{Plan, PlannedRun};
use super::report::lives;
use super::world::World;
use crate::simulator::Exchange;
use jiff::Timestamp;
use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

/// Longest line, in characters.
const LONGEST: usize = 260;
/// How many bad runs are listed.
const BAD_ONES: usize = 10;
/// So long before and after the run's life, ends of the process are shown.
const NEAR: Duration = Duration::from_secs(2);

/// The trace of a run.
pub(super) fn of(
    plan: &Plan,
    world: &World,
    record: &Record,
    log: &Path,
    number: usize,
    cases: &[Case],
    verdicts: &[Verdict],
) -> String {
    let (Some(planned), Some(case), Some(verdict)) = (
        plan.runs.get(number),
        cases.get(number),
        verdicts.get(number),
    ) else {
        return String::new();
    };
    let names = names(planned, case);
    let mut lines = of_port(case);
    lines.extend(of_github(world, case));
    lines.extend(exchanges(world, &names));
    lines.extend(of_log(log, &names));
    let ended = case.port.ended_at.unwrap_or_else(SystemTime::now);
    let is_near = |at: SystemTime| at + NEAR >= case.port.created_at && at <= ended + NEAR;
    lines.extend(lives(&record.lives).filter(|(at, _)| is_near(*at)));
    let mut text = bad_ones(cases, verdicts);
    let _ = writeln!(text, "the first of them: {verdict:?}");
    let _ = writeln!(text, "planned: {planned:?}");
    let _ = writeln!(
        text,
        "Port shows {} (label {:?}, summary {:?}, links {:?}, external id {:?}); GitHub has {} run(s) of it",
        shown(&case.port),
        case.port.status_label,
        case.port.summary,
        case.port.link,
        case.port.external_run_id,
        case.github.len()
    );
    text.push_str(&ordered(lines));
    for violation in world.violations().iter().take(BAD_ONES) {
        let _ = writeln!(text, "contract violated: {violation}");
    }
    text
}

/// The first bad runs, one line each.
fn bad_ones(cases: &[Case], verdicts: &[Verdict]) -> String {
    let bad: Vec<_> = cases
        .iter()
        .zip(verdicts)
        .filter(|(_, verdict)| !verdict.is_good())
        .collect();
    let mut text = format!("{} bad runs:\n", bad.len());
    for (case, verdict) in bad.iter().take(BAD_ONES) {
        let _ = writeln!(text, "  {} ({:?}): {verdict:?}", case.port.id, case.course);
    }
    text
}

/// What there is to say about a violation of a service's contract.
pub(super) fn of_violation(world: &World, record: &Record, violation: &str) -> String {
    // A violation names method and path, or a run's id.
    let named: Vec<String> = violation
        .split([' ', ':'])
        .filter(|word| word.len() > 8 && (word.starts_with('/') || word.contains('_')))
        .map(str::to_owned)
        .collect();
    let mut lines = exchanges(world, &named);
    lines.extend(lives(&record.lives));
    let mut text = format!("contract violated: {violation}\n");
    text.push_str(&ordered(lines));
    text
}

/// How this run is called in requests, deliveries and logs.
fn names(planned: &PlannedRun, case: &Case) -> Vec<String> {
    let mut names = vec![planned.marker.clone(), case.port.id.clone()];
    for run in &case.github {
        names.push(run.id.to_string());
        names.push(run.external_id.clone());
    }
    names.extend(case.port.external_run_id.clone());
    names
}

type Lines = Vec<(SystemTime, String)>;

fn of_port(case: &Case) -> Lines {
    let port = &case.port;
    let mut lines = vec![(port.created_at, "Port: button pressed".to_owned())];
    if let Some(at) = port.acked_at {
        lines.push((at, "Port: acknowledged".to_owned()));
    }
    for (at, update) in &port.updates {
        lines.push((*at, format!("Port: updated {update}")));
    }
    for entry in &port.logs {
        lines.push((entry.at, format!("Port: log {:?}", entry.message)));
    }
    if let Some(at) = port.ended_at {
        lines.push((at, format!("Port: ended as {}", shown(port))));
    }
    lines
}

fn of_github(world: &World, case: &Case) -> Lines {
    let mut lines = Vec::new();
    for run in &case.github {
        lines.push((
            run.created_at,
            format!(
                "GitHub: run {} created ({}); in the end {} {}",
                run.id,
                run.display_title,
                run.status,
                run.conclusion.as_deref().unwrap_or_default()
            ),
        ));
        for delivery in world.github.deliveries() {
            if delivery.run_id == run.id {
                let what = format!(
                    "webhook: {}.{} {} ({})",
                    delivery.event, delivery.action, delivery.status, delivery.guid
                );
                lines.push((delivery.delivered_at, what));
            }
        }
        for struck in world.github.struck_deliveries() {
            if struck.run_id == run.id {
                let what = format!(
                    "webhook: {}.{} struck by {:?}",
                    struck.event, struck.action, struck.fault
                );
                lines.push((struck.at, what));
            }
        }
    }
    lines
}

fn exchanges(world: &World, names: &[String]) -> Lines {
    let is_named = |exchange: &Exchange| {
        let body = String::from_utf8_lossy(&exchange.body);
        names
            .iter()
            .any(|name| exchange.path.contains(name.as_str()) || body.contains(name.as_str()))
            || (exchange.operation.starts_with("claim")
                && names.iter().any(|name| {
                    String::from_utf8_lossy(&exchange.response_body).contains(name.as_str())
                }))
    };
    let github = world.github.exchanges_that(is_named);
    let port = world.port.exchanges_that(is_named);
    let github = github.iter().map(|one| ("GitHub", one));
    let port = port.iter().map(|one| ("Port", one));
    github
        .chain(port)
        .map(|(side, exchange)| (exchange.at, line(side, exchange)))
        .collect()
}

fn line(side: &str, exchange: &Exchange) -> String {
    let answer = exchange
        .status
        .map_or_else(|| "no answer".to_owned(), |status| status.to_string());
    let mut line = format!("→ {side}: {} {} {answer}", exchange.method, exchange.path);
    if !exchange.faults.is_empty() {
        let _ = write!(line, " [{}]", exchange.faults.join(", "));
    }
    if !exchange.body.is_empty() {
        let _ = write!(line, " {}", String::from_utf8_lossy(&exchange.body));
    }
    line
}

/// Lines of the host's log that name the run. Each begins with the time.
fn of_log(log: &Path, names: &[String]) -> Lines {
    let Ok(text) = std::fs::read(log) else {
        return vec![];
    };
    String::from_utf8_lossy(&text)
        .lines()
        .filter(|line| names.iter().any(|name| line.contains(name.as_str())))
        .filter_map(|line| {
            let (time, rest) = line.split_once(' ')?;
            let at: Timestamp = time.parse().ok()?;
            Some((at.into(), format!("host: {}", rest.trim())))
        })
        .collect()
}

fn ordered(mut lines: Lines) -> String {
    lines.sort_by_key(|(at, _)| *at);
    let Some((first, _)) = lines.first() else {
        return String::new();
    };
    let first = *first;
    let mut text = String::new();
    for (at, line) in lines {
        let since = at.duration_since(first).unwrap_or_default();
        let line: String = line.replace('\n', " ").chars().take(LONGEST).collect();
        let _ = writeln!(text, "{:>9.3} s  {line}", since.as_secs_f64());
    }
    text
}
