//! Somebody who watches a host at work, and is shown more than a log can hold: the local page.
//!
//! Each part of the host tells what it alone knows: `lifecycle` its runs, the runtime and `port` the requests about them,
//! `ingress` and `inbox` the deliveries. Where nobody watches, nothing is copied.

use crate::contract;
use crate::egress::{Exchange, Tap};
use crate::journal::{DeliveryKey, RunKey};
use crate::lifecycle::{Delivered, Step, Write};
use crate::port::{self, RunKind};
use axum::http::StatusCode;
use std::sync::Arc;

/// Somebody who watches. What is shown may hold what strangers have written, and secrets that a server repeats: a watcher
/// scrubs and escapes. All methods are called where the host works, from several threads, and must return quickly.
pub trait Watcher: Send + Sync {
    /// A run has a life here from now on.
    fn took_in(&self, run: &RunKey, facts: Facts<'_>);

    /// A step in a run's life.
    fn stepped(&self, run: &RunKey, step: &Step);

    /// What Port is to be told about a run. Right after a step, or instead of one.
    fn wrote(&self, run: &RunKey, write: &Write);

    /// The plugin has sent a request about something.
    fn exchanged(&self, about: &About, exchange: Exchange);

    /// The host has sent Port a request about a run.
    fn asked_port(&self, run: &RunKey, exchange: port::Exchange);

    /// A delivery was taken in: it is verified, and the journal has it.
    fn received(&self, delivery: &DeliveryKey, content: &contract::Delivery);

    /// The plugin has read a delivery, or could not.
    fn handled(&self, delivery: &DeliveryKey, fate: Fate);

    /// A delivery was answered and not taken in.
    fn turned_away(&self, answer: Answered<'_>);
}

/// What is known of a run when it comes in.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'e> {
    /// Which of Port's kinds.
    pub kind: RunKind,
    /// The action or node that it is a run of, if Port told.
    pub action: Option<&'e str>,
    /// What Port ordered, if it could be read.
    pub order: Option<&'e contract::Run>,
    /// When it was claimed, in milliseconds since 1970.
    pub claimed_at: u64,
    /// The id that connects it with the server, if it has one already.
    pub external_run_id: Option<&'e str>,
    /// Whether it comes out of the journal of an earlier process.
    pub is_restored: bool,
}

/// What a request of the plugin is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum About {
    /// A run.
    Run(RunKey),
    /// A delivery.
    Delivery(DeliveryKey),
}

/// What became of a delivery that was taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It holds news of these external run ids.
    Read {
        /// Where the news went.
        delivered: Delivered,
        /// Of which runs of the server; none where it says nothing.
        external_run_ids: Vec<String>,
    },
    /// It will be read again, for this reason.
    Again(String),
    /// It could not be read, for this reason.
    Failed(String),
}

/// A request to the listener that did not become a delivery, and its answer.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'r> {
    /// For which installation, as the path says.
    pub installation: &'r str,
    /// The event, as the header says.
    pub event: &'r str,
    /// The delivery's id, as the header says.
    pub delivery: &'r str,
    /// What was answered.
    pub status: StatusCode,
    /// Why: a sentence or some words.
    pub reason: &'r str,
}

/// Whoever watches a host, if anybody does.
pub type Watching = Option<Arc<dyn Watcher>>;

/// Shows a watcher the requests of one call.
pub(crate) fn tap(watching: &Watching, about: impl FnOnce() -> About) -> Option<Tap> {
    let (watcher, about) = (watching.clone()?, about());
    Some(Arc::new(move |exchange| {
        watcher.exchanged(&about, exchange);
    }))
}

/// Shows a watcher the calls to Port about an installation's runs.
pub(crate) fn port_tap(watching: &Watching, installation: &str) -> Option<port::Tap> {
    let (watcher, installation) = (watching.clone()?, installation.to_owned());
    Some(Arc::new(move |exchange: port::Exchange| {
        let run = RunKey {
            installation: installation.clone(),
            run: exchange.run.clone(),
        };
        watcher.asked_port(&run, exchange);
    }))
}
