//! The endpoints that only the App itself may ask.

use std::collections::BTreeSet;
use std::time::SystemTime;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::super::lock;
use super::super::super::server::Reply;
use super::super::answers::Asked;
use super::super::endpoint::Endpoint;
use super::super::listing::Page;
use super::super::objects::{listed_repository, time};
use super::super::world::World;
use super::tokens::{AppTokenFormat, Minted};
use super::{App, Installed, request, suspended};

impl Asked<'_> {
    /// Answers the App, whose JWT has been verified.
    pub(in super::super) fn app(&self) -> Result<Reply, Reply> {
        match self.endpoint {
            Endpoint::AppToken(id) => self.app_token(id),
            Endpoint::RepositoryInstallation(_) => {
                let id = self.repository_id()?;
                let (owner, name) = self.named(id)?;
                self.installation(|app| {
                    app.installation_on(&owner)
                        .filter(|installed| installed.selects(&name))
                })
            }
            Endpoint::AppInstallation(id) => self.installation(|app| app.installation(id)),
            Endpoint::UserInstallation(login) => {
                self.installation(|app| app.installation_on(login))
            }
            Endpoint::OrgInstallation(login) => self.installation(|app| {
                app.installation_on(login)
                    .filter(|installed| installed.definition.organization)
            }),
            Endpoint::AppInstallations => Ok(self.installations()),
            _ => {
                let mut world = lock(&self.state.world);
                let object = lock(&self.state.app).object(&mut world);
                Ok(Reply::json(200, object.to_string()))
            }
        }
    }

    fn named(&self, repository: u64) -> Result<(String, String), Reply> {
        let world = lock(&self.state.world);
        world
            .repositories
            .get(&repository)
            .map(|record| {
                (
                    record.definition.owner.clone(),
                    record.definition.name.clone(),
                )
            })
            .ok_or_else(|| self.not_found())
    }

    fn installation(&self, find: impl Fn(&App) -> Option<&Installed>) -> Result<Reply, Reply> {
        let mut world = lock(&self.state.world);
        let app = lock(&self.state.app);
        let installed = find(&app).ok_or_else(|| self.not_found())?;
        let object = app.installation_object(installed, &mut world);
        Ok(Reply::json(200, object.to_string()))
    }

    fn installations(&self) -> Reply {
        let page = Page::of(self.received);
        let since = self
            .received
            .parameter("since")
            .and_then(|text| text.parse::<Timestamp>().ok())
            .map(SystemTime::from);
        let mut world = lock(&self.state.world);
        let app = lock(&self.state.app);
        let wanted: Vec<&Installed> = app
            .installations
            .iter()
            .filter(|one| since.is_none_or(|since| one.updated_at >= since))
            .collect();
        let objects: Vec<Value> = wanted
            .iter()
            .skip(page.skip())
            .take(page.size())
            .map(|one| app.installation_object(one, &mut world))
            .collect();
        page.link(
            Reply::json(200, Value::Array(objects).to_string()),
            self.received,
            &world.bases.api,
            wanted.len(),
        )
    }

    fn app_token(&self, id: &str) -> Result<Reply, Reply> {
        let world = lock(&self.state.world);
        let mut app = lock(&self.state.app);
        let installed = app
            .installation(id)
            .cloned()
            .ok_or_else(|| self.not_found())?;
        if installed.suspended_at.is_some() {
            return Err(suspended(self.endpoint.operation()));
        }
        let asked = request::read(&self.received.body)?;
        let permissions = asked.granted(&installed.definition.permissions)?;
        let only = chosen(&asked, &installed, &world)?;
        let expires_at = self.state.now() + self.state.options.app_token_life;
        let mut body = json!({
            "expires_at": time(expires_at),
            "permissions": permissions,
            "repository_selection": if only.is_some() { "selected" } else { installed.selection() },
        });
        if let Some(ids) = &only {
            let write = super::grants(&permissions, "actions", "write");
            let repositories = ids
                .iter()
                .filter_map(|id| world.repositories.get(id))
                .map(|one| listed_repository(&world.bases, &one.facts(), write, self.old_version()))
                .map(Value::Object);
            put(&mut body, "repositories", repositories.collect());
        }
        let minted = Minted {
            installation: installed.id,
            account: installed.definition.account.clone(),
            expires_at,
            revoked: false,
            permissions,
            only,
        };
        let token = app.tokens.mint(minted, self.wanted_format());
        put(&mut body, "token", token.into());
        drop(app);
        drop(world);
        lock(&self.state.gate).open(
            &super::installation_quota(installed.id),
            self.state.options.rate_limit,
        );
        Ok(Reply::json(201, body.to_string()))
    }

    /// A request may ask for one format, with a header for the time of the change.
    fn wanted_format(&self) -> AppTokenFormat {
        match self.received.header("x-github-stateless-s2s-token") {
            Some("enabled") => AppTokenFormat::Stateless,
            Some("disabled") => AppTokenFormat::Classic,
            _ => self.state.options.app_token_format,
        }
    }
}

fn put(object: &mut Value, key: &str, value: Value) {
    if let Some(members) = object.as_object_mut() {
        members.insert(key.to_owned(), value);
    }
}

/// The repositories that a token is narrowed to, if it is.
fn chosen(
    asked: &request::Asked,
    installed: &Installed,
    world: &World,
) -> Result<Option<BTreeSet<u64>>, Reply> {
    if !asked.narrows() {
        return Ok(None);
    }
    let account = &installed.definition.account;
    let by_name = asked
        .names
        .iter()
        .map(|name| world.repository(account, name));
    let by_id = asked.ids.iter().map(|id| world.repositories.get(id));
    by_name
        .chain(by_id)
        .map(|record| {
            record
                .filter(|record| installed.is_on(&record.definition.owner))
                .filter(|record| installed.selects(&record.definition.name))
                .map(|record| record.id)
                .ok_or_else(request::no_such_repository)
        })
        .collect::<Result<BTreeSet<u64>, Reply>>()
        .map(Some)
}
