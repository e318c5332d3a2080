//! Repairs of a webhook: each state that can be mended, once, and then nothing is left to mend.

use super::clinic::{Clinic, TOKEN};
use host_harness::simulator::{Effect, Fault};
use serde_json::{Value, json};

/// Makes a webhook that differs in these keys, has it repaired, and returns what it is then.
async fn repaired(but: Value, wrong: &[&str], changes: &[&str]) -> Value {
    let clinic = Clinic::new().await;
    let id = clinic.make_hook(but).await;
    let seen = clinic.look(&[]).await;
    seen.only_wrong(wrong);
    let first = clinic.look(&["--fix"]).await;
    let again = clinic.look(&["--fix"]).await;
    Clinic::mended(&first, &again, changes);
    for seen in [first, again] {
        assert_ne!(
            seen.state("webhook.deliveries"),
            "wrong",
            "{}",
            seen.finished
        );
    }
    clinic.discharge();
    let hooks = clinic.hooks().await;
    assert_eq!(hooks.len(), 1);
    assert_eq!(hooks[0]["id"], id);
    assert_eq!(hooks[0]["config"]["secret"], "********");
    let last = clinic.github.deliveries().pop().unwrap();
    assert_eq!(last.status_code, Some(202), "{last:?}");
    hooks[0].clone()
}

#[tokio::test]
async fn a_webhook_is_made_where_there_is_none() {
    let clinic = Clinic::new().await;
    let first = clinic.look(&["--fix"]).await;
    let again = clinic.look(&["--fix"]).await;
    Clinic::mended(&first, &again, &["made a webhook of the organization acme"]);
    first.expect("webhook.deliveries", "ok", &["with 202"]);
    assert_eq!(clinic.github.count("create-hook"), 1);
    let hooks = clinic.hooks().await;
    assert_eq!(hooks[0]["config"]["url"], clinic.listener.hook_url());
    clinic.discharge();
}

#[tokio::test]
async fn a_webhook_of_a_repository_is_made_where_there_is_no_organization() {
    let clinic = Clinic::new().await.instead("organization = \"acme\"\n", "");
    let fix = ["--fix", "--repository", "acme/shop"];
    let first = clinic.look(&fix).await;
    let again = clinic.look(&fix).await;
    Clinic::mended(
        &first,
        &again,
        &["made a webhook of the repository acme/shop"],
    );
    first.expect("webhook.deliveries", "ok", &["with 202"]);
    clinic.discharge();
}

#[tokio::test]
async fn a_url_that_has_moved_is_repaired() {
    let old = json!({"config.url": "http://127.0.0.1:9/webhooks/acme-github"});
    let wrong = ["webhook.deliveries", "webhook.url"];
    let hook = repaired(old, &wrong, &["the URL http://127.0.0.1:"]).await;
    assert_ne!(
        hook["config"]["url"],
        "http://127.0.0.1:9/webhooks/acme-github"
    );
}

#[tokio::test]
async fn a_webhook_that_is_switched_off_is_switched_on() {
    let off = json!({"active": false});
    let hook = repaired(off, &["webhook.active"], &["switched the webhook"]).await;
    assert_eq!(hook["active"], true);
}

#[tokio::test]
async fn events_are_added_to_those_that_there_are() {
    let some = json!({"events": ["push", "workflow_run"]});
    let changes = ["hear of push, workflow_run, workflow_job"];
    let hook = repaired(some, &["webhook.events"], &changes).await;
    assert_eq!(
        hook["events"],
        json!(["push", "workflow_run", "workflow_job"])
    );
}

#[tokio::test]
async fn a_form_becomes_json() {
    let form = json!({"config.content_type": "form"});
    let wrong = ["webhook.content-type"];
    let hook = repaired(form, &wrong, &["the content type json"]).await;
    assert_eq!(hook["config"]["content_type"], "json");
}

#[tokio::test]
async fn a_webhook_without_a_secret_is_given_ours() {
    let unsigned = json!({"config.secret": ""});
    let wrong = ["webhook.deliveries", "webhook.signed"];
    repaired(unsigned, &wrong, &["the secret that is configured here"]).await;
}

#[tokio::test]
async fn a_webhook_with_another_secret_is_given_ours() {
    let other = json!({"config.secret": "another secret"});
    let wrong = ["webhook.deliveries"];
    repaired(other, &wrong, &["the secret that is configured here"]).await;
}

#[tokio::test]
async fn everything_at_once_is_repaired_by_one_call() {
    let all = json!({
        "active": false,
        "events": ["push"],
        "config.content_type": "form",
        "config.secret": "",
        "config.url": "http://127.0.0.1:9/old/webhooks/acme-github",
    });
    let wrong = [
        "webhook.active",
        "webhook.content-type",
        "webhook.events",
        "webhook.signed",
        "webhook.url",
    ];
    repaired(all, &wrong, &["gave the webhook", "had the webhook"]).await;
}

#[tokio::test]
async fn a_repair_that_github_refuses_is_said_and_nothing_is_called_mended() {
    let clinic = Clinic::new().await;
    let words = r#"{"message":"Resource not accessible by personal access token"}"#;
    clinic
        .github
        .inject(Fault::new("create-hook", Effect::answer(403, words)));
    let public = clinic.listener.url.as_str();
    let finished = clinic.doctor(&["--fix", "--public-url", public]).await;
    finished.expect_code(1);
    let line = |word: &str| finished.stdout.lines().find(|line| line.contains(word));
    let failed = line("could not be done").unwrap();
    assert!(
        failed.contains("403: Resource not accessible"),
        "{finished}"
    );
    assert!(
        line("webhook.hook").unwrap().contains("wrong"),
        "{finished}"
    );
}

#[tokio::test]
async fn nothing_is_changed_without_being_told_to() {
    let clinic = Clinic::new().await;
    clinic
        .make_hook(json!({"active": false, "config.secret": ""}))
        .await;
    clinic
        .port
        .add_integration(crate::scene::INSTALLATION, false);
    let before = clinic.hooks().await;
    clinic.github.clear_log();
    clinic.port.clear_log();
    clinic.look(&["--repository", "acme/shop"]).await;
    clinic.github.add_token(TOKEN, true, "mona");
    clinic.look(&["--repository", "acme/shop"]).await;
    let exchanges = clinic.github.exchanges_that(|it| it.method != "GET");
    assert!(exchanges.is_empty(), "{exchanges:?}");
    assert_eq!(clinic.port.count("patch-integration"), 0);
    assert_eq!(clinic.hooks().await, before);
}
