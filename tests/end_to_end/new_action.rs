//! `configure --new`: from a workflow's declared inputs to an action that Port takes and that starts the workflow.

use crate::definitions::{PortSchema, TOKEN, program};
use crate::program::Program;
use crate::terminal::Terminal;
use host_harness::simulator::github::{self, GitHub, Input, Repository, Workflow};
use serde_json::{Value, json};

const NEW: [&str; 4] = ["configure", "--new", "--installation", "i.toml"];

const DEPLOY: [&str; 8] = [
    "--identifier",
    "deploy",
    "--set",
    "org=acme",
    "--set",
    "repo=shop",
    "--set",
    "workflow=deploy.yml",
];

/// A GitHub with a workflow that takes an input of each type.
async fn github() -> GitHub {
    let github = GitHub::start(github::Options::default()).await.unwrap();
    github.add_token(TOKEN, true, "mona");
    let deploy = Workflow::new("deploy.yml")
        .input(
            Input::new("version")
                .required()
                .description("What to deploy: a \"tag\""),
        )
        .input(Input::choice("level", ["low", "high"]).default("low"))
        .input(Input::boolean("dry-run").default("true"))
        .input(Input::number("count").default("3"))
        .input(Input::environment("where").default("staging"))
        .input(Input::new("note"));
    github.add_repository(
        Repository::new("acme", "shop")
            .environment("staging")
            .environment("production")
            .workflow(deploy),
    );
    github
}

/// The document that the flags for `deploy.yml` make.
async fn deploy(program: &Program) -> Value {
    let finished = program.run_beside(&[&NEW[..], &DEPLOY].concat()).await;
    finished.expect_code(0).json()
}

#[tokio::test]
async fn a_new_action_has_a_form_of_the_declared_inputs_and_hands_their_values_over() {
    let github = github().await;
    let program = program(&github.api_url());
    let action = deploy(&program).await;
    let expected = json!({
        "identifier": "deploy",
        "trigger": {
            "type": "self-service",
            "operation": "CREATE",
            "userInputs": {
                "properties": {
                    "version": {"type": "string", "title": "version", "description": "What to deploy: a \"tag\""},
                    "level": {"type": "string", "title": "level", "enum": ["low", "high"], "default": "low"},
                    "dry-run": {"type": "boolean", "title": "dry-run", "default": true},
                    "count": {"type": "number", "title": "count", "default": 3},
                    "where": {"type": "string", "title": "where", "enum": ["staging", "production"], "default": "staging"},
                    "note": {"type": "string", "title": "note"},
                },
                "required": ["version"],
                "order": ["version", "level", "dry-run", "count", "where", "note"],
            },
        },
        "invocationMethod": {
            "type": "INTEGRATION_ACTION",
            "installationId": "acme-github",
            "integrationActionType": "dispatch_workflow",
            "integrationActionExecutionProperties": {
                "org": "acme",
                "repo": "shop",
                "workflow": "deploy.yml",
                "reportWorkflowStatus": true,
                "workflowInputs": {
                    "version": "{{ .inputs.\"version\" }}",
                    "level": "{{ .inputs.\"level\" }}",
                    "dry-run": "{{ .inputs.\"dry-run\" }}",
                    "count": "{{ .inputs.\"count\" }}",
                    "where": "{{ .inputs.\"where\" }}",
                    "note": "{{ .inputs.\"note\" }}",
                },
            },
        },
    });
    assert_eq!(action, expected);
    assert_eq!(github.count("dispatch"), 0);
    assert_eq!(github.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_new_action_passes_every_check_and_stays_as_it_is() {
    let github = github().await;
    let program = program(&github.api_url());
    let action = deploy(&program).await;
    program.file("action.json", action.to_string());
    let asked = [
        "configure",
        "action.json",
        "--installation",
        "i.toml",
        "--against-github",
    ];
    let checked = program.run_beside(&asked).await;
    assert_eq!(checked.expect_code(0).json(), action);
    if let Some(schema) = PortSchema::beside_this_tree() {
        assert!(schema.takes(&action), "{action:#}");
    }
}

#[tokio::test]
async fn what_people_fill_in_starts_the_workflow() {
    let github = github().await;
    let program = program(&github.api_url());
    let mut action = deploy(&program).await;
    let method = &mut action["invocationMethod"];
    // Port puts what was filled in into the places of the templates, and null where nothing was.
    let filled = json!({"version": "1.2", "level": "high", "dry-run": false, "count": 7, "where": "production", "note": null});
    let inputs = &mut method["integrationActionExecutionProperties"]["workflowInputs"];
    for (name, value) in filled.as_object().unwrap() {
        assert_eq!(inputs[name], format!("{{{{ .inputs.\"{name}\" }}}}"));
        inputs[name] = value.clone();
    }
    let run = json!({"id": "r_1", "payload": method});
    program.file("run.json", run.to_string());
    let asked = ["dispatch", "--run", "run.json", "--installation", "i.toml"];
    program.run_beside(&asked).await.expect_code(0);
    let sent = serde_json::to_value(&github.runs()[0].inputs).unwrap();
    let expected = json!({"version": "1.2", "level": "high", "dry-run": "false", "count": "7", "where": "production"});
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&sent[name], value, "{name}: {sent}");
    }
    assert_eq!(github.violations(), Vec::<String>::new());
}

