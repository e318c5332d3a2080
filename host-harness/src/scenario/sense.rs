//! Whether a scenario makes sense, before it is played: what is said twice, what nobody will look at, what can never be
//! true. A scenario that passes although half of it was ignored is worse than none.

mod installations;

use super::error::ScenarioError;
use super::operation;
use super::schema::{Answer, FaultTable, GitHub, Run, Scenario, Side, Span};
use super::tape::Requests;
use std::collections::BTreeSet;
use std::path::Component;
use std::time::Duration;

type Sense = Result<(), ScenarioError>;

fn senseless(key: impl Into<String>, reason: impl Into<String>) -> Sense {
    Err(ScenarioError::senseless(key, reason))
}

/// Checks everything that can be known from the file alone, and from whether it is replayed.
///
/// # Errors
/// The first thing that makes no sense.
pub(super) fn check(scenario: &Scenario, requests: &Requests) -> Sense {
    one_story(scenario)?;
    times(scenario)?;
    runs(scenario)?;
    references(scenario)?;
    installations::check(scenario)?;
    counts(scenario, requests)?;
    recording(scenario)?;
    if let Some(world) = &scenario.github {
        github(world)?;
    }
    for (number, server) in scenario.server.iter().enumerate() {
        let key = format!("server[{number}]");
        at_least_once(&format!("{key}.times"), server.times)?;
        status(&format!("{key}.answer.status"), &server.answer)?;
    }
    for (number, fault) in scenario.fault.0.iter().enumerate() {
        fault_answer(number, fault)?;
    }
    Ok(())
}

/// Either a call or runs, and nothing that only the other one looks at.
fn one_story(scenario: &Scenario) -> Sense {
    if scenario.call.is_none() {
        return if scenario.run.is_empty() {
            senseless("run", "a scenario has a [call] or at least one [[run]]")
        } else {
            Ok(())
        };
    }
    let beside = [
        ("run", !scenario.run.is_empty()),
        ("step", !scenario.step.is_empty()),
        (
            "another-installation",
            !scenario.another_installation.is_empty(),
        ),
        ("until", scenario.until.is_some()),
        ("expect.run", !scenario.expect.run.is_empty()),
        ("expect.ready", scenario.expect.ready.is_some()),
    ];
    match beside.iter().find(|(_, is_there)| *is_there) {
        Some((key, _)) => senseless(
            *key,
            "a [call] has no host around it, so nobody looks at this",
        ),
        None => Ok(()),
    }
}

fn times(scenario: &Scenario) -> Sense {
    for (key, span) in [
        ("limit", scenario.limit),
        ("port.poll-interval", scenario.port.poll_interval),
        ("port.visibility-timeout", scenario.port.visibility_timeout),
        ("port.token-life", scenario.port.token_life),
    ] {
        some_time(key, span)?;
    }
    match (scenario.until, scenario.limit) {
        (Some(until), Some(limit)) if until.0 > limit.0 => {
            senseless("until", "it comes after `limit`, so it never comes")
        }
        _ => Ok(()),
    }
}

fn some_time(key: impl Into<String>, span: Option<Span>) -> Sense {
    if span == Some(Span(Duration::ZERO)) {
        return senseless(key, "it is no time at all, and nothing would ever go on");
    }
    Ok(())
}

fn runs(scenario: &Scenario) -> Sense {
    let mut names = BTreeSet::new();
    for (number, run) in scenario.run.iter().enumerate() {
        let key = format!("run[{number}]");
        at_least_once(&format!("{key}.times"), run.times)?;
        let said = [
            run.properties.is_some(),
            run.properties_text.is_some(),
            run.raw.is_some(),
        ];
        if said.iter().filter(|it| **it).count() > 1 {
            let reason = "a run has `properties`, `properties-text` or `raw`, and only one of them";
            return senseless(key, reason);
        }
        for name in names_of(number, run) {
            if name == "*" || !names.insert(name.clone()) {
                let reason = format!("{name:?} names another run already, or every run");
                return senseless(format!("{key}.name"), reason);
            }
        }
    }
    Ok(())
}

/// The names that a scenario's run has.
pub(super) fn names_of(number: usize, run: &Run) -> Vec<String> {
    let name = run.name.clone().unwrap_or_else(|| (number + 1).to_string());
    match run.times {
        None => vec![name],
        Some(times) => (1..=times).map(|n| format!("{name}-{n}")).collect(),
    }
}

