//! Whatever goes wrong between Port, the host and GitHub: each run ends as its workflow did, once, and nothing is started
//! twice.

use crate::scene::{
    DEPLOY, HELD, INSTALLATION, Log, OFTEN, SOON, Steps, TEST, alone, ended, failed_saying, press,
    run_on_github, stage, started, strike, strike_early, succeeded,
};
use crate::sender::post;
use host_harness::lifecycle::Step;
use host_harness::simulator::github::{
    self, DeliveryEffect, DeliveryFault, DeliveryView, Phase, Repository, Standing, Workflow,
    bad_gateway, not_found, secondary_limit, server_error_after_processing, signature,
};
use host_harness::simulator::port::{self, Kind};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::{Role, Stage, StageOptions, WEBHOOK_SECRET};
use serde_json::json;
use std::time::{Duration, Instant};

const MILLISECOND: Duration = Duration::from_millis(1);

/// Waits for the delivery that tells a run's end.
async fn delivered(stage: &Stage, run: u64, action: &str) -> DeliveryView {
    let find = || {
        let deliveries = stage.github.deliveries();
        deliveries
            .into_iter()
            .find(|it| it.run_id == run && it.event == "workflow_run" && it.action == action)
    };
    assert!(stage.github.wait_until(SOON, |_| find().is_some()).await);
    find().unwrap()
}

fn shows_label(stage: &Stage, id: &str, label: &str) -> bool {
    stage
        .port
        .run(id)
        .and_then(|run| run.status_label)
        .is_some_and(|shown| shown.starts_with(label))
}

