//! Where in a file something is said: what an error names.

use super::{ConfigError, folder_of};
use crate::secrets::SecretRef;
use secrecy::SecretString;
use std::path::Path;

/// Where in the file an error belongs.
pub(super) struct Place<'f> {
    pub file: &'f Path,
    pub table: String,
}

impl Place<'_> {
    /// An error about this key.
    pub fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::key(self.file, format!("{}.{key}", self.table), message)
    }

    /// Reads a secret that the key refers to.
    pub fn secret(&self, key: &str, reference: &SecretRef) -> Result<SecretString, ConfigError> {
        reference
            .read(folder_of(self.file))
            .map_err(|error| self.error(key, error.to_string()))
    }
}
