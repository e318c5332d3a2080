//! Asking Port for runs, one loop for each installation.
//!
//! How often: `scheduler/pace.rs`. How many: as many as there is room for; the rest waits in Port, where another host
//! can take it. An action that has used up its part of the room is left out of the claim, as Port's protocol allows, so
//! that one action with a thousand runs does not keep the others from being claimed at all.

use crate::journal::Journal;
use crate::lifecycle::{Lifecycle, Source};
use crate::metrics::{ClaimResult, Metrics};
use crate::port::{self, Claim, Claimed, RunKind, TokenOwner};
use crate::scheduler::Pace;
use futures_util::future::BoxFuture;
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt, StreamExt};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

/// Most runs of one claim.
const CLAIM: usize = 50;
/// Runs of all installations that wait here to be started. A bound on memory: 20,000 runs with 4 KB each are 80 MB.
const MOST_WAITING: usize = 20_000;
/// How often Port is asked, while there are no runs, whether action processing has been switched on or off.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Longest pause after token requests that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How runs are claimed.
#[derive(Debug, Clone, Copy)]
pub struct Claims {
    /// Pause when there are no runs.
    pub interval: Duration,
    /// How long a claimed run is kept from others until it is acked.
    pub visibility_timeout: Duration,
    /// How many runs may be claimed and not started yet.
    pub buffer: usize,
    /// How many percent of the buffer one action may have. None: all.
    pub percent_per_action: Option<u8>,
}

impl Default for Claims {
    /// A run waits half a second for an idle host. 300 and 30 % are the values of the integration that this host can
    /// replace.
    fn default() -> Claims {
        Claims {
            interval: Duration::from_secs(1),
            visibility_timeout: Duration::from_secs(60),
            buffer: 300,
            percent_per_action: Some(30),
        }
    }
}

impl Claims {
    /// How many more runs may be claimed, and which actions are left out, given how many runs of which action wait.
    fn room(&self, waiting: &BTreeMap<Option<String>, usize>) -> (usize, Vec<String>) {
        let room = self.buffer.saturating_sub(waiting.values().sum());
        let Some(percent) = self.percent_per_action else {
            return (room, vec![]);
        };
        let most = (self.buffer * usize::from(percent) / 100).max(1);
        let full = waiting.iter().filter(|(_, runs)| **runs >= most);
        (
            room,
            full.filter_map(|(action, _)| action.clone()).collect(),
        )
    }
}

/// Whether an installation can work: what `/health/ready` says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Nothing is known yet.
    Starting,
    /// Claims work.
    Ready,
    /// They don't, for this reason.
    Broken(String),
}

/// Claims runs until `stop`. Tells `report` whenever the installation's readiness changes.
pub async fn poll(
    lifecycle: Lifecycle,
    journal: Journal,
    metrics: Metrics,
    source: Arc<Source>,
    claims: Claims,
    stop: CancellationToken,
    report: impl Fn(Readiness),
) {
    let now = Instant::now();
    let mut poller = Poller {
        lifecycle,
        journal,
        metrics,
        source,
        claims,
        // A button that was not pressed all night is to work at once, so action runs are never asked for less often.
        feeds: RunKind::ALL.map(|kind| Feed {
            kind,
            pace: Pace::new(claims.interval, kind == RunKind::WorkflowNode, now),
            is_asked: false,
            trouble: None,
        }),
        switched_off: false,
        asked: now,
        full: false,
        last: Readiness::Starting,
        report,
    };
    let work = poller.run();
    tokio::select! {
        biased;
        () = work => {}
        () = stop.cancelled() => {}
    }
}

struct Poller<R> {
    lifecycle: Lifecycle,
    journal: Journal,
    metrics: Metrics,
    source: Arc<Source>,
    claims: Claims,
    feeds: [Feed; 2],
    /// Whether action processing is known to be switched off in Port.
    switched_off: bool,
    /// When Port was last asked about that.
    asked: Instant,
    /// Whether there are as many runs as may be.
    full: bool,
    last: Readiness,
    report: R,
}

/// One of Port's two lists of pending runs. Each has its own troubles: one that fails does not hold up the other.
struct Feed {
    kind: RunKind,
    pace: Pace,
    /// Whether Port is being asked.
    is_asked: bool,
    trouble: Option<String>,
}

