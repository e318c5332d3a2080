//! Questions on a terminal. They are asked on standard error, so that standard output holds the result alone.

use crate::cli::Stop;
use crate::new_action::{Operation, Property, check_identifier, suggested_identifier};
use dialoguer::theme::ColorfulTheme;
use dialoguer::{Input, Select};
use std::io::IsTerminal;

/// Somebody who can be asked.
pub(super) struct Dialogue(ColorfulTheme);

impl Dialogue {
    /// None where nobody sits at a terminal.
    pub(super) fn on_terminal() -> Option<Dialogue> {
        let is_there = std::io::stdin().is_terminal() && std::io::stderr().is_terminal();
        is_there.then(|| Dialogue(ColorfulTheme::default()))
    }

    /// Asks for a property. `before` is what it is so far, `why` what is wrong with that.
    pub(super) fn property(
        &self,
        property: &Property,
        before: Option<String>,
        why: &str,
    ) -> Result<String, Stop> {
        eprintln!("\n{why}");
        let mut input = Input::<String>::with_theme(&self.0)
            .with_prompt(&property.title)
            .validate_with(|text: &String| property.read(text).map(|_| ()));
        if let Some(before) = before {
            input = input.default(before);
        }
        input.interact_text().map_err(unanswered)
    }

    pub(super) fn title(&self) -> Result<String, Stop> {
        eprintln!("\nWhat people see on the action's card in Port.");
        let input = Input::<String>::with_theme(&self.0).with_prompt("Title");
        input.interact_text().map_err(unanswered)
    }

    pub(super) fn identifier(&self, title: &str) -> Result<String, Stop> {
        eprintln!("\nWhat the action is called in Port's API. It stays when the title changes.");
        let mut input = Input::<String>::with_theme(&self.0)
            .with_prompt("Identifier")
            .validate_with(|text: &String| check_identifier(text));
        if let Some(suggested) = suggested_identifier(title) {
            input = input.default(suggested);
        }
        input.interact_text().map_err(unanswered)
    }

    pub(super) fn operation(&self) -> Result<Operation, Stop> {
        eprintln!("\nWhat the action does to an entity of Port's catalogue.");
        let choices = [
            (Operation::Create, "create: makes one, or is about none"),
            (Operation::Day2, "day-2: changes one"),
            (Operation::Delete, "delete: removes one"),
        ];
        let chosen = Select::with_theme(&self.0)
            .with_prompt("Operation")
            .items(choices.map(|(_, text)| text))
            .default(0)
            .interact()
            .map_err(unanswered)?;
        Ok(choices
            .get(chosen)
            .map_or(Operation::Create, |(operation, _)| *operation))
    }

    /// None if nothing is answered.
    pub(super) fn blueprint(&self) -> Result<Option<String>, Stop> {
        eprintln!("\nThe blueprint whose entities the action is about; empty for none.");
        let answer = Input::<String>::with_theme(&self.0)
            .with_prompt("Blueprint")
            .allow_empty(true)
            .interact_text()
            .map_err(unanswered)?;
        Ok(Some(answer).filter(|answer| !answer.is_empty()))
    }

    /// One of several names.
    pub(super) fn action_type(&self, names: &[&str]) -> Result<usize, Stop> {
        eprintln!("\nWhat the action starts.");
        Select::with_theme(&self.0)
            .with_prompt("Action type")
            .items(names)
            .default(0)
            .interact()
            .map_err(unanswered)
    }
}

fn unanswered(error: dialoguer::Error) -> Stop {
    Stop::Unusable(format!("the question was not answered: {error}"))
}
