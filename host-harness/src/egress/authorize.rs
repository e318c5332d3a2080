//! Proving to a server who sends: the credential of a request that policy has let through.
//!
//! A credential that the host has to get first, such as the token of a GitHub App, is asked for on the connections of
//! the same installation. When there is none to be had, nothing of the guest's request is sent: it gets the answer that
//! the server would give, in the host's words, so that its explanation reaches whoever can mend it.

use super::body::{full, whole};
use super::head::{self, TimeLimits};
use super::{Client, Shared, send};
use crate::credentials::{self, Account, AppError, Credential, GitHubApp, Sender};
use crate::legible::escaped;
use crate::scrub::Spellings;
use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, Response, StatusCode, Uri};
use http_body_util::BodyExt;
use secrecy::ExposeSecret;
use std::sync::atomic::Ordering;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};
use wasmtime_wasi_http::{Error, WasiBody};
use zeroize::Zeroizing;

/// Longest wait for an answer to one of the host's own requests. GitHub cuts requests off after 10 s.
const OWN_REQUEST: Duration = Duration::from_secs(15);
/// Largest answer to one of them, in bytes. A token with all its permissions and repositories named is below 100 KB.
const OWN_ANSWER: usize = 256 << 10;

/// What a request is sent with.
pub(super) struct Authorization {
    header: HeaderValue,
    /// What must not come back.
    secret: Arc<Spellings>,
    /// Whose it is, if the host can get another one.
    account: Option<Account>,
}

/// A request cannot be sent with a credential.
pub(super) enum Unauthorized {
    /// The guest gets this answer.
    Answer(Response<WasiBody>),
    /// The guest gets this error. It says that nothing was sent.
    Error(Error),
}

impl Authorization {
    pub(super) fn put<B>(&self, request: &mut Request<B>) {
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.header.clone());
    }

    pub(super) fn secret(&self) -> Arc<Spellings> {
        self.secret.clone()
    }

    /// Whether a server that does not accept it may accept another one.
    pub(super) fn is_renewable(&self) -> bool {
        self.account.is_some()
    }
}

impl Shared {
    /// The credential for a request to `uri`. None: it is sent without one.
    pub(super) async fn authorize(
        &self,
        client: &Client,
        uri: &Uri,
    ) -> Result<Option<Authorization>, Unauthorized> {
        match self.installation.credential() {
            Credential::None => Ok(None),
            Credential::Token(token) => {
                let header = credentials::bearer(token.expose_secret()).map_err(|error| {
                    self.complain(&error.to_string());
                    Unauthorized::Error(Error::DestinationUnavailable)
                })?;
                Ok(Some(Authorization {
                    header,
                    secret: self.installation.token_spellings().clone(),
                    account: None,
                }))
            }
            Credential::App(app) => self.authorize_app(app, client, uri).await.map(Some),
        }
    }

    /// Another credential after a server has refused this one.
    pub(super) async fn renew(
        &self,
        client: &Client,
        refused: &Authorization,
    ) -> Option<Authorization> {
        let (Credential::App(app), Some(account)) =
            (self.installation.credential(), &refused.account)
        else {
            return None;
        };
        if !app.was_refused(account, &refused.header) {
            return None;
        }
        let got = app.authorization(account, &self.own_requests(client)).await;
        let (header, secret) = got.ok()?;
        Some(Authorization {
            header,
            secret,
            account: Some(account.clone()),
        })
    }

    /// Whether a request says itself whose token it gets, if it gets one. Takes note of it, for requests of the same call
    /// that name nobody: what is answered out of the cache counts too.
    pub(super) fn names_its_account(&self, uri: &Uri) -> bool {
        match self.installation.credential() {
            Credential::App(app) => match app.account(uri, None) {
                Ok(account) => {
                    *self.earlier() = Some(account);
                    true
                }
                Err(_nobody) => false,
            },
            Credential::Token(_) | Credential::None => true,
        }
    }

