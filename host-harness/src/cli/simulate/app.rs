//! The App of `simulate github`: where it is installed, and its key for the client.

use super::Stop;
use crate::simulator::github::{AppInstallation, GitHub};
use clap::Args;
use serde_json::{Map, Value, json};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

#[derive(Debug, Args)]
pub(super) struct AppArguments {
    /// Install the App on these accounts (organizations), separated by commas.
    #[arg(long, value_name = "LOGIN", value_delimiter = ',')]
    app_installed_on: Vec<String>,
    /// Write the App's private key to this file (PEM); it is a test key, the same every time.
    #[arg(long, value_name = "FILE")]
    app_key_out: Option<PathBuf>,
}

/// The App as the command tells of it.
#[derive(Debug)]
pub(super) struct Installed<'a> {
    github: &'a GitHub,
    on: Vec<(&'a str, u64)>,
}

impl AppArguments {
    /// Installs the App, and writes its key.
    pub(super) fn apply<'a>(&'a self, github: &'a GitHub) -> Result<Installed<'a>, Stop> {
        if let Some(file) = &self.app_key_out {
            write_key(file, &github.app_private_key())?;
        }
        let install = |login| {
            (
                login,
                github.add_app_installation(AppInstallation::on(login)),
            )
        };
        Ok(Installed {
            github,
            on: self
                .app_installed_on
                .iter()
                .map(String::as_str)
                .map(install)
                .collect(),
        })
    }
}

impl Installed<'_> {
    pub(super) fn json(&self) -> Value {
        let on: Map<String, Value> = self
            .on
            .iter()
            .map(|(login, id)| ((*login).to_owned(), (*id).into()))
            .collect();
        json!({
            "id": self.github.app_id(),
            "clientId": self.github.app_client_id(),
            "installations": on,
        })
    }

    /// A line for people, if the App is installed anywhere.
    pub(super) fn line(&self) -> Option<String> {
        let on: Vec<String> = self
            .on
            .iter()
            .map(|(login, id)| format!("{login} ({id})"))
            .collect();
        (!on.is_empty()).then(|| {
            format!(
                "The App has id {} and client id {}; it is installed on {}",
                self.github.app_id(),
                self.github.app_client_id(),
                on.join(", ")
            )
        })
    }
}

/// Writes a file that only its owner can read, as a key's file should be.
fn write_key(file: &Path, key: &str) -> Result<(), Stop> {
    OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(key.as_bytes()))
        .map_err(|error| {
            Stop::Unusable(format!(
                "cannot write the App's key to {}: {error}; name another file with --app-key-out",
                file.display()
            ))
        })
}
