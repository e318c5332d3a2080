//! What is said about a GitHub App, and its webhook.

use super::clinic::{Clinic, HOOK_SECRET};
use host_harness::simulator::github::{self, AppInstallation};
use serde_json::json;

/// The App on the organization, with its webhook as it should be.
async fn healthy() -> Clinic {
    let clinic = Clinic::of_app(github::Options::default()).await;
    let secret = Some(HOOK_SECRET.to_owned());
    clinic
        .github
        .add_webhook(clinic.listener.hook_url(), secret);
    clinic
}

#[tokio::test]
async fn an_app_whose_webhook_is_right_is_ok_as_far_as_github_tells() {
    let clinic = healthy().await;
    let seen = clinic.look(&["--repository", "acme/shop"]).await;
    seen.only_wrong(&[]);
    for (check, word) in [
        ("github.credential", "ocean-runner"),
        ("github.app-installed", "acme"),
        ("github.permissions", "write actions"),
        ("github.rate-budget", "a tenth of 5000"),
        ("github.repository", "acme/shop"),
        ("webhook.hook", "the webhook of the App"),
        ("webhook.events", "workflow_run"),
        ("webhook.signed", "signs"),
    ] {
        seen.expect(check, "ok", &[word]);
    }
    // GitHub does not tell the first of an App's hook, and the second when there was nothing to deliver.
    assert_eq!(
        seen.in_state("not known"),
        ["webhook.active", "webhook.deliveries"]
    );
    clinic.discharge();
}

#[tokio::test]
async fn a_key_of_another_app_is_wrong() {
    let clinic = healthy().await;
    let id = clinic.github.app_client_id();
    let clinic = clinic.instead(&id, "Iv1.0123456789abcdef");
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["github.credential"]);
    seen.expect("github.credential", "wrong", &["401", "of the same App"]);
    seen.expect("github.app-installed", "not known", &["github.credential"]);
}

#[tokio::test]
async fn an_app_that_is_not_installed_or_suspended_is_wrong() {
    let clinic = healthy().await;
    clinic.github.suspend("acme");
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["github.app-installed"]);
    seen.expect(
        "github.app-installed",
        "wrong",
        &["suspended for acme", "unsuspend"],
    );
    seen.expect("github.permissions", "not known", &["github.app-installed"]);
    clinic.github.uninstall("acme");
    let seen = clinic.look(&[]).await;
    seen.expect(
        "github.app-installed",
        "wrong",
        &["not installed for acme", "install the App"],
    );
    let clinic = clinic.instead("organization = \"acme\"\n", "");
    let seen = clinic.look(&[]).await;
    seen.expect("github.app-installed", "wrong", &["installed nowhere"]);
}

#[tokio::test]
async fn an_app_without_an_organization_in_the_configuration_is_looked_at_wherever_it_is_installed()
{
    let clinic = healthy().await.instead("organization = \"acme\"\n", "");
    let globex = AppInstallation::on("globex").permission("actions", "read");
    clinic.github.add_app_installation(globex);
    let seen = clinic.look(&[]).await;
    seen.expect("github.app-installed", "ok", &["acme, globex"]);
    seen.expect(
        "github.permissions",
        "wrong",
        &["actions: write for globex"],
    );
    clinic.github.suspend("globex");
    let seen = clinic.look(&[]).await;
    seen.expect("github.app-installed", "warning", &["suspended for globex"]);
    seen.expect("github.permissions", "ok", &[]);
}

#[tokio::test]
async fn an_installation_that_is_named_by_its_number_is_found_by_it() {
    let clinic = healthy().await;
    let id = clinic
        .github
        .add_app_installation(AppInstallation::on("acme").id(77));
    let key = "private-key = { file = \"app.pem\" }";
    let clinic = clinic.instead(key, &format!("{key}, installation-id = {id}"));
    clinic
        .look(&[])
        .await
        .expect("github.app-installed", "ok", &["acme"]);
    let clinic = clinic.instead("installation-id = 77", "installation-id = 78");
    clinic
        .look(&[])
        .await
        .expect("github.app-installed", "wrong", &["no installation 78"]);
}

#[tokio::test]
async fn permissions_that_are_missing_or_left_out_are_wrong() {
    let clinic = healthy().await;
    let less = AppInstallation::on("acme").without_permission("actions");
    clinic.github.add_app_installation(less);
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["github.permissions"]);
    seen.expect(
        "github.permissions",
        "wrong",
        &["actions: write", "accept it"],
    );
    clinic
        .github
        .add_app_installation(AppInstallation::on("acme"));
    let key = "private-key = { file = \"app.pem\" }";
    let clinic = clinic.instead(
        key,
        &format!("{key}, permissions = {{ metadata = \"read\" }}"),
    );
    let seen = clinic.look(&[]).await;
    seen.expect(
        "github.permissions",
        "wrong",
        &["credential.app.permissions"],
    );
}

