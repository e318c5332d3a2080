//! Comparing a definition with what GitHub has: the repository, the workflow, and the workflow's file.
//!
//! Nothing is changed by asking. Only values that are fixed can be compared; what a template hides is left to its run,
//! and the notes say so. Where the action asks for its form, it is made here of what the file declares, and then
//! compared like any other.

mod form;

use super::file::WorkflowFile;
use super::fit::{self, Given};
use super::{Draft, Properties};
use crate::contract::ocean::integration_action::types::{Failure, Installation};
use crate::github::{GitHub, Repository};
use crate::host::Host;
use crate::legible::shortened;
use crate::names::{WORKFLOW_FOLDER, Workflow};
use crate::{allowed, inputs, json, properties, workflows};

impl Draft<'_> {
    /// Compares everything that is fixed.
    pub(super) fn ask_server(
        &mut self,
        host: &dyn Host,
        owner: Option<&str>,
        repository: Option<&str>,
        workflow: Option<&Workflow>,
        properties: &mut Properties,
    ) {
        let (Some(owner), Some(repository)) = (owner, repository) else {
            let why = "GitHub was not asked: `org` and `repo` are not both fixed values.";
            return self.not_read(why.to_owned());
        };
        let github = match GitHub::of(host, self.installation) {
            Ok(github) => github,
            Err(failure) => return self.problems.push(failure.at("")),
        };
        let answer = github
            .repository(owner, repository, true)
            .and_then(|(found, _)| usable(self.installation, found));
        let Some(found) = self.checked("repo", answer) else {
            return;
        };
        self.credential(&found);
        let Some(workflow) = workflow else {
            if self.wants_form {
                self.not_read("`workflow` is not a fixed value.".to_owned());
            }
            return;
        };
        let Some(target) = self.checked("workflow", locate(&github, &found, workflow)) else {
            return;
        };
        let file = target.file.clone();
        let (owner, name) = (&found.owner.login, &found.name);
        let may = (self.settings.may_start).check(owner, name, &workflow.found_as(&file));
        // Told once is enough: GitHub's names are mostly those of the definition.
        if !self.problems.iter().any(|it| it.code == allowed::REFUSED) {
            self.checked("workflow", may);
        }
        if let Workflow::DisplayName(_) = workflow {
            self.notes.push(format!(
                "`workflow` was set to `{file}`, the file of the workflow with that name."
            ));
            properties.set("workflow", json::string(&file));
        }
        self.checked("workflow", target.active());
        self.compare_file(&github, &found, &file, properties);
    }

    /// Whether the credential may start workflows, as far as GitHub tells it without starting one.
    fn credential(&mut self, repository: &Repository) {
        match &repository.scopes {
            None => self.notes.push(
                "Whether the credential may start workflows (`actions: write`) was not checked: GitHub tells it only \
                 of classic tokens."
                    .to_owned(),
            ),
            Some(scopes) => {
                let right = may_write(scopes, repository.writable);
                self.checked("repo", right);
            }
        }
    }

    /// What could not be read, and so was not compared. Without it there is no form either.
    fn not_read(&mut self, why: String) {
        if self.wants_form {
            self.refuse_form(&why);
        } else {
            self.notes.push(why);
        }
    }

    /// Reads the workflow's file where it would run, and compares.
    fn compare_file(
        &mut self,
        github: &GitHub<'_>,
        repository: &Repository,
        file: &str,
        properties: &mut Properties,
    ) {
        let Some(default) = repository.default_branch.as_deref() else {
            let why = "The workflow's file was not compared: GitHub told no default branch.";
            return self.not_read(why.to_owned());
        };
        match chosen_ref(properties) {
            ChosenRef::Default => {
                self.compare_at(github, repository, file, default, "workflow", properties);
            }
            ChosenRef::Fixed(reference, place) => {
                self.compare_at(github, repository, file, &reference, place, properties);
                if !is_branch(&reference, default) {
                    self.look_at_default(github, repository, file, default);
                }
            }
            // What another branch says is not known, so nothing that is found here has to be wrong.
            ChosenRef::Unknown => {
                let before = self.problems.len();
                self.compare_at(github, repository, file, default, "workflow", properties);
                if self.wants_form && self.form.is_none() {
                    return;
                }
                let found = self.problems.split_off(before.min(self.problems.len()));
                self.notes.push(format!(
                    "The file was compared as it is at `{default}`, since only a run shows its `ref`."
                ));
                self.notes
                    .extend(found.into_iter().map(|problem| problem.message));
            }
        }
    }

    /// Reads the file at a branch or tag that stands at this place, and compares.
    fn compare_at(
        &mut self,
        github: &GitHub<'_>,
        repository: &Repository,
        file: &str,
        reference: &str,
        place: &str,
        properties: &mut Properties,
    ) {
        let Some(read) = self.file_at(github, repository, file, reference, place) else {
            return;
        };
        let shown = shown(file, reference);
        self.require_trigger(&read, &shown);
        // Without a trigger nothing is declared, and that is said already.
        if read.has_trigger {
            if self.wants_form {
                self.make_form(github, repository, &read.inputs, &shown, properties);
            }
            self.compare_inputs(&read, &shown, properties);
        }
    }

    /// GitHub documents that the file has to be on the default branch with the trigger, but looks at the branch that is
    /// asked for: a warning, where the two differ.
    fn look_at_default(
        &mut self,
        github: &GitHub<'_>,
        repository: &Repository,
        file: &str,
        default: &str,
    ) {
        let missing = match fetch(github, repository, file, default) {
            Ok(read) => !read.has_trigger,
            Err(failure) => failure.code == "workflow-not-at-ref",
        };
        if missing {
            self.notes.push(format!(
                "`{file}` has no `workflow_dispatch` trigger on the default branch, `{default}`. GitHub asks for one \
                 there too: add it, lest runs be refused."
            ));
        }
    }

    /// The file at a branch or tag. That the credential may not read files is no mistake of the definition.
    fn file_at(
        &mut self,
        github: &GitHub<'_>,
        repository: &Repository,
        file: &str,
        reference: &str,
        place: &str,
    ) -> Option<WorkflowFile> {
        match fetch(github, repository, file, reference) {
            Ok(read) => Some(read),
            Err(failure) if failure.code == "permission-missing" => {
                self.not_read(format!(
                    "The trigger and the inputs of `{file}` were not checked, since the credential may not read the \
                     file. {}",
                    failure.remedy.unwrap_or_default()
                ));
                None
            }
            Err(failure) => {
                let place = if failure.code == "ref-not-found" {
                    place
                } else {
                    "workflow"
                };
                self.checked::<()>(place, Err(failure));
                None
            }
        }
    }

    fn require_trigger(&mut self, file: &WorkflowFile, shown: &str) {
        if !file.has_trigger {
            let missing = Failure::rejected(
                "no-dispatch-trigger",
                format!("{shown} has no `workflow_dispatch` trigger, so it cannot be started."),
                "Add `workflow_dispatch:` under `on:` there, or name a branch or tag that has it in `ref`.",
            );
            self.checked::<()>("workflow", Err(missing));
        }
    }

    fn compare_inputs(&mut self, file: &WorkflowFile, shown: &str, properties: &Properties) {
        let raw = properties.get("workflowInputs");
        if raw.is_some_and(super::is_template) {
            self.notes.push(
                "The inputs were not compared: only a run shows what `workflowInputs` is."
                    .to_owned(),
            );
            return;
        }
        let Some(given) = Given::read(raw, properties.get("ref").is_none()) else {
            return;
        };
        let fit = fit::compare(&given, file, self.settings.max_inputs, shown);
        for misfit in fit.misfits {
            let step = misfit.member.as_deref().map(json::pointer_step);
            let place = ["workflowInputs", &step.unwrap_or_default()].concat();
            self.checked::<()>(&place, Err(misfit.failure));
        }
        self.notes.extend(fit.notes);
    }
}

