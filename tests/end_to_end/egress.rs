//! What an installation's network lets the real component do.

use crate::bench::{Bench, PROPERTIES, expect_failure};
use crate::component::runtime;
use host_harness::config::{InstallationConfig, resolve_installation};
use host_harness::contract::{Failure, FailureKind, Started};
use host_harness::credentials::Credential;
use host_harness::egress::{Exceptions, Origin, Permits, Policy};
use host_harness::ingress::WebhookSecret;
use host_harness::installation::Installation;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use std::sync::Arc;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// The bench's installation with a network of the test's choice.
fn with(bench: &Bench, exceptions: Exceptions, permits: Permits) -> Arc<Installation> {
    let public = bench.installation.public().clone();
    let origin = Origin::of(&bench.github.api_url().parse().unwrap()).unwrap();
    let token = Credential::Token(bench.github.token().into());
    let installation =
        Installation::new(public, Policy::only(origin), token, WebhookSecret::Missing);
    Arc::new(
        installation
            .with_exceptions(exceptions)
            .with_permits(permits),
    )
}

#[tokio::test]
async fn a_server_at_an_inner_address_is_not_reached_unless_it_is_named() {
    let mut bench = Bench::new().await;
    bench.installation = with(&bench, Exceptions::default(), Permits::default());
    let result = bench.dispatch(PROPERTIES).await;
    let failure = expect_failure(result, &FailureKind::Rejected, "egress-denied");
    assert!(!failure.request_sent);
    bench.expect_nothing_sent();
    let named = Exceptions::new([Exceptions::parse("127.0.0.1").unwrap()]);
    // A pool of its own: pools belong to installations by their names.
    bench.runtime = runtime().await;
    bench.installation = with(&bench, named, Permits::default());
    bench.dispatch(PROPERTIES).await.unwrap();
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_call_needs_no_more_room_than_for_one_request_and_gives_it_back() {
    let mut bench = Bench::new().await;
    bench.installation = with(&bench, Exceptions::loopback(), Permits::new(1));
    for _ in 0..3 {
        bench.dispatch(PROPERTIES).await.unwrap();
        assert_eq!(bench.installation.permits().free(), 1);
    }
    bench.expect_no_violations();
}

/// A server in front of another that speaks TLS for it, as `localhost`. Returns its port and its authority as PEM.
pub(crate) async fn tls_before(server: String) -> (u16, String) {
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, &issuer).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        )
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, server) = (acceptor.clone(), server.clone());
            tokio::spawn(async move {
                if let Ok(mut outer) = acceptor.accept(stream).await {
                    let mut inner = TcpStream::connect(server).await.unwrap();
                    let _ = copy_bidirectional(&mut outer, &mut inner).await;
                }
            });
        }
    });
    (port, pem(authority.der()))
}

fn pem(der: &[u8]) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(der);
    format!("-----BEGIN CERTIFICATE-----\n{text}\n-----END CERTIFICATE-----\n")
}

#[tokio::test]
async fn a_server_with_an_authority_of_its_own_is_trusted_if_the_configuration_names_it() {
    let mut bench = Bench::new().await;
    let api = bench.github.api_url();
    let (port, authority) = tls_before(api.replace("http://", "")).await;
    let folder = tempfile::tempdir().unwrap();
    let in_folder = |name: &str| folder.path().join(name);
    std::fs::write(in_folder("ca.pem"), authority).unwrap();
    std::fs::write(in_folder("token"), bench.github.token()).unwrap();
    let file = in_folder("installation.toml");
    let mut dispatch = async |line: &str| -> Result<Started, Failure> {
        let text = format!(
            "id = \"bench\"\nhosting = \"self-hosted\"\napi-url = \"https://localhost:{port}\"\n\
             credential = {{ token = {{ file = \"token\" }} }}\nallow-addresses = [\"127.0.0.0/8\"]\n{line}\n"
        );
        std::fs::write(&file, text).unwrap();
        let config = InstallationConfig::load(&file).unwrap();
        bench.installation = Arc::new(resolve_installation(&file, &config).unwrap());
        bench.runtime = runtime().await;
        bench.dispatch(PROPERTIES).await
    };
    let failure = dispatch("").await.unwrap_err();
    assert_eq!(failure.kind, FailureKind::Unavailable, "{failure:#?}");
    assert!(failure.message.contains("certificate"), "{failure:#?}");
    dispatch("ca-file = \"ca.pem\"").await.unwrap();
    assert_eq!(bench.github.runs().len(), 1);
}
