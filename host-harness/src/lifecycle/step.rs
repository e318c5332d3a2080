//! What somebody who watches is told: every step of every run.

use super::decision::End;
use crate::contract::Outcome;
use std::fmt;
use std::sync::Arc;

/// A step in a run's life.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// The plugin has looked at it: what will be run.
    Planned {
        /// For people: `acme/shop · deploy.yml @ main`.
        target: String,
    },
    /// Port knows that it is ours.
    Acked,
    /// The plugin is asked to start it.
    Dispatching {
        /// Number of the attempt, from 1.
        attempt: u32,
    },
    /// The server has accepted it.
    Started {
        /// The id that connects everything.
        external_run_id: String,
    },
    /// It waits before it is tried again.
    Parked {
        /// Why.
        reason: String,
    },
    /// There is news: a label.
    News {
        /// What Port shows now.
        label: String,
    },
    /// The host's part has ended, and Port knows.
    Ended {
        /// How.
        end: End,
        /// What Port shows, or why it was not started.
        label: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::Planned { target } => write!(f, "planned: {target}"),
            Step::Acked => f.write_str("acked"),
            Step::Dispatching { attempt: 1 } => f.write_str("dispatching"),
            Step::Dispatching { attempt } => write!(f, "dispatching, attempt {attempt}"),
            Step::Started { external_run_id } => write!(f, "started as {external_run_id}"),
            Step::Parked { reason } => write!(f, "waiting: {reason}"),
            Step::News { label } => write!(f, "news: {label}"),
            Step::Ended { end, label } => match end {
                End::Reported(Outcome::Success) => write!(f, "reported SUCCESS: {label}"),
                End::Reported(Outcome::Failure) => write!(f, "reported FAILURE: {label}"),
                End::Reported(Outcome::Cancelled) => write!(f, "reported as cancelled: {label}"),
                End::HandedOver => write!(f, "handed over: {label}"),
                End::NotOurs | End::Elsewhere => write!(f, "left alone: {label}"),
            },
        }
    }
}

/// Somebody who is told every step: the installation's id, the run's id, the step. Must return quickly.
pub type Observer = Arc<dyn Fn(&str, &str, &Step) + Send + Sync>;
