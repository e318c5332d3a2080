//! `POST …/dispatches`: the closed request schema, the workflow's own rules, and the answer in every version.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::super::server::Reply;
use super::errors::error;
use super::repository::{Input, Workflow};
use super::run::NewRun;
use super::world::{RepositoryRecord, WorkflowRecord};

/// GitHub's limits on `inputs`: names, and characters of the compact JSON text.
const MAX_INPUTS: usize = 25;
const MAX_CHARACTERS: usize = 65_535;

/// A dispatch whose body fits the schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Dispatch {
    pub(super) reference: String,
    pub(super) inputs: BTreeMap<String, String>,
    pub(super) return_run_details: bool,
}

fn refused(message: impl AsRef<str>) -> Reply {
    error("dispatch", 422, message.as_ref())
}

fn invalid(message: impl AsRef<str>) -> Reply {
    refused(format!("Invalid request.\n\n{}", message.as_ref()))
}

/// Reads the body against the closed schema. `details_permitted` is false on older Enterprise Servers.
pub(super) fn read(body: &[u8], details_permitted: bool) -> Result<Dispatch, Reply> {
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| error("dispatch", 400, "Problems parsing JSON"))?;
    let Value::Object(object) = value else {
        return Err(error("dispatch", 400, "Body should be a JSON object"));
    };
    for key in object.keys() {
        let permitted = matches!(key.as_str(), "ref" | "inputs")
            || (key == "return_run_details" && details_permitted);
        if !permitted {
            return Err(invalid(format!("\"{key}\" is not a permitted key.")));
        }
    }
    let reference = match object.get("ref") {
        None => return Err(invalid("\"ref\" wasn't supplied.")),
        Some(Value::String(reference)) => reference.clone(),
        Some(other) => {
            return Err(invalid(format!(
                "For 'properties/ref', {} is not a string.",
                ruby(other)
            )));
        }
    };
    let return_run_details = match object.get("return_run_details") {
        None => false,
        Some(Value::Bool(flag)) => *flag,
        Some(other) => {
            return Err(invalid(format!(
                "For 'properties/return_run_details', {} is not a boolean.",
                ruby(other)
            )));
        }
    };
    let inputs = match object.get("inputs") {
        None => BTreeMap::new(),
        Some(Value::Object(inputs)) => read_inputs(inputs)?,
        Some(other) => {
            return Err(invalid(format!(
                "For 'properties/inputs', {} is not an object.",
                ruby(other)
            )));
        }
    };
    Ok(Dispatch {
        reference,
        inputs,
        return_run_details,
    })
}

fn read_inputs(inputs: &Map<String, Value>) -> Result<BTreeMap<String, String>, Reply> {
    if inputs.len() > MAX_INPUTS {
        let message = format!(
            "No more than {MAX_INPUTS} properties are allowed; {} were supplied.",
            inputs.len()
        );
        return Err(invalid(message));
    }
    let mut texts = BTreeMap::new();
    for (name, value) in inputs {
        let Value::String(text) = value else {
            return Err(invalid(format!(
                "For 'additionalProperties', {} is not a string.",
                ruby(value)
            )));
        };
        texts.insert(name.clone(), text.clone());
    }
    let characters = serde_json::to_string(inputs).map_or(usize::MAX, |text| text.chars().count());
    if characters > MAX_CHARACTERS {
        Err(refused("inputs are too large."))
    } else {
        Ok(texts)
    }
}

/// The validator prints values as Ruby does.
fn ruby(value: &Value) -> String {
    if value.is_null() {
        "nil".into()
    } else {
        value.to_string()
    }
}

/// Applies what repository, workflow and ref have to say. Refs younger than `refs_before` are not seen yet.
pub(super) fn check(
    repository: &RepositoryRecord,
    workflow: &WorkflowRecord,
    mut dispatch: Dispatch,
    actor: &str,
    refs_before: SystemTime,
) -> Result<NewRun, Reply> {
    if !repository.definition.actions_enabled {
        return Err(refused("Actions has been disabled for this repository."));
    }
    if workflow.state != "active" {
        return Err(refused(
            "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
        ));
    }
    let Some(branch) = repository
        .resolve_ref(&dispatch.reference, refs_before)
        .map(str::to_owned)
    else {
        return Err(refused(format!("No ref found for: {}", dispatch.reference)));
    };
    let definition = &workflow.definition;
    if !definition.trigger || definition.branches_without_trigger.contains(&branch) {
        return Err(refused(
            "Workflow does not have 'workflow_dispatch' trigger",
        ));
    }
    if definition.inputs.len() > MAX_INPUTS {
        return Err(refused(format!(
            "Invalid Argument - failed to parse workflow: you may only define up to {MAX_INPUTS} `inputs` for a \
             `workflow_dispatch` event"
        )));
    }
    check_inputs(definition, &mut dispatch.inputs)?;
    Ok(NewRun {
        repository: repository.id,
        workflow: workflow.id,
        event: "workflow_dispatch".into(),
        branch,
        inputs: dispatch.inputs,
        actor: actor.to_owned(),
    })
}

