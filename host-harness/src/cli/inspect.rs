//! `inspect`: what a component is, before it is trusted with anything.

use super::{Output, Stop, load, output};
use crate::contract;
use crate::contract::json as as_json;
use crate::engine::{EngineOptions, Limits};
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
    println!("{} {}", manifest.name, manifest.version);
    println!(
        "  file      {} ({} bytes)",
        facts.path.display(),
        facts.size
    );
    println!(
        "  contract  {} {}",
        contract::PACKAGE,
        facts.contract_version
    );
    println!("  imports   {}", facts.imports.join("\n            "));
    println!("  exports   {}", facts.exports.join("\n            "));
    for action in &manifest.action_types {
        println!("  action    {}: {}", action.name, action.description);
    }
    if let Some(webhooks) = &manifest.webhooks {
        println!(
            "  webhooks  {} (signed in {})",
            webhooks.events.join(", "),
            webhooks.signature_header
        );
    }
    for setting in &manifest.settings {
        println!("  setting   {}: {}", setting.name, setting.description);
    }
    println!(
        "  limits    {} MiB of memory, {:?} of CPU time, {:?} of wall time, {} requests a call",
        limits.memory >> 20,
        limits.cpu,
        limits.wall,
        limits.requests
    );
    Ok(())
}
