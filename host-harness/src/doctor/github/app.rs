//! A GitHub App: where it is installed, and what it may do there. Decisions, and the questions that they need.

use super::client::{Answer, Asker, GitHub};
use crate::credentials::{GitHubApp, Scope};
use crate::doctor::finding::Finding;
use serde::Deserialize;
use std::collections::BTreeMap;

pub(super) const INSTALLED: &str = "github.app-installed";
pub(super) const PERMISSIONS: &str = "github.permissions";

/// What runs need: to start and follow them, and to find the repository.
const NEEDED: [(&str, &str); 2] = [("actions", "write"), ("metadata", "read")];

/// The App, as `GET /app` shows it.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AppObject {
    pub(super) slug: String,
    #[serde(default)]
    pub(super) events: Vec<String>,
}

/// One of its installations.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Installed {
    pub(super) account: AccountObject,
    suspended_at: Option<serde::de::IgnoredAny>,
    #[serde(default)]
    permissions: BTreeMap<String, String>,
}

/// Where.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct AccountObject {
    pub(super) login: String,
    #[serde(rename = "type")]
    kind: Option<String>,
}

impl AccountObject {
    pub(super) fn is_organization(&self) -> bool {
        self.kind.as_deref() == Some("Organization")
    }
}

impl Installed {
    pub(super) fn is_suspended(&self) -> bool {
        self.suspended_at.is_some()
    }
}

/// The installations that requests may be sent for. Err: a finding that says why they cannot be seen.
pub(super) async fn installations(
    github: &GitHub<'_>,
    app: &GitHubApp,
) -> Result<Vec<Installed>, Finding> {
    let paths = match app.scope() {
        Scope::Organization(login) => vec![
            format!("/orgs/{login}/installation"),
            format!("/users/{login}/installation"),
        ],
        Scope::Installation(id) => vec![format!("/app/installations/{id}")],
        Scope::AnyInstallation => vec!["/app/installations?per_page=100".to_owned()],
    };
    for path in paths {
        let asked = github.get(&Asker::Itself, &path).await;
        let answer = asked.map_err(|trouble| unseen(&trouble.to_string()))?;
        match answer.status {
            404 => {}
            200 => return read(&answer, app.scope()).ok_or_else(|| unseen("no installation came")),
            _ => return Err(unseen(&format!("GitHub answered {}", answer.words()))),
        }
    }
    Ok(vec![])
}

fn read(answer: &Answer, scope: &Scope) -> Option<Vec<Installed>> {
    match scope {
        Scope::AnyInstallation => answer.read(),
        Scope::Organization(_) | Scope::Installation(_) => answer.read().map(|one| vec![one]),
    }
}

fn unseen(why: &str) -> Finding {
    Finding::not_known(INSTALLED, why, "run this again")
}

/// Whether the App is installed where it has to be.
pub(super) fn installed(scope: &Scope, found: &[Installed]) -> Finding {
    let login = |one: &Installed| one.account.login.clone();
    let (suspended, live): (Vec<_>, Vec<_>) = found.iter().partition(|one| one.is_suspended());
    let names = |of: Vec<&Installed>| of.into_iter().map(login).collect::<Vec<_>>().join(", ");
    let install = "have an owner install the App there, with access to the repositories (the App's page, under \
                   Install App)";
    let unsuspend = "have an owner unsuspend it in the settings, under installed GitHub Apps";
    match (live.is_empty(), suspended.is_empty()) {
        (false, true) => Finding::ok(
            INSTALLED,
            format!("the App is installed for {}", names(live)),
        ),
        (false, false) => Finding::warning(
            INSTALLED,
            format!(
                "the App is installed for {}, and suspended for {}",
                names(live),
                names(suspended)
            ),
            unsuspend,
        ),
        (true, false) => Finding::wrong(
            INSTALLED,
            format!("the App is suspended for {}", names(suspended)),
            unsuspend,
        ),
        (true, true) => {
            let says = match scope {
                Scope::Organization(login) => format!("the App is not installed for {login}"),
                Scope::Installation(id) => format!("the App has no installation {id}"),
                Scope::AnyInstallation => "the App is installed nowhere".to_owned(),
            };
            Finding::wrong(INSTALLED, says, install)
        }
    }
}

