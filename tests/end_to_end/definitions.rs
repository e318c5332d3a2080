//! The definition of an action, from a mistake in it to what Port and Terraform take.

use crate::program::{Finished, Program};
use host_harness::simulator::github::{self, GitHub, Input, Repository, Workflow};
use serde_json::{Value, json};
use std::path::Path;

pub const TOKEN: &str = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";

/// A program with an installation at this server.
pub fn program(api_url: &str) -> Program {
    let program = Program::new();
    program.file("token", TOKEN);
    let text = format!(
        "id = \"acme-github\"\nhosting = \"self-hosted\"\napi-url = \"{api_url}\"\nallow-plain-http = true\n\
         allow-addresses = [\"127.0.0.0/8\"]\ncredential = {{ token = {{ file = \"token\" }} }}\n"
    );
    program.file("i.toml", text);
    program
}

/// A whole action with these inputs of the workflow.
fn action(inputs: Value) -> Value {
    json!({
        "identifier": "deploy_shop",
        "title": "Deploy the shop",
        "trigger": {
            "type": "self-service",
            "operation": "CREATE",
            "userInputs": {
                "properties": {"level": {"type": "string", "enum": ["low", "high"]}},
                "required": ["level"],
                "order": ["level"],
            },
        },
        "invocationMethod": {
            "type": "INTEGRATION_ACTION",
            "installationId": "acme-github",
            "integrationActionType": "dispatch_workflow",
            "reportWorkflowStatus": "true",
            "integrationActionExecutionProperties": {
                "org": "acme", "repo": "shop", "workflow": ".github/workflows/deploy.yml", "workflowInputs": inputs,
            },
        },
    })
}

fn arguments<'a>(further: &[&'a str]) -> Vec<&'a str> {
    [
        &["configure", "action.json", "--installation", "i.toml"],
        further,
    ]
    .concat()
}

