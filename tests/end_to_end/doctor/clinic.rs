//! A set-up that is whole: a test breaks one thing and looks what is said.

use crate::program::{Finished, Program};
use crate::scene::INSTALLATION;
use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, post};
use host_harness::network::Network;
use host_harness::simulator::github::{
    self, AppInstallation, GitHub, Repository, Workflow, signature,
};
use host_harness::simulator::port::{self, Port};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use tokio::net::TcpListener;

/// The token of the configuration: a classic one, so that its rights can be seen.
pub const TOKEN: &str = "ghp_doctorabcdefghijklmnopqrstuvwxyz0123";
/// The secret of the webhook.
pub const HOOK_SECRET: &str = "the secret of the doctor's hook";
/// The secret of Port's client.
pub const PORT_SECRET: &str = "machine-secret";

/// What can be told of every set-up.
pub struct Clinic {
    pub program: Program,
    pub github: GitHub,
    pub port: Port,
    pub listener: Listener,
    pub config: String,
}

/// Somebody who answers deliveries as the host does: by their signature.
pub struct Listener {
    pub url: String,
    /// Answered instead, if it is not 0.
    pub status: Arc<AtomicU16>,
}

impl Listener {
    async fn start() -> Listener {
        let status = Arc::new(AtomicU16::new(0));
        let instead = status.clone();
        let answer = move |headers: HeaderMap, body: Bytes| async move {
            let given = headers.get("x-hub-signature-256");
            let is_ours = given.is_some_and(|it| it == signature(HOOK_SECRET, &body).as_str());
            match (instead.load(Ordering::SeqCst), is_ours) {
                (0, true) => (StatusCode::ACCEPTED, "taken".to_owned()),
                (0, false) => (
                    StatusCode::UNAUTHORIZED,
                    "the signature is wrong".to_owned(),
                ),
                // As a proxy that shows what it was sent would.
                (status, _) => (
                    StatusCode::from_u16(status).unwrap(),
                    format!("{TOKEN} {HOOK_SECRET}"),
                ),
            }
        };
        let router = Router::new()
            .route("/webhooks/{installation}", post(answer.clone()))
            .route("/integration/webhook", post(answer));
        Listener {
            url: serve(router).await,
            status,
        }
    }

    pub fn answers(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// The URL that the webhook has to have.
    pub fn hook_url(&self) -> String {
        format!("{}/webhooks/{INSTALLATION}", self.url)
    }
}

/// Serves on a free port, and returns the URL.
pub async fn serve(router: Router) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    url
}

/// GitHub as an Enterprise Server shows it: the API below `/api/v3`, and a website around it.
pub async fn enterprise(github: &GitHub) -> String {
    let api = github.api_url();
    let client = host_harness::transport::client::<Full<Bytes>>(Network::Machine).unwrap();
    let client = Arc::new(client);
    let pass = move |request: Request| {
        let (api, client) = (api.clone(), client.clone());
        async move {
            let target = request.uri().path_and_query().unwrap().to_string();
            let Some(rest) = target.strip_prefix("/api/v3") else {
                let page = (
                    [("x-github-request-id", "1")],
                    "<!doctype html><title>GitHub</title>",
                );
                return (StatusCode::NOT_FOUND, page).into_response();
            };
            let (mut head, body) = request.into_parts();
            head.uri = format!("{api}{rest}").parse().unwrap();
            head.headers.remove("host");
            let body = body.collect().await.unwrap().to_bytes();
            let sent = client.request(Request::from_parts(head, Full::new(body)));
            let (head, body) = sent.await.unwrap().into_parts();
            let body = body.collect().await.unwrap().to_bytes();
            Response::from_parts(head, body.into())
        }
    };
    serve(Router::new().fallback(any(pass))).await
}

impl Clinic {
    /// With a token, and no webhook yet.
    pub async fn new() -> Clinic {
        Clinic::with(github::Options::default()).await
    }

