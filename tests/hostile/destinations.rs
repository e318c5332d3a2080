//! Guests that aim at places that are none of their business.

use crate::arena::Arena;
use serde_json::{Value, json};

/// Lets the attacker ask for each of the URLs, and checks that each was refused, that nothing went to either server, and
/// that the log says so once.
async fn expect_refused(arena: &Arena, name: &str, urls: &[String], refusals: &[&str]) {
    let saw = arena.saw(name, json!({ "urls": urls })).await;
    for url in urls {
        let outcome = saw[url.as_str()].as_str().unwrap();
        assert!(refusals.contains(&outcome), "{url} gave {outcome}");
    }
    assert_eq!(arena.server.requests(), Vec::<String>::new());
    assert_eq!(arena.neighbours.requests(), Vec::<String>::new());
}

fn told_once(arena: &Arena) {
    let log = arena.log();
    let refusals = log
        .iter()
        .filter(|line| line.contains("a request was refused"));
    assert_eq!(refusals.count(), 1, "{log:#?}");
}

fn owned(urls: &[&str]) -> Vec<String> {
    urls.iter().map(|url| (*url).to_owned()).collect()
}

/// Is refused before any name is resolved.
pub async fn aim_elsewhere(arena: &Arena) {
    let urls = owned(&[
        "http://169.254.169.254/latest/meta-data/",
        "http://2852039166/",
        "http://0xa9fea9fe/",
        "http://0xa9.0xfe.0xa9.0xfe/",
        "http://0251.0376.0251.0376/",
        "http://169.254.43518/",
        "http://[::ffff:169.254.169.254]/",
        "http://[::ffff:a9fe:a9fe]/",
        "http://[64:ff9b::a9fe:a9fe]/",
        "http://[fd00:ec2::254]/",
        "http://[fe80::1]/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "http://METADATA.google.internal./",
        "http://100.100.100.200/",
        "http://168.63.129.16/",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0/",
        "http://0.0.0.0/",
        "http://[::]/",
        "http://[::1]/",
        "http://localhost/",
        "http://LOCALHOST./",
        "http://10.0.0.1/",
        "http://192.168.0.1/",
        "http://xn--169-254-169-254/",
        "https://api.github.com/user",
    ]);
    let refusals = ["HttpRequestDenied"];
    expect_refused(arena, "aim_elsewhere", &urls[..20], &refusals).await;
    expect_refused(arena, "aim_elsewhere", &urls[20..], &refusals).await;
}

/// Is refused: what one installation may ask, another may not.
pub async fn ask_the_neighbours_origin(arena: &Arena) {
    let port = arena.neighbours.port();
    let urls = [
        format!("http://127.0.0.1:{port}/"),
        format!("http://localhost:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
    ];
    expect_refused(
        arena,
        "ask_the_neighbours_origin",
        &urls,
        &["HttpRequestDenied"],
    )
    .await;
    told_once(arena);
}

/// Is refused, by the host's parser or by its policy: none of these is the allowed origin spelt in another way that the
/// policy reads differently from the connection.
pub async fn name_odd_authorities(arena: &Arena) {
    let (own, other) = (arena.server.port(), arena.neighbours.port());
    let urls = [
        format!("http://127.0.0.1:{own}@127.0.0.1:{other}/"),
        format!("http://user:pass@127.0.0.1:{own}/"),
        format!("http://@127.0.0.1:{own}/"),
        format!("http://127.0.0.1:{own}#@127.0.0.1:{other}/"),
        format!("http://127.0.0.1:{own}\\@127.0.0.1:{other}/"),
        format!("http://127.0.0.1:{own}?@127.0.0.1:{other}/"),
        format!("http://127.0.0.1:{own}%40127.0.0.1:{other}/"),
        format!("http://127.0.0.1.:{own}/"),
        format!("http://127.0.0.1 :{own}/"),
        format!("http://127.0.0.1:{own}\r\nhost: evil/"),
        format!("http://１２７.0.0.1:{own}/"),
        "http://127.0.0.1:/".to_owned(),
        "http://127.0.0.1:99999/".to_owned(),
        "http://:80/".to_owned(),
        "http:///".to_owned(),
    ];
    let refusals = ["HttpRequestDenied", "authority", "HttpRequestUriInvalid"];
    expect_refused(arena, "name_odd_authorities", &urls, &refusals).await;
}

/// Is refused: the scheme is a part of the origin, in both directions.
pub async fn downgrade_tls(arena: &Arena) {
    let port = arena.server.port();
    let urls = [
        format!("https://127.0.0.1:{port}/"),
        format!("ws://127.0.0.1:{port}/"),
        format!("file://127.0.0.1:{port}/etc/passwd"),
        format!("HTTPS://127.0.0.1:{port}/"),
    ];
    let refusals = ["HttpRequestDenied", "HttpProtocolError", "scheme"];
    expect_refused(arena, "downgrade_tls", &urls, &refusals).await;
}

/// Reaches its own server with every path that it takes, and no other: a path is never a destination.
pub async fn trick_with_paths(arena: &Arena) {
    let (own, other) = (arena.server.url(), arena.neighbours.url());
    let urls: Vec<String> = [
        "//127.0.0.1:1/evil",
        "/../../evil",
        "/%2e%2e/evil",
        "/a b",
        "/\u{e9}",
        "/x\r\nx-evil: 1",
        "/x HTTP/1.1\r\nx-evil: 1\r\n\r\nGET /y",
        "/x\0",
        "/#fragment",
        "/\\evil",
    ]
    .iter()
    .map(|path| format!("{own}{path}"))
    .collect();
    arena.saw("trick_with_paths", json!({ "urls": urls })).await;
    // The absolute form: the whole URL of somebody else in the place of a path.
    let absolute = format!("{own}/{other}/");
    let saw = arena
        .saw("trick_with_paths", json!({ "urls": [absolute] }))
        .await;
    assert_eq!(saw[absolute.as_str()], "200");
    assert_eq!(arena.neighbours.requests(), Vec::<String>::new());
    let host = format!("host: 127.0.0.1:{}", arena.server.port());
    for head in arena.server.heads() {
        assert!(head.contains(&host) && head.starts_with("GET /"), "{head}");
        assert!(!head.contains("x-evil"), "{head}");
    }
}

/// Gets the redirect as it is, and is refused where it leads.
pub async fn follow_redirects(arena: &Arena) {
    let (own, other) = (arena.server.url(), arena.neighbours.url());
    let cases = [
        (format!("{other}/"), json!(["302", "HttpRequestDenied"])),
        (
            "http://169.254.169.254/".to_owned(),
            json!(["302", "HttpRequestDenied"]),
        ),
        (format!("{own}/fine"), json!(["302", "200"])),
    ];
    for (place, expected) in cases {
        let path = format!("/redirect?{place}");
        let saw = arena.saw("follow_redirects", json!({ "path": path })).await;
        assert_eq!(saw, expected, "{place}");
    }
    assert_eq!(arena.neighbours.requests(), Vec::<String>::new());
    assert_eq!(arena.server.requests().len(), 4);
}

/// Is refused: only what an API needs leaves.
pub async fn use_odd_methods(arena: &Arena) {
    let saw = arena.saw("use_odd_methods", Value::Null).await;
    let denied = "HttpRequestDenied";
    assert_eq!(
        saw,
        json!([denied, denied, denied, denied, denied, "method", "method"])
    );
    assert_eq!(arena.server.requests(), Vec::<String>::new());
}