fn check_inputs(workflow: &Workflow, inputs: &mut BTreeMap<String, String>) -> Result<(), Reply> {
    let declared = |name: &str| workflow.inputs.iter().any(|input| input.name == name);
    let unexpected: Vec<&str> = inputs
        .keys()
        .map(String::as_str)
        .filter(|name| !declared(name))
        .collect();
    if !unexpected.is_empty() {
        let names: Vec<String> = unexpected
            .iter()
            .map(|name| Value::from(*name).to_string())
            .collect();
        return Err(refused(format!(
            "Unexpected inputs provided: [{}]",
            names.join(", ")
        )));
    }
    for input in &workflow.inputs {
        match inputs.get(&input.name) {
            None => match &input.default {
                Some(default) => {
                    inputs.insert(input.name.clone(), default.clone());
                }
                None if input.required => {
                    return Err(refused(format!(
                        "Required input '{}' not provided",
                        input.name
                    )));
                }
                // Left out and without default, a choice or boolean counts as the empty text, which is no value of it.
                None => check_value(input, "")?,
            },
            Some(value) => check_value(input, value)?,
        }
    }
    Ok(())
}

fn check_value(input: &Input, value: &str) -> Result<(), Reply> {
    let allowed = match input.kind {
        "choice" => input.choices.iter().any(|choice| choice == value),
        "boolean" => matches!(value, "true" | "false"),
        _ => true,
    };
    if allowed {
        Ok(())
    } else {
        let message = format!(
            "Provided value '{value}' for input '{}' not in the list of allowed values",
            input.name
        );
        Err(refused(message))
    }
}

/// The answer to an accepted dispatch: 204 or 200 depending on version and flag.
pub(super) fn accepted(run_url: &str, html_url: &str, run_id: u64, details: bool) -> Reply {
    if details {
        let body = json!({"workflow_run_id": run_id, "run_url": run_url, "html_url": html_url});
        Reply::json(200, body.to_string())
    } else {
        Reply::empty(204)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(result: Result<Dispatch, Reply>) -> String {
        match result {
            Ok(dispatch) => format!("accepted {dispatch:?}"),
            Err(reply) => serde_json::from_slice::<Value>(&reply.body)
                .ok()
                .and_then(|body| {
                    body.get("message")
                        .and_then(Value::as_str)
                        .map(str::to_owned)
                })
                .unwrap_or_default(),
        }
    }

    #[test]
    fn the_body_schema_is_closed_and_says_what_is_wrong() {
        let cases = [
            ("{", "Problems parsing JSON"),
            ("[]", "Body should be a JSON object"),
            ("{}", "Invalid request.\n\n\"ref\" wasn't supplied."),
            (
                r#"{"ref":"main","x":1}"#,
                "Invalid request.\n\n\"x\" is not a permitted key.",
            ),
            (
                r#"{"ref":"main","inputs":{"a":null}}"#,
                "Invalid request.\n\nFor 'additionalProperties', nil is not a string.",
            ),
            (
                r#"{"ref":"main","return_run_details":true}"#,
                "Invalid request.\n\n\"return_run_details\" is not a permitted key.",
            ),
        ];
        for (body, expected) in cases {
            assert_eq!(message(read(body.as_bytes(), false)), expected);
        }
        assert!(read(br#"{"ref":"main","return_run_details":true}"#, true).is_ok());
    }

    #[test]
    fn the_size_limit_counts_characters_of_the_compact_inputs_and_not_bytes() {
        for letter in ["a", "\u{e9}"] {
            let body = |count: usize| {
                json!({"ref": "main", "inputs": {"in1": letter.repeat(count)}}).to_string()
            };
            assert!(read(body(65_525).as_bytes(), true).is_ok());
            assert_eq!(
                message(read(body(65_526).as_bytes(), true)),
                "inputs are too large."
            );
        }
    }

    #[test]
    fn twenty_six_inputs_are_one_too_many() {
        let inputs: Map<String, Value> = (0..26)
            .map(|n| (format!("i{n}"), Value::from("x")))
            .collect();
        let body = json!({"ref": "main", "inputs": inputs}).to_string();
        let expected =
            "Invalid request.\n\nNo more than 25 properties are allowed; 26 were supplied.";
        assert_eq!(message(read(body.as_bytes(), true)), expected);
    }
}