    /// On this GitHub.
    pub async fn with(options: github::Options) -> Clinic {
        let github = GitHub::start(options).await.unwrap();
        github.add_classic_token(TOKEN, "mona", "repo, admin:org_hook");
        github
            .add_repository(Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml")));
        let port = Port::start(port::Options::default()).await.unwrap();
        port.add_integration(INSTALLATION, true);
        let program = Program::new();
        program.file("token", format!("{TOKEN}\n"));
        program.file("hook-secret", HOOK_SECRET);
        program.file("port-secret", PORT_SECRET);
        program.file("app.pem", github.app_private_key());
        let component = crate::component::component();
        let config = format!(
            r#"component = {component:?}

[port]
base-url = "{port}"
client-id = "{client}"
client-secret = {{ file = "port-secret" }}

[[installation]]
id = "{INSTALLATION}"
hosting = "self-hosted"
api-url = "{api}"
allow-plain-http = true
allow-addresses = ["127.0.0.0/8"]
organization = "acme"
credential = {{ token = {{ file = "token" }} }}
webhook-secret = {{ file = "hook-secret" }}
"#,
            port = port.base_url(),
            client = port.client_id(),
            api = github.api_url(),
        );
        Clinic {
            program,
            github,
            port,
            listener: Listener::start().await,
            config,
        }
    }

    /// With a webhook of the organization that works.
    pub async fn healthy() -> Clinic {
        let clinic = Clinic::new().await;
        clinic.make_hook(json!({})).await;
        clinic
    }

    /// With the App on the organization, and no webhook yet.
    pub async fn of_app(options: github::Options) -> Clinic {
        let installations = match options.app_installations.is_empty() {
            true => vec![AppInstallation::on("acme")],
            false => options.app_installations.clone(),
        };
        let clinic = Clinic::with(github::Options {
            app_installations: installations,
            ..options
        })
        .await;
        let app = clinic.github.app_client_id();
        clinic.instead(
            "{ token = { file = \"token\" } }",
            &format!("{{ app = {{ id = \"{app}\", private-key = {{ file = \"app.pem\" }} }} }}"),
        )
    }

    /// Another configuration.
    pub fn instead(mut self, from: &str, to: &str) -> Clinic {
        assert!(
            self.config.contains(from),
            "{from:?} is not in\n{}",
            self.config
        );
        self.config = self.config.replace(from, to);
        self
    }

    /// The configuration with a further line in its installation.
    pub fn and(mut self, line: &str) -> Clinic {
        self.config.push_str(line);
        self.config.push('\n');
        self
    }

    /// Runs the doctor; no secret is ever shown.
    pub async fn doctor(&self, arguments: &[&str]) -> Finished {
        self.program.file("host.toml", &self.config);
        let base = ["doctor", "--config", "host.toml"];
        let finished = self.program.run_beside(&[&base, arguments].concat()).await;
        for secret in [TOKEN, HOOK_SECRET, PORT_SECRET, "PRIVATE KEY", "ghs_"] {
            finished.expect_never(secret);
        }
        finished
    }

    /// Runs the doctor, which knows where the listener is.
    pub async fn look(&self, arguments: &[&str]) -> Seen {
        let known = ["--public-url", &self.listener.url, "--output", "json"];
        Seen::of(self.doctor(&[&known, arguments].concat()).await)
    }

    /// Repairs, then looks again: everything is well, and nothing is left to repair.
    #[track_caller]
    pub fn mended(first: &Seen, again: &Seen, changes: &[&str]) {
        let told = first.changes();
        assert_eq!(told.len(), changes.len(), "{}", first.finished);
        for (told, expected) in told.iter().zip(changes) {
            assert!(told.contains(expected), "{expected:?}: {}", first.finished);
        }
        assert_eq!(again.changes(), Vec::<String>::new(), "{}", again.finished);
        for seen in [first, again] {
            assert_eq!(
                seen.in_state("wrong"),
                Vec::<String>::new(),
                "{}",
                seen.finished
            );
            seen.finished.expect_code(0);
        }
    }

    /// Asks GitHub as its administrator would.
    pub async fn rest(&self, method: &str, path: &str, body: &Value) -> Value {
        let client = host_harness::transport::client::<Full<Bytes>>(Network::Machine).unwrap();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.github.api_url()))
            .header("authorization", format!("Bearer {}", self.github.token()))
            .header("user-agent", "admin")
            .header("accept", "application/vnd.github+json")
            .header("x-github-api-version", "2022-11-28");
        let body = if method == "GET" {
            Bytes::new()
        } else {
            request = request.header("content-type", "application/json");
            Bytes::from(body.to_string())
        };
        let answer = client.request(request.body(Full::new(body)).unwrap()).await;
        let answer = answer.unwrap();
        assert!(answer.status().is_success(), "{method} {path}: {answer:?}");
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        serde_json::from_slice(&body).unwrap_or(Value::Null)
    }

    /// Makes the organization's webhook as it should be, but for these keys of it (`config.…` for its settings), and
    /// waits until its ping was answered.
    pub async fn make_hook(&self, but: Value) -> u64 {
        let mut hook = json!({
            "name": "web",
            "active": true,
            "events": ["workflow_run", "workflow_job"],
            "config": {"url": self.listener.hook_url(), "content_type": "json", "secret": HOOK_SECRET},
        });
        for (key, value) in but.as_object().unwrap() {
            match key.strip_prefix("config.") {
                Some(key) => hook["config"][key] = value.clone(),
                None => hook[key] = value.clone(),
            }
        }
        let is_active = hook["active"] == true;
        let before = self.github.deliveries().len();
        let made = self.rest("POST", "/orgs/acme/hooks", &hook).await;
        if is_active {
            let answered = |github: &GitHub| github.deliveries().len() > before;
            let soon = crate::scene::SOON;
            assert!(self.github.wait_until(soon, answered).await);
        }
        made["id"].as_u64().unwrap()
    }

    /// The organization's webhooks.
    pub async fn hooks(&self) -> Vec<Value> {
        let hooks = self.rest("GET", "/orgs/acme/hooks", &Value::Null).await;
        hooks.as_array().unwrap().clone()
    }

    /// Fails the test if a simulator has seen what no correct client does.
    pub fn discharge(&self) {
        assert_eq!(self.github.violations(), Vec::<String>::new());
        assert_eq!(self.port.violations(), Vec::<String>::new());
    }
}

