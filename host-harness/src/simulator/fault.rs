//! Faults: which requests they strike, how often, and what they do.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::lock;
use super::server::Received;

/// What happens to a request that a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Effect {
    /// This answer; the request is not processed.
    Answer {
        /// Status code.
        status: u16,
        /// Headers beside (and before) the usual ones.
        headers: Vec<(String, String)>,
        /// Body text.
        body: String,
    },
    /// The request is processed, and this answer hides how that went.
    ProcessThenAnswer {
        /// Status code.
        status: u16,
        /// Headers beside (and before) the usual ones.
        headers: Vec<(String, String)>,
        /// Body text.
        body: String,
    },
    /// The connection closes without an answer; nothing was processed.
    CutBeforeProcessing,
    /// The request is processed, then the connection closes without an answer.
    CutAfterProcessing,
    /// Processing starts this much later.
    Delay(Duration),
    /// The request is processed at once; the answer leaves this much later.
    HoldReply(Duration),
    /// The request is processed; the body of the answer comes in pieces, the last of them this much later.
    SlowBody(Duration),
    /// The request is processed; the answer breaks off in the middle of its body.
    TruncateBody,
    /// The request is processed; status and headers are right, the body is not JSON.
    GarbageBody,
}

impl Effect {
    /// An unprocessed answer with a JSON body.
    #[must_use]
    pub fn answer(status: u16, body: impl Into<String>) -> Self {
        Self::Answer {
            status,
            headers: json_header(),
            body: body.into(),
        }
    }

    /// A processed request with this JSON body instead of the true answer.
    #[must_use]
    pub fn process_then_answer(status: u16, body: impl Into<String>) -> Self {
        Self::ProcessThenAnswer {
            status,
            headers: json_header(),
            body: body.into(),
        }
    }

    /// Whether the client gets to see the true answer.
    fn loses_reply(&self) -> bool {
        !matches!(
            self,
            Self::Delay(_) | Self::HoldReply(_) | Self::SlowBody(_)
        )
    }
}

fn json_header() -> Vec<(String, String)> {
    vec![(
        "content-type".into(),
        "application/json; charset=utf-8".into(),
    )]
}

/// How often a fault strikes among the occasions that match it. The default is every time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schedule {
    pub(super) skip: u32,
    pub(super) times: Option<u32>,
    pub(super) share: Option<(u8, u64)>,
    each: Option<Each>,
}

/// A share of the distinct requests, however often each of them is repeated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Each {
    percent: u8,
    seed: u64,
    times: u32,
}

impl Schedule {
    /// Whether the occasion number `seen` (from 0) is struck, after `hits` earlier strikes.
    fn strikes(&self, seen: u32, hits: u32) -> bool {
        if seen < self.skip || self.times.is_some_and(|times| hits >= times) {
            return false;
        }
        match self.share {
            Some((percent, seed)) => {
                mix(seed.wrapping_add(u64::from(seen))) % 100 < u64::from(percent)
            }
            None => true,
        }
    }
}

/// SplitMix64: a seeded, well-spread decision per occasion, the same on every machine.
pub(crate) fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

macro_rules! schedule_methods {
    () => {
        /// Strikes once.
        #[must_use]
        pub fn once(self) -> Self {
            self.times(1)
        }

        /// Strikes at most this many times.
        #[must_use]
        pub fn times(mut self, times: u32) -> Self {
            self.schedule.times = Some(times);
            self
        }

        /// Spares the first `skip` matching occasions.
        #[must_use]
        pub fn after(mut self, skip: u32) -> Self {
            self.schedule.skip = skip;
            self
        }

        /// Strikes about `percent` of the matching occasions; which ones depends on the seed alone.
        #[must_use]
        pub fn share(mut self, percent: u8, seed: u64) -> Self {
            self.schedule.share = Some((percent, seed));
            self
        }
    };
}
pub(super) use schedule_methods;

