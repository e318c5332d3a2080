//! Starting a workflow, once.
//!
//! The request that starts a run is never sent twice, with three exceptions in which the server has said that it
//! started nothing: it did not know the key `return_run_details`; the default branch was renamed since it was last
//! read; or the operator has chosen to send again (`resend-after-ambiguous`) when a search finds nothing.

use crate::contract::ocean::integration_action::types::{
    Attempt, Failure, FailureKind, Installation, Level, Run, Started,
};
use crate::discovery::{Candidate, Found, Search};
use crate::github::{
    DispatchReply, GitHub, Repository, Subject, egress_denied, failure_of, names_run_details,
    repository_path,
};
use crate::host::{Host, Method, Response, TransportError};
use crate::names::{ExternalId, Workflow, encoded};
use crate::properties::{self, Order};
use crate::settings::Settings;
use crate::{conclusion, json, workflows};

/// How far the clock of a `Date` header may be from that of a run's `created_at`, in seconds.
const CLOCK_SLACK: u64 = 5;

/// How far to look back when the host's clock was set back since the first try, in seconds.
const BACKWARDS_SLACK: u64 = 3600;

/// How many runs are named that may be the one.
const MAX_NAMED: usize = 10;

/// The remedy when nobody knows whether the workflow runs.
const LOOK_FIRST: &str = "The workflow may have been started nevertheless: look at its runs on GitHub before you start it again.";

/// Starts the workflow of a run, or finds the run that an earlier try has started.
///
/// # Errors
/// Every row of the outcome table: see [`failure_of`] for what GitHub refuses and [`Order::of`] for what is
/// refused before anything is sent.
pub fn dispatch(
    host: &dyn Host,
    installation: &Installation,
    run: &Run,
    attempt: &Attempt,
) -> Result<Started, Failure> {
    let is_retry = attempt.number > 1;
    let prepared = Dispatch::prepare(host, installation, run, attempt);
    let dispatch = prepared.map_err(|failure| {
        if is_retry {
            possibly_started(failure)
        } else {
            failure
        }
    })?;
    if is_retry {
        let since = dispatch.first_try_on_githubs_clock();
        match dispatch.discover(since).map_err(possibly_started)? {
            Found::One(run) => return Ok(dispatch.adopted(&run)),
            Found::Nothing if dispatch.settings.resend_after_ambiguous => {
                host.log(
                    Level::Warn,
                    "No run of an earlier try was found; sending again, as the settings say.",
                );
            }
            Found::Nothing => return Err(dispatch.undecided(&[])),
            Found::Several(runs) => return Err(dispatch.undecided(&runs)),
        }
    }
    dispatch.send()
}

/// An earlier try may have started the run, so "nothing was started" is no longer known to be true.
fn possibly_started(failure: Failure) -> Failure {
    match failure.kind {
        // The same call may succeed later, and looks for the run again before it sends anything.
        FailureKind::Unavailable
        | FailureKind::RateLimited(_)
        | FailureKind::Unauthorized
        | FailureKind::Unsupported => failure,
        _ => {
            let message = [
                "An earlier try may have started the workflow, and it cannot be looked for: ",
                &failure.message,
            ]
            .concat();
            Failure {
                kind: FailureKind::Ambiguous,
                message,
                request_sent: true,
                ..failure
            }
        }
    }
}

/// Everything that is known when the request can be built.
struct Dispatch<'a> {
    github: GitHub<'a>,
    settings: Settings,
    order: Order,
    repository: Repository,
    /// When GitHub told about the repository, in seconds on its own clock.
    repository_date: u64,
    /// The workflow's file name or id.
    workflow: String,
    /// The branch or tag, with the default branch filled in.
    reference: String,
    run: &'a Run,
    attempt: &'a Attempt,
}

/// What the server made of the request.
enum Reply {
    /// It started this run.
    Run(Started),
    /// It started a run without telling which.
    Accepted(Response),
    /// It does not know the key `return_run_details`, and started nothing.
    WithoutDetails,
    /// It does not know the branch or tag, and started nothing.
    NoRef(Failure),
}

impl<'a> Dispatch<'a> {
    fn prepare(
        host: &'a dyn Host,
        installation: &Installation,
        run: &'a Run,
        attempt: &'a Attempt,
    ) -> Result<Self, Failure> {
        let settings = Settings::of(installation)?;
        let order = Order::of(installation, run, &settings)?;
        let github = GitHub::of(host, installation)?;
        // A retry has to know GitHub's time, which an answer from a cache does not tell.
        let is_retry = attempt.number > 1;
        let (repository, repository_date) =
            github.repository(&order.owner, &order.repository, is_retry)?;
        // A repository that has moved to another organization answers under its old name too.
        properties::check_fixed(&repository.owner.login, installation)?;
        let workflow = match &order.workflow {
            Workflow::DisplayName(name) => {
                workflows::file_of(&github, &repository.owner.login, &repository.name, name)?
            }
            named => named.text(),
        };
        let (owner, name) = (&repository.owner.login, &repository.name);
        settings
            .may_start
            .check(owner, name, &order.workflow.found_as(&workflow))?;
        let reference = match &order.reference {
            Some(reference) => reference.clone(),
            None => default_branch(&repository)?,
        };
        Ok(Self {
            github,
            settings,
            order,
            repository,
            repository_date,
            workflow,
            reference,
            run,
            attempt,
        })
    }

