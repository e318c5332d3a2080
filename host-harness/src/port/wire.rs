//! One request to Port and its answer: credentials on the way out, classification on the way back.

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, LOCATION, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout_at};

use super::error::{Call, Error};
use super::pool::Pool;
use super::request::{self, Request};
use super::tap::{Exchange, Tap};
use super::token::{self, Token};
use crate::scrub::Spellings;
use crate::transport;

/// Marks calls that are Port's own integrations' business; its framework sends it on claims, acks and the lookup of
/// workflow node runs.
const RESERVED: HeaderName = HeaderName::from_static("x-port-reserved-usage");
const TRACE: HeaderName = HeaderName::from_static("x-trace-id");

/// An answer longer than this is not one of Port's. (Port takes at most 1 MiB per request, a claim returns many runs.)
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// How much of Port's own words a text repeats.
const LONGEST_MESSAGE: usize = 500;

pub(super) struct Wire {
    pub(super) pool: Pool,
    /// Without a slash at its end and without `/v1`.
    pub(super) base: String,
    pub(super) user_agent: HeaderValue,
    pub(super) timeout: Duration,
    pub(super) client_id: String,
    pub(super) client_secret: SecretString,
    pub(super) tokens: Tokens,
    /// Who is shown the calls about runs.
    pub(super) tap: Option<Tap>,
}

/// The token in use. Its lock is held while a new one is fetched, so that there is one fetch at a time.
#[derive(Default)]
pub(super) struct Tokens {
    slot: Mutex<Slot>,
    /// Fetches that have ended. Whoever waited for one that failed shares its failure and does not line up for the next.
    fetched: AtomicU64,
}

#[derive(Default)]
struct Slot {
    token: Option<Arc<Token>>,
    failure: Option<Error>,
}

pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// The status can stand although the rest was lost.
    pub(super) body: Result<Bytes, String>,
}

impl Wire {
    /// Makes a call; a token that Port refuses is replaced once. What comes back is the body of a success.
    pub(super) async fn call(&self, request: &Request) -> Result<Answer, Error> {
        let token = self.token(None).await?;
        let reply = self.exchange(request, Some(&token)).await?;
        if reply.status != StatusCode::UNAUTHORIZED {
            return self.judge(request, reply, Some(&token));
        }
        let token = self.token(Some(token.number)).await?;
        let reply = self.exchange(request, Some(&token)).await?;
        self.judge(request, reply, Some(&token))
    }

    /// The token in use, or a new one: where there is none, where it has lived long enough, and where it is the one
    /// that was refused.
    pub(super) async fn token(&self, refused: Option<u64>) -> Result<Arc<Token>, Error> {
        let seen = self.tokens.fetched.load(Ordering::Acquire);
        let mut slot = self.tokens.slot.lock().await;
        if let Some(token) = &slot.token
            && refused != Some(token.number)
            && Instant::now() < token.renew_at
        {
            return Ok(Arc::clone(token));
        }
        let fetched = self.tokens.fetched.load(Ordering::Acquire);
        if fetched != seen
            && let Some(failure) = &slot.failure
        {
            return Err(failure.clone());
        }
        let number = fetched.wrapping_add(1);
        let outcome = self.fetch_token(number).await.map(Arc::new);
        self.tokens.fetched.store(number, Ordering::Release);
        match &outcome {
            Ok(token) => {
                slot.token = Some(Arc::clone(token));
                slot.failure = None;
            }
            Err(failure) => {
                slot.token = None;
                slot.failure = Some(failure.clone());
            }
        }
        outcome
    }

    async fn fetch_token(&self, number: u64) -> Result<Token, Error> {
        let request = request::token(&self.client_id, self.client_secret.expose_secret());
        // The life counts from before the request: Port may have started it then.
        let asked = Instant::now();
        let reply = self.exchange(&request, None).await?;
        let answer = self.judge(&request, reply, None)?;
        answer.read(|body| token::read(body, asked, number))
    }

