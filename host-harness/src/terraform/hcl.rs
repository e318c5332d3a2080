//! Terraform's language, as far as values are concerned, laid out as `terraform fmt` does.

use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::fmt;

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Hcl {
    /// A number, true, false or null, as JSON writes it.
    Literal(String),
    /// A text.
    Text(String),
    /// A list.
    List(Vec<Hcl>),
    /// An object.
    Object(Vec<(String, Hcl)>),
    /// A value that the provider takes as JSON text.
    Json(Box<Hcl>),
}

impl Hcl {
    /// The value that JSON text stands for. Numbers keep their digits.
    pub(super) fn of(json: &str) -> Option<Self> {
        Some(match json.trim_start().chars().next()? {
            '{' => {
                let members: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).ok()?;
                let members = members.into_iter();
                Self::Object(
                    members
                        .map(|(key, value)| Some((key, Self::of(value.get())?)))
                        .collect::<Option<_>>()?,
                )
            }
            '[' => {
                let items: Vec<Box<RawValue>> = serde_json::from_str(json).ok()?;
                let items = items.iter().map(|item| Self::of(item.get()));
                Self::List(items.collect::<Option<_>>()?)
            }
            '"' => Self::Text(serde_json::from_str(json).ok()?),
            _ => Self::Literal(json.to_owned()),
        })
    }

    fn is_long(&self) -> bool {
        match self {
            Self::Literal(_) | Self::Text(_) => false,
            Self::List(items) => items.iter().any(Self::is_long),
            Self::Object(members) => !members.is_empty(),
            Self::Json(value) => value.is_long(),
        }
    }

    fn write(&self, f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
        match self {
            Self::Literal(text) => f.write_str(text),
            Self::Text(text) => quoted(f, text),
            Self::Json(value) => {
                f.write_str("jsonencode(")?;
                value.write(f, indent)?;
                f.write_str(")")
            }
            Self::List(items) if self.is_long() => {
                f.write_str("[\n")?;
                for item in items {
                    pad(f, indent + 1)?;
                    item.write(f, indent + 1)?;
                    f.write_str(",\n")?;
                }
                pad(f, indent)?;
                f.write_str("]")
            }
            Self::List(items) => {
                f.write_str("[")?;
                for (place, item) in items.iter().enumerate() {
                    if place > 0 {
                        f.write_str(", ")?;
                    }
                    item.write(f, indent)?;
                }
                f.write_str("]")
            }
            Self::Object(members) if members.is_empty() => f.write_str("{}"),
            Self::Object(members) => {
                f.write_str("{\n")?;
                write_members(f, members, indent + 1)?;
                pad(f, indent)?;
                f.write_str("}")
            }
        }
    }
}

impl fmt::Display for Hcl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, 0)
    }
}

/// One line for each member; equals signs of neighbours that fit on a line are below each other.
fn write_members(
    f: &mut fmt::Formatter<'_>,
    members: &[(String, Hcl)],
    indent: usize,
) -> fmt::Result {
    for group in members.chunk_by(|(_, before), (_, after)| !before.is_long() && !after.is_long()) {
        let names: Vec<String> = group.iter().map(|(key, _)| name(key)).collect();
        let width = names
            .iter()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        for (name, (_, value)) in names.iter().zip(group) {
            pad(f, indent)?;
            write!(f, "{name:width$} = ")?;
            value.write(f, indent)?;
            f.write_str("\n")?;
        }
    }
    Ok(())
}

fn pad(f: &mut fmt::Formatter<'_>, indent: usize) -> fmt::Result {
    write!(f, "{:1$}", "", indent * 2)
}

/// The name of a member, in quotes where it needs them.
fn name(key: &str) -> String {
    let mut bytes = key.bytes();
    let starts = bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_');
    let is_word = matches!(key, "for" | "null" | "true" | "false");
    if starts && !is_word && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-') {
        return key.to_owned();
    }
    Hcl::Text(key.to_owned()).to_string()
}

/// A text in quotes. `${` and `%{` would be Terraform's own templates.
fn quoted(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    let mut characters = text.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            '$' | '%' if characters.peek() == Some(&'{') => write!(f, "{character}{character}")?,
            other if other.is_control() => write!(f, "\\u{:04x}", u32::from(other))?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
