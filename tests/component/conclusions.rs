//! Every event and every conclusion: what GitHub tells about a run, by webhook or when asked, and what Port hears of it.
//! The deliveries are those that the simulated GitHub makes, or differ from them in one field.

use crate::bench::{Bench, expect_failure};
use host_harness::contract::{
    Change, Completion, Failure, FailureKind, Header, Level, Outcome, Progress, RunUpdate,
};
use host_harness::simulator::github::{
    self, DeliveryEffect, DeliveryFault, DeliveryView, Options, Phase, Repository, RunView,
    Standing, Workflow,
};
use host_harness::simulator::{Effect, Fault};
use host_harness::stage::Role;
use serde_json::{Value, json};
use std::time::Duration;

/// A bench with one run, which GitHub tells about and which moves only when it is told to.
struct Scene {
    bench: Bench,
    run: RunView,
}

impl Scene {
    async fn new() -> Scene {
        Scene::of(Workflow::new("deploy.yml")).await
    }

    /// A run that fails in the step "Run the tests" of the job "test" when it ends as `failure`.
    async fn failing() -> Scene {
        Scene::of(Workflow::new("deploy.yml").failing("test", "Run the tests")).await
    }

    async fn of(workflow: Workflow) -> Scene {
        Scene::holding(Repository::new("acme", "shop").workflow(workflow.manual())).await
    }

    async fn holding(repository: Repository) -> Scene {
        Scene::with(Options::default(), repository).await
    }

    async fn with(options: Options, repository: Repository) -> Scene {
        let bench = Bench::before(options, Role::self_hosted("bench"), repository).await;
        bench.hook();
        bench
            .dispatch(r#"{"org":"acme","repo":"shop","workflow":"deploy.yml"}"#)
            .await
            .unwrap();
        let run = bench.github.runs()[0].clone();
        Scene { bench, run }
    }

    /// Ends the run, and hands the delivery that tells it to the component.
    async fn ended(&self, conclusion: &str) -> Result<Vec<RunUpdate>, Failure> {
        self.bench.forward(&self.end(conclusion).await).await
    }

    /// Ends the run, and takes the delivery that tells it.
    async fn end(&self, conclusion: &str) -> DeliveryView {
        self.bench.github.finish(self.run.id, conclusion);
        self.bench.delivery("workflow_run", "completed").await
    }

    /// The end that this conclusion is, as the delivery tells it.
    async fn completion(&self, conclusion: &str) -> Completion {
        self.completed(self.ended(conclusion).await)
    }

    /// The one update, if it is an end of this run.
    #[track_caller]
    fn completed(&self, updates: Result<Vec<RunUpdate>, Failure>) -> Completion {
        match self.change(updates) {
            Change::Completed(end) => end,
            Change::Progress(progress) => panic!("not an end: {progress:#?}"),
        }
    }

    /// The one update, if it is progress of this run.
    #[track_caller]
    fn progress(&self, updates: Result<Vec<RunUpdate>, Failure>) -> Progress {
        match self.change(updates) {
            Change::Progress(progress) => progress,
            Change::Completed(end) => panic!("not progress: {end:#?}"),
        }
    }

    /// The one update, if it is of the first attempt of this run.
    #[track_caller]
    fn change(&self, updates: Result<Vec<RunUpdate>, Failure>) -> Change {
        let [update] = updates.unwrap().try_into().unwrap();
        let RunUpdate {
            external_run_id,
            attempt,
            change,
        } = update;
        assert_eq!(
            (external_run_id, attempt),
            (self.run.external_id.clone(), 1)
        );
        change
    }

    /// Lets the component check the run.
    async fn check(&self) -> Result<Vec<RunUpdate>, Failure> {
        self.bench.check(&self.run.external_id).await
    }
}

/// The delivery with one field of its subject changed.
fn edited(delivery: &DeliveryView, field: &str, value: Value) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&delivery.payload).unwrap();
    let subject = if delivery.event == "workflow_run" {
        "workflow_run"
    } else {
        "workflow_job"
    };
    body[subject][field] = value;
    body.to_string().into_bytes()
}

