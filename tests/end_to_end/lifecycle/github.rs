//! GitHub that refuses, limits, or loses its answers.

use super::{MILLISECOND, shows_label};
use crate::scene::{
    DEPLOY, HELD, INSTALLATION, SOON, Steps, alone, ended, failed_saying, press, run_on_github,
    stage, started, strike, strike_early, succeeded,
};
use host_harness::lifecycle::Step;
use host_harness::simulator::github::{
    self, Repository, Standing, Workflow, bad_gateway, secondary_limit,
    server_error_after_processing,
};
use host_harness::simulator::port;
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::{Role, Sends, StageOptions};
use std::time::Duration;

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
