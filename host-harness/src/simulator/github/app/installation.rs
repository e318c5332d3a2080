//! One installation of the App: on which account, with which repositories and permissions.

use std::collections::BTreeMap;
use std::time::SystemTime;

/// What every installation grants unless it says otherwise.
pub(super) const DEFAULT_PERMISSIONS: [(&str, &str); 3] = [
    ("actions", "write"),
    ("contents", "read"),
    ("metadata", "read"),
];

/// Permission names and their levels.
pub(super) type Permissions = BTreeMap<String, String>;

/// The App on one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppInstallation {
    pub(super) account: String,
    pub(super) organization: bool,
    pub(super) id: Option<u64>,
    pub(super) suspended: bool,
    pub(super) repositories: Option<Vec<String>>,
    pub(super) permissions: Permissions,
}

impl AppInstallation {
    /// On all repositories of an organization, with `actions: write`, `contents: read` and `metadata: read`.
    #[must_use]
    pub fn on(account: impl Into<String>) -> Self {
        Self {
            account: account.into(),
            organization: true,
            id: None,
            suspended: false,
            repositories: None,
            permissions: DEFAULT_PERMISSIONS
                .into_iter()
                .map(|(name, level)| (name.to_owned(), level.to_owned()))
                .collect(),
        }
    }

    /// The account is a person's.
    #[must_use]
    pub fn of_user(mut self) -> Self {
        self.organization = false;
        self
    }

    /// The installation's id. Default: counted from [`Options::installation_id`](super::super::Options::installation_id).
    #[must_use]
    pub fn id(mut self, id: u64) -> Self {
        self.id = Some(id);
        self
    }

    /// Suspended from the start.
    #[must_use]
    pub fn suspended(mut self) -> Self {
        self.suspended = true;
        self
    }

    /// Only these repositories of the account, by name.
    #[must_use]
    pub fn selected<I: IntoIterator<Item = S>, S: Into<String>>(mut self, names: I) -> Self {
        self.repositories = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// Grants a permission at this level (`read`, `write`, `admin`).
    #[must_use]
    pub fn permission(mut self, name: impl Into<String>, level: impl Into<String>) -> Self {
        self.permissions.insert(name.into(), level.into());
        self
    }

    /// Does not grant this permission. `metadata: read` is always granted.
    #[must_use]
    pub fn without_permission(mut self, name: &str) -> Self {
        if name != "metadata" {
            self.permissions.remove(name);
        }
        self
    }
}

/// An installation that exists.
#[derive(Debug, Clone)]
pub(in super::super) struct Installed {
    pub(super) id: u64,
    pub(super) definition: AppInstallation,
    pub(super) created_at: SystemTime,
    pub(super) updated_at: SystemTime,
    pub(super) suspended_at: Option<SystemTime>,
}

impl Installed {
    pub(super) fn is_on(&self, account: &str) -> bool {
        self.definition.account.eq_ignore_ascii_case(account)
    }

    /// Whether the installation reaches a repository of its account.
    pub(super) fn selects(&self, name: &str) -> bool {
        self.definition
            .repositories
            .as_ref()
            .is_none_or(|names| names.iter().any(|one| one.eq_ignore_ascii_case(name)))
    }

    /// As answers name it.
    pub(super) fn selection(&self) -> &'static str {
        if self.definition.repositories.is_some() {
            "selected"
        } else {
            "all"
        }
    }
}

/// `write` includes `read`, `admin` includes both.
pub(super) fn grants(permissions: &Permissions, name: &str, level: &str) -> bool {
    permissions
        .get(name)
        .is_some_and(|granted| rank(level) <= rank(granted))
}

fn rank(level: &str) -> u8 {
    match level {
        "read" => 1,
        "write" => 2,
        "admin" => 3,
        _ => u8::MAX,
    }
}
