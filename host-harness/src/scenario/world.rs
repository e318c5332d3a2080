//! From what a scenario says about its world to simulators and a host.

use super::chronicle::{Chronicle, What};
use super::error::ScenarioError;
use super::schema::{self, Scenario};
use super::text;
use crate::lifecycle::Observer;
use crate::network::Network;
use crate::simulator::github::{self, AppInstallation, GitHub, Input, Repository, Workflow};
use crate::simulator::port;
use crate::simulator::script::{Asked, Fits, Line};
use crate::stage::StageOptions;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Where everybody is on the network of a scenario: always at the same place, so that recordings can name it.
pub const GITHUB: SocketAddr = at(20_001);
/// The scripted server.
pub const SERVER: SocketAddr = at(20_002);
/// Port.
pub const PORT: SocketAddr = at(20_003);
/// The host.
pub const HOST: SocketAddr = at(20_004);

const fn at(port: u16) -> SocketAddr {
    SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port)
}

/// Client of Port that belongs to a person.
pub(super) const PERSON: (&str, &str) = ("a-persons-client", "a-persons-secret");

impl Scenario {
    /// Whether the plugin talks to the simulated GitHub: it is there, or nothing else is.
    pub fn has_github(&self) -> bool {
        self.github.is_some() || self.server.is_empty()
    }

    /// What the stage is set with.
    pub(super) fn stage(
        &self,
        network: &Network,
        chronicle: &Chronicle,
    ) -> Result<StageOptions, ScenarioError> {
        let world = self.github.clone().unwrap_or_default();
        let lives = chronicle.clone();
        let observer: Observer = Arc::new(move |_: &str, run: &str, step: &_| {
            lives.note(What::Life(run.to_owned(), step.to_string()));
        });
        let server = (!self.has_github()).then(|| format!("http://{SERVER}"));
        let poll_interval = self.port.poll_interval;
        let visibility_timeout = self.port.visibility_timeout;
        Ok(StageOptions {
            github: self.github_options(&world, chronicle),
            port: port::Options {
                listen: PORT,
                witness: chronicle.witness(),
                token_life: self.port.token_life.map_or(THREE_HOURS, |life| life.0),
                ..port::Options::default()
            },
            network: network.clone(),
            listen: HOST,
            github_through: self.installation.api_url.clone().or(server),
            poll_interval: poll_interval.map_or(Duration::from_secs(1), |time| time.0),
            visibility_timeout: visibility_timeout.map_or(Duration::from_secs(60), |time| time.0),
            observer: Some(observer),
            ..StageOptions::with(self.roles()?)
        })
    }

    fn github_options(&self, world: &schema::GitHub, chronicle: &Chronicle) -> github::Options {
        let default = github::Options::default();
        let span = |span: Option<schema::Span>, default| span.map_or(default, |span| span.0);
        let owners: std::collections::BTreeSet<String> = self
            .repositories()
            .into_iter()
            .map(|it| it.owner())
            .chain(world.app_suspended.iter().cloned())
            .collect();
        github::Options {
            listen: GITHUB,
            witness: chronicle.witness(),
            return_run_details_supported: world.run_details.unwrap_or(true),
            always_204: world.always_204,
            rate_limit: world.rate_limit.unwrap_or(default.rate_limit),
            rate_window: span(world.rate_window, default.rate_window),
            rate_limit_status: world.rate_limit_status.unwrap_or(default.rate_limit_status),
            // Time stands still while a request is under way here, so nothing has to be forgiven.
            limit_grace: Duration::ZERO,
            list_lag: span(world.list_lag, default.list_lag),
            fresh_run_lag: span(world.fresh_run_lag, default.fresh_run_lag),
            ref_lag: span(world.ref_lag, default.ref_lag),
            clock_offset_seconds: world.clock_offset.map_or(0, |offset| offset.0.as_secs()),
            app_token_life: span(world.app_token_life, default.app_token_life),
            html_base: world.html_base.clone().unwrap_or(default.html_base.clone()),
            app_installations: owners
                .into_iter()
                .map(|owner| {
                    let is_suspended = world.app_suspended.contains(&owner);
                    let on = AppInstallation::on(owner);
                    if is_suspended { on.suspended() } else { on }
                })
                .collect(),
            ..default
        }
    }

    fn repositories(&self) -> Vec<schema::Repository> {
        let said = self.github.as_ref().map(|it| it.repository.clone());
        let said = said.unwrap_or_default();
        if said.is_empty() {
            vec![schema::Repository::default()]
        } else {
            said
        }
    }

    /// Puts everything into the simulated services that is there from the start.
    pub(super) fn furnish(&self, github: &GitHub) {
        for repository in self.repositories() {
            github.add_repository(repository.build());
        }
        if let Some(left) = self.github.as_ref().and_then(|world| world.remaining) {
            github.set_remaining(&github.token(), left);
        }
    }

    /// Lets a person's client exist in Port, and switches action processing off if that is said.
    pub(super) fn furnish_port(&self, port: &port::Port, installation: &str) {
        let person = port::Claims {
            is_machine: Some(false),
            personal_token: Some(true),
        };
        port.add_client(PERSON.0, PERSON.1, person);
        port.add_integration(installation, self.port.actions_processing.unwrap_or(true));
    }

    /// The lines of the scripted server.
    pub(super) fn lines(&self) -> Result<Vec<Line>, ScenarioError> {
        let lines = self.server.iter().enumerate();
        lines.map(|(number, said)| line(number, said)).collect()
    }
}

const THREE_HOURS: Duration = Duration::from_secs(3 * 3600);

