//! Configuration: one TOML file for the host, or one for a single installation.
//!
//! ```toml
//! component = "github_workflow.wasm"      # relative to this file
//! listen = "127.0.0.1:8080"               # webhooks and health
//!
//! [port]                                   # how to reach Port; an installation may have its own
//! client-id = "…"
//! client-secret = { env = "PORT_CLIENT_SECRET" }
//!
//! [[installation]]
//! id = "acme-github"                       # Port's installationId
//! hosting = "self-hosted"                  # or "hosted-by-port"
//! organization = "acme"                    # if it is fixed to one
//! api-url = "https://api.github.com"
//! credential = { token = { file = "/run/secrets/github-token" } }
//! allow-addresses = ["10.0.0.0/8"]         # a server in a network that is not public
//! ca-file = "ca.pem"                       # and with an authority of its own; relative to this file
//! allow-origins = ["https://files.example"] # requests may go there too, without the credential
//! webhook-secret = { env = "WEBHOOK_SECRET" }
//! settings = { max-inputs = 10 }           # the plugin's own; `inspect` lists them
//!
//! [journal]
//! path = "journal.db"                      # relative to this file; the default
//! ```
//!
//! Unknown keys are errors, secrets are references, and every error names the file and the line or key.

mod error;
mod limits;
mod network;
pub mod ocean;
mod page;
mod place;
mod resolve;

pub use error::{ConfigError, check_settings, load};
pub use limits::LimitsConfig;
pub use page::PageConfig;
pub use resolve::{PortAccess, resolve_installation, resolve_port, resolve_rules, seconds};

use crate::secrets::SecretRef;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// The whole file that `serve` reads.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HostConfig {
    /// The component to run. Relative to the configuration file.
    pub component: PathBuf,
    /// Where to listen for webhooks and health checks.
    #[serde(default = "default_listen")]
    pub listen: SocketAddr,
    /// How to reach Port, for installations that don't say it themselves.
    pub port: Option<PortConfig>,
    /// The installations to work for.
    #[serde(rename = "installation")]
    pub installations: Vec<InstallationConfig>,
    /// What stands before every path of the listener: nothing, or `/` and some more.
    #[serde(default)]
    pub path_prefix: String,
    /// How calls run.
    #[serde(default)]
    pub runtime: RuntimeConfig,
    /// What one call may use, for installations that don't say it themselves.
    #[serde(default)]
    pub limits: LimitsConfig,
    /// Where everything is written down.
    #[serde(default)]
    pub journal: JournalConfig,
    /// When what may happen.
    #[serde(default)]
    pub scheduler: SchedulerConfig,
    /// When the server is asked about runs that there is no news of.
    #[serde(default)]
    pub check: CheckConfig,
    /// A page to look at, if there is to be one.
    pub page: Option<PageConfig>,
}

/// How to reach Port.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PortConfig {
    /// Port's API, without `/v1`.
    #[serde(default = "default_port_url")]
    pub base_url: String,
    /// The client id of the organization's credentials.
    pub client_id: String,
    /// The client secret of the organization's credentials.
    pub client_secret: SecretRef,
    /// How often Port is asked for new runs when there are none, in milliseconds.
    #[serde(default = "default_poll_interval")]
    pub poll_interval_ms: u64,
    /// How long a claimed run is kept from others until it is acked, in milliseconds.
    #[serde(default = "default_visibility_timeout")]
    pub visibility_timeout_ms: u64,
}

