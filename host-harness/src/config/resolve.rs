//! From what a file says to what runs: secrets are read, URLs are checked.

use super::network;
use super::place::Place;
use super::{
    AppConfig, AppId, CheckConfig, ConfigError, CredentialConfig, HostingConfig,
    InstallationConfig, PortConfig,
};
use crate::contract::{self, Hosting};
use crate::credentials::{self, AppOptions, Credential, GitHubApp, Scope};
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use crate::lifecycle::Rules;
use crate::port;
use secrecy::{ExposeSecret, SecretString};
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
    let limits = config
        .limits
        .resolve(file, &format!("{}.limits", place.table))?;
    let network = network::resolve(&place, config)?;
    let credential = credential(&place, config, &network.api_url)?;
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
            .with_limits(limits)
            .with_exceptions(network.exceptions)
            .with_trust(network.trust)
            .with_permits(network.permits),
    )
}

/// Reads the credential.
fn credential(
    place: &Place<'_>,
    config: &InstallationConfig,
    api_url: &str,
) -> Result<Credential, ConfigError> {
    match &config.credential {
        None => Ok(Credential::None),
        Some(CredentialConfig::Token(reference)) => {
            let key = "credential.token";
            let token = place.secret(key, reference)?;
            // Whether it can be sent is found out here, and not by the first run.
            credentials::bearer(token.expose_secret())
                .map_err(|error| place.error(key, error.to_string()))?;
            Ok(Credential::Token(token))
        }
        Some(CredentialConfig::App(app)) => {
            let key = place.secret("credential.app.private-key", &app.private_key)?;
            let options = AppOptions {
                id: app_id(place, &app.id)?,
                key: key.expose_secret(),
                api: api_url
                    .parse()
                    .map_err(|_| place.error("api-url", "it is not a URL"))?,
                scope: scope(place, config, app)?,
                permissions: app.permissions.clone(),
            };
            let app = GitHubApp::new(options)
                .map_err(|error| place.error("credential.app.private-key", error.to_string()))?;
            Ok(Credential::App(Box::new(app)))
        }
    }
}

fn app_id(place: &Place<'_>, id: &AppId) -> Result<String, ConfigError> {
    let id = id.to_string();
    if id.is_empty() || !id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.') {
        return Err(place.error(
            "credential.app.id",
            "it is neither an app id (a number) nor a client id (`Iv…`); GitHub shows both in the settings of the App",
        ));
    }
    Ok(id)
}

/// Whose tokens an installation may get.
fn scope(
    place: &Place<'_>,
    config: &InstallationConfig,
    app: &AppConfig,
) -> Result<Scope, ConfigError> {
    match (app.installation_id, &config.organization) {
        (Some(id), _) => Ok(Scope::Installation(id)),
        (None, Some(organization)) if credentials::is_login(organization) => {
            Ok(Scope::Organization(organization.clone()))
        }
        (None, Some(_)) => Err(place.error(
            "organization",
            "it is not the login of a GitHub organization or user, by which the installation of the App is found",
        )),
        // An App of Port's is installed for all its customers: each must get the token of its own organization alone.
        (None, None) if config.hosting == HostingConfig::HostedByPort => Err(place.error(
            "organization",
            "it is missing: an installation that Port hosts gets the token of one organization only; set it, or \
             credential.app.installation-id",
        )),
        (None, None) => Ok(Scope::AnyInstallation),
    }
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

    const KEY: &str = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/src/simulator/github/app/test-key-no-secret.pkcs1.pem"
    );

    fn with_app(id: &str, more: &str) -> String {
        format!(
            "api-url = \"https://x.example\"\n{more}\n\
             credential.app = {{ id = {id}, private-key = {{ file = {KEY:?} }} }}"
        )
    }

    #[test]
    fn an_app_is_known_by_number_or_client_id() {
        for id in ["123", "\"123\"", "\"Iv1.0123456789abcdef\""] {
            let installation =
                resolve_installation(Path::new("i.toml"), &config(&with_app(id, ""))).unwrap();
            assert!(matches!(installation.credential(), Credential::App(_)));
        }
        assert!(error(&with_app("\"../x\"", "")).contains("credential.app.id"));
    }

    #[test]
    fn what_is_no_key_is_an_error_that_names_the_key_of_the_file() {
        let manifest = concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml");
        let error = error(&with_app("1", "").replace(KEY, manifest));
        assert!(
            error.contains("credential.app.private-key: it is not a private key"),
            "{error}"
        );
    }

    #[test]
    fn an_installation_that_port_hosts_gets_the_token_of_one_organization_only() {
        let hosted = |more: &str| {
            let text = format!(
                "id = \"a\"\nhosting = \"hosted-by-port\"\n{}",
                with_app("1", more)
            );
            resolve_installation(Path::new("i.toml"), &toml::from_str(&text).unwrap())
        };
        let error = hosted("").unwrap_err().to_string();
        assert!(error.contains("organization: it is missing"), "{error}");
        assert!(hosted("organization = \"acme\"").is_ok());
        let error = hosted("organization = \"../acme\"")
            .unwrap_err()
            .to_string();
        assert!(error.contains("not the login"), "{error}");
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
