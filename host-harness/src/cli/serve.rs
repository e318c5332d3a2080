//! `serve`: the host, for real.

use super::signals::Signals;
use super::{ComponentArgument, Output, Stop, check_values, output};
use crate::config::ocean::{self, Ocean, Remarks};
use crate::config::{
    ConfigError, HostConfig, check_settings, resolve_installation, resolve_port, resolve_rules,
    seconds,
};
use crate::egress::Budgets;
use crate::engine::{Engine, EngineOptions, Plugin};
use crate::host::{Host, HostError, HostOptions, Tenant};
use crate::journal::{CrashPoint, Sqlite, SqliteOptions};
use crate::runtime::{Runtime, RuntimeOptions};
use crate::scheduler::Share;
use clap::Args;
use serde_json::json;
use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration (TOML). Without one, the environment variables of Port's Ocean integration for GitHub are read.
    #[arg(long)]
    config: Option<PathBuf>,
    #[command(flatten)]
    component: ComponentArgument,
    /// The journal, where Ocean's variables are read. A configuration file names its own.
    #[arg(long, env = "HOST_HARNESS_JOURNAL", default_value = "journal.db")]
    journal: PathBuf,
}

/// What a host is configured by.
struct Configured {
    /// For error texts: the file, or what stands for it.
    file: PathBuf,
    config: HostConfig,
    /// Where Ocean's variables are read.
    remarks: Option<Remarks>,
}

impl Configured {
    fn read(arguments: &Arguments) -> Result<Configured, Stop> {
        let environment = ocean::environment();
        if let Some(file) = &arguments.config {
            let config = HostConfig::load(file).map_err(Stop::unusable)?;
            if let Some(warning) = ocean::not_read_beside_a_file(&environment) {
                tracing::warn!("{warning}");
            }
            return Ok(Configured {
                file: file.clone(),
                config,
                remarks: None,
            });
        }
        let component = &arguments.component.component;
        let Ocean {
            config, remarks, ..
        } = ocean::from_environment(environment, component, &arguments.journal)
            .map_err(Stop::unusable)?;
        for warning in &remarks.warnings {
            tracing::warn!("{warning}");
        }
        for note in &remarks.notes {
            tracing::info!("{note}");
        }
        Ok(Configured {
            file: PathBuf::from("the environment"),
            config,
            remarks: Some(remarks),
        })
    }

    /// An error of a value, in terms of what the operator wrote.
    fn wrong(&self, error: ConfigError) -> Stop {
        Stop::unusable(match &self.remarks {
            Some(remarks) => remarks.name_variable(error),
            None => error,
        })
    }

    fn at(&self, key: &str, error: &dyn Display) -> Stop {
        self.wrong(ConfigError::key(&self.file, key, error.to_string()))
    }

    fn seconds(&self, key: &str, number: f64) -> Result<Duration, Stop> {
        seconds(&self.file, key, number).map_err(|error| self.wrong(error))
    }
}

/// What is logged unless `RUST_LOG` says otherwise: what Ocean's variable says where those are read.
pub(super) fn log_level(arguments: &Arguments) -> &'static str {
    let level = || {
        let component = Path::new("");
        let ocean = ocean::from_environment(ocean::environment(), component, component);
        ocean.ok()?.log_level
    };
    let from_ocean = if arguments.config.is_none() {
        level()
    } else {
        None
    };
    from_ocean.unwrap_or("info")
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    // First, so that a host that is told to stop while it starts has either taken nothing or stops in order.
    let mut signals = Signals::listen()?;
    let configured = Configured::read(&arguments)?;
    let config = &configured.config;
    let tenants = tenants(&configured)?;
    let runtime = runtime(&configured, &tenants).await?;
    let patience = configured.seconds(
        "scheduler.shutdown-seconds",
        config.scheduler.shutdown_seconds,
    )?;
    let options = options(&configured, runtime, tenants).await?;
    let host = Host::start(options).await.map_err(|error| match &error {
        HostError::Listen { .. } => configured.at("listen", &error),
        HostError::Page { .. } => configured.at("page.listen", &error),
        HostError::Journal(_) => configured.at("journal.path", &error),
        _ => Stop::unusable(error),
    })?;
    announce(&host, config.installations.len(), format);
    signals.next().await;
    tracing::info!("stopping; a second signal stops at once");
    let left = tokio::select! {
        left = host.shutdown(patience) => left,
        () = signals.next() => return Err(Stop::No),
    };
    if left > 0 {
        tracing::info!("{left} runs are under way: the journal has them, the next start goes on");
    }
    Ok(())
}

