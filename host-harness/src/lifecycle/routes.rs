//! Which run is news for? News may come before its run is known: GitHub's webhook can overtake the answer to the
//! request that started the run.

use crate::contract::RunUpdate;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

/// How long news waits for its run. An answer to a dispatch takes seconds; discovery of a run takes a minute.
const WAIT: Duration = Duration::from_secs(15 * 60);
/// How many runs may have news waiting, so that runs which nobody here has started cannot fill the memory. When there
/// are more, the oldest news goes.
const WAITING: usize = 10_000;
/// How many ended runs are remembered at most. The search for a run looks at the newest 100 of its workflow.
const ENDED: usize = 10_000;
/// How much news may wait for one run: three for its own life, and two for each of some jobs.
const WAITING_PER_RUN: usize = 100;

/// An installation's id and an external run id.
pub(super) type Key = (String, String);

#[derive(Debug)]
enum Route {
    /// The run is known: news goes there.
    Known(UnboundedSender<RunUpdate>),
    /// The run is not known yet.
    Early {
        news: Vec<RunUpdate>,
        since: Instant,
    },
    /// The run has ended: its id is not free, and further news is for nobody.
    Ended,
}

/// All routes of the process. Both sides go through the same lock: whichever comes first, run or news, the other
/// finds it.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: BTreeMap<Key, Route>,
    early: usize,
    /// Those that have ended, oldest first.
    ended: VecDeque<(Instant, Key)>,
}

impl Routes {
    /// The run is known now: returns what comes and came for it, oldest first.
    pub(super) fn open(&mut self, key: Key) -> UnboundedReceiver<RunUpdate> {
        let (sender, receiver) = unbounded_channel();
        if let Some(Route::Early { news, .. }) =
            self.routes.insert(key, Route::Known(sender.clone()))
        {
            self.early -= 1;
            for update in news {
                // The receiver is right here.
                let _ = sender.send(update);
            }
        }
        receiver
    }

    /// The run has ended. Its id stays known for a while: the search for another run's id must not find this one, and
    /// late news must not wait for it.
    pub(super) fn close(&mut self, key: Key) {
        let now = Instant::now();
        while let Some((since, _)) = self.ended.front()
            && (self.ended.len() >= ENDED || now.duration_since(*since) > WAIT)
        {
            if let Some((_, oldest)) = self.ended.pop_front() {
                self.routes.remove(&oldest);
            }
        }
        self.ended.push_back((now, key.clone()));
        self.routes.insert(key, Route::Ended);
    }

    /// Brings news; true if its run is known.
    pub(super) fn deliver(&mut self, key: Key, update: RunUpdate) -> bool {
        match self.routes.entry(key) {
            Entry::Occupied(mut entry) => match entry.get_mut() {
                Route::Known(sender) => sender.send(update).is_ok(),
                Route::Early { news, .. } => {
                    if news.len() < WAITING_PER_RUN {
                        news.push(update);
                    }
                    false
                }
                Route::Ended => false,
            },
            Entry::Vacant(entry) => {
                entry.insert(Route::Early {
                    news: vec![update],
                    since: Instant::now(),
                });
                self.early += 1;
                self.forget_old();
                false
            }
        }
    }

    /// External run ids of an installation's runs, those that ended a while ago left out.
    pub(super) fn known(&self, installation: &str) -> Vec<String> {
        self.routes
            .range((installation.to_owned(), String::new())..)
            .take_while(|((of, _), _)| of == installation)
            .filter(|(_, route)| matches!(route, Route::Known(_) | Route::Ended))
            .map(|((_, id), _)| id.clone())
            .collect()
    }

    fn forget_old(&mut self) {
        if self.early <= WAITING {
            return;
        }
        let now = Instant::now();
        let before = self.routes.len();
        self.routes.retain(|_, route| match route {
            Route::Known(_) | Route::Ended => true,
            Route::Early { since, .. } => now.duration_since(*since) < WAIT,
        });
        self.early -= before - self.routes.len();
        while self.early > WAITING {
            let oldest = self
                .routes
                .iter()
                .filter_map(|(key, route)| match route {
                    Route::Early { since, .. } => Some((*since, key)),
                    Route::Known(_) | Route::Ended => None,
                })
                .min()
                .map(|(_, key)| key.clone());
            let Some(oldest) = oldest else { return };
            self.routes.remove(&oldest);
            self.early -= 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Change, Progress};

    fn update(attempt: u32) -> RunUpdate {
        RunUpdate {
            external_run_id: "gh_1_2_3".to_owned(),
            attempt,
            change: Change::Progress(Progress {
                label: None,
                log: vec![],
            }),
        }
    }

    fn key(id: &str) -> Key {
        ("acme".to_owned(), id.to_owned())
    }

    #[test]
    fn news_that_comes_before_its_run_waits_for_it_and_keeps_its_order() {
        let mut routes = Routes::default();
        assert!(!routes.deliver(key("a"), update(1)));
        assert!(!routes.deliver(key("a"), update(2)));
        let mut news = routes.open(key("a"));
        assert!(routes.deliver(key("a"), update(3)));
        let order: Vec<u32> = std::iter::from_fn(|| news.try_recv().ok())
            .map(|update| update.attempt)
            .collect();
        assert_eq!(order, [1, 2, 3]);
    }

    #[test]
    fn news_for_nobody_cannot_fill_the_memory() {
        let mut routes = Routes::default();
        let mut own = routes.open(key("own"));
        for number in 0..WAITING + 50 {
            routes.deliver(key(&format!("foreign {number}")), update(1));
        }
        assert_eq!(routes.early, WAITING);
        assert_eq!(routes.routes.len(), WAITING + 1);
        assert!(routes.deliver(key("own"), update(1)));
        assert!(own.try_recv().is_ok());
    }

    #[test]
    fn an_ended_run_keeps_its_id_and_takes_no_more_news() {
        let mut routes = Routes::default();
        let mut news = routes.open(key("a"));
        routes.close(key("a"));
        assert!(!routes.deliver(key("a"), update(1)));
        assert!(news.try_recv().is_err());
        assert_eq!(routes.known("acme"), ["a"]);
        assert_eq!(routes.early, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn ended_runs_are_forgotten_after_a_while() {
        let mut routes = Routes::default();
        routes.close(key("a"));
        tokio::time::advance(WAIT * 2).await;
        routes.close(key("b"));
        assert_eq!(routes.known("acme"), ["b"]);
    }

    #[test]
    fn known_runs_are_those_of_the_installation_alone() {
        let mut routes = Routes::default();
        let _a = routes.open(key("a"));
        let _b = routes.open(("other".to_owned(), "b".to_owned()));
        routes.deliver(key("early"), update(1));
        assert_eq!(routes.known("acme"), ["a"]);
    }
}
