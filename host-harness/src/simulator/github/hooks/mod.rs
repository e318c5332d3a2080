//! Webhooks of repositories, of organizations and of the App: their administration over REST, and what is sent to them.
//!
//! Kinder than github.com: a hook may have a URL on loopback, which github.com refuses because it could not reach it.
//!
//! Not simulated: `POST …/tests` (this GitHub tells of no push), delivery over TLS (`insecure_ssl` is kept and read
//! back, nothing else), and the `ping` that an App's hook gets when the App is registered.

mod answers;
mod deliveries;
mod endpoint;
mod objects;
mod ping;
mod request;
mod rules;
mod sender;

use std::time::SystemTime;

use super::world::RepositoryRecord;

pub(super) use endpoint::{Call, Owner};
pub use sender::signature;
pub(super) use sender::{Client, Event, Outgoing, client};

/// Whose hook it is: what it hears of, and how its deliveries name that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// The App's; with the only owner whose repositories it hears of, or none for all.
    App(Option<String>),
    /// One repository's, by id.
    Repository(u64),
    /// An organization's: of all its repositories.
    Organization { id: u64, login: String },
}

impl Target {
    pub(super) fn is_app(&self) -> bool {
        matches!(self, Self::App(_))
    }

    /// Whether both belong together in lists and limits. The App's hooks count as one however they are narrowed.
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::App(_), Self::App(_)) => true,
            (Self::Repository(one), Self::Repository(other)) => one == other,
            (Self::Organization { id, .. }, Self::Organization { id: other, .. }) => id == other,
            _ => false,
        }
    }

    fn covers(&self, repository: &RepositoryRecord) -> bool {
        match self {
            Self::App(only) => only
                .as_ref()
                .is_none_or(|owner| owner.eq_ignore_ascii_case(&repository.definition.owner)),
            Self::Repository(id) => *id == repository.id,
            Self::Organization { id, .. } => *id == repository.owner_id,
        }
    }
}

/// How the body of a delivery is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Content {
    Json,
    Form,
}

impl Content {
    fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Form => "form",
        }
    }
}

/// Where a hook's deliveries go, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Config {
    pub(super) url: String,
    pub(super) content: Content,
    pub(super) secret: Option<String>,
    /// Kept to be read back: nothing is sent over TLS here.
    pub(super) insecure_ssl: bool,
}

impl Config {
    /// JSON, as the App's hook sends it.
    pub(super) fn json(url: String, secret: Option<String>) -> Self {
        Self {
            url,
            content: Content::Json,
            secret,
            insecure_ssl: false,
        }
    }
}

/// A webhook.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) id: u64,
    pub(super) target: Target,
    pub(super) config: Config,
    pub(super) events: Vec<String>,
    /// One that is not gets nothing.
    pub(super) active: bool,
    pub(super) created_at: SystemTime,
    pub(super) updated_at: SystemTime,
}

impl Hook {
    pub(super) fn wants(&self, event: &str, repository: &RepositoryRecord) -> bool {
        self.active
            && self.target.covers(repository)
            && self
                .events
                .iter()
                .any(|wanted| wanted == event || wanted == "*")
    }
}
