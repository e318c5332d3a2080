//! The listener: `POST /webhooks/{installation}`, `GET /health/live`, `GET /health/ready`.
//!
//! A delivery is answered as soon as it is verified and queued; the answer never waits for the plugin, GitHub or
//! Port. What the answer says:
//!
//! | status | when |
//! |---|---|
//! | 202 | taken; or of no interest (another event, the same delivery again) |
//! | 400 | the header that names the event is missing |
//! | 401 | the signature is missing or wrong |
//! | 404 | no such installation |
//! | 413 | larger than 25 MB, the most that GitHub sends |
//! | 503 | the queue is full; send it again |

use super::recent::Recent;
use super::signature;
use crate::clock;
use crate::contract::{Delivery, Header, Webhooks};
use crate::egress::is_credential;
use crate::installation::Installation;
use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::mpsc;

/// Largest body, in bytes: GitHub's documented limit of a payload.
const LARGEST_BODY: usize = 25 << 20;
/// Deliveries that wait for a worker. Above, senders are told to come again. A delivery is 20 KB, so 20 MB at most
/// in the usual case.
const QUEUE: usize = 1_000;
/// Delivery ids that are remembered.
const REMEMBERED: usize = 10_000;

/// A verified delivery on its way to the plugin.
#[derive(Debug)]
pub struct Accepted {
    /// Whose it is.
    pub installation: Arc<Installation>,
    /// What came.
    pub delivery: Delivery,
}

/// What the listener knows.
pub struct Ingress {
    installations: BTreeMap<String, Arc<Installation>>,
    webhooks: Option<Webhooks>,
    queue: mpsc::Sender<Accepted>,
    recent: Mutex<Recent>,
    readiness: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

/// What becomes of a request: a status and a sentence.
type Reply = (StatusCode, String);

impl Ingress {
    /// A listener for these installations, and the queue of deliveries that it accepts. `webhooks` is the plugin's
    /// description of its deliveries; `readiness` says what `/health/ready` answers.
    pub fn new(
        installations: impl IntoIterator<Item = Arc<Installation>>,
        webhooks: Option<Webhooks>,
        readiness: impl Fn() -> Result<(), String> + Send + Sync + 'static,
    ) -> (Arc<Ingress>, mpsc::Receiver<Accepted>) {
        let (queue, accepted) = mpsc::channel(QUEUE);
        let ingress = Ingress {
            installations: installations
                .into_iter()
                .map(|installation| (installation.id().to_owned(), installation))
                .collect(),
            webhooks,
            queue,
            recent: Mutex::new(Recent::new(REMEMBERED)),
            readiness: Box::new(readiness),
        };
        (Arc::new(ingress), accepted)
    }

    /// The routes.
    pub fn router(self: &Arc<Ingress>) -> Router {
        Router::new()
            .route("/webhooks/{installation}", post(webhook))
            .layer(DefaultBodyLimit::max(LARGEST_BODY))
            .route("/health/live", get(|| async { "alive\n" }))
            .route("/health/ready", get(ready))
            .with_state(self.clone())
    }

    /// Verifies, recognizes and queues one delivery.
    pub fn accept(&self, installation: &str, headers: &HeaderMap, body: &[u8]) -> Reply {
        self.decide(installation, headers, body)
            .unwrap_or_else(|refusal| refusal)
    }

    fn decide(&self, id: &str, headers: &HeaderMap, body: &[u8]) -> Result<Reply, Reply> {
        let not_found = || {
            (
                StatusCode::NOT_FOUND,
                format!("no installation {id:?} here"),
            )
        };
        let installation = self.installations.get(id).ok_or_else(not_found)?;
        let webhooks = self.webhooks.as_ref().ok_or_else(not_found)?;
        signature::verify(installation.webhook_secret(), webhooks, headers, body).map_err(
            |error| {
                tracing::warn!(installation = id, "a delivery was refused: {error}");
                (StatusCode::UNAUTHORIZED, error.to_string())
            },
        )?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let event = text(&webhooks.event_header).ok_or_else(|| {
            (
                StatusCode::BAD_REQUEST,
                format!("the header {} is missing", webhooks.event_header),
            )
        })?;
        if !webhooks.events.iter().any(|wanted| wanted == event) {
            return Ok(accepted("of no interest"));
        }
        let delivery_id = text(&webhooks.delivery_header).unwrap_or_default();
        self.queue_once(installation, delivery_id, headers, body)
    }

    fn queue_once(
        &self,
        installation: &Arc<Installation>,
        delivery_id: &str,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Reply, Reply> {
        let key = format!("{} {delivery_id}", installation.id());
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if !delivery_id.is_empty() && !recent.insert(key.clone()) {
            return Ok(accepted("known already"));
        }
        let delivery = Delivery {
            id: delivery_id.to_owned(),
            headers: for_guest(headers),
            body: body.to_vec(),
            received: clock::timestamp(),
        };
        let queued = self.queue.try_send(Accepted {
            installation: installation.clone(),
            delivery,
        });
        queued.map(|()| accepted("accepted")).map_err(|_full| {
            // The sender will bring it again, and then it must not look like a repetition.
            recent.remove(&key);
            (
                StatusCode::SERVICE_UNAVAILABLE,
                "too many deliveries are waiting; send it again".to_owned(),
            )
        })
    }
}

fn accepted(what: &str) -> Reply {
    (StatusCode::ACCEPTED, what.to_owned())
}

fn for_guest(headers: &HeaderMap) -> Vec<Header> {
    headers
        .iter()
        .filter(|(name, _)| !is_credential(name))
        .map(|(name, value)| Header {
            name: name.as_str().to_owned(),
            value: value.as_bytes().to_vec(),
        })
        .collect()
}

async fn webhook(
    State(ingress): State<Arc<Ingress>>,
    Path(installation): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Reply {
    let (status, text) = ingress.accept(&installation, &headers, &body);
    (status, text + "\n")
}

async fn ready(State(ingress): State<Arc<Ingress>>) -> Reply {
    match (ingress.readiness)() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    }
}
