//! Sending as a GitHub App: the host gets tokens, renews them, and says why it gets none.

use crate::scene::{DEPLOY, INSTALLATION, alone, failed_saying, press, stage, strike, succeeded};
use host_harness::simulator::github::{self, AppInstallation};
use host_harness::stage::{Role, Sends, Stage, StageOptions};

/// A stage for one self-hosted installation that sends as the App.
fn as_app(github: github::Options) -> StageOptions {
    StageOptions {
        roles: vec![Role {
            sends: Sends::AsApp,
            ..Role::self_hosted(INSTALLATION)
        }],
        github,
        ..alone()
    }
}

/// The App on these accounts.
fn installed_on(accounts: &[&str]) -> github::Options {
    github::Options {
        app_installations: accounts.iter().copied().map(AppInstallation::on).collect(),
        ..github::Options::default()
    }
}

fn press_other(stage: &Stage) -> String {
    let properties = r#"{"org":"globex","repo":"api","workflow":"deploy.yml"}"#;
    press(stage, properties)
}

/// How many requests GitHub has answered with 401.
fn refused(stage: &Stage) -> usize {
    let exchanges = stage.github.exchanges();
    exchanges.iter().filter(|it| it.status == Some(401)).count()
}

#[tokio::test]
async fn a_token_that_github_has_revoked_is_renewed_and_the_run_started_once() {
    let stage = stage(as_app(installed_on(&["acme"]))).await;
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_eq!(stage.github.revoke_app_tokens("acme"), 1);
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    assert_eq!(stage.github.app_tokens_minted("acme"), 2);
    assert_eq!(stage.github.runs().len(), 2);
    // As many as were under way side by side: the dispatch, and what the checks of the first run ask.
    assert!(refused(&stage) >= 1);
    strike(stage).await;
}

#[tokio::test]
async fn the_clock_of_github_counts_and_not_the_hosts() {
    for clock_offset_seconds in [3_600, -3_600] {
        let stage = stage(as_app(github::Options {
            clock_offset_seconds,
            ..installed_on(&["acme"])
        }))
        .await;
        succeeded(&stage, &press(&stage, DEPLOY)).await;
        assert_eq!(stage.github.app_tokens_minted("acme"), 1);
        strike(stage).await;
    }
}

#[tokio::test]
async fn a_missing_or_suspended_installation_is_said_to_whoever_pressed_the_button() {
    let stage = stage(as_app(github::Options {
        app_installations: vec![AppInstallation::on("acme").suspended()],
        ..github::Options::default()
    }))
    .await;
    let suspended = press(&stage, DEPLOY);
    let missing = press_other(&stage);
    let app = stage.github.app_client_id();
    let said = format!("the GitHub App {app} is suspended for acme");
    failed_saying(&stage, &suspended, &[&said, "unsuspend"]).await;
    let said = format!("the GitHub App {app} is not installed for globex");
    failed_saying(&stage, &missing, &[&said, "install it there"]).await;
    assert_eq!(stage.github.runs().len(), 0);
    strike(stage).await;
}
