//! `dispatch`: one run through the component, with everything it sent and got.

use super::{ComponentArgument, Output, Stop, output, read_text, small_runtime};
use crate::clock;
use crate::config::{InstallationConfig, check_settings, resolve_installation};
use crate::contract::{self, Attempt, Failure, Started};
use crate::egress::{Exchange, ExchangeOutcome, Tap};
use crate::engine::CallError;
use crate::port::{PendingRun, RunKind};
use crate::runtime::Call;
use clap::Args;
use serde_json::json;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// Arguments of `dispatch`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The run: an action run or a workflow node run, as Port hands it out.
    #[arg(long)]
    run: PathBuf,
    /// The installation (see the configuration reference).
    #[arg(long)]
    installation: PathBuf,
    /// Number of the attempt. From 2 on, the component looks for what an earlier one started.
    #[arg(long, default_value_t = 1)]
    attempt: u32,
    #[command(flatten)]
    component: ComponentArgument,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let file = &arguments.installation;
    let config = InstallationConfig::load(file).map_err(Stop::unusable)?;
    let installation = Arc::new(resolve_installation(file, &config).map_err(Stop::unusable)?);
    let pending = PendingRun::read(&read_text(&arguments.run)?)
        .map_err(|reason| Stop::Unusable(format!("{}: {reason}", arguments.run.display())))?;
    if pending.installation_id != installation.id() {
        return Err(Stop::Unusable(format!(
            "{}: the run is for the installation {:?}, and {} describes {:?}",
            arguments.run.display(),
            pending.installation_id,
            file.display(),
            installation.id()
        )));
    }
    let runtime = small_runtime(&arguments.component).await?;
    check_settings(file, &config.id, &config.settings, &runtime.manifest().settings)
        .map_err(Stop::unusable)?;
    let exchanges = Arc::new(Mutex::new(Vec::new()));
    let seen = exchanges.clone();
    let tap: Tap = Arc::new(move |exchange: Exchange| {
        if format == Output::Text {
            show(&exchange);
        }
        seen.lock().unwrap_or_else(PoisonError::into_inner).push(exchange);
    });
    let attempt = Attempt {
        number: arguments.attempt.max(1),
        first_began: clock::timestamp(),
        taken: vec![],
    };
    let run = contract::Run {
        id: pending.id.clone(),
        kind: match pending.kind {
            RunKind::Action => contract::RunKind::Action,
            RunKind::WorkflowNode => contract::RunKind::WorkflowNode,
        },
        action_type: pending.action_type,
        properties: pending.properties.get().to_owned(),
    };
    let call = Call::new(installation, pending.id).watched_by(Some(tap));
    let answer = runtime.dispatch(call, run, attempt).await;
    let exchanges = exchanges.lock().unwrap_or_else(PoisonError::into_inner);
    conclude(&answer, &exchanges, format)
}

fn conclude(
    answer: &Result<Result<Started, Failure>, CallError>,
    exchanges: &[Exchange],
    format: Output,
) -> Result<(), Stop> {
    if format == Output::Json {
        let mut object = match answer {
            Ok(Ok(started)) => json!({"ok": true, "started": output::started(started)}),
            Ok(Err(failure)) => json!({"ok": false, "failure": output::failure(failure)}),
            Err(error) => json!({"ok": false, "failure": output::call_error(error)}),
        };
        object["exchanges"] = exchanges.iter().map(output::exchange).collect();
        output::print(&object);
    } else {
        match answer {
            Ok(Ok(started)) => {
                println!("started as {}", started.external_run_id);
                if let Some(link) = &started.link {
                    println!("    {link}");
                }
            }
            Ok(Err(failure)) => {
                println!("not started: {} [{} {}]", failure.message, output::kind(&failure.kind), failure.code);
                if let Some(remedy) = &failure.remedy {
                    println!("    remedy: {remedy}");
                }
            }
            Err(error) => println!("not started: {error}"),
        }
    }
    match answer {
        Ok(Ok(_)) => Ok(()),
        Ok(Err(_)) | Err(_) => Err(Stop::No),
    }
}

/// Longest body that is shown, in characters.
const SHOWN: usize = 2_000;

fn show(exchange: &Exchange) {
    println!("> {} {}", exchange.method, exchange.uri);
    for (name, value) in &exchange.request_headers {
        println!(">   {name}: {}", String::from_utf8_lossy(value.as_bytes()));
    }
    if exchange.credential_added {
        println!(">   authorization: (added by the host)");
    }
    show_body(">", &exchange.request_body);
    match &exchange.outcome {
        ExchangeOutcome::Answered { status, headers, body } => {
            println!("< {status} ({} ms)", exchange.took.as_millis());
            for (name, value) in headers {
                println!("<   {name}: {}", String::from_utf8_lossy(value.as_bytes()));
            }
            show_body("<", body);
        }
        ExchangeOutcome::Failed(reason) => println!("< no answer: {reason}"),
    }
    println!();
}

fn show_body(side: &str, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    if text.is_empty() {
        return;
    }
    let shown: String = text.chars().take(SHOWN).collect();
    let cut = if shown.len() < text.len() { " …" } else { "" };
    for line in shown.lines() {
        println!("{side}   {line}");
    }
    if !cut.is_empty() {
        println!("{side}  {cut} ({} bytes in all)", body.len());
    }
}
