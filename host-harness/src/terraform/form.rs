//! The form that people fill in: the provider has a map of inputs for each of their types.

use super::Object;
use super::action::{Members, rename};
use super::hcl::Hcl;

/// The types of inputs and the provider's maps of them.
const TYPES: [(&str, &str); 5] = [
    ("string", "string_props"),
    ("number", "number_props"),
    ("boolean", "boolean_props"),
    ("object", "object_props"),
    ("array", "array_props"),
];

/// Members of an input that only have another spelling.
const SAME: [(&str, &str); 17] = [
    ("title", "title"),
    ("icon", "icon"),
    ("description", "description"),
    ("format", "format"),
    ("blueprint", "blueprint"),
    ("dependsOn", "depends_on"),
    ("pattern", "pattern"),
    ("minLength", "min_length"),
    ("maxLength", "max_length"),
    ("minimum", "minimum"),
    ("maximum", "maximum"),
    ("minItems", "min_items"),
    ("maxItems", "max_items"),
    ("encryption", "encryption"),
    ("enumColors", "enum_colors"),
    ("sort", "sort"),
    ("required", "required"),
];

/// Members that are a value, or the object `jqQuery`, for which the provider has another attribute.
const EITHER: [(&str, &str); 3] = [
    ("default", "default"),
    ("enum", "enum"),
    ("visible", "visible"),
];

/// The inputs, their order, and which are required.
pub(super) fn inputs(mut form: Object, trigger: &mut Members, lost: &mut Vec<String>) {
    let mut required = Vec::new();
    let at = form.at("required");
    if let Some(raw) = form.take("required") {
        match (serde_json::from_str(&raw), jq_query(&raw)) {
            (Ok(names), _) => required = names,
            (_, Some(query)) => trigger.push(("required_jq_query".to_owned(), query)),
            _ => lost.push(at),
        }
    }
    let names = [("order", "order_properties")];
    rename(&mut form, &names, trigger, lost);
    if let Some(properties) = form.object("properties", lost) {
        let members = by_type(properties, &required, lost);
        if !members.is_empty() {
            trigger.push(("user_properties".to_owned(), Hcl::Object(members)));
        }
    }
    form.finish(lost);
}

fn by_type(mut properties: Object, required: &[String], lost: &mut Vec<String>) -> Members {
    let mut maps: Vec<(&str, Members)> = TYPES.iter().map(|(_, map)| (*map, Vec::new())).collect();
    let keys: Vec<String> = properties.members.keys().cloned().collect();
    for key in keys {
        let Some(mut input) = properties.object(&key, lost) else {
            continue;
        };
        let kind = input.text("type", lost).unwrap_or_default();
        let map = TYPES.iter().position(|(name, _)| *name == kind);
        let Some((_, map)) = map.and_then(|map| maps.get_mut(map)) else {
            lost.push(input.at("type"));
            continue;
        };
        let mut members = attributes(&mut input, &kind, lost);
        if required.contains(&key) {
            members.push(("required".to_owned(), Hcl::Literal("true".to_owned())));
        }
        input.finish(lost);
        map.push((key, Hcl::Object(members)));
    }
    maps.into_iter()
        .filter(|(_, map)| !map.is_empty())
        .map(|(name, map)| (name.to_owned(), Hcl::Object(map)))
        .collect()
}

fn attributes(input: &mut Object, kind: &str, lost: &mut Vec<String>) -> Members {
    let mut members = Members::new();
    rename(input, &SAME, &mut members, lost);
    for (port, provider) in EITHER {
        let Some(raw) = input.take(port) else {
            continue;
        };
        match (jq_query(&raw), Hcl::of(&raw)) {
            (Some(query), _) => members.push((format!("{provider}_jq_query"), query)),
            // Of objects the provider takes JSON text.
            (None, Some(value)) if port == "default" && kind == "object" => {
                members.push((provider.to_owned(), Hcl::Json(Box::new(value))));
            }
            // Of lists the default lies with what is in the list, which is not translated.
            (None, Some(value)) if !(port == "default" && kind == "array") => {
                members.push((provider.to_owned(), value));
            }
            _ => lost.push(input.at(port)),
        }
    }
    members
}

/// The query of an object that has nothing else.
fn jq_query(raw: &str) -> Option<Hcl> {
    let mut object = Object::of(raw, "")?;
    let query = object.take("jqQuery")?;
    if object.members.is_empty() {
        Hcl::of(&query)
    } else {
        None
    }
}
