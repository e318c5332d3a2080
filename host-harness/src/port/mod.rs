//! Port's API, as far as running actions needs it.
//!
//! Port knows two kinds of run that an integration can work on, and offers each kind by its own set of endpoints
//! with its own field names. [`Client`] hides that: one method per step, with [`RunKind`] as an argument.
//!
//! | step | method | action run | workflow node run |
//! |---|---|---|---|
//! | take over waiting runs | [`Client::claim`] | `POST /v1/actions/runs/claim-pending` | `POST /v1/workflows/runs/claim-pending` |
//! | make one ours | [`Client::ack`] | `PATCH /v1/actions/runs/ack` | `PATCH /v1/workflows/runs/ack` |
//! | it has begun | [`Client::started`] | `PATCH /v1/actions/runs/{id}` | `PATCH /v1/workflows/nodes/runs/{id}` |
//! | where it stands | [`Client::progress`] | `PATCH /v1/actions/runs/{id}` | – |
//! | what happened | [`Client::log`] | `POST /v1/actions/runs/{id}/logs` | `POST /v1/workflows/nodes/runs/{id}/logs` |
//! | it has ended | [`Client::finished`] | `POST /v1/actions/runs/{id}/logs` | `PATCH /v1/workflows/nodes/runs/{id}` |
//! | which run was that | [`Client::find`] | `GET /v1/actions/runs` | `GET /v1/workflows/nodes/runs` |
//! | ask about one run | [`Client::action_run`] | `GET /v1/actions/runs/{id}` | – |
//! | make ourselves known | [`Client::register_integration`] | `POST /v1/integration` | same |
//! | ourselves | [`Client::integration`], [`Client::patch_integration`] | `/v1/integration/{identifier}` | same |
//!
//! How a claim works: Port hides a claimed run from other claims for the visibility timeout. Acknowledged within
//! that time, the run is ours for good; otherwise Port offers it again. So whatever happens before the ack is
//! repeated by Port, and whatever happens after it is up to us.
//!
//! Each method is one request, but for the access token, which is fetched when it is needed, renewed at 80 % of its
//! life, and replaced once when Port answers 401. Nothing else is repeated and nothing is decided here: an
//! [`Error`] says whether the request can have had an effect, and the caller decides what follows from that.
//!
//! The modules: `request` says what is asked, `run`, `integration` and `token` read what is answered, `wire` is the
//! I/O between them, `error` what can go wrong, `tap` shows it.

mod error;
#[doc(hidden)]
pub mod fuzzing;
mod integration;
mod pool;
mod request;
mod run;
mod tap;
#[cfg(test)]
mod tests;
mod token;
mod wire;

use std::time::Duration;

use http::HeaderValue;
use secrecy::SecretString;
use url::Url;

use wire::Wire;

pub use error::{Call, Error};
pub use integration::Integration;
pub use pool::{AT_ONCE, Pool};
pub use request::{
    Claim, Finished, IntegrationPatch, Log, LogLevel, LogLine, Outcome, Progress, Registration,
    Started,
};
pub use run::{Claimed, KnownRun, PendingRun, RunKind, Unreadable};
pub use tap::{Exchange, Tap};
pub use token::TokenOwner;

/// Where Port is and who is asking.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Port's API, for example `https://api.getport.io` or `https://api.us.getport.io`. A `/v1` at the end is
    /// tolerated.
    pub base_url: Url,
    /// The client id.
    pub client_id: String,
    /// The client secret. It goes into token requests and nowhere else.
    pub client_secret: SecretString,
    /// What Port sees in the `User-Agent`.
    pub integration: Identity,
    /// How long one request may take, answer included.
    pub timeout: Duration,
}

impl Settings {
    /// The time limit of Port's own framework.
    pub const TIMEOUT: Duration = Duration::from_secs(60);
}

/// Which integration this is. Port's own framework sends `port-ocean/{type}/{version}/{identifier}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// For example `github`.
    pub integration_type: String,
    /// The integration's version.
    pub version: String,
    /// The installation's identifier.
    pub identifier: String,
}

/// A client for one organization's Port. It is shared by reference; all its methods may run at once.
pub struct Client {
    wire: Wire,
}

impl Client {
    /// A client over a pool of connections. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// [`Error::Settings`] where the base URL is not one that can be asked, or the identity does not fit a header.
    pub fn new(settings: Settings, pool: Pool) -> Result<Client, Error> {
        let Identity {
            integration_type,
            version,
            identifier,
        } = &settings.integration;
        let user_agent = format!("port-ocean/{integration_type}/{version}/{identifier}");
        let user_agent = HeaderValue::try_from(&user_agent).map_err(|_| {
            Error::Settings(format!(
                "{user_agent:?} cannot be sent as User-Agent; use plain ASCII in type, version and identifier"
            ))
        })?;
        Ok(Client {
            wire: Wire {
                pool,
                base: base(settings.base_url)?,
                user_agent,
                timeout: settings.timeout,
                client_id: settings.client_id,
                client_secret: settings.client_secret,
                tokens: wire::Tokens::default(),
                tap: None,
            },
        })
    }

