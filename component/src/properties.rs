//! What a run asks for: its properties, read and checked before anything is sent.
//!
//! `configure` applies the same checks to a definition, so that whatever can be known before a run is known before it
//! is saved.

use crate::contract::ocean::integration_action::types::{
    Failure, FailureKind, Hosting, Installation, Run, RunPlan,
};
use crate::inputs;
use crate::json::{self, JsonError, Members};
use crate::names::{self, Workflow};
use crate::settings::Settings;

/// The only action type of this plugin.
pub const DISPATCH_WORKFLOW: &str = "dispatch_workflow";

/// What is to be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The login of the account that owns the repository.
    pub owner: String,
    /// The repository's name.
    pub repository: String,
    /// The workflow.
    pub workflow: Workflow,
    /// The branch or tag; `None` for the default branch.
    pub reference: Option<String>,
    /// The inputs: a compact JSON object whose values are all strings.
    pub inputs: String,
    /// Whether the end of the run decides the end of Port's run.
    pub report_status: bool,
}

impl Order {
    /// Reads a run's properties.
    ///
    /// # Errors
    /// `unsupported-action-type`, or a failure of the kind `invalid-parameters` that names the property.
    pub fn of(
        installation: &Installation,
        run: &Run,
        settings: &Settings,
    ) -> Result<Self, Failure> {
        if run.action_type != DISPATCH_WORKFLOW {
            return Err(unsupported(&run.action_type));
        }
        let text = json::compact(&run.properties).map_err(|error| unreadable(&error))?;
        let members = Members::of(&text).ok_or_else(not_an_object)?;
        let inputs = inputs::read(
            members.present("workflowInputs"),
            members.get("ref").is_none(),
            settings.max_inputs,
        )?;
        let owner = owner(&members, installation)?;
        let repository = repository(members.get("repo"))?;
        let workflow = workflow(members.get("workflow"))?;
        settings.may_start.check(&owner, &repository, &workflow)?;
        Ok(Self {
            owner,
            repository,
            workflow,
            reference: match members.get("ref") {
                Some(separate) => inputs::reference_text(separate)?,
                None => inputs.reference,
            },
            inputs: inputs.json,
            report_status: report_status(members.get("reportWorkflowStatus"))?,
        })
    }

    /// What will be run, for people: `acme/shop · deploy.yml @ main`.
    #[must_use]
    pub fn target(&self) -> String {
        let reference = self
            .reference
            .as_deref()
            .map_or("default branch", names::short_ref);
        format!(
            "{}/{} · {} @ {reference}",
            self.owner,
            self.repository,
            self.workflow.text()
        )
    }
}

/// Looks at a run before it is taken. Sends nothing.
///
/// # Errors
/// As [`Order::of`] and [`Settings::of`].
pub fn plan(installation: &Installation, run: &Run) -> Result<RunPlan, Failure> {
    let order = Order::of(installation, run, &Settings::of(installation)?)?;
    // An answer that is lost, with the host or on the way, leaves a run that has to be found by time and branch, however
    // well the server tells ids. So runs of one workflow are started one after the other, and none can be mistaken for its
    // neighbour. That costs little: GitHub itself wants requests that change something to be serial.
    let path = [order.owner.as_str(), order.repository.as_str()]
        .join("/")
        .to_ascii_lowercase();
    let partition_key = Some([path.as_str(), &order.workflow.text()].join("/"));
    Ok(RunPlan {
        partition_key,
        report_status: order.report_status,
        target: order.target(),
    })
}

/// The repository of a run that has been started: owner and name.
///
/// # Errors
/// As [`Order::of`], for these two properties.
pub fn place(installation: &Installation, run: &Run) -> Result<(String, String), Failure> {
    let text = json::compact(&run.properties).map_err(|error| unreadable(&error))?;
    let members = Members::of(&text).ok_or_else(not_an_object)?;
    Ok((
        owner(&members, installation)?,
        repository(members.get("repo"))?,
    ))
}

