//! What the listener answers.

use crate::component::runtime;
use crate::scene::{DEPLOY, INSTALLATION, SOON, alone, press, stage, strike, succeeded};
use crate::sender::{get, post};
use host_harness::config::PortAccess;
use host_harness::credentials::Credential;
use host_harness::egress::{Origin, Policy};
use host_harness::host::{Host, HostOptions, Tenant};
use host_harness::ingress::WebhookSecret;
use host_harness::installation::Installation;
use host_harness::journal::Memory;
use host_harness::lifecycle::Rules;
use host_harness::simulator::github::{self, GitHub, signature};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::{self, Role, Stage, WEBHOOK_SECRET};

use std::sync::Arc;
use std::time::Duration;

const PATH: &str = "/webhooks/acme-github";
const BODY: &str = r#"{"action":"requested"}"#;

/// Sends a delivery with this signature, if any.
async fn deliver(stage: &Stage, event: &str, id: &str, signature: Option<&str>) -> (u16, String) {
    let mut headers = vec![("x-github-event", event), ("x-github-delivery", id)];
    headers.extend(signature.map(|it| ("x-hub-signature-256", it)));
    post(stage.host.address(), PATH, &headers, BODY).await
}

fn signed(body: &[u8]) -> String {
    signature(WEBHOOK_SECRET, body)
}

#[tokio::test]
async fn a_signed_delivery_is_accepted_and_the_same_again_is_known() {
    let stage = stage(alone()).await;
    let sign = signed(BODY.as_bytes());
    let answers = [
        deliver(&stage, "workflow_run", "1", Some(&sign)).await,
        deliver(&stage, "workflow_run", "1", Some(&sign)).await,
        deliver(&stage, "workflow_run", "2", Some(&sign)).await,
    ];
    let words = answers.map(|(status, text)| {
        assert_eq!(status, 202);
        text
    });
    assert_eq!(words, ["accepted\n", "known already\n", "accepted\n"]);
    strike(stage).await;
}

#[tokio::test]
async fn an_event_that_nobody_wants_is_taken_and_dropped() {
    let stage = stage(alone()).await;
    let sign = signed(BODY.as_bytes());
    for event in ["push", "ping", "workflow_run2"] {
        let answer = deliver(&stage, event, "1", Some(&sign)).await;
        assert_eq!(answer, (202, "of no interest\n".to_owned()));
    }
    strike(stage).await;
}

#[tokio::test]
async fn a_delivery_without_the_name_of_its_event_is_400() {
    let stage = stage(alone()).await;
    let sign = signed(BODY.as_bytes());
    let headers = [("x-hub-signature-256", sign.as_str())];
    let (status, text) = post(stage.host.address(), PATH, &headers, BODY).await;
    assert_eq!(status, 400);
    assert!(text.contains("x-github-event"), "{text}");
    strike(stage).await;
}

#[tokio::test]
async fn a_delivery_without_or_with_another_signature_is_401() {
    let stage = stage(alone()).await;
    let other_body = signed(b"another body");
    let other_secret = signature("another secret", BODY.as_bytes());
    for sign in [
        None,
        Some(other_body.as_str()),
        Some(other_secret.as_str()),
        Some("sha256=zz"),
        Some(""),
    ] {
        let (status, text) = deliver(&stage, "workflow_run", "1", sign).await;
        assert_eq!(status, 401, "{sign:?}");
        assert!(
            !text.contains(WEBHOOK_SECRET) && text.contains("sign"),
            "{text}"
        );
    }
    // An event of no interest is no way round the signature.
    assert_eq!(deliver(&stage, "push", "1", None).await.0, 401);
    strike(stage).await;
}

#[tokio::test]
async fn a_delivery_for_an_installation_that_is_not_there_is_404() {
    let stage = stage(alone()).await;
    let sign = signed(BODY.as_bytes());
    let headers = [
        ("x-github-event", "workflow_run"),
        ("x-hub-signature-256", sign.as_str()),
    ];
    for path in [
        "/webhooks/globex",
        "/webhooks/",
        "/webhooks",
        "/webhooks/acme-github/x",
        "/",
    ] {
        let (status, _) = post(stage.host.address(), path, &headers, BODY).await;
        assert_eq!(status, 404, "{path}");
    }
    assert_eq!(get(stage.host.address(), PATH).await.0, 405);
    strike(stage).await;
}

