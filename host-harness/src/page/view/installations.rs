//! The table of installations.

use super::moment::length;
use super::state::Mark;
use crate::contract::Hosting;
use crate::egress::Snapshot;
use crate::installation::Installation;
use crate::journal::{Phase, RunKey};
use crate::legible::escaped;
use crate::poller::Readiness;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One installation, as the host has it now.
pub(in crate::page) struct Sight {
    pub(in crate::page) installation: Arc<Installation>,
    pub(in crate::page) readiness: Readiness,
    pub(in crate::page) budget: Snapshot,
    /// Runs that were claimed and not started yet.
    pub(in crate::page) waiting: usize,
}

/// A row.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) id: String,
    /// Hosting and organization.
    pub(super) about: String,
    pub(super) api: String,
    pub(super) mark: Mark,
    pub(super) readiness: String,
    pub(super) budget: Option<Budget>,
    pub(super) pause: Option<String>,
    pub(super) live_events: bool,
    /// `3 started, 1 parked`
    pub(super) runs: String,
    pub(super) waiting: usize,
}

/// What is left of a rate limit.
#[derive(Debug, Clone)]
pub(super) struct Budget {
    pub(super) remaining: u32,
    pub(super) limit: u32,
    /// Below this it is little.
    pub(super) low: u32,
    pub(super) text: String,
    pub(super) resets: String,
}

/// The rows, in the order of the configuration.
pub(super) fn rows(sights: &[Sight], phases: &BTreeMap<RunKey, Phase>) -> Vec<Row> {
    let mut by_installation: BTreeMap<&str, BTreeMap<Phase, usize>> = BTreeMap::new();
    for (run, phase) in phases {
        let counts = by_installation.entry(&run.installation).or_default();
        *counts.entry(*phase).or_default() += 1;
    }
    let row = |sight: &Sight| row(sight, by_installation.get(sight.installation.id()));
    sights.iter().map(row).collect()
}

fn row(sight: &Sight, phases: Option<&BTreeMap<Phase, usize>>) -> Row {
    let public = sight.installation.public();
    let hosting = match public.hosting {
        Hosting::HostedByPort => "hosted by Port",
        Hosting::SelfHosted => "self-hosted",
    };
    let (mark, readiness) = match &sight.readiness {
        Readiness::Ready => (Mark::Good, "ready".to_owned()),
        Readiness::Starting => (Mark::Waits, "starting".to_owned()),
        Readiness::Broken(reason) => (
            Mark::Bad,
            escaped(&sight.installation.scrub(reason)).into_owned(),
        ),
    };
    let counts = phases.into_iter().flatten();
    let runs: Vec<String> = counts
        .map(|(phase, number)| format!("{number} {}", phase.as_str()))
        .collect();
    Row {
        id: escaped(&public.id).into_owned(),
        about: match &public.organization {
            Some(organization) => format!("{hosting}, {}", escaped(organization)),
            None => hosting.to_owned(),
        },
        api: escaped(public.api_url.split("://").last().unwrap_or_default()).into_owned(),
        mark,
        readiness,
        budget: budget(&sight.budget),
        pause: sight
            .budget
            .paused_for
            .map(|left| format!("pauses for {}", length(left))),
        live_events: public.live_events,
        runs: match runs.is_empty() {
            true => "none".to_owned(),
            false => runs.join(", "),
        },
        waiting: sight.waiting,
    }
}

fn budget(snapshot: &Snapshot) -> Option<Budget> {
    let (remaining, limit) = (snapshot.remaining?, snapshot.limit?);
    Some(Budget {
        remaining,
        limit,
        low: limit / 10,
        text: format!("{} of {}", thousands(remaining), thousands(limit)),
        resets: match snapshot.resets_in {
            Some(time) => format!("reset in {}", length(time)),
            None => String::new(),
        },
    })
}

fn thousands(number: u32) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + 4);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_budget_that_nobody_has_spoken_of_is_not_shown() {
        assert!(budget(&Snapshot::default()).is_none());
        let told = budget(&Snapshot {
            limit: Some(15_000),
            remaining: Some(4_812),
            resets_in: Some(Duration::from_secs(125)),
            paused_for: None,
        });
        let told = told.unwrap();
        assert_eq!(told.text, "4,812 of 15,000");
        assert_eq!(told.resets, "reset in 2 min 5 s");
    }

    #[test]
    fn figures_are_grouped() {
        for (number, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(thousands(number), text);
        }
    }
}
