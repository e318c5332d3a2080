//! What is said about the way to GitHub, and about a token.

use super::clinic::{Clinic, TOKEN, enterprise};
use crate::egress::tls_before;
use host_harness::simulator::github::{self, Standing};
use host_harness::simulator::{Effect, Fault};

/// What depends on an answer of GitHub's.
const REST: [&str; 5] = [
    "github.credential",
    "github.clock",
    "github.permissions",
    "github.rate-budget",
    "webhook.hook",
];

async fn expect_unreached(clinic: &Clinic, words: &[&str]) {
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&["github.reachable"]);
    seen.expect("github.reachable", "wrong", words);
    for check in REST {
        seen.expect(check, "not known", &["mend"]);
    }
    assert_eq!(seen.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_is_down_is_told_from_a_name_that_is_none() {
    let clinic = Clinic::healthy().await;
    clinic.github.set_reachable(false);
    expect_unreached(&clinic, &["refused", "firewall"]).await;
    let api = clinic.github.api_url();
    let label = "x".repeat(64);
    let clinic = clinic.instead(&api, &format!("http://{label}.invalid"));
    expect_unreached(&clinic, &["cannot be resolved", "name service"]).await;
}

#[tokio::test]
async fn an_address_that_is_not_allowed_is_named_with_the_exception() {
    let clinic = Clinic::healthy().await;
    let clinic = clinic.instead("allow-addresses = [\"127.0.0.0/8\"]", "");
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&["configuration"]);
    let words = [
        "api-url",
        "public addresses only",
        "allow-addresses = [\"127.0.0.1/32\"]",
    ];
    seen.expect("configuration", "wrong", &words);
    assert_eq!(
        clinic
            .github
            .exchanges_that(|it| it.operation == "rate-limit")
            .len(),
        0
    );
}

#[tokio::test]
async fn a_certificate_of_an_authority_that_nobody_knows_is_wrong_until_it_is_named() {
    let clinic = Clinic::healthy().await;
    let api = clinic.github.api_url();
    let (port, authority) = tls_before(api.replace("http://", "")).await;
    clinic.program.file("ca.pem", authority);
    let clinic = clinic.instead(&api, &format!("https://localhost:{port}"));
    expect_unreached(&clinic, &["certificate is not trusted", "ca-file"]).await;
    let clinic = clinic.and("ca-file = \"ca.pem\"");
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&[])
        .expect("github.reachable", "ok", &["https://localhost"]);
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_wrong() {
    let clinic = Clinic::healthy().await;
    let api = clinic.github.api_url();
    let clinic = clinic.instead(&api, &api.replace("http:", "https:"));
    expect_unreached(&clinic, &["TLS", "its scheme"]).await;
}

#[tokio::test]
async fn an_enterprise_server_is_looked_at_below_its_path_and_its_website_is_not_taken_for_it() {
    let clinic = Clinic::healthy().await;
    let (api, server) = (clinic.github.api_url(), enterprise(&clinic.github).await);
    let clinic = clinic.instead(&api, &format!("{server}/api/v3"));
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&[])
        .expect("github.reachable", "ok", &["/api/v3"]);
    seen.expect("webhook.deliveries", "ok", &[]);
    let clinic = clinic.instead("/api/v3", "");
    expect_unreached(&clinic, &["is not GitHub's API", "/api/v3"]).await;
}

