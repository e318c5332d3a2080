//! Environments, workflows, runs and jobs, one by one and in lists.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::super::server::Reply;
use super::answers::Asked;
use super::listing::{Filter, Page};
use super::objects;
use super::run::Run;
use super::run_object::{self, Audience, RunList};
use super::world::{RepositoryRecord, World};

impl Asked<'_> {
    pub(super) fn environments(&self, world: &World, repository: &RepositoryRecord) -> Reply {
        let page = Page::of(self.received);
        let names = &repository.definition.environments;
        let environments: Vec<Value> = (1..)
            .zip(names)
            .skip(page.skip())
            .take(page.size())
            .map(|(number, name)| environment(world, repository, number, name))
            .collect();
        let body = json!({"total_count": names.len(), "environments": environments});
        page.link(
            Reply::json(200, body.to_string()),
            self.received,
            &world.bases.api,
            names.len(),
        )
    }

    pub(super) fn workflows(&self, world: &World, repository: &RepositoryRecord) -> Reply {
        let page = Page::of(self.received);
        let total = repository.workflows.len();
        let workflows: Vec<Value> = repository
            .workflows
            .iter()
            .skip(page.skip())
            .take(page.size())
            .map(|workflow| run_object::workflow(world, repository, workflow))
            .collect();
        let body = json!({"total_count": total, "workflows": workflows});
        page.link(
            Reply::json(200, body.to_string()),
            self.received,
            &world.bases.api,
            total,
        )
    }

    pub(super) fn runs(
        &self,
        world: &World,
        repository: u64,
        workflow: Option<u64>,
    ) -> Result<Reply, Reply> {
        let filter = Filter::of(self.received);
        let page = Page::of(self.received);
        let lag = self.state.options.list_lag;
        let found: Vec<&Run> = world
            .runs
            .values()
            .rev()
            .filter(|run| {
                run.repository == repository && workflow.is_none_or(|id| run.workflow == id)
            })
            .filter(|run| self.older(run, lag) && filter.matches(run))
            .collect();
        let total = filter.cap(found.len());
        let workflow_runs = found
            .into_iter()
            .take(total)
            .skip(page.skip())
            .take(page.size())
            .filter_map(|run| run_object::run(world, run, run.current()?, Audience::Rest))
            .collect();
        let list = RunList {
            total_count: total,
            workflow_runs,
        };
        let body = serde_json::to_vec(&list).map_err(|_| self.error(500, "Server Error"))?;
        Ok(page.link(
            Reply::json(200, body),
            self.received,
            &world.bases.api,
            total,
        ))
    }

    pub(super) fn attempt(&self, world: &World, run: &Run, number: u32) -> Result<Reply, Reply> {
        let attempt = run.attempt(number).ok_or_else(|| self.not_found())?;
        let object =
            run_object::run(world, run, attempt, Audience::Rest).ok_or_else(|| self.not_found())?;
        let body = serde_json::to_vec(&object).map_err(|_| self.error(500, "Server Error"))?;
        Ok(Reply::json(200, body))
    }

    pub(super) fn jobs(
        &self,
        world: &World,
        run: &Run,
        number: Option<&str>,
    ) -> Result<Reply, Reply> {
        let all = number.is_none() && self.received.parameter("filter").as_deref() == Some("all");
        let latest = run.current().map_or(1, |attempt| attempt.number);
        let number = match number {
            Some(text) => text.parse().map_err(|_| self.not_found())?,
            None => latest,
        };
        run.attempt(number).ok_or_else(|| self.not_found())?;
        let jobs: Vec<Value> = run
            .attempts
            .iter()
            .filter(|attempt| all || attempt.number == number)
            .flat_map(|attempt| {
                attempt
                    .jobs
                    .iter()
                    .filter_map(|job| run_object::job(world, run, attempt, job))
            })
            .collect();
        let page = Page::of(self.received);
        let total = jobs.len();
        let jobs: Vec<Value> = jobs
            .into_iter()
            .skip(page.skip())
            .take(page.size())
            .collect();
        let body = json!({"total_count": total, "jobs": jobs});
        Ok(page.link(
            Reply::json(200, body.to_string()),
            self.received,
            &world.bases.api,
            total,
        ))
    }

    pub(super) fn job(&self, world: &World, repository: u64, id: &str) -> Result<Reply, Reply> {
        let id: u64 = id.parse().map_err(|_| self.not_found())?;
        world
            .runs
            .values()
            .filter(|run| run.repository == repository)
            .flat_map(|run| run.attempts.iter().map(move |attempt| (run, attempt)))
            .find_map(|(run, attempt)| {
                let job = attempt.jobs.iter().find(|job| job.id == id)?;
                run_object::job(world, run, attempt, job)
            })
            .map(|job| Reply::json(200, job.to_string()))
            .ok_or_else(|| self.not_found())
    }

    /// What the tools in a job have said. A job is a check run, and has its id.
    pub(super) fn annotations(
        &self,
        world: &World,
        repository: &RepositoryRecord,
        id: &str,
    ) -> Result<Reply, Reply> {
        let id: u64 = id.parse().map_err(|_| self.not_found())?;
        let (run, job) = world
            .runs
            .values()
            .filter(|run| run.repository == repository.id)
            .flat_map(|run| run.attempts.iter().map(move |attempt| (run, attempt)))
            .find_map(|(run, attempt)| {
                let job = attempt.jobs.iter().find(|job| job.id == id)?;
                Some((run, job))
            })
            .ok_or_else(|| self.not_found())?;
        let all = run_object::annotations(world, repository, run, job);
        let page = Page::of(self.received);
        let total = all.len();
        let shown: Vec<Value> = all
            .into_iter()
            .skip(page.skip())
            .take(page.size())
            .collect();
        Ok(page.link(
            Reply::json(200, Value::from(shown).to_string()),
            self.received,
            &world.bases.api,
            total,
        ))
    }
}

/// An environment without protection rules.
fn environment(world: &World, repository: &RepositoryRecord, number: u64, name: &str) -> Value {
    let id = repository.id + 400_000_000 + number;
    let encoded = utf8_percent_encode(name, NON_ALPHANUMERIC);
    let full_name = repository.full_name();
    let created = objects::time(repository.created_at);
    json!({
        "id": id,
        "node_id": objects::node_id("EN", id),
        "name": name,
        "url": format!("{}/repos/{full_name}/environments/{encoded}", world.bases.api),
        "html_url": format!(
            "{}/{full_name}/deployments/activity_log?environments_filter={encoded}",
            world.bases.html
        ),
        "created_at": created,
        "updated_at": created,
        "protection_rules": [],
        "deployment_branch_policy": null,
    })
}
