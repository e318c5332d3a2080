//! `doctor`: what is wrong with a set-up, and how to mend it.

use super::{Output, Stop, output};
use crate::config::HostConfig;
use crate::doctor::{self, Options, PublicUrl, RepositoryName};
use crate::network::Network;
use clap::Args;
use std::io::{self, Write};
use std::path::PathBuf;

/// Arguments of `doctor`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The configuration (TOML), as `serve` reads it.
    #[arg(long)]
    config: PathBuf,
    /// Look at this installation alone.
    #[arg(long, value_name = "ID")]
    installation: Option<String>,
    /// Where the outside reaches the listener: `https://hooks.example.com`. Without it, whether the webhook has the right
    /// URL cannot be told, and none can be made.
    #[arg(long, value_name = "URL")]
    public_url: Option<PublicUrl>,
    /// Look at this repository too, and at its webhooks: `acme/shop`.
    #[arg(long, value_name = "OWNER/NAME")]
    repository: Option<RepositoryName>,
    /// Change what can be changed: switch action processing on in Port, make or repair the webhook.
    #[arg(long)]
    fix: bool,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let config = HostConfig::load(&arguments.config).map_err(Stop::unusable)?;
    let options = Options {
        file: arguments.config,
        config,
        installation: arguments.installation,
        public_url: arguments.public_url,
        repository: arguments.repository,
        fix: arguments.fix,
        network: Network::Machine,
    };
    let report = doctor::examine(&options).await.map_err(Stop::unusable)?;
    match format {
        Output::Json => output::print(&report.json()),
        Output::Text => {
            // Whoever reads it may have gone: then nobody misses it.
            let _ = writeln!(io::stdout(), "{}", report.text());
        }
    }
    if report.is_healthy() {
        Ok(())
    } else {
        Err(Stop::No)
    }
}
