//! Changing a webhook. What is asked of GitHub is a decision, made apart from the asking.
//!
//! A hook's secret is shown as `********`, and `PATCH …/hooks/{id}` with a `config` that leaves it out takes it away
//! (GitHub, "Update a repository webhook"). So settings are changed one by one with `PATCH …/hooks/{id}/config`, which
//! keeps what is not named, and the other request never carries a `config`.

use super::Mended;
use super::client::GitHub;
use super::delivery;
use super::place::{HookId, Place};
use crate::doctor::finding::Change;
use crate::ingress::WebhookSecret;
use http::Method;
use secrecy::ExposeSecret;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::time::Duration;
use tokio::time::sleep;

/// How long a delivery is waited for that was asked for: GitHub gives one up after ten seconds.
const LOOKS: u32 = 24;
const BETWEEN_LOOKS: Duration = Duration::from_millis(500);

/// Something that can be changed from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::doctor) enum Repair {
    /// A hook where there is none.
    Create {
        /// Where.
        place: Place,
        /// Where it goes.
        url: String,
        /// What it is for.
        events: Vec<String>,
    },
    /// Settings of a hook. Its secret changes only where `secret` says so.
    Configure {
        hook: HookId,
        url: Option<String>,
        content_type: bool,
        secret: bool,
    },
    /// What a hook is for, and whether it sends.
    Edit {
        hook: HookId,
        events: Option<Vec<String>>,
        activate: bool,
    },
}

/// A request.
#[derive(Debug, PartialEq)]
struct Question {
    method: Method,
    path: String,
    body: Value,
}

impl Repair {
    pub(super) fn does_anything(&self) -> bool {
        match self {
            Repair::Create { .. } => true,
            Repair::Configure {
                url,
                content_type,
                secret,
                ..
            } => url.is_some() || *content_type || *secret,
            Repair::Edit {
                events, activate, ..
            } => events.is_some() || *activate,
        }
    }

    fn place(&self) -> &Place {
        match self {
            Repair::Create { place, .. } => place,
            Repair::Configure { hook, .. } | Repair::Edit { hook, .. } => &hook.place,
        }
    }

    /// The hook that is changed, if there is one already.
    fn hook(&self) -> Option<HookId> {
        match self {
            // The App has its hook, set up or not.
            Repair::Create {
                place: Place::App, ..
            } => Some(HookId::new(Place::App, None)),
            Repair::Create { .. } => None,
            Repair::Configure { hook, .. } | Repair::Edit { hook, .. } => Some(hook.clone()),
        }
    }

    /// In the past tense.
    fn told(&self) -> String {
        match self {
            Repair::Create { place, url, events } => format!(
                "made a webhook of {place} to {url}, for {}, in JSON, signed with the secret that is configured here",
                events.join(", ")
            ),
            Repair::Configure {
                hook,
                url,
                content_type,
                secret,
            } => {
                let parts = [
                    url.as_ref().map(|url| format!("the URL {url}")),
                    content_type.then(|| "the content type json".to_owned()),
                    secret.then(|| "the secret that is configured here".to_owned()),
                ];
                let parts: Vec<String> = parts.into_iter().flatten().collect();
                format!("gave {hook} {}", parts.join(", "))
            }
            Repair::Edit {
                hook,
                events,
                activate,
            } => {
                let events = events.as_ref();
                let parts = [
                    events.map(|events| format!("had {hook} hear of {}", events.join(", "))),
                    activate.then(|| format!("switched {hook} on")),
                ];
                let parts: Vec<String> = parts.into_iter().flatten().collect();
                parts.join(", and ")
            }
        }
    }

    /// What GitHub is asked. `secret`: the one that is configured here.
    fn question(&self, secret: Option<&str>) -> Question {
        let settings = |url: Option<&String>, content_type: bool, with_secret: bool| {
            let mut settings = Map::new();
            if let Some(url) = url {
                settings.insert("url".to_owned(), url.as_str().into());
            }
            if content_type {
                settings.insert("content_type".to_owned(), "json".into());
            }
            if let (true, Some(secret)) = (with_secret, secret) {
                settings.insert("secret".to_owned(), secret.into());
            }
            Value::Object(settings)
        };
        match self {
            Repair::Create {
                place: Place::App,
                url,
                ..
            } => Question {
                method: Method::PATCH,
                path: format!("{}/config", Place::App.path()),
                body: settings(Some(url), true, true),
            },
            Repair::Create { place, url, events } => Question {
                method: Method::POST,
                path: place.path(),
                body: json!({
                    "name": "web",
                    "active": true,
                    "events": events,
                    "config": settings(Some(url), true, true),
                }),
            },
            Repair::Configure {
                hook,
                url,
                content_type,
                secret,
            } => Question {
                method: Method::PATCH,
                path: format!("{}/config", hook.path()),
                body: settings(url.as_ref(), *content_type, *secret),
            },
            Repair::Edit {
                hook,
                events,
                activate,
            } => {
                let mut body = Map::new();
                if let Some(events) = events {
                    body.insert("events".to_owned(), events.clone().into());
                }
                if *activate {
                    body.insert("active".to_owned(), true.into());
                }
                Question {
                    method: Method::PATCH,
                    path: hook.path(),
                    body: Value::Object(body),
                }
            }
        }
    }
}

