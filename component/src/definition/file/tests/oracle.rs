//! The same reading by way of a YAML library, to compare with. `None` where the library finds no YAML, or something
//! in the places that count which our reader does not claim to read.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser, ScalarStyle};

use super::super::{Declared, Kind, TRIGGER, Unreadable, WorkflowFile, Written};

#[derive(Clone, Debug)]
enum Value {
    Scalar(String, bool),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
}

/// Outer: could the library read it? Inner: what it says, or that it says it in an unknown form.
pub fn read(text: &str) -> Option<Result<WorkflowFile, Unreadable>> {
    let root = parse(text)?;
    Some(file(&root).ok_or_else(|| Unreadable::because(&["unknown form"])))
}

fn parse(text: &str) -> Option<Value> {
    let mut parser = Parser::new_from_str(text);
    let mut open: Vec<(usize, bool, Vec<Value>)> = Vec::new();
    let mut anchors: BTreeMap<usize, Value> = BTreeMap::new();
    let mut roots = Vec::new();
    while let Some(event) = parser.next_event() {
        let (done, anchor) = match event.ok()?.0 {
            Event::Scalar(text, style, anchor, _) => {
                let plain = style == ScalarStyle::Plain;
                (Value::Scalar(text.into_owned(), plain), anchor)
            }
            Event::Alias(anchor) => (anchors.get(&anchor)?.clone(), 0),
            Event::SequenceStart(anchor, _) => {
                open.push((anchor, false, Vec::new()));
                continue;
            }
            Event::MappingStart(anchor, _) => {
                open.push((anchor, true, Vec::new()));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let (anchor, is_map, values) = open.pop()?;
                let value = if is_map {
                    let pairs = values.chunks_exact(2);
                    Value::Map(
                        pairs
                            .map(|pair| (pair[0].clone(), pair[1].clone()))
                            .collect(),
                    )
                } else {
                    Value::List(values)
                };
                (value, anchor)
            }
            _ => continue,
        };
        if anchor != 0 {
            anchors.insert(anchor, done.clone());
        }
        match open.last_mut() {
            Some((_, _, values)) => values.push(done),
            None => roots.push(done),
        }
    }
    match roots.as_slice() {
        [] => Some(Value::Map(Vec::new())),
        [root] => Some(root.clone()),
        _ => None,
    }
}

impl Value {
    fn get(&self, key: &str) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        let mut found = pairs.iter().filter(|(name, _)| name.text() == Some(key));
        found.next().map(|(_, value)| value)
    }

    fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text, _) => Some(text),
            _ => None,
        }
    }

    fn is_null(&self) -> bool {
        matches!(self, Self::Scalar(text, true) if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }
}

fn file(root: &Value) -> Option<WorkflowFile> {
    if !matches!(root, Value::Map(_)) && !root.is_null() {
        return None;
    }
    let mut file = WorkflowFile::default();
    match root.get("on") {
        None => {}
        Some(Value::Scalar(event, _)) => file.has_trigger = event == TRIGGER,
        Some(Value::List(events)) => {
            let names: Option<Vec<&str>> = events.iter().map(Value::text).collect();
            file.has_trigger = names?.contains(&TRIGGER);
        }
        Some(events) => {
            if let Some(trigger) = events.get(TRIGGER) {
                file.has_trigger = true;
                file.inputs = inputs(trigger)?;
            }
        }
    }
    Some(file)
}

fn inputs(trigger: &Value) -> Option<Vec<Declared>> {
    match trigger.get("inputs") {
        _ if trigger.is_null() => Some(Vec::new()),
        None => matches!(trigger, Value::Map(_)).then(Vec::new),
        Some(inputs) if inputs.is_null() => Some(Vec::new()),
        Some(Value::Map(inputs)) => inputs
            .iter()
            .map(|(name, input)| declared(name.text()?, input))
            .collect(),
        Some(_) => None,
    }
}

fn declared(name: &str, input: &Value) -> Option<Declared> {
    if !matches!(input, Value::Map(_)) && !input.is_null() {
        return None;
    }
    let given = |key: &str| input.get(key).filter(|value| !value.is_null());
    let required = match given("required").map(|value| value.text()) {
        None => false,
        Some(text) => text?.to_ascii_lowercase().parse().ok()?,
    };
    let kind = match input.get("type") {
        None => Kind::Text,
        Some(kind) => match kind.text()? {
            "string" => Kind::Text,
            "environment" => Kind::Environment,
            "boolean" => Kind::Boolean,
            "number" => Kind::Number,
            "choice" => {
                let Value::List(options) = input.get("options")? else {
                    return None;
                };
                let texts: Option<Vec<String>> = options
                    .iter()
                    .map(|option| option.text().map(str::to_owned))
                    .collect();
                Kind::Choice(texts?)
            }
            _ => return None,
        },
    };
    Some(Declared {
        name: name.to_owned(),
        kind,
        required,
        description: written(given("description")),
        default: written(given("default")),
    })
}

fn written(value: Option<&Value>) -> Written {
    match value.map(Value::text) {
        None => Written::Nothing,
        Some(Some(text)) => Written::Text(text.to_owned()),
        Some(None) => Written::Unread,
    }
}
