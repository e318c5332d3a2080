//! Keeping what a plugin sent and got, without anything that is secret.

use super::{Delivery, Recorded, Recording, correct_length, default_match_headers};
use crate::egress::{Exchange, ExchangeOutcome, NoAnswer, is_credential};
use crate::installation::Installation;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use std::borrow::Cow;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Is shown exchanges, from any thread, and makes a recording of them.
///
/// What it is shown should hold no secret: requests come as the guest made them, answers scrubbed. A file that is kept
/// for years is worth a second look: the secrets of all installations are blotted out of everything again.
#[derive(Debug)]
pub struct Recorder {
    began: u64,
    match_headers: Vec<HeaderName>,
    installations: Vec<Arc<Installation>>,
    noted: Mutex<Vec<Recorded>>,
}

impl Recorder {
    /// A recorder that begins at `began`, in milliseconds since 1970-01-01T00:00:00Z, and blots out the secrets of these
    /// installations.
    pub fn new(began: u64, installations: Vec<Arc<Installation>>) -> Recorder {
        Recorder {
            began,
            match_headers: default_match_headers(),
            installations,
            noted: Mutex::default(),
        }
    }

    /// Has the recording matched by these header fields, and not by [`default_match_headers`]: those of the recording
    /// that it is to replace.
    #[must_use]
    pub fn matching(mut self, headers: Vec<HeaderName>) -> Recorder {
        self.match_headers = headers;
        self
    }

    /// Notes an exchange of an installation that was over at `over`, since the recording began. What came out of the
    /// cache is left out: a replay has a cache too.
    pub fn note(&self, installation: &str, over: Duration, exchange: &Exchange) {
        if exchange.from_cache {
            return;
        }
        let request_body = self.bytes(&exchange.request_body);
        let recorded = Recorded {
            installation: installation.to_owned(),
            at: over.saturating_sub(exchange.took),
            took: exchange.took,
            method: self.method(&exchange.method),
            url: self.text(&exchange.uri.to_string()),
            credential: exchange.credential_added,
            request_headers: self.headers(&exchange.request_headers, &request_body),
            request_body: Bytes::from(request_body),
            outcome: self.outcome(&exchange.outcome),
        };
        self.lock().push(recorded);
    }

    /// What was noted so far, in the order in which it was sent.
    pub fn finish(&self) -> Recording {
        self.finish_with(Vec::new())
    }

    /// The same, and the deliveries that came meanwhile.
    pub fn finish_with(&self, deliveries: Vec<Delivery>) -> Recording {
        let mut exchanges = self.lock().clone();
        exchanges.sort_by_key(|recorded| recorded.at);
        Recording {
            began: self.began,
            match_headers: self.match_headers.clone(),
            exchanges,
            deliveries: deliveries.into_iter().map(|it| self.delivery(it)).collect(),
        }
    }

    fn delivery(&self, delivery: Delivery) -> Delivery {
        Delivery {
            event: self.text(&delivery.event),
            id: self.text(&delivery.id),
            body: Bytes::from(self.bytes(&delivery.body)),
            ..delivery
        }
    }

    fn outcome(&self, outcome: &ExchangeOutcome) -> ExchangeOutcome {
        match outcome {
            ExchangeOutcome::Answered {
                status,
                headers,
                body,
            } => {
                let body = self.bytes(body);
                ExchangeOutcome::Answered {
                    status: *status,
                    headers: self.headers(headers, &body),
                    body,
                }
            }
            ExchangeOutcome::Failed(reason) => {
                let scrubbed = self.text(&reason.spelled()).parse();
                ExchangeOutcome::Failed(scrubbed.unwrap_or_else(|_| NoAnswer::unknown()))
            }
        }
    }

    /// Without fields that carry credentials. Blotting changes the length of a body.
    fn headers(&self, headers: &HeaderMap, body: &[u8]) -> HeaderMap {
        let mut kept = HeaderMap::with_capacity(headers.len());
        for (name, value) in headers {
            if is_credential(name) || self.text(name.as_str()) != name.as_str() {
                continue;
            }
            // What stands in a secret's place is fit for a header field.
            if let Ok(value) = HeaderValue::from_bytes(&self.bytes(value.as_bytes())) {
                kept.append(name, value);
            }
        }
        correct_length(&mut kept, body);
        kept
    }

    fn method(&self, method: &Method) -> Method {
        let scrubbed = self.text(method.as_str());
        scrubbed.parse().unwrap_or_default()
    }

    fn text(&self, text: &str) -> String {
        let mut text = Cow::Borrowed(text);
        for installation in &self.installations {
            if let Cow::Owned(scrubbed) = installation.scrub(&text) {
                text = Cow::Owned(scrubbed);
            }
        }
        text.into_owned()
    }

    fn bytes(&self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for installation in &self.installations {
            if let Cow::Owned(scrubbed) = installation.scrub_bytes(&bytes) {
                bytes = scrubbed;
            }
        }
        bytes
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Recorded>> {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
