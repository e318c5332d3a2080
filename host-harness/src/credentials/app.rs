//! A GitHub App as a credential: its key makes JWTs, a JWT gets a token for one organization, and the token goes with
//! that organization's requests (GitHub, "Authenticating as a GitHub App installation").
//!
//! * A token is made when a request first needs it, by one of those who need it; the others wait for that one.
//! * It is replaced five minutes before its end by whoever comes first, while the others go on with the old one. If that
//!   fails, the old one is used as long as it lives.
//! * A token that the server answers with 401 is dropped and a new one made, once for each request and once in half a
//!   minute. In between a 401 goes back to the plugin.
//! * While GitHub wants a pause, it is not asked for a token.
//! * Which organization a request is about is read from its path, unless the installation is fixed to one. A fixed
//!   installation never gets the token of another organization, whatever its plugin asks for.

use super::exchange::{self, Minted, Question, Sender};
use super::key::AppKey;
use super::organization;
use super::refusal::{AppError, Refusal};
use super::slot::{Known, RENEWED_FOR, Slot};
use super::token::Token;
use crate::clock;
use crate::scrub::Spellings;
use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, Uri};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::time::Instant;

pub use super::key::KeyError;

/// Organizations of one App whose tokens are kept. One that is not among the last so many costs two requests more.
const ORGANIZATIONS: usize = 1_000;
/// How far GitHub's clock may differ from ours before a refused JWT is made again with GitHub's, in seconds.
const SKEW: i64 = 30;

/// Whose token an installation may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// That of this organization or user.
    Organization(String),
    /// That of this installation of the App, by GitHub's id.
    Installation(u64),
    /// That of the organization that the request is about.
    AnyInstallation,
}

/// What an App is made of.
pub struct AppOptions<'o> {
    /// Client id or app id.
    pub id: String,
    /// The private key: PEM, or PEM in base64.
    pub key: &'o str,
    /// Where the API begins.
    pub api: Uri,
    /// Whose tokens may be used.
    pub scope: Scope,
    /// The permissions that tokens get, such as `actions` = `write`; none for all that the App has.
    pub permissions: BTreeMap<String, String>,
}

/// A GitHub App, and the tokens that it has been given.
pub struct GitHubApp {
    id: String,
    key: AppKey,
    api: Uri,
    scope: Scope,
    /// The body of a request for a token.
    wanted: Bytes,
    /// GitHub's clock minus ours, in seconds, if they were found to differ.
    skew: AtomicI64,
    slots: Mutex<BTreeMap<String, Arc<Slot>>>,
}

/// Whose token a request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(String);

impl GitHubApp {
    /// Puts an App together. Nothing is asked yet.
    pub fn new(options: AppOptions<'_>) -> Result<GitHubApp, KeyError> {
        let key = AppKey::parse(options.key)?;
        let wanted = if options.permissions.is_empty() {
            Bytes::new()
        } else {
            serde_json::json!({ "permissions": options.permissions })
                .to_string()
                .into()
        };
        Ok(GitHubApp {
            id: options.id,
            key,
            api: options.api,
            scope: options.scope,
            wanted,
            skew: AtomicI64::new(0),
            slots: Mutex::default(),
        })
    }

    /// Client id or app id.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Whose tokens may be used.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Asks the server something as the App itself, with a JWT; `path` is below the one at which the API begins. What a
    /// refusal repeats of the JWT is blotted out.
    pub async fn ask_as_itself<S: Sender>(
        &self,
        method: Method,
        path: String,
        body: Bytes,
        sender: &S,
    ) -> Result<Response<Bytes>, AppError<S::Error>> {
        let question = Question { method, path, body };
        self.ask(&question, sender).await
    }

    /// What its budget at the server is known by: an installation of an App has one of its own.
    pub fn budget_name(&self) -> String {
        match &self.scope {
            Scope::Organization(name) => format!("{} {}", self.id, name.to_ascii_lowercase()),
            Scope::Installation(id) => format!("{} #{id}", self.id),
            Scope::AnyInstallation => self.id.clone(),
        }
    }

