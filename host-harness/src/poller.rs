//! Asking Port for runs, one loop for each installation.

use crate::lifecycle::{Lifecycle, Source};
use crate::port::{self, Claim, RunKind, TokenOwner};
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

/// Whether an installation can work: what `/health/ready` and `doctor` say.
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
        failures: 0,
        switched_off: false,
        asked: Instant::now(),
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
    failures: u32,
    /// Whether action processing is known to be switched off in Port.
    switched_off: bool,
    /// When Port was last asked about that.
    asked: Instant,
    last: Readiness,
    report: R,
}

impl<R: Fn(Readiness)> Poller<R> {
    async fn run(&mut self) {
        if !self.may_claim().await {
            return;
        }
        // Which feed goes first takes turns, so that a full one cannot starve the other.
        let mut order = RunKind::ALL;
        loop {
            order.reverse();
            let pause = match self.claim(order).await {
                Ok(0) => self.times.interval,
                Ok(_) => Duration::ZERO,
                Err(error) => self.failed(&error),
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// Only machine tokens may claim runs. Asked until Port answers; false if the answer is no.
    async fn may_claim(&mut self) -> bool {
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
                    let pause = self.failed(&error);
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

    async fn claim(&mut self, order: [RunKind; 2]) -> Result<usize, port::Error> {
        let id = self.source.installation.id();
        let mut taken = 0;
        for kind in order {
            let room = MOST_ACTIVE.saturating_sub(self.lifecycle.active_of(id));
            let limit = u32::try_from(room.min(CLAIM)).unwrap_or_default();
            if limit == 0 {
                break;
            }
            let claim = Claim {
                installation_id: id.to_owned(),
                limit,
                visibility_timeout: self.times.visibility_timeout,
                exclude: vec![],
            };
            let claimed = self.source.port.claim(kind, &claim).await?;
            for unreadable in claimed.unreadable {
                taken += usize::from(self.lifecycle.offer_unreadable(&self.source, unreadable));
            }
            for run in claimed.runs {
                taken += usize::from(self.lifecycle.offer(&self.source, run));
            }
        }
        self.failures = 0;
        if taken > 0 {
            self.switched_off = false;
        } else if self.asked.elapsed() > LOOK_AGAIN {
            self.ask_whether_switched_off().await;
        }
        self.tell(if self.switched_off {
            Readiness::Broken(
                "action processing is switched off in Port, so Port offers no runs: set actionsProcessingEnabled of \
                 the integration to true"
                    .to_owned(),
            )
        } else {
            Readiness::Ready
        });
        Ok(taken)
    }

    fn failed(&mut self, error: &port::Error) -> Duration {
        self.tell(Readiness::Broken(format!(
            "no runs can be claimed: {error}"
        )));
        let pause = self
            .times
            .interval
            .saturating_mul(2u32.saturating_pow(self.failures))
            .min(LONGEST_PAUSE);
        self.failures += 1;
        error.retry_after().map_or(pause, |asked| asked.max(pause))
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
