//! `configure`: every mistake in an action's definition, before anybody presses the button.

use super::{ComponentArgument, Output, SingleCall, Stop, output, prepare, read_text};
use crate::contract::json as as_json;
use crate::contract::{Configured, Origin, Problem, Scope};
use crate::runtime::Call;
use crate::terraform::{self, TerraformError};
use clap::{Args, ValueEnum};
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use std::path::{Path, PathBuf};

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
    /// Print the definition as a `port_action` of Port's Terraform provider.
    #[arg(long)]
    terraform: bool,
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
    let configured = match result {
        Ok(configured) => configured,
        Err(problems) => return Err(refuse(&arguments.definition, &problems, format)),
    };
    let resource = arguments
        .terraform
        .then(|| terraform::resource(&configured.definition));
    match resource.transpose() {
        Ok(resource) => print(configured, resource, format),
        Err(error) => {
            let problems = without_counterpart(&error);
            Err(refuse(&arguments.definition, &problems, format))
        }
    }
}

fn print(configured: Configured, terraform: Option<String>, format: Output) -> Result<(), Stop> {
    let text = match format {
        Output::Json => as_json(&configured, terraform.as_deref())?,
        Output::Text => {
            for note in &configured.notes {
                eprintln!("note: {note}");
            }
            terraform.unwrap_or(configured.definition)
        }
    };
    println!("{}", text.trim_end());
    Ok(())
}

fn refuse(file: &Path, problems: &[Problem], format: Output) -> Stop {
    if format == Output::Json {
        let problems: Vec<_> = problems.iter().map(as_json::problem).collect();
        output::print(&json!({"ok": false, "problems": problems}));
        return Stop::No;
    }
    for problem in problems {
        let place = match problem.pointer.as_str() {
            "" => "(the whole document)",
            pointer => pointer,
        };
        println!("{}: {place}: {}", file.display(), problem.message);
        println!("    remedy: {} [{}]", problem.remedy, problem.code);
    }
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
