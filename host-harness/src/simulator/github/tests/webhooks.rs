use super::super::super::testing::Receiver;
use super::super::*;
use super::*;

#[tokio::test]
async fn a_run_tells_its_story_in_signed_deliveries_in_order() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    github.add_webhook(
        format!("http://{}/hook", running.address),
        Some("secret".into()),
    );
    let id = started(&github, "deploy.yml").await?;
    assert!(
        github
            .wait_until(LIMIT, |github| github.deliveries().len() == 6)
            .await
    );
    assert_eq!(
        receiver.names(),
        [
            "workflow_run.requested",
            "workflow_job.queued",
            "workflow_run.in_progress",
            "workflow_job.in_progress",
            "workflow_job.completed",
            "workflow_run.completed",
        ]
    );
    for arrival in receiver.arrivals() {
        assert_eq!(
            arrival.header("x-hub-signature-256"),
            signature("secret", &arrival.body)
        );
        assert!(arrival.header("user-agent").starts_with("GitHub-Hookshot/"));
        assert_eq!(
            arrival.header("x-github-hook-installation-target-type"),
            "integration"
        );
    }
    let last = receiver.arrivals().pop().ok_or("none")?;
    assert!(last.body.len() > 17_000, "{} bytes", last.body.len());
    assert_eq!(
        last.json().pointer("/workflow_run/id"),
        Some(&Value::from(id))
    );
    assert_eq!(
        last.json().pointer("/workflow_run/conclusion"),
        Some(&Value::from("success"))
    );
    Ok(())
}

#[tokio::test]
async fn a_rerun_keeps_the_id_raises_the_attempt_and_sends_no_requested() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    let id = started(&github, "slow.yml").await?;
    github.finish(id, "failure");
    github.add_webhook_for(
        format!("http://{}/", running.address),
        None,
        ["workflow_run"],
    );
    assert!(github.rerun(id));
    assert!(
        !github.rerun(id),
        "one that is not completed cannot run again"
    );
    github.finish(id, "success");
    assert!(
        github
            .wait_until(LIMIT, |github| github.deliveries().len() == 2)
            .await
    );
    assert_eq!(
        receiver.names(),
        ["workflow_run.in_progress", "workflow_run.completed"]
    );
    let last = receiver.arrivals().pop().ok_or("none")?;
    assert_eq!(
        last.json().pointer("/workflow_run/run_attempt"),
        Some(&Value::from(2))
    );
    assert!(last.headers.get("x-hub-signature-256").is_none());
    let first = get(
        &github,
        &format!("/repos/acme/shop/actions/runs/{id}/attempts/1"),
    )
    .await?;
    assert_eq!(first.text("/conclusion"), "failure");
    Ok(())
}

#[tokio::test]
async fn a_failed_delivery_is_not_retried_but_can_be_redelivered_under_its_guid() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    receiver.answer_next(503);
    github.add_webhook_for(
        format!("http://{}/", running.address),
        None,
        ["workflow_run"],
    );
    started(&github, "slow.yml").await?;
    assert!(
        github
            .wait_until(LIMIT, |github| github.deliveries().len() == 1)
            .await
    );
    let failed = github.deliveries().pop().ok_or("none")?;
    assert_eq!(
        (failed.status_code, failed.status.as_str()),
        (Some(503), "Invalid HTTP Response: 503")
    );
    assert!(github.redeliver(&failed.guid));
    assert!(
        github
            .wait_until(LIMIT, |github| github.deliveries().len() == 2)
            .await
    );
    let again = github.deliveries().pop().ok_or("none")?;
    assert_eq!(
        (again.guid.as_str(), again.redelivery, again.status.as_str()),
        (failed.guid.as_str(), true, "OK")
    );
    assert_eq!(again.payload, failed.payload);
    Ok(())
}

#[tokio::test]
async fn deliveries_can_be_lost_doubled_overtaken_forged_and_void_of_a_conclusion() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    github.add_webhook_for(
        format!("http://{}/", running.address),
        Some("s".into()),
        ["workflow_run"],
    );
    let fault = |action: &str, effect| {
        DeliveryFault::new("workflow_run", effect)
            .action(action)
            .once()
    };
    github.inject_delivery(fault("requested", DeliveryEffect::Drop));
    github.inject_delivery(fault(
        "in_progress",
        DeliveryEffect::Overtaken(Duration::from_millis(300)),
    ));
    github.inject_delivery(fault("completed", DeliveryEffect::Duplicate));
    github.inject_delivery(fault("completed", DeliveryEffect::NullConclusion));
    github.inject_delivery(fault("completed", DeliveryEffect::BadSignature));
    let id = started(&github, "slow.yml").await?;
    github.finish(id, "success");
    assert!(
        github
            .wait_until(LIMIT, |github| github.deliveries().len() == 3)
            .await
    );
    assert_eq!(
        receiver.names(),
        [
            "workflow_run.completed",
            "workflow_run.completed",
            "workflow_run.in_progress"
        ]
    );
    let arrivals = receiver.arrivals();
    let (Some(first), Some(second)) = (arrivals.first(), arrivals.get(1)) else {
        return Err("too few".into());
    };
    assert_eq!(
        first.header("x-github-delivery"),
        second.header("x-github-delivery")
    );
    assert_eq!(
        first.json().pointer("/workflow_run/conclusion"),
        Some(&Value::Null)
    );
    assert_ne!(
        first.header("x-hub-signature-256"),
        signature("s", &first.body)
    );
    Ok(())
}

#[tokio::test]
async fn a_hook_of_one_owner_hears_of_no_other_and_struck_deliveries_are_told() -> Outcome {
    let github = start(Options::default()).await?;
    let (receiver, running) = Receiver::start().await?;
    let url = format!("http://{}/", running.address);
    github.add_webhook_of("globex", &url, None);
    started(&github, "deploy.yml").await?;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(receiver.names().is_empty());
    github.add_webhook_of("ACME", &url, None);
    let drop = DeliveryFault::new("workflow_run", DeliveryEffect::Drop).action("completed");
    github.inject_delivery(drop.named("dropped"));
    let id = started(&github, "deploy.yml").await?;
    let told = |github: &GitHub| github.struck_deliveries().len() == 1;
    assert!(github.wait_until(LIMIT, told).await);
    let struck = github.struck_deliveries();
    assert_eq!(
        (
            struck[0].fault.as_str(),
            struck[0].action.as_str(),
            struck[0].run_id
        ),
        ("dropped", "completed", id)
    );
    assert!(
        receiver
            .names()
            .iter()
            .any(|name| name == "workflow_run.requested")
    );
    Ok(())
}
