//! Sending one request that a guest made.

use super::authorize::{Authorization, Unauthorized};
use super::blot;
use super::body::{LimitedBody, ResponseBody, full, read, whole};
use super::cache::{Question, Recalled};
use super::head::{self, TimeLimits};
use super::mark::Unmarked;
use super::permits::{self, Permit};
use super::stand_in::{self, Way};
use super::tap::{Exchange, Outcome, Tap};
use super::{Audience, Client, Denied, Origin, Shared};
use crate::scrub::Spellings;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::time::{Instant, sleep, timeout, timeout_at};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// Longest time that a refused request may take to be written to its end.
const DRAIN: Duration = Duration::from_secs(5);
/// Longest pause that a reading request waits for; anything else is told how long the pause still is. Long enough for
/// the usual secondary limit of a few seconds, short enough that no instance is held for nothing.
const HOLD_BACK: Duration = Duration::from_secs(5);

/// Checks a request, answers it out of the cache or sends it, and returns the response's head; the body follows as it
/// comes.
pub(super) async fn send(
    shared: &Shared,
    request: Request<WasiBody>,
    options: Option<RequestOptions>,
) -> Result<Response<WasiBody>, Error> {
    let (way, audience) = match shared.admit(request.method(), request.uri()) {
        Ok(admitted) => admitted,
        Err(denied) => return Err(refuse(shared, request, denied).await),
    };
    let request = spelled(request);
    if let Some(left) = shared.pause(audience) {
        if left > HOLD_BACK || !request.method().is_safe() {
            drain(request).await;
            return Ok(wants_a_pause(left));
        }
        sleep(left).await;
    }
    // After the pause: what is known already would only lead the guest to a request that cannot be sent.
    let question = match shared.recall(audience, &request) {
        Recalled::Answer(answer) => return Ok(shared.remembered(&request, answer)),
        Recalled::Question(question) => question,
    };
    let limits = TimeLimits::clamped(options, Instant::now());
    let installation = shared.installation.permits();
    let permit = match permits::take(&shared.permits, installation, limits.room).await {
        Ok(permit) => permit,
        Err(full) => {
            drain(request).await;
            return Err(full);
        }
    };
    let authorization = match authorize(shared, audience, way, request.uri(), &limits).await {
        Ok(authorization) => authorization,
        Err(unauthorized) => {
            drain(request).await;
            return match unauthorized {
                Unauthorized::Answer(answer) => Ok(answer),
                Unauthorized::Error(error) => Err(error),
            };
        }
    };
    if !request.method().is_safe() {
        if let Err(Unmarked) = shared.mark.wait(shared.installation.id()).await {
            drain(request).await;
            // A code that says to the guest that nothing was sent.
            return Err(Error::DestinationUnavailable);
        }
        shared.sent.set();
    }
    let most = shared.limits.request_body as u64;
    let request = request.map(|body| LimitedBody::new(body, most).boxed_unsync());
    let passage = Passage {
        way,
        audience,
        question,
        authorization,
        limits,
        permit,
    };
    match &shared.tap {
        Some(tap) => shown(shared, passage, request, tap).await,
        None => exchange(shared, passage, request).await,
    }
}

/// What a request gets on its way out.
struct Passage<'c> {
    way: &'c Way,
    audience: Audience,
    question: Question,
    authorization: Option<Authorization>,
    limits: TimeLimits,
    permit: Permit,
}

/// Sends a request, and shows it and its response to somebody.
async fn shown(
    shared: &Shared,
    passage: Passage<'_>,
    request: Request<WasiBody>,
    tap: &Tap,
) -> Result<Response<WasiBody>, Error> {
    let has_credential = passage.authorization.is_some();
    let (request, mut seen) = timeout_at(passage.limits.head, observe(request, has_credential))
        .await
        .map_err(|_| Error::ConnectionWriteTimeout)??;
    let began = Instant::now();
    let result = match exchange(shared, passage, request).await {
        Ok(response) => collect(response).await,
        Err(error) => Err(error),
    };
    seen.took = began.elapsed();
    seen.outcome = match &result {
        Ok(response) => shared.scrubbed(response),
        Err(error) => Outcome::Failed(error.into()),
    };
    tap(seen);
    result.map(whole)
}

