//! Whatever moment the process is killed at, or told to stop at: each run is started once and ends once.
//!
//! The commits of one run alone that something waits for: 1 claimed, 2 a request may leave, 3 started, then one for each
//! delivery. Each test looks at the world
//! when the process is dead, to be sure that it died where the test says.

use crate::killable::Killable;
use crate::scene::SOON;
use crate::sender::{get, post};
use host_harness::simulator::github::{
    DeliveryEffect, DeliveryFault, GitHub, secondary_limit, signature,
};
use host_harness::simulator::port::Port;
use host_harness::simulator::{Effect, Fault};
use serde_json::Value;
use std::time::Duration;

const MILLISECOND: Duration = Duration::from_millis(1);

/// Checks so late that no test waits for one.
const NO_CHECKS: &str = "[check]\nfirst-seconds = 300";

/// Checks soon, for tests whose webhooks are lost.
const SOON_CHECKED: &str = "[check]\nfirst-seconds = 0.1\nlongest-seconds = 0.2";

#[tokio::test]
async fn a_kill_before_the_ack_leaves_the_run_to_be_offered_again() {
    for point in ["before:1", "after:1"] {
        let mut world = Killable::new(NO_CHECKS).await;
        let id = world.press("deploy.yml");
        world.die_at(point).await;
        assert!(!world.port.run(&id).unwrap().acked, "{point}");
        world.start().await;
        world.succeeded(&id).await;
        world.expect_runs(1);
    }
}

#[tokio::test]
async fn a_kill_between_ack_and_dispatch_starts_the_run_once_after_all() {
    // Nobody waits until the journal has Port's answer to the ack: at once, it does not have it yet.
    for until_it_leaves in [Duration::ZERO, 300 * MILLISECOND] {
        let mut world = Killable::new(NO_CHECKS).await;
        let id = world.press("deploy.yml");
        let slow = Fault::new("get-repository", Effect::Delay(until_it_leaves));
        let slow = world.github.inject(slow);
        world.die_at("before:2").await;
        slow.remove();
        assert!(world.port.run(&id).unwrap().acked, "{until_it_leaves:?}");
        assert_eq!(world.github.count("dispatch"), 0, "{until_it_leaves:?}");
        world.start().await;
        world.succeeded(&id).await;
        world.expect_runs(1);
    }
}

#[tokio::test]
async fn a_kill_after_the_dispatch_and_before_anybody_knows_of_it_adopts_the_run() {
    let mut world = Killable::new(SOON_CHECKED).await;
    let id = world.press("deploy.yml");
    world.die_at("before:3").await;
    assert_eq!(world.github.runs().len(), 1);
    assert_eq!(world.port.run(&id).unwrap().external_run_id, None);
    world.start().await;
    world.succeeded(&id).await;
    world.expect_runs(1);
}

#[tokio::test]
async fn a_kill_before_port_has_the_link_tells_it_later() {
    let mut world = Killable::new(SOON_CHECKED).await;
    let fault = Fault::new("patch-run", Effect::answer(500, "{}"));
    let away = world.port.inject(fault);
    let id = world.press("deploy.yml");
    world.die_at("after:3").await;
    assert_eq!(world.port.run(&id).unwrap().external_run_id, None);
    away.remove();
    world.start().await;
    world.succeeded(&id).await;
    world.expect_runs(1);
}

/// The one honest limit: the process died after it had written that a request may leave and before one did. Nobody can
/// tell that from a request that GitHub has lost, so nothing is sent again and a person is told where to look.
#[tokio::test]
async fn a_kill_right_before_the_request_leaves_is_never_answered_by_a_second_dispatch() {
    let mut world = Killable::new(SOON_CHECKED).await;
    let id = world.press("deploy.yml");
    world.die_at("after:2").await;
    assert_eq!(world.github.count("dispatch"), 0);
    world.start().await;
    let run = world.ended(&id).await;
    assert_eq!(run.status_label.as_deref(), Some("Outcome unknown"));
    let summary = run.summary.unwrap();
    assert!(
        summary.contains("Start it again only if there is none"),
        "{summary}"
    );
    world.expect_runs(0);
}

