use super::super::*;
use super::*;

#[tokio::test]
async fn a_dispatch_answers_with_details_only_where_version_and_flag_say_so() -> Outcome {
    let github = start(Options::default()).await?;
    let answer = dispatch(&github, "deploy.yml", &good()).await?;
    assert_eq!(answer.status, 200);
    let run = github.runs().pop().ok_or("no run")?;
    assert_eq!(answer.text("/workflow_run_id"), run.id.to_string());
    assert_eq!(answer.text("/html_url"), run.html_url);
    assert_eq!(run.display_title, "Deploy dev x r_1");
    assert_eq!(run.actor, "ocean-runner[bot]");

    let plain = json!({"ref": "refs/tags/v1", "inputs": {"environment": "x"}});
    let answer = dispatch(&github, "deploy.yml", &plain).await?;
    assert_eq!((answer.status, answer.body.len()), (204, 0));

    let path = "/repos/acme/shop/actions/workflows/deploy.yml/dispatches";
    let newer = [("x-github-api-version", "2026-03-10")];
    let answer = send(&github, "POST", path, &newer, &plain.to_string()).await?;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("x-github-api-version-selected"), "2026-03-10");
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn an_older_enterprise_server_refuses_the_details_key_and_creates_nothing() -> Outcome {
    let github = start(Options {
        return_run_details_supported: false,
        ..Options::default()
    })
    .await?;
    let answer = dispatch(&github, "deploy.yml", &good()).await?;
    assert_eq!(answer.status, 422);
    assert_eq!(
        answer.text("/message"),
        "Invalid request.\n\n\"return_run_details\" is not a permitted key."
    );
    assert!(github.runs().is_empty());
    Ok(())
}

