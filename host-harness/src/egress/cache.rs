//! Answers that are kept, so that asking again costs little: the private cache (RFC 9111) of one installation.
//!
//! A host asks again and again how runs stand, and most often nothing has changed. A question with the `etag` of the
//! kept answer is answered with 304 then, which is short and on GitHub free of quota (GitHub, "Best practices for using
//! the REST API"). What becomes of a plain reading request:
//!
//! * A kept answer that is still fresh is given at once, with its `age` and its own `date`, unless the guest asks for
//!   `cache-control: no-cache`. Nothing is sent.
//! * A kept answer that is not, or must not be used unseen, is asked about with `if-none-match`. After a 304 the guest
//!   gets the kept body under status 200, with the header fields of the 304: its `date` is this moment on the server's
//!   clock, and without `age` the answer says that the server has confirmed it.
//! * Everything else goes its way, and an answer with an `etag` is kept while it passes.
//!
//! Freshness, `vary` and what may be kept at all are decided by [`http_cache_semantics`]. Requests are looked at before
//! the credential is added, so no secret is kept. The cache belongs to one installation, and what goes to one place has
//! the same credential; requests whose place does not tell the credential (of an App with several organizations) do not
//! come here.
//! A guest that sets conditions or ranges itself is left alone.

mod passing;
mod stored;

use super::body::whole;
use crate::clock;
use bytes::Bytes;
use http::header::{
    IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE,
};
use http::{HeaderMap, HeaderName, Method, Request, Response, StatusCode, Uri};
use http_body::Body;
use http_body_util::BodyExt;
use http_cache_semantics::BeforeRequest;
use passing::Passing;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use stored::{Asked, Stored};
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, WasiBody};

/// Largest answer that is kept, in bytes, with its header fields. A run of GitHub's has about 13 KB, a repository
/// 24 KB, a page of 100 jobs up to 250 KB. A page of 100 runs (1.2 MB) is not kept: it is different each time.
const LARGEST: usize = 256 << 10;

/// Bytes kept for one installation: about 250 runs that are asked about in turn.
const BYTES: usize = 4 << 20;

/// Answers kept for one installation: reached before [`BYTES`] only if they are small, and then the search for the one
/// to drop stays short.
const ENTRIES: usize = 1_024;

/// How long a body is kept, however often the server confirms it. Should a server ever confirm what is no longer true,
/// that ends here.
const OLDEST: Duration = Duration::from_secs(60 * 60);

/// Fields with which a guest makes its request conditional or partial itself.
const CONDITIONS: [HeaderName; 6] = [
    IF_MATCH,
    IF_MODIFIED_SINCE,
    IF_NONE_MATCH,
    IF_RANGE,
    IF_UNMODIFIED_SINCE,
    RANGE,
];

/// The answers that are kept for one installation; all its worker threads share them.
pub struct Cache {
    entries: Mutex<Entries>,
    /// One moment on both clocks: freshness is a difference of times of day, and must not jump when somebody sets the
    /// host's clock.
    began: (SystemTime, Instant),
}

#[derive(Default)]
struct Entries {
    by_uri: BTreeMap<String, Entry>,
    bytes: usize,
    /// Counts uses.
    uses: u64,
}

struct Entry {
    stored: Arc<Stored>,
    last_use: u64,
}

/// What the cache makes of a request.
pub(super) enum Recalled {
    /// The answer: nothing has to be sent.
    Answer(Response<Bytes>),
    /// It has to be sent, and its answer to be given to [`Cache::learn`].
    Question(Question),
}

/// A request that is sent.
pub(super) enum Question {
    /// It changes something at this place, which is no longer known then.
    Change(Uri),
    /// It has nothing to do with the cache.
    Other,
    /// Its answer may be kept, and an earlier one may be confirmed.
    Read {
        /// The request as the guest made it.
        asked: Asked,
        /// What the server is asked to confirm.
        known: Option<Arc<Stored>>,
    },
}

impl Question {
    /// Makes the request conditional if there is something that its answer can confirm.
    pub(super) fn put_condition(&self, headers: &mut HeaderMap) {
        if let Question::Read {
            known: Some(known), ..
        } = self
        {
            known.put_condition(headers);
        }
    }
}

impl Cache {
    /// What is known about a request, whose credential has not been added yet.
    pub(super) fn recall<B: Body>(&self, request: &Request<B>, now: Instant) -> Recalled {
        if !request.method().is_safe() {
            return Recalled::Question(Question::Change(request.uri().clone()));
        }
        if !is_plain_read(request) {
            return Recalled::Question(Question::Other);
        }
        let asked = stored::asked(request);
        let found = self.find(asked.uri(), now);
        let known = match found {
            Some(stored) => match stored.policy().before_request(&asked, self.time(now)) {
                BeforeRequest::Fresh(_) => {
                    return Recalled::Answer(stored.fresh_answer(self.time(now)));
                }
                BeforeRequest::Stale { matches, .. } => matches.then_some(stored),
            },
            None => None,
        };
        Recalled::Question(Question::Read { asked, known })
    }

