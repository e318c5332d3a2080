//! Configuration by the environment variables of Port's Ocean integration for GitHub, so that a deployment of it can
//! switch to this host by changing its image.
//!
//! * `table`: which variable means what;
//! * `variables`: the environment, sorted by that table;
//! * `translate`: from Ocean's settings to this host's.
//!
//! `docs/ocean.md` tells operators what each variable does here. The names, defaults and limits are those of Ocean's
//! framework 0.48 and its GitHub integration 6.8.

mod table;
mod translate;
mod variables;

use super::{ConfigError, HostConfig};
use std::path::Path;
use table::names;
use variables::Variables;

/// A host as Ocean's environment variables describe it: one installation.
#[derive(Debug)]
pub struct Ocean {
    /// What a configuration file would say.
    pub config: HostConfig,
    /// What is logged: `error`, `warn`, `info` or `debug`.
    pub log_level: Option<&'static str>,
    /// What there is to say about it.
    pub remarks: Remarks,
}

/// What there is to say about a configuration by Ocean's variables.
#[derive(Debug)]
pub struct Remarks {
    /// What differs from what the deployment may expect. Names variables, never values.
    pub warnings: Vec<String>,
    /// What is good to know and nothing to worry about.
    pub notes: Vec<String>,
    /// Keys of the configuration, and the variable that each comes from.
    sources: Vec<(&'static str, String)>,
}

/// Reads Ocean's variables. Others may be among them. `component` is the component to run and `journal` the place of
/// the journal, which Ocean has no variables for.
///
/// The configuration refers to the variables that hold secrets and holds none itself; they have to be set still when it
/// is resolved.
///
/// # Errors
///
/// [`ConfigError::Variable`], which names the variable and never its value.
pub fn from_environment(
    environment: impl IntoIterator<Item = (String, String)>,
    component: &Path,
    journal: &Path,
) -> Result<Ocean, ConfigError> {
    let variables = Variables::read(environment)?;
    translate::refuse(&variables)?;
    translate::require(&variables)?;
    let (warnings, notes) = translate::remarks(&variables)?;
    Ok(Ocean {
        config: translate::host(&variables, component, journal)?,
        log_level: translate::log_level(&variables)?,
        remarks: Remarks {
            warnings,
            notes,
            sources: SOURCES
                .iter()
                .map(|(key, name)| (*key, variables.blame(name)))
                .collect(),
        },
    })
}

/// Keys of the configuration by their ends, and the settings that they come from.
const SOURCES: &[(&str, &str)] = &[
    ("listen", names::APPLICATION_PORT),
    ("port.base-url", names::PORT_BASE_URL),
    ("port.client-id", names::PORT_CLIENT_ID),
    ("port.client-secret", names::PORT_CLIENT_SECRET),
    ("\".id", names::IDENTIFIER),
    ("\".organization", names::GITHUB_ORGANIZATION),
    ("\".api-url", names::GITHUB_HOST),
    ("\".credential.token", names::GITHUB_TOKEN),
    ("\".credential.app.id", names::GITHUB_APP_ID),
    (
        "\".credential.app.private-key",
        names::GITHUB_APP_PRIVATE_KEY,
    ),
    ("\".webhook-secret", names::WEBHOOK_SECRET),
];

impl Remarks {
    /// Says an error that was found later, when secrets were read or the host was started, in terms of the variable
    /// instead of the key of a file that nobody wrote.
    pub fn name_variable(&self, error: ConfigError) -> ConfigError {
        let ConfigError::Key { key, message, .. } = &error else {
            return error;
        };
        match self.sources.iter().find(|(end, _)| key.ends_with(end)) {
            Some((_, variable)) => ConfigError::variable(variable, message),
            None => error,
        }
    }
}

/// The variables of this process that may be Ocean's. Values that are not text are passed on as far as they are.
pub fn environment() -> Vec<(String, String)> {
    let text = |text: std::ffi::OsString| text.to_string_lossy().into_owned();
    std::env::vars_os()
        .map(|(name, value)| (text(name), text(value)))
        .filter(|(name, _)| is_prefixed(name, "ocean__") || is_prefixed(name, "application__"))
        .collect()
}

/// The warning for a host that is given a configuration file, if there are variables of Ocean's that it does not read.
pub fn not_read_beside_a_file(environment: &[(String, String)]) -> Option<String> {
    let mut names = environment.iter().map(|(name, _)| name);
    let first = names.find(|name| is_prefixed(name, "ocean__"))?;
    Some(format!(
        "the configuration file is read, and Ocean's environment variables ({first} and others like it) are not: unset \
         them, or start without --config to be configured by them"
    ))
}

fn is_prefixed(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

#[cfg(test)]
mod tests;
