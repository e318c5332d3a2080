//! Deliveries that come early, late, twice, damaged or not at all.

use super::{MILLISECOND, delivered};
use crate::scene::{
    DEPLOY, HELD, INSTALLATION, SOON, TEST, alone, ended, failed_saying, press, run_on_github,
    stage, started, strike, succeeded,
};
use crate::sender::post;
use host_harness::simulator::github::{DeliveryEffect, DeliveryFault};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::{Role, StageOptions, WEBHOOK_SECRET};

#[tokio::test]
async fn an_end_that_overtakes_the_answer_to_the_dispatch_is_reported() {
    let stage = stage(alone()).await;
    let slow = Effect::HoldReply(400 * MILLISECOND);
    stage.github.inject(Fault::new("dispatch", slow));
    let action = press(&stage, DEPLOY);
    let node = stage
        .port
        .create_node_run(INSTALLATION, "dispatch_workflow", TEST);
    let run = succeeded(&stage, &action).await;
    let on_github = run_on_github(&stage, &run.external_run_id.unwrap());
    let told = delivered(&stage, on_github.id, "completed").await;
    let linked = run
        .updates
        .iter()
        .find(|(_, update)| update.get("externalRunId").is_some());
    assert!(
        told.delivered_at < linked.unwrap().0,
        "the test does not test what it says"
    );
    failed_saying(&stage, &node, &["Run cargo test"]).await;
    assert_eq!(stage.github.count("get-run"), 0);
    strike(stage).await;
}

#[tokio::test]
async fn the_same_delivery_a_hundred_times_ends_a_run_once() {
    let stage = stage(alone()).await;
    let id = press(&stage, DEPLOY);
    let run = succeeded(&stage, &id).await;
    let on_github = run_on_github(&stage, &run.external_run_id.clone().unwrap());
    let told = delivered(&stage, on_github.id, "completed").await;
    for _ in 0..99 {
        assert!(stage.github.redeliver(&told.guid));
    }
    let count = || {
        stage
            .github
            .deliveries()
            .iter()
            .filter(|it| it.guid == told.guid)
            .count()
    };
    assert!(stage.github.wait_until(SOON, |_| count() == 100).await);
    // The same news under other ids, as of a second hook.
    let headers = |number: usize| {
        let id = format!("other-{number}");
        let rename = |(name, value): &(String, String)| match name.as_str() {
            "X-GitHub-Delivery" => (name.clone(), id.clone()),
            _ => (name.clone(), value.clone()),
        };
        told.headers.iter().map(rename).collect::<Vec<_>>()
    };
    for number in 0..20 {
        let headers = headers(number);
        let headers: Vec<_> = headers
            .iter()
            .map(|(n, v)| (n.as_str(), v.as_str()))
            .collect();
        let path = format!("/webhooks/{INSTALLATION}");
        let (status, _) = post(stage.host.address(), &path, &headers, told.payload.to_vec()).await;
        assert_eq!(status, 202);
    }
    let after = stage.port.run(&id).unwrap();
    assert_eq!(
        (after.terminal_reports, after.updates.len()),
        (1, run.updates.len())
    );
    strike(stage).await;
}

#[tokio::test]
async fn news_that_comes_by_two_webhooks_is_told_once() {
    let stage = stage(alone()).await;
    let url = format!("http://{}/webhooks/{INSTALLATION}", stage.host.address());
    let second = Some(WEBHOOK_SECRET.to_owned());
    stage.github.add_webhook(url, second);
    let id = press(&stage, DEPLOY);
    let run = succeeded(&stage, &id).await;
    let on_github = run_on_github(&stage, &run.external_run_id.unwrap());
    let told = delivered(&stage, on_github.id, "completed").await;
    // GitHub gives all deliveries of an event one id ("List deliveries for a repository webhook": `guid`).
    let deliveries = stage.github.deliveries();
    let ends = deliveries.iter().filter(|it| it.guid == told.guid);
    assert_eq!(ends.count(), 2, "the test does not test what it says");
    let mut said: Vec<&str> = run.logs.iter().map(|it| it.message.as_str()).collect();
    assert!(said.len() > 2, "{said:?}");
    said.sort_unstable();
    let all = said.clone();
    said.dedup();
    assert_eq!(said, all);
    strike(stage).await;
}

