//! Bodies on their way through, with limits.

use super::permits::Permit;
use bytes::{Bytes, BytesMut};
use http::Response;
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::{Error, WasiBody};

/// A response's body with a limit on its size and on its pauses.
pub(super) struct ResponseBody<B> {
    inner: B,
    most: u64,
    left: u64,
    pause: Duration,
    alarm: Pin<Box<Sleep>>,
    /// Until the body has come to its end, its request is under way.
    permit: Option<Permit>,
}

impl<B> ResponseBody<B> {
    /// At most so many bytes, and so long a pause.
    pub(super) fn new(inner: B, most: u64, pause: Duration, permit: Permit) -> ResponseBody<B> {
        ResponseBody {
            inner,
            most,
            left: most,
            pause,
            alarm: Box::pin(sleep(pause)),
            permit: Some(permit),
        }
    }
}

impl<B> Body for ResponseBody<B>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let next = ready!(self.poll_next(context));
        if !matches!(next, Some(Ok(_))) {
            self.permit = None;
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

impl<B> ResponseBody<B>
where
    B: Body<Data = Bytes, Error = hyper::Error> + Unpin,
{
    fn poll_next(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        match Pin::new(&mut self.inner).poll_frame(context) {
            Poll::Ready(Some(Ok(frame))) => {
                let size = frame.data_ref().map_or(0, |data| data.len() as u64);
                let Some(left) = self.left.checked_sub(size) else {
                    let most = Some(self.most);
                    return Poll::Ready(Some(Err(Error::HttpResponseBodySize(most))));
                };
                self.left = left;
                let next = Instant::now() + self.pause;
                self.alarm.as_mut().reset(next);
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(_cut))) => Poll::Ready(Some(Err(Error::HttpResponseIncomplete))),
            Poll::Ready(None) => Poll::Ready(None),
            Poll::Pending => {
                ready!(self.alarm.as_mut().poll(context));
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }
}

/// A request's body with a limit on its size.
pub(super) struct LimitedBody {
    inner: WasiBody,
    most: u64,
    left: u64,
}

impl LimitedBody {
    /// At most so many bytes.
    pub(super) fn new(inner: WasiBody, most: u64) -> LimitedBody {
        LimitedBody {
            inner,
            most,
            left: most,
        }
    }
}

impl Body for LimitedBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let Some(frame) = ready!(Pin::new(&mut self.inner).poll_frame(context)) else {
            return Poll::Ready(None);
        };
        let frame = frame?;
        let size = frame.data_ref().map_or(0, |data| data.len() as u64);
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                Poll::Ready(Some(Ok(frame)))
            }
            None => Poll::Ready(Some(Err(Error::HttpRequestBodySize(Some(self.most))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.inner.size_hint()
    }
}

/// Reads a body to its end.
pub(super) async fn read(mut body: WasiBody) -> Result<Bytes, Error> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        if let Some(data) = frame?.data_ref() {
            bytes.extend_from_slice(data);
        }
    }
    Ok(bytes.freeze())
}

/// A body that is there already.
pub(super) fn full(body: Bytes) -> WasiBody {
    Full::new(body)
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// A response whose body is there already.
pub(super) fn whole(response: Response<Bytes>) -> Response<WasiBody> {
    response.map(full)
}