/// The organization of a run. Port knows it for an installation that it hosts.
fn owner(members: &Members<'_>, installation: &Installation) -> Result<String, Failure> {
    organization(
        members.get("org"),
        installation,
        installation.hosting == Hosting::HostedByPort,
    )
}

/// Reads `org`. With `may_fill` a missing one is taken from an installation that is fixed to an organization.
///
/// # Errors
/// `missing-organization`, `invalid-organization`, `organization-mismatch`.
pub fn organization(
    raw: Option<&str>,
    installation: &Installation,
    may_fill: bool,
) -> Result<String, Failure> {
    let fixed = installation.organization.as_deref();
    let given = match (given(raw), fixed) {
        (Some(raw), _) => json::as_string(raw),
        (None, Some(fixed)) if may_fill => Some(fixed.to_owned()),
        (None, _) => {
            return Err(Failure::invalid(
                "missing-organization",
                "`org` is missing: the GitHub organization or user that owns the repository.",
                "Set `org` in `integrationActionExecutionProperties`.",
            ));
        }
    };
    let Some(owner) = given.filter(|owner| names::is_owner(owner)) else {
        return Err(Failure::invalid(
            "invalid-organization",
            "`org` is not the login of a GitHub organization or user.",
            "Use the name as it stands in the URL of the organization: letters, digits and hyphens.",
        ));
    };
    check_fixed(&owner, installation)?;
    Ok(owner)
}

/// Whether an installation may act for this owner.
///
/// # Errors
/// `organization-mismatch` if it is fixed to another one.
pub fn check_fixed(owner: &str, installation: &Installation) -> Result<(), Failure> {
    match &installation.organization {
        Some(fixed) if !fixed.eq_ignore_ascii_case(owner) => Err(Failure::invalid(
            "organization-mismatch",
            format!(
                "The installation `{}` is for the organization `{fixed}`, not for `{owner}`.",
                installation.id
            ),
            "Correct `org`, or choose the installation of that organization.",
        )),
        _ => Ok(()),
    }
}

/// Reads `repo`.
///
/// # Errors
/// `missing-repository`, `invalid-repository`.
pub fn repository(raw: Option<&str>) -> Result<String, Failure> {
    let Some(raw) = given(raw) else {
        return Err(Failure::invalid(
            "missing-repository",
            "`repo` is missing: the name of the repository that holds the workflow.",
            "Set `repo` in `integrationActionExecutionProperties`.",
        ));
    };
    json::as_string(raw)
        .filter(|name| names::is_repository(name))
        .ok_or_else(|| {
            Failure::invalid(
                "invalid-repository",
                "`repo` is not the name of a GitHub repository.",
                "Use the name alone, without the owner: letters, digits, `-`, `_` and `.`.",
            )
        })
}

/// Reads `workflow`.
///
/// # Errors
/// `missing-workflow`, `invalid-workflow`.
pub fn workflow(raw: Option<&str>) -> Result<Workflow, Failure> {
    let Some(raw) = given(raw) else {
        return Err(Failure::invalid(
            "missing-workflow",
            "`workflow` is missing: the file name of the workflow.",
            "Set `workflow` in `integrationActionExecutionProperties`, for instance to `deploy.yml`.",
        ));
    };
    let is_id = raw.bytes().all(|b| b.is_ascii_digit());
    let text = if is_id {
        Some(raw.to_owned())
    } else {
        json::as_string(raw)
    };
    let parsed = match text {
        Some(text) => Workflow::parse(&text),
        None => Err("`workflow` must be a text or a whole number."),
    };
    parsed.map_err(|why| {
        Failure::invalid(
            "invalid-workflow",
            why,
            "Use the name of a file in .github/workflows/, the workflow's numeric id, or its display name.",
        )
    })
}

