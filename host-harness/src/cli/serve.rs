//! `serve`: the host, for real.

use super::{Output, Stop, check_values};
use crate::config::{ConfigError, HostConfig, check_settings, resolve_installation, resolve_port};
use crate::egress::Budgets;
use crate::engine::{Engine, EngineOptions, Plugin};
use crate::host::{Host, HostError, HostOptions, Tenant};
use crate::lifecycle::CheckTimes;
use crate::runtime::{Runtime, RuntimeOptions};
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Arguments of `serve`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration (TOML).
    #[arg(long)]
    config: PathBuf,
}

/// How long runs under way are waited for after the first signal. The second signal ends at once.
const PATIENCE: Duration = Duration::from_secs(25);

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
    let host = Host::start(HostOptions {
        runtime,
        listen: config.listen,
        tenants,
        check_times: CheckTimes::default(),
        observer: None,
    })
    .await
    .map_err(|error| match &error {
        HostError::Listen { .. } => at("listen", &error),
        _ => Stop::unusable(error),
    })?;
    announce(&host, config.installations.len(), format);
    wait_for_signal().await?;
    tracing::info!("stopping; a second signal stops at once");
    let left = tokio::select! {
        left = host.shutdown(PATIENCE) => left,
        result = wait_for_signal() => {
            result?;
            return Err(Stop::No);
        }
    };
    if left > 0 {
        tracing::warn!(
            "{left} runs are under way and will not be reported: this version keeps them in memory alone"
        );
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
             GET /health/live, GET /health/ready"
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
