//! A new action before its plugin has completed it: the document of what is known so far.
//!
//! What Port wants of every action is here: an identifier, a title, a trigger. What the action does is the plugin's
//! business. Its manifest says which properties there are ([`Property`]), its `configure` says which are missing or wrong
//! ([`property_at`]), and it makes the form, of what its server declares, where the document asks for that.

mod identifier;
mod property;

pub use identifier::{check_identifier, suggested_identifier};
pub use property::{Property, properties, property_at};

use crate::contract::Problem;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use thiserror::Error;

/// What stands in the place of a form that the plugin is to make: see `configure` in `wit/actions.wit`.
const DECLARED: &str = "declared";

/// The form that people fill in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// The plugin is to make it, of what its server declares.
    Declared,
    /// It asks for nothing.
    Empty,
}

/// An action that is being written.
#[derive(Debug)]
pub struct NewAction {
    /// Port's `installationId`.
    pub installation: String,
    /// Port's `integrationActionType`, one of the plugin's.
    pub action_type: String,
    /// What the plugin is told, in the order in which it became known.
    pub properties: Vec<(String, Box<RawValue>)>,
}

/// What Port wants to know of an action beside what it does.
#[derive(Debug)]
pub struct Head {
    /// What it is called in Port's API.
    pub identifier: String,
    /// What people see.
    pub title: Option<String>,
    /// What it does to an entity.
    pub operation: Operation,
    /// The blueprint whose entities it is about.
    pub blueprint: Option<String>,
}

/// What an action does to an entity of Port's catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Operation {
    /// It makes one, or is about none.
    #[serde(rename = "CREATE")]
    Create,
    /// It changes one.
    #[serde(rename = "DAY-2")]
    Day2,
    /// It removes one.
    #[serde(rename = "DELETE")]
    Delete,
}

/// Why something cannot be a part of a new action.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum NewActionError {
    /// A property that is not written as `name=value`.
    #[error("{0:?} is no property: write it as NAME=VALUE, such as `repo=shop`")]
    NoPair(String),
    /// A property that the plugin does not have.
    #[error("the action type has no property {name:?}; it has: {known}")]
    UnknownProperty {
        /// Its name.
        name: String,
        /// All that there are.
        known: String,
    },
    /// A property given twice.
    #[error("the property {0:?} is given twice")]
    Twice(String),
    /// A value that the property cannot have.
    #[error("the property {name:?} takes {types}, written as JSON")]
    WrongType {
        /// The property.
        name: String,
        /// What it takes.
        types: String,
    },
    /// An identifier that Port does not take.
    #[error(
        "an identifier is made of letters, digits and any of `@_.+:=-`, and is not `.` or `..`"
    )]
    Identifier,
}

impl NewAction {
    /// Sets a property.
    pub fn set(&mut self, name: &str, value: Box<RawValue>) {
        match self.properties.iter_mut().find(|(it, _)| it == name) {
            Some((_, old)) => *old = value,
            None => self.properties.push((name.to_owned(), value)),
        }
    }

    /// The value of a property, as it is written on a command line.
    #[must_use]
    pub fn written(&self, name: &str) -> Option<String> {
        let (_, value) = self.properties.iter().find(|(it, _)| it == name)?;
        let text = serde_json::from_str::<String>(value.get());
        Some(text.unwrap_or_else(|_| value.get().to_owned()))
    }

    /// What the action does, without its form: the `invocationMethod`.
    ///
    /// # Errors
    /// None that is known: everything in it can be written as JSON.
    pub fn method(&self) -> serde_json::Result<String> {
        serde_json::to_string(&Method::of(self))
    }

    /// The whole action.
    ///
    /// # Errors
    /// As [`Self::method`].
    pub fn document(&self, head: &Head, form: Form) -> serde_json::Result<String> {
        serde_json::to_string(&Document {
            identifier: &head.identifier,
            title: head.title.as_deref(),
            trigger: Trigger {
                kind: "self-service",
                operation: head.operation,
                blueprint: head.blueprint.as_deref(),
                user_inputs: form,
            },
            invocation_method: Method::of(self),
        })
    }
}

/// Whether a plugin has left the form unmade, because it knows nothing of this.
#[must_use]
pub fn lacks_form(definition: &str) -> bool {
    let action: Result<serde_json::Value, _> = serde_json::from_str(definition);
    action.is_ok_and(|action| {
        let inputs = action.pointer("/trigger/userInputs");
        inputs.is_some_and(|inputs| inputs == DECLARED)
    })
}

/// The first problem that is about one of these properties, and that property.
#[must_use]
pub fn about_property<'a>(
    problems: &'a [Problem],
    properties: &'a [Property],
) -> Option<(&'a Property, &'a Problem)> {
    problems.iter().find_map(|problem| {
        let name = property_at(&problem.pointer)?;
        let property = properties.iter().find(|it| it.name == name)?;
        Some((property, problem))
    })
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    identifier: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<&'a str>,
    trigger: Trigger<'a>,
    invocation_method: Method<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trigger<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    operation: Operation,
    #[serde(
        rename = "blueprintIdentifier",
        skip_serializing_if = "Option::is_none"
    )]
    blueprint: Option<&'a str>,
    user_inputs: Form,
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Form::Declared => serializer.serialize_str(DECLARED),
            Form::Empty => serializer.collect_map([("properties", BTreeMap::<(), ()>::new())]),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Method<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    installation_id: &'a str,
    integration_action_type: &'a str,
    #[serde(
        rename = "integrationActionExecutionProperties",
        serialize_with = "in_order"
    )]
    properties: &'a [(String, Box<RawValue>)],
}

impl<'a> Method<'a> {
    fn of(action: &'a NewAction) -> Self {
        Self {
            kind: "INTEGRATION_ACTION",
            installation_id: &action.installation,
            integration_action_type: &action.action_type,
            properties: &action.properties,
        }
    }
}

fn in_order<S: Serializer>(
    properties: &[(String, Box<RawValue>)],
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.collect_map(properties.iter().map(|(name, value)| (name, value)))
}

#[cfg(test)]
mod tests;
