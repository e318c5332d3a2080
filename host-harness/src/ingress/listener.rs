//! The listener: `POST /webhooks/{installation}`, `GET /health/live`, `GET /health/ready`, `GET /metrics`.
//!
//! A delivery is answered as soon as it is verified and in the journal; the answer never waits for the plugin, the
//! server or Port. What the answer says:
//!
//! | status | when |
//! |---|---|
//! | 202 | taken, and not lost by a kill; or of no interest (another event, the same delivery again) |
//! | 400 | the header that names the event is missing, or the body breaks off |
//! | 401 | the signature is missing or wrong |
//! | 404 | no such installation |
//! | 408 | the body took longer than GitHub itself would wait |
//! | 413 | larger than 25 MB, the most that GitHub sends |
//! | 429 | too many deliveries of this installation wait |
//! | 503 | too many deliveries of all installations wait, or the journal cannot be written: send it again |
//!
//! Before a body is read, the installation has to exist and a signature to be there, and there has to be room for it:
//! strangers cannot make the host hold more than [`ROOM`].
//!
//! `POST /integration/webhook` is where the integration that this host can replace listens. It stands for the only
//! installation, where there is only one.

use super::signature::{self, SignatureError};
use crate::clock;
use crate::contract::{Delivery, Header, Webhooks};
use crate::egress::is_credential;
use crate::inbox::{Accepted, Inbox, to_journal};
use crate::installation::Installation;
use crate::journal::{Change, DeliveryKey, Journal};
use crate::metrics::Metrics;
use crate::watcher::{Answered, Watching};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Largest body, in bytes: GitHub's documented limit of a payload.
const LARGEST_BODY: usize = 25 << 20;
/// Room for bodies that are being read, wait, or are being handled, in KiB: ten of the largest, or ten thousand of the
/// usual 20 KB. Above, senders are told to come again.
pub const ROOM: u32 = 256 * 1024;
/// Deliveries of one installation that are being read, wait, or are being handled. A fifth of what the room holds of the
/// usual ones, so that one installation cannot take all of it.
const EACH: usize = 2_000;
/// Steps in which room is taken while a body comes in, in KiB. A sender that announces 25 MB and sends little holds
/// little.
const STEP: u32 = 8;
/// How long a body may take. GitHub gives a delivery up after 10 s.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What a listener works with.
pub struct IngressOptions {
    /// Whose deliveries are taken.
    pub installations: Vec<Arc<Installation>>,
    /// The plugin's description of its deliveries.
    pub webhooks: Option<Webhooks>,
    /// What stands before every path: empty, or `/` and some more.
    pub path_prefix: String,
    /// Where deliveries are written down.
    pub journal: Journal,
    /// Where they go then.
    pub inbox: Inbox,
    /// Where is counted, and what `/metrics` shows.
    pub metrics: Metrics,
    /// Who is shown what is not taken in.
    pub watcher: Watching,
    /// Brings the gauges up to date before `/metrics` shows them.
    pub measure: Box<dyn Fn() + Send + Sync>,
    /// What `/health/ready` answers.
    pub readiness: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
}

/// What the listener knows.
pub struct Ingress {
    installations: BTreeMap<String, Receiver>,
    webhooks: Option<Webhooks>,
    path_prefix: String,
    journal: Journal,
    inbox: Inbox,
    metrics: Metrics,
    watcher: Watching,
    measure: Box<dyn Fn() + Send + Sync>,
    readiness: Box<dyn Fn() -> Result<(), String> + Send + Sync>,
    room: Arc<Semaphore>,
}

/// One installation, and its share of the room.
struct Receiver {
    installation: Arc<Installation>,
    share: Arc<Semaphore>,
}

/// What becomes of a request: a status and a sentence.
type Reply = (StatusCode, String);

/// A request that was answered well.
enum Taken {
    /// The journal has it, and the inbox.
    Kept,
    /// It came before.
    KnownAlready,
    /// The plugin does not want such events.
    OfNoInterest,
}

impl Taken {
    fn as_str(&self) -> &'static str {
        match self {
            Taken::Kept => "accepted",
            Taken::KnownAlready => "known already",
            Taken::OfNoInterest => "of no interest",
        }
    }
}

