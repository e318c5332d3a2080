//! Telling Port: in order, again and again until Port has it.
//!
//! The calls of a run are in the journal before the first is sent and leave it when Port has answered, so a kill
//! repeats a call and never loses one. What becomes of a call that Port does not take:
//!
//! | call | Port cannot be reached, 5xx, 429, 401 | Port refuses what it says (400, 413, 422) | another refusal |
//! |---|---|---|---|
//! | it has ended | tried for ever | tried in its shortest form | tried for a day: it may be a proxy's |
//! | it has begun | tried for ever; for an hour if more waits behind it | given up | tried for an hour |
//! | label, summary, log | tried for about two minutes, so that it holds up nothing that matters | given up | given up |
//!
//! A 409 says that the run has ended in Port: nothing more is told.

use super::backoff;
use super::entry::Entry;
use super::report::PortCall;
use crate::metrics::{self, Metrics, PortResult};
use crate::port;
use std::collections::VecDeque;

/// How often the call that says that a run has begun is tried: about an hour with the pauses between.
const BEGIN_TRIES: u32 = 65;
/// How often the call that says that a run has ended is tried against a refusal: about a day.
const REFUSED_TRIES: u32 = 24 * 60;
/// How often calls are tried that the run's end does not depend on: about two minutes.
const NEWS_TRIES: u32 = 9;

/// What Port still has to be told about one run.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// With the numbers that they have in the journal.
    calls: VecDeque<(u32, PortCall)>,
    next: u32,
    /// Whether the first is being sent.
    pub(super) is_sending: bool,
    /// Whether Port has said that the run has ended, so that no call about it is wanted any more.
    pub(super) is_refused: bool,
    /// Whether a call that matters was given up.
    pub(super) has_lost: bool,
}

/// What became of a call.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// Port has it.
    Told,
    /// Port will never have it.
    GivenUp,
    /// The run has ended in Port, so no call about it is wanted any more.
    Ended,
}

impl Outbox {
    /// The outbox of a run from the journal.
    pub(super) fn restored(calls: Vec<(u32, PortCall)>) -> Outbox {
        Outbox {
            next: calls.last().map_or(0, |(number, _)| number + 1),
            calls: calls.into(),
            ..Outbox::default()
        }
    }

    /// Takes a call in; returns its number.
    pub(super) fn put(&mut self, call: PortCall) -> u32 {
        let number = self.next;
        self.next += 1;
        self.calls.push_back((number, call));
        number
    }

    /// The call that is to be sent now.
    pub(super) fn first(&self) -> Option<&(u32, PortCall)> {
        self.calls.front()
    }

    /// The first call is done with, or none is wanted any more. Returns the numbers that are over.
    pub(super) fn is_over(&mut self, fate: &Fate) -> Vec<u32> {
        self.is_sending = false;
        let first = self.calls.pop_front();
        match fate {
            Fate::Told => {}
            Fate::GivenUp => {
                self.has_lost |= first.as_ref().is_some_and(|(_, call)| matters(call));
            }
            Fate::Ended => {
                self.is_refused = true;
                let rest = std::mem::take(&mut self.calls);
                return first.into_iter().chain(rest).map(|it| it.0).collect();
            }
        }
        first.map(|(number, _)| number).into_iter().collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.calls.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.calls.len()
    }
}

/// Whether a call is the last word about a run: that the run has ended already is then no news.
pub(super) fn is_last(call: &PortCall) -> bool {
    matches!(call, PortCall::Finished(_))
}

fn matters(call: &PortCall) -> bool {
    matches!(call, PortCall::Started(_) | PortCall::Finished(_))
}

fn kind_of(call: &PortCall) -> metrics::PortCall {
    match call {
        PortCall::Started(_) => metrics::PortCall::Started,
        PortCall::Progress(_) => metrics::PortCall::Progress,
        PortCall::Log(_) => metrics::PortCall::Log,
        PortCall::Finished(_) => metrics::PortCall::Finished,
    }
}

/// How often a call is tried; none for no limit.
fn tries(entry: &Entry, call: &PortCall, is_refusal: bool) -> Option<u32> {
    match call {
        PortCall::Finished(_) => is_refusal.then_some(REFUSED_TRIES),
        PortCall::Started(_) => {
            let more_waits = entry.lock().outbox.len() > 1;
            (is_refusal || more_waits).then_some(BEGIN_TRIES)
        }
        PortCall::Progress(_) | PortCall::Log(_) => Some(NEWS_TRIES),
    }
}

