//! The watcher behind the page: scrubs, cuts and writes down, and says what has changed.

use super::ledger::Ledger;
use super::record::{
    Answer, Body, Delivery, Fields, Outcome, Peer, Request, Run, TurnedAway, What, line,
};
use crate::clock;
use crate::contract::{self, Webhooks};
use crate::egress::{Exchange, ExchangeOutcome, is_credential};
use crate::installation::Installation;
use crate::journal::{DeliveryKey, RunKey};
use crate::lifecycle::{Step, Write};
use crate::port;
use crate::watcher::{About, Answered, Facts, Fate, Watcher};
use axum::http::{HeaderMap, HeaderName};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::broadcast;

/// How many changes wait for a page that does not read; one that has missed some looks at everything.
const CHANGES: usize = 64;

/// Bytes beside its texts that a run or a delivery takes.
const OVERHEAD: usize = 600;

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Changed {
    /// A run.
    Run(RunKey),
    /// The deliveries.
    Deliveries,
}

/// The watcher.
pub(super) struct Watch {
    installations: BTreeMap<String, Arc<Installation>>,
    /// The header field that names a delivery's event, and the one that holds its signature.
    webhooks: Option<(String, String)>,
    /// Whether deliveries are kept as they came.
    keeps_whole: bool,
    /// When it began, in milliseconds since 1970.
    since: u64,
    ledger: Mutex<Ledger>,
    changes: broadcast::Sender<Changed>,
}

impl Watch {
    /// Watches a host with these installations.
    pub(super) fn new(
        installations: BTreeMap<String, Arc<Installation>>,
        webhooks: Option<&Webhooks>,
        keeps_whole: bool,
    ) -> Watch {
        let fields = |it: &Webhooks| (it.event_header.clone(), it.signature_header.clone());
        Watch {
            installations,
            webhooks: webhooks.map(fields),
            keeps_whole,
            since: clock::timestamp(),
            ledger: Mutex::default(),
            changes: broadcast::channel(CHANGES).0,
        }
    }

    /// What is remembered. The data behind the lock is whole after every statement, so a panic elsewhere doesn't spoil it.
    pub(super) fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// When it began, in milliseconds since 1970.
    pub(super) fn since(&self) -> u64 {
        self.since
    }

    /// Tells what changes from now on.
    pub(super) fn changes(&self) -> broadcast::Receiver<Changed> {
        self.changes.subscribe()
    }

    /// Says that something has changed. Nobody may be listening.
    pub(super) fn tell(&self, changed: Changed) {
        let _ = self.changes.send(changed);
    }

    fn tell_run(&self, run: &RunKey) {
        if self.changes.receiver_count() > 0 {
            self.tell(Changed::Run(run.clone()));
        }
    }

    /// A text for a line, without the installation's secrets. Scrubbed before it is cut: half a secret is not found.
    fn scrubbed(&self, installation: &str, text: &str) -> String {
        match self.installations.get(installation) {
            Some(installation) => line(&installation.scrub(text)),
            None => line(text),
        }
    }

    fn body(&self, installation: &str, bytes: &[u8]) -> Body {
        let scrubbed = self.installations.get(installation);
        match scrubbed.map(|installation| installation.scrub_bytes(bytes)) {
            Some(bytes) => Body::of(&bytes),
            None => Body::of(bytes),
        }
    }

