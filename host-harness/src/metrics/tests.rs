//! What is rendered is read back by a strict reader of the text format (OpenMetrics 1.0), which knows no metric of
//! ours.

use super::label::Label;
use super::*;
use crate::port::RunKind;
use http::StatusCode;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

type Labels = Vec<(String, String)>;

/// A metric as the reader saw it.
#[derive(Debug, Default)]
struct Read {
    kind: String,
    unit: Option<String>,
    help: String,
    /// Name suffix and labels of each line, and its value.
    samples: BTreeMap<(String, Labels), f64>,
}

impl Read {
    fn value(&self, suffix: &str, labels: &[(&str, &str)]) -> f64 {
        let labels = labels.iter().map(|(k, v)| (k.to_string(), v.to_string()));
        let key = (suffix.to_owned(), labels.collect());
        *self.samples.get(&key).unwrap_or_else(|| {
            panic!("no sample {key:?}: {self:?}");
        })
    }
}

/// Reads the whole text; panics at the first line that the format does not allow.
fn read(text: &str) -> BTreeMap<String, Read> {
    let body = text.strip_suffix("# EOF\n").expect("the end is marked");
    let mut all: BTreeMap<String, Read> = BTreeMap::new();
    let mut current = String::new();
    for line in body.split_terminator('\n') {
        let Some(about) = line.strip_prefix("# ") else {
            let metric = all.get_mut(&current).expect("a sample after its metadata");
            let (name, labels, value) = sample(line);
            let suffix = name
                .strip_prefix(current.as_str())
                .unwrap_or_else(|| panic!("{line} stands under {current}"));
            let allowed: &[&str] = match metric.kind.as_str() {
                "counter" => &["_total"],
                "gauge" => &[""],
                "histogram" => &["_bucket", "_sum", "_count"],
                other => panic!("unknown type {other}"),
            };
            assert!(allowed.contains(&suffix), "{line}");
            let before = metric.samples.insert((suffix.to_owned(), labels), value);
            assert_eq!(before, None, "twice: {line}");
            continue;
        };
        let mut words = about.splitn(3, ' ');
        let (what, name) = (words.next().unwrap(), words.next().unwrap());
        let rest = words.next().unwrap().to_owned();
        if what == "HELP" {
            assert!(!all.contains_key(name), "{name} is described twice");
            assert!(is_name(name), "{name:?}");
            current = name.to_owned();
            all.entry(current.clone()).or_default().help = rest;
            continue;
        }
        assert_eq!(name, current, "{line}");
        let metric = all.get_mut(name).unwrap();
        match what {
            "TYPE" => metric.kind = rest,
            "UNIT" => metric.unit = Some(rest),
            other => panic!("unknown metadata {other}"),
        }
    }
    all
}

/// Name, labels and value of a line without exemplar and timestamp.
fn sample(line: &str) -> (String, Labels, f64) {
    let (series, value) = line.rsplit_once(' ').expect("a value");
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').expect("closed")),
        None => (series, ""),
    };
    assert!(is_name(name), "{line}");
    let labels = labels.split_terminator(',').map(|label| {
        let (key, value) = label.split_once("=\"").expect("a quoted value");
        let value = value.strip_suffix('"').expect("a closed quote");
        assert!(is_name(key) && !value.contains(['"', '\\']), "{line}");
        (key.to_owned(), value.to_owned())
    });
    (name.to_owned(), labels.collect(), value.parse().unwrap())
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_lowercase())
        && text
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// Every method called with every value of its labels.
fn everything() -> Metrics {
    let metrics = Metrics::new(UNIX_EPOCH + Duration::from_millis(1_764_000_000_500));
    for kind in RunKind::ALL {
        metrics.run_claimed(kind);
    }
    RunOutcome::ALL.iter().for_each(|o| metrics.run_ended(*o));
    let results = DispatchResult::ALL;
    results.iter().for_each(|r| metrics.dispatched(*r));
    CheckResult::ALL.iter().for_each(|r| metrics.checked(*r));
    metrics.cancel_sent();
    metrics.dispatch_waited(Duration::from_millis(20));
    metrics.run_lasted(Duration::from_secs(90));
    Phase::ALL.iter().for_each(|p| metrics.set_runs(*p, 7));
    metrics.set_dispatches_under_way(2);
    let results = ClaimResult::ALL;
    results.iter().for_each(|r| metrics.claim_answered(*r));
    for call in PortCall::ALL {
        let results = PortResult::ALL;
        results.iter().for_each(|r| metrics.port_called(*call, *r));
    }
    metrics.set_outbox_waiting(3);
    metrics.set_installations(998, 2);
    let statuses = <StatusCode as Label>::ALL;
    statuses.iter().for_each(|s| metrics.delivery_answered(*s));
    let results = DeliveryResult::ALL;
    results.iter().for_each(|r| metrics.delivery_handled(*r));
    metrics.end_reported(Duration::from_millis(12));
    metrics.set_inbox_waiting(4);
    metrics.journal_committed(3, Duration::from_micros(700));
    metrics.journal_failed();
    metrics.set_journal_size(1 << 20);
    for function in GuestFunction::ALL {
        metrics.guest_called(*function, Duration::from_micros(72));
    }
    metrics.set_lowest_rate_budget(Some(4_711));
    metrics
}

