//! The parts of GitHub's objects that this plugin reads. All other fields are skipped without being built.

use std::borrow::Cow;

use crate::json::{Fault, FromJson, Reader};
use crate::names::{is_owner, is_repository};

/// A text that borrows from the answer or delivery.
pub type Text<'a> = Cow<'a, str>;

/// An account that does something.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Its login; an App's ends in `[bot]`.
    pub login: String,
}

/// An account that owns something.
#[derive(Clone, Debug, Default)]
pub struct Owner {
    /// GitHub's id, which survives renaming.
    pub id: u64,
    /// Its login.
    pub login: String,
}

/// A repository.
#[derive(Clone, Debug, Default)]
pub struct Repository {
    /// GitHub's id, which survives renaming and moving.
    pub id: u64,
    /// Its name today.
    pub name: String,
    /// Its owner today.
    pub owner: Owner,
    /// The branch that is meant when none is named. Webhooks and runs carry repositories without it.
    pub default_branch: Option<String>,
    /// Whether it is read-only for good.
    pub archived: bool,
    /// Whether GitHub has switched it off.
    pub disabled: bool,
}

impl Repository {
    /// Whether the names that GitHub gave can be put into a path.
    #[must_use]
    pub fn has_sound_names(&self) -> bool {
        is_owner(&self.owner.login) && is_repository(&self.name)
    }
}

/// A workflow.
#[derive(Clone, Debug, Default)]
pub struct Workflow {
    /// GitHub's id.
    pub id: u64,
    /// Its display name; the path if the file has none or is broken.
    pub name: String,
    /// The path of its file.
    pub path: String,
    /// `active`, `deleted`, `disabled_fork`, `disabled_inactivity` or `disabled_manually`.
    pub state: String,
}

/// A page of workflows.
#[derive(Debug)]
pub struct WorkflowList {
    /// The workflows.
    pub workflows: Vec<Workflow>,
}

/// The answer to a dispatch, when the server tells the run's id.
#[derive(Clone, Debug, Default)]
pub struct DispatchReply {
    /// The run's id.
    pub workflow_run_id: Option<u64>,
    /// The run's page.
    pub html_url: Option<String>,
}

/// A workflow run, from REST or from a delivery.
#[derive(Clone, Debug, Default)]
pub struct WorkflowRun<'a> {
    /// GitHub's id. A re-run keeps it.
    pub id: u64,
    /// From 1; a re-run raises it.
    pub run_attempt: Option<u32>,
    /// What started it: `workflow_dispatch`.
    pub event: Option<Text<'a>>,
    /// How far it is: `queued`, `in_progress`, `completed`, … An open list.
    pub status: Option<Text<'a>>,
    /// How it ended: `success`, `failure`, … Null until then, and sometimes also after. An open list.
    pub conclusion: Option<Text<'a>>,
    /// Its page.
    pub html_url: Option<Text<'a>>,
    /// Its title: what `run-name` in the workflow's file says, else the workflow's name.
    pub display_title: Option<Text<'a>>,
    /// The branch or tag it runs on.
    pub head_branch: Option<Text<'a>>,
    /// When it was created.
    pub created_at: Option<Text<'a>>,
    /// When this attempt began.
    pub run_started_at: Option<Text<'a>>,
    /// When it last changed: after its end, when it ended.
    pub updated_at: Option<Text<'a>>,
    /// Who started it.
    pub actor: Option<Account>,
}

impl WorkflowRun<'_> {
    /// The attempt, from 1.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.run_attempt.unwrap_or(1).max(1)
    }
}

/// A page of workflow runs, newest first.
#[derive(Debug)]
pub struct RunList<'a> {
    /// The runs.
    pub workflow_runs: Vec<WorkflowRun<'a>>,
}

/// A job of a run, from REST or from a delivery.
#[derive(Clone, Debug, Default)]
pub struct Job<'a> {
    /// The run that it belongs to.
    pub run_id: Option<u64>,
    /// The attempt that it belongs to, from 1.
    pub run_attempt: Option<u32>,
    /// Its name.
    pub name: Option<Text<'a>>,
    /// How it ended, if it has.
    pub conclusion: Option<Text<'a>>,
    /// Its page.
    pub html_url: Option<Text<'a>>,
    /// When it began.
    pub started_at: Option<Text<'a>>,
    /// When it ended.
    pub completed_at: Option<Text<'a>>,
    /// The runner's name.
    pub runner_name: Option<Text<'a>>,
    /// Its steps so far.
    pub steps: Vec<Step<'a>>,
}

/// A step of a job.
#[derive(Clone, Debug, Default)]
pub struct Step<'a> {
    /// Its name.
    pub name: Option<Text<'a>>,
    /// Its number, from 1.
    pub number: Option<u64>,
    /// How it ended, if it has.
    pub conclusion: Option<Text<'a>>,
}

/// A page of jobs.
#[derive(Debug)]
pub struct JobList<'a> {
    /// The jobs.
    pub jobs: Vec<Job<'a>>,
}

/// The fault that an object lacks a field without which it means nothing.
fn needed<T>(field: Option<T>, reader: &Reader<'_>, expected: &'static str) -> Result<T, Fault> {
    field.ok_or_else(|| reader.fault(expected))
}

fn owned(text: Option<Text<'_>>) -> Option<String> {
    text.map(Cow::into_owned)
}

