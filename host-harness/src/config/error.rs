//! Errors of configuration: one sentence with the file and the line or key.

use crate::contract::Setting;
use crate::misread;
use serde::de::DeserializeOwned;
use std::path::{Path, PathBuf};

/// What is wrong with a configuration, and where.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read {}: {reason}", .file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        reason: String,
    },
    /// The text is not what it should be.
    #[error("{}:{line}:{column}: {message}", .file.display())]
    Text {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
        /// What is wrong.
        message: String,
    },
    /// A value is not what it should be.
    #[error("{}: {key}: {message}", .file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The key, with the tables around it.
        key: String,
        /// What is wrong.
        message: String,
    },
    /// An environment variable that is read as configuration is not what it should be.
    #[error("environment variable {variable}: {message}")]
    Variable {
        /// The variable's name; several with commas between them.
        variable: String,
        /// What is wrong, and what to do. Never the value, which may be a secret.
        message: String,
    },
}

impl ConfigError {
    /// An error of an environment variable.
    pub fn variable(variable: impl Into<String>, message: impl Into<String>) -> ConfigError {
        ConfigError::Variable {
            variable: variable.into(),
            message: message.into(),
        }
    }

    /// An error of a value.
    pub fn key(file: &Path, key: impl Into<String>, message: impl Into<String>) -> ConfigError {
        ConfigError::Key {
            file: file.to_owned(),
            key: key.into(),
            message: message.into(),
        }
    }
}

/// Reads a TOML file into a type that refuses unknown keys.
pub fn load<T: DeserializeOwned>(path: &Path) -> Result<T, ConfigError> {
    parse(path, &read(path)?)
}

fn read(path: &Path) -> Result<String, ConfigError> {
    std::fs::read_to_string(path).map_err(|error| ConfigError::Unreadable {
        file: path.to_owned(),
        reason: error.to_string(),
    })
}

fn parse<T: DeserializeOwned>(file: &Path, text: &str) -> Result<T, ConfigError> {
    toml::from_str(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let (line, column) = misread::place(text, offset);
        ConfigError::Text {
            file: file.to_owned(),
            line,
            column,
            message: with_suggestion(error.message()),
        }
    })
}

/// Adds "did you mean" to serde's message about an unknown name, which lists the known ones between backticks, and takes
/// values out of it: one may be a secret in a wrong place.
fn with_suggestion(message: &str) -> String {
    let told = misread::without_value(message);
    let names: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    match names.as_slice() {
        [unknown, known @ ..] if message.starts_with("unknown") => {
            match closest(unknown, known.iter().copied()) {
                Some(name) => format!("{told}; did you mean `{name}`?"),
                None => told.into_owned(),
            }
        }
        _ => told.into_owned(),
    }
}

fn closest<'n>(unknown: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    known
        .map(|name| (strsim::jaro_winkler(unknown, name), name))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// Checks that the plugin knows every setting that an installation gives it.
pub fn check_settings(
    file: &Path,
    installation: &str,
    settings: &toml::Table,
    known: &[Setting],
) -> Result<(), ConfigError> {
    for name in settings.keys() {
        if known.iter().any(|setting| setting.name == *name) {
            continue;
        }
        let names = || known.iter().map(|setting| setting.name.as_str());
        let hint = match closest(name, names()) {
            Some(close) => format!("did you mean `{close}`?"),
            None => format!("it knows: {}", names().collect::<Vec<_>>().join(", ")),
        };
        return Err(ConfigError::key(
            file,
            format!("installation {installation:?}.settings.{name}"),
            format!("the plugin has no such setting; {hint}"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::HostConfig;
    use super::*;

    const GOOD: &str = r#"
component = "p.wasm"
[[installation]]
id = "a"
hosting = "self-hosted"
api-url = "https://api.github.com"
"#;

    fn error(text: &str) -> String {
        parse::<HostConfig>(Path::new("host.toml"), text)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn an_unknown_key_is_an_error_with_its_line_and_a_suggestion() {
        let text = format!("{GOOD}orgnization = \"acme\"\n");
        let error = error(&text);
        assert!(error.starts_with("host.toml:7:1: unknown field"), "{error}");
        assert!(error.ends_with("did you mean `organization`?"), "{error}");
    }

    #[test]
    fn a_wrong_type_is_an_error_with_its_line() {
        let text = format!("{GOOD}live-events = \"yes\"\n");
        let error = error(&text);
        assert!(error.starts_with("host.toml:7:15: "), "{error}");
        assert!(error.contains("boolean"), "{error}");
    }

    #[test]
    fn a_word_that_is_not_known_is_not_repeated_and_the_right_one_is_suggested() {
        let other = GOOD.replace("self-hosted", "hunter2");
        let told = error(&other);
        assert!(!told.contains("hunter2"), "{told}");
        assert!(told.contains("`hosted-by-port` or `self-hosted`"), "{told}");
        let close = error(&GOOD.replace("self-hosted", "selfhosted"));
        assert!(close.ends_with("did you mean `self-hosted`?"), "{close}");
    }

    #[test]
    fn a_secret_written_into_the_file_is_refused() {
        for wrong in [
            "webhook-secret = \"hunter2\"",
            "webhook-secret = 4711",
            "credential = \"hunter2\"",
            "credential = { token = \"hunter2\" }",
            "credential = { app = \"hunter2\" }",
            "credential = { app = { id = 1, private-key = \"hunter2\" } }",
            "credential = {}",
            "webhook-secret = { env = \"A\", file = \"hunter2\" }",
            "live-events = \"hunter2\"",
            "max-run-minutes = \"hunter2\"",
        ] {
            let error = error(&format!("{GOOD}{wrong}\n"));
            assert!(error.starts_with("host.toml:7:"), "{wrong}: {error}");
            assert!(
                !error.contains("hunter2") && !error.contains("4711"),
                "{wrong}: {error}"
            );
        }
    }
}
