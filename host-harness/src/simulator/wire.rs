//! Connections that can be cut from inside a handler, so that not one byte of an answer leaves; and a listener that can
//! go away for a while, so that connections are refused.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::connect_info::Connected;
use axum::response::Response;
use axum::serve::IncomingStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use crate::network::{Listener, Network, Stream};

/// The handler's grip on its connection.
#[derive(Debug, Clone)]
pub(super) struct Wire(Arc<AtomicBool>);

impl Wire {
    /// Every later read and write fails, so that not one byte of an answer leaves.
    pub(super) fn cut(&self) -> Response {
        self.0.store(true, Ordering::SeqCst);
        Response::new(Body::empty())
    }
}

impl Connected<IncomingStream<'_, Cuttable>> for Wire {
    fn connect_info(stream: IncomingStream<'_, Cuttable>) -> Self {
        Self(Arc::clone(&stream.io().cut))
    }
}

/// Whether a simulator is on the network. Clones are handles to the same plug.
#[derive(Debug, Clone)]
pub(super) struct Plug(watch::Sender<CancellationToken>);

impl Default for Plug {
    fn default() -> Self {
        Self(watch::Sender::new(CancellationToken::new()))
    }
}

impl Plug {
    /// Nobody listens from now on, and every connection breaks.
    pub(super) fn pull(&self) {
        self.0.borrow().cancel();
    }

    /// Listens again at the same address.
    pub(super) fn insert(&self) {
        if self.line().is_cancelled() {
            self.0.send_replace(CancellationToken::new());
        }
    }

    /// Cancelled when the plug is pulled.
    fn line(&self) -> CancellationToken {
        self.0.borrow().clone()
    }

    async fn inserted(&self) {
        let mut changes = self.0.subscribe();
        // The sender is `self`, so that the error of a closed channel cannot happen.
        let _ = changes.wait_for(|line| !line.is_cancelled()).await;
    }
}

/// Accepts connections that a handler can cut.
pub(super) struct Cuttable {
    network: Network,
    /// None while the plug is pulled.
    listener: Option<Listener>,
    address: SocketAddr,
    plug: Plug,
}

impl Cuttable {
    pub(super) fn new(
        network: Network,
        listener: Listener,
        address: SocketAddr,
        plug: Plug,
    ) -> Self {
        Self {
            network,
            listener: Some(listener),
            address,
            plug,
        }
    }
}

impl axum::serve::Listener for Cuttable {
    type Io = CuttableStream;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let line = self.plug.line();
            let Some(listener) = &mut self.listener else {
                self.plug.inserted().await;
                self.listener = self.network.listen(self.address).await.ok();
                if self.listener.is_none() {
                    // Somebody else's connection may have the port for a moment.
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                continue;
            };
            let accepted = tokio::select! {
                biased;
                () = line.cancelled() => None,
                accepted = listener.accept() => Some(accepted),
            };
            match accepted {
                None => self.listener = None,
                Some(Ok((stream, address))) => {
                    return (
                        CuttableStream {
                            stream,
                            cut: Arc::default(),
                            unplugged: Box::pin(line.cancelled_owned()),
                        },
                        address,
                    );
                }
                Some(Err(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
    }
}

pub(super) struct CuttableStream {
    stream: Stream,
    cut: Arc<AtomicBool>,
    unplugged: Pin<Box<WaitForCancellationFutureOwned>>,
}

impl CuttableStream {
    fn whole(&self) -> io::Result<()> {
        if self.cut.load(Ordering::SeqCst) {
            Err(io::ErrorKind::ConnectionReset.into())
        } else {
            Ok(())
        }
    }
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.whole()?;
        // Also wakes a connection that nothing comes in on.
        if self.unplugged.as_mut().poll(cx).is_ready() {
            self.cut.store(true, Ordering::SeqCst);
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_write(cx, data)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        data: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.whole()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, data)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