    /// Sends the request, and again where the server has said that it started nothing.
    fn send(mut self) -> Result<Started, Failure> {
        let began = self.github.host().elapsed_ms();
        let mut with_details = true;
        let mut reply = self.post(with_details)?;
        if matches!(reply, Reply::WithoutDetails) {
            let message = "The server does not tell the ids of runs (return_run_details); looking for the run.";
            self.github.host().log(Level::Info, message);
            with_details = false;
            reply = self.post(with_details).map_err(Failure::sent)?;
        }
        if let Reply::NoRef(failure) = reply {
            self.reference = self.renamed_default_branch(failure)?;
            reply = self.post(with_details).map_err(Failure::sent)?;
        }
        match reply {
            Reply::Run(started) => Ok(started),
            Reply::Accepted(response) => self.find_accepted(&response, began),
            Reply::NoRef(failure) => Err(failure),
            Reply::WithoutDetails => Err(refused_twice()),
        }
    }

    /// The default branch as it is called now, if it was meant and has another name than the server was told.
    fn renamed_default_branch(&self, refusal: Failure) -> Result<String, Failure> {
        if self.order.reference.is_some() {
            return Err(refusal);
        }
        let names = (&self.repository.owner.login, &self.repository.name);
        let (fresh, _) = self
            .github
            .repository(names.0, names.1, true)
            .map_err(Failure::sent)?;
        let branch = default_branch(&fresh)?;
        if branch == self.reference {
            Err(refusal)
        } else {
            Ok(branch)
        }
    }

    fn post(&self, with_details: bool) -> Result<Reply, Failure> {
        let path = [
            &repository_path(&self.repository.owner.login, &self.repository.name),
            "/actions/workflows/",
            &encoded(&self.workflow),
            "/dispatches",
        ]
        .concat();
        let reference = json::string(&self.reference);
        let details = with_details.then_some(("return_run_details", "true"));
        let members = [
            ("ref", reference.as_str()),
            ("inputs", self.order.inputs.as_str()),
        ];
        let body = json::object(members.into_iter().chain(details));
        match self
            .github
            .exchange(Method::Post, &path, false, Some(&body))
        {
            Ok(response) => self.judge(response, with_details),
            Err(TransportError::Denied(why)) => Err(egress_denied(&why)),
            Err(TransportError::NotSent(why)) => Err(Failure::new(
                FailureKind::Unavailable,
                "not-reached",
                format!("GitHub could not be reached: {why}."),
            )
            .with_remedy(
                "Check the network between the host and GitHub, and GitHub's status page.",
            )),
            Err(TransportError::Unknown(why)) => Err(Failure::ambiguous(
                "no-answer",
                format!("The request to start the workflow got no answer: {why}."),
                LOOK_FIRST,
            )),
        }
    }

    /// The outcome table. Pure but for the clock that dates a pause.
    fn judge(&self, response: Response, with_details: bool) -> Result<Reply, Failure> {
        match response.status {
            200 => match json::from_slice::<DispatchReply>(&response.body) {
                Ok(DispatchReply {
                    workflow_run_id: Some(id),
                    html_url,
                }) if id > 0 => Ok(Reply::Run(self.started(id, html_url.as_deref(), None))),
                Ok(_) => Ok(Reply::Accepted(response)),
                Err(_)
                    if response.complete && response.body.iter().all(u8::is_ascii_whitespace) =>
                {
                    Ok(Reply::Accepted(response))
                }
                Err(_) => Err(Failure::ambiguous(
                    "unreadable-answer",
                    "GitHub's answer to the request to start the workflow cannot be read.",
                    LOOK_FIRST,
                )),
            },
            201..=299 => Ok(Reply::Accepted(response)),
            _ if with_details && names_run_details(&response) => Ok(Reply::WithoutDetails),
            _ => {
                let subject = Subject::Dispatch {
                    workflow: &self.workflow,
                    reference: &self.reference,
                };
                let failure = failure_of(&subject, &response, self.github.now(&response));
                if failure.code == "ref-not-found" {
                    Ok(Reply::NoRef(failure))
                } else {
                    Err(failure)
                }
            }
        }
    }

    /// Finds the run of a request that the server has accepted without naming it. `began` is when it was sent.
    fn find_accepted(&self, response: &Response, began: u64) -> Result<Started, Failure> {
        let took = (self.github.host().elapsed_ms() - began).div_ceil(1000);
        let since = self.github.now(response).saturating_sub(took + CLOCK_SLACK);
        // Whatever goes wrong now, the run has been started.
        let found = self.discover(since).map_err(|failure| {
            Failure::ambiguous(
                &failure.code,
                [
                    "GitHub has accepted the workflow run, and looking for it failed: ",
                    &failure.message,
                ]
                .concat(),
                failure.remedy.as_deref().unwrap_or(LOOK_FIRST),
            )
        })?;
        match found {
            Found::One(run) => Ok(self.adopted(&run)),
            Found::Nothing => Err(self.undecided(&[])),
            Found::Several(runs) => Err(self.undecided(&runs)),
        }
    }

