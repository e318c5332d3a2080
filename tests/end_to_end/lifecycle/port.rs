//! Port that fails, is slow, or has been told something by somebody else.

use super::MILLISECOND;
use crate::scene::{
    DEPLOY, HELD, INSTALLATION, SOON, alone, press, stage, started, strike, succeeded,
};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::StageOptions;

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
