//! The world of `simulate github`, from a TOML file; repositories are said as in scenarios. Without a repository in it, there
//! is the default one.
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
//! queued = "1s"
//! runs-for = "2.5s"
//!
//! [[webhook]]
//! url = "http://127.0.0.1:8080/webhooks/acme-github"
//! secret = { env = "WEBHOOK_SECRET" }
//! ```

use crate::config::{ConfigError, folder_of, load};
use crate::scenario::schema::Repository;
use crate::secrets::SecretRef;
use crate::simulator::github::GitHub;
use secrecy::ExposeSecret;
use serde::Deserialize;
use std::path::Path;

/// What the simulated GitHub holds.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct World {
    #[serde(default, rename = "repository")]
    repositories: Vec<Repository>,
    #[serde(default, rename = "webhook")]
    webhooks: Vec<WebhookFile>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WebhookFile {
    url: String,
    secret: Option<SecretRef>,
    #[serde(skip)]
    read: Option<String>,
}

impl Default for World {
    fn default() -> World {
        World {
            repositories: vec![Repository::default()],
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
