//! The GitHub App: who it is, where it is installed, and what the tokens of its installations may do.

mod answers;
mod handle;
mod installation;
mod jwt;
mod objects;
mod request;
mod tokens;

pub use installation::AppInstallation;
pub use tokens::AppTokenFormat;

use std::collections::BTreeSet;
use std::io;
use std::time::SystemTime;

use secrecy::ExposeSecret as _;

use super::super::server::Reply;
use super::errors::error;
use super::gate::{Caller, bad_credentials};
use super::options::{Options, Standing};
use super::world::RepositoryRecord;
use installation::{Installed, Permissions, grants};
use jwt::Issuer;
pub(super) use jwt::{Flaw, looks_like_one};
use tokens::{Minted, Tokens};

/// The default key of the App as GitHub hands it out, PKCS#1. A test key: it is published here and protects nothing.
pub const TEST_KEY_PKCS1: &str = include_str!("app/test-key-no-secret.pkcs1.pem");

/// The same test key as PKCS#8, which is what most other tools write.
pub const TEST_KEY_PKCS8: &str = include_str!("app/test-key-no-secret.pkcs8.pem");

/// Quota of the App itself: requests with a JWT, per window.
pub(super) const APP_LIMIT: u32 = 5_000;

/// What an installation token reaches.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    installed: Installed,
    only: Option<BTreeSet<u64>>,
    permissions: Permissions,
}

impl Reach {
    pub(super) fn installation(&self) -> u64 {
        self.installed.id
    }

    pub(super) fn is_on(&self, account: &str) -> bool {
        self.installed.is_on(account)
    }

    pub(super) fn covers(&self, record: &RepositoryRecord) -> bool {
        self.installed.is_on(&record.definition.owner)
            && self.installed.selects(&record.definition.name)
            && self
                .only
                .as_ref()
                .is_none_or(|ids| ids.contains(&record.id))
    }

    /// Whether the token has a permission, as `name=level`; the empty one is everybody's.
    pub(super) fn permits(&self, wanted: &str) -> bool {
        wanted
            .split_once('=')
            .is_none_or(|(name, level)| grants(&self.permissions, name, level))
    }
}

/// The one App that this GitHub knows.
#[derive(Debug)]
pub(super) struct App {
    issuer: Issuer,
    slug: String,
    events: Vec<String>,
    created_at: SystemTime,
    installations: Vec<Installed>,
    /// The id of the next installation that names none.
    next_id: u64,
    tokens: Tokens,
}

impl App {
    /// The App of the options.
    ///
    /// # Errors
    /// When its key cannot be used.
    pub(super) fn new(options: &Options) -> io::Result<Self> {
        let now = options.now();
        let public_key = jwt::public_key(options.app_private_key.expose_secret())?;
        let mut app = Self {
            issuer: Issuer {
                app_id: options.app_id,
                client_id: options.app_client_id.clone(),
                public_key,
            },
            slug: options.app_slug.clone(),
            events: options.app_events.clone(),
            created_at: now,
            installations: Vec::new(),
            next_id: options.installation_id,
            tokens: Tokens::new(options.app_id),
        };
        for installation in &options.app_installations {
            app.install(installation.clone(), now);
        }
        Ok(app)
    }

    /// Tokens are minted for this address from now on: two simulators in one process must not mint the same ones.
    pub(super) fn at(mut self, origin: &str) -> Self {
        self.tokens.at(origin);
        self
    }

    /// Installs the App, in place of an earlier installation on the same account.
    pub(super) fn install(&mut self, definition: AppInstallation, now: SystemTime) -> u64 {
        self.uninstall(&definition.account);
        let id = definition.id.unwrap_or(self.next_id);
        self.next_id = self.next_id.max(id + 1);
        self.installations.push(Installed {
            id,
            created_at: now,
            updated_at: now,
            suspended_at: definition.suspended.then_some(now),
            definition,
        });
        id
    }

    /// Takes the App off an account; its tokens there are worthless from now on.
    pub(super) fn uninstall(&mut self, account: &str) -> bool {
        self.revoke_tokens(account);
        let before = self.installations.len();
        self.installations.retain(|one| !one.is_on(account));
        self.installations.len() < before
    }