    /// When the first try began, on the clock that dates runs. The host's clock may be wrong, but how long ago the
    /// first try was is a difference, in which its error cancels out.
    fn first_try_on_githubs_clock(&self) -> u64 {
        let host_now = self.github.host().wall_clock_ms();
        let ago = host_now
            .checked_sub(self.attempt.first_began)
            .map_or(BACKWARDS_SLACK, |ms| ms.div_ceil(1000));
        self.repository_date.saturating_sub(ago + CLOCK_SLACK)
    }

    fn discover(&self, since: u64) -> Result<Found, Failure> {
        Search {
            github: &self.github,
            owner: &self.repository.owner.login,
            repository: &self.repository.name,
            workflow: &self.workflow,
            port_run: &self.run.id,
            reference: &self.reference,
            actor: self.settings.actor.as_deref(),
            since,
            is_taken: &|run| self.attempt.taken.contains(&self.external_id(run)),
            bound_ms: self.settings.discovery_ms,
        }
        .run()
    }

    fn external_id(&self, run: u64) -> String {
        ExternalId {
            owner: self.repository.owner.id,
            repository: self.repository.id,
            run,
        }
        .to_string()
    }

    fn adopted(&self, run: &Candidate) -> Started {
        self.started(run.id, run.link.as_deref(), run.status.as_deref())
    }

    fn started(&self, run: u64, link: Option<&str>, status: Option<&str>) -> Started {
        let link = link
            .filter(|link| is_link(link))
            .map_or_else(|| self.run_page(run), str::to_owned);
        let output = json::object([
            ("workflowRunId", run.to_string().as_str()),
            ("workflowRunUrl", json::string(&link).as_str()),
        ]);
        let label = conclusion::status_label(status.unwrap_or("queued"));
        Started {
            external_run_id: self.external_id(run),
            link: Some(link),
            output,
            status_label: label.map(str::to_owned),
        }
    }

    fn run_page(&self, run: u64) -> String {
        format!("{}/actions/runs/{run}", self.repository_page())
    }

    fn repository_page(&self) -> String {
        [
            &self.github.web(),
            "/",
            &self.repository.owner.login,
            "/",
            &self.repository.name,
        ]
        .concat()
    }

    /// The failure of a search that has not found exactly one run.
    fn undecided(&self, several: &[Candidate]) -> Failure {
        let is_file = !self.workflow.bytes().all(|b| b.is_ascii_digit());
        let file = if is_file {
            ["/workflows/", &encoded(&self.workflow)].concat()
        } else {
            String::new()
        };
        let page = format!("{}/actions{file}", self.repository_page());
        if several.is_empty() {
            return Failure::ambiguous(
                "run-not-discovered",
                "The workflow may have been started, but no run of it was found that can belong to this Port run.",
                format!(
                    "Look at {page} whether a run on `{}` began at the time of this Port run. Start it again only if \
                     there is none. To make runs recognizable, show the Port run id in the workflow's `run-name`.",
                    self.reference
                ),
            );
        }
        let first = several.iter().take(MAX_NAMED);
        let mut pages: Vec<String> = first.map(|run| self.run_page(run.id)).collect();
        let more = several.len().saturating_sub(MAX_NAMED);
        if more > 0 {
            pages.push(format!("and {more} more"));
        }
        Failure::ambiguous(
            "several-runs-discovered",
            format!(
                "The workflow was started, but several runs may be the one: {}.",
                pages.join(" ")
            ),
            "Look at these runs. To make runs recognizable, show the Port run id in the workflow's `run-name`, or tell \
             the login of the credential in the setting `actor`.",
        )
    }
}

/// The branch to use when none is named.
fn default_branch(repository: &Repository) -> Result<String, Failure> {
    repository
        .default_branch
        .clone()
        .filter(|branch| !branch.is_empty())
        .ok_or_else(|| {
            Failure::rejected(
                "no-default-branch",
                "GitHub does not tell the repository's default branch.",
                "Name a branch or tag in `ref`; an empty repository has neither.",
            )
        })
}

/// Whether a text from an answer can be shown as a link.
fn is_link(text: &str) -> bool {
    (text.starts_with("https://") || text.starts_with("http://"))
        && text.len() <= 1000
        && text.bytes().all(|b| b.is_ascii_graphic())
}

/// A server that refuses `return_run_details` where it was not sent.
fn refused_twice() -> Failure {
    let message =
        "GitHub refused the request to start the workflow twice, naming a key that was not sent.";
    Failure::rejected("request-refused", message, "See the server's log for why.").sent()
}

#[cfg(test)]
mod tests;
