//! What `/metrics` tells an operator, in the OpenMetrics text format.
//!
//! * `runs`, `port`, `deliveries`, `journal`, `guest`: one concern each, with its labels, its metrics and the methods
//!   by which the host reports;
//! * `label`: what metrics are made of.
//!
//! No label holds anything that a customer can make: no installation, no run, no repository. Thousands of installations
//! cost as many series as one, and what belongs to one of them is found in the logs. All series exist from the start,
//! at 0. `docs/metrics.md` lists every metric; a test compares it with what is rendered.

mod deliveries;
mod guest;
mod journal;
mod label;
mod port;
mod runs;

pub use deliveries::DeliveryResult;
pub use guest::GuestFunction;
pub use port::{ClaimResult, PortCall, PortResult};
pub use runs::{CheckResult, DispatchResult, Phase, RunOutcome};

use prometheus_client::encoding::text;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// The content type of [`Metrics::render`] (OpenMetrics 1.0, section "Negotiation").
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that is counted. Cheap to clone; all clones count together.
///
/// What happens is reported when it happens (`run_claimed`, `journal_committed`, …). How many of something there are
/// (`set_…`) is best told just before [`Metrics::render`].
#[derive(Debug, Clone)]
pub struct Metrics {
    families: Arc<Families>,
}

#[derive(Debug)]
struct Families {
    registry: Registry,
    runs: runs::Runs,
    port: port::Port,
    deliveries: deliveries::Deliveries,
    journal: journal::Journal,
    guest: guest::Guest,
}

impl Metrics {
    /// Metrics of a process that `started` then, all at 0.
    pub fn new(started: SystemTime) -> Metrics {
        let mut registry = Registry::with_prefix("host_harness");
        let since_1970 = started.duration_since(UNIX_EPOCH).unwrap_or_default();
        registry.register_with_unit(
            "start_time",
            "When the process started, since 1970-01-01T00:00:00Z",
            Unit::Seconds,
            ConstGauge::new(since_1970.as_secs_f64()),
        );
        let families = Families {
            runs: runs::Runs::register(&mut registry),
            port: port::Port::register(&mut registry),
            deliveries: deliveries::Deliveries::register(&mut registry),
            journal: journal::Journal::register(&mut registry),
            guest: guest::Guest::register(&mut registry),
            registry,
        };
        Metrics {
            families: Arc::new(families),
        }
    }

    /// All metrics as OpenMetrics text, of the content type [`CONTENT_TYPE`].
    pub fn render(&self) -> String {
        let mut text = String::new();
        if let Err(error) = text::encode(&mut text, &self.families.registry) {
            // Then the end marker is missing too, and no scraper takes half for the whole.
            tracing::error!("the metrics cannot be rendered: {error}");
        }
        text
    }
}

#[cfg(test)]
mod tests;
