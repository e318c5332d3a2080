//! Claims about new actions.

use super::*;
use serde_json::{Value, json};

const SCHEMA: &str = r#"{"type": "object", "required": ["repo"], "properties": {
    "repo": {"type": "string", "title": "Repository", "description": "Its name."},
    "workflow": {"type": ["string", "integer"]},
    "inputs": {"type": ["object", "null"]},
    "share": {"type": "number"},
    "report": {"type": ["boolean", "string"]},
    "any": {}
}}"#;

fn read(pair: &str) -> Result<String, NewActionError> {
    Property::pair(&properties(SCHEMA), pair).map(|(_, value)| value.get().to_owned())
}

#[test]
fn a_property_is_described_by_the_schema() {
    let all = properties(SCHEMA);
    let repo = all.iter().find(|it| it.name == "repo").unwrap();
    assert_eq!(
        (repo.title.as_str(), repo.description.as_str()),
        ("Repository", "Its name.")
    );
    let any = all.iter().find(|it| it.name == "any").unwrap();
    assert_eq!(any.title, "any");
    for nothing in ["", "true", "{}", r#"{"properties": 1}"#] {
        assert_eq!(properties(nothing), [], "{nothing}");
    }
}

#[test]
fn a_value_is_of_a_type_that_the_property_takes() {
    for (pair, value) in [
        ("repo=shop", r#""shop""#),
        ("repo=", r#""""#),
        ("repo=a=b", r#""a=b""#),
        ("repo=1", r#""1""#),
        ("repo=true", r#""true""#),
        ("workflow=deploy.yml", r#""deploy.yml""#),
        (
            "workflow=12345678901234567890123",
            "12345678901234567890123",
        ),
        ("workflow=1.5", r#""1.5""#),
        ("inputs={\"z\":1.0,\"a\":null}", r#"{"z":1.0,"a":null}"#),
        ("inputs=null", "null"),
        ("share=7", "7"),
        ("share=1e3", "1e3"),
        ("report=false", "false"),
        ("report={{ .x }}", r#""{{ .x }}""#),
        ("any=[1]", "[1]"),
        ("any=text", r#""text""#),
    ] {
        assert_eq!(read(pair).as_deref(), Ok(value), "{pair}");
    }
}

#[test]
fn what_is_no_value_of_a_property_is_refused_with_what_it_takes() {
    for (pair, words) in [
        ("repo", "write it as NAME=VALUE"),
        (
            "Repo=x",
            "it has: any, inputs, repo, report, share, workflow",
        ),
        ("inputs=x", "takes object or null"),
        ("inputs=[]", "takes object or null"),
        ("share=many", "takes number"),
        ("share=\"7\"", "takes number"),
    ] {
        let refused = read(pair).unwrap_err().to_string();
        assert!(refused.contains(words), "{pair}: {refused}");
    }
}

#[test]
fn an_identifier_is_one_that_port_takes() {
    for good in ["deploy", "déploy_1", "a.b", "...", "@_.+:=-"] {
        assert_eq!(check_identifier(good), Ok(()), "{good}");
    }
    for bad in ["", ".", "..", "a b", "a/b", "ä²", "a\n"] {
        assert_eq!(
            check_identifier(bad),
            Err(NewActionError::Identifier),
            "{bad}"
        );
    }
}

#[test]
fn an_identifier_is_suggested_from_a_title() {
    for (title, identifier) in [
        ("Deploy the shop!", Some("deploy_the_shop")),
        (" Größe: 2 x ", Some("größe_2_x")),
        ("…", None),
        ("", None),
    ] {
        assert_eq!(
            suggested_identifier(title).as_deref(),
            identifier,
            "{title}"
        );
    }
}

fn action() -> NewAction {
    let mut action = NewAction {
        installation: "acme-github".to_owned(),
        action_type: "dispatch_workflow".to_owned(),
        properties: vec![],
    };
    for pair in [
        "workflow=deploy.yml",
        "repo=other",
        "inputs={\"z\":1.0,\"a\":2}",
    ] {
        let known = properties(SCHEMA);
        let (property, value) = Property::pair(&known, pair).unwrap();
        action.set(&property.name, value);
    }
    let shop = serde_json::value::to_raw_value("shop").unwrap();
    action.set("repo", shop);
    action
}

#[test]
fn a_document_asks_the_plugin_for_its_form_and_keeps_order_and_numbers() {
    let head = Head {
        identifier: "deploy".to_owned(),
        title: Some("Deploy".to_owned()),
        operation: Operation::Day2,
        blueprint: Some("service".to_owned()),
    };
    let method = r#"{"type":"INTEGRATION_ACTION","installationId":"acme-github","integrationActionType":"dispatch_workflow",
        "integrationActionExecutionProperties":{"workflow":"deploy.yml","repo":"shop","inputs":{"z":1.0,"a":2}}}"#;
    let method = method.replace("\n        ", "");
    assert_eq!(action().method().unwrap(), method);
    let document = action().document(&head, Form::Declared).unwrap();
    assert_eq!(
        document,
        format!(
            r#"{{"identifier":"deploy","title":"Deploy","trigger":{{"type":"self-service","operation":"DAY-2","blueprintIdentifier":"service","userInputs":"declared"}},"invocationMethod":{method}}}"#
        )
    );
    assert!(lacks_form(&document));
    let made: Value = serde_json::from_str(&document).unwrap();
    let mut made = made;
    made["trigger"]["userInputs"] = json!({});
    assert!(!lacks_form(&made.to_string()));
    assert!(!lacks_form(&method));
}

#[test]
fn what_is_not_known_is_not_in_the_document() {
    let head = Head {
        identifier: "deploy".to_owned(),
        title: None,
        operation: Operation::Create,
        blueprint: None,
    };
    let document: Value =
        serde_json::from_str(&action().document(&head, Form::Declared).unwrap()).unwrap();
    let keys: Vec<_> = document.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["identifier", "invocationMethod", "trigger"]);
    let trigger = json!({"type": "self-service", "operation": "CREATE", "userInputs": "declared"});
    assert_eq!(document["trigger"], trigger);
    let document = action().document(&head, Form::Empty).unwrap();
    assert!(
        document.contains(r#""userInputs":{"properties":{}}"#),
        "{document}"
    );
}

#[test]
fn a_property_is_shown_as_it_was_written() {
    assert_eq!(action().written("repo").as_deref(), Some("shop"));
    assert_eq!(
        action().written("inputs").as_deref(),
        Some(r#"{"z":1.0,"a":2}"#)
    );
    assert_eq!(action().written("share"), None);
}

#[test]
fn a_problem_is_about_the_property_that_its_place_is_in() {
    let problem = |pointer: &str| Problem {
        pointer: pointer.to_owned(),
        code: String::new(),
        message: String::new(),
        remedy: String::new(),
    };
    let known = properties(SCHEMA);
    let about = |pointers: &[&str]| {
        let problems: Vec<_> = pointers.iter().map(|pointer| problem(pointer)).collect();
        about_property(&problems, &known).map(|(property, _)| property.name.clone())
    };
    let inside = "/invocationMethod/integrationActionExecutionProperties";
    assert_eq!(
        about(&["/type", "/integrationActionExecutionProperties/repo"]).as_deref(),
        Some("repo")
    );
    assert_eq!(
        about(&[&format!("{inside}/inputs/a~1b")]).as_deref(),
        Some("inputs")
    );
    assert_eq!(
        about(&["", "/type", inside, &format!("{inside}/other")]),
        None
    );
    assert_eq!(
        property_at(&format!("{inside}/a~1~01")).as_deref(),
        Some("a/~1")
    );
}
