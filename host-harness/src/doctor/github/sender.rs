//! The checks up to the credential's rights: asking, and what follows from each answer for the next question.

use super::app::{self, AppObject, Installed};
use super::client::{Answer, Asked, Asker};
use super::{Case, reach, token};
use crate::clock;
use crate::config::CredentialConfig;
use crate::credentials::{Credential, GitHubApp, is_login};
use crate::doctor::finding::{Finding, skipped};
use std::collections::BTreeMap;

/// What of the credential matters for the webhook.
pub(super) struct Sender {
    /// What an App has subscribed to; none: no App.
    pub(super) events: Option<Vec<String>>,
    /// The organization whose hooks count.
    pub(super) organization: Option<String>,
}

impl Case<'_> {
    /// The checks of an App, up to its permissions. No sender: GitHub does not know the App.
    pub(super) async fn as_app(&self, app: &GitHubApp) -> (Vec<Finding>, Option<Sender>) {
        const REST: [&str; 4] = [
            reach::CLOCK,
            app::INSTALLED,
            app::PERMISSIONS,
            reach::BUDGET,
        ];
        let asked = self.github.get(&Asker::Itself, "/app").await;
        let (mut findings, first) = self.first(&asked, reach::app, &REST);
        let Some(first) = first else {
            return (findings, None);
        };
        findings.push(reach::clock(first.skew, true));
        let Some(object) = first.read::<AppObject>().filter(|_| first.is_success()) else {
            let rest = REST.get(1..).unwrap_or_default();
            findings.extend(skipped(rest, reach::CREDENTIAL));
            return (findings, None);
        };
        let found = match app::installations(&self.github, app).await {
            Ok(found) => found,
            Err(finding) => {
                findings.push(finding);
                vec![]
            }
        };
        if findings.iter().all(|it| it.check != app::INSTALLED) {
            findings.push(app::installed(app.scope(), &found));
        }
        let live: Vec<&Installed> = found.iter().filter(|one| !one.is_suspended()).collect();
        findings.extend(self.of_installations(&found, live.first().copied()).await);
        let only = match live.as_slice() {
            [one] if one.account.is_organization() => Some(one.account.login.clone()),
            _ => None,
        };
        let sender = Sender {
            events: Some(object.events),
            organization: self.organization().or(only),
        };
        (findings, Some(sender))
    }

    /// What an App may do where it is installed, and what is left of its limit there.
    async fn of_installations(
        &self,
        found: &[Installed],
        live: Option<&Installed>,
    ) -> Vec<Finding> {
        let Some(one) = live else {
            return skipped(&[app::PERMISSIONS, reach::BUDGET], app::INSTALLED);
        };
        let mut findings = vec![app::permissions(found, self.narrowed())];
        let asker = self.github.asker_for(&one.account.login);
        let limits = self.github.get(&asker, "/rate_limit").await;
        findings.push(self.budget(&limits));
        if let Some(name) = self.subject.repository {
            let path = format!("/repos/{name}");
            let asked = self
                .github
                .get(&self.github.asker_for(&name.owner), &path)
                .await;
            findings.push(token::repository(name, &asked).finding);
        }
        findings
    }

    /// The checks of a token, up to its permissions.
    pub(super) async fn as_token(&self) -> (Vec<Finding>, Option<Sender>) {
        const REST: [&str; 3] = [reach::CLOCK, app::PERMISSIONS, reach::BUDGET];
        let limits = self.github.get(&Asker::Configured, "/rate_limit").await;
        // An Enterprise Server whose limits are off has no such page, and says nothing about the token there.
        let meta = match &limits {
            Ok(answer) if answer.status == 404 => {
                Some(self.github.get(&Asker::Configured, "/meta").await)
            }
            _ => None,
        };
        let asked = meta.as_ref().unwrap_or(&limits);
        let is_anonymous = matches!(self.subject.installation.credential(), Credential::None);
        let judge = if is_anonymous {
            |_: &Answer| reach::no_credential()
        } else {
            reach::token
        };
        let (mut findings, first) = self.first(asked, judge, &REST);
        let Some(first) = first else {
            return (findings, None);
        };
        findings.push(reach::clock(first.skew, false));
        if is_anonymous || !first.is_success() {
            let rest = REST.get(1..).unwrap_or_default();
            findings.extend(skipped(rest, reach::CREDENTIAL));
            return (findings, None);
        }
        findings.extend(self.rights(first).await);
        findings.push(self.budget(&limits));
        let sender = Sender {
            events: None,
            organization: self.organization(),
        };
        (findings, Some(sender))
    }

    async fn rights(&self, first: &Answer) -> Vec<Finding> {
        let Some(name) = self.subject.repository else {
            return vec![token::rights(first, None, None)];
        };
        let path = format!("/repos/{name}");
        let seen = self.github.get(&Asker::Configured, &path).await;
        let seen = token::repository(name, &seen);
        let path = format!("/repos/{name}/actions/workflows?per_page=1");
        let workflows = self.github.get(&Asker::Configured, &path).await;
        let rights = token::rights(first, Some(&seen), Some(&workflows));
        vec![rights, seen.finding]
    }

    /// What the first answer tells. Without an answer from GitHub, the `rest` is not looked at.
    fn first<'a>(
        &self,
        asked: &'a Asked,
        judge: impl FnOnce(&Answer) -> Finding,
        rest: &[&'static str],
    ) -> (Vec<Finding>, Option<&'a Answer>) {
        let reached = reach::reached(self.github.api(), asked);
        let is_reached = reached.remedy.is_none();
        let mut findings = vec![reached];
        match asked {
            Ok(answer) if is_reached => {
                findings.push(judge(answer));
                (findings, Some(answer))
            }
            _ => {
                findings.extend(skipped(&[reach::CREDENTIAL], reach::REACHABLE));
                findings.extend(skipped(rest, reach::REACHABLE));
                (findings, None)
            }
        }
    }

    fn budget(&self, limits: &Asked) -> Finding {
        let now = i64::try_from(clock::timestamp() / 1000).unwrap_or(i64::MAX);
        reach::budget(limits, self.subject.rate_threshold, now)
    }

    fn narrowed(&self) -> &BTreeMap<String, String> {
        const NONE: &BTreeMap<String, String> = &BTreeMap::new();
        match &self.subject.config.credential {
            Some(CredentialConfig::App(app)) => &app.permissions,
            Some(CredentialConfig::Token(_)) | None => NONE,
        }
    }

    /// The organization of the configuration, if it can be one of GitHub's.
    fn organization(&self) -> Option<String> {
        let configured = self.subject.config.organization.clone();
        configured.filter(|login| is_login(login))
    }
}
