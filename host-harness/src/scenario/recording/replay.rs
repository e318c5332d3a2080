//! Answers out of a recording.

use super::{Delivery, Recorded, Recording, unmatched};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request};
use sha2::{Digest, Sha256};
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Answers requests as a recording says, from any thread.
#[derive(Debug)]
pub struct Replay {
    began: u64,
    match_headers: Vec<HeaderName>,
    exchanges: Vec<Arc<Recorded>>,
    deliveries: Vec<Delivery>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The numbers of those exchanges that are alike and are left, in their order.
    left: HashMap<Key, VecDeque<usize>>,
    /// What was said about requests that nothing was found for.
    unmatched: Vec<String>,
}

/// A request that the recording does not answer. Shown to people it says which, and how what is nearest to it in the
/// recording differs.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unmatched(String);

/// What makes two requests the same.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    installation: String,
    method: Method,
    url: String,
    /// The values of each chosen field.
    headers: Vec<Vec<Vec<u8>>>,
    digest: [u8; 32],
}

/// A request as it is compared.
pub(super) struct Asked<'r> {
    pub(super) installation: &'r str,
    pub(super) method: &'r Method,
    pub(super) url: String,
    pub(super) headers: &'r HeaderMap,
    pub(super) body: &'r [u8],
}

impl<'r> Asked<'r> {
    fn by(installation: &'r str, request: &'r Request<Bytes>) -> Asked<'r> {
        Asked {
            installation,
            method: request.method(),
            url: request.uri().to_string(),
            headers: request.headers(),
            body: request.body(),
        }
    }

    pub(super) fn of(recorded: &'r Recorded) -> Asked<'r> {
        Asked {
            installation: &recorded.installation,
            method: &recorded.method,
            url: recorded.url.clone(),
            headers: &recorded.request_headers,
            body: &recorded.request_body,
        }
    }

    /// The values of a header field, in their order.
    pub(super) fn values(&self, name: &HeaderName) -> Vec<&'r [u8]> {
        let values = self.headers.get_all(name).iter();
        values.map(http::HeaderValue::as_bytes).collect()
    }

    fn key(&self, names: &[HeaderName]) -> Key {
        let values = |name| self.values(name).into_iter().map(<[u8]>::to_vec).collect();
        Key {
            installation: self.installation.to_owned(),
            method: self.method.clone(),
            url: self.url.clone(),
            headers: names.iter().map(values).collect(),
            digest: Sha256::digest(self.body).into(),
        }
    }
}

impl Replay {
    /// A replay that has answered nothing yet.
    pub fn new(recording: Recording) -> Replay {
        let exchanges: Vec<Arc<Recorded>> = recording.exchanges.into_iter().map(Arc::new).collect();
        let mut left: HashMap<Key, VecDeque<usize>> = HashMap::new();
        for (number, recorded) in exchanges.iter().enumerate() {
            let key = Asked::of(recorded).key(&recording.match_headers);
            left.entry(key).or_default().push_back(number);
        }
        Replay {
            began: recording.began,
            match_headers: recording.match_headers,
            exchanges,
            deliveries: recording.deliveries,
            state: Mutex::new(State {
                left,
                unmatched: vec![],
            }),
        }
    }

    /// When the recording began, in milliseconds since 1970-01-01T00:00:00Z.
    pub fn began(&self) -> u64 {
        self.began
    }

    /// What came, in its order.
    pub fn deliveries(&self) -> &[Delivery] {
        &self.deliveries
    }

    /// The next exchange that was recorded for such a request.
    ///
    /// # Errors
    /// There is none, or none is left. The fault is kept for [`Replay::faults`].
    pub fn answer(
        &self,
        installation: &str,
        request: &Request<Bytes>,
    ) -> Result<Arc<Recorded>, Unmatched> {
        let asked = Asked::by(installation, request);
        let key = asked.key(&self.match_headers);
        let mut state = self.lock();
        let queue = state.left.get_mut(&key);
        let is_known = queue.is_some();
        let next = queue.and_then(VecDeque::pop_front);
        if let Some(recorded) = next.and_then(|number| self.exchanges.get(number)) {
            return Ok(recorded.clone());
        }
        let told = if is_known {
            unmatched::once_too_often(&asked)
        } else {
            unmatched::told(&asked, &self.left(&state), &self.match_headers)
        };
        state.unmatched.push(told.clone());
        Err(Unmatched(told))
    }

    /// What went wrong so far: requests that were not found, in their order, then exchanges that nobody has asked for.
    pub fn faults(&self) -> Vec<String> {
        let state = self.lock();
        let left = self.left(&state);
        let left = left
            .iter()
            .map(|(number, recorded)| unmatched::left_over(*number, recorded));
        state.unmatched.iter().cloned().chain(left).collect()
    }

    /// What is left, in the order of the file, each with its number.
    fn left(&self, state: &State) -> Vec<(usize, &Recorded)> {
        let mut numbers: Vec<usize> = state.left.values().flatten().copied().collect();
        numbers.sort_unstable();
        let numbered = |number: usize| Some((number, self.exchanges.get(number)?.as_ref()));
        numbers.into_iter().filter_map(numbered).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
