//! Integrations: what an installation is called, and whether it may process actions.

use serde_json::{Value, json};

use super::super::lock;
use super::super::server::{Received, Reply};
use super::State;
use super::answers::answer;
use super::schema::{Field, Holds, error, not_found, optional, required, text};

const PATCH_INTEGRATION: &[Field] = &[
    optional("title", Holds::TextOrNull),
    optional("installationAppType", Holds::Text),
    optional("version", Holds::Text),
    optional("spec", Holds::Object),
    optional("actionsProcessingEnabled", Holds::Flag),
    optional("config", Holds::ObjectOrNull),
    optional("changelogDestination", Holds::Object),
];
const CREATE_INTEGRATION: &[Field] = &[
    required("installationId", Holds::Text),
    required("installationAppType", Holds::Text),
    optional("title", Holds::TextOrNull),
    optional("version", Holds::Text),
    optional("spec", Holds::Object),
    optional("actionsProcessingEnabled", Holds::Flag),
    optional("incrementalSyncEnabled", Holds::Flag),
    optional("createPortResourcesOrigin", Holds::Text),
    optional("config", Holds::ObjectOrNull),
    optional("changelogDestination", Holds::Object),
];

impl State {
    pub(super) fn integrations(&self, received: &Received) -> Reply {
        let wanted = received
            .parameter("actionsProcessingEnabled")
            .map(|value| value == "true");
        let integrations = lock(&self.integrations);
        let found: Vec<&Value> = integrations
            .values()
            .filter(|integration| {
                let enabled = integration
                    .get("actionsProcessingEnabled")
                    .and_then(Value::as_bool);
                wanted.is_none_or(|wanted| enabled == Some(wanted))
            })
            .collect();
        answer(200, [("integrations", json!(found))])
    }

    pub(super) fn integration(&self, id: &str) -> Result<Reply, Reply> {
        let integrations = lock(&self.integrations);
        let integration = integrations
            .get(id)
            .ok_or_else(|| not_found("Integration", id))?;
        Ok(answer(200, [("integration", integration.clone())]))
    }

    pub(super) fn create_integration(&self, received: &Received) -> Result<Reply, Reply> {
        let body = self.read(received, CREATE_INTEGRATION)?;
        let id = text(&body, "installationId").unwrap_or_default().to_owned();
        let mut integrations = lock(&self.integrations);
        if integrations.contains_key(&id) {
            return Err(error(
                409,
                "identifier_taken",
                &format!("Integration \"{id}\" exists already"),
            ));
        }
        let integration = super::integration(&id, body);
        integrations.insert(id, integration.clone());
        Ok(answer(201, [("integration", integration)]))
    }

    pub(super) fn patch_integration(&self, received: &Received, id: &str) -> Result<Reply, Reply> {
        let body = self.read(received, PATCH_INTEGRATION)?;
        let mut integrations = lock(&self.integrations);
        let integration = integrations
            .get_mut(id)
            .ok_or_else(|| not_found("Integration", id))?;
        if let Some(object) = integration.as_object_mut() {
            object.extend(body);
        }
        Ok(answer(200, [("integration", integration.clone())]))
    }
}
