//! GitHub, as the other end of an installation: credential, permissions, webhook.
//!
//! Elsewhere the host knows the contract and no server in particular; what GitHub's answers mean is the plugin's affair.
//! This is the exception beside `credentials`, and for the same reason: a webhook is set up with the secret that its
//! deliveries are verified with, and an App proves itself with its key, and no plugin may see either of them. A plugin
//! could say which requests to send, but with the secret added by the host to a body of the plugin's making, the plugin
//! would choose where the secret goes. So what has to do with GitHub's webhooks and Apps is here, in one module, and it
//! is used only where an installation has to do with GitHub ([`concerns`]).
//!
//! Each module decides about answers, without asking: `reach`, `app`, `token`, `hook`, `delivery`. `client` asks, `place`
//! says where webhooks are, `repair` changes them.

mod app;
mod client;
mod delivery;
mod hook;
mod place;
mod reach;
mod repair;
mod token;

pub(super) use repair::Repair;

use super::finding::{Change, Finding, skipped};
use super::{PublicUrl, RepositoryName};
use crate::clock;
use crate::config::{CredentialConfig, InstallationConfig};
use crate::contract::Webhooks;
use crate::credentials::{Credential, GitHubApp, is_login};
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use crate::network::Network;
use crate::transport::TransportError;
use app::{AppObject, Installed};
use client::{Answer, Asked, Asker, GitHub};
use hook::{Hook, Wanted};
use place::{Place, Places};
use std::collections::BTreeMap;

const SECRET: &str = "webhook.secret";
const HOOK: &str = "webhook.hook";
const URL: &str = "webhook.url";
const ACTIVE: &str = "webhook.active";
const EVENTS: &str = "webhook.events";
const CONTENT_TYPE: &str = "webhook.content-type";
const SIGNED: &str = "webhook.signed";
const DELIVERIES: &str = "webhook.deliveries";

/// What depends on there being a hook.
const OF_A_HOOK: [&str; 6] = [URL, ACTIVE, EVENTS, CONTENT_TYPE, SIGNED, DELIVERIES];

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

/// What of the credential matters for the webhook.
struct Sender {
    /// What an App has subscribed to; none: no App.
    events: Option<Vec<String>>,
    /// The organization whose hooks count.
    organization: Option<String>,
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

    /// The checks of an App, up to its permissions. No sender: GitHub does not know the App.
    async fn as_app(&self, app: &GitHubApp) -> (Vec<Finding>, Option<Sender>) {
        const REST: [&str; 4] = [
            reach::CLOCK,
            app::INSTALLED,
            app::PERMISSIONS,
            reach::BUDGET,
        ];
        let asked = self.github.get(&Asker::Itself, "/app").await;
        let (mut findings, first) = self.first(&asked, reach::app, &REST);
        let Some(first) = first else {
            return (findings, None);
        };
        findings.push(reach::clock(first.skew, true));
        let Some(object) = first.read::<AppObject>().filter(|_| first.is_success()) else {
            let rest = REST.get(1..).unwrap_or_default();
            findings.extend(skipped(rest, reach::CREDENTIAL));
            return (findings, None);
        };
        let found = match app::installations(&self.github, app).await {
            Ok(found) => found,
            Err(finding) => {
                findings.push(finding);
                vec![]
            }
        };
        if findings.iter().all(|it| it.check != app::INSTALLED) {
            findings.push(app::installed(app.scope(), &found));
        }
        let live: Vec<&Installed> = found.iter().filter(|one| !one.is_suspended()).collect();
        findings.extend(self.of_installations(&found, live.first().copied()).await);
        let only = match live.as_slice() {
            [one] if one.account.is_organization() => Some(one.account.login.clone()),
            _ => None,
        };
        let sender = Sender {
            events: Some(object.events),
            organization: self.organization().or(only),
        };
        (findings, Some(sender))
    }

