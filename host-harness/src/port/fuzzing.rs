//! What Port answers, without Port: for fuzzing and its tests, which have no connection. Everything behind the wire is
//! private for good reason, and this is the one place where an answer can come from elsewhere.

use super::integration::{self, Integration};
use super::run::{self, Claimed, KnownRun};
use super::token::{self, Token};
use super::wire::Reply;
use super::{Client, Error, RunKind, TokenOwner, request};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::Instant;

/// One answer, read by every call that reads answers.
#[derive(Debug)]
pub struct Readings {
    /// As the answer to a token request.
    pub token: Result<TokenOwner, Error>,
    /// As the answers to claims of both kinds.
    pub claims: [Result<Claimed, Error>; 2],
    /// As the answers to lookups of both kinds.
    pub lookups: [Result<Option<KnownRun>, Error>; 2],
    /// As the answer about one action run.
    pub action_run: Result<KnownRun, Error>,
    /// As the answer about an integration.
    pub integration: Result<Integration, Error>,
}

/// Reads an answer in every way. `access_token` is the token that the requests were sent with.
pub fn read(
    client: &Client,
    access_token: &str,
    status: StatusCode,
    headers: &HeaderMap,
    body: &Result<Bytes, String>,
) -> Readings {
    let wire = &client.wire;
    let reply = || Reply {
        status,
        headers: headers.clone(),
        body: body.clone(),
    };
    let sent_with = Token {
        header: HeaderValue::from_static("Bearer"),
        bare: access_token.to_owned().into(),
        owner: TokenOwner::Unknown,
        renew_at: Instant::now(),
        number: 0,
    };
    let judge = |request: &request::Request| wire.judge(request, reply(), Some(&sent_with));
    let claim = |kind| {
        let claim = request::Claim {
            installation_id: "acme".to_owned(),
            limit: 1,
            visibility_timeout: std::time::Duration::from_secs(60),
            exclude: Vec::new(),
        };
        judge(&request::claim(kind, &claim))?.read(|body| run::read_claim(kind, body))
    };
    let lookup =
        |kind| judge(&request::lookup(kind, "gh_1_2_3"))?.read(|body| run::read_lookup(kind, body));
    Readings {
        token: wire
            .judge(&request::token("client", "not sent"), reply(), None)
            .and_then(|answer| answer.read(|body| token::read(body, Instant::now(), 1)))
            .map(|token| token.owner),
        claims: RunKind::ALL.map(claim),
        lookups: RunKind::ALL.map(lookup),
        action_run: judge(&request::action_run("r_1"))
            .and_then(|answer| answer.read(run::read_action_run)),
        integration: judge(&request::integration("acme"))
            .and_then(|answer| answer.read(integration::read)),
    }
}
