//! GitHub, as the other end of an installation: credential, permissions, webhook.
//!
//! Elsewhere the host knows the contract and no server in particular; what GitHub's answers mean is the plugin's affair.
//! This is the exception beside `credentials`, and for the same reason: a webhook is set up with the secret that its
//! deliveries are verified with, and an App proves itself with its key, and no plugin may see either of them. A plugin
//! could say which requests to send, but with the secret added by the host to a body of the plugin's making, the plugin
//! would choose where the secret goes. So what has to do with GitHub's webhooks and Apps is here, in one module, and it
//! is used only where an installation has to do with GitHub ([`concerns`]).
//!
//! These modules decide about answers: `reach`, `app`, `token`, `hook`, `delivery`. `sender` and `webhook` ask what they need,
//! one question after the other, by `client`; `place` says where webhooks are, `repair` changes them.

mod app;
mod client;
mod delivery;
mod hook;
mod place;
mod reach;
mod repair;
mod sender;
mod token;
mod webhook;

pub(super) use repair::Repair;

use super::finding::{Change, Finding};
use super::{PublicUrl, RepositoryName};
use crate::config::InstallationConfig;
use crate::contract::Webhooks;
use crate::credentials::Credential;
use crate::installation::Installation;
use crate::network::Network;
use crate::transport::TransportError;
use client::GitHub;
use std::collections::BTreeMap;

/// The header field with which GitHub names the event of a delivery.
const EVENT_HEADER: &str = "x-github-event";

/// Whether an installation has to do with GitHub: its plugin wants GitHub's deliveries, or it sends as a GitHub App.
pub(super) fn concerns(webhooks: Option<&Webhooks>, credential: &Credential) -> bool {
    matches!(credential, Credential::App(_)) || webhooks.is_some_and(are_githubs)
}

fn are_githubs(webhooks: &Webhooks) -> bool {
    webhooks.event_header.eq_ignore_ascii_case(EVENT_HEADER)
}

/// Where the listener is.
pub(super) struct Address<'a> {
    /// As the outside sees it.
    pub(super) public_url: Option<&'a PublicUrl>,
    /// What stands before every path.
    pub(super) path_prefix: &'a str,
    /// Whether this is the host's only installation: it is reached at a second path then.
    pub(super) is_the_only_one: bool,
}

/// What is looked at.
pub(super) struct Subject<'s> {
    pub(super) network: Network,
    pub(super) installation: &'s Installation,
    pub(super) config: &'s InstallationConfig,
    pub(super) webhooks: Option<&'s Webhooks>,
    pub(super) address: Address<'s>,
    pub(super) repository: Option<&'s RepositoryName>,
    pub(super) rate_threshold: u32,
}

/// The newest delivery of each hook before it was mended, by the hook's path.
#[derive(Debug, Default)]
pub(super) struct Mended(BTreeMap<String, u64>);

/// What there is to say, and what can be changed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) findings: Vec<Finding>,
    pub(super) repairs: Vec<Repair>,
}

impl Seen {
    fn of(findings: Vec<Finding>) -> Seen {
        Seen {
            findings,
            repairs: vec![],
        }
    }

    fn and(&mut self, more: Seen) {
        self.findings.extend(more.findings);
        self.repairs.extend(more.repairs);
    }
}

/// GitHub's part of one installation.
pub(super) struct Case<'s> {
    subject: Subject<'s>,
    github: GitHub<'s>,
}

impl<'s> Case<'s> {
    pub(super) fn new(subject: Subject<'s>) -> Result<Case<'s>, TransportError> {
        let github = GitHub::new(subject.network.clone(), subject.installation)?;
        Ok(Case { subject, github })
    }

    /// Looks at everything. `mended`: what was just changed.
    pub(super) async fn examine(&self, mended: &Mended) -> Seen {
        let (mut findings, sender) = match self.subject.installation.credential() {
            Credential::App(app) => self.as_app(app).await,
            Credential::Token(_) | Credential::None => self.as_token().await,
        };
        findings.extend(self.secret());
        let mut seen = Seen::of(findings);
        seen.and(self.webhook(sender, mended).await);
        seen
    }

    /// Changes what can be changed, and tells what that was.
    pub(super) async fn mend(&self, repairs: &[Repair], changes: &mut Vec<Change>) -> Mended {
        let secret = self.subject.installation.webhook_secret();
        repair::carry_out(&self.github, secret, repairs, changes).await
    }
}
