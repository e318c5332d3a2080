//! The form that people fill in, made of what the workflow's file declares.
//!
//! It is made where an action asks for it, with `"userInputs": "declared"` in its trigger, and nowhere else. Port takes an
//! object there, so no action that is saved in Port asks by accident, and whoever only has a definition checked gets it
//! back with the form that it had.
//!
//! Each declared input becomes a user input, and a member of `workflowInputs` that hands its value over. An input that
//! `workflowInputs` gives already stays as it is given, and nobody is asked for it.

use super::file::{Declared, Kind, Written};
use super::replaced;
use crate::json::{self, Members};
use crate::legible::shortened;

/// The JSON pointer to the user inputs of an action.
pub const POINTER: &str = "/trigger/userInputs";

/// What stands in the place of the user inputs where the form is to be made.
const DECLARED: &str = "declared";

/// The most characters that Port takes in the title and in the description of a user input.
const MAX_TITLE: usize = 140;
const MAX_DESCRIPTION: usize = 1000;

/// Whether an action asks for its form.
#[must_use]
pub fn is_asked_for(action: &Members<'_>) -> bool {
    let trigger = action.get("trigger").and_then(Members::of);
    let inputs = trigger.and_then(|trigger| trigger.get("userInputs"));
    inputs.and_then(json::as_string).as_deref() == Some(DECLARED)
}

/// The action with these user inputs.
#[must_use]
pub fn filled_in(action: &str, user_inputs: &str) -> String {
    let action = Members::of(action).unwrap_or(Members(Vec::new()));
    let trigger = action.get("trigger").and_then(Members::of);
    let trigger = trigger.unwrap_or(Members(Vec::new()));
    let trigger = replaced(&trigger, "userInputs", user_inputs);
    replaced(&action, "trigger", &trigger)
}

/// A form.
#[derive(Debug, Default)]
pub struct Form {
    fields: Vec<Field>,
    /// What its author should know.
    pub notes: Vec<String>,
}

/// One of its fields.
#[derive(Debug)]
struct Field {
    /// Port's identifier of the user input.
    identifier: String,
    /// The workflow's name of the input.
    input: String,
    required: bool,
    /// The user input, as JSON.
    json: String,
}

impl Form {
    /// The form for these inputs, without those that are given already. `environments` are what an environment is
    /// chosen from, if they are known.
    #[must_use]
    pub fn of(inputs: &[Declared], given: &Members<'_>, environments: Option<&[String]>) -> Self {
        let mut form = Self::default();
        for input in inputs
            .iter()
            .filter(|input| given.get(&input.name).is_none())
        {
            form.add(input, environments);
        }
        form
    }

    /// Port's `userInputs`.
    #[must_use]
    pub fn user_inputs(&self) -> String {
        let fields = self.fields.iter();
        let properties = json::object(fields.map(|field| (&*field.identifier, &*field.json)));
        let identifiers = |only_required: bool| {
            let fields = self.fields.iter();
            let chosen = fields.filter(|field| field.required || !only_required);
            list(chosen.map(|field| field.identifier.as_str()))
        };
        let mut members = vec![("properties", properties)];
        if self.fields.iter().any(|field| field.required) {
            members.push(("required", identifiers(true)));
        }
        if !self.fields.is_empty() {
            members.push(("order", identifiers(false)));
        }
        json::object(members.iter().map(|(key, value)| (*key, value.as_str())))
    }

    /// The members of `workflowInputs` that hand over what was filled in. Identifiers have no character that jq
    /// would want escaped.
    pub fn mapping(&self) -> impl Iterator<Item = (&str, String)> {
        self.fields.iter().map(|field| {
            let template = ["{{ .inputs.\"", &field.identifier, "\" }}"].concat();
            (field.input.as_str(), json::string(&template))
        })
    }

