//! Which run is news for? News may come before its run is known: GitHub's webhook can overtake the answer to the
//! request that started the run.
//!
//! News that waits is not in the journal itself: the delivery that it came with is, and stays unhandled until its run
//! has taken the news or nobody can be waiting for it any more. After a restart such deliveries are read anew.

mod recent;

use super::mark::Mark;
use crate::contract::{Change, RunUpdate};
use crate::journal::RunKey;
use recent::Recent;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::time::Instant;

/// How long news waits for its run, and how long an ended run is remembered. An answer to a dispatch takes seconds; the
/// search for a run takes a minute.
const WAIT: Duration = Duration::from_secs(15 * 60);
/// How many runs may have news waiting, so that runs which nobody here has started cannot fill the memory. When there
/// are more, the oldest news goes.
const WAITING: usize = 10_000;
/// How many ended runs are remembered at most.
const ENDED: usize = 10_000;
/// How much news may wait for one run: three for its own life, and two for each of some jobs. When there is more, the
/// oldest progress goes, and never an end.
const WAITING_PER_RUN: usize = 100;

/// An installation's id and an external run id.
pub(super) type Key = (String, String);

/// News with the delivery that it came with, if it came with one.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct News {
    pub(super) update: RunUpdate,
    pub(super) mark: Option<Mark>,
}

/// Where news went.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Went {
    /// To this run.
    To(RunKey),
    /// It waits for its run.
    Waits,
    /// The run has ended.
    Nowhere,
}

#[derive(Debug)]
struct Route {
    since: Instant,
    to: To,
}

#[derive(Debug)]
enum To {
    /// The run is known: news goes there.
    Known(RunKey),
    /// The run is not known yet.
    Early(Vec<News>),
    /// The run has ended: its id is not free, and further news is for nobody.
    Ended,
}

/// The run belongs to another run of Port already.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Taken;

/// All routes of the process. Both sides go through the same lock: whichever comes first, run or news, the other
/// finds it.
#[derive(Debug, Default)]
pub(super) struct Routes {
    routes: BTreeMap<Key, Route>,
    /// Runs that news has come for early, oldest first. Those that are known by now are skipped when their time comes.
    early: VecDeque<(Instant, Key)>,
    /// Those that have ended, oldest first.
    ended: VecDeque<(Instant, Key)>,
    recent: Recent,
}

impl Routes {
    /// The run is known now: returns what came for it, oldest first. An id belongs to one run for ever, so a second one
    /// that claims it has found the wrong run.
    pub(super) fn open(&mut self, key: Key, run: RunKey) -> Result<Vec<News>, Taken> {
        let news = match self.routes.remove(&key) {
            None => vec![],
            Some(Route {
                to: To::Early(news),
                ..
            }) => news,
            Some(taken) => {
                self.routes.insert(key, taken);
                return Err(Taken);
            }
        };
        self.recent.add(&key.0, &key.1);
        let route = Route {
            since: Instant::now(),
            to: To::Known(run),
        };
        self.routes.insert(key, route);
        Ok(news)
    }

    /// The run has ended. Its id stays known for a while: the search for another run's id must not find this one, and
    /// late news must not wait for it.
    pub(super) fn close(&mut self, key: Key) {
        let since = Instant::now();
        let before = self.routes.insert(
            key.clone(),
            Route {
                since,
                to: To::Ended,
            },
        );
        // One that ended before this process began becomes known only now.
        if before.is_none() {
            self.recent.add(&key.0, &key.1);
        }
        self.ended.push_back((since, key));
        let is_ended = |to: &To| matches!(to, To::Ended);
        forget(&mut self.routes, &mut self.ended, ENDED, is_ended);
    }

    /// Brings news. The second list holds deliveries whose news has waited for too long.
    pub(super) fn deliver(&mut self, key: Key, news: News) -> (Went, Vec<Mark>) {
        match self.routes.entry(key) {
            Entry::Occupied(mut entry) => match &mut entry.get_mut().to {
                To::Known(run) => (Went::To(run.clone()), vec![]),
                To::Early(waiting) => (Went::Waits, keep(waiting, news)),
                To::Ended => (Went::Nowhere, vec![]),
            },
            Entry::Vacant(entry) => {
                let since = Instant::now();
                self.early.push_back((since, entry.key().clone()));
                entry.insert(Route {
                    since,
                    to: To::Early(vec![news]),
                });
                (Went::Waits, self.forget_early())
            }
        }
    }

    /// Deliveries whose news has waited for too long: their runs were not started here.
    pub(super) fn forget_early(&mut self) -> Vec<Mark> {
        let is_early = |to: &To| matches!(to, To::Early(_));
        let gone = forget(&mut self.routes, &mut self.early, WAITING, is_early);
        gone.into_iter()
            .filter_map(|to| match to {
                To::Early(news) => Some(news),
                To::Known(_) | To::Ended => None,
            })
            .flatten()
            .filter_map(|news| news.mark)
            .collect()
    }

    /// External run ids of an installation that cannot belong to a run whose first attempt began at `began`, among
    /// those that the server could take for it.
    pub(super) fn taken(&self, installation: &str, began: Instant) -> Vec<String> {
        self.recent.not_before(installation, began)
    }
}

/// Drops what is too old or too much from the front of a queue. A key that stands for something else by now stays.
fn forget(
    routes: &mut BTreeMap<Key, Route>,
    queue: &mut VecDeque<(Instant, Key)>,
    most: usize,
    is_meant: impl Fn(&To) -> bool,
) -> Vec<To> {
    let now = Instant::now();
    let mut gone = Vec::new();
    while let Some((since, _)) = queue.front()
        && (queue.len() > most || now.duration_since(*since) > WAIT)
    {
        if let Some((since, key)) = queue.pop_front()
            && let Entry::Occupied(entry) = routes.entry(key)
            && entry.get().since == since
            && is_meant(&entry.get().to)
        {
            gone.push(entry.remove().to);
        }
    }
    gone
}