/// Checks what every end tells, whatever it is.
#[track_caller]
fn expect_end(end: &Completion, outcome: Outcome, conclusion: &str, label: &str) {
    assert_eq!(
        (end.outcome, end.conclusion.as_str(), end.label.as_str()),
        (outcome, conclusion, label),
        "{end:#?}"
    );
    let mut output: Value = serde_json::from_str(&end.output).unwrap();
    // The simulated run took 50 ms, on a clock of whole seconds.
    let took = output.as_object_mut().unwrap().remove("workflowRunSeconds");
    assert!(took.unwrap().as_u64().unwrap() <= 1);
    assert_eq!(
        output,
        json!({"workflowRunConclusion": conclusion, "workflowRunAttempt": 1})
    );
    let first = end.log.first().unwrap();
    let words = format!("The workflow run ended: {conclusion} after ");
    assert!(first.message.starts_with(&words), "{first:?}");
    let is_error = outcome != Outcome::Success;
    assert_eq!(first.level == Level::Error, is_error, "{first:?}");
}

/// One test for each conclusion that a run can have: outcome and label, and whether there is something to explain.
macro_rules! conclusions {
    ($($name:ident: $word:literal is $outcome:ident, $label:literal, $summary:expr;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let scene = Scene::new().await;
            let end = scene.completion($word).await;
            expect_end(&end, Outcome::$outcome, $word, $label);
            let summary: Option<&str> = $summary;
            match summary {
                None => assert_eq!(end.summary, None),
                Some(words) => assert!(end.summary.unwrap().contains(words)),
            }
            scene.bench.expect_no_violations();
        }
    )*};
}

conclusions! {
    success_is_success: "success" is Success, "Succeeded", None;
    skipped_is_success: "skipped" is Success, "Skipped", None;
    neutral_is_success: "neutral" is Success, "Neutral", None;
    failure_is_failure: "failure" is Failure, "Failed", Some("failed in step 3: Run make");
    cancelled_is_cancelled: "cancelled" is Cancelled, "Cancelled", None;
    timed_out_is_failure: "timed_out" is Failure, "Timed out", Some("build");
    action_required_is_failure: "action_required" is Failure, "Action required", Some("a person to act");
    stale_is_failure: "stale" is Failure, "Stale", Some("given the run up");
    startup_failure_is_failure: "startup_failure" is Failure, "Could not start", Some("the workflow's file has an error");
}

// Conclusions that say nothing: GitHub is asked.

