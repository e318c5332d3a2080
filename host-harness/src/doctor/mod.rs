//! `doctor`: what is wrong with a set-up, and how to mend it.
//!
//! A set-up is spread over four places (the file of this host, Port, the server's side, and the network between them),
//! and each of them fails in silence: Port offers no runs, the server sends no deliveries. So each thing that a run needs
//! is a check, with one finding: how it stands, what is there, and what to do. A check that depends on another one is
//! not made while that one is wrong.
//!
//! Without `fix`, nothing is changed anywhere. With it, what can be changed from here is (action processing in Port, the
//! server's webhook), and then everything is asked again: a report always says how things are, not how they should be
//! after a change.
//!
//! [`finding`] is what comes out, `setup` looks at the file and the component, `port` at Port, `github` at GitHub.

pub mod finding;
mod github;
mod port;
mod public_url;
mod repository;
mod setup;

pub use finding::{Change, Diagnosis, Finding, Report, State};
pub use public_url::{NotPublic, PublicUrl};
pub use repository::{NotARepository, RepositoryName};

use crate::config::{HostConfig, InstallationConfig, PortAccess};
use crate::installation::Installation;
use crate::network::Network;
use crate::port::{Client, Identity, Pool};
use crate::runtime::Runtime;
use crate::transport::TransportError;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How long Port may take for one answer: whoever waits is a person.
const PORT_ANSWER: Duration = Duration::from_secs(20);

/// What is to be looked at, and how.
pub struct Options {
    /// The file, for the texts.
    pub file: PathBuf,
    /// What it says.
    pub config: HostConfig,
    /// Only this installation.
    pub installation: Option<String>,
    /// Where the outside reaches the listener.
    pub public_url: Option<PublicUrl>,
    /// A repository to look at besides.
    pub repository: Option<RepositoryName>,
    /// Whether to change what can be changed from here.
    pub fix: bool,
    /// The network to ask on.
    pub network: Network,
}

/// Why nothing could be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DoctorError {
    /// The file has no such installation.
    #[error("there is no installation {asked:?} in the configuration; it has {known}")]
    NoSuchInstallation {
        /// The one that was asked for.
        asked: String,
        /// Those that there are.
        known: String,
    },
    /// No connection can be made at all.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

/// Looks at every installation that is asked for.
pub async fn examine(options: &Options) -> Result<Report, DoctorError> {
    let installations = chosen(options)?;
    let pool = Pool::on(options.network.clone())?;
    let runtime = setup::load(&options.config).await;
    let mut diagnoses = Vec::new();
    for config in installations {
        let patient = Patient::new(options, config, &runtime, &pool).await;
        diagnoses.push(patient.diagnosis().await?);
    }
    Ok(Report(diagnoses))
}

fn chosen(options: &Options) -> Result<Vec<&InstallationConfig>, DoctorError> {
    let all = &options.config.installations;
    let Some(asked) = &options.installation else {
        return Ok(all.iter().collect());
    };
    let found = all.iter().find(|one| one.id == *asked);
    let known = || all.iter().map(|it| format!("{:?}", it.id));
    found
        .map(|it| vec![it])
        .ok_or_else(|| DoctorError::NoSuchInstallation {
            asked: asked.clone(),
            known: known().collect::<Vec<_>>().join(", "),
        })
}

/// One installation, as far as it could be set up.
struct Patient<'o> {
    options: &'o Options,
    config: &'o InstallationConfig,
    runtime: Option<&'o Runtime>,
    installation: Option<Arc<Installation>>,
    /// How to reach Port, and where that is.
    port: Option<(Client, String)>,
    /// What the file and the component say; that does not change.
    setup: Vec<Finding>,
}

/// What one look at the outside has found.
#[derive(Default)]
struct Look {
    findings: Vec<Finding>,
    /// Whether action processing can be switched on.
    is_switched_off: bool,
    repairs: Vec<github::Repair>,
}