    async fn authorize_app(
        &self,
        app: &GitHubApp,
        client: &Client,
        uri: &Uri,
    ) -> Result<Authorization, Unauthorized> {
        let mut account = None;
        let got = match self.account(app, uri) {
            Ok(whose) => {
                let got = app.authorization(&whose, &self.own_requests(client)).await;
                account = Some(whose);
                got
            }
            Err(refusal) => Err(AppError::Refused(refusal)),
        };
        match got {
            Ok((header, secret)) => Ok(Authorization {
                header,
                secret,
                account,
            }),
            Err(AppError::Refused(refusal)) => {
                let words = app.explain(account.as_ref(), &refusal);
                self.complain(&words);
                Err(Unauthorized::Answer(refused(&words)))
            }
            Err(AppError::Limited(pause)) => Err(Unauthorized::Answer(send::wants_a_pause(pause))),
            Err(AppError::Unreachable(error)) => {
                self.complain(&format!("the server gives no token: {error}"));
                Err(Unauthorized::Error(error))
            }
            Err(AppError::Unavailable(words)) => {
                self.complain(&words);
                Err(Unauthorized::Error(Error::DestinationUnavailable))
            }
        }
    }

    /// Whose token a request gets, remembered for requests of the same call that name nobody.
    fn account(&self, app: &GitHubApp, uri: &Uri) -> Result<Account, credentials::Refusal> {
        let mut earlier = self.earlier();
        let account = app.account(uri, earlier.as_ref())?;
        *earlier = Some(account.clone());
        Ok(account)
    }

    fn earlier(&self) -> MutexGuard<'_, Option<Account>> {
        self.account.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn own_requests<'s>(&'s self, client: &'s Client) -> OwnRequests<'s> {
        OwnRequests {
            shared: self,
            client,
        }
    }

    /// Tells the operator why there is no credential: once for each call.
    fn complain(&self, words: &str) {
        if self.complained.swap(true, Ordering::Relaxed) {
            return;
        }
        tracing::error!(
            installation = self.installation.id(),
            "no request can be sent: {}",
            // The server's, in part.
            escaped(words)
        );
    }
}

/// What a server that knows no such credential would say.
fn refused(words: &str) -> Response<WasiBody> {
    let body = serde_json::json!({ "message": format!("The host has no credential: {words}.") });
    let mut response = whole(Response::new(Bytes::from(body.to_string())));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response
}

/// The host's own requests, on the connections of an installation.
struct OwnRequests<'c> {
    shared: &'c Shared,
    client: &'c Client,
}

impl Sender for OwnRequests<'_> {
    type Error = Error;

    async fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, Error> {
        let exchange = async {
            let limits = TimeLimits::clamped(None, Instant::now());
            let response = head::request(self.client, request.map(full), &limits)
                .await
                .map_err(|failure| unsent(failure.told(self.shared)))?;
            let (head, mut body) = response.into_parts();
            // It may hold a token. Room for all of it, so that no copy is left behind when it grows.
            let mut bytes = Zeroizing::new(Vec::with_capacity(OWN_ANSWER));
            while let Some(frame) = body.frame().await {
                let frame = frame.map_err(|_cut| Error::DestinationUnavailable)?;
                let data = frame.into_data().unwrap_or_default();
                if bytes.len() + data.len() > OWN_ANSWER {
                    return Err(Error::DestinationUnavailable);
                }
                bytes.extend_from_slice(&data);
            }
            Ok(Response::from_parts(head, Bytes::from_owner(bytes)))
        };
        let late = |_| Err(Error::DestinationUnavailable);
        timeout(OWN_REQUEST, exchange).await.unwrap_or_else(late)
    }
}

/// The guest's own request was not sent, however far the host's came: a code that says so.
fn unsent(error: Error) -> Error {
    match error {
        Error::ConnectionRefused
        | Error::ConnectionTimeout
        | Error::DnsError { .. }
        | Error::TlsCertificateError
        | Error::DestinationIpProhibited => error,
        _ => Error::DestinationUnavailable,
    }
}
