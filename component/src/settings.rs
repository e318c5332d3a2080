//! The settings that an operator gives an installation, as the manifest lists them.

use crate::allowed::Allowed;
use crate::contract::ocean::integration_action::types::{Failure, Installation, Setting};
use crate::json::{self, Members};

/// What an installation's settings say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The most inputs that the server takes for one workflow run.
    pub max_inputs: usize,
    /// How long to look for a run whose id the server did not tell, in milliseconds.
    pub discovery_ms: u64,
    /// Whether to send again when nothing tells what became of an earlier try.
    pub resend_after_ambiguous: bool,
    /// The login under which the host's credential acts.
    pub actor: Option<String>,
    /// Which workflows may be started.
    pub may_start: Allowed,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_inputs: 25,
            discovery_ms: 60_000,
            resend_after_ambiguous: false,
            actor: None,
            may_start: Allowed::default(),
        }
    }
}

/// The settings as the manifest declares them. Their names are the keys that [`Settings::of`] takes.
#[must_use]
pub fn declared() -> Vec<Setting> {
    let settings = [
        (
            "max-inputs",
            "The most inputs that the server takes: 25 on github.com, 10 on servers from before December 2025.",
            r#"{"type":"integer","minimum":1,"maximum":1000,"default":25}"#,
        ),
        (
            "discovery-seconds",
            "How long to look for a run when the server does not tell its id.",
            r#"{"type":"integer","minimum":1,"maximum":90,"default":60}"#,
        ),
        (
            "resend-after-ambiguous",
            "Whether to start the workflow once more when the outcome of an earlier try is unknown and no run of it \
             can be found. It may then run twice.",
            r#"{"type":"boolean","default":false}"#,
        ),
        (
            "actor",
            "The login under which this installation's credential acts, such as `port-app[bot]`. Tells its runs \
             from those of other people when the server does not tell a run's id.",
            r#"{"type":["string","null"],"default":null}"#,
        ),
        (
            "may-start",
            "The workflows that this installation may start: `owner/repository`, or `owner/repository/workflow` with the \
             name of a file or an id; `*` stands for any name. Without it, all that its credential reaches.",
            r#"{"type":["array","null"],"items":{"type":"string"},"default":null}"#,
        ),
    ];
    let setting = |(name, description, schema): (&str, &str, &str)| Setting {
        name: name.to_owned(),
        description: description.to_owned(),
        schema: schema.to_owned(),
    };
    settings.map(setting).to_vec()
}

impl Settings {
    /// Reads an installation's settings.
    ///
    /// # Errors
    /// `invalid-settings` for an unknown key or a value that its schema does not allow.
    pub fn of(installation: &Installation) -> Result<Self, Failure> {
        let text =
            json::compact(&installation.settings).map_err(|error| invalid(&error.to_string()))?;
        let members = Members::of(&text).ok_or_else(|| invalid("they must be a JSON object"))?;
        let mut settings = Self::default();
        for (key, value) in &members.0 {
            let value = *value;
            match &**key {
                "max-inputs" => settings.max_inputs = within(key, value, 1..=1000)? as usize,
                "discovery-seconds" => settings.discovery_ms = within(key, value, 1..=90)? * 1000,
                "resend-after-ambiguous" => {
                    settings.resend_after_ambiguous = match value {
                        "true" => true,
                        "false" => false,
                        _ => return Err(invalid("`resend-after-ambiguous` must be true or false")),
                    }
                }
                "actor" if value == "null" => settings.actor = None,
                "actor" => match json::as_string(value).filter(|login| !login.trim().is_empty()) {
                    Some(login) => settings.actor = Some(login),
                    None => {
                        return Err(invalid("`actor` must be a login: a text that is not empty"));
                    }
                },
                "may-start" if value == "null" => settings.may_start = Allowed::default(),
                "may-start" => settings.may_start = may_start(value)?,
                unknown => return Err(invalid(&format!("there is no setting `{unknown}`"))),
            }
        }
        Ok(settings)
    }
}

fn within(key: &str, value: &str, range: std::ops::RangeInclusive<u64>) -> Result<u64, Failure> {
    value
        .parse()
        .ok()
        .filter(|number| range.contains(number))
        .ok_or_else(|| {
            invalid(&format!(
                "`{key}` must be a whole number from {} to {}",
                range.start(),
                range.end()
            ))
        })
}

fn may_start(value: &str) -> Result<Allowed, Failure> {
    let rules: Option<Vec<String>> =
        json::elements(value).and_then(|all| all.into_iter().map(json::as_string).collect());
    let rules = rules.ok_or_else(|| invalid("`may-start` must be a list of texts"))?;
    Allowed::of(&rules).map_err(|rule| {
        invalid(&format!(
            "in `may-start`, `{rule}` is no `owner/repository` and no `owner/repository/workflow`"
        ))
    })
}

fn invalid(why: &str) -> Failure {
    Failure::invalid(
        "invalid-settings",
        format!("The settings of this installation are not valid: {why}."),
        "Correct the installation's plugin settings. Known are: max-inputs, discovery-seconds, \
         resend-after-ambiguous, actor, may-start.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::installation;

    fn read(text: &str) -> Result<Settings, Failure> {
        Settings::of(&Installation {
            settings: text.into(),
            ..installation()
        })
    }

    #[test]
    fn without_settings_the_defaults_hold() {
        assert_eq!(read("{}"), Ok(Settings::default()));
    }

    #[test]
    fn every_setting_is_read() {
        let text = r#"{"max-inputs":10,"discovery-seconds":5,"resend-after-ambiguous":true,"actor":"app[bot]","may-start":["acme/*"]}"#;
        let expected = Settings {
            max_inputs: 10,
            discovery_ms: 5000,
            resend_after_ambiguous: true,
            actor: Some("app[bot]".into()),
            may_start: Allowed::of(&["acme/*"]).unwrap(),
        };
        assert_eq!(read(text), Ok(expected));
    }

    #[test]
    fn an_unknown_key_or_a_wrong_type_is_named() {
        for (text, named) in [
            (r#"{"max-input":1}"#, "max-input"),
            (r#"{"max-inputs":"25"}"#, "max-inputs"),
            (r#"{"max-inputs":0}"#, "max-inputs"),
            (r#"{"discovery-seconds":1.5}"#, "discovery-seconds"),
            (
                r#"{"resend-after-ambiguous":"true"}"#,
                "resend-after-ambiguous",
            ),
            (r#"{"actor":""}"#, "actor"),
            (r#"{"may-start":"acme/shop"}"#, "may-start"),
            (r#"{"may-start":[7]}"#, "may-start"),
            (r#"{"may-start":["acme"]}"#, "`acme`"),
            (r#"{"actor":"a","actor":"b"}"#, "/actor"),
            ("[]", "object"),
            ("", "JSON"),
        ] {
            let failure = read(text).unwrap_err();
            assert_eq!(failure.code, "invalid-settings", "{text}");
            assert!(
                failure.message.contains(named),
                "{text}: {}",
                failure.message
            );
        }
    }

    #[test]
    fn what_the_manifest_declares_is_what_is_read() {
        for setting in declared() {
            let schema = Members::of(&setting.schema).unwrap();
            let text = json::object([(setting.name.as_str(), schema.get("default").unwrap())]);
            assert_eq!(read(&text), Ok(Settings::default()), "{text}");
        }
    }
}
