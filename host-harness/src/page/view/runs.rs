//! The first page: installations, and runs, newest first.

use super::installations::{self, Row as Installation, Sight};
use super::moment::{Moment, between, length};
use super::state::{Mark, State, state};
use super::{Frame, path_of};
use crate::journal::{Phase, RunKey};
use crate::legible::escaped;
use crate::page::record::Run;
use askama::Template;
use std::collections::BTreeMap;
use url::form_urlencoded::{Serializer, parse};

/// Runs on one page.
const PAGE: usize = 100;

/// The first page.
#[derive(Template)]
#[template(path = "page/runs.html")]
pub(in crate::page) struct Overview {
    frame: Frame,
    installations: Vec<Installation>,
    /// What the filter can be set to: value, words, whether it is.
    by_installation: Vec<(String, String, bool)>,
    by_state: Vec<(String, String, bool)>,
    is_filtered: bool,
    runs: Vec<Row>,
    /// Where the runs before these are.
    older: Option<String>,
    /// Runs that go on and of which no more is remembered than that.
    forgotten: usize,
}

/// A row of the list.
#[derive(Debug, Clone)]
struct Row {
    /// Its `id` on the page.
    id: String,
    href: String,
    title: String,
    port_id: String,
    action: String,
    installation: String,
    mark: Mark,
    state: &'static str,
    label: String,
    claimed: Moment,
    took: String,
}

/// Which runs are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::page) struct Filter {
    installation: Option<String>,
    /// A state, or all that go on.
    state: Option<String>,
    /// Only those before the one with this number.
    before: Option<u64>,
}

/// What a filter calls all runs that go on.
const UNDER_WAY: &str = "under-way";

/// The states that can be chosen, beside all that go on.
const STATES: [&str; 5] = ["succeeded", "failed", "cancelled", "handed-over", "parked"];

impl Filter {
    /// What a query asks for. What it says beside that counts as nothing.
    pub(in crate::page) fn parse(query: &str) -> Filter {
        let mut filter = Filter::default();
        for (name, value) in parse(query.as_bytes()) {
            let text = (!value.is_empty()).then(|| value.clone().into_owned());
            match &*name {
                "installation" => filter.installation = text,
                "state" => filter.state = text,
                "before" => filter.before = value.parse().ok(),
                _ => {}
            }
        }
        filter
    }

    /// Only what came before this number.
    pub(in crate::page) fn before(&self) -> Option<u64> {
        self.before
    }

    fn wants(&self, run: &Run, state: State) -> bool {
        let installation = self.installation.as_deref();
        let is_wanted = |wanted: &str| match state {
            State::UnderWay(_) if wanted == UNDER_WAY => true,
            state => state.slug() == wanted,
        };
        installation.is_none_or(|it| it == run.key.installation)
            && self.state.as_deref().is_none_or(is_wanted)
            && self.before.is_none_or(|before| run.number < before)
    }

    fn older(&self, number: u64) -> String {
        let mut query = Serializer::new("/?".to_owned());
        let mut put = |name: &str, value: &str| {
            query.append_pair(name, value);
        };
        if let Some(installation) = &self.installation {
            put("installation", installation);
        }
        if let Some(state) = &self.state {
            put("state", state);
        }
        put("before", &number.to_string());
        query.finish().replacen("/?&", "/?", 1)
    }
}

impl Overview {
    /// The page of these runs, newest first.
    pub(in crate::page) fn of<'r>(
        frame: Frame,
        sights: &[Sight],
        phases: &BTreeMap<RunKey, Phase>,
        runs: impl Iterator<Item = &'r Run>,
        filter: &Filter,
    ) -> Overview {
        let mut known = 0;
        let mut wanted = Vec::new();
        for run in runs {
            let phase = phases.get(&run.key).copied();
            known += usize::from(phase.is_some());
            let state = state(run.ended.map(|(_, end)| end), phase);
            // One more than fits tells that there are more.
            if wanted.len() <= PAGE && filter.wants(run, state) {
                wanted.push((run, state));
            }
        }
        let is_more = wanted.len() > PAGE;
        wanted.truncate(PAGE);
        let older = wanted.last().filter(|_| is_more);
        Overview {
            installations: installations::rows(sights, phases),
            by_installation: sights
                .iter()
                .map(|sight| choice(sight.installation.id(), &filter.installation))
                .collect(),
            by_state: [UNDER_WAY]
                .into_iter()
                .chain(STATES)
                .map(|state| choice(state, &filter.state))
                .collect(),
            is_filtered: *filter != Filter::default(),
            older: older.map(|(run, _)| filter.older(run.number)),
            forgotten: phases.len().saturating_sub(known),
            runs: wanted
                .into_iter()
                .map(|(run, state)| row(run, state, frame.now))
                .collect(),
            frame,
        }
    }
}

