//! Every row of the table of outcomes: what GitHub answers to the request that starts a run, and what the component
//! makes of it. Each row also counts: how often was that request sent, and how many runs are there in the end?

use crate::bench::{Bench, PROPERTIES, RUN_ID, expect_failure, run};
use host_harness::contract::{Failure, FailureKind, Run, Started};
use host_harness::simulator::github::{
    self, GitHub, Input, Options, Repository, Standing, Workflow,
};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::{Role, Sends};
use serde_json::{Value, json};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The shortest search that can be set: one second.
const QUICK: &str = r#"{"discovery-seconds":1}"#;

/// Properties that tell the workflow the id of the Port run.
const WITH_RUN_ID: &str = r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"port_run_id":"r_bench1"}}"#;

fn quick() -> Role {
    Role {
        settings: QUICK.to_owned(),
        ..Role::self_hosted("bench")
    }
}

fn settings(settings: &str) -> Role {
    Role {
        settings: settings.to_owned(),
        ..Role::self_hosted("bench")
    }
}

fn shop(workflow: Workflow) -> Repository {
    Repository::new("acme", "shop").workflow(workflow)
}

/// A workflow whose runs show the id of the Port run in their title.
fn echoing() -> Workflow {
    Workflow::new("deploy.yml")
        .input(Input::new("port_run_id"))
        .run_name_echoes_inputs(true)
}

/// A server that accepts every dispatch without telling the run's id.
fn silent() -> Options {
    Options {
        always_204: true,
        ..Options::default()
    }
}

fn older_server() -> Options {
    Options {
        return_run_details_supported: false,
        ..Options::default()
    }
}

/// A bench for retries: the first try has been made, and nobody knows what became of it.
async fn retry(role: Role, workflow: Workflow) -> Bench {
    let mut bench = Bench::before(Options::default(), role, shop(workflow)).await;
    bench.attempt = 2;
    bench
}

/// What the first try of a run leaves when its answer is lost.
async fn lost_first_try(bench: &mut Bench, properties: &str) {
    let lost = Fault::new("dispatch", Effect::CutAfterProcessing).once();
    bench.github.inject(lost);
    bench.attempt = 1;
    expect_failure(
        bench.dispatch(properties).await,
        &FailureKind::Ambiguous,
        "no-answer",
    );
    bench.attempt = 2;
}

/// Checks a refusal of the one request that was sent: GitHub's words, a remedy, and no run.
#[track_caller]
fn expect_refusal(
    bench: &Bench,
    result: Result<Started, Failure>,
    kind: &FailureKind,
    code: &str,
    words: &str,
) -> Failure {
    let failure = expect_failure(result, kind, code);
    assert!(failure.message.contains(words), "{failure:#?}");
    assert!(
        !failure.remedy.as_deref().unwrap_or_default().is_empty(),
        "{failure:#?}"
    );
    assert!(failure.request_sent, "{failure:#?}");
    assert_eq!(
        (bench.requests("dispatch"), bench.github.runs().len()),
        (1, 0)
    );
    bench.expect_no_violations();
    failure
}

/// GitHub refuses the dispatch with this status and text.
async fn refused_with(status: u16, message: &str, code: &str) -> Failure {
    let bench = Bench::new().await;
    let body = json!({"message": message, "documentation_url": "https://docs.github.com/rest", "status": status.to_string()});
    bench.github.inject(Fault::new(
        "dispatch",
        Effect::answer(status, body.to_string()),
    ));
    let result = bench.dispatch(PROPERTIES).await;
    let words = message.lines().next().unwrap();
    expect_refusal(&bench, result, &FailureKind::Rejected, code, words)
}

/// GitHub itself refuses the dispatch of this repository's workflow.
async fn refused_by(repository: Repository, properties: &str, code: &str, words: &str) -> Failure {
    let bench = Bench::holding(repository).await;
    let result = bench.dispatch(properties).await;
    expect_refusal(&bench, result, &FailureKind::Rejected, code, words)
}

