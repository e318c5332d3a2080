//! The checks of the webhook: asking, and what can be repaired.

use super::delivery;
use super::hook::{self, Hook, Wanted};
use super::place::{Place, Places};
use super::repair::Repair;
use super::sender::Sender;
use super::{Case, Mended, Seen, are_githubs, reach};
use crate::contract::Webhooks;
use crate::doctor::finding::{Finding, skipped};
use crate::ingress::WebhookSecret;

const SECRET: &str = "webhook.secret";
const HOOK: &str = "webhook.hook";
pub(super) const URL: &str = "webhook.url";
pub(super) const ACTIVE: &str = "webhook.active";
pub(super) const EVENTS: &str = "webhook.events";
pub(super) const CONTENT_TYPE: &str = "webhook.content-type";
pub(super) const SIGNED: &str = "webhook.signed";
pub(super) const DELIVERIES: &str = "webhook.deliveries";

/// What depends on there being a hook.
const OF_A_HOOK: [&str; 6] = [URL, ACTIVE, EVENTS, CONTENT_TYPE, SIGNED, DELIVERIES];

impl Case<'_> {
    /// Whether deliveries can be verified here.
    pub(super) fn secret(&self) -> Vec<Finding> {
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
    pub(super) async fn webhook(&self, sender: Option<Sender>, mended: &Mended) -> Seen {
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
        let paths = std::iter::once(&path).chain(address.is_the_only_one.then_some(&only));
        Wanted {
            urls: match address.public_url {
                Some(url) => paths.map(|path| url.with(path)).collect(),
                None => vec![],
            },
            path,
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
        // Several that may be ours, and no telling which is: none is touched.
        if many > 1 && !wanted.has(hook) {
            repairs.clear();
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
    let finding = match (place, wanted.urls.first()) {
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
            let says: Vec<String> = std::iter::once(format!("{place} has none"))
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
