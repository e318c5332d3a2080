//! The client against a server that answers by a script and remembers what it was asked.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use base64::Engine as _;
use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket};

use super::*;

const SECRET: &str = "cl1ent-s3cret";

#[derive(Clone)]
struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
    after: Duration,
}

impl Answer {
    fn json(status: u16, body: Value) -> Answer {
        Answer {
            status,
            headers: Vec::new(),
            body: body.to_string(),
            after: Duration::ZERO,
        }
    }

    fn ok() -> Answer {
        Answer::json(200, json!({"ok": true}))
    }

    fn header(mut self, name: &'static str, value: &str) -> Answer {
        self.headers.push((name, value.to_owned()));
        self
    }

    fn after(mut self, pause: Duration) -> Answer {
        self.after = pause;
        self
    }
}

struct Asked {
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Value,
}

impl Asked {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

#[derive(Default)]
struct Script {
    tokens: VecDeque<Answer>,
    answers: VecDeque<Answer>,
    token_requests: Vec<Asked>,
    asked: Vec<Asked>,
}

#[derive(Clone, Default)]
struct Port(Arc<Mutex<Script>>);

impl Port {
    /// Starts a server that gives these answers in turn, and tokens on its own account.
    async fn answering(answers: impl IntoIterator<Item = Answer>) -> (Port, Client) {
        let port = Port::default();
        port.0.lock().unwrap().answers.extend(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(serve).with_state(port.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (port, client(&format!("http://{address}/")))
    }

    fn next_token(&self, answer: Answer) {
        self.0.lock().unwrap().tokens.push_back(answer);
    }

    fn tokens_fetched(&self) -> usize {
        self.0.lock().unwrap().token_requests.len()
    }

    fn asked<T>(&self, look: impl FnOnce(&[Asked]) -> T) -> T {
        look(&self.0.lock().unwrap().asked)
    }
}

async fn serve(
    State(port): State<Port>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let asked = Asked {
        method,
        target: uri.to_string(),
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    let answer = {
        let mut script = port.0.lock().unwrap();
        if asked.target == "/v1/auth/access_token" {
            script.token_requests.push(asked);
            let number = script.token_requests.len();
            let ready = script.tokens.pop_front();
            ready.unwrap_or_else(|| token(&format!("token-{number}"), 3600.0))
        } else {
            script.asked.push(asked);
            script
                .answers
                .pop_front()
                .expect("a call that the script does not know")
        }
    };
    tokio::time::sleep(answer.after).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in answer.headers {
        response = response.header(name, value);
    }
    response.body(Body::from(answer.body)).unwrap()
}

fn token(token: &str, expires_in: f64) -> Answer {
    Answer::json(
        200,
        json!({"ok": true, "accessToken": token, "expiresIn": expires_in, "tokenType": "Bearer"}),
    )
}

fn settings(base: &str) -> Settings {
    Settings {
        base_url: base.parse().unwrap(),
        client_id: "cl1ent".to_owned(),
        client_secret: SECRET.into(),
        integration: Identity {
            integration_type: "github".to_owned(),
            version: "0.1.0".to_owned(),
            identifier: "acme".to_owned(),
        },
        timeout: Duration::from_secs(5),
    }
}

fn client(base: &str) -> Client {
    Client::new(settings(base), Pool::new().unwrap()).unwrap()
}

fn claim() -> Claim {
    Claim {
        installation_id: "acme".to_owned(),
        limit: 10,
        visibility_timeout: Duration::from_secs(60),
        exclude: Vec::new(),
    }
}

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

#[tokio::test]
async fn a_claim_says_who_asks_for_what() {
    let empty = Answer::json(200, json!({"ok": true, "runs": [], "nodeRuns": []}));
    let (port, client) = Port::answering([empty.clone(), empty]).await;
    client.claim(RunKind::Action, &claim()).await.unwrap();
    let excluding = Claim {
        exclude: vec!["n1".to_owned()],
        ..claim()
    };
    client
        .claim(RunKind::WorkflowNode, &excluding)
        .await
        .unwrap();
    port.asked(|asked| {
        assert_eq!(asked[0].method, "POST");
        assert_eq!(asked[0].target, "/v1/actions/runs/claim-pending");
        assert_eq!(asked[0].header("authorization"), Some("Bearer token-1"));
        assert_eq!(
            asked[0].header("user-agent"),
            Some("port-ocean/github/0.1.0/acme")
        );
        assert_eq!(asked[0].header("x-port-reserved-usage"), Some("true"));
        assert_eq!(
            asked[0].body,
            json!({"installationId": "acme", "limit": 10, "visibilityTimeoutMs": 60_000})
        );
        assert_eq!(asked[1].target, "/v1/workflows/runs/claim-pending");
        assert_eq!(asked[1].body["exclude"], json!(["n1"]));
    });
}

#[tokio::test]
async fn an_ack_names_the_run_and_a_409_is_a_conflict() {
    let taken = Answer::json(409, json!({"ok": false, "error": "already_acknowledged"}));
    let (port, client) = Port::answering([Answer::ok(), taken]).await;
    client.ack(RunKind::Action, "r_1").await.unwrap();
    let error = client
        .ack(RunKind::WorkflowNode, "wfnr_1")
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
    port.asked(|asked| {
        assert_eq!(asked[0].target, "/v1/actions/runs/ack");
        assert_eq!(asked[0].body, json!({"runId": "r_1"}));
        assert_eq!(asked[1].target, "/v1/workflows/runs/ack");
        assert_eq!(asked[1].body, json!({"nodeRunIdentifier": "wfnr_1"}));
        assert!(asked.iter().all(|asked| asked.method == "PATCH"));
        assert!(
            asked
                .iter()
                .all(|asked| asked.header("x-port-reserved-usage").is_some())
        );
    });
}

#[tokio::test]
async fn a_started_run_gets_its_link_and_external_id() {
    let (port, client) = Port::answering([Answer::ok(), Answer::ok()]).await;
    let started = Started {
        external_run_id: "gh_1_2_3".to_owned(),
        link: Some("https://github.example/run/3".to_owned()),
        status_label: Some("Queued".to_owned()),
        output: Some(raw(r#"{"workflowRunId":3}"#)),
    };
    for kind in RunKind::ALL {
        client.started(kind, "r_1", &started).await.unwrap();
    }
    port.asked(|asked| {
        assert_eq!(asked[0].target, "/v1/actions/runs/r_1");
        assert_eq!(
            asked[0].body,
            json!({"externalRunId": "gh_1_2_3", "link": "https://github.example/run/3", "statusLabel": "Queued"})
        );
        assert_eq!(asked[1].target, "/v1/workflows/nodes/runs/r_1");
        assert_eq!(
            asked[1].body,
            json!({"status": "IN_PROGRESS", "externalRunId": "gh_1_2_3", "output": {"workflowRunId": 3},
                "links": ["https://github.example/run/3"]})
        );
        assert!(asked.iter().all(|asked| asked.header("x-port-reserved-usage").is_none()));
    });
}

#[tokio::test]
async fn the_end_of_a_run_is_one_request() {
    let (port, client) = Port::answering([Answer::ok(), Answer::ok(), Answer::ok()]).await;
    let mut finished = Finished {
        outcome: Outcome::Failure,
        message: "step test failed".to_owned(),
        status_label: Some("Failed".to_owned()),
        output: None,
    };
    client
        .finished(RunKind::Action, "r_1", &finished)
        .await
        .unwrap();
    client
        .finished(RunKind::WorkflowNode, "n_1", &finished)
        .await
        .unwrap();
    finished.outcome = Outcome::Cancelled;
    finished.output = Some(raw("{}"));
    client
        .finished(RunKind::WorkflowNode, "n_1", &finished)
        .await
        .unwrap();
    port.asked(|asked| {
        assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("POST", "/v1/actions/runs/r_1/logs"));
        assert_eq!(
            asked[0].body,
            json!({"message": "step test failed", "terminationStatus": "FAILURE", "statusLabel": "Failed"})
        );
        assert_eq!(
            (asked[1].method.as_str(), asked[1].target.as_str()),
            ("PATCH", "/v1/workflows/nodes/runs/n_1")
        );
        assert_eq!(asked[1].body, json!({"status": "COMPLETED", "result": "FAILED"}));
        assert_eq!(asked[2].body, json!({"status": "COMPLETED", "result": "CANCELLED", "output": {}}));
    });
}

#[tokio::test]
async fn logs_and_progress_send_what_the_kind_of_run_has_a_place_for() {
    let (port, client) = Port::answering([Answer::ok(), Answer::ok(), Answer::ok()]).await;
    let log = Log {
        lines: vec![
            LogLine {
                level: LogLevel::Info,
                message: "one".to_owned(),
            },
            LogLine {
                level: LogLevel::Warn,
                message: "two".to_owned(),
            },
        ],
        status_label: Some("Running: job 2 of 3".to_owned()),
    };
    let label = Progress {
        status_label: Some("Running".to_owned()),
        summary: None,
    };
    for kind in RunKind::ALL {
        client.log(kind, "r", &log).await.unwrap();
        client.log(kind, "r", &Log::default()).await.unwrap();
        client.progress(kind, "r", &label).await.unwrap();
        client
            .progress(kind, "r", &Progress::default())
            .await
            .unwrap();
    }
    port.asked(|asked| {
        let bodies: Vec<_> = asked.iter().map(|asked| asked.body.clone()).collect();
        assert_eq!(
            bodies,
            [
                json!({"message": "one\nWarning: two", "statusLabel": "Running: job 2 of 3"}),
                json!({"statusLabel": "Running"}),
                json!({"logs": [{"level": "INFO", "message": "one"}, {"level": "WARN", "message": "two"}]}),
            ]
        );
    });
}

#[tokio::test]
async fn an_id_reaches_no_other_endpoint_whatever_it_contains() {
    let nothing = Answer::json(200, json!({"ok": true, "runs": [], "nodeRuns": []}));
    let (port, client) = Port::answering([nothing.clone(), nothing, Answer::ok()]).await;
    assert!(
        client
            .find(RunKind::Action, "a&b=c/é #")
            .await
            .unwrap()
            .is_none()
    );
    assert!(
        client
            .find(RunKind::WorkflowNode, "a b")
            .await
            .unwrap()
            .is_none()
    );
    client.ack(RunKind::Action, "unused").await.unwrap();
    port.asked(|asked| {
        assert_eq!(
            asked[0].target,
            "/v1/actions/runs?version=v2&external_run_id=a%26b%3Dc%2F%C3%A9%20%23"
        );
        assert_eq!(
            asked[1].target,
            "/v1/workflows/nodes/runs?external_run_id=a%20b&include=nodeConfig"
        );
        assert_eq!(asked[0].header("x-port-reserved-usage"), None);
        assert_eq!(asked[1].header("x-port-reserved-usage"), Some("true"));
    });
    assert_eq!(
        request::started(RunKind::Action, "../x?y", &Started::default()).path,
        "/v1/actions/runs/..%2Fx%3Fy"
    );
}

#[tokio::test]
async fn a_run_is_found_with_its_status_and_output() {
    let (_, client) = Port::answering([
        Answer::json(200, json!({"nodeRuns": [{"identifier": "n_1", "status": "IN_PROGRESS", "output": {"a": 1}}]})),
        Answer::json(200, json!({"ok": true, "run": {"id": "r_1", "status": "SUCCESS", "statusLabel": null}})),
    ])
    .await;
    let node = client
        .find(RunKind::WorkflowNode, "gh_1_2_3")
        .await
        .unwrap()
        .unwrap();
    assert_eq!((node.id.as_str(), node.has_ended()), ("n_1", false));
    assert_eq!(node.output.unwrap().get(), r#"{"a":1}"#);
    let action = client.action_run("r_1").await.unwrap();
    assert!(action.has_ended());
}

#[tokio::test]
async fn an_integration_tells_whether_port_hands_it_runs() {
    let (port, client) = Port::answering([
        Answer::json(
            200,
            json!({"ok": true, "integration": {"installationId": "acme", "config": {"x": [1]},
            "actionsProcessingEnabled": true, "spec": {}}}),
        ),
        Answer::ok(),
    ])
    .await;
    let integration = client.integration("acme").await.unwrap();
    assert_eq!(integration.actions_processing_enabled, Some(true));
    let patch = IntegrationPatch {
        actions_processing_enabled: Some(true),
        ..IntegrationPatch::default()
    };
    client.patch_integration("acme", &patch).await.unwrap();
    port.asked(|asked| {
        assert_eq!(asked[1].target, "/v1/integration/acme");
        assert_eq!(asked[1].body, json!({"actionsProcessingEnabled": true}));
    });
}

#[tokio::test]
async fn an_integration_registers_once_and_brings_no_catalogue() {
    let simulator = crate::simulator::port::Port::start(crate::simulator::port::Options::default())
        .await
        .unwrap();
    let settings = Settings {
        client_id: simulator.client_id(),
        client_secret: simulator.client_secret().into(),
        ..settings(&simulator.base_url())
    };
    let client = Client::new(settings, Pool::new().unwrap()).unwrap();
    let registration = Registration {
        installation_id: "acme".to_owned(),
        installation_app_type: "github-ocean".to_owned(),
        version: "0.1.0".to_owned(),
        actions_processing_enabled: true,
    };
    client.register_integration(&registration).await.unwrap();
    let known = client.integration("acme").await.unwrap();
    assert_eq!(known.actions_processing_enabled, Some(true));
    assert_eq!(known.version.as_deref(), Some("0.1.0"));
    let stored = simulator.integration("acme").unwrap();
    assert_eq!(stored["installationAppType"], "github-ocean");
    assert_eq!(stored["config"], json!({"resources": []}));
    assert_eq!(stored["createPortResourcesOrigin"], "Ocean");
    let error = client
        .register_integration(&registration)
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Conflict { .. }), "{error}");
    assert_eq!(simulator.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn one_token_serves_all_calls_even_those_that_start_at_once() {
    let (port, client) = Port::answering(vec![Answer::ok(); 20]).await;
    let calls = (0..20).map(|_| client.ack(RunKind::Action, "r"));
    for result in futures_util::future::join_all(calls).await {
        result.unwrap();
    }
    assert_eq!(port.tokens_fetched(), 1);
}

#[tokio::test]
async fn a_token_that_has_lived_long_enough_is_replaced_before_it_is_used() {
    let (port, client) = Port::answering([Answer::ok(), Answer::ok()]).await;
    port.next_token(token("short", 0.0));
    client.ack(RunKind::Action, "r").await.unwrap();
    client.ack(RunKind::Action, "r").await.unwrap();
    port.asked(|asked| {
        assert_eq!(asked[0].header("authorization"), Some("Bearer short"));
        assert_eq!(asked[1].header("authorization"), Some("Bearer token-2"));
    });
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_the_call_repeated() {
    let refused = Answer::json(401, json!({"ok": false, "error": "unauthorized"}));
    let (port, client) =
        Port::answering([refused.clone(), Answer::ok(), refused.clone(), refused]).await;
    client.ack(RunKind::Action, "r").await.unwrap();
    assert_eq!(port.tokens_fetched(), 2);
    let error = client.ack(RunKind::Action, "r").await.unwrap_err();
    assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
    assert_eq!(port.tokens_fetched(), 3);
    port.asked(|asked| {
        assert_eq!(asked.len(), 4);
        assert_eq!(asked[1].header("authorization"), Some("Bearer token-2"));
    });
}

#[tokio::test]
async fn callers_who_waited_for_a_token_share_its_failure() {
    let (port, client) = Port::answering([]).await;
    let down =
        Answer::json(503, json!({"ok": false, "error": "down"})).after(Duration::from_millis(200));
    port.next_token(down.clone());
    port.next_token(down);
    let calls = (0..10).map(|_| client.ack(RunKind::Action, "r"));
    for result in futures_util::future::join_all(calls).await {
        assert!(
            matches!(result, Err(Error::Unavailable { status: 503, .. })),
            "{result:?}"
        );
    }
    assert_eq!(port.tokens_fetched(), 1);
}

#[tokio::test]
async fn the_owner_is_read_from_the_token() {
    let (port, client) = Port::answering([]).await;
    let claims = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(r#"{"isMachine":true}"#);
    port.next_token(token(&format!("e30.{claims}.sig"), 3600.0));
    assert_eq!(client.token_owner().await.unwrap(), TokenOwner::Machine);
}

#[tokio::test]
async fn wrong_credentials_are_named_as_such() {
    let (port, client) = Port::answering([]).await;
    for status in [401, 404] {
        port.next_token(Answer::json(
            status,
            json!({"ok": false, "error": "invalid_credentials"}),
        ));
        let error = client.token_owner().await.unwrap_err();
        assert!(matches!(error, Error::Unauthorized { .. }), "{error}");
        assert!(
            error.to_string().contains("POST /v1/auth/access_token"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn no_error_repeats_a_secret_or_a_token() {
    let (port, client) = Port::answering([Answer::json(
        422,
        json!({"ok": false, "error": "no", "message": "token-2 is odd"}),
    )])
    .await;
    port.next_token(Answer::json(
        422,
        json!({"ok": false, "error": "no", "message": format!("{SECRET} is odd")}),
    ));
    let token_error = client.ack(RunKind::Action, "r").await.unwrap_err();
    let error = client.ack(RunKind::Action, "r").await.unwrap_err();
    assert!(
        matches!(error, Error::Refused { status: 422, .. }),
        "{error}"
    );
    for text in [
        token_error.to_string(),
        error.to_string(),
        format!("{token_error:?} {error:?}"),
    ] {
        assert!(
            !text.contains(SECRET) && !text.contains("token-2"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_answer_that_asks_for_patience_says_for_how_long() {
    let (_, client) = Port::answering([
        Answer::json(429, json!({"ok": false, "error": "slow_down"})).header("retry-after", "7"),
        Answer::json(502, json!("bad gateway")).header("x-trace-id", "t-1"),
    ])
    .await;
    let error = client.ack(RunKind::Action, "r").await.unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(7)));
    let error = client.ack(RunKind::Action, "r").await.unwrap_err();
    assert!(
        matches!(error, Error::Unavailable { status: 502, .. }) && error.is_transient(),
        "{error}"
    );
    assert!(error.to_string().contains("t-1"), "{error}");
}

#[tokio::test]
async fn a_claim_that_fails_never_looks_like_an_empty_one() {
    let (_, client) = Port::answering([
        Answer::json(
            404,
            json!({"ok": false, "error": "not_found", "message": "no such route"}),
        ),
        Answer::json(200, json!({"ok": true})),
        Answer::json(302, json!(null)).header("location", "https://elsewhere.example/"),
    ])
    .await;
    let refused = client.claim(RunKind::Action, &claim()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "POST /v1/actions/runs/claim-pending: Port refused it (404: not_found: no such route)"
    );
    let unreadable = client.claim(RunKind::Action, &claim()).await.unwrap_err();
    assert!(
        matches!(unreadable, Error::Unreadable { .. }),
        "{unreadable}"
    );
    let redirected = client.claim(RunKind::Action, &claim()).await.unwrap_err();
    assert!(
        redirected
            .to_string()
            .contains("https://elsewhere.example/"),
        "{redirected}"
    );
}

#[tokio::test]
async fn a_port_that_cannot_be_reached_has_been_sent_nothing() {
    // Bound, so that nobody else gets the address, but not listening.
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let error = client(&format!("http://{address}"))
        .token_owner()
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error}");
}

#[tokio::test]
async fn silence_after_a_request_leaves_its_effect_open() {
    let (port, mut client) = Port::answering([Answer::ok().after(Duration::from_secs(30))]).await;
    client.token_owner().await.unwrap();
    client.wire.timeout = Duration::from_millis(100);
    let error = client.ack(RunKind::Action, "r").await.unwrap_err();
    assert!(matches!(error, Error::Ambiguous { .. }), "{error}");
    port.asked(|asked| assert_eq!(asked.len(), 1));
}

/// A server that answers a token, and after that the head of an answer whose body never comes.
async fn answering_with_half_an_answer() -> Client {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let body = token("t", 3600.0).body;
        let whole = format!(
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let half =
            "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 100\r\n\r\n{".to_owned();
        for answer in [whole, half] {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = [0; 8192];
            let mut request = Vec::new();
            // Every request here has a short JSON object as its body.
            while !request.ends_with(b"}") {
                let count = stream.read(&mut seen).await.unwrap();
                request.extend_from_slice(&seen[..count]);
            }
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    });
    client(&format!("http://{address}"))
}

#[tokio::test]
async fn an_ack_whose_answer_breaks_off_after_its_status_has_succeeded() {
    let client = answering_with_half_an_answer().await;
    client.ack(RunKind::Action, "r").await.unwrap();
}

#[tokio::test]
async fn a_claim_whose_answer_breaks_off_is_ambiguous() {
    let client = answering_with_half_an_answer().await;
    let error = client.claim(RunKind::Action, &claim()).await.unwrap_err();
    assert!(matches!(error, Error::Ambiguous { .. }), "{error}");
}

#[test]
fn a_base_url_is_taken_with_and_without_slash_and_version() {
    for text in [
        "https://port.example",
        "https://port.example/",
        "https://port.example/v1/",
    ] {
        assert_eq!(base(text.parse().unwrap()).unwrap(), "https://port.example");
    }
    assert_eq!(
        base("http://h:1/proxy/".parse().unwrap()).unwrap(),
        "http://h:1/proxy"
    );
    for text in [
        "ftp://port.example",
        "mailto:x@y",
        "https://u:p@port.example",
    ] {
        let error = base(text.parse().unwrap()).unwrap_err();
        assert!(matches!(error, Error::Settings(_)), "{error}");
    }
}

#[test]
fn an_identity_that_fits_no_header_is_refused_before_anything_is_sent() {
    let mut settings = settings("https://port.example");
    settings.integration.identifier = "a\nb".to_owned();
    let error = Client::new(settings, Pool::new().unwrap()).err().unwrap();
    assert!(matches!(error, Error::Settings(_)), "{error}");
}
