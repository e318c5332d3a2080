//! Webhooks: signed over the raw bytes, 10 s to answer, never retried, logged, and redeliverable under the same GUID.

use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use hmac::{Hmac, Mac as _};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use sha2::Sha256;
use tokio::sync::oneshot;

use super::super::fault::{Armed, Injected, Schedule, schedule_methods};

/// What happens to a delivery that a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DeliveryEffect {
    /// Never sent, and in no log.
    Drop,
    /// Sent twice, byte for byte, under one GUID.
    Duplicate,
    /// Sent this much later; the later deliveries of the same run wait behind it.
    Delay(Duration),
    /// Sent this much later while the later deliveries of the same run overtake it.
    Overtaken(Duration),
    /// Signed with another secret.
    BadSignature,
    /// Sent without a signature.
    NoSignature,
    /// `conclusion` is null and `status` is queued although the action says otherwise: seen in the wild.
    NullConclusion,
}

/// A delivery fault: event, action, how often, effect.
#[derive(Debug, Clone)]
pub struct DeliveryFault {
    name: Option<String>,
    event: String,
    action: Option<String>,
    pub(super) schedule: Schedule,
    effect: DeliveryEffect,
}

impl DeliveryFault {
    /// Strikes every delivery of that event; `*` means any.
    #[must_use]
    pub fn new(event: impl Into<String>, effect: DeliveryEffect) -> Self {
        Self {
            name: None,
            event: event.into(),
            action: None,
            schedule: Schedule::default(),
            effect,
        }
    }

    /// Only deliveries of this action.
    #[must_use]
    pub fn action(mut self, action: impl Into<String>) -> Self {
        self.action = Some(action.into());
        self
    }

    /// The name under which [`StruckDelivery`] tells of it.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    schedule_methods!();
}

/// A delivery that a fault with a name struck. The log of deliveries shows only what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StruckDelivery {
    /// When the delivery was due.
    pub at: SystemTime,
    /// Name of the fault.
    pub fault: String,
    /// Event name.
    pub event: String,
    /// Action of the event.
    pub action: String,
    /// Workflow run that it is about.
    pub run_id: u64,
}

/// A delivery as the log shows it.
#[derive(Debug, Clone, PartialEq)]
pub struct DeliveryView {
    /// Id of this attempt.
    pub id: u64,
    /// Id of the event; a redelivery repeats it.
    pub guid: String,
    /// Hook that it went to.
    pub hook_id: u64,
    /// Event name.
    pub event: String,
    /// Action of the event.
    pub action: String,
    /// Workflow run that it is about.
    pub run_id: u64,
    /// Status that the receiver answered; `None` if it did not, or not in time.
    pub status_code: Option<u16>,
    /// `OK`, or what went wrong.
    pub status: String,
    /// Whether this was a redelivery.
    pub redelivery: bool,
    /// When it was sent.
    pub delivered_at: SystemTime,
    /// How long the receiver took.
    pub duration: Duration,
    /// Request headers as sent.
    pub headers: Vec<(String, String)>,
    /// Body as sent; empty when bodies are not kept.
    pub payload: Bytes,
}

/// A webhook, by default an App's.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: u64,
    /// The only owner whose repositories it hears of; none for all.
    pub(super) owner: Option<String>,
    pub(super) url: String,
    pub(super) secret: Option<String>,
    pub(super) events: Vec<String>,
}

impl Hook {
    pub(super) fn wants(&self, event: &str, owner: &str) -> bool {
        let is_of = |only: &String| only.eq_ignore_ascii_case(owner);
        self.owner.as_ref().is_none_or(is_of)
            && self
                .events
                .iter()
                .any(|wanted| wanted == event || wanted == "*")
    }
}

/// A delivery about to be sent.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) hook: Hook,
    pub(super) guid: String,
    pub(super) event: &'static str,
    pub(super) action: String,
    pub(super) run_id: u64,
    pub(super) payload: Bytes,
    pub(super) redelivery: bool,
    /// Done when the delivery before it, of the same run to the same hook, is done.
    pub(super) after: Option<oneshot::Receiver<()>>,
    pub(super) done: Option<oneshot::Sender<()>>,
}

/// All delivery faults.
#[derive(Debug, Default)]
pub(super) struct DeliveryFaults(Vec<(DeliveryFault, Armed)>);

