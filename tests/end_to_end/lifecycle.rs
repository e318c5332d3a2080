//! Whatever goes wrong between Port, the host and GitHub: each run ends as its workflow did, once, and nothing is started
//! twice.

mod deliveries;
mod github;
mod many;
mod port;

use crate::scene::SOON;
use host_harness::simulator::github::DeliveryView;
use host_harness::stage::Stage;
use std::time::Duration;

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
