//! The component alone in front of a simulated GitHub: for what a single call does.

use crate::component::runtime;
use host_harness::contract::{
    Attempt, Configured, Delivery, Failure, FailureKind, Header, Origin, Problem, Run, RunKind,
    RunPlan, RunUpdate, Scope, Started,
};
use host_harness::installation::Installation;
use host_harness::runtime::{Call, Runtime};
use host_harness::simulator::Exchange;
use host_harness::simulator::github::{self, DeliveryView, GitHub, Repository, Workflow};
use host_harness::stage::{self, Role};
use std::sync::Arc;
use std::time::Duration;

/// The component alone in front of a simulated GitHub: for what a single call does.
pub struct Bench {
    /// The simulated GitHub, with `acme/shop` and its workflow `deploy.yml`.
    pub github: GitHub,
    /// Where the component runs.
    pub runtime: Runtime,
    /// For whom.
    pub installation: Arc<Installation>,
    /// Number of the attempt of dispatches.
    pub attempt: u32,
    /// External run ids that belong to other runs.
    pub taken: Vec<String>,
}

/// The run id that a bench gives to its runs.
pub const RUN_ID: &str = "r_bench1";

/// The properties of a run of `acme/shop · deploy.yml`.
pub const PROPERTIES: &str = r#"{"org":"acme","repo":"shop","workflow":"deploy.yml"}"#;

impl Bench {
    /// A bench with one repository `acme/shop`, whose only workflow is as simple as can be.
    pub async fn new() -> Bench {
        Bench::with(github::Options::default(), Role::self_hosted("bench")).await
    }

    /// A bench in front of a GitHub with other options, for another installation.
    pub async fn with(options: github::Options, role: Role) -> Bench {
        let repository = Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml"));
        Bench::before(options, role, repository).await
    }

    /// A bench whose `acme/shop` has this workflow.
    pub async fn of(workflow: Workflow) -> Bench {
        Bench::holding(Repository::new("acme", "shop").workflow(workflow)).await
    }

    /// A bench with this repository.
    pub async fn holding(repository: Repository) -> Bench {
        Bench::before(
            github::Options::default(),
            Role::self_hosted("bench"),
            repository,
        )
        .await
    }

    /// A bench with everything chosen.
    pub async fn before(options: github::Options, role: Role, repository: Repository) -> Bench {
        let github = GitHub::start(options).await.unwrap();
        github.add_repository(repository);
        Bench::on(github, &role).await
    }

    /// A bench in front of this GitHub.
    pub async fn on(github: GitHub, role: &Role) -> Bench {
        Bench {
            installation: Arc::new(stage::installation(role, &github).unwrap()),
            runtime: runtime().await,
            github,
            attempt: 1,
            taken: vec![],
        }
    }

    fn call(&self) -> Call {
        Call::new(self.installation.clone(), RUN_ID)
    }

    /// Lets the component dispatch a run with these properties. Fails the test if the call itself breaks.
    pub async fn dispatch(&self, properties: &str) -> Result<Started, Failure> {
        self.dispatch_run(run(properties)).await
    }

    /// Lets the component dispatch this run.
    pub async fn dispatch_run(&self, run: Run) -> Result<Started, Failure> {
        let attempt = Attempt {
            number: self.attempt,
            first_began: host_harness::clock::timestamp(),
            taken: self.taken.clone(),
        };
        self.runtime
            .dispatch(self.call(), run, attempt)
            .await
            .unwrap()
    }

    /// Lets the component plan a run with these properties.
    pub async fn plan(&self, properties: &str) -> Result<RunPlan, Failure> {
        self.plan_run(run(properties)).await
    }

    /// Lets the component plan this run.
    pub async fn plan_run(&self, run: Run) -> Result<RunPlan, Failure> {
        self.runtime.plan(self.call(), run).await.unwrap()
    }

    /// Lets the component check a run.
    pub async fn check(&self, external_run_id: &str) -> Result<Vec<RunUpdate>, Failure> {
        let run = run(PROPERTIES);
        self.runtime
            .check(self.call(), run, external_run_id.to_owned())
            .await
            .unwrap()
    }

    /// Lets the component cancel a run.
    pub async fn cancel(&self, external_run_id: &str) -> Result<(), Failure> {
        let run = run(PROPERTIES);
        self.runtime
            .cancel(self.call(), run, external_run_id.to_owned())
            .await
            .unwrap()
    }

