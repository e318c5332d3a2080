//! From Ocean's settings to this host's.

use super::table::names;
use super::variables::Variables;
use crate::config::{
    AppConfig, AppId, CheckConfig, ConfigError, CredentialConfig, HostConfig, HostingConfig,
    InstallationConfig, JournalConfig, LimitsConfig, PortConfig, RuntimeConfig, SchedulerConfig,
    default_poll_interval, default_port_url, default_visibility_timeout,
};
use crate::secrets::SecretRef;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::time::Duration;
use url::{Host, Url};

/// Where Ocean's GitHub integration sends its requests by default.
const GITHUB: &str = "https://api.github.com";
/// The type of Ocean's GitHub integration, of which the default identifier is made.
const TYPE: &str = "github-ocean";
/// The port that Ocean listens on by default.
const PORT: u16 = 8000;
/// The longest time that is taken from a variable, in seconds: a day.
const LONGEST: u64 = 86_400;

/// Refuses a deployment that runs no actions, and one that would have certificates not verified.
pub(super) fn refuse(variables: &Variables) -> Result<(), ConfigError> {
    if variables.flag(names::ACTIONS_ENABLED)? == Some(false) {
        return Err(variables.error(
            names::ACTIONS_ENABLED,
            "it is off, and running actions is all that this program does; set it to true, or leave this deployment to \
             Ocean",
        ));
    }
    let listener = variables.text(names::LISTENER).map(str::to_ascii_uppercase);
    if let Some(listener @ ("ONCE" | "WEBHOOKS_ONLY")) = listener.as_deref() {
        return Err(variables.error(
            names::LISTENER,
            format!(
                "a deployment with the listener {listener} runs no actions, and that is all that this program does; set \
                 POLLING or ACTIONS_ONLY, or leave this deployment to Ocean"
            ),
        ));
    }
    for name in [names::VERIFY_PORT, names::VERIFY_THIRD_PARTY] {
        if variables.flag(name)? == Some(false) {
            return Err(variables.error(
                name,
                "certificates are always verified here; remove it, and name a file with your authority's certificate \
                 in SSL_CERT_FILE",
            ));
        }
    }
    Ok(())
}

/// Names everything that is missing, at once.
pub(super) fn require(variables: &Variables) -> Result<(), ConfigError> {
    let mut missing: Vec<&'static str> = [names::PORT_CLIENT_ID, names::PORT_CLIENT_SECRET]
        .into_iter()
        .filter(|name| variables.source(name).is_none())
        .collect();
    if variables.source(names::GITHUB_TOKEN).is_none() {
        let app = [names::GITHUB_APP_ID, names::GITHUB_APP_PRIVATE_KEY];
        let is_missing = |name: &&'static str| variables.source(name).is_none();
        match app.into_iter().filter(is_missing).collect::<Vec<_>>() {
            // Without any credential, the token is asked for: whoever has an App knows that.
            half if half.len() == app.len() => missing.push(names::GITHUB_TOKEN),
            half => missing.extend(half),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let misspelt = missing.iter().find_map(|name| {
        let found = variables.looks_like(name)?;
        Some(format!("; is {found} meant to be {name}?"))
    });
    let verb = if missing.len() == 1 {
        "it is"
    } else {
        "they are"
    };
    Err(ConfigError::variable(
        missing.join(", "),
        format!(
            "{verb} not set, and without --config this program is configured as Ocean is{}",
            misspelt.unwrap_or_default()
        ),
    ))
}

/// The variables of a GitHub App that are set.
fn app_credentials(variables: &Variables) -> Vec<&str> {
    [names::GITHUB_APP_ID, names::GITHUB_APP_PRIVATE_KEY]
        .into_iter()
        .filter_map(|name| variables.source(name))
        .collect()
}

/// What a configuration file would say.
pub(super) fn host(
    variables: &Variables,
    component: &Path,
    journal: &Path,
) -> Result<HostConfig, ConfigError> {
    let port = variables.whole(names::APPLICATION_PORT, 1..=u64::from(u16::MAX))?;
    let port = port.and_then(|port| u16::try_from(port).ok());
    Ok(HostConfig {
        component: component.to_owned(),
        listen: SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), port.unwrap_or(PORT)),
        port: Some(port_access(variables)?),
        installations: vec![installation(variables)?],
        path_prefix: path_prefix(variables)?,
        runtime: RuntimeConfig::default(),
        limits: LimitsConfig::default(),
        journal: JournalConfig {
            path: journal.to_owned(),
            ..JournalConfig::default()
        },
        scheduler: scheduler(variables)?,
        check: CheckConfig::default(),
        page: None,
    })
}

