//! What the page knows after the host was killed.

use super::get;
use crate::killable::Killable;
use crate::scene::SOON;
use std::net::SocketAddr;
use std::time::Duration;

/// Starts a host with a page; returns where that is.
async fn start(world: &mut Killable) -> SocketAddr {
    world.start_with(&[]).await;
    world.listening().await;
    world.page().await
}

#[tokio::test]
async fn a_run_from_before_a_kill_is_shown_with_what_the_journal_knows() {
    let mut world = Killable::new("[page]\nlisten = \"127.0.0.1:0\"\n").await;
    let place = start(&mut world).await;
    let (held, done) = (world.press("held.yml"), world.press("deploy.yml"));
    world.succeeded(&done).await;
    let is_started = |port: &host_harness::simulator::port::Port| {
        port.run(&held)
            .is_some_and(|run| run.external_run_id.is_some())
    };
    assert!(world.port.wait_until(SOON, is_started).await);
    let html = get(place, &format!("/runs/acme-github/{held}")).await;
    assert!(html.contains("/dispatches"), "{html}");
    let path = format!("/runs/acme-github/{done}");
    while !get(place, &path).await.contains("reported SUCCESS") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // The journal has it soon after; nobody waits for that.
    tokio::time::sleep(Duration::from_millis(500)).await;
    world.kill();

    let place = start(&mut world).await;
    let list = get(place, "/").await;
    assert!(list.contains(&held) && !list.contains(&done), "{list}");
    let html = get(place, &format!("/runs/acme-github/{held}")).await;
    let (_, told) = html.split_once("Before this process began").unwrap();
    for step in ["planned: acme/shop", "acked", "started as gh_"] {
        assert!(told.contains(step), "{step}\n{told}");
    }
    assert!(told.contains("the host has started anew"), "{told}");
    assert!(!told.contains("/dispatches"), "{told}");
    assert!(html.contains("<h1>acme/shop · held.yml"), "{html}");
    // One that has ended is in no list any more; the journal still has it.
    let html = get(place, &path).await;
    assert!(
        html.contains("finished") && html.contains("reported SUCCESS"),
        "{html}"
    );
    let finished = world.terminate().await;
    finished.expect_code(0);
}

#[tokio::test]
async fn serve_says_where_its_page_is() {
    let mut world = Killable::new("[page]\nlisten = \"127.0.0.1:0\"\n").await;
    let command = ["serve", "--config", "host.toml", "--output", "json"];
    let mut host = world.program.start(&command);
    let line = host.line_with("listening").await;
    let line: serde_json::Value = serde_json::from_str(&line).unwrap();
    let page = line["page"].as_str().unwrap();
    let place = page.strip_prefix("http://").unwrap().trim_end_matches('/');
    assert!(
        get(place.parse().unwrap(), "/")
            .await
            .contains("acme-github")
    );
    host.terminate().await.expect_code(0);
    let wrong = "[page]\nlisten = \"0.0.0.0:0\"\n";
    world.configure("", wrong);
    let refused = world.program.run(&["serve", "--config", "host.toml"]);
    assert!(
        refused
            .refusal()
            .contains("page.listen: it is not loopback"),
        "{refused}"
    );
    world.configure("", "[page]\nallow-repaly = true\n");
    let refused = world.program.run(&["serve", "--config", "host.toml"]);
    assert!(
        refused.refusal().contains("did you mean `allow-replay`?"),
        "{refused}"
    );
    world.kill();
}