/// Where the workflow would run.
enum ChosenRef {
    /// On the default branch.
    Default,
    /// On this branch or tag, which stands at this place.
    Fixed(String, &'static str),
    /// Only the run shows it, or it is wrong, which is said already.
    Unknown,
}

fn chosen_ref(properties: &Properties) -> ChosenRef {
    let (raw, place) = match properties.get("ref") {
        Some(raw) => (Some(raw.to_owned()), "ref"),
        None => {
            let raw = properties.get("workflowInputs").unwrap_or("null");
            if super::is_template(raw) {
                return ChosenRef::Unknown;
            }
            let member = json::Members::of(raw).and_then(|inputs| inputs.get("ref"));
            (member.map(str::to_owned), "workflowInputs/ref")
        }
    };
    let Some(raw) = raw else {
        return ChosenRef::Default;
    };
    if super::has_template(&raw) {
        return ChosenRef::Unknown;
    }
    match inputs::reference_text(&raw) {
        Ok(None) => ChosenRef::Default,
        Ok(Some(reference)) => ChosenRef::Fixed(reference, place),
        Err(_) => ChosenRef::Unknown,
    }
}

/// A file and where it lies, for people.
fn shown(file: &str, reference: &str) -> String {
    format!("`{}` at `{}`", shortened(file), shortened(reference))
}

/// Whether a `ref` means this branch.
fn is_branch(reference: &str, branch: &str) -> bool {
    reference.strip_prefix("refs/heads/").unwrap_or(reference) == branch
}

/// The file of a workflow, read.
fn fetch(
    github: &GitHub<'_>,
    repository: &Repository,
    file: &str,
    reference: &str,
) -> Result<WorkflowFile, Failure> {
    let (owner, name) = (&repository.owner.login, &repository.name);
    let bytes = github.workflow_file(owner, name, file, reference)?;
    let unreadable = |why: &str| {
        Failure::rejected(
            "workflow-file-unreadable",
            format!("{} cannot be read: {why}.", shown(file, reference)),
            "Correct the file. If GitHub runs it as it is, check the definition without asking GitHub.",
        )
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| unreadable("it is no UTF-8 text"))?;
    WorkflowFile::read(text).map_err(|why| unreadable(&why.to_string()))
}

/// Whether a classic token with these scopes may start workflows.
///
/// # Errors
/// `permission-missing`.
fn may_write(scopes: &str, writable: Option<bool>) -> Result<(), Failure> {
    let has_scope = scopes
        .split(',')
        .any(|scope| matches!(scope.trim(), "repo" | "public_repo"));
    if !has_scope {
        return Err(Failure::rejected(
            "permission-missing",
            format!(
                "The token of this installation has the scopes `{}`, which do not let it start workflows.",
                shortened(scopes)
            ),
            "Give it the scope `repo`.",
        ));
    }
    if writable == Some(false) {
        return Err(Failure::rejected(
            "permission-missing",
            "The account of this installation's token may only read the repository, and starting workflows is writing.",
            "Give the account the role `write` in the repository.",
        ));
    }
    Ok(())
}

/// Whether workflows of a repository can be started at all.
///
/// # Errors
/// `organization-mismatch`, `repository-archived`, `repository-disabled`.
fn usable(installation: &Installation, repository: Repository) -> Result<Repository, Failure> {
    properties::check_fixed(&repository.owner.login, installation)?;
    if repository.archived {
        let message = "The repository is archived, so its workflows cannot run.";
        return Err(Failure::rejected(
            "repository-archived",
            message,
            "Unarchive it, or use another repository.",
        ));
    }
    if repository.disabled {
        let message = "GitHub has disabled the repository.";
        return Err(Failure::rejected(
            "repository-disabled",
            message,
            "Its owner can ask GitHub why.",
        ));
    }
    Ok(repository)
}

/// A workflow that GitHub knows.
struct Target {
    /// The name of its file.
    file: String,
    /// Its state.
    state: String,
}

impl Target {
    /// Whether it can be started, as far as GitHub tells without its file.
    ///
    /// # Errors
    /// `workflow-disabled`.
    fn active(&self) -> Result<(), Failure> {
        let Self { file, state } = self;
        if state == "active" {
            return Ok(());
        }
        Err(Failure::rejected(
            "workflow-disabled",
            format!("The workflow `{file}` is not active but `{state}`."),
            "Enable it on the repository's Actions page.",
        ))
    }
}

/// The workflow that a definition means.
///
/// # Errors
/// `workflow-not-found`, `workflow-ambiguous`, `workflow-outside-folder`, and what went wrong with the questions.
fn locate(
    github: &GitHub<'_>,
    repository: &Repository,
    workflow: &Workflow,
) -> Result<Target, Failure> {
    let (owner, name) = (&repository.owner.login, &repository.name);
    let file = match workflow {
        Workflow::DisplayName(display) => workflows::file_of(github, owner, name, display)?,
        named => named.text(),
    };
    let found = github.workflow(owner, name, &file)?;
    let Some(lies) = workflows::file_name(&found) else {
        return Err(Failure::rejected(
            "workflow-outside-folder",
            format!(
                "The workflow lies at `{}`, and only workflows in `{WORKFLOW_FOLDER}` can be started.",
                found.path
            ),
            "Use a workflow whose file lies there.",
        ));
    };
    if found.state == "deleted" {
        return Err(Failure::rejected(
            "workflow-not-found",
            format!("The workflow `{lies}` has been deleted."),
            "Restore its file, or use another workflow.",
        ));
    }
    Ok(Target {
        file: lies.to_owned(),
        state: found.state,
    })
}

#[cfg(test)]
mod tests;