/// Reads `reportWorkflowStatus`. Without it the status is reported.
///
/// # Errors
/// `invalid-report-status`.
pub fn report_status(raw: Option<&str>) -> Result<bool, Failure> {
    match raw {
        None | Some("null" | "true" | "\"true\"") => Ok(true),
        Some("false" | "\"false\"") => Ok(false),
        Some(_) => Err(Failure::invalid(
            "invalid-report-status",
            "`reportWorkflowStatus` must be true or false.",
            "Use true (the default) or false.",
        )),
    }
}

/// A value that is neither `null` nor the empty text, which is what an empty field of a form sends.
#[must_use]
pub fn given(raw: Option<&str>) -> Option<&str> {
    raw.filter(|value| *value != "null" && *value != "\"\"")
}

/// The failure for an action type that this plugin does not have.
#[must_use]
pub fn unsupported(action_type: &str) -> Failure {
    let message = format!("This plugin has no action type `{action_type}`.");
    Failure::new(FailureKind::Unsupported, "unsupported-action-type", message)
        .with_remedy("Set `integrationActionType` to `dispatch_workflow`.")
}

fn unreadable(error: &JsonError) -> Failure {
    let code = if matches!(error, JsonError::DuplicateKey { .. }) {
        "duplicate-key"
    } else {
        "invalid-properties"
    };
    Failure::invalid(
        code,
        format!("The properties of the run cannot be read: {error}."),
        "Correct `integrationActionExecutionProperties` in the action's definition.",
    )
}

