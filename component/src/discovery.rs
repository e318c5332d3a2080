//! Finding the run that a dispatch has started, when the server did not say which.
//!
//! The rule is never to guess. A run whose title names the Port run is it; otherwise the run is adopted only
//! if no other run comes into question, and only after a second look, since GitHub's list lags behind by seconds. (A
//! run that shows up in the very last look had all the time before to be joined by another.)

use crate::contract::ocean::integration_action::types::{Failure, FailureKind};
use crate::github::{GitHub, RunList, Subject, WorkflowRun, parse, repository_path};
use crate::names::{encoded, short_ref};
use crate::time;

/// The pauses between looks, in milliseconds; the last one repeats.
const PAUSES: [u64; 6] = [1000, 2000, 3000, 5000, 8000, 10_000];

/// What is looked for, and where.
pub struct Search<'a> {
    /// The server.
    pub github: &'a GitHub<'a>,
    /// The repository's owner.
    pub owner: &'a str,
    /// The repository's name.
    pub repository: &'a str,
    /// The workflow's file name or id.
    pub workflow: &'a str,
    /// Port's id of the run. Exact if the workflow's `run-name` shows it.
    pub port_run: &'a str,
    /// The branch or tag that the run was started on.
    pub reference: &'a str,
    /// The login that started it, if known.
    pub actor: Option<&'a str>,
    /// The earliest moment at which it can have been created, in seconds on GitHub's clock.
    pub since: u64,
    /// Whether a run is known to belong to another Port run.
    pub is_taken: &'a dyn Fn(u64) -> bool,
    /// How long to look, in milliseconds.
    pub bound_ms: u64,
}

/// A run that may be the one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// GitHub's id of the run.
    pub id: u64,
    /// Its page, if GitHub told.
    pub link: Option<String>,
    /// Its status.
    pub status: Option<String>,
}

/// What a search has found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// The run.
    One(Candidate),
    /// Runs that cannot be told apart.
    Several(Vec<Candidate>),
    /// No run.
    Nothing,
}

/// What one look at the list gives.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Look {
    /// A run whose title names the Port run.
    Exact(Candidate),
    /// Runs that come into question.
    Possible(Vec<Candidate>),
}

impl From<Look> for Found {
    fn from(look: Look) -> Self {
        match look {
            Look::Exact(run) => Self::One(run),
            Look::Possible(mut runs) => match (runs.pop(), runs.is_empty()) {
                (None, _) => Self::Nothing,
                (Some(only), true) => Self::One(only),
                (Some(last), false) => {
                    runs.push(last);
                    Self::Several(runs)
                }
            },
        }
    }
}

