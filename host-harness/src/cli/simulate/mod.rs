//! `simulate`: one simulator alone, for any other client. Prints every request, and at the end what the client did
//! that a correct one would never do.

mod app;
mod world;

use super::signals::Signals;
use super::{Output, Stop, output, read_text};
use crate::contract::json as as_json;
use crate::simulator::Exchange;
use crate::simulator::github::{self, GitHub};
use crate::simulator::port::{self, Kind, Port};
use clap::{Args, Subcommand};
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Arguments of `simulate`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    which: Which,
}

#[derive(Debug, Subcommand)]
enum Which {
    /// GitHub's REST API and webhooks.
    Github(GithubArguments),
    /// Port's API.
    Port(PortArguments),
}

#[derive(Debug, Args)]
struct GithubArguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8081")]
    listen: SocketAddr,
    /// Repositories, workflows and webhooks (TOML; an example is in the README); the default is one repository, acme/shop,
    /// with deploy.yml and its input `environment`.
    #[arg(long)]
    world: Option<PathBuf>,
    /// Behave like an Enterprise Server older than 3.21, which refuses `return_run_details`.
    #[arg(long)]
    old_server: bool,
    #[command(flatten)]
    app: app::AppArguments,
}

#[derive(Debug, Args)]
struct PortArguments {
    /// Where to listen.
    #[arg(long, default_value = "127.0.0.1:8082")]
    listen: SocketAddr,
    /// An installation that Port knows; can be given more than once.
    #[arg(long, default_value = "acme-github")]
    installation: Vec<String>,
    /// A file with execution properties (JSON): a pending action run of the first installation; can be given more than
    /// once.
    #[arg(long)]
    run: Vec<PathBuf>,
    /// The same for a workflow node run.
    #[arg(long)]
    node_run: Vec<PathBuf>,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    match arguments.which {
        Which::Github(arguments) => github(arguments, format).await,
        Which::Port(arguments) => port(arguments, format).await,
    }
}

async fn github(arguments: GithubArguments, format: Output) -> Result<(), Stop> {
    let world = match &arguments.world {
        Some(file) => world::World::load(file).map_err(Stop::unusable)?,
        None => world::World::default(),
    };
    // Before the first line is printed: whoever reads it may end the process at once.
    let signals = Signals::listen()?;
    let options = github::Options {
        listen: arguments.listen,
        return_run_details_supported: !arguments.old_server,
        ..github::Options::default()
    };
    let simulator = GitHub::start(options)
        .await
        .map_err(|error| cannot_listen(arguments.listen, &error))?;
    world.build(&simulator);
    let app = arguments.app.apply(&simulator)?;
    match format {
        Output::Json => output::notice(format_args!(
            "{}",
            json!({"apiUrl": simulator.api_url(), "token": simulator.token(), "app": app.json()})
        )),
        Output::Text => {
            output::notice(format_args!(
                "GitHub is played at {}; a valid token is {}",
                simulator.api_url(),
                simulator.token()
            ));
            if let Some(line) = app.line() {
                output::notice(format_args!("{line}"));
            }
        }
    }
    follow(|| simulator.exchanges(), format, signals).await?;
    conclude(&simulator.violations(), format)
}

