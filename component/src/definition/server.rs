//! What GitHub says about the repository and the workflow that a definition names.

use crate::contract::ocean::integration_action::types::{Failure, Installation};
use crate::github::{GitHub, Repository};
use crate::names::{WORKFLOW_FOLDER, Workflow};
use crate::{properties, workflows};

/// Whether workflows of a repository can be started at all.
///
/// # Errors
/// `organization-mismatch`, `repository-archived`, `repository-disabled`.
pub fn usable(installation: &Installation, repository: Repository) -> Result<Repository, Failure> {
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

/// Whether this workflow can be started, as far as GitHub tells without its file; and the name of that file.
///
/// # Errors
/// `workflow-not-found`, `workflow-ambiguous`, `workflow-outside-folder`, `workflow-disabled`, and what went wrong with
/// the questions.
pub fn startable(
    github: &GitHub<'_>,
    repository: &Repository,
    workflow: &Workflow,
) -> Result<String, Failure> {
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
    match found.state.as_str() {
        "active" => Ok(lies.to_owned()),
        "deleted" => Err(Failure::rejected(
            "workflow-not-found",
            format!("The workflow `{lies}` has been deleted."),
            "Restore its file, or use another workflow.",
        )),
        state => Err(Failure::rejected(
            "workflow-disabled",
            format!("The workflow `{lies}` is not active but `{state}`."),
            "Enable it on the repository's Actions page.",
        )),
    }
}
