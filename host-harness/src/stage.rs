//! A whole world on loopback: a simulated GitHub, a simulated Port, and a real host between them. For the demo and
//! for tests.

use crate::config::PortAccess;
use crate::contract::{self, Hosting};
use crate::credentials::{AppOptions, Credential, GitHubApp, Scope};
use crate::egress::{Budgets, Exceptions, Origin, OriginError, Policy};
use crate::engine::Limits;
use crate::host::{Host, HostError, HostOptions, Tenant};
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use crate::journal::{Memory, Sqlite, SqliteOptions, Store};
use crate::lifecycle::{Observer, Rules};
use crate::network::Network;
use crate::page::PageOptions;
use crate::runtime::Runtime;
use crate::simulator::{github, port};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use url::Url;

/// The secret that the simulated webhooks are signed with.
pub const WEBHOOK_SECRET: &str = "a secret of the stage";

/// One installation on the stage.
#[derive(Debug, Clone)]
pub struct Role {
    /// Port's `installationId`.
    pub id: String,
    /// Who runs it.
    pub hosting: Hosting,
    /// The organization that it is fixed to.
    pub organization: Option<String>,
    /// Whether webhooks are set up.
    pub live_events: bool,
    /// The plugin's settings, as JSON.
    pub settings: String,
    /// The credential of its requests.
    pub sends: Sends,
    /// What its calls may use.
    pub limits: Limits,
    /// What is set about its runs; none for what is set for all roles.
    pub rules: Option<Rules>,
    /// What its webhooks are signed with.
    pub webhook_secret: String,
    /// Port credentials; none for the simulator's own machine client.
    pub port_client: Option<(String, String)>,
}

/// What an installation's requests to the simulated GitHub carry.
#[derive(Debug, Clone, Default)]
pub enum Sends {
    /// The simulator's own token.
    #[default]
    SimulatorsToken,
    /// A token of its own, which may write.
    Token(String),
    /// A token of its own, which may only read.
    ReadOnlyToken(String),
    /// A token of GitHub's App, which has to be installed.
    AsApp,
    /// Nothing.
    Nothing,
}

impl Role {
    /// A self-hosted installation with live events.
    pub fn self_hosted(id: &str) -> Role {
        Role {
            id: id.to_owned(),
            hosting: Hosting::SelfHosted,
            organization: None,
            live_events: true,
            settings: "{}".to_owned(),
            sends: Sends::default(),
            limits: Limits::default(),
            rules: None,
            webhook_secret: WEBHOOK_SECRET.to_owned(),
            port_client: None,
        }
    }

    /// An installation that Port hosts for an organization, with live events.
    pub fn hosted(id: &str, organization: &str) -> Role {
        Role {
            hosting: Hosting::HostedByPort,
            organization: Some(organization.to_owned()),
            ..Role::self_hosted(id)
        }
    }
}

/// What a stage is set with.
pub struct StageOptions {
    /// The installations.
    pub roles: Vec<Role>,
    /// The simulated GitHub.
    pub github: github::Options,
    /// The simulated Port.
    pub port: port::Options,
    /// The network that everything is on.
    pub network: Network,
    /// Where the host listens.
    pub listen: SocketAddr,
    /// Where the host finds the simulated GitHub's API if a proxy stands in between: a URL without a slash at the end.
    pub github_through: Option<String>,
    /// Where the host finds the simulated Port's API if a proxy stands in between.
    pub port_through: Option<String>,
    /// What is set about the runs of all roles that say nothing themselves.
    pub rules: Rules,
    /// The file of the journal; none for one in memory.
    pub journal: Option<PathBuf>,
    /// How often Port is asked for runs.
    pub poll_interval: Duration,
    /// How long a claimed run is kept from others until it is acked.
    pub visibility_timeout: Duration,
    /// Who is told every step of every run.
    pub observer: Option<Observer>,
    /// A page to look at, if there is to be one.
    pub page: Option<PageOptions>,
}

impl StageOptions {
    /// A stage for these installations, quick enough for tests.
    pub fn with(roles: Vec<Role>) -> StageOptions {
        StageOptions {
            roles,
            github: github::Options::default(),
            port: port::Options::default(),
            network: Network::Machine,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            github_through: None,
            port_through: None,
            rules: Rules::default(),
            journal: None,
            poll_interval: Duration::from_millis(50),
            visibility_timeout: Duration::from_secs(60),
            observer: None,
            page: None,
        }
    }
}

