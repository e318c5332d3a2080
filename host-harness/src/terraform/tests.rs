//! Claims about definitions in Terraform's language.

use super::*;

const METHOD: &str = r#"{"type":"INTEGRATION_ACTION","installationId":"acme-github",
    "integrationActionType":"dispatch_workflow","integrationActionExecutionProperties":{"org":"acme","repo":"shop",
    "workflow":"deploy.yml","reportWorkflowStatus":true,
    "workflowInputs":{"env":"{{ .inputs.env }}","n":10000000000000000000000001,"deep":{"a b":["${x}",null]}}}}"#;

fn lost(definition: &str) -> Vec<String> {
    match resource(definition) {
        Err(TerraformError::NoCounterpart(lost)) => lost,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_whole_action_is_a_resource_of_the_provider() {
    let action = format!(
        r#"{{"identifier":"deploy.shop","title":"Deploy","publish":true,"requiredApproval":{{"type":"ANY"}},
        "trigger":{{"type":"self-service","operation":"DAY-2","blueprintIdentifier":"service",
            "userInputs":{{"properties":{{"env":{{"type":"string","title":"Where","enum":["dev","prod"],"default":"dev"}},
                "count":{{"type":"number","default":{{"jqQuery":".x"}}}}}},"required":["env"],"order":["env","count"]}}}},
        "invocationMethod":{METHOD},"createdAt":"2026-01-01T00:00:00Z"}}"#
    );
    let expected = r#"# Needs the provider port-labs/port-labs, version 2.19.5 or newer.
resource "port_action" "deploy_shop" {
  identifier        = "deploy.shop"
  title             = "Deploy"
  publish           = true
  required_approval = "ANY"
  self_service_trigger = {
    operation            = "DAY-2"
    blueprint_identifier = "service"
    order_properties     = ["env", "count"]
    user_properties = {
      string_props = {
        env = {
          title    = "Where"
          default  = "dev"
          enum     = ["dev", "prod"]
          required = true
        }
      }
      number_props = {
        count = {
          default_jq_query = ".x"
        }
      }
    }
  }
  integration_method = {
    installation_id         = "acme-github"
    integration_action_type = "dispatch_workflow"
    integration_action_execution_properties = {
      org                    = "acme"
      repo                   = "shop"
      workflow               = "deploy.yml"
      report_workflow_status = true
      workflow_inputs = jsonencode({
        deep = {
          "a b" = ["$${x}", null]
        }
        env = "{{ .inputs.env }}"
        n   = 10000000000000000000000001
      })
    }
  }
}
"#;
    assert_eq!(resource(&action).unwrap(), expected);
}

#[test]
fn a_method_alone_is_the_attribute() {
    let text = resource(METHOD).unwrap();
    assert!(
        text.contains("\nintegration_method = {\n  installation_id"),
        "{text}"
    );
    assert!(!text.contains("resource"), "{text}");
}

#[test]
fn an_automation_is_translated_too() {
    let action = format!(
        r#"{{"identifier":"1st","trigger":{{"type":"automation","event":{{"type":"TIMER_PROPERTY_EXPIRED",
        "blueprintIdentifier":"b","propertyIdentifier":"ttl"}},"condition":{{"type":"JQ","combinator":"and",
        "expressions":[".a == \"b\""]}}}},"invocationMethod":{METHOD}}}"#
    );
    let text = resource(&action).unwrap();
    for part in [
        "resource \"port_action\" \"_1st\" {",
        "automation_trigger = {\n    timer_property_expired_event = {\n      blueprint_identifier = \"b\"\n      property_identifier  = \"ttl\"",
        "expressions = [\".a == \\\"b\\\"\"]",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_ref_goes_among_the_inputs_where_it_means_the_same() {
    let with = |inputs: &str| {
        resource(&format!(
            r#"{{"integrationActionExecutionProperties":{{"ref":"v1"{inputs}}}}}"#
        ))
    };
    let expected = "workflow_inputs = jsonencode({\n      ref = \"v1\"\n    })";
    assert!(with("").unwrap().contains(expected));
    let both = with(r#","workflowInputs":{"ref":"x"}"#);
    let pointer = "/integrationActionExecutionProperties/ref".to_owned();
    assert_eq!(both, Err(TerraformError::NoCounterpart(vec![pointer])));
}

#[test]
fn what_has_no_counterpart_is_told_with_its_place_and_not_left_out() {
    let action = format!(
        r#"{{"identifier":"x","a/b":1,"trigger":{{"type":"self-service","operation":"CREATE","userInputs":{{"steps":[],
        "properties":{{"l":{{"type":"array","items":{{"type":"string"}}}},"o":{{"type":"odd"}},"n":3}}}}}},
        "invocationMethod":{METHOD}}}"#
    );
    let inputs = "/trigger/userInputs";
    assert_eq!(
        lost(&action),
        [
            format!("{inputs}/properties/l/items"),
            format!("{inputs}/properties/n"),
            format!("{inputs}/properties/o/type"),
            format!("{inputs}/steps"),
            "/a~1b".to_owned(),
        ]
    );
    assert_eq!(
        lost(
            r#"{"integrationActionExecutionProperties":{"workflowInputs":"{{ .inputs }}","extra":1}}"#
        ),
        [
            "/integrationActionExecutionProperties/workflowInputs",
            "/integrationActionExecutionProperties/extra"
        ]
    );
    assert_eq!(
        lost(
            r#"{"integrationActionExecutionProperties":{"workflowInputs":{"a":"\ud800","b":null}}}"#
        ),
        ["/integrationActionExecutionProperties/workflowInputs/a"]
    );
    assert_eq!(resource("[]"), Err(TerraformError::NoObject));
}
