//! A local page to look at: what the host is doing, in a browser. It decides nothing about runs.
//!
//! * `watch`: what the host shows ([`crate::watcher`]) is scrubbed, cut and written into the `ledger`, a bounded record in
//!   memory; `record` says what it is made of;
//! * `view`: from the ledger to what a person sees, pure; `templates/page/` holds the HTML, which is escaped unless it says
//!   otherwise (it never does), `page.css` and `page.js` the rest;
//! * `guard`: who may ask and for what: DNS rebinding, cross-site requests, what a browser may do with the page;
//! * `listener`: the routes; `live`: news for pages that are open; `replay`: a delivery once more.
//!
//! The page has a listener of its own, on loopback unless somebody says otherwise, and asks nobody for a password: whoever
//! reaches it sees everything that it shows. Without the page nothing is recorded.
//!
//! Everything works without the script: it only saves pressing "reload".

mod guard;
mod ledger;
mod listener;
mod live;
mod record;
mod replay;
mod view;
mod watch;

use crate::contract::Webhooks;
use crate::inbox::Inbox;
use crate::installation::Installation;
use crate::journal::Journal;
use crate::lifecycle::Lifecycle;
use crate::network::{Listener, Network};
use crate::poller::Readiness;
use crate::watcher::Watcher;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use watch::Watch;

/// How a page is offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageOptions {
    /// Where it listens; port 0 for any that is free.
    pub listen: SocketAddr,
    /// Whether deliveries can be replayed from it. Else it changes nothing.
    pub allow_replay: bool,
}

impl PageOptions {
    /// The address where a page is expected.
    pub const LISTEN: SocketAddr =
        SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 8090);

    /// What anybody who reaches a page can see, if they reach it from another machine. Err: the address is not loopback.
    pub fn stays_here(listen: SocketAddr) -> Result<(), &'static str> {
        match listen.ip().is_loopback() {
            true => Ok(()),
            false => Err(
                "it is not loopback, and the page asks for no password: anybody who reaches it sees the runs of all \
                 installations, the properties that people typed in, and every request and delivery with its body",
            ),
        }
    }
}

/// A page that listens and shows nothing yet.
pub(crate) struct Page {
    options: PageOptions,
    address: SocketAddr,
    listener: Listener,
    watch: Arc<Watch>,
}

/// What a page looks at.
pub(crate) struct Sights {
    /// The host's installations.
    pub(crate) installations: Vec<Arc<Installation>>,
    /// Whether an installation can work.
    pub(crate) readiness: Box<dyn Fn(&str) -> Readiness + Send + Sync>,
    /// The runs.
    pub(crate) lifecycle: Lifecycle,
    /// What happened to them before this process.
    pub(crate) journal: Journal,
    /// The deliveries.
    pub(crate) inbox: Inbox,
}

impl Page {
    /// Listens, and begins to remember.
    pub(crate) async fn open(
        options: PageOptions,
        network: &Network,
        installations: impl Iterator<Item = Arc<Installation>>,
        webhooks: Option<&Webhooks>,
    ) -> std::io::Result<Page> {
        let listener = network.listen(options.listen).await?;
        let installations: BTreeMap<String, Arc<Installation>> = installations
            .map(|installation| (installation.id().to_owned(), installation))
            .collect();
        Ok(Page {
            options,
            address: listener.local_addr()?,
            listener,
            watch: Arc::new(Watch::new(installations, webhooks, options.allow_replay)),
        })
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Who is to be shown what happens.
    pub(crate) fn watcher(&self) -> Arc<dyn Watcher> {
        self.watch.clone()
    }

    /// Shows until `stop`.
    pub(crate) async fn show(self, sights: Sights, stop: CancellationToken) {
        let state = listener::Shown::new(self.options, self.watch, sights, stop.clone());
        let serving = axum::serve(self.listener, listener::router(state))
            .with_graceful_shutdown(stop.cancelled_owned());
        if let Err(error) = serving.await {
            tracing::error!("the page has ended: {error}");
        }
    }
}