/// Checks an unknown outcome: one request, and a remedy that says to look first.
#[track_caller]
fn expect_unknown(bench: &Bench, result: Result<Started, Failure>, code: &str, runs: usize) {
    let failure = expect_failure(result, &FailureKind::Ambiguous, code);
    assert!(failure.request_sent, "{failure:#?}");
    assert!(failure.remedy.is_some(), "{failure:#?}");
    assert_eq!(
        (bench.requests("dispatch"), bench.github.runs().len()),
        (1, runs)
    );
    bench.expect_no_violations();
}

/// Checks that this run was found, and how many requests to start one there were.
#[track_caller]
fn expect_found(bench: &Bench, result: Result<Started, Failure>, id: u64, dispatches: usize) {
    let run = bench.github.run(id).unwrap();
    let started = result.unwrap();
    assert_eq!(started.external_run_id, run.external_id);
    assert_eq!(started.link.as_deref(), Some(run.html_url.as_str()));
    assert_eq!(bench.requests("dispatch"), dispatches);
    bench.expect_no_violations();
}

/// The run that our client has started, beside those of others.
fn own_run(github: &GitHub) -> u64 {
    let own: Vec<_> = github
        .runs()
        .into_iter()
        .filter(|run| run.actor == "ocean-runner[bot]")
        .collect();
    assert_eq!(own.len(), 1, "{own:#?}");
    own[0].id
}

// Accepted.

#[tokio::test]
async fn a_204_is_discovered_by_its_title_among_runs_that_look_the_same() {
    let bench = Bench::before(silent(), quick(), shop(echoing())).await;
    for _ in 0..3 {
        bench
            .github
            .start_foreign_run("acme", "shop", "deploy.yml", "workflow_dispatch", "ada");
    }
    let result = bench.dispatch(WITH_RUN_ID).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
}

#[tokio::test]
async fn a_204_whose_search_is_refused_is_ambiguous_and_not_rejected() {
    let bench = Bench::with(silent(), quick()).await;
    bench.github.inject(Fault::new(
        "list-runs",
        Effect::answer(404, r#"{"message":"Not Found"}"#),
    ));
    let result = bench.dispatch(PROPERTIES).await;
    let failure = expect_failure(result, &FailureKind::Ambiguous, "workflow-not-found");
    assert!(failure.message.contains("has accepted"), "{failure:#?}");
    assert!(failure.request_sent);
    assert_eq!(bench.requests("dispatch"), 1);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_204_whose_search_fails_for_a_moment_is_still_discovered() {
    let bench = Bench::before(silent(), quick(), shop(echoing())).await;
    bench
        .github
        .inject(Fault::new("list-runs", github::bad_gateway()).once());
    let result = bench.dispatch(WITH_RUN_ID).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
}

// Older servers.

#[tokio::test]
async fn on_an_older_server_the_only_run_that_can_be_it_is_found() {
    let bench = Bench::with(older_server(), quick()).await;
    let result = bench.dispatch(PROPERTIES).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 2);
}

#[tokio::test]
async fn a_server_that_names_the_key_even_where_it_was_not_sent_is_not_asked_a_third_time() {
    let bench = Bench::with(Options::default(), quick()).await;
    let body =
        r#"{"message":"Invalid request.\n\n\"return_run_details\" is not a permitted key."}"#;
    bench
        .github
        .inject(Fault::new("dispatch", Effect::answer(422, body)));
    let failure = expect_failure(
        bench.dispatch(PROPERTIES).await,
        &FailureKind::Rejected,
        "request-refused",
    );
    assert!(failure.request_sent);
    assert_eq!(bench.requests("dispatch"), 2);
    bench.expect_no_violations();
}

// Refused by GitHub's own rules: status 422.

#[tokio::test]
async fn a_file_with_too_many_inputs_is_refused() {
    let workflow = (0..26).fold(Workflow::new("deploy.yml"), |workflow, n| {
        workflow.input(Input::new(format!("i{n}")))
    });
    refused_by(
        shop(workflow),
        PROPERTIES,
        "workflow-file-invalid",
        "Invalid Argument - failed to parse workflow: you may only define up to 25 `inputs`",
    )
    .await;
}

/// One test for each refusal that the simulator does not bring about by itself: its text is injected.
macro_rules! refusals {
    ($($name:ident: $status:literal $message:literal is $code:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            refused_with($status, $message, $code).await;
        }
    )*};
}

