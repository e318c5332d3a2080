//! What somebody who watches is told, and what the journal notes: every step of every run, in words.

use super::decision::{Ack, Effect, End, Event, Life, State, Write};
use crate::contract::{Change, Outcome};
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
    /// The server is asked to stop it.
    Cancelling,
    /// The host was started anew while the run was under way.
    Restored,
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
            Step::Cancelling => f.write_str("asking the server to cancel it"),
            Step::Restored => f.write_str("the host has started anew and goes on with it"),
            Step::Ended { end, label } => match end {
                End::Reported(Outcome::Success) => write!(f, "reported SUCCESS: {label}"),
                End::Reported(Outcome::Failure) => write!(f, "reported FAILURE: {label}"),
                End::Reported(Outcome::Cancelled) => write!(f, "reported as cancelled: {label}"),
                End::HandedOver => write!(f, "handed over: {label}"),
                End::NotOurs | End::Elsewhere => write!(f, "left alone: {label}"),
                End::Returned => write!(f, "given back to Port: {label}"),
            },
        }
    }
}

/// Somebody who is told every step: the installation's id, the run's id, the step. Must return quickly.
pub type Observer = Arc<dyn Fn(&str, &str, &Step) + Send + Sync>;

/// What there is to say about an event before it is handled.
pub(super) fn words(life: &Life, event: &Event) -> String {
    match event {
        Event::Planned(Err(failure)) | Event::Dispatched(Err(failure)) => failure.message.clone(),
        Event::NoBudget(_, reason) => reason.clone(),
        Event::Acked(Ack::Ours) => match life.state() {
            State::Acking(Err(failure)) => failure.message.clone(),
            _ => String::new(),
        },
        Event::Acked(Ack::Taken) => "somebody else has acked it".to_owned(),
        Event::Acked(Ack::Unheard) => "Port could not be told that it is ours".to_owned(),
        Event::Dispatched(Ok(_)) => "its end is not to be reported".to_owned(),
        Event::EndedElsewhere => "somebody has ended it in Port".to_owned(),
        Event::Updated(update) => match &update.change {
            Change::Progress(_) => String::new(),
            Change::Completed(completion) => completion.label.clone(),
        },
        _ => String::new(),
    }
}

/// The steps that an event and what followed from it are.
pub(super) fn steps(event: &Event, effects: &[Effect], words: &str) -> Vec<Step> {
    let happened = match event {
        Event::Planned(Ok(plan)) => Some(Step::Planned {
            target: plan.target.clone(),
        }),
        Event::Acked(Ack::Ours) => Some(Step::Acked),
        Event::Dispatched(Ok(started)) => Some(Step::Started {
            external_run_id: started.external_run_id.clone(),
        }),
        Event::Restarted => Some(Step::Restored),
        _ => None,
    };
    let follows = effects.iter().filter_map(|effect| match effect {
        Effect::Dispatch(attempt) => Some(Step::Dispatching { attempt: *attempt }),
        Effect::Wake(_) if !words.is_empty() => Some(Step::Parked {
            reason: words.to_owned(),
        }),
        Effect::Cancel => Some(Step::Cancelling),
        Effect::Write(Write::Progress(progress)) => {
            let label = progress.label.clone()?;
            Some(Step::News { label })
        }
        _ => None,
    });
    happened.into_iter().chain(follows).collect()
}
