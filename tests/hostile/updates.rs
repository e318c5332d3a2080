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
    // The guest gives every run the same id.
    let (stage, [own, other]) = started(arena, ["attacker", "neighbour"]).await;
    deliver(&stage, "updates_for_others").await;
    let ended = stage.port.wait_until_ended(&own, SOON).await;
    assert_eq!(ended.unwrap().status_label.as_deref(), Some("forged"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert!(!stage.port.run(&other).unwrap().ended());
    stage.strike(Duration::from_secs(1)).await;
}

/// Is heard in the order in which it speaks, up to the end of the run.
pub async fn news_after_the_end(arena: &Arena) {
    let (stage, [run]) = started(arena, ["attacker"]).await;
    deliver(&stage, "news_after_the_end").await;
    let ended = stage.port.wait_until_ended(&run, SOON).await.unwrap();
    assert_eq!(ended.status_label.as_deref(), Some("the end"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    let logs = stage.port.run(&run).unwrap().logs;
    let said: Vec<&str> = logs.iter().map(|log| log.message.as_str()).collect();
    let place = |text: &str| said.iter().position(|line| *line == text);
    assert!(place("the first").is_some(), "{said:?}");
    assert!(place("the first") < place("the second"), "{said:?}");
    assert_eq!(place("too late"), None, "{said:?}");
    stage.strike(Duration::from_secs(1)).await;
}

/// A stage on which a run of each of these installations has been started.
async fn started<const N: usize>(arena: &Arena, ids: [&str; N]) -> (Stage, [String; N]) {
    let roles = ids.map(Role::self_hosted).to_vec();
    let runtime = arena.runtime.clone();
    let stage = Stage::set(runtime, StageOptions::with(roles))
        .await
        .unwrap();
    let runs = ids.map(|id| {
        let properties = r#"{"do":"count_calls"}"#;
        stage.port.create_action_run(id, "misbehave", properties)
    });
    let are_started = |port: &Port| {
        runs.iter().all(|id| {
            let run = port.run(id).unwrap();
            run.external_run_id.as_deref() == Some("seen")
        })
    };
    assert!(stage.port.wait_until(SOON, are_started).await);
    (stage, runs)
}

/// Lets the guest take a delivery of this name.
async fn deliver(stage: &Stage, name: &str) {
    let body = name.as_bytes();
    let signed = signature(WEBHOOK_SECRET, body);
    let headers = [
        ("x-github-event", "news"),
        ("x-github-delivery", "d-1"),
        ("x-hub-signature-256", signed.as_str()),
    ];
    let (status, text) = post(stage.host.address(), "/webhooks/attacker", &headers, body).await;
    assert_eq!(status, 202, "{text}");
}
