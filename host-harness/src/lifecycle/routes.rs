//! Which run is news for? News may come before its run is known: GitHub's webhook can overtake the answer to the
//! request that started the run.

use crate::contract::{Change, RunUpdate};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
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
/// How much earlier than a run's first attempt another run may have been opened and still look like it: the slack that
/// the search allows for clocks, and more.
const SLACK: Duration = Duration::from_secs(60);

/// An installation's id and an external run id.
pub(super) type Key = (String, String);

#[derive(Debug)]
struct Route {
    since: Instant,
    to: To,
}

#[derive(Debug)]
enum To {
    /// The run is known: news goes there.
    Known(UnboundedSender<RunUpdate>),
    /// The run is not known yet.
    Early(Vec<RunUpdate>),
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
}

impl Routes {
    /// The run is known now: returns what comes and came for it, oldest first. An id belongs to one run for ever, so a
    /// second one that claims it has found the wrong run.
    pub(super) fn open(&mut self, key: Key) -> Result<UnboundedReceiver<RunUpdate>, Taken> {
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
        let (sender, receiver) = unbounded_channel();
        for update in news {
            // The receiver is right here.
            let _ = sender.send(update);
        }
        let route = Route {
            since: Instant::now(),
            to: To::Known(sender),
        };
        self.routes.insert(key, route);
        Ok(receiver)
    }

    /// The run has ended. Its id stays known for a while: the search for another run's id must not find this one, and
    /// late news must not wait for it.
    pub(super) fn close(&mut self, key: Key) {
        let since = Instant::now();
        self.routes.insert(
            key.clone(),
            Route {
                since,
                to: To::Ended,
            },
        );
        self.ended.push_back((since, key));
        let is_ended = |to: &To| matches!(to, To::Ended);
        forget(&mut self.routes, &mut self.ended, ENDED, is_ended);
    }

    /// Brings news; true if its run is known.
    pub(super) fn deliver(&mut self, key: Key, update: RunUpdate) -> bool {
        match self.routes.entry(key) {
            Entry::Occupied(mut entry) => match &mut entry.get_mut().to {
                To::Known(sender) => sender.send(update).is_ok(),
                To::Early(news) => {
                    keep(news, update);
                    false
                }
                To::Ended => false,
            },
            Entry::Vacant(entry) => {
                let since = Instant::now();
                self.early.push_back((since, entry.key().clone()));
                entry.insert(Route {
                    since,
                    to: To::Early(vec![update]),
                });
                let is_early = |to: &To| matches!(to, To::Early(_));
                forget(&mut self.routes, &mut self.early, WAITING, is_early);
                false
            }
        }
    }

    /// External run ids of an installation that cannot belong to a run whose first attempt began at `began`, among
    /// those that the server could take for it.
    pub(super) fn taken(&self, installation: &str, began: Instant) -> Vec<String> {
        self.routes
            .range((installation.to_owned(), String::new())..)
            .take_while(|((of, _), _)| of == installation)
            .filter(|(_, route)| !matches!(route.to, To::Early(_)) && route.since + SLACK >= began)
            .map(|((_, id), _)| id.clone())
            .collect()
    }
}

/// Drops what is too old or too much from the front of a queue. A key that stands for something else by now stays.
fn forget(
    routes: &mut BTreeMap<Key, Route>,
    queue: &mut VecDeque<(Instant, Key)>,
    most: usize,
    is_meant: impl Fn(&To) -> bool,
) {
    let now = Instant::now();
    while let Some((since, _)) = queue.front()
        && (queue.len() > most || now.duration_since(*since) > WAIT)
    {
        if let Some((since, key)) = queue.pop_front()
            && let Entry::Occupied(entry) = routes.entry(key)
            && entry.get().since == since
            && is_meant(&entry.get().to)
        {
            entry.remove();
        }
    }
}