refusals! {
    an_account_without_actions_is_refused:
        422 "Actions has been disabled for this user." is "actions-disabled";
    inputs_that_the_server_finds_too_large_are_refused:
        422 "inputs are too large." is "inputs-too-large";
    a_file_that_github_cannot_parse_is_refused:
        422 "Invalid Argument - failed to parse workflow: (Line: 3, Col: 1): Unexpected value 'jbos'" is "workflow-file-invalid";
    a_missing_key_is_refused:
        422 "Invalid request.\n\n\"ref\" wasn't supplied." is "request-refused";
    a_key_that_is_not_permitted_is_refused:
        422 "Invalid request.\n\n\"colour\" is not a permitted key." is "request-refused";
    a_value_that_is_no_text_is_refused:
        422 "Invalid request.\n\nFor 'additionalProperties', nil is not a string." is "request-refused";
    a_422_with_unknown_words_is_refused:
        422 "The moon is in the wrong phase" is "request-refused";
    too_many_properties_by_the_validators_own_words_are_refused:
        422 "No more than 25 properties are allowed; 26 were supplied." is "too-many-inputs";
    a_body_that_is_not_json_is_refused:
        400 "Problems parsing JSON" is "request-refused";
    a_body_that_is_no_object_is_refused:
        400 "Body should be a JSON object" is "request-refused";
    an_app_without_the_permission_is_refused:
        403 "Resource not accessible by integration" is "permission-missing";
    a_personal_token_without_the_permission_is_refused:
        403 "Resource not accessible by personal access token" is "permission-missing";
    a_classic_token_without_write_access_is_refused:
        403 "Must have admin rights to Repository." is "permission-missing";
    a_suspended_app_is_refused:
        403 "This installation has been suspended" is "app-suspended";
    a_blocked_repository_is_refused:
        403 "Repository access blocked" is "repository-disabled";
    a_403_with_unknown_words_is_a_missing_permission:
        403 "Not today" is "permission-missing";
    a_workflow_that_is_gone_is_refused:
        410 "Gone" is "workflow-not-found";
    a_body_that_is_too_large_is_refused:
        413 "Payload Too Large" is "inputs-too-large";
    a_repository_that_the_law_has_closed_is_refused:
        451 "Repository access blocked" is "repository-disabled";
    a_method_that_is_not_allowed_is_refused:
        405 "Method Not Allowed" is "request-refused";
    an_unsupported_media_type_is_refused:
        415 "Unsupported 'Accept' header" is "request-refused";
}

#[tokio::test]
async fn an_unknown_api_version_is_refused_with_errors_that_are_a_text() {
    let bench = Bench::new().await;
    let body = json!({
        "message": "Bad Request",
        "errors": "The version you specified in the \"X-GitHub-API-Version\" request header, \"2022-11-28\", is not a supported version.",
        "status": "400",
    });
    bench.github.inject(Fault::new(
        "dispatch",
        Effect::answer(400, body.to_string()),
    ));
    let result = bench.dispatch(PROPERTIES).await;
    let words = "Bad Request (The version you specified";
    expect_refusal(
        &bench,
        result,
        &FailureKind::Rejected,
        "request-refused",
        words,
    );
}

#[tokio::test]
async fn an_answer_that_is_not_json_is_passed_on_as_it_is() {
    let bench = Bench::new().await;
    let page = Effect::Answer {
        status: 403,
        headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        body: "\r\nRequest forbidden by administrative rules.\r\n".to_owned(),
    };
    bench.github.inject(Fault::new("dispatch", page));
    let result = bench.dispatch(PROPERTIES).await;
    let words = "403: Request forbidden by administrative rules.";
    expect_refusal(
        &bench,
        result,
        &FailureKind::Rejected,
        "permission-missing",
        words,
    );
}

// Refused for who asks or what is asked for: 401, 403, 404.

