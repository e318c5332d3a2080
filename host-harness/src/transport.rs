//! The HTTP client under everything that the host sends.
//!
//! Two callers build on it: [`crate::port`], which talks to Port with whole bodies, and the egress of the
//! sandbox, which streams what a guest sends. Both want the same connection: pooled, HTTP/2 where the server
//! offers it, TLS against the roots that the machine trusts. They differ in the body type and in how a name
//! becomes an address, so those two are parameters.
//!
//! What may be asked of whom is no business of this layer: it speaks `http` as readily as `https`, because the
//! callers decide that before they come here.
//!
//! A client's connections are driven by tasks on the runtime that opened them. A host with one runtime per core
//! gives each runtime its own client.

mod tls;

pub use tls::{Trust, TrustError, tls};

use crate::network::{Connector, Network};
use std::error::Error as _;
use std::time::Duration;

use http_body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::dns::GaiResolver;
use hyper_util::client::legacy::connect::{Connect, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;

/// How long an unused connection is kept.
///
/// Servers and the load balancers before them commonly close an idle connection after 60 s. A client that waits
/// longer sends its next request into a connection that is being closed, and cannot tell whether it arrived.
const IDLE: Duration = Duration::from_secs(45);

/// How long one TCP connect may take, per address. What hangs here has sent nothing.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Unused connections kept for one host: as many as an installation's requests may be under way at once
/// (`egress::OF_INSTALLATION`). With fewer, a busy installation of a server without HTTP/2 opens and closes connections
/// all the time.
const IDLE_PER_HOST: usize = 100;

/// An HTTP/2 connection that does not answer a ping within this time is dropped, so that a dead one is not found
/// out by a request.
const PING_EVERY: Duration = Duration::from_secs(20);
const PING_ANSWER: Duration = Duration::from_secs(10);

/// Largest head of a response, in bytes, and with it what is read ahead of a connection. GitHub's are about 4 KB; the
/// longest that we know of are links to other pages.
pub const RESPONSE_HEAD: u32 = 128 << 10;

/// The client with the system's own name resolution. Clones share one pool.
pub type Client<B> = legacy::Client<HttpsConnector<Connector<GaiResolver>>, B>;

/// What a request of such a client fails with.
pub type SendError = legacy::Error;

/// Why no client could be made.
#[derive(Debug, Clone, thiserror::Error)]
pub enum TransportError {
    /// The machine has no usable root certificates.
    #[error(
        "no usable root certificates on this machine ({0}): install them (Debian: apt-get install ca-certificates) \
         or name a bundle in SSL_CERT_FILE"
    )]
    Roots(String),
    /// The TLS library refused its configuration.
    #[error("TLS could not be set up: {0}")]
    Tls(String),
}

/// A client with a pool of its own and the system's name resolution.
///
/// It trusts what the machine trusts; the variables `SSL_CERT_FILE` and `SSL_CERT_DIR` name other places, for
/// example one with a company's own authority for a GitHub Enterprise Server.
///
/// # Errors
///
/// Where the machine has no usable root certificates.
pub fn client<B>(network: Network) -> Result<Client<B>, TransportError>
where
    B: Body + Send,
    B::Data: Send,
{
    let tls = tls(&Trust::System)?;
    Ok(pooled(https(
        Connector::new(network, GaiResolver::new()),
        tls,
    )))
}

/// TCP with a name resolution of the caller's: the place where egress checks the address that it really
/// connects to.
pub fn tcp<R>(resolver: R) -> HttpConnector<R> {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    // The scheme is looked at by the TLS layer above.
    tcp.enforce_http(false);
    // Requests are small and complete when they are written: waiting to fill a packet only delays them.
    tcp.set_nodelay(true);
    tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
    tcp
}

/// TLS over `connector` for `https`, nothing added for `http`; HTTP/2 where the server agrees to it (ALPN).
pub fn https<C>(connector: C, tls: ClientConfig) -> HttpsConnector<C> {
    HttpsConnectorBuilder::new()
        .with_tls_config(tls)
        .https_or_http()
        .enable_http1()
        .enable_http2()
        .wrap_connector(connector)
}

/// The pool over any connector.
pub fn pooled<C, B>(connector: C) -> legacy::Client<C, B>
where
    C: Connect + Clone,
    B: Body + Send,
    B::Data: Send,
{
    legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        // Without this timer idle connections are only dropped when the next request looks at them.
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE)
        .pool_max_idle_per_host(IDLE_PER_HOST)
        .http2_keep_alive_interval(PING_EVERY)
        .http2_keep_alive_timeout(PING_ANSWER)
        .http1_max_buf_size(RESPONSE_HEAD as usize)
        .http2_max_header_list_size(RESPONSE_HEAD)
        .build(connector)
}

/// Why a request could not even be begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectFailure {
    /// The server's machine refused the connection.
    Refused,
    /// The server's machine did not answer in time.
    TimedOut,
    /// The name has no address.
    NameNotFound,
    /// The server's certificate is not one that this machine trusts for that name.
    Certificate,
    /// No TLS session could be agreed on.
    Tls,
    /// Anything else that happened before the first byte of the request.
    Other,
}

