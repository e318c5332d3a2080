//! Every row of the table of outcomes: what GitHub answers, and what the component makes of it.

use crate::bench::{Bench, PROPERTIES};

#[tokio::test]
async fn a_200_with_an_id_is_a_start() {
    let bench = Bench::new().await;
    let started = bench.dispatch(PROPERTIES).await.unwrap();
    let run = &bench.github.runs()[0];
    assert_eq!(started.external_run_id, run.external_id);
    assert_eq!(started.link.as_deref(), Some(run.html_url.as_str()));
    bench.expect_no_violations();
}