    fn add(&mut self, input: &Declared, environments: Option<&[String]>) {
        let choices = match &input.kind {
            Kind::Choice(options) => Some(options.as_slice()),
            Kind::Environment => environments,
            Kind::Text | Kind::Boolean | Kind::Number => None,
        };
        let kind = match input.kind {
            Kind::Boolean => "boolean",
            Kind::Number => "number",
            Kind::Text | Kind::Environment | Kind::Choice(_) => "string",
        };
        let mut members = vec![
            ("type", json::string(kind)),
            ("title", json::string(&start(&input.name, MAX_TITLE))),
        ];
        match &input.description {
            Written::Text(text) if !text.is_empty() => {
                members.push(("description", json::string(&start(text, MAX_DESCRIPTION))));
            }
            Written::Unread => self.left_out(
                input,
                "description",
                "is written in a way that is not read here",
            ),
            _ => {}
        }
        if let Some(choices) = choices {
            let distinct = choices.iter().enumerate();
            let distinct =
                distinct.filter(|(at, choice)| !choices.iter().take(*at).any(|it| it == *choice));
            members.push(("enum", list(distinct.map(|(_, choice)| choice.as_str()))));
        }
        let default = self.default_of(input, choices);
        let required = input.required || self.must_be_chosen(input, default.is_some());
        members.extend(default.map(|default| ("default", default)));
        let identifier = self.identifier(&input.name);
        self.fields.push(Field {
            identifier,
            input: input.name.clone(),
            required,
            json: json::object(members.iter().map(|(key, value)| (*key, value.as_str()))),
        });
    }

    /// A default of the user input's type, as JSON.
    fn default_of(&mut self, input: &Declared, choices: Option<&[String]>) -> Option<String> {
        let text = match &input.default {
            // As in GitHub's own form, where a box is empty until it is ticked.
            Written::Nothing if input.kind == Kind::Boolean => {
                self.note(input, "has no default and is false in the form, as in GitHub's: it refuses runs that leave a \
                                  boolean out");
                return Some("false".to_owned());
            }
            Written::Nothing => return None,
            Written::Text(text) => text,
            Written::Unread => {
                self.left_out(
                    input,
                    "default",
                    "is written in a way that is not read here; \
                                                GitHub uses it where nothing is given",
                );
                return None;
            }
        };
        let (value, why) = match (&input.kind, choices) {
            (Kind::Boolean, _) => (boolean(text), "is no boolean"),
            (Kind::Number, _) => (number(text), "is no number as JSON writes it"),
            (_, Some(choices)) => {
                let is_one = choices.iter().any(|choice| choice == text);
                (
                    is_one.then(|| json::string(text)),
                    "is not among the choices",
                )
            }
            // A form begins empty.
            (_, None) if text.is_empty() => return None,
            (_, None) => (Some(json::string(text)), ""),
        };
        if value.is_none() {
            self.left_out(input, "default", why);
        }
        value
    }

    /// GitHub has refused runs that leave out a choice without a default.
    fn must_be_chosen(&mut self, input: &Declared, has_default: bool) -> bool {
        let must = matches!(input.kind, Kind::Choice(_)) && !has_default;
        if must && !input.required {
            self.note(input, "is optional in the workflow and required in the form: GitHub refuses runs that leave out a \
                              choice without a default");
        }
        must
    }

    /// The input's name with the characters that Port takes, and unlike the others.
    fn identifier(&mut self, name: &str) -> String {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '@' | '=');
        let mut identifier: String = name
            .chars()
            .map(|c| if fits(c) { c } else { '_' })
            .collect();
        while identifier.is_empty() || self.fields.iter().any(|it| it.identifier == identifier) {
            identifier.push('_');
        }
        if identifier != name {
            self.notes.push(format!(
                "The input `{}` is called `{}` in the form: Port takes letters, digits and `_-@=` in a user input's name.",
                shortened(name),
                shortened(&identifier)
            ));
        }
        identifier
    }

    fn note(&mut self, input: &Declared, what: &str) {
        let name = shortened(&input.name);
        self.notes.push(format!("The input `{name}` {what}."));
    }

    fn left_out(&mut self, input: &Declared, what: &str, why: &str) {
        let name = shortened(&input.name);
        self.notes.push(format!(
            "The {what} of the input `{name}` was left out of the form: it {why}."
        ));
    }
}

fn list<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.map(json::string).collect();
    ["[", &texts.join(","), "]"].concat()
}

fn start(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}

fn boolean(text: &str) -> Option<String> {
    let text = text.to_ascii_lowercase();
    matches!(text.as_str(), "true" | "false").then_some(text)
}

fn number(text: &str) -> Option<String> {
    let number = json::compact(text).ok()?;
    json::is_number(&number).then_some(number)
}

#[cfg(test)]
mod tests;