#[tokio::test]
async fn a_kill_between_the_answer_to_a_webhook_and_the_report_loses_nothing() {
    // Nobody waits until the journal has what follows from the delivery: at once, it has the delivery alone.
    for until_the_kill in [Duration::ZERO, 200 * MILLISECOND] {
        let mut world = Killable::new(NO_CHECKS).await;
        let slow = world
            .port
            .inject(Fault::new("*", Effect::Delay(500 * MILLISECOND)));
        let id = world.press("deploy.yml");
        world.start().await;
        let is_answered = |github: &GitHub| {
            github.deliveries().iter().any(|it| {
                it.event == "workflow_run"
                    && it.action == "completed"
                    && it.status_code == Some(202)
            })
        };
        assert!(world.github.wait_until(SOON, is_answered).await);
        tokio::time::sleep(until_the_kill).await;
        world.kill();
        slow.remove();
        assert!(!world.port.run(&id).unwrap().ended(), "{until_the_kill:?}");
        // Only the journal knows of the end: GitHub sends nothing again, and nobody asks it.
        world.github.remove_webhook(world.webhook);
        let looks = world.github.count("get-run");
        world
            .github
            .inject(Fault::new("get-run", Effect::answer(500, "{}")));
        world.start().await;
        world.succeeded(&id).await;
        world.expect_runs(1);
        assert!(world.github.count("get-run") <= looks + 1);
    }
}

#[tokio::test]
async fn a_report_that_port_does_not_take_is_made_after_a_kill() {
    let mut world = Killable::new(NO_CHECKS).await;
    let away = Fault::new("add-log", Effect::answer(503, "{}"));
    let away = world.port.inject(away);
    let id = world.press("deploy.yml");
    world.start().await;
    assert!(world.port.wait_until(SOON, |_| away.hits() > 0).await);
    world.kill();
    away.remove();
    world.start().await;
    world.succeeded(&id).await;
    world.expect_runs(1);
}

#[tokio::test]
async fn a_webhook_that_came_while_the_process_was_dead_is_made_good_by_a_check() {
    let mut world = Killable::new("").await;
    let id = world.press("held.yml");
    world.start().await;
    let started = |port: &Port| {
        port.run(&id)
            .is_some_and(|run| run.external_run_id.is_some())
    };
    assert!(world.port.wait_until(SOON, started).await);
    world.kill();
    world.github.finish(world.github.runs()[0].id, "success");
    world.start().await;
    world.succeeded(&id).await;
    world.expect_runs(1);
}

#[tokio::test]
async fn a_host_that_is_told_to_stop_in_the_middle_goes_on_at_the_next_start() {
    let mut world = Killable::new(SOON_CHECKED).await;
    let slow = Effect::HoldReply(300 * MILLISECOND);
    world.github.inject(Fault::new("dispatch", slow));
    world.start().await;
    let ids: Vec<String> = (0..5).map(|_| world.press("deploy.yml")).collect();
    let count = |github: &GitHub| github.count("dispatch") > 0;
    assert!(world.github.wait_until(SOON, count).await);
    world.terminate().await.expect_code(0);
    let unfinished = ids.iter().filter(|id| !world.port.run(id).unwrap().ended());
    assert!(unfinished.count() > 0, "nothing was left to go on with");
    world.start().await;
    for id in &ids {
        world.succeeded(id).await;
    }
    world.expect_runs(5);
}

#[tokio::test]
async fn a_clock_that_jumps_between_two_lives_changes_no_end() {
    for offset in ["-7200", "7200"] {
        let mut world = Killable::new(SOON_CHECKED).await;
        let id = world.press("deploy.yml");
        world.die_at("before:3").await;
        world
            .start_with(&[("HOST_HARNESS_CLOCK_OFFSET_SECONDS", offset)])
            .await;
        world.succeeded(&id).await;
        world.expect_runs(1);
        world.kill();
    }
}

#[tokio::test]
async fn a_pause_that_the_server_asked_for_outlives_the_process() {
    let mut world = Killable::new(NO_CHECKS).await;
    let limit = Fault::new("dispatch", secondary_limit(403, Some(3)));
    world.github.inject(limit.once());
    let first = world.press("deploy.yml");
    world.start().await;
    let waits = |port: &Port| {
        let label = port.run(&first).unwrap().status_label;
        label.is_some_and(|label| label.starts_with("Waiting"))
    };
    assert!(world.port.wait_until(SOON, waits).await);
    world.kill();
    let second = world.press("other.yml");
    world.start().await;
    world.succeeded(&first).await;
    world.succeeded(&second).await;
    // The simulator counts requests within the pause as violations.
    world.expect_runs(2);
}