#[tokio::test]
async fn a_body_of_25_mb_is_taken_and_a_byte_more_is_413() {
    let stage = stage(alone()).await;
    for (length, expected) in [(25 << 20, 202), ((25 << 20) + 1, 413)] {
        let body = vec![b' '; length];
        let sign = signed(&body);
        let headers = [
            ("x-github-event", "push"),
            ("x-hub-signature-256", sign.as_str()),
        ];
        let (status, _) = post(stage.host.address(), PATH, &headers, body).await;
        assert_eq!(status, expected, "{length}");
    }
    strike(stage).await;
}

#[tokio::test]
async fn a_body_that_is_no_json_is_taken_and_harms_nobody() {
    let stage = stage(alone()).await;
    for (number, body) in ["", "{", "[]", "null", "\u{0}"].into_iter().enumerate() {
        let (sign, id) = (signed(body.as_bytes()), number.to_string());
        let headers = [
            ("x-github-event", "workflow_run"),
            ("x-github-delivery", id.as_str()),
            ("x-hub-signature-256", sign.as_str()),
        ];
        let (status, _) = post(stage.host.address(), PATH, &headers, body).await;
        assert_eq!(status, 202, "{body:?}");
    }
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    strike(stage).await;
}

#[tokio::test]
async fn without_a_secret_everything_is_refused_unless_the_operator_allows_it() {
    let github = GitHub::start(github::Options::default()).await.unwrap();
    let tenant = |id: &str, secret| {
        let installation = stage::installation(&Role::self_hosted(id), &github).unwrap();
        let origin = Origin::of(&github.api_url().parse().unwrap()).unwrap();
        Tenant {
            installation: Arc::new(Installation::new(
                installation.public().clone(),
                Policy::only(origin),
                Credential::None,
                secret,
            )),
            port: PortAccess {
                base_url: github.api_url().parse().unwrap(),
                client_id: "x".to_owned(),
                client_secret: secrecy::SecretString::from("x"),
                poll_interval: Duration::from_secs(60),
                visibility_timeout: Duration::from_secs(60),
            },
            rules: Rules::default(),
        }
    };
    let tenants = vec![
        tenant("closed", WebhookSecret::Missing),
        tenant("open", WebhookSecret::AcceptUnsigned),
    ];
    let store = Box::new(Memory::default());
    let host = Host::start(HostOptions::new(runtime().await, tenants, store))
        .await
        .unwrap();
    let sign = signature("", BODY.as_bytes());
    for sign in [None, Some(("x-hub-signature-256", sign.as_str()))] {
        let mut headers = vec![("x-github-event", "push")];
        headers.extend(sign);
        let (status, text) = post(host.address(), "/webhooks/closed", &headers, BODY).await;
        assert_eq!(status, 401);
        assert!(text.contains("no webhook secret"), "{text}");
        let (status, _) = post(host.address(), "/webhooks/open", &headers, BODY).await;
        assert_eq!(status, 202);
    }
    host.shutdown(Duration::ZERO).await;
}

#[tokio::test]
async fn the_health_endpoints_tell_alive_from_ready() {
    let stage = stage(alone()).await;
    let host = stage.host.address();
    assert!(
        stage
            .port
            .wait_until(SOON, |_| stage.host.readiness().is_ok())
            .await
    );
    assert_eq!(get(host, "/health/live").await, (200, "alive\n".to_owned()));
    assert_eq!(
        get(host, "/health/ready").await,
        (200, "ready\n".to_owned())
    );
    stage.port.stop().await;
    let is_red = || stage.host.readiness().is_err();
    assert!(stage.github.wait_until(SOON, |_| is_red()).await);
    let (status, text) = get(host, "/health/ready").await;
    assert_eq!(status, 503);
    assert!(
        text.contains(INSTALLATION) && text.contains("no runs can be claimed"),
        "{text}"
    );
    assert_eq!(get(host, "/health/live").await.0, 200);
    strike(stage).await;
}