#[test]
fn without_a_terminal_all_that_is_missing_or_wrong_is_named_at_once() {
    let program = program("https://api.github.com");
    let finished = program.run(&[&NEW[..], &["--set", "workflow=../x.yml"]].concat());
    let said = finished.refusal();
    for part in [
        "no terminal",
        "--identifier: ",
        "--set org=…: `org` is missing",
        "--set repo=…: `repo` is missing",
        "--set workflow=…: ",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn arguments_that_nobody_can_mean_are_refused_before_anything_is_asked() {
    let program = program("https://api.github.com");
    for (arguments, words) in [
        (vec!["--set", "repository=shop"], "it has: org, ref, repo,"),
        (vec!["--set", "repo"], "NAME=VALUE"),
        (vec!["--set", "repo=a", "--set", "repo=b"], "given twice"),
        (vec!["--set", "workflowInputs=x"], "takes object or null"),
        (vec!["--identifier", "a b"], "letters, digits"),
        (vec!["--action-type", "other"], "dispatch_workflow"),
    ] {
        let finished = program.run(&[&NEW[..], &arguments].concat());
        let said = finished.refusal();
        assert!(said.contains(words), "{words}: {said}");
    }
    for (arguments, words) in [
        (
            vec!["configure", "--new", "a.json", "--installation", "i.toml"],
            "cannot be used with",
        ),
        (
            vec!["configure", "--installation", "i.toml"],
            "<DEFINITION>",
        ),
        (
            vec![
                "configure",
                "a.json",
                "--installation",
                "i.toml",
                "--title",
                "x",
            ],
            "cannot be used with",
        ),
    ] {
        let finished = program.run(&arguments);
        finished.expect_code(2);
        assert!(finished.stderr.contains(words), "{finished}");
    }
}

#[tokio::test]
async fn what_github_does_not_have_is_a_problem_with_its_place() {
    let github = github().await;
    let program = program(&github.api_url());
    let mut arguments = [&NEW[..], &DEPLOY].concat();
    arguments.pop();
    arguments.push("workflow=other.yml");
    let finished = program.run_beside(&arguments).await;
    finished.expect_code(1);
    let place = "new action: /invocationMethod/integrationActionExecutionProperties/workflow: ";
    assert!(finished.stdout.contains(place), "{finished}");
    assert!(
        finished.stdout.contains("[workflow-not-found]"),
        "{finished}"
    );
}

#[tokio::test]
async fn a_new_action_is_written_into_a_file_that_is_never_overwritten_unasked() {
    let github = github().await;
    let program = program(&github.api_url());
    let into = [&NEW[..], &DEPLOY, &["--out", "action.json"]].concat();
    let finished = program.run_beside(&into).await;
    finished.expect_code(0);
    assert_eq!(finished.stdout, "");
    assert!(
        finished.stderr.contains("wrote action.json\n"),
        "{finished}"
    );
    let file = program.folder().join("action.json");
    let written = std::fs::read_to_string(&file).unwrap();
    assert!(
        written.starts_with("{\n  \"identifier\": \"deploy\",\n"),
        "{written}"
    );

    program.file("action.json", "mine");
    let refused = program.run_beside(&into).await;
    assert!(refused.refusal().contains("action.json is there already"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "mine");
    let forced = [&into[..], &["--force"]].concat();
    program.run_beside(&forced).await.expect_code(0);
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
}

#[tokio::test]
async fn a_new_action_comes_for_terraform_and_for_programs() {
    let github = github().await;
    let program = program(&github.api_url());
    let further = [
        "--title",
        "Deploy",
        "--operation",
        "day-2",
        "--blueprint",
        "service",
    ];
    let all = [&NEW[..], &DEPLOY, &further].concat();
    let terraform = program
        .run_beside(&[&all[..], &["--terraform"]].concat())
        .await;
    terraform.expect_code(0);
    for part in [
        "resource \"port_action\" \"deploy\" {\n",
        "  title      = \"Deploy\"\n",
        "    operation            = \"DAY-2\"\n",
        "    blueprint_identifier = \"service\"\n",
        "    order_properties     = [\"version\", \"level\", \"dry-run\", \"count\", \"where\", \"note\"]\n",
        "        dry-run = \"{{ .inputs.\\\"dry-run\\\" }}\"\n",
    ] {
        assert!(terraform.stdout.contains(part), "{part}: {terraform}");
    }
    let object = program
        .run_beside(&[&all[..], &["--output", "json"]].concat())
        .await;
    let object = object.expect_code(0).json();
    assert_eq!(object["definition"]["title"], "Deploy");
    assert!(object["notes"].as_array().unwrap().len() >= 2);
}

#[tokio::test]
async fn on_a_terminal_questions_are_asked_and_wrong_answers_are_asked_about_again() {
    let github = github().await;
    let program = program(&github.api_url());
    let asked = tokio::task::spawn_blocking(move || {
        let arguments = [&NEW[..], &["--set", "org=acme", "--out", "action.json"]].concat();
        let mut terminal = Terminal::start(&program, &arguments);
        terminal.shows("The repository's name, without the owner.");
        terminal.shows("Repository");
        terminal.types("no/name");
        terminal.shows("Repository");
        terminal.types("store");
        terminal.shows("Workflow");
        terminal.types("deploy.yml");
        terminal.shows("Title");
        terminal.types("Deploy the shop");
        terminal.shows("Identifier");
        terminal.shows("deploy_the_shop");
        terminal.types("");
        terminal.shows("Operation");
        terminal.types("");
        // Only now has GitHub been asked.
        terminal.shows("Check that `acme/store` exists");
        terminal.shows("Repository");
        terminal.shows("store");
        terminal.types("shop");
        (terminal.ended(), program)
    });
    let ((code, seen), program) = asked.await.unwrap();
    assert_eq!(code, Some(0), "{seen}");
    assert!(seen.contains("wrote action.json"), "{seen}");
    let text = std::fs::read_to_string(program.folder().join("action.json")).unwrap();
    let action: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(
        (
            &action["identifier"],
            &action["title"],
            &action["trigger"]["operation"]
        ),
        (
            &json!("deploy_the_shop"),
            &json!("Deploy the shop"),
            &json!("CREATE")
        )
    );
    let properties = &action["invocationMethod"]["integrationActionExecutionProperties"];
    assert_eq!(properties["repo"], "shop");
    assert_eq!(properties["workflowInputs"].as_object().unwrap().len(), 6);
    assert_eq!(github.violations(), Vec::<String>::new());
}