impl<'o> Patient<'o> {
    async fn new(
        options: &'o Options,
        config: &'o InstallationConfig,
        loaded: &'o Result<Runtime, String>,
        pool: &Pool,
    ) -> Patient<'o> {
        let resolved = setup::resolve(&options.file, &options.config, config);
        let mut findings = resolved.findings;
        let installation = resolved.installation;
        let component =
            setup::component(loaded, &options.file, config, installation.as_ref()).await;
        findings.extend(component);
        let runtime = loaded.as_ref().ok();
        let port = resolved.port.and_then(|access| {
            let client = client(access, &config.id, runtime, pool);
            client.map_err(|error| findings.push(error)).ok()
        });
        Patient {
            options,
            config,
            runtime,
            installation,
            port,
            setup: findings,
        }
    }

    async fn diagnosis(&self) -> Result<Diagnosis, DoctorError> {
        let mut look = self.look(&github::Mended::default()).await?;
        let mut changes = Vec::new();
        if self.options.fix {
            let mended = self.mend(&look, &mut changes).await?;
            if !changes.is_empty() {
                look = self.look(&mended).await?;
            }
        }
        let findings = self.setup.iter().cloned().chain(look.findings);
        let scrubbed = |text: &str| match &self.installation {
            Some(installation) => installation.scrub(text).into_owned(),
            None => text.to_owned(),
        };
        Ok(Diagnosis {
            installation: self.config.id.clone(),
            changes: changes
                .into_iter()
                .map(|change| Change {
                    what: scrubbed(&change.what),
                    failed: change.failed.as_deref().map(scrubbed),
                })
                .collect(),
            findings: findings.map(|it| it.map(scrubbed)).collect(),
        })
    }

    async fn look(&self, mended: &github::Mended) -> Result<Look, DoctorError> {
        let mut look = Look::default();
        if let Some((client, base_url)) = &self.port {
            let seen = port::examine(client, base_url, &self.config.id).await;
            look.findings.extend(seen.findings);
            look.is_switched_off = seen.is_switched_off;
        } else {
            let because_of = "configuration";
            look.findings
                .extend(finding::skipped(&port::CHECKS, because_of));
        }
        if let Some(case) = self.github()? {
            let seen = case.examine(mended).await;
            look.findings.extend(seen.findings);
            look.repairs = seen.repairs;
        }
        Ok(look)
    }

    /// Changes what can be changed, and tells what that was.
    async fn mend(
        &self,
        look: &Look,
        changes: &mut Vec<Change>,
    ) -> Result<github::Mended, DoctorError> {
        if let (true, Some((client, _))) = (look.is_switched_off, &self.port) {
            changes.push(port::switch_on(client, &self.config.id).await);
        }
        match self.github()? {
            Some(case) => Ok(case.mend(&look.repairs, changes).await),
            None => Ok(github::Mended::default()),
        }
    }

    /// GitHub's part, if the installation has to do with GitHub.
    fn github(&self) -> Result<Option<github::Case<'_>>, DoctorError> {
        let Some(installation) = &self.installation else {
            return Ok(None);
        };
        let webhooks = self.runtime.and_then(|it| it.manifest().webhooks.as_ref());
        if !github::concerns(webhooks, installation.credential()) {
            return Ok(None);
        }
        let host = &self.options.config;
        let address = github::Address {
            public_url: self.options.public_url.as_ref(),
            path_prefix: &host.path_prefix,
            is_the_only_one: host.installations.len() == 1,
        };
        let case = github::Case::new(github::Subject {
            network: self.options.network.clone(),
            installation,
            config: self.config,
            webhooks,
            address,
            repository: self.options.repository.as_ref(),
            rate_threshold: host.scheduler.rate_threshold,
        });
        Ok(Some(case?))
    }
}

/// The way to Port, and where that is. Err: a finding that says why there is none.
fn client(
    access: PortAccess,
    id: &str,
    runtime: Option<&Runtime>,
    pool: &Pool,
) -> Result<(Client, String), Finding> {
    let base_url = access.base_url.as_str().trim_end_matches('/').to_owned();
    let (name, version) = runtime.map_or(("doctor", "0"), |runtime| {
        let manifest = runtime.manifest();
        (manifest.name.as_str(), manifest.version.as_str())
    });
    let mut settings = access.settings(Identity {
        integration_type: name.to_owned(),
        version: version.to_owned(),
        identifier: id.to_owned(),
    });
    settings.timeout = PORT_ANSWER;
    match Client::new(settings, pool.clone()) {
        Ok(client) => Ok((client, base_url)),
        Err(error) => Err(Finding::wrong(
            "configuration",
            error.to_string(),
            "mend the table [port] and the installation's id",
        )),
    }
}
