//! What is said about a webhook that is not as it should be.

use super::clinic::{Clinic, TOKEN};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn a_webhook_that_is_as_it_should_be_is_ok_in_every_check() {
    let clinic = Clinic::healthy().await;
    let seen = clinic.look(&[]).await;
    for (check, word) in [
        ("webhook.secret", "configured here"),
        ("webhook.hook", "the organization acme"),
        ("webhook.url", "/webhooks/acme-github"),
        ("webhook.active", "is active"),
        ("webhook.events", "workflow_run, workflow_job"),
        ("webhook.content-type", "JSON"),
        ("webhook.signed", "signs"),
        ("webhook.deliveries", "with 202"),
    ] {
        seen.expect(check, "ok", &[word]);
    }
    clinic.discharge();
}

#[tokio::test]
async fn without_a_webhook_what_depends_on_it_is_not_looked_at() {
    let clinic = Clinic::new().await;
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["webhook.hook"]);
    seen.expect(
        "webhook.hook",
        "wrong",
        &["the organization acme has none", "--fix"],
    );
    seen.expect("webhook.deliveries", "not known", &["webhook.hook"]);
    assert_eq!(clinic.hooks().await.len(), 0);
}

#[tokio::test]
async fn without_a_public_url_the_webhook_is_known_by_its_path_and_none_is_made() {
    let clinic = Clinic::new().await;
    let finished = clinic.doctor(&["--fix"]).await;
    finished.expect_code(1);
    assert!(finished.stdout.contains("--public-url"), "{finished}");
    assert_eq!(clinic.hooks().await.len(), 0);
    clinic.make_hook(json!({})).await;
    let finished = clinic.doctor(&["--fix", "--output", "json"]).await;
    let seen = super::clinic::Seen::of(finished);
    seen.only_wrong(&[]);
    seen.expect("webhook.url", "not known", &["--public-url"]);
    seen.expect("webhook.deliveries", "ok", &[]);
}

