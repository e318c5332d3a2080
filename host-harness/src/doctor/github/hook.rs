//! One webhook: what it should be, and what it is. Decisions only.

use super::place::{HookId, Place};
use super::repair::Repair;
use super::webhook::{ACTIVE, CONTENT_TYPE, EVENTS, SIGNED, URL};
use crate::doctor::finding::Finding;
use jiff::Timestamp;
use serde::Deserialize;
use url::Url;

/// What a webhook for an installation has to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The URLs that it may have, the one to give it first; none unless somebody has said where the outside reaches the
    /// listener.
    pub(super) urls: Vec<String>,
    /// What the path of one ends with that has moved, or whose URL cannot be judged. It names the installation: a path that
    /// others have too must not make their hooks ours.
    pub(super) path: String,
    /// What the plugin wants to hear.
    pub(super) events: Vec<String>,
    /// Whether there is a secret here that it can be given.
    pub(super) has_secret: bool,
    /// Whether deliveries are accepted that nobody has signed.
    pub(super) takes_unsigned: bool,
}

impl Wanted {
    /// Whether a hook goes to this installation for certain.
    pub(super) fn has(&self, hook: &Hook) -> bool {
        self.urls.contains(&hook.url)
    }
}

/// A webhook that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hook {
    pub(super) id: HookId,
    pub(super) url: String,
    content_type: String,
    is_signed: bool,
    checks_certificates: bool,
    pub(super) events: Vec<String>,
    /// Not told of an App's.
    active: Option<bool>,
    /// Not told of an App's.
    pub(super) updated_at: Option<Timestamp>,
}

/// A hook's settings, as GitHub shows them.
#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Config {
    url: Option<String>,
    content_type: Option<String>,
    /// Shown as `********`, if there is one.
    secret: Option<String>,
    /// Text or number.
    insecure_ssl: Option<serde_json::Value>,
}

/// A hook of a repository or an organization, as GitHub shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Object {
    id: u64,
    active: bool,
    #[serde(default)]
    events: Vec<String>,
    config: Config,
    #[serde(default, deserialize_with = "super::client::moment")]
    updated_at: Option<Timestamp>,
}

impl Hook {
    /// A repository's or an organization's.
    pub(super) fn of(place: Place, object: Object) -> Hook {
        Hook {
            active: Some(object.active),
            updated_at: object.updated_at,
            ..Hook::with(
                HookId::new(place, Some(object.id)),
                object.config,
                object.events,
            )
        }
    }

    /// The App's.
    pub(super) fn of_app(config: Config, events: Vec<String>) -> Hook {
        Hook::with(HookId::new(Place::App, None), config, events)
    }

    fn with(id: HookId, config: Config, events: Vec<String>) -> Hook {
        let insecure = config.insecure_ssl.map(|value| match value {
            serde_json::Value::String(text) => text,
            other => other.to_string(),
        });
        Hook {
            id,
            url: config.url.unwrap_or_default(),
            // GitHub's default.
            content_type: config.content_type.unwrap_or_else(|| "form".to_owned()),
            is_signed: config.secret.is_some_and(|secret| !secret.is_empty()),
            checks_certificates: insecure.as_deref() != Some("1"),
            events,
            active: None,
            updated_at: None,
        }
    }

    fn hears(&self, event: &str) -> bool {
        self.events.iter().any(|one| one == event || one == "*")
    }

    /// Where it goes, without what may be secret in a URL.
    pub(super) fn goes_to(&self) -> String {
        match Url::parse(&self.url) {
            Ok(mut url) => {
                // A URL that cannot have one has none.
                let _ = url.set_username("");
                let _ = url.set_password(None);
                url.set_query(None);
                url.set_fragment(None);
                super::client::shortened(url.as_str())
            }
            Err(_) => "nowhere".to_owned(),
        }
    }
}

/// The hooks that are for this installation: those with its URL, or else those with its path.
pub(super) fn ours<'h>(found: &'h [Hook], wanted: &Wanted) -> Vec<&'h Hook> {
    let exact: Vec<&Hook> = found.iter().filter(|hook| wanted.has(hook)).collect();
    if !exact.is_empty() {
        return exact;
    }
    let has_path = |hook: &&Hook| {
        Url::parse(&hook.url).is_ok_and(|url| {
            let path = url.path().trim_end_matches('/');
            path.ends_with(&wanted.path)
        })
    };
    found.iter().filter(has_path).collect()
}