    /// Header fields without those that carry a credential or prove one.
    fn fields<'f>(
        &self,
        installation: &str,
        fields: impl Iterator<Item = (&'f str, &'f [u8])>,
    ) -> Fields {
        fields
            .filter(|(name, _)| !self.is_secret(name))
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value);
                (line(name), self.scrubbed(installation, &value))
            })
            .collect()
    }

    fn is_secret(&self, name: &str) -> bool {
        let is_credential =
            HeaderName::from_bytes(name.as_bytes()).is_ok_and(|it| is_credential(&it));
        let signature = self.webhooks.as_ref().map(|(_, signature)| signature);
        // GitHub signs a delivery a second time, with SHA-1, in a field that no manifest names.
        is_credential || signature.is_some_and(|it| it == name) || name.contains("signature")
    }

    fn header_map(&self, installation: &str, headers: &HeaderMap) -> Fields {
        let fields = headers.iter();
        self.fields(
            installation,
            fields.map(|(name, value)| (name.as_str(), value.as_bytes())),
        )
    }

    /// A request of the plugin.
    fn request(&self, installation: &str, exchange: Exchange) -> Request {
        let answer = match exchange.outcome {
            ExchangeOutcome::Answered {
                status,
                headers,
                body,
            } => Ok(Answer {
                status,
                fields: self.header_map(installation, &headers),
                body: self.body(installation, &body),
            }),
            ExchangeOutcome::Failed(reason) => {
                Err(self.scrubbed(installation, &reason.to_string()))
            }
        };
        Request {
            to: Peer::Server,
            method: exchange.method.to_string(),
            url: self.scrubbed(installation, &exchange.uri.to_string()),
            fields: self.header_map(installation, &exchange.request_headers),
            body: self.body(installation, &exchange.request_body),
            credential_added: exchange.credential_added,
            from_cache: exchange.from_cache,
            answer,
            took: exchange.took,
        }
    }

    /// A request of the host to Port.
    fn call(&self, installation: &str, exchange: port::Exchange) -> Request {
        let mut url = exchange.call.path;
        if !exchange.query.is_empty() {
            url = format!("{url}?{}", exchange.query);
        }
        Request {
            to: Peer::Port,
            method: exchange.call.method.to_string(),
            url: self.scrubbed(installation, &url),
            fields: vec![],
            body: self.body(installation, &exchange.body),
            credential_added: true,
            from_cache: false,
            answer: match exchange.answer {
                Ok((status, body)) => Ok(Answer {
                    status,
                    fields: vec![],
                    body: self.body(installation, &body),
                }),
                Err(error) => Err(self.scrubbed(installation, &error.to_string())),
            },
            took: exchange.took,
        }
    }
}

/// When something began that has just ended.
fn began(took: Duration) -> u64 {
    let took = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    clock::timestamp().saturating_sub(took)
}

impl Watcher for Watch {
    fn took_in(&self, run: &RunKey, facts: Facts<'_>) {
        let properties = facts
            .order
            .map(|order| self.body(&run.installation, order.properties.as_bytes()));
        let mut ledger = self.ledger();
        let number = ledger.number();
        ledger.add_run(Run {
            number,
            key: run.clone(),
            kind: facts.kind,
            action: facts.action.map(line),
            bytes: OVERHEAD + properties.as_ref().map_or(0, |it| it.text.len()),
            properties,
            claimed_at: facts.claimed_at,
            is_restored: facts.is_restored,
            external_run_id: facts.external_run_id.map(str::to_owned),
            target: None,
            link: None,
            label: None,
            summary: None,
            ended: None,
            entries: vec![],
            left_out: 0,
        });
        drop(ledger);
        self.tell_run(run);
    }

    fn stepped(&self, run: &RunKey, step: &Step) {
        let now = clock::timestamp();
        let words = self.scrubbed(&run.installation, &step.to_string());
        let mut ledger = self.ledger();
        ledger.change_run(run, |run| match step {
            Step::Planned { target } => run.target = Some(target.clone()),
            Step::Started { external_run_id } => {
                run.external_run_id = Some(external_run_id.clone());
            }
            Step::Ended { end, .. } => run.ended = Some((now, *end)),
            _ => {}
        });
        ledger.add_entry(run, now, What::Step(words.into()));
        drop(ledger);
        self.tell_run(run);
    }

    fn wrote(&self, run: &RunKey, write: &Write) {
        let scrubbed = |text: &str| match self.installations.get(&run.installation) {
            Some(installation) => installation.scrub(text).into_owned(),
            None => text.to_owned(),
        };
        self.ledger().change_run(run, |run| {
            if let Some(label) = write.label() {
                run.label = Some(scrubbed(label));
            }
            if let Some(link) = write.link() {
                run.link = Some(scrubbed(link));
            }
            if let Some(summary) = write.summary() {
                run.summary = Some(scrubbed(&summary));
            }
        });
        self.tell_run(run);
    }

