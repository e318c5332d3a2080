//! Asking GitHub: as the App itself, or with the token that runs are started with.

use crate::clock;
use crate::credentials::{self, Account, AppError, Credential, Sender};
use crate::egress::{Direct, Unreached};
use crate::installation::Installation;
use crate::legible::escaped;
use crate::network::Network;
use crate::transport::TransportError;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, DATE, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use std::time::{Duration, SystemTime};

/// Longest text of a server's that is repeated, in characters.
const LONGEST_TEXT: usize = 200;

/// As whom something is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asker {
    /// As the App, with a JWT.
    Itself,
    /// With the App's token for an account.
    Of(Account),
    /// With the token of the configuration, or without one if it has none.
    Configured,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub(super) enum Trouble {
    /// GitHub was not reached.
    #[error("{0}")]
    Unreached(#[from] Unreached),
    /// The App gets no token.
    #[error("{0}")]
    NoToken(String),
    /// GitHub wants a pause.
    #[error("GitHub wants a pause of {} s", .0.as_secs())]
    Pause(Duration),
    /// There is no such request.
    #[error("no request could be made")]
    NoRequest,
}

/// What GitHub answered.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// GitHub's clock minus ours, in seconds, if it tells.
    pub(super) skew: Option<i64>,
}

pub(super) type Asked = Result<Answer, Trouble>;

/// GitHub, for one installation.
pub(super) struct GitHub<'i> {
    installation: &'i Installation,
    direct: Direct<'i>,
}

impl GitHub<'_> {
    pub(super) fn new(
        network: Network,
        installation: &Installation,
    ) -> Result<GitHub<'_>, TransportError> {
        Ok(GitHub {
            installation,
            direct: Direct::new(network, installation)?,
        })
    }

    /// Where the API begins.
    pub(super) fn api(&self) -> &str {
        self.installation.public().api_url.trim_end_matches('/')
    }

    /// Whose token requests about an organization or user get.
    pub(super) fn asker_for(&self, login: &str) -> Asker {
        let Credential::App(app) = self.installation.credential() else {
            return Asker::Configured;
        };
        let uri = format!("{}/orgs/{login}", self.api()).parse::<Uri>();
        let account = uri.ok().and_then(|uri: Uri| app.account(&uri, None).ok());
        account.map_or(Asker::Configured, Asker::Of)
    }

    pub(super) async fn get(&self, asker: &Asker, path: &str) -> Asked {
        self.ask(asker, Method::GET, path, None).await
    }

    /// Asks for a path below the one at which the API begins.
    pub(super) async fn ask(
        &self,
        asker: &Asker,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Asked {
        let body = body.map(|value| Bytes::from(value.to_string()));
        let body = body.unwrap_or_default();
        let answer = match (asker, self.installation.credential()) {
            (Asker::Itself, Credential::App(app)) => {
                let asked = app.ask_as_itself(method, path.to_owned(), body, &self.direct);
                asked.await.map_err(|error| self.trouble(error, None))?
            }
            (Asker::Of(account), Credential::App(app)) => {
                let got = app.authorization(account, &self.direct).await;
                let (header, _) = got.map_err(|error| self.trouble(error, Some(account)))?;
                self.send(method, path, body, Some(header)).await?
            }
            (_, Credential::Token(token)) => {
                let header = credentials::bearer(token.expose_secret());
                let header = header.map_err(|_| Trouble::NoRequest)?;
                self.send(method, path, body, Some(header)).await?
            }
            (_, Credential::App(_) | Credential::None) => {
                self.send(method, path, body, None).await?
            }
        };
        Ok(Answer::of(answer))
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Bytes,
        authorization: Option<HeaderValue>,
    ) -> Result<Response<Bytes>, Trouble> {
        let is_empty = body.is_empty();
        let request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.api()))
            .header(ACCEPT, "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header(
                USER_AGENT,
                concat!("host-harness/", env!("CARGO_PKG_VERSION")),
            )
            .body(body);
        let mut request = request.map_err(|_| Trouble::NoRequest)?;
        let headers = request.headers_mut();
        if let Some(authorization) = authorization {
            headers.insert(AUTHORIZATION, authorization);
        }
        if !is_empty {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        Ok(self.direct.send(request).await?)
    }

    fn trouble(&self, error: AppError<Unreached>, account: Option<&Account>) -> Trouble {
        match error {
            AppError::Unreachable(unreached) => Trouble::Unreached(unreached),
            AppError::Limited(pause) => Trouble::Pause(pause),
            AppError::Unavailable(words) => Trouble::NoToken(words),
            AppError::Refused(refusal) => Trouble::NoToken(match self.installation.credential() {
                Credential::App(app) => app.explain(account, &refusal),
                Credential::Token(_) | Credential::None => String::new(),
            }),
        }
    }
}

impl Answer {
    fn of(answer: Response<Bytes>) -> Answer {
        let (head, body) = answer.into_parts();
        Answer {
            status: head.status.as_u16(),
            skew: skew(&head.headers, clock::now()),
            headers: head.headers,
            body,
        }
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The body, if it is what is expected.
    pub(super) fn read<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(&self.body).ok()
    }

    /// Status and GitHub's own words.
    pub(super) fn words(&self) -> String {
        let body: Option<Value> = self.read();
        let message = body.as_ref().and_then(|body| body.get("message")?.as_str());
        match message {
            Some(message) => format!("{}: {}", self.status, shortened(message)),
            None => self.status.to_string(),
        }
    }
}

/// A server's words, cut to what belongs into a line.
pub(super) fn shortened(text: &str) -> String {
    let cut: String = text.trim().chars().take(LONGEST_TEXT).collect();
    escaped(&cut).into_owned()
}

/// A moment as GitHub writes it. One that cannot be read is none.
pub(super) fn moment<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Timestamp>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse().ok()))
}

/// The server's clock minus ours, in seconds.
fn skew(headers: &HeaderMap, now: SystemTime) -> Option<i64> {
    let date = headers.get(DATE)?.to_str().ok()?;
    let date = httpdate::parse_http_date(date).ok()?;
    let seconds = |distance: Duration| i64::try_from(distance.as_secs()).unwrap_or(i64::MAX);
    Some(match date.duration_since(now) {
        Ok(ahead) => seconds(ahead),
        Err(behind) => -seconds(behind.duration()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_servers_clock_is_ahead_or_behind_or_silent() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
        let mut headers = HeaderMap::new();
        assert_eq!(skew(&headers, now), None);
        for distance in [-400_i64, 0, 90] {
            let date = SystemTime::UNIX_EPOCH
                + Duration::from_secs(1_000_000_u64.saturating_add_signed(distance));
            let date = httpdate::fmt_http_date(date).parse().unwrap();
            headers.insert(DATE, date);
            assert_eq!(skew(&headers, now), Some(distance));
        }
    }
}