    /// What an App may do where it is installed, and what is left of its limit there.
    async fn of_installations(
        &self,
        found: &[Installed],
        live: Option<&Installed>,
    ) -> Vec<Finding> {
        let Some(one) = live else {
            return skipped(&[app::PERMISSIONS, reach::BUDGET], app::INSTALLED);
        };
        let mut findings = vec![app::permissions(found, self.narrowed())];
        let asker = self.github.asker_for(&one.account.login);
        let limits = self.github.get(&asker, "/rate_limit").await;
        findings.push(self.budget(&limits));
        if let Some(name) = self.subject.repository {
            let path = format!("/repos/{name}");
            let asked = self
                .github
                .get(&self.github.asker_for(&name.owner), &path)
                .await;
            findings.push(token::repository(name, &asked).finding);
        }
        findings
    }

    /// The checks of a token, up to its permissions.
    async fn as_token(&self) -> (Vec<Finding>, Option<Sender>) {
        const REST: [&str; 3] = [reach::CLOCK, app::PERMISSIONS, reach::BUDGET];
        let limits = self.github.get(&Asker::Configured, "/rate_limit").await;
        // An Enterprise Server whose limits are off has no such page, and says nothing about the token there.
        let meta = match &limits {
            Ok(answer) if answer.status == 404 => {
                Some(self.github.get(&Asker::Configured, "/meta").await)
            }
            _ => None,
        };
        let asked = meta.as_ref().unwrap_or(&limits);
        let is_anonymous = matches!(self.subject.installation.credential(), Credential::None);
        let judge = if is_anonymous {
            |_: &Answer| reach::no_credential()
        } else {
            reach::token
        };
        let (mut findings, first) = self.first(asked, judge, &REST);
        let Some(first) = first else {
            return (findings, None);
        };
        findings.push(reach::clock(first.skew, false));
        if is_anonymous || !first.is_success() {
            let rest = REST.get(1..).unwrap_or_default();
            findings.extend(skipped(rest, reach::CREDENTIAL));
            return (findings, None);
        }
        findings.extend(self.rights(first).await);
        findings.push(self.budget(&limits));
        let sender = Sender {
            events: None,
            organization: self.organization(),
        };
        (findings, Some(sender))
    }

    async fn rights(&self, first: &Answer) -> Vec<Finding> {
        let Some(name) = self.subject.repository else {
            return vec![token::rights(first, None, None)];
        };
        let path = format!("/repos/{name}");
        let seen = self.github.get(&Asker::Configured, &path).await;
        let seen = token::repository(name, &seen);
        let path = format!("/repos/{name}/actions/workflows?per_page=1");
        let workflows = self.github.get(&Asker::Configured, &path).await;
        let rights = token::rights(first, Some(&seen), Some(&workflows));
        vec![rights, seen.finding]
    }

    /// What the first answer tells. Without an answer from GitHub, the `rest` is not looked at.
    fn first<'a>(
        &self,
        asked: &'a Asked,
        judge: impl FnOnce(&Answer) -> Finding,
        rest: &[&'static str],
    ) -> (Vec<Finding>, Option<&'a Answer>) {
        let reached = reach::reached(self.github.api(), asked);
        let is_reached = reached.remedy.is_none();
        let mut findings = vec![reached];
        match asked {
            Ok(answer) if is_reached => {
                findings.push(judge(answer));
                (findings, Some(answer))
            }
            _ => {
                findings.extend(skipped(&[reach::CREDENTIAL], reach::REACHABLE));
                findings.extend(skipped(rest, reach::REACHABLE));
                (findings, None)
            }
        }
    }

    fn budget(&self, limits: &Asked) -> Finding {
        let now = i64::try_from(clock::timestamp() / 1000).unwrap_or(i64::MAX);
        reach::budget(limits, self.subject.rate_threshold, now)
    }

