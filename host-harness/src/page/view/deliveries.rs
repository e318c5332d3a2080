//! The page of deliveries, and one delivery.

use super::exchange::{Exchange, Message};
use super::moment::{Moment, since};
use super::state::Mark;
use super::{Frame, path_of};
use crate::journal::RunKey;
use crate::legible::escaped;
use crate::lifecycle::Delivered;
use crate::page::ledger::Told;
use crate::page::record::{self, Outcome, What};
use askama::Template;

/// Deliveries on one page: each brings its body, and the page is fetched again with each new one.
const PAGE: usize = 20;

/// The page.
#[derive(Template)]
#[template(path = "page/deliveries.html")]
pub(in crate::page) struct Deliveries {
    frame: Frame,
    deliveries: Vec<Delivery>,
    /// Where the deliveries before these are.
    older: Option<String>,
    turned_away: Vec<TurnedAway>,
}

/// A delivery.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    /// Its `id` on the page.
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) since: String,
    /// `workflow_run: completed`
    pub(super) event: String,
    pub(super) delivery: String,
    pub(super) installation: String,
    /// The first run that it is about, else the installation: for the line.
    pub(super) about: String,
    pub(super) mark: Mark,
    pub(super) outcome: String,
    /// The runs that it is about: path and title.
    pub(super) runs: Vec<(String, String)>,
    pub(super) content: Message,
    pub(super) requests: Vec<Exchange>,
    /// Where it can be replayed.
    pub(super) replay: Option<String>,
    /// Why it cannot, where others can.
    pub(super) no_replay: &'static str,
    pub(super) replays: u32,
}

/// What did not become a delivery.
struct TurnedAway {
    at: Moment,
    mark: Mark,
    status: u16,
    reason: String,
    event: String,
    delivery: String,
    installation: String,
}

impl Deliveries {
    /// How many deliveries to ask for: one more than fits tells that there are more.
    pub(in crate::page) const ASK: usize = PAGE + 1;

    /// The page of these deliveries, and of what was turned away.
    pub(in crate::page) fn of(
        frame: Frame,
        mut told: Vec<Told>,
        turned_away: &[record::TurnedAway],
    ) -> Deliveries {
        let is_more = told.len() > PAGE;
        told.truncate(PAGE);
        let last = told.last().filter(|_| is_more);
        let legible = |text: &str| escaped(text).into_owned();
        let turned_away = turned_away.iter().map(|it| TurnedAway {
            at: Moment::of(it.at),
            mark: if it.status < 400 {
                Mark::Aside
            } else {
                Mark::Bad
            },
            status: it.status,
            reason: legible(it.reason.trim()),
            event: legible(&it.event),
            delivery: legible(&it.delivery),
            installation: legible(&it.installation),
        });
        Deliveries {
            turned_away: turned_away.collect(),
            older: last.map(|it| format!("/deliveries?before={}", it.delivery.number)),
            deliveries: told
                .iter()
                .map(|told| Delivery::of(told, &frame, told.delivery.at))
                .collect(),
            frame,
        }
    }
}

impl Delivery {
    /// A delivery on the timeline of something that began at this time.
    pub(super) fn of(told: &Told, frame: &Frame, beginning: u64) -> Delivery {
        let Told { delivery, runs } = told;
        let installation = escaped(&delivery.key.installation).into_owned();
        let title = |key: &RunKey, target: &Option<String>| {
            let title = target.as_deref().unwrap_or(&key.run);
            escaped(title).into_owned()
        };
        let runs: Vec<(String, String)> = runs
            .iter()
            .map(|(key, target)| (path_of(key), title(key, target)))
            .collect();
        let first = runs.first().map(|(_, title)| title.clone());
        let requests = delivery
            .requests
            .iter()
            .filter_map(|entry| match &entry.what {
                What::Request(request) => Some(Exchange::of(entry, request, beginning)),
                What::Step(_) => None,
            });
        let (mark, outcome) = outcome(&delivery.outcome);
        let can_replay = frame.allow_replay && delivery.whole.is_some();
        Delivery {
            id: format!("d{}", delivery.number),
            at: Moment::of(delivery.at),
            since: since(beginning, delivery.at),
            event: event(delivery),
            delivery: escaped(&delivery.key.delivery).into_owned(),
            about: first.unwrap_or_else(|| installation.clone()),
            installation,
            mark,
            outcome,
            runs,
            content: Message::of(&delivery.fields, &delivery.body),
            requests: requests.collect(),
            replay: can_replay.then(|| format!("/deliveries/{}/replay", delivery.number)),
            no_replay: match frame.allow_replay && !can_replay {
                true => "It is too large to be kept for a replay.",
                false => "",
            },
            replays: delivery.replays,
        }
    }
}

/// The event, with what it says of itself: servers like GitHub put that into `action`.
fn event(delivery: &record::Delivery) -> String {
    let action = action(&delivery.body.text);
    let event = match delivery.event.as_str() {
        "" => "delivery",
        event => event,
    };
    match action {
        Some(action) => escaped(&format!("{event}: {action}")).into_owned(),
        None => escaped(event).into_owned(),
    }
}

