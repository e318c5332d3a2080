//! `dispatch`: one run through the component, with everything it sent and got.

use super::{ComponentArgument, Output, SingleCall, Stop, output, prepare, read_text};
use crate::clock;
use crate::contract::json as as_json;
use crate::contract::{Attempt, Failure, Started};
use crate::egress::{Exchange, ExchangeOutcome, Tap};
use crate::engine::CallError;
use crate::port::PendingRun;
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
    /// The installation (its keys: "Running it" in the README).
    #[arg(long)]
    installation: PathBuf,
    /// Number of the attempt. From 2 on, the component looks for what an earlier one started.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    attempt: u32,
    #[command(flatten)]
    component: ComponentArgument,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let pending = PendingRun::read(&read_text(&arguments.run)?)
        .map_err(|reason| Stop::Unusable(format!("{}: {reason}", arguments.run.display())))?;
    let SingleCall {
        installation,
        runtime,
    } = prepare(&arguments.installation, &arguments.component).await?;
    if pending.installation_id != installation.id() {
        return Err(Stop::Unusable(format!(
            "{}: the run is for the installation {:?}, and {} describes {:?}",
            arguments.run.display(),
            pending.installation_id,
            arguments.installation.display(),
            installation.id()
        )));
    }
    let exchanges = Arc::new(Mutex::new(Vec::new()));
    let seen = exchanges.clone();
    let tap: Tap = Arc::new(move |exchange: Exchange| {
        if format == Output::Text {
            show(&exchange);
        }
        seen.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(exchange);
    });
    let attempt = Attempt {
        number: arguments.attempt,
        first_began: clock::timestamp(),
        taken: vec![],
    };
    let call = Call::new(installation, pending.id.as_str()).watched_by(Some(tap));
    let answer = runtime.dispatch(call, pending.into(), attempt).await;
    let exchanges = exchanges.lock().unwrap_or_else(PoisonError::into_inner);
    conclude(&answer, &exchanges, format)
}

fn conclude(
    answer: &Result<Result<Started, Failure>, CallError>,
    exchanges: &[Exchange],
    format: Output,
) -> Result<(), Stop> {
    if format == Output::Json {
        let object = match answer {
            Ok(Ok(started)) => json!({"ok": true, "started": as_json::started(started)}),
            Ok(Err(failure)) => json!({"ok": false, "failure": as_json::failure(failure)}),
            Err(error) => json!({"ok": false, "failure": output::call_error(error)}),
        };
        let exchanges = exchanges.iter().map(output::exchange).collect();
        output::print(&as_json::with(object, "exchanges", exchanges));
    } else {
        match answer {
            Ok(Ok(started)) => {
                output::line(format_args!("started as {}", started.external_run_id));
                if let Some(link) = &started.link {
                    output::line(format_args!("    {link}"));
                }
            }
            Ok(Err(failure)) => {
                output::line(format_args!(
                    "not started: {} [{} {}]",
                    failure.message,
                    as_json::kind(&failure.kind),
                    failure.code
                ));
                if let Some(remedy) = &failure.remedy {
                    output::line(format_args!("    remedy: {remedy}"));
                }
            }
            Err(error) => output::line(format_args!("not started: {error}")),
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
    output::line(format_args!("> {} {}", exchange.method, exchange.uri));
    for (name, value) in &exchange.request_headers {
        output::line(format_args!(
            ">   {name}: {}",
            String::from_utf8_lossy(value.as_bytes())
        ));
    }
    if exchange.credential_added {
        output::line(format_args!(">   authorization: (added by the host)"));
    }
    show_body(">", &exchange.request_body);
    match &exchange.outcome {
        ExchangeOutcome::Answered {
            status,
            headers,
            body,
        } => {
            output::line(format_args!(
                "< {status} ({} ms)",
                exchange.took.as_millis()
            ));
            for (name, value) in headers {
                output::line(format_args!(
                    "<   {name}: {}",
                    String::from_utf8_lossy(value.as_bytes())
                ));
            }
            show_body("<", body);
        }
        ExchangeOutcome::Failed(reason) => output::line(format_args!("< no answer: {reason}")),
    }
    output::line(format_args!(""));
}

fn show_body(side: &str, body: &[u8]) {
    let text = String::from_utf8_lossy(body);
    if text.is_empty() {
        return;
    }
    let shown: String = text.chars().take(SHOWN).collect();
    let cut = if shown.len() < text.len() { " …" } else { "" };
    for line in shown.lines() {
        output::line(format_args!("{side}   {line}"));
    }
    if !cut.is_empty() {
        output::line(format_args!("{side}  {cut} ({} bytes in all)", body.len()));
    }
}