/// Carries repairs out, tells what was changed, and has each changed hook send something, so that the next look sees how
/// that is answered.
pub(super) async fn carry_out(
    github: &GitHub<'_>,
    secret: &WebhookSecret,
    repairs: &[Repair],
    changes: &mut Vec<Change>,
) -> Mended {
    let secret = match secret {
        WebhookSecret::Verify(secret) => Some(secret.expose_secret()),
        WebhookSecret::Missing | WebhookSecret::AcceptUnsigned => None,
    };
    let mut touched: Vec<(HookId, Option<u64>)> = Vec::new();
    for repair in repairs {
        let newest = match repair.hook() {
            Some(hook) if touched.iter().all(|(other, _)| *other != hook) => {
                let newest = newest(github, &hook).await;
                touched.push((hook, newest));
                newest
            }
            _ => None,
        };
        let Question { method, path, body } = repair.question(secret);
        let asker = repair.place().asker(github);
        let asked = github.ask(&asker, method, &path, Some(&body)).await;
        let failed = match &asked {
            Ok(answer) if answer.is_success() => None,
            Ok(answer) => Some(format!("GitHub answered {}", answer.words())),
            Err(trouble) => Some(trouble.to_string()),
        };
        let made = match (&failed, repair.hook(), &asked) {
            (None, None, Ok(answer)) => id_of(&answer.body),
            _ => None,
        };
        // GitHub pings a hook that was just made.
        if let Some(id) = made {
            let hook = HookId::new(repair.place().clone(), Some(id));
            wait(github, &hook, newest).await;
        }
        changes.push(Change {
            what: repair.told(),
            failed,
        });
    }
    for (hook, before) in &touched {
        if provoke(github, hook).await {
            wait(github, hook, *before).await;
        }
    }
    Mended(
        touched
            .into_iter()
            .filter_map(|(hook, before)| Some((hook.path(), before?)))
            .collect(),
    )
}

fn id_of(body: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Made {
        id: u64,
    }
    let made: Made = serde_json::from_slice(body).ok()?;
    Some(made.id)
}

async fn newest(github: &GitHub<'_>, hook: &HookId) -> Option<u64> {
    let last = delivery::last(github, hook).await.ok()?;
    Some(last.first()?.id)
}

/// Has a hook send something: a ping, or where there is none, for the App, the last delivery again if nobody took it.
async fn provoke(github: &GitHub<'_>, hook: &HookId) -> bool {
    let path = match hook.place {
        Place::App => {
            let last = delivery::last(github, hook).await.unwrap_or_default();
            match last.first() {
                Some(last) if !last.is_taken() => {
                    format!("{}/deliveries/{}/attempts", hook.path(), last.id)
                }
                _ => return false,
            }
        }
        Place::Organization(_) | Place::Repository(_) => format!("{}/pings", hook.path()),
    };
    let asker = hook.place.asker(github);
    let asked = github.ask(&asker, Method::POST, &path, None).await;
    asked.is_ok_and(|answer| answer.is_success())
}

/// Waits until a hook has a newer delivery.
async fn wait(github: &GitHub<'_>, hook: &HookId, before: Option<u64>) {
    for _ in 0..LOOKS {
        match newest(github, hook).await {
            Some(id) if Some(id) != before => return,
            _ => sleep(BETWEEN_LOOKS).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hook() -> HookId {
        HookId::new(Place::Organization("acme".to_owned()), Some(7))
    }

    #[test]
    fn a_setting_is_changed_without_naming_the_secret() {
        let repair = Repair::Configure {
            hook: hook(),
            url: Some("https://h.example/webhooks/acme".to_owned()),
            content_type: true,
            secret: false,
        };
        assert_eq!(
            repair.question(Some("hunter2")),
            Question {
                method: Method::PATCH,
                path: "/orgs/acme/hooks/7/config".to_owned(),
                body: json!({"url": "https://h.example/webhooks/acme", "content_type": "json"}),
            }
        );
    }

    #[test]
    fn events_are_changed_without_a_configuration_that_would_drop_the_secret() {
        let repair = Repair::Edit {
            hook: hook(),
            events: Some(vec!["workflow_run".to_owned()]),
            activate: true,
        };
        let question = repair.question(Some("hunter2"));
        assert_eq!(
            question.body,
            json!({"events": ["workflow_run"], "active": true})
        );
        assert_eq!(question.path, "/orgs/acme/hooks/7");
    }

    #[test]
    fn no_repair_tells_the_secret() {
        let repair = Repair::Configure {
            hook: hook(),
            url: None,
            content_type: false,
            secret: true,
        };
        assert_eq!(
            repair.question(Some("hunter2")).body,
            json!({"secret": "hunter2"})
        );
        assert!(!repair.told().contains("hunter2"));
    }
}
