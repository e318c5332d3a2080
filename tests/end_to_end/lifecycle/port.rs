//! Port that fails, is slow, or has been told something by somebody else.

use super::{MILLISECOND, delivered};
use crate::scene::{
    DEPLOY, HELD, INSTALLATION, SOON, alone, ended, failed_saying, press, stage, started, strike,
    succeeded,
};
use host_harness::simulator::port::{self, Kind};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::StageOptions;
use serde_json::json;
use std::time::Duration;

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