    /// Whose token a request to `uri` gets. `earlier` is what an earlier request of the same call got, for those that
    /// name nobody: the place to which a renamed repository redirects, for instance, has a number only.
    pub fn account(&self, uri: &Uri, earlier: Option<&Account>) -> Result<Account, Refusal> {
        match &self.scope {
            Scope::Organization(name) => Ok(Account(name.to_ascii_lowercase())),
            Scope::Installation(id) => Ok(Account(format!("#{id}"))),
            Scope::AnyInstallation => organization::named_by(uri, &self.api)
                .map(Account)
                .or_else(|| earlier.cloned())
                .ok_or(Refusal::NoOrganization),
        }
    }

    /// The value of the `authorization` field for requests of an account, and the token's spellings: see the module.
    pub async fn authorization<S: Sender>(
        &self,
        account: &Account,
        sender: &S,
    ) -> Result<(HeaderValue, Arc<Spellings>), AppError<S::Error>> {
        let token = self.token(account, sender).await?;
        let header = super::bearer(token.secret.expose_secret())
            .map_err(|_| AppError::Unavailable("GitHub's token cannot be sent".to_owned()))?;
        Ok((header, token.spellings.clone()))
    }

    /// Takes note that the server has refused requests with this header, and tells whether another try makes sense. A
    /// newer token stays, and so does one that was made because of a refusal a moment ago.
    pub fn was_refused(&self, account: &Account, authorization: &HeaderValue) -> bool {
        let Some(slot) = self.lock().get(&account.0).cloned() else {
            return true;
        };
        let mut state = slot.lock();
        let is_the_same = |token: &Arc<Token>| {
            authorization
                .as_bytes()
                .strip_prefix(b"Bearer ")
                .is_some_and(|value| value == token.secret.expose_secret().as_bytes())
        };
        if !state.token.as_ref().is_some_and(is_the_same) {
            return true;
        }
        let now = Instant::now();
        if state.renewed.is_some_and(|time| now < time + RENEWED_FOR) {
            return false;
        }
        state.renewed = Some(now);
        state.previous = state.token.take();
        true
    }

    /// A refusal in words: what happened, and what to do.
    pub fn explain(&self, account: Option<&Account>, refusal: &Refusal) -> String {
        let app = &self.id;
        let account = account.map_or("?", |account| account.0.as_str());
        let account = match account.strip_prefix('#') {
            Some(id) => format!("installation {id}"),
            None => account.to_owned(),
        };
        match refusal {
            Refusal::NoOrganization => format!(
                "the request names no organization, so there is no telling which installation of the GitHub App {app} it \
                 is for; set `organization` in the host's configuration"
            ),
            Refusal::NotInstalled => format!(
                "the GitHub App {app} is not installed for {account}; install it there, with access to the repository"
            ),
            Refusal::Suspended => format!(
                "the GitHub App {app} is suspended for {account}; an owner can unsuspend it in the settings, under \
                 installed GitHub Apps"
            ),
            Refusal::Key(words) => format!(
                "GitHub does not accept the key of the GitHub App {app} ({words}); check that app id and private key \
                 belong together, and that this machine's clock is right"
            ),
            Refusal::Other(status, words) => format!(
                "GitHub answered {status} to a request for a token of the GitHub App {app} for {account}: {words}"
            ),
        }
    }

