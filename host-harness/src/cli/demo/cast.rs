//! Who plays in the demo: repositories, workflows, and the buttons that are pressed.

use crate::simulator::github::{GitHub, Input, Repository, Workflow, secondary_limit};
use crate::simulator::port::{Kind, Port, RunView};
use crate::simulator::{Effect, Fault};
use std::time::Duration;

/// The installation that Port hosts.
pub(super) const HOSTED: &str = "acme-hosted";
/// The installation that a customer hosts.
pub(super) const SELF_HOSTED: &str = "globex-self-hosted";
/// The organization of the hosted installation.
pub(super) const ORGANIZATION: &str = "acme";

/// Repositories and workflows of the simulated GitHub.
pub(super) fn build_repositories(github: &GitHub) {
    let quick = |workflow: Workflow| {
        workflow
            .queue_time(Duration::from_millis(150))
            .duration(Duration::from_millis(600))
    };
    github.add_repository(
        Repository::new(ORGANIZATION, "shop")
            .branch("release")
            .workflow(
                quick(Workflow::new("deploy.yml"))
                    .name("Deploy")
                    .input(Input::choice("environment", ["staging", "production"]).required())
                    .input(Input::new("version"))
                    .jobs(["build", "deploy"]),
            )
            .workflow(quick(Workflow::new("report.yml")).name("Report")),
    );
    github.add_repository(
        Repository::new("globex", "api")
            .workflow(
                quick(Workflow::new("test.yml"))
                    .failing("unit tests", "Run cargo test")
                    .annotated(
                        "src/cart.rs",
                        41,
                        "assertion failed: total of an empty cart is 0",
                    ),
            )
            .workflow(quick(Workflow::new("nightly.yml")).jobs(["scan"])),
    );
}

/// How a run has to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    /// An action run that succeeds.
    Success,
    /// An action run that fails.
    Failure,
    /// A workflow node run that succeeds.
    NodeSuccess,
    /// A workflow node run that fails.
    NodeFailure,
    /// It stays in progress, with its link.
    InProgressWithLink,
}

impl Expected {
    pub(super) fn is_met_by(self, run: &RunView) -> bool {
        match self {
            Expected::Success => run.status == "SUCCESS" && run.external_run_id.is_some(),
            Expected::Failure => run.status == "FAILURE" && run.summary.is_some(),
            Expected::NodeSuccess => run.result.as_deref() == Some("SUCCESS"),
            Expected::NodeFailure => run.result.as_deref() == Some("FAILED"),
            Expected::InProgressWithLink => {
                run.status == "IN_PROGRESS" && !run.link.is_empty() && run.external_run_id.is_some()
            }
        }
    }
}

/// One press of a button.
pub(super) struct Scene {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    installation: &'static str,
    properties: &'static str,
    fault: Option<fn() -> Fault>,
    pub(super) expected: Expected,
}

impl Scene {
    pub(super) fn prepare(&self, github: &GitHub) {
        if let Some(fault) = self.fault {
            github.inject(fault());
        }
    }

    pub(super) fn press_the_button(&self, port: &Port) -> String {
        match self.kind {
            Kind::Action => {
                port.create_action_run(self.installation, "dispatch_workflow", self.properties)
            }
            Kind::Node => {
                port.create_node_run(self.installation, "dispatch_workflow", self.properties)
            }
        }
    }
}

/// The buttons that are pressed, in this order.
pub(super) fn scenes() -> Vec<Scene> {
    let scene = |name, installation, properties, expected| Scene {
        name,
        kind: Kind::Action,
        installation,
        properties,
        fault: None,
        expected,
    };
    vec![
        scene(
            "deploys to staging",
            HOSTED,
            r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"staging","version":7}}"#,
            Expected::Success,
        ),
        scene(
            "fails in a step",
            SELF_HOSTED,
            r#"{"org":"globex","repo":"api","workflow":"test.yml","workflowInputs":{}}"#,
            Expected::Failure,
        ),
        Scene {
            kind: Kind::Node,
            ..scene(
                "node of a workflow",
                HOSTED,
                r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"production","ref":"release"}}"#,
                Expected::NodeSuccess,
            )
        },
        Scene {
            kind: Kind::Node,
            ..scene(
                "node that fails",
                SELF_HOSTED,
                r#"{"org":"globex","repo":"api","workflow":".github/workflows/test.yml"}"#,
                Expected::NodeFailure,
            )
        },
        scene(
            "input that GitHub refuses",
            HOSTED,
            r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"moon"}}"#,
            Expected::Failure,
        ),
        scene(
            "organization left out",
            SELF_HOSTED,
            r#"{"repo":"api","workflow":"test.yml"}"#,
            Expected::Failure,
        ),
        scene(
            "end not to be reported",
            HOSTED,
            r#"{"org":"acme","repo":"shop","workflow":"report.yml","reportWorkflowStatus":false}"#,
            Expected::InProgressWithLink,
        ),
        Scene {
            fault: Some(|| {
                Fault::new("dispatch", secondary_limit(403, Some(1)))
                    .when_path_contains("nightly.yml")
                    .once()
            }),
            ..scene(
                "waits for a rate limit",
                SELF_HOSTED,
                r#"{"org":"globex","repo":"api","workflow":"nightly.yml"}"#,
                Expected::Success,
            )
        },
        Scene {
            fault: Some(|| {
                Fault::new("dispatch", Effect::HoldReply(Duration::from_secs(2)))
                    .when_body_contains("overtaken")
                    .once()
            }),
            ..scene(
                "webhooks overtake the answer",
                HOSTED,
                r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"staging","version":"overtaken"}}"#,
                Expected::Success,
            )
        },
    ]
}
