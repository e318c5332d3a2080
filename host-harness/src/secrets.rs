//! Secrets by reference: configuration names where a secret is, never the secret.

use secrecy::SecretString;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretRef {
    /// In an environment variable: `{ env = "GITHUB_TOKEN" }`.
    Env(String),
    /// In a file, without the newline at its end: `{ file = "/run/secrets/github-token" }`.
    File(PathBuf),
}

/// Why a secret could not be had. Never contains any of it.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The variable is not set, or is not text.
    #[error("the environment variable {0} is not set; set it or name another one")]
    NoVariable(String),
    /// The file cannot be read as text.
    #[error("cannot read the secret file {}: {error}", .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// There is a variable or file, but nothing in it.
    #[error("the secret in {0} is empty")]
    Empty(String),
}

impl SecretRef {
    /// Reads the secret. The path of a file is relative to `folder`, the one that the configuration is in.
    pub fn read(&self, folder: &Path) -> Result<SecretString, SecretError> {
        let text = Zeroizing::new(match self {
            SecretRef::Env(name) => {
                std::env::var(name).map_err(|_| SecretError::NoVariable(name.clone()))?
            }
            SecretRef::File(path) => {
                let path = folder.join(path);
                std::fs::read_to_string(&path)
                    .map_err(|error| SecretError::Unreadable { path, error })?
            }
        });
        let secret = text.trim_end_matches(['\r', '\n']);
        if secret.is_empty() {
            return Err(SecretError::Empty(self.to_string()));
        }
        Ok(SecretString::from(secret))
    }
}

/// By hand, because serde's own errors repeat the value, and what stands here by mistake is a secret.
impl<'de> Deserialize<'de> for SecretRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SecretRef, D::Error> {
        deserializer.deserialize_any(SecretRefVisitor)
    }
}

struct SecretRefVisitor;

const EXPECTED: &str = "where a secret is: { env = \"NAME\" } or { file = \"PATH\" }";

impl<'de> Visitor<'de> for SecretRefVisitor {
    type Value = SecretRef;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(EXPECTED)
    }

    fn visit_str<E: Error>(self, _the_secret: &str) -> Result<SecretRef, E> {
        Err(not_here())
    }

    fn visit_i64<E: Error>(self, _the_secret: i64) -> Result<SecretRef, E> {
        Err(not_here())
    }

    fn visit_u64<E: Error>(self, _the_secret: u64) -> Result<SecretRef, E> {
        Err(not_here())
    }

    fn visit_f64<E: Error>(self, _the_secret: f64) -> Result<SecretRef, E> {
        Err(not_here())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<SecretRef, A::Error> {
        let reference = match map.next_entry::<String, String>()? {
            Some((key, name)) if key == "env" => SecretRef::Env(name),
            Some((key, path)) if key == "file" => SecretRef::File(PathBuf::from(path)),
            _ => return Err(A::Error::custom(format!("say {EXPECTED}"))),
        };
        match map.next_key::<String>()? {
            None => Ok(reference),
            Some(_) => Err(A::Error::custom(format!("say one thing only: {EXPECTED}"))),
        }
    }
}

fn not_here<E: Error>() -> E {
    E::custom(format!("secrets are not written here; say {EXPECTED}"))
}

impl std::fmt::Display for SecretRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SecretRef::Env(name) => write!(f, "the environment variable {name}"),
            SecretRef::File(path) => write!(f, "the file {}", path.display()),
        }
    }
}
