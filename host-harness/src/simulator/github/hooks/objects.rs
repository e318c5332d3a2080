//! Hooks and deliveries as answers show them.

use serde_json::{Map, Value, json};

use super::super::deliveries::DeliveryView;
use super::super::objects::{Bases, time, time_millis};
use super::{Config, Hook, Target};

/// Settings of a hook; nobody is ever shown its secret.
pub(super) fn config(config: &Config) -> Value {
    let mut object = json!({
        "content_type": config.content.as_str(),
        "insecure_ssl": if config.insecure_ssl { "1" } else { "0" },
        "url": config.url,
    });
    if config.secret.is_some()
        && let Some(object) = object.as_object_mut()
    {
        object.insert("secret".into(), "********".into());
    }
    object
}

/// A hook. `place`: the path of what it belongs to (`/repos/acme/shop`). `last`: its latest delivery.
pub(super) fn hook(bases: &Bases, place: &str, hook: &Hook, last: Option<&DeliveryView>) -> Value {
    let url = format!("{}{place}/hooks/{}", bases.api, hook.id);
    let of_repository = matches!(hook.target, Target::Repository(_));
    let mut object = json!({
        "type": if of_repository { "Repository" } else { "Organization" },
        "id": hook.id,
        "name": "web",
        "active": hook.active,
        "events": hook.events,
        "config": config(&hook.config),
        "updated_at": time(hook.updated_at),
        "created_at": time(hook.created_at),
        "ping_url": format!("{url}/pings"),
        "deliveries_url": format!("{url}/deliveries"),
    });
    if let Some(object) = object.as_object_mut() {
        // Organizations have neither.
        if of_repository {
            object.insert("test_url".into(), format!("{url}/test").into());
            object.insert("last_response".into(), last_response(last));
        }
        object.insert("url".into(), url.into());
    }
    object
}

fn last_response(last: Option<&DeliveryView>) -> Value {
    match last {
        None => json!({"code": null, "status": "unused", "message": null}),
        Some(view) => json!({
            "code": view.status_code.unwrap_or(0),
            "status": if view.status == "OK" { "active" } else { "misconfigured" },
            "message": view.status,
        }),
    }
}

/// A delivery as a list shows it.
pub(super) fn item(view: &DeliveryView) -> Value {
    let hundredths = (view.duration.as_secs_f64() * 100.0).round();
    json!({
        "id": view.id,
        "guid": view.guid,
        "delivered_at": time_millis(view.delivered_at),
        "redelivery": view.redelivery,
        "duration": hundredths / 100.0,
        "status": view.status,
        "status_code": view.status_code.unwrap_or(0),
        "event": view.event,
        "action": Some(&view.action).filter(|action| !action.is_empty()),
        "installation_id": view.installation_id,
        "repository_id": view.repository_id,
        "throttled_at": null,
    })
}

/// A delivery with everything that was said.
pub(super) fn delivery(view: &DeliveryView) -> Value {
    let mut object = item(view);
    let event: Value = serde_json::from_slice(&view.json).unwrap_or_default();
    let answer = view
        .status_code
        .map(|_| String::from_utf8_lossy(&view.response_body));
    if let Some(object) = object.as_object_mut() {
        object.insert("url".into(), view.url.clone().into());
        let request = json!({"headers": headers(&view.headers), "payload": event});
        object.insert("request".into(), request);
        let response = json!({"headers": headers(&view.response_headers), "payload": answer});
        object.insert("response".into(), response);
    }
    object
}

fn headers(headers: &[(String, String)]) -> Map<String, Value> {
    headers
        .iter()
        .map(|(name, value)| (name.clone(), value.clone().into()))
        .collect()
}
