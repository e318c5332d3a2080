//! A webhook from its arrival to the decision, without the network and the journal: verified, recognized, decided.

use super::measure::{Round, Spread};
use super::raw::Raw;
use super::work::SECRET;
use super::{BenchError, Effort, load, native, work};
use crate::contract::{Delivery, Header, RunUpdate, Webhooks};
use crate::engine::EngineOptions;
use crate::ingress::{WebhookSecret, sign, verify};
use crate::installation::Installation;
use crate::runtime::{Call, Runtime, RuntimeOptions};
use crate::simulator::github::{DeliveryView, GitHub, Options, Repository, Workflow};
use http::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Deliveries in a round.
const OPERATIONS: usize = 5_000;

/// What deliveries cost, in microseconds of CPU time.
#[derive(Debug, Serialize)]
pub struct Rows {
    /// Size of the body of the one that matters, in bytes.
    pub bytes: usize,
    /// The hash of its body alone: what no receiver can do without.
    pub hash: Spread,
    /// One that ends a run: the native receiver.
    pub relevant_native: Spread,
    /// The same, verified, in wasmtime alone.
    pub relevant_raw: Spread,
    /// The same in this host.
    pub relevant_host: Spread,
    /// One of an event that nobody wants.
    pub irrelevant: Spread,
    /// One whose signature is of another secret.
    pub badly_signed: Spread,
}

/// Measures all of it.
pub async fn measure(component: &Path, effort: Effort) -> Result<Rows, BenchError> {
    let receiver = Receiver::set_up(component).await?;
    receiver.check().await?;
    let operations = effort.operations(OPERATIONS);
    let mut costs: [Vec<f64>; 6] = Default::default();
    for round in 0..=effort.rounds {
        let taken = receiver.round(operations).await?;
        if round > 0 {
            for (all, one) in costs.iter_mut().zip(taken) {
                all.push(one);
            }
        }
    }
    let [hash, native, raw, host, irrelevant, badly_signed] = costs.map(Spread::of);
    Ok(Rows {
        bytes: receiver.body.len(),
        hash,
        relevant_native: native,
        relevant_raw: raw,
        relevant_host: host,
        irrelevant,
        badly_signed,
    })
}

