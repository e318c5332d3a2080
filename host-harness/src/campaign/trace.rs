//! Everything about one run, in order of time: what a person needs who wants to know why it came out badly.

use super::conduct::{Life, Record};
use super::judge::{Case, Verdict, shown};
use super::plan::{Plan, PlannedRun};
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

/// What a trace is made from.
pub(super) struct Sources<'a> {
    pub(super) plan: &'a Plan,
    pub(super) world: &'a World,
    pub(super) record: &'a Record,
    /// The host's log.
    pub(super) log: &'a Path,
    /// All runs, in the order of the plan.
    pub(super) cases: &'a [Case],
    /// The same.
    pub(super) verdicts: &'a [Verdict],
}

/// What went wrong: the bad runs, a line each, and everything about the first of each kind. None, if nothing did.
pub(super) fn of(sources: &Sources<'_>) -> Option<String> {
    let violations = sources.world.violations();
    let mut kinds = Vec::new();
    let mut text = String::new();
    for (number, verdict) in sources.verdicts.iter().enumerate() {
        let kind = std::mem::discriminant(verdict);
        if verdict.is_good() || kinds.contains(&kind) {
            continue;
        }
        kinds.push(kind);
        text.push_str(&of_run(sources, number).unwrap_or_default());
        text.push('\n');
    }
    match violations.first() {
        None if kinds.is_empty() => return None,
        Some(violation) => text.push_str(&of_violation(sources, violation)),
        None => {}
    }
    Some(list(sources, &violations) + &text)
}

/// The first bad runs and violations, one line each.
fn list(sources: &Sources<'_>, violations: &[String]) -> String {
    let runs = sources.cases.iter().zip(sources.verdicts);
    let bad: Vec<_> = runs.filter(|(_, verdict)| !verdict.is_good()).collect();
    let mut text = format!("{} bad runs\n", bad.len());
    for (case, verdict) in bad.iter().take(BAD_ONES) {
        let _ = writeln!(text, "  {} ({:?}): {verdict:?}", case.port.id, case.course);
    }
    let _ = writeln!(text, "{} violations of a contract", violations.len());
    for violation in violations.iter().take(BAD_ONES) {
        let _ = writeln!(text, "  {violation}");
    }
    text.push('\n');
    text
}

/// Everything about one run.
fn of_run(sources: &Sources<'_>, number: usize) -> Option<String> {
    let planned = sources.plan.runs.get(number)?;
    let case = sources.cases.get(number)?;
    let verdict = sources.verdicts.get(number)?;
    let names = names(planned, case);
    let mut lines = of_port(case);
    lines.extend(of_github(sources.world, case));
    lines.extend(exchanges(sources.world, &names));
    lines.extend(of_log(sources.log, &names));
    let ended = case.port.ended_at.unwrap_or_else(SystemTime::now);
    let is_near = |at: SystemTime| at + NEAR >= case.port.created_at && at <= ended + NEAR;
    lines.extend(lives(&sources.record.lives).filter(|(at, _)| is_near(*at)));
    let mut text = format!(
        "{} is bad: {verdict:?}\nplanned: {planned:?}\n",
        case.port.id
    );
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
    Some(text)
}

/// What there is to say about a violation of a service's contract: everything about the run that it names.
fn of_violation(sources: &Sources<'_>, violation: &str) -> String {
    let is_named = |case: &Case| violation.contains(case.port.id.as_str());
    let named = sources.cases.iter().position(is_named);
    let about = named.and_then(|number| {
        let planned = sources.plan.runs.get(number)?;
        let case = sources.cases.get(number)?;
        let names = names(planned, case);
        let mut lines = exchanges(sources.world, &names);
        lines.extend(of_log(sources.log, &names));
        lines.extend(lives(&sources.record.lives));
        Some(ordered(lines))
    });
    format!(
        "contract violated: {violation}\n{}",
        about.unwrap_or_default()
    )
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

/// Lives of the process as lines for a trace.
fn lives(lives: &[Life]) -> impl Iterator<Item = (SystemTime, String)> {
    lives.iter().flat_map(|life| {
        let started = match life.clock {
            0 => "host started".to_owned(),
            wrong => format!("host started, its clock {wrong} s wrong"),
        };
        [
            (life.from, started),
            (life.to, format!("host ended: {}", life.how)),
        ]
    })
}
