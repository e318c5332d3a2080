//! How it goes with webhooks.

use super::Metrics;
use super::label::{Counters, Durations, Label, gauge, label, whole};
use http::StatusCode;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::time::Duration;

/// What a delivery is answered with. Only the listener chooses it, among a few.
impl Label for StatusCode {
    const KEY: &'static str = "status";
    const ALL: &'static [StatusCode] = &[
        StatusCode::ACCEPTED,
        StatusCode::BAD_REQUEST,
        StatusCode::UNAUTHORIZED,
        StatusCode::NOT_FOUND,
        StatusCode::REQUEST_TIMEOUT,
        StatusCode::PAYLOAD_TOO_LARGE,
        StatusCode::TOO_MANY_REQUESTS,
        StatusCode::SERVICE_UNAVAILABLE,
    ];

    fn value(&self) -> &str {
        self.as_str()
    }
}

label! {
    /// What an accepted delivery turned out to be.
    DeliveryResult is "result":
    /// News of a run.
    News = "news",
    /// News of a run that is not known yet; it is kept until the run is.
    Early = "early",
    /// Nothing about a run of this host.
    Irrelevant = "irrelevant",
    /// The plugin could not make sense of it.
    Failed = "failed",
}

/// Seconds from the arrival of a run's end to Port having it.
const REPORT: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0,
];

#[derive(Debug)]
pub(super) struct Deliveries {
    answered: Counters<StatusCode>,
    handled: Counters<DeliveryResult>,
    report: Durations,
    inbox: Gauge,
}

impl Deliveries {
    pub(super) fn register(registry: &mut Registry) -> Deliveries {
        Deliveries {
            answered: Counters::register(
                registry,
                "deliveries_answered",
                "Webhook deliveries, by the status that they were answered with",
            ),
            handled: Counters::register(
                registry,
                "deliveries_handled",
                "Accepted webhook deliveries, by what they turned out to be",
            ),
            report: Durations::register(
                registry,
                "delivery_to_report",
                "Time from the arrival of a delivery that ends a run until Port has the end",
                REPORT,
            ),
            inbox: gauge(
                registry,
                "inbox_deliveries_waiting",
                "Accepted webhook deliveries that have not been handled yet",
            ),
        }
    }
}

impl Metrics {
    /// A delivery was answered. 401: a wrong or missing secret on one side, or a stranger. 404: a webhook for an
    /// installation that is not here any more. 503 and 429: more comes than can be handled. No rise of 202 for long,
    /// while runs end: the webhook is gone or cannot get through.
    pub fn delivery_answered(&self, status: StatusCode) {
        self.families.deliveries.answered.add_one(status);
    }

    /// An accepted delivery has been handled. Much `irrelevant` is normal where the workflows also run for other
    /// reasons; `failed` means that the plugin and the server have grown apart, and that checks do the work instead.
    pub fn delivery_handled(&self, result: DeliveryResult) {
        self.families.deliveries.handled.add_one(result);
    }

    /// The time from a delivery that ends a run until Port has the end: the host's own share of what people wait.
    pub fn end_reported(&self, after: Duration) {
        self.families.deliveries.report.observe(after);
    }

    /// How many accepted deliveries wait now. Rising: more comes than the plugin can handle; nothing is lost.
    pub fn set_inbox_waiting(&self, deliveries: u64) {
        self.families.deliveries.inbox.set(whole(deliveries));
    }
}
