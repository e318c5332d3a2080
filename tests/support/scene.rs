//! A whole stage with the real component, and how a test of it begins and ends.

use crate::component::runtime;
use host_harness::simulator::github::{Repository, Workflow};
use host_harness::simulator::port::RunView;
use host_harness::stage::{Stage, StageOptions};
use std::time::Duration;

/// A whole stage with the real component: see [`Stage`].
pub async fn stage(options: StageOptions) -> Stage {
    let stage = Stage::set(runtime().await, options).await.unwrap();
    stage.github.add_repository(
        Repository::new("acme", "shop").workflow(
            Workflow::new("deploy.yml")
                .queue_time(Duration::from_millis(20))
                .duration(Duration::from_millis(60)),
        ),
    );
    stage
}

/// How long a test waits for something that should happen at once.
pub const SOON: Duration = Duration::from_secs(10);

/// Waits until a run has ended in Port, and returns how.
pub async fn ended(stage: &Stage, id: &str) -> RunView {
    match stage.port.wait_until_ended(id, SOON).await {
        Some(run) if run.ended() => run,
        other => panic!("run {id} has not ended: {other:#?}"),
    }
}

/// Ends a test of a stage: fails it if the host or the component did anything that a correct client would never do.
pub async fn strike(stage: Stage) {
    assert_eq!(stage.violations(), Vec::<String>::new());
    stage.strike(Duration::from_secs(2)).await;
}