impl Shared {
    fn admit(&self, method: &Method, uri: &Uri) -> Result<(&Way, Audience), Denied> {
        let counted =
            self.requests_left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                });
        if counted.is_err() {
            return Err(Denied::TooMany);
        }
        let audience = self.installation.policy().check(method, uri)?;
        let way = self.way.as_ref().ok_or(Denied::Nowhere)?;
        Ok((way, audience))
    }

    /// How long the API wants no requests. Other servers have said nothing about that.
    fn pause(&self, audience: Audience) -> Option<Duration> {
        match audience {
            Audience::Api => self.installation.budget().paused_for(Instant::now()),
            Audience::Other => None,
        }
    }

    /// What is known about a request. What the API answers to one that names no organization is another thing for each of
    /// an App's, so that is not kept.
    fn recall(&self, audience: Audience, request: &Request<WasiBody>) -> Recalled {
        if audience == Audience::Api && !self.names_its_account(request.uri()) {
            return Recalled::Question(Question::Other);
        }
        self.installation.cache().recall(request, Instant::now())
    }

    /// Takes in what an answer says about the budget.
    pub(super) fn note(
        &self,
        audience: Audience,
        status: StatusCode,
        headers: &HeaderMap,
        now: Instant,
    ) {
        // A server that does not know the credential speaks of the budget of anonymous requests.
        if audience == Audience::Api && status != StatusCode::UNAUTHORIZED {
            self.installation.budget().note(status, headers, now);
        }
    }

    /// Tells the operator why a request was refused: once for each call, since a guest may try as often as it likes.
    pub(super) fn tell_refusal(&self, why: &dyn std::fmt::Display) {
        if !self.told_refusal.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                installation = self.installation.id(),
                "a request was refused: {why}"
            );
        }
    }

    /// Gives an answer for which nothing was sent.
    fn remembered<B>(&self, request: &Request<B>, answer: Response<Bytes>) -> Response<WasiBody> {
        if let Some(tap) = &self.tap {
            let mut seen = Exchange::begun(request, vec![], false);
            (seen.from_cache, seen.outcome) = (true, self.scrubbed(&answer));
            tap(seen);
        }
        whole(answer)
    }

    fn scrubbed(&self, response: &Response<Bytes>) -> Outcome {
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| (name.clone(), self.scrubbed_value(value)))
            .collect();
        Outcome::Answered {
            status: response.status().as_u16(),
            headers,
            body: self.installation.scrub_bytes(response.body()).into_owned(),
        }
    }

    fn scrubbed_value(&self, value: &HeaderValue) -> HeaderValue {
        // What stands in a secret's place is fit for a header field.
        let scrubbed = self.installation.scrub_bytes(value.as_bytes());
        HeaderValue::from_bytes(&scrubbed).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// The request with its destination in the one spelling that leaves the host.
fn spelled(mut request: Request<WasiBody>) -> Request<WasiBody> {
    if let Ok(origin) = Origin::of(request.uri()) {
        let uri = std::mem::take(request.uri_mut());
        *request.uri_mut() = origin.spelled(uri);
    }
    request
}

/// Answers a request that may not be sent.
async fn refuse(shared: &Shared, request: Request<WasiBody>, denied: Denied) -> Error {
    shared.tell_refusal(&denied);
    drain(request).await;
    Error::HttpRequestDenied
}

/// Reads a request that will not be sent to its end. However slowly the guest writes, it gets its answer.
async fn drain(request: Request<WasiBody>) {
    let read = async {
        let mut body = request.into_body();
        while let Some(Ok(_)) = body.frame().await {}
    };
    let _ = timeout(DRAIN, read).await;
}

/// What a server that wants a pause would say, said in its place.
pub(super) fn wants_a_pause(left: Duration) -> Response<WasiBody> {
    let seconds = left.as_secs() + u64::from(left.subsec_nanos() > 0);
    let text = r#"{"message":"The server has asked for a pause; the host sends nothing until it is over."}"#;
    let mut response = whole(Response::new(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = StatusCode::TOO_MANY_REQUESTS;
    response.headers_mut().insert(RETRY_AFTER, seconds.into());
    response
}

/// The credential goes to the API alone. Getting one takes no longer than the guest wants to wait.
async fn authorize(
    shared: &Shared,
    audience: Audience,
    way: &Way,
    uri: &Uri,
    limits: &TimeLimits,
) -> Result<Option<Authorization>, Unauthorized> {
    match (audience, way) {
        (Audience::Other, _) | (_, Way::StandIn(_)) => Ok(None),
        (Audience::Api, Way::Network(client)) => {
            timeout_at(limits.room, shared.authorize(client, uri))
                .await
                .unwrap_or(Err(Unauthorized::Error(Error::DestinationUnavailable)))
        }
    }
}

async fn exchange(
    shared: &Shared,
    passage: Passage<'_>,
    mut request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    let client = match passage.way {
        Way::Network(client) => client,
        Way::StandIn(stand_in) => {
            let about = (passage.audience, passage.question);
            let within = (passage.limits, passage.permit);
            return stand_in::answer(shared, stand_in.as_ref(), about, within, request).await;
        }
    };
    passage.question.put_condition(request.headers_mut());
    let (response, sent) = match &passage.authorization {
        Some(authorization) if authorization.is_renewable() => {
            transmit_renewing(shared, client, &passage, authorization, request).await?
        }
        authorization => {
            transmit(shared, client, &passage, authorization.as_ref(), request).await?
        }
    };
    let now = Instant::now();
    shared.note(passage.audience, response.status(), response.headers(), now);
    let Passage {
        question,
        limits,
        permit,
        ..
    } = passage;
    let most = shared.limits.response_body as u64;
    let response = response
        .map(|body| ResponseBody::new(body, most, limits.between_bytes, permit).boxed_unsync());
    let response = match sent {
        Some(secret) => blot::blotted(response, secret)?,
        None => response,
    };
    shared.installation.cache().learn(question, response, now)
}

/// The head of a response, and the secret that went with its request.
type Received = (Response<Incoming>, Option<Arc<Spellings>>);

/// Sends a request, and once more with a new credential if the server does not know this one. Then it has not acted
/// either (RFC 9110, section 15.5.2), so nothing is done twice.
async fn transmit_renewing(
    shared: &Shared,
    client: &Client,
    passage: &Passage<'_>,
    authorization: &Authorization,
    request: Request<WasiBody>,
) -> Result<Received, Error> {
    let (head, body) = request.into_parts();
    let body = timeout_at(passage.limits.head, read(body))
        .await
        .map_err(|_| Error::ConnectionWriteTimeout)??;
    let again = Request::from_parts(head.clone(), full(body.clone()));
    let request = Request::from_parts(head, full(body));
    let received = transmit(shared, client, passage, Some(authorization), request).await?;
    if received.0.status() != StatusCode::UNAUTHORIZED {
        return Ok(received);
    }
    // After its time nothing is sent any more: a request without time for an answer would have an unknown outcome.
    let renewed = timeout_at(passage.limits.head, shared.renew(client, authorization));
    match renewed.await.unwrap_or_default() {
        Some(renewed) => transmit(shared, client, passage, Some(&renewed), again).await,
        None => Ok(received),
    }
}

async fn transmit(
    shared: &Shared,
    client: &Client,
    passage: &Passage<'_>,
    authorization: Option<&Authorization>,
    mut request: Request<WasiBody>,
) -> Result<Received, Error> {
    if let Some(authorization) = authorization {
        authorization.put(&mut request);
        blot::ask_for_plain(&mut request);
    }
    let response = head::request(client, request, &passage.limits).await;
    let response = response.map_err(|failure| failure.told(shared))?;
    Ok((response, authorization.map(Authorization::secret)))
}

/// Reads a request to its end, so that it can be shown, and makes it anew.
async fn observe(
    request: Request<WasiBody>,
    credential_added: bool,
) -> Result<(Request<WasiBody>, Exchange), Error> {
    let (head, body) = request.into_parts();
    let body = read(body).await?;
    let request = Request::from_parts(head, body);
    let seen = Exchange::begun(&request, request.body().to_vec(), credential_added);
    Ok((request.map(full), seen))
}

async fn collect(response: Response<WasiBody>) -> Result<Response<Bytes>, Error> {
    let (head, body) = response.into_parts();
    Ok(Response::from_parts(head, read(body).await?))
}

#[cfg(test)]
mod tests;
