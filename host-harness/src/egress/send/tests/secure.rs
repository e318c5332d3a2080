//! TLS: whom an installation trusts, and what it shares with no other.

use crate::egress::Clients;
use crate::egress::trial::{Server, Trial, head, local, named_local, text};
use crate::installation::Installation;
use crate::transport::Trust;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::FutureExt;
use http::Response;
use http_body_util::Full;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::HandshakeKind;
use rustls::pki_types::PrivateKeyDer;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use wasmtime_wasi_http::Error;

/// An authority that nobody's system knows.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    trust: Trust,
}

impl Authority {
    fn new() -> Authority {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![]).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        let base64 = STANDARD.encode(certificate.der());
        let pem = format!("-----BEGIN CERTIFICATE-----\n{base64}\n-----END CERTIFICATE-----\n");
        Authority {
            issuer: Issuer::new(params, key),
            trust: Trust::only(pem.as_bytes()).unwrap(),
        }
    }

    /// What a server for this name shows, until the end of this year.
    fn certify(&self, name: &str, last_year: i32) -> rustls::ServerConfig {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        params.not_before = date_time_ymd(2020, 1, 1);
        params.not_after = date_time_ymd(last_year, 12, 31);
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(key.serialize_der().into());
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap()
    }
}

/// The version of HTTP that each request came with.
type Versions = Arc<Mutex<Vec<http::Version>>>;

/// A server that speaks HTTP/2, and nothing else.
async fn http2(mut config: rustls::ServerConfig) -> (Server, Versions) {
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let versions = Versions::default();
    let keep = versions.clone();
    let conduct = move |stream: TcpStream| {
        let (acceptor, keep) = (acceptor.clone(), keep.clone());
        async move {
            let Ok(stream) = acceptor.accept(stream).await else {
                return;
            };
            let answer = service_fn(move |request: hyper::Request<hyper::body::Incoming>| {
                keep.lock().unwrap().push(request.version());
                async {
                    Ok::<_, Infallible>(Response::new(Full::new(Bytes::from_static(b"hello"))))
                }
            });
            let server = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
            let _ = server.serve_connection(TokioIo::new(stream), answer).await;
        }
        .boxed()
    };
    (Server::driven(conduct).await, versions)
}

fn installation(server: &Server, trust: &Trust) -> Installation {
    local(&url(server)).with_trust(trust.clone())
}

fn url(server: &Server) -> String {
    format!("https://localhost:{}", server.address.port())
}

#[tokio::test]
async fn http_2_is_spoken_with_a_server_that_offers_it_and_on_one_connection() {
    let authority = Authority::new();
    let (server, versions) = http2(authority.certify("localhost", 2100)).await;
    let trial = Trial::of(installation(&server, &authority.trust));
    for _ in 0..3 {
        let response = trial.get(&url(&server)).await.unwrap();
        assert_eq!(response.version(), http::Version::HTTP_2);
        assert_eq!(text(response).await, "hello");
    }
    assert_eq!(*versions.lock().unwrap(), [http::Version::HTTP_2; 3]);
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_certificate_of_another_authority_for_another_name_or_of_another_time_is_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    for (certificate, trust) in [
        (authority.certify("localhost", 2100), stranger.trust.clone()),
        // The system does not know it either.
        (authority.certify("localhost", 2100), Trust::System),
        (
            authority.certify("elsewhere.example", 2100),
            authority.trust.clone(),
        ),
        (
            authority.certify("localhost", 2021),
            authority.trust.clone(),
        ),
    ] {
        let (server, versions) = http2(certificate).await;
        let trial = Trial::of(installation(&server, &trust));
        let refused = trial.get(&url(&server)).await.err();
        assert!(
            matches!(refused, Some(Error::TlsCertificateError)),
            "{refused:?}"
        );
        assert!(versions.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn sessions_are_resumed_by_one_installation_and_shared_with_no_other() {
    let authority = Authority::new();
    let acceptor = TlsAcceptor::from(Arc::new(authority.certify("localhost", 2100)));
    let kinds: Arc<Mutex<Vec<Option<HandshakeKind>>>> = Arc::default();
    let keep = kinds.clone();
    let conduct = move |stream: TcpStream| {
        let (acceptor, keep) = (acceptor.clone(), keep.clone());
        async move {
            let mut stream = acceptor.accept(stream).await.unwrap();
            keep.lock()
                .unwrap()
                .push(stream.get_ref().1.handshake_kind());
            head(&mut stream).await;
            let _ = stream
                .write_all(b"HTTP/1.1 204 No\r\nconnection: close\r\n\r\n")
                .await;
            let _ = stream.shutdown().await;
        }
        .boxed()
    };
    let server = Server::driven(conduct).await;
    let clients = Clients::default();
    let named = |id: &str| {
        let named = named_local(id, &url(&server)).with_trust(authority.trust.clone());
        Trial::on(&clients, Arc::new(named))
    };
    let (one, other) = (named("one"), named("other"));
    for trial in [&one, &one, &other, &other] {
        assert_eq!(trial.get(&url(&server)).await.unwrap().status(), 204);
    }
    use HandshakeKind::{Full, Resumed};
    assert_eq!(
        *kinds.lock().unwrap(),
        [Some(Full), Some(Resumed), Some(Full), Some(Resumed)]
    );
}