fn port_access(variables: &Variables) -> Result<PortConfig, ConfigError> {
    let base_url = match variables.text(names::PORT_BASE_URL) {
        Some(text) => {
            web_address(variables, names::PORT_BASE_URL, text)?;
            text.to_owned()
        }
        None => default_port_url(),
    };
    let interval = variables.whole(names::POLL_INTERVAL, 1..=LONGEST)?;
    let visibility = variables.whole(names::VISIBILITY_TIMEOUT, 1..=600_000)?;
    Ok(PortConfig {
        base_url,
        client_id: variables
            .text(names::PORT_CLIENT_ID)
            .unwrap_or_default()
            .to_owned(),
        client_secret: SecretRef::Env(variables.blame(names::PORT_CLIENT_SECRET)),
        poll_interval_ms: interval.map_or_else(default_poll_interval, |seconds| seconds * 1000),
        visibility_timeout_ms: visibility.unwrap_or_else(default_visibility_timeout),
    })
}

fn installation(variables: &Variables) -> Result<InstallationConfig, ConfigError> {
    let (api_url, allow_plain_http) = api(variables)?;
    let secret = |name| variables.source(name).map(|s| SecretRef::Env(s.to_owned()));
    Ok(InstallationConfig {
        id: identifier(variables)?,
        hosting: HostingConfig::SelfHosted,
        organization: variables
            .text(names::GITHUB_ORGANIZATION)
            .map(str::to_owned),
        api_url,
        allow_plain_http,
        allow_addresses: addresses(variables),
        allow_origins: vec![],
        ca_file: None,
        requests_at_once: None,
        credential: credential(variables),
        webhook_secret: secret(names::WEBHOOK_SECRET),
        allow_unsigned_webhooks: false,
        live_events: has_live_events(variables),
        max_run_minutes: None,
        failure_grace_seconds: None,
        cancel_with_port: false,
        settings: toml::Table::new(),
        port: None,
        limits: LimitsConfig::default(),
    })
}

/// The token, or else the App.
fn credential(variables: &Variables) -> Option<CredentialConfig> {
    let secret = |name| variables.source(name).map(|s| SecretRef::Env(s.to_owned()));
    if let Some(token) = secret(names::GITHUB_TOKEN) {
        return Some(CredentialConfig::Token(token));
    }
    Some(CredentialConfig::App(AppConfig {
        id: AppId::Text(variables.text(names::GITHUB_APP_ID)?.to_owned()),
        private_key: secret(names::GITHUB_APP_PRIVATE_KEY)?,
        installation_id: None,
        permissions: BTreeMap::new(),
    }))
}

/// Ocean makes webhooks only if it knows its own address. Without a secret they would be refused here.
fn has_live_events(variables: &Variables) -> bool {
    let is_set = |name| variables.source(name).is_some();
    is_set(names::BASE_URL) && is_set(names::WEBHOOK_SECRET)
}

