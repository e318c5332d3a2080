//! Which variable of Ocean means what here. `docs/ocean.md` says the same to people; a test compares the two.

/// What becomes of a variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its value is used.
    Read,
    /// It holds a secret: the configuration refers to the variable and never holds the value.
    Secret,
    /// What it asks for is always so here.
    NotNeeded,
    /// It has no counterpart: named in a warning.
    Unsupported,
}

/// A variable that Ocean knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// The name as Ocean's documentation spells it.
    pub name: &'static str,
    /// What becomes of it.
    pub fate: Fate,
}

/// Names of the variables whose values are used, so that a misspelt one is an error of the compiler.
pub(super) mod names {
    pub const PORT_CLIENT_ID: &str = "OCEAN__PORT__CLIENT_ID";
    pub const PORT_CLIENT_SECRET: &str = "OCEAN__PORT__CLIENT_SECRET";
    pub const PORT_BASE_URL: &str = "OCEAN__PORT__BASE_URL";
    pub const IDENTIFIER: &str = "OCEAN__INTEGRATION__IDENTIFIER";
    pub const TYPE: &str = "OCEAN__INTEGRATION__TYPE";
    pub const GITHUB_HOST: &str = "OCEAN__INTEGRATION__CONFIG__GITHUB_HOST";
    pub const GITHUB_TOKEN: &str = "OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN";
    pub const GITHUB_ORGANIZATION: &str = "OCEAN__INTEGRATION__CONFIG__GITHUB_ORGANIZATION";
    pub const GITHUB_APP_ID: &str = "OCEAN__INTEGRATION__CONFIG__GITHUB_APP_ID";
    pub const GITHUB_APP_PRIVATE_KEY: &str = "OCEAN__INTEGRATION__CONFIG__GITHUB_APP_PRIVATE_KEY";
    pub const WEBHOOK_SECRET: &str = "OCEAN__INTEGRATION__CONFIG__WEBHOOK_SECRET";
    pub const LEGACY_TRACKING: &str =
        "OCEAN__INTEGRATION__CONFIG__LEGACY_DISPATCH_WORKFLOW_TRACKING";
    pub const BASE_URL: &str = "OCEAN__BASE_URL";
    pub const PATH_PREFIX: &str = "OCEAN__PATH_PREFIX";
    pub const ACTIONS_ENABLED: &str = "OCEAN__ACTIONS_PROCESSOR__ENABLED";
    pub const HIGH_WATERMARK: &str = "OCEAN__ACTIONS_PROCESSOR__RUNS_BUFFER_HIGH_WATERMARK";
    pub const VISIBILITY_TIMEOUT: &str = "OCEAN__ACTIONS_PROCESSOR__VISIBILITY_TIMEOUT_MS";
    pub const POLL_INTERVAL: &str = "OCEAN__ACTIONS_PROCESSOR__POLL_CHECK_INTERVAL_SECONDS";
    pub const WORKERS: &str = "OCEAN__ACTIONS_PROCESSOR__WORKERS_COUNT";
    pub const BUFFER_PERCENT: &str =
        "OCEAN__ACTIONS_PROCESSOR__MAX_RUNS_BUFFER_UTIL_PCT_PER_ACTION";
    pub const SHUTDOWN: &str = "OCEAN__MAX_WAIT_SECONDS_BEFORE_SHUTDOWN";
    pub const LISTENER: &str = "OCEAN__EVENT_LISTENER__TYPE";
    pub const VERIFY_PORT: &str = "OCEAN__SSL__PORT__VERIFY";
    pub const VERIFY_THIRD_PARTY: &str = "OCEAN__SSL__THIRD_PARTY__VERIFY";
    pub const APPLICATION_PORT: &str = "APPLICATION__PORT";
    pub const LOG_LEVEL: &str = "APPLICATION__LOG_LEVEL";
}

const fn known(name: &'static str, fate: Fate) -> Known {
    Known { name, fate }
}

/// Every variable that is looked at, and those without counterpart that are documented.
pub(super) const KNOWN: &[Known] = &[
    known(names::PORT_CLIENT_ID, Fate::Read),
    known(names::PORT_CLIENT_SECRET, Fate::Secret),
    known(names::PORT_BASE_URL, Fate::Read),
    known("OCEAN__PORT__PORT_APP_CONFIG_CACHE_TTL", Fate::Unsupported),
    known(names::IDENTIFIER, Fate::Read),
    known(names::TYPE, Fate::Read),
    known(names::GITHUB_HOST, Fate::Read),
    known(names::GITHUB_TOKEN, Fate::Secret),
    known(names::GITHUB_ORGANIZATION, Fate::Read),
    known(names::GITHUB_APP_ID, Fate::Read),
    known(names::GITHUB_APP_PRIVATE_KEY, Fate::Secret),
    known(names::WEBHOOK_SECRET, Fate::Secret),
    known(names::LEGACY_TRACKING, Fate::NotNeeded),
    known(
        "OCEAN__INTEGRATION__CONFIG__SKIP_WEBHOOK_PATCHING",
        Fate::NotNeeded,
    ),
    known(
        "OCEAN__INTEGRATION__CONFIG__RESYNC_RATELIMIT_RESERVATION_THRESHOLD",
        Fate::Unsupported,
    ),
    known(names::BASE_URL, Fate::Read),
    known(names::PATH_PREFIX, Fate::Read),
    known(names::ACTIONS_ENABLED, Fate::Read),
    known(names::HIGH_WATERMARK, Fate::Read),
    known(names::VISIBILITY_TIMEOUT, Fate::Read),
    known(names::POLL_INTERVAL, Fate::Read),
    known(names::WORKERS, Fate::Read),
    known(names::BUFFER_PERCENT, Fate::Read),
    known(names::SHUTDOWN, Fate::Read),
    known("OCEAN__MAX_EVENT_PROCESSING_SECONDS", Fate::Unsupported),
    known("OCEAN__EVENT_WORKERS_COUNT", Fate::Unsupported),
    known("OCEAN__CLIENT_TIMEOUT", Fate::Unsupported),
    known(names::LISTENER, Fate::Read),
    known("OCEAN__EVENT_LISTENER__INTERVAL", Fate::Unsupported),
    known("OCEAN__EVENT_LISTENER__RESYNC_ON_START", Fate::Unsupported),
    known(names::VERIFY_PORT, Fate::Read),
    known(names::VERIFY_THIRD_PARTY, Fate::Read),
    known("OCEAN__SSL__PORT__X509__STRICT", Fate::Unsupported),
    known("OCEAN__SSL__THIRD_PARTY__X509__STRICT", Fate::Unsupported),
    known(names::APPLICATION_PORT, Fate::Read),
    known(names::LOG_LEVEL, Fate::Read),
];

