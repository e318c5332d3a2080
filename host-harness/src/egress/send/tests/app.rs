//! An App with several organizations: whose token goes with a request that names none of them.

use crate::credentials::{AppOptions, Credential, GitHubApp, Scope};
use crate::egress::trial::{Server, Trial, head, origin, text};
use crate::egress::{Clients, Exceptions, Policy};
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use futures_util::FutureExt;
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

const KEY: &str = include_str!("../../../simulator/github/app/test-key-no-secret.pkcs1.pem");

fn answer(head: &str) -> (u16, &'static str) {
    match head {
        head if head.starts_with("GET /orgs/acme/") => (200, r#"{"id":1}"#),
        head if head.starts_with("GET /orgs/globex/") => (200, r#"{"id":2}"#),
        head if head.starts_with("POST /app/installations/1/") => (
            201,
            r#"{"token":"ghs_of_acme","expires_at":"2999-01-01T00:00:00Z"}"#,
        ),
        head if head.starts_with("POST /app/installations/2/") => (
            201,
            r#"{"token":"ghs_of_globex","expires_at":"2999-01-01T00:00:00Z"}"#,
        ),
        head if head.contains("ghs_of_acme") => (200, r#"{"for":"acme"}"#),
        _ => (200, r#"{"for":"globex"}"#),
    }
}

/// Answers everything so that it can be kept, and by whose token it was asked with.
async fn github() -> Server {
    let conduct = |mut stream: TcpStream| {
        async move {
            loop {
                let head = head(&mut stream).await;
                if head.is_empty() {
                    break;
                }
                let (status, body) = answer(&head);
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: application/json\r\netag: \"1\"\r\n\
                     cache-control: private, max-age=60\r\ncontent-length: {}\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
            }
        }
        .boxed()
    };
    Server::driven(conduct).await
}

fn of_any_organization(api: &str) -> Installation {
    let app = GitHubApp::new(AppOptions {
        id: "1".to_owned(),
        key: KEY,
        api: api.parse().unwrap(),
        scope: Scope::AnyInstallation,
        permissions: BTreeMap::new(),
    });
    let public = Installation::nobody().public().clone();
    let credential = Credential::App(Box::new(app.unwrap()));
    let policy = Policy::only(origin(api));
    Installation::new(public, policy, credential, WebhookSecret::Missing)
        .with_exceptions(Exceptions::loopback())
}

/// As when a page of a list links to the next one.
#[tokio::test]
async fn who_names_nobody_gets_the_token_of_the_calls_organization_and_no_answer_to_another() {
    let server = github().await;
    let installation = Arc::new(of_any_organization(&server.url()));
    let clients = Clients::default();
    // The second time each first answer comes out of the cache.
    for organization in ["acme", "globex", "acme", "globex"] {
        let call = Trial::on(&clients, installation.clone());
        let expected = format!(r#"{{"for":"{organization}"}}"#);
        for path in [&*format!("/repos/{organization}/shop"), "/repositories/7"] {
            let response = call.get(&format!("{}{path}", server.url())).await.unwrap();
            assert_eq!(text(response).await, expected, "{path}");
        }
    }
}
