//! Secrets are not on the page either, also where a server repeats what it was sent, and in whatever spelling.

use super::get;
use crate::canary::Haystack;
use crate::killable::Killable;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use host_harness::simulator::{Effect, Fault};

/// A token that looks like no other text.
const TOKEN: &str = "ghp_Canary7f3e9a1c5b2d8e4f6a0c9b7d5e3f";
const HOOK: &str = "canary-hook/Secret+with=signs?9c1e";

#[tokio::test]
async fn a_token_is_on_no_page_even_if_the_servers_repeat_it() {
    let mut world = Killable::new("[page]\nlisten = \"127.0.0.1:0\"\nallow-replay = true\n").await;
    world.github.add_token(TOKEN, true, "canary[bot]");
    world.program.file("token", TOKEN);
    world.program.file("hook-secret", HOOK);
    world.github.remove_webhook(world.webhook);
    let hook = format!("http://{}/webhooks/acme-github", world.address);
    world.github.add_webhook(hook, Some(HOOK.to_owned()));
    let basic = STANDARD.encode(format!("x-access-token:{TOKEN}"));
    let client_secret = world.port.client_secret();
    let message = format!("you sent Bearer {TOKEN}, {basic}, signed with {HOOK}");
    let body = serde_json::json!({ "message": message, "errors": [message] }).to_string();
    let repeated = Fault::new("dispatch", Effect::answer(422, body)).once();
    let repeated = world.github.inject(repeated);
    let text = serde_json::json!({"ok": false, "error": "no", "message": format!("{client_secret} {TOKEN}")});
    let refused = Fault::new("patch-run", Effect::answer(503, text.to_string())).once();
    world.port.inject(refused);
    world.start_with(&[]).await;
    world.listening().await;
    let place = world.page().await;
    let ids = [
        world.press("deploy.yml"),
        world.press("deploy.yml"),
        world.press("other.yml"),
    ];
    let mut haystack = Haystack::default();
    for id in &ids {
        world.ended(id).await;
    }
    for id in &ids {
        haystack.add(
            "a run",
            get(place, &format!("/runs/acme-github/{id}")).await,
        );
    }
    for path in ["/", "/deliveries"] {
        haystack.add(path, get(place, path).await);
    }
    assert_eq!(repeated.hits(), 1);
    assert!(haystack.size() > 100_000, "{} bytes", haystack.size());
    for trace in [
        "signed with [secret]",
        "Sent with the host&#39;s credential",
        "x-github-delivery",
    ] {
        assert!(
            !haystack.find(trace).is_empty(),
            "{trace:?} is nowhere, so nothing was tried"
        );
    }
    haystack.expect_none([TOKEN, HOOK, client_secret.as_str()]);
    // Neither a credential nor a proof of one.
    for field in ["authorization", "x-hub-signature", "sha256="] {
        assert_eq!(haystack.find(field), Vec::<String>::new());
    }
    world.terminate().await.expect_code(0);
}