#[test]
fn what_is_rendered_is_well_formed_and_named_by_the_rules() {
    for (name, metric) in read(&everything().render()) {
        assert!(name.starts_with("host_harness_"), "{name}");
        assert!(!metric.samples.is_empty(), "{name} has no sample");
        assert!(metric.help.len() > 10 && metric.help.ends_with('.'));
        match &metric.unit {
            Some(unit) => assert!(["seconds", "bytes"].contains(&unit.as_str())),
            None => assert!(!name.ends_with("_seconds") && !name.ends_with("_bytes")),
        }
        if metric.kind == "histogram" {
            assert_histogram(&name, &metric);
        }
    }
}

/// Bounds rise, counts never fall, and the last bucket holds everything.
fn assert_histogram(name: &str, metric: &Read) {
    let mut series: BTreeMap<Labels, Vec<(f64, f64)>> = BTreeMap::new();
    for ((suffix, labels), value) in &metric.samples {
        if suffix == "_bucket" {
            let (le, others): (Vec<_>, Vec<_>) = labels.iter().cloned().partition(|l| l.0 == "le");
            let bound = le[0].1.parse().unwrap();
            series.entry(others).or_default().push((bound, *value));
        }
    }
    assert!(!series.is_empty(), "{name} has no bucket");
    for (labels, mut buckets) in series {
        buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        assert!(
            buckets
                .windows(2)
                .all(|w| w[0].0 < w[1].0 && w[0].1 <= w[1].1),
            "{name}: {buckets:?}"
        );
        let (bound, most) = *buckets.last().unwrap();
        let count = metric.samples[&("_count".to_owned(), labels)];
        assert!(
            bound.is_infinite() && most == count && count >= 1.0,
            "{name}"
        );
    }
}

#[test]
fn no_label_can_hold_what_a_customer_makes() {
    let closed = [
        ("kind", values::<RunKind>()),
        ("outcome", values::<RunOutcome>()),
        ("phase", values::<Phase>()),
        ("state", BTreeSet::from(["ready", "not-ready"])),
        ("call", values::<PortCall>()),
        ("function", values::<GuestFunction>()),
        ("status", values::<StatusCode>()),
        (
            "result",
            [
                values::<DispatchResult>(),
                values::<CheckResult>(),
                values::<ClaimResult>(),
                values::<PortResult>(),
                values::<DeliveryResult>(),
            ]
            .into_iter()
            .flatten()
            .collect(),
        ),
    ];
    let closed: BTreeMap<&str, BTreeSet<&str>> = closed.into_iter().collect();
    for (name, metric) in read(&everything().render()) {
        for (key, value) in metric.samples.keys().flat_map(|(_, labels)| labels) {
            let known = key == "le" || closed[key.as_str()].contains(value.as_str());
            assert!(known, "{name}: {key}={value:?}");
        }
    }
}

fn values<L: Label>() -> BTreeSet<&'static str> {
    L::ALL.iter().map(Label::value).collect()
}

#[test]
fn every_series_exists_from_the_start_and_none_appears_later() {
    let series = |metrics: &Metrics| -> BTreeSet<String> {
        let text = metrics.render();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        samples
            .map(|line| line.rsplit_once(' ').unwrap().0.to_owned())
            .collect()
    };
    let fresh = Metrics::new(UNIX_EPOCH);
    let mut expected = series(&everything());
    assert!(expected.remove("host_harness_rate_budget_lowest"));
    assert_eq!(series(&fresh), expected);
}

