//! What Port and GitHub have in the end.

use super::{Complaint, lines_are, lines_are_not};
use crate::scenario::played::Played;
use crate::scenario::schema::{ExpectedRun, ExpectedWorkflowRun, Scenario, told};
use crate::scenario::text::{differences, fits, fits_what_is_there};
use crate::simulator::github;
use crate::simulator::port::{Kind, RunView};
use serde_json::{Value, json};

pub(super) fn judge(scenario: &Scenario, played: &Played, found: &mut Vec<Complaint>) {
    for (number, expected) in scenario.expect.run.iter().enumerate() {
        let wanted = expected.run.as_deref();
        let runs: Vec<&(String, RunView)> = match wanted {
            None => played.runs.iter().take(1).collect(),
            Some("*") => played.runs.iter().collect(),
            Some(name) => played.runs.iter().filter(|(it, _)| it == name).collect(),
        };
        if runs.is_empty() {
            let key = format!("expect.run[{number}]");
            let text = format!("  there is no run {:?}", wanted.unwrap_or("1"));
            found.push(Complaint::new(key, text));
        }
        for (name, run) in runs {
            run_is(number, name, expected, run, found);
        }
    }
    reported_once(played, scenario, found);
    if let Some(expected) = &scenario.expect.workflow_run {
        workflow_runs(expected, &played.workflow_runs, found);
    }
}

/// No run ends twice, whatever a scenario is about.
fn reported_once(played: &Played, scenario: &Scenario, found: &mut Vec<Complaint>) {
    let said = |name: &str| {
        let mut all = scenario.expect.run.iter();
        all.any(|it| it.terminal_reports.is_some() && it.run.as_deref().is_none_or(|it| it == name))
    };
    for (name, run) in &played.runs {
        let usual = u32::from(run.ended());
        if run.terminal_reports != usual && !said(name) {
            let text = format!(
                "  run {name} was ended {} times, and not {usual}",
                run.terminal_reports
            );
            found.push(Complaint::new("expect.run.terminal-reports", text));
        }
    }
}

/// One word for both kinds of run.
fn status(run: &RunView) -> &str {
    match (run.kind, run.result.as_deref()) {
        (Kind::Node, Some("FAILED")) => "FAILURE",
        (Kind::Node, Some(result)) => result,
        _ => &run.status,
    }
}

fn run_is(
    number: usize,
    name: &str,
    expected: &ExpectedRun,
    run: &RunView,
    found: &mut Vec<Complaint>,
) {
    let key = |field: &str| format!("expect.run[{number}].{field} (run {name})");
    let mut text = |field: &str, expected: &Option<String>, seen: Option<&str>| {
        if let Some(expected) = expected
            && !fits_what_is_there(expected, seen)
        {
            found.push(Complaint::differs(
                key(field),
                expected,
                seen.unwrap_or("nothing"),
            ));
        }
    };
    let wanted = expected.status.map(|status| status.word().to_owned());
    text("status", &wanted, Some(status(run)));
    text("label", &expected.label, run.status_label.as_deref());
    let links = run.link.join(" ");
    text(
        "link",
        &expected.link,
        Some(&links).filter(|it| !it.is_empty()).map(String::as_str),
    );
    text("summary", &expected.summary, run.summary.as_deref());
    text(
        "external-run-id",
        &expected.external_run_id,
        run.external_run_id.as_deref(),
    );
    labels(&key("labels"), expected, run, found);
    let lines: Vec<&str> = run.logs.iter().map(|line| line.message.as_str()).collect();
    lines_are(&key("log"), "its log", &expected.log, &lines, found);
    lines_are_not(&key("no-log"), &expected.no_log, &lines, found);
    if let Some(output) = &expected.output {
        let seen = run.output.clone().unwrap_or(Value::Null);
        for it in differences(&Value::Object(output.clone()), &seen) {
            let key = format!("{}{}", key("output"), it.at);
            found.push(Complaint::differs(key, &it.expected, &it.seen));
        }
    }
    if let Some(bound) = &expected.ended {
        let base = run.created_at;
        let seen = run
            .ended_at
            .and_then(|ended| ended.duration_since(base).ok());
        if !seen.is_some_and(|seen| bound.0.hold(seen)) {
            let seen = seen.map_or("it has not ended".to_owned(), told);
            found.push(Complaint::differs(key("ended"), &bound.to_string(), &seen));
        }
    }
    if let Some(acked) = expected.acked
        && acked != run.acked
    {
        let (expected, seen) = (acked.to_string(), run.acked.to_string());
        found.push(Complaint::differs(key("acked"), &expected, &seen));
    }
    if let Some(claims) = &expected.claims
        && !claims.0.hold(u64::from(run.claims))
    {
        let (expected, seen) = (claims.to_string(), run.claims.to_string());
        found.push(Complaint::differs(key("claims"), &expected, &seen));
    }
    if let Some(times) = expected.terminal_reports
        && times != run.terminal_reports
    {
        let (expected, seen) = (times.to_string(), run.terminal_reports.to_string());
        found.push(Complaint::differs(
            key("terminal-reports"),
            &expected,
            &seen,
        ));
    }
}

/// Labels come in this order; others may lie between.
fn labels(key: &str, expected: &ExpectedRun, run: &RunView, found: &mut Vec<Complaint>) {
    let seen: Vec<&str> = run
        .updates
        .iter()
        .filter_map(|(_, update)| update.get("statusLabel")?.as_str())
        .collect();
    let mut rest = seen.iter();
    for label in &expected.labels {
        if !rest.any(|seen| fits(label, seen)) {
            let text =
                format!("  not there, or not in this order: {label}\n  its labels: {seen:?}");
            found.push(Complaint::new(key, text));
            return;
        }
    }
}

fn workflow_runs(
    expected: &[ExpectedWorkflowRun],
    seen: &[github::RunView],
    found: &mut Vec<Complaint>,
) {
    if expected.len() != seen.len() {
        let (expected, seen) = (expected.len().to_string(), seen.len().to_string());
        found.push(Complaint::differs("expect.workflow-run", &expected, &seen));
        return;
    }
    for (number, (expected, seen)) in expected.iter().zip(seen).enumerate() {
        let seen = json!({
            "workflow": seen.workflow,
            "repository": format!("{}/{}", seen.owner, seen.repo),
            "ref": seen.reference,
            "inputs": seen.inputs,
            "status": seen.status,
            "conclusion": seen.conclusion,
            "attempt": seen.attempt,
        });
        let wanted = json!({
            "workflow": expected.workflow,
            "repository": expected.repository,
            "ref": expected.reference,
            "inputs": expected.inputs,
            "status": expected.status,
            "conclusion": expected.conclusion,
            "attempt": expected.attempt,
        });
        let said: Value = wanted
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(_, value)| !value.is_null())
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect::<serde_json::Map<_, _>>()
            .into();
        for it in differences(&said, &seen) {
            let key = format!("expect.workflow-run[{number}]{}", it.at);
            found.push(Complaint::differs(key, &it.expected, &it.seen));
        }
    }
}
