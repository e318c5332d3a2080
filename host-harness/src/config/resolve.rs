//! From what a file says to what runs: secrets are read, URLs are checked.

use super::network;
use super::{CheckConfig, ConfigError, HostingConfig, InstallationConfig, PortConfig, folder_of};
use crate::contract::{self, Hosting};
use crate::credentials::Credential;
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use crate::lifecycle::Rules;
use crate::port;
use crate::secrets::SecretRef;
use secrecy::SecretString;
use std::path::Path;
use std::time::Duration;
use url::Url;

/// How to reach Port, with the secret read.
#[derive(Debug, Clone)]
pub struct PortAccess {
    /// Port's API.
    pub base_url: Url,
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: SecretString,
    /// How often Port is asked for new runs when there are none.
    pub poll_interval: Duration,
    /// How long a claimed run is kept from others until it is acked.
    pub visibility_timeout: Duration,
}

impl PortAccess {
    /// The settings of a client for an integration.
    pub fn settings(self, integration: port::Identity) -> port::Settings {
        port::Settings {
            base_url: self.base_url,
            client_id: self.client_id,
            client_secret: self.client_secret,
            integration,
            timeout: port::Settings::TIMEOUT,
        }
    }
}

/// Where in the file an error belongs.
pub(super) struct Place<'f> {
    pub file: &'f Path,
    pub table: String,
}

impl Place<'_> {
    pub fn error(&self, key: &str, message: impl Into<String>) -> ConfigError {
        ConfigError::key(self.file, format!("{}.{key}", self.table), message)
    }

    fn secret(&self, key: &str, reference: &SecretRef) -> Result<SecretString, ConfigError> {
        reference
            .read(folder_of(self.file))
            .map_err(|error| self.error(key, error.to_string()))
    }
}

/// Makes an installation of what `file` says about it.
pub fn resolve_installation(
    file: &Path,
    config: &InstallationConfig,
) -> Result<Installation, ConfigError> {
    let place = Place {
        file,
        table: format!("installation {:?}", config.id),
    };
    if config.id.is_empty() {
        return Err(place.error(
            "id",
            "it is empty; Port shows it as the integration's identifier",
        ));
    }
    let network = network::resolve(&place, config)?;
    let credential = match &config.credential {
        Some(config) => {
            let token = Credential::Token(place.secret("credential.token", &config.token)?);
            token
                .authorization()
                .map_err(|error| place.error("credential.token", error.to_string()))?;
            token
        }
        None => Credential::None,
    };
    let webhook_secret = match (&config.webhook_secret, config.allow_unsigned_webhooks) {
        (Some(_), true) => {
            return Err(place.error(
                "allow-unsigned-webhooks",
                "it contradicts webhook-secret; remove one of them",
            ));
        }
        (Some(reference), false) => {
            WebhookSecret::Verify(place.secret("webhook-secret", reference)?)
        }
        (None, true) => WebhookSecret::AcceptUnsigned,
        (None, false) => WebhookSecret::Missing,
    };
    let settings = serde_json::to_string(&config.settings)
        .map_err(|error| place.error("settings", error.to_string()))?;
    let public = contract::Installation {
        id: config.id.clone(),
        hosting: match config.hosting {
            HostingConfig::HostedByPort => Hosting::HostedByPort,
            HostingConfig::SelfHosted => Hosting::SelfHosted,
        },
        organization: config.organization.clone(),
        api_url: network.api_url,
        live_events: config.live_events,
        settings,
    };
    Ok(
        Installation::new(public, network.policy, credential, webhook_secret)
            .with_exceptions(network.exceptions)
            .with_trust(network.trust)
            .with_permits(network.permits),
    )
}

/// A server that wants a pause is not asked again at once, whatever the configuration says.
const LEAST_LIMIT_PAUSE: Duration = Duration::from_millis(100);

/// A number of seconds from a configuration as a duration.
pub fn seconds(file: &Path, key: &str, seconds: f64) -> Result<Duration, ConfigError> {
    Duration::try_from_secs_f64(seconds)
        .map_err(|_| ConfigError::key(file, key, format!("{seconds} is not a length of time")))
}

