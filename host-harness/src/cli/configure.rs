//! `configure`: every mistake in an action's definition, before anybody presses the button; and new actions.

mod dialogue;
mod new;

use super::{ComponentArgument, Output, SingleCall, Stop, output, prepare, read_text};
use crate::contract::json as as_json;
use crate::contract::{Configured, Origin, Problem, Scope};
use crate::layout;
use crate::runtime::Call;
use crate::terraform::{self, TerraformError};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::path::PathBuf;

/// Arguments of `configure`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The definition: a whole action, or its `invocationMethod` alone.
    #[arg(required_unless_present = "new", conflicts_with = "new")]
    definition: Option<PathBuf>,
    #[command(flatten)]
    new: new::Arguments,
    /// The installation that the action is for (its keys: "Running it" in the README).
    #[arg(long)]
    installation: PathBuf,
    /// Where the definition was made.
    #[arg(long, value_enum, default_value_t = OriginArgument::Api)]
    origin: OriginArgument,
    /// Ask the server as well: does what the definition names exist, can it be started?
    #[arg(long, visible_alias = "against-github")]
    against_server: bool,
    /// Print the definition as a `port_action` of Port's Terraform provider.
    #[arg(long)]
    terraform: bool,
    #[command(flatten)]
    destination: output::Destination,
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

impl From<OriginArgument> for Origin {
    fn from(argument: OriginArgument) -> Origin {
        match argument {
            OriginArgument::Ui => Origin::Ui,
            OriginArgument::Api => Origin::Api,
        }
    }
}

/// The definition stands in it as the component gave it: read and written again, its numbers could lose digits and its
/// members their order.
fn as_json(configured: &Configured, terraform: Option<&str>) -> Result<String, Stop> {
    #[derive(Serialize)]
    struct Answer<'c> {
        ok: bool,
        definition: &'c RawValue,
        notes: &'c [String],
        #[serde(skip_serializing_if = "Option::is_none")]
        terraform: Option<&'c str>,
    }
    let answer = Answer {
        ok: true,
        definition: serde_json::from_str(&configured.definition).map_err(Stop::unusable)?,
        notes: &configured.notes,
        terraform,
    };
    serde_json::to_string_pretty(&answer).map_err(Stop::unusable)
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    arguments.destination.check()?;
    let given = match &arguments.definition {
        Some(file) => Some((file.display().to_string(), read_text(file)?)),
        None => None,
    };
    let call = prepare(&arguments.installation, &arguments.component).await?;
    let (name, configured) = match given {
        Some((name, definition)) => {
            let configured = check(&arguments, &call, &name, definition, format).await?;
            (name, configured)
        }
        None => {
            let new = new::write(&arguments.new, &call, arguments.origin, format).await?;
            (new::NAME.to_owned(), new)
        }
    };
    let resource = arguments
        .terraform
        .then(|| terraform::resource(&configured.definition));
    match resource.transpose() {
        Ok(resource) => print(configured, resource, &arguments.destination, format),
        Err(error) => Err(refuse(&name, &without_counterpart(&error), format)),
    }
}

/// Has a definition checked that is there.
async fn check(
    arguments: &Arguments,
    call: &SingleCall,
    name: &str,
    definition: String,
    format: Output,
) -> Result<Configured, Stop> {
    let scope = if arguments.against_server {
        Scope::AgainstServer
    } else {
        Scope::DefinitionOnly
    };
    let runtime = &call.runtime;
    let call = Call::new(call.installation.clone(), "configure");
    let origin = arguments.origin.into();
    let answer = runtime.configure(call, definition, origin, scope).await;
    answer
        .map_err(Stop::unusable)?
        .map_err(|problems| refuse(name, &problems, format))
}

fn print(
    configured: Configured,
    terraform: Option<String>,
    destination: &output::Destination,
    format: Output,
) -> Result<(), Stop> {
    let object = match format {
        Output::Json => Some(as_json(&configured, terraform.as_deref())?),
        Output::Text => None,
    };
    for note in configured.notes.iter().filter(|_| object.is_none()) {
        eprintln!("note: {note}");
    }
    let document = terraform
        .or_else(|| layout::pretty(&configured.definition))
        .unwrap_or(configured.definition);
    destination.write(document.trim_end(), object.as_deref())
}

fn refuse(name: &str, problems: &[Problem], format: Output) -> Stop {
    if format == Output::Json {
        let problems: Vec<_> = problems.iter().map(as_json::problem).collect();
        output::print(&json!({"ok": false, "problems": problems}));
        return Stop::No;
    }
    let mut text = String::new();
    for problem in problems {
        let place = match problem.pointer.as_str() {
            "" => "(the whole document)",
            pointer => pointer,
        };
        let Problem {
            message,
            remedy,
            code,
            ..
        } = problem;
        text.push_str(&format!(
            "{name}: {place}: {message}\n    remedy: {remedy} [{code}]\n"
        ));
    }
    output::write(&text);
    Stop::No
}

/// A good definition that Terraform cannot say.
fn without_counterpart(error: &TerraformError) -> Vec<Problem> {
    let problem = |pointer: &str, message: String| {
        Problem {
        pointer: pointer.to_owned(),
        code: "no-terraform-counterpart".to_owned(),
        message,
        remedy: "Leave `--terraform` out and save the definition through Port's API, or write this part by hand."
            .to_owned(),
    }
    };
    match error {
        TerraformError::NoCounterpart(pointers) => pointers
            .iter()
            .map(|pointer| {
                let message =
                    "This has no counterpart in `port_action` that is known here, or is missing.";
                problem(pointer, message.to_owned())
            })
            .collect(),
        TerraformError::NoObject => vec![problem("", format!("{error}."))],
    }
}
