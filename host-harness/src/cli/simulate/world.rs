//! The world of `simulate github`, from a TOML file. Without a repository in it, there is the default one.
//!
//! ```toml
//! [[repository]]
//! owner = "acme"
//! name = "shop"
//! branches = ["main", "release"]           # the first is the default branch
//!
//! [[repository.workflow]]
//! file = "deploy.yml"
//! inputs = [{ name = "environment", options = ["staging", "production"], required = true }]
//! conclusion = "success"
//! seconds = 2.5
//!
//! [[webhook]]
//! url = "http://127.0.0.1:8080/webhooks/acme-github"
//! secret = { env = "WEBHOOK_SECRET" }
//! ```

use crate::config::{ConfigError, folder_of, load};
use crate::secrets::SecretRef;
use crate::simulator::github::{GitHub, Input, Repository, Workflow};
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::path::Path;
use std::time::Duration;

/// What the simulated GitHub holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct World {
    #[serde(default, rename = "repository")]
    repositories: Vec<RepositoryFile>,
    #[serde(default, rename = "webhook")]
    webhooks: Vec<WebhookFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RepositoryFile {
    owner: String,
    name: String,
    #[serde(default)]
    branches: Vec<String>,
    #[serde(default)]
    archived: bool,
    #[serde(default, rename = "workflow")]
    workflows: Vec<WorkflowFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WorkflowFile {
    file: String,
    name: Option<String>,
    #[serde(default)]
    inputs: Vec<InputFile>,
    #[serde(default = "success")]
    conclusion: String,
    #[serde(default = "one_second")]
    seconds: f64,
    #[serde(default)]
    jobs: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct InputFile {
    name: String,
    #[serde(default)]
    options: Vec<String>,
    #[serde(default)]
    required: bool,
    default: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WebhookFile {
    url: String,
    secret: Option<SecretRef>,
    #[serde(skip)]
    read: Option<String>,
}

fn success() -> String {
    "success".to_owned()
}

fn one_second() -> f64 {
    1.0
}

impl Default for World {
    fn default() -> World {
        World {
            repositories: vec![RepositoryFile {
                owner: "acme".to_owned(),
                name: "shop".to_owned(),
                branches: vec!["main".to_owned()],
                archived: false,
                workflows: vec![WorkflowFile {
                    file: "deploy.yml".to_owned(),
                    name: None,
                    inputs: vec![InputFile {
                        name: "environment".to_owned(),
                        options: vec![],
                        required: false,
                        default: Some("staging".to_owned()),
                    }],
                    conclusion: success(),
                    seconds: one_second(),
                    jobs: vec![],
                }],
            }],
            webhooks: vec![],
        }
    }
}

impl World {
    /// Reads a world, and the secrets of its webhooks.
    pub(super) fn load(file: &Path) -> Result<World, ConfigError> {
        let mut world: World = load(file)?;
        if world.repositories.is_empty() {
            world.repositories = World::default().repositories;
        }
        for (number, webhook) in world.webhooks.iter_mut().enumerate() {
            if let Some(reference) = &webhook.secret {
                let secret = reference.read(folder_of(file)).map_err(|error| {
                    ConfigError::key(file, format!("webhook[{number}].secret"), error.to_string())
                })?;
                webhook.read = Some(secret.expose_secret().to_owned());
            }
        }
        Ok(world)
    }

    /// Puts everything into a simulator.
    pub(super) fn build(&self, github: &GitHub) {
        for repository in &self.repositories {
            github.add_repository(repository.build());
        }
        for webhook in &self.webhooks {
            github.add_webhook(webhook.url.clone(), webhook.read.clone());
        }
    }
}

impl RepositoryFile {
    fn build(&self) -> Repository {
        let mut repository = Repository::new(&self.owner, &self.name).archived(self.archived);
        for (number, branch) in self.branches.iter().enumerate() {
            repository = match number {
                0 => repository.default_branch(branch),
                _ => repository.branch(branch),
            };
        }
        for workflow in &self.workflows {
            repository = repository.workflow(workflow.build());
        }
        repository
    }
}

impl WorkflowFile {
    fn build(&self) -> Workflow {
        let mut workflow = Workflow::new(&self.file)
            .conclusion(&self.conclusion)
            .duration(Duration::try_from_secs_f64(self.seconds).unwrap_or_default());
        if let Some(name) = &self.name {
            workflow = workflow.name(name);
        }
        if !self.jobs.is_empty() {
            workflow = workflow.jobs(&self.jobs);
        }
        for input in &self.inputs {
            workflow = workflow.input(input.build());
        }
        workflow
    }
}

impl InputFile {
    fn build(&self) -> Input {
        let mut input = if self.options.is_empty() {
            Input::new(&self.name)
        } else {
            Input::choice(&self.name, &self.options)
        };
        if self.required {
            input = input.required();
        }
        match &self.default {
            Some(value) => input.default(value),
            None => input,
        }
    }
}
