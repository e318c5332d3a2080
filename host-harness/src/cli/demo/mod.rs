//! `demo`: the main job, on a laptop, with nothing prepared.

mod cast;
mod kills;

use super::signals::Signals;
use super::{ComponentArgument, Output, Stop, load, output};
use crate::engine::EngineOptions;
use crate::lifecycle::{Observer, Step};
use crate::markdown;
use crate::page::PageOptions;
use crate::runtime::{Runtime, RuntimeOptions};
use crate::simulator::port::{Kind, RunView};
use crate::stage::{Role, Sends, Stage, StageOptions};
use cast::{Expected, Scene};
use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    #[command(flatten)]
    component: ComponentArgument,
    /// Serves a page to look at while the demo runs and after it, until Ctrl-C.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0", value_parser = page)]
    page: Option<SocketAddr>,
    #[command(flatten)]
    proxies: Proxies,
}

/// Where the simulators listen and where the host finds them: for a proxy in between that looks at what they say.
#[derive(Debug, Args)]
struct Proxies {
    /// Where the simulated GitHub listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    github_listen: SocketAddr,
    /// Where the host finds the simulated GitHub, if not there: a proxy's URL.
    #[arg(long, value_name = "URL")]
    github_through: Option<String>,
    /// Where the simulated Port listens.
    #[arg(long, default_value = "127.0.0.1:0")]
    port_listen: SocketAddr,
    /// Where the host finds the simulated Port, if not there: a proxy's URL.
    #[arg(long, value_name = "URL")]
    port_through: Option<String>,
}

impl Proxies {
    fn apply(self, options: &mut StageOptions) {
        options.github.listen = self.github_listen;
        options.github_through = self.github_through;
        options.port.listen = self.port_listen;
        options.port_through = self.port_through;
    }
}

/// Where the demo's page listens: on this machine.
fn page(text: &str) -> Result<SocketAddr, String> {
    let address: SocketAddr = text.parse().map_err(|_| "write ADDRESS:PORT")?;
    PageOptions::stays_here(address)?;
    Ok(address)
}

/// Width of the table at the end, in characters: for a terminal of usual width, and the same in a pipe.
const WIDTH: u16 = 118;

/// Longest description of a step in the timeline, in characters.
const STEP: usize = 80;

/// How long all runs together may take.
const PATIENCE: Duration = Duration::from_secs(30);

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let plugin = load(&arguments.component.component, &EngineOptions::default()).await?;
    let runtime = Runtime::start(plugin, RuntimeOptions::default()).map_err(Stop::unusable)?;
    let names = Arc::new(Mutex::new(BTreeMap::new()));
    let mut options = StageOptions::with(vec![
        Role {
            sends: Sends::Token("token-of-acme".to_owned()),
            ..Role::hosted(cast::HOSTED, cast::ORGANIZATION)
        },
        Role {
            sends: Sends::Token("token-of-globex".to_owned()),
            ..Role::self_hosted(cast::SELF_HOSTED)
        },
    ]);
    arguments.proxies.apply(&mut options);
    // Everything here is simulated, so a replay changes nothing that matters.
    options.page = arguments.page.map(|listen| PageOptions {
        listen,
        allow_replay: true,
    });
    if format == Output::Text {
        options.observer = Some(timeline(names.clone()));
    }
    let stage = Stage::set(runtime, options).await.map_err(Stop::unusable)?;
    cast::build_repositories(&stage.github);
    if format == Output::Text {
        output::line(format_args!(
            "A simulated GitHub at {}",
            stage.github.api_url()
        ));
        output::line(format_args!(
            "A simulated Port at {}",
            stage.port.base_url()
        ));
        output::line(format_args!(
            "The host at http://{}, with the component in its sandbox",
            stage.host.address()
        ));
        if let Some(page) = stage.host.page() {
            output::line(format_args!("A page to look at: http://{page}/"));
        }
        output::line(format_args!(""));
    }
    let scenes = cast::scenes();
    let mut ids = Vec::new();
    for scene in &scenes {
        scene.prepare(&stage.github);
        let id = scene.press_the_button(&stage.port);
        names
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(id.clone(), scene.name);
        ids.push(id);
    }
    let all_ended = |port: &crate::simulator::port::Port| {
        scenes.iter().zip(&ids).all(|(scene, id)| {
            port.run(id)
                .is_some_and(|run| scene.expected.is_met_by(&run))
        })
    };
    stage.port.wait_until(PATIENCE, all_ended).await;
    // So that the last line of the timeline comes before the table.
    let _ = tokio::time::timeout(Duration::from_secs(2), stage.host.lifecycle().idle()).await;
    let runs: Vec<Option<RunView>> = ids.iter().map(|id| stage.port.run(id)).collect();
    let violations = stage.violations();
    let killed = kills::hold(&arguments.component.component).await?;
    let ok = violations.is_empty() && all_ended(&stage.port) && killed.is_good();
    match format {
        Output::Json => output::print(&json!({
            "ok": ok,
            "runs": scenes.iter().zip(&runs).map(|(scene, run)| as_json(scene, run.as_ref())).collect::<Vec<_>>(),
            "violations": violations,
            "killed": kills::as_json(&killed),
        })),
        Output::Text => {
            conclude(&scenes, &runs, &violations);
            output::line(format_args!("\n{}", kills::sentence(&killed)));
            if !ok {
                output::line(format_args!("\nThe demo has failed."));
            }
        }
    }
    if let Some(page) = stage.host.page() {
        let mut signals = Signals::listen()?;
        eprintln!("\nThe page stays until Ctrl-C: http://{page}/");
        signals.next().await;
    }
    stage.strike(Duration::from_secs(2)).await;
    if ok { Ok(()) } else { Err(Stop::No) }
}

