//! Sending: signed over the raw bytes, 10 s to answer, never retried, logged, and redeliverable under the same GUID.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use sha2::Sha256;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::network::{Connector, Network};

use super::super::super::lock;
use super::super::super::server::text_headers;
use super::super::super::witness::Sight;
use super::super::State;
use super::super::deliveries::{self, DeliveryEffect, DeliveryView, StruckDelivery};
use super::{Content, Hook, Target};

/// How much of a receiver's answer is kept, in bytes.
const ANSWER_KEPT: usize = 64 * 1024;

/// What a delivery tells.
#[derive(Debug, Clone)]
pub(in super::super) struct Event {
    pub(in super::super) guid: String,
    pub(in super::super) name: String,
    /// Empty for an event that has none.
    pub(in super::super) action: String,
    /// 0 for an event that is not about a run.
    pub(in super::super) run_id: u64,
    pub(in super::super) repository_id: Option<u64>,
    pub(in super::super) installation_id: Option<u64>,
    pub(in super::super) json: Bytes,
}

/// A delivery about to be sent.
#[derive(Debug)]
pub(in super::super) struct Outgoing {
    pub(in super::super) hook: Hook,
    pub(in super::super) event: Event,
    pub(in super::super) redelivery: bool,
    /// Done when the delivery before it, of the same run to the same hook, is done.
    pub(in super::super) after: Option<oneshot::Receiver<()>>,
    pub(in super::super) done: Option<oneshot::Sender<()>>,
}

/// Client for deliveries: plain HTTP, connections kept.
pub(in super::super) type Client =
    hyper_util::client::legacy::Client<Connector<GaiResolver>, Full<Bytes>>;

pub(in super::super) fn client(network: Network) -> Client {
    hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http1_title_case_headers(true)
        .build(Connector::new(network, GaiResolver::new()))
}

/// `sha256=<hex>` over the raw body.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so that the error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