/// The name by which spellings are compared. Ocean takes names in any case, and its configuration keys are written in
/// camelCase in files and JSON, and in SNAKE_CASE in the environment: `githubToken` is `GITHUB_TOKEN`.
pub(super) fn canonical(name: &str) -> String {
    let parts: Vec<String> = name
        .split("__")
        .map(|part| part.replace('_', "").to_ascii_lowercase())
        .collect();
    parts.join("__")
}

/// The variable of a canonical name.
pub(super) fn find(canonical_name: &str) -> Option<&'static Known> {
    KNOWN
        .iter()
        .find(|known| canonical(known.name) == canonical_name)
}

/// Whether variables lie below this canonical name, so that it may hold them all as one JSON object.
pub(super) fn is_section(canonical_name: &str) -> bool {
    let below = format!("{canonical_name}__");
    KNOWN
        .iter()
        .any(|known| canonical(known.name).starts_with(&below))
}

/// How much a part of a name has to resemble another one to be taken for it misspelt.
const LIKENESS: f64 = 0.85;
/// How long a key has to be to be recognized in a wrong place: `github_token` is, `enabled` may be anything.
const TELLING: usize = 8;

/// The variable that an unknown name was probably meant to be: its last part and those before both resemble, or the
/// last part is right and only the place is wrong.
pub(super) fn meant(unknown: &str) -> Option<&'static str> {
    let unknown = canonical(unknown);
    let (section, key) = place_and_key(&unknown)?;
    KNOWN
        .iter()
        .filter(|known| matches!(known.fate, Fate::Read | Fate::Secret))
        .filter_map(|known| {
            let name = canonical(known.name);
            let (known_section, known_key) = place_and_key(&name)?;
            let key_likeness = strsim::jaro_winkler(key, known_key);
            let likeness = key_likeness.min(strsim::jaro_winkler(section, known_section));
            let is_misplaced = key == known_key && key.len() >= TELLING;
            (likeness > LIKENESS || is_misplaced).then_some((likeness, known.name))
        })
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, name)| name)
}

/// The last part of a canonical name, and those before it without Ocean's own.
fn place_and_key(canonical_name: &str) -> Option<(&str, &str)> {
    let (place, key) = canonical_name.rsplit_once("__")?;
    Some((place.strip_prefix("ocean").unwrap_or(place), key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_name_is_the_same_variable() {
        for name in [
            "OCEAN__INTEGRATION__CONFIG__GITHUB_TOKEN",
            "ocean__integration__config__github_token",
            "Ocean__Integration__Config__githubToken",
        ] {
            assert_eq!(find(&canonical(name)).unwrap().name, names::GITHUB_TOKEN);
        }
    }

    #[test]
    fn no_two_variables_are_the_same_in_another_spelling() {
        let mut canonical: Vec<String> = KNOWN.iter().map(|k| canonical(k.name)).collect();
        canonical.sort_unstable();
        canonical.dedup();
        assert_eq!(canonical.len(), KNOWN.len());
        assert!(canonical.iter().all(|name| !is_section(name)));
    }

    #[test]
    fn a_misspelt_name_is_recognized_and_a_foreign_one_is_not() {
        for (unknown, meant_name) in [
            (
                "OCEAN__INTEGRATION__CONFIG__GITHUB_TOKN",
                names::GITHUB_TOKEN,
            ),
            (
                "OCEAN__INTEGRATION__CONFIG__GITHUB_ORG",
                names::GITHUB_ORGANIZATION,
            ),
            (
                "OCEAN__INTEGRATION__SECRETS__GITHUB_TOKEN",
                names::GITHUB_TOKEN,
            ),
            ("OCEAN__GITHUB_TOKEN", names::GITHUB_TOKEN),
            ("OCEAN__LOG_LEVEL", names::LOG_LEVEL),
            ("OCEAN__ACTION_PROCESSOR__WORKER_COUNT", names::WORKERS),
            ("OCEAN__PORT__CLIENTID_", names::PORT_CLIENT_ID),
        ] {
            assert_eq!(meant(unknown), Some(meant_name), "{unknown}");
        }
        for foreign in [
            "OCEAN__METRICS__ENABLED",
            "OCEAN__STREAMING__ENABLED",
            "OCEAN__INITIALIZE_PORT_RESOURCES",
            "OCEAN__LIVE_EVENTS__REDIS__URL",
            "OCEAN__PROCESSING_MODE",
            "OCEAN__RUNTIME",
        ] {
            assert_eq!(meant(foreign), None, "{foreign}");
        }
    }
}
