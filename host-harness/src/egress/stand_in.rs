//! Somebody who answers in the servers' place: recordings, and whatever else is to stand where the network is.
//!
//! Everything before that stays as it is: what a guest may send and where, how many requests and how large, the pause
//! that a server has asked for, the cache. Only the credential is left out, for there is nobody to show it to.

use super::body::{read, whole};
use super::cache::Question;
use super::head::TimeLimits;
use super::permits::Permit;
use super::{Audience, Client, Shared};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use std::sync::Arc;
use tokio::time::{Instant, timeout_at};
use wasmtime_wasi_http::{Error, WasiBody};

/// Answers requests in the servers' place.
pub trait StandIn: Send + Sync {
    /// The answer to a request of this installation, when it is time for it, or what the guest is told instead.
    fn answer(
        &self,
        installation: &str,
        request: Request<Bytes>,
    ) -> BoxFuture<'static, Result<Response<Bytes>, Error>>;
}

/// Where requests that may leave go.
#[derive(Clone)]
#[expect(
    clippy::large_enum_variant,
    reason = "a call has one, and nearly all of them are the large one"
)]
pub enum Way {
    /// Over the network.
    Network(Client),
    /// To somebody who answers in the servers' place.
    StandIn(Arc<dyn StandIn>),
}

/// Has a request answered in the server's place, within the limits that hold for the server.
pub(super) async fn answer(
    shared: &Shared,
    stand_in: &dyn StandIn,
    (audience, question): (Audience, Question),
    (limits, permit): (TimeLimits, Permit),
    mut request: Request<WasiBody>,
) -> Result<Response<WasiBody>, Error> {
    question.put_condition(request.headers_mut());
    let (head, body) = request.into_parts();
    let body = timeout_at(limits.head, read(body))
        .await
        .map_err(|_| Error::ConnectionWriteTimeout)??;
    let answer = stand_in.answer(shared.installation.id(), Request::from_parts(head, body));
    let response = timeout_at(limits.head, answer)
        .await
        .map_err(|_| Error::ConnectionReadTimeout)??;
    let now = Instant::now();
    shared.note(audience, response.status(), response.headers(), now);
    let most = shared.limits.response_body as u64;
    if response.body().len() as u64 > most {
        return Err(Error::HttpResponseBodySize(Some(most)));
    }
    // It is whole, so nothing is under way any more.
    drop(permit);
    shared
        .installation
        .cache()
        .learn(question, whole(response), now)
}