/// One installation.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct InstallationConfig {
    /// Port's `installationId`.
    pub id: String,
    /// Who runs it.
    pub hosting: HostingConfig,
    /// The organization that it is fixed to.
    pub organization: Option<String>,
    /// Where the server's API begins.
    pub api_url: String,
    /// Allows an `http` API, for tests and for servers behind a proxy of the same machine.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// Networks and addresses beside the public ones that requests may reach (`10.0.0.0/8`, `10.1.2.3`, `fd00::/8`).
    /// Link-local addresses and those of metadata services count only if they are named one by one.
    #[serde(default)]
    pub allow_addresses: Vec<String>,
    /// Further origins that requests may go to, without the credential (`https://uploads.example`).
    #[serde(default)]
    pub allow_origins: Vec<String>,
    /// A PEM file with the authorities whose certificates count for this installation, and no others then. Relative to
    /// the configuration file. None: the authorities that the machine trusts.
    pub ca_file: Option<PathBuf>,
    /// Requests under way at once; the default is 100, as many as GitHub takes.
    pub requests_at_once: Option<usize>,
    /// What requests are sent with. None: they are anonymous.
    pub credential: Option<CredentialConfig>,
    /// What deliveries are signed with. None: they are refused.
    pub webhook_secret: Option<SecretRef>,
    /// Accepts deliveries that nobody has signed. Anybody who reaches the listener can then end runs.
    #[serde(default)]
    pub allow_unsigned_webhooks: bool,
    /// Whether the server's webhooks reach this host.
    #[serde(default = "yes")]
    pub live_events: bool,
    /// How long a run may be on the server before it is cancelled and fails. None: as long as it likes.
    pub max_run_minutes: Option<f64>,
    /// How long a failure waits for somebody to run it again before it is reported. None: not at all.
    pub failure_grace_seconds: Option<f64>,
    /// Whether a run that is ended in Port is cancelled on the server.
    #[serde(default)]
    pub cancel_with_port: bool,
    /// Settings of the plugin.
    #[serde(default)]
    pub settings: toml::Table,
    /// How to reach Port for this installation.
    pub port: Option<PortConfig>,
    /// What one call for this installation may use.
    #[serde(default)]
    pub limits: LimitsConfig,
}

/// Who runs an installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HostingConfig {
    /// Port.
    HostedByPort,
    /// The customer.
    SelfHosted,
}

/// What requests are sent with: `{ token = … }` or `{ app = … }`.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "CredentialKeys")]
pub enum CredentialConfig {
    /// An access token.
    Token(SecretRef),
    /// A GitHub App.
    App(AppConfig),
}

/// The keys of a credential. Not serde's way to write an enum, whose errors repeat what stands there by mistake.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CredentialKeys {
    token: Option<SecretRef>,
    app: Option<AppConfig>,
}

impl TryFrom<CredentialKeys> for CredentialConfig {
    type Error = &'static str;

    fn try_from(keys: CredentialKeys) -> Result<CredentialConfig, &'static str> {
        match (keys.token, keys.app) {
            (Some(token), None) => Ok(CredentialConfig::Token(token)),
            (None, Some(app)) => Ok(CredentialConfig::App(app)),
            _ => Err("say one of { token = … } and { app = { id = …, private-key = … } }"),
        }
    }
}

/// A GitHub App, as which requests are sent.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct AppConfig {
    /// The App's client id, or its app id.
    pub id: AppId,
    /// The App's private key: the PEM file that GitHub has made, or the same in base64.
    pub private_key: SecretRef,
    /// GitHub's id of the only installation of the App that may be used. None: that of `organization`, or without one
    /// that of the organization that a request is about.
    pub installation_id: Option<u64>,
    /// The only permissions that its tokens have, such as `{ actions = "write" }`. None: all that the App has.
    #[serde(default)]
    pub permissions: BTreeMap<String, String>,
}

/// An App's id: GitHub shows a number and a text that begins with `Iv`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum AppId {
    /// The app id.
    Number(u64),
    /// The client id, or an app id that is written as text.
    Text(String),
}

impl std::fmt::Display for AppId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            AppId::Number(id) => write!(f, "{id}"),
            AppId::Text(id) => f.write_str(id),
        }
    }
}

/// How calls run.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct RuntimeConfig {
    /// Threads; 0 for one per core.
    pub threads: usize,
    /// Calls at once; the default is 1,000.
    pub instances: Option<u32>,
    /// Where compiled components are kept. An absolute path; the default is the user's cache directory.
    pub cache_directory: Option<PathBuf>,
}

/// Where everything is written down.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct JournalConfig {
    /// The SQLite file. Relative to the configuration file.
    pub path: PathBuf,
    /// How many days finished runs are kept.
    pub retention_days: f64,
    /// How large the file may grow, in MiB. None: as far as the disk goes.
    pub max_mib: Option<u32>,
}

