//! Where a run stands, as a word and a mark: so that colour is not the only difference. The words of a run that goes on are those of the journal and the metrics.

use crate::contract::Outcome;
use crate::journal::Phase;
use crate::lifecycle::End;

/// Where a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// It goes on.
    UnderWay(Phase),
    /// The host's part has ended.
    Ended(End),
    /// The host has no such run any more, and did not say how it ended.
    Gone,
}

/// The state of a run by its end, or else by where the host has it.
pub(super) fn state(end: Option<End>, phase: Option<Phase>) -> State {
    match (end, phase) {
        (Some(end), _) => State::Ended(end),
        (None, Some(phase)) => State::UnderWay(phase),
        (None, None) => State::Gone,
    }
}

impl State {
    /// The word.
    pub(super) fn word(self) -> &'static str {
        match self {
            State::UnderWay(phase) => phase.as_str(),
            State::Ended(End::Reported(Outcome::Success)) => "succeeded",
            State::Ended(End::Reported(Outcome::Failure)) => "failed",
            State::Ended(End::Reported(Outcome::Cancelled)) => "cancelled",
            State::Ended(End::HandedOver) => "handed over",
            State::Ended(End::NotOurs | End::Elsewhere) => "left alone",
            State::Ended(End::Returned) => "given back",
            State::Gone => "gone",
        }
    }

    /// Which mark stands before the word.
    pub(super) fn mark(self) -> Mark {
        match self {
            State::UnderWay(Phase::Parked | Phase::Ready | Phase::Acking) => Mark::Waits,
            State::UnderWay(_) => Mark::Runs,
            State::Ended(End::Reported(Outcome::Success) | End::HandedOver) => Mark::Good,
            State::Ended(End::Reported(Outcome::Failure)) => Mark::Bad,
            State::Ended(End::Reported(Outcome::Cancelled)) => Mark::Stopped,
            State::Ended(_) | State::Gone => Mark::Aside,
        }
    }

    /// What a filter calls it.
    pub(super) fn slug(self) -> String {
        self.word().replace(' ', "-")
    }
}

/// A small picture beside a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mark {
    Good,
    Bad,
    Runs,
    Waits,
    Stopped,
    Aside,
    Step,
}

impl Mark {
    /// Whether it is a ring; else it is a disc.
    pub(super) fn is_ring(self) -> bool {
        matches!(self, Mark::Runs | Mark::Waits | Mark::Aside)
    }

    /// How large the disc is, in a square of 16.
    pub(super) fn radius(self) -> &'static str {
        match self {
            Mark::Step => "3.2",
            _ => "8",
        }
    }

    /// What is drawn in it.
    pub(super) fn path(self) -> &'static str {
        match self {
            Mark::Good => "M4.5 8.3 7 10.8 11.6 5.6",
            Mark::Bad => "M5.3 5.3 10.7 10.7M10.7 5.3 5.3 10.7",
            Mark::Runs => "M8 8h.01",
            Mark::Waits => "M8 4.4V8l2.4 1.6",
            Mark::Stopped | Mark::Aside => "M5 8h6",
            Mark::Step => "",
        }
    }
}

/// The class by which the style sheet knows it.
impl std::fmt::Display for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Mark::Good => "good",
            Mark::Bad => "bad",
            Mark::Runs => "runs",
            Mark::Waits => "waits",
            Mark::Stopped => "stopped",
            Mark::Aside => "aside",
            Mark::Step => "step",
        })
    }
}
