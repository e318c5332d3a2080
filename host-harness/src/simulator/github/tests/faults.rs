use std::time::SystemTime;

use super::super::super::fault::{Effect, Fault};
use super::super::*;
use super::*;

#[tokio::test]
async fn faults_hide_lose_and_damage_answers_without_undoing_the_work() -> Outcome {
    let github = start(Options::default()).await?;
    let runs = |github: &GitHub| github.runs().len();
    github.inject(Fault::new("dispatch", server_error_after_processing()).once());
    let answer = dispatch(&github, "slow.yml", &json!({"ref": "main"})).await?;
    assert_eq!(
        (
            answer.status,
            answer.text("/message").as_str(),
            runs(&github)
        ),
        (500, "Failed to run workflow dispatch", 1)
    );

    github.inject(Fault::new("dispatch", Effect::CutAfterProcessing).once());
    assert!(
        dispatch(&github, "slow.yml", &json!({"ref": "main"}))
            .await
            .is_err()
    );
    assert_eq!(runs(&github), 2);

    github.inject(Fault::new("dispatch", Effect::CutBeforeProcessing).once());
    assert!(
        dispatch(&github, "slow.yml", &json!({"ref": "main"}))
            .await
            .is_err()
    );
    assert_eq!(runs(&github), 2);
    assert_eq!(
        github
            .exchanges()
            .last()
            .and_then(|exchange| exchange.status),
        None
    );

    github.inject(Fault::new("get-repository", Effect::TruncateBody).once());
    assert!(get(&github, "/repos/acme/shop").await.is_err());
    github.inject(Fault::new("get-repository", Effect::GarbageBody).once());
    let answer = get(&github, "/repos/acme/shop").await?;
    assert_eq!((answer.status, answer.json()), (200, Value::Null));

    let hold = github.inject(Fault::new("*", Effect::HoldReply(Duration::from_millis(50))).once());
    let before = SystemTime::now();
    assert_eq!(get(&github, "/repos/acme/shop").await?.status, 200);
    assert!(before.elapsed()? >= Duration::from_millis(50));
    assert_eq!(hold.hits(), 1);

    github.inject(Fault::new("dispatch", secondary_limit(429, Some(1))).once());
    let answer = dispatch(&github, "slow.yml", &json!({"ref": "main"})).await?;
    assert_eq!(
        (answer.status, answer.header("retry-after"), runs(&github)),
        (429, "1", 2)
    );
    Ok(())
}

#[tokio::test]
async fn young_runs_and_refs_can_be_invisible_for_a_while() -> Outcome {
    let lag = Duration::from_millis(400);
    let options = Options {
        list_lag: lag,
        fresh_run_lag: lag,
        ref_lag: lag,
        ..Options::default()
    };
    let github = start(options).await?;
    let id = started(&github, "slow.yml").await?;
    github.add_branch("acme", "shop", "young");
    let young = json!({"ref": "young"});
    assert_eq!(
        get(&github, &format!("/repos/acme/shop/actions/runs/{id}"))
            .await?
            .status,
        404
    );
    assert_eq!(
        get(&github, "/repos/acme/shop/actions/runs")
            .await?
            .text("/total_count"),
        "0"
    );
    assert_eq!(
        dispatch(&github, "slow.yml", &young)
            .await?
            .text("/message"),
        "No ref found for: young"
    );
    tokio::time::sleep(lag).await;
    assert_eq!(
        get(&github, &format!("/repos/acme/shop/actions/runs/{id}"))
            .await?
            .status,
        200
    );
    assert_eq!(
        get(&github, "/repos/acme/shop/actions/runs")
            .await?
            .text("/total_count"),
        "1"
    );
    assert_eq!(dispatch(&github, "slow.yml", &young).await?.status, 204);
    Ok(())
}

#[tokio::test]
async fn a_stopped_server_refuses_connections() -> Outcome {
    let github = start(Options::default()).await?;
    github.stop().await;
    assert!(get(&github, "/repos/acme/shop").await.is_err());
    Ok(())
}

#[tokio::test]
async fn an_unreachable_server_refuses_connections_breaks_open_ones_and_comes_back() -> Outcome {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;
    let github = start(Options::default()).await?;
    let address = github.api_url().replace("http://", "");
    let mut open = TcpStream::connect(&address).await?;
    assert_eq!(get(&github, "/repos/acme/shop").await?.status, 200);
    github.set_reachable(false);
    // Not one byte was sent on it; it ends all the same.
    let mut rest = Vec::new();
    let ended = tokio::time::timeout(LIMIT, open.read_to_end(&mut rest)).await?;
    assert!(ended.is_err() || rest.is_empty());
    let refused = TcpStream::connect(&address).await.unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::ConnectionRefused);
    github.set_reachable(true);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(get(&github, "/repos/acme/shop").await?.status, 200);
    Ok(())
}

#[tokio::test]
async fn a_named_fault_is_told_with_the_exchange_and_a_slow_body_comes_whole() -> Outcome {
    let github = start(Options::default()).await?;
    let slow = Effect::SlowBody(Duration::from_millis(80));
    github.inject(Fault::new("get-repository", slow).named("slow").once());
    let before = SystemTime::now();
    let answer = get(&github, "/repos/acme/shop").await?;
    assert!(before.elapsed()? >= Duration::from_millis(80));
    assert_eq!(answer.text("/name"), "shop");
    get(&github, "/repos/acme/shop").await?;
    let struck = github.exchanges_that(|exchange| !exchange.faults.is_empty());
    assert_eq!(struck.len(), 1);
    assert_eq!(struck[0].faults, ["slow"]);
    Ok(())
}

#[tokio::test]
async fn a_share_of_the_fresh_runs_is_invisible_by_id_and_always_the_same() -> Outcome {
    let options = Options {
        fresh_run_lag: Duration::from_secs(60),
        fresh_run_share: 50,
        ..Options::default()
    };
    let github = start(options).await?;
    let mut hidden = 0;
    for _ in 0..20 {
        let id = started(&github, "slow.yml").await?;
        let path = format!("/repos/acme/shop/actions/runs/{id}");
        let status = get(&github, &path).await?.status;
        assert_eq!(get(&github, &path).await?.status, status);
        hidden += u32::from(status == 404);
    }
    assert!((3..=17).contains(&hidden), "{hidden} of 20");
    Ok(())
}
