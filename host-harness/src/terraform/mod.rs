//! An action's definition as Terraform's resource `port_action`.
//!
//! The names are those of Port's provider, `port-labs/port-labs`, which spells Port's members in its own way and sorts
//! the user's inputs by their types. What has no counterpart there, as far as it is known here, is not left out but an
//! error with its place: half an action that looks like a whole one would be applied.

mod action;
mod form;
mod hcl;

use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// What the provider has to be to know `integration_method`.
const PROVIDER: &str = "# Needs the provider port-labs/port-labs, version 2.19.5 or newer.\n";

/// A definition that cannot be written for Terraform.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TerraformError {
    /// It is not the definition of an action.
    #[error("the definition is not a JSON object")]
    NoObject,
    /// There are members without a counterpart, at these JSON pointers.
    #[error("these have no counterpart in `port_action`: {}", .0.join(", "))]
    NoCounterpart(Vec<String>),
}

/// The text of a resource: of a whole action `port_action`, of an `invocationMethod` alone the attribute
/// `integration_method`, to be put into one.
///
/// # Errors
/// See [`TerraformError`].
pub fn resource(definition: &str) -> Result<String, TerraformError> {
    let mut lost = Vec::new();
    let object = Object::of(definition, "").ok_or(TerraformError::NoObject)?;
    let text = if object.members.contains_key("invocationMethod") {
        let (label, body) = action::whole(object, &mut lost);
        format!("{PROVIDER}resource \"port_action\" \"{label}\" {body}\n")
    } else {
        let method = action::method(object, &mut lost);
        format!("{PROVIDER}integration_method = {method}\n")
    };
    if lost.is_empty() {
        Ok(text)
    } else {
        Err(TerraformError::NoCounterpart(lost))
    }
}

/// A JSON object whose members are taken one by one; what is left in the end has no counterpart.
struct Object {
    pointer: String,
    members: BTreeMap<String, Box<RawValue>>,
}

impl Object {
    fn of(text: &str, pointer: &str) -> Option<Self> {
        let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(text).ok()?;
        Some(Self {
            pointer: pointer.to_owned(),
            members,
        })
    }

    /// The pointer to a member.
    fn at(&self, key: &str) -> String {
        let key = key.replace('~', "~0").replace('/', "~1");
        format!("{}/{key}", self.pointer)
    }

    /// A member that is there and not null, as JSON text.
    fn take(&mut self, key: &str) -> Option<String> {
        let value = self.members.remove(key)?;
        Some(value.get().to_owned()).filter(|text| text != "null")
    }

    /// A member that has to be an object.
    fn object(&mut self, key: &str, lost: &mut Vec<String>) -> Option<Self> {
        let text = self.take(key)?;
        let object = Self::of(&text, &self.at(key));
        if object.is_none() {
            lost.push(self.at(key));
        }
        object
    }

    /// A member that has to be a text.
    fn text(&mut self, key: &str, lost: &mut Vec<String>) -> Option<String> {
        let raw = self.take(key)?;
        let text = serde_json::from_str(&raw).ok();
        if text.is_none() {
            lost.push(self.at(key));
        }
        text
    }

    /// Everything that has not been taken is lost.
    fn finish(self, lost: &mut Vec<String>) {
        let left = self.members.iter();
        let left = left.filter(|(_, value)| value.get() != "null");
        lost.extend(left.map(|(key, _)| self.at(key)));
    }
}

#[cfg(test)]
mod tests;
