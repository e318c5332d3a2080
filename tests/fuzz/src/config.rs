//! Configuration: files for a host and for one installation, and Ocean's environment variables.
//!
//! Two sections: one of the words `host`, `installation` and `ocean`; the text. `$S` in it stands for a secret in a wrong
//! place. Secrets are read from the files `secret` (there is one in it), `empty` and `missing` beside the configuration,
//! and from no other place.

use host_harness::config::ocean;
use host_harness::config::{
    ConfigError, HostConfig, InstallationConfig, resolve_installation, resolve_port, resolve_rules,
};
use std::path::Path;
use tempfile::TempDir;

use crate::input::sections;

/// A secret where none belongs.
const MISPLACED: &str = "canary-misplaced";
/// The secret in the file.
const SECRET: &str = "canary-in-its-file";

/// Characters of one error.
const TEXT: usize = 10_000;

/// Checks one input.
pub fn check(input: &[u8]) {
    let sections = sections(input);
    let [kind, text] = sections.as_slice() else {
        return;
    };
    match *kind {
        b"host" => host(text),
        b"installation" => installation(text),
        b"ocean" => environment(&String::from_utf8_lossy(text)),
        _ => {}
    }
}

fn host(text: &[u8]) {
    let folder = folder(text);
    let file = folder.path().join("config.toml");
    match HostConfig::load(&file) {
        Ok(config) => {
            told_nothing(&format!("{config:?}"), SECRET);
            for installation in config.installations.iter().filter(|_| is_harmless(text)) {
                resolve(&file, installation, Some(&config));
            }
            assert!(config.runtime.pool().instances >= 1);
        }
        Err(error) => unread(&file, text, &error),
    }
}

fn installation(text: &[u8]) {
    let folder = folder(text);
    let file = folder.path().join("config.toml");
    match InstallationConfig::load(&file) {
        Ok(config) if is_harmless(text) => resolve(&file, &config, None),
        Ok(_) => {}
        Err(error) => unread(&file, text, &error),
    }
}

/// A folder with a configuration and with secrets.
fn folder(config: &[u8]) -> TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, text: &[u8]| std::fs::write(folder.path().join(name), text);
    let config = String::from_utf8_lossy(config).replace("$S", MISPLACED);
    write("config.toml", config.as_bytes()).expect("a file");
    write("secret", SECRET.as_bytes()).expect("a file");
    write("empty", b"\n").expect("a file");
    folder
}

/// A file that cannot be read as configuration: the error says where, and repeats no secret.
fn unread(file: &Path, text: &[u8], error: &ConfigError) {
    let message = error.to_string();
    assert!(message.contains("config.toml"), "{message}");
    let text = String::from_utf8_lossy(text).replace("$S", MISPLACED);
    match error {
        ConfigError::Text { line, column, .. } => {
            let lines = text.split('\n').count();
            assert!(
                (1..=lines).contains(line),
                "line {line} of {lines}: {message}"
            );
            assert!(*column >= 1, "{message}");
            if !is_name(&text) {
                told_nothing(&message, MISPLACED);
            }
        }
        ConfigError::Key { key, .. } => assert!(!key.is_empty(), "{message}"),
        ConfigError::Unreadable { .. } | ConfigError::Variable { .. } => {
            panic!("{}: {message}", file.display())
        }
    }
    within(&message, &text);
}

/// Whether a misplaced secret is the name of something. Names are repeated: who misspells one has to see it.
fn is_name(text: &str) -> bool {
    fn is_key(table: &toml::Table) -> bool {
        table
            .iter()
            .any(|(key, value)| key.contains(MISPLACED) || in_value(value))
    }
    fn in_value(value: &toml::Value) -> bool {
        match value {
            toml::Value::Table(table) => is_key(table),
            toml::Value::Array(values) => values.iter().any(in_value),
            _ => false,
        }
    }
    match text.parse::<toml::Table>() {
        Ok(table) => is_key(&table),
        // Where the grammar ends, nobody can tell a name from a value.
        Err(_) => true,
    }
}