#[tokio::test]
async fn an_expired_credential_is_noticed_before_anything_is_sent() {
    let bench = Bench::new().await;
    bench
        .github
        .set_standing(&bench.github.token(), Standing::Expired);
    let result = bench.dispatch(PROPERTIES).await;
    let failure = expect_failure(result, &FailureKind::Unauthorized, "bad-credentials");
    assert!(failure.message.contains("Bad credentials"), "{failure:#?}");
    assert!(failure.remedy.is_some() && !failure.request_sent);
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_missing_credential_on_a_public_repository_is_unauthorized() {
    let bench = Bench::new().await;
    let body = r#"{"message":"Requires authentication","documentation_url":"https://docs.github.com/rest","status":"401"}"#;
    bench
        .github
        .inject(Fault::new("dispatch", Effect::answer(401, body)));
    let result = bench.dispatch(PROPERTIES).await;
    expect_refusal(
        &bench,
        result,
        &FailureKind::Unauthorized,
        "bad-credentials",
        "Requires authentication",
    );
}

#[tokio::test]
async fn a_personal_token_that_may_only_read_lacks_the_permission_by_name() {
    let role = Role {
        sends: Sends::Token("github_pat_0".to_owned()),
        ..quick()
    };
    let bench = Bench::with(Options::default(), role).await;
    bench.github.add_token("github_pat_0", false, "ada");
    let result = bench.dispatch(PROPERTIES).await;
    let words = "Resource not accessible by personal access token";
    let failure = expect_refusal(
        &bench,
        result,
        &FailureKind::Rejected,
        "permission-missing",
        words,
    );
    assert!(failure.remedy.unwrap().contains("`actions: write`"));
}

#[tokio::test]
async fn an_unsupported_action_type_is_refused_before_anything_is_sent() {
    let bench = Bench::new().await;
    let run = Run {
        action_type: "dispatch_pipeline".to_owned(),
        ..run(PROPERTIES)
    };
    let result = bench.dispatch_run(run).await;
    let failure = expect_failure(result, &FailureKind::Unsupported, "unsupported-action-type");
    assert!(failure.message.contains("`dispatch_pipeline`"));
    assert!(!failure.request_sent);
    bench.expect_nothing_sent();
}

// Renamed and moved.

#[tokio::test]
async fn a_renamed_repository_is_addressed_by_its_new_name() {
    let bench = Bench::new().await;
    bench.github.rename_repository("acme", "shop", "store");
    let result = bench.dispatch(PROPERTIES).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
    assert_eq!(
        bench.exchanges("dispatch")[0].path,
        "/repos/acme/store/actions/workflows/deploy.yml/dispatches"
    );
}

#[tokio::test]
async fn a_repository_that_is_renamed_just_before_the_dispatch_is_followed_there() {
    let bench = Bench::new().await;
    let held = Effect::HoldReply(Duration::from_millis(200));
    bench.github.inject(Fault::new("get-repository", held));
    let (result, ()) = tokio::join!(bench.dispatch(PROPERTIES), async {
        let asked = |github: &GitHub| github.count("get-repository") == 1;
        assert!(bench.github.wait_until(Duration::from_secs(5), asked).await);
        bench.github.rename_repository("acme", "shop", "store");
    });
    // The first of the two was redirected and started nothing.
    let own = own_run(&bench.github);
    let started = result.unwrap();
    assert_eq!(
        started.external_run_id,
        bench.github.run(own).unwrap().external_id
    );
    let statuses: Vec<_> = bench
        .exchanges("dispatch")
        .iter()
        .map(|it| it.status)
        .collect();
    assert_eq!(statuses, [Some(307), Some(200)]);
    bench.expect_no_violations();
}

// Rate limits.

/// GitHub limits the dispatch; how long the pause is.
async fn limited_by(effect: Effect) -> Option<u32> {
    let bench = Bench::new().await;
    bench.github.inject(Fault::new("dispatch", effect));
    let failure = bench.dispatch(PROPERTIES).await.unwrap_err();
    let FailureKind::RateLimited(seconds) = failure.kind else {
        panic!("{failure:#?}")
    };
    let says_so = [
        "exceeded a secondary rate limit",
        "rate limit exceeded",
        "slow down",
    ];
    assert!(
        says_so.iter().any(|words| failure.message.contains(words)),
        "{failure:#?}"
    );
    assert_eq!(failure.code, "rate-limited");
    assert!(failure.remedy.is_some() && failure.request_sent);
    assert_eq!(
        (bench.requests("dispatch"), bench.github.runs().len()),
        (1, 0)
    );
    bench.expect_no_violations();
    seconds
}

/// The second that comes so long from now, since 1970.
fn second_from_now(seconds: u64) -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    now.as_secs() + seconds
}

