//! When what may happen: turns, caps, pauses, time limits, and what an operator sees of them.

use crate::scene::{
    DEPLOY, INSTALLATION, SOON, alone, press, stage, started, strike, strike_early, succeeded,
};
use crate::sender::get;
use host_harness::simulator::github::{self, Repository, Workflow, secondary_limit};
use host_harness::simulator::port::{Kind, NewRun};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::{Role, Sends, Stage, StageOptions};
use std::time::{Duration, Instant};

const MILLISECOND: Duration = Duration::from_millis(1);

/// An installation with a credential of its own.
fn role(id: &str) -> Role {
    Role {
        sends: Sends::Token(format!("token-of-{id}")),
        ..Role::self_hosted(id)
    }
}

/// How long a run waits from the button to the link.
async fn delay(stage: &Stage, installation: &str) -> Duration {
    let pressed = Instant::now();
    let port = &stage.port;
    let id = port.create_action_run(installation, "dispatch_workflow", DEPLOY);
    started(stage, &id).await;
    pressed.elapsed()
}

/// A hundred runs of ten workflows, each of which GitHub takes 50 ms to start.
#[tokio::test]
async fn an_installation_that_floods_does_not_hold_up_a_quiet_one() {
    let stage = stage(StageOptions::with(vec![role("flood"), role("quiet")])).await;
    let slow = Effect::HoldReply(50 * MILLISECOND);
    stage.github.inject(Fault::new("dispatch", slow));
    let workflows: Vec<String> = (0..10)
        .map(|number| format!("flood-{number}.yml"))
        .collect();
    let mut repository = Repository::new("acme", "many");
    for workflow in &workflows {
        repository = repository.workflow(Workflow::new(workflow.as_str()).manual());
    }
    stage.github.add_repository(repository);
    let alone = delay(&stage, "quiet").await;
    for number in 0..100 {
        let workflow = &workflows[number % workflows.len()];
        let properties = format!(r#"{{"org":"acme","repo":"many","workflow":"{workflow}"}}"#);
        let port = &stage.port;
        port.create_action_run("flood", "dispatch_workflow", &properties);
    }
    let is_flooded = |github: &github::GitHub| github.count("dispatch") > 8;
    assert!(stage.github.wait_until(SOON, is_flooded).await);
    let beside = delay(&stage, "quiet").await;
    println!("a quiet installation waits {beside:?} beside a flood, {alone:?} alone");
    let dispatched = stage.github.count("dispatch");
    assert!(dispatched < 95, "the flood was over: {dispatched}");
    assert!(
        beside < alone * 2 + 150 * MILLISECOND,
        "{beside:?}, alone {alone:?}"
    );
    strike_early(stage).await;
}

#[tokio::test]
async fn an_installation_has_no_more_than_its_share_of_dispatches_under_way() {
    let stage = stage(alone()).await;
    let slow = Effect::HoldReply(100 * MILLISECOND);
    stage.github.inject(Fault::new("dispatch", slow));
    let mut repository = Repository::new("acme", "many");
    for number in 0..20 {
        let workflow = Workflow::new(format!("{number}.yml")).manual();
        repository = repository.workflow(workflow);
    }
    stage.github.add_repository(repository);
    for number in 0..20 {
        let properties = format!(r#"{{"org":"acme","repo":"many","workflow":"{number}.yml"}}"#);
        press(&stage, &properties);
    }
    let mut most = 0;
    while stage.github.count("dispatch") < 20 {
        most = most.max(stage.host.lifecycle().census().dispatches);
        tokio::time::sleep(5 * MILLISECOND).await;
    }
    assert_eq!(most, 8);
    strike_early(stage).await;
}

#[tokio::test]
async fn an_action_that_fills_its_part_of_the_buffer_is_excluded_and_another_gets_through() {
    let stage = stage(alone()).await;
    let press = |action: &str, workflow: &str| {
        stage.port.create(NewRun {
            kind: Kind::Action,
            installation_id: INSTALLATION.to_owned(),
            action_type: "dispatch_workflow".to_owned(),
            properties: format!(r#"{{"org":"acme","repo":"shop","workflow":"{workflow}"}}"#),
            identifier: action.to_owned(),
        })
    };
    // Runs of one workflow are started one after the other, so these wait.
    let slow = Effect::HoldReply(400 * MILLISECOND);
    stage.github.inject(Fault::new("dispatch", slow));
    for _ in 0..150 {
        press("noisy", "deploy.yml");
    }
    let has_excluded = || {
        stage.port.exchanges().iter().any(|exchange| {
            exchange.operation == "claim" && {
                let body = String::from_utf8_lossy(&exchange.body);
                body.contains(r#""exclude":["noisy"]"#)
            }
        })
    };
    assert!(stage.port.wait_until(SOON, |_| has_excluded()).await);
    let other = press("other", "held.yml");
    started(&stage, &other).await;
    let waiting = stage.host.lifecycle().waiting_of(INSTALLATION);
    assert!(waiting[&Some("noisy".to_owned())] <= 90 + 50, "{waiting:?}");
    strike_early(stage).await;
}

#[tokio::test]
async fn an_idle_host_takes_a_run_of_either_kind_within_a_second_and_asks_each_list_once_a_second()
{
    let stage = stage(StageOptions {
        poll_interval: Duration::from_secs(1),
        ..alone()
    })
    .await;
    let mut delays = Vec::new();
    for pause in [130, 370, 610, 850] {
        tokio::time::sleep(pause * MILLISECOND).await;
        delays.push(delay(&stage, INSTALLATION).await);
        let pressed = Instant::now();
        let port = &stage.port;
        let node = port.create_node_run(INSTALLATION, "dispatch_workflow", DEPLOY);
        started(&stage, &node).await;
        delays.push(pressed.elapsed());
    }
    println!("pressed to started, idle: {delays:?}");
    assert!(
        delays.iter().all(|it| *it < Duration::from_millis(1_150)),
        "{delays:?}"
    );
    tokio::time::sleep(Duration::from_secs(2)).await;
    let claims = |port: &str| stage.port.count(port);
    let before = (claims("claim"), claims("claim-node"));
    tokio::time::sleep(Duration::from_secs(5)).await;
    let after = (claims("claim"), claims("claim-node"));
    let (actions, nodes) = (after.0 - before.0, after.1 - before.1);
    assert!(
        (4..=6).contains(&actions) && (4..=6).contains(&nodes),
        "{actions} {nodes}"
    );
    strike_early(stage).await;
}

#[tokio::test]
async fn runs_that_wait_for_the_rate_limit_say_so_once_hold_nothing_and_go_on_at_the_reset() {
    let stage = stage(StageOptions {
        github: github::Options {
            rate_window: Duration::from_secs(3),
            ..github::Options::default()
        },
        ..alone()
    })
    .await;
    // One run, so that the host knows its budget.
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    stage.github.set_remaining(&stage.github.token(), 21);
    let first = press(&stage, DEPLOY);
    succeeded(&stage, &first).await;
    let ids: Vec<String> = (0..5).map(|_| press(&stage, DEPLOY)).collect();
    let waits = |id: &String| {
        let run = stage.port.run(id).unwrap();
        let label = run.status_label.unwrap_or_default();
        label.contains("rate limit is nearly used up")
    };
    assert!(stage.port.wait_until(SOON, |_| ids.iter().all(waits)).await);
    let census = stage.host.lifecycle().census();
    assert_eq!(census.dispatches, 0);
    let (dispatched, requests) = (
        stage.github.count("dispatch"),
        stage.github.exchanges().len(),
    );
    tokio::time::sleep(300 * MILLISECOND).await;
    assert_eq!(stage.github.exchanges().len(), requests, "it spins");
    assert_eq!(stage.github.count("dispatch"), dispatched);
    for id in &ids {
        let run = succeeded(&stage, id).await;
        let said = run.updates.iter().filter(|(_, update)| {
            let label = update.get("statusLabel").and_then(|it| it.as_str());
            label.is_some_and(|label| label.starts_with("Waiting"))
        });
        assert_eq!(said.count(), 1, "{run:#?}");
    }
    strike(stage).await;
}

#[tokio::test]
async fn a_limit_without_a_time_holds_back_every_run_of_the_installation() {
    let stage = stage(StageOptions::with(vec![role("acme"), role("globex")])).await;
    let limit = Fault::new("dispatch", secondary_limit(403, None)).once();
    stage.github.inject(limit);
    let press = |id: &str| {
        let port = &stage.port;
        port.create_action_run(id, "dispatch_workflow", DEPLOY)
    };
    let limited = press("acme");
    let waits = |id: &str| {
        let label = stage.port.run(id).unwrap().status_label;
        label.is_some_and(|label| label.starts_with("Waiting"))
    };
    assert!(stage.port.wait_until(SOON, |_| waits(&limited)).await);
    let second = press("acme");
    assert!(stage.port.wait_until(SOON, |_| waits(&second)).await);
    assert_eq!(stage.github.count("dispatch"), 1);
    succeeded(&stage, &press("globex")).await;
    strike_early(stage).await;
}

#[tokio::test]
async fn what_the_host_does_is_counted_without_a_word_of_a_customer() {
    let stage = stage(alone()).await;
    succeeded(&stage, &press(&stage, DEPLOY)).await;
    let (status, text) = get(stage.host.address(), "/metrics").await;
    assert_eq!(status, 200);
    for line in [
        "host_harness_runs_ended_total{outcome=\"success\"} 1",
        "host_harness_dispatches_total{result=\"started\"} 1",
        "host_harness_installations{state=\"ready\"} 1",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let commits = "host_harness_journal_commits_total ";
    let commits = text.lines().find_map(|line| line.strip_prefix(commits));
    let commits: f64 = commits.unwrap().parse().unwrap();
    assert!(commits >= 5.0, "{commits}");
    for word in [INSTALLATION, "acme", "deploy"] {
        assert!(!text.contains(word), "{word}");
    }
    strike(stage).await;
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_thousand_parked_runs_of_fifty_installations_are_held_at_once_and_cost_little() {
    let held = crate::capacity::hold(50, 1_000).await;
    assert_eq!(held.requests_to_github, 0);
    assert!(held.parking < SOON * 4, "parked within {:?}", held.parking);
    let open_files = held.open_files;
    assert!(open_files < 700, "{open_files} open files");
    let (run, installation) = (held.per_run(), held.per_installation());
    assert!(
        run < 64 * 1024 && installation < 512 * 1024,
        "{run} bytes for a parked run, {installation} for an idle installation"
    );
}