    pub(super) fn suspend(&mut self, account: &str, suspended: bool, now: SystemTime) -> bool {
        let found = self
            .installations
            .iter_mut()
            .find(|one| one.is_on(account))
            .map(|one| {
                one.suspended_at = suspended.then_some(now);
                one.updated_at = now;
            });
        found.is_some()
    }

    pub(super) fn installation_on(&self, account: &str) -> Option<&Installed> {
        self.installations.iter().find(|one| one.is_on(account))
    }

    pub(super) fn installation_id_on(&self, account: &str) -> Option<u64> {
        self.installation_on(account).map(|one| one.id)
    }

    /// Login of an organization, as the App's installation there has it.
    pub(super) fn organization(&self, login: &str) -> Option<&str> {
        let definition = &self.installation_on(login)?.definition;
        definition.organization.then_some(&definition.account)
    }

    fn installation(&self, id: &str) -> Option<&Installed> {
        self.installations
            .iter()
            .find(|one| one.id.to_string() == id)
    }

    /// Revokes every token that an account's installation has been given so far; says how many.
    pub(super) fn revoke_tokens(&mut self, account: &str) -> usize {
        self.tokens.revoke_all(account)
    }

    /// Revokes one token, or brings it back.
    pub(super) fn set_standing(&mut self, token: &str, standing: Standing) -> bool {
        self.tokens
            .get_mut(token)
            .map(|minted| minted.revoked = standing == Standing::Expired)
            .is_some()
    }

    pub(super) fn minted_for(&self, account: &str) -> usize {
        self.tokens.minted_for(account)
    }

    /// Whether such a token was ever minted, whatever has become of it.
    pub(super) fn minted(&self, token: &str) -> bool {
        self.tokens.get(token).is_some()
    }

    /// Whose quota a header's token is charged to, if the App has to do with it.
    pub(super) fn quota_key(&self, token: &str) -> Option<String> {
        match self.tokens.get(token) {
            Some(minted) => Some(installation_quota(minted.installation)),
            None if looks_like_one(token) => Some(app_quota()),
            None => None,
        }
    }

    /// The caller behind an installation token, or its refusal; none if the App was never given such a token.
    pub(super) fn caller(&self, token: &str, now: SystemTime) -> Option<Result<Caller, Reply>> {
        let minted = self.tokens.get(token)?;
        Some(self.reach(minted, now).map(|reach| Caller {
            key: installation_quota(minted.installation),
            login: self.bot(),
            anonymous: false,
            write: reach.permits("actions=write"),
            reach: Some(reach),
        }))
    }

    fn reach(&self, minted: &Minted, now: SystemTime) -> Result<Reach, Reply> {
        let installed = self
            .installations
            .iter()
            .find(|one| one.id == minted.installation)
            .filter(|_| !minted.revoked && minted.expires_at > now)
            .ok_or_else(bad_credentials)?;
        if installed.suspended_at.is_some() {
            return Err(suspended(""));
        }
        Ok(Reach {
            installed: installed.clone(),
            only: minted.only.clone(),
            permissions: minted.permissions.clone(),
        })
    }

    /// What is wrong with a JWT at that moment.
    pub(super) fn verify(&self, token: &str, now: SystemTime) -> Result<(), Flaw> {
        jwt::verify(token, &self.issuer, now)
    }

    /// The App itself as a caller, once its JWT has been verified.
    pub(super) fn itself(&self) -> Caller {
        Caller {
            key: app_quota(),
            login: self.bot(),
            anonymous: false,
            write: false,
            reach: None,
        }
    }

    fn bot(&self) -> String {
        format!("{}[bot]", self.slug)
    }
}

/// Whether a request for a token has a body that such requests can have. The host alone writes them, so that another
/// one is its mistake.
pub(super) fn fits_schema(body: &[u8]) -> bool {
    request::read(body).is_ok()
}

/// Name of the App's own quota.
pub(super) fn app_quota() -> String {
    "the app".to_owned()
}

/// Name of an installation's quota, which all its tokens share.
pub(super) fn installation_quota(id: u64) -> String {
    format!("installation {id}")
}

fn suspended(operation: &str) -> Reply {
    error(operation, 403, "This installation has been suspended")
}
