//! The component alone in front of a simulated GitHub: for what a single call does.

use crate::component::runtime;
use host_harness::contract::{
    Attempt, Configured, Delivery, Failure, FailureKind, Header, Origin, Problem, Run, RunKind,
    RunPlan, RunUpdate, Scope, Started,
};
use host_harness::installation::Installation;
use host_harness::runtime::{Call, Runtime};
use host_harness::simulator::github::{self, GitHub, Repository, Workflow};
use host_harness::stage::{self, Role};
use std::sync::Arc;

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
        let github = GitHub::start(options).await.unwrap();
        github.add_repository(Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml")));
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
        let attempt = Attempt {
            number: self.attempt,
            first_began: host_harness::clock::timestamp(),
            taken: self.taken.clone(),
        };
        let run = run(properties);
        self.runtime.dispatch(self.call(), run, attempt).await.unwrap()
    }

    /// Lets the component plan a run with these properties.
    pub async fn plan(&self, properties: &str) -> Result<RunPlan, Failure> {
        self.runtime.plan(self.call(), run(properties)).await.unwrap()
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
        let delivery = Delivery {
            id: "delivery-1".to_owned(),
            headers: vec![
                header("x-github-event", event),
                header("content-type", content_type),
            ],
            body: body.to_vec(),
            received: host_harness::clock::timestamp(),
        };
        self.runtime
            .handle_webhook(self.call(), delivery)
            .await
            .unwrap()
    }

    /// How many requests of an operation ("dispatch", "get-repository", …) GitHub has seen.
    pub fn requests(&self, operation: &str) -> usize {
        self.github.count(operation)
    }

    /// Ends the test: fails it if the component did anything that a correct client would never do.
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
            assert_eq!((&failure.kind, failure.code.as_str()), (kind, code), "{failure:#?}");
            failure
        }
        Ok(value) => panic!("expected the failure {code}, got {value:#?}"),
    }
}
