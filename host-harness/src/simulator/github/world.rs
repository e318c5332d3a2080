//! The state behind the API: repositories, their workflows, and all runs.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::Value;
use serde_json::value::RawValue;
use sha2::{Digest as _, Sha256};

use super::objects::{self, Bases, RepositoryFacts};
use super::repository::{Repository, Workflow};
use super::run::{NewRun, Run, Status};

/// Everything that GitHub knows.
#[derive(Debug)]
pub(super) struct World {
    pub(super) bases: Bases,
    pub(super) repositories: BTreeMap<u64, RepositoryRecord>,
    pub(super) runs: BTreeMap<u64, Run>,
    /// Former `owner/name` (lower case) to repository id.
    pub(super) renamed: BTreeMap<String, u64>,
    owners: BTreeMap<String, u64>,
    actors: BTreeMap<String, Box<RawValue>>,
    counter: u64,
}

#[derive(Debug)]
pub(super) struct RepositoryRecord {
    pub(super) id: u64,
    pub(super) owner_id: u64,
    pub(super) owner: Value,
    pub(super) definition: Repository,
    pub(super) created_at: SystemTime,
    pub(super) workflows: Vec<WorkflowRecord>,
    /// Branches and tags, with the moment each appeared.
    pub(super) branches: Vec<(String, SystemTime)>,
    pub(super) tags: Vec<(String, SystemTime)>,
    pub(super) short: Box<RawValue>,
    pub(super) long: Box<RawValue>,
    pub(super) organization: Option<Box<RawValue>>,
}

#[derive(Debug)]
pub(super) struct WorkflowRecord {
    pub(super) id: u64,
    pub(super) state: String,
    pub(super) definition: Workflow,
    pub(super) created_at: SystemTime,
    pub(super) runs: u64,
}

impl World {
    pub(super) fn new(bases: Bases) -> Self {
        Self {
            bases,
            repositories: BTreeMap::new(),
            runs: BTreeMap::new(),
            renamed: BTreeMap::new(),
            owners: BTreeMap::new(),
            actors: BTreeMap::new(),
            counter: 0,
        }
    }

    /// The next id of a family; run and job ids lie beyond 32 bits, as they do on github.com.
    fn next(&mut self, base: u64) -> u64 {
        self.counter += 1;
        base + self.counter
    }

    pub(super) fn owner_id(&mut self, login: &str) -> u64 {
        if let Some(id) = self.owners.get(&login.to_lowercase()) {
            return *id;
        }
        let id = self.next(41_000_000);
        self.owners.insert(login.to_lowercase(), id);
        id
    }

    pub(super) fn add_repository(&mut self, definition: Repository, now: SystemTime) -> u64 {
        let owner_id = self.owner_id(&definition.owner);
        let id = self.next(500_000_000);
        let kind = if definition.organization {
            "Organization"
        } else {
            "User"
        };
        let owner = objects::user(&self.bases, &definition.owner, owner_id, kind);
        let workflows = definition.workflows.clone();
        let mut record = RepositoryRecord {
            id,
            owner_id,
            owner,
            created_at: now,
            workflows: Vec::new(),
            branches: std::iter::once(&definition.default_branch)
                .chain(&definition.branches)
                .map(|name| (name.clone(), SystemTime::UNIX_EPOCH))
                .collect(),
            tags: definition
                .tags
                .iter()
                .map(|name| (name.clone(), SystemTime::UNIX_EPOCH))
                .collect(),
            short: RawValue::NULL.to_owned(),
            long: RawValue::NULL.to_owned(),
            organization: definition.organization.then(|| {
                objects::raw(&objects::organization(
                    &self.bases,
                    &definition.owner,
                    owner_id,
                ))
            }),
            definition,
        };
        record.refresh(&self.bases);
        for definition in workflows {
            let workflow = self.next(100_000_000);
            record.workflows.push(WorkflowRecord {
                id: workflow,
                state: definition.state.clone(),
                definition,
                created_at: now,
                runs: 0,
            });
        }
        self.repositories.insert(id, record);
        id
    }

    /// Owner and repository names are compared without case, as GitHub does.
    pub(super) fn repository(&self, owner: &str, name: &str) -> Option<&RepositoryRecord> {
        self.repositories.values().find(|record| {
            record.definition.owner.eq_ignore_ascii_case(owner)
                && record.definition.name.eq_ignore_ascii_case(name)
        })
    }

    pub(super) fn repository_mut(
        &mut self,
        owner: &str,
        name: &str,
    ) -> Option<&mut RepositoryRecord> {
        let id = self.repository(owner, name)?.id;
        self.repositories.get_mut(&id)
    }

    pub(super) fn rename(&mut self, owner: &str, name: &str, new_name: &str) -> bool {
        let bases = self.bases.clone();
        let Some(record) = self.repository_mut(owner, name) else {
            return false;
        };
        record.definition.name = new_name.to_owned();
        record.refresh(&bases);
        let id = record.id;
        self.renamed
            .insert(format!("{owner}/{name}").to_lowercase(), id);
        true
    }

    /// Login of an organization that has repositories, as it is written.
    pub(super) fn organization(&self, login: &str) -> Option<String> {
        self.repositories
            .values()
            .map(|record| &record.definition)
            .find(|one| one.organization && one.owner.eq_ignore_ascii_case(login))
            .map(|one| one.owner.clone())
    }