impl Ingress {
    /// A listener.
    pub fn new(options: IngressOptions) -> Arc<Ingress> {
        let receiver = |installation: Arc<Installation>| {
            let receiver = Receiver {
                share: Arc::new(Semaphore::new(EACH)),
                installation,
            };
            (receiver.installation.id().to_owned(), receiver)
        };
        Arc::new(Ingress {
            installations: options.installations.into_iter().map(receiver).collect(),
            webhooks: options.webhooks,
            path_prefix: options.path_prefix,
            journal: options.journal,
            inbox: options.inbox,
            metrics: options.metrics,
            watcher: options.watcher,
            measure: options.measure,
            readiness: options.readiness,
            room: Arc::new(Semaphore::new(
                usize::try_from(ROOM).unwrap_or(Semaphore::MAX_PERMITS),
            )),
        })
    }

    /// The routes.
    pub fn router(self: &Arc<Ingress>) -> Router {
        let routes = Router::new()
            .route("/webhooks/{installation}", post(webhook))
            .route("/integration/webhook", post(only_webhook))
            .route("/health/live", get(|| async { "alive\n" }))
            .route("/health/ready", get(ready))
            .route("/metrics", get(metrics))
            .with_state(self.clone());
        match self.path_prefix.as_str() {
            "" => routes,
            prefix => Router::new().nest(prefix, routes),
        }
    }

