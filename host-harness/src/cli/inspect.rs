//! `inspect`: what a component is, before it is trusted with anything.

use super::{Output, Stop, load, output};
use crate::contract;
use crate::contract::json as as_json;
use crate::engine::{EngineOptions, Limits};
use crate::new_action;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The component.
    component: PathBuf,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let plugin = load(&arguments.component, &EngineOptions::small()).await?;
    let facts = plugin.facts();
    let manifest = plugin.manifest();
    let limits = Limits::default();
    if format == Output::Json {
        output::print(&json!({
            "path": facts.path,
            "size": facts.size,
            "contract": {"package": contract::PACKAGE, "version": facts.contract_version},
            "imports": facts.imports,
            "exports": facts.exports,
            "manifest": as_json::manifest(manifest),
            "limits": {
                "memory": limits.memory,
                "cpuMs": limits.cpu.as_millis(),
                "wallSeconds": limits.wall.as_secs(),
                "requests": limits.requests,
            },
        }));
        return Ok(());
    }
    output::line(format_args!("{} {}", manifest.name, manifest.version));
    output::line(format_args!(
        "  file      {} ({} bytes)",
        facts.path.display(),
        facts.size
    ));
    output::line(format_args!(
        "  contract  {} {}",
        contract::PACKAGE,
        facts.contract_version
    ));
    output::line(format_args!(
        "  imports   {}",
        facts.imports.join("\n            ")
    ));
    output::line(format_args!(
        "  exports   {}",
        facts.exports.join("\n            ")
    ));
    for action in &manifest.action_types {
        output::line(format_args!(
            "  action    {}: {}",
            action.name, action.description
        ));
        for property in new_action::properties(&action.input_schema) {
            output::line(format_args!(
                "  property  {}: {}",
                property.name, property.description
            ));
        }
    }
    if let Some(webhooks) = &manifest.webhooks {
        output::line(format_args!(
            "  webhooks  {} (signed in {})",
            webhooks.events.join(", "),
            webhooks.signature_header
        ));
    }
    for setting in &manifest.settings {
        output::line(format_args!(
            "  setting   {}: {}",
            setting.name, setting.description
        ));
    }
    output::line(format_args!(
        "  limits    {} MiB of memory, {:?} of CPU time, {:?} of wall time, {} requests a call",
        limits.memory >> 20,
        limits.cpu,
        limits.wall,
        limits.requests
    ));
    Ok(())
}
