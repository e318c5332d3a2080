//! A whole stage with the real component, and how a test of it begins and ends.

use crate::component::runtime;
use host_harness::lifecycle::Rules;
use host_harness::simulator::github::{self, Repository, Workflow};
use host_harness::simulator::port::RunView;
use host_harness::stage::{Role, Stage, StageOptions};
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::fmt::MakeWriter;

/// The installation of a stage with one.
pub const INSTALLATION: &str = "acme-github";

/// A workflow that succeeds at once.
pub const DEPLOY: &str = r#"{"org":"acme","repo":"shop","workflow":"deploy.yml"}"#;

/// A workflow that fails at once, in the step "Run cargo test" of the job "unit tests".
pub const TEST: &str = r#"{"org":"acme","repo":"shop","workflow":"test.yml"}"#;

/// A workflow that goes on only when the test says so.
pub const HELD: &str = r#"{"org":"acme","repo":"shop","workflow":"held.yml"}"#;

/// How long a test waits for something that should happen at once.
pub const SOON: Duration = Duration::from_secs(10);

/// Checks so often that a test can wait for one.
pub const OFTEN: Rules = Rules {
    first_check: Duration::from_millis(100),
    longest_check: Duration::from_millis(200),
    max_run: None,
    failure_grace: None,
    cancel_with_port: false,
    limit_pause: Duration::from_secs(60),
};

/// A stage for one self-hosted installation.
pub fn alone() -> StageOptions {
    StageOptions::with(vec![Role::self_hosted(INSTALLATION)])
}

/// A whole stage with the real component: see [`Stage`]. On its GitHub is the repository `acme/shop` with the three
/// workflows named above. Nothing of the host has run yet when this returns, so a test can still change the world.
pub async fn stage(options: StageOptions) -> Stage {
    let stage = Stage::set(runtime().await, options).await.unwrap();
    let quick = |workflow: Workflow| {
        workflow
            .queue_time(Duration::from_millis(20))
            .duration(Duration::from_millis(60))
    };
    stage.github.add_repository(
        Repository::new("acme", "shop")
            .branch("release")
            .workflow(quick(Workflow::new("deploy.yml")))
            .workflow(quick(Workflow::new("test.yml")).failing("unit tests", "Run cargo test"))
            .workflow(Workflow::new("held.yml").manual()),
    );
    stage
}

/// Presses the button: a pending action run of the installation.
pub fn press(stage: &Stage, properties: &str) -> String {
    let port = &stage.port;
    port.create_action_run(INSTALLATION, "dispatch_workflow", properties)
}

/// Waits until Port knows which run of GitHub a run has become, and returns that one.
pub async fn started(stage: &Stage, id: &str) -> github::RunView {
    let of = |id: &str| stage.port.run(id).and_then(|run| run.external_run_id);
    let has_started = stage.port.wait_until(SOON, |_| of(id).is_some()).await;
    assert!(
        has_started,
        "run {id} has not started: {:#?}",
        stage.port.run(id)
    );
    run_on_github(stage, &of(id).unwrap())
}

/// The run of GitHub with this external id.
pub fn run_on_github(stage: &Stage, external_id: &str) -> github::RunView {
    let runs = stage.github.runs();
    let run = runs.into_iter().find(|run| run.external_id == external_id);
    run.unwrap()
}

/// Waits until a run has ended in Port, and returns how.
pub async fn ended(stage: &Stage, id: &str) -> RunView {
    match stage.port.wait_until_ended(id, SOON).await {
        Some(run) if run.ended() => {
            assert_eq!(run.terminal_reports, 1, "{run:#?}");
            run
        }
        other => panic!(
            "run {id} has not ended: {other:#?} {:#?}",
            stage.port.run(id)
        ),
    }
}

/// Waits until a run has ended in Port, and fails the test unless it succeeded.
pub async fn succeeded(stage: &Stage, id: &str) -> RunView {
    let run = ended(stage, id).await;
    assert!(run.succeeded(), "{run:#?}");
    run
}

/// Waits until a run has ended in Port, and fails the test unless it failed and says all of this.
pub async fn failed_saying(stage: &Stage, id: &str, said: &[&str]) -> RunView {
    let run = ended(stage, id).await;
    assert!(!run.succeeded(), "{run:#?}");
    let mut text = run.summary.clone().unwrap_or_default();
    for line in &run.logs {
        text.push_str(&line.message);
    }
    for part in said {
        assert!(text.contains(part), "{part:?} is not said: {run:#?}");
    }
    run
}

/// Ends a test of a stage: fails it if the host or the component did anything that a correct client would never do, or
/// if the host still works on a run.
pub async fn strike(stage: Stage) {
    let host = stage.host.lifecycle().clone();
    let idle = tokio::time::timeout(Duration::from_secs(3), host.idle()).await;
    assert!(idle.is_ok(), "{} runs are still under way", host.active());
    strike_early(stage).await;
}

/// Ends a test of a stage whose host may still work on runs.
pub async fn strike_early(stage: Stage) {
    assert_eq!(stage.violations(), Vec::<String>::new());
    stage.strike(Duration::ZERO).await;
}

/// What the host writes into its log, on the thread of the test.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Reads along until the guard is dropped.
    pub fn listen() -> (Log, DefaultGuard) {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_ansi(false)
            .with_writer(log.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        // Another test may be writing the same line to nobody for the first time, and tracing would remember that nobody
        // listens to it. By now it has; so it is asked to look again.
        std::thread::sleep(Duration::from_millis(20));
        tracing::callsite::rebuild_interest_cache();
        (log, guard)
    }

    /// How many lines hold this text.
    pub fn count(&self, text: &str) -> usize {
        let bytes = self.0.lock().unwrap();
        let log = String::from_utf8_lossy(&bytes);
        log.lines().filter(|line| line.contains(text)).count()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Log {
    type Writer = Log;

    fn make_writer(&'a self) -> Log {
        self.clone()
    }
}