#[test]
fn a_rate_budget_that_nobody_knows_is_left_out_and_not_zero() {
    let metrics = everything();
    let name = "host_harness_rate_budget_lowest";
    assert_eq!(read(&metrics.render())[name].value("", &[]), 4_711.0);
    metrics.set_lowest_rate_budget(Some(0));
    assert_eq!(read(&metrics.render())[name].value("", &[]), 0.0);
    metrics.set_lowest_rate_budget(None);
    assert!(!metrics.render().contains(name));
}

#[test]
fn clones_count_together_and_each_value_lands_in_its_own_series() {
    let metrics = Metrics::new(UNIX_EPOCH + Duration::from_millis(1_500));
    let clone = metrics.clone();
    clone.run_ended(RunOutcome::HandedOver);
    metrics.run_ended(RunOutcome::HandedOver);
    clone.port_called(PortCall::Finished, PortResult::Retried);
    clone.journal_committed(3, Duration::from_millis(2));
    clone.guest_called(GuestFunction::Plan, Duration::from_micros(200));
    clone.set_runs(Phase::Parked, 10_000);
    clone.set_runs(Phase::Parked, 9_999);
    let read = read(&metrics.render());
    let total = |name: &str, labels: &[(&str, &str)]| {
        read[&format!("host_harness_{name}")].value("_total", labels)
    };
    assert_eq!(total("runs_ended", &[("outcome", "handed-over")]), 2.0);
    assert_eq!(total("runs_ended", &[("outcome", "returned")]), 0.0);
    assert_eq!(
        total("port_calls", &[("call", "finished"), ("result", "retried")]),
        1.0
    );
    assert_eq!(total("journal_commits", &[]), 1.0);
    let sets = &read["host_harness_journal_commit_change_sets"];
    assert_eq!(sets.value("_sum", &[]), 3.0);
    assert_eq!(sets.value("_bucket", &[("le", "2.0")]), 0.0);
    assert_eq!(sets.value("_bucket", &[("le", "4.0")]), 1.0);
    let calls = &read["host_harness_guest_call_duration_seconds"];
    assert_eq!(calls.value("_count", &[("function", "plan")]), 1.0);
    assert_eq!(calls.value("_count", &[("function", "dispatch")]), 0.0);
    let runs = &read["host_harness_runs"];
    assert_eq!(runs.value("", &[("phase", "parked")]), 9_999.0);
    let start = &read["host_harness_start_time_seconds"];
    assert_eq!(start.value("", &[]), 1.5);
}

#[test]
fn the_documentation_lists_every_metric_with_its_type_and_labels() {
    let page = include_str!("../../../docs/metrics.md");
    let mut documented: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for row in page
        .lines()
        .filter(|line| line.starts_with("| `host_harness_"))
    {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let before = documented.insert(cells[1].trim_matches('`'), cells);
        assert!(before.is_none(), "twice: {row}");
    }
    for (name, metric) in read(&everything().render()) {
        let exposed = match metric.kind.as_str() {
            "counter" => format!("{name}_total"),
            _ => name,
        };
        let cells = documented
            .remove(exposed.as_str())
            .unwrap_or_else(|| panic!("docs/metrics.md does not list {exposed}"));
        assert_eq!(cells[2], metric.kind, "{exposed}");
        let labels: BTreeSet<(&str, &str)> = metric
            .samples
            .keys()
            .flat_map(|(_, labels)| labels)
            .map(|(key, value)| (key.as_str(), value.as_str()))
            .filter(|(key, _)| *key != "le")
            .collect();
        for (key, value) in &labels {
            let word = |text: &str| cells[3].contains(&format!("`{text}`"));
            assert!(word(key) && word(value), "{exposed}: {key}={value}");
        }
        let words = cells[3].matches('`').count() / 2;
        let keys: BTreeSet<&str> = labels.iter().map(|(key, _)| *key).collect();
        assert_eq!(words, labels.len() + keys.len(), "{exposed}: {}", cells[3]);
    }
    assert!(documented.is_empty(), "not rendered: {documented:?}");
}