/// Sends a call until its fate is known.
pub(super) async fn send(entry: &Entry, call: &PortCall, metrics: &Metrics) -> Fate {
    let run = entry.key.run.as_str();
    let count = |result| metrics.port_called(kind_of(call), result);
    let mut call = call.clone();
    let mut failures = 0;
    // Apart from the others, so that a long outage does not use up the patience with what comes after it.
    let mut refusals = 0;
    loop {
        let Err(error) = attempt(entry, &call).await else {
            count(PortResult::Ok);
            return Fate::Told;
        };
        let is_refusal = match &error {
            port::Error::Conflict { .. } => {
                // By an earlier try whose answer was lost, or by a person. Either way there is nothing left to tell.
                tracing::info!(run, "{error}");
                count(PortResult::Ended);
                return Fate::Ended;
            }
            port::Error::Refused { status, .. } => {
                count(PortResult::Refused);
                match after_refusal(&call, *status) {
                    Refusal::SayLess(shorter) => {
                        tracing::error!(run, "Port will not be told all of it: {error}");
                        call = *shorter;
                        continue;
                    }
                    Refusal::GiveUp => {
                        tracing::error!(run, "Port will not be told: {error}");
                        return Fate::GivenUp;
                    }
                    Refusal::TryAgain => true,
                }
            }
            _ => {
                count(PortResult::Retried);
                false
            }
        };
        failures += 1;
        refusals += u32::from(is_refusal);
        let counted = if is_refusal { refusals } else { failures };
        if tries(entry, &call, is_refusal).is_some_and(|most| counted >= most) {
            tracing::error!(run, "Port was not told in {failures} tries: {error}");
            return Fate::GivenUp;
        }
        let pause = backoff::with_jitter(backoff::delay(failures - 1));
        let pause = error.retry_after().map_or(pause, |asked| asked.max(pause));
        tracing::warn!(run, "{error}; next try in {} s", pause.as_secs_f32());
        tokio::time::sleep(pause).await;
    }
}

/// What follows from a refusal.
#[derive(Debug)]
enum Refusal {
    /// It may be what the call says.
    SayLess(Box<PortCall>),
    /// It may be somebody's on the way, and pass.
    TryAgain,
    GiveUp,
}

/// The end of a run that Port refuses as it is may be refused for its texts; without them the run still ends.
fn after_refusal(call: &PortCall, status: u16) -> Refusal {
    let is_about_the_content = matches!(status, 400 | 413 | 422);
    match call {
        PortCall::Finished(finished) if is_about_the_content => {
            let shortest = port::Finished {
                outcome: finished.outcome,
                message: SHORTEST.to_owned(),
                status_label: None,
                output: None,
            };
            if finished.message == SHORTEST {
                return Refusal::GiveUp;
            }
            Refusal::SayLess(Box::new(PortCall::Finished(shortest)))
        }
        PortCall::Finished(_) => Refusal::TryAgain,
        PortCall::Started(_) if !is_about_the_content => Refusal::TryAgain,
        PortCall::Started(_) | PortCall::Progress(_) | PortCall::Log(_) => Refusal::GiveUp,
    }
}

/// All that is said about an end whose words Port refuses.
const SHORTEST: &str = "The run has ended; Port refused what there was to say about it.";

async fn attempt(entry: &Entry, call: &PortCall) -> Result<(), port::Error> {
    let (port, kind, id) = (&entry.source.port, entry.kind, entry.key.run.as_str());
    match call {
        PortCall::Started(started) => port.started(kind, id, started).await,
        PortCall::Progress(progress) => port.progress(kind, id, progress).await,
        PortCall::Log(log) => port.log(kind, id, log).await,
        PortCall::Finished(finished) => port.finished(kind, id, finished).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log() -> PortCall {
        PortCall::Log(port::Log::default())
    }

    fn started() -> PortCall {
        PortCall::Started(port::Started::default())
    }

    #[test]
    fn calls_keep_their_order_and_their_numbers_over_a_restart() {
        let mut outbox = Outbox::restored(vec![(4, started()), (6, log())]);
        assert_eq!(outbox.put(log()), 7);
        assert_eq!(outbox.first().unwrap().0, 4);
        assert_eq!(outbox.is_over(&Fate::Told), [4]);
        assert_eq!(outbox.is_over(&Fate::GivenUp), [6]);
        assert!(!outbox.has_lost);
        assert_eq!(outbox.is_over(&Fate::Told), [7]);
        assert!(outbox.is_empty());
    }

    #[test]
    fn an_end_whose_words_are_refused_is_said_with_fewer_and_a_proxys_refusal_may_pass() {
        let end = PortCall::Finished(port::Finished {
            outcome: port::Outcome::Success,
            message: "x".repeat(2_000_000),
            status_label: Some("Succeeded".to_owned()),
            output: None,
        });
        let Refusal::SayLess(shorter) = after_refusal(&end, 413) else {
            panic!("given up")
        };
        assert!(matches!(after_refusal(&shorter, 422), Refusal::GiveUp));
        for status in [302, 403, 404] {
            assert!(
                matches!(after_refusal(&end, status), Refusal::TryAgain),
                "{status}"
            );
            assert!(matches!(
                after_refusal(&started(), status),
                Refusal::TryAgain
            ));
            assert!(matches!(after_refusal(&log(), status), Refusal::GiveUp));
        }
    }

    #[test]
    fn when_the_run_has_ended_in_port_nothing_more_is_told() {
        let mut outbox = Outbox::restored(vec![(0, started()), (1, log())]);
        assert_eq!(outbox.is_over(&Fate::Ended), [0, 1]);
        assert!(outbox.is_empty() && outbox.is_refused);
    }

    #[test]
    fn a_begin_that_was_given_up_is_remembered() {
        let mut outbox = Outbox::restored(vec![(0, started())]);
        outbox.is_over(&Fate::GivenUp);
        assert!(outbox.has_lost);
    }
}
