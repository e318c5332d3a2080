use super::table::{Fate, KNOWN};
use super::*;
use crate::config::{AppId, CredentialConfig, HostingConfig, resolve_installation, resolve_port};
use crate::egress::Exceptions;
use crate::secrets::SecretRef;
use std::collections::{BTreeMap, BTreeSet};

/// The least that a deployment sets, and what this host asks for.
const LEAST: &[(&str, &str)] = &[
    ("OCEAN__PORT__CLIENT_ID", "client"),
    ("OCEAN__PORT__CLIENT_SECRET", "hunter2-port"),
    ("OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN", "hunter2-github"),
    ("OCEAN__ACTIONS_PROCESSOR__ENABLED", "true"),
];

fn with(more: &[(&str, &str)]) -> Result<Ocean, ConfigError> {
    // Later ones go before earlier ones, so that a test can change what is set, or unset it.
    let all: BTreeMap<&str, &str> = LEAST.iter().chain(more).copied().collect();
    read(&all.into_iter().collect::<Vec<_>>())
}

fn read(environment: &[(&str, &str)]) -> Result<Ocean, ConfigError> {
    let owned = |(name, value): &(&str, &str)| (name.to_string(), value.to_string());
    from_environment(
        environment.iter().map(owned),
        Path::new("github_workflow.wasm"),
        Path::new("journal.db"),
    )
}

fn token(ocean: &Ocean) -> &SecretRef {
    match &installation(ocean).credential {
        Some(CredentialConfig::Token(token)) => token,
        other => panic!("{other:?}"),
    }
}

fn good(more: &[(&str, &str)]) -> Ocean {
    with(more).unwrap()
}

fn error(more: &[(&str, &str)]) -> String {
    with(more).unwrap_err().to_string()
}

fn installation(ocean: &Ocean) -> &crate::config::InstallationConfig {
    &ocean.config.installations[0]
}

fn port(ocean: &Ocean) -> &crate::config::PortConfig {
    ocean.config.port.as_ref().unwrap()
}

