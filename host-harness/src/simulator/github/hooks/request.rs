//! What a client asks of a hook, read from the body of its request, and why that is refused.

use serde_json::{Map, Value};

use super::{Config, Content};

/// Why a request is refused.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// 400: the body cannot be read at all.
    Unreadable(&'static str),
    /// 422: the body is not of the shape that the endpoint takes.
    Shape(String),
    /// 422: this field of the hook has a value that it cannot have.
    Field(&'static str),
    /// 422: the hook cannot be as it is wanted.
    Hook(String),
}

fn shape(text: impl Into<String>) -> Refusal {
    Refusal::Shape(text.into())
}

fn not_a(key: &str, value: &Value, kind: &str) -> Refusal {
    shape(format!("For 'properties/{key}', {value} is not {kind}."))
}

/// Which endpoint takes the body: they differ in what they require and forbid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    CreateForRepository,
    CreateForOrganization,
    UpdateForRepository,
    UpdateForOrganization,
}

/// Settings as a request gives them; none for one that it leaves out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Settings {
    url: Option<String>,
    content: Option<Content>,
    secret: Option<String>,
    insecure_ssl: Option<bool>,
}

/// The body of a request to create or to change a hook.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Wanted {
    pub(super) config: Option<Settings>,
    pub(super) events: Option<Vec<String>>,
    pub(super) add_events: Vec<String>,
    pub(super) remove_events: Vec<String>,
    pub(super) active: Option<bool>,
}

/// Reads the body of a request to create or to change a hook.
pub(super) fn wanted(body: &[u8], form: Form) -> Result<Wanted, Refusal> {
    let object = object(body)?;
    if form == Form::CreateForRepository {
        only(&object, &["name", "config", "events", "active"])?;
    }
    if form == Form::CreateForOrganization {
        for key in ["name", "config"] {
            if !object.contains_key(key) {
                return Err(shape(format!("\"{key}\" wasn't supplied.")));
            }
        }
    }
    match object.get("name") {
        None => {}
        Some(Value::String(name)) if name == "web" => {}
        Some(Value::String(_)) => return Err(Refusal::Field("name")),
        Some(other) => return Err(not_a("name", other, "a string")),
    }
    let config = match object.get("config") {
        None => None,
        Some(Value::Object(config)) => Some(settings_in(config)?),
        Some(other) => return Err(not_a("config", other, "an object")),
    };
    let active = match object.get("active") {
        None => None,
        Some(Value::Bool(active)) => Some(*active),
        Some(other) => return Err(not_a("active", other, "a boolean")),
    };
    // Hooks of organizations have all their events replaced, or none.
    let one_by_one = |key| match form {
        Form::UpdateForRepository => list(&object, key).map(Option::unwrap_or_default),
        _ => Ok(Vec::new()),
    };
    Ok(Wanted {
        config,
        events: list(&object, "events")?,
        add_events: one_by_one("add_events")?,
        remove_events: one_by_one("remove_events")?,
        active,
    })
}

/// Reads the body of a request to change single settings. `closed`: the endpoint forbids other keys.
pub(super) fn settings(body: &[u8], closed: bool) -> Result<Settings, Refusal> {
    let object = object(body)?;
    if closed {
        only(&object, &["url", "content_type", "secret", "insecure_ssl"])?;
    }
    settings_in(&object)
}

fn object(body: &[u8]) -> Result<Map<String, Value>, Refusal> {
    if body.is_empty() {
        return Ok(Map::new());
    }
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(Value::Null) => Ok(Map::new()),
        Ok(_) => Err(Refusal::Unreadable("Body should be a JSON object")),
        Err(_) => Err(Refusal::Unreadable("Problems parsing JSON")),
    }
}

fn only(object: &Map<String, Value>, keys: &[&str]) -> Result<(), Refusal> {
    match object.keys().find(|key| !keys.contains(&key.as_str())) {
        Some(key) => Err(shape(format!("\"{key}\" is not a permitted key."))),
        None => Ok(()),
    }
}

fn list(object: &Map<String, Value>, key: &str) -> Result<Option<Vec<String>>, Refusal> {
    let values = match object.get(key) {
        None => return Ok(None),
        Some(Value::Array(values)) => values,
        Some(other) => return Err(not_a(key, other, "an array")),
    };
    let texts = values.iter().map(|value| match value {
        Value::String(text) => Ok(text.clone()),
        other => Err(shape(format!("For 'items', {other} is not a string."))),
    });
    texts.collect::<Result<_, _>>().map(Some)
}

