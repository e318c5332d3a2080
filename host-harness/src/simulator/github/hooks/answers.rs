//! The answer of each hook endpoint.

use serde_json::{Value, json};

use super::super::super::lock;
use super::super::super::server::Reply;
use super::super::answers::Asked;
use super::super::listing::Page;
use super::super::world::World;
use super::endpoint::{Action, Call, Owner};
use super::request::{self, Form, Refusal, Wanted};
use super::{Config, Hook, Target, objects, rules};

impl Asked<'_> {
    /// Answers whoever may administer these hooks, or says why not.
    pub(in super::super) fn hooks(&self, call: &Call<'_>) -> Result<Reply, Reply> {
        let target = match call.owner {
            Owner::Repository(_) => Target::Repository(self.repository_id()?),
            Owner::Organization(login) => self.organization(login)?,
            Owner::App => return self.hook_of_the_app(call),
        };
        let id = match call.hook {
            None if call.action == Action::Create => return self.create(target),
            None => return Ok(self.list(&target)),
            Some(id) => self.find(&target, id)?,
        };
        match call.action {
            Action::Update => self.update(id, &target),
            Action::Delete => {
                lock(&self.state.hooks).retain(|hook| hook.id != id);
                Ok(Reply::empty(204))
            }
            Action::Config => self.config(id),
            Action::UpdateConfig => self.update_config(id),
            Action::Ping => self.ping(id),
            Action::Deliveries => self.deliveries(&[id]),
            Action::Delivery(delivery) => self.delivery(&[id], delivery),
            Action::Redeliver(delivery) => self.redeliver(&[id], delivery),
            Action::List | Action::Create | Action::Get => {
                let hook = self.hook(id)?;
                let object = self.object(&lock(&self.state.world), &hook);
                Ok(Reply::json(200, object.to_string()))
            }
        }
    }

    /// The words for a refusal. As GitHub's description has it, the 422 of a hook shows no `status`.
    pub(super) fn refused(&self, refusal: Refusal) -> Reply {
        let (message, errors) = match refusal {
            Refusal::Unreadable(text) => return self.error(400, text),
            Refusal::Shape(text) => (format!("Invalid request.\n\n{text}"), None),
            Refusal::Field(field) => (
                "Validation Failed".to_owned(),
                Some(json!([{"resource": "Hook", "code": "invalid", "field": field}])),
            ),
            Refusal::Hook(text) => (
                "Validation Failed".to_owned(),
                Some(json!([{"resource": "Hook", "code": "custom", "message": text}])),
            ),
        };
        let mut body = json!({"message": message, "documentation_url": self.endpoint.page()});
        if let (Some(errors), Some(body)) = (errors, body.as_object_mut()) {
            body.insert("errors".into(), errors);
        }
        Reply::json(422, body.to_string())
    }

    fn find(&self, target: &Target, id: &str) -> Result<u64, Reply> {
        lock(&self.state.hooks)
            .iter()
            .find(|hook| hook.target.is(target) && hook.id.to_string() == id)
            .map(|hook| hook.id)
            .ok_or_else(|| self.not_found())
    }

    fn hook(&self, id: u64) -> Result<Hook, Reply> {
        lock(&self.state.hooks)
            .iter()
            .find(|hook| hook.id == id)
            .cloned()
            .ok_or_else(|| self.not_found())
    }

    fn object(&self, world: &World, hook: &Hook) -> Value {
        let place = match &hook.target {
            Target::Repository(id) => world
                .repositories
                .get(id)
                .map(|record| format!("/repos/{}", record.full_name()))
                .unwrap_or_default(),
            Target::Organization { login, .. } => format!("/orgs/{login}"),
            Target::App(_) => "/app".to_owned(),
        };
        let deliveries = lock(&self.state.deliveries);
        let last = deliveries
            .iter()
            .filter(|view| view.hook_id == hook.id)
            .max_by_key(|view| view.id);
        objects::hook(&world.bases, &place, hook, last)
    }

    fn list(&self, target: &Target) -> Reply {
        let page = Page::of(self.received);
        let world = lock(&self.state.world);
        let hooks: Vec<Hook> = lock(&self.state.hooks)
            .iter()
            .filter(|hook| hook.target.is(target))
            .cloned()
            .collect();
        let objects: Vec<Value> = hooks
            .iter()
            .skip(page.skip())
            .take(page.size())
            .map(|hook| self.object(&world, hook))
            .collect();
        page.link(
            Reply::json(200, Value::Array(objects).to_string()),
            self.received,
            &world.bases.api,
            hooks.len(),
        )
    }

    fn create(&self, target: Target) -> Result<Reply, Reply> {
        let refused = |refusal| self.refused(refusal);
        let form = match target {
            Target::Organization { .. } => Form::CreateForOrganization,
            Target::App(_) | Target::Repository(_) => Form::CreateForRepository,
        };
        let mut wanted = request::wanted(&self.received.body, form).map_err(refused)?;
        let config = wanted.config.take().unwrap_or_default();
        let now = self.state.now();
        let hook = Hook {
            id: self.state.hook_id(),
            target,
            config: config.whole().map_err(refused)?,
            events: rules::events(&wanted, &["push".to_owned()]),
            active: wanted.active.unwrap_or(true),
            created_at: now,
            updated_at: now,
        };
        let mut world = lock(&self.state.world);
        {
            let mut hooks = lock(&self.state.hooks);
            rules::check(&hook, &hooks).map_err(refused)?;
            hooks.push(hook.clone());
        }
        let object = self.object(&world, &hook);
        let url = object
            .get("url")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let reply = Reply::json(201, object.to_string()).with("location", url);
        let sender = &self.caller.login;
        self.state.ping(&mut world, &hook, object, sender);
        Ok(reply)
    }

    fn update(&self, id: u64, target: &Target) -> Result<Reply, Reply> {
        let form = match target {
            Target::Organization { .. } => Form::UpdateForOrganization,
            Target::App(_) | Target::Repository(_) => Form::UpdateForRepository,
        };
        let wanted = request::wanted(&self.received.body, form);
        let wanted = wanted.map_err(|refusal| self.refused(refusal))?;
        let hook = self.change(id, |hook| with(hook, wanted))?;
        let object = self.object(&lock(&self.state.world), &hook);
        Ok(Reply::json(200, object.to_string()))
    }

    /// Puts a hook in the place of an old one, unless it cannot be so beside the others.
    fn change(
        &self,
        id: u64,
        change: impl FnOnce(Hook) -> Result<Hook, Refusal>,
    ) -> Result<Hook, Reply> {
        let mut hooks = lock(&self.state.hooks);
        let old = hooks.iter().find(|hook| hook.id == id).cloned();
        let old = old.ok_or_else(|| self.not_found())?;
        let is_app = old.target.is_app();
        let checked = change(old).and_then(|new| {
            // The App's hooks are a test's own affair.
            if !is_app {
                rules::check(&new, &hooks)?;
            }
            Ok(new)
        });
        let mut new = checked.map_err(|refusal| self.refused(refusal))?;
        new.updated_at = self.state.now();
        for hook in hooks.iter_mut().filter(|hook| hook.id == id) {
            *hook = new.clone();
        }
        Ok(new)
    }

    fn config(&self, id: u64) -> Result<Reply, Reply> {
        let object = objects::config(&self.hook(id)?.config);
        Ok(Reply::json(200, object.to_string()))
    }

    fn update_config(&self, id: u64) -> Result<Reply, Reply> {
        let closed = self.endpoint.repository().is_some();
        let settings = request::settings(&self.received.body, closed);
        let settings = settings.map_err(|refusal| self.refused(refusal))?;
        let hook = self.change(id, |mut hook| {
            hook.config = settings.over(hook.config)?;
            Ok(hook)
        })?;
        Ok(Reply::json(200, objects::config(&hook.config).to_string()))
    }

    fn ping(&self, id: u64) -> Result<Reply, Reply> {
        let hook = self.hook(id)?;
        let mut world = lock(&self.state.world);
        let object = self.object(&world, &hook);
        self.state
            .ping(&mut world, &hook, object, &self.caller.login);
        Ok(Reply::empty(204))
    }

    /// The App has one hook. Where a test has made several, the first is the one whose configuration is shown, and
    /// the deliveries of all of them are.
    fn hook_of_the_app(&self, call: &Call<'_>) -> Result<Reply, Reply> {
        let ids: Vec<u64> = lock(&self.state.hooks)
            .iter()
            .filter(|hook| hook.target.is_app())
            .map(|hook| hook.id)
            .collect();
        match (call.action, ids.first()) {
            (Action::Deliveries, _) => self.deliveries(&ids),
            (Action::Delivery(id), _) => self.delivery(&ids, id),
            (Action::Redeliver(id), _) => self.redeliver(&ids, id),
            (Action::UpdateConfig, Some(id)) => self.update_config(*id),
            (Action::UpdateConfig, None) => self.first_hook_of_the_app(),
            (_, Some(id)) => self.config(*id),
            // As of an App that was registered without a webhook.
            (_, None) => {
                let body = json!({"content_type": "json", "insecure_ssl": "0"});
                Ok(Reply::json(200, body.to_string()))
            }
        }
    }

    fn first_hook_of_the_app(&self) -> Result<Reply, Reply> {
        let settings = request::settings(&self.received.body, false);
        let empty = Config::json(String::new(), None);
        let config = settings.and_then(|settings| settings.over(empty));
        let config = config.map_err(|refusal| self.refused(refusal))?;
        let reply = Reply::json(200, objects::config(&config).to_string());
        let now = self.state.now();
        lock(&self.state.hooks).push(Hook {
            id: self.state.hook_id(),
            target: Target::App(None),
            config,
            events: self.state.options.app_events.clone(),
            active: true,
            created_at: now,
            updated_at: now,
        });
        Ok(reply)
    }
}

/// The hook after a request to change it.
fn with(mut hook: Hook, mut wanted: Wanted) -> Result<Hook, Refusal> {
    hook.events = rules::events(&wanted, &hook.events);
    hook.active = wanted.active.unwrap_or(hook.active);
    if let Some(settings) = wanted.config.take() {
        hook.config = settings.whole()?;
    }
    Ok(hook)
}