/// What a claim comes back with.
type Answer = Result<Claimed, port::Error>;

/// What Port was asked comes back.
enum Heard {
    /// Runs of one of the lists.
    Claim(usize, Answer),
    /// Whether action processing is switched off, if Port could say.
    SwitchedOff(Option<bool>),
}

/// Port offers no runs to an installation whose action processing is off; it may be switched on at any time.
async fn is_switched_off(source: Arc<Source>) -> Option<bool> {
    let id = source.installation.id();
    match source.port.integration(id).await {
        Ok(integration) => Some(integration.actions_processing_enabled != Some(true)),
        // Claims will tell whether Port works at all.
        Err(error) => {
            tracing::warn!(
                installation = id,
                "Port cannot say whether action processing is on: {error}"
            );
            None
        }
    }
}

impl<R: Fn(Readiness)> Poller<R> {
    async fn run(&mut self) {
        if !self.may_claim().await {
            return;
        }
        // The two lists and the integration are asked side by side: one that hangs does not hold up the others.
        let mut under_way: FuturesUnordered<BoxFuture<'static, Heard>> = FuturesUnordered::new();
        loop {
            for number in 0..self.feeds.len() {
                under_way.extend(self.claim(number));
            }
            if self.asked.elapsed() > LOOK_AGAIN {
                self.asked = Instant::now();
                let look = is_switched_off(self.source.clone());
                under_way.push(Box::pin(look.map(Heard::SwitchedOff)));
            }
            self.tell(self.readiness());
            let waits = self.feeds.iter().filter(|feed| !feed.is_asked);
            let due = waits.map(|feed| feed.pace.due()).min();
            tokio::select! {
                biased;
                Some(heard) = under_way.next() => self.hear(heard),
                () = sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => {}
            }
        }
    }

    fn hear(&mut self, heard: Heard) {
        match heard {
            Heard::Claim(number, answer) => self.answered(number, answer),
            Heard::SwitchedOff(Some(switched_off)) => self.switched_off = switched_off,
            Heard::SwitchedOff(None) => {}
        }
    }

    fn readiness(&self) -> Readiness {
        if let Err(reason) = self.journal.health() {
            return Readiness::Broken(reason);
        }
        if let Some(trouble) = self.feeds.iter().find_map(|feed| feed.trouble.clone()) {
            return Readiness::Broken(trouble);
        }
        if self.switched_off {
            return Readiness::Broken(
                "action processing is switched off in Port, so Port offers no runs: set actionsProcessingEnabled of \
                 the integration to true"
                    .to_owned(),
            );
        }
        Readiness::Ready
    }

