//! What an installation may start, where its operator says less than its credential reaches.
//!
//! The list is compared twice: with the names of a run, before it is taken, and with those that GitHub gives back, before
//! anything is sent. A repository that was renamed or moved answers under its old name too, and a display name may be that
//! of any file; what counts is what would be started.

use crate::contract::ocean::integration_action::types::Failure;
use crate::names::{self, Workflow};

/// The code of what is not allowed.
pub const REFUSED: &str = "not-allowed";

/// Stands for any name in a rule.
const ANY: &str = "*";

/// The operator's list. Without one, whatever the credential reaches may be started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Allowed(Option<Vec<Rule>>);

/// Workflows that may be started: `owner/repository`, or `owner/repository/workflow`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule {
    owner: String,
    repository: String,
    workflow: String,
}

impl Allowed {
    /// Reads the list.
    ///
    /// # Errors
    /// The first rule that allows nothing whatever runs ask for.
    pub fn of<T: AsRef<str>>(rules: &[T]) -> Result<Self, String> {
        let rules: Result<Vec<Rule>, String> = rules
            .iter()
            .map(|rule| Rule::parse(rule.as_ref()).ok_or_else(|| rule.as_ref().to_owned()))
            .collect();
        rules.map(|rules| Self(Some(rules)))
    }

    /// Whether this workflow may be started. Of one that has only its display name, it is its repository that counts.
    ///
    /// # Errors
    /// `not-allowed`.
    pub fn check(&self, owner: &str, repository: &str, workflow: &Workflow) -> Result<(), Failure> {
        let name = match workflow {
            Workflow::DisplayName(_) => None,
            named => Some(named.text()),
        };
        let fits = |rule: &Rule| rule.fits(owner, repository, name.as_deref());
        match &self.0 {
            Some(rules) if !rules.iter().any(fits) => Err(Failure::invalid(
                REFUSED,
                format!(
                    "This installation may not start `{}` of {owner}/{repository}: its operator has not allowed it.",
                    workflow.text()
                ),
                "Choose another workflow, or ask the operator to add this one to the setting `may-start`.",
            )),
            _ => Ok(()),
        }
    }
}

impl Rule {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('/');
        let (owner, repository) = (parts.next()?, parts.next()?);
        let workflow = parts.next().unwrap_or(ANY);
        let is_one = parts.next().is_none()
            && (owner == ANY || names::is_owner(owner))
            && (repository == ANY || names::is_repository(repository))
            && (workflow == ANY
                || matches!(
                    Workflow::parse(workflow),
                    Ok(Workflow::File(_) | Workflow::Id(_))
                ));
        is_one.then(|| Self {
            owner: owner.to_owned(),
            repository: repository.to_owned(),
            workflow: workflow.to_owned(),
        })
    }

    /// GitHub tells owners and repositories apart without regard to case, and files with it.
    fn fits(&self, owner: &str, repository: &str, workflow: Option<&str>) -> bool {
        let is = |rule: &str, name: &str| rule == ANY || rule.eq_ignore_ascii_case(name);
        is(&self.owner, owner)
            && is(&self.repository, repository)
            && workflow.is_none_or(|name| self.workflow == ANY || self.workflow == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may(rules: &[&str], owner: &str, repository: &str, workflow: &str) -> bool {
        let workflow = Workflow::parse(workflow).unwrap();
        let allowed = Allowed::of(rules).unwrap();
        allowed.check(owner, repository, &workflow).is_ok()
    }

    #[test]
    fn without_a_list_everything_may_be_started_and_with_an_empty_one_nothing() {
        let file = Workflow::File("deploy.yml".into());
        assert_eq!(Allowed::default().check("acme", "shop", &file), Ok(()));
        assert!(!may(&[], "acme", "shop", "deploy.yml"));
    }

    #[test]
    fn a_rule_allows_a_repository_one_of_its_workflows_or_those_of_an_owner() {
        for (rule, allowed, refused) in [
            ("acme/shop", "acme/shop/deploy.yml", "acme/api/deploy.yml"),
            (
                "acme/shop/deploy.yml",
                "acme/shop/deploy.yml",
                "acme/shop/drop.yml",
            ),
            ("acme/shop/7", "acme/shop/7", "acme/shop/8"),
            ("acme/*", "acme/api/deploy.yml", "globex/api/deploy.yml"),
            (
                "*/shop/deploy.yml",
                "globex/shop/deploy.yml",
                "globex/shop/drop.yml",
            ),
        ] {
            let parts = |text: &str| -> [String; 3] {
                let all: Vec<String> = text.split('/').map(str::to_owned).collect();
                all.try_into().unwrap()
            };
            let [owner, repository, workflow] = parts(allowed);
            assert!(may(&[rule], &owner, &repository, &workflow), "{allowed}");
            let [owner, repository, workflow] = parts(refused);
            assert!(!may(&[rule], &owner, &repository, &workflow), "{refused}");
        }
    }

    #[test]
    fn case_counts_in_the_names_of_files_only() {
        assert!(may(&["acme/shop/a.yml"], "ACME", "Shop", "a.yml"));
        assert!(!may(&["acme/shop/a.yml"], "acme", "shop", "A.yml"));
    }

    #[test]
    fn what_can_be_no_rule_is_told() {
        for rule in [
            "",
            "acme",
            "acme/",
            "acme/shop/",
            "acme/shop/a.yml/b",
            "acme/../shop",
            "acme/shop/Deploy",
            "a*/shop",
        ] {
            assert_eq!(Allowed::of(&[rule]), Err(rule.to_owned()));
        }
    }
}