#[tokio::test]
async fn deliveries_that_come_twice_or_in_any_order_do_no_harm() {
    let stage = stage(alone()).await;
    let github = &stage.github;
    github.inject_delivery(DeliveryFault::new("*", DeliveryEffect::Duplicate).share(50, 1));
    let late = DeliveryEffect::Overtaken(80 * MILLISECOND);
    github.inject_delivery(DeliveryFault::new("*", late).share(50, 2));
    let runs: Vec<_> = (0..10)
        .map(|number| {
            let properties = if number % 3 == 0 { TEST } else { DEPLOY };
            (press(&stage, properties), properties == DEPLOY)
        })
        .collect();
    for (id, is_good) in &runs {
        assert_eq!(ended(&stage, id).await.succeeded(), *is_good);
    }
    strike(stage).await;
}

#[tokio::test]
async fn a_delivery_with_a_wrong_or_without_a_signature_ends_nothing_and_a_good_one_later_does() {
    let stage = stage(alone()).await;
    for forged in [DeliveryEffect::BadSignature, DeliveryEffect::NoSignature] {
        let fault = DeliveryFault::new("workflow_run", forged).action("completed");
        stage.github.inject_delivery(fault.once());
        let id = press(&stage, DEPLOY);
        let on_github = started(&stage, &id).await;
        let told = delivered(&stage, on_github.id, "completed").await;
        assert_eq!(told.status_code, Some(401));
        tokio::time::sleep(50 * MILLISECOND).await;
        assert!(!stage.port.run(&id).unwrap().ended());
        // Refused under this id, so it is not known already.
        assert!(stage.github.redeliver(&told.guid));
        succeeded(&stage, &id).await;
    }
    strike(stage).await;
}

#[tokio::test]
async fn a_completion_without_a_conclusion_is_looked_up() {
    let stage = stage(alone()).await;
    let unclear = DeliveryFault::new("workflow_run", DeliveryEffect::NullConclusion);
    stage.github.inject_delivery(unclear.action("completed"));
    let (good, bad) = (press(&stage, DEPLOY), press(&stage, TEST));
    succeeded(&stage, &good).await;
    failed_saying(&stage, &bad, &["Run cargo test"]).await;
    strike(stage).await;
}

#[tokio::test]
async fn webhooks_of_other_peoples_runs_disturb_nothing() {
    let stage = stage(alone()).await;
    let id = press(&stage, HELD);
    let own = started(&stage, &id).await;
    let mut others = Vec::new();
    for (event, actor) in [
        ("push", "mona"),
        ("workflow_dispatch", "mona"),
        ("workflow_dispatch", own.actor.as_str()),
    ] {
        let workflow = "deploy.yml";
        let other = stage
            .github
            .start_foreign_run("acme", "shop", workflow, event, actor);
        others.push(other.unwrap());
    }
    for other in others {
        assert_eq!(
            delivered(&stage, other, "completed").await.status_code,
            Some(202)
        );
    }
    let run = stage.port.run(&id).unwrap();
    assert!(
        !run.ended() && stage.port.count("patch-run") == 1,
        "{run:#?}"
    );
    assert_eq!(
        stage.port.count("find-run") + stage.port.count("find-node-run"),
        0
    );
    stage.github.finish(own.id, "success");
    succeeded(&stage, &id).await;
    strike(stage).await;
}

#[tokio::test]
async fn the_path_of_the_system_that_we_replace_takes_deliveries_too() {
    let stage = stage(StageOptions::with(vec![Role {
        live_events: false,
        ..Role::self_hosted(INSTALLATION)
    }]))
    .await;
    let url = format!("http://{}/integration/webhook", stage.host.address());
    stage
        .github
        .add_webhook(url, Some(WEBHOOK_SECRET.to_owned()));
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_eq!(stage.github.count("get-run"), 0);
    strike(stage).await;
}