#[tokio::test]
async fn a_403_of_the_primary_limit_waits_for_the_reset() {
    let seconds = limited_by(github::primary_limit(403, second_from_now(600)))
        .await
        .unwrap();
    assert!((599..=602).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_429_of_the_primary_limit_waits_for_the_reset() {
    let seconds = limited_by(github::primary_limit(429, second_from_now(600)))
        .await
        .unwrap();
    assert!((599..=602).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn a_primary_limit_whose_reset_has_passed_waits_a_moment() {
    let seconds = limited_by(github::primary_limit(403, second_from_now(0) - 100))
        .await
        .unwrap();
    assert_eq!(seconds, 1);
}

#[tokio::test]
async fn a_403_of_the_secondary_limit_waits_as_long_as_it_says() {
    assert_eq!(
        limited_by(github::secondary_limit(403, Some(77))).await,
        Some(77)
    );
}

#[tokio::test]
async fn a_429_of_the_secondary_limit_waits_as_long_as_it_says() {
    assert_eq!(
        limited_by(github::secondary_limit(429, Some(77))).await,
        Some(77)
    );
}

#[tokio::test]
async fn a_403_of_the_secondary_limit_that_does_not_say_leaves_the_pause_to_the_host() {
    assert_eq!(limited_by(github::secondary_limit(403, None)).await, None);
}

#[tokio::test]
async fn a_429_of_the_secondary_limit_that_does_not_say_leaves_the_pause_to_the_host() {
    assert_eq!(limited_by(github::secondary_limit(429, None)).await, None);
}

#[tokio::test]
async fn a_limit_may_name_the_moment_as_a_date() {
    let date = "Fri, 31 Dec 9999 23:59:59 GMT";
    let effect = Effect::Answer {
        status: 429,
        headers: vec![("retry-after".to_owned(), date.to_owned())],
        body: r#"{"message":"slow down"}"#.to_owned(),
    };
    assert_eq!(limited_by(effect).await, Some(u32::MAX));
}

#[tokio::test]
async fn a_403_with_a_pause_is_a_limit_whatever_its_words() {
    let effect = Effect::Answer {
        status: 403,
        headers: vec![("retry-after".to_owned(), "30".to_owned())],
        body: r#"{"message":"slow down"}"#.to_owned(),
    };
    assert_eq!(limited_by(effect).await, Some(30));
}

#[tokio::test]
async fn a_quota_that_ends_with_the_question_before_the_dispatch_is_a_limit() {
    let bench = Bench::new().await;
    bench.github.set_remaining(&bench.github.token(), 1);
    let failure = bench.dispatch(PROPERTIES).await.unwrap_err();
    let FailureKind::RateLimited(Some(seconds)) = failure.kind else {
        panic!("{failure:#?}")
    };
    assert!((3598..=3602).contains(&seconds), "{seconds}");
    assert!(
        failure
            .message
            .contains("API rate limit exceeded for installation ID"),
        "{failure:#?}"
    );
    assert_eq!(
        (bench.requests("dispatch"), bench.github.runs().len()),
        (1, 0)
    );
    bench.expect_no_violations();
}

#[tokio::test]
async fn during_a_pause_nothing_is_sent_at_all() {
    let bench = Bench::new().await;
    bench.github.inject(Fault::new(
        "dispatch",
        github::secondary_limit(403, Some(77)),
    ));
    bench.dispatch(PROPERTIES).await.unwrap_err();
    let before = bench.github.exchanges().len();
    let failure = bench.dispatch(PROPERTIES).await.unwrap_err();
    assert!(
        matches!(failure.kind, FailureKind::RateLimited(Some(60..=77))),
        "{failure:#?}"
    );
    assert!(!failure.request_sent, "{failure:#?}");
    assert_eq!(bench.github.exchanges().len(), before);
    bench.expect_no_violations();
}

// Not executed, or nobody knows.

#[tokio::test]
async fn a_refused_connection_is_unavailable() {
    let bench = Bench::new().await;
    bench.github.stop().await;
    let result = bench.dispatch(PROPERTIES).await;
    let failure = expect_failure(result, &FailureKind::Unavailable, "not-reached");
    assert!(failure.message.contains("refused"), "{failure:#?}");
    assert!(failure.remedy.is_some() && !failure.request_sent);
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn a_connection_that_is_refused_to_the_dispatch_itself_is_unavailable() {
    let bench = Bench::new().await;
    let held = Effect::HoldReply(Duration::from_millis(100));
    bench.github.inject(Fault::new("get-repository", held));
    let (result, ()) = tokio::join!(bench.dispatch(PROPERTIES), async {
        let asked = |github: &GitHub| github.count("get-repository") == 1;
        assert!(bench.github.wait_until(Duration::from_secs(5), asked).await);
        bench.github.stop().await;
    });
    let failure = expect_failure(result, &FailureKind::Unavailable, "not-reached");
    assert!(!failure.request_sent, "{failure:#?}");
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_503_is_ambiguous() {
    let bench = Bench::new().await;
    bench.github.inject(Fault::new(
        "dispatch",
        Effect::process_then_answer(503, "Service Unavailable"),
    ));
    let result = bench.dispatch(PROPERTIES).await;
    expect_unknown(&bench, result, "server-error", 1);
}

#[tokio::test]
async fn a_408_is_ambiguous_since_somebody_on_the_way_gave_up() {
    let bench = Bench::new().await;
    bench.github.inject(Fault::new(
        "dispatch",
        Effect::process_then_answer(408, "Request Timeout"),
    ));
    let result = bench.dispatch(PROPERTIES).await;
    expect_unknown(&bench, result, "server-error", 1);
}

// Later attempts.

#[tokio::test]
async fn a_retry_after_a_500_adopts_the_run_that_was_started_nevertheless() {
    let mut bench = Bench::before(Options::default(), quick(), shop(echoing())).await;
    bench.github.inject(Fault::new(
        "dispatch",
        github::server_error_after_processing(),
    ));
    bench.dispatch(WITH_RUN_ID).await.unwrap_err();
    bench.attempt = 2;
    let result = bench.dispatch(WITH_RUN_ID).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
}

#[tokio::test]
async fn a_third_attempt_discovers_first_as_well() {
    let mut bench = Bench::before(Options::default(), quick(), shop(echoing())).await;
    lost_first_try(&mut bench, WITH_RUN_ID).await;
    bench.attempt = 3;
    let result = bench.dispatch(WITH_RUN_ID).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
}

#[tokio::test]
async fn a_retry_that_finds_several_is_ambiguous_and_sends_nothing() {
    let bench = retry(quick(), Workflow::new("deploy.yml")).await;
    for _ in 0..2 {
        bench
            .github
            .start_foreign_run("acme", "shop", "deploy.yml", "workflow_dispatch", "ada");
    }
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Ambiguous, "several-runs-discovered");
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_retry_that_cannot_look_stays_unavailable_and_sends_nothing() {
    let bench = retry(quick(), Workflow::new("deploy.yml")).await;
    bench
        .github
        .inject(Fault::new("list-runs", github::server_error()));
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Unavailable, "server-error");
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_retry_whose_repository_is_gone_does_not_claim_that_nothing_ran() {
    let bench = retry(quick(), Workflow::new("deploy.yml")).await;
    let properties = r#"{"org":"acme","repo":"gone","workflow":"deploy.yml"}"#;
    let result = bench.dispatch(properties).await;
    let failure = expect_failure(result, &FailureKind::Ambiguous, "repository-not-found");
    assert!(failure.message.contains("may have started"), "{failure:#?}");
    assert!(failure.request_sent);
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_retry_that_may_send_again_adopts_what_it_finds() {
    let role = settings(r#"{"discovery-seconds":1,"resend-after-ambiguous":true}"#);
    let mut bench = Bench::before(Options::default(), role, shop(echoing())).await;
    lost_first_try(&mut bench, WITH_RUN_ID).await;
    let result = bench.dispatch(WITH_RUN_ID).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
}

#[tokio::test]
async fn a_retry_that_may_send_again_does_not_where_several_were_found() {
    let role = settings(r#"{"discovery-seconds":1,"resend-after-ambiguous":true}"#);
    let bench = retry(role, Workflow::new("deploy.yml")).await;
    for _ in 0..2 {
        bench
            .github
            .start_foreign_run("acme", "shop", "deploy.yml", "workflow_dispatch", "ada");
    }
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Ambiguous, "several-runs-discovered");
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_retry_that_may_send_again_does_not_where_it_could_not_look() {
    let role = settings(r#"{"discovery-seconds":1,"resend-after-ambiguous":true}"#);
    let bench = retry(role, Workflow::new("deploy.yml")).await;
    bench
        .github
        .inject(Fault::new("list-runs", github::bad_gateway()));
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Unavailable, "server-error");
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

// Runs of others.

#[tokio::test]
async fn a_run_that_belongs_to_another_port_run_is_not_adopted() {
    let mut bench = Bench::with(Options::default(), quick()).await;
    lost_first_try(&mut bench, PROPERTIES).await;
    bench.taken = vec![bench.github.runs()[0].external_id.clone()];
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Ambiguous, "run-not-discovered");
    assert_eq!(bench.requests("dispatch"), 1);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_run_whose_title_only_contains_the_id_within_a_word_is_not_an_exact_match() {
    let bench = Bench::before(Options::default(), quick(), shop(echoing())).await;
    for id in ["r_bench1x", "xr_bench1"] {
        let other = WITH_RUN_ID.replace(RUN_ID, id);
        bench.dispatch(&other).await.unwrap();
    }
    let mut bench = bench;
    bench.attempt = 2;
    let result = bench.dispatch(WITH_RUN_ID).await;
    expect_failure(result, &FailureKind::Ambiguous, "several-runs-discovered");
    assert_eq!(bench.requests("dispatch"), 2);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_run_of_another_actor_is_not_adopted_where_the_own_is_known() {
    let bench = retry(
        settings(r#"{"discovery-seconds":1,"actor":"ocean-runner[bot]"}"#),
        Workflow::new("deploy.yml"),
    )
    .await;
    bench
        .github
        .start_foreign_run("acme", "shop", "deploy.yml", "workflow_dispatch", "ada");
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Ambiguous, "run-not-discovered");
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_run_of_another_event_is_not_adopted() {
    let bench = Bench::with(silent(), quick()).await;
    bench
        .github
        .start_foreign_run("acme", "shop", "deploy.yml", "push", "ada");
    let result = bench.dispatch(PROPERTIES).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
}

#[tokio::test]
async fn a_run_of_another_workflow_is_not_adopted() {
    let repository = shop(Workflow::new("deploy.yml")).workflow(Workflow::new("other.yml"));
    let bench = Bench::before(silent(), quick(), repository).await;
    bench
        .github
        .start_foreign_run("acme", "shop", "other.yml", "workflow_dispatch", "ada");
    let result = bench.dispatch(PROPERTIES).await;
    let own = own_run(&bench.github);
    expect_found(&bench, result, own, 1);
}

/// A server that ignores the filters of a list, and shows one run that differs from ours in this field.
async fn listed_with(field: &str, value: Value) {
    let bench = retry(quick(), Workflow::new("deploy.yml")).await;
    let mut run = json!({
        "id": 4711,
        "event": "workflow_dispatch",
        "status": "queued",
        "head_branch": "main",
        "display_title": "deploy",
        "created_at": "2099-01-01T00:00:00Z",
        "actor": {"login": "ocean-runner[bot]"},
    });
    run[field] = value;
    let list = json!({"total_count": 1, "workflow_runs": [run]});
    bench.github.inject(Fault::new(
        "list-runs",
        Effect::answer(200, list.to_string()),
    ));
    let result = bench.dispatch(PROPERTIES).await;
    expect_failure(result, &FailureKind::Ambiguous, "run-not-discovered");
    assert_eq!(bench.requests("dispatch"), 0);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_run_from_before_the_first_try_is_not_adopted() {
    listed_with("created_at", json!("2020-01-01T00:00:00Z")).await;
}

#[tokio::test]
async fn a_run_without_a_time_is_not_adopted() {
    listed_with("created_at", Value::Null).await;
}

#[tokio::test]
async fn a_run_of_another_event_in_an_unfiltered_list_is_not_adopted() {
    listed_with("event", json!("push")).await;
}

#[tokio::test]
async fn a_run_without_a_branch_is_not_adopted() {
    listed_with("head_branch", Value::Null).await;
}