    async fn exchange(&self, request: &Request, token: Option<&Token>) -> Result<Reply, Error> {
        let began = Instant::now();
        let reply = self.transmit(request, token).await;
        if let (Some(tap), Some(run)) = (&self.tap, &request.run) {
            tap(self.seen(request, run, token, &reply, began.elapsed()));
        }
        reply
    }

    /// A call as it may be shown.
    fn seen(
        &self,
        request: &Request,
        run: &str,
        token: Option<&Token>,
        reply: &Result<Reply, Error>,
        took: Duration,
    ) -> Exchange {
        let bare = |bytes: &[u8]| {
            let text = String::from_utf8_lossy(bytes).into_owned();
            self.without_secrets(text, token).into_bytes()
        };
        let call = call_of(request);
        let answer = match reply {
            Err(error) => Err(error.clone()),
            Ok(reply) => match &reply.body {
                Ok(body) => Ok((reply.status.as_u16(), bare(body))),
                Err(reason) => Err(Error::Ambiguous {
                    call: call.clone(),
                    reason: reason.clone(),
                }),
            },
        };
        Exchange {
            run: run.to_owned(),
            call,
            query: request.query.clone(),
            body: request.body.as_deref().map(bare).unwrap_or_default(),
            answer,
            took,
        }
    }

    fn without_secrets(&self, text: String, token: Option<&Token>) -> String {
        let mut text = Cow::Owned(text);
        for secret in iter::once(&self.client_secret).chain(token.map(|token| &token.bare)) {
            text = Spellings::of(secret).blot(text);
        }
        text.into_owned()
    }

    async fn transmit(&self, request: &Request, token: Option<&Token>) -> Result<Reply, Error> {
        let call = call_of(request);
        // The time for an answer counts from when the request may leave.
        let _turn = self.pool.turn().await;
        let deadline = Instant::now() + self.timeout;
        let late = || format!("nothing within {} s", self.timeout.as_secs_f32());
        let response = timeout_at(
            deadline,
            self.pool.http.request(self.message(request, token)?),
        )
        .await
        .map_err(|_| Error::Ambiguous {
            call: call.clone(),
            reason: late(),
        })?
        .map_err(|error| {
            let call = call.clone();
            let reason = transport::causes(&error);
            match transport::connect_failure(&error) {
                Some(_) => Error::Unreachable { call, reason },
                None => Error::Ambiguous { call, reason },
            }
        })?;
        let (head, body) = response.into_parts();
        let body = match timeout_at(deadline, Limited::new(body, LONGEST_ANSWER).collect()).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) => Err(transport::causes(error.as_ref())),
            Err(_) => Err(late()),
        };
        tracing::debug!(%call, status = head.status.as_u16(), "answered");
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body,
        })
    }

    fn message(
        &self,
        request: &Request,
        token: Option<&Token>,
    ) -> Result<http::Request<Full<Bytes>>, Error> {
        let mut uri = format!("{}{}", self.base, request.path);
        if !request.query.is_empty() {
            uri.push('?');
            uri.push_str(&request.query);
        }
        let mut message = http::Request::builder()
            .method(request.method.clone())
            .uri(uri)
            .header(USER_AGENT, &self.user_agent)
            .header(ACCEPT, "application/json");
        if let Some(token) = token {
            message = message.header(AUTHORIZATION, &token.header);
        }
        if request.reserved {
            message = message.header(RESERVED, "true");
        }
        let body = match &request.body {
            Some(json) => {
                message = message.header(CONTENT_TYPE, "application/json");
                Full::new(Bytes::from(json.clone()))
            }
            None => Full::default(),
        };
        message
            .body(body)
            .map_err(|error| Error::Settings(format!("no request can be made from them: {error}")))
    }

    pub(super) fn judge(
        &self,
        request: &Request,
        reply: Reply,
        token: Option<&Token>,
    ) -> Result<Answer, Error> {
        let call = call_of(request);
        if reply.status.is_success() {
            return Ok(Answer {
                call,
                body: reply.body,
            });
        }
        // After removing secrets: a cut through the middle of one would leave its first half.
        let message = shortened(self.without_secrets(message_of(&reply), token));
        let fetching_token = token.is_none();
        let status = reply.status.as_u16();
        Err(match status {
            401 => Error::Unauthorized { call, message },
            // Here they are about the credentials themselves: an unknown client id is a 404.
            403 | 404 if fetching_token => Error::Unauthorized { call, message },
            409 => Error::Conflict { call, message },
            408 | 425 | 429 | 500.. => Error::Unavailable {
                call,
                status,
                retry_after: retry_after(&reply.headers),
                message,
            },
            _ => Error::Refused {
                call,
                status,
                message,
            },
        })
    }
}

