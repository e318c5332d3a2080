//! The parts of GitHub's objects that this plugin reads. All other fields are skipped without being built.

use std::borrow::Cow;

use crate::json::{Fields, Object};
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
    /// Whether the account of the credential may write. Of an App, which is no account, it tells nothing.
    pub writable: Option<bool>,
    /// The scopes of the credential. GitHub tells those of classic tokens, with each answer.
    pub scopes: Option<String>,
}

/// What an account may do in a repository.
#[derive(Clone, Debug, Default)]
struct Permissions {
    push: Option<bool>,
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

/// One of a repository's environments.
#[derive(Clone, Debug, Default)]
pub struct Environment {
    /// Its name.
    pub name: String,
}

/// A page of environments.
#[derive(Debug)]
pub struct EnvironmentList {
    /// How many there are on all pages.
    pub total_count: u64,
    /// The environments.
    pub environments: Vec<Environment>,
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
    /// GitHub's id, also that of its check run.
    pub id: Option<u64>,
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

impl<'a> Object<'a> for Account {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            login: fields.needed("login"),
        }
    }
}

impl<'a> Object<'a> for Owner {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            id: fields.needed("id"),
            login: fields.needed("login"),
        }
    }
}

impl<'a> Object<'a> for Repository {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            id: fields.needed("id"),
            name: fields.needed("name"),
            owner: fields.needed("owner"),
            default_branch: fields.maybe("default_branch"),
            archived: fields.maybe("archived").unwrap_or_default(),
            disabled: fields.maybe("disabled").unwrap_or_default(),
            writable: fields
                .maybe("permissions")
                .and_then(|permissions: Permissions| permissions.push),
            scopes: None,
        }
    }
}

impl<'a> Object<'a> for Permissions {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            push: fields.maybe("push"),
        }
    }
}

impl<'a> Object<'a> for Workflow {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            id: fields.needed("id"),
            name: fields.maybe("name").unwrap_or_default(),
            path: fields.maybe("path").unwrap_or_default(),
            state: fields.maybe("state").unwrap_or_default(),
        }
    }
}

impl<'a> Object<'a> for Environment {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            name: fields.needed("name"),
        }
    }
}

impl<'a> Object<'a> for EnvironmentList {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            total_count: fields.needed("total_count"),
            environments: fields.maybe("environments").unwrap_or_default(),
        }
    }
}

impl<'a> Object<'a> for DispatchReply {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            workflow_run_id: fields.maybe("workflow_run_id"),
            html_url: fields.maybe("html_url"),
        }
    }
}

impl<'a> Object<'a> for WorkflowRun<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            id: fields.needed("id"),
            run_attempt: fields.maybe("run_attempt"),
            event: fields.maybe("event"),
            status: fields.maybe("status"),
            conclusion: fields.maybe("conclusion"),
            html_url: fields.maybe("html_url"),
            display_title: fields.maybe("display_title"),
            head_branch: fields.maybe("head_branch"),
            created_at: fields.maybe("created_at"),
            run_started_at: fields.maybe("run_started_at"),
            updated_at: fields.maybe("updated_at"),
            actor: fields.maybe("actor"),
        }
    }
}

impl<'a> Object<'a> for Job<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            id: fields.maybe("id"),
            run_id: fields.maybe("run_id"),
            run_attempt: fields.maybe("run_attempt"),
            name: fields.maybe("name"),
            conclusion: fields.maybe("conclusion"),
            html_url: fields.maybe("html_url"),
            started_at: fields.maybe("started_at"),
            completed_at: fields.maybe("completed_at"),
            runner_name: fields.maybe("runner_name"),
            steps: fields.maybe("steps").unwrap_or_default(),
        }
    }
}

impl<'a> Object<'a> for Step<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            name: fields.maybe("name"),
            number: fields.maybe("number"),
            conclusion: fields.maybe("conclusion"),
        }
    }
}

impl<'a> Object<'a> for WorkflowList {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            workflows: fields.needed("workflows"),
        }
    }
}

impl<'a> Object<'a> for RunList<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            workflow_runs: fields.needed("workflow_runs"),
        }
    }
}

impl<'a> Object<'a> for JobList<'a> {
    fn of(fields: &mut Fields<'a>) -> Self {
        Self {
            jobs: fields.needed("jobs"),
        }
    }
}
