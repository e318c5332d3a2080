//! How it goes with the plugin and the server behind it.

use super::Metrics;
use super::label::{DurationsBy, label, whole};
use prometheus_client::encoding::{EncodeMetric, MetricEncoder};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

label! {
    /// A function of the contract.
    GuestFunction is "function":
    /// What the plugin is.
    Describe = "describe",
    /// Is a definition complete?
    Configure = "configure",
    /// Are the parameters valid?
    Plan = "plan",
    /// Start a run.
    Dispatch = "dispatch",
    /// What does a delivery say?
    HandleWebhook = "handle-webhook",
    /// How does a run stand?
    Check = "check",
    /// Stop a run.
    Cancel = "cancel",
}

impl GuestFunction {
    /// Its name in the contract.
    pub fn as_str(self) -> &'static str {
        match self {
            GuestFunction::Describe => "describe",
            GuestFunction::Configure => "configure",
            GuestFunction::Plan => "plan",
            GuestFunction::Dispatch => "dispatch",
            GuestFunction::HandleWebhook => "handle-webhook",
            GuestFunction::Check => "check",
            GuestFunction::Cancel => "cancel",
        }
    }
}

/// Seconds of a call: microseconds without requests, up to the longest wall time with them.
fn durations() -> Histogram {
    Histogram::new([
        0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5,
        5.0, 10.0, 30.0, 60.0, 120.0,
    ])
}

#[derive(Debug)]
pub(super) struct Guest {
    calls: DurationsBy<GuestFunction>,
    budget: LastKnown,
}

impl Guest {
    pub(super) fn register(registry: &mut Registry) -> Guest {
        let budget = LastKnown::default();
        registry.register(
            "rate_budget_lowest",
            "Requests that the server still grants, of the installation that has the fewest left",
            budget.clone(),
        );
        Guest {
            calls: DurationsBy::register(
                registry,
                "guest_call_duration",
                "Wall time of the plugin's calls, with the requests that they made",
                durations,
            ),
            budget,
        }
    }
}

impl Metrics {
    /// A call of the plugin has ended, well or not. `plan` and an irrelevant `handle-webhook` show what the sandbox
    /// costs; `dispatch` and `check` show how fast the server answers.
    pub fn guest_called(&self, function: GuestFunction, took: Duration) {
        self.families.guest.calls.observe(function, took);
    }

    /// The fewest requests that any installation has left; none while no server has said. Near 0, runs of that
    /// installation are about to be parked: give it a credential of its own, or fewer checks. Without a value the
    /// metric is left out, so that nobody takes "unknown" for 0.
    pub fn set_lowest_rate_budget(&self, requests: Option<u64>) {
        self.families.guest.budget.set(requests);
    }
}

/// A gauge that may have no value.
#[derive(Debug, Clone, Default)]
struct LastKnown(Arc<Mutex<Option<u64>>>);

impl LastKnown {
    fn get(&self) -> Option<u64> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, value: Option<u64>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = value;
    }
}

impl EncodeMetric for LastKnown {
    fn encode(&self, mut encoder: MetricEncoder) -> fmt::Result {
        match self.get() {
            Some(value) => encoder.encode_gauge(&whole(value)),
            None => Ok(()),
        }
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Gauge
    }

    fn is_empty(&self) -> bool {
        self.get().is_none()
    }
}
