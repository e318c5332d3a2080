//! Checking and completing the definition of an action before it is saved in Port.
//!
//! The checks of single properties are those of a run (`properties.rs`); what is added here is the form of the
//! definition around them. A text that contains `{{` is a template that Port fills in for each run, so only its run
//! can be checked.

mod file;
mod fit;
mod form;
mod server;

use crate::contract::ocean::integration_action::types::{
    Configured, Failure, Hosting, Installation, Origin, Problem, Scope,
};
use crate::host::Host;
use crate::inputs;
use crate::json::{self, JsonError, Members};
use crate::names::{WORKFLOW_FOLDER, Workflow};
use crate::properties::{self, DISPATCH_WORKFLOW};
use crate::settings::Settings;

/// Port's name of the object that holds the properties.
const PROPERTIES: &str = "integrationActionExecutionProperties";

/// The property that decides whether the end of the workflow run is the end of the Port run.
const REPORT: &str = "reportWorkflowStatus";

/// The properties that are read.
const KNOWN: [&str; 6] = ["org", "repo", "workflow", "ref", "workflowInputs", REPORT];

/// Checks and completes a definition: a whole action, or its `invocationMethod` alone.
///
/// With [`Scope::AgainstServer`] GitHub is asked whether the repository and the workflow exist and can be used, and for
/// the workflow's file: does it have a `workflow_dispatch` trigger, and does it take the given inputs? An action that asks
/// for its form gets it then, made of the inputs that the file declares (`form.rs`).
///
/// # Errors
/// Everything that is wrong, at once.
pub fn configure(
    host: &dyn Host,
    installation: &Installation,
    definition: &str,
    origin: Origin,
    scope: Scope,
) -> Result<Configured, Vec<Problem>> {
    let text = json::compact(definition).map_err(|error| vec![unreadable(&error)])?;
    let members = Members::of(&text).ok_or_else(|| {
        vec![problem(
            "",
            "invalid-definition",
            "The definition must be a JSON object.",
            NEEDED,
        )]
    })?;
    let settings = Settings::of(installation).map_err(|failure| vec![failure.at("")])?;
    let (method, base) = invocation_method(&text, &members)?;
    let method = Members::of(method).ok_or_else(|| {
        vec![problem(
            &base,
            "invalid-invocation-method",
            "`invocationMethod` must be an object.",
            NEEDED,
        )]
    })?;
    let mut draft = Draft {
        installation,
        settings,
        origin,
        wants_form: !base.is_empty() && form::is_asked_for(&members),
        form: None,
        base,
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let completed = draft.complete(&method, host, scope);
    if !draft.problems.is_empty() {
        return Err(draft.problems);
    }
    draft.state_limits();
    let definition = if draft.base.is_empty() {
        completed
    } else {
        replaced(&members, "invocationMethod", &completed)
    };
    let definition = match draft.form {
        Some(user_inputs) => form::filled_in(&definition, &user_inputs),
        None => definition,
    };
    Ok(Configured {
        definition,
        notes: draft.notes,
    })
}

const NEEDED: &str = "Give a whole Port action, or its `invocationMethod` with `type`, `installationId`, \
                      `integrationActionType` and `integrationActionExecutionProperties`.";

/// The text of the `invocationMethod` and the JSON pointer to it.
fn invocation_method<'a>(
    text: &'a str,
    members: &Members<'a>,
) -> Result<(&'a str, String), Vec<Problem>> {
    if let Some(method) = members.get("invocationMethod") {
        return Ok((method, "/invocationMethod".to_owned()));
    }
    let own_members = [
        "type",
        "installationId",
        "integrationActionType",
        PROPERTIES,
    ];
    if own_members.iter().any(|key| members.get(key).is_some()) {
        return Ok((text, String::new()));
    }
    Err(vec![problem(
        "/invocationMethod",
        "missing-invocation-method",
        "`invocationMethod` is missing.",
        NEEDED,
    )])
}

/// A definition while it is being checked.
struct Draft<'a> {
    installation: &'a Installation,
    settings: Settings,
    origin: Origin,
    /// JSON pointer to the `invocationMethod`.
    base: String,
    /// Whether the action asks for its form.
    wants_form: bool,
    /// Its `userInputs`, once they are known.
    form: Option<String>,
    problems: Vec<Problem>,
    notes: Vec<String>,
}

