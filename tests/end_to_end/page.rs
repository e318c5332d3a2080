//! The page to look at: what it shows, what it never shows, and who may ask it for what.

mod browser;
mod restart;
mod secrets;

use crate::component::runtime;
use crate::program::Program;
use crate::scene::{
    DEPLOY, HELD, INSTALLATION, SOON, TEST, alone, failed_saying, press, stage, started, strike,
    strike_early, succeeded,
};
use crate::sender::post;
use host_harness::page::PageOptions;
use host_harness::simulator::github::signature;
use host_harness::stage::{Stage, StageOptions, WEBHOOK_SECRET};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A page on any port.
fn page(allow_replay: bool) -> Option<PageOptions> {
    Some(PageOptions {
        listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
        allow_replay,
    })
}

fn with_page(allow_replay: bool) -> StageOptions {
    StageOptions {
        page: page(allow_replay),
        ..alone()
    }
}

/// An answer: status, head and body.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

/// Asks the page, with these header fields besides `host`.
async fn ask(address: SocketAddr, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
    let own = address.to_string();
    let mut host = own.as_str();
    let mut more = String::new();
    for (name, value) in fields {
        match *name {
            "host" => host = value,
            name => more.push_str(&format!("{name}: {value}\r\n")),
        }
    }
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "{method} {path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{more}content-length: 0\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    Answer {
        status: head.split(' ').nth(1).unwrap().parse().unwrap(),
        head: head.to_lowercase(),
        body: body.to_owned(),
    }
}

/// A page that is there.
async fn get(address: SocketAddr, path: &str) -> String {
    let answer = ask(address, "GET", path, &[]).await;
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    answer.body
}

fn address(stage: &Stage) -> SocketAddr {
    stage.host.page().unwrap()
}

fn path_of(run: &str) -> String {
    format!("/runs/{INSTALLATION}/{run}")
}

