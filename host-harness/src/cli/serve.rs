//! `serve`: the host, for real.

use super::{Output, Stop, check_values};
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
use std::path::PathBuf;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration (TOML).
    #[arg(long)]
    config: PathBuf,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let file = &arguments.config;
    let config = HostConfig::load(file).map_err(Stop::unusable)?;
    let mut budgets = Budgets::default();
    let tenants = config
        .installations
        .iter()
        .map(|installation| {
            let resolved = resolve_installation(file, installation)?;
            Ok(Tenant {
                installation: Arc::new(budgets.share(resolved)),
                port: resolve_port(file, installation, config.port.as_ref())?,
                rules: resolve_rules(file, installation, config.check)?,
            })
        })
        .collect::<Result<Vec<_>, ConfigError>>()
        .map_err(Stop::unusable)?;
    let limits = config.runtime.limits();
    let engine = EngineOptions {
        cache_directory: config.runtime.cache_directory.clone(),
        pool: config.runtime.pool(),
        max_memory: limits.memory,
    };
    let at = |key: &str, error: &dyn std::fmt::Display| {
        Stop::unusable(ConfigError::key(file, key, error.to_string()))
    };
    let engine = Engine::new(&engine).map_err(Stop::unusable)?;
    let plugin = Plugin::load(&engine, &config.component)
        .await
        .map_err(|error| at("component", &error))?;
    for installation in &config.installations {
        check_settings(
            file,
            &installation.id,
            &installation.settings,
            &plugin.manifest().settings,
        )
        .map_err(Stop::unusable)?;
    }
    let options = RuntimeOptions {
        threads: config.runtime.threads,
        limits,
        pool: config.runtime.pool(),
    };
    let runtime = Runtime::start(plugin, options).map_err(Stop::unusable)?;
    for tenant in &tenants {
        check_values(file, &runtime, &tenant.installation).await?;
    }
    let retention_days = config.journal.retention_days;
    let retention = seconds(file, "journal.retention-days", retention_days * 86_400.0)
        .map_err(Stop::unusable)?;
    let shutdown_seconds = config.scheduler.shutdown_seconds;
    let patience =
        seconds(file, "scheduler.shutdown-seconds", shutdown_seconds).map_err(Stop::unusable)?;
    let crash = CrashPoint::from_environment().map_err(Stop::Unusable)?;
    let journal = SqliteOptions {
        path: config.journal.path.clone(),
        max_mib: config.journal.max_mib,
    };
    let store = Sqlite::open(&journal)
        .await
        .map_err(|error| at("journal.path", &error))?;
    let scheduler = &config.scheduler;
    let percent = Some(scheduler.buffer_percent_per_action).filter(|percent| *percent > 0);
    let host = Host::start(HostOptions {
        listen: config.listen,
        path_prefix: config.path_prefix.clone(),
        retention,
        crash,
        share: Share {
            at_once: scheduler.dispatches_at_once.max(1),
            each: scheduler.dispatches_per_installation.max(1),
        },
        rate_threshold: scheduler.rate_threshold,
        buffer: (scheduler.runs_buffered.max(1), percent),
        ..HostOptions::new(runtime, tenants, Box::new(store))
    })
    .await
    .map_err(|error| match &error {
        HostError::Listen { .. } => at("listen", &error),
        HostError::Journal(_) => at("journal.path", &error),
        _ => Stop::unusable(error),
    })?;
    announce(&host, config.installations.len(), format);
    wait_for_signal().await?;
    tracing::info!("stopping; a second signal stops at once");
    let left = tokio::select! {
        left = host.shutdown(patience) => left,
        result = wait_for_signal() => {
            result?;
            return Err(Stop::No);
        }
    };
    if left > 0 {
        tracing::info!("{left} runs are under way: the journal has them, the next start goes on");
    }
    Ok(())
}

fn announce(host: &Host, installations: usize, format: Output) {
    let address = host.address();
    match format {
        Output::Json => println!(
            "{}",
            json!({"listening": address, "installations": installations})
        ),
        Output::Text => println!(
            "listening on {address} for {installations} installation(s): POST /webhooks/{{installation}}, \
             GET /health/live, GET /health/ready, GET /metrics"
        ),
    }
}

/// Until the process is told to stop: SIGINT or SIGTERM.
pub(super) async fn wait_for_signal() -> Result<(), Stop> {
    let mut terminate = signal(SignalKind::terminate()).map_err(Stop::unusable)?;
    tokio::select! {
        result = tokio::signal::ctrl_c() => result.map_err(Stop::unusable),
        _ = terminate.recv() => Ok(()),
    }
}