/// The properties, in order, values as compact JSON.
struct Properties(Vec<(String, String)>);

impl Properties {
    fn get(&self, key: &str) -> Option<&str> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// The value, unless it is a template, which only its run can show.
    fn fixed(&self, key: &str) -> Option<Option<&str>> {
        let value = self.get(key);
        (!value.is_some_and(is_template)).then_some(value)
    }

    fn set(&mut self, key: &str, value: String) {
        match self.0.iter_mut().find(|(name, _)| name == key) {
            Some((_, old)) => *old = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    fn json(&self) -> String {
        json::object(
            self.0
                .iter()
                .map(|(key, value)| (key.as_str(), value.as_str())),
        )
    }
}

impl Draft<'_> {
    /// Checks everything and returns the completed `invocationMethod`.
    fn complete(&mut self, method: &Members<'_>, host: &dyn Host, scope: Scope) -> String {
        let id = self.installation.id.clone();
        self.expect(method, "type", "INTEGRATION_ACTION", "wrong-type");
        self.expect(
            method,
            "integrationActionType",
            DISPATCH_WORKFLOW,
            "wrong-action-type",
        );
        self.expect(method, "installationId", &id, "wrong-installation");
        self.refuse_strangers(method);
        let Some(mut properties) = self.properties(method) else {
            return String::new();
        };
        let owner = self.organization(&mut properties);
        let repository = self.repository(&properties);
        let workflow = self.workflow(&mut properties);
        self.may_start(owner.as_deref(), repository.as_deref(), workflow.as_ref());
        self.reference_and_inputs(&properties);
        self.report_status(method, &mut properties);
        self.name_unknown(&properties);
        if scope == Scope::AgainstServer {
            self.ask_server(
                host,
                owner.as_deref(),
                repository.as_deref(),
                workflow.as_ref(),
                &mut properties,
            );
        } else if self.wants_form {
            self.refuse_form(
                "Only the server tells which inputs the workflow declares, and it is not asked.",
            );
        }
        self.warn_of_display_name(workflow.as_ref(), &properties);
        let rest = Members(
            method
                .0
                .iter()
                .filter(|(key, _)| key != REPORT)
                .cloned()
                .collect(),
        );
        replaced(&rest, PROPERTIES, &properties.json())
    }

    fn properties(&mut self, method: &Members<'_>) -> Option<Properties> {
        let Some(raw) = method.present(PROPERTIES) else {
            return Some(Properties(Vec::new()));
        };
        let members = Members::of(raw);
        if members.is_none() {
            let pointer = [&self.base, "/", PROPERTIES].concat();
            let message = format!("`{PROPERTIES}` must be an object.");
            self.problems.push(problem(
                &pointer,
                "invalid-properties",
                &message,
                "Set it to an object with `org`, `repo` and `workflow`.",
            ));
        }
        let members = members?.0;
        Some(Properties(
            members
                .into_iter()
                .map(|(key, value)| (key.into_owned(), value.to_owned()))
                .collect(),
        ))
    }

    /// A member of the `invocationMethod` that can have one value only.
    fn expect(&mut self, method: &Members<'_>, key: &str, value: &str, code: &str) {
        let given = method.present(key);
        if given.and_then(json::as_string).as_deref() == Some(value) {
            return;
        }
        let message = match given {
            None => format!("`{key}` is missing."),
            Some(_) => format!("`{key}` has another value than `{value}`."),
        };
        let remedy = format!("Set `{key}` to `{value}`.");
        self.problems.push(problem(
            &[self.base.as_str(), &json::pointer_step(key)].concat(),
            code,
            &message,
            &remedy,
        ));
    }

    /// Port refuses members that it does not know.
    fn refuse_strangers(&mut self, method: &Members<'_>) {
        let known = [
            "type",
            "installationId",
            "integrationActionType",
            PROPERTIES,
            REPORT,
        ];
        for (key, _) in method.0.iter().filter(|(key, _)| !known.contains(&&**key)) {
            let pointer = [self.base.as_str(), &json::pointer_step(key)].concat();
            let message = format!(
                "An `invocationMethod` of this type has no member `{key}`, and Port refuses it."
            );
            let remedy = if KNOWN.contains(&&**key) {
                format!("Move `{key}` into `{PROPERTIES}`.")
            } else {
                format!("Remove `{key}`.")
            };
            self.problems
                .push(problem(&pointer, "unknown-member", &message, &remedy));
        }
    }

    fn organization(&mut self, properties: &mut Properties) -> Option<String> {
        let is_hosted = self.installation.hosting == Hosting::HostedByPort;
        let given = properties.fixed("org")?;
        let owner = properties::organization(
            given,
            self.installation,
            is_hosted && self.origin == Origin::Ui,
        );
        if properties::given(given).is_none()
            && let Ok(owner) = &owner
        {
            self.notes.push(format!(
                "`org` was set to `{owner}`, the organization of this installation."
            ));
            properties.0.retain(|(key, _)| key != "org");
            properties
                .0
                .insert(0, ("org".to_owned(), json::string(owner)));
        }
        self.checked("org", owner)
    }

    fn repository(&mut self, properties: &Properties) -> Option<String> {
        self.checked("repo", properties::repository(properties.fixed("repo")?))
    }

    fn workflow(&mut self, properties: &mut Properties) -> Option<Workflow> {
        let given = properties.fixed("workflow")?;
        let workflow = self.checked("workflow", properties::workflow(given))?;
        match &workflow {
            Workflow::File(file)
                if given
                    .and_then(json::as_string)
                    .is_some_and(|text| text != *file) =>
            {
                self.notes.push(format!(
                    "`workflow` was shortened to `{file}`: GitHub wants no `{WORKFLOW_FOLDER}`."
                ));
                properties.set("workflow", json::string(file));
            }
            _ => {}
        }
        Some(workflow)
    }

    /// Whether the operator has allowed it, as far as it is fixed.
    fn may_start(
        &mut self,
        owner: Option<&str>,
        repository: Option<&str>,
        workflow: Option<&Workflow>,
    ) {
        let (Some(owner), Some(repository), Some(workflow)) = (owner, repository, workflow) else {
            return;
        };
        let may = self.settings.may_start.check(owner, repository, workflow);
        self.checked("workflow", may);
    }

    /// GitHub has not been asked which file it is that has this name.
    fn warn_of_display_name(&mut self, workflow: Option<&Workflow>, properties: &Properties) {
        if let Some(Workflow::DisplayName(name)) = workflow
            && properties.get("workflow") == Some(&json::string(name))
        {
            self.notes.push(format!(
                "`{name}` is taken for the display name of a workflow, which has to be looked up for each run; the \
                 file name is safer."
            ));
        }
    }

    fn reference_and_inputs(&mut self, properties: &Properties) {
        if let Some(Some(reference)) = properties.fixed("ref") {
            self.checked("ref", inputs::reference_text(reference));
        }
        let Some(Some(raw)) = properties.fixed("workflowInputs") else {
            return;
        };
        let raw = Some(raw).filter(|raw| *raw != "null");
        let take_ref = properties.get("ref").is_none();
        match inputs::read(raw, take_ref, self.settings.max_inputs) {
            // How large a template becomes, or what it names, only its run shows.
            Err(failure) if raw.is_some_and(has_template) && is_about_values(&failure) => {}
            read => {
                self.checked("workflowInputs", read);
            }
        }
    }

    /// Fills in the default, and moves the property from where Port's page describes it to where Port takes it.
    fn report_status(&mut self, method: &Members<'_>, properties: &mut Properties) {
        let outside = method.present(REPORT);
        let inside = properties.get(REPORT);
        match (outside, inside) {
            (Some(outside), Some(inside)) if outside != inside => {
                let message = format!("`{REPORT}` is given twice with different values.");
                let pointer = [&self.base, "/", REPORT].concat();
                let remedy = format!("Keep the one in `{PROPERTIES}`.");
                self.problems.push(problem(
                    &pointer,
                    "conflicting-report-status",
                    &message,
                    &remedy,
                ));
            }
            (Some(outside), _) => {
                self.notes.push(format!(
                    "`{REPORT}` was moved into `{PROPERTIES}`, where Port takes it."
                ));
                properties.set(REPORT, outside.to_owned());
            }
            (None, None | Some("null")) => {
                self.notes.push(format!("`{REPORT}` was set to true, its default: the end of the workflow run is the end of the Port run."));
                properties.set(REPORT, "true".to_owned());
            }
            (None, Some(_)) => {}
        }
        if let Some(value) = properties.fixed(REPORT) {
            let status = properties::report_status(value);
            let place = match outside {
                Some(_) => [&self.base, "/", REPORT].concat(),
                None => [&self.base, "/", PROPERTIES, "/", REPORT].concat(),
            };
            let reports = self.checked_at(place, status);
            if reports == Some(true) && !self.installation.live_events {
                self.notes.push(
                    "Live events are off for this installation, so ends of runs are noticed later."
                        .to_owned(),
                );
            }
        }
    }

    fn name_unknown(&mut self, properties: &Properties) {
        for (key, _) in properties
            .0
            .iter()
            .filter(|(key, _)| !KNOWN.contains(&key.as_str()))
        {
            self.notes.push(format!(
                "`{key}` is no property of this action and has no effect."
            ));
        }
    }

    /// Without its form, an action that asks for one cannot be saved.
    fn refuse_form(&mut self, why: &str) {
        self.problems.push(problem(
            form::POINTER,
            "form-not-made",
            &["The form was not made of the workflow's declared inputs. ", why].concat(),
            "Have the definition checked against the server with fixed `org`, `repo` and `workflow`, or write `userInputs` \
             by hand.",
        ));
    }

    fn state_limits(&mut self) {
        self.notes.push(format!(
            "GitHub takes at most {} inputs and {} characters of JSON for them. {}",
            self.settings.max_inputs,
            inputs::MAX_CHARACTERS,
            inputs::ONE_INPUT_REMEDY
        ));
        self.notes.push(
            "What the workflow does with its own `GITHUB_TOKEN` triggers no further workflows, except by \
             workflow_dispatch and repository_dispatch."
                .to_owned(),
        );
    }

    /// Takes a value, or notes what is wrong with it.
    fn checked<T>(&mut self, key: &str, read: Result<T, Failure>) -> Option<T> {
        self.checked_at([&self.base, "/", PROPERTIES, "/", key].concat(), read)
    }

    fn checked_at<T>(&mut self, pointer: String, read: Result<T, Failure>) -> Option<T> {
        read.map_err(|failure| self.problems.push(failure.at(pointer)))
            .ok()
    }
}

/// Whether a value is a text that Port fills in for each run.
fn is_template(raw: &str) -> bool {
    raw.starts_with('"') && has_template(raw)
}

fn has_template(raw: &str) -> bool {
    raw.as_bytes().windows(2).any(|pair| pair == b"{{")
}

/// Whether a failure depends on what templates turn into.
fn is_about_values(failure: &Failure) -> bool {
    matches!(failure.code.as_str(), "inputs-too-large" | "invalid-ref")
}

/// The object with one member replaced, or added at the end.
fn replaced(members: &Members<'_>, key: &str, value: &str) -> String {
    let is_there = members.get(key).is_some();
    let kept = members
        .0
        .iter()
        .map(|(name, old)| (&**name, if name == key { value } else { *old }));
    json::object(kept.chain((!is_there).then_some((key, value))))
}

fn problem(pointer: &str, code: &str, message: &str, remedy: &str) -> Problem {
    Problem {
        pointer: pointer.into(),
        code: code.into(),
        message: message.into(),
        remedy: remedy.into(),
    }
}

fn unreadable(error: &JsonError) -> Problem {
    let message = format!("The definition cannot be read: {error}.");
    match error {
        JsonError::DuplicateKey { pointer } => problem(
            pointer,
            "duplicate-key",
            &message,
            "Remove one of the two; it is not clear which one counts.",
        ),
        JsonError::Malformed(_) => problem("", "invalid-json", &message, "Correct the JSON there."),
    }
}

#[cfg(test)]
mod tests;
