//! How it goes with Port: claims in, reports out.

use super::Metrics;
use super::label::{Counters, Gauges, PairCounters, gauge, label, whole};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

label! {
    /// What asking Port for runs came to.
    ClaimResult is "result":
    /// There were runs.
    Runs = "runs",
    /// There were none.
    Empty = "empty",
    /// Port did not answer, or answered something else.
    Failed = "failed",
}

label! {
    /// What Port is told about a run.
    PortCall is "call":
    /// It is ours.
    Ack = "ack",
    /// The server has accepted it.
    Started = "started",
    /// It goes on: a label, a summary.
    Progress = "progress",
    /// Lines for its log.
    Log = "log",
    /// It has ended.
    Finished = "finished",
}

label! {
    /// What became of one try to tell Port.
    PortResult is "result":
    /// Port has it.
    Ok = "ok",
    /// It failed and is tried again.
    Retried = "retried",
    /// Port refuses it for good.
    Refused = "refused",
    /// The run has ended in Port already, so there is nothing to tell.
    Ended = "ended",
}

label! {
    /// Whether runs can be claimed for an installation.
    InstallationState is "state":
    /// They can.
    Ready = "ready",
    /// They can't; `/health/ready` says why.
    NotReady = "not-ready",
}

#[derive(Debug)]
pub(super) struct Port {
    claims: Counters<ClaimResult>,
    calls: PairCounters<PortCall, PortResult>,
    outbox: Gauge,
    installations: Gauges<InstallationState>,
}

impl Port {
    pub(super) fn register(registry: &mut Registry) -> Port {
        Port {
            claims: Counters::register(registry, "claims", "Times that Port was asked for runs"),
            calls: PairCounters::register(
                registry,
                "port_calls",
                "Tries to tell Port something about a run",
            ),
            outbox: gauge(
                registry,
                "outbox_calls_waiting",
                "Calls to Port that are stored and that Port does not have yet",
            ),
            installations: Gauges::register(
                registry,
                "installations",
                "Installations, by whether runs can be claimed for them",
            ),
        }
    }
}

impl Metrics {
    /// Port was asked for runs. `failed` without the others: nothing starts any more, and `/health/ready` says why.
    pub fn claim_answered(&self, result: ClaimResult) {
        self.families.port.claims.add_one(result);
    }

    /// Port was told something, or could not be told. `retried` is Port's weather and heals; `refused` means that Port
    /// shows less than there was to say, and that this host and Port's API have grown apart.
    pub fn port_called(&self, call: PortCall, result: PortResult) {
        self.families.port.calls.add_one(call, result);
    }

    /// How many calls to Port wait now. Rising: Port is down or slow, people see old states; nothing is lost.
    pub fn set_outbox_waiting(&self, calls: u64) {
        self.families.port.outbox.set(whole(calls));
    }

    /// How many installations can work and how many can't. Not ready: that customer's runs stay in Port.
    pub fn set_installations(&self, ready: u64, not_ready: u64) {
        let states = &self.families.port.installations;
        states.set(InstallationState::Ready, ready);
        states.set(InstallationState::NotReady, not_ready);
    }
}
