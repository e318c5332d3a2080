//! The page of one run: what it is, how it stands, and everything that happened to it in order.

use super::Frame;
use super::body::{self, Shown};
use super::deliveries::Delivery;
use super::exchange::Exchange;
use super::moment::{Moment, between, length, since};
use super::state::{Mark, State, state};
use crate::journal::{History, Note, Phase};
use crate::legible::escaped;
use crate::markdown::{self, Line, web_address};
use crate::page::ledger::Told;
use crate::page::record::{Run, What};
use askama::Template;

/// The page.
#[derive(Template)]
#[template(path = "page/run.html")]
pub(in crate::page) struct RunPage {
    frame: Frame,
    /// What a change of it is called.
    live: String,
    title: String,
    mark: Mark,
    state: &'static str,
    label: String,
    facts: Vec<Fact>,
    link: Option<String>,
    summary: Vec<Line>,
    properties: Option<Shown>,
    /// What the journal knows of the time before this process.
    before: Vec<Item>,
    is_restored: bool,
    timeline: Vec<Item>,
    left_out: usize,
}

struct Fact {
    name: &'static str,
    value: String,
    /// Set in letters of one width.
    is_code: bool,
    datetime: Option<String>,
}

/// Something on the timeline.
enum Item {
    Step {
        at: Moment,
        since: String,
        words: String,
        /// How the run ended, on the last step.
        mark: Mark,
    },
    Exchange(Box<Exchange>),
    Delivery(Box<Delivery>),
}

impl RunPage {
    /// The page of a run that the ledger remembers. `notes` are those of the journal from before this process.
    pub(in crate::page) fn of(
        frame: Frame,
        run: &Run,
        deliveries: &[Told],
        phase: Option<Phase>,
        notes: &[Note],
    ) -> RunPage {
        let state = state(run.ended.map(|(_, end)| end), phase);
        let target = run.target.clone().or_else(|| target_in(notes));
        RunPage {
            live: format!("run {}/{}", run.key.installation, run.key.run),
            title: escaped(target.as_deref().unwrap_or(&run.key.run)).into_owned(),
            mark: state.mark(),
            state: state.word(),
            label: escaped(run.label.as_deref().unwrap_or_default()).into_owned(),
            facts: facts(run, state, frame.now),
            link: run.link.as_deref().and_then(web_address),
            summary: run
                .summary
                .as_deref()
                .map(markdown::lines)
                .unwrap_or_default(),
            properties: run.properties.as_ref().and_then(body::shown),
            before: notes
                .iter()
                .map(|note| step_of(note, run.claimed_at))
                .collect(),
            is_restored: run.is_restored,
            timeline: timeline(&frame, run, deliveries, state),
            left_out: run.left_out,
            frame,
        }
    }

    /// The page of a run that only the journal knows.
    pub(in crate::page) fn of_journal(frame: Frame, history: &History) -> RunPage {
        let run = &history.run;
        let legible = |text: &str| escaped(text).into_owned();
        let target = target_in(&history.notes);
        let mut facts = vec![
            Fact::code("Port run", legible(&run.key.run)),
            Fact::new("Installation", legible(&run.key.installation)),
            Fact::new("Kind", run.kind.as_str().to_owned()),
            Fact::at("Claimed", run.claimed_at),
        ];
        facts.extend(
            run.external_run_id
                .as_deref()
                .map(|id| Fact::code("External run", legible(id))),
        );
        facts.extend(run.finished_at.map(|at| Fact::at("Finished", at)));
        let state = State::UnderWay(run.phase);
        RunPage {
            live: format!("run {}/{}", run.key.installation, run.key.run),
            title: legible(target.as_deref().unwrap_or(&run.key.run)),
            mark: match run.phase {
                Phase::Finished | Phase::Returned => Mark::Aside,
                _ => state.mark(),
            },
            state: state.word(),
            label: String::new(),
            facts,
            link: None,
            summary: vec![],
            properties: None,
            before: history
                .notes
                .iter()
                .map(|note| step_of(note, run.claimed_at))
                .collect(),
            is_restored: true,
            timeline: vec![],
            left_out: 0,
            frame,
        }
    }
}

impl Fact {
    fn new(name: &'static str, value: String) -> Fact {
        Fact {
            name,
            value,
            is_code: false,
            datetime: None,
        }
    }

    fn code(name: &'static str, value: String) -> Fact {
        Fact {
            is_code: true,
            ..Fact::new(name, value)
        }
    }

    fn at(name: &'static str, at: u64) -> Fact {
        let moment = Moment::of(at);
        Fact {
            datetime: Some(moment.datetime),
            ..Fact::new(name, moment.text)
        }
    }
}

fn facts(run: &Run, state: State, now: u64) -> Vec<Fact> {
    let legible = |text: &str| escaped(text).into_owned();
    let mut facts = vec![
        Fact::code("Port run", legible(&run.key.run)),
        Fact::new("Installation", legible(&run.key.installation)),
        Fact::new("Kind", run.kind.as_str().to_owned()),
    ];
    facts.extend(
        run.action
            .as_deref()
            .map(|action| Fact::code("Action", legible(action))),
    );
    let external = run.external_run_id.as_deref();
    facts.extend(external.map(|id| Fact::code("External run", legible(id))));
    facts.push(Fact::at("Claimed", run.claimed_at));
    match run.ended {
        Some((at, _)) => facts.push(Fact::new("Took", length(between(run.claimed_at, at)))),
        None if state == State::Gone => {}
        None => facts.push(Fact::new("So far", length(between(run.claimed_at, now)))),
    }
    facts
}

/// Steps, requests and deliveries, by when they began.
fn timeline(frame: &Frame, run: &Run, deliveries: &[Told], state: State) -> Vec<Item> {
    let beginning = run.claimed_at;
    let last_step = run
        .entries
        .iter()
        .rev()
        .find(|it| matches!(it.what, What::Step(_)));
    let last_step = last_step
        .filter(|_| run.ended.is_some())
        .map(|it| it.number);
    let mut items: Vec<(u64, u64, Item)> = Vec::new();
    for entry in &run.entries {
        let item = match &entry.what {
            What::Step(words) => Item::Step {
                at: Moment::of(entry.at),
                since: since(beginning, entry.at),
                words: escaped(words).into_owned(),
                mark: match last_step == Some(entry.number) {
                    true => state.mark(),
                    false => Mark::Step,
                },
            },
            What::Request(request) => {
                Item::Exchange(Box::new(Exchange::of(entry, request, beginning)))
            }
        };
        items.push((entry.at, entry.number, item));
    }
    for told in deliveries {
        let shown = Item::Delivery(Box::new(Delivery::of(told, frame, beginning)));
        items.push((told.delivery.at, told.delivery.number, shown));
    }
    items.sort_by_key(|(at, number, _)| (*at, *number));
    items.into_iter().map(|(_, _, item)| item).collect()
}

fn step_of(note: &Note, beginning: u64) -> Item {
    Item::Step {
        at: Moment::of(note.at),
        since: since(beginning, note.at),
        words: escaped(&note.text).into_owned(),
        mark: Mark::Step,
    }
}

/// What was planned, as the journal notes it.
fn target_in(notes: &[Note]) -> Option<String> {
    let mut planned = notes
        .iter()
        .filter_map(|note| note.text.strip_prefix("planned: "));
    planned.next().map(str::to_owned)
}