/// Tells how far a request got that ended in `error`.
///
/// `Some`: not a byte of it left, and sending it again cannot do anything twice. `None`: some or all of it left, and
/// whether the server acted on it is unknown.
pub fn connect_failure(error: &SendError) -> Option<ConnectFailure> {
    if error.is_connect() {
        return Some(classify(error));
    }
    // "Canceled" is what hyper calls a request that was still queued when its connection went away; one that had
    // begun ends as an incomplete message, a reset or an I/O error.
    error
        .source()
        .and_then(|source| source.downcast_ref::<hyper::Error>())
        .is_some_and(hyper::Error::is_canceled)
        .then_some(ConnectFailure::Other)
}

fn classify(error: &SendError) -> ConnectFailure {
    use std::io::ErrorKind;
    let mut next: Option<&(dyn std::error::Error + 'static)> = error.source();
    while let Some(cause) = next {
        if let Some(tls) = cause.downcast_ref::<rustls::Error>() {
            return match tls {
                rustls::Error::InvalidCertificate(_) => ConnectFailure::Certificate,
                _ => ConnectFailure::Tls,
            };
        }
        let io = cause.downcast_ref::<std::io::Error>();
        match io.map(std::io::Error::kind) {
            Some(ErrorKind::ConnectionRefused) => return ConnectFailure::Refused,
            Some(ErrorKind::TimedOut) => return ConnectFailure::TimedOut,
            _ => {}
        }
        // The type is private to the connector; its text is all that tells a name from an address.
        if io.is_none() && cause.to_string().starts_with("dns error") {
            return ConnectFailure::NameNotFound;
        }
        // An I/O error's `source` skips the error that it wraps, and that is where TLS errors are.
        next = match io.and_then(std::io::Error::get_ref) {
            Some(wrapped) => Some(wrapped),
            None => cause.source(),
        };
    }
    ConnectFailure::Other
}

/// An error with all its causes in one line; hyper's own text is only the outermost ("client error (Connect)").
pub fn causes(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        // Several layers repeat the text of the one below.
        if !text.ends_with(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use bytes::Bytes;
    use http_body_util::Full;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpSocket};

    fn get(port: u16) -> http::Request<Full<Bytes>> {
        http::Request::get(format!("http://127.0.0.1:{port}/"))
            .body(Full::default())
            .unwrap()
    }

    #[tokio::test]
    async fn a_refused_connection_has_sent_nothing() {
        // Bound, so that nobody else gets the port, but not listening.
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let port = socket.local_addr().unwrap().port();
        let error = client(Network::Machine)
            .unwrap()
            .request(get(port))
            .await
            .unwrap_err();
        assert_eq!(connect_failure(&error), Some(ConnectFailure::Refused));
        assert!(causes(&error).contains("refused"), "{}", causes(&error));
    }

    #[tokio::test]
    async fn a_connection_that_closes_after_reading_leaves_the_outcome_open() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 1024];
            assert!(stream.read(&mut seen).await.unwrap() > 0);
        });
        let error = client(Network::Machine)
            .unwrap()
            .request(get(port))
            .await
            .unwrap_err();
        server.await.unwrap();
        assert_eq!(connect_failure(&error), None);
    }

    #[tokio::test]
    async fn a_connection_is_used_again() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            for _ in 0..2 {
                let mut seen = [0; 1024];
                assert!(stream.read(&mut seen).await.unwrap() > 0);
                stream
                    .write_all(b"HTTP/1.1 204 No Content\r\n\r\n")
                    .await
                    .unwrap();
            }
        });
        let client = client(Network::Machine).unwrap();
        for _ in 0..2 {
            let reply = client.request(get(port)).await.unwrap();
            assert_eq!(reply.status(), 204);
        }
        server.await.unwrap();
    }

    #[tokio::test]
    async fn a_server_that_speaks_no_tls_has_been_sent_nothing() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 1024];
            assert!(stream.read(&mut seen).await.unwrap() > 0);
            stream.write_all(b"HTTP/1.1 400 No\r\n\r\n").await.unwrap();
            let _ = stream.read(&mut seen).await;
        });
        let request = http::Request::get(format!("https://127.0.0.1:{port}/"))
            .body(Full::<Bytes>::default())
            .unwrap();
        let error = client(Network::Machine)
            .unwrap()
            .request(request)
            .await
            .unwrap_err();
        server.await.unwrap();
        assert_eq!(
            connect_failure(&error),
            Some(ConnectFailure::Tls),
            "{}",
            causes(&error)
        );
    }

    #[tokio::test]
    async fn a_name_without_address_has_been_sent_nothing() {
        // A label of more than 63 characters is refused before any name server is asked.
        let request = http::Request::get(format!("http://{}.invalid/", "x".repeat(64)))
            .body(Full::<Bytes>::default())
            .unwrap();
        let error = client(Network::Machine)
            .unwrap()
            .request(request)
            .await
            .unwrap_err();
        assert_eq!(
            connect_failure(&error),
            Some(ConnectFailure::NameNotFound),
            "{}",
            causes(&error)
        );
    }
}
