//! Everything that leaves a guest.
//!
//! A guest's `wasi:http` request ends here, and only here. In this order:
//!
//! 1. its number is checked against the call's limit;
//! 2. [`Policy`] decides whether its destination is allowed;
//! 3. header fields that guests may not set were already refused when the guest set them (`headers`);
//! 4. while the server wants a pause, it is held back for a moment or answered with 429 on the spot (`budget`);
//! 5. what is known and fresh is answered out of the `cache`, and nothing is sent;
//! 6. the host adds the installation's credential, which the guest has never seen;
//! 7. before the first request of a call that may change something, the host marks that one may have left (`mark`);
//! 8. it is sent on a pooled connection of that installation, under time limits that the guest can only shorten, and
//!    its answer is read for what it says about the budget, and kept if it can be.
//!
//! A refused request is read to its end before it is answered, so that a guest that is still writing it learns of
//! the refusal and not of a broken stream.

mod body;
mod budget;
mod cache;
mod headers;

#[doc(hidden)]
pub mod fuzzing;

mod mark;
mod policy;
mod send;
mod tap;

pub use budget::{Budget, Budgets, Snapshot, Wait};
pub use cache::Cache;
pub use headers::is_credential;
pub use mark::BeforeSending;
pub use policy::{Denied, Origin, OriginError, Policy};
pub use tap::{Exchange, Outcome as ExchangeOutcome, Tap};

use crate::installation::Installation;
use crate::transport;
use mark::Mark;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody, WasiHttpHooks,
};

/// A pool of connections for the requests of guests.
pub type Client = transport::Client<WasiBody>;

/// The pools of one worker thread: one for each installation, so that no connection, and no state that a server ties
/// to it, is ever shared by two of them.
#[derive(Default)]
pub struct Clients {
    pools: RefCell<BTreeMap<String, Client>>,
}

impl Clients {
    /// The pool of an installation; made when first asked for.
    pub fn of(
        &self,
        installation: &Installation,
    ) -> std::result::Result<Client, transport::TransportError> {
        let mut pools = self.pools.borrow_mut();
        if let Some(client) = pools.get(installation.id()) {
            return Ok(client.clone());
        }
        let client = transport::client()?;
        pools.insert(installation.id().to_owned(), client.clone());
        Ok(client)
    }
}

/// Whether a request that may change something has been handed to the network. Shared with whoever has to judge a
/// call that gave no answer.
#[derive(Clone, Default)]
pub struct SentFlag(Arc<AtomicBool>);

impl SentFlag {
    /// Whether such a request was sent.
    pub fn get(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

/// The egress of one call.
pub struct CallEgress {
    shared: Arc<Shared>,
}

/// What the requests of one call have in common.
struct Shared {
    installation: Arc<Installation>,
    client: Option<Client>,
    tap: Option<Tap>,
    requests_left: AtomicU32,
    mark: Mark,
    sent: SentFlag,
    /// Whether the log says already that a request of this call was refused.
    told_refusal: AtomicBool,
}

impl CallEgress {
    /// The egress of a call for `installation`, which may send `requests` requests with `client`; without one, none.
    /// Before the first of them that may change something, it awaits `mark`.
    pub fn new(
        installation: Arc<Installation>,
        client: Option<Client>,
        tap: Option<Tap>,
        requests: u32,
        mark: Option<BeforeSending>,
    ) -> CallEgress {
        CallEgress {
            shared: Arc::new(Shared {
                installation,
                client,
                tap,
                requests_left: AtomicU32::new(requests),
                mark: Mark::new(mark),
                sent: SentFlag::default(),
                told_refusal: AtomicBool::new(false),
            }),
        }
    }

    /// The flag that tells whether a request that may change something has been sent.
    pub fn sent_flag(&self) -> SentFlag {
        self.shared.sent.clone()
    }
}

type Transmission = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for CallEgress {
    fn forbidden_header_filter(&mut self) -> ForbiddenHeaderFilter {
        headers::filter()
    }

    fn set_host_header(&mut self) -> bool {
        // HTTP/2 has `:authority` instead, and strict servers reset a stream that has both; the client adds the
        // field on HTTP/1.1 connections.
        false
    }

    fn send_request(
        &mut self,
        request: http::Request<WasiBody>,
        options: Option<RequestOptions>,
        _response_error: Transmission,
    ) -> Box<dyn Future<Output = Result<(http::Response<WasiBody>, Transmission), Error>> + Send>
    {
        let shared = self.shared.clone();
        Box::new(async move {
            let response = send::send(&shared, request, options).await?;
            Ok((response, Box::new(async { Ok(()) }) as Transmission))
        })
    }
}
