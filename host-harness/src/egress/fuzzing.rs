//! The cache without a guest and without a server: for fuzzing and its tests, which have neither. Only what sends has
//! a way to the cache otherwise.

use super::body;
use super::cache::{Cache, Recalled};
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, Request, Response};
use http_body_util::Full;
use std::sync::Arc;
use tokio::time::Instant;

/// What a guest gets for a request. `server` answers one that has to be sent, given the header fields it is sent with.
/// None: there is nothing to give.
pub fn ask(
    cache: &Arc<Cache>,
    request: Request<()>,
    now: Instant,
    server: impl FnOnce(&HeaderMap) -> Response<Bytes>,
) -> Option<Response<Bytes>> {
    let request = request.map(|()| Full::<Bytes>::default());
    let question = match cache.recall(&request, now) {
        Recalled::Answer(answer) => return Some(answer),
        Recalled::Question(question) => question,
    };
    let mut headers = request.headers().clone();
    question.put_condition(&mut headers);
    let answer = body::whole(server(&headers));
    let (head, answer) = cache.learn(question, answer, now).ok()?.into_parts();
    let body = body::read(answer).now_or_never()?.ok()?;
    Some(Response::from_parts(head, body))
}
