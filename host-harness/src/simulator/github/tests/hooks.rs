//! Administration of webhooks over REST.

use super::super::super::testing::{Arrival, Receiver};
use super::super::*;
use super::*;

const SHOP_HOOKS: &str = "/repos/acme/shop/hooks";

fn wanted(url: &str, events: &[&str]) -> String {
    let config = json!({"url": url, "content_type": "json", "secret": "s3cret"});
    json!({"name": "web", "config": config, "events": events}).to_string()
}

async fn post(github: &GitHub, path: &str, body: &str) -> Outcome<Answer> {
    send(github, "POST", path, &[], body).await
}

#[tokio::test]
async fn a_new_hook_is_pinged_with_its_signature_and_its_secret_is_never_shown() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    let url = format!("http://{}/hook", running.address);
    let hook = post(&github, SHOP_HOOKS, &wanted(&url, &["workflow_run"])).await?;
    assert_eq!(hook.status, 201, "{}", hook.json());
    assert_eq!(hook.text("/config/secret"), "********");
    let pinged = |github: &GitHub| github.deliveries().len() == 1;
    assert!(github.wait_until(LIMIT, pinged).await);
    let ping = receiver.arrivals().pop().ok_or("none")?;
    assert_eq!(ping.header("x-github-event"), "ping");
    assert_eq!(
        ping.header("x-hub-signature-256"),
        signature("s3cret", &ping.body)
    );
    assert_eq!(
        ping.header("x-github-hook-installation-target-type"),
        "repository"
    );
    assert_eq!(
        ping.json().pointer("/hook_id").map(Value::to_string),
        Some(hook.text("/id"))
    );
    Ok(())
}

#[tokio::test]
async fn a_hook_of_an_organization_hears_of_its_repositories_and_of_no_others() -> Outcome {
    let github = start(Options::default()).await?;
    github.add_repository(
        Repository::new("globex", "api").workflow(Workflow::new("slow.yml").manual()),
    );
    let (receiver, running) = Receiver::start().await?;
    let url = format!("http://{}/hook", running.address);
    let hook = post(
        &github,
        "/orgs/acme/hooks",
        &wanted(&url, &["workflow_run"]),
    )
    .await?;
    assert_eq!(hook.status, 201, "{}", hook.json());
    github.start_foreign_run("globex", "api", "slow.yml", "push", "somebody");
    started(&github, "slow.yml").await?;
    let both = |github: &GitHub| github.deliveries().len() == 2;
    assert!(github.wait_until(LIMIT, both).await);
    let arrivals = receiver.arrivals();
    let run = arrivals
        .iter()
        .find(|arrival| arrival.name() == "workflow_run.requested")
        .ok_or("none")?;
    assert_eq!(
        run.json().pointer("/repository/full_name"),
        Some(&Value::from("acme/shop"))
    );
    assert_eq!(run.json().get("installation"), None, "only an App's has it");
    let foreign = |arrival: &&_| {
        Arrival::json(arrival).pointer("/repository/full_name") == Some(&Value::from("globex/api"))
    };
    assert_eq!(arrivals.iter().filter(foreign).count(), 0);
    Ok(())
}

#[tokio::test]
async fn leaving_the_secret_out_of_an_update_removes_it_and_the_config_alone_keeps_it() -> Outcome {
    let github = start(Options::default()).await?;
    let (_receiver, running) = Receiver::start().await?;
    let url = format!("http://{}/hook", running.address);
    let id = post(&github, SHOP_HOOKS, &wanted(&url, &["push"]))
        .await?
        .text("/id");
    let path = format!("{SHOP_HOOKS}/{id}");
    let only_url = json!({"url": format!("{url}/2")});
    let config = send(
        &github,
        "PATCH",
        &format!("{path}/config"),
        &[],
        &only_url.to_string(),
    )
    .await?;
    assert_eq!(
        (config.status, config.text("/secret"), config.text("/url")),
        (200, "********".to_owned(), format!("{url}/2"))
    );
    let whole = json!({"config": only_url}).to_string();
    let updated = send(&github, "PATCH", &path, &[], &whole).await?;
    assert_eq!(
        (updated.status, updated.text("/config/secret")),
        (200, String::new())
    );
    Ok(())
}

#[tokio::test]
async fn a_hook_that_exists_or_wants_an_unknown_event_is_refused() -> Outcome {
    let github = start(Options::default()).await?;
    let (_receiver, running) = Receiver::start().await?;
    let url = format!("http://{}/hook", running.address);
    assert_eq!(
        post(&github, SHOP_HOOKS, &wanted(&url, &["push"]))
            .await?
            .status,
        201
    );
    let again = post(&github, SHOP_HOOKS, &wanted(&url, &["push"])).await?;
    assert_eq!(
        (
            again.status,
            again.text("/message"),
            again.text("/errors/0/message")
        ),
        (
            422,
            "Validation Failed".to_owned(),
            "Hook already exists on this repository".to_owned()
        )
    );
    let strange = post(&github, SHOP_HOOKS, &wanted(&url, &["sunrise"])).await?;
    assert_eq!(strange.status, 422, "{}", strange.json());
    Ok(())
}

#[tokio::test]
async fn a_deleted_hook_gets_nothing_and_is_gone() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    let url = format!("http://{}/hook", running.address);
    let id = post(&github, SHOP_HOOKS, &wanted(&url, &["workflow_run"]))
        .await?
        .text("/id");
    let pinged = |github: &GitHub| github.deliveries().len() == 1;
    assert!(github.wait_until(LIMIT, pinged).await);
    let path = format!("{SHOP_HOOKS}/{id}");
    assert_eq!(send(&github, "DELETE", &path, &[], "").await?.status, 204);
    assert_eq!(get(&github, &path).await?.status, 404);
    started(&github, "slow.yml").await?;
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(receiver.names(), ["ping."]);
    Ok(())
}

#[tokio::test]
async fn a_delivery_is_in_the_log_and_can_be_sent_again() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    receiver.answer_next(503);
    let url = format!("http://{}/hook", running.address);
    let id = post(&github, SHOP_HOOKS, &wanted(&url, &["workflow_run"]))
        .await?
        .text("/id");
    let count = |number: usize| move |github: &GitHub| github.deliveries().len() == number;
    assert!(github.wait_until(LIMIT, count(1)).await);
    let log = format!("{SHOP_HOOKS}/{id}/deliveries");
    let list = get(&github, &log).await?;
    assert_eq!(
        (
            list.status,
            list.text("/0/event"),
            list.text("/0/status_code")
        ),
        (200, "ping".to_owned(), "503".to_owned())
    );
    let one = format!("{log}/{}", list.text("/0/id"));
    let delivery = get(&github, &one).await?;
    assert_eq!(delivery.text("/request/payload/hook_id"), id);
    assert_eq!(
        post(&github, &format!("{one}/attempts"), "").await?.status,
        202
    );
    assert!(github.wait_until(LIMIT, count(2)).await);
    let list = get(&github, &log).await?;
    assert_eq!(
        (
            list.text("/0/redelivery"),
            list.text("/0/status"),
            list.text("/0/guid")
        ),
        ("true".to_owned(), "OK".to_owned(), list.text("/1/guid"))
    );
    Ok(())
}
