//! Deliveries of the scenario's own, signed as the plugin's manifest says, to the host's listener.

use super::recording::Delivery;
use super::schema::{Scenario, Signed, Step};
use super::world::HOST;
use crate::contract::Webhooks;
use crate::ingress::sign;
use crate::network::{Connector, Network};
use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::rt::TokioExecutor;
use secrecy::SecretString;

/// Somebody who posts deliveries.
pub(super) struct Post {
    client: Client<Connector<GaiResolver>, Full<Bytes>>,
    webhooks: Option<Webhooks>,
}

/// A delivery.
pub(super) struct Mail {
    /// For which installation.
    to: String,
    pub(super) event: String,
    id: String,
    body: Bytes,
    secret: Option<String>,
}

impl Mail {
    /// The delivery of a step. In its body `{{ external-run-id }}` stands for the run's id on the server.
    pub(super) fn of(
        step: &Step,
        scenario: &Scenario,
        external_run_id: Option<&str>,
    ) -> Result<Mail, String> {
        let to = step
            .installation
            .as_deref()
            .unwrap_or_else(|| scenario.main());
        let signed_by = step.signed_by.as_deref().unwrap_or(to);
        let text = match (&step.json, &step.text) {
            (Some(json), None) => json.to_string(),
            (None, Some(text)) => text.clone(),
            (None, None) => String::new(),
            _ => return Err("a body is `json` or `text`, not both".to_owned()),
        };
        const HERE: &str = "{{ external-run-id }}";
        if text.contains(HERE) && external_run_id.is_none() {
            return Err("the run has no external run id yet".to_owned());
        }
        Ok(Mail {
            to: to.to_owned(),
            event: step.event.clone().unwrap_or_default(),
            id: step.id.clone().unwrap_or_else(|| "delivery-1".to_owned()),
            body: Bytes::from(text.replace(HERE, external_run_id.unwrap_or_default())),
            secret: match step.signature.unwrap_or_default() {
                Signed::Good => Some(scenario.secret_of(signed_by)),
                Signed::Bad => Some("another secret".to_owned()),
                Signed::None => None,
            },
        })
    }
}

impl Mail {
    /// One that came when the recording was made, signed anew.
    pub(super) fn again(recorded: &Delivery, scenario: &Scenario) -> Mail {
        Mail {
            to: recorded.installation.clone(),
            event: recorded.event.clone(),
            id: recorded.id.clone(),
            body: recorded.body.clone(),
            secret: Some(scenario.secret_of(&recorded.installation)),
        }
    }
}

impl Post {
    pub(super) fn new(network: Network, webhooks: Option<Webhooks>) -> Post {
        Post {
            client: Client::builder(TokioExecutor::new())
                .build(Connector::new(network, GaiResolver::new())),
            webhooks,
        }
    }

    /// Sends a delivery and says what status it was answered.
    pub(super) async fn send(&self, mail: &Mail) -> Result<u16, String> {
        let webhooks = self.webhooks.as_ref();
        let webhooks = webhooks.ok_or("the plugin wants no webhooks: its manifest names none")?;
        let url = format!("http://{HOST}/webhooks/{}", mail.to);
        let mut request = Request::post(url)
            .header("content-type", "application/json")
            .header(webhooks.delivery_header.as_str(), mail.id.as_str());
        if !mail.event.is_empty() {
            request = request.header(webhooks.event_header.as_str(), mail.event.as_str());
        }
        if let Some(secret) = &mail.secret {
            let value = sign(&SecretString::from(secret.as_str()), webhooks, &mail.body);
            request = request.header(webhooks.signature_header.as_str(), value);
        }
        let request = request
            .body(Full::new(mail.body.clone()))
            .map_err(|error| error.to_string())?;
        let answer = self.client.request(request).await;
        let answer = answer.map_err(|error| crate::transport::causes(&error))?;
        let status = answer.status().as_u16();
        // Read to its end, so that the connection can be used again.
        drop(answer.into_body().collect().await);
        Ok(status)
    }
}
