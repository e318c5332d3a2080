//! What tests of this module share: installations, calls and servers on loopback.

#![allow(clippy::unwrap_used)]

use super::body::full;
use super::connect::{Resolver, SystemResolver};
use super::stand_in::Way;
use super::{CallEgress, Clients, Exceptions, Origin, Policy, Shared, send};
use crate::credentials::Credential;
use crate::engine::Limits;
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response, Uri};
use http_body_util::BodyExt;
use hyper_util::client::legacy::connect::dns::Name;
use secrecy::SecretString;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

/// The token of all installations here.
pub const TOKEN: &str = "ghs_trial";

pub fn origin(url: &str) -> Origin {
    Origin::of(&url.parse().unwrap()).unwrap()
}

/// An installation with a token that may send under this policy and reach this machine.
pub fn under(id: &str, policy: Policy) -> Installation {
    let mut public = Installation::nobody().public().clone();
    public.id = id.to_owned();
    let token = Credential::Token(SecretString::from(TOKEN));
    Installation::new(public, policy, token, WebhookSecret::Missing)
        .with_exceptions(Exceptions::loopback())
}

/// An installation of this name whose API has this origin.
pub fn named_local(id: &str, api: &str) -> Installation {
    under(id, Policy::only(origin(api)))
}

/// An installation whose API has this origin, and that may reach this machine.
pub fn local(api: &str) -> Installation {
    named_local("", api)
}

/// The same, and it may not.
pub fn strict(api: &str) -> Installation {
    local(api).with_exceptions(Exceptions::default())
}

/// One call of an installation.
pub struct Trial(pub Arc<Shared>);

impl Trial {
    pub fn of(installation: Installation) -> Trial {
        Trial::resolving_with(installation, Arc::new(SystemResolver))
    }

    pub fn resolving_with(installation: Installation, resolver: Arc<dyn Resolver>) -> Trial {
        Trial::on(&Clients::resolving_with(resolver), Arc::new(installation))
    }

    pub fn on(clients: &Clients, installation: Arc<Installation>) -> Trial {
        let client = clients.of(&installation).unwrap();
        let limits = Limits {
            requests: 1_000,
            ..Limits::default()
        };
        Trial(CallEgress::new(installation, Some(Way::Network(client)), None, limits, None).shared)
    }

    pub async fn send(&self, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
        send::send(&self.0, request, None).await
    }

    pub async fn get(&self, url: &str) -> Result<Response<WasiBody>, Error> {
        self.send(get(url)).await
    }

    /// Sends with time limits in milliseconds.
    pub async fn hurried(
        &self,
        request: Request<WasiBody>,
        [connect, first, between]: [u64; 3],
    ) -> Result<Response<WasiBody>, Error> {
        let limit = |ms| Some(Duration::from_millis(ms));
        let options = RequestOptions {
            connect_timeout: limit(connect),
            first_byte_timeout: limit(first),
            between_bytes_timeout: limit(between),
        };
        send::send(&self.0, request, Some(options)).await
    }
}

pub fn get(url: &str) -> Request<WasiBody> {
    Request::get(url.parse::<Uri>().unwrap())
        .body(full(Bytes::new()))
        .unwrap()
}

pub async fn text(response: Response<WasiBody>) -> String {
    let body = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(body.to_vec()).unwrap()
}

/// A server on loopback that treats every connection alike.
pub struct Server {
    pub address: SocketAddr,
    /// Connections so far.
    pub connections: Arc<AtomicUsize>,
    /// Heads of requests so far.
    pub heads: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Begins to listen on a port of its own.
    pub async fn driven<F>(conduct: F) -> Server
    where
        F: Fn(TcpStream) -> BoxFuture<'static, ()> + Send + 'static,
    {
        Server::at("127.0.0.1:0", conduct).await
    }

    pub async fn at<F>(address: &str, conduct: F) -> Server
    where
        F: Fn(TcpStream) -> BoxFuture<'static, ()> + Send + 'static,
    {
        let listener = TcpListener::bind(address).await.unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(conduct(stream));
            }
        });
        Server {
            address,
            connections,
            heads: Arc::default(),
        }
    }

    /// Answers every request with these bytes.
    pub async fn answering(bytes: impl Into<Vec<u8>>) -> Server {
        let bytes: Arc<Vec<u8>> = Arc::new(bytes.into());
        let heads: Arc<Mutex<Vec<String>>> = Arc::default();
        let keep = heads.clone();
        let conduct = move |mut stream: TcpStream| {
            let (bytes, keep) = (bytes.clone(), keep.clone());
            async move {
                loop {
                    let head = head(&mut stream).await;
                    if head.is_empty() {
                        break;
                    }
                    keep.lock().unwrap().push(head);
                    let _ = stream.write_all(&bytes).await;
                }
            }
            .boxed()
        };
        let server = Server::driven(conduct).await;
        Server { heads, ..server }
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The head of the only request so far.
    pub fn only_head(&self) -> String {
        let heads = self.heads.lock().unwrap();
        assert_eq!(heads.len(), 1, "{heads:?}");
        heads[0].clone()
    }
}

/// Reads the head of a request.
pub async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => break,
        }
    }
    String::from_utf8(head).unwrap()
}

/// Reads until the other side has gone.
pub async fn linger(mut stream: TcpStream) {
    let mut rest = [0; 1024];
    while stream.read(&mut rest).await.is_ok_and(|read| read > 0) {}
}

/// Answers with these lists in turn, and with the last one from then on.
pub struct Answers {
    lists: Vec<Vec<&'static str>>,
    pub asked: AtomicUsize,
}

impl Answers {
    pub fn new(lists: &[&[&'static str]]) -> Arc<Answers> {
        Arc::new(Answers {
            lists: lists.iter().map(|list| list.to_vec()).collect(),
            asked: AtomicUsize::new(0),
        })
    }
}

impl Resolver for Answers {
    fn resolve(&self, _name: Name) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> {
        let turn = self.asked.fetch_add(1, Ordering::SeqCst);
        let list = &self.lists[turn.min(self.lists.len() - 1)];
        let found = list.iter().map(|text| text.parse().unwrap()).collect();
        async move { Ok(found) }.boxed()
    }
}

/// What is logged on this thread.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    pub fn listen() -> (Log, tracing::subscriber::DefaultGuard) {
        let log = Log::default();
        let writer = log.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(move || writer.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        // Another test may be writing this very line to nobody for the first time, and tracing would remember that
        // nobody listens to it. By now it has; so it is asked to look again.
        std::thread::sleep(Duration::from_millis(20));
        tracing::callsite::rebuild_interest_cache();
        (log, guard)
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