/// What the operator has set about the lives of an installation's runs.
pub fn resolve_rules(
    file: &Path,
    installation: &InstallationConfig,
    check: CheckConfig,
    limit_pause_seconds: f64,
) -> Result<Rules, ConfigError> {
    let own = |key: &str| format!("installation {:?}.{key}", installation.id);
    let optional = |key: &str, value: Option<f64>| {
        let duration = value.map(|value| seconds(file, &own(key), value));
        duration.transpose()
    };
    let first_check = seconds(file, "check.first-seconds", check.first_seconds)?;
    if first_check.is_zero() {
        return Err(ConfigError::key(
            file,
            "check.first-seconds",
            "it is 0, so the server would be asked all the time",
        ));
    }
    Ok(Rules {
        first_check,
        longest_check: seconds(file, "check.longest-seconds", check.longest_seconds)?
            .max(first_check),
        max_run: optional(
            "max-run-minutes",
            installation.max_run_minutes.map(|m| m * 60.0),
        )?,
        failure_grace: optional("failure-grace-seconds", installation.failure_grace_seconds)?,
        cancel_with_port: installation.cancel_with_port,
        limit_pause: seconds(file, "scheduler.limit-pause-seconds", limit_pause_seconds)?
            .max(LEAST_LIMIT_PAUSE),
    })
}

/// Reads what is needed to reach Port for an installation: its own table, or else the host's.
pub fn resolve_port(
    file: &Path,
    installation: &InstallationConfig,
    host: Option<&PortConfig>,
) -> Result<PortAccess, ConfigError> {
    let (config, table) = match (&installation.port, host) {
        (Some(own), _) => (own, format!("installation {:?}.port", installation.id)),
        (None, Some(host)) => (host, "port".to_owned()),
        (None, None) => {
            return Err(ConfigError::key(
                file,
                "port",
                format!(
                    "it is missing: without it nobody can claim runs for installation {:?}",
                    installation.id
                ),
            ));
        }
    };
    let place = Place { file, table };
    let base_url = Url::parse(&config.base_url)
        .map_err(|error| place.error("base-url", format!("it is not a URL: {error}")))?;
    if !base_url.username().is_empty() || base_url.password().is_some() {
        return Err(place.error("base-url", "it holds a user name or password"));
    }
    if !matches!(base_url.scheme(), "http" | "https") {
        return Err(place.error("base-url", "it is not an https URL"));
    }
    if config.client_id.is_empty() {
        return Err(place.error("client-id", "it is empty"));
    }
    Ok(PortAccess {
        base_url,
        client_id: config.client_id.clone(),
        client_secret: place.secret("client-secret", &config.client_secret)?,
        poll_interval: Duration::from_millis(config.poll_interval_ms.max(50)),
        visibility_timeout: Duration::from_millis(config.visibility_timeout_ms),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(more: &str) -> InstallationConfig {
        toml::from_str(&format!("id = \"a\"\nhosting = \"self-hosted\"\n{more}")).unwrap()
    }

    fn error(more: &str) -> String {
        resolve_installation(Path::new("i.toml"), &config(more))
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn a_missing_secret_file_is_named_with_its_key() {
        let error = error(
            "api-url = \"https://x.example\"\nwebhook-secret = { file = \"/nonexistent/hook\" }",
        );
        assert!(
            error.starts_with("i.toml: installation \"a\".webhook-secret: ")
                && error.contains("/nonexistent/hook"),
            "{error}"
        );
    }

    #[test]
    fn plain_http_has_to_be_asked_for() {
        assert!(error("api-url = \"http://127.0.0.1:1\"").contains("allow-plain-http"));
        let allowed = config(
            "api-url = \"http://127.0.0.1:1\"\nallow-plain-http = true\nallow-addresses = [\"127.0.0.0/8\"]",
        );
        assert!(resolve_installation(Path::new("i.toml"), &allowed).is_ok());
    }

    #[test]
    fn a_password_in_the_url_is_refused_and_not_repeated() {
        let error = error("api-url = \"https://u:hunter2@x.example\"");
        assert!(error.contains("user name or password"), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }

    #[test]
    fn without_a_webhook_secret_deliveries_are_refused() {
        let installation = resolve_installation(
            Path::new("i.toml"),
            &config("api-url = \"https://x.example/api/v3/\""),
        )
        .unwrap();
        assert!(matches!(
            installation.webhook_secret(),
            WebhookSecret::Missing
        ));
        assert_eq!(installation.public().api_url, "https://x.example/api/v3");
    }
}
