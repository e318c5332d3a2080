//! GitHub and Port on loopback: real HTTP servers inside this process, no kinder than the services they stand for.
//!
//! Both refuse what the real service refuses, with its status codes and texts; both keep a log of every request
//! ([`Exchange`]) and a list of **contract violations**: things a correct client never does, whatever the service
//! answers (a request without `User-Agent`, an endpoint that does not exist, a key outside a closed schema, calling
//! on while rate-limited). A test that drives a client through a simulator ends by asserting that the list is empty.
//! An error answer by itself is not a violation.
//!
//! Faults are injected per operation ([`fault::Fault`]): an answer instead of the work, an answer that hides work
//! that was done, a cut connection before or after the work, a delay, a damaged body. Everything is deterministic:
//! ids come from counters, shares of faulty requests from a seed.
//!
//! The facts behind the behaviour: GitHub's published OpenAPI description and documentation, Port's published API
//! description, and the wire behaviour of Port's own open-source clients where the description is silent. What is
//! known to be missing is listed in [`github`] and [`port`]. [`script`] is a third server, which answers as it is told.

mod address;
pub mod fault;
pub mod github;
pub mod port;
pub mod recording;
pub mod script;
mod server;
#[cfg(test)]
mod testing;
mod wire;
mod witness;

pub use address::KeptAddress;
pub(crate) use fault::mix;
pub use fault::{Effect, Fault, Injected, Schedule};
pub use recording::Exchange;
pub use witness::{Sight, Witness};

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Takes the lock even after a panic elsewhere: a simulator's state is plain data, and the test that panicked
/// should be the one that reports.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