#[tokio::test]
async fn an_enterprise_server_without_limits_is_asked_about_the_token_elsewhere() {
    let clinic = Clinic::healthy().await;
    let off = Effect::answer(404, r#"{"message":"Rate limiting is not enabled."}"#);
    clinic.github.inject(Fault::new("rate-limit", off));
    let seen = clinic.look(&[]).await;
    seen.expect("github.credential", "ok", &[]);
    seen.expect("github.rate-budget", "ok", &["no rate limit"]);
    clinic.github.set_standing(TOKEN, Standing::Expired);
    clinic
        .look(&[])
        .await
        .expect("github.credential", "wrong", &["401"]);
}

#[tokio::test]
async fn a_token_that_is_over_is_wrong() {
    let clinic = Clinic::healthy().await;
    clinic.github.set_standing(TOKEN, Standing::Expired);
    let seen = clinic.look(&["--fix"]).await;
    seen.only_wrong(&["github.credential"]);
    seen.expect("github.reachable", "ok", &[]);
    seen.expect(
        "github.credential",
        "wrong",
        &["401: Bad credentials", "make a new token"],
    );
    seen.expect("webhook.hook", "not known", &["github.credential"]);
}

#[tokio::test]
async fn without_a_credential_nothing_can_be_started() {
    let clinic = Clinic::healthy().await;
    let clinic = clinic.instead("credential = { token = { file = \"token\" } }", "");
    let seen = clinic.look(&[]).await;
    seen.only_wrong(&["github.credential"]);
    seen.expect(
        "github.credential",
        "wrong",
        &["anonymous", "set credential.token"],
    );
    clinic.discharge();
}

#[tokio::test]
async fn the_scopes_of_a_classic_token_are_looked_at() {
    let clinic = Clinic::healthy().await;
    for (scopes, state, word) in [
        ("repo, admin:org_hook", "ok", "the scope repo"),
        ("public_repo", "warning", "public repositories only"),
        ("read:org", "wrong", "its scopes are read:org"),
    ] {
        clinic.github.add_classic_token(TOKEN, "mona", scopes);
        let seen = clinic.look(&[]).await;
        seen.expect("github.permissions", state, &[word]);
    }
}

#[tokio::test]
async fn of_another_token_only_what_it_is_refused_is_known() {
    let clinic = Clinic::healthy().await;
    clinic.github.add_token(TOKEN, true, "mona");
    let seen = clinic.look(&[]).await;
    seen.expect("github.permissions", "not known", &["--repository"]);
    let of_shop = ["--repository", "acme/shop"];
    let seen = clinic.look(&of_shop).await;
    seen.expect(
        "github.permissions",
        "not known",
        &["reads workflows", "Actions: read and write"],
    );
    seen.expect("github.repository", "ok", &["acme/shop"]);
    clinic.github.add_token(TOKEN, false, "mona");
    let seen = clinic.look(&of_shop).await;
    seen.expect("github.permissions", "wrong", &["not write"]);
    clinic.discharge();
}

#[tokio::test]
async fn a_token_that_may_not_see_workflows_is_told_what_github_wants() {
    let clinic = Clinic::healthy().await;
    clinic.github.add_token(TOKEN, true, "mona");
    let words = r#"{"message":"Resource not accessible by personal access token"}"#;
    clinic
        .github
        .inject(Fault::new("list-workflows", Effect::answer(403, words)));
    let seen = clinic.look(&["--repository", "acme/shop"]).await;
    seen.expect(
        "github.permissions",
        "wrong",
        &["actions=read", "not accessible"],
    );
}

#[tokio::test]
async fn a_repository_that_is_hidden_or_archived_is_wrong() {
    let clinic = Clinic::healthy().await;
    let seen = clinic.look(&["--repository", "acme/nothing"]).await;
    seen.only_wrong(&["github.repository"]);
    seen.expect("github.repository", "wrong", &["404", "check its name"]);
    assert!(clinic.github.set_archived("acme", "shop", true));
    let seen = clinic.look(&["--repository", "acme/shop"]).await;
    seen.expect("github.repository", "wrong", &["archived"]);
}

#[tokio::test]
async fn a_rate_limit_that_is_used_up_is_wrong_and_one_that_runs_low_a_warning() {
    let clinic = Clinic::healthy().await;
    for (left, state, word) in [
        (4_000, "ok", "5000"),
        (200, "warning", "who else uses"),
        (20, "wrong", "scheduler.rate-threshold"),
    ] {
        assert!(clinic.github.set_remaining(TOKEN, left));
        let seen = clinic.look(&[]).await;
        seen.expect("github.rate-budget", state, &[word]);
    }
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_a_warning_for_a_token() {
    for (clock_offset_seconds, state, word) in [
        (10, "ok", "agrees"),
        (90, "warning", "s behind"),
        (-3_600, "warning", "s ahead of"),
    ] {
        let clinic = Clinic::with(github::Options {
            clock_offset_seconds,
            ..github::Options::default()
        })
        .await;
        let seen = clinic.look(&[]).await;
        seen.expect("github.clock", state, &[word]);
    }
}