/// Keeps news; returns the delivery of what had to make room for it.
fn keep(waiting: &mut Vec<News>, news: News) -> Vec<Mark> {
    let mut gone = Vec::new();
    if waiting.len() >= WAITING_PER_RUN {
        let is_progress = |news: &News| matches!(news.update.change, Change::Progress(_));
        match waiting.iter().position(is_progress) {
            Some(oldest) => gone.extend(waiting.remove(oldest).mark),
            None => return news.mark.into_iter().collect(),
        }
    }
    waiting.push(news);
    gone
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Completion, Outcome, Progress};
    use crate::journal::DeliveryKey;

    fn news(attempt: u32) -> News {
        let update = RunUpdate {
            external_run_id: "gh_1_2_3".to_owned(),
            attempt,
            change: Change::Progress(Progress {
                label: None,
                log: vec![],
                part: None,
            }),
        };
        News {
            update,
            mark: Some(delivery(attempt)),
        }
    }

    fn delivery(number: u32) -> Mark {
        Mark::of(DeliveryKey {
            installation: "acme".to_owned(),
            delivery: number.to_string(),
        })
    }

    fn end() -> News {
        let completion = Completion {
            outcome: Outcome::Success,
            conclusion: "success".to_owned(),
            label: "Succeeded".to_owned(),
            summary: None,
            output: "{}".to_owned(),
            log: vec![],
        };
        News {
            update: RunUpdate {
                change: Change::Completed(completion),
                ..news(1).update
            },
            mark: None,
        }
    }

    fn key(id: &str) -> Key {
        ("acme".to_owned(), id.to_owned())
    }

    fn run(id: &str) -> RunKey {
        RunKey {
            installation: "acme".to_owned(),
            run: id.to_owned(),
        }
    }

    #[tokio::test]
    async fn news_that_comes_before_its_run_waits_for_it_and_keeps_its_order() {
        let mut routes = Routes::default();
        assert_eq!(routes.deliver(key("a"), news(1)), (Went::Waits, vec![]));
        assert_eq!(routes.deliver(key("a"), news(2)), (Went::Waits, vec![]));
        assert_eq!(routes.open(key("a"), run("r")), Ok(vec![news(1), news(2)]));
        let went = routes.deliver(key("a"), news(3));
        assert_eq!(went, (Went::To(run("r")), vec![]));
    }

    #[tokio::test]
    async fn an_end_that_comes_early_is_kept_however_much_progress_came_before() {
        let mut routes = Routes::default();
        for _ in 0..WAITING_PER_RUN * 2 {
            routes.deliver(key("a"), news(1));
        }
        let (_, gone) = routes.deliver(key("a"), end());
        assert_eq!(gone, [delivery(1)]);
        let all = routes.open(key("a"), run("r")).unwrap();
        assert_eq!(all.len(), WAITING_PER_RUN);
        assert_eq!(all.last(), Some(&end()));
    }

    #[tokio::test]
    async fn one_run_of_the_server_never_belongs_to_two_runs_of_port() {
        let mut routes = Routes::default();
        routes.open(key("a"), run("first")).unwrap();
        assert_eq!(routes.open(key("a"), run("second")), Err(Taken));
        assert_eq!(routes.deliver(key("a"), news(1)).0, Went::To(run("first")));
        routes.close(key("a"));
        assert_eq!(routes.open(key("a"), run("third")), Err(Taken));
    }

    #[tokio::test]
    async fn news_for_nobody_cannot_fill_the_memory() {
        let mut routes = Routes::default();
        routes.open(key("own"), run("r")).unwrap();
        let mut gone = 0;
        for number in 0..WAITING + 50 {
            gone += routes
                .deliver(key(&format!("foreign {number}")), news(1))
                .1
                .len();
        }
        assert_eq!((routes.early.len(), gone), (WAITING, 50));
        assert_eq!(routes.routes.len(), WAITING + 1);
        assert_eq!(routes.deliver(key("own"), news(1)).0, Went::To(run("r")));
    }

    #[tokio::test(start_paused = true)]
    async fn news_for_nobody_is_forgotten_after_a_while_with_its_delivery() {
        let mut routes = Routes::default();
        routes.deliver(key("a"), news(1));
        tokio::time::advance(WAIT * 2).await;
        assert_eq!(routes.forget_early(), [delivery(1)]);
        assert!(routes.routes.is_empty());
    }

    #[tokio::test]
    async fn an_ended_run_keeps_its_id_and_takes_no_more_news() {
        let mut routes = Routes::default();
        routes.open(key("a"), run("r")).unwrap();
        routes.close(key("a"));
        assert_eq!(routes.deliver(key("a"), news(1)), (Went::Nowhere, vec![]));
        assert_eq!(routes.taken("acme", Instant::now()), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn taken_are_the_runs_of_the_installation_that_are_not_much_older() {
        let mut routes = Routes::default();
        routes.close(key("long ago"));
        tokio::time::advance(WAIT * 2).await;
        routes.open(key("old"), run("r_1")).unwrap();
        tokio::time::advance(recent::SLACK * 2).await;
        routes.open(key("new"), run("r_2")).unwrap();
        let elsewhere = ("other".to_owned(), "b".to_owned());
        routes.open(elsewhere, run("r_3")).unwrap();
        routes.deliver(key("early"), news(1));
        assert_eq!(routes.taken("acme", Instant::now()), ["new"]);
        routes.close(key("new"));
        assert_eq!(routes.taken("acme", Instant::now()), ["new"]);
        assert!(!routes.routes.contains_key(&key("long ago")));
    }
}