/// What the doctor has said.
pub struct Seen {
    pub finished: Finished,
    object: Value,
    checks: BTreeMap<String, Value>,
}

impl Seen {
    pub fn of(finished: Finished) -> Seen {
        let object = finished.json();
        let checks = object["installations"][0]["checks"]
            .as_array()
            .unwrap()
            .clone();
        let named = |check: Value| (check["check"].as_str().unwrap().to_owned(), check);
        Seen {
            checks: checks.into_iter().map(named).collect(),
            object,
            finished,
        }
    }

    fn check(&self, name: &str) -> &Value {
        let check = self.checks.get(name);
        check.unwrap_or_else(|| panic!("no check {name:?}: {}", self.finished))
    }

    /// How a check stands.
    #[track_caller]
    pub fn state(&self, name: &str) -> &str {
        self.check(name)["state"].as_str().unwrap()
    }

    /// Fails the test unless a check stands so, with these words in what is there and what to do, and the exit code
    /// follows from it.
    #[track_caller]
    pub fn expect(&self, name: &str, state: &str, words: &[&str]) -> &Seen {
        let check = self.check(name);
        assert_eq!(check["state"], state, "{name}: {}", self.finished);
        let text = |key: &str| check[key].as_str().unwrap_or_default().to_owned();
        let said = format!("{}; {}", text("says"), text("remedy"));
        for word in words {
            assert!(said.contains(word), "{word:?} is not in {said}");
        }
        assert_eq!(check["remedy"].is_null(), state == "ok", "{said}");
        let is_healthy = self.in_state("wrong").is_empty();
        assert_eq!(self.object["ok"], is_healthy, "{}", self.finished);
        self.finished.expect_code(i32::from(!is_healthy));
        self
    }

    /// The checks that stand so.
    pub fn in_state(&self, state: &str) -> Vec<String> {
        let stand = self
            .checks
            .iter()
            .filter(|(_, check)| check["state"] == state);
        stand.map(|(name, _)| name.clone()).collect()
    }

    /// Fails the test unless these checks and no others are wrong.
    #[track_caller]
    pub fn only_wrong(&self, names: &[&str]) -> &Seen {
        assert_eq!(self.in_state("wrong"), names, "{}", self.finished);
        self
    }

    /// What was changed.
    pub fn changes(&self) -> Vec<String> {
        let changes = self.object["installations"][0]["changes"]
            .as_array()
            .unwrap();
        let told = |change: &Value| change["what"].as_str().unwrap().to_owned();
        changes.iter().map(told).collect()
    }
}