// Webhooks.

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
async fn a_delivery_that_comes_late_changes_nothing() {
    let stage = stage(alone()).await;
    let id = press(&stage, DEPLOY);
    let run = succeeded(&stage, &id).await;
    let on_github = run_on_github(&stage, &run.external_run_id.clone().unwrap());
    for action in ["requested", "in_progress", "completed"] {
        let told = delivered(&stage, on_github.id, action).await;
        let path = format!("/webhooks/{INSTALLATION}");
        let sign = signature(WEBHOOK_SECRET, &told.payload);
        let headers = [
            ("x-github-event", "workflow_run"),
            ("x-github-delivery", action),
            ("content-type", "application/json"),
            ("x-hub-signature-256", sign.as_str()),
        ];
        let answer = post(stage.host.address(), &path, &headers, told.payload.to_vec()).await;
        assert_eq!(answer, (202, "accepted\n".to_owned()));
    }
    tokio::time::sleep(100 * MILLISECOND).await;
    assert_eq!(
        stage.port.run(&id).unwrap().updates.len(),
        run.updates.len()
    );
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
async fn a_lost_delivery_is_made_good_by_a_check() {
    let stage = stage(StageOptions {
        rules: OFTEN,
        ..alone()
    })
    .await;
    let lost = DeliveryFault::new("workflow_run", DeliveryEffect::Drop).action("completed");
    stage.github.inject_delivery(lost);
    let (good, bad) = (press(&stage, DEPLOY), press(&stage, TEST));
    succeeded(&stage, &good).await;
    failed_saying(&stage, &bad, &["unit tests", "Run cargo test"]).await;
    strike(stage).await;
}

#[tokio::test]
async fn a_check_that_fails_is_made_again() {
    let stage = stage(StageOptions {
        rules: OFTEN,
        ..alone()
    })
    .await;
    stage
        .github
        .inject_delivery(DeliveryFault::new("*", DeliveryEffect::Drop));
    stage
        .github
        .inject(Fault::new("get-run", not_found()).times(2));
    stage
        .github
        .inject(Fault::new("get-run", bad_gateway()).after(2).once());
    stage
        .github
        .inject(Fault::new("get-run", Effect::GarbageBody).after(3).once());
    succeeded(&stage, &press(&stage, DEPLOY)).await;
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
async fn a_failure_that_cannot_be_explained_is_reported_all_the_same() {
    let stage = stage(alone()).await;
    stage.github.inject(Fault::new("list-jobs", bad_gateway()));
    let run = failed_saying(&stage, &press(&stage, TEST), &["ended: failure"]).await;
    assert_eq!(run.status_label.as_deref(), Some("Failed"));
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
async fn a_second_attempt_does_not_change_what_the_first_has_ended() {
    let stage = stage(alone()).await;
    let id = press(&stage, HELD);
    let on_github = started(&stage, &id).await;
    stage.github.finish(on_github.id, "failure");
    ended(&stage, &id).await;
    stage.github.rerun(on_github.id);
    stage.github.finish(on_github.id, "success");
    let count = || {
        let deliveries = stage.github.deliveries();
        let is_end = |it: &&DeliveryView| it.event == "workflow_run" && it.action == "completed";
        deliveries.iter().filter(is_end).count()
    };
    assert!(stage.github.wait_until(SOON, |_| count() == 2).await);
    let run = ended(&stage, &id).await;
    assert_eq!(run.status, "FAILURE");
    strike(stage).await;
}

#[tokio::test]
async fn the_end_of_an_older_attempt_does_not_end_a_newer_one() {
    let stage = stage(alone()).await;
    let late = DeliveryEffect::Overtaken(300 * MILLISECOND);
    let fault = DeliveryFault::new("workflow_run", late).action("completed");
    stage.github.inject_delivery(fault.once());
    let id = press(&stage, HELD);
    let on_github = started(&stage, &id).await;
    stage.github.finish(on_github.id, "failure");
    assert!(stage.github.rerun(on_github.id));
    stage.github.advance(on_github.id, Phase::InProgress);
    delivered(&stage, on_github.id, "completed").await;
    tokio::time::sleep(50 * MILLISECOND).await;
    assert!(!stage.port.run(&id).unwrap().ended());
    stage.github.finish(on_github.id, "success");
    let run = succeeded(&stage, &id).await;
    assert!(
        run.logs
            .iter()
            .any(|line| line.message.contains("(attempt 2) ended: success"))
    );
    strike(stage).await;
}

/// The system that we replace compares the actor with its own name and the repository's visibility with a filter of its
/// catalogue, and drops ends that do not fit.
#[tokio::test]
async fn an_end_counts_whoever_is_called_its_actor_and_whatever_its_repository_is() {
    let stage = stage(alone()).await;
    let withheld = DeliveryFault::new("workflow_run", DeliveryEffect::BadSignature);
    stage.github.inject_delivery(withheld.action("completed"));
    for change in ["actor", "visibility", "organization"] {
        let id = press(&stage, HELD);
        let run = started(&stage, &id).await;
        stage.github.finish(run.id, "success");
        let told = delivered(&stage, run.id, "completed").await;
        let mut body: serde_json::Value = serde_json::from_slice(&told.payload).unwrap();
        match change {
            "actor" => {
                body["workflow_run"]["actor"]["login"] = json!("Renamed-App[bot]");
                body["sender"]["login"] = json!("somebody");
            }
            "visibility" => {
                body["repository"]
                    .as_object_mut()
                    .unwrap()
                    .remove("visibility");
                body["repository"]["private"] = json!(true);
            }
            _ => {
                body.as_object_mut().unwrap().remove("organization");
            }
        }
        let body = body.to_string();
        let sign = signature(WEBHOOK_SECRET, body.as_bytes());
        let headers = [
            ("x-github-event", "workflow_run"),
            ("x-github-delivery", change),
            ("content-type", "application/json"),
            ("x-hub-signature-256", sign.as_str()),
        ];
        let path = format!("/webhooks/{INSTALLATION}");
        let answer = post(stage.host.address(), &path, &headers, body).await;
        assert_eq!(answer.0, 202);
        succeeded(&stage, &id).await;
    }
    strike(stage).await;
}

#[tokio::test]
async fn a_run_that_github_does_not_show_yet_is_no_failure() {
    let stage = stage(StageOptions {
        rules: OFTEN,
        github: github::Options {
            fresh_run_lag: 400 * MILLISECOND,
            ..github::Options::default()
        },
        ..alone()
    })
    .await;
    stage
        .github
        .inject_delivery(DeliveryFault::new("*", DeliveryEffect::Drop));
    let id = press(&stage, DEPLOY);
    succeeded(&stage, &id).await;
    let refused = stage.github.exchanges();
    let refused = refused
        .iter()
        .filter(|it| it.operation == "get-run" && it.status == Some(404));
    assert!(refused.count() > 0, "it was shown at once");
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

/// A first attempt that was refused has started nothing, so what came before the second is nobody's business.
#[tokio::test]
async fn a_run_that_somebody_started_while_ours_waited_is_never_taken_for_ours() {
    let stage = stage(StageOptions::with(vec![Role {
        settings: r#"{"discovery-seconds":1}"#.to_owned(),
        ..Role::self_hosted(INSTALLATION)
    }]))
    .await;
    let limit = Fault::new("dispatch", secondary_limit(403, Some(8)));
    stage.github.inject(limit.once());
    let lost = Fault::new("dispatch", Effect::CutBeforeProcessing);
    stage.github.inject(lost.once());
    let id = press(&stage, DEPLOY);
    let waits = || shows_label(&stage, &id, "Waiting");
    assert!(stage.port.wait_until(SOON, |_| waits()).await);
    let actor = github::Options::default().token_login;
    stage
        .github
        .start_foreign_run("acme", "shop", "deploy.yml", "workflow_dispatch", &actor);
    stage
        .port
        .wait_until_ended(&id, Duration::from_secs(40))
        .await;
    let run = stage.port.run(&id).unwrap();
    assert_eq!(
        run.status_label.as_deref(),
        Some("Outcome unknown"),
        "{run:#?}"
    );
    strike(stage).await;
}

#[tokio::test]
async fn after_a_refused_token_runs_of_one_workflow_still_start_one_after_the_other() {
    let stage = stage(alone()).await;
    let slow = Effect::HoldReply(100 * MILLISECOND);
    stage.github.inject(Fault::new("dispatch", slow));
    let expired = Effect::answer(401, r#"{"message":"Bad credentials","status":"401"}"#);
    stage.github.inject(Fault::new("dispatch", expired).once());
    let ids: Vec<String> = (0..4).map(|_| press(&stage, DEPLOY)).collect();
    let mut most = 0;
    while !ids.iter().all(|id| stage.port.run(id).unwrap().ended()) {
        most = most.max(stage.host.lifecycle().census().dispatches);
        tokio::time::sleep(2 * MILLISECOND).await;
    }
    assert_eq!(most, 1);
    for id in &ids {
        succeeded(&stage, id).await;
    }
    strike(stage).await;
}

/// GitHub sends the reset of the rate limit with every answer. It says nothing about how long a server error lasts.
#[tokio::test]
async fn a_server_error_is_not_waited_for_until_the_rate_limit_resets() {
    let stage = stage(alone()).await;
    let reset = std::time::SystemTime::now() + Duration::from_secs(3_600);
    let reset = reset.duration_since(std::time::UNIX_EPOCH).unwrap();
    let away = Effect::Answer {
        status: 503,
        headers: vec![
            ("content-type".to_owned(), "application/json".to_owned()),
            ("x-ratelimit-reset".to_owned(), reset.as_secs().to_string()),
            ("x-ratelimit-remaining".to_owned(), "4000".to_owned()),
        ],
        body: r#"{"message":"Server Error"}"#.to_owned(),
    };
    let away = stage
        .github
        .inject(Fault::new("get-repository", away).times(2));
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_eq!(away.hits(), 2);
    strike(stage).await;
}

// Port.

#[tokio::test]
async fn port_that_fails_loses_nothing_and_ends_nothing_twice() {
    tokio::join!(
        runs_end_in_spite_of(Effect::answer(500, r#"{"ok":false}"#)),
        runs_end_in_spite_of(Effect::process_then_answer(503, "{}")),
        runs_end_in_spite_of(Effect::CutAfterProcessing),
        runs_end_in_spite_of(Effect::CutBeforeProcessing),
    );
}

/// Every kind of request about a run of either kind meets this effect once.
async fn runs_end_in_spite_of(effect: Effect) {
    let stage = stage(alone()).await;
    let port = &stage.port;
    let injected = [
        ("ack", "runId"),
        ("ack-node", "nodeRunIdentifier"),
        ("patch-run", "externalRunId"),
        ("patch-node", "externalRunId"),
        ("patch-node", "COMPLETED"),
        ("add-log", "terminationStatus"),
    ]
    .map(|(operation, body)| {
        let fault = Fault::new(operation, effect.clone()).when_body_contains(body);
        (operation, port.inject(fault.once()))
    });
    let action = press(&stage, DEPLOY);
    let node = port.create_node_run(INSTALLATION, "dispatch_workflow", DEPLOY);
    for id in [action, node] {
        let run = succeeded(&stage, &id).await;
        assert!(
            run.external_run_id.is_some() && run.link.len() == 1,
            "{effect:?}: {run:#?}"
        );
    }
    for (operation, injected) in injected {
        assert_eq!(injected.hits(), 1, "{effect:?}: {operation}");
    }
    assert_eq!(stage.github.runs().len(), 2, "{effect:?}");
    strike(stage).await;
}

#[tokio::test]
async fn a_claim_that_fails_is_made_again_and_readiness_shows_it() {
    let stage = stage(alone()).await;
    let broken = stage
        .port
        .inject(Fault::new("claim", Effect::answer(500, "{}")));
    let id = press(&stage, DEPLOY);
    let is_red = |text: &str| {
        stage
            .host
            .readiness()
            .is_err_and(|said| said.contains(text))
    };
    assert!(
        stage
            .port
            .wait_until(SOON, |_| is_red("no runs can be claimed"))
            .await
    );
    broken.remove();
    succeeded(&stage, &id).await;
    assert_eq!(stage.host.readiness(), Ok(()));
    strike(stage).await;
}

#[tokio::test]
async fn an_ack_that_somebody_else_has_made_leaves_the_run_alone() {
    let stage = stage(alone()).await;
    // As if another host had been faster: the run is acknowledged, and not by us.
    let taken =
        Effect::process_then_answer(409, r#"{"ok":false,"error":"run_already_acknowledged"}"#);
    stage.port.inject(Fault::new("ack", taken).once());
    let id = press(&stage, DEPLOY);
    assert!(
        stage
            .port
            .wait_until(SOON, |port| port.count("ack") == 1)
            .await
    );
    // The next one is ours, and its end shows that the host has gone on.
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    let run = stage.port.run(&id).unwrap();
    assert_eq!(
        (run.updates.len(), run.logs.len(), run.ended()),
        (0, 0, false)
    );
    assert_eq!(stage.github.count("dispatch"), 1);
    strike(stage).await;
}

#[tokio::test]
async fn an_ack_that_port_has_not_heard_of_for_long_is_made_when_the_run_is_offered_again() {
    let stage = stage(StageOptions {
        visibility_timeout: 200 * MILLISECOND,
        ..alone()
    })
    .await;
    let refused = Effect::answer(422, r#"{"ok":false,"error":"invalid_request"}"#);
    stage.port.inject(Fault::new("ack", refused).once());
    let id = press(&stage, DEPLOY);
    assert!(succeeded(&stage, &id).await.claims >= 2);
    assert_eq!(stage.github.count("dispatch"), 1);
    strike(stage).await;
}

#[tokio::test]
async fn a_run_that_is_offered_again_while_its_ack_is_late_is_dispatched_once() {
    let stage = stage(StageOptions {
        visibility_timeout: 50 * MILLISECOND,
        ..alone()
    })
    .await;
    let late = Effect::Delay(400 * MILLISECOND);
    stage.port.inject(Fault::new("ack", late).once());
    let id = press(&stage, DEPLOY);
    assert!(succeeded(&stage, &id).await.claims >= 2);
    assert_eq!(
        (stage.port.count("ack"), stage.github.count("dispatch")),
        (1, 1)
    );
    strike(stage).await;
}

#[tokio::test]
async fn a_token_that_port_revokes_midway_is_replaced() {
    let stage = stage(alone()).await;
    let id = press(&stage, HELD);
    let on_github = started(&stage, &id).await;
    stage.port.revoke_tokens();
    stage.github.finish(on_github.id, "success");
    succeeded(&stage, &id).await;
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    strike(stage).await;
}

#[tokio::test]
async fn a_token_of_port_that_lives_a_second_is_renewed_in_time() {
    let stage = stage(StageOptions {
        port: port::Options {
            token_life: Duration::from_secs(1),
            ..port::Options::default()
        },
        ..alone()
    })
    .await;
    let id = press(&stage, HELD);
    let on_github = started(&stage, &id).await;
    assert!(
        stage
            .port
            .wait_until(SOON, |port| port.count("token") >= 2)
            .await
    );
    stage.github.finish(on_github.id, "success");
    succeeded(&stage, &id).await;
    let refused = stage
        .port
        .exchanges()
        .iter()
        .filter(|it| it.status == Some(401))
        .count();
    assert_eq!(refused, 0);
    strike(stage).await;
}

#[tokio::test]
async fn one_run_that_cannot_be_read_fails_alone() {
    let stage = stage(alone()).await;
    let run = |id: &str, properties: serde_json::Value| {
        json!({"id": id, "status": "IN_PROGRESS", "action": {"identifier": "x"}, "payload": {
            "type": "INTEGRATION_ACTION",
            "installationId": INSTALLATION,
            "integrationActionType": "dispatch_workflow",
            "integrationActionExecutionProperties": properties,
        }})
    };
    let mut before: Vec<_> = (0..3).map(|_| press(&stage, DEPLOY)).collect();
    let null = run("r_null", json!(null));
    let mut typeless = run("r_typeless", json!({}));
    typeless["payload"]
        .as_object_mut()
        .unwrap()
        .remove("integrationActionType");
    let mut nameless = run("", json!({}));
    nameless.as_object_mut().unwrap().remove("id");
    // A status that nobody knows is no reason to refuse a run.
    let mut odd = run("r_odd", serde_json::from_str(DEPLOY).unwrap());
    odd["status"] = json!("WAITING_FOR_THE_MOON");
    for raw in [&null, &typeless, &nameless, &odd] {
        stage
            .port
            .create_raw_pending_run(Kind::Action, &raw.to_string());
    }
    before.extend((0..3).map(|_| press(&stage, DEPLOY)));
    for id in &before {
        succeeded(&stage, id).await;
    }
    succeeded(&stage, "r_odd").await;
    failed_saying(
        &stage,
        "r_null",
        &["cannot be read", "integrationActionExecutionProperties"],
    )
    .await;
    failed_saying(
        &stage,
        "r_typeless",
        &["cannot be read", "integrationActionType"],
    )
    .await;
    strike(stage).await;
}

// GitHub.

#[tokio::test]
async fn a_rate_limit_is_waited_for_and_said_once_and_the_run_is_dispatched_once() {
    tokio::join!(a_limit_is_waited_for(403), a_limit_is_waited_for(429));
}

async fn a_limit_is_waited_for(status: u16) {
    let stage = stage(alone()).await;
    let limit = Fault::new("dispatch", secondary_limit(status, Some(1)));
    stage.github.inject(limit.once());
    let id = press(&stage, DEPLOY);
    let waits = |_: &port::Port| shows_label(&stage, &id, "Waiting: ");
    assert!(stage.port.wait_until(SOON, waits).await);
    let run = succeeded(&stage, &id).await;
    let is_waiting = |value: &serde_json::Value| {
        let label = value["statusLabel"].as_str();
        label.is_some_and(|label| label.contains("secondary rate limit"))
    };
    let said = run.updates.iter().filter(|(_, it)| is_waiting(it)).count();
    assert_eq!(said, 1, "{run:#?}");
    // One that was refused, and one.
    assert_eq!(stage.github.count("dispatch"), 2);
    assert_eq!(stage.github.runs().len(), 1);
    strike(stage).await;
}

#[tokio::test]
async fn a_rate_limit_without_a_time_is_waited_for_and_nothing_is_sent_meanwhile() {
    let stage = stage(alone()).await;
    stage
        .github
        .inject(Fault::new("dispatch", secondary_limit(403, None)).once());
    let id = press(&stage, DEPLOY);
    assert!(
        stage
            .port
            .wait_until(SOON, |_| shows_label(&stage, &id, "Waiting: "))
            .await
    );
    tokio::time::sleep(300 * MILLISECOND).await;
    assert!(!stage.port.run(&id).unwrap().ended());
    assert_eq!(
        (
            stage.github.count("dispatch"),
            stage.port.count("patch-run")
        ),
        (1, 1)
    );
    strike_early(stage).await;
}

#[tokio::test]
async fn a_quota_that_is_used_up_is_waited_for() {
    let stage = stage(StageOptions {
        github: github::Options {
            rate_window: Duration::from_secs(1),
            ..github::Options::default()
        },
        ..alone()
    })
    .await;
    stage.github.set_remaining(&stage.github.token(), 0);
    let id = press(&stage, DEPLOY);
    assert!(
        stage
            .port
            .wait_until(SOON, |_| shows_label(&stage, &id, "Waiting: "))
            .await
    );
    succeeded(&stage, &id).await;
    assert_eq!(stage.github.count("dispatch"), 1);
    strike(stage).await;
}

#[tokio::test]
async fn a_pause_of_one_installation_holds_up_no_other() {
    let role = |id: &str| Role {
        token: Some(format!("token-of-{id}")),
        ..Role::self_hosted(id)
    };
    let stage = stage(StageOptions::with(vec![role("acme"), role("globex")])).await;
    stage
        .github
        .inject(Fault::new("dispatch", secondary_limit(403, Some(3_600))).once());
    let press = |id| {
        stage
            .port
            .create_action_run(id, "dispatch_workflow", DEPLOY)
    };
    let limited = press("acme");
    assert!(
        stage
            .port
            .wait_until(SOON, |_| shows_label(&stage, &limited, "Waiting: "))
            .await
    );
    succeeded(&stage, &press("globex")).await;
    assert!(!stage.port.run(&limited).unwrap().ended());
    strike_early(stage).await;
}

#[tokio::test]
async fn a_dispatch_that_worked_in_spite_of_its_answer_is_adopted() {
    let effects: [fn() -> Effect; 4] = [
        server_error_after_processing,
        || Effect::CutAfterProcessing,
        || Effect::TruncateBody,
        || Effect::GarbageBody,
    ];
    let stage = stage(alone()).await;
    let repository = |number: usize| Repository::new("acme", format!("shop-{number}"));
    let mut runs = Vec::new();
    for (number, effect) in effects.into_iter().enumerate() {
        let workflow = Workflow::new("deploy.yml");
        stage
            .github
            .add_repository(repository(number).workflow(workflow));
        let name = format!("shop-{number}");
        let path = format!("{name}/actions");
        stage.github.inject(
            Fault::new("dispatch", effect())
                .when_path_contains(path)
                .once(),
        );
        runs.push((press(&stage, &DEPLOY.replace("shop", &name)), name));
    }
    for (id, name) in runs {
        let run = succeeded(&stage, &id).await;
        assert_eq!(
            run_on_github(&stage, &run.external_run_id.unwrap()).repo,
            name
        );
    }
    assert_eq!(
        (stage.github.count("dispatch"), stage.github.runs().len()),
        (4, 4)
    );
    strike(stage).await;
}

#[tokio::test]
async fn a_dispatch_that_was_lost_is_never_repeated_and_the_remedy_is_told() {
    let stage = stage(StageOptions::with(vec![Role {
        settings: r#"{"discovery-seconds":1}"#.to_owned(),
        ..Role::self_hosted(INSTALLATION)
    }]))
    .await;
    stage
        .github
        .inject(Fault::new("dispatch", Effect::CutBeforeProcessing).once());
    let id = press(&stage, DEPLOY);
    let words = [
        "may have been started",
        "acme/shop/actions/workflows/deploy.yml",
    ];
    let run = failed_saying(&stage, &id, &words).await;
    assert_eq!(run.status_label.as_deref(), Some("Outcome unknown"));
    assert_eq!(
        (stage.github.count("dispatch"), stage.github.runs().len()),
        (1, 0)
    );
    strike(stage).await;
}

#[tokio::test]
async fn a_server_that_tells_no_run_ids_is_searched_and_each_run_finds_its_own() {
    let stage = stage(StageOptions {
        github: github::Options {
            return_run_details_supported: false,
            ..github::Options::default()
        },
        ..alone()
    })
    .await;
    let ids = [press(&stage, HELD), press(&stage, HELD)];
    let mut found = Vec::new();
    for id in &ids {
        found.push(started(&stage, id).await.id);
    }
    assert_ne!(found[0], found[1]);
    assert_eq!(stage.github.runs().len(), 2);
    stage.github.finish(found[0], "success");
    stage.github.finish(found[1], "failure");
    assert_eq!(ended(&stage, &ids[0]).await.status, "SUCCESS");
    assert_eq!(ended(&stage, &ids[1]).await.status, "FAILURE");
    strike(stage).await;
}

#[tokio::test]
async fn github_that_fails_before_anything_is_sent_is_asked_again() {
    let stage = stage(alone()).await;
    stage
        .github
        .inject(Fault::new("get-repository", bad_gateway()).once());
    stage.github.inject(
        Fault::new("get-repository", Effect::CutBeforeProcessing)
            .after(1)
            .once(),
    );
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_eq!(stage.github.count("dispatch"), 1);
    strike(stage).await;
}

#[tokio::test]
async fn a_credential_that_github_does_not_accept_fails_the_run_clearly() {
    let stage = stage(alone()).await;
    stage
        .github
        .set_standing(&stage.github.token(), Standing::Expired);
    let words = [
        "Bad credentials",
        "Renew the GitHub credential",
        "bad-credentials",
    ];
    let run = failed_saying(&stage, &press(&stage, DEPLOY), &words).await;
    assert_eq!(run.status_label.as_deref(), Some("Not authorized"));
    assert_eq!(stage.github.runs().len(), 0);
    stage
        .github
        .set_standing(&stage.github.token(), Standing::Valid);
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    strike(stage).await;
}

#[tokio::test]
async fn a_credential_without_the_permission_fails_the_run_and_the_permission_is_named() {
    let stage = stage(StageOptions {
        github: github::Options {
            tokens: vec!["token-that-reads".to_owned()],
            ..github::Options::default()
        },
        ..alone()
    })
    .await;
    stage
        .github
        .add_token("token-that-reads", false, "ocean-runner[bot]");
    let words = ["403", "`actions: write`", "permission-missing"];
    failed_saying(&stage, &press(&stage, DEPLOY), &words).await;
    strike(stage).await;
}

#[tokio::test]
async fn two_runs_with_the_same_partition_key_never_overlap_in_dispatch() {
    let steps = Steps::default();
    let stage = stage(StageOptions {
        observer: Some(steps.observer()),
        ..alone()
    })
    .await;
    stage
        .github
        .inject(Fault::new("dispatch", Effect::HoldReply(60 * MILLISECOND)));
    for id in [
        press(&stage, DEPLOY),
        press(&stage, DEPLOY),
        press(&stage, DEPLOY),
    ] {
        succeeded(&stage, &id).await;
    }
    let mut dispatching = None;
    let mut dispatches = 0;
    for (run, step) in steps.so_far() {
        match step {
            Step::Dispatching { .. } => {
                assert_eq!(dispatching, None, "{run} overlaps");
                dispatching = Some(run);
            }
            Step::Started { .. } => {
                assert_eq!(dispatching, Some(run));
                dispatching = None;
                dispatches += 1;
            }
            _ => {}
        }
    }
    assert_eq!(dispatches, 3);
    strike(stage).await;
}

// Many.

#[tokio::test]
async fn a_hundred_runs_at_once_of_three_installations_all_end_as_they_should() {
    let role = |id: &str| Role {
        token: Some(format!("token-of-{id}")),
        ..Role::self_hosted(id)
    };
    let installations = ["acme", "globex", "initech"];
    let stage = stage(StageOptions::with(installations.map(role).to_vec())).await;
    let began = Instant::now();
    let runs: Vec<_> = (0..100)
        .map(|number: usize| {
            let properties = if number.is_multiple_of(4) {
                TEST
            } else {
                DEPLOY
            };
            let installation = installations[number % 3];
            let id = match number % 5 {
                0 => stage
                    .port
                    .create_node_run(installation, "dispatch_workflow", properties),
                _ => stage
                    .port
                    .create_action_run(installation, "dispatch_workflow", properties),
            };
            (id, installation, properties == DEPLOY)
        })
        .collect();
    let all_ended = |port: &port::Port| port.runs().iter().all(port::RunView::ended);
    assert!(
        stage.port.wait_until(3 * SOON, all_ended).await,
        "after {:?}",
        began.elapsed()
    );
    for (id, installation, is_good) in &runs {
        let run = ended(&stage, id).await;
        assert_eq!(run.succeeded(), *is_good, "{run:#?}");
        let on_github = run_on_github(&stage, &run.external_run_id.unwrap());
        assert_eq!(on_github.actor, format!("{installation}[bot]"));
    }
    assert_eq!(stage.github.runs().len(), 100);
    strike(stage).await;
}

#[tokio::test]
async fn a_host_that_stops_claims_no_more_and_says_what_is_left() {
    let (log, _listening) = Log::listen();
    let stage = stage(alone()).await;
    let id = press(&stage, HELD);
    started(&stage, &id).await;
    let Stage { github, port, host } = stage;
    assert_eq!(host.shutdown(50 * MILLISECOND).await, 1);
    let claims = port.count("claim");
    port.create_action_run(INSTALLATION, "dispatch_workflow", DEPLOY);
    tokio::time::sleep(200 * MILLISECOND).await;
    assert_eq!((port.count("claim"), github.count("dispatch")), (claims, 1));
    assert_eq!((port.violations(), github.violations()), (vec![], vec![]));
    assert_eq!(log.count("ERROR"), 0);
}

/// The first run has ended and is forgotten when the second looks for its own, so the first comes into question
/// again: `Attempt::taken` has to name runs that ended within the search's slack too.
#[tokio::test]
async fn a_run_that_has_just_ended_is_not_mistaken_for_the_next_one() {
    let stage = stage(StageOptions {
        github: github::Options {
            return_run_details_supported: false,
            ..github::Options::default()
        },
        ..StageOptions::with(vec![Role {
            settings: r#"{"discovery-seconds":1}"#.to_owned(),
            ..Role::self_hosted(INSTALLATION)
        }])
    })
    .await;
    let first = succeeded(&stage, &press(&stage, DEPLOY)).await;
    let second = succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_ne!(first.external_run_id, second.external_run_id);
    strike(stage).await;
}

/// Deliveries have no order. News of an earlier stage has to be dropped once a later one is shown.
#[tokio::test]
async fn a_late_delivery_does_not_take_the_label_back() {
    let stage = stage(alone()).await;
    let late = DeliveryEffect::Overtaken(150 * MILLISECOND);
    let fault = DeliveryFault::new("workflow_run", late).action("requested");
    stage.github.inject_delivery(fault);
    let id = press(&stage, HELD);
    let on_github = started(&stage, &id).await;
    stage.github.advance(on_github.id, Phase::InProgress);
    delivered(&stage, on_github.id, "requested").await;
    tokio::time::sleep(50 * MILLISECOND).await;
    let label = stage.port.run(&id).unwrap().status_label;
    stage.github.finish(on_github.id, "success");
    succeeded(&stage, &id).await;
    assert_eq!(label.as_deref(), Some("Running"));
    strike(stage).await;
}

/// Port's first 409 says that the run has ended; whatever else there is to tell need not be sent.
#[tokio::test]
async fn a_run_that_a_person_has_ended_in_port_is_left_alone() {
    let stage = stage(alone()).await;
    let id = press(&stage, HELD);
    let on_github = started(&stage, &id).await;
    assert!(stage.port.end_elsewhere(&id, false));
    stage.github.finish(on_github.id, "success");
    delivered(&stage, on_github.id, "completed").await;
    assert_eq!(ended(&stage, &id).await.status, "FAILURE");
    strike(stage).await;
}