/// A call to Port that comes back while a run has its turn and has not used it yet must not take the turn away.
#[tokio::test]
async fn runs_that_waited_for_long_keep_their_partition_while_port_is_asked_about_them() {
    let mut world = Killable::new(NO_CHECKS).await;
    world
        .port
        .inject(Fault::new("get-run", Effect::Delay(80 * MILLISECOND)));
    let slow = Effect::HoldReply(60 * MILLISECOND);
    world.github.inject(Fault::new("dispatch", slow));
    let limit = Fault::new("dispatch", secondary_limit(403, Some(2)));
    world.github.inject(limit.once());
    let ids: Vec<String> = (0..6).map(|_| world.press("deploy.yml")).collect();
    world
        .start_with(&[("HOST_HARNESS_CLOCK_OFFSET_SECONDS", "-3600")])
        .await;
    let all_wait = |port: &Port| {
        ids.iter().all(|id| {
            let label = port.run(id).unwrap().status_label;
            label.is_some_and(|label| label.starts_with("Waiting"))
        })
    };
    assert!(world.port.wait_until(SOON, all_wait).await);
    world.kill();
    // To the clock of the second life the pause is over, an hour ago; to GitHub it has to be.
    tokio::time::sleep(Duration::from_millis(2_100)).await;
    world.start().await;
    for id in &ids {
        world.succeeded(id).await;
    }
    world.expect_runs(6);
    let dispatches = world.github.exchanges();
    let mut at: Vec<_> = dispatches
        .iter()
        .filter(|it| it.operation == "dispatch" && it.status == Some(200))
        .map(|it| it.at)
        .collect();
    at.sort();
    for pair in at.windows(2) {
        let apart = pair[1].duration_since(pair[0]).unwrap();
        assert!(
            apart >= 60 * MILLISECOND,
            "two dispatches of one workflow within {apart:?}"
        );
    }
}

#[tokio::test]
async fn a_run_that_a_person_ended_while_the_host_was_down_is_not_started() {
    let mut world = Killable::new(NO_CHECKS).await;
    let id = world.press("deploy.yml");
    // So late that the journal has Port's answer to the ack.
    let slow = Fault::new("get-repository", Effect::Delay(300 * MILLISECOND));
    world.github.inject(slow);
    world.die_at("before:2").await;
    assert!(world.port.end_elsewhere(&id, false));
    // An hour later by the clock, without the wait.
    world
        .start_with(&[("HOST_HARNESS_CLOCK_OFFSET_SECONDS", "3600")])
        .await;
    let asks = |port: &Port| port.count("get-run") > 0;
    assert!(world.port.wait_until(SOON, asks).await);
    let next = world.press("deploy.yml");
    world.succeeded(&next).await;
    assert_eq!(world.port.run(&id).unwrap().status, "FAILURE");
    world.expect_runs(1);
}

#[tokio::test]
async fn a_full_journal_starts_nothing_says_so_and_goes_on_when_there_is_room() {
    let mut world = Killable::new("[journal]\nmax-mib = 1").await;
    world.start().await;
    let headers = |id: &str, body: &[u8]| {
        [
            ("x-github-event", "workflow_run".to_owned()),
            ("x-github-delivery", id.to_owned()),
            (
                "x-hub-signature-256",
                signature("a secret of the webhook", body),
            ),
        ]
    };
    // Deliveries of runs that nobody here has started wait in the journal.
    let mut status = 202;
    let mut text = String::new();
    for number in 0..40u32 {
        let body = format!(
            r#"{{"action":"completed","workflow_run":{{"id":{number},"event":"workflow_dispatch","status":"completed",
            "conclusion":"success","run_attempt":1}},"repository":{{"id":1,"name":"shop","owner":{{"id":2,"login":"acme"}}}},
            "padding":"{}"}}"#,
            "x".repeat(60_000)
        );
        let id = number.to_string();
        let headers = headers(&id, body.as_bytes());
        let headers: Vec<_> = headers.iter().map(|(n, v)| (*n, v.as_str())).collect();
        (status, text) = post(world.address, "/webhooks/acme-github", &headers, body).await;
        if status != 202 {
            break;
        }
    }
    assert_eq!(status, 503, "{text}");
    assert!(
        text.contains("journal") && text.contains("send the delivery again"),
        "{text}"
    );
    let (ready, why) = get(world.address, "/health/ready").await;
    assert_eq!(ready, 503);
    assert!(why.contains("the journal cannot be written"), "{why}");
    let id = world.press("deploy.yml");
    tokio::time::sleep(300 * MILLISECOND).await;
    assert_eq!(world.github.count("dispatch"), 0);
    world.kill();
    world.configure("", "[journal]\nmax-mib = 50");
    world.start().await;
    world.succeeded(&id).await;
    world.expect_runs(1);
    assert_eq!(get(world.address, "/health/ready").await.0, 200);
}

