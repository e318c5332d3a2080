//! What the host itself asks of GitHub, as an App: is it installed for an organization, and a token for it, please.

use super::refusal::{AppError, Refusal};
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri};
use secrecy::SecretString;
use serde::Deserialize;
use std::time::{Duration, UNIX_EPOCH};

/// Longest text of GitHub's that is repeated, in characters.
const LONGEST_TEXT: usize = 300;
/// The pause after a limit whose length GitHub does not say (GitHub, "Best practices for using the REST API").
const PAUSE: Duration = Duration::from_secs(60);

/// Sends the host's own requests. The seam to the network.
pub trait Sender {
    /// Why there was no answer.
    type Error;

    /// Sends a request and gives the whole answer.
    fn send(
        &self,
        request: Request<Bytes>,
    ) -> impl Future<Output = Result<Response<Bytes>, Self::Error>>;
}

/// An installation of the App, as GitHub answers (`GET /orgs/{org}/installation`).
#[derive(Deserialize)]
pub(super) struct Found {
    pub(super) id: u64,
    suspended_at: Option<serde::de::IgnoredAny>,
}

impl Found {
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended_at.is_some()
    }
}

/// A token that GitHub has made (`POST /app/installations/{id}/access_tokens`).
pub(super) struct Minted {
    pub(super) token: SecretString,
    /// How long it lives from now on.
    pub(super) life: Duration,
}

/// A request as the App, whose JWT is put in by whoever sends it.
pub(super) struct Question {
    pub(super) method: Method,
    /// Below the path at which the API begins.
    pub(super) path: String,
    pub(super) body: Bytes,
}

impl Question {
    pub(super) fn get(path: String) -> Question {
        Question {
            method: Method::GET,
            path,
            body: Bytes::new(),
        }
    }

    /// Sends the request with this JWT.
    pub(super) async fn ask<S: Sender>(
        &self,
        sender: &S,
        api: &Uri,
        jwt: &str,
    ) -> Result<Response<Bytes>, AppError<S::Error>> {
        let url = format!("{}{}", api.to_string().trim_end_matches('/'), self.path);
        let bearer = super::bearer(jwt).map_err(|_| AppError::Unavailable(NO_REQUEST.into()))?;
        let mut request = Request::builder()
            .method(self.method.clone())
            .uri(url)
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header(
                USER_AGENT,
                concat!("host-harness/", env!("CARGO_PKG_VERSION")),
            )
            .header(AUTHORIZATION, bearer)
            .body(self.body.clone())
            .map_err(|_| AppError::Unavailable(NO_REQUEST.into()))?;
        if !self.body.is_empty() {
            let json = HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
        }
        sender.send(request).await.map_err(AppError::Unreachable)
    }
}

const NO_REQUEST: &str = "no request for a token could be made";

/// Reads the answer to a search for an installation. None: there is no such installation.
pub(super) fn found<E>(answer: &Response<Bytes>) -> Result<Option<Found>, AppError<E>> {
    match answer.status() {
        StatusCode::OK => serde_json::from_slice(answer.body())
            .map(Some)
            .map_err(|_| unreadable()),
        StatusCode::NOT_FOUND => Ok(None),
        _ => Err(failed(answer)),
    }
}

/// Reads the answer to a request for a token. None: there is no such installation any more. `clock` is the host's, in
/// seconds since 1970, for a server that does not tell its own.
pub(super) fn minted<E>(
    answer: &Response<Bytes>,
    clock: i64,
) -> Result<Option<Minted>, AppError<E>> {
    #[derive(Deserialize)]
    struct Body {
        token: String,
        expires_at: String,
    }
    match answer.status() {
        StatusCode::CREATED => {}
        StatusCode::NOT_FOUND => return Ok(None),
        _ => return Err(failed(answer)),
    }
    let body: Body = serde_json::from_slice(answer.body()).map_err(|_| unreadable())?;
    let token = SecretString::from(body.token);
    let end: jiff::Timestamp = body.expires_at.parse().map_err(|_| unreadable())?;
    // By the server's own clock, so that a wrong one here does not matter.
    let now = date(answer.headers()).unwrap_or(clock);
    let life = u64::try_from(end.as_second().saturating_sub(now));
    Ok(Some(Minted {
        token,
        life: Duration::from_secs(life.unwrap_or_default()),
    }))
}

/// The server's clock, in seconds since 1970.
pub(super) fn date(headers: &HeaderMap) -> Option<i64> {
    let date = httpdate::parse_http_date(headers.get(DATE)?.to_str().ok()?).ok()?;
    i64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_secs()).ok()
}

fn unreadable<E>() -> AppError<E> {
    AppError::Unavailable("the answer to a request for a token could not be read".to_owned())
}

/// What an answer means that is neither what was asked for nor "there is none".
fn failed<E>(answer: &Response<Bytes>) -> AppError<E> {
    let status = answer.status();
    if let Some(pause) = pause(answer) {
        return AppError::Limited(pause);
    }
    let message = message(answer);
    match status {
        StatusCode::UNAUTHORIZED => AppError::Refused(Refusal::Key(message)),
        StatusCode::FORBIDDEN if message.to_ascii_lowercase().contains("suspended") => {
            AppError::Refused(Refusal::Suspended)
        }
        StatusCode::FORBIDDEN | StatusCode::UNPROCESSABLE_ENTITY => {
            AppError::Refused(Refusal::Other(status.as_u16(), message))
        }
        _ => AppError::Unavailable(format!(
            "a request for a token was answered with {}: {message}",
            status.as_u16()
        )),
    }
}

/// The pause that an answer asks for, if it speaks of a limit.
fn pause(answer: &Response<Bytes>) -> Option<Duration> {
    let status = answer.status();
    let asked = crate::egress::pause_asked_for(status, answer.headers());
    let limited = || {
        status == StatusCode::TOO_MANY_REQUESTS
            || status == StatusCode::FORBIDDEN && message(answer).contains("rate limit")
    };
    asked.or_else(|| limited().then_some(PAUSE))
}

/// GitHub's own words.
fn message(answer: &Response<Bytes>) -> String {
    #[derive(Deserialize)]
    struct Body {
        message: String,
    }
    let body = serde_json::from_slice::<Body>(answer.body());
    let message = body.map_or_else(|_| "no reason given".to_owned(), |body| body.message);
    message.chars().take(LONGEST_TEXT).collect()
}