/// FNV-1a: what a request is, as a number. The same request sent again has the same number.
fn subject(received: &Received) -> u64 {
    let parts = [
        received.method.as_bytes(),
        received.path.as_bytes(),
        &received.body,
    ];
    parts
        .into_iter()
        .flatten()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| {
            (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01B3)
        })
}

/// A fault: operation, further conditions, how often, effect.
#[derive(Debug, Clone)]
pub struct Fault {
    name: Option<String>,
    operation: String,
    path_contains: Option<String>,
    body_contains: Option<String>,
    schedule: Schedule,
    effect: Effect,
}

impl Fault {
    /// Strikes every request of that operation; `*` means any operation. The names are listed in
    /// [`github`](super::github) and [`port`](super::port).
    #[must_use]
    pub fn new(operation: impl Into<String>, effect: Effect) -> Self {
        Self {
            name: None,
            operation: operation.into(),
            path_contains: None,
            body_contains: None,
            schedule: Schedule::default(),
            effect,
        }
    }

    schedule_methods!();

    /// The name under which an [`Exchange`](super::Exchange) tells that this fault struck it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Strikes about `percent` of the distinct requests, each at most `times` times: a struck request that is sent again
    /// unchanged is the same request. Which ones depends on the seed and on the request alone, not on the order in which
    /// requests come.
    #[must_use]
    pub fn each(mut self, percent: u8, seed: u64, times: u32) -> Self {
        self.schedule.each = Some(Each {
            percent,
            seed,
            times,
        });
        self
    }

    /// Only requests whose path and query contain this text.
    #[must_use]
    pub fn when_path_contains(mut self, text: impl Into<String>) -> Self {
        self.path_contains = Some(text.into());
        self
    }

    /// Only requests whose body contains this text.
    #[must_use]
    pub fn when_body_contains(mut self, text: impl Into<String>) -> Self {
        self.body_contains = Some(text.into());
        self
    }

    fn matches(&self, operation: &str, received: &Received) -> bool {
        (self.operation == "*" || self.operation == operation)
            && self.path_contains.as_ref().is_none_or(|text| {
                received.path.contains(text)
                    || received
                        .query
                        .as_ref()
                        .is_some_and(|query| query.contains(text))
            })
            && self
                .body_contains
                .as_ref()
                .is_none_or(|text| String::from_utf8_lossy(&received.body).contains(text.as_str()))
    }
}

/// A fault in place: tells how often it struck, and takes it out again.
#[derive(Debug, Clone, Default)]
pub struct Injected {
    hits: Arc<AtomicU32>,
    removed: Arc<AtomicBool>,
}

impl Injected {
    /// How often the fault struck so far.
    #[must_use]
    pub fn hits(&self) -> u32 {
        self.hits.load(Ordering::SeqCst)
    }

    /// The fault strikes no more.
    pub fn remove(&self) {
        self.removed.store(true, Ordering::SeqCst);
    }
}

/// Counts the occasions of one schedule.
#[derive(Debug)]
pub(super) struct Armed {
    schedule: Schedule,
    seen: u32,
    /// How often each distinct request was struck.
    subjects: BTreeMap<u64, u32>,
    injected: Injected,
}

impl Armed {
    pub(super) fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            seen: 0,
            subjects: BTreeMap::new(),
            injected: Injected::default(),
        }
    }

    pub(super) fn handle(&self) -> Injected {
        self.injected.clone()
    }

    /// One matching occasion, and what it is about: struck or not.
    pub(super) fn occasion(&mut self, subject: u64) -> bool {
        if self.injected.removed.load(Ordering::SeqCst) {
            return false;
        }
        let strikes =
            self.schedule.strikes(self.seen, self.injected.hits()) && self.strikes_each(subject);
        self.seen = self.seen.saturating_add(1);
        if strikes {
            self.injected.hits.fetch_add(1, Ordering::SeqCst);
        }
        strikes
    }

    fn strikes_each(&mut self, subject: u64) -> bool {
        let Some(each) = self.schedule.each else {
            return true;
        };
        if mix(each.seed ^ subject) % 100 >= u64::from(each.percent) {
            return false;
        }
        let struck = self.subjects.entry(subject).or_default();
        *struck += 1;
        *struck <= each.times
    }
}