/// How a hook differs from what it has to be, and what can be changed about it from here.
pub(super) fn judge(hook: &Hook, wanted: &Wanted) -> (Vec<Finding>, Vec<Repair>) {
    let lacking = lacking(hook, wanted);
    let is_of_app = hook.id.place == Place::App;
    let findings = vec![
        url(hook, wanted),
        active(hook),
        events(&lacking, &wanted.events, is_of_app),
        content_type(hook),
        signed(hook, wanted),
    ];
    let configure = Repair::Configure {
        hook: hook.id.clone(),
        url: (!wanted.has(hook))
            .then(|| wanted.urls.first().cloned())
            .flatten(),
        content_type: hook.content_type != "json",
        secret: !hook.is_signed && wanted.has_secret,
    };
    let edit = Repair::Edit {
        hook: hook.id.clone(),
        events: (!lacking.is_empty()).then(|| {
            let all = hook.events.iter().cloned().chain(lacking.iter().cloned());
            all.collect()
        }),
        activate: hook.active == Some(false),
    };
    let repairs = [Some(configure), (!is_of_app).then_some(edit)];
    let repairs = repairs.into_iter().flatten().filter(Repair::does_anything);
    (findings, repairs.collect())
}

fn lacking(hook: &Hook, wanted: &Wanted) -> Vec<String> {
    let lacking = wanted.events.iter().filter(|event| !hook.hears(event));
    lacking.cloned().collect()
}

const FIX: &str = "run this again with --fix";

fn url(hook: &Hook, wanted: &Wanted) -> Finding {
    let goes_to = hook.goes_to();
    match wanted.urls.first() {
        Some(url) if !wanted.has(hook) => {
            let says = format!("it goes to {goes_to}, and not to {url}");
            Finding::wrong(URL, says, FIX)
        }
        _ if !hook.checks_certificates => Finding::warning(
            URL,
            format!("it goes to {goes_to}, and GitHub does not check the certificate there"),
            "enable SSL verification in the hook's settings",
        ),
        Some(_) => Finding::ok(URL, format!("it goes to {goes_to}")),
        None => Finding::not_known(
            URL,
            format!("it goes to {goes_to}, and whether that is this host cannot be told"),
            "say with --public-url where the outside reaches the listener",
        ),
    }
}

fn active(hook: &Hook) -> Finding {
    match hook.active {
        Some(true) => Finding::ok(ACTIVE, "it is active"),
        Some(false) => Finding::wrong(ACTIVE, "it is switched off, and sends nothing", FIX),
        None => Finding::not_known(
            ACTIVE,
            "GitHub tells nobody whether an App's webhook is active",
            "look in the App's settings, under Webhook",
        ),
    }
}

fn events(lacking: &[String], wanted: &[String], is_of_app: bool) -> Finding {
    if lacking.is_empty() {
        return Finding::ok(EVENTS, format!("it hears of {}", wanted.join(", ")));
    }
    let says = format!("it does not hear of {}", lacking.join(", "));
    let mend = if is_of_app {
        "subscribe to them in the App's settings, under Permissions & events: no request can"
    } else {
        FIX
    };
    Finding::wrong(EVENTS, says, mend)
}

fn content_type(hook: &Hook) -> Finding {
    match hook.content_type.as_str() {
        "json" => Finding::ok(CONTENT_TYPE, "it sends JSON"),
        other => Finding::wrong(
            CONTENT_TYPE,
            format!(
                "it sends the content type {:?}",
                super::client::shortened(other)
            ),
            "run this again with --fix, or set it to application/json in the hook's settings",
        ),
    }
}