/// What a variable does.
enum Does {
    /// The host is configured so.
    Sets(fn(&Ocean) -> bool),
    /// It is refused, with these words.
    Refused(&'static str),
    /// It is named in the one warning, and nothing else changes.
    Nothing,
    /// Nothing is said about it, and nothing changes.
    Agrees,
    /// A note says that it is not needed.
    Noted,
}
use Does::{Agrees, Noted, Nothing, Refused, Sets};

/// Every variable of Ocean that its documentation or its code lists for actions on GitHub.
const FATES: &[(&str, &str, Does)] = &[
    (
        "OCEAN__PORT__CLIENT_ID",
        "other",
        Sets(|o| port(o).client_id == "other"),
    ),
    (
        "OCEAN__PORT__CLIENT_SECRET",
        "hunter2",
        Sets(|o| port(o).client_secret == env("OCEAN__PORT__CLIENT_SECRET")),
    ),
    (
        "OCEAN__PORT__BASE_URL",
        "https://api.us.getport.io",
        Sets(|o| port(o).base_url == "https://api.us.getport.io"),
    ),
    ("OCEAN__PORT__PORT_APP_CONFIG_CACHE_TTL", "60", Nothing),
    (
        "OCEAN__INTEGRATION__IDENTIFIER",
        "acme-github",
        Sets(|o| installation(o).id == "acme-github"),
    ),
    (
        "OCEAN__INTEGRATION__TYPE",
        "GitHub",
        Sets(|o| installation(o).id == "my-github-integration"),
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__GITHUB_HOST",
        "https://github.acme.example/api/v3",
        Sets(|o| {
            installation(o).api_url == "https://github.acme.example/api/v3"
                && !installation(o).allow_plain_http
        }),
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN",
        "hunter2",
        Sets(|o| *token(o) == env("OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN")),
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__GITHUB_APP_ID",
        "123",
        Sets(|o| o.remarks.warnings[0].contains("GITHUB_APP_ID")),
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__GITHUB_APP_PRIVATE_KEY",
        "hunter2",
        Sets(|o| o.remarks.warnings[0].contains("GITHUB_APP_PRIVATE_KEY")),
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__GITHUB_ORGANIZATION",
        "acme",
        Sets(|o| installation(o).organization.as_deref() == Some("acme")),
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__WEBHOOK_SECRET",
        "hunter2",
        Sets(|o| {
            installation(o).webhook_secret
                == Some(env("OCEAN__INTEGRATION__CONFIG__WEBHOOK_SECRET"))
        }),
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__SKIP_WEBHOOK_PATCHING",
        "true",
        Agrees,
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__LEGACY_DISPATCH_WORKFLOW_TRACKING",
        "true",
        Noted,
    ),
    (
        "OCEAN__INTEGRATION__CONFIG__RESYNC_RATELIMIT_RESERVATION_THRESHOLD",
        "95",
        Nothing,
    ),
    (
        // Alone it changes nothing but a warning: deliveries without a signature are refused.
        "OCEAN__BASE_URL",
        "https://ocean.acme.example",
        Sets(|o| {
            o.remarks.warnings[0].starts_with("OCEAN__BASE_URL is set")
                && !installation(o).live_events
        }),
    ),
    (
        "OCEAN__PATH_PREFIX",
        "/ocean/",
        Sets(|o| o.config.path_prefix == "/ocean"),
    ),
    ("OCEAN__ACTIONS_PROCESSOR__ENABLED", "true", Agrees),
    (
        "OCEAN__ACTIONS_PROCESSOR__ENABLED",
        "false",
        Refused("it is off"),
    ),
    (
        "OCEAN__ACTIONS_PROCESSOR__RUNS_BUFFER_HIGH_WATERMARK",
        "500",
        Sets(|o| o.config.scheduler.runs_buffered == 500),
    ),
    (
        "OCEAN__ACTIONS_PROCESSOR__VISIBILITY_TIMEOUT_MS",
        "120000",
        Sets(|o| port(o).visibility_timeout_ms == 120_000),
    ),
    (
        "OCEAN__ACTIONS_PROCESSOR__POLL_CHECK_INTERVAL_SECONDS",
        "5",
        Sets(|o| port(o).poll_interval_ms == 5_000),
    ),
    (
        "OCEAN__ACTIONS_PROCESSOR__WORKERS_COUNT",
        "7",
        Sets(|o| o.config.scheduler.dispatches_per_installation == 7),
    ),
    (
        "OCEAN__ACTIONS_PROCESSOR__MAX_RUNS_BUFFER_UTIL_PCT_PER_ACTION",
        "45",
        Sets(|o| o.config.scheduler.buffer_percent_per_action == 45),
    ),
    (
        "OCEAN__ACTIONS_PROCESSOR__MAX_RUNS_BUFFER_UTIL_PCT_PER_ACTION",
        "null",
        Sets(|o| o.config.scheduler.buffer_percent_per_action == 0),
    ),
    (
        "OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN",
        "7.5",
        Sets(|o| o.config.scheduler.shutdown_seconds == 7.5),
    ),
    ("OCEAN__MAX_EVENT_PROCESSING_SECONDS", "90", Nothing),
    ("OCEAN__EVENT_WORKERS_COUNT", "4", Nothing),
    ("OCEAN__CLIENT_TIMEOUT", "90", Nothing),
    ("OCEAN__EVENT_LISTENER__TYPE", "POLLING", Agrees),
    ("OCEAN__EVENT_LISTENER__TYPE", "ACTIONS_ONLY", Agrees),
    ("OCEAN__EVENT_LISTENER__TYPE", "KAFKA", Agrees),
    (
        "OCEAN__EVENT_LISTENER__TYPE",
        "ONCE",
        Refused("runs no actions"),
    ),
    ("OCEAN__EVENT_LISTENER__INTERVAL", "60", Nothing),
    ("OCEAN__EVENT_LISTENER__RESYNC_ON_START", "false", Nothing),
    ("OCEAN__SSL__PORT__VERIFY", "true", Agrees),
    (
        "OCEAN__SSL__PORT__VERIFY",
        "false",
        Refused("SSL_CERT_FILE"),
    ),
    (
        "OCEAN__SSL__THIRD_PARTY__VERIFY",
        "0",
        Refused("SSL_CERT_FILE"),
    ),
    ("OCEAN__SSL__PORT__X509__STRICT", "false", Nothing),
    ("OCEAN__SSL__THIRD_PARTY__X509__STRICT", "false", Nothing),
    (
        "APPLICATION__PORT",
        "9000",
        Sets(|o| o.config.listen == ([0, 0, 0, 0], 9000).into()),
    ),
    (
        "APPLICATION__LOG_LEVEL",
        "WARNING",
        Sets(|o| o.log_level == Some("warn")),
    ),
];

fn env(name: &str) -> SecretRef {
    SecretRef::Env(name.to_owned())
}

#[test]
fn every_variable_of_ocean_has_the_fate_that_the_table_says() {
    let usual = format!("{:?}", good(&[]));
    for (name, value, does) in FATES {
        let result = with(&[(name, value)]);
        match does {
            Refused(words) => {
                let error = result.unwrap_err().to_string();
                let start = format!("environment variable {name}: ");
                assert!(
                    error.starts_with(&start) && error.contains(words),
                    "{error}"
                );
            }
            Sets(is_so) => assert!(is_so(result.as_ref().unwrap()), "{name}: {result:?}"),
            Agrees => assert_eq!(format!("{:?}", result.unwrap()), usual, "{name}"),
            Noted => {
                let ocean = result.unwrap();
                assert!(
                    ocean.remarks.warnings.is_empty(),
                    "{:?}",
                    ocean.remarks.warnings
                );
                assert!(
                    ocean.remarks.notes[0].starts_with(name),
                    "{:?}",
                    ocean.remarks.notes
                );
            }
            Nothing => {
                let mut ocean = result.unwrap();
                let warnings = std::mem::take(&mut ocean.remarks.warnings);
                assert_eq!(warnings.len(), 1, "{name}");
                assert!(warnings[0].contains(name), "{name}: {warnings:?}");
                assert_eq!(format!("{ocean:?}"), usual, "{name}");
            }
        }
    }
}

#[test]
fn no_variable_of_the_table_is_left_out_of_the_test() {
    let tested: BTreeSet<&str> = FATES.iter().map(|(name, _, _)| *name).collect();
    let known: BTreeSet<&str> = KNOWN.iter().map(|known| known.name).collect();
    assert_eq!(tested, known);
}

#[test]
fn the_least_deployment_gets_oceans_defaults_and_no_warning() {
    let ocean = good(&[]);
    assert_eq!(ocean.config.listen, ([0, 0, 0, 0], 8000).into());
    assert_eq!(ocean.config.component, Path::new("github_workflow.wasm"));
    assert_eq!(ocean.config.journal.path, Path::new("journal.db"));
    assert_eq!(installation(&ocean).id, "my-github-ocean-integration");
    assert_eq!(installation(&ocean).api_url, "https://api.github.com");
    assert_eq!(installation(&ocean).hosting, HostingConfig::SelfHosted);
    assert_eq!(port(&ocean).base_url, "https://api.getport.io");
    assert_eq!(port(&ocean).visibility_timeout_ms, 60_000);
    // What is not set is this host's: Ocean would ask Port every ten seconds.
    assert_eq!(port(&ocean).poll_interval_ms, 1_000);
    assert!(!installation(&ocean).live_events);
    assert!(!installation(&ocean).allow_unsigned_webhooks);
    assert!(ocean.remarks.warnings.is_empty() && ocean.remarks.notes.is_empty());
}

#[test]
fn names_are_taken_in_any_case_and_keys_in_both_spellings() {
    let ocean = read(&[
        ("ocean__port__client_id", "client"),
        ("Ocean__Port__clientSecret", "hunter2"),
        ("OCEAN__INTEGRATION__CONFIG__githubToken", "hunter2"),
        ("OCEAN__INTEGRATION__CONFIG__GITHUBORGANIZATION", "acme"),
        ("application__port", "9000"),
        ("PORT", "1"),
        ("PATH", "/bin"),
    ])
    .unwrap();
    assert_eq!(port(&ocean).client_secret, env("Ocean__Port__clientSecret"));
    assert_eq!(
        *token(&ocean),
        env("OCEAN__INTEGRATION__CONFIG__githubToken")
    );
    assert_eq!(installation(&ocean).organization.as_deref(), Some("acme"));
    assert_eq!(ocean.config.listen.port(), 9000);
    assert!(
        ocean.remarks.warnings.is_empty(),
        "{:?}",
        ocean.remarks.warnings
    );
}

#[test]
fn one_setting_in_two_spellings_is_refused_because_nobody_knows_which_one_counts() {
    let error = error(&[("ocean__port__client_id", "other")]);
    assert!(
        error.contains("OCEAN__PORT__CLIENT_ID, ocean__port__client_id: "),
        "{error}"
    );
}

#[test]
fn a_json_object_gives_what_no_variable_gives() {
    let ocean = good(&[
        (
            "OCEAN__INTEGRATION__CONFIG",
            r#"{"githubOrganization": "from-json", "githubHost": "https://github.acme.example/api/v3"}"#,
        ),
        (
            "OCEAN__INTEGRATION",
            r#"{"identifier": "acme", "config": {"github_host": "https://other.example"}}"#,
        ),
        ("OCEAN__INTEGRATION__CONFIG__GITHUB_ORGANIZATION", "acme"),
        (
            "OCEAN__ACTIONS_PROCESSOR",
            r#"{"workersCount": 9, "maxRunsBufferUtilPctPerAction": null}"#,
        ),
        ("OCEAN__EVENT_LISTENER", r#"{"type":"ACTIONS_ONLY"}"#),
    ]);
    assert_eq!(installation(&ocean).id, "acme");
    assert_eq!(installation(&ocean).organization.as_deref(), Some("acme"));
    assert_eq!(
        installation(&ocean).api_url,
        "https://github.acme.example/api/v3"
    );
    let scheduler = &ocean.config.scheduler;
    assert_eq!(scheduler.dispatches_per_installation, 9);
    assert_eq!(scheduler.buffer_percent_per_action, 0);
    assert!(
        ocean.remarks.warnings.is_empty(),
        "{:?}",
        ocean.remarks.warnings
    );
}

/// Whether requests of a deployment with this API host may reach an address.
fn reaches(api_host: &str, address: &str) -> bool {
    let ocean = good(&[("OCEAN__INTEGRATION__CONFIG__GITHUB_HOST", api_host)]);
    let networks = installation(&ocean).allow_addresses.iter();
    let networks = networks.map(|text| Exceptions::parse(text).unwrap());
    let exceptions = Exceptions::new(networks.collect::<Vec<_>>());
    exceptions.check(address.parse().unwrap()).is_ok()
}

#[test]
fn a_server_in_a_private_network_is_reached_and_a_metadata_service_never() {
    for api_host in [
        "https://github.acme.example/api/v3",
        "http://localhost:3000",
    ] {
        for address in [
            "10.1.2.3",
            "172.16.0.1",
            "192.168.0.1",
            "fd12::1",
            "140.82.121.6",
        ] {
            assert!(reaches(api_host, address), "{api_host}: {address}");
        }
        for address in [
            "169.254.169.254",
            "169.254.1.1",
            "fe80::1",
            "fd00:ec2::254",
            "100.100.100.200",
            "168.63.129.16",
            "100.64.0.1",
            "0.0.0.0",
        ] {
            assert!(!reaches(api_host, address), "{api_host}: {address}");
        }
    }
}

#[test]
fn this_machine_is_reached_only_if_the_host_says_that_it_is_there() {
    for api_host in [
        "http://localhost:3000",
        "http://127.0.0.1:3000",
        "https://[::1]/api/v3",
    ] {
        assert!(reaches(api_host, "127.0.0.1"), "{api_host}");
        assert!(reaches(api_host, "::1"), "{api_host}");
    }
    for api_host in [
        "https://github.acme.example/api/v3",
        "https://localhost.acme.example",
    ] {
        assert!(!reaches(api_host, "127.0.0.1"), "{api_host}");
        assert!(!reaches(api_host, "::1"), "{api_host}");
    }
}

#[test]
fn a_listener_in_json_that_runs_no_actions_is_refused_by_the_name_of_its_variable() {
    let error = error(&[("OCEAN__EVENT_LISTENER", r#"{"type": "ONCE"}"#)]);
    assert!(
        error.starts_with("environment variable OCEAN__EVENT_LISTENER: "),
        "{error}"
    );
}

#[test]
fn a_secret_inside_json_is_refused_and_its_variable_named() {
    let json = r#"{"clientId": "c", "clientSecret": "hunter2"}"#;
    let refused = error(&[("OCEAN__PORT__CLIENT_SECRET", ""), ("OCEAN__PORT", json)]);
    assert!(
        refused.starts_with("environment variable OCEAN__PORT: ")
            && refused.contains("set OCEAN__PORT__CLIENT_SECRET instead"),
        "{refused}"
    );
    // Beside its own variable it does not count.
    assert!(with(&[("OCEAN__PORT", json)]).is_ok());
}

#[test]
fn an_empty_variable_counts_as_not_set() {
    let ocean = good(&[
        ("OCEAN__INTEGRATION__IDENTIFIER", ""),
        ("OCEAN__INTEGRATION__CONFIG__GITHUB_APP_ID", " "),
        ("OCEAN__INTEGRATION__CONFIG", ""),
        ("OCEAN__ACTIONS_PROCESSOR__WORKERS_COUNT", ""),
        ("OCEAN__PATH_PREFIX", "/"),
        ("OCEAN__FUTURE", ""),
    ]);
    assert_eq!(format!("{ocean:?}"), format!("{:?}", good(&[])));
}

#[test]
fn everything_that_is_missing_is_named_at_once() {
    let error = read(&[]).unwrap_err().to_string();
    assert!(
        error.starts_with(
            "environment variable OCEAN__PORT__CLIENT_ID, OCEAN__PORT__CLIENT_SECRET, \
             OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN: they are not set"
        ) && error.contains("--config"),
        "{error}"
    );
}

#[test]
fn a_misspelt_variable_is_suggested_where_it_is_missing_and_where_it_is_not() {
    let missing = error(&[
        ("OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN", ""),
        ("OCEAN__INTEGRATION__CONFIG__GITHUB_TOKN", "hunter2"),
    ]);
    assert!(
        missing.ends_with(
            "is OCEAN__INTEGRATION__CONFIG__GITHUB_TOKN meant to be \
             OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN?"
        ),
        "{missing}"
    );
    let ocean = good(&[("OCEAN__ACTION_PROCESSOR__WORKER_COUNT", "3")]);
    assert!(
        ocean.remarks.warnings[0].contains(
            "OCEAN__ACTION_PROCESSOR__WORKER_COUNT (did you mean OCEAN__ACTIONS_PROCESSOR__WORKERS_COUNT?)"
        ),
        "{:?}",
        ocean.remarks.warnings
    );
}

#[test]
fn all_variables_without_counterpart_are_named_in_one_warning() {
    let ocean = good(&[
        ("OCEAN__INITIALIZE_PORT_RESOURCES", "true"),
        ("OCEAN__EVENT_WORKERS_COUNT", "2"),
        ("OCEAN__METRICS", r#"{"enabled": true}"#),
        ("OCEAN__PORT", r#"{"blueprintCacheTtlSeconds": 3, "x": {}}"#),
        (
            "OCEAN__EVENT_LISTENER",
            r#"{"type":"POLLING","resyncOnStart":true}"#,
        ),
        ("APPLICATION__ENABLE_HTTP_LOGGING", "true"),
    ]);
    assert_eq!(
        ocean.remarks.warnings.len(),
        1,
        "{:?}",
        ocean.remarks.warnings
    );
    assert!(
        ocean.remarks.warnings[0].contains(
            ": APPLICATION__ENABLE_HTTP_LOGGING, OCEAN__EVENT_LISTENER, OCEAN__EVENT_WORKERS_COUNT, \
             OCEAN__INITIALIZE_PORT_RESOURCES, OCEAN__METRICS, OCEAN__PORT (2 of its keys);"
        ),
        "{:?}",
        ocean.remarks.warnings
    );
}

#[test]
fn a_github_app_is_used_unless_there_is_a_token_and_half_of_one_is_an_error() {
    let id = "OCEAN__INTEGRATION__CONFIG__GITHUB_APP_ID";
    let key = "OCEAN__INTEGRATION__CONFIG__GITHUB_APP_PRIVATE_KEY";
    let no_token = ("OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN", "");
    let both = good(&[(id, "123"), (key, "hunter2")]);
    assert!(matches!(
        installation(&both).credential,
        Some(CredentialConfig::Token(_))
    ));
    assert!(
        both.remarks.warnings[0].contains("GITHUB_APP_ID, OCEAN")
            && both.remarks.warnings[0].contains("GITHUB_TOKEN"),
        "{:?}",
        both.remarks.warnings
    );
    let ocean = good(&[(id, "123"), (key, "hunter2"), no_token]);
    assert!(ocean.remarks.warnings.is_empty());
    let Some(CredentialConfig::App(app)) = &installation(&ocean).credential else {
        panic!("{:?}", installation(&ocean).credential);
    };
    assert_eq!(app.id, AppId::Text("123".to_owned()));
    assert_eq!(app.private_key, SecretRef::Env(key.to_owned()));
    for (given, missing) in [(id, key), (key, id)] {
        let error = error(&[(given, "123"), no_token]);
        assert!(
            error.starts_with(&format!("environment variable {missing}: it is not set")),
            "{error}"
        );
    }
}

#[test]
fn live_events_are_on_with_an_address_and_a_secret() {
    let ocean = good(&[
        ("OCEAN__BASE_URL", "https://ocean.acme.example"),
        ("OCEAN__INTEGRATION__CONFIG__WEBHOOK_SECRET", "hunter2"),
    ]);
    assert!(installation(&ocean).live_events && ocean.remarks.warnings.is_empty());
}

#[test]
fn plain_http_is_for_this_machine_alone() {
    let host = "OCEAN__INTEGRATION__CONFIG__GITHUB_HOST";
    for local in [
        "http://127.0.0.1:8081",
        "http://localhost:1",
        "http://[::1]:1",
    ] {
        assert!(
            installation(&good(&[(host, local)])).allow_plain_http,
            "{local}"
        );
    }
    for far in [
        "http://github.acme.example",
        "http://10.0.0.1",
        "http://localhost.example",
    ] {
        assert!(error(&[(host, far)]).contains("use https"), "{far}");
    }
}

#[test]
fn wrong_values_are_refused_by_name_and_limit() {
    for (name, value, words) in [
        ("APPLICATION__PORT", "0", "from 1 to 65535"),
        ("APPLICATION__PORT", "tcp://10.0.0.1:80", "from 1 to 65535"),
        ("APPLICATION__LOG_LEVEL", "LOUD", "CRITICAL, ERROR"),
        ("OCEAN__ACTIONS_PROCESSOR__ENABLED", "maybe", "`true`"),
        (
            "OCEAN__ACTIONS_PROCESSOR__RUNS_BUFFER_HIGH_WATERMARK",
            "1001",
            "from 1 to 1000",
        ),
        (
            "OCEAN__ACTIONS_PROCESSOR__VISIBILITY_TIMEOUT_MS",
            "-1",
            "from 1 to 600000",
        ),
        (
            "OCEAN__ACTIONS_PROCESSOR__POLL_CHECK_INTERVAL_SECONDS",
            "0",
            "from 1",
        ),
        ("OCEAN__ACTIONS_PROCESSOR__WORKERS_COUNT", "many", "from 1"),
        (
            "OCEAN__ACTIONS_PROCESSOR__MAX_RUNS_BUFFER_UTIL_PCT_PER_ACTION",
            "0",
            "from 1 to 100",
        ),
        (
            "OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN",
            "NaN",
            "number of seconds",
        ),
        (
            "OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN",
            "-1",
            "number of seconds",
        ),
        ("OCEAN__PATH_PREFIX", "/a/../b", "not a path"),
        ("OCEAN__PATH_PREFIX", "/{any}", "not a path"),
        ("OCEAN__PORT__BASE_URL", "api.getport.io", "not a URL"),
        (
            "OCEAN__PORT__BASE_URL",
            "ftp://api.getport.io",
            "not an https URL",
        ),
        (
            "OCEAN__PORT__BASE_URL",
            "https://u:p@api.getport.io",
            "password",
        ),
        (
            "OCEAN__INTEGRATION__CONFIG__GITHUB_HOST",
            "https://x.example/?q",
            "`?`",
        ),
        ("OCEAN__INTEGRATION__IDENTIFIER", "ac me", "ASCII"),
        ("OCEAN__INTEGRATION__TYPE", "gïthub", "ASCII"),
        ("OCEAN__PORT", "client", "JSON object"),
        ("OCEAN__SSL", r#"{"port": {"verify": []}}"#, "plain value"),
    ] {
        let error = error(&[(name, value)]);
        let start = format!("environment variable {name}: ");
        assert!(
            error.starts_with(&start) && error.contains(words),
            "{error}"
        );
    }
}

#[test]
fn no_error_warning_or_debug_output_holds_a_secret() {
    let secret = "hunter2";
    for known in KNOWN {
        // In a variable of its own: a secret in its place, or in a wrong one.
        let result = with(&[(known.name, secret)]);
        let said = match &result {
            Ok(ocean) => format!("{:?}{:?}", ocean.remarks.warnings, ocean.remarks.notes),
            Err(error) => format!("{error}{error:?}"),
        };
        assert!(!said.contains(secret), "{}: {said}", known.name);
        if known.fate == Fate::Secret {
            let debug = format!("{:?}", result.unwrap());
            assert!(!debug.contains(secret), "{}: {debug}", known.name);
        }
    }
    for section in ["OCEAN__PORT", "OCEAN__INTEGRATION__CONFIG", "OCEAN__SSL"] {
        for json in [
            r#"hunter2"#,
            r#"{"clientSecret": "hunter2""#,
            r#"{"githubToken": "hunter2", "clientSecret": "hunter2"}"#,
            r#"{"hunter2": {"hunter2": "hunter2"}, "port": {"verify": "hunter2"}}"#,
            r#"{"githubHost": "hunter2", "baseUrl": "https://hunter2:hunter2@x"}"#,
        ] {
            let least = with(&[(section, json)]);
            let alone = read(&[(section, json)]);
            for result in [least, alone] {
                let said = format!("{result:?}");
                assert!(!said.contains(secret), "{section}={json}: {said}");
            }
        }
    }
}

#[test]
fn what_goes_wrong_later_is_said_by_the_name_of_the_variable() {
    // Neither variable is set in this process, as it may happen to a secret that is mounted wrongly.
    let ocean = read(&[
        ("OCEAN__PORT__CLIENT_ID", "client"),
        ("ocean__port__client_secret", "x"),
        ("OCEAN__INTEGRATION__CONFIG__githubToken", "x"),
    ])
    .unwrap();
    let file = Path::new("host.toml");
    let token = resolve_installation(file, installation(&ocean)).unwrap_err();
    let secret = resolve_port(file, installation(&ocean), ocean.config.port.as_ref()).unwrap_err();
    for (error, variable) in [
        (token, "OCEAN__INTEGRATION__CONFIG__githubToken"),
        (secret, "ocean__port__client_secret"),
    ] {
        let text = ocean.remarks.name_variable(error).to_string();
        let start = format!("environment variable {variable}: ");
        assert!(text.starts_with(&start), "{text}");
        assert!(!text.contains("host.toml"), "{text}");
    }
    let other = || ConfigError::key(file, "runtime.threads", "no");
    assert_eq!(ocean.remarks.name_variable(other()), other());
}

#[test]
fn a_configuration_file_wins_and_says_so_only_where_there_is_something_to_win_over() {
    let one = |name: &str| vec![(name.to_owned(), "hunter2".to_owned())];
    let warning = not_read_beside_a_file(&one("ocean__port__client_id")).unwrap();
    assert!(
        warning.contains("ocean__port__client_id") && !warning.contains("hunter2"),
        "{warning}"
    );
    for other in ["APPLICATION__PORT", "OCEAN_VIEW", "PATH", "OCÉAN__X"] {
        assert_eq!(not_read_beside_a_file(&one(other)), None, "{other}");
    }
}

#[test]
fn the_documentation_says_of_every_variable_what_the_table_says() {
    let page = include_str!("../../../../docs/ocean.md");
    let mut documented: BTreeMap<&str, &str> = BTreeMap::new();
    for row in page.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let before = documented.insert(cells[1].trim_matches('`'), cells[2]);
        assert!(before.is_none(), "twice: {row}");
    }
    for known in KNOWN {
        let said = documented.remove(known.name).unwrap_or_default();
        let fits: &[&str] = match known.fate {
            Fate::Read | Fate::Secret => &["same", "differently"],
            Fate::NotNeeded => &["not needed"],
            Fate::Unsupported => &["not supported"],
        };
        assert!(fits.contains(&said), "{}: {said:?}", known.name);
    }
    assert!(documented.is_empty(), "unknown: {documented:?}");
}
