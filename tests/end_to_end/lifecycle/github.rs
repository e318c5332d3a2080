//! GitHub that refuses, limits, or loses its answers.

use super::shows_label;
use crate::scene::{
    DEPLOY, HELD, SOON, alone, ended, failed_saying, press, stage, started, strike, strike_early,
    succeeded,
};
use host_harness::simulator::Fault;
use host_harness::simulator::github::{self, Standing, secondary_limit};
use host_harness::stage::{Role, Sends, StageOptions};

#[tokio::test]
async fn a_pause_of_one_installation_holds_up_no_other() {
    let role = |id: &str| Role {
        sends: Sends::Token(format!("token-of-{id}")),
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
