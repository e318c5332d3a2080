//! What becomes of runs.

use super::Metrics;
use super::label::{Counters, Durations, Gauges, Label, counter, gauge, label, whole};
use crate::contract::{Failure, FailureKind, Started};
use crate::port::RunKind;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;
use std::time::Duration;

impl Label for RunKind {
    const KEY: &'static str = "kind";
    const ALL: &'static [RunKind] = &RunKind::ALL;

    fn value(&self) -> &str {
        match self {
            RunKind::Action => "action",
            RunKind::WorkflowNode => "workflow-node",
        }
    }
}

label! {
    /// How the host's part in a run ended.
    RunOutcome is "outcome":
    /// Its success was reported.
    Success = "success",
    /// Its failure was reported, or why it was not started.
    Failure = "failure",
    /// It was cancelled, and that was reported.
    Cancelled = "cancelled",
    /// It runs, and its end is not to be reported.
    HandedOver = "handed-over",
    /// Port says that somebody else had taken it.
    NotOurs = "not-ours",
    /// It had ended in Port by other hands.
    EndedElsewhere = "ended-elsewhere",
    /// It was given back to Port before anything was started.
    Returned = "returned",
}

label! {
    /// What a call of the plugin's `dispatch` came to. One run may need several.
    DispatchResult is "result":
    /// The server has accepted the run.
    Started = "started",
    /// The run's parameters are wrong.
    Invalid = "invalid",
    /// The server refused it.
    Rejected = "rejected",
    /// The server did not take the credential.
    Unauthorized = "unauthorized",
    /// The server wants a pause.
    RateLimited = "rate-limited",
    /// The server could not be reached.
    Unavailable = "unavailable",
    /// It is not known whether the run was started.
    Ambiguous = "ambiguous",
    /// The plugin cannot do that.
    Unsupported = "unsupported",
    /// A bug in the plugin, or a failure that this host does not know.
    Internal = "internal",
}

impl DispatchResult {
    /// What an answer of the plugin counts as. A failure of an unknown kind counts as what the host makes of it.
    pub fn of(answer: &Result<Started, Failure>) -> DispatchResult {
        let failure = match answer {
            Ok(_started) => return DispatchResult::Started,
            Err(failure) => failure,
        };
        match &failure.kind {
            FailureKind::InvalidParameters => DispatchResult::Invalid,
            FailureKind::Rejected => DispatchResult::Rejected,
            FailureKind::Unauthorized => DispatchResult::Unauthorized,
            FailureKind::RateLimited(_) => DispatchResult::RateLimited,
            FailureKind::Unavailable => DispatchResult::Unavailable,
            FailureKind::Ambiguous => DispatchResult::Ambiguous,
            FailureKind::Unsupported => DispatchResult::Unsupported,
            FailureKind::Other(_) if failure.request_sent => DispatchResult::Ambiguous,
            FailureKind::Internal | FailureKind::Other(_) => DispatchResult::Internal,
        }
    }
}

label! {
    /// What asking the server about a run came to.
    CheckResult is "result":
    /// There was news.
    News = "news",
    /// Nothing had changed.
    None = "none",
    /// The server or the plugin could not say.
    Failed = "failed",
}

label! {
    /// Where a run is that has not ended.
    Phase is "phase":
    /// Port is told that it is ours.
    Acking = "acking",
    /// It waits for its turn.
    Ready = "ready",
    /// The plugin starts it.
    Sending = "sending",
    /// It waits until the server may be asked again.
    Parked = "parked",
    /// The server runs it.
    Started = "started",
    /// It has ended on the server, and Port does not have that yet.
    Reporting = "reporting",
}

/// Seconds from a claim to its dispatch: usually far below one, up to the hour that a spent rate budget takes.
const WAIT: &[f64] = &[
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3600.0,
];
/// Seconds of a run's life, up to a day.
const LIFE: &[f64] = &[
    1.0, 5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0, 7200.0, 14400.0, 43200.0,
    86400.0,
];

#[derive(Debug)]
pub(super) struct Runs {
    claimed: Counters<RunKind>,
    ended: Counters<RunOutcome>,
    dispatches: Counters<DispatchResult>,
    checks: Counters<CheckResult>,
    cancels: Counter,
    wait: Durations,
    life: Durations,
    by_phase: Gauges<Phase>,
    dispatching: Gauge,
}