async fn port(arguments: PortArguments, format: Output) -> Result<(), Stop> {
    let signals = Signals::listen()?;
    let options = port::Options {
        listen: arguments.listen,
        ..port::Options::default()
    };
    let simulator = Port::start(options)
        .await
        .map_err(|error| cannot_listen(arguments.listen, &error))?;
    for installation in &arguments.installation {
        simulator.add_integration(installation, true);
    }
    let first = arguments.installation.first().cloned().unwrap_or_default();
    let runs = arguments.run.iter().map(|file| (Kind::Action, file));
    let node_runs = arguments.node_run.iter().map(|file| (Kind::Node, file));
    for (kind, file) in runs.chain(node_runs) {
        let properties = read_text(file)?;
        let id = match kind {
            Kind::Action => simulator.create_action_run(&first, "dispatch_workflow", &properties),
            Kind::Node => simulator.create_node_run(&first, "dispatch_workflow", &properties),
        };
        if format == Output::Text {
            output::notice(format_args!("pending: {id} ({})", file.display()));
        }
    }
    match format {
        Output::Json => output::notice(format_args!(
            "{}",
            json!({
                "baseUrl": simulator.base_url(),
                "clientId": simulator.client_id(),
                "clientSecret": simulator.client_secret(),
            })
        )),
        Output::Text => output::notice(format_args!(
            "Port is played at {}; client id {}, client secret {}",
            simulator.base_url(),
            simulator.client_id(),
            simulator.client_secret()
        )),
    }
    follow(|| simulator.exchanges(), format, signals).await?;
    conclude(&simulator.violations(), format)
}

fn cannot_listen(address: SocketAddr, error: &std::io::Error) -> Stop {
    Stop::Unusable(format!(
        "cannot listen on {address}: {error}; name another address with --listen"
    ))
}

/// How often new requests are looked for.
const LOOK: Duration = Duration::from_millis(100);

/// Prints requests as they come, until the process is told to stop.
async fn follow(
    exchanges: impl Fn() -> Vec<Exchange>,
    format: Output,
    mut signals: Signals,
) -> Result<(), Stop> {
    let mut seen = 0;
    let mut is_over = false;
    loop {
        for exchange in exchanges().iter().skip(seen) {
            show(exchange, format);
            seen += 1;
        }
        // What came between the last look and the signal has been shown by now.
        if is_over {
            return Ok(());
        }
        tokio::select! {
            () = signals.next() => is_over = true,
            () = tokio::time::sleep(LOOK) => {}
        }
    }
}

fn show(exchange: &Exchange, format: Output) {
    let Exchange {
        method,
        path,
        status,
        ..
    } = exchange;
    match format {
        Output::Json => output::notice(format_args!(
            "{}",
            json!({
                "method": method,
                "path": path,
                "query": exchange.query,
                "body": as_json::body(&exchange.body),
                "status": status,
                "answer": answer(exchange),
            })
        )),
        Output::Text => match status {
            Some(status) => output::notice(format_args!("{status} {method} {path}")),
            None => output::notice(format_args!("cut {method} {path}")),
        },
    }
}

/// The answer as it is printed: a token that was minted works for an hour, and output is kept for longer.
fn answer(exchange: &Exchange) -> Value {
    let mut answer = as_json::body(&exchange.response_body);
    if exchange.operation == "app-token"
        && let Some(token) = answer.get_mut("token")
    {
        *token = "[not shown]".into();
    }
    answer
}

fn conclude(violations: &[String], format: Output) -> Result<(), Stop> {
    match format {
        Output::Json => output::notice(format_args!("{}", json!({"violations": violations}))),
        Output::Text => {
            for violation in violations {
                output::notice(format_args!("contract violated: {violation}"));
            }
            output::notice(format_args!("{} contract violations", violations.len()));
        }
    }
    if violations.is_empty() {
        Ok(())
    } else {
        Err(Stop::No)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::SystemTime;

    fn exchange(operation: &'static str) -> Exchange {
        Exchange {
            service: "github",
            method: "POST".to_owned(),
            path: "/somewhere".to_owned(),
            query: None,
            headers: Vec::new(),
            body: Vec::new(),
            status: Some(201),
            at: SystemTime::UNIX_EPOCH,
            response_body: br#"{"token": "ghs_secret", "permissions": {}}"#.to_vec(),
            operation,
            response_headers: Vec::new(),
            injected: false,
            faults: Vec::new(),
        }
    }

    #[test]
    fn a_minted_token_is_not_printed() {
        let shown = answer(&exchange("app-token"));
        assert_eq!(shown, json!({"token": "[not shown]", "permissions": {}}));
        assert!(
            answer(&exchange("get-contents"))
                .to_string()
                .contains("ghs_secret")
        );
    }
}