/// Port's `installationId`. It goes into paths and headers.
fn identifier(variables: &Variables) -> Result<String, ConfigError> {
    let kind = variables.text(names::TYPE).unwrap_or(TYPE);
    let (name, identifier) = match variables.text(names::IDENTIFIER) {
        Some(identifier) => (names::IDENTIFIER, identifier.to_owned()),
        None => (names::TYPE, format!("my-{kind}-integration").to_lowercase()),
    };
    if identifier.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(identifier);
    }
    Err(variables.error(
        name,
        "it holds other characters than ASCII letters, digits and signs; Port shows it as the integration's identifier",
    ))
}

/// Where GitHub's API is, and whether that is plain http on this machine.
fn api(variables: &Variables) -> Result<(String, bool), ConfigError> {
    let name = names::GITHUB_HOST;
    let Some(text) = variables.text(name) else {
        return Ok((GITHUB.to_owned(), false));
    };
    let url = web_address(variables, name, text)?;
    let is_https = url.scheme() == "https";
    if !is_https && !is_this_machine(&url) {
        return Err(variables.error(
            name,
            "it is not https, so the token would be readable on the way; use https (plain http is for a server on this \
             machine)",
        ));
    }
    Ok((text.to_owned(), !is_https))
}

/// Ocean has no variable for exceptions, and whoever sets the variables names the server and runs the process: so its
/// address may be private, and if it says that it is on this machine, it may be there.
const PRIVATE: [&str; 4] = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"];
const THIS_MACHINE: [&str; 2] = ["127.0.0.0/8", "::1/128"];

fn addresses(variables: &Variables) -> Vec<String> {
    let host = variables.text(names::GITHUB_HOST);
    let is_here = host.is_some_and(|text| Url::parse(text).is_ok_and(|url| is_this_machine(&url)));
    let here: &[&str] = if is_here { &THIS_MACHINE } else { &[] };
    let all = PRIVATE.iter().chain(here);
    all.map(|network| (*network).to_owned()).collect()
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

/// An http or https URL that holds nothing but an address: no password, no query.
fn web_address(variables: &Variables, name: &'static str, text: &str) -> Result<Url, ConfigError> {
    let wrong = |message: &str| Err(variables.error(name, message));
    let Ok(url) = Url::parse(text) else {
        return wrong("it is not a URL; write it with https:// in front");
    };
    if !matches!(url.scheme(), "http" | "https") {
        return wrong("it is not an https URL");
    }
    if !url.username().is_empty() || url.password().is_some() {
        return wrong("it holds a user name or password; leave them out");
    }
    if url.query().is_some() || url.fragment().is_some() {
        return wrong("it holds more than an address; leave out everything from the `?` or `#`");
    }
    Ok(url)
}

/// What is not set is this host's own.
fn scheduler(variables: &Variables) -> Result<SchedulerConfig, ConfigError> {
    let own = SchedulerConfig::default();
    let number = |name, most| -> Result<Option<usize>, ConfigError> {
        let number = variables.whole(name, 1..=most)?;
        Ok(number.and_then(|number| usize::try_from(number).ok()))
    };
    Ok(SchedulerConfig {
        runs_buffered: number(names::HIGH_WATERMARK, 1000)?.unwrap_or(own.runs_buffered),
        dispatches_per_installation: number(names::WORKERS, 10_000)?
            .unwrap_or(own.dispatches_per_installation),
        buffer_percent_per_action: match buffer_percent(variables)? {
            Some(percent) => percent.unwrap_or(0),
            None => own.buffer_percent_per_action,
        },
        shutdown_seconds: shutdown(variables)?.unwrap_or(own.shutdown_seconds),
        ..own
    })
}

/// Percent, or `null` for no limit.
fn buffer_percent(variables: &Variables) -> Result<Option<Option<u8>>, ConfigError> {
    let name = names::BUFFER_PERCENT;
    let text = variables.text(name).map(str::to_ascii_lowercase);
    if matches!(text.as_deref(), Some("null" | "none")) {
        return Ok(Some(None));
    }
    let percent = variables.whole(name, 1..=100)?;
    Ok(percent.map(|percent| u8::try_from(percent).ok()))
}

/// Seconds, also with a fraction.
fn shutdown(variables: &Variables) -> Result<Option<f64>, ConfigError> {
    let Some(text) = variables.text(names::SHUTDOWN) else {
        return Ok(None);
    };
    let longest = Duration::from_secs(LONGEST).as_secs_f64();
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..=longest).contains(&seconds) => Ok(Some(seconds)),
        _ => Err(variables.error(
            names::SHUTDOWN,
            format!("it is not a number of seconds from 0 to {LONGEST}"),
        )),
    }
}