    fn narrowed(&self) -> &BTreeMap<String, String> {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        match &self.subject.config.credential {
            Some(CredentialConfig::App(app)) => &app.permissions,
            Some(CredentialConfig::Token(_)) | None => NONE,
        }
    }

    /// The organization of the configuration, if it can be one of GitHub's.
    fn organization(&self) -> Option<String> {
        let configured = self.subject.config.organization.clone();
        configured.filter(|login| is_login(login))
    }

    /// Whether deliveries can be verified here.
    fn secret(&self) -> Vec<Finding> {
        let says = "there is none, so every delivery is refused";
        let mend = "set webhook-secret to a random text (openssl rand -hex 32), then run this again with --fix";
        let finding = match self.subject.installation.webhook_secret() {
            _ if !self.wants_a_hook() => return vec![],
            WebhookSecret::Verify(_) => Finding::ok(SECRET, "it is configured here"),
            WebhookSecret::Missing => Finding::wrong(SECRET, says, mend),
            WebhookSecret::AcceptUnsigned => Finding::warning(
                SECRET,
                "deliveries are not verified: anybody who reaches the listener can end runs",
                "set webhook-secret, and take allow-unsigned-webhooks away",
            ),
        };
        vec![finding]
    }

    fn wants_a_hook(&self) -> bool {
        self.subject.webhooks.is_some_and(are_githubs)
            && self.subject.installation.public().live_events
    }

    /// The webhook and its deliveries.
    async fn webhook(&self, sender: Option<Sender>, mended: &Mended) -> Seen {
        let Some(webhooks) = self.subject.webhooks.filter(|it| are_githubs(it)) else {
            return Seen::default();
        };
        if !self.subject.installation.public().live_events {
            return Seen::of(vec![Finding::warning(
                HOOK,
                "live events are off: the end of a run is found by asking, and Port learns of it late",
                "set live-events = true, and run this again",
            )]);
        }
        let Some(sender) = sender else {
            let mut findings = skipped(&[HOOK], reach::CREDENTIAL);
            findings.extend(skipped(&OF_A_HOOK, HOOK));
            return Seen::of(findings);
        };
        let wanted = self.wanted(webhooks);
        let places = self.places(&sender);
        let events = sender.events.as_deref().unwrap_or_default();
        let places = Places::look(&self.github, places, events).await;
        match hook::ours(&places.hooks, &wanted).as_slice() {
            [] => missing(&places, &wanted),
            all @ [one, ..] => self.found(one, all.len(), &wanted, mended).await,
        }
    }

    fn places(&self, sender: &Sender) -> Vec<Place> {
        let app = sender.events.as_ref().map(|_| Place::App);
        let organization = sender.organization.clone().map(Place::Organization);
        let repository = self.subject.repository.cloned().map(Place::Repository);
        [app, organization, repository]
            .into_iter()
            .flatten()
            .collect()
    }

    fn wanted(&self, webhooks: &Webhooks) -> Wanted {
        let address = &self.subject.address;
        let id = self.subject.installation.id();
        let path = format!("{}/webhooks/{id}", address.path_prefix);
        let only = format!("{}/integration/webhook", address.path_prefix);
        let secret = self.subject.installation.webhook_secret();
        Wanted {
            url: address.public_url.map(|url| url.with(&path)),
            paths: std::iter::once(path)
                .chain(address.is_the_only_one.then_some(only))
                .collect(),
            events: webhooks.events.clone(),
            has_secret: matches!(secret, WebhookSecret::Verify(_)),
            takes_unsigned: matches!(secret, WebhookSecret::AcceptUnsigned),
        }
    }