fn tenants(configured: &Configured) -> Result<Vec<Tenant>, Stop> {
    let Configured { file, config, .. } = configured;
    let mut budgets = Budgets::default();
    let tenants = config.installations.iter().map(|installation| {
        let resolved = resolve_installation(file, installation)?;
        Ok(Tenant {
            installation: Arc::new(budgets.share(resolved)),
            port: resolve_port(file, installation, config.port.as_ref())?,
            rules: resolve_rules(
                file,
                installation,
                config.check,
                config.scheduler.limit_pause_seconds,
            )?,
        })
    });
    let tenants = tenants.collect::<Result<Vec<_>, ConfigError>>();
    tenants.map_err(|error| configured.wrong(error))
}

/// Loads the component and lets it look at the installations' settings.
async fn runtime(configured: &Configured, tenants: &[Tenant]) -> Result<Runtime, Stop> {
    let Configured { file, config, .. } = configured;
    let limits = || tenants.iter().map(|tenant| tenant.installation.limits());
    let engine = Engine::new(&EngineOptions {
        cache_directory: config.runtime.cache_directory.clone(),
        pool: config.runtime.pool(),
        max_memory: limits().map(|it| it.memory).max().unwrap_or_default(),
        max_table_elements: limits()
            .map(|it| it.table_elements)
            .max()
            .unwrap_or_default(),
    })
    .map_err(Stop::unusable)?;
    let plugin = Plugin::load(&engine, &config.component)
        .await
        .map_err(|error| configured.at("component", &error))?;
    let known = &plugin.manifest().settings;
    for installation in &config.installations {
        check_settings(file, &installation.id, &installation.settings, known)
            .map_err(Stop::unusable)?;
    }
    let options = RuntimeOptions {
        threads: config.runtime.threads,
        pool: config.runtime.pool(),
    };
    let runtime = Runtime::start(plugin, options).map_err(Stop::unusable)?;
    for tenant in tenants {
        check_values(file, &runtime, &tenant.installation).await?;
    }
    Ok(runtime)
}

/// Everything else, with the journal opened: from here on no other host can use it.
async fn options(
    configured: &Configured,
    runtime: Runtime,
    tenants: Vec<Tenant>,
) -> Result<HostOptions, Stop> {
    let HostConfig {
        journal, scheduler, ..
    } = &configured.config;
    let days = journal.retention_days;
    let retention = configured.seconds("journal.retention-days", days * 86_400.0)?;
    let crash = CrashPoint::from_environment().map_err(Stop::Unusable)?;
    let page = configured.config.page;
    let page = page.map(|page| page.resolve(&configured.file)).transpose();
    let page = page.map_err(|error| configured.wrong(error))?;
    let store = Sqlite::open(&SqliteOptions {
        path: journal.path.clone(),
        max_mib: journal.max_mib,
    })
    .map_err(|error| configured.at("journal.path", &error))?;
    let percent = Some(scheduler.buffer_percent_per_action).filter(|percent| *percent > 0);
    Ok(HostOptions {
        listen: configured.config.listen,
        path_prefix: configured.config.path_prefix.clone(),
        retention,
        crash,
        share: Share {
            at_once: scheduler.dispatches_at_once.max(1),
            each: scheduler.dispatches_per_installation.max(1),
        },
        rate_threshold: scheduler.rate_threshold,
        buffer: (scheduler.runs_buffered.max(1), percent),
        page,
        ..HostOptions::new(runtime, tenants, Box::new(store))
    })
}

fn announce(host: &Host, installations: usize, format: Output) {
    let address = host.address();
    let page = host.page().map(|page| format!("http://{page}/"));
    match (format, page) {
        (Output::Json, None) => output::notice(format_args!(
            "{}",
            json!({"listening": address, "installations": installations})
        )),
        (Output::Json, Some(page)) => output::notice(format_args!(
            "{}",
            json!({"listening": address, "installations": installations, "page": page})
        )),
        (Output::Text, page) => {
            output::notice(format_args!(
                "listening on {address} for {installations} installation(s): POST /webhooks/{{installation}}, \
                 GET /health/live, GET /health/ready, GET /metrics"
            ));
            if let Some(page) = page {
                output::notice(format_args!("a page to look at: {page}"));
            }
        }
    }
}
