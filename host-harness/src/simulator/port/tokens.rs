//! Clients and their access tokens: shaped like JWTs, with the claims that tell a machine from a person.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use super::super::server::Received;
use super::options::Claims;

/// Signs the tokens of this process; nobody else verifies them.
const KEY: &[u8] = b"simulated port";

#[derive(Debug)]
struct Issued {
    claims: Claims,
    expires_at: SystemTime,
    revoked: bool,
}

/// Clients, and every token ever issued.
#[derive(Debug, Default)]
pub(super) struct Tokens {
    clients: BTreeMap<String, (String, Claims)>,
    issued: BTreeMap<String, Issued>,
    counter: u64,
}

/// Whether a request's token is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bearer {
    Good(Claims),
    /// It was good once: a client cannot always know in time.
    Stale,
    /// Never issued here.
    Unknown,
    Missing,
}

impl Tokens {
    pub(super) fn add_client(&mut self, id: &str, secret: &str, claims: Claims) {
        self.clients
            .insert(id.to_owned(), (secret.to_owned(), claims));
    }

    /// A new token for the right secret.
    pub(super) fn issue(
        &mut self,
        id: &str,
        secret: &str,
        life: Duration,
        now: SystemTime,
    ) -> Option<String> {
        let (known, claims) = self.clients.get(id)?;
        if known != secret {
            return None;
        }
        let claims = *claims;
        self.counter += 1;
        let token = token(id, claims, now, life, self.counter);
        self.issued.insert(
            token.clone(),
            Issued {
                claims,
                expires_at: now + life,
                revoked: false,
            },
        );
        Some(token)
    }

    pub(super) fn revoke_all(&mut self) {
        for issued in self.issued.values_mut() {
            issued.revoked = true;
        }
    }

    pub(super) fn bearer(&self, received: &Received, now: SystemTime) -> Bearer {
        let Some(value) = received.header("authorization") else {
            return Bearer::Missing;
        };
        let token = value
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        match token.and_then(|(_, token)| self.issued.get(token)) {
            Some(issued) if issued.revoked || issued.expires_at <= now => Bearer::Stale,
            Some(issued) => Bearer::Good(issued.claims),
            None => Bearer::Unknown,
        }
    }
}

fn token(id: &str, claims: Claims, now: SystemTime, life: Duration, number: u64) -> String {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let mut payload = Map::new();
    payload.insert("orgId".into(), "org_simulated".into());
    payload.insert("iss".into(), "https://api.getport.io".into());
    payload.insert("sub".into(), id.into());
    payload.insert("jti".into(), format!("token-{number}").into());
    payload.insert("iat".into(), seconds.into());
    payload.insert("exp".into(), (seconds + life.as_secs()).into());
    if let Some(is_machine) = claims.is_machine {
        payload.insert("isMachine".into(), is_machine.into());
    }
    if let Some(personal_token) = claims.personal_token {
        payload.insert("personalToken".into(), personal_token.into());
    }
    let header = json!({"alg": "HS256", "typ": "JWT"}).to_string();
    let text = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(Value::Object(payload).to_string())
    );
    // HMAC takes keys of any length, so that the error cannot happen.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(KEY) else {
        return text;
    };
    mac.update(text.as_bytes());
    format!(
        "{text}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}