fn not_an_object() -> Failure {
    Failure::invalid(
        "invalid-properties",
        "The properties of the run must be a JSON object.",
        "Set `integrationActionExecutionProperties` to an object with `org`, `repo` and `workflow`.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{installation, run};

    fn order(installation: &Installation, properties: &str) -> Result<Order, Failure> {
        Order::of(installation, &run(properties), &Settings::default())
    }

    fn code(properties: &str) -> String {
        order(&installation(), properties).unwrap_err().code
    }

    const PLAIN: &str = r#"{"org":"acme","repo":"shop","workflow":"deploy.yml"}"#;

    #[test]
    fn an_order_is_read() {
        let text = r#"{"org":"acme","repo":"shop","workflow":".github/workflows/deploy.yml",
                       "workflowInputs":{"ref":"v2","n":1},"reportWorkflowStatus":"false"}"#;
        let expected = Order {
            owner: "acme".into(),
            repository: "shop".into(),
            workflow: Workflow::File("deploy.yml".into()),
            reference: Some("v2".into()),
            inputs: r#"{"n":"1"}"#.into(),
            report_status: false,
        };
        assert_eq!(order(&installation(), text), Ok(expected));
    }

    #[test]
    fn a_separate_ref_wins_and_lets_an_input_be_called_ref() {
        let text = r#"{"org":"a","repo":"b","workflow":"c.yml","ref":"main","workflowInputs":{"ref":"x"}}"#;
        let order = order(&installation(), text).unwrap();
        assert_eq!(
            (order.reference.as_deref(), order.inputs.as_str()),
            (Some("main"), r#"{"ref":"x"}"#)
        );
    }

    #[test]
    fn the_organization_is_filled_in_only_for_hosted_installations_fixed_to_one() {
        let text = r#"{"repo":"shop","workflow":"deploy.yml"}"#;
        let fixed = Installation {
            organization: Some("acme".into()),
            ..installation()
        };
        assert_eq!(
            order(&fixed, text).unwrap_err().code,
            "missing-organization"
        );
        let hosted = Installation {
            hosting: Hosting::HostedByPort,
            ..fixed
        };
        assert_eq!(order(&hosted, text).unwrap().owner, "acme");
        let free = Installation {
            organization: None,
            ..hosted
        };
        assert_eq!(order(&free, text).unwrap_err().code, "missing-organization");
    }

    #[test]
    fn another_organization_than_the_fixed_one_is_refused_whatever_its_case() {
        let fixed = Installation {
            organization: Some("Acme".into()),
            ..installation()
        };
        assert!(order(&fixed, PLAIN).is_ok());
        let other = PLAIN.replace("acme", "evil");
        assert_eq!(
            order(&fixed, &other).unwrap_err().code,
            "organization-mismatch"
        );
    }

    #[test]
    fn every_wrong_property_has_its_code() {
        for (properties, expected) in [
            ("null", "invalid-properties"),
            ("[]", "invalid-properties"),
            ("{", "invalid-properties"),
            (r#"{"org":"a","org":"b"}"#, "duplicate-key"),
            (
                r#"{"org":1,"repo":"b","workflow":"c.yml"}"#,
                "invalid-organization",
            ),
            (
                r#"{"org":"a/b","repo":"b","workflow":"c.yml"}"#,
                "invalid-organization",
            ),
            (r#"{"org":"a","workflow":"c.yml"}"#, "missing-repository"),
            (
                r#"{"org":"a","repo":"","workflow":"c.yml"}"#,
                "missing-repository",
            ),
            (
                r#"{"org":"a","repo":"..","workflow":"c.yml"}"#,
                "invalid-repository",
            ),
            (r#"{"org":"a","repo":"b"}"#, "missing-workflow"),
            (
                r#"{"org":"a","repo":"b","workflow":"../../x.yml"}"#,
                "invalid-workflow",
            ),
            (
                r#"{"org":"a","repo":"b","workflow":{}}"#,
                "invalid-workflow",
            ),
            (
                r#"{"org":"a","repo":"b","workflow":1.5}"#,
                "invalid-workflow",
            ),
            (
                r#"{"org":"a","repo":"b","workflow":"c.yml","ref":[]}"#,
                "invalid-ref",
            ),
            (
                r#"{"org":"a","repo":"b","workflow":"c.yml","reportWorkflowStatus":"yes"}"#,
                "invalid-report-status",
            ),
            (
                r#"{"org":"a","repo":"b","workflow":"c.yml","workflowInputs":"x"}"#,
                "invalid-inputs",
            ),
        ] {
            assert_eq!(code(properties), expected, "{properties}");
        }
    }

    #[test]
    fn null_inputs_and_numeric_workflow_ids_are_fine() {
        let text = r#"{"org":"a","repo":"b","workflow":161335,"workflowInputs":null,"ref":null}"#;
        let order = order(&installation(), text).unwrap();
        assert_eq!(
            (order.workflow, order.reference),
            (Workflow::Id(161_335), None)
        );
    }

    #[test]
    fn a_plan_names_its_target() {
        let plan = |properties: &str| plan(&installation(), &run(properties)).unwrap();
        assert_eq!(
            plan(PLAIN).target,
            "acme/shop · deploy.yml @ default branch"
        );
        assert!(plan(PLAIN).report_status);
        let tagged = PLAIN.replace('}', r#","ref":"refs/tags/v1"}"#);
        assert_eq!(plan(&tagged).target, "acme/shop · deploy.yml @ v1");
    }

    #[test]
    fn runs_of_one_workflow_take_turns_whatever_the_case_of_its_repository() {
        let key = |org: &str, repo: &str| {
            let properties =
                format!(r#"{{"org":"{org}","repo":"{repo}","workflow":"Deploy.yml"}}"#);
            plan(&installation(), &run(&properties))
                .unwrap()
                .partition_key
        };
        assert_eq!(key("Acme", "Shop").as_deref(), Some("acme/shop/Deploy.yml"));
        assert_eq!(key("acme", "shop"), key("ACME", "SHOP"));
    }

    #[test]
    fn an_unknown_action_type_is_named() {
        let other = Run {
            action_type: "open_issue".into(),
            ..run(PLAIN)
        };
        let failure = plan(&installation(), &other).unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Unsupported, "unsupported-action-type")
        );
        assert!(failure.message.contains("open_issue"));
    }
}
