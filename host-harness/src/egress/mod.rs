//! Everything that leaves a guest.
//!
//! A guest's `wasi:http` request ends here, and only here. In this order:
//!
//! 1. its number is checked against the call's limit;
//! 2. [`Policy`] decides whether its destination is allowed;
//! 3. header fields that guests may not set were already refused when the guest set them (`headers`);
//! 4. while the server wants a pause, it is held back for a moment or answered with 429 on the spot (`budget`);
//! 5. what is known and fresh is answered out of the `cache`, and nothing is sent;
//! 6. it waits until its call and its installation have room for one more (`permits`);
//! 7. if it goes to the API, the host adds the installation's credential, which the guest has never seen (`authorize`);
//! 8. before the first request of a call that may change something, the host marks that one may have left (`mark`);
//! 9. it is sent on a connection of that installation (`pool`), to an address that was checked when the connection was
//!    opened (`connect`, `address`), under time limits that the guest can only shorten (`head`), and its answer is read
//!    for what it says about the budget, and kept if it can be.
//!
//! What comes back is searched for the credential that went out, in case the server repeats it (`blot`).
//!
//! The host follows no redirect. The guest gets it as it is, and if it follows, that is a request like any other.
//!
//! A refused request is read to its end before it is answered, so that a guest that is still writing it learns of
//! the refusal and not of a broken stream.

mod address;
mod authorize;
mod blot;
mod body;
mod budget;
mod cache;
mod connect;
mod direct;
mod head;
mod headers;

#[doc(hidden)]
pub mod fuzzing;

mod mark;
mod no_answer;
mod permits;
mod policy;
mod pool;
mod send;
mod stand_in;
mod tap;
#[cfg(test)]
mod trial;

pub use address::{Exceptions, NotAnException, Prohibited, Range};
pub(crate) use budget::pause_asked_for;
pub use budget::{Budget, Budgets, Snapshot, Wait};
pub use cache::Cache;
pub use connect::{NoWay, Resolver, SystemResolver};
pub use direct::{Direct, Unreached};
pub use headers::is_credential;
pub use mark::BeforeSending;
pub use no_answer::{NoAnswer, NotAReason};
pub use permits::{OF_INSTALLATION, Permits};
pub use policy::{Audience, Denied, Origin, OriginError, Policy};
pub use pool::{Client, Clients};
pub use stand_in::{StandIn, Way};
pub use tap::{Exchange, Outcome as ExchangeOutcome, Tap};

use crate::credentials::Account;
use crate::engine::Limits;
use crate::installation::Installation;
use mark::Mark;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use wasmtime_wasi_http::{
    Error, ForbiddenHeaderFilter, RequestOptions, Result, WasiBody, WasiHttpHooks,
};

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
    way: Option<Way>,
    tap: Option<Tap>,
    limits: Limits,
    requests_left: AtomicU32,
    /// Room for the call's requests at once.
    permits: Permits,
    mark: Mark,
    sent: SentFlag,
    /// Whose token the last request got, of an App that has several.
    account: Mutex<Option<Account>>,
    /// Whether the log says already that a request of this call was refused.
    told_refusal: AtomicBool,
    /// Whether it says already that there is no credential.
    complained: AtomicBool,
}

impl CallEgress {
    /// The egress of a call for `installation`, whose requests go that way; without one, it may send none.
    /// Before the first of them that may change something, it awaits `mark`.
    pub fn new(
        installation: Arc<Installation>,
        way: Option<Way>,
        tap: Option<Tap>,
        limits: Limits,
        mark: Option<BeforeSending>,
    ) -> CallEgress {
        CallEgress {
            shared: Arc::new(Shared {
                installation,
                way,
                tap,
                limits,
                requests_left: AtomicU32::new(limits.requests),
                permits: Permits::new(permits::OF_CALL),
                mark: Mark::new(mark),
                sent: SentFlag::default(),
                account: Mutex::default(),
                told_refusal: AtomicBool::new(false),
                complained: AtomicBool::new(false),
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