struct Receiver {
    raw: Raw,
    runtime: Runtime,
    installation: Arc<Installation>,
    webhooks: Webhooks,
    secret: WebhookSecret,
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Receiver {
    async fn set_up(component: &Path) -> Result<Receiver, BenchError> {
        let (engine, plugin) = load(component, &EngineOptions::default()).await?;
        let webhooks = plugin.manifest().webhooks.clone();
        let webhooks = webhooks
            .ok_or("it wants none".to_owned())
            .map_err(BenchError::setup("the component's deliveries"))?;
        let installation = work::installation("http://127.0.0.1:9")?;
        let options = RuntimeOptions {
            threads: 1,
            ..RuntimeOptions::default()
        };
        let delivery = completed()
            .await
            .map_err(BenchError::setup("a delivery of the simulated GitHub"))?;
        Ok(Receiver {
            raw: Raw::load(&engine, component, installation.public())?,
            runtime: Runtime::start(plugin, options)
                .map_err(|error| error.to_string())
                .map_err(BenchError::setup("the host's thread"))?,
            installation: Arc::new(installation),
            headers: headers(&delivery, &webhooks),
            webhooks,
            secret: WebhookSecret::Verify(SecretString::from(SECRET)),
            body: delivery.payload.to_vec(),
        })
    }

    /// Everybody has to come to the same decision.
    async fn check(&self) -> Result<(), BenchError> {
        let native = self.by_native()?;
        for (who, answer) in [
            ("raw", self.by_raw().await?),
            ("host", self.by_host().await?),
        ] {
            if answer != native {
                let answer = format!("{answer:#?}, not {native:#?}");
                return Err(BenchError::Wrong { who, answer });
            }
        }
        if native.len() != 1 {
            return Err(self.wrong("native", &format!("{native:?}")));
        }
        Ok(())
    }

    async fn round(&self, operations: usize) -> Result<[f64; 6], BenchError> {
        let mut costs = [0.0; 6];
        let [hash, native, raw, host, irrelevant, badly_signed] = &mut costs;
        let time = |cost: &mut f64, work: &mut dyn FnMut() -> Result<(), BenchError>| {
            let round = Round::begin(Duration::ZERO);
            for _ in 0..operations {
                work()?;
            }
            *cost = round.end(Duration::ZERO, operations).cpu;
            Ok::<(), BenchError>(())
        };
        let secret = SecretString::from(SECRET);
        time(hash, &mut || {
            std::hint::black_box(sign(&secret, &self.webhooks, &self.body));
            Ok(())
        })?;
        time(native, &mut || {
            std::hint::black_box(self.by_native()?);
            Ok(())
        })?;
        let round = Round::begin(Duration::ZERO);
        for _ in 0..operations {
            std::hint::black_box(self.by_raw().await?);
        }
        *raw = round.end(Duration::ZERO, operations).cpu;
        let round = Round::begin(Duration::ZERO);
        for _ in 0..operations {
            std::hint::black_box(self.by_host().await?);
        }
        *host = round.end(Duration::ZERO, operations).cpu;
        let mut unwanted = self.headers.clone();
        unwanted.insert(
            named(&self.webhooks.event_header),
            HeaderValue::from_static("push"),
        );
        time(irrelevant, &mut || {
            std::hint::black_box(self.is_wanted(&unwanted)?);
            Ok(())
        })?;
        let mut forged = self.headers.clone();
        let other = sign(&SecretString::from("another"), &self.webhooks, b"another");
        if let Ok(signature) = HeaderValue::from_str(&other) {
            forged.insert(named(&self.webhooks.signature_header), signature);
        }
        time(badly_signed, &mut || match self.is_wanted(&forged) {
            Ok(_) => Err(self.wrong("host", "a bad signature was taken")),
            Err(_) => Ok(()),
        })?;
        Ok(costs)
    }

    /// Verifies and recognizes, as the listener does.
    fn is_wanted(&self, headers: &HeaderMap) -> Result<bool, BenchError> {
        verify(&self.secret, &self.webhooks, headers, &self.body)
            .map_err(|error| self.wrong("host", &error.to_string()))?;
        let event = headers.get(&self.webhooks.event_header);
        let event = event.and_then(|event| event.to_str().ok());
        Ok(event.is_some_and(|event| self.webhooks.events.iter().any(|wanted| wanted == event)))
    }

    fn by_native(&self) -> Result<Vec<RunUpdate>, BenchError> {
        self.is_wanted(&self.headers)?;
        native::decide(&self.body).map_err(|error| self.wrong("native", &error))
    }

    async fn by_raw(&self) -> Result<Vec<RunUpdate>, BenchError> {
        self.is_wanted(&self.headers)?;
        let answer = self.raw.handle_webhook(&self.delivery()).await;
        let answer = answer.map_err(|error| self.wrong("raw", &error))?;
        answer.map_err(|failure| self.wrong("raw", &failure.message))
    }

    async fn by_host(&self) -> Result<Vec<RunUpdate>, BenchError> {
        self.is_wanted(&self.headers)?;
        let call = Call::new(self.installation.clone(), "delivery");
        let answer = self.runtime.handle_webhook(call, self.delivery()).await;
        let answer = answer.map_err(|error| self.wrong("host", &error.to_string()))?;
        answer.map_err(|failure| self.wrong("host", &failure.message))
    }

    fn delivery(&self) -> Delivery {
        let header = |(name, value): (&HeaderName, &HeaderValue)| Header {
            name: name.as_str().to_owned(),
            value: value.as_bytes().to_vec(),
        };
        Delivery {
            id: "0b0c0d0e".to_owned(),
            headers: self.headers.iter().map(header).collect(),
            body: self.body.clone(),
            received: 1_774_000_000_000,
        }
    }

    fn wrong(&self, who: &'static str, answer: &str) -> BenchError {
        BenchError::Wrong {
            who,
            answer: answer.to_owned(),
        }
    }
}

/// The delivery that tells of the end of a run, as GitHub sends it.
async fn completed() -> Result<DeliveryView, String> {
    let github = GitHub::start(Options::default())
        .await
        .map_err(|error| error.to_string())?;
    github.add_repository(Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml")));
    // Nobody listens there: only what is sent matters.
    github.add_webhook("http://127.0.0.1:1/", Some(SECRET.to_owned()));
    github.start_foreign_run("acme", "shop", "deploy.yml", "workflow_dispatch", "ada");
    let find = |github: &GitHub| {
        let mut all = github.deliveries().into_iter();
        all.find(|one| one.event == "workflow_run" && one.action == "completed")
    };
    github
        .wait_until(Duration::from_secs(10), |github| find(github).is_some())
        .await;
    let delivery = find(&github).ok_or("none came".to_owned());
    github.stop().await;
    delivery
}

fn headers(delivery: &DeliveryView, webhooks: &Webhooks) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in &delivery.headers {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(named(name), value);
        }
    }
    let signature = sign(&SecretString::from(SECRET), webhooks, &delivery.payload);
    if let Ok(signature) = HeaderValue::from_str(&signature) {
        headers.insert(named(&webhooks.signature_header), signature);
    }
    headers
}

fn named(name: &str) -> HeaderName {
    HeaderName::try_from(name).unwrap_or(HeaderName::from_static("x-unnamed"))
}