#[tokio::test]
async fn a_null_conclusion_of_a_failure_is_read_again_and_explained() {
    let scene = Scene::failing().await;
    let fault = DeliveryFault::new("workflow_run", DeliveryEffect::NullConclusion);
    scene
        .bench
        .github
        .inject_delivery(fault.action("completed"));
    let end = scene.completion("failure").await;
    expect_end(&end, Outcome::Failure, "failure", "Failed");
    assert!(end.summary.unwrap().contains("Run the tests"));
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn an_unknown_conclusion_is_read_again() {
    let scene = Scene::new().await;
    let delivery = scene.end("success").await;
    let body = edited(&delivery, "conclusion", json!("exploded"));
    let end = scene.completed(scene.bench.deliver("workflow_run", &body).await);
    expect_end(&end, Outcome::Success, "success", "Succeeded");
    assert_eq!(scene.bench.requests("get-run"), 1);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_missing_conclusion_is_read_again() {
    let scene = Scene::new().await;
    let delivery = scene.end("success").await;
    let mut body: Value = serde_json::from_slice(&delivery.payload).unwrap();
    body["workflow_run"]
        .as_object_mut()
        .unwrap()
        .remove("conclusion");
    let body = body.to_string();
    let end = scene.completed(scene.bench.deliver("workflow_run", body.as_bytes()).await);
    expect_end(&end, Outcome::Success, "success", "Succeeded");
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_conclusion_in_another_case_is_unknown_and_read_again() {
    let scene = Scene::new().await;
    let delivery = scene.end("failure").await;
    let body = edited(&delivery, "conclusion", json!("SUCCESS"));
    let end = scene.completed(scene.bench.deliver("workflow_run", &body).await);
    expect_end(&end, Outcome::Failure, "failure", "Failed");
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_conclusion_that_github_itself_does_not_explain_is_never_an_end() {
    let scene = Scene::new().await;
    let updates = scene.ended("exploded").await;
    assert_eq!(scene.progress(updates).log, []);
    assert_eq!(scene.bench.requests("get-run"), 1);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_null_conclusion_that_cannot_be_read_now_is_a_failure_so_that_the_delivery_is_tried_again()
 {
    let scene = Scene::new().await;
    let delivery = scene.end("success").await;
    let body = edited(&delivery, "conclusion", Value::Null);
    scene
        .bench
        .github
        .inject(Fault::new("get-run", github::bad_gateway()));
    let result = scene.bench.deliver("workflow_run", &body).await;
    let failure = expect_failure(result, &FailureKind::Unavailable, "server-error");
    assert!(!failure.request_sent);
    scene.bench.expect_no_violations();
}

// A run goes on.

#[tokio::test]
async fn a_requested_run_that_calls_itself_completed_with_action_required_is_no_end() {
    let scene = Scene::new().await;
    let delivery = scene.bench.delivery("workflow_run", "requested").await;
    let mut body: Value = serde_json::from_slice(&delivery.payload).unwrap();
    body["workflow_run"]["status"] = json!("completed");
    body["workflow_run"]["conclusion"] = json!("action_required");
    let body = body.to_string();
    let progress = scene.progress(scene.bench.deliver("workflow_run", body.as_bytes()).await);
    assert_eq!(progress.label.as_deref(), Some("Waiting for approval"));
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_job_that_fails_is_logged_as_an_error() {
    let scene = Scene::of(
        Workflow::new("deploy.yml")
            .jobs(["test"])
            .failing("test", "Run the tests"),
    )
    .await;
    scene.end("failure").await;
    let delivery = scene.bench.delivery("workflow_job", "completed").await;
    let progress = scene.progress(scene.bench.forward(&delivery).await);
    let [line] = progress.log.try_into().unwrap();
    assert_eq!(line.level, Level::Error);
    assert!(
        line.message.starts_with(r#"Job "test" finished: failure"#),
        "{line:?}"
    );
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn the_end_of_a_job_is_never_the_end_of_the_run() {
    let scene = Scene::new().await;
    scene.end("failure").await;
    let delivery = scene.bench.delivery("workflow_job", "completed").await;
    scene.progress(scene.bench.forward(&delivery).await);
    scene.bench.expect_no_violations();
}

// What concerns nobody.

#[tokio::test]
async fn a_run_that_was_not_dispatched_is_no_news() {
    let scene = Scene::new().await;
    scene.bench.delivery("workflow_job", "queued").await;
    scene.bench.github.clear_log();
    let push = scene
        .bench
        .github
        .start_foreign_run("acme", "shop", "deploy.yml", "push", "ada")
        .unwrap();
    scene.bench.github.finish(push, "failure");
    for action in ["requested", "in_progress", "completed"] {
        let delivery = scene.bench.delivery("workflow_run", action).await;
        assert_eq!(delivery.run_id, push);
        assert_eq!(
            scene.bench.forward(&delivery).await.unwrap(),
            [],
            "{action}"
        );
    }
    assert_eq!(scene.bench.requests("list-jobs"), 0);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn other_events_are_no_news_and_not_even_read() {
    let bench = Bench::new().await;
    for event in [
        "ping",
        "push",
        "workflow_dispatch",
        "check_run",
        "installation",
        "Workflow_Run",
        "",
    ] {
        let updates = bench.deliver(event, b"not even JSON").await.unwrap();
        assert_eq!(updates, [], "{event}");
    }
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn a_delivery_without_an_event_is_no_news() {
    let bench = Bench::new().await;
    assert_eq!(bench.hand_over(vec![], b"{}").await.unwrap(), []);
    bench.expect_nothing_sent();
}

#[tokio::test]
async fn an_event_that_is_no_text_is_no_news() {
    let bench = Bench::new().await;
    let header = Header {
        name: "x-github-event".to_owned(),
        value: vec![0xff, 0xfe],
    };
    assert_eq!(bench.hand_over(vec![header], b"{}").await.unwrap(), []);
    bench.expect_nothing_sent();
}

// Attempts.

#[tokio::test]
async fn the_end_of_a_re_run_names_its_attempt_and_explains_that_one() {
    let scene = Scene::failing().await;
    scene.end("success").await;
    scene.bench.github.clear_log();
    scene.bench.github.rerun(scene.run.id);
    let updates = scene.ended("failure").await.unwrap();
    assert_eq!(
        (updates[0].external_run_id.as_str(), updates[0].attempt),
        (scene.run.external_id.as_str(), 2)
    );
    let Change::Completed(end) = &updates[0].change else {
        panic!("{updates:#?}")
    };
    assert!(
        end.log[0]
            .message
            .starts_with("The workflow run (attempt 2) ended: failure"),
        "{end:#?}"
    );
    assert!(end.output.contains(r#""workflowRunAttempt":2"#), "{end:#?}");
    assert!(
        end.summary.as_ref().unwrap().contains("Run the tests"),
        "{end:#?}"
    );
    let asked = format!(
        "/repos/acme/shop/actions/runs/{}/attempts/2/jobs",
        scene.run.id
    );
    assert_eq!(scene.bench.exchanges("list-jobs")[0].path, asked);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn the_end_of_an_older_attempt_keeps_its_number_when_it_comes_late() {
    let scene = Scene::new().await;
    let late = scene.end("failure").await;
    scene.bench.github.rerun(scene.run.id);
    scene.completed(scene.bench.forward(&late).await);
    scene.bench.expect_no_violations();
}

// Why a run failed.

#[tokio::test]
async fn a_failure_of_many_jobs_names_ten_and_counts_the_rest() {
    let scene = Scene::new().await;
    let jobs: Vec<Value> = (0..13)
        .map(|n| json!({"name": format!("job{n}"), "conclusion": "failure", "steps": []}))
        .collect();
    let list = json!({"total_count": 13, "jobs": jobs});
    scene.bench.github.inject(Fault::new(
        "list-jobs",
        Effect::answer(200, list.to_string()),
    ));
    let end = scene.completion("failure").await;
    let summary = end.summary.unwrap();
    assert!(
        summary.contains("job9") && !summary.contains("job10"),
        "{summary}"
    );
    assert!(summary.ends_with("- and 3 more"), "{summary}");
    assert_eq!(end.log.len(), 11);
    scene.bench.expect_no_violations();
}

/// The end of a failed run when the question for its jobs goes wrong.
async fn unexplained(effect: Effect) {
    let scene = Scene::failing().await;
    scene.bench.github.inject(Fault::new("list-jobs", effect));
    let end = scene.completion("failure").await;
    expect_end(&end, Outcome::Failure, "failure", "Failed");
    assert_eq!((end.summary, end.log.len()), (None, 1));
    assert_eq!(scene.bench.requests("list-jobs"), 1);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_failure_is_reported_although_the_jobs_answer_500() {
    unexplained(github::server_error()).await;
}

#[tokio::test]
async fn a_failure_is_reported_although_the_jobs_are_not_found() {
    unexplained(github::not_found()).await;
}

#[tokio::test]
async fn a_failure_is_reported_although_the_jobs_are_limited() {
    unexplained(github::secondary_limit(403, Some(60))).await;
}

#[tokio::test]
async fn a_failure_is_reported_although_the_question_for_the_jobs_is_cut() {
    unexplained(Effect::CutBeforeProcessing).await;
}

#[tokio::test]
async fn a_failure_is_reported_although_the_jobs_are_unreadable() {
    unexplained(Effect::GarbageBody).await;
}

#[tokio::test]
async fn a_failure_is_reported_although_the_jobs_break_off() {
    unexplained(Effect::TruncateBody).await;
}

#[tokio::test]
async fn a_failure_is_reported_although_the_credential_has_expired() {
    let scene = Scene::failing().await;
    let delivery = scene.end("failure").await;
    let github = &scene.bench.github;
    github.set_standing(&github.token(), Standing::Expired);
    let end = scene.completed(scene.bench.forward(&delivery).await);
    expect_end(&end, Outcome::Failure, "failure", "Failed");
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn only_failures_ask_for_jobs() {
    for conclusion in [
        "success",
        "skipped",
        "neutral",
        "cancelled",
        "startup_failure",
        "stale",
    ] {
        let scene = Scene::new().await;
        scene.completion(conclusion).await;
        assert_eq!(scene.bench.requests("list-jobs"), 0, "{conclusion}");
        scene.bench.expect_no_violations();
    }
}

// Other forms of deliveries.

#[tokio::test]
async fn a_delivery_as_a_form_says_the_same() {
    let scene = Scene::new().await;
    let delivery = scene.end("success").await;
    let text = std::str::from_utf8(&delivery.payload).unwrap();
    let form: String = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("payload", text)
        .finish();
    let updates = scene
        .bench
        .deliver_as(
            "workflow_run",
            "application/x-www-form-urlencoded",
            form.as_bytes(),
        )
        .await;
    let end = scene.completed(updates);
    expect_end(&end, Outcome::Success, "success", "Succeeded");
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_repository_of_a_person_is_told_of_in_the_same_way() {
    let repository = Repository::new("acme", "shop")
        .organization(false)
        .workflow(Workflow::new("deploy.yml").manual());
    let scene = Scene::holding(repository).await;
    let delivery = scene.end("success").await;
    let body: Value = serde_json::from_slice(&delivery.payload).unwrap();
    assert_eq!(body.get("organization"), None);
    let end = scene.completed(scene.bench.forward(&delivery).await);
    expect_end(&end, Outcome::Success, "success", "Succeeded");
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_delivery_of_a_plain_repository_hook_has_no_installation_and_says_the_same() {
    let scene = Scene::new().await;
    let delivery = scene.end("success").await;
    let mut body: Value = serde_json::from_slice(&delivery.payload).unwrap();
    body.as_object_mut().unwrap().remove("installation");
    let body = body.to_string();
    scene.completed(scene.bench.deliver("workflow_run", body.as_bytes()).await);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn an_indented_delivery_says_the_same() {
    let scene = Scene::new().await;
    let delivery = scene.end("success").await;
    let body: Value = serde_json::from_slice(&delivery.payload).unwrap();
    let body = serde_json::to_vec_pretty(&body).unwrap();
    scene.completed(scene.bench.deliver("workflow_run", &body).await);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn an_event_header_in_capitals_says_the_same() {
    let scene = Scene::new().await;
    let delivery = scene.end("success").await;
    let header = Header {
        name: "X-GitHub-Event".to_owned(),
        value: b"workflow_run".to_vec(),
    };
    let updates = scene.bench.hand_over(vec![header], &delivery.payload).await;
    scene.completed(updates);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn the_same_delivery_twice_says_the_same_twice() {
    let scene = Scene::failing().await;
    let delivery = scene.end("failure").await;
    let first = scene.bench.forward(&delivery).await.unwrap();
    assert_eq!(scene.bench.forward(&delivery).await.unwrap(), first);
    scene.bench.expect_no_violations();
}

// Asked with `check`.

#[tokio::test]
async fn a_check_of_a_queued_run_says_queued() {
    let scene = Scene::new().await;
    let progress = scene.progress(scene.check().await);
    assert_eq!(
        (progress.label.as_deref(), progress.log),
        (Some("Queued"), vec![])
    );
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_check_of_a_waiting_run_says_waiting_for_approval() {
    let scene = Scene::new().await;
    scene.bench.github.advance(scene.run.id, Phase::Waiting);
    let progress = scene.progress(scene.check().await);
    assert_eq!(progress.label.as_deref(), Some("Waiting for approval"));
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_check_of_a_running_run_says_running() {
    let scene = Scene::new().await;
    scene.bench.github.advance(scene.run.id, Phase::InProgress);
    let progress = scene.progress(scene.check().await);
    assert_eq!(progress.label.as_deref(), Some("Running"));
    scene.bench.expect_no_violations();
}

/// One test for each conclusion that `check` finds: the same as by webhook.
macro_rules! checked_conclusions {
    ($($name:ident: $word:literal is $outcome:ident, $label:literal;)*) => {$(
        #[tokio::test]
        async fn $name() {
            let scene = Scene::failing().await;
            let told = scene.completion($word).await;
            let found = scene.completed(scene.check().await);
            expect_end(&found, Outcome::$outcome, $word, $label);
            assert_eq!(found, told);
            scene.bench.expect_no_violations();
        }
    )*};
}

checked_conclusions! {
    a_check_finds_success_as_the_webhook_does: "success" is Success, "Succeeded";
    a_check_finds_skipped_as_the_webhook_does: "skipped" is Success, "Skipped";
    a_check_finds_neutral_as_the_webhook_does: "neutral" is Success, "Neutral";
    a_check_finds_failure_as_the_webhook_does: "failure" is Failure, "Failed";
    a_check_finds_cancelled_as_the_webhook_does: "cancelled" is Cancelled, "Cancelled";
    a_check_finds_timed_out_as_the_webhook_does: "timed_out" is Failure, "Timed out";
    a_check_finds_action_required_as_the_webhook_does: "action_required" is Failure, "Action required";
    a_check_finds_stale_as_the_webhook_does: "stale" is Failure, "Stale";
    a_check_finds_startup_failure_as_the_webhook_does: "startup_failure" is Failure, "Could not start";
}

#[tokio::test]
async fn a_check_of_a_run_that_github_does_not_show_yet_is_unavailable() {
    let options = Options {
        fresh_run_lag: Duration::from_secs(60),
        ..Options::default()
    };
    let repository = Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml").manual());
    let scene = Scene::with(options, repository).await;
    let failure = expect_failure(
        scene.check().await,
        &FailureKind::Unavailable,
        "run-not-found",
    );
    assert!(failure.message.contains("Not Found") && failure.remedy.is_some());
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_check_with_an_unreadable_answer_is_unavailable() {
    let scene = Scene::new().await;
    scene
        .bench
        .github
        .inject(Fault::new("get-run", Effect::TruncateBody));
    expect_failure(
        scene.check().await,
        &FailureKind::Unavailable,
        "unreadable-answer",
    );
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_check_follows_a_repository_that_was_renamed() {
    let scene = Scene::new().await;
    scene
        .bench
        .github
        .rename_repository("acme", "shop", "store");
    scene.progress(scene.check().await);
    scene.bench.expect_no_violations();
}

// Asked to stop: `cancel`.

#[tokio::test]
async fn a_running_run_is_cancelled() {
    let scene = Scene::new().await;
    scene.bench.github.advance(scene.run.id, Phase::InProgress);
    scene.bench.cancel(&scene.run.external_id).await.unwrap();
    let asked = &scene.bench.exchanges("cancel")[0];
    assert_eq!(
        asked.path,
        format!("/repos/acme/shop/actions/runs/{}/cancel", scene.run.id)
    );
    assert_eq!((asked.status, asked.body.as_slice()), (Some(202), &b""[..]));
    let delivery = scene.bench.delivery("workflow_run", "completed").await;
    let end = scene.completed(scene.bench.forward(&delivery).await);
    expect_end(&end, Outcome::Cancelled, "cancelled", "Cancelled");
    scene.bench.expect_no_violations();
}

/// What `cancel` makes of a refusal.
async fn not_cancelled(effect: Effect, kind: &FailureKind, code: &str) {
    let scene = Scene::new().await;
    scene.bench.github.inject(Fault::new("cancel", effect));
    let failure = expect_failure(scene.bench.cancel(&scene.run.external_id).await, kind, code);
    assert!(
        failure.remedy.is_some() && !failure.request_sent,
        "{failure:#?}"
    );
    assert_eq!(scene.bench.requests("cancel"), 1);
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn a_run_that_github_does_not_know_cannot_be_cancelled() {
    let bench = Bench::new().await;
    let result = bench.cancel("gh_1_2_3").await;
    let failure = expect_failure(result, &FailureKind::Rejected, "run-not-found");
    assert!(failure.message.contains("Not Found") && failure.remedy.is_some());
    assert_eq!(bench.requests("cancel"), 1);
    bench.expect_no_violations();
}

#[tokio::test]
async fn a_credential_that_may_only_read_cannot_cancel() {
    let scene = Scene::new().await;
    let github = &scene.bench.github;
    github.add_token(&github.token(), false, "ocean-runner[bot]");
    let result = scene.bench.cancel(&scene.run.external_id).await;
    let failure = expect_failure(result, &FailureKind::Rejected, "permission-missing");
    assert!(failure.remedy.unwrap().contains("`actions: write`"));
    scene.bench.expect_no_violations();
}

#[tokio::test]
async fn an_expired_credential_cannot_cancel() {
    let refusal = Effect::answer(401, r#"{"message":"Bad credentials"}"#);
    not_cancelled(refusal, &FailureKind::Unauthorized, "bad-credentials").await;
}

#[tokio::test]
async fn a_cancellation_during_an_outage_is_unavailable_since_asking_twice_does_no_harm() {
    not_cancelled(
        github::bad_gateway(),
        &FailureKind::Unavailable,
        "server-error",
    )
    .await;
}

#[tokio::test]
async fn a_cancellation_whose_answer_is_lost_is_unavailable_since_asking_twice_does_no_harm() {
    not_cancelled(
        Effect::CutAfterProcessing,
        &FailureKind::Unavailable,
        "not-reached",
    )
    .await;
}

#[tokio::test]
async fn a_cancellation_during_a_limit_is_limited() {
    let limit = github::secondary_limit(403, Some(90));
    not_cancelled(limit, &FailureKind::RateLimited(Some(90)), "rate-limited").await;
}
