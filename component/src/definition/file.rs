//! What a workflow's file says about being started by hand: whether it has a `workflow_dispatch` trigger, and which
//! inputs that takes.
//!
//! Only the few places that count are read. Whatever is there in a form that this reader does not know makes the file
//! unreadable. It never guesses: a wrong guess would call a good definition bad.

mod tree;

use std::fmt;

use crate::legible::shortened;
use tree::{Map, Node, member};

/// The trigger that lets a workflow be started through the API.
const TRIGGER: &str = "workflow_dispatch";

/// A workflow's file, as far as it matters here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WorkflowFile {
    /// Whether it has the trigger.
    pub has_trigger: bool,
    /// What the trigger takes, in the order of the file.
    pub inputs: Vec<Declared>,
}

/// An input that a workflow declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Declared {
    /// Its name.
    pub name: String,
    /// What values it takes.
    pub kind: Kind,
    /// Whether it must be given, unless it has a default.
    pub required: bool,
    /// What it is for.
    pub description: Written,
    /// The value that it has when it is not given.
    pub default: Written,
}

impl Declared {
    /// Whether it has a value when it is not given.
    #[must_use]
    pub fn has_default(&self) -> bool {
        self.default != Written::Nothing
    }
}

/// A text that a file may give.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Written {
    /// It gives none.
    Nothing,
    /// It gives this.
    Text(String),
    /// It gives one in a form that is not read: over several lines, or with escapes of YAML's own.
    Unread,
}

/// What values an input takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `string`: any text.
    Text,
    /// `environment`: any text as far as the file tells, and meant to be the name of one of the repository's
    /// environments.
    Environment,
    /// `boolean`.
    Boolean,
    /// `number`.
    Number,
    /// `choice`, with its options.
    Choice(Vec<String>),
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable(String);

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Unreadable {
    fn because(parts: &[&str]) -> Self {
        Self(parts.concat())
    }
}

impl WorkflowFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Where it is no YAML, or says something in a form that is not known here.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        match tree::value_of(text, "on")? {
            None | Some(Node::Null) => Ok(Self::default()),
            Some(Node::Scalar(event)) => Ok(Self::with_trigger(event == TRIGGER)),
            Some(Node::List(events)) => {
                let names: Option<Vec<&str>> = events.iter().map(Node::text).collect();
                match names {
                    Some(names) => Ok(Self::with_trigger(names.contains(&TRIGGER))),
                    None => Err(unknown_form("on")),
                }
            }
            Some(Node::Map(events)) => match member(&events, TRIGGER) {
                None => Ok(Self::default()),
                Some(trigger) => Ok(Self {
                    inputs: inputs(trigger)?,
                    has_trigger: true,
                }),
            },
            Some(Node::Long | Node::Unknown) => Err(unknown_form("on")),
        }
    }

    fn with_trigger(has_trigger: bool) -> Self {
        Self {
            has_trigger,
            inputs: Vec::new(),
        }
    }
}

/// The inputs of a trigger.
fn inputs(trigger: &Node) -> Result<Vec<Declared>, Unreadable> {
    let Some(trigger) = trigger.members("on.workflow_dispatch")? else {
        return Ok(Vec::new());
    };
    let inputs = member(trigger, "inputs").unwrap_or(&Node::Null);
    match inputs.members("on.workflow_dispatch.inputs")? {
        None => Ok(Vec::new()),
        Some(inputs) => inputs
            .iter()
            .map(|(name, input)| declared(name, input))
            .collect(),
    }
}

/// One input.
fn declared(name: &str, input: &Node) -> Result<Declared, Unreadable> {
    let place = ["on.workflow_dispatch.inputs.", name].concat();
    let nothing = Map::new();
    let members = input.members(&place)?.unwrap_or(&nothing);
    let unknown = |key: &str| unknown_form(&[&place, ".", key].concat());
    let required = match member(members, "required") {
        None | Some(Node::Null) => false,
        Some(Node::Scalar(text)) if text.eq_ignore_ascii_case("true") => true,
        Some(Node::Scalar(text)) if text.eq_ignore_ascii_case("false") => false,
        Some(_) => return Err(unknown("required")),
    };
    let default = match member(members, "default") {
        Some(Node::List(_) | Node::Map(_) | Node::Unknown) => return Err(unknown("default")),
        given => written(given),
    };
    let kind = match member(members, "type") {
        None => Kind::Text,
        Some(Node::Scalar(kind)) => match kind.as_str() {
            "string" => Kind::Text,
            "environment" => Kind::Environment,
            "boolean" => Kind::Boolean,
            "number" => Kind::Number,
            "choice" => Kind::Choice(options(members).ok_or_else(|| unknown("options"))?),
            _ => return Err(unknown("type")),
        },
        Some(_) => return Err(unknown("type")),
    };
    Ok(Declared {
        name: name.to_owned(),
        kind,
        required,
        description: written(member(members, "description")),
        default,
    })
}

fn written(node: Option<&Node>) -> Written {
    match node {
        None | Some(Node::Null) => Written::Nothing,
        Some(Node::Scalar(text)) => Written::Text(text.clone()),
        Some(_) => Written::Unread,
    }
}

/// The options of a choice.
fn options(members: &Map) -> Option<Vec<String>> {
    match member(members, "options")? {
        Node::List(options) => options
            .iter()
            .map(|option| option.text().map(str::to_owned))
            .collect(),
        _ => None,
    }
}

fn unknown_form(place: &str) -> Unreadable {
    Unreadable::because(&["`", &shortened(place), "` has a form that is not known"])
}

#[cfg(test)]
mod tests;
