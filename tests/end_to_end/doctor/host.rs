//! The doctor beside the real host: what the one repairs, the other takes.

use super::clinic::Clinic;
use serde_json::json;

#[tokio::test]
async fn a_set_up_that_is_repaired_while_the_host_runs_takes_deliveries() {
    let mut clinic = Clinic::new().await;
    let kept = host_harness::simulator::KeptAddress::find().unwrap();
    let address = kept.get();
    clinic.listener.url = format!("http://{address}/in");
    clinic.config = format!(
        "listen = \"{address}\"\npath-prefix = \"/in\"\n{}",
        clinic.config
    );
    clinic.program.file("host.toml", &clinic.config);
    let mut host = clinic.program.start(&["serve", "--config", "host.toml"]);
    host.line_with("listening on").await;
    clinic
        .make_hook(json!({"config.secret": "another secret"}))
        .await;
    // The prefix is the host's own, so that it is not said again.
    clinic.listener.url = format!("http://{address}");
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["webhook.deliveries"]);
    seen.expect(
        "webhook.deliveries",
        "wrong",
        &["with 401", "the webhook's secret differs"],
    );
    let first = clinic.look(&["--fix"]).await;
    let again = clinic.look(&["--fix"]).await;
    Clinic::mended(&first, &again, &["the secret that is configured here"]);
    first.expect("webhook.deliveries", "ok", &["with 202"]);
    host.terminate().await.expect_code(0);
    clinic.discharge();
}