fn signed(hook: &Hook, wanted: &Wanted) -> Finding {
    if hook.is_signed {
        return Finding::ok(SIGNED, "it signs its deliveries");
    }
    let says = "it has no secret, so its deliveries are not signed";
    if wanted.takes_unsigned {
        Finding::warning(
            SIGNED,
            says,
            "give it a secret, and this installation the same",
        )
    } else if wanted.has_secret {
        Finding::wrong(SIGNED, says, FIX)
    } else {
        Finding::wrong(
            SIGNED,
            says,
            "set webhook-secret here, then run this again with --fix",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use serde_json::json;

    const HERE: &str = "https://h.example/webhooks/acme";

    fn wanted(url: Option<&str>) -> Wanted {
        Wanted {
            urls: url.map(str::to_owned).into_iter().collect(),
            path: "/webhooks/acme".to_owned(),
            events: vec!["workflow_run".to_owned(), "workflow_job".to_owned()],
            has_secret: true,
            takes_unsigned: false,
        }
    }

    fn hook(id: u64, url: &str) -> Hook {
        let object = json!({
            "id": id, "active": true, "events": ["workflow_run", "workflow_job"],
            "config": {"url": url, "content_type": "json", "insecure_ssl": "0", "secret": "********"},
        });
        Hook::of(
            Place::Organization("acme".to_owned()),
            serde_json::from_value(object).unwrap(),
        )
    }

    fn ids(hooks: &[&Hook]) -> Vec<Option<u64>> {
        hooks.iter().map(|hook| hook.id.id).collect()
    }

    #[test]
    fn the_hook_with_our_url_is_preferred_to_one_with_our_path() {
        let found = [
            hook(1, "https://other.example/webhooks/acme"),
            hook(2, HERE),
            hook(3, "https://h.example/webhooks/globex"),
        ];
        assert_eq!(ids(&ours(&found, &wanted(Some(HERE)))), [Some(2)]);
        assert_eq!(ids(&ours(&found, &wanted(None))), [Some(1), Some(2)]);
        assert_eq!(
            ids(&ours(&found[..1], &wanted(Some(HERE)))),
            [Some(1)],
            "it has moved"
        );
        assert!(ours(&found[2..], &wanted(Some(HERE))).is_empty());
    }

    #[test]
    fn a_good_hook_needs_no_repair() {
        let (findings, repairs) = judge(&hook(1, HERE), &wanted(Some(HERE)));
        assert!(
            findings.iter().all(|it| it.state == State::Ok),
            "{findings:?}"
        );
        assert_eq!(repairs, []);
    }

    #[test]
    fn a_hook_for_all_events_hears_of_ours() {
        let all = Hook {
            events: vec!["*".to_owned()],
            ..hook(1, HERE)
        };
        assert_eq!(judge(&all, &wanted(Some(HERE))).1, []);
    }

    #[test]
    fn repairs_name_what_is_changed_and_keep_other_events() {
        let broken = Hook {
            content_type: "form".to_owned(),
            is_signed: false,
            events: vec!["push".to_owned(), "workflow_run".to_owned()],
            active: Some(false),
            ..hook(1, "https://old.example/webhooks/acme")
        };
        let id = broken.id.clone();
        let (findings, repairs) = judge(&broken, &wanted(Some(HERE)));
        assert!(
            findings.iter().all(|it| it.state == State::Wrong),
            "{findings:?}"
        );
        assert_eq!(
            repairs,
            [
                Repair::Configure {
                    hook: id.clone(),
                    url: Some(HERE.to_owned()),
                    content_type: true,
                    secret: true,
                },
                Repair::Edit {
                    hook: id,
                    events: Some(vec![
                        "push".to_owned(),
                        "workflow_run".to_owned(),
                        "workflow_job".to_owned()
                    ]),
                    activate: true,
                },
            ]
        );
    }

    #[test]
    fn without_a_secret_here_none_is_set_and_none_taken_away() {
        let mut wanted = wanted(Some(HERE));
        wanted.has_secret = false;
        let unsigned = Hook {
            is_signed: false,
            ..hook(1, HERE)
        };
        let (findings, repairs) = judge(&unsigned, &wanted);
        assert_eq!(repairs, []);
        assert!(findings.iter().any(|it| it.state == State::Wrong));
    }

    #[test]
    fn what_may_be_secret_in_a_url_is_not_shown() {
        let shown = hook(
            1,
            "https://u:hunter2@h.example/webhooks/acme?token=hunter3#x",
        )
        .goes_to();
        assert_eq!(shown, HERE);
        assert_eq!(hook(1, "").goes_to(), "nowhere");
    }

    #[test]
    fn certificates_that_nobody_checks_are_worth_a_word() {
        let object = json!({
            "id": 1, "active": true, "events": ["*"],
            "config": {"url": HERE, "content_type": "json", "insecure_ssl": 1, "secret": "********"},
        });
        let place = Place::Organization("acme".to_owned());
        let hook = Hook::of(place, serde_json::from_value(object).unwrap());
        let (findings, repairs) = judge(&hook, &wanted(Some(HERE)));
        assert_eq!(findings.first().map(|it| it.state), Some(State::Warning));
        assert_eq!(repairs, []);
    }
}