#[tokio::test]
async fn refused_dispatches_say_why_in_githubs_words() -> Outcome {
    let github = start(Options::default()).await?;
    let with = |inputs: Value, reference: &str| json!({"ref": reference, "inputs": inputs});
    let cases = [
        (
            "deploy.yml",
            with(json!({}), "main"),
            422,
            "Required input 'environment' not provided",
        ),
        (
            "deploy.yml",
            with(json!({"environment": "x"}), "feature/one"),
            422,
            "Workflow does not have 'workflow_dispatch' trigger",
        ),
        (
            "push.yml",
            with(json!({}), "main"),
            422,
            "Workflow does not have 'workflow_dispatch' trigger",
        ),
        (
            "deploy.yml",
            with(json!({"environment": "x"}), "nope"),
            422,
            "No ref found for: nope",
        ),
        (
            "deploy.yml",
            with(json!({"a": "1", "b": "2"}), "main"),
            422,
            "Unexpected inputs provided: [\"a\", \"b\"]",
        ),
        (
            "deploy.yml",
            with(json!({"environment": "x", "level": "y"}), "main"),
            422,
            "Provided value 'y' for input 'level' not in the list of allowed values",
        ),
        (
            "off.yml",
            with(json!({}), "main"),
            422,
            "Cannot trigger a 'workflow_dispatch' on a disabled workflow",
        ),
        ("Deploy", with(json!({}), "main"), 404, "Not Found"),
    ];
    for (workflow, body, status, message) in cases {
        let answer = dispatch(&github, workflow, &body).await?;
        assert_eq!(
            (answer.status, answer.text("/message").as_str()),
            (status, message)
        );
        assert_eq!(answer.text("/status"), status.to_string());
        assert!(
            answer
                .text("/documentation_url")
                .ends_with("#create-a-workflow-dispatch-event")
        );
    }
    github.set_archived("acme", "shop", true);
    let answer = dispatch(&github, "deploy.yml", &good()).await?;
    assert_eq!(
        (answer.status, answer.text("/message").as_str()),
        (403, "Repository was archived so is read-only.")
    );
    assert!(github.runs().is_empty());
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn tokens_are_told_apart_and_only_unknown_ones_are_a_violation() -> Outcome {
    let github = start(Options {
        read_only_tokens: vec!["ghs_reader".into()],
        ..Options::default()
    })
    .await?;
    let path = "/repos/acme/shop/actions/workflows/deploy.yml/dispatches";
    let reader = [("authorization", "Bearer ghs_reader")];
    let answer = send(&github, "POST", path, &reader, &good().to_string()).await?;
    assert_eq!(
        (answer.status, answer.text("/message").as_str()),
        (403, "Resource not accessible by integration")
    );
    assert_eq!(
        answer.header("x-accepted-github-permissions"),
        "actions=write"
    );
    github.set_standing(&github.token(), Standing::Expired);
    let answer = get(&github, "/repos/acme/shop").await?;
    assert_eq!(
        (answer.status, answer.text("/message").as_str()),
        (401, "Bad credentials")
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    let stranger = [("authorization", "Bearer ghs_stranger")];
    assert_eq!(
        send(&github, "GET", "/repos/acme/shop", &stranger, "")
            .await?
            .status,
        401
    );
    assert_eq!(github.violations().len(), 1);
    Ok(())
}

#[tokio::test]
async fn careless_requests_are_listed_as_violations() -> Outcome {
    let github = start(Options::default()).await?;
    let answer = send(
        &github,
        "GET",
        "/repos/acme/shop",
        &[("user-agent", "")],
        "",
    )
    .await?;
    assert_eq!(answer.status, 403);
    let answer = send(
        &github,
        "GET",
        "/repos/acme/shop",
        &[("x-github-api-version", "1999-01-01")],
        "",
    )
    .await?;
    assert_eq!(
        (answer.status, answer.text("/message").as_str()),
        (400, "Bad Request")
    );
    assert!(
        answer
            .text("/errors")
            .contains("\"1999-01-01\", is not a supported version")
    );
    assert_eq!(
        send(
            &github,
            "GET",
            "/repos/acme/shop/actions/runs/../secrets",
            &[],
            ""
        )
        .await?
        .status,
        404
    );
    send(
        &github,
        "GET",
        "/repos/acme/shop",
        &[("accept", ""), ("x-github-api-version", "")],
        "",
    )
    .await?;
    let found = github.violations().join("\n");
    for part in [
        "no User-Agent",
        "unknown API version",
        "dot segment",
        "no such endpoint",
        "no Accept",
        "no X-GitHub",
    ] {
        assert!(found.contains(part), "{part} in {found}");
    }
    Ok(())
}

#[tokio::test]
async fn a_known_etag_is_answered_304_and_costs_nothing() -> Outcome {
    let github = start(Options::default()).await?;
    let first = get(&github, "/repos/acme/shop").await?;
    assert_eq!(first.text("/default_branch"), "main");
    let tag = first.header("etag").to_owned();
    let second = send(
        &github,
        "GET",
        "/repos/acme/shop",
        &[("if-none-match", &tag)],
        "",
    )
    .await?;
    assert_eq!((second.status, second.body.len()), (304, 0));
    assert_eq!(first.header("x-ratelimit-used"), "1");
    assert_eq!(second.header("x-ratelimit-used"), "1");
    assert_eq!(
        get(&github, "/rate_limit").await?.text("/rate/remaining"),
        "4999"
    );
    Ok(())
}

#[tokio::test]
async fn a_used_up_quota_is_refused_and_calling_on_is_a_violation() -> Outcome {
    let options = Options {
        rate_limit: 1,
        limit_grace: Duration::ZERO,
        ..Options::default()
    };
    let github = start(options).await?;
    assert_eq!(get(&github, "/repos/acme/shop").await?.status, 200);
    let answer = get(&github, "/repos/acme/shop").await?;
    assert_eq!(answer.status, 403);
    assert!(
        answer
            .text("/message")
            .starts_with("API rate limit exceeded for installation ID")
    );
    assert_eq!(answer.header("x-ratelimit-remaining"), "0");
    assert_eq!(github.violations(), Vec::<String>::new());
    assert_eq!(get(&github, "/rate_limit").await?.status, 200);
    get(&github, "/repos/acme/shop").await?;
    assert!(
        github
            .violations()
            .join("")
            .contains("sent while rate-limited")
    );
    Ok(())
}

#[tokio::test]
async fn a_renamed_repository_redirects_reads_with_301_and_writes_with_307() -> Outcome {
    let github = start(Options::default()).await?;
    github.rename_repository("acme", "shop", "store");
    let answer = get(&github, "/repos/acme/shop").await?;
    assert_eq!(answer.status, 301);
    let path = answer.header("location").replace(&github.api_url(), "");
    assert_eq!(get(&github, &path).await?.text("/full_name"), "acme/store");
    let answer = dispatch(&github, "deploy.yml", &good()).await?;
    assert_eq!(answer.status, 307);
    let path = answer.header("location").replace(&github.api_url(), "");
    assert_eq!(
        send(&github, "POST", &path, &[], &good().to_string())
            .await?
            .status,
        200
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn lists_are_filtered_and_paged_newest_first() -> Outcome {
    let github = start(Options::default()).await?;
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(started(&github, "slow.yml").await?);
    }
    github.start_foreign_run("acme", "shop", "slow.yml", "push", "octocat");
    let base = "/repos/acme/shop/actions/workflows/slow.yml/runs";
    let all = get(&github, base).await?;
    assert_eq!(
        (all.text("/total_count"), all.text("/workflow_runs/0/event")),
        ("4".into(), "push".into())
    );
    let mine = "?event=workflow_dispatch&branch=main&actor=ocean-runner%5Bbot%5D&per_page=2&exclude_pull_requests=true";
    let page = get(&github, &format!("{base}{mine}")).await?;
    assert_eq!(
        (page.text("/total_count"), page.text("/workflow_runs/0/id")),
        (
            "3".into(),
            ids.get(2).copied().unwrap_or_default().to_string()
        )
    );
    assert!(
        page.header("link").contains("page=2>; rel=\"next\""),
        "{}",
        page.header("link")
    );
    let later = get(
        &github,
        &format!("{base}?created=%3E%3D2999-01-01T00%3A00%3A00Z"),
    )
    .await?;
    assert_eq!(later.text("/total_count"), "0");
    github.finish(ids.first().copied().unwrap_or_default(), "timed_out");
    assert_eq!(
        get(&github, &format!("{base}?status=timed_out"))
            .await?
            .text("/total_count"),
        "1"
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn a_failed_run_names_the_failing_step_in_its_jobs() -> Outcome {
    let github = start(Options::default()).await?;
    let id = started(&github, "broken.yml").await?;
    assert!(
        github
            .wait_until(LIMIT, |github| github
                .run(id)
                .is_some_and(|run| run.status == "completed"))
            .await
    );
    let run = get(&github, &format!("/repos/acme/shop/actions/runs/{id}")).await?;
    assert_eq!(run.text("/conclusion"), "failure");
    let jobs = get(
        &github,
        &format!("/repos/acme/shop/actions/runs/{id}/jobs?filter=latest"),
    )
    .await?;
    assert_eq!(jobs.text("/total_count"), "2");
    assert_eq!(jobs.text("/jobs/0/conclusion"), "success");
    assert_eq!(jobs.text("/jobs/1/steps/2/name"), "Run cargo test");
    assert_eq!(jobs.text("/jobs/1/steps/2/conclusion"), "failure");
    let cancel = send(
        &github,
        "POST",
        &format!("/repos/acme/shop/actions/runs/{id}/cancel"),
        &[],
        "",
    )
    .await?;
    assert_eq!(
        (cancel.status, cancel.text("/message").as_str()),
        (409, "Cannot cancel a workflow run that is completed.")
    );
    Ok(())
}

#[tokio::test]
async fn a_cancelled_run_ends_as_cancelled_a_moment_later() -> Outcome {
    let github = start(Options::default()).await?;
    let id = started(&github, "slow.yml").await?;
    let cancel = send(
        &github,
        "POST",
        &format!("/repos/acme/shop/actions/runs/{id}/cancel"),
        &[],
        "",
    )
    .await?;
    assert_eq!(cancel.status, 202);
    let cancelled = |github: &GitHub| {
        github.run(id).and_then(|run| run.conclusion).as_deref() == Some("cancelled")
    };
    assert!(github.wait_until(LIMIT, cancelled).await);
    Ok(())
}

#[tokio::test]
async fn a_run_can_be_run_again_once_it_is_completed() -> Outcome {
    let github = start(Options::default()).await?;
    let id = started(&github, "slow.yml").await?;
    let path = format!("/repos/acme/shop/actions/runs/{id}/rerun");
    let early = send(&github, "POST", &path, &[], "").await?;
    assert_eq!(
        (early.status, early.text("/message")),
        (403, "This workflow is already running".to_owned())
    );
    assert!(
        early
            .text("/documentation_url")
            .ends_with("#re-run-a-workflow")
    );
    github.finish(id, "failure");
    let again = send(&github, "POST", &path, &[], "").await?;
    assert_eq!((again.status, again.text("")), (201, "{}".to_owned()));
    let run = get(&github, &format!("/repos/acme/shop/actions/runs/{id}")).await?;
    assert_eq!(
        (run.text("/run_attempt"), run.text("/status")),
        ("2".to_owned(), "queued".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn the_server_tells_its_addresses() -> Outcome {
    let github = start(Options::default()).await?;
    let meta = get(&github, "/meta").await?;
    assert_eq!(
        (meta.status, meta.text("/hooks/0")),
        (200, "127.0.0.0/8".to_owned())
    );
    Ok(())
}

#[tokio::test]
async fn a_workflow_s_file_tells_every_type_of_input_as_dispatches_take_it() -> Outcome {
    let github = GitHub::start(Options::default()).await?;
    github.add_repository(
        Repository::new("acme", "typed").workflow(
            Workflow::new("all.yml")
                .input(Input::new("text").required().description("It's # new"))
                .input(Input::boolean("flag").default("true"))
                .input(Input::number("count").default("1.50"))
                .input(Input::choice("level", ["low", "it's \"high\""]))
                .input(Input::environment("where").default("prod")),
        ),
    );
    let raw = [("accept", "application/vnd.github.raw+json")];
    let path = "/repos/acme/typed/contents/.github/workflows/all.yml";
    let source = send(&github, "GET", path, &raw, "").await?;
    let source = String::from_utf8_lossy(&source.body).into_owned();
    for part in [
        "\"text\":\n        type: string\n        description: \"It's # new\"\n        required: true\n",
        "\"flag\":\n        type: boolean\n        required: false\n        default: true\n",
        "\"count\":\n        type: number\n        required: false\n        default: 1.50\n",
        "options:\n          - \"low\"\n          - \"it's \\\"high\\\"\"\n",
        "\"where\":\n        type: environment\n        required: false\n        default: \"prod\"\n",
    ] {
        assert!(source.contains(part), "{part}\n{source}");
    }
    Ok(())
}

#[tokio::test]
async fn environments_are_listed_in_pages() -> Outcome {
    let github = GitHub::start(Options::default()).await?;
    github.add_repository(
        Repository::new("acme", "shop")
            .environment("staging")
            .environment("pre prod"),
    );
    let all = get(&github, "/repos/acme/shop/environments").await?;
    assert_eq!(
        (all.text("/total_count"), all.text("/environments/1/name")),
        ("2".to_owned(), "pre prod".to_owned())
    );
    assert!(
        all.text("/environments/1/url")
            .ends_with("/environments/pre%20prod")
    );
    let second = get(&github, "/repos/acme/shop/environments?per_page=1&page=2").await?;
    assert_eq!(second.text("/environments/0/name"), "pre prod");
    assert_eq!(second.text("/total_count"), "2");
    assert_eq!(
        get(&github, "/repos/acme/other/environments").await?.status,
        404
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}

#[tokio::test]
async fn workflow_files_can_be_read_and_list_their_inputs() -> Outcome {
    let github = start(Options::default()).await?;
    let raw = [("accept", "application/vnd.github.raw+json")];
    let path = "/repos/acme/shop/contents/.github/workflows/deploy.yml";
    let source = send(&github, "GET", path, &raw, "").await?;
    let source = String::from_utf8_lossy(&source.body).into_owned();
    assert!(
        source.contains("workflow_dispatch:\n    inputs:\n      \"level\":\n        type: choice"),
        "{source}"
    );
    let branch = get(&github, &format!("{path}?ref=feature/one")).await?;
    assert_eq!(branch.text("/encoding"), "base64");
    assert_eq!(
        get(&github, "/repos/acme/shop/git/ref/heads/feature/one")
            .await?
            .text("/ref"),
        "refs/heads/feature/one"
    );
    let workflow = get(&github, "/repos/acme/shop/actions/workflows/deploy.yml").await?;
    assert_eq!(workflow.text("/path"), ".github/workflows/deploy.yml");
    assert_eq!(
        get(&github, "/repos/acme/shop/actions/workflows")
            .await?
            .text("/total_count"),
        "5"
    );
    assert_eq!(github.violations(), Vec::<String>::new());
    Ok(())
}