    /// Lets the component look at a definition.
    pub async fn configure(
        &self,
        definition: &str,
        origin: Origin,
        scope: Scope,
    ) -> Result<Configured, Vec<Problem>> {
        self.runtime
            .configure(self.call(), definition.to_owned(), origin, scope)
            .await
            .unwrap()
    }

    /// Puts a delivery before the component.
    pub async fn deliver(&self, event: &str, body: &[u8]) -> Result<Vec<RunUpdate>, Failure> {
        self.deliver_as(event, "application/json", body).await
    }

    /// Puts a delivery of another content type before the component.
    pub async fn deliver_as(
        &self,
        event: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Vec<RunUpdate>, Failure> {
        let header = |name: &str, value: &str| Header {
            name: name.to_owned(),
            value: value.as_bytes().to_vec(),
        };
        let headers = vec![
            header("x-github-event", event),
            header("content-type", content_type),
        ];
        self.hand_over(headers, body).await
    }

    /// Puts a delivery with exactly these header fields before the component.
    pub async fn hand_over(
        &self,
        headers: Vec<Header>,
        body: &[u8],
    ) -> Result<Vec<RunUpdate>, Failure> {
        let delivery = Delivery {
            id: "delivery-1".to_owned(),
            headers,
            body: body.to_vec(),
            received: host_harness::clock::timestamp(),
        };
        self.runtime
            .handle_webhook(self.call(), delivery)
            .await
            .unwrap()
    }

    /// Puts a delivery of GitHub's before the component, with all its header fields.
    pub async fn forward(&self, delivery: &DeliveryView) -> Result<Vec<RunUpdate>, Failure> {
        let headers = delivery.headers.iter().map(|(name, value)| Header {
            name: name.to_ascii_lowercase(),
            value: value.clone().into_bytes(),
        });
        self.hand_over(headers.collect(), &delivery.payload).await
    }

    /// Lets GitHub make deliveries from now on. Nobody receives them; see [`Bench::delivery`].
    pub fn hook(&self) {
        self.github.add_webhook("http://127.0.0.1:1/", None);
    }

    /// Waits for the latest delivery of this event and action, and takes it out of GitHub's log.
    pub async fn delivery(&self, event: &str, action: &str) -> DeliveryView {
        let find = |github: &GitHub| {
            let all = github.deliveries().into_iter().rev();
            all.into_iter()
                .find(|one| one.event == event && one.action == action)
        };
        let came = self
            .github
            .wait_until(Duration::from_secs(5), |github| find(github).is_some());
        assert!(came.await, "no delivery {event}.{action}");
        find(&self.github).unwrap()
    }

    /// All requests of an operation that GitHub has seen.
    pub fn exchanges(&self, operation: &str) -> Vec<Exchange> {
        let all = self.github.exchanges().into_iter();
        all.filter(|exchange| exchange.operation == operation)
            .collect()
    }

    /// Fails the test if any request has left.
    #[track_caller]
    pub fn expect_nothing_sent(&self) {
        assert_eq!(self.github.exchanges(), Vec::<Exchange>::new());
        self.expect_no_violations();
    }

    /// How many requests of an operation ("dispatch", "get-repository", …) GitHub has seen.
    pub fn requests(&self, operation: &str) -> usize {
        self.github.count(operation)
    }

    /// Ends the test: fails it if the component did anything that a correct client would never do.
    #[track_caller]
    pub fn expect_no_violations(&self) {
        assert_eq!(self.github.violations(), Vec::<String>::new());
    }
}

/// A run of the action `dispatch_workflow`.
pub fn run(properties: &str) -> Run {
    Run {
        id: RUN_ID.to_owned(),
        kind: RunKind::Action,
        action_type: "dispatch_workflow".to_owned(),
        properties: properties.to_owned(),
    }
}

/// The failure of a call that should have failed, with a check of its kind and code.
#[track_caller]
pub fn expect_failure<T: std::fmt::Debug>(
    result: Result<T, Failure>,
    kind: &FailureKind,
    code: &str,
) -> Failure {
    match result {
        Err(failure) => {
            assert_eq!(
                (&failure.kind, failure.code.as_str()),
                (kind, code),
                "{failure:#?}"
            );
            failure
        }
        Ok(value) => panic!("expected the failure {code}, got {value:#?}"),
    }
}
