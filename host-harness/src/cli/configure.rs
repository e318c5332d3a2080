//! `configure`: every mistake in an action's definition, before anybody presses the button.

use super::{ComponentArgument, Output, SingleCall, Stop, output, prepare, read_text};
use crate::contract::json as as_json;
use crate::contract::{Configured, Origin, Scope};
use crate::runtime::Call;
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::path::PathBuf;

/// Arguments of `configure`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The definition: a whole action, or its `invocationMethod` alone.
    definition: PathBuf,
    /// The installation that the action is for (its keys: "Running it" in the README).
    #[arg(long)]
    installation: PathBuf,
    /// Where the definition was made.
    #[arg(long, value_enum, default_value_t = OriginArgument::Api)]
    origin: OriginArgument,
    /// Ask the server as well: does what the definition names exist, can it be started?
    #[arg(long, visible_alias = "against-github")]
    against_server: bool,
    #[command(flatten)]
    component: ComponentArgument,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum OriginArgument {
    /// Port's user interface, which fills in what it knows.
    Ui,
    /// Port's API, Terraform and the like.
    Api,
}

/// The definition stands in it as the component gave it: read and written again, its numbers could lose digits and its
/// members their order.
fn as_json(configured: &Configured) -> Result<String, Stop> {
    #[derive(Serialize)]
    struct Answer<'c> {
        ok: bool,
        definition: &'c RawValue,
        notes: &'c [String],
    }
    let answer = Answer {
        ok: true,
        definition: serde_json::from_str(&configured.definition).map_err(Stop::unusable)?,
        notes: &configured.notes,
    };
    serde_json::to_string_pretty(&answer).map_err(Stop::unusable)
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let definition = read_text(&arguments.definition)?;
    let SingleCall {
        installation,
        runtime,
    } = prepare(&arguments.installation, &arguments.component).await?;
    let origin = match arguments.origin {
        OriginArgument::Ui => Origin::Ui,
        OriginArgument::Api => Origin::Api,
    };
    let scope = if arguments.against_server {
        Scope::AgainstServer
    } else {
        Scope::DefinitionOnly
    };
    let call = Call::new(installation, "configure");
    let result = runtime
        .configure(call, definition, origin, scope)
        .await
        .map_err(Stop::unusable)?;
    match result {
        Ok(configured) => {
            let text = match format {
                Output::Json => as_json(&configured)?,
                Output::Text => {
                    for note in &configured.notes {
                        eprintln!("note: {note}");
                    }
                    configured.definition
                }
            };
            println!("{text}");
            Ok(())
        }
        Err(problems) => {
            if format == Output::Json {
                let problems: Vec<_> = problems.iter().map(as_json::problem).collect();
                output::print(&json!({"ok": false, "problems": problems}));
            } else {
                for problem in &problems {
                    let place = match problem.pointer.as_str() {
                        "" => "(the whole document)",
                        pointer => pointer,
                    };
                    println!(
                        "{}: {place}: {}",
                        arguments.definition.display(),
                        problem.message
                    );
                    println!("    remedy: {} [{}]", problem.remedy, problem.code);
                }
            }
            Err(Stop::No)
        }
    }
}
