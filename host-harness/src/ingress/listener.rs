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
//! | 408 | the body took longer than GitHub itself would wait |
//! | 413 | larger than 25 MB, the most that GitHub sends |
//! | 503 | too much is waiting; send it again |
//!
//! Before a body is read, the installation has to exist and a signature to be there, and there has to be room for it:
//! strangers cannot make the host hold more than [`ROOM`].

use super::recent::Recent;
use super::signature::{self, SignatureError};
use crate::clock;
use crate::contract::{Delivery, Header, Webhooks};
use crate::egress::is_credential;
use crate::installation::Installation;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Path, Request, State};
use axum::http::header::CONTENT_LENGTH;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Largest body, in bytes: GitHub's documented limit of a payload.
const LARGEST_BODY: usize = 25 << 20;
/// Room for bodies that are being read, wait, or are being handled, in KiB: ten of the largest, or ten thousand of the
/// usual 20 KB. Above, senders are told to come again.
pub const ROOM: u32 = 256 * 1024;
/// Deliveries that wait for the plugin.
const QUEUE: usize = 10_000;
/// How long a body may take. GitHub gives a delivery up after 10 s, an Enterprise Server after 30 s.
const BODY_TIME: Duration = Duration::from_secs(30);
/// Delivery ids that are remembered.
const REMEMBERED: usize = 10_000;

/// A verified delivery on its way to the plugin.
#[derive(Debug)]
pub struct Accepted {
    /// Whose it is.
    pub installation: Arc<Installation>,
    /// What came.
    pub delivery: Delivery,
    /// Its share of the room, given back when it has been handled.
    _room: OwnedSemaphorePermit,
}

/// What the listener knows.
pub struct Ingress {
    installations: BTreeMap<String, Arc<Installation>>,
    webhooks: Option<Webhooks>,
    queue: mpsc::Sender<Accepted>,
    room: Arc<Semaphore>,
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
            room: Arc::new(Semaphore::new(
                usize::try_from(ROOM).unwrap_or(Semaphore::MAX_PERMITS),
            )),
            recent: Mutex::new(Recent::new(REMEMBERED)),
            readiness: Box::new(readiness),
        };
        (Arc::new(ingress), accepted)
    }

    /// The routes.
    pub fn router(self: &Arc<Ingress>) -> Router {
        Router::new()
            .route("/webhooks/{installation}", post(webhook))
            .route("/health/live", get(|| async { "alive\n" }))
            .route("/health/ready", get(ready))
            .with_state(self.clone())
    }

    /// Takes one delivery in: checks its head, reads its body, verifies, recognizes and queues it.
    async fn accept(&self, id: &str, headers: &HeaderMap, body: Body) -> Result<Reply, Reply> {
        let not_found = || {
            (
                StatusCode::NOT_FOUND,
                format!("no installation {id:?} here"),
            )
        };
        let installation = self.installations.get(id).ok_or_else(not_found)?;
        let webhooks = self.webhooks.as_ref().ok_or_else(not_found)?;
        let secret = installation.webhook_secret();
        let refused = |error: SignatureError| {
            tracing::warn!(installation = id, "a delivery was refused: {error}");
            (StatusCode::UNAUTHORIZED, error.to_string())
        };
        signature::verify_head(secret, webhooks, headers).map_err(refused)?;
        let room = self.room_for(headers)?;
        let body = read(body).await?;
        signature::verify(secret, webhooks, headers, &body).map_err(refused)?;
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
        self.queue_once(Accepted {
            installation: installation.clone(),
            delivery: Delivery {
                id: delivery_id.to_owned(),
                headers: for_guest(headers),
                body: body.into(),
                received: clock::timestamp(),
            },
            _room: room,
        })
    }

    /// Room for a body of the announced length; of the largest, if none is announced.
    fn room_for(&self, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Reply> {
        let length = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok())
            .unwrap_or(LARGEST_BODY);
        if length > LARGEST_BODY {
            return Err(too_large());
        }
        let kibibytes = u32::try_from(length / 1024 + 1).unwrap_or(ROOM);
        let room = self.room.clone().try_acquire_many_owned(kibibytes);
        room.map_err(|_| too_many())
    }

    fn queue_once(&self, delivery: Accepted) -> Result<Reply, Reply> {
        let key = delivery.key();
        let has_id = !delivery.delivery.id.is_empty();
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        if has_id && !recent.insert(key.clone()) {
            return Ok(accepted("known already"));
        }
        // Under the lock, so that a repetition is told that it is one only if the first is really on its way.
        self.queue
            .try_send(delivery)
            .map(|()| accepted("accepted"))
            .map_err(|_full| {
                recent.remove(&key);
                too_many()
            })
    }

    /// Forgets a delivery that could not be handled, so that it can be sent again.
    pub fn forget(&self, delivery: &Accepted) {
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        recent.remove(&delivery.key());
    }
}

impl Accepted {
    fn key(&self) -> String {
        format!("{} {}", self.installation.id(), self.delivery.id)
    }
}

async fn read(body: Body) -> Result<Bytes, Reply> {
    let body = Limited::new(body, LARGEST_BODY).collect();
    match tokio::time::timeout(BODY_TIME, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err((
            StatusCode::BAD_REQUEST,
            format!("the body cannot be read: {error}"),
        )),
        Err(_late) => Err((
            StatusCode::REQUEST_TIMEOUT,
            "the body took too long".to_owned(),
        )),
    }
}

fn too_large() -> Reply {
    (
        StatusCode::PAYLOAD_TOO_LARGE,
        format!("the body is larger than {LARGEST_BODY} bytes"),
    )
}

fn too_many() -> Reply {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        "too many deliveries are waiting; send it again".to_owned(),
    )
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
    request: Request,
) -> Reply {
    let (head, body) = request.into_parts();
    let result = ingress.accept(&installation, &head.headers, body).await;
    let (status, text) = result.unwrap_or_else(|refusal| refusal);
    (status, text + "\n")
}

async fn ready(State(ingress): State<Arc<Ingress>>) -> Reply {
    match (ingress.readiness)() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    }
}
