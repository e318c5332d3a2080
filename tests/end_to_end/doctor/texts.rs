//! The texts as people see them, compared with files; and what the command refuses.

use super::clinic::Clinic;
use crate::scene::INSTALLATION;
use host_harness::simulator::github;
use serde_json::json;

/// What differs each time, replaced by words.
fn steady(clinic: &Clinic, text: &str) -> String {
    let known = [
        (clinic.github.api_url(), "GITHUB"),
        (clinic.port.base_url(), "PORT"),
        (clinic.listener.url.clone(), "LISTENER"),
    ];
    let mut text = text.to_owned();
    for (value, word) in known {
        text = text.replace(&value, word);
    }
    let mut lines = Vec::new();
    for line in text.lines() {
        let words = line.split(' ').map(|word| {
            let is_moment = word.len() > 19 && word.starts_with("20") && word.contains("T");
            if is_moment { "TIME)" } else { word }
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("\n") + "\n"
}

#[track_caller]
fn compare(name: &str, expected: &str, told: &str) {
    assert_eq!(
        told, expected,
        "tests/end_to_end/doctor/{name} says otherwise"
    );
}

#[tokio::test]
async fn a_healthy_set_up_reads_like_this() {
    let clinic = Clinic::healthy().await;
    let public = clinic.listener.url.as_str();
    let finished = clinic
        .doctor(&["--public-url", public, "--repository", "acme/shop"])
        .await;
    finished.expect_code(0);
    let told = steady(&clinic, &finished.stdout);
    compare("healthy.txt", include_str!("healthy.txt"), &told);
}

#[tokio::test]
async fn an_app_reads_like_this() {
    let clinic = Clinic::of_app(github::Options::default()).await;
    let finished = clinic.doctor(&[]).await;
    finished.expect_code(1);
    let told = steady(&clinic, &finished.stdout);
    compare("app.txt", include_str!("app.txt"), &told);
}

#[tokio::test]
async fn a_broken_set_up_reads_like_this_and_so_does_its_repair() {
    let clinic = Clinic::new().await;
    clinic.port.add_integration(INSTALLATION, false);
    clinic
        .make_hook(json!({
            "active": true,
            "events": ["workflow_run"],
            "config.content_type": "form",
            "config.secret": "another secret",
        }))
        .await;
    let public = clinic.listener.url.as_str();
    let finished = clinic.doctor(&["--public-url", public]).await;
    finished.expect_code(1);
    let told = steady(&clinic, &finished.stdout);
    compare("broken.txt", include_str!("broken.txt"), &told);
    let finished = clinic.doctor(&["--public-url", public, "--fix"]).await;
    finished.expect_code(0);
    let told = steady(&clinic, &finished.stdout);
    compare("fixed.txt", include_str!("fixed.txt"), &told);
}

#[tokio::test]
async fn one_installation_of_several_can_be_looked_at() {
    let clinic = Clinic::new().await;
    let (before, own) = clinic.config.split_once("[[installation]]").unwrap();
    let own = own.to_owned();
    let other = own.replace(INSTALLATION, "globex-github");
    let before = before.to_owned();
    let clinic = Clinic {
        config: format!("{before}[[installation]]{own}\n[[installation]]{other}"),
        ..clinic
    };
    let all = clinic.doctor(&["--output", "json"]).await.json();
    assert_eq!(all["installations"].as_array().unwrap().len(), 2);
    let one = clinic
        .doctor(&["--installation", "globex-github", "--output", "json"])
        .await;
    let one = one.json();
    assert_eq!(one["installations"].as_array().unwrap().len(), 1);
    assert_eq!(one["installations"][0]["id"], "globex-github");
    let none = clinic.doctor(&["--installation", "initech"]).await;
    let said = none.refusal();
    assert!(
        said.contains("\"initech\"") && said.contains("\"globex-github\""),
        "{said}"
    );
}

#[tokio::test]
async fn what_cannot_start_ends_with_two() {
    let clinic = Clinic::new().await.instead("[port]", "[prot]");
    let finished = clinic.doctor(&[]).await;
    assert!(
        finished.refusal().contains("did you mean `port`"),
        "{finished}"
    );
    for (option, value, word) in [
        ("--public-url", "hooks.example.com", "it cannot be read"),
        ("--repository", "shop", "owner/name"),
    ] {
        let finished = clinic.doctor(&[option, value]).await;
        finished.expect_code(2);
        assert!(finished.stderr.contains(word), "{finished}");
    }
}