/// Whether every secret of a configuration is in a place of ours, so that nothing else of the machine is read.
fn is_harmless(text: &[u8]) -> bool {
    fn in_table(table: &toml::Table) -> bool {
        table
            .iter()
            .all(|(key, value)| match (key.as_str(), value) {
                ("env", toml::Value::String(name)) => name == "FUZZ_NOT_SET",
                ("file" | "ca-file", toml::Value::String(path)) => {
                    matches!(path.as_str(), "secret" | "empty" | "missing")
                }
                (_, value) => in_value(value),
            })
    }
    fn in_value(value: &toml::Value) -> bool {
        match value {
            toml::Value::Table(table) => in_table(table),
            toml::Value::Array(values) => values.iter().all(in_value),
            _ => true,
        }
    }
    let table = String::from_utf8_lossy(text).parse::<toml::Table>();
    table.is_ok_and(|table| in_table(&table))
}

/// What an installation's configuration comes to. No error tells a secret, and each names its key.
fn resolve(file: &Path, config: &InstallationConfig, host: Option<&HostConfig>) {
    let port = host.and_then(|host| host.port.as_ref());
    match resolve_installation(file, config) {
        Ok(installation) => {
            told_nothing(&format!("{installation:?}"), SECRET);
            let public = installation.public();
            assert!(!public.api_url.ends_with('/') && installation.origin().is_some());
            let settings: serde_json::Value =
                serde_json::from_str(&public.settings).expect("settings are JSON");
            assert!(settings.is_object());
            if config.credential.is_some() || config.webhook_secret.is_some() {
                told_nothing(&installation.scrub(&format!("a {SECRET}")), SECRET);
            }
        }
        Err(error) => unusable(&error),
    }
    match resolve_port(file, config, port) {
        Ok(access) => told_nothing(&format!("{access:?}"), SECRET),
        Err(error) => unusable(&error),
    }
    let check = host.map(|host| host.check).unwrap_or_default();
    let pause = host.map_or(60.0, |host| host.scheduler.limit_pause_seconds);
    match resolve_rules(file, config, check, pause) {
        Ok(rules) => assert!(rules.first_check <= rules.longest_check),
        Err(error) => unusable(&error),
    }
}

fn unusable(error: &ConfigError) {
    told_nothing(&error.to_string(), SECRET);
    let is_placed = matches!(error, ConfigError::Key { key, .. } if !key.is_empty());
    assert!(is_placed, "{error}");
}

/// Ocean's variables, one a line. Whatever is wrong, it names a variable and never a value; and what a variable for a
/// secret holds is nowhere.
fn environment(text: &str) {
    let name_of = |line: &str| line.split_once('=').map(|(name, _)| name.to_owned());
    if text
        .lines()
        .filter_map(name_of)
        .any(|name| name.contains(MISPLACED))
    {
        // Names are repeated: who misspells one has to see it.
        return;
    }
    let value = |name: &str, value: &str| {
        let name = name.to_ascii_uppercase();
        let is_secret = ["TOKEN", "SECRET", "PRIVATE_KEY"]
            .iter()
            .any(|word| name.ends_with(word));
        match is_secret && !value.is_empty() {
            true => SECRET.to_owned(),
            false => value.replace("$S", MISPLACED),
        }
    };
    let variables = text
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, given)| (name.to_owned(), value(name, given)));
    let (component, journal) = (Path::new("component.wasm"), Path::new("journal.db"));
    match ocean::from_environment(variables, component, journal) {
        Ok(ocean) => {
            let known = format!("{:?}", ocean.config);
            told_nothing(&known, SECRET);
            for remark in ocean.remarks.warnings.iter().chain(&ocean.remarks.notes) {
                told_nothing(remark, MISPLACED);
                told_nothing(remark, SECRET);
            }
            assert_eq!(ocean.config.installations.len(), 1, "{known}");
        }
        Err(error) => {
            let message = error.to_string();
            told_nothing(&message, MISPLACED);
            told_nothing(&message, SECRET);
            within(&message, text);
            let is_placed =
                matches!(&error, ConfigError::Variable { variable, .. } if !variable.is_empty());
            assert!(is_placed, "{message}");
        }
    }
}

fn told_nothing(text: &str, secret: &str) {
    assert!(!text.contains(secret), "a secret is told: {text}");
}

/// An error repeats names of what it is about, and not everything.
fn within(message: &str, text: &str) {
    let most = TEXT + 4 * text.chars().count();
    assert!(message.chars().count() <= most, "{message:.500}");
}
