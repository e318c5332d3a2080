//! The `ping` that a hook gets when it is made, and whenever somebody asks for one.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::super::State;
use super::super::objects;
use super::super::world::World;
use super::sender::{Event, Outgoing};
use super::{Hook, Target};

/// Some of GitHub's.
const ZEN: [&str; 5] = [
    "Anything added dilutes everything else.",
    "Design for failure.",
    "Keep it logically awesome.",
    "Responsive is better than fast.",
    "Speak like a human.",
];

#[derive(Serialize)]
struct Ping<'a> {
    zen: &'static str,
    hook_id: u64,
    hook: Value,
    #[serde(skip_serializing_if = "Option::is_none")]
    repository: Option<&'a RawValue>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organization: Option<Value>,
    sender: Value,
}

impl State {
    /// Sends a `ping` that `sender` has caused; `object` is the hook as answers show it.
    pub(super) fn ping(
        self: &Arc<Self>,
        world: &mut World,
        hook: &Hook,
        object: Value,
        sender: &str,
    ) {
        let sender = world.actor(sender);
        let (repository, organization) = match &hook.target {
            Target::App(_) => return,
            Target::Repository(id) => (world.repositories.get(id), None),
            Target::Organization { id, login } => {
                let organization = objects::organization(&world.bases, login, *id);
                (None, Some(organization))
            }
        };
        let number = usize::try_from(hook.id).unwrap_or_default() % ZEN.len();
        let ping = Ping {
            zen: ZEN.get(number).copied().unwrap_or_default(),
            hook_id: hook.id,
            hook: object,
            repository: repository.map(|record| &*record.long),
            organization,
            sender,
        };
        let Ok(json) = serde_json::to_vec(&ping) else {
            return;
        };
        self.deliver(Outgoing {
            hook: hook.clone(),
            event: Event {
                guid: self.guid(),
                name: "ping".to_owned(),
                action: String::new(),
                run_id: 0,
                repository_id: repository.map(|record| record.id),
                installation_id: None,
                json: Bytes::from(json),
            },
            redelivery: false,
            after: None,
            done: None,
        });
    }
}
