//! Many runs at once, and a host that stops.

use super::MILLISECOND;
use crate::scene::{
    DEPLOY, HELD, INSTALLATION, Log, SOON, TEST, alone, ended, press, run_on_github, stage,
    started, strike,
};
use host_harness::engine::Limits;
use host_harness::simulator::port;
use host_harness::stage::{Role, Sends, Stage, StageOptions};
use std::time::Instant;

#[tokio::test]
async fn a_hundred_runs_at_once_of_three_installations_all_end_as_they_should() {
    let role = |id: &str| Role {
        sends: Sends::Token(format!("token-of-{id}")),
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

#[tokio::test]
async fn a_plugin_that_wants_more_memory_than_it_may_fails_its_run_and_not_the_host() {
    let mut options = alone();
    options.roles[0].limits = Limits {
        memory: 1 << 20,
        ..Limits::default()
    };
    let stage = stage(options).await;
    let large = format!(
        r#"{{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{{"text":"{}"}}}}"#,
        "x".repeat(700_000)
    );
    let id = press(&stage, &large);
    let run = ended(&stage, &id).await;
    let summary = run.summary.unwrap();
    assert!(
        summary.contains(
            "the plugin's `plan` was stopped: it wanted more than 1048576 bytes of memory"
        ),
        "{summary}"
    );
    let next = press(&stage, DEPLOY);
    assert!(ended(&stage, &next).await.succeeded());
    strike(stage).await;
}