impl<'a> FromJson<'a> for Account {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut login = None;
        reader.object(&mut |key, value| match key {
            "login" => value.text().map(|text| login = text),
            _ => value.skip(),
        })?;
        Ok(Self {
            login: needed(owned(login), reader, "an account with `login`")?,
        })
    }
}

impl<'a> FromJson<'a> for Owner {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let (mut id, mut login) = (None, None);
        reader.object(&mut |key, value| match key {
            "id" => value.number().map(|number| id = number),
            "login" => value.text().map(|text| login = text),
            _ => value.skip(),
        })?;
        let expected = "an owner with `id` and `login`";
        Ok(Self {
            id: needed(id, reader, expected)?,
            login: needed(owned(login), reader, expected)?,
        })
    }
}

impl<'a> FromJson<'a> for Repository {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let (mut id, mut name, mut owner) = (None, None, None);
        let mut repository = Self::default();
        reader.object(&mut |key, value| {
            match key {
                "id" => id = value.number()?,
                "name" => name = value.text()?,
                "owner" => owner = value.maybe()?,
                "default_branch" => repository.default_branch = owned(value.text()?),
                "archived" => repository.archived = value.flag()?.unwrap_or(false),
                "disabled" => repository.disabled = value.flag()?.unwrap_or(false),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        let expected = "a repository with `id`, `name` and `owner`";
        repository.id = needed(id, reader, expected)?;
        repository.name = needed(owned(name), reader, expected)?;
        repository.owner = needed(owner, reader, expected)?;
        Ok(repository)
    }
}

impl<'a> FromJson<'a> for Workflow {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut id = None;
        let mut workflow = Self::default();
        reader.object(&mut |key, value| {
            match key {
                "id" => id = value.number()?,
                "name" => workflow.name = value.text()?.unwrap_or_default().into_owned(),
                "path" => workflow.path = value.text()?.unwrap_or_default().into_owned(),
                "state" => workflow.state = value.text()?.unwrap_or_default().into_owned(),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        workflow.id = needed(id, reader, "a workflow with `id`")?;
        Ok(workflow)
    }
}

impl<'a> FromJson<'a> for DispatchReply {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut reply = Self::default();
        reader.object(&mut |key, value| {
            match key {
                "workflow_run_id" => reply.workflow_run_id = value.number()?,
                "html_url" => reply.html_url = owned(value.text()?),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(reply)
    }
}

impl<'a> FromJson<'a> for WorkflowRun<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut id = None;
        let mut run = Self::default();
        reader.object(&mut |key, value| {
            match key {
                "id" => id = value.number()?,
                "run_attempt" => run.run_attempt = attempt(value)?,
                "event" => run.event = value.text()?,
                "status" => run.status = value.text()?,
                "conclusion" => run.conclusion = value.text()?,
                "html_url" => run.html_url = value.text()?,
                "display_title" => run.display_title = value.text()?,
                "head_branch" => run.head_branch = value.text()?,
                "created_at" => run.created_at = value.text()?,
                "run_started_at" => run.run_started_at = value.text()?,
                "updated_at" => run.updated_at = value.text()?,
                "actor" => run.actor = value.maybe()?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        run.id = needed(id, reader, "a workflow run with `id`")?;
        Ok(run)
    }
}

impl<'a> FromJson<'a> for Job<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut job = Self::default();
        reader.object(&mut |key, value| {
            match key {
                "run_id" => job.run_id = value.number()?,
                "run_attempt" => job.run_attempt = attempt(value)?,
                "name" => job.name = value.text()?,
                "conclusion" => job.conclusion = value.text()?,
                "html_url" => job.html_url = value.text()?,
                "started_at" => job.started_at = value.text()?,
                "completed_at" => job.completed_at = value.text()?,
                "runner_name" => job.runner_name = value.text()?,
                "steps" => job.steps = value.maybe::<Vec<Step<'a>>>()?.unwrap_or_default(),
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(job)
    }
}

impl<'a> FromJson<'a> for Step<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut step = Self::default();
        reader.object(&mut |key, value| {
            match key {
                "name" => step.name = value.text()?,
                "number" => step.number = value.number()?,
                "conclusion" => step.conclusion = value.text()?,
                _ => value.skip()?,
            }
            Ok(())
        })?;
        Ok(step)
    }
}

impl<'a> FromJson<'a> for WorkflowList {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        page(reader, "workflows").map(|workflows| Self { workflows })
    }
}

impl<'a> FromJson<'a> for RunList<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        page(reader, "workflow_runs").map(|workflow_runs| Self { workflow_runs })
    }
}

impl<'a> FromJson<'a> for JobList<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        page(reader, "jobs").map(|jobs| Self { jobs })
    }
}

/// The list under this key of a page of results.
fn page<'a, T: FromJson<'a>>(reader: &mut Reader<'a>, list: &'static str) -> Result<Vec<T>, Fault> {
    let mut items = None;
    reader.object(&mut |key, value| {
        if key == list {
            items = Some(Vec::read(value)?);
            return Ok(());
        }
        value.skip()
    })?;
    needed(items, reader, "a page of results")
}

/// The number of an attempt. One that fits 32 bits: GitHub allows about fifty.
fn attempt(value: &mut Reader<'_>) -> Result<Option<u32>, Fault> {
    let fault = value.fault("the number of an attempt");
    value
        .number()?
        .map(|number| u32::try_from(number).map_err(|_| fault))
        .transpose()
}