/// Every run that is spoken of is there.
fn references(scenario: &Scenario) -> Sense {
    let known: BTreeSet<String> = scenario
        .run
        .iter()
        .enumerate()
        .flat_map(|(number, run)| names_of(number, run))
        .collect();
    let is_known = |key: String, name: &Option<String>| match name {
        Some(name) if name != "*" && !known.contains(name) => {
            let all: Vec<&str> = known.iter().take(10).map(String::as_str).collect();
            senseless(
                key,
                format!("there is no run {name:?}; there are: {}", all.join(", ")),
            )
        }
        _ => Ok(()),
    };
    for (number, step) in scenario.step.iter().enumerate() {
        is_known(format!("step[{number}].run"), &step.run)?;
        if let Some(when) = &step.when {
            is_known(format!("step[{number}].when.run"), &when.run)?;
        }
    }
    for (number, run) in scenario.expect.run.iter().enumerate() {
        is_known(format!("expect.run[{number}].run"), &run.run)?;
    }
    Ok(())
}

/// Every operation is one that could be seen.
fn counts(scenario: &Scenario, requests: &Requests) -> Sense {
    if matches!(requests, Requests::Replayed(_)) && scenario.expect.workflow_run.is_some() {
        let reason = "a replay has no GitHub that could have runs: expect requests instead";
        return senseless("expect.workflow-run", reason);
    }
    for name in scenario.expect.counts.keys() {
        if name.starts_with(operation::DELIVERIES) {
            continue;
        }
        let (side, _) = operation::named("expect.counts", name)?;
        let key = format!("expect.counts.{name:?}");
        if matches!(requests, Requests::Replayed(_)) && side != Side::Port {
            let reason = "a replay knows requests and no operations: expect requests instead";
            return senseless(key, reason);
        }
        is_there(scenario, &key, side)?;
    }
    let expected = [
        ("request", &scenario.expect.request),
        ("no-request", &scenario.expect.no_request),
    ];
    for (table, requests) in expected {
        for (number, side) in requests.iter().map(|it| it.to).enumerate() {
            if let Some(side) = side {
                is_there(scenario, &format!("expect.{table}[{number}].to"), side)?;
            }
        }
    }
    Ok(())
}

/// A call has no Port. The other two are always there, so that a scenario can show that one of them is not asked.
fn is_there(scenario: &Scenario, key: &str, side: Side) -> Sense {
    if side == Side::Port && scenario.call.is_some() {
        return senseless(key, "a [call] has no host around it, and so no Port");
    }
    Ok(())
}

/// A recording stays with its scenario: files of strangers must not write elsewhere.
fn recording(scenario: &Scenario) -> Sense {
    let leaves = |component: Component<'_>| !matches!(component, Component::Normal(_));
    match &scenario.recording {
        Some(file) if file.components().any(leaves) => {
            let reason = "it has to be in the scenario's folder or below it";
            senseless("recording", reason)
        }
        _ => Ok(()),
    }
}

/// Conclusions of GitHub ("Workflow runs" of its REST API).
const CONCLUSIONS: [&str; 8] = [
    "success",
    "failure",
    "neutral",
    "cancelled",
    "skipped",
    "timed_out",
    "action_required",
    "stale",
];
/// States of a workflow ("Workflows" of its REST API).
const STATES: [&str; 5] = [
    "active",
    "deleted",
    "disabled_fork",
    "disabled_inactivity",
    "disabled_manually",
];

fn github(world: &GitHub) -> Sense {
    one_of_numbers("github.rate-limit-status", world.rate_limit_status)?;
    for (number, repository) in world.repository.iter().enumerate() {
        for (place, workflow) in repository.workflow.iter().enumerate() {
            let key = format!("github.repository[{number}].workflow[{place}]");
            let conclusions = [
                ("conclusion", &workflow.conclusion),
                ("rerun-conclusion", &workflow.rerun_conclusion),
            ];
            for (name, conclusion) in conclusions {
                // What GitHub does not say yet may be tried: it begins with `x-`.
                let known = |it: &str| {
                    CONCLUSIONS.contains(&it) || it == "startup_failure" || it.starts_with("x-")
                };
                one_of(&format!("{key}.{name}"), conclusion, known, &CONCLUSIONS)?;
            }
            let known = |it: &str| STATES.contains(&it);
            one_of(&format!("{key}.state"), &workflow.state, known, &STATES)?;
            for (place, input) in workflow.inputs.iter().enumerate() {
                let types = ["string", "boolean", "number", "choice", "environment"];
                let known = |it: &str| types.contains(&it);
                one_of(
                    &format!("{key}.inputs[{place}].type"),
                    &input.kind,
                    known,
                    &types,
                )?;
            }
        }
    }
    Ok(())
}

fn one_of_numbers(key: &str, value: Option<u16>) -> Sense {
    match value {
        None | Some(403 | 429) => Ok(()),
        Some(other) => senseless(
            key,
            format!("{other} is not 403 or 429, which GitHub answers"),
        ),
    }
}