    /// Blots every token that is known out of a text.
    pub fn blot<'t>(&self, mut text: Cow<'t, str>) -> Cow<'t, str> {
        let slots: Vec<Arc<Slot>> = self.lock().values().cloned().collect();
        for slot in slots {
            let (token, previous) = {
                let state = slot.lock();
                (state.token.clone(), state.previous.clone())
            };
            for token in token.iter().chain(&previous) {
                text = token.spellings.blot(text);
            }
        }
        text
    }

    async fn token<S: Sender>(
        &self,
        account: &Account,
        sender: &S,
    ) -> Result<Arc<Token>, AppError<S::Error>> {
        let slot = self.slot(account);
        let usable = match slot.known(Instant::now())? {
            Known::Good(token) => return Ok(token),
            Known::Ageing(token) => Some(token),
            Known::Nothing => None,
        };
        let _asking = match &usable {
            // Somebody replaces it already: it still works.
            Some(token) => match slot.asking.try_lock() {
                Ok(asking) => asking,
                Err(_) => return Ok(token.clone()),
            },
            None => slot.asking.lock().await,
        };
        // While this waited, somebody else may have got one, or been refused.
        if let Known::Good(token) = slot.known(Instant::now())? {
            return Ok(token);
        }
        let asked = self.ask_for_token(&slot, account, sender).await;
        slot.learn(asked, usable, Instant::now())
    }

    async fn ask_for_token<S: Sender>(
        &self,
        slot: &Slot,
        account: &Account,
        sender: &S,
    ) -> Result<Minted, AppError<S::Error>> {
        let known = slot.lock().installation;
        let is_known = known.is_some();
        let id = match known {
            Some(id) => id,
            None => self.find(account, sender).await?,
        };
        if let Some(minted) = self.mint(id, sender).await? {
            slot.lock().installation = Some(id);
            return Ok(minted);
        }
        // Uninstalled; and installed again, it has another id.
        slot.lock().installation = None;
        let found = match &self.scope {
            Scope::Organization(_) | Scope::AnyInstallation if is_known => {
                self.find(account, sender).await?
            }
            _ => return Err(AppError::Refused(Refusal::NotInstalled)),
        };
        let minted = self.mint(found, sender).await?;
        slot.lock().installation = Some(found);
        minted.ok_or(AppError::Refused(Refusal::NotInstalled))
    }

    /// GitHub's id of the App's installation.
    async fn find<S: Sender>(
        &self,
        account: &Account,
        sender: &S,
    ) -> Result<u64, AppError<S::Error>> {
        if let Scope::Installation(id) = self.scope {
            return Ok(id);
        }
        for kind in ["orgs", "users"] {
            let question = Question::get(format!("/{kind}/{}/installation", account.0));
            let answer = self.ask(&question, sender).await?;
            match exchange::found(&answer)? {
                Some(found) if found.is_suspended() => {
                    return Err(AppError::Refused(Refusal::Suspended));
                }
                Some(found) => return Ok(found.id),
                None => {}
            }
        }
        Err(AppError::Refused(Refusal::NotInstalled))
    }

    async fn mint<S: Sender>(
        &self,
        id: u64,
        sender: &S,
    ) -> Result<Option<Minted>, AppError<S::Error>> {
        let question = Question {
            method: Method::POST,
            path: format!("/app/installations/{id}/access_tokens"),
            body: self.wanted.clone(),
        };
        let answer = self.ask(&question, sender).await?;
        exchange::minted(&answer, self.time())
    }

    /// Asks as the App; once more with GitHub's clock if GitHub refuses and its clock is another.
    async fn ask<S: Sender>(
        &self,
        question: &Question,
        sender: &S,
    ) -> Result<Response<Bytes>, AppError<S::Error>> {
        let answer = self.ask_once(question, sender).await?;
        if answer.status() != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let Some(date) = exchange::date(answer.headers()) else {
            return Ok(answer);
        };
        if (date - self.time()).abs() <= SKEW {
            return Ok(answer);
        }
        self.skew.store(date - host_time(), Ordering::Relaxed);
        self.ask_once(question, sender).await
    }

    async fn ask_once<S: Sender>(
        &self,
        question: &Question,
        sender: &S,
    ) -> Result<Response<Bytes>, AppError<S::Error>> {
        let jwt = self
            .key
            .jwt(&self.id, self.time())
            .map_err(|error| AppError::Unavailable(error.to_string()))?;
        let answer = question.ask(sender, &self.api, &jwt).await?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        // What a server says about a refusal is shown to people, and may repeat what it was sent.
        let jwt = Spellings::of(&SecretString::from(jwt.as_str()));
        Ok(answer.map(|body| {
            let text = jwt.blot(String::from_utf8_lossy(&body));
            Bytes::from(text.into_owned())
        }))
    }

    /// GitHub's clock, as far as it is known, in seconds since 1970.
    fn time(&self) -> i64 {
        host_time() + self.skew.load(Ordering::Relaxed)
    }

    fn slot(&self, account: &Account) -> Arc<Slot> {
        let mut slots = self.lock();
        if !slots.contains_key(&account.0) && slots.len() >= ORGANIZATIONS {
            let oldest = slots.iter().min_by_key(|(_, slot)| slot.lock().last_use);
            if let Some(oldest) = oldest.map(|(name, _)| name.clone()) {
                slots.remove(&oldest);
            }
        }
        let slot = slots.entry(account.0.clone()).or_default().clone();
        slot.lock().last_use = Some(Instant::now());
        slot
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn host_time() -> i64 {
    i64::try_from(clock::timestamp() / 1000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