/// The first `action` of a body that may be cut. It stands near the beginning, where it stands at all.
fn action(body: &str) -> Option<&str> {
    let (before, after) = body.split_once("\"action\"")?;
    if before.matches(['{', '[']).count() != 1 {
        return None;
    }
    let value = after.trim_start().strip_prefix(':')?.trim_start();
    let (word, _) = value.strip_prefix('"')?.split_once('"')?;
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (word.len() < 40 && word.chars().all(is_word)).then_some(word)
}

fn outcome(outcome: &Outcome) -> (Mark, String) {
    let (mark, words) = match outcome {
        Outcome::Waiting => (Mark::Waits, "waits to be read".to_owned()),
        Outcome::Read(Delivered::News) => (Mark::Step, "news".to_owned()),
        Outcome::Read(Delivered::Early) => (Mark::Waits, "early: waits for its run".to_owned()),
        Outcome::Read(Delivered::Nobody) => (Mark::Aside, "no news for a run here".to_owned()),
        Outcome::Again(why) => (Mark::Waits, format!("not understood yet: {}", escaped(why))),
        Outcome::Failed(why) => (Mark::Bad, format!("not understood: {}", escaped(why))),
    };
    (mark, words)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::ledger::Ledger;
    use crate::page::ledger::tests::delivery;

    fn page(allow_replay: bool, ledger: &Ledger, before: u64) -> Deliveries {
        let frame = Frame {
            allow_replay,
            now: 0,
        };
        let turned_away: Vec<_> = ledger.turned_away().cloned().collect();
        let told = ledger.told_before(before, Deliveries::ASK);
        Deliveries::of(frame, told, &turned_away)
    }

    #[test]
    fn what_an_event_says_of_itself_is_read_from_the_beginning_of_a_body() {
        for (body, read) in [
            (
                r#"{"action":"completed","workflow_run":{"id":1"#,
                Some("completed"),
            ),
            (
                r#"{ "ref": "x", "action" : "in_progress" }"#,
                Some("in_progress"),
            ),
            (r#"{"workflow_run":{"action":"inner"}}"#, None),
            (r#"{"action":"<script>"}"#, None),
            (r#"{"action":7}"#, None),
            ("action", None),
        ] {
            assert_eq!(action(body), read, "{body}");
        }
    }

    #[test]
    fn a_button_is_there_only_where_a_replay_is_allowed_and_possible() {
        let mut ledger = Ledger::default();
        ledger.add_delivery(delivery(1, "{}"));
        for (allow_replay, is_kept, has_button) in [
            (false, true, false),
            (true, false, false),
            (true, true, true),
        ] {
            let mut delivery = ledger.delivery(1).unwrap().clone();
            if !is_kept {
                delivery.whole = None;
            }
            let mut ledger = Ledger::default();
            ledger.add_delivery(delivery);
            let html = page(allow_replay, &ledger, u64::MAX).render().unwrap();
            assert_eq!(html.contains("<form"), has_button, "{html}");
            assert_eq!(html.contains("too large"), allow_replay && !is_kept);
        }
    }

    #[test]
    fn older_deliveries_are_on_the_next_page() {
        let mut ledger = Ledger::default();
        for number in 1..=50 {
            ledger.add_delivery(delivery(number, "{}"));
        }
        let first = page(false, &ledger, u64::MAX);
        assert_eq!(
            (first.deliveries.len(), first.deliveries[0].id.as_str()),
            (20, "d50")
        );
        assert_eq!(first.older.as_deref(), Some("/deliveries?before=31"));
        let last = page(false, &ledger, 11);
        assert_eq!((last.deliveries.len(), last.older), (10, None));
    }

    #[test]
    fn a_hostile_delivery_is_shown_and_does_nothing() {
        let mut hostile = delivery(1, "{\"a\":\"</pre><script>alert(1)</script>\"}");
        hostile.event = "<b onclick=x>".to_owned();
        hostile.key.delivery = "\"><script>\u{202e}".to_owned();
        hostile
            .fields
            .push(("x-\"<i>".to_owned(), "<i>\r\n".to_owned()));
        hostile.outcome = Outcome::Failed("<u>".to_owned());
        let mut ledger = Ledger::default();
        ledger.add_delivery(hostile);
        ledger.add_turned_away(record::TurnedAway {
            at: 0,
            installation: "<s>".to_owned(),
            event: "<s>".to_owned(),
            delivery: "<s>".to_owned(),
            status: 404,
            reason: "<s>".to_owned(),
        });
        let html = page(true, &ledger, u64::MAX).render().unwrap();
        for tag in [
            "<script>",
            "<b onclick",
            "<i>",
            "<u>",
            "<s>",
            "</pre><",
            "\u{202e}",
        ] {
            assert!(!html.contains(tag), "{tag:?} is in\n{html}");
        }
    }
}