    /// Only machine tokens may claim runs. Asked until Port answers; false if the answer is no.
    async fn may_claim(&mut self) -> bool {
        let mut failures = 0;
        loop {
            match self.source.port.token_owner().await {
                Ok(TokenOwner::Machine) => break,
                Ok(TokenOwner::Person) => {
                    self.tell(Readiness::Broken(
                        "the client id and secret belong to a person or a service account, and only machine tokens \
                         may claim runs: use the credentials of the Port organization (Port: … menu, Credentials)"
                            .to_owned(),
                    ));
                    return false;
                }
                Ok(TokenOwner::Unknown) => {
                    self.tell(Readiness::Broken(
                        "Port's token does not say whose it is, and only machine tokens may claim runs: is the base \
                         URL really Port's API?"
                            .to_owned(),
                    ));
                    return false;
                }
                Err(error) => {
                    self.tell(Readiness::Broken(format!("no token from Port: {error}")));
                    let pause = pause(self.claims.interval, failures, &error);
                    failures += 1;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        if let Some(switched_off) = is_switched_off(self.source.clone()).await {
            self.switched_off = switched_off;
        }
        true
    }

    /// A claim from one feed, if it is due.
    fn claim(&mut self, number: usize) -> Option<BoxFuture<'static, Heard>> {
        let now = Instant::now();
        let is_due = |feed: &Feed| !feed.is_asked && feed.pace.due() <= now;
        if !self.feeds.get(number).is_some_and(is_due) {
            return None;
        }
        let (limit, exclude) = self.room();
        let feed = self.feeds.get_mut(number)?;
        // What cannot be written down is not claimed.
        if limit == 0 || self.journal.health().is_err() {
            feed.pace.hold(now);
            return None;
        }
        feed.is_asked = true;
        let kind = feed.kind;
        let claim = Claim {
            installation_id: self.source.installation.id().to_owned(),
            limit,
            visibility_timeout: self.claims.visibility_timeout,
            exclude,
        };
        let source = self.source.clone();
        Some(Box::pin(async move {
            Heard::Claim(number, source.port.claim(kind, &claim).await)
        }))
    }

    /// Takes in what a claim has brought.
    fn answered(&mut self, number: usize, answer: Answer) {
        let now = Instant::now();
        let (taken, error) = match answer {
            Ok(claimed) => (self.take_in(claimed), None),
            Err(error) => (0, Some(error)),
        };
        let Some(feed) = self.feeds.get_mut(number) else {
            return;
        };
        feed.is_asked = false;
        match error {
            None => {
                feed.trouble = None;
                feed.pace.answered(taken, now);
                self.metrics.claim_answered(match taken {
                    0 => ClaimResult::Empty,
                    _ => ClaimResult::Runs,
                });
            }
            Some(error) => {
                self.metrics.claim_answered(ClaimResult::Failed);
                feed.pace.failed(error.retry_after(), now);
                feed.trouble = Some(format!(
                    "no runs can be claimed ({}s): {error}",
                    feed.kind.as_str()
                ));
            }
        }
        if taken > 0 {
            self.switched_off = false;
        }
    }

    fn take_in(&self, claimed: Claimed) -> usize {
        let mut taken = 0;
        for unreadable in claimed.unreadable {
            taken += usize::from(self.lifecycle.offer_unreadable(&self.source, unreadable));
        }
        for run in claimed.runs {
            taken += usize::from(self.lifecycle.offer(&self.source, run));
        }
        taken
    }

    /// How many runs may be claimed at once now, and of which actions not. Says once when there is no room.
    fn room(&mut self) -> (u32, Vec<String>) {
        let installation = self.source.installation.id();
        let (own, exclude) = self.claims.room(&self.lifecycle.waiting_of(installation));
        let room = own.min(MOST_WAITING.saturating_sub(self.lifecycle.waiting()));
        if room == 0 && !self.full {
            tracing::warn!(
                installation,
                "as many runs wait to be started as may: no more are claimed until some have been"
            );
        }
        self.full = room == 0;
        (u32::try_from(room.min(CLAIM)).unwrap_or_default(), exclude)
    }

    /// Says what changed, once.
    fn tell(&mut self, now: Readiness) {
        if self.last == now {
            return;
        }
        let installation = self.source.installation.id();
        match &now {
            Readiness::Broken(reason) => tracing::error!(installation, "{reason}"),
            Readiness::Ready => tracing::info!(installation, "claiming runs"),
            Readiness::Starting => {}
        }
        (self.report)(now.clone());
        self.last = now;
    }
}

/// The pause after a failure: doubling, and at least what Port asks for.
fn pause(interval: Duration, failures: u32, error: &port::Error) -> Duration {
    let pause = interval
        .saturating_mul(2u32.saturating_pow(failures))
        .min(LONGEST_PAUSE);
    error.retry_after().map_or(pause, |asked| asked.max(pause))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(runs: &[(Option<&str>, usize)]) -> BTreeMap<Option<String>, usize> {
        runs.iter()
            .map(|(action, runs)| (action.map(str::to_owned), *runs))
            .collect()
    }

    #[test]
    fn an_action_that_has_its_part_of_the_buffer_is_left_out_and_the_others_are_not() {
        let claims = Claims {
            buffer: 10,
            ..Claims::default()
        };
        let (room, left_out) = claims.room(&waiting(&[
            (Some("deploy"), 3),
            (Some("test"), 2),
            (None, 4),
        ]));
        assert_eq!((room, left_out), (1, vec!["deploy".to_owned()]));
    }

    #[test]
    fn however_small_the_buffer_each_action_may_have_one_run() {
        let claims = Claims {
            buffer: 2,
            percent_per_action: Some(1),
            ..Claims::default()
        };
        assert_eq!(claims.room(&waiting(&[])), (2, vec![]));
        let (_, left_out) = claims.room(&waiting(&[(Some("deploy"), 1)]));
        assert_eq!(left_out, ["deploy"]);
    }
}
