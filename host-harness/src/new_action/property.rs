//! The properties of an action type, as its JSON Schema describes them.

use super::NewActionError;
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// Port's name of the object that holds the properties.
const PROPERTIES: &str = "integrationActionExecutionProperties/";

/// A property.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Property {
    /// Its name.
    pub name: String,
    /// Its name for people.
    pub title: String,
    /// What it is.
    pub description: String,
    /// The types of JSON that it may have; empty: any.
    types: Vec<String>,
}

#[derive(Deserialize)]
struct Schema {
    #[serde(default)]
    properties: BTreeMap<String, Description>,
}

#[derive(Deserialize)]
struct Description {
    title: Option<String>,
    #[serde(default)]
    description: String,
    #[serde(default, rename = "type")]
    types: Value,
}

/// The properties that a schema describes. A schema that describes none this way says nothing here.
#[must_use]
pub fn properties(schema: &str) -> Vec<Property> {
    let schema: Option<Schema> = serde_json::from_str(schema).ok();
    let described = schema.map(|schema| schema.properties).unwrap_or_default();
    let described = described.into_iter().map(|(name, said)| Property {
        title: said.title.unwrap_or_else(|| name.clone()),
        description: said.description,
        types: match said.types {
            Value::String(one) => vec![one],
            Value::Array(several) => several
                .iter()
                .filter_map(|one| one.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        },
        name,
    });
    described.collect()
}

/// The property that a JSON pointer into a definition is about.
#[must_use]
pub fn property_at(pointer: &str) -> Option<String> {
    let (_, inside) = pointer.split_once(PROPERTIES)?;
    let step = inside.split('/').next()?;
    Some(step.replace("~1", "/").replace("~0", "~"))
}

impl Property {
    /// Reads `name=value` as one of these properties.
    ///
    /// # Errors
    /// Where it is not written like that, there is no such property, or the value is of another type.
    pub fn pair<'p>(
        properties: &'p [Property],
        text: &str,
    ) -> Result<(&'p Property, Box<RawValue>), NewActionError> {
        let pair = text.split_once('=');
        let (name, value) = pair.ok_or_else(|| NewActionError::NoPair(text.to_owned()))?;
        let property = properties.iter().find(|property| property.name == name);
        let property = property.ok_or_else(|| NewActionError::UnknownProperty {
            name: name.to_owned(),
            known: names(properties),
        })?;
        Ok((property, property.read(value)?))
    }

    /// A value as people write it: JSON where that has one of the property's types, else text, if it takes texts.
    ///
    /// # Errors
    /// [`NewActionError::WrongType`].
    pub fn read(&self, text: &str) -> Result<Box<RawValue>, NewActionError> {
        let takes = |name: &str| self.types.is_empty() || self.types.iter().any(|one| one == name);
        let json: Option<&RawValue> = serde_json::from_str(text).ok();
        if let Some(json) = json
            && kinds(json.get()).iter().any(|kind| takes(kind))
        {
            return Ok(json.to_owned());
        }
        let as_text = takes("string").then(|| serde_json::value::to_raw_value(text));
        match as_text {
            Some(Ok(text)) => Ok(text),
            _ => Err(NewActionError::WrongType {
                name: self.name.clone(),
                types: self.types.join(" or "),
            }),
        }
    }
}

fn names(properties: &[Property]) -> String {
    let names: Vec<&str> = properties.iter().map(|it| it.name.as_str()).collect();
    names.join(", ")
}

/// The schema's names for the type of a JSON value. Texts have none: in quotes they are texts with quotes.
fn kinds(json: &str) -> &'static [&'static str] {
    match json.as_bytes().first() {
        Some(b'{') => &["object"],
        Some(b'[') => &["array"],
        Some(b't' | b'f') => &["boolean"],
        Some(b'n') => &["null"],
        Some(b'"') | None => &[],
        Some(_) if json.contains(['.', 'e', 'E']) => &["number"],
        Some(_) => &["integer", "number"],
    }
}