    /// A hook that is for this installation, the first of so many.
    async fn found(&self, hook: &Hook, many: usize, wanted: &Wanted, mended: &Mended) -> Seen {
        let is_there = if many > 1 {
            Finding::warning(
                HOOK,
                format!(
                    "there are {many} for this installation, and deliveries come more than once"
                ),
                format!("keep {}, and delete the others", hook.id),
            )
        } else {
            Finding::ok(HOOK, format!("there is {}", hook.id))
        };
        let mut findings = vec![is_there];
        let (judged, mut repairs) = hook::judge(hook, wanted);
        findings.extend(judged);
        match delivery::last(&self.github, &hook.id).await {
            Err(why) => findings.push(Finding::not_known(
                DELIVERIES,
                format!("they cannot be seen ({why})"),
                "look in the hook's settings, under Recent deliveries",
            )),
            Ok(all) => {
                let before = mended.0.get(&hook.id.path()).copied();
                let telling = delivery::telling(all, hook, wanted, before);
                let said = match telling.first().filter(|it| !it.is_taken()) {
                    Some(newest) => delivery::said(&self.github, &hook.id, newest).await,
                    None => None,
                };
                if wanted.has_secret && delivery::is_refused_for_its_secret(&telling) {
                    renew_secret(&mut repairs, hook);
                }
                let judged = delivery::judge(&telling, said.as_deref(), wanted.has_secret);
                findings.push(judged);
            }
        }
        Seen { findings, repairs }
    }
}

/// Adds to the repairs of a hook that it is given the secret that is configured here.
fn renew_secret(repairs: &mut Vec<Repair>, of: &Hook) {
    for repair in repairs.iter_mut() {
        if let Repair::Configure { secret, .. } = repair {
            *secret = true;
            return;
        }
    }
    let configure = Repair::Configure {
        hook: of.id.clone(),
        url: None,
        content_type: false,
        secret: true,
    };
    repairs.insert(0, configure);
}

/// There is no hook for this installation, as far as can be seen.
fn missing(places: &Places, wanted: &Wanted) -> Seen {
    let mut seen = Seen::default();
    let app = places.hooks.iter().find(|hook| hook.id.place == Place::App);
    let app_is_free = app.is_some_and(|hook| hook.url.is_empty());
    let mut says: Vec<String> = places.unseen.iter().map(|(why, _)| why.clone()).collect();
    if let Some(app) = app.filter(|hook| !hook.url.is_empty()) {
        says.push(format!(
            "the App's webhook goes to {}, for somebody else",
            app.goes_to()
        ));
    }
    // Where one can be made: an App's serves all its organizations, an organization's all its repositories.
    let can_be_made = |place: &&Place| **place != Place::App || app_is_free;
    let place = places.seen.iter().find(can_be_made);
    let finding = match (place, &wanted.url) {
        (None, _) if places.unseen.is_empty() && app.is_none() => Finding::not_known(
            HOOK,
            "neither organization nor repository is known, so there is no place to look for it",
            "set organization, or say --repository",
        ),
        (None, _) => {
            let rights: Vec<&str> = places.unseen.iter().map(|(_, right)| *right).collect();
            let rights = match rights.is_empty() {
                true => "set organization, or say --repository, so that one can be made there"
                    .to_owned(),
                false => format!(
                    "give the credential {}, or look yourself",
                    rights.join("; ")
                ),
            };
            Finding::not_known(HOOK, says.join("; "), rights)
        }
        (Some(place), url) => {
            let says: Vec<String> = std::iter::once(format!("there is none of {place}"))
                .chain(says)
                .collect();
            let mend = match (url, wanted.has_secret) {
                (Some(_), true) => "run this again with --fix",
                (None, true) => {
                    "run this again with --fix and --public-url, which says where the outside reaches the listener"
                }
                (_, false) => "set webhook-secret, then run this again with --fix and --public-url",
            };
            if let (Some(url), true) = (url, wanted.has_secret) {
                seen.repairs.push(Repair::Create {
                    place: place.clone(),
                    url: url.clone(),
                    events: wanted.events.clone(),
                });
            }
            Finding::wrong(HOOK, says.join("; "), mend)
        }
    };
    seen.findings.push(finding);
    seen.findings.extend(skipped(&OF_A_HOOK, HOOK));
    seen
}