/// Whether it may do there what runs need. `narrowed`: the only permissions that its tokens get, if that is configured.
pub(super) fn permissions(found: &[Installed], narrowed: &BTreeMap<String, String>) -> Finding {
    let live = found.iter().filter(|one| !one.is_suspended());
    let lacking: Vec<String> = live
        .filter_map(|one| {
            let missing = missing(&one.permissions);
            (!missing.is_empty())
                .then(|| format!("{} for {}", missing.join(", "), one.account.login))
        })
        .collect();
    if !lacking.is_empty() {
        return Finding::wrong(
            PERMISSIONS,
            format!("the App lacks {}", lacking.join("; ")),
            "add it in the App's settings, under Permissions & events; then an owner of the organization has to accept it",
        );
    }
    let left_out = match narrowed.is_empty() {
        true => vec![],
        // Every token may read metadata.
        false => missing(narrowed)
            .into_iter()
            .filter(|name| !name.starts_with("metadata"))
            .collect(),
    };
    if !left_out.is_empty() {
        return Finding::wrong(
            PERMISSIONS,
            format!("its tokens get no {}", left_out.join(", ")),
            "add it to credential.app.permissions, or remove that key",
        );
    }
    Finding::ok(PERMISSIONS, "the App may write actions and read metadata")
}

/// What of the needed permissions is not among these.
fn missing(granted: &BTreeMap<String, String>) -> Vec<String> {
    let rank = |level: &str| match level {
        "read" => 1,
        "write" => 2,
        "admin" => 3,
        _ => 0,
    };
    let has = |name: &str, level: &str| {
        let given = granted.get(name);
        given.is_some_and(|given| rank(given) >= rank(level))
    };
    NEEDED
        .into_iter()
        .filter(|(name, level)| !has(name, level))
        .map(|(name, level)| format!("{name}: {level}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use serde_json::json;

    fn on(login: &str, suspended: bool, actions: &str) -> Installed {
        let since = suspended.then_some("2026-01-01T00:00:00Z");
        serde_json::from_value(json!({
            "account": {"login": login, "type": "Organization"},
            "suspended_at": since,
            "permissions": {"actions": actions, "metadata": "read"},
        }))
        .unwrap()
    }

    #[test]
    fn one_installation_that_works_is_enough_where_any_may_be_used() {
        let any = &Scope::AnyInstallation;
        let (good, bad) = (on("acme", false, "write"), on("globex", true, "write"));
        assert_eq!(installed(any, std::slice::from_ref(&good)).state, State::Ok);
        assert_eq!(installed(any, &[good, bad.clone()]).state, State::Warning);
        assert_eq!(installed(any, &[bad]).state, State::Wrong);
        assert_eq!(installed(any, &[]).state, State::Wrong);
    }

    #[test]
    fn every_installation_that_works_needs_the_permissions() {
        let none = BTreeMap::new();
        let found = [on("acme", false, "write"), on("globex", false, "read")];
        let finding = permissions(&found, &none);
        assert_eq!(finding.state, State::Wrong);
        assert_eq!(finding.says, "the App lacks actions: write for globex");
        let found = [on("acme", false, "write"), on("globex", true, "read")];
        assert_eq!(permissions(&found, &none).state, State::Ok);
    }

    #[test]
    fn a_configuration_can_leave_out_too_much() {
        let found = [on("acme", false, "write")];
        let narrowed = |level: &str| BTreeMap::from([("actions".to_owned(), level.to_owned())]);
        assert_eq!(permissions(&found, &narrowed("write")).state, State::Ok);
        assert_eq!(permissions(&found, &narrowed("read")).state, State::Wrong);
    }
}
