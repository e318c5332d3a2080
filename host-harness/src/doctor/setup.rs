//! What can be looked at without asking anybody: the configuration and the component.

use super::finding::{Finding, skipped};
use crate::config::{
    HostConfig, InstallationConfig, PortAccess, check_settings, resolve_installation, resolve_port,
    resolve_rules,
};
use crate::engine::{Engine, EngineOptions, Plugin};
use crate::installation::Installation;
use crate::runtime::{Call, Runtime, RuntimeOptions};
use std::path::Path;
use std::sync::Arc;

const CONFIGURATION: &str = "configuration";
const COMPONENT: &str = "component";
const SETTINGS: &str = "settings";

/// What an installation's part of the file comes to. None: it cannot be used, and a finding says why.
pub(super) struct Resolved {
    pub(super) findings: Vec<Finding>,
    pub(super) installation: Option<Arc<Installation>>,
    pub(super) port: Option<PortAccess>,
}

/// Reads everything that an installation's part of the file names.
pub(super) fn resolve(file: &Path, host: &HostConfig, config: &InstallationConfig) -> Resolved {
    let pause = host.scheduler.limit_pause_seconds;
    let rules = resolve_rules(file, config, host.check, pause).map(drop);
    let installation = resolve_installation(file, config);
    let port = resolve_port(file, config, host.port.as_ref());
    let errors = [
        rules.err().map(|error| error.to_string()),
        installation.as_ref().err().map(ToString::to_string),
        port.as_ref().err().map(ToString::to_string),
    ];
    let errors: Vec<String> = errors.into_iter().flatten().collect();
    let findings = if errors.is_empty() {
        vec![Finding::ok(
            CONFIGURATION,
            format!("{} can be used", file.display()),
        )]
    } else {
        let mend = "mend the file or what it names";
        errors
            .into_iter()
            .map(|error| Finding::wrong(CONFIGURATION, error, mend))
            .collect()
    };
    Resolved {
        findings,
        installation: installation.ok().map(Arc::new),
        port: port.ok(),
    }
}

/// Loads the component, once for all installations.
pub(super) async fn load(config: &HostConfig) -> Result<Runtime, String> {
    let engine = Engine::new(&EngineOptions {
        cache_directory: config.runtime.cache_directory.clone(),
        ..EngineOptions::small()
    });
    let engine = engine.map_err(|error| error.to_string())?;
    let plugin = Plugin::load(&engine, &config.component).await;
    let plugin = plugin.map_err(|error| error.to_string())?;
    let options = RuntimeOptions {
        threads: 1,
        pool: EngineOptions::small().pool,
    };
    Runtime::start(plugin, options).map_err(|error| error.to_string())
}

/// Whether there is a component, and whether it takes the installation's settings.
pub(super) async fn component(
    loaded: &Result<Runtime, String>,
    file: &Path,
    config: &InstallationConfig,
    installation: Option<&Arc<Installation>>,
) -> Vec<Finding> {
    let runtime = match loaded {
        Ok(runtime) => runtime,
        Err(error) => {
            let mend = "set `component` to a component that `inspect` can show";
            let mut findings = vec![Finding::wrong(COMPONENT, error, mend)];
            findings.extend(skipped(&[SETTINGS], COMPONENT));
            return findings;
        }
    };
    let manifest = runtime.manifest();
    let says = format!("{} {} is loaded", manifest.name, manifest.version);
    let mut findings = vec![Finding::ok(COMPONENT, says)];
    let names = check_settings(file, &config.id, &config.settings, &manifest.settings);
    let taken = match (names, installation) {
        (Err(error), _) => Err(error.to_string()),
        (Ok(()), None) => {
            findings.extend(skipped(&[SETTINGS], CONFIGURATION));
            return findings;
        }
        (Ok(()), Some(installation)) => {
            let call = Call::new(installation.clone(), "settings");
            runtime.check_settings(call).await
        }
    };
    findings.push(match taken {
        Ok(()) => Finding::ok(SETTINGS, "the component takes them"),
        Err(error) => Finding::wrong(
            SETTINGS,
            error,
            format!(
                "mend the table `settings` of {:?}; `inspect` lists what there is",
                config.id
            ),
        ),
    });
    findings
}
