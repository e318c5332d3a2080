//! A server that costs as little as it can: it gives the answers that the simulated GitHub gave once.
//!
//! It has a thread of its own, whose CPU time can be told apart.

use super::work::{DISPATCH_PATH, EXTERNAL, REPOSITORY_PATH, TOKEN};
use super::{BenchError, measure};
use crate::simulator::github::{GitHub, Options, Repository, Workflow};
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, ETAG};
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt, Full};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// Whether the answer about the repository may be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caching {
    /// As GitHub says: for a minute. A dispatch is then one request.
    AsGitHubSays,
    /// Not at all. A dispatch is then two requests.
    Never,
}

/// The server. It ends when this is dropped.
pub(super) struct Canned {
    address: SocketAddr,
    questions: mpsc::UnboundedSender<oneshot::Sender<Duration>>,
}

/// An answer.
#[derive(Clone)]
struct Answer {
    headers: HeaderMap,
    body: Bytes,
}

impl Answer {
    async fn of(url: &str, method: http::Method, body: &str) -> Result<Answer, String> {
        let request = http::Request::builder()
            .method(method)
            .uri(url)
            .header("authorization", format!("Bearer {TOKEN}"))
            .header("user-agent", "bench")
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28")
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body.to_owned())))
            .map_err(|error| error.to_string())?;
        let client = crate::transport::client(crate::network::Network::Machine)
            .map_err(|error| error.to_string())?;
        let answer = client
            .request(request)
            .await
            .map_err(|error| error.to_string())?;
        let (head, body) = answer.into_parts();
        if head.status != 200 {
            return Err(format!("{url} was answered {}", head.status));
        }
        let body = body.collect().await.map_err(|error| error.to_string())?;
        Ok(Answer {
            headers: head.headers,
            body: body.to_bytes(),
        })
    }

    /// Without what a server sets anew each time.
    fn kept(mut self, caching: Caching) -> Answer {
        for name in ["date", "content-length", "connection", "transfer-encoding"] {
            self.headers.remove(name);
        }
        // Plenty is left.
        self.headers.insert(
            HeaderName::from_static("x-ratelimit-remaining"),
            HeaderValue::from_static("4990"),
        );
        if caching == Caching::Never {
            self.headers.remove(ETAG);
            self.headers
                .insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        }
        self
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        (self.headers, self.body).into_response()
    }
}

impl Canned {
    /// Asks a simulated GitHub once, and then repeats it.
    pub(super) async fn start(caching: Caching) -> Result<Canned, BenchError> {
        let setup = BenchError::setup("the server of the benchmark");
        Canned::ask_and_start(caching).await.map_err(setup)
    }

    async fn ask_and_start(caching: Caching) -> Result<Canned, String> {
        let github = GitHub::start(Options::default())
            .await
            .map_err(|error| error.to_string())?;
        github.add_repository(Repository::new("acme", "shop").workflow(
            Workflow::new("deploy.yml").input(crate::simulator::github::Input::new("environment")),
        ));
        github.add_token(TOKEN, true, "bench[bot]");
        let at = |path: &str| format!("{}{path}", github.api_url());
        let repository = Answer::of(&at(REPOSITORY_PATH), http::Method::GET, "").await?;
        let order =
            r#"{"ref":"main","inputs":{"environment":"staging"},"return_run_details":true}"#;
        let started = Answer::of(&at(DISPATCH_PATH), http::Method::POST, order).await?;
        let (repository, mut started) = (repository.kept(caching), started.kept(caching));
        // The id that everybody has to find, whichever the simulator gave.
        let told: serde_json::Value =
            serde_json::from_slice(&started.body).map_err(|error| error.to_string())?;
        let id = told.get("workflow_run_id").map(ToString::to_string);
        let (id, wanted) = (id.unwrap_or_default(), EXTERNAL.rsplit('_').next());
        let text = String::from_utf8_lossy(&started.body).replace(&id, wanted.unwrap_or_default());
        started.body = Bytes::from(text);
        github.stop().await;
        serve(repository, started).map_err(|error| error.to_string())
    }

    /// Where its API is.
    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The CPU time of its thread so far.
    pub(super) async fn cpu(&self) -> Duration {
        let (answer, told) = oneshot::channel();
        let _ = self.questions.send(answer);
        told.await.unwrap_or_default()
    }
}

fn serve(repository: Answer, started: Answer) -> std::io::Result<Canned> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let (questions, mut asked) = mpsc::unbounded_channel::<oneshot::Sender<Duration>>();
    let (repository, started) = (Arc::new(repository), Arc::new(started));
    let router = Router::new()
        .route(
            REPOSITORY_PATH,
            get(move || async move { repository.as_ref().clone() }),
        )
        .route(
            DISPATCH_PATH,
            post(async move |request: Request| {
                // Read, so that the connection can be used again.
                let _ = request.into_body().collect().await;
                started.as_ref().clone()
            }),
        );
    std::thread::Builder::new()
        .name("canned".to_owned())
        .spawn(move || {
            runtime.block_on(async move {
                let Ok(listener) = tokio::net::TcpListener::from_std(listener) else {
                    return;
                };
                tokio::spawn(async move { axum::serve(listener, router).await });
                while let Some(answer) = asked.recv().await {
                    let _ = answer.send(measure::thread_cpu());
                }
            });
        })?;
    Ok(Canned { address, questions })
}