fn string(object: &Map<String, Value>, key: &str) -> Result<Option<String>, Refusal> {
    match object.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(other) => Err(not_a(key, other, "a string")),
    }
}

fn settings_in(object: &Map<String, Value>) -> Result<Settings, Refusal> {
    let content = match string(object, "content_type")?.as_deref() {
        None => None,
        Some("json") => Some(Content::Json),
        Some("form") => Some(Content::Form),
        Some(_) => {
            let text = "Config content_type must be json or form";
            return Err(Refusal::Hook(text.to_owned()));
        }
    };
    Ok(Settings {
        url: string(object, "url")?.map(checked).transpose()?,
        content,
        secret: string(object, "secret")?,
        insecure_ssl: object.get("insecure_ssl").map(insecure).transpose()?,
    })
}

/// Text or number.
fn insecure(value: &Value) -> Result<bool, Refusal> {
    match value {
        Value::String(text) if text == "0" => Ok(false),
        Value::String(text) if text == "1" => Ok(true),
        Value::Number(number) if number.as_u64() == Some(0) => Ok(false),
        Value::Number(number) if number.as_u64() == Some(1) => Ok(true),
        Value::String(_) | Value::Number(_) => Err(Refusal::Hook(
            "Config insecure_ssl must be 0 or 1".to_owned(),
        )),
        other => Err(not_a("insecure_ssl", other, "a string or a number")),
    }
}

/// An empty one is let through, to be refused as missing.
fn checked(url: String) -> Result<String, Refusal> {
    let good = url::Url::parse(&url)
        .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    if good || url.is_empty() {
        Ok(url)
    } else {
        let text = "The URL you've entered is not valid. Please make sure that you encode all special characters first";
        Err(Refusal::Hook(text.to_owned()))
    }
}

fn without_empty(secret: Option<String>) -> Option<String> {
    secret.filter(|secret| !secret.is_empty())
}

impl Settings {
    /// A whole configuration: what is left out has its default, and a secret that is left out is gone.
    pub(super) fn whole(self) -> Result<Config, Refusal> {
        let missing = || Refusal::Hook("Config must contain URL for webhooks".to_owned());
        Ok(Config {
            url: self.url.filter(|url| !url.is_empty()).ok_or_else(missing)?,
            content: self.content.unwrap_or(Content::Form),
            secret: without_empty(self.secret),
            insecure_ssl: self.insecure_ssl.unwrap_or(false),
        })
    }

    /// Changes what is given and keeps the rest.
    pub(super) fn over(self, old: Config) -> Result<Config, Refusal> {
        Self {
            url: self.url.or(Some(old.url)),
            content: self.content.or(Some(old.content)),
            secret: self.secret.or(old.secret),
            insecure_ssl: self.insecure_ssl.or(Some(old.insecure_ssl)),
        }
        .whole()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<Wanted, Refusal> {
        wanted(body.as_bytes(), Form::CreateForRepository)
    }

    #[test]
    fn insecure_ssl_is_a_text_or_a_number() {
        for (given, insecure) in [("\"0\"", false), ("\"1\"", true), ("0", false), ("1", true)] {
            let read = settings(format!("{{\"insecure_ssl\": {given}}}").as_bytes(), true);
            assert_eq!(read.map(|read| read.insecure_ssl), Ok(Some(insecure)));
        }
        for bad in ["2", "\"no\"", "true", "null"] {
            let read = settings(format!("{{\"insecure_ssl\": {bad}}}").as_bytes(), true);
            assert!(read.is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_not_of_the_right_kind_is_refused() {
        for bad in [
            "[]",
            "{",
            r#"{"name": "irc"}"#,
            r#"{"config": "https://example.com"}"#,
            r#"{"events": "push"}"#,
            r#"{"events": [1]}"#,
            r#"{"active": "yes"}"#,
            r#"{"config": {"url": 1}}"#,
            r#"{"config": {"url": "example"}}"#,
            r#"{"config": {"url": "ftp://example.com"}}"#,
            r#"{"config": {"content_type": "xml"}}"#,
            r#"{"add_events": ["push"]}"#,
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        assert_eq!(read(""), Ok(Wanted::default()));
        assert_eq!(read("null"), Ok(Wanted::default()));
    }
}