    /// The user object of an account that has something installed.
    pub(super) fn account(&mut self, login: &str, organization: bool) -> Value {
        let id = self.owner_id(login);
        let kind = if organization { "Organization" } else { "User" };
        objects::user(&self.bases, login, id, kind)
    }

    /// The user object of an actor, made once.
    pub(super) fn actor(&mut self, login: &str) -> Value {
        let id = self.owner_id(login);
        let kind = if login.ends_with("[bot]") {
            "Bot"
        } else {
            "User"
        };
        let value = objects::user(&self.bases, login, id, kind);
        self.actors
            .entry(login.to_owned())
            .or_insert_with(|| objects::raw(&value));
        value
    }

    pub(super) fn actor_object(&self, login: &str) -> &RawValue {
        self.actors
            .get(login)
            .map_or(RawValue::NULL, |object| object)
    }

    pub(super) fn create_run(&mut self, new: NewRun, now: SystemTime) -> Option<u64> {
        self.actor(&new.actor);
        let id = self.next(20_000_000_000);
        let first_job = self.counter + 1;
        let record = self.repositories.get_mut(&new.repository)?;
        let sha = record.sha(&new.branch);
        let workflow = record
            .workflows
            .iter_mut()
            .find(|workflow| workflow.id == new.workflow)?;
        workflow.runs += 1;
        let mut title = workflow.definition.name.clone();
        if workflow.definition.run_name_echoes_inputs {
            for input in &workflow.definition.inputs {
                title.push(' ');
                title.push_str(new.inputs.get(&input.name).map_or("", String::as_str));
            }
        }
        let attempt = workflow.definition.attempt(1, first_job, now);
        self.counter += attempt.jobs.len() as u64;
        let run = Run {
            id,
            repository: new.repository,
            workflow: new.workflow,
            number: workflow.runs,
            event: new.event,
            branch: new.branch,
            sha,
            title,
            inputs: new.inputs,
            actor: new.actor,
            created_at: now,
            held: workflow.definition.manual,
            attempts: vec![attempt],
        };
        self.runs.insert(id, run);
        Some(id)
    }

    /// A further attempt of a completed run: same id, one attempt more, back to queued.
    pub(super) fn rerun(&mut self, id: u64, now: SystemTime) -> Option<u32> {
        let first_job = self.counter + 1;
        let run = self.runs.get_mut(&id)?;
        if run.current()?.status != Status::Completed {
            return None;
        }
        let number = run.current()?.number + 1;
        let record = self.repositories.get(&run.repository)?;
        let workflow = record.workflow(run.workflow)?;
        run.held = workflow.definition.manual;
        let attempt = workflow.definition.attempt(number, first_job, now);
        self.counter += attempt.jobs.len() as u64;
        run.attempts.push(attempt);
        Some(number)
    }

    pub(super) fn external_id(&self, run: &Run) -> String {
        let owner = self
            .repositories
            .get(&run.repository)
            .map_or(0, |record| record.owner_id);
        format!("gh_{owner}_{}_{}", run.repository, run.id)
    }
}

impl RepositoryRecord {
    pub(super) fn facts(&self) -> RepositoryFacts<'_> {
        RepositoryFacts {
            id: self.id,
            name: &self.definition.name,
            owner: &self.owner,
            owner_login: &self.definition.owner,
            default_branch: &self.definition.default_branch,
            private: self.definition.private,
            archived: self.definition.archived,
            created_at: self.created_at,
        }
    }

    /// Rebuilds the cached objects after the definition changed.
    pub(super) fn refresh(&mut self, bases: &Bases) {
        let short = objects::raw(&Value::Object(objects::short_repository(
            bases,
            &self.facts(),
        )));
        let long = objects::raw(&Value::Object(objects::long_repository(
            bases,
            &self.facts(),
        )));
        self.short = short;
        self.long = long;
    }

    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.definition.owner, self.definition.name)
    }

    pub(super) fn workflow(&self, id: u64) -> Option<&WorkflowRecord> {
        self.workflows.iter().find(|workflow| workflow.id == id)
    }

    /// By numeric id or by file name; neither path nor display name will do.
    pub(super) fn find_workflow(&self, key: &str) -> Option<&WorkflowRecord> {
        self.workflows
            .iter()
            .find(|workflow| workflow.definition.file == key || workflow.id.to_string() == key)
    }

    /// The commit at the tip of a branch: made up, but the same every time.
    pub(super) fn sha(&self, branch: &str) -> String {
        let digest = Sha256::digest(format!("{}@{branch}", self.id));
        digest
            .iter()
            .take(20)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// Short name of a branch or tag, given short or in full, that existed before `before`.
    pub(super) fn resolve_ref<'a>(&self, name: &'a str, before: SystemTime) -> Option<&'a str> {
        let known = |list: &[(String, SystemTime)], short: &str| {
            list.iter()
                .any(|(known, since)| known == short && *since <= before)
        };
        if let Some(short) = name.strip_prefix("refs/heads/") {
            return known(&self.branches, short).then_some(short);
        }
        if let Some(short) = name.strip_prefix("refs/tags/") {
            return known(&self.tags, short).then_some(short);
        }
        (known(&self.branches, name) || known(&self.tags, name)).then_some(name)
    }
}