/// The page of a run once it holds this.
async fn run_with(stage: &Stage, run: &str, text: &str) -> String {
    let mut html = String::new();
    for _ in 0..200 {
        html = get(address(stage), &path_of(run)).await;
        if html.contains(text) {
            return html;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("{text:?} is not in\n{html}")
}

/// Fails the test unless these stand in a text in this order.
#[track_caller]
fn expect_in_order(html: &str, texts: &[&str]) {
    let mut rest = html;
    for text in texts {
        let Some((_, after)) = rest.split_once(text) else {
            panic!("{text:?} does not follow:\n{rest}");
        };
        rest = after;
    }
}

#[tokio::test]
async fn the_page_and_port_tell_the_same_story_of_a_run_that_fails() {
    let stage = stage(with_page(false)).await;
    let id = press(&stage, TEST);
    let in_port = failed_saying(&stage, &id, &["unit tests", "Run cargo test"]).await;
    let html = run_with(&stage, &id, "reported FAILURE").await;
    let summary = in_port.summary.unwrap();
    let (_, job) = summary.split_once("](").unwrap();
    let (job_link, rest) = job.split_once(')').unwrap();
    let mut told = rest.lines();
    assert_eq!(told.next(), Some(" failed in step 3: Run cargo test"));
    // What its tools said, without the marks of Markdown.
    let tools: Vec<String> = told
        .map(|line| line.trim_start_matches("  - ").replace('\\', ""))
        .collect();
    assert!(!tools.is_empty(), "{summary}");
    for line in &tools {
        assert!(html.contains(line.as_str()), "{line:?} is not in\n{html}");
    }
    assert!(html.contains(&format!("href=\"{job_link}\"")), "{html}");
    assert!(html.contains(" failed in step 3: Run cargo test"), "{html}");
    let link = &in_port.link[0];
    assert!(html.contains(&format!("href=\"{link}\"")), "{html}");
    let label = in_port.status_label.unwrap();
    assert!(
        html.contains(&format!("<span class=\"label\">{label}</span>")),
        "{html}"
    );
    assert!(html.contains("<span>failed</span>"), "{html}");
    strike(stage).await;
}

#[tokio::test]
async fn steps_requests_and_deliveries_stand_in_the_order_in_which_they_happened() {
    let stage = stage(with_page(false)).await;
    let id = press(&stage, TEST);
    failed_saying(&stage, &id, &[]).await;
    let html = run_with(&stage, &id, "reported FAILURE").await;
    let (_, timeline) = html.split_once("<h2 id=\"timeline\">").unwrap();
    expect_in_order(
        timeline,
        &[
            "planned: acme/shop",
            "<b>PATCH</b> /v1/actions/runs/ack",
            "acked",
            "dispatching",
            "<b>GET</b> /repos/acme/shop<",
            "<b>POST</b> /repos/acme/shop/actions/workflows/test.yml/dispatches",
            "started as gh_",
            "<b>workflow_run: in_progress</b>",
            "<b>workflow_run: completed</b>",
            "/jobs",
            "&#34;terminationStatus&#34;: &#34;FAILURE&#34;",
            "reported FAILURE",
        ],
    );
    assert!(
        timeline.contains("&#34;return_run_details&#34;: true"),
        "{timeline}"
    );
    assert!(timeline.contains("x-ratelimit-remaining"), "{timeline}");
    strike(stage).await;
}

#[tokio::test]
async fn the_first_page_lists_installations_and_runs_and_can_be_filtered() {
    let stage = stage(with_page(false)).await;
    let held = press(&stage, HELD);
    let good = press(&stage, DEPLOY);
    succeeded(&stage, &good).await;
    let bad = press(&stage, TEST);
    failed_saying(&stage, &bad, &[]).await;
    run_with(&stage, &bad, "reported FAILURE").await;
    run_with(&stage, &good, "reported SUCCESS").await;
    started(&stage, &held).await;
    let html = get(address(&stage), "/").await;
    expect_in_order(
        &html,
        &[
            "acme-github",
            "self-hosted",
            "ready",
            "of 5,000",
            "1 started",
            ">on<",
            "<h2 id=\"runs\"",
        ],
    );
    for (query, shown) in [
        ("", vec![&held, &good, &bad]),
        ("?state=failed", vec![&bad]),
        ("?state=succeeded", vec![&good]),
        ("?state=under-way&installation=acme-github", vec![&held]),
        ("?installation=globex", vec![]),
    ] {
        let html = get(address(&stage), &format!("/{query}")).await;
        for id in [&held, &good, &bad] {
            let link = format!("href=\"{}\"", path_of(id));
            assert_eq!(
                html.contains(&link),
                shown.contains(&id),
                "{query}: {id}\n{html}"
            );
        }
    }
    strike_early(stage).await;
}

#[tokio::test]
async fn what_is_turned_away_is_shown_with_the_reason_and_does_nothing() {
    let stage = stage(with_page(true)).await;
    let hook = "/webhooks/acme-github";
    let head = [
        ("x-github-event", "<b>event"),
        ("x-github-delivery", "\"><script>x()"),
    ];
    let (status, _) = post(stage.host.address(), hook, &head, "{}").await;
    assert_eq!(status, 401);
    let body = r#"{"action":"requested"}"#;
    let signed = signature(WEBHOOK_SECRET, body.as_bytes());
    let head = [
        ("x-github-event", "push"),
        ("x-github-delivery", "d-push"),
        ("x-hub-signature-256", signed.as_str()),
    ];
    let (status, _) = post(stage.host.address(), hook, &head, body).await;
    assert_eq!(status, 202);
    let html = get(address(&stage), "/deliveries").await;
    expect_in_order(
        &html,
        &[
            "Turned away",
            "202",
            "of no interest",
            "push",
            "d-push",
            "401",
            "the delivery is not signed",
        ],
    );
    assert!(
        html.contains("&#60;b&#62;event") && html.contains("&#34;&#62;&#60;script&#62;x()"),
        "{html}"
    );
    assert!(
        !html.contains("<b>event") && !html.contains("<script>x"),
        "{html}"
    );
    assert!(!html.contains(&signed) && !html.contains("<form"), "{html}");
    strike(stage).await;
}

#[tokio::test]
async fn hostile_names_stay_names() {
    let stage = stage(with_page(false)).await;
    let name = "</a><script>alert(1)</script>{{7*7}}\u{202e}";
    let properties = serde_json::json!({"org": "acme", "repo": "shop", "workflow": name});
    let id = press(&stage, &properties.to_string());
    failed_saying(&stage, &id, &[]).await;
    let run = run_with(&stage, &id, "reported FAILURE").await;
    for html in [run, get(address(&stage), "/").await] {
        for part in ["<script>alert", "{{7*7}}<", "\u{202e}", "</a><script"] {
            let shown = part == "{{7*7}}<";
            assert!(!html.contains(part) || shown, "{part:?} is in\n{html}");
        }
        assert!(html.contains("&#60;script&#62;alert(1)"), "{html}");
    }
    strike(stage).await;
}

#[tokio::test]
async fn a_replay_tells_the_same_again_and_ends_nothing_twice() {
    let stage = stage(with_page(true)).await;
    let id = press(&stage, TEST);
    failed_saying(&stage, &id, &[]).await;
    run_with(&stage, &id, "reported FAILURE").await;
    let html = get(address(&stage), "/deliveries").await;
    let buttons: Vec<&str> = html
        .split("action=\"")
        .skip(1)
        .filter_map(|it| it.split('"').next())
        .collect();
    assert!(
        buttons.iter().filter(|it| it.ends_with("/replay")).count() >= 3,
        "{html}"
    );
    let jobs = |stage: &Stage| {
        let exchanges = stage.github.exchanges();
        exchanges
            .iter()
            .filter(|it| it.path.contains("/jobs"))
            .count()
    };
    let before = jobs(&stage);
    let origin = format!("http://{}", address(&stage));
    for button in buttons.iter().filter(|it| it.ends_with("/replay")) {
        let answer = ask(address(&stage), "POST", button, &[("origin", &origin)]).await;
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    // The plugin has read it again: it has asked for the failed job once more.
    let again = async {
        while jobs(&stage) == before {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(SOON, again).await.unwrap();
    run_with(&stage, &id, "Replayed 1 times").await;
    let run = stage.port.run(&id).unwrap();
    assert_eq!(run.terminal_reports, 1, "{run:#?}");
    strike(stage).await;
}

#[tokio::test]
async fn only_the_page_itself_may_replay_and_only_where_it_is_allowed() {
    let stage = stage(with_page(true)).await;
    let id = press(&stage, DEPLOY);
    succeeded(&stage, &id).await;
    let place = address(&stage);
    let origin = format!("http://{place}");
    for fields in [
        vec![],
        vec![("origin", "http://evil.example")],
        vec![("origin", "null")],
        vec![
            ("origin", origin.as_str()),
            ("sec-fetch-site", "cross-site"),
        ],
    ] {
        let answer = ask(place, "POST", "/deliveries/1/replay", &fields).await;
        assert_eq!(answer.status, 403, "{fields:?}: {}", answer.body);
    }
    let unknown = ask(
        place,
        "POST",
        "/deliveries/999999/replay",
        &[("origin", &origin)],
    )
    .await;
    assert_eq!(unknown.status, 404);
    strike(stage).await;

    let stage = crate::scene::stage(with_page(false)).await;
    let id = press(&stage, DEPLOY);
    succeeded(&stage, &id).await;
    run_with(&stage, &id, "reported SUCCESS").await;
    let origin = format!("http://{}", address(&stage));
    let answer = ask(
        address(&stage),
        "POST",
        "/deliveries/1/replay",
        &[("origin", &origin)],
    )
    .await;
    assert_eq!(answer.status, 404);
    let html = get(address(&stage), "/deliveries").await;
    assert!(
        !html.contains("/replay") && html.contains("Read-only."),
        "{html}"
    );
    strike(stage).await;
}

#[tokio::test]
async fn a_strangers_name_for_this_machine_is_not_answered() {
    let stage = stage(with_page(false)).await;
    let place = address(&stage);
    for path in ["/", "/deliveries", "/events", "/page.css"] {
        let answer = ask(place, "GET", path, &[("host", "evil.example")]).await;
        assert_eq!(answer.status, 421, "{path}: {}", answer.body);
        assert!(!answer.body.contains("acme"), "{}", answer.body);
    }
    let answer = ask(place, "GET", "/", &[("host", "localhost:1")]).await;
    assert_eq!(answer.status, 200);
    for field in [
        "content-security-policy: default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
         img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
        "x-content-type-options: nosniff",
        "referrer-policy: same-origin",
        "cache-control: no-store",
    ] {
        assert!(
            answer.head.contains(field),
            "{field} is not in\n{}",
            answer.head
        );
    }
    strike(stage).await;
}

#[tokio::test]
async fn pages_that_listen_are_bounded_and_hear_of_runs() {
    let stage = stage(with_page(false)).await;
    let place = address(&stage);
    let mut listeners = Vec::new();
    for _ in 0..32 {
        let mut stream = TcpStream::connect(place).await.unwrap();
        let request = format!("GET /events HTTP/1.1\r\nhost: {place}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut head = [0; 12];
        stream.read_exact(&mut head).await.unwrap();
        assert_eq!(&head, b"HTTP/1.1 200");
        listeners.push(stream);
    }
    let refused = ask(place, "GET", "/events", &[]).await;
    assert_eq!(
        (refused.status, refused.body.as_str()),
        (503, "32 pages are open already\n")
    );
    let id = press(&stage, DEPLOY);
    let wanted = format!("data: run acme-github/{id}\n");
    let heard = async {
        let mut text = String::new();
        while !text.contains(&wanted) {
            let mut bytes = [0; 4096];
            let read = listeners[31].read(&mut bytes).await.unwrap();
            text.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    };
    tokio::time::timeout(SOON, heard).await.unwrap();
    succeeded(&stage, &id).await;
    // Listeners do not keep the host from stopping.
    let began = std::time::Instant::now();
    strike(stage).await;
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "{:?}",
        began.elapsed()
    );
}

#[tokio::test]
async fn what_does_not_exist_is_said_to_be_missing() {
    let stage = stage(with_page(false)).await;
    for path in [
        "/runs/acme-github/r_unknown",
        "/runs/nobody/r_1",
        "/nothing",
        "/runs/a/b/c",
    ] {
        let answer = ask(address(&stage), "GET", path, &[]).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("<main"), "{}", answer.body);
    }
    strike(stage).await;
}

#[tokio::test]
async fn without_the_option_there_is_no_page() {
    let stage = Stage::set(runtime().await, alone()).await.unwrap();
    assert_eq!(stage.host.page(), None);
    let (status, _) = crate::sender::get(stage.host.address(), "/deliveries").await;
    assert_eq!(status, 404);
    stage.strike(Duration::ZERO).await;
}

#[tokio::test]
async fn the_demo_stays_with_its_page_until_it_is_told_to_stop() {
    let program = Program::new();
    let mut demo = program.start(&["demo", "--page"]);
    let line = demo.line_with("A page to look at: http://127.0.0.1:").await;
    let place = line.split("http://").nth(1).unwrap().trim_end_matches('/');
    let place: SocketAddr = place.parse().unwrap();
    demo.line_with("0 lost, 0 doubled, 0 stuck, 0 wrong").await;
    let html = get(place, "/").await;
    assert_eq!(html.matches("data-row").count(), 9, "{html}");
    let failed = get(place, "/?state=failed&installation=globex-self-hosted").await;
    assert!(failed.contains("globex/api · test.yml"), "{failed}");
    let finished = demo.terminate().await;
    finished.expect_code(0);
    let refused = program.run(&["demo", "--page", "0.0.0.0:0"]);
    refused.expect_code(2);
    assert!(refused.stderr.contains("it is not loopback"), "{refused}");
}