    fn exchanged(&self, about: &About, exchange: Exchange) {
        let at = began(exchange.took);
        match about {
            About::Run(run) => {
                let request = self.request(&run.installation, exchange);
                let what = What::Request(Arc::new(request));
                self.ledger().add_entry(run, at, what);
                self.tell_run(run);
            }
            About::Delivery(delivery) => {
                let request = self.request(&delivery.installation, exchange);
                self.ledger().add_request(delivery, at, request);
                self.tell(Changed::Deliveries);
            }
        }
    }

    fn asked_port(&self, run: &RunKey, exchange: port::Exchange) {
        let at = began(exchange.took);
        let request = self.call(&run.installation, exchange);
        let what = What::Request(Arc::new(request));
        self.ledger().add_entry(run, at, what);
        self.tell_run(run);
    }

    fn received(&self, key: &DeliveryKey, content: &contract::Delivery) {
        let headers = content.headers.iter();
        let fields = self.fields(
            &key.installation,
            headers
                .clone()
                .map(|header| (header.name.as_str(), header.value.as_slice())),
        );
        let is_event = |name: &str| self.webhooks.as_ref().is_some_and(|(it, _)| it == name);
        let event = fields.iter().find(|(name, _)| is_event(name));
        let event = event.map(|(_, value)| value.clone()).unwrap_or_default();
        let body = self.body(&key.installation, &content.body);
        let mut ledger = self.ledger();
        let is_kept = self.keeps_whole && content.body.len() <= ledger.bounds().whole_delivery;
        let whole = is_kept.then(|| Arc::new(content.clone()));
        let number = ledger.number();
        let kept = whole.as_ref().map_or(0, |it| it.body.len());
        ledger.add_delivery(Delivery {
            number,
            key: key.clone(),
            at: content.received,
            bytes: OVERHEAD + body.text.len() + kept,
            event,
            fields,
            body,
            whole,
            outcome: Outcome::Waiting,
            external_run_ids: vec![],
            requests: vec![],
            replays: 0,
        });
        drop(ledger);
        self.tell(Changed::Deliveries);
    }

    fn handled(&self, delivery: &DeliveryKey, fate: Fate) {
        let reason = |text: &str| self.scrubbed(&delivery.installation, text);
        let (outcome, ids) = match fate {
            Fate::Read {
                delivered,
                external_run_ids,
            } => (Outcome::Read(delivered), external_run_ids),
            Fate::Again(why) => (Outcome::Again(reason(&why)), vec![]),
            Fate::Failed(why) => (Outcome::Failed(reason(&why)), vec![]),
        };
        let runs = self.ledger().handled(delivery, outcome, ids);
        self.tell(Changed::Deliveries);
        for run in runs {
            self.tell_run(&run);
        }
    }