/// The path before all routes.
fn path_prefix(variables: &Variables) -> Result<String, ConfigError> {
    let Some(text) = variables.text(names::PATH_PREFIX) else {
        return Ok(String::new());
    };
    let path = text.trim_matches('/');
    if path.is_empty() {
        return Ok(String::new());
    }
    // RFC 3986 without percent-encoding, and nothing that a router takes for a pattern.
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    let has_empty_part = path.split('/').any(|part| matches!(part, "" | "." | ".."));
    if !path.bytes().all(is_plain) || has_empty_part {
        return Err(variables.error(
            names::PATH_PREFIX,
            "it is not a path of letters, digits and - . _ ~, such as /ocean/github",
        ));
    }
    Ok(format!("/{path}"))
}

/// Ocean's levels in this host's words.
pub(super) fn log_level(variables: &Variables) -> Result<Option<&'static str>, ConfigError> {
    let Some(text) = variables.text(names::LOG_LEVEL) else {
        return Ok(None);
    };
    match text.to_ascii_uppercase().as_str() {
        "CRITICAL" | "ERROR" => Ok(Some("error")),
        "WARNING" => Ok(Some("warn")),
        "INFO" => Ok(Some("info")),
        "DEBUG" => Ok(Some("debug")),
        _ => Err(variables.error(
            names::LOG_LEVEL,
            "it is not one of CRITICAL, ERROR, WARNING, INFO and DEBUG",
        )),
    }
}

/// Warnings, and notes: what differs, and what is good to know.
pub(super) fn remarks(variables: &Variables) -> Result<(Vec<String>, Vec<String>), ConfigError> {
    let mut warnings = Vec::new();
    let mut notes = Vec::new();
    if let (Some(base_url), None) = (
        variables.source(names::BASE_URL),
        variables.source(names::WEBHOOK_SECRET),
    ) {
        warnings.push(format!(
            "{base_url} is set and {} is not: deliveries that nobody has signed are refused here, so the ends of runs are \
             found by asking GitHub, later than by webhook; set the same secret here and in GitHub's webhook",
            names::WEBHOOK_SECRET
        ));
    }
    let app = app_credentials(variables);
    if !app.is_empty() && variables.source(names::GITHUB_TOKEN).is_some() {
        warnings.push(format!(
            "the token of {} is used, as in Ocean, and not the credentials of the GitHub App ({})",
            variables.blame(names::GITHUB_TOKEN),
            app.join(", ")
        ));
    }
    let without = variables.without_counterpart();
    if !without.is_empty() {
        warnings.push(format!(
            "these variables have no counterpart here and change nothing: {}; this program runs actions and does not \
             fill the catalogue",
            without.join(", ")
        ));
    }
    if variables.flag(names::LEGACY_TRACKING)? == Some(true) {
        notes.push(format!(
            "{} is not needed: a server that does not tell the id of a run is recognized, and the run is searched for",
            variables.blame(names::LEGACY_TRACKING)
        ));
    }
    if variables.source(names::ACTIONS_ENABLED).is_none() {
        notes.push(format!(
            "{} is not set, which is off for Ocean; this program does nothing else and claims runs",
            names::ACTIONS_ENABLED
        ));
    }
    Ok((warnings, notes))
}