#[tokio::test]
async fn strangers_who_announce_much_and_send_little_hold_up_nobody() {
    use tokio::io::AsyncWriteExt;
    let stage = stage(alone()).await;
    let host = stage.host.address();
    let mut strangers = Vec::new();
    for _ in 0..30 {
        let mut stranger = tokio::net::TcpStream::connect(host).await.unwrap();
        let head = format!(
            "POST /webhooks/{INSTALLATION} HTTP/1.1\r\nhost: {host}\r\nx-github-event: push\r\n\
             x-hub-signature-256: sha256={}\r\ncontent-length: 26000000\r\n\r\n{{",
            "00".repeat(32)
        );
        stranger.write_all(head.as_bytes()).await.unwrap();
        strangers.push(stranger);
    }
    tokio::time::sleep(Duration::from_millis(100)).await;
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_eq!(stage.github.count("get-run"), 0, "the end came by a check");
    drop(strangers);
    strike(stage).await;
}

/// An end whose conclusion is missing makes the plugin ask GitHub, which hangs; so does Port.
#[tokio::test]
async fn a_delivery_is_answered_at_once_however_long_github_and_port_take() {
    let stage = stage(alone()).await;
    for side in [stage.github.inject(slow()), stage.port.inject(slow())] {
        assert_eq!(side.hits(), 0);
    }
    let body = r#"{"action":"completed","workflow_run":{"id":7,"event":"workflow_dispatch","status":"completed",
        "conclusion":null,"run_attempt":1},"repository":{"id":1,"name":"shop","owner":{"id":2,"login":"acme"}}}"#;
    let sign = signed(body.as_bytes());
    for number in 0..20 {
        let id = number.to_string();
        let headers = [
            ("x-github-event", "workflow_run"),
            ("x-github-delivery", id.as_str()),
            ("x-hub-signature-256", sign.as_str()),
        ];
        let sent = std::time::Instant::now();
        let (status, _) = post(stage.host.address(), PATH, &headers, body).await;
        assert_eq!(status, 202);
        assert!(
            sent.elapsed() < Duration::from_millis(500),
            "{:?}",
            sent.elapsed()
        );
    }
    assert!(
        stage
            .github
            .wait_until(SOON, |github| github.count("get-run") > 0
                || github.exchanges().is_empty())
            .await
    );
    stage.github.clear_faults();
    stage.strike(Duration::ZERO).await;
}

fn slow() -> Fault {
    Fault::new("*", Effect::Delay(Duration::from_secs(5)))
}

/// A thousand deliveries of other people's runs, each of which the plugin looks at.
#[tokio::test]
async fn an_end_does_not_wait_behind_a_flood_of_other_deliveries() {
    let stage = stage(alone()).await;
    let host = stage.host.address();
    let flood = async {
        for number in 0..1_000 {
            let body = format!(
                r#"{{"action":"completed","workflow_run":{{"id":{number},"event":"push","status":"completed",
                "conclusion":"success","run_attempt":1}},"repository":{{"id":1,"name":"shop",
                "owner":{{"id":2,"login":"acme"}}}},"padding":"{}"}}"#,
                "x".repeat(20_000)
            );
            let (sign, id) = (signed(body.as_bytes()), format!("flood-{number}"));
            let headers = [
                ("x-github-event", "workflow_run"),
                ("x-github-delivery", id.as_str()),
                ("x-hub-signature-256", sign.as_str()),
            ];
            let (status, _) = post(host, PATH, &headers, body).await;
            assert_eq!(status, 202);
        }
    };
    let ends = async {
        let mut longest = Duration::ZERO;
        for _ in 0..5 {
            let id = press(&stage, DEPLOY);
            let run = succeeded(&stage, &id).await;
            let told = |it: &github::DeliveryView| {
                it.event == "workflow_run"
                    && it.action == "completed"
                    && it.status_code == Some(202)
            };
            let deliveries = stage.github.deliveries();
            let told = deliveries
                .iter()
                .rev()
                .find(|it| told(it))
                .unwrap()
                .delivered_at;
            let late = run
                .ended_at
                .unwrap()
                .duration_since(told)
                .unwrap_or_default();
            longest = longest.max(late);
        }
        longest
    };
    let (longest, ()) = tokio::join!(ends, flood);
    assert!(
        longest < Duration::from_secs(1),
        "{longest:?} from the delivery to the report"
    );
    strike(stage).await;
}
