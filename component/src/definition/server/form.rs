//! Making the form of an action that asks for it, while GitHub is being asked about it.

use std::borrow::Cow;

use super::super::file::{Declared, Kind};
use super::super::form::Form;
use super::super::{Draft, Properties};
use crate::contract::ocean::integration_action::types::Failure;
use crate::github::{GitHub, Repository};
use crate::json;
use crate::legible::shortened;

impl Draft<'_> {
    /// Makes the form, and has its values handed over to the workflow.
    pub(super) fn make_form(
        &mut self,
        github: &GitHub<'_>,
        repository: &Repository,
        declared: &[Declared],
        shown: &str,
        properties: &mut Properties,
    ) {
        let raw = properties.get("workflowInputs").unwrap_or("null");
        let raw = if raw == "null" { "{}" } else { raw }.to_owned();
        let Some(mut inputs) = json::Members::of(&raw) else {
            return self.refuse_form("`workflowInputs` is not an object.");
        };
        let asked = || {
            declared
                .iter()
                .filter(|input| inputs.get(&input.name).is_none())
        };
        for input in asked() {
            if matches!(&input.kind, Kind::Choice(options) if options.is_empty()) {
                self.checked::<()>("workflow", Err(without_options(input, shown)));
            }
        }
        let environments = match asked().find(|input| input.kind == Kind::Environment) {
            Some(input) => self.environments(github, repository, input),
            None => None,
        };
        let form = Form::of(declared, &inputs, environments.as_deref());
        // Among the inputs, `ref` is the branch, unless that has a property of its own.
        if properties.get("ref").is_none() && form.mapping().any(|(name, _)| name == "ref") {
            let branch = repository.default_branch.as_deref().unwrap_or_default();
            properties.set("ref", json::string(branch));
            self.notes.push(format!(
                "`ref` was set to `{branch}`, the default branch, since the workflow has an input of that name."
            ));
        }
        let mapping: Vec<_> = form.mapping().collect();
        let added = mapping
            .iter()
            .map(|(name, value)| (Cow::Borrowed(*name), value.as_str()));
        inputs.0.extend(added);
        if !inputs.0.is_empty() {
            let members = inputs.0.iter().map(|(name, value)| (&**name, *value));
            properties.set("workflowInputs", json::object(members));
        }
        self.form = Some(form.user_inputs());
        self.notes.extend(form.notes);
    }

    /// What an environment is chosen from, if GitHub tells it.
    fn environments(
        &mut self,
        github: &GitHub<'_>,
        repository: &Repository,
        input: &Declared,
    ) -> Option<Vec<String>> {
        let answer = github.environments(&repository.owner.login, &repository.name);
        let why = match answer {
            Ok(list) if list.total_count == 0 => "the repository has none".to_owned(),
            Ok(list) if list.total_count > list.environments.len() as u64 => {
                format!("the repository has {}", list.total_count)
            }
            Ok(list) => return Some(list.environments.into_iter().map(|it| it.name).collect()),
            Err(failure) => format!("they are not known. {}", failure.message),
        };
        self.notes.push(format!(
            "The input `{}` is an environment and takes any text in the form, not one of the repository's environments: {why}",
            shortened(&input.name)
        ));
        None
    }
}

fn without_options(input: &Declared, shown: &str) -> Failure {
    let name = shortened(&input.name);
    Failure::rejected(
        "workflow-file-invalid",
        format!("{shown} declares the choice `{name}` without options, so no value fits."),
        "Give it options in the workflow's file, or another type.",
    )
}

#[cfg(test)]
mod tests;
