//! Closed request schemas, and Port's error answers.

use serde_json::{Map, Value, json};

use super::super::server::Reply;

/// Largest request body.
pub(super) const MAX_BODY: usize = 1024 * 1024;

/// What a field may hold.
#[derive(Debug, Clone, Copy)]
pub(super) enum Holds {
    Text,
    OneOf(&'static [&'static str]),
    Flag,
    Object,
    ObjectOrNull,
    TextOrNull,
    TextOrTexts,
    Texts,
    /// A whole number within these bounds.
    Whole(u64, u64),
    /// A list of at least one object with this schema.
    Objects(&'static [Field]),
}

/// A field of a schema.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field {
    name: &'static str,
    holds: Holds,
    required: bool,
}

pub(super) const fn required(name: &'static str, holds: Holds) -> Field {
    Field {
        name,
        holds,
        required: true,
    }
}

pub(super) const fn optional(name: &'static str, holds: Holds) -> Field {
    Field {
        name,
        holds,
        required: false,
    }
}

/// Reads a body; what does not fit is answered with 413 or 422.
pub(super) fn read(body: &[u8], fields: &[Field]) -> Result<Map<String, Value>, Reply> {
    if body.len() > MAX_BODY {
        return Err(error(413, "payload_too_large", "Request body is too large"));
    }
    let value: Value = serde_json::from_slice(body).map_err(|failure| {
        error(
            422,
            "invalid_request",
            &format!("body is not valid JSON: {failure}"),
        )
    })?;
    let Value::Object(object) = value else {
        return Err(error(422, "invalid_request", "body must be object"));
    };
    check(&object, fields, "body").map_err(|message| error(422, "invalid_request", &message))?;
    Ok(object)
}

fn check(object: &Map<String, Value>, fields: &[Field], at: &str) -> Result<(), String> {
    for field in fields.iter().filter(|field| field.required) {
        if !object.contains_key(field.name) {
            return Err(format!("{at} must have required property '{}'", field.name));
        }
    }
    for (name, value) in object {
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(format!(
                "{at} must NOT have additional properties: '{name}'"
            ));
        };
        field.holds.check(value, &format!("{at}/{name}"))?;
    }
    Ok(())
}

impl Holds {
    fn check(self, value: &Value, at: &str) -> Result<(), String> {
        let texts = |value: &Value| {
            value
                .as_array()
                .is_some_and(|items| items.iter().all(Value::is_string))
        };
        let (fits, wanted) = match self {
            Self::Text => (value.is_string(), "string".to_owned()),
            Self::OneOf(allowed) => (
                value.as_str().is_some_and(|text| allowed.contains(&text)),
                format!("equal to one of the allowed values: {}", allowed.join(", ")),
            ),
            Self::Flag => (value.is_boolean(), "boolean".to_owned()),
            Self::Object => (value.is_object(), "object".to_owned()),
            Self::ObjectOrNull => (
                value.is_object() || value.is_null(),
                "object,null".to_owned(),
            ),
            Self::TextOrNull => (
                value.is_string() || value.is_null(),
                "string,null".to_owned(),
            ),
            Self::TextOrTexts => (
                value.is_string() || texts(value),
                "string or array of strings".to_owned(),
            ),
            Self::Texts => (texts(value), "array of strings".to_owned()),
            Self::Whole(least, most) => (
                value
                    .as_u64()
                    .is_some_and(|number| (least..=most).contains(&number)),
                format!("integer from {least} to {most}"),
            ),
            Self::Objects(fields) => {
                for (index, item) in value.as_array().into_iter().flatten().enumerate() {
                    let at = format!("{at}/{index}");
                    check(
                        item.as_object().ok_or(format!("{at} must be object"))?,
                        fields,
                        &at,
                    )?;
                }
                (
                    value.as_array().is_some_and(|items| !items.is_empty()),
                    "array with at least one item".to_owned(),
                )
            }
        };
        if fits {
            Ok(())
        } else {
            Err(format!("{at} must be {wanted}"))
        }
    }
}

/// `{ok: false, error, message}`.
pub(super) fn error(status: u16, name: &str, message: &str) -> Reply {
    Reply::json(
        status,
        json!({"ok": false, "error": name, "message": message}).to_string(),
    )
}

pub(super) fn not_found(what: &str, id: &str) -> Reply {
    error(
        404,
        "not_found",
        &format!("{what} with identifier \"{id}\" was not found"),
    )
}

/// `{ok: true, …}`.
pub(super) fn ok(status: u16, mut body: Map<String, Value>) -> Reply {
    body.insert("ok".into(), true.into());
    Reply::json(status, Value::Object(body).to_string())
}

/// A text field of a body that was checked.
pub(super) fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name).and_then(Value::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_closed_schema_names_the_first_thing_that_does_not_fit() {
        let fields = [
            required("id", Holds::Text),
            optional("n", Holds::Whole(1, 9)),
        ];
        let message = |body: &str| match read(body.as_bytes(), &fields) {
            Ok(_) => "fits".to_owned(),
            Err(reply) => String::from_utf8_lossy(&reply.body).into_owned(),
        };
        assert_eq!(message(r#"{"id":"x","n":9}"#), "fits");
        assert!(message("{}").contains("required property 'id'"));
        assert!(message(r#"{"id":"x","other":1}"#).contains("additional properties: 'other'"));
        assert!(message(r#"{"id":"x","n":10}"#).contains("body/n must be integer"));
        assert!(message("[]").contains("must be object"));
        assert!(read(&vec![b' '; MAX_BODY + 1], &fields).is_err_and(|reply| reply.status == 413));
    }
}