/// Codes and the ends of the pointers of all problems.
fn problems(finished: &Finished) -> Vec<(String, String)> {
    let answer = finished.expect_code(1).json();
    let problems = answer["problems"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    problems
        .iter()
        .map(|problem| {
            let pointer = text(&problem["pointer"]);
            let place = pointer.rsplit_once("Properties").unwrap().1.to_owned();
            (text(&problem["code"]), place)
        })
        .collect()
}

#[tokio::test]
async fn against_github_the_workflow_s_file_decides_about_trigger_and_inputs() {
    let github = GitHub::start(github::Options::default()).await.unwrap();
    github.add_token(TOKEN, true, "mona");
    github.add_repository(
        Repository::new("acme", "shop").branch("old").workflow(
            Workflow::new("deploy.yml")
                .without_trigger_on("old")
                .input(Input::choice("level", ["low", "high"]).required())
                .input(Input::boolean("dry-run").default("false"))
                .input(Input::number("count").default("1"))
                .input(Input::environment("where")),
        ),
    );
    let program = program(&github.api_url());
    let asked = arguments(&["--against-github", "--output", "json"]);

    let good =
        json!({"level": "{{ .inputs.level }}", "dry-run": true, "count": 2, "where": "prod"});
    program.file("action.json", action(good.clone()).to_string());
    program.run_beside(&asked).await.expect_code(0);

    let bad = json!({"dry-run": "yes", "count": "many", "other": 1});
    program.file("action.json", action(bad).to_string());
    let expected = [
        ("unknown-input", "/workflowInputs/other"),
        ("not-a-boolean", "/workflowInputs/dry-run"),
        ("not-a-number", "/workflowInputs/count"),
        ("missing-required-input", "/workflowInputs"),
    ];
    let mut expected = expected.map(|(code, place)| (code.to_owned(), place.to_owned()));
    let mut found = problems(&program.run_beside(&asked).await);
    found.sort();
    expected.sort();
    assert_eq!(found, expected);

    for (reference, problem) in [
        ("old", ("no-dispatch-trigger", "/workflow")),
        ("nowhere", ("ref-not-found", "/workflowInputs/ref")),
    ] {
        let mut inputs = good.clone();
        inputs["ref"] = reference.into();
        program.file("action.json", action(inputs).to_string());
        let found = problems(&program.run_beside(&asked).await);
        assert_eq!(found, [(problem.0.to_owned(), problem.1.to_owned())]);
    }
    assert_eq!(github.count("dispatch"), 0);
    assert_eq!(github.violations(), Vec::<String>::new());
}

#[test]
fn a_good_definition_is_printed_for_terraform() {
    let program = program("https://api.github.com");
    program.file(
        "action.json",
        action(json!({"level": "{{ .inputs.level }}"})).to_string(),
    );
    let text = program.run(&arguments(&["--terraform"]));
    text.expect_code(0);
    for part in [
        "resource \"port_action\" \"deploy_shop\" {\n",
        "      workflow               = \"deploy.yml\"\n",
        "      report_workflow_status = \"true\"\n",
        "        level = \"{{ .inputs.level }}\"\n",
    ] {
        assert!(text.stdout.contains(part), "{text}");
    }
    let object = program.run(&arguments(&["--terraform", "--output", "json"]));
    let object = object.expect_code(0).json();
    assert_eq!(
        object["terraform"].as_str().unwrap().trim_end(),
        text.stdout.trim_end()
    );
}

#[test]
fn what_terraform_cannot_say_is_a_problem_and_not_left_out() {
    let program = program("https://api.github.com");
    let mut action = action(json!({}));
    action["trigger"]["userInputs"]["steps"] = json!([]);
    program.file("action.json", action.to_string());
    program.run(&arguments(&[])).expect_code(0);
    let refused = program.run(&arguments(&["--terraform", "--output", "json"]));
    let answer = refused.expect_code(1).json();
    let problem = &answer["problems"][0];
    assert_eq!(
        (&problem["code"], &problem["pointer"]),
        (
            &json!("no-terraform-counterpart"),
            &json!("/trigger/userInputs/steps")
        )
    );
}

/// What Port takes as an action, as its published description of its API says. That lies beside the development tree.
pub struct PortSchema(Value);

impl PortSchema {
    /// None elsewhere; then it is said.
    pub fn beside_this_tree() -> Option<PortSchema> {
        let place =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/port-openapi-slice.json");
        let Ok(text) = std::fs::read_to_string(place) else {
            println!("skipped: Port's description of its API is not beside this tree");
            return None;
        };
        Some(PortSchema(serde_json::from_str(&text).unwrap()))
    }

    /// Whether Port takes this action.
    pub fn takes(&self, action: &Value) -> bool {
        let body = "/paths/~1v1~1actions/post/requestBody/content/application~1json/schema";
        fits(&self.0, self.0.pointer(body).unwrap(), action)
    }
}

#[test]
fn what_is_printed_is_what_port_s_published_schema_takes() {
    let Some(schema) = PortSchema::beside_this_tree() else {
        return;
    };
    let program = program("https://api.github.com");
    let given = action(json!({"level": "{{ .inputs.level }}"}));
    assert!(!schema.takes(&given), "it is good before it was corrected");
    program.file("action.json", given.to_string());
    let printed = program.run(&arguments(&[])).expect_code(0).json();
    assert!(schema.takes(&printed), "{printed}");
    // The check can fail: at the action, at its method, and deeper.
    for (pointer, value) in [
        ("/identifier", json!(7)),
        ("/invocationMethod/integrationActionType", json!("other")),
        ("/invocationMethod/more", json!(1)),
        ("/trigger/userInputs", json!("declared")),
        ("/trigger/userInputs/properties/level/type", json!("text")),
    ] {
        let mut broken = printed.clone();
        let (parent, key) = pointer.rsplit_once('/').unwrap();
        broken.pointer_mut(parent).unwrap()[key] = value;
        assert!(!schema.takes(&broken), "{pointer}");
    }
}

/// Whether a value is what a schema describes, as far as Port's schemas of definitions go: types, members, lists,
/// alternatives. Patterns are left out.
fn fits(api: &Value, schema: &Value, value: &Value) -> bool {
    if let Some(reference) = schema["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap();
        return fits(api, api.pointer(pointer).unwrap(), value);
    }
    let all_types = match &schema["type"] {
        Value::String(one) => vec![one.as_str()],
        Value::Array(several) => several.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let alternatives = |key: &str| schema[key].as_array();
    (all_types.is_empty() || all_types.iter().any(|name| is_of(name, value)))
        && schema["enum"]
            .as_array()
            .is_none_or(|values| values.contains(value))
        && alternatives("anyOf").is_none_or(|all| all.iter().any(|one| fits(api, one, value)))
        && alternatives("oneOf")
            .is_none_or(|all| all.iter().filter(|one| fits(api, one, value)).count() == 1)
        && value.as_array().is_none_or(|items| {
            items
                .iter()
                .all(|item| schema.get("items").is_none_or(|of| fits(api, of, item)))
        })
        && value.as_object().is_none_or(|members| {
            let required = schema["required"].as_array();
            required.is_none_or(|all| {
                all.iter()
                    .all(|key| members.contains_key(key.as_str().unwrap()))
            }) && members.iter().all(|(key, member)| {
                match (
                    schema["properties"].get(key),
                    &schema["additionalProperties"],
                ) {
                    (Some(of), _) => fits(api, of, member),
                    (None, Value::Bool(allowed)) => *allowed,
                    (None, Value::Object(_)) => fits(api, &schema["additionalProperties"], member),
                    (None, _) => true,
                }
            })
        })
}

fn is_of(name: &str, value: &Value) -> bool {
    match name {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        "null" => value.is_null(),
        _ => false,
    }
}