fn keep(news: &mut Vec<RunUpdate>, update: RunUpdate) {
    if news.len() >= WAITING_PER_RUN {
        let is_progress = |update: &RunUpdate| matches!(update.change, Change::Progress(_));
        match news.iter().position(is_progress) {
            Some(oldest) => drop(news.remove(oldest)),
            None => return,
        }
    }
    news.push(update);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::{Completion, Outcome, Progress};

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

    fn end() -> RunUpdate {
        RunUpdate {
            external_run_id: "gh_1_2_3".to_owned(),
            attempt: 1,
            change: Change::Completed(Completion {
                outcome: Outcome::Success,
                conclusion: "success".to_owned(),
                label: "Succeeded".to_owned(),
                summary: None,
                output: "{}".to_owned(),
                log: vec![],
            }),
        }
    }

    fn key(id: &str) -> Key {
        ("acme".to_owned(), id.to_owned())
    }

    #[tokio::test]
    async fn news_that_comes_before_its_run_waits_for_it_and_keeps_its_order() {
        let mut routes = Routes::default();
        assert!(!routes.deliver(key("a"), update(1)));
        assert!(!routes.deliver(key("a"), update(2)));
        let mut news = routes.open(key("a")).unwrap();
        assert!(routes.deliver(key("a"), update(3)));
        let order: Vec<u32> = std::iter::from_fn(|| news.try_recv().ok())
            .map(|update| update.attempt)
            .collect();
        assert_eq!(order, [1, 2, 3]);
    }

    #[tokio::test]
    async fn an_end_that_comes_early_is_kept_however_much_progress_came_before() {
        let mut routes = Routes::default();
        for _ in 0..WAITING_PER_RUN * 2 {
            routes.deliver(key("a"), update(1));
        }
        routes.deliver(key("a"), end());
        let mut news = routes.open(key("a")).unwrap();
        let all: Vec<RunUpdate> = std::iter::from_fn(|| news.try_recv().ok()).collect();
        assert_eq!(all.len(), WAITING_PER_RUN);
        assert!(matches!(all.last().unwrap().change, Change::Completed(_)));
    }

    #[tokio::test]
    async fn one_run_of_the_server_never_belongs_to_two_runs_of_port() {
        let mut routes = Routes::default();
        let mut first = routes.open(key("a")).unwrap();
        assert_eq!(routes.open(key("a")).unwrap_err(), Taken);
        assert!(routes.deliver(key("a"), update(1)));
        assert!(first.try_recv().is_ok());
        routes.close(key("a"));
        assert_eq!(routes.open(key("a")).unwrap_err(), Taken);
    }

    #[tokio::test]
    async fn news_for_nobody_cannot_fill_the_memory() {
        let mut routes = Routes::default();
        let mut own = routes.open(key("own")).unwrap();
        for number in 0..WAITING + 50 {
            routes.deliver(key(&format!("foreign {number}")), update(1));
        }
        assert_eq!(routes.early.len(), WAITING);
        assert_eq!(routes.routes.len(), WAITING + 1);
        assert!(routes.deliver(key("own"), update(1)));
        assert!(own.try_recv().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn news_for_nobody_is_forgotten_after_a_while() {
        let mut routes = Routes::default();
        routes.deliver(key("a"), update(1));
        tokio::time::advance(WAIT * 2).await;
        routes.deliver(key("b"), update(1));
        assert_eq!(routes.routes.len(), 1);
    }

    #[tokio::test]
    async fn an_ended_run_keeps_its_id_and_takes_no_more_news() {
        let mut routes = Routes::default();
        let mut news = routes.open(key("a")).unwrap();
        routes.close(key("a"));
        assert!(!routes.deliver(key("a"), update(1)));
        assert!(news.try_recv().is_err());
        assert_eq!(routes.taken("acme", Instant::now()), ["a"]);
    }

    #[tokio::test(start_paused = true)]
    async fn taken_are_the_runs_of_the_installation_that_are_not_much_older() {
        let mut routes = Routes::default();
        routes.close(key("long ago"));
        tokio::time::advance(WAIT * 2).await;
        let _old = routes.open(key("old")).unwrap();
        tokio::time::advance(SLACK * 2).await;
        let _new = routes.open(key("new")).unwrap();
        let _other = routes.open(("other".to_owned(), "b".to_owned())).unwrap();
        routes.deliver(key("early"), update(1));
        assert_eq!(routes.taken("acme", Instant::now()), ["new"]);
        routes.close(key("new"));
        assert_eq!(routes.taken("acme", Instant::now()), ["new"]);
        assert!(!routes.routes.contains_key(&key("long ago")));
    }
}