impl Default for JournalConfig {
    fn default() -> JournalConfig {
        JournalConfig {
            path: PathBuf::from("journal.db"),
            retention_days: 14.0,
            max_mib: None,
        }
    }
}

/// When what may happen.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct SchedulerConfig {
    /// Dispatches under way at once, of all installations.
    pub dispatches_at_once: usize,
    /// Dispatches under way at once, of one installation.
    pub dispatches_per_installation: usize,
    /// Runs of one installation that may be claimed and not started yet.
    pub runs_buffered: usize,
    /// How many percent of these one action may have; 0 for all.
    pub buffer_percent_per_action: u8,
    /// No run is started while the server's rate limit leaves only so many requests. Checks of runs that there is no news
    /// of stop at twice the number.
    pub rate_threshold: u32,
    /// First pause where a server wants one and does not say how long, in seconds; it doubles each time.
    pub limit_pause_seconds: f64,
    /// How long calls that are under way may take when the host stops, in seconds.
    pub shutdown_seconds: f64,
}

impl Default for SchedulerConfig {
    /// Eight of one installation: GitHub allows 100 concurrent requests of all kinds and asks for few that change
    /// something. A threshold of 20 leaves room for what is under way: eight dispatches with two requests each.
    fn default() -> SchedulerConfig {
        SchedulerConfig {
            dispatches_at_once: 64,
            dispatches_per_installation: 8,
            runs_buffered: 300,
            buffer_percent_per_action: 30,
            rate_threshold: 20,
            limit_pause_seconds: 60.0,
            shutdown_seconds: 25.0,
        }
    }
}

/// When the server is asked about runs that there is no news of.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub struct CheckConfig {
    /// First pause without news, in seconds.
    pub first_seconds: f64,
    /// Pauses double up to this.
    pub longest_seconds: f64,
}

impl Default for CheckConfig {
    fn default() -> CheckConfig {
        CheckConfig {
            first_seconds: 30.0,
            longest_seconds: 300.0,
        }
    }
}

fn default_listen() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 8080))
}

fn default_port_url() -> String {
    "https://api.getport.io".to_owned()
}

fn default_poll_interval() -> u64 {
    1_000
}

fn default_visibility_timeout() -> u64 {
    60_000
}

fn yes() -> bool {
    true
}

/// The folder of a configuration file: paths in the file are relative to it.
pub fn folder_of(file: &Path) -> &Path {
    file.parent().unwrap_or(Path::new(""))
}

impl HostConfig {
    /// Reads the file that `serve` is given.
    pub fn load(path: &Path) -> Result<HostConfig, ConfigError> {
        let mut config: HostConfig = load(path)?;
        config.component = folder_of(path).join(&config.component);
        config.journal.path = folder_of(path).join(&config.journal.path);
        let problem = |key: &str, message: &str| Err(ConfigError::key(path, key, message));
        if config.installations.is_empty() {
            return problem(
                "installation",
                "there is none: add a table [[installation]]",
            );
        }
        if !config.path_prefix.is_empty() && !config.path_prefix.starts_with('/') {
            return problem("path-prefix", "it does not begin with `/`");
        }
        for installation in &mut config.installations {
            installation.limits = installation.limits.over(config.limits);
        }
        let mut ids: Vec<&str> = config.installations.iter().map(|i| i.id.as_str()).collect();
        ids.sort_unstable();
        if let Some(twice) = ids.windows(2).find(|pair| pair.first() == pair.last()) {
            let id = twice.first().copied().unwrap_or_default();
            return problem(
                "installation.id",
                &format!("two installations have the id {id:?}"),
            );
        }
        Ok(config)
    }
}

impl InstallationConfig {
    /// Reads a file with a single installation, the same keys as in a table `[[installation]]`.
    pub fn load(path: &Path) -> Result<InstallationConfig, ConfigError> {
        load(path)
    }
}

impl RuntimeConfig {
    /// The number of calls at once.
    pub fn pool(&self) -> crate::engine::PoolSize {
        let default = crate::engine::PoolSize::default();
        crate::engine::PoolSize {
            instances: self.instances.unwrap_or(default.instances).max(1),
        }
    }
}