    /// Takes note of an answer, and gives what the guest gets.
    ///
    /// # Errors
    /// Where the server confirms an answer that it was not asked about: there is no body to give then.
    pub(super) fn learn(
        self: &Arc<Self>,
        question: Question,
        response: Response<WasiBody>,
        now: Instant,
    ) -> Result<Response<WasiBody>, Error> {
        let status = response.status();
        let (asked, known) = match question {
            Question::Other => return Ok(response),
            Question::Change(place) => {
                // RFC 9111, section 4.4.
                if status.is_success() || status.is_redirection() {
                    self.forget(&place);
                }
                return Ok(response);
            }
            Question::Read { asked, known } => (asked, known),
        };
        match (status, known) {
            (StatusCode::NOT_MODIFIED, Some(known)) => {
                self.confirmed(asked, &known, response.headers(), now)
            }
            (StatusCode::OK, _) => Ok(self.keep_passing(asked, response, now)),
            _ => {
                if contradicts(status) {
                    self.forget(asked.uri());
                }
                Ok(response)
            }
        }
    }

    fn confirmed(
        &self,
        asked: Asked,
        known: &Stored,
        headers: &HeaderMap,
        now: Instant,
    ) -> Result<Response<WasiBody>, Error> {
        if !known.is_meant_by(headers) {
            self.forget(asked.uri());
            return Err(Error::HttpProtocolError);
        }
        let known = known.refreshed(&asked, headers, self.time(now));
        let answer = known.confirmed_answer();
        self.store(asked.uri(), known, now);
        Ok(whole(answer))
    }

    /// Lets an answer pass, and keeps it if that is possible when it has passed.
    fn keep_passing(
        self: &Arc<Self>,
        asked: Asked,
        response: Response<WasiBody>,
        now: Instant,
    ) -> Response<WasiBody> {
        // Whatever comes of it, what was known before is no longer the newest.
        self.forget(asked.uri());
        let (head, body) = response.into_parts();
        let body = match stored::Head::of(asked, &head.headers, self.time(now)) {
            Some(kept) if body.size_hint().lower() <= LARGEST as u64 => {
                Passing::new(body, kept, self.clone(), now).boxed_unsync()
            }
            _ => body,
        };
        Response::from_parts(head, body)
    }

    fn find(&self, uri: &Uri, now: Instant) -> Option<Arc<Stored>> {
        let mut entries = self.lock();
        entries.uses += 1;
        let uses = entries.uses;
        let entry = entries.by_uri.get_mut(&uri.to_string())?;
        entry.last_use = uses;
        (!entry.stored.is_older(OLDEST, now)).then(|| entry.stored.clone())
    }

    fn store(&self, uri: &Uri, stored: Stored, now: Instant) {
        let uri = uri.to_string();
        let mut entries = self.lock();
        // Two answers to one question may overtake each other.
        let has_newer = |entry: &Entry| entry.stored.is_newer_than(&stored);
        if entries.by_uri.get(&uri).is_some_and(has_newer) {
            return;
        }
        entries.remove(&uri);
        if stored.may_be_kept() && stored.weight() + uri.len() <= LARGEST {
            entries.insert(uri, stored, now);
        }
    }

    fn forget(&self, uri: &Uri) {
        self.lock().remove(&uri.to_string());
    }

    fn time(&self, now: Instant) -> SystemTime {
        let (time, instant) = self.began;
        time + now.saturating_duration_since(instant)
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entries {
    fn remove(&mut self, uri: &str) {
        if let Some(entry) = self.by_uri.remove(uri) {
            self.bytes -= entry.stored.weight() + uri.len();
        }
    }

    fn insert(&mut self, uri: String, stored: Stored, now: Instant) {
        self.bytes += stored.weight() + uri.len();
        self.uses += 1;
        let entry = Entry {
            stored: Arc::new(stored),
            last_use: self.uses,
        };
        self.by_uri.insert(uri, entry);
        while self.bytes > BYTES || self.by_uri.len() > ENTRIES {
            let Some(least_used) = self.least_used() else {
                return;
            };
            self.remove(&least_used);
        }
        self.remove_older(now);
    }

    fn least_used(&self) -> Option<String> {
        let (uri, _) = self.by_uri.iter().min_by_key(|(_, entry)| entry.last_use)?;
        Some(uri.clone())
    }

    fn remove_older(&mut self, now: Instant) {
        let older = |(_, entry): &(&String, &Entry)| entry.stored.is_older(OLDEST, now);
        let older: Vec<String> = self
            .by_uri
            .iter()
            .filter(older)
            .map(|(uri, _)| uri.clone())
            .collect();
        for uri in older {
            self.remove(&uri);
        }
    }
}

impl Default for Cache {
    fn default() -> Cache {
        let time = UNIX_EPOCH + Duration::from_millis(clock::timestamp());
        Cache {
            entries: Mutex::default(),
            began: (time, Instant::now()),
        }
    }
}

impl fmt::Debug for Cache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries = self.lock();
        write!(
            f,
            "Cache({} answers, {} bytes)",
            entries.by_uri.len(),
            entries.bytes
        )
    }
}

/// Whether the answer to a request can be kept, or be one that is kept.
fn is_plain_read<B: Body>(request: &Request<B>) -> bool {
    let is_conditional = CONDITIONS
        .iter()
        .any(|name| request.headers().contains_key(name));
    *request.method() == Method::GET && request.body().is_end_stream() && !is_conditional
}

/// Whether an answer says that what was kept is no longer there. Errors and limits say nothing about that.
fn contradicts(status: StatusCode) -> bool {
    status.is_success()
        || status.is_redirection() && status != StatusCode::NOT_MODIFIED
        || matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE)
}

#[cfg(test)]
mod tests;