impl Search<'_> {
    /// Looks until the run is found or the time is up.
    ///
    /// # Errors
    /// If GitHub refuses the list, or has given none when the time is up: then nothing is known, and nobody may
    /// conclude that there is no run.
    pub fn run(&self) -> Result<Found, Failure> {
        let host = self.github.host();
        let began = host.elapsed_ms();
        let mut paused = 0;
        let mut seen_alone = None;
        let mut pauses = PAUSES.iter().copied().peekable();
        let mut pause = 0;
        loop {
            let look = self.look();
            match &look {
                Ok(Look::Exact(run)) => return Ok(Found::One(run.clone())),
                Ok(Look::Possible(runs)) => match runs.as_slice() {
                    [only] if seen_alone == Some(only.id) => return Ok(Found::One(only.clone())),
                    [only] => seen_alone = Some(only.id),
                    _ => seen_alone = None,
                },
                Err(failure) if failure.kind == FailureKind::Unavailable => {}
                Err(failure) => return Err(failure.clone()),
            }
            // The sum of the pauses ends the search even if the host's clock stands still.
            let spent = host.elapsed_ms().saturating_sub(began).max(paused);
            if spent >= self.bound_ms {
                return look.map(Found::from);
            }
            pause = pauses.next().unwrap_or(pause);
            let within = pause.min(self.bound_ms - spent);
            host.sleep(within);
            paused += within;
        }
    }

    fn look(&self) -> Result<Look, Failure> {
        let path = format!(
            "{}/actions/workflows/{}/runs?event=workflow_dispatch&exclude_pull_requests=true&per_page=100&created={}",
            repository_path(self.owner, self.repository),
            encoded(self.workflow),
            encoded(&[">=", &time::to_timestamp(self.since)].concat()),
        );
        let response = self.github.read(&Subject::Runs, &path, true)?;
        let list: RunList<'_> = parse(&response)?;
        Ok(self.choose(&list.workflow_runs))
    }

    /// The decision, given the list.
    fn choose(&self, runs: &[WorkflowRun<'_>]) -> Look {
        let free = || runs.iter().filter(|run| !(self.is_taken)(run.id));
        let exact: Vec<Candidate> = free()
            .filter(|run| self.is_named_in(run))
            .map(candidate)
            .collect();
        match exact.as_slice() {
            [] => Look::Possible(
                free()
                    .filter(|run| self.is_possible(run))
                    .map(candidate)
                    .collect(),
            ),
            [only] => Look::Exact(only.clone()),
            _ => Look::Possible(exact),
        }
    }

    fn is_named_in(&self, run: &WorkflowRun<'_>) -> bool {
        words(run.display_title.as_deref().unwrap_or_default()).any(|word| word == self.port_run)
    }

    fn is_possible(&self, run: &WorkflowRun<'_>) -> bool {
        let is_ours = |expected: &str, actual: Option<&str>| {
            actual.is_some_and(|it| it.eq_ignore_ascii_case(expected))
        };
        let created = run.created_at.as_deref().and_then(time::from_timestamp);
        let title = run.display_title.as_deref().unwrap_or_default();
        run.event
            .as_deref()
            .is_none_or(|event| event == "workflow_dispatch")
            && created.is_some_and(|created| created >= self.since)
            && run.head_branch.as_deref() == Some(short_ref(self.reference))
            && self.actor.is_none_or(|actor| {
                is_ours(
                    actor,
                    run.actor.as_ref().map(|account| account.login.as_str()),
                )
            })
            && !words(title).any(is_port_run)
    }
}

/// The words of a title: what is between characters that no id of a Port run contains.
fn words(title: &str) -> impl Iterator<Item = &str> {
    title.split(|c: char| !c.is_ascii_alphanumeric() && c != '_')
}

/// Whether this looks like Port's id of a run: `r_…` or `wfnr_…`. A run whose title shows such an id belongs to that
/// Port run, so to no other.
fn is_port_run(word: &str) -> bool {
    let id = word
        .strip_prefix("r_")
        .or_else(|| word.strip_prefix("wfnr_"));
    id.is_some_and(|id| id.len() >= 12 && id.bytes().all(|b| b.is_ascii_alphanumeric()))
}

