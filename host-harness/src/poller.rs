//! Asking Port for runs, one loop for each installation.

use crate::lifecycle::{Lifecycle, Source};
use crate::port::{self, Claim, Claimed, RunKind, TokenOwner};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// Most runs of one installation that have a life at once. Above, no more are claimed: the rest waits in Port, where
/// another host can take it.
const MOST_ACTIVE: usize = 1_000;
/// Most runs of one claim.
const CLAIM: usize = 50;
/// How often Port is asked, while there are no runs, whether action processing has been switched on or off.
const LOOK_AGAIN: Duration = Duration::from_secs(60);
/// Longest pause after claims that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// How often and for how long runs are claimed.
#[derive(Debug, Clone, Copy)]
pub struct ClaimTimes {
    /// Pause when there are no runs.
    pub interval: Duration,
    /// How long a claimed run is kept from others until it is acked.
    pub visibility_timeout: Duration,
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
    source: Arc<Source>,
    times: ClaimTimes,
    stop: CancellationToken,
    report: impl Fn(Readiness),
) {
    let mut poller = Poller {
        lifecycle,
        source,
        times,
        feeds: RunKind::ALL.map(Feed::new),
        switched_off: false,
        asked: Instant::now(),
        full: false,
        last: Readiness::Starting,
        report,
    };
    let work = poller.run();
    tokio::select! {
        () = work => {}
        () = stop.cancelled() => {}
    }
}

struct Poller<R> {
    lifecycle: Lifecycle,
    source: Arc<Source>,
    times: ClaimTimes,
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
    failures: u32,
    due: Instant,
    trouble: Option<String>,
}

impl Feed {
    fn new(kind: RunKind) -> Feed {
        Feed {
            kind,
            failures: 0,
            due: Instant::now(),
            trouble: None,
        }
    }
}

impl<R: Fn(Readiness)> Poller<R> {
    async fn run(&mut self) {
        if !self.may_claim().await {
            return;
        }
        loop {
            // Which feed goes first takes turns, so that a full one cannot starve the other.
            self.feeds.reverse();
            let mut taken = 0;
            for number in 0..self.feeds.len() {
                taken += self.claim(number).await;
            }
            if taken > 0 {
                self.switched_off = false;
            } else if self.asked.elapsed() > LOOK_AGAIN {
                self.ask_whether_switched_off().await;
            }
            self.tell(self.readiness());
            if taken == 0 {
                tokio::time::sleep(self.times.interval).await;
            }
        }
    }

    fn readiness(&self) -> Readiness {
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
                    let pause = pause(self.times.interval, failures, &error);
                    failures += 1;
                    tokio::time::sleep(pause).await;
                }
            }
        }
        self.ask_whether_switched_off().await;
        true
    }

    /// Port offers no runs to an installation whose action processing is off; it may be switched on at any time.
    async fn ask_whether_switched_off(&mut self) {
        let id = self.source.installation.id();
        self.asked = Instant::now();
        match self.source.port.integration(id).await {
            Ok(integration) => {
                self.switched_off = integration.actions_processing_enabled != Some(true);
            }
            // Claims will tell whether Port works at all.
            Err(error) => tracing::warn!(
                installation = id,
                "Port cannot say whether action processing is on: {error}"
            ),
        }
    }

    /// Claims from one feed, if it is due; returns how many runs were taken in.
    async fn claim(&mut self, number: usize) -> usize {
        let limit = self.room();
        let interval = self.times.interval;
        let Some(feed) = self.feeds.get_mut(number) else {
            return 0;
        };
        if feed.due > Instant::now() || limit == 0 {
            return 0;
        }
        let claim = Claim {
            installation_id: self.source.installation.id().to_owned(),
            limit,
            visibility_timeout: self.times.visibility_timeout,
            exclude: vec![],
        };
        match self.source.port.claim(feed.kind, &claim).await {
            Ok(claimed) => {
                feed.failures = 0;
                feed.trouble = None;
                self.take_in(claimed)
            }
            Err(error) => {
                feed.due = Instant::now() + pause(interval, feed.failures, &error);
                feed.failures += 1;
                feed.trouble = Some(format!(
                    "no runs can be claimed ({}s): {error}",
                    feed.kind.as_str()
                ));
                0
            }
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

    /// How many runs may be claimed at once now. Says once when there is no room.
    fn room(&mut self) -> u32 {
        let installation = self.source.installation.id();
        let room = MOST_ACTIVE.saturating_sub(self.lifecycle.active_of(installation));
        if room == 0 && !self.full {
            tracing::warn!(
                installation,
                "{MOST_ACTIVE} runs are under way: no more are claimed until some have ended"
            );
        }
        self.full = room == 0;
        u32::try_from(room.min(CLAIM)).unwrap_or_default()
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