    fn turned_away(&self, answer: Answered<'_>) {
        let installation = answer.installation;
        let turned_away = TurnedAway {
            at: clock::timestamp(),
            installation: line(installation),
            event: self.scrubbed(installation, answer.event),
            delivery: self.scrubbed(installation, answer.delivery),
            status: answer.status.as_u16(),
            reason: self.scrubbed(installation, answer.reason),
        };
        self.ledger().add_turned_away(turned_away);
        self.tell(Changed::Deliveries);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract::Header;
    use crate::credentials::Credential;
    use crate::egress::Policy;
    use crate::ingress::WebhookSecret;
    use crate::page::record::BODY;
    use crate::port::RunKind;
    use axum::http::{Method, StatusCode};
    use secrecy::SecretString;

    const TOKEN: &str = "ghp_0123456789abcdef";

    fn watch(keeps_whole: bool) -> Watch {
        let public = contract::Installation {
            id: "acme".to_owned(),
            ..Installation::nobody().public().clone()
        };
        let installation = Installation::new(
            public,
            Policy::nowhere(),
            Credential::Token(SecretString::from(TOKEN)),
            WebhookSecret::Missing,
        );
        let installations = BTreeMap::from([("acme".to_owned(), Arc::new(installation))]);
        let mut watch = Watch::new(installations, None, keeps_whole);
        watch.webhooks = Some(("x-event".to_owned(), "x-proof".to_owned()));
        watch
    }

    fn run() -> RunKey {
        RunKey {
            installation: "acme".to_owned(),
            run: "r_1".to_owned(),
        }
    }

    fn take_in(watch: &Watch) {
        let facts = Facts {
            kind: RunKind::Action,
            action: None,
            order: None,
            claimed_at: 1,
            external_run_id: None,
            is_restored: false,
        };
        watch.took_in(&run(), facts);
    }

    fn exchange(body: Vec<u8>) -> Exchange {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-plain", TOKEN), ("set-cookie", "a=b"), ("etag", "\"1\"")] {
            let name = HeaderName::from_static(name);
            headers.insert(name, value.parse().unwrap());
        }
        Exchange {
            method: Method::GET,
            uri: format!("https://x.example/?token={TOKEN}").parse().unwrap(),
            request_headers: headers.clone(),
            request_body: body.clone(),
            credential_added: true,
            from_cache: false,
            outcome: ExchangeOutcome::Answered {
                status: 200,
                headers,
                body,
            },
            took: Duration::from_millis(7),
        }
    }

    #[test]
    fn a_secret_is_gone_from_a_request_also_where_the_body_is_cut() {
        let watch = watch(false);
        take_in(&watch);
        let body = format!("{}{TOKEN}{}", "x".repeat(BODY - 8), "y".repeat(100));
        watch.exchanged(&About::Run(run()), exchange(body.into_bytes()));
        let ledger = watch.ledger();
        let kept = format!("{:?}", ledger.run(&run()).unwrap().entries);
        assert!(!kept.contains("ghp_"), "{kept}");
        assert!(kept.contains("?token=[secret]"), "{kept}");
        assert!(
            kept.contains("(\"x-plain\", \"[secret]\"), (\"etag\""),
            "{kept}"
        );
        assert!(!kept.contains("set-cookie"), "{kept}");
    }

    #[test]
    fn a_delivery_is_kept_as_it_came_only_where_it_may_be_replayed() {
        let key = DeliveryKey {
            installation: "acme".to_owned(),
            delivery: "d".to_owned(),
        };
        let header = |name: &str, value: &str| Header {
            name: name.to_owned(),
            value: value.into(),
        };
        let content = contract::Delivery {
            id: "d".to_owned(),
            headers: vec![
                header("x-event", "workflow_run"),
                header("x-proof", "sha256=1"),
                header("x-hub-signature", "sha1=1"),
            ],
            body: format!("{{\"t\":\"{TOKEN}\"}}").into_bytes(),
            received: 5,
        };
        for keeps_whole in [false, true] {
            let watch = watch(keeps_whole);
            watch.received(&key, &content);
            let ledger = watch.ledger();
            let kept = ledger.deliveries().next().unwrap();
            assert_eq!(kept.whole.is_some(), keeps_whole);
            assert_eq!(kept.event, "workflow_run");
            assert_eq!(kept.fields.len(), 1, "{:?}", kept.fields);
            assert_eq!(kept.body.text, "{\"t\":\"[secret]\"}");
        }
    }

    #[test]
    fn a_long_name_from_a_stranger_is_cut() {
        let watch = watch(false);
        let long = "x".repeat(100_000);
        watch.turned_away(Answered {
            installation: &long,
            event: &long,
            delivery: &long,
            status: StatusCode::NOT_FOUND,
            reason: &long,
        });
        let ledger = watch.ledger();
        let kept = ledger.turned_away().next().unwrap();
        for text in [
            &kept.installation,
            &kept.event,
            &kept.delivery,
            &kept.reason,
        ] {
            assert!(text.len() < 3_000, "{}", text.len());
        }
    }

    #[tokio::test]
    async fn every_change_of_a_run_is_told() {
        let watch = watch(false);
        let mut changes = watch.changes();
        take_in(&watch);
        watch.stepped(&run(), &Step::Acked);
        for _ in 0..2 {
            assert_eq!(changes.recv().await, Ok(Changed::Run(run())));
        }
    }
}
