//! Guests whose news should not be believed.

use crate::arena::{Arena, expect_trap};
use crate::sender::post;
use host_harness::contract::Change;
use host_harness::simulator::github::signature;
use host_harness::simulator::port::Port;
use host_harness::stage::{Role, Stage, StageOptions, WEBHOOK_SECRET};
use std::time::Duration;

/// How long something that has to happen may take.
const SOON: Duration = Duration::from_secs(10);

/// Loses its call, or has the first hundred taken.
pub async fn updates_without_end(arena: &Arena) {
    match arena.deliver("updates_without_end").await {
        Ok(updates) => assert_eq!(updates.unwrap().len(), 100),
        Err(error) => expect_trap(&error, "fuel"),
    }
}

/// Loses its call, or has the first hundred taken.
pub async fn lines_without_end(arena: &Arena) {
    match arena.deliver("lines_without_end").await {
        Ok(updates) => match &updates.unwrap()[0].change {
            Change::Progress(progress) => assert_eq!(progress.log.len(), 100),
            change @ Change::Completed(_) => panic!("{change:?}"),
        },
        Err(error) => expect_trap(&error, "fuel"),
    }
}

/// Is heard within its own installation only: an id of another installation's run is no address of it.
pub async fn updates_for_others(arena: &Arena) {
    let roles = ["attacker", "neighbour"].map(Role::self_hosted).to_vec();
    let runtime = arena.runtime.clone();
    let stage = Stage::set(runtime, StageOptions::with(roles))
        .await
        .unwrap();
    // The guest gives every run the same id.
    let [own, other] = ["attacker", "neighbour"].map(|id| {
        let properties = r#"{"do":"count_calls"}"#;
        stage.port.create_action_run(id, "misbehave", properties)
    });
    let is_started = |port: &Port, id: &str| {
        let run = port.run(id).unwrap();
        run.external_run_id.as_deref() == Some("seen")
    };
    let both = |port: &Port| is_started(port, &own) && is_started(port, &other);
    assert!(stage.port.wait_until(SOON, both).await);
    let body = b"updates_for_others";
    let signed = signature(WEBHOOK_SECRET, body);
    let headers = [
        ("x-github-event", "news"),
        ("x-github-delivery", "d-1"),
        ("x-hub-signature-256", signed.as_str()),
    ];
    let (status, text) = post(stage.host.address(), "/webhooks/attacker", &headers, body).await;
    assert_eq!(status, 202, "{text}");
    let ended = stage.port.wait_until_ended(&own, SOON).await;
    assert_eq!(ended.unwrap().status_label.as_deref(), Some("forged"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!stage.port.run(&other).unwrap().ended());
    stage.strike(Duration::from_secs(1)).await;
}