#[tokio::test]
async fn a_webhook_at_oceans_path_counts_if_it_goes_here_and_is_left_alone_elsewhere() {
    let clinic = Clinic::new().await;
    let url = |root: &str| format!("{root}/integration/webhook");
    let elsewhere = json!({"config.url": url("http://127.0.0.1:9"), "events": ["push"]});
    let id = clinic.make_hook(elsewhere).await;
    let before = clinic.hooks().await;
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["webhook.hook"]);
    let finished = clinic.doctor(&["--fix", "--output", "json"]).await;
    assert_eq!(
        super::clinic::Seen::of(finished).changes(),
        Vec::<String>::new()
    );
    assert_eq!(clinic.hooks().await, before);
    let path = format!("/orgs/acme/hooks/{id}");
    clinic.rest("DELETE", &path, &json!(null)).await;
    let here = json!({"config.url": url(&clinic.listener.url)});
    clinic.make_hook(here).await;
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&[])
        .expect("webhook.url", "ok", &["/integration/webhook"]);
    assert_eq!(seen.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn of_several_webhooks_that_may_be_ours_none_is_touched() {
    let clinic = Clinic::new().await;
    for port in [9, 10] {
        let url = format!("http://127.0.0.1:{port}/webhooks/acme-github");
        clinic
            .make_hook(json!({"config.url": url, "events": ["push"]}))
            .await;
    }
    let before = clinic.hooks().await;
    let seen = clinic.look(&["--fix"]).await;
    seen.expect("webhook.hook", "warning", &["there are 2"]);
    assert_eq!(seen.changes(), Vec::<String>::new());
    let ids = |hooks: &[serde_json::Value]| {
        hooks
            .iter()
            .map(|it| it["config"]["url"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(&clinic.hooks().await), ids(&before));
}

#[tokio::test]
async fn without_a_secret_here_no_webhook_is_made() {
    let clinic = Clinic::new().await;
    let line = "webhook-secret = { file = \"hook-secret\" }";
    let clinic = clinic.instead(line, "");
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&["webhook.hook", "webhook.secret"]);
    seen.expect(
        "webhook.secret",
        "wrong",
        &["every delivery is refused", "openssl rand"],
    );
    seen.expect("webhook.hook", "wrong", &["set webhook-secret"]);
    assert_eq!(clinic.hooks().await.len(), 0);
    let clinic = clinic.and("allow-unsigned-webhooks = true");
    let seen = clinic.look(&[]).await;
    seen.expect(
        "webhook.secret",
        "warning",
        &["anybody who reaches the listener"],
    );
}

#[tokio::test]
async fn a_secret_of_the_webhook_is_never_taken_away() {
    let clinic = Clinic::new().await;
    let id = clinic
        .make_hook(json!({"config.content_type": "form", "events": ["push"]}))
        .await;
    let clinic = clinic.instead("webhook-secret = { file = \"hook-secret\" }", "");
    let seen = clinic.look(&["--fix"]).await;
    assert_eq!(seen.changes().len(), 2, "{}", seen.finished);
    let hooks = clinic.hooks().await;
    assert_eq!(hooks[0]["id"], id);
    assert_eq!(hooks[0]["config"]["secret"], "********");
    assert_eq!(hooks[0]["config"]["content_type"], "json");
    assert_eq!(
        hooks[0]["events"],
        json!(["push", "workflow_run", "workflow_job"])
    );
    clinic.discharge();
}

#[tokio::test]
async fn a_webhook_that_nobody_can_sign_is_a_warning_where_that_is_accepted() {
    let clinic = Clinic::new().await;
    clinic.make_hook(json!({"config.secret": ""})).await;
    let clinic = clinic.instead(
        "webhook-secret = { file = \"hook-secret\" }",
        "allow-unsigned-webhooks = true",
    );
    let seen = clinic.look(&[]).await;
    seen.expect("webhook.signed", "warning", &["not signed"]);
    let clinic = clinic.instead("allow-unsigned-webhooks = true", "");
    let seen = clinic.look(&["--fix"]).await;
    seen.expect("webhook.signed", "wrong", &["set webhook-secret here"]);
    assert_eq!(seen.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn webhooks_that_the_token_may_not_see_are_not_known() {
    let clinic = Clinic::healthy().await;
    clinic.github.add_token(TOKEN, false, "mona");
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&[]);
    seen.expect("webhook.hook", "not known", &["404", "admin:org_hook"]);
    assert_eq!(seen.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn without_organization_and_repository_there_is_no_place_to_look() {
    let clinic = Clinic::new().await.instead("organization = \"acme\"\n", "");
    let seen = clinic.look(&[]).await;
    seen.expect("webhook.hook", "not known", &["--repository"]);
    let seen = clinic.look(&["--repository", "acme/shop"]).await;
    seen.expect(
        "webhook.hook",
        "wrong",
        &["the repository acme/shop has none"],
    );
}

#[tokio::test]
async fn two_webhooks_for_one_installation_are_a_warning() {
    let clinic = Clinic::healthy().await;
    let hook = json!({"config": {"url": clinic.listener.hook_url(), "content_type": "json"}, "events": ["workflow_run"]});
    clinic.rest("POST", "/repos/acme/shop/hooks", &hook).await;
    let seen = clinic.look(&["--repository", "acme/shop"]).await;
    seen.expect(
        "webhook.hook",
        "warning",
        &["there are 2", "delete the others"],
    );
}

#[tokio::test]
async fn certificates_that_github_does_not_check_are_a_warning() {
    let clinic = Clinic::new().await;
    clinic.make_hook(json!({"config.insecure_ssl": "1"})).await;
    let seen = clinic.look(&["--fix"]).await;
    seen.expect(
        "webhook.url",
        "warning",
        &["does not check the certificate"],
    );
    assert_eq!(seen.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn live_events_that_are_off_are_a_warning_and_no_webhook_is_looked_for() {
    let clinic = Clinic::new().await.and("live-events = false");
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&[]);
    seen.expect("webhook.hook", "warning", &["live events are off"]);
    assert_eq!(clinic.github.count("list-hooks"), 0);
}

#[tokio::test]
async fn what_answers_the_deliveries_is_said_and_not_mended_where_it_cannot_be() {
    let clinic = Clinic::new().await;
    for (status, words) in [
        (503, &["with 503", "the log of the host"][..]),
        (404, &["with 404", "path-prefix"]),
        (302, &["with 302", "does not follow"]),
    ] {
        clinic.listener.answers(status);
        let id = clinic.make_hook(json!({})).await;
        let seen = clinic.look(&["--fix"]).await;
        seen.only_wrong(&["webhook.deliveries"]);
        seen.expect("webhook.deliveries", "wrong", words);
        // What the listener has repeated of the secrets is blotted out.
        seen.expect("webhook.deliveries", "wrong", &["[secret] [secret]"]);
        assert_eq!(seen.changes(), Vec::<String>::new());
        let path = format!("/orgs/acme/hooks/{id}");
        clinic.rest("DELETE", &path, &json!(null)).await;
    }
    clinic.discharge();
}

#[tokio::test]
async fn a_listener_that_is_not_there_is_told_from_one_that_refuses() {
    let clinic = Clinic::new().await;
    let nobody = "http://127.0.0.1:9";
    let url = format!("{nobody}/webhooks/acme-github");
    clinic.make_hook(json!({ "config.url": url })).await;
    let arguments = ["--public-url", nobody, "--output", "json"];
    let seen = super::clinic::Seen::of(clinic.doctor(&arguments).await);
    seen.only_wrong(&["webhook.deliveries"]);
    seen.expect(
        "webhook.deliveries",
        "wrong",
        &["failed to connect", "check that the host runs"],
    );
}

#[tokio::test]
async fn deliveries_that_failed_before_the_last_are_a_warning() {
    let clinic = Clinic::new().await;
    clinic.listener.answers(500);
    let id = clinic.make_hook(json!({})).await;
    clinic.listener.answers(0);
    let path = format!("/orgs/acme/hooks/{id}/pings");
    clinic.rest("POST", &path, &json!({})).await;
    let answered =
        |github: &host_harness::simulator::github::GitHub| github.deliveries().len() == 2;
    assert!(
        clinic
            .github
            .wait_until(Duration::from_secs(10), answered)
            .await
    );
    let seen = clinic.look(&[]).await;
    seen.expect(
        "webhook.deliveries",
        "warning",
        &["with 202", "1 of the last 2", "with 500"],
    );
}
