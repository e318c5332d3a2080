//! Comparing what has happened with what was expected. Every difference is told, not only the first.

mod requests;
mod runs;

use super::chronicle::What;
use super::played::Played;
use super::schema::{Readiness, Scenario, told};
use super::text::{differences, fits};

/// Something that is not as it was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Complaint {
    /// The key of the scenario that is not met: `expect.run[0].status`.
    pub key: String,
    /// What was expected, what was seen, and whatever helps to see why. Several lines.
    pub text: String,
}

impl Complaint {
    fn new(key: impl Into<String>, text: impl Into<String>) -> Complaint {
        Complaint {
            key: key.into(),
            text: text.into(),
        }
    }

    /// Two texts that should be alike.
    fn differs(key: impl Into<String>, expected: &str, seen: &str) -> Complaint {
        Complaint::new(key, format!("  - {expected}\n  + {seen}"))
    }
}

impl std::fmt::Display for Complaint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\n{}", self.key, self.text)
    }
}

/// Everything that is not as the scenario expects it.
pub fn judge(scenario: &Scenario, played: &Played) -> Vec<Complaint> {
    let expect = &scenario.expect;
    let mut found: Vec<Complaint> = played
        .troubles
        .iter()
        .map(|trouble| Complaint::new("the scenario", format!("  {trouble}")))
        .collect();
    result(scenario, played, &mut found);
    if let Some(bound) = &expect.took
        && !bound.0.hold(played.took)
    {
        let (bound, took) = (bound.to_string(), told(played.took));
        found.push(Complaint::differs("expect.took", &bound, &took));
    }
    violations(scenario, played, &mut found);
    log(scenario, played, &mut found);
    ready(scenario, played, &mut found);
    requests::judge(scenario, played, &mut found);
    runs::judge(scenario, played, &mut found);
    found
}

fn result(scenario: &Scenario, played: &Played, found: &mut Vec<Complaint>) {
    let Some(expected) = &scenario.expect.result else {
        return;
    };
    match &played.result {
        None if scenario.call.is_none() => {
            let text =
                "  only a [call] has a result; say what Port has in the end with [[expect.run]]";
            found.push(Complaint::new("expect.result", text));
        }
        None => {}
        Some(seen) => {
            let different = differences(expected, seen);
            if !different.is_empty() {
                let lines: Vec<String> = different.iter().map(ToString::to_string).collect();
                let text = format!("{}\n  the whole result: {seen:#}", lines.join("\n"));
                found.push(Complaint::new("expect.result", text));
            }
        }
    }
}

/// Each violation has to be expected, and each that is expected has to be there.
fn violations(scenario: &Scenario, played: &Played, found: &mut Vec<Complaint>) {
    let expected = &scenario.expect.violations;
    for seen in &played.violations {
        if !expected.iter().any(|expected| fits(expected, seen)) {
            let text = format!("  a correct client never does this: {seen}");
            found.push(Complaint::new("expect.violations", text));
        }
    }
    for expected in expected {
        if !played.violations.iter().any(|seen| fits(expected, seen)) {
            let text = format!("  expected and not there: {expected}");
            found.push(Complaint::new("expect.violations", text));
        }
    }
}

fn log(scenario: &Scenario, played: &Played, found: &mut Vec<Complaint>) {
    let lines: Vec<&str> = played
        .entries
        .iter()
        .filter_map(|entry| match &entry.what {
            What::Log(line) => Some(line.as_str()),
            _ => None,
        })
        .collect();
    lines_are("expect.log", "the log", &scenario.expect.log, &lines, found);
    lines_are_not("expect.no-log", &scenario.expect.no_log, &lines, found);
}

/// Each expected line is there.
fn lines_are(
    key: &str,
    name: &str,
    expected: &[String],
    lines: &[&str],
    found: &mut Vec<Complaint>,
) {
    for expected in expected {
        if !lines.iter().any(|line| fits(expected, line)) {
            let all = lines.join("\n    ");
            let text = format!("  no line is: {expected}\n  {name} is:\n    {all}");
            found.push(Complaint::new(key, text));
        }
    }
}

/// None of these lines is there.
fn lines_are_not(key: &str, unwanted: &[String], lines: &[&str], found: &mut Vec<Complaint>) {
    for unwanted in unwanted {
        for line in lines.iter().filter(|line| fits(unwanted, line)) {
            found.push(Complaint::new(key, format!("  there is: {line}")));
        }
    }
}

fn ready(scenario: &Scenario, played: &Played, found: &mut Vec<Complaint>) {
    let Some(expected) = &scenario.expect.ready else {
        return;
    };
    let seen = match &played.ready {
        None => "a call has no host".to_owned(),
        Some(Ok(())) => "ready".to_owned(),
        Some(Err(reason)) => format!("not ready: {reason}"),
    };
    let (is_met, expected) = match (expected, &played.ready) {
        (Readiness::Is(true), ready) => (matches!(ready, Some(Ok(()))), "ready".to_owned()),
        (Readiness::Is(false), ready) => {
            (matches!(ready, Some(Err(_))), "not ready: [..]".to_owned())
        }
        (Readiness::Because(reason), Some(Err(seen))) => {
            (fits(reason, seen), format!("not ready: {reason}"))
        }
        (Readiness::Because(reason), _) => (false, format!("not ready: {reason}")),
    };
    if !is_met {
        found.push(Complaint::differs("expect.ready", &expected, &seen));
    }
}
