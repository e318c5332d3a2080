//! A body on its way to the guest, of which a copy is kept.

use super::stored::Head;
use super::{Cache, LARGEST};
use bytes::{Bytes, BytesMut};
use http_body::{Body, Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, WasiBody};

/// A body that goes on to the guest as it comes. When it has passed as a whole, the answer is kept.
pub(super) struct Passing {
    inner: WasiBody,
    /// None once there is nothing to keep any more: it was too large, broke off, or is kept.
    copy: Option<Copied>,
}

struct Copied {
    head: Head,
    body: BytesMut,
    cache: Arc<Cache>,
    /// When the head came.
    read: Instant,
}

impl Passing {
    pub(super) fn new(inner: WasiBody, head: Head, cache: Arc<Cache>, read: Instant) -> Passing {
        Passing {
            inner,
            copy: Some(Copied {
                head,
                body: BytesMut::new(),
                cache,
                read,
            }),
        }
    }

    fn copy(&mut self, data: &[u8]) {
        match &mut self.copy {
            Some(copy) if copy.body.len() + data.len() <= LARGEST => {
                copy.body.extend_from_slice(data)
            }
            _ => self.copy = None,
        }
    }

    fn keep(&mut self) {
        if let Some(copy) = self.copy.take() {
            let uri = copy.head.asked().uri().clone();
            if let Some(stored) = copy.head.with_body(copy.body.freeze(), copy.read) {
                copy.cache.store(&uri, stored, copy.read);
            }
        }
    }
}

impl Body for Passing {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = ready!(Pin::new(&mut self.inner).poll_frame(context));
        match &frame {
            Some(Ok(frame)) => {
                if let Some(data) = frame.data_ref() {
                    self.copy(data);
                }
                // A reader that knows the length does not come back to hear that this was the end.
                if self.inner.is_end_stream() {
                    self.keep();
                }
            }
            Some(Err(_)) => self.copy = None,
            None => self.keep(),
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