impl DeliveryFaults {
    pub(super) fn inject(&mut self, fault: DeliveryFault) -> Injected {
        let armed = Armed::new(fault.schedule.clone());
        let handle = armed.handle();
        self.0.push((fault, armed));
        handle
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// All effects that strike, with the names of their faults; one delivery can be late and doubled.
    pub(super) fn strike(
        &mut self,
        event: &str,
        action: &str,
    ) -> Vec<(DeliveryEffect, Option<String>)> {
        let mut effects = Vec::new();
        for (fault, armed) in &mut self.0 {
            let matches = (fault.event == "*" || fault.event == event)
                && fault.action.as_ref().is_none_or(|wanted| wanted == action);
            if matches && armed.occasion(0) {
                effects.push((fault.effect.clone(), fault.name.clone()));
            }
        }
        effects
    }
}

/// `sha256=<hex>` over the raw body.
#[must_use]
pub fn signature(secret: &str, body: &[u8]) -> String {
    // HMAC takes keys of any length, so that the error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(secret.as_bytes()) else {
        return String::new();
    };
    mac.update(body);
    let mut text = String::from("sha256=");
    for byte in mac.finalize().into_bytes() {
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// The oddity of [`DeliveryEffect::NullConclusion`], applied to a finished body.
pub(super) fn without_conclusion(payload: &Bytes) -> Bytes {
    let Ok(mut value) = serde_json::from_slice::<Value>(payload) else {
        return payload.clone();
    };
    for subject in ["workflow_run", "workflow_job"] {
        if let Some(object) = value.get_mut(subject).and_then(Value::as_object_mut) {
            object.insert("conclusion".into(), Value::Null);
            object.insert("status".into(), "queued".into());
        }
    }
    Bytes::from(value.to_string())
}

/// Client for deliveries: plain HTTP, connections kept.
pub(super) type Client = hyper_util::client::legacy::Client<
    hyper_util::client::legacy::connect::HttpConnector,
    Full<Bytes>,
>;

pub(super) fn client() -> Client {
    hyper_util::client::legacy::Client::builder(hyper_util::rt::TokioExecutor::new())
        .http1_title_case_headers(true)
        .build_http()
}

/// The delivery's headers beside those of HTTP itself.
pub(super) fn headers(
    outgoing: &Outgoing,
    app_id: u64,
    signature: Option<String>,
) -> Vec<(String, String)> {
    let mut headers = vec![
        (
            "User-Agent".to_owned(),
            "GitHub-Hookshot/51a77e1".to_owned(),
        ),
        ("Accept".to_owned(), "*/*".to_owned()),
        ("Content-Type".to_owned(), "application/json".to_owned()),
        ("X-GitHub-Event".to_owned(), outgoing.event.to_owned()),
        ("X-GitHub-Delivery".to_owned(), outgoing.guid.clone()),
        ("X-GitHub-Hook-ID".to_owned(), outgoing.hook.id.to_string()),
        (
            "X-GitHub-Hook-Installation-Target-Type".to_owned(),
            "integration".to_owned(),
        ),
        (
            "X-GitHub-Hook-Installation-Target-ID".to_owned(),
            app_id.to_string(),
        ),
    ];
    if let Some(signature) = signature {
        headers.push(("X-Hub-Signature-256".to_owned(), signature));
    }
    headers
}

/// Sends once and says how it went: answered status, words for the log, time taken.
pub(super) async fn send(
    client: &Client,
    url: &str,
    headers: &[(String, String)],
    payload: Bytes,
    limit: Duration,
) -> (Option<u16>, String, Duration) {
    let started = Instant::now();
    let mut request = Request::post(url);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    let outcome = match request.body(Full::new(payload)) {
        Err(error) => (None, format!("Invalid URL: {error}")),
        Ok(request) => match tokio::time::timeout(limit, client.request(request)).await {
            Err(_) => (None, "timed out".to_owned()),
            Ok(Err(_)) => (None, "failed to connect to host".to_owned()),
            Ok(Ok(response)) => {
                let status = response.status();
                // The body is read so that the connection can be used again.
                let _ = tokio::time::timeout(limit, response.into_body().collect()).await;
                let words = if status.is_success() {
                    "OK".to_owned()
                } else {
                    format!("Invalid HTTP Response: {}", status.as_u16())
                };
                (Some(status.as_u16()), words)
            }
        },
    };
    (outcome.0, outcome.1, started.elapsed())
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
}