/// A success whose body has yet to be read, by those who need it.
pub(super) struct Answer {
    call: Call,
    body: Result<Bytes, String>,
}

impl Answer {
    pub(super) fn read<T>(self, read: impl FnOnce(&[u8]) -> Result<T, String>) -> Result<T, Error> {
        match self.body {
            Ok(body) => read(&body).map_err(|reason| Error::Unreadable {
                call: self.call,
                reason,
            }),
            Err(reason) => Err(Error::Ambiguous {
                call: self.call,
                reason,
            }),
        }
    }
}

fn call_of(request: &Request) -> Call {
    Call {
        method: request.method.clone(),
        path: request.path.clone(),
    }
}

/// Port's own words: `{error, message}`, or what stands there instead (a proxy's page), and the id by which Port's
/// support finds the request.
fn message_of(reply: &Reply) -> String {
    #[derive(Deserialize)]
    struct Words {
        error: Option<String>,
        message: Option<String>,
    }
    let body = reply.body.as_ref().map(Bytes::as_ref).unwrap_or_default();
    let mut text = match serde_json::from_slice(body) {
        Ok(Words {
            error: Some(error),
            message: Some(message),
        }) => format!("{error}: {message}"),
        Ok(Words {
            error: Some(text), ..
        })
        | Ok(Words {
            message: Some(text),
            ..
        }) => text,
        _ => String::from_utf8_lossy(body).trim().to_owned(),
    };
    if text.is_empty() {
        text = "no explanation".to_owned();
    }
    if let Some(place) = header(&reply.headers, &LOCATION) {
        text = format!("redirected to {place}; is the base URL right?");
    }
    if let Some(trace) = header(&reply.headers, &TRACE) {
        text = format!("trace id {trace}: {text}");
    }
    text
}

fn shortened(text: String) -> String {
    match text.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text,
    }
}

fn header<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// Seconds, or a moment. A moment is compared with the answer's own date, so that a wrong clock here does no harm.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = header(headers, &RETRY_AFTER)?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let moment: SystemTime = httpdate::parse_http_date(value).ok()?;
    let now = httpdate::parse_http_date(header(headers, &DATE)?).ok()?;
    Some(moment.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn headers(pairs: &[(HeaderName, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_moment() {
        let date = (DATE, "Sun, 22 Nov 2026 20:00:00 GMT");
        let later = (RETRY_AFTER, "Sun, 22 Nov 2026 20:01:30 GMT");
        let earlier = (RETRY_AFTER, "Sun, 22 Nov 2026 19:00:00 GMT");
        let seconds = Duration::from_secs;
        assert_eq!(
            retry_after(&headers(&[(RETRY_AFTER, "7")])),
            Some(seconds(7))
        );
        assert_eq!(
            retry_after(&headers(&[date.clone(), later.clone()])),
            Some(seconds(90))
        );
        assert_eq!(retry_after(&headers(&[date, earlier])), Some(seconds(0)));
        assert_eq!(retry_after(&headers(&[later])), None);
        assert_eq!(retry_after(&headers(&[(RETRY_AFTER, "soon")])), None);
        assert_eq!(retry_after(&headers(&[])), None);
    }

    #[test]
    fn a_long_text_is_cut_between_characters() {
        let cut = shortened("é".repeat(1000));
        assert_eq!(cut.chars().count(), LONGEST_MESSAGE + 1);
        assert!(cut.ends_with('…'));
        assert_eq!(shortened("short".to_owned()), "short");
    }
}
