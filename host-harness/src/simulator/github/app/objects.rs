//! The App and its installations as answers show them.

use serde_json::{Value, json};

use super::super::objects::{Bases, node_id, time};
use super::super::world::World;
use super::App;
use super::installation::{DEFAULT_PERMISSIONS, Installed};

/// Login of the organization that the App belongs to.
const OWNER: &str = "app-makers";

impl App {
    pub(super) fn object(&self, world: &mut World) -> Value {
        let owner = world.account(OWNER, true);
        let Bases { html, .. } = &world.bases;
        let permissions: serde_json::Map<String, Value> = DEFAULT_PERMISSIONS
            .into_iter()
            .map(|(name, level)| (name.to_owned(), level.into()))
            .collect();
        json!({
            "id": self.issuer.app_id,
            "client_id": self.issuer.client_id,
            "slug": self.slug,
            "node_id": node_id("A", self.issuer.app_id),
            "owner": owner,
            "name": self.slug,
            "description": "Starts workflows and tells how they end",
            "external_url": html,
            "html_url": format!("{html}/apps/{}", self.slug),
            "created_at": time(self.created_at),
            "updated_at": time(self.created_at),
            "permissions": permissions,
            "events": self.events,
            "installations_count": self.installations.len(),
        })
    }

    pub(super) fn installation_object(&self, one: &Installed, world: &mut World) -> Value {
        let definition = &one.definition;
        let account = world.account(&definition.account, definition.organization);
        let Bases { api, html } = &world.bases;
        let (kind, page) = if definition.organization {
            (
                "Organization",
                format!("{html}/organizations/{}", definition.account),
            )
        } else {
            ("User", html.clone())
        };
        json!({
            "id": one.id,
            "client_id": self.issuer.client_id,
            "account": account,
            "repository_selection": one.selection(),
            "access_tokens_url": format!("{api}/app/installations/{}/access_tokens", one.id),
            "repositories_url": format!("{api}/installation/repositories"),
            "html_url": format!("{page}/settings/installations/{}", one.id),
            "app_id": self.issuer.app_id,
            "app_slug": self.slug,
            "target_id": account.get("id"),
            "target_type": kind,
            "permissions": definition.permissions,
            "events": self.events,
            "created_at": time(one.created_at),
            "updated_at": time(one.updated_at),
            "single_file_name": null,
            "has_multiple_single_files": false,
            "single_file_paths": [],
            "suspended_by": one.suspended_at.map(|_| account.clone()),
            "suspended_at": one.suspended_at.map(time),
        })
    }
}
