//! The environment, sorted: which settings it gives, and which names mean nothing here.

use super::table::{self, Fate, Known};
use crate::config::ConfigError;
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::RangeInclusive;

/// The settings that are given. Has no `Debug`: values are nobody's business.
pub(super) struct Variables {
    given: BTreeMap<&'static str, Given>,
    strangers: Vec<String>,
}

/// A setting that is given.
struct Given {
    /// The variable that gives it, as it is spelt in the environment.
    variable: String,
    /// The value. Empty for a secret, which is read from its variable when it is needed.
    text: String,
}

/// A section that is given as one JSON object.
struct Json {
    section: String,
    variable: String,
    text: String,
}

impl Variables {
    /// Sorts variables. Empty ones count as not set, as they do for most that deploy by template. A variable goes
    /// before the same key in a JSON object, as in pydantic-settings, by which Ocean reads its environment.
    pub(super) fn read(
        environment: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Variables, ConfigError> {
        let mut variables = Variables {
            given: BTreeMap::new(),
            strangers: Vec::new(),
        };
        let mut objects = Vec::new();
        for (variable, text) in environment {
            let name = table::canonical(&variable);
            if !is_ours(&name) || text.trim().is_empty() {
                continue;
            }
            if let Some(known) = table::find(&name) {
                variables.give(known, variable, text)?;
            } else if table::is_section(&name) {
                objects.push(Json {
                    section: name,
                    variable,
                    text,
                });
            } else {
                variables.strangers.push(variable);
            }
        }
        // The longer name is the more exact one, and goes first.
        objects.sort_by_key(|object| std::cmp::Reverse(object.section.len()));
        for object in objects {
            variables.unfold(&object)?;
        }
        variables.strangers.sort_unstable();
        Ok(variables)
    }

    fn give(
        &mut self,
        known: &'static Known,
        variable: String,
        text: String,
    ) -> Result<(), ConfigError> {
        let text = match known.fate {
            Fate::Secret => String::new(),
            Fate::Read | Fate::NotNeeded | Fate::Unsupported => text.trim().to_owned(),
        };
        let first = self.given.insert(
            known.name,
            Given {
                variable: variable.clone(),
                text,
            },
        );
        match first {
            None => Ok(()),
            Some(first) => Err(ConfigError::variable(
                format!("{}, {variable}", first.variable),
                "they are the same setting in two spellings; keep one of them",
            )),
        }
    }

    /// Takes in the settings of a JSON object that no variable gives.
    fn unfold(&mut self, object: &Json) -> Result<(), ConfigError> {
        let Ok(Value::Object(keys)) = serde_json::from_str(&object.text) else {
            return Err(ConfigError::variable(
                &object.variable,
                "it is not a JSON object; write one, or set the variables below it one by one",
            ));
        };
        let mut sections = vec![(object.section.clone(), keys)];
        let mut unknown = 0;
        while let Some((section, keys)) = sections.pop() {
            for (key, value) in keys {
                let name = format!("{section}__{}", table::canonical(&key));
                match (table::find(&name), value) {
                    (Some(known), value) => self.give_from_json(known, object, &value)?,
                    (None, Value::Object(keys)) if table::is_section(&name) => {
                        sections.push((name, keys));
                    }
                    (None, _) => unknown += 1,
                }
            }
        }
        if unknown > 0 {
            // Not their names: a key may be anything, a secret too.
            self.strangers
                .push(format!("{} ({unknown} of its keys)", object.variable));
        }
        Ok(())
    }

    fn give_from_json(
        &mut self,
        known: &'static Known,
        object: &Json,
        value: &Value,
    ) -> Result<(), ConfigError> {
        let text = match value {
            Value::String(text) => text.trim().to_owned(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
            Value::Array(_) | Value::Object(_) => {
                return Err(ConfigError::variable(
                    &object.variable,
                    format!("its key for {} is not a plain value", known.name),
                ));
            }
        };
        if text.is_empty() || self.given.contains_key(known.name) {
            return Ok(());
        }
        if known.fate == Fate::Secret {
            return Err(ConfigError::variable(
                &object.variable,
                format!(
                    "it holds a secret inside JSON, and secrets are read from a variable of their own; set {} instead",
                    known.name
                ),
            ));
        }
        self.give(known, object.variable.clone(), text)
    }

    /// The name of the variable that gives a setting, as it is spelt there; none if the setting is not given.
    pub(super) fn source(&self, name: &'static str) -> Option<&str> {
        self.given.get(name).map(|given| given.variable.as_str())
    }

    /// The name to blame for a setting: the variable that gives it, or else the one that would.
    pub(super) fn blame(&self, name: &'static str) -> String {
        self.source(name).unwrap_or(name).to_owned()
    }

    /// An error of a setting.
    pub(super) fn error(&self, name: &'static str, message: impl Into<String>) -> ConfigError {
        ConfigError::variable(self.blame(name), message)
    }

    /// A text.
    pub(super) fn text(&self, name: &'static str) -> Option<&str> {
        self.given.get(name).map(|given| given.text.as_str())
    }

    /// A whole number within limits.
    pub(super) fn whole(
        &self,
        name: &'static str,
        limits: RangeInclusive<u64>,
    ) -> Result<Option<u64>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.parse() {
            Ok(number) if limits.contains(&number) => Ok(Some(number)),
            _ => Err(self.error(
                name,
                format!(
                    "it is not a whole number from {} to {}",
                    limits.start(),
                    limits.end()
                ),
            )),
        }
    }

    /// A truth value, in the spellings that pydantic takes.
    pub(super) fn flag(&self, name: &'static str) -> Result<Option<bool>, ConfigError> {
        let Some(text) = self.text(name) else {
            return Ok(None);
        };
        match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "yes" | "on" | "t" | "y" => Ok(Some(true)),
            "false" | "0" | "no" | "off" | "f" | "n" => Ok(Some(false)),
            _ => Err(self.error(name, "it is neither `true` nor `false`")),
        }
    }

    /// Names that are set and mean nothing here, each with what it was probably meant to be.
    pub(super) fn without_counterpart(&self) -> Vec<String> {
        let unsupported = self.given.iter().filter_map(|(name, given)| {
            let fate = table::find(&table::canonical(name))?.fate;
            (fate == Fate::Unsupported).then(|| given.variable.clone())
        });
        let strangers = self.strangers.iter().map(|name| match self.meant(name) {
            Some(meant) => format!("{name} (did you mean {meant}?)"),
            None => name.clone(),
        });
        let mut names: Vec<String> = unsupported.chain(strangers).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// A name that is set, means nothing here, and looks like this setting.
    pub(super) fn looks_like(&self, name: &'static str) -> Option<&str> {
        let mut strangers = self.strangers.iter();
        let stranger = strangers.find(|stranger| self.meant(stranger) == Some(name));
        stranger.map(String::as_str)
    }

    /// What a name was meant to be; nothing that is given rightly as well.
    fn meant(&self, stranger: &str) -> Option<&'static str> {
        table::meant(stranger).filter(|name| !self.given.contains_key(name))
    }
}

/// Whether a canonical name is one of Ocean's.
fn is_ours(canonical_name: &str) -> bool {
    canonical_name.starts_with("ocean__") || canonical_name.starts_with("application__")
}
