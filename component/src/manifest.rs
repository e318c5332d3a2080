//! What the plugin says about itself.

use crate::contract::ocean::integration_action::types::{
    ActionType, Manifest, SignatureAlgorithm, Webhooks,
};
use crate::properties::DISPATCH_WORKFLOW;
use crate::settings;

/// The events that tell how a workflow run goes on.
pub const WANTED_EVENTS: [&str; 2] = ["workflow_run", "workflow_job"];

/// The header field with a delivery's event.
pub const EVENT_HEADER: &str = "x-github-event";

/// The answer to `describe`.
#[must_use]
pub fn describe() -> Manifest {
    Manifest {
        name: env!("CARGO_PKG_NAME").to_owned(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        action_types: vec![ActionType {
            name: DISPATCH_WORKFLOW.to_owned(),
            title: "Run a GitHub workflow".to_owned(),
            description: "Starts a GitHub Actions workflow through its workflow_dispatch trigger and follows the run \
                          to its end."
                .to_owned(),
            input_schema: INPUT_SCHEMA.to_owned(),
        }],
        webhooks: Some(Webhooks {
            events: WANTED_EVENTS.map(str::to_owned).to_vec(),
            event_header: EVENT_HEADER.to_owned(),
            delivery_header: "x-github-delivery".to_owned(),
            signature_header: "x-hub-signature-256".to_owned(),
            signature_prefix: "sha256=".to_owned(),
            signature_algorithm: SignatureAlgorithm::HmacSha256,
        }),
        settings: settings::declared(),
    }
}

/// The JSON Schema of the properties. `org` is not required by it, since Port knows it for installations that it hosts.
const INPUT_SCHEMA: &str = r#"{
  "$schema": "https://json-schema.org/draft/2020-12/schema",
  "type": "object",
  "required": ["repo", "workflow"],
  "properties": {
    "org": {"type": "string", "title": "Organization", "description": "The GitHub organization or user that owns the repository. Required unless Port hosts the installation and fills it in."},
    "repo": {"type": "string", "title": "Repository", "description": "The repository's name, without the owner."},
    "workflow": {"type": ["string", "integer"], "title": "Workflow", "description": "The workflow's file name, such as deploy.yml. Its path, numeric id or display name work as well."},
    "ref": {"type": ["string", "null"], "title": "Branch or tag", "description": "Where to run. Default: the repository's default branch. If this property is absent, an entry `ref` of the inputs takes its place."},
    "workflowInputs": {"type": ["object", "null"], "title": "Inputs", "description": "The workflow's inputs by name. Values that are not text are sent as JSON text; null is not sent."},
    "reportWorkflowStatus": {"type": ["boolean", "string"], "enum": [true, false, "true", "false"], "default": true, "title": "Report workflow status", "description": "Whether the end of the workflow run decides the end of the Port run."}
  }
}"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{self, Members};

    #[test]
    fn the_schemas_are_json_and_name_the_properties_that_are_read() {
        let schema = json::compact(INPUT_SCHEMA).unwrap();
        let properties =
            Members::of(Members::of(&schema).unwrap().get("properties").unwrap()).unwrap();
        let names: Vec<&str> = properties.0.iter().map(|(name, _)| &**name).collect();
        assert_eq!(
            names,
            [
                "org",
                "repo",
                "workflow",
                "ref",
                "workflowInputs",
                "reportWorkflowStatus"
            ]
        );
        for setting in describe().settings {
            assert!(json::compact(&setting.schema).is_ok(), "{}", setting.name);
        }
    }

    #[test]
    fn deliveries_are_recognized_and_checked_as_github_signs_them() {
        let webhooks = describe().webhooks.unwrap();
        assert_eq!(webhooks.events, WANTED_EVENTS);
        assert_eq!(webhooks.signature_prefix, "sha256=");
    }
}