fn line(number: usize, said: &schema::Server) -> Result<Line, ScenarioError> {
    let key = format!("server[{number}].answer");
    let answer = &said.answer;
    let (body, kind) = body(
        &key,
        answer.json.as_ref(),
        answer.text.as_ref(),
        answer.base64.as_ref(),
    )?;
    let mut headers: Vec<(String, String)> = answer.headers.clone().into_iter().collect();
    let is_named = headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    if let (Some(kind), false) = (kind, is_named) {
        headers.push(("content-type".to_owned(), kind.to_owned()));
    }
    Ok(Line {
        fits: fits(said.clone()),
        times: said.times,
        status: answer.status.unwrap_or(200),
        headers,
        body,
        after: answer.after.map_or(Duration::ZERO, |time| time.0),
        cut: answer.cut,
    })
}

fn fits(said: schema::Server) -> Fits {
    Arc::new(move |asked: &Asked<'_>| {
        let is = |said: &Option<String>, seen: &str| {
            said.as_ref().is_none_or(|said| text::fits(said, seen))
        };
        let has = |(name, value): (&String, &String)| {
            let seen = asked.headers.get(name.as_str());
            seen.is_some_and(|seen| text::fits(value, &String::from_utf8_lossy(seen.as_bytes())))
        };
        is(&said.method, asked.method)
            && is(&said.path, asked.target)
            && said.headers.iter().all(has)
            && said.json.as_ref().is_none_or(|json| {
                let seen = asked.json.as_ref();
                seen.is_some_and(|seen| text::differences(json, seen).is_empty())
            })
    })
}

/// A body that is spelled in one of three ways, and its content type.
pub(super) fn body(
    key: &str,
    json: Option<&Value>,
    text: Option<&String>,
    base64: Option<&String>,
) -> Result<(Vec<u8>, Option<&'static str>), ScenarioError> {
    match (json, text, base64) {
        (None, None, None) => Ok((Vec::new(), None)),
        (Some(json), None, None) => Ok((json.to_string().into_bytes(), Some("application/json"))),
        (None, Some(text), None) => Ok((text.clone().into_bytes(), Some("text/plain"))),
        (None, None, Some(base64)) => {
            let bytes = STANDARD.decode(base64).map_err(|error| {
                ScenarioError::senseless(format!("{key}.base64"), error.to_string())
            })?;
            Ok((bytes, Some("application/octet-stream")))
        }
        _ => {
            let reason = "a body is `json`, `text` or `base64`, and only one of them";
            Err(ScenarioError::senseless(key, reason))
        }
    }
}

impl schema::Repository {
    fn owner(&self) -> String {
        self.owner.clone().unwrap_or_else(|| "acme".to_owned())
    }

    /// The repository for a simulator.
    pub(crate) fn build(&self) -> Repository {
        let name = self.name.as_deref().unwrap_or("shop");
        let mut repository = Repository::new(self.owner(), name)
            .archived(self.archived)
            .actions_enabled(self.actions.unwrap_or(true));
        for (number, branch) in self.branches.iter().enumerate() {
            repository = match number {
                0 => repository.default_branch(branch),
                _ => repository.branch(branch),
            };
        }
        for tag in &self.tags {
            repository = repository.tag(tag);
        }
        for environment in &self.environments {
            repository = repository.environment(environment);
        }
        if self.workflow.is_empty() {
            return repository.workflow(schema::Workflow::usual().build());
        }
        for workflow in &self.workflow {
            repository = repository.workflow(workflow.build());
        }
        repository
    }
}

impl schema::Workflow {
    /// The one that is there when nothing is said.
    fn usual() -> schema::Workflow {
        schema::Workflow {
            inputs: vec![schema::Input {
                name: "environment".to_owned(),
                default: Some("staging".to_owned()),
                ..schema::Input::default()
            }],
            ..schema::Workflow::default()
        }
    }

    fn build(&self) -> Workflow {
        let seconds = |span: Option<schema::Span>, default| {
            span.map_or(Duration::from_secs(default), |span| span.0)
        };
        let file = self.file.as_deref().unwrap_or("deploy.yml");
        let mut workflow = Workflow::new(file)
            .trigger(self.trigger.unwrap_or(true))
            .run_name_echoes_inputs(self.echoes_inputs)
            .queue_time(seconds(self.queued, 2))
            .duration(seconds(self.runs_for, 5));
        if let Some(name) = &self.name {
            workflow = workflow.name(name);
        }
        if let Some(state) = &self.state {
            workflow = workflow.state(state);
        }
        if let Some(branch) = &self.no_trigger_on {
            workflow = workflow.without_trigger_on(branch);
        }
        if !self.jobs.is_empty() {
            workflow = workflow.jobs(&self.jobs);
        }
        if let Some(failing) = &self.failing {
            workflow = workflow.failing(&failing.job, &failing.step);
            for said in &failing.annotations {
                workflow = workflow.annotated(&said.path, said.line, &said.message);
            }
        }
        if let Some(conclusion) = &self.conclusion {
            workflow = workflow.conclusion(conclusion);
        }
        if let Some(conclusion) = &self.rerun_conclusion {
            workflow = workflow.rerun_conclusion(conclusion);
        }
        if self.manual {
            workflow = workflow.manual();
        }
        self.inputs
            .iter()
            .fold(workflow, |workflow, input| workflow.input(input.build()))
    }
}

impl schema::Input {
    fn build(&self) -> Input {
        let mut input = match self.kind.as_deref() {
            Some("boolean") => Input::boolean(&self.name),
            Some("number") => Input::number(&self.name),
            Some("environment") => Input::environment(&self.name),
            _ if !self.options.is_empty() => Input::choice(&self.name, &self.options),
            _ => Input::new(&self.name),
        };
        if self.required {
            input = input.required();
        }
        if let Some(description) = &self.description {
            input = input.description(description);
        }
        match &self.default {
            Some(value) => input.default(value),
            None => input,
        }
    }
}