    /// Takes one delivery in: checks its head, reads its body, verifies, recognizes, writes it down.
    async fn accept(
        self: &Arc<Ingress>,
        id: &str,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Taken, Reply> {
        let not_found = || {
            (
                StatusCode::NOT_FOUND,
                format!("no installation {id:?} here"),
            )
        };
        let receiver = self.installations.get(id).ok_or_else(not_found)?;
        let webhooks = self.webhooks.as_ref().ok_or_else(not_found)?;
        let secret = receiver.installation.webhook_secret();
        let refused = |error: SignatureError| {
            tracing::warn!(installation = id, "a delivery was refused: {error}");
            (StatusCode::UNAUTHORIZED, error.to_string())
        };
        signature::verify_head(secret, webhooks, headers).map_err(refused)?;
        let mut room = vec![receiver.share()?];
        let body = self.read(headers, body, &mut room).await?;
        signature::verify(secret, webhooks, headers, &body).map_err(refused)?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let event = text(&webhooks.event_header).ok_or_else(|| {
            (
                StatusCode::BAD_REQUEST,
                format!("the header {} is missing", webhooks.event_header),
            )
        })?;
        if !webhooks.events.iter().any(|wanted| wanted == event) {
            return Ok(Taken::OfNoInterest);
        }
        let delivery_id = text(&webhooks.delivery_header).unwrap_or_default();
        let delivery = Delivery {
            id: delivery_id.to_owned(),
            headers: for_guest(headers),
            body: body.into(),
            received: clock::timestamp(),
        };
        let delivery = Accepted {
            installation: receiver.installation.clone(),
            key: DeliveryKey {
                installation: id.to_owned(),
                delivery: name(&delivery),
            },
            delivery,
            room,
        };
        // A task of its own: if the sender hangs up now, this future is dropped, and the journal must not be left with a
        // delivery that nobody handles.
        let ingress = self.clone();
        let kept = tokio::spawn(async move { ingress.keep(delivery).await });
        kept.await.unwrap_or_else(|_| Err(too_many()))
    }

    /// Writes a delivery down. Only then it is taken.
    async fn keep(&self, delivery: Accepted) -> Result<Taken, Reply> {
        let stored = to_journal(delivery.key.clone(), &delivery.delivery);
        let written = self.journal.commit(vec![Change::Delivery(stored)]).await;
        match written {
            Ok(committed) if committed.fresh => {
                self.inbox.put(delivery);
                Ok(Taken::Kept)
            }
            Ok(_) => Ok(Taken::KnownAlready),
            Err(error) => Err((
                StatusCode::SERVICE_UNAVAILABLE,
                format!("{error}; send the delivery again"),
            )),
        }
    }

    /// Shows a request that is not taken in to whoever watches.
    fn show(&self, installation: &str, headers: &HeaderMap, status: StatusCode, reason: &str) {
        let (Some(watcher), Some(webhooks)) = (&self.watcher, &self.webhooks) else {
            return;
        };
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        watcher.turned_away(Answered {
            installation,
            event: text(&webhooks.event_header).unwrap_or_default(),
            delivery: text(&webhooks.delivery_header).unwrap_or_default(),
            status,
            reason,
        });
    }

    /// Reads a body, and takes room for it as it comes.
    async fn read(
        &self,
        headers: &HeaderMap,
        body: Body,
        room: &mut Vec<OwnedSemaphorePermit>,
    ) -> Result<Bytes, Reply> {
        let announced = headers
            .get(CONTENT_LENGTH)
            .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
        if announced.is_some_and(|length| length > LARGEST_BODY) {
            return Err(too_large());
        }
        let read = self.read_frames(body, room);
        let late = || {
            let text = "the body took too long".to_owned();
            Err((StatusCode::REQUEST_TIMEOUT, text))
        };
        tokio::time::timeout(BODY_TIME, read)
            .await
            .unwrap_or_else(|_| late())
    }

    async fn read_frames(
        &self,
        body: Body,
        room: &mut Vec<OwnedSemaphorePermit>,
    ) -> Result<Bytes, Reply> {
        let mut body = Limited::new(body, LARGEST_BODY);
        let mut whole = BytesMut::new();
        let mut has_room = 0;
        while let Some(frame) = body.frame().await {
            let frame = frame.map_err(|error| match error.is::<LengthLimitError>() {
                true => too_large(),
                false => {
                    let text = format!("the body cannot be read: {error}");
                    (StatusCode::BAD_REQUEST, text)
                }
            })?;
            let Ok(data) = frame.into_data() else {
                continue;
            };
            while has_room < whole.len() + data.len() {
                let step = self.room.clone().try_acquire_many_owned(STEP);
                room.push(step.map_err(|_| too_many())?);
                has_room += usize::try_from(STEP).unwrap_or_default() * 1024;
            }
            whole.extend_from_slice(&data);
        }
        Ok(whole.freeze())
    }
}

impl Receiver {
    fn share(&self) -> Result<OwnedSemaphorePermit, Reply> {
        self.share.clone().try_acquire_owned().map_err(|_| {
            (
                StatusCode::TOO_MANY_REQUESTS,
                "too many deliveries of this installation are waiting; send it again".to_owned(),
            )
        })
    }
}

/// The sender's id of a delivery, or else a digest: the same body is then the same delivery.
fn name(delivery: &Delivery) -> String {
    if !delivery.id.is_empty() {
        return delivery.id.clone();
    }
    let digest = Sha256::digest(&delivery.body);
    let digest: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256-{digest}")
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
    receive(&ingress, &installation, request).await
}

/// The path without an installation, for the only one.
async fn only_webhook(State(ingress): State<Arc<Ingress>>, request: Request) -> Reply {
    let mut installations = ingress.installations.keys();
    match (installations.next(), installations.next()) {
        (Some(only), None) => {
            let only = only.clone();
            receive(&ingress, &only, request).await
        }
        _ => {
            let text = "several installations are served here: send deliveries to /webhooks/{installation}\n";
            ingress.metrics.delivery_answered(StatusCode::NOT_FOUND);
            (StatusCode::NOT_FOUND, text.to_owned())
        }
    }
}

async fn receive(ingress: &Arc<Ingress>, installation: &str, request: Request) -> Reply {
    let (head, body) = request.into_parts();
    let result = ingress.accept(installation, &head.headers, body).await;
    let is_kept = matches!(result, Ok(Taken::Kept));
    let (status, text) = match result {
        Ok(taken) => (StatusCode::ACCEPTED, taken.as_str().to_owned()),
        Err(refusal) => refusal,
    };
    ingress.metrics.delivery_answered(status);
    if !is_kept {
        ingress.show(installation, &head.headers, status, &text);
    }
    (status, text + "\n")
}

async fn ready(State(ingress): State<Arc<Ingress>>) -> Reply {
    match (ingress.readiness)() {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, reason + "\n"),
    }
}

async fn metrics(State(ingress): State<Arc<Ingress>>) -> Response {
    (ingress.measure)();
    let kind = [(CONTENT_TYPE, crate::metrics::CONTENT_TYPE)];
    (kind, ingress.metrics.render()).into_response()
}
