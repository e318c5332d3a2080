//! The words of the decisions: states, events, effects.

use crate::contract::{Completion, Failure, Outcome, Progress, RunPlan, RunUpdate, Started};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// Where a run is in its life.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum State {
    /// Claimed from Port; the plugin looks at it. Not in the journal yet.
    Planning,
    /// Port is told that the run is ours. What follows is decided already: start it, or say why not.
    Acking(Result<RunPlan, Failure>),
    /// It waits for its turn.
    Ready(RunPlan),
    /// The plugin starts it. No request that could do so has left.
    Dispatching(RunPlan),
    /// The plugin starts it, and a request that does so may have left.
    Sending(RunPlan),
    /// It waits until the server may be asked again.
    Parked {
        /// What was found out about it.
        plan: RunPlan,
        /// How long it waits.
        pause: Duration,
        /// Whether the server has asked for the pause, so that no other run of the installation should start either.
        limited: bool,
    },
    /// The server runs it; news is awaited.
    Started {
        /// The newest attempt that there was news of.
        attempt: u32,
        /// Whether it has run for longer than it may and is being cancelled.
        overdue: bool,
    },
    /// It has failed, and is not reported yet: somebody may run it again.
    Holding {
        /// The attempt that failed.
        attempt: u32,
        /// How.
        completion: Completion,
    },
    /// It has ended in Port, and the server is asked to stop it.
    Stopping,
    /// Nothing more will happen here but telling Port.
    Ended(End),
}

/// How the host's part in a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// Its end was reported, or its refusal.
    Reported(Outcome),
    /// It runs, and its end is not to be reported.
    HandedOver,
    /// It belongs to somebody else: Port says that it was taken already.
    NotOurs,
    /// It could not be taken from Port, which will offer it again.
    Returned,
    /// It has ended in Port by other hands: a person's, for instance.
    Elsewhere,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The plugin has looked at the run.
    Planned(Result<RunPlan, Failure>),
    /// Port has answered the ack.
    Acked(Ack),
    /// It is the run's turn.
    Turn,
    /// It would be its turn, but the server may not be asked for so long, for this reason.
    NoBudget(Duration, String),
    /// The first request that starts the run is about to leave.
    Leaving,
    /// The plugin has tried to start the run.
    Dispatched(Result<Started, Failure>),
    /// The time to wait is over.
    Woken,
    /// There was no news for a while.
    Quiet,
    /// There is news of the run.
    Updated(RunUpdate),
    /// The server was asked how the run stands, and could not say.
    Unanswered(Failure),
    /// It has run for as long as it may, or has not ended in the time that it got to be cancelled.
    Overdue,
    /// The server was asked to stop the run.
    Cancelled(Result<(), Failure>),
    /// Port says that the run has ended already.
    EndedElsewhere,
    /// The process has begun anew, with this state from the journal.
    Restarted,
}

impl Event {
    /// Whether a process that is started anew hears it once more, if this one is killed before it is written down: an ack is
    /// repeated, a delivery comes again until it is marked as handled, and where there was none, a check is made.
    pub(in crate::lifecycle) fn is_heard_again(&self) -> bool {
        matches!(self, Event::Acked(Ack::Ours) | Event::Updated(_))
    }
}

/// What Port says to an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ack {
    /// The run is ours.
    Ours,
    /// Somebody else has it.
    Taken,
    /// Port could not be told, and cannot have heard.
    Unheard,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Tell Port that the run is ours.
    Ack {
        /// Whether Port may have heard it before.
        again: bool,
    },
    /// Line up for a turn.
    LineUp,
    /// Let the plugin start the run; the number of the attempt.
    Dispatch(u32),
    /// Come back with [`Event::Woken`] after so long, holding nothing.
    Wake(Duration),
    /// Let no run of the installation start for so long: the server wants a pause and did not say how long.
    HoldInstallation(Duration),
    /// Come back with [`Event::Quiet`] if no news comes for so long.
    Listen(Duration),
    /// Ask the server how the run stands.
    Check,
    /// Come back with [`Event::Overdue`] when the run has been on the server for so long.
    Deadline(Duration),
    /// Come back with [`Event::Overdue`] after so long from now.
    LastChance(Duration),
    /// Ask the server to stop the run.
    Cancel,
    /// Tell Port something about the run. Writes of one run keep their order.
    Write(Write),
}

/// Something to tell Port.
#[derive(Debug, Clone, PartialEq)]
pub enum Write {
    /// The server has accepted the run.
    Started(Started),
    /// The run waits; a label that says for what.
    Waiting(String),
    /// It goes on.
    Progress(Progress),
    /// It has ended on the server.
    Completed(Completion),
    /// It was not started, for this reason.
    NotStarted(Failure),
}