fn one_of(key: &str, value: &Option<String>, known: impl Fn(&str) -> bool, all: &[&str]) -> Sense {
    match value {
        Some(value) if !known(value) => {
            senseless(key, format!("{value:?} is none of {}", all.join(", ")))
        }
        _ => Ok(()),
    }
}

fn at_least_once(key: &str, times: Option<u32>) -> Sense {
    if times == Some(0) {
        return senseless(key, "it is 0, so this is never there");
    }
    Ok(())
}

fn status(key: &str, answer: &Answer) -> Sense {
    match answer.status {
        Some(status) if !(100..=599).contains(&status) => {
            senseless(key, format!("{status} is no status of HTTP: 100 to 599"))
        }
        _ => Ok(()),
    }
}

fn fault_answer(number: usize, fault: &FaultTable) -> Sense {
    match &fault.answer {
        Some(answer) => status(&format!("fault[{number}].answer.status"), answer),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sense(text: &str) -> Result<(), String> {
        let scenario: Scenario = toml::from_str(text).unwrap();
        check(&scenario, &Requests::Sent).map_err(|error| error.to_string())
    }

    #[test]
    fn what_makes_no_sense_is_refused_where_it_stands() {
        for (text, key) in [
            ("", "run: "),
            ("[call]\nfunction = 'plan'\n[[run]]", "run: "),
            ("[call]\nfunction = 'plan'\n[[step]]\ndo = 'wait'", "step: "),
            ("until = '1s'\n[call]\nfunction = 'plan'", "until: "),
            ("limit = '0s'\n[[run]]", "limit: "),
            ("limit = '1s'\nuntil = '2s'\n[[run]]", "until: "),
            (
                "[port]\npoll-interval = '0s'\n[[run]]",
                "port.poll-interval: ",
            ),
            ("[[run]]\ntimes = 0", "run[0].times: "),
            ("[[run]]\nname = 'a'\n[[run]]\nname = 'a'", "run[1].name: "),
            ("[[run]]\nname = '*'", "run[0].name: "),
            ("[[run]]\nraw = ''\nproperties-text = ''", "run[0]: "),
            ("[[run]]\n[[step]]\ndo = 'wait'\nrun = 'z'", "step[0].run: "),
            ("[[run]]\n[[expect.run]]\nrun = 'z'", "expect.run[0].run: "),
            (
                "[call]\nfunction = 'plan'\n[expect]\ncounts = { 'port.*' = 0 }",
                "expect.counts",
            ),
            ("recording = '../x.toml'\n[[run]]", "recording: "),
            (
                "[[run]]\n[[another-installation]]",
                "another-installation[0].id: ",
            ),
            (
                "[[run]]\n[[another-installation]]\nid = 'acme'",
                "another-installation[0].id: ",
            ),
            (
                "recording = 'x.toml'\n[[run]]\n[[another-installation]]\nid = 'b'",
                "another-installation[0]: ",
            ),
            (
                "[call]\nfunction = 'plan'\n[[another-installation]]\nid = 'b'",
                "another-installation: ",
            ),
            ("[[run]]\ninstallation = 'b'", "run[0].installation: "),
            (
                "[[run]]\n[[step]]\ndo = 'deliver'\ninstallation = 'b'",
                "step[0].installation: ",
            ),
            (
                "[[run]]\n[github]\nrate-limit-status = 200",
                "github.rate-limit-status: ",
            ),
            (
                "[[run]]\n[[github.repository]]\n[[github.repository.workflow]]\nconclusion = 'sucess'",
                "github.repository[0].workflow[0].conclusion: ",
            ),
            (
                "[[run]]\n[[server]]\nanswer = { status = 42 }",
                "server[0].answer.status: ",
            ),
        ] {
            let told = sense(text).expect_err(text);
            assert!(told.starts_with(key), "{text:?}: {told}");
        }
    }

    #[test]
    fn what_makes_sense_is_let_through() {
        for text in [
            "[[run]]\nname = 'a'\ntimes = 2\n[[expect.run]]\nrun = 'a-2'",
            "[call]\nfunction = 'plan'\n[expect]\ncounts = { 'github.*' = 0 }",
            "recording = 'below/x.recording.toml'\n[[run]]",
            "[[run]]\ninstallation = 'b'\n[[another-installation]]\nid = 'b'",
            "[[run]]\n[[step]]\ndo = 'deliver'\ninstallation = 'nobody'\nstatus = 404",
            "[[run]]\n[expect]\ncounts = { 'port.ack' = 1, 'delivery.workflow_run' = 3 }",
        ] {
            assert_eq!(sense(text), Ok(()), "{text}");
        }
    }
}