#[tokio::test]
async fn no_log_and_no_journal_holds_a_secret_or_a_signature() {
    let mut world = Killable::new("").await;
    world.start_with(&[("RUST_LOG", "trace")]).await;
    world.succeeded(&world.press("deploy.yml")).await;
    let finished = world.terminate().await;
    finished.expect_code(0);
    assert!(
        finished.stderr.len() > 10_000,
        "there is no log: {finished}"
    );
    let mut secrets = vec![
        world.github.token(),
        world.port.client_secret(),
        "a secret of the webhook".to_owned(),
    ];
    for delivery in world.github.deliveries() {
        let value = delivery
            .headers
            .iter()
            .find(|(name, _)| name == "X-Hub-Signature-256");
        let sign = value.unwrap().1.trim_start_matches("sha256=").to_owned();
        secrets.push(sign);
    }
    for secret in &secrets {
        assert!(
            !finished.stderr.contains(secret.as_str()),
            "{secret} is in the log"
        );
    }
    for file in ["journal.db", "journal.db-wal"] {
        let Ok(bytes) = std::fs::read(world.program.folder().join(file)) else {
            continue;
        };
        let holds = |secret: &str| {
            bytes
                .windows(secret.len())
                .any(|it| it == secret.as_bytes())
        };
        // A signature is no secret where the body is kept beside it; the keys are.
        for secret in &secrets[..3] {
            assert!(!holds(secret), "{secret} is in {file}");
        }
    }
}

#[tokio::test]
async fn two_hosts_never_share_a_journal() {
    let mut world = Killable::new("").await;
    world.start().await;
    let other = std::fs::read_to_string(world.program.folder().join("host.toml")).unwrap();
    let other = other.replace(
        &format!("listen = \"{}\"", world.address),
        "listen = \"127.0.0.1:0\"",
    );
    world.program.file("other.toml", other);
    let second = world
        .program
        .run_beside(&["serve", "--config", "other.toml"])
        .await;
    assert!(
        second.refusal().contains("in use by another process"),
        "{second}"
    );
}

#[tokio::test]
async fn the_journal_can_be_looked_into_while_the_host_works() {
    let mut world = Killable::new(NO_CHECKS).await;
    world.github.inject_delivery(
        DeliveryFault::new("workflow_run", DeliveryEffect::Drop).action("completed"),
    );
    world.start().await;
    let id = world.press("deploy.yml");
    let wrong = world
        .port
        .create_action_run("acme-github", "dispatch_workflow", "{}");
    world.ended(&wrong).await;
    let started = |port: &Port| {
        port.run(&id)
            .is_some_and(|run| run.external_run_id.is_some())
    };
    assert!(world.port.wait_until(SOON, started).await);
    let look = async |arguments: &[&str]| {
        let all = [&["journal"], arguments].concat();
        world.program.run_beside(&all).await
    };
    let started = look(&["ls", "--phase", "started", "--output", "json"]).await;
    let runs = started.expect_code(0).json();
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{started}");
    assert_eq!(runs["runs"][0]["run"], Value::from(id.clone()));
    let shown = look(&["show", &id]).await;
    for word in ["planned: acme/shop", "acked", "started as gh_"] {
        assert!(
            shown.expect_code(0).stdout.contains(word),
            "{word}: {shown}"
        );
    }
    let why = look(&["show", &wrong]).await;
    assert!(why.stdout.contains("reported FAILURE"), "{why}");
    let exported = look(&["export"]).await;
    let lines: Vec<Value> = exported
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2, "{exported}");
    assert!(
        lines[0]["notes"].as_array().unwrap().len() >= 3,
        "{exported}"
    );
    let unknown = look(&["show", "r_nobody"]).await;
    unknown.expect_code(1);
    exported.expect_never(&world.github.token());
}