fn candidate(run: &WorkflowRun<'_>) -> Candidate {
    let owned = |text: Option<&str>| text.map(str::to_owned);
    Candidate {
        id: run.id,
        link: owned(run.html_url.as_deref()),
        status: owned(run.status.as_deref()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::{Response, TransportError};
    use crate::script::{NOW, Script, answer, installation, refusal};

    const PORT_RUN: &str = "r_0123456789abcdef";

    fn listed(runs: &[String]) -> Result<Response, TransportError> {
        answer(
            200,
            &format!(
                r#"{{"total_count":{},"workflow_runs":[{}]}}"#,
                runs.len(),
                runs.join(",")
            ),
        )
    }

    fn made(id: u64, title: &str) -> String {
        made_by(id, title, "app[bot]", "main", NOW)
    }

    fn made_by(id: u64, title: &str, actor: &str, branch: &str, created: u64) -> String {
        format!(
            r#"{{"id":{id},"event":"workflow_dispatch","status":"queued","display_title":"{title}","head_branch":"{branch}",
                "created_at":"{}","actor":{{"login":"{actor}"}},"html_url":"https://github.com/acme/shop/actions/runs/{id}"}}"#,
            time::to_timestamp(created)
        )
    }

    fn search(host: &Script, actor: Option<&str>, reference: &str) -> Result<Found, Failure> {
        let github = GitHub::of(host, &installation()).unwrap();
        Search {
            github: &github,
            owner: "acme",
            repository: "shop",
            workflow: "deploy.yml",
            port_run: PORT_RUN,
            reference,
            actor,
            since: NOW - 5,
            is_taken: &|run| run == 99,
            bound_ms: 60_000,
        }
        .run()
    }

    fn id_of(found: Result<Found, Failure>) -> u64 {
        match found.unwrap() {
            Found::One(run) => run.id,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_title_with_the_port_run_wins_at_once_over_all_others() {
        let host = Script::of([listed(&[
            made(2, "Deploy"),
            made(1, &format!("Deploy ({PORT_RUN})")),
            made(3, "Deploy"),
        ])]);
        assert_eq!(id_of(search(&host, None, "main")), 1);
        assert!(host.pauses.borrow().is_empty());
    }

    #[test]
    fn a_title_with_a_longer_id_is_another_run() {
        let host = Script::default().then_forever(listed(&[
            made(1, &format!("{PORT_RUN}0")),
            made(2, &format!("x{PORT_RUN}")),
        ]));
        // The first shows the id of another Port run; the second shows no id, so it is the only one possible.
        assert_eq!(id_of(search(&host, None, "main")), 2);
    }

    #[test]
    fn the_only_possible_run_is_adopted_after_a_second_look() {
        let host = Script::default().then_forever(listed(&[made(1, "Deploy")]));
        assert_eq!(id_of(search(&host, None, "main")), 1);
        assert_eq!(host.requests.borrow().len(), 2);
    }

    #[test]
    fn several_possible_runs_are_never_guessed_between() {
        let host = Script::default().then_forever(listed(&[made(1, "Deploy"), made(2, "Deploy")]));
        let Found::Several(runs) = search(&host, None, "main").unwrap() else {
            panic!("guessed")
        };
        assert_eq!(runs.len(), 2);
        assert_eq!(host.pauses.borrow().iter().sum::<u64>(), 60_000);
    }

    #[test]
    fn a_second_run_that_appears_late_prevents_a_guess() {
        let host = Script::of([listed(&[made(1, "Deploy")])])
            .then_forever(listed(&[made(2, "Deploy"), made(1, "Deploy")]));
        assert!(matches!(
            search(&host, None, "main").unwrap(),
            Found::Several(_)
        ));
    }

    #[test]
    fn runs_of_others_other_branches_earlier_times_and_taken_ones_do_not_count() {
        let others = [
            made_by(1, "Deploy", "mona", "main", NOW),
            made_by(2, "Deploy", "app[bot]", "dev", NOW),
            made_by(3, "Deploy", "app[bot]", "main", NOW - 6),
            made(99, "Deploy"),
            made(5, "Deploy r_fedcba9876543210"),
        ];
        let host = Script::default().then_forever(listed(&others));
        assert_eq!(
            search(&host, Some("App[bot]"), "main").unwrap(),
            Found::Nothing
        );
        let with_ours = [others.as_slice(), &[made(6, "Deploy")]].concat();
        let host = Script::default().then_forever(listed(&with_ours));
        assert_eq!(id_of(search(&host, Some("App[bot]"), "refs/heads/main")), 6);
    }

    #[test]
    fn a_list_that_lags_is_waited_for_with_growing_pauses() {
        let host = Script::of([
            listed(&[]),
            listed(&[]),
            refusal(502, "x"),
            listed(&[made(1, PORT_RUN)]),
        ]);
        assert_eq!(id_of(search(&host, None, "main")), 1);
        assert_eq!(*host.pauses.borrow(), [1000, 2000, 3000]);
    }

    #[test]
    fn a_list_that_never_came_is_not_an_empty_list() {
        let host = Script::default().then_forever(refusal(503, "x"));
        assert_eq!(
            search(&host, None, "main").unwrap_err().kind,
            FailureKind::Unavailable
        );
        let host = Script::of([refusal(404, "Not Found")]);
        assert_eq!(
            search(&host, None, "main").unwrap_err().code,
            "workflow-not-found"
        );
    }

    #[test]
    fn the_list_is_asked_for_fresh_and_since_the_first_try() {
        let host = Script::of([listed(&[made(1, PORT_RUN)])]);
        search(&host, None, "main").unwrap();
        assert_eq!(
            host.asked(),
            [
                "GET /repos/acme/shop/actions/workflows/deploy.yml/runs?event=workflow_dispatch&exclude_pull_requests=true\
              &per_page=100&created=%3E%3D2026-03-10T11%3A59%3A55Z"
            ]
        );
        let requests = host.requests.borrow();
        assert!(
            requests[0]
                .headers
                .contains(&("cache-control", "no-cache".into()))
        );
    }
}