impl Runs {
    pub(super) fn register(registry: &mut Registry) -> Runs {
        Runs {
            claimed: Counters::register(registry, "runs_claimed", "Runs taken over from Port"),
            ended: Counters::register(
                registry,
                "runs_ended",
                "Runs that the host is done with, by how they ended",
            ),
            dispatches: Counters::register(
                registry,
                "dispatches",
                "Calls that start a run on the server, by what they came to",
            ),
            checks: Counters::register(
                registry,
                "checks",
                "Times that the server was asked how a run stands",
            ),
            cancels: counter(
                registry,
                "cancels",
                "Times that the server was asked to stop a run",
            ),
            wait: Durations::register(
                registry,
                "dispatch_wait",
                "Time from the claim of a run to its first dispatch",
                WAIT,
            ),
            life: Durations::register(
                registry,
                "run_duration",
                "Time from the claim of a run until the host is done with it",
                LIFE,
            ),
            by_phase: Gauges::register(registry, "runs", "Runs that have not ended, by phase"),
            dispatching: gauge(
                registry,
                "dispatches_under_way",
                "Calls that start a run on the server, at this moment",
            ),
        }
    }
}

impl Metrics {
    /// A run was taken over from Port. No rise while people press buttons: look at the claims.
    pub fn run_claimed(&self, kind: RunKind) {
        self.families.runs.claimed.add_one(kind);
    }

    /// The host is done with a run. Failures are mostly the workflows' own; a share of `failure` that jumps together
    /// with `rejected` dispatches is a credential, a permission or a changed workflow.
    pub fn run_ended(&self, outcome: RunOutcome) {
        self.families.runs.ended.add_one(outcome);
    }

    /// The plugin's `dispatch` has answered. `unauthorized`: the credential is wrong or has expired. `rate-limited`: a
    /// credential is used beyond its quota, spread the load or wait. `ambiguous`: the server answers late or not at
    /// all. `internal`: a bug of the plugin.
    pub fn dispatched(&self, result: DispatchResult) {
        self.families.runs.dispatches.add_one(result);
    }

    /// The server was asked how a run stands. Much `news` here means that webhooks do not come.
    pub fn checked(&self, result: CheckResult) {
        self.families.runs.checks.add_one(result);
    }

    /// The server was asked to stop a run: its time was over, or it was cancelled in Port.
    pub fn cancel_sent(&self) {
        self.families.runs.cancels.inc();
    }

    /// The time from a run's claim to its first dispatch. Rises when runs wait for their turn, for their partition or
    /// for a rate limit: what a person who pressed the button feels.
    pub fn dispatch_waited(&self, wait: Duration) {
        self.families.runs.wait.observe(wait);
    }

    /// The time from a run's claim until the host is done with it. Mostly the workflow's own time.
    pub fn run_lasted(&self, life: Duration) {
        self.families.runs.life.observe(life);
    }

    /// How many runs are in a phase now. Many in `ready`: too few dispatches at once. In `parked`: a rate limit or a
    /// server that cannot be reached. In `reporting`: Port does not take reports.
    pub fn set_runs(&self, phase: Phase, count: u64) {
        self.families.runs.by_phase.set(phase, count);
    }

    /// How many dispatches are under way now. At its limit for long, while runs are `ready`: raise the limit.
    pub fn set_dispatches_under_way(&self, count: u64) {
        self.families.runs.dispatching.set(whole(count));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts_as(kind: FailureKind, request_sent: bool) -> DispatchResult {
        DispatchResult::of(&Err(Failure {
            kind,
            code: String::new(),
            message: String::new(),
            remedy: None,
            request_sent,
        }))
    }

    #[test]
    fn a_failure_of_an_unknown_kind_counts_as_ambiguous_once_a_request_was_sent() {
        let unknown = || FailureKind::Other("new-kind".to_owned());
        assert_eq!(counts_as(unknown(), true), DispatchResult::Ambiguous);
        assert_eq!(counts_as(unknown(), false), DispatchResult::Internal);
        assert_eq!(
            counts_as(FailureKind::RateLimited(Some(3)), false),
            DispatchResult::RateLimited
        );
    }
}