/// All faults of one simulator.
#[derive(Debug, Default)]
pub(super) struct Faults(Mutex<Vec<(Fault, Armed)>>);

/// An answer that is held longer comes too late for any client that has a limit.
const PATIENCE: Duration = Duration::from_secs(25);

/// What the faults do to one request: delays add up, of the other effects the first injected wins.
#[derive(Debug, Default)]
pub(super) struct Strike {
    pub(super) before: Duration,
    pub(super) hold: Duration,
    pub(super) effect: Option<Effect>,
    /// Names of the faults that have one.
    pub(super) names: Vec<String>,
}

impl Strike {
    /// Whether the client never sees the true answer: because it is another, or none, or because nobody waits so long.
    pub(super) fn loses_reply(&self) -> bool {
        self.hold > PATIENCE || self.effect.as_ref().is_some_and(Effect::loses_reply)
    }
}

impl Faults {
    pub(super) fn inject(&self, fault: Fault) -> Injected {
        let armed = Armed::new(fault.schedule.clone());
        let handle = armed.handle();
        lock(&self.0).push((fault, armed));
        handle
    }

    pub(super) fn clear(&self) {
        lock(&self.0).clear();
    }

    pub(super) fn strike(&self, operation: &str, received: &Received) -> Strike {
        let mut strike = Strike::default();
        let subject = subject(received);
        for (fault, armed) in lock(&self.0).iter_mut() {
            let adds_up = matches!(fault.effect, Effect::Delay(_) | Effect::HoldReply(_));
            let taken = strike.effect.is_some() && !adds_up;
            if taken || !fault.matches(operation, received) || !armed.occasion(subject) {
                continue;
            }
            strike.names.extend(fault.name.clone());
            match &fault.effect {
                Effect::Delay(time) => strike.before += *time,
                Effect::HoldReply(time) => strike.hold += *time,
                other => strike.effect = Some(other.clone()),
            }
        }
        strike
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_skips_then_strikes_a_limited_number_of_times() {
        let mut armed = Armed::new(Schedule {
            skip: 1,
            times: Some(2),
            ..Schedule::default()
        });
        let struck: Vec<bool> = (0..5).map(|_| armed.occasion(0)).collect();
        assert_eq!(struck, [false, true, true, false, false]);
        assert_eq!(armed.handle().hits(), 2);
    }

    #[test]
    fn a_share_is_about_right_and_repeats_for_the_same_seed() {
        let draw = |seed| -> Vec<bool> {
            let mut armed = Armed::new(Schedule {
                share: Some((20, seed)),
                ..Schedule::default()
            });
            (0..1000).map(|_| armed.occasion(0)).collect()
        };
        let struck = draw(7).iter().filter(|hit| **hit).count();
        assert!((150..250).contains(&struck), "{struck} of 1000");
        assert_eq!(draw(7), draw(7));
        assert_ne!(draw(7), draw(8));
    }

    #[test]
    fn a_share_of_distinct_requests_does_not_depend_on_their_order_and_spares_repetitions() {
        let draw = |subjects: &[u64]| -> Vec<u64> {
            let mut armed = Armed::new(Schedule {
                each: Some(Each {
                    percent: 20,
                    seed: 7,
                    times: 1,
                }),
                ..Schedule::default()
            });
            let mut struck: Vec<u64> = subjects
                .iter()
                .copied()
                .filter(|subject| armed.occasion(*subject))
                .collect();
            struck.sort_unstable();
            struck
        };
        let forwards: Vec<u64> = (0..1000).chain(0..1000).collect();
        let backwards: Vec<u64> = forwards.iter().copied().rev().collect();
        let struck = draw(&forwards);
        assert!((150..250).contains(&struck.len()), "{}", struck.len());
        assert_eq!(struck, draw(&backwards));
    }
}
