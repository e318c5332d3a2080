//! The answer of each endpoint.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;

use super::super::fault::mix;
use super::super::lock;
use super::super::server::{Received, Reply};
use super::State;
use super::dispatch;
use super::endpoint::{Endpoint, Named};
use super::errors::error_at;
use super::gate::{Caller, VERSIONS};
use super::hooks::Target;
use super::objects;
use super::run::Run;
use super::run_object;
use super::world::{RepositoryRecord, World};

/// One request on its way through the endpoints.
pub(super) struct Asked<'a> {
    pub(super) state: &'a Arc<State>,
    pub(super) received: &'a Received,
    pub(super) endpoint: &'a Endpoint<'a>,
    pub(super) caller: &'a Caller,
    version: &'static str,
}

/// Answers a request that passed the gate.
pub(super) fn answer(
    state: &Arc<State>,
    received: &Received,
    endpoint: &Endpoint<'_>,
    caller: &Caller,
    version: &'static str,
) -> Reply {
    let asked = Asked {
        state,
        received,
        endpoint,
        caller,
        version,
    };
    asked.answer().unwrap_or_else(|reply| reply)
}

impl Asked<'_> {
    fn answer(&self) -> Result<Reply, Reply> {
        match self.endpoint {
            Endpoint::RateLimit => return Ok(self.rate_limit()),
            Endpoint::Meta => return Ok(meta()),
            Endpoint::Versions => return Ok(Reply::json(200, json!(VERSIONS).to_string())),
            Endpoint::User => return self.user(),
            Endpoint::Unknown => return Err(self.not_found()),
            Endpoint::Hooks(call) => return self.hooks(call),
            endpoint if endpoint.wants_jwt() => return self.app(),
            _ => {}
        }
        let id = self.repository_id()?;
        match self.endpoint {
            Endpoint::Dispatch(_, key) => self.dispatch(id, key),
            Endpoint::Cancel(_, run, _) => self.cancel(id, run),
            Endpoint::Rerun(_, run, only_failed) => self.rerun(id, run, *only_failed),
            Endpoint::SwitchWorkflow(_, key, on) => self.switch(id, key, *on),
            _ => {
                let world = lock(&self.state.world);
                let repository = world
                    .repositories
                    .get(&id)
                    .ok_or_else(|| self.not_found())?;
                self.read(&world, repository)
            }
        }
    }

    pub(super) fn error(&self, status: u16, message: &str) -> Reply {
        error_at(&self.endpoint.page(), status, message)
    }

    pub(super) fn not_found(&self) -> Reply {
        self.error(404, "Not Found")
    }

    /// Finds the repository, follows a rename with a redirect, and applies what the caller may do.
    pub(super) fn repository_id(&self) -> Result<u64, Reply> {
        let world = lock(&self.state.world);
        let record = match self.endpoint.repository() {
            Some(Named::Name(owner, name)) => match world.repository(owner, name) {
                Some(record) => Some(record),
                None => match world.renamed.get(&format!("{owner}/{name}").to_lowercase()) {
                    Some(id) => return Err(self.moved(&world, *id)),
                    None => None,
                },
            },
            Some(Named::Id(id)) => id
                .parse()
                .ok()
                .and_then(|id: u64| world.repositories.get(&id)),
            None => None,
        };
        let record = record.ok_or_else(|| self.not_found())?;
        if self.caller.anonymous && (record.definition.private || self.endpoint.writes()) {
            let public = !record.definition.private && !self.endpoint.administers();
            return Err(if public {
                self.error(401, "Requires authentication")
            } else {
                self.not_found()
            });
        }
        // An installation's token sees the repositories of the installation only.
        if (self.caller.reach.as_ref()).is_some_and(|reach| !reach.covers(record)) {
            return Err(self.not_found());
        }
        self.permitted()?;
        if self.endpoint.writes() && record.definition.archived {
            return Err(self.error(403, "Repository was archived so is read-only."));
        }
        Ok(record.id)
    }

    /// Finds the organization and applies what the caller may do with its hooks.
    pub(super) fn organization(&self, login: &str) -> Result<Target, Reply> {
        let mut world = lock(&self.state.world);
        let known = world.organization(login).or_else(|| {
            let app = lock(&self.state.app);
            app.organization(login).map(str::to_owned)
        });
        let login = known.ok_or_else(|| self.not_found())?;
        if (self.caller.reach.as_ref()).is_some_and(|reach| !reach.is_on(&login)) {
            return Err(self.not_found());
        }
        self.permitted()?;
        let id = world.owner_id(&login);
        Ok(Target::Organization { id, login })
    }

    /// Apps are told which permission it is about; from people who do not administer a thing GitHub hides that there is
    /// anything to administer.
    fn permitted(&self) -> Result<(), Reply> {
        if self.caller.may(self.endpoint) {
            Ok(())
        } else if self.endpoint.administers() && !self.caller.is_app() {
            Err(self.not_found())
        } else {
            Err(self.error(403, self.caller.refusal()))
        }
    }

    fn moved(&self, world: &World, id: u64) -> Reply {
        let rest: Vec<&str> = self.received.path.splitn(5, '/').skip(4).collect();
        let rest = rest
            .first()
            .map(|rest| format!("/{rest}"))
            .unwrap_or_default();
        let query = self
            .received
            .query
            .as_ref()
            .map(|query| format!("?{query}"))
            .unwrap_or_default();
        let location = format!("{}/repositories/{id}{rest}{query}", world.bases.api);
        // A GET is moved for good; anything else keeps its method and body.
        let (status, message) = if self.received.method == "GET" {
            (301, "Moved Permanently")
        } else {
            (307, "Temporary Redirect")
        };
        let body = json!({
            "message": message,
            "url": location,
            "documentation_url": "https://docs.github.com/rest/guides/best-practices-for-using-the-rest-api#follow-redirects",
        });
        Reply::json(status, body.to_string()).with("location", location)
    }

    fn rate_limit(&self) -> Reply {
        let (limit, used, remaining, reset) =
            lock(&self.state.gate).quota(&self.caller.key, self.state.now());
        let resource = |limit: u32, used: u32, remaining: u32| json!({"limit": limit, "used": used, "remaining": remaining, "reset": reset});
        let core = resource(limit, used, remaining);
        let mut body = json!({"resources": {
            "core": core,
            "search": resource(30, 0, 30),
            "graphql": resource(5_000, 0, 5_000),
            "integration_manifest": resource(5_000, 0, 5_000),
            "source_import": resource(100, 0, 100),
            "code_scanning_autofix": resource(10, 0, 10),
            "actions_runner_registration": resource(10_000, 0, 10_000),
            "scim": resource(15_000, 0, 15_000),
            "dependency_snapshots": resource(100, 0, 100),
            "code_search": resource(10, 0, 10),
        }});
        if self.old_version()
            && let Some(body) = body.as_object_mut()
        {
            body.insert("rate".into(), core);
        }
        Reply::json(200, body.to_string())
    }

    pub(super) fn old_version(&self) -> bool {
        let [old, _] = VERSIONS;
        self.version == old
    }

    fn user(&self) -> Result<Reply, Reply> {
        if self.caller.anonymous {
            return Err(self.error(401, "Requires authentication"));
        }
        if self.caller.is_app() {
            return Err(self.error(403, self.caller.refusal()));
        }
        let mut user = lock(&self.state.world).actor(&self.caller.login);
        if let Some(user) = user.as_object_mut() {
            user.insert("name".into(), self.caller.login.clone().into());
        }
        Ok(Reply::json(200, user.to_string()))
    }

    fn dispatch(&self, repository: u64, key: &str) -> Result<Reply, Reply> {
        let [_, newest] = VERSIONS;
        let details_permitted = self.state.options.return_run_details_supported;
        let wanted = dispatch::read(&self.received.body, details_permitted)?;
        let details =
            (wanted.return_run_details || self.version == newest) && !self.state.options.always_204;
        let new = {
            let world = lock(&self.state.world);
            let record = world
                .repositories
                .get(&repository)
                .ok_or_else(|| self.not_found())?;
            let workflow = record.find_workflow(key).ok_or_else(|| self.not_found())?;
            let refs_before = self.state.now() - self.state.options.ref_lag;
            dispatch::check(record, workflow, wanted, &self.caller.login, refs_before)?
        };
        let run = self.state.create_run(new).ok_or_else(|| self.not_found())?;
        let world = lock(&self.state.world);
        let name = world
            .repositories
            .get(&repository)
            .map(RepositoryRecord::full_name)
            .unwrap_or_default();
        let run_url = format!("{}/repos/{name}/actions/runs/{run}", world.bases.api);
        let html_url = format!("{}/{name}/actions/runs/{run}", world.bases.html);
        Ok(dispatch::accepted(&run_url, &html_url, run, details))
    }

    /// A run of this repository, unless it is too young to be seen.
    fn run<'w>(&self, world: &'w World, repository: u64, id: &str) -> Result<&'w Run, Reply> {
        let run = id.parse().ok().and_then(|id: u64| world.runs.get(&id));
        run.filter(|run| run.repository == repository)
            .filter(|run| self.is_known_by_id(run))
            .ok_or_else(|| self.not_found())
    }

    fn is_known_by_id(&self, run: &Run) -> bool {
        let share = u64::from(self.state.options.fresh_run_share);
        mix(run.id) % 100 >= share || self.older(run, self.state.options.fresh_run_lag)
    }

    pub(super) fn older(&self, run: &Run, lag: Duration) -> bool {
        lag.is_zero()
            || self
                .state
                .now()
                .duration_since(run.created_at)
                .unwrap_or_default()
                >= lag
    }

    fn cancel(&self, repository: u64, id: &str) -> Result<Reply, Reply> {
        let id = self.run(&lock(&self.state.world), repository, id)?.id;
        if self.state.cancel(id) {
            Ok(Reply::json(202, "{}"))
        } else {
            Err(self.error(409, "Cannot cancel a workflow run that is completed."))
        }
    }

    fn rerun(&self, repository: u64, id: &str, only_failed: bool) -> Result<Reply, Reply> {
        let (id, is_over, is_good) = {
            let world = lock(&self.state.world);
            let run = self.run(&world, repository, id)?;
            let end = run.current().and_then(|now| now.conclusion.as_deref());
            (run.id, end.is_some(), end == Some("success"))
        };
        if only_failed && is_over && is_good {
            return Err(self.error(403, "This workflow run cannot be retried"));
        }
        if self.state.rerun(id) {
            Ok(Reply::json(201, "{}"))
        } else {
            Err(self.error(403, "This workflow is already running"))
        }
    }

    fn switch(&self, repository: u64, key: &str, on: bool) -> Result<Reply, Reply> {
        let mut world = lock(&self.state.world);
        let record = world
            .repositories
            .get_mut(&repository)
            .ok_or_else(|| self.not_found())?;
        let id = record
            .find_workflow(key)
            .ok_or_else(|| self.not_found())?
            .id;
        for workflow in record
            .workflows
            .iter_mut()
            .filter(|workflow| workflow.id == id)
        {
            workflow.state = if on { "active" } else { "disabled_manually" }.to_owned();
        }
        Ok(Reply::empty(204))
    }

    fn read(&self, world: &World, repository: &RepositoryRecord) -> Result<Reply, Reply> {
        match self.endpoint {
            Endpoint::Repository(_) => {
                let facts = repository.facts();
                let object = objects::full_repository(
                    &world.bases,
                    &facts,
                    self.caller.write,
                    self.old_version(),
                );
                Ok(Reply::json(200, object.to_string()))
            }
            Endpoint::Reference(_, reference) => self.reference(world, repository, reference),
            Endpoint::Contents(_, path) => self.contents(world, repository, path),
            Endpoint::Environments(_) => Ok(self.environments(world, repository)),
            Endpoint::Workflows(_) => Ok(self.workflows(world, repository)),
            Endpoint::Workflow(_, key) => {
                let workflow = repository
                    .find_workflow(key)
                    .ok_or_else(|| self.not_found())?;
                Ok(Reply::json(
                    200,
                    run_object::workflow(world, repository, workflow).to_string(),
                ))
            }
            Endpoint::WorkflowRuns(_, key) => {
                let workflow = repository
                    .find_workflow(key)
                    .ok_or_else(|| self.not_found())?;
                self.runs(world, repository.id, Some(workflow.id))
            }
            Endpoint::Runs(_) => self.runs(world, repository.id, None),
            Endpoint::Run(_, id) => {
                let run = self.run(world, repository.id, id)?;
                self.attempt(
                    world,
                    run,
                    run.current().map_or(1, |attempt| attempt.number),
                )
            }
            Endpoint::Attempt(_, id, number) => {
                let run = self.run(world, repository.id, id)?;
                self.attempt(world, run, number.parse().map_err(|_| self.not_found())?)
            }
            Endpoint::Jobs(_, id, number) => {
                let run = self.run(world, repository.id, id)?;
                self.jobs(world, run, *number)
            }
            Endpoint::Job(_, id) => self.job(world, repository.id, id),
            Endpoint::Annotations(_, id) => self.annotations(world, repository, id),
            _ => Err(self.not_found()),
        }
    }
}

fn meta() -> Reply {
    let body = json!({
        "verifiable_password_authentication": false,
        "hooks": ["127.0.0.0/8"],
        "web": ["127.0.0.0/8"],
        "api": ["127.0.0.0/8"],
        "git": ["127.0.0.0/8"],
        "actions": ["127.0.0.0/8"],
    });
    Reply::json(200, body.to_string())
}