#[tokio::test]
async fn a_clock_that_is_far_off_is_wrong_for_an_app() {
    for (clock_offset_seconds, state) in [
        (20, "ok"),
        (-120, "warning"),
        (900, "wrong"),
        (-900, "wrong"),
    ] {
        let options = github::Options {
            clock_offset_seconds,
            ..github::Options::default()
        };
        let clinic = Clinic::of_app(options).await;
        let seen = clinic.look(&[]).await;
        seen.expect("github.clock", state, &[]);
        seen.expect("github.credential", "ok", &[]);
    }
}

#[tokio::test]
async fn events_that_an_app_has_not_subscribed_to_are_wrong_and_no_request_can_mend_it() {
    let clinic = Clinic::of_app(github::Options {
        app_events: vec!["workflow_run".to_owned()],
        ..github::Options::default()
    })
    .await;
    let secret = Some(HOOK_SECRET.to_owned());
    clinic
        .github
        .add_webhook(clinic.listener.hook_url(), secret);
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&["webhook.events"]);
    seen.expect(
        "webhook.events",
        "wrong",
        &["workflow_job", "Permissions & events"],
    );
    assert_eq!(seen.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn an_app_without_a_webhook_is_given_one() {
    let clinic = Clinic::of_app(github::Options::default()).await;
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["webhook.hook"]);
    let first = clinic.look(&["--fix"]).await;
    let again = clinic.look(&["--fix"]).await;
    Clinic::mended(&first, &again, &["made a webhook of the App"]);
    again
        .expect("webhook.signed", "ok", &[])
        .expect("webhook.url", "ok", &[]);
    assert_eq!(clinic.github.count("update-hook-config"), 1);
    clinic.discharge();
}

#[tokio::test]
async fn an_apps_webhook_that_has_moved_or_is_not_signed_is_repaired() {
    let clinic = Clinic::of_app(github::Options::default()).await;
    let old = "http://127.0.0.1:9/webhooks/acme-github";
    clinic.github.add_webhook(old, None);
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["webhook.signed", "webhook.url"]);
    let first = clinic.look(&["--fix"]).await;
    let again = clinic.look(&["--fix"]).await;
    Clinic::mended(&first, &again, &["the secret that is configured here"]);
    assert!(first.changes()[0].contains(&clinic.listener.hook_url()));
    clinic.discharge();
}

#[tokio::test]
async fn an_apps_webhook_with_another_secret_is_repaired_and_what_was_refused_sent_again() {
    let clinic = Clinic::of_app(github::Options::default()).await;
    let other = Some("another secret".to_owned());
    clinic.github.add_webhook(clinic.listener.hook_url(), other);
    let run = clinic
        .github
        .start_foreign_run("acme", "shop", "deploy.yml", "push", "mona")
        .unwrap();
    clinic.github.finish(run, "success");
    let refused = |github: &github::GitHub| {
        let deliveries = github.deliveries();
        deliveries.len() >= 2 && deliveries.iter().all(|it| it.status_code == Some(401))
    };
    assert!(clinic.github.wait_until(crate::scene::SOON, refused).await);
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["webhook.deliveries"]);
    seen.expect(
        "webhook.deliveries",
        "wrong",
        &["with 401", "the signature is wrong", "--fix"],
    );
    let first = clinic.look(&["--fix"]).await;
    first
        .only_wrong(&[])
        .expect("webhook.deliveries", "ok", &["with 202"]);
    assert_eq!(first.changes().len(), 1, "{}", first.finished);
    let again = clinic.look(&["--fix"]).await;
    assert_eq!(again.changes(), Vec::<String>::new(), "{}", again.finished);
    again.only_wrong(&[]);
    clinic.discharge();
}

#[tokio::test]
async fn an_apps_webhook_of_somebody_else_is_left_alone() {
    let elsewhere = "http://127.0.0.1:9/somebody";
    let clinic = Clinic::of_app(github::Options::default()).await;
    clinic
        .github
        .add_webhook(elsewhere, Some("theirs".to_owned()));
    // The App may not see the organization's webhooks, so that one of them may be ours.
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&[]);
    seen.expect(
        "webhook.hook",
        "not known",
        &[
            elsewhere,
            "somebody else",
            "403",
            "Webhooks of the organization",
        ],
    );
    assert_eq!(seen.changes(), Vec::<String>::new());
    // It may now, and makes one there.
    let more = AppInstallation::on("acme").permission("organization_hooks", "write");
    clinic.github.add_app_installation(more);
    let seen = clinic.look(&[]).await;
    seen.expect(
        "webhook.hook",
        "wrong",
        &["the organization acme has none", elsewhere],
    );
    let first = clinic.look(&["--fix"]).await;
    let again = clinic.look(&["--fix"]).await;
    Clinic::mended(&first, &again, &["made a webhook of the organization acme"]);
    again.expect("webhook.deliveries", "ok", &["with 202"]);
    assert_eq!(clinic.hooks().await.len(), 1);
    assert_eq!(
        clinic.hooks().await[0]["events"],
        json!(["workflow_run", "workflow_job"])
    );
    clinic.discharge();
}