fn choice(value: &str, chosen: &Option<String>) -> (String, String, bool) {
    let words = escaped(value).replace(
        '-',
        if STATES.contains(&value) || value == UNDER_WAY {
            " "
        } else {
            "-"
        },
    );
    (value.to_owned(), words, chosen.as_deref() == Some(value))
}

fn row(run: &Run, state: State, now: u64) -> Row {
    let legible = |text: &str| escaped(text).into_owned();
    let until = run.ended.map_or(now, |(at, _)| at);
    Row {
        id: format!("r{}", run.number),
        href: path_of(&run.key),
        title: legible(run.target.as_deref().unwrap_or(&run.key.run)),
        port_id: legible(&run.key.run),
        action: legible(run.action.as_deref().unwrap_or_default()),
        installation: legible(&run.key.installation),
        mark: state.mark(),
        state: state.word(),
        label: legible(run.label.as_deref().unwrap_or_default()),
        claimed: Moment::of(run.claimed_at),
        took: length(between(run.claimed_at, until)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Outcome;
    use crate::lifecycle::End;
    use crate::page::ledger::tests::run;

    fn frame() -> Frame {
        Frame {
            allow_replay: false,
            now: 1_795_982_431_000,
        }
    }

    fn page(runs: &[Run], query: &str) -> Overview {
        let phases = runs
            .iter()
            .filter(|run| run.ended.is_none())
            .map(|run| (run.key.clone(), Phase::Started))
            .collect();
        let filter = Filter::parse(query);
        Overview::of(frame(), &[], &phases, runs.iter().rev(), &filter)
    }

    #[test]
    fn runs_are_filtered_by_installation_and_by_state() {
        let mut runs = vec![run("acme", 1), run("globex", 2), run("acme", 3)];
        runs[0].ended = Some((5, End::Reported(Outcome::Failure)));
        let ids = |query: &str| -> Vec<String> {
            page(&runs, query)
                .runs
                .into_iter()
                .map(|row| row.port_id)
                .collect()
        };
        assert_eq!(ids(""), ["r_3", "r_2", "r_1"]);
        assert_eq!(ids("installation=acme"), ["r_3", "r_1"]);
        assert_eq!(ids("installation=acme&state=under-way"), ["r_3"]);
        assert_eq!(ids("state=failed"), ["r_1"]);
        assert_eq!(ids("state=started&before=3"), ["r_2"]);
        assert_eq!(ids("state=nonsense"), [""; 0]);
    }

    #[test]
    fn what_does_not_fit_on_the_page_is_on_the_next_with_the_same_filter() {
        let runs: Vec<Run> = (1..=150).map(|number| run("a&b", number)).collect();
        let first = page(&runs, "installation=a%26b");
        assert_eq!(
            (first.runs.len(), first.runs[0].port_id.as_str()),
            (100, "r_150")
        );
        let older = first.older.unwrap();
        assert_eq!(older, "/?installation=a%26b&before=51");
        let second = page(&runs, older.strip_prefix("/?").unwrap());
        assert_eq!((second.runs.len(), second.older), (50, None));
        assert_eq!(second.runs[0].port_id, "r_50");
    }

    #[test]
    fn what_strangers_write_is_shown_and_does_nothing() {
        let mut hostile = run("<script>alert(1)</script>", 1);
        let text = "\"><img src=x onerror=alert(1)>\u{202e}\n\u{1b}[2K";
        hostile.target = Some(text.to_owned());
        hostile.label = Some(format!("'{text}"));
        hostile.action = Some("{{ 7 * 7 }}</td>".to_owned());
        let html = page(&[hostile], "").render().unwrap();
        for tag in ["<img", "<script>alert", "</td></td>", "\u{202e}", "\u{1b}"] {
            assert!(!html.contains(tag), "{tag:?} is in\n{html}");
        }
        assert!(
            html.contains("&#60;img src=x onerror=alert(1)&#62;\\u{202e}\\n"),
            "{html}"
        );
        assert!(html.contains("{{ 7 * 7 }}&#60;/td&#62;"), "{html}");
    }
}
