//! Installation tokens: how they look, how long they live, and how many there have been.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Permissions;

/// How installation tokens look. Clients must take both as they are: the second has replaced the first on github.com
/// in the course of 2026.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppTokenFormat {
    /// `ghs_` and 36 letters or digits.
    Classic,
    /// `ghs_`, the App's id, and something like a JWT: some 520 characters, with underscores and two dots.
    Stateless,
}

/// A token of an installation.
#[derive(Debug)]
pub(super) struct Minted {
    pub(super) installation: u64,
    pub(super) account: String,
    pub(super) expires_at: SystemTime,
    pub(super) revoked: bool,
    pub(super) permissions: Permissions,
    /// The only repositories it reaches, by id.
    pub(super) only: Option<BTreeSet<u64>>,
}

/// All tokens ever minted.
#[derive(Debug)]
pub(super) struct Tokens {
    origin: String,
    app_id: u64,
    minted: BTreeMap<String, Minted>,
}

impl Tokens {
    pub(super) fn new(app_id: u64) -> Self {
        Self {
            origin: String::new(),
            app_id,
            minted: BTreeMap::new(),
        }
    }

    /// The address that the values of later tokens come from.
    pub(super) fn at(&mut self, origin: &str) {
        self.origin = origin.to_owned();
    }

    pub(super) fn get(&self, token: &str) -> Option<&Minted> {
        self.minted.get(token)
    }

    pub(super) fn get_mut(&mut self, token: &str) -> Option<&mut Minted> {
        self.minted.get_mut(token)
    }

    /// Keeps the grant under a value that it has not used before, and says it.
    pub(super) fn mint(&mut self, grant: Minted, format: AppTokenFormat) -> String {
        let seed = format!("{} {}", self.origin, self.minted.len());
        let value = match format {
            AppTokenFormat::Classic => format!("ghs_{}", letters(&seed, 36)),
            AppTokenFormat::Stateless => self.stateless(&seed, &grant),
        };
        self.minted.insert(value.clone(), grant);
        value
    }

    fn stateless(&self, seed: &str, grant: &Minted) -> String {
        let header = json!({"alg": "ES256", "typ": "JWT"});
        let claims = json!({
            "iss": "github.com",
            "aud": "api",
            "sub": format!("installation:{}", grant.installation),
            "exp": grant.expires_at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs(),
            "jti": letters(seed, 64),
            "ent": letters(&format!("{seed} entropy"), 130),
        });
        let signature = stream(&format!("{seed} signature"))
            .take(64)
            .collect::<Vec<u8>>();
        format!(
            "ghs_{}_{}.{}.{}",
            self.app_id,
            URL_SAFE_NO_PAD.encode(header.to_string()),
            URL_SAFE_NO_PAD.encode(claims.to_string()),
            URL_SAFE_NO_PAD.encode(signature),
        )
    }

    pub(super) fn revoke_all(&mut self, account: &str) -> usize {
        let mut revoked = 0;
        for one in self.minted.values_mut() {
            if one.account.eq_ignore_ascii_case(account) && !one.revoked {
                one.revoked = true;
                revoked += 1;
            }
        }
        revoked
    }

    pub(super) fn minted_for(&self, account: &str) -> usize {
        self.minted
            .values()
            .filter(|one| one.account.eq_ignore_ascii_case(account))
            .count()
    }
}

/// Bytes that look random and come from the seed.
fn stream(seed: &str) -> impl Iterator<Item = u8> + use<> {
    let seed = seed.to_owned();
    (0_u32..).flat_map(move |block| Sha256::digest(format!("{seed} {block}")))
}

fn letters(seed: &str, count: usize) -> String {
    stream(seed)
        .filter(u8::is_ascii_alphanumeric)
        .take(count)
        .map(char::from)
        .collect()
}