/// `sha1=<hex>` over the raw body: the legacy header that GitHub still sends beside the other.
fn legacy_signature(secret: &str, body: &[u8]) -> String {
    use ring::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
    let key = Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret.as_bytes());
    format!("sha1={}", hex(sign(&key, body).as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes that go out, and their content type.
fn encoded(content: Content, json: &Bytes) -> (Bytes, &'static str) {
    match content {
        Content::Json => (json.clone(), "application/json"),
        Content::Form => {
            let form = url::form_urlencoded::Serializer::new(String::new())
                .append_pair("payload", &String::from_utf8_lossy(json))
                .finish();
            (Bytes::from(form), "application/x-www-form-urlencoded")
        }
    }
}

/// The delivery's headers beside those of HTTP itself.
fn headers(
    outgoing: &Outgoing,
    app_id: u64,
    content_type: &str,
    secret: Option<&str>,
    body: &[u8],
) -> Vec<(String, String)> {
    let (target_type, target_id) = match &outgoing.hook.target {
        Target::App(_) => ("integration", app_id),
        Target::Repository(id) => ("repository", *id),
        Target::Organization { id, .. } => ("organization", *id),
    };
    let mut headers = vec![
        ("User-Agent", "GitHub-Hookshot/51a77e1".to_owned()),
        ("Accept", "*/*".to_owned()),
        ("Content-Type", content_type.to_owned()),
        ("X-GitHub-Event", outgoing.event.name.clone()),
        ("X-GitHub-Delivery", outgoing.event.guid.clone()),
        ("X-GitHub-Hook-ID", outgoing.hook.id.to_string()),
        (
            "X-GitHub-Hook-Installation-Target-Type",
            target_type.to_owned(),
        ),
        (
            "X-GitHub-Hook-Installation-Target-ID",
            target_id.to_string(),
        ),
    ];
    if let Some(secret) = secret {
        headers.push(("X-Hub-Signature", legacy_signature(secret, body)));
        headers.push(("X-Hub-Signature-256", signature(secret, body)));
    }
    headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// How one attempt went.
#[derive(Debug, Default)]
struct Attempt {
    status_code: Option<u16>,
    /// Words for the log.
    status: String,
    duration: Duration,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Sends once.
async fn send(
    client: &Client,
    url: &str,
    headers: &[(String, String)],
    body: Bytes,
    limit: Duration,
) -> Attempt {
    let started = Instant::now();
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let mut attempt = Attempt::default();
    match request.body(Full::new(body)) {
        Err(error) => attempt.status = format!("Invalid URL: {error}"),
        Ok(request) => match tokio::time::timeout(limit, client.request(request)).await {
            Err(_) => attempt.status = "timed out".to_owned(),
            Ok(Err(_)) => attempt.status = "failed to connect to host".to_owned(),
            Ok(Ok(response)) => {
                let status = response.status();
                let (parts, body) = response.into_parts();
                attempt.status_code = Some(status.as_u16());
                attempt.status = if status.is_success() {
                    "OK".to_owned()
                } else {
                    format!("Invalid HTTP Response: {}", status.as_u16())
                };
                attempt.headers = text_headers(&parts.headers);
                let _ = tokio::time::timeout(limit, read(body, &mut attempt.body)).await;
            }
        },
    }
    attempt.duration = started.elapsed();
    attempt
}

/// Reads to the end so that the connection can be used again, and keeps the beginning.
async fn read(mut body: Incoming, kept: &mut Vec<u8>) {
    while let Some(Ok(frame)) = body.frame().await {
        if let Ok(data) = frame.into_data() {
            let room = ANSWER_KEPT.saturating_sub(kept.len());
            kept.extend(data.iter().take(room));
        }
    }
}

impl State {
    /// Sends in the background, with whatever the faults have in store.
    pub(in super::super) fn deliver(self: &Arc<Self>, mut outgoing: Outgoing) {
        if !outgoing.hook.active {
            return;
        }
        let effects = self.strike(&outgoing.event);
        let state = Arc::clone(self);
        tokio::spawn(async move {
            // Also before one that is dropped: the deliveries behind must still wait for those before.
            if let Some(after) = outgoing.after.take() {
                let _ = after.await;
            }
            if effects.contains(&DeliveryEffect::Drop) {
                return;
            }
            let mut copies = 1;
            let mut secret = outgoing.hook.config.secret.clone();
            for effect in &effects {
                match effect {
                    DeliveryEffect::Overtaken(time) => {
                        outgoing.done = None;
                        tokio::time::sleep(*time).await;
                    }
                    DeliveryEffect::Delay(time) => tokio::time::sleep(*time).await,
                    DeliveryEffect::Duplicate => copies += 1,
                    DeliveryEffect::NullConclusion => {
                        outgoing.event.json = deliveries::without_conclusion(&outgoing.event.json);
                    }
                    DeliveryEffect::NoSignature => secret = None,
                    DeliveryEffect::BadSignature => secret = Some("another secret".into()),
                    DeliveryEffect::Drop => {}
                }
            }
            for _ in 0..copies {
                state.send(&outgoing, secret.as_deref()).await;
            }
        });
    }

    /// What the faults do to a delivery of this event. Struck ones with a name are written down.
    fn strike(&self, event: &Event) -> Vec<DeliveryEffect> {
        let strikes = lock(&self.delivery_faults).strike(&event.name, &event.action);
        let mut effects = Vec::with_capacity(strikes.len());
        for (effect, fault) in strikes {
            effects.push(effect);
            if let Some(fault) = fault {
                lock(&self.struck_deliveries).push(StruckDelivery {
                    at: self.now(),
                    fault,
                    event: event.name.clone(),
                    action: event.action.clone(),
                    run_id: event.run_id,
                });
            }
        }
        effects
    }

    async fn send(&self, outgoing: &Outgoing, secret: Option<&str>) {
        let config = &outgoing.hook.config;
        let event = &outgoing.event;
        let (body, content_type) = encoded(config.content, &event.json);
        let headers = headers(outgoing, self.options.app_id, content_type, secret, &body);
        let delivered_at = self.now();
        let limit = self.options.delivery_timeout;
        let attempt = send(&self.client, &config.url, &headers, body.clone(), limit).await;
        let kept = |bytes: Bytes| {
            if self.options.keep_bodies {
                bytes
            } else {
                Bytes::new()
            }
        };
        let view = DeliveryView {
            id: self.delivery_id(),
            guid: event.guid.clone(),
            hook_id: outgoing.hook.id,
            event: event.name.clone(),
            action: event.action.clone(),
            run_id: event.run_id,
            repository_id: event.repository_id,
            installation_id: event.installation_id,
            url: config.url.clone(),
            status_code: attempt.status_code,
            status: attempt.status,
            redelivery: outgoing.redelivery,
            delivered_at,
            duration: attempt.duration,
            headers,
            payload: kept(body),
            response_headers: attempt.headers,
            response_body: kept(attempt.body.into()),
            json: kept(event.json.clone()),
        };
        self.options.witness.see(Sight::Delivery(&view));
        lock(&self.deliveries).push(view);
        self.change();
    }

    /// Sends an earlier delivery again under its GUID, to the hook that it went to. `false` if that hook or the body
    /// is not there any more.
    pub(in super::super) fn redeliver(
        self: &Arc<Self>,
        which: impl Fn(&DeliveryView) -> bool,
    ) -> bool {
        let found = lock(&self.deliveries)
            .iter()
            .find(|view| which(view))
            .cloned();
        let Some(view) = found.filter(|view| !view.json.is_empty()) else {
            return false;
        };
        let hook = lock(&self.hooks)
            .iter()
            .find(|hook| hook.id == view.hook_id)
            .cloned();
        let Some(hook) = hook else { return false };
        self.deliver(Outgoing {
            hook,
            event: Event {
                guid: view.guid,
                name: view.event,
                action: view.action,
                run_id: view.run_id,
                repository_id: view.repository_id,
                installation_id: view.installation_id,
                json: view.json,
            },
            redelivery: true,
            after: None,
            done: None,
        });
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_matches_the_documented_vector() {
        assert_eq!(
            signature("It's a Secret to Everybody", b"Hello, World!"),
            "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
        );
    }

    /// The first case of RFC 2202 whose key is text.
    #[test]
    fn the_legacy_signature_matches_the_vector_of_the_standard() {
        assert_eq!(
            legacy_signature("Jefe", b"what do ya want for nothing?"),
            "sha1=effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
        );
    }
}
