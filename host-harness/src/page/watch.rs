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