    /// The same client, whose every call about a run is shown to somebody.
    #[must_use]
    pub fn watched_by(mut self, tap: Option<Tap>) -> Client {
        self.wire.tap = tap;
        self
    }

    /// Whose credentials these are. Port hands runs out to machines only, and says nothing about it to others: their
    /// claims come back empty.
    pub async fn token_owner(&self) -> Result<TokenOwner, Error> {
        Ok(self.wire.token(None).await?.owner)
    }

    /// Takes over runs that wait. A run that cannot be read is reported by itself and does not spoil the others.
    pub async fn claim(&self, kind: RunKind, claim: &Claim) -> Result<Claimed, Error> {
        self.wire
            .call(&request::claim(kind, claim))
            .await?
            .read(|body| run::read_claim(kind, body))
    }

    /// Makes a claimed run ours. [`Error::Conflict`]: it was acknowledged before, by us or by somebody else; Port
    /// does not tell which.
    pub async fn ack(&self, kind: RunKind, id: &str) -> Result<(), Error> {
        self.send(request::ack(kind, id)).await
    }

    /// Reports that the work has begun. May be repeated: every field is replaced by the same.
    pub async fn started(&self, kind: RunKind, id: &str, started: &Started) -> Result<(), Error> {
        self.send(request::started(kind, id, started)).await
    }

    /// Reports where the work stands. Workflow node runs have no place for that: nothing is sent. May be repeated.
    pub async fn progress(
        &self,
        kind: RunKind,
        id: &str,
        progress: &Progress,
    ) -> Result<(), Error> {
        match request::progress(kind, id, progress) {
            Some(request) => self.send(request).await,
            None => Ok(()),
        }
    }

    /// Adds to a run's log, all lines in one request, and sets an action run's label with it. Repeated, the lines are
    /// there twice. Nothing is sent without lines.
    pub async fn log(&self, kind: RunKind, id: &str, log: &Log) -> Result<(), Error> {
        match request::log(kind, id, log) {
            Some(request) => self.send(request).await,
            None => Ok(()),
        }
    }

    /// Ends a run. May be repeated after an [`Error::Ambiguous`]; [`Error::Conflict`] then says that it has ended.
    pub async fn finished(
        &self,
        kind: RunKind,
        id: &str,
        finished: &Finished,
    ) -> Result<(), Error> {
        self.send(request::finished(kind, id, finished)).await
    }

    /// Finds the run that was started with this external run id.
    pub async fn find(
        &self,
        kind: RunKind,
        external_run_id: &str,
    ) -> Result<Option<KnownRun>, Error> {
        self.wire
            .call(&request::lookup(kind, external_run_id))
            .await?
            .read(|body| run::read_lookup(kind, body))
    }

    /// Asks about one action run. [`Error::Refused`] with 404 where there is none. Port has no such call for workflow
    /// node runs that we know of; use [`Client::find`].
    pub async fn action_run(&self, id: &str) -> Result<KnownRun, Error> {
        self.wire
            .call(&request::action_run(id))
            .await?
            .read(run::read_action_run)
    }

    /// Makes an integration known to Port. [`Error::Conflict`]: it is known already; change it with
    /// [`Client::patch_integration`]. So it may be repeated, for example after an [`Error::Ambiguous`].
    pub async fn register_integration(&self, registration: &Registration) -> Result<(), Error> {
        self.send(request::register_integration(registration)).await
    }

    /// Asks what Port knows about an integration.
    pub async fn integration(&self, identifier: &str) -> Result<Integration, Error> {
        self.wire
            .call(&request::integration(identifier))
            .await?
            .read(integration::read)
    }

    /// Changes what Port knows about an integration.
    pub async fn patch_integration(
        &self,
        identifier: &str,
        patch: &IntegrationPatch,
    ) -> Result<(), Error> {
        self.send(request::patch_integration(identifier, patch))
            .await
    }

    /// For calls whose answer is their status: the body is read, so that the connection can be used again, and
    /// forgotten.
    async fn send(&self, request: request::Request) -> Result<(), Error> {
        self.wire.call(&request).await.map(drop)
    }
}

fn base(mut url: Url) -> Result<String, Error> {
    let usable = matches!(url.scheme(), "http" | "https") && url.has_host();
    if !usable {
        return Err(Error::Settings(format!(
            "{} is not the base URL of an API; it looks like https://api.getport.io",
            url.as_str()
        )));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(Error::Settings(
            "the base URL contains a user name or a password; give the client id and secret instead".to_owned(),
        ));
    }
    url.set_query(None);
    url.set_fragment(None);
    let text = url.as_str().trim_end_matches('/');
    Ok(text.strip_suffix("/v1").unwrap_or(text).to_owned())
}
