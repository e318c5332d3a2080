//! What a client asks of a new installation token: fewer repositories, lesser permissions.

use serde_json::{Map, Value};

use super::super::super::server::Reply;
use super::super::errors::error;
use super::{Permissions, grants};

/// How many repositories one token can be narrowed to.
const MAX_REPOSITORIES: usize = 500;

/// The body of a request for a token.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) names: Vec<String>,
    pub(super) ids: Vec<u64>,
    pub(super) permissions: Option<Permissions>,
}

fn refused(message: &str) -> Reply {
    error("app-token", 422, message)
}

fn invalid(message: &str) -> Reply {
    refused(&format!("Invalid request.\n\n{message}"))
}

/// 422 for a repository that is not there, or not the installation's.
pub(super) fn no_such_repository() -> Reply {
    refused(
        "There is at least one repository that does not exist or is not accessible to the parent installation.",
    )
}

/// Reads the body; there need not be one.
pub(super) fn read(body: &[u8]) -> Result<Asked, Reply> {
    if body.is_empty() {
        return Ok(Asked::default());
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|_| error("app-token", 400, "Problems parsing JSON"))?;
    let Value::Object(object) = value else {
        return Err(error("app-token", 400, "Body should be a JSON object"));
    };
    if let Some(key) = unknown_key(&object) {
        return Err(invalid(&format!("\"{key}\" is not a permitted key.")));
    }
    let names = list(&object, "repositories", "a string", |value| {
        value.as_str().map(str::to_owned)
    })?;
    let ids = list(&object, "repository_ids", "an integer", Value::as_u64)?;
    let permissions = match object.get("permissions") {
        None => None,
        Some(Value::Object(wanted)) => Some(permissions(wanted)?),
        Some(_) => return Err(invalid("For 'properties/permissions', not an object.")),
    };
    Ok(Asked {
        names,
        ids,
        permissions,
    })
}

fn unknown_key(object: &Map<String, Value>) -> Option<&String> {
    object.keys().find(|key| {
        !matches!(
            key.as_str(),
            "repositories" | "repository_ids" | "permissions"
        )
    })
}

fn list<T>(
    object: &Map<String, Value>,
    key: &str,
    kind: &str,
    read: impl Fn(&Value) -> Option<T>,
) -> Result<Vec<T>, Reply> {
    let values = match object.get(key) {
        None => return Ok(Vec::new()),
        Some(Value::Array(values)) => values,
        Some(other) => {
            return Err(invalid(&format!(
                "For 'properties/{key}', {other} is not an array."
            )));
        }
    };
    if values.len() > MAX_REPOSITORIES {
        return Err(invalid(&format!(
            "No more than {MAX_REPOSITORIES} items are allowed; {} were supplied.",
            values.len()
        )));
    }
    values
        .iter()
        .map(|value| {
            read(value).ok_or_else(|| invalid(&format!("For 'items', {value} is not {kind}.")))
        })
        .collect()
}

fn permissions(wanted: &Map<String, Value>) -> Result<Permissions, Reply> {
    wanted
        .iter()
        .map(|(name, level)| match level.as_str() {
            Some(level @ ("read" | "write" | "admin")) => Ok((name.clone(), level.to_owned())),
            _ => Err(invalid(&format!(
                "For 'properties/{name}', {level} is not a member of [\"read\", \"write\", \"admin\"]."
            ))),
        })
        .collect()
}

impl Asked {
    /// Whether the token is to reach fewer repositories than the installation.
    pub(super) fn narrows(&self) -> bool {
        !self.names.is_empty() || !self.ids.is_empty()
    }

    /// The permissions of the token, none of them beyond what the installation grants.
    pub(super) fn granted(&self, all: &Permissions) -> Result<Permissions, Reply> {
        let Some(wanted) = &self.permissions else {
            return Ok(all.clone());
        };
        if wanted.iter().any(|(name, level)| !grants(all, name, level)) {
            return Err(refused(
                "The permissions requested are not granted to this installation.",
            ));
        }
        let mut granted = wanted.clone();
        granted.entry("metadata".into()).or_insert("read".into());
        Ok(granted)
    }
}