/// Why a stage could not be set.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// A simulator could not listen.
    #[error("a simulator cannot listen on loopback: {0}")]
    Simulator(#[from] std::io::Error),
    /// The host could not start.
    #[error(transparent)]
    Host(#[from] HostError),
    /// A simulator's URL cannot be used.
    #[error("a simulator's URL cannot be used: {0}")]
    Url(String),
}

/// A set stage.
pub struct Stage {
    /// The simulated GitHub.
    pub github: github::GitHub,
    /// The simulated Port.
    pub port: port::Port,
    /// The host between them.
    pub host: Host,
}

impl Stage {
    /// Starts both simulators and a host, and points them at each other.
    pub async fn set(runtime: Runtime, options: StageOptions) -> Result<Stage, StageError> {
        let github = github::GitHub::start(github::Options {
            network: options.network.clone(),
            ..options.github.clone()
        })
        .await?;
        let port = port::Port::start(port::Options {
            network: options.network.clone(),
            ..options.port.clone()
        })
        .await?;
        let mut budgets = Budgets::default();
        let mut tenants = Vec::new();
        let api_url = options
            .github_through
            .clone()
            .unwrap_or_else(|| github.api_url());
        for role in &options.roles {
            port.add_integration(&role.id, true);
            tenants.push(Tenant {
                installation: Arc::new(budgets.share(installation_at(role, &github, &api_url)?)),
                port: access(role, &port, &options)?,
                rules: role.rules.unwrap_or(options.rules),
            });
        }
        let store: Box<dyn Store> = match options.journal {
            Some(path) => Box::new(
                Sqlite::open(&SqliteOptions {
                    path,
                    max_mib: None,
                })
                .map_err(HostError::from)?,
            ),
            None => Box::new(Memory::default()),
        };
        let host = Host::start(HostOptions {
            network: options.network,
            listen: options.listen,
            observer: options.observer,
            page: options.page,
            ..HostOptions::new(runtime, tenants, store)
        })
        .await?;
        for role in options.roles.iter().filter(|role| role.live_events) {
            let url = format!("http://{}/webhooks/{}", host.address(), role.id);
            github.add_webhook(url, Some(role.webhook_secret.clone()));
        }
        Ok(Stage { github, port, host })
    }

    /// What the host did that a correct client would never do; empty if it did everything right.
    pub fn violations(&self) -> Vec<String> {
        let github = self
            .github
            .violations()
            .into_iter()
            .map(|v| format!("GitHub: {v}"));
        let port = self
            .port
            .violations()
            .into_iter()
            .map(|v| format!("Port: {v}"));
        github.chain(port).collect()
    }

    /// Stops the host, then the simulators. Returns how many runs were still under way.
    pub async fn strike(self, patience: Duration) -> usize {
        let left = self.host.shutdown(patience).await;
        self.github.stop().await;
        self.port.stop().await;
        left
    }
}

/// An installation whose API is the simulated GitHub.
pub fn installation(role: &Role, github: &github::GitHub) -> Result<Installation, StageError> {
    installation_at(role, github, &github.api_url())
}

/// The same where the host finds that API at this URL.
pub fn installation_at(
    role: &Role,
    github: &github::GitHub,
    api_url: &str,
) -> Result<Installation, StageError> {
    let unusable = |reason: String| StageError::Url(format!("{api_url}: {reason}"));
    let uri = api_url
        .parse()
        .map_err(|error: http::uri::InvalidUri| unusable(error.to_string()))?;
    let origin = Origin::of(&uri).map_err(|error: OriginError| unusable(error.to_string()))?;
    Ok(Installation::new(
        contract::Installation {
            id: role.id.clone(),
            hosting: role.hosting,
            organization: role.organization.clone(),
            api_url: api_url.to_owned(),
            live_events: role.live_events,
            settings: role.settings.clone(),
        },
        Policy::only(origin),
        credential(role, github, api_url)?,
        WebhookSecret::Verify(SecretString::from(role.webhook_secret.as_str())),
    )
    .with_exceptions(Exceptions::loopback())
    .with_limits(role.limits))
}

fn credential(
    role: &Role,
    github: &github::GitHub,
    api_url: &str,
) -> Result<Credential, StageError> {
    let with = |token: String| Ok(Credential::Token(SecretString::from(token)));
    let login = format!("{}[bot]", role.id);
    match &role.sends {
        Sends::Nothing => return Ok(Credential::None),
        Sends::SimulatorsToken => return with(github.token()),
        Sends::Token(token) => {
            github.add_token(token, true, &login);
            return with(token.clone());
        }
        Sends::ReadOnlyToken(token) => {
            github.add_token(token, false, &login);
            return with(token.clone());
        }
        Sends::AsApp => {}
    }
    let unusable = |reason: String| StageError::Url(format!("{api_url}: {reason}"));
    let app = GitHubApp::new(AppOptions {
        id: github.app_client_id(),
        key: &github.app_private_key(),
        api: api_url
            .parse()
            .map_err(|error: http::uri::InvalidUri| unusable(error.to_string()))?,
        scope: match &role.organization {
            Some(organization) => Scope::Organization(organization.clone()),
            None => Scope::AnyInstallation,
        },
        permissions: BTreeMap::new(),
    })
    .map_err(|error| unusable(error.to_string()))?;
    Ok(Credential::App(Box::new(app)))
}

fn access(
    role: &Role,
    port: &port::Port,
    options: &StageOptions,
) -> Result<PortAccess, StageError> {
    let (client_id, client_secret) = role
        .port_client
        .clone()
        .unwrap_or_else(|| (port.client_id(), port.client_secret()));
    let base_url = options
        .port_through
        .clone()
        .unwrap_or_else(|| port.base_url());
    Ok(PortAccess {
        base_url: Url::parse(&base_url).map_err(|error| StageError::Url(error.to_string()))?,
        client_id,
        client_secret: SecretString::from(client_secret),
        poll_interval: options.poll_interval,
        visibility_timeout: options.visibility_timeout,
    })
}
