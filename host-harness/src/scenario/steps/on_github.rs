//! What happens on GitHub beside the plugin's requests: what people do there, and how workflows go on.

use super::{Story, held};
use crate::scenario::schema::{Do, Step};
use crate::simulator::github::{AppInstallation, Phase, RunView as WorkflowRun};

impl Story<'_> {
    /// What an owner does with the App.
    pub(super) fn on_app(&self, step: &Step) -> Result<(), String> {
        let github = &self.services.github;
        let owner = step.owner.as_deref().unwrap_or("acme");
        let did = match step.action {
            Do::InstallApp => {
                github.add_app_installation(AppInstallation::on(owner));
                true
            }
            Do::UninstallApp => github.uninstall(owner),
            Do::SuspendApp => github.suspend(owner),
            _ => github.unsuspend(owner),
        };
        held(did, "the App is not installed there")
    }

    pub(super) fn on_github(&self, step: &Step) -> Result<(), String> {
        let github = &self.services.github;
        let repository = step.repository.as_deref().unwrap_or("acme/shop");
        let (owner, name) = repository
            .split_once('/')
            .ok_or("`repository` is `owner/name`")?;
        match step.action {
            Do::RenameRepository => {
                let to = step.to.as_deref().ok_or("`to` is missing: the new name")?;
                held(
                    github.rename_repository(owner, name, to),
                    "there is no such repository",
                )
            }
            Do::Archive => held(
                github.set_archived(owner, name, true),
                "there is no such repository",
            ),
            Do::StartForeignRun => {
                let file = step.to.as_deref().unwrap_or("deploy.yml");
                let event = step.event.as_deref().unwrap_or("workflow_dispatch");
                let started = github.start_foreign_run(owner, name, file, event, "somebody-else");
                held(started.is_some(), "there is no such workflow")
            }
            _ => {
                let run = self.workflow_run(step)?;
                match step.action {
                    Do::Finish => {
                        let conclusion = step.conclusion.as_deref().unwrap_or("success");
                        held(github.finish(run.id, conclusion), "it has ended already")
                    }
                    Do::Rerun => held(github.rerun(run.id), "it has not ended yet"),
                    _ => {
                        let phase = match step.to.as_deref() {
                            Some("waiting") => Phase::Waiting,
                            Some("in-progress") | None => Phase::InProgress,
                            Some(other) => return Err(format!("{other:?} is no phase")),
                        };
                        held(github.advance(run.id, phase), "it is there already")
                    }
                }
            }
        }
    }

    /// GitHub's run of a run in Port.
    fn workflow_run(&self, step: &Step) -> Result<WorkflowRun, String> {
        let run = self.needed(step)?;
        let all = self.services.github.runs();
        let found = match &run.external_run_id {
            Some(external) => all.into_iter().find(|it| it.external_id == *external),
            // Port has not been told yet; where there is one, it is that.
            None => <[WorkflowRun; 1]>::try_from(all).ok().map(|[run]| run),
        };
        found.ok_or_else(|| "GitHub has no run for it: wait until it `is = \"started\"`".to_owned())
    }
}