/// Prints every step of every run as it happens.
fn timeline(names: Arc<Mutex<BTreeMap<String, &'static str>>>) -> Observer {
    let began = Instant::now();
    Arc::new(move |installation: &str, run: &str, step: &Step| {
        let names = names.lock().unwrap_or_else(PoisonError::into_inner);
        let name = names.get(run).copied().unwrap_or(run);
        let step: String = step.to_string().chars().take(STEP).collect();
        output::line(format_args!(
            "{:>6.3} s  {installation:<18}  {name:<28}  {step}",
            began.elapsed().as_secs_f64()
        ));
    })
}

fn kind(run: Kind) -> &'static str {
    match run {
        Kind::Action => "action",
        Kind::Node => "workflow-node",
    }
}

fn as_json(scene: &Scene, run: Option<&RunView>) -> Value {
    json!({
        "name": scene.name,
        "kind": kind(scene.kind),
        "status": run.map(status),
        "statusLabel": run.and_then(|run| run.status_label.clone()),
        "link": run.and_then(|run| run.link.first().cloned()),
        "externalRunId": run.and_then(|run| run.external_run_id.clone()),
        "expected": scene.expected.to_string(),
    })
}

/// What Port shows: an action run's status; a workflow node run's result once it has one.
fn status(run: &RunView) -> String {
    run.result.clone().unwrap_or_else(|| run.status.clone())
}

fn conclude(scenes: &[Scene], runs: &[Option<RunView>], violations: &[String]) {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH)
        .set_header(["", "run", "kind", "Port shows", "expected", "why"]);
    for (scene, run) in scenes.iter().zip(runs) {
        let right = run
            .as_ref()
            .is_some_and(|run| scene.expected.is_met_by(run));
        let shown = run.as_ref().map(|run| match &run.status_label {
            Some(label) => format!("{} ({label})", status(run)),
            None => status(run),
        });
        let why = run.as_ref().and_then(|run| match &run.summary {
            Some(summary) => Some(markdown::plain(summary)),
            None => run.link.first().cloned(),
        });
        table.add_row([
            if right { "✓" } else { "✗" }.to_owned(),
            scene.name.to_owned(),
            kind(scene.kind).to_owned(),
            shown.unwrap_or_default(),
            scene.expected.to_string(),
            why.unwrap_or_default(),
        ]);
    }
    output::line(format_args!("\n{table}"));
    for violation in violations {
        output::line(format_args!("contract violated: {violation}"));
    }
    let right = scenes
        .iter()
        .zip(runs)
        .filter(|(scene, run)| {
            run.as_ref()
                .is_some_and(|run| scene.expected.is_met_by(run))
        })
        .count();
    output::line(format_args!(
        "\n{right} of {} runs ended as they should, {} contract violations",
        scenes.len(),
        violations.len()
    ));
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Expected::Success => "SUCCESS",
            Expected::Failure => "FAILURE",
            Expected::NodeSuccess => "SUCCESS",
            Expected::NodeFailure => "FAILED",
            Expected::InProgressWithLink => "IN_PROGRESS",
        })
    }
}
