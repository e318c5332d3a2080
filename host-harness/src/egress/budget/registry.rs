//! Whose budget is whose: installations that send with the same credential to the same origin have one in common.

use super::Budget;
use crate::credentials::Credential;
use crate::egress::Origin;
use crate::installation::Installation;
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The budgets of a host, by credential and origin. Made where installations are put together, and only needed there.
#[derive(Debug, Default)]
pub struct Budgets {
    /// By a digest, so that no secret is kept here.
    known: BTreeMap<[u8; 32], Arc<Budget>>,
}

impl Budgets {
    /// Gives an installation the budget that belongs to its credential. One that may send nothing keeps its own.
    #[must_use]
    pub fn share(&mut self, installation: Installation) -> Installation {
        let Some(key) = installation
            .origin()
            .map(|origin| key(origin, installation.credential()))
        else {
            return installation;
        };
        let budget = self.known.entry(key).or_default().clone();
        installation.with_budget(budget)
    }
}

/// What stands for a credential at an origin. Anonymous requests are one credential: servers count them by address.
fn key(origin: &Origin, credential: &Credential) -> [u8; 32] {
    let mut digest = Sha256::new();
    digest.update(origin.to_string());
    // No origin holds a line break.
    match credential {
        Credential::None => {}
        Credential::Token(token) => {
            digest.update(b"\ntoken ");
            digest.update(token.expose_secret());
        }
        Credential::App(app) => {
            digest.update(b"\napp ");
            digest.update(app.budget_name());
        }
    }
    digest.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contract;
    use crate::egress::Policy;
    use crate::ingress::WebhookSecret;
    use secrecy::SecretString;

    fn installation(url: &str, token: Option<&str>) -> Installation {
        let public: contract::Installation = Installation::nobody().public().clone();
        let policy = Policy::only(Origin::of(&url.parse().unwrap()).unwrap());
        let credential = token.map_or(Credential::None, |token| {
            Credential::Token(SecretString::from(token))
        });
        Installation::new(public, policy, credential, WebhookSecret::Missing)
    }

    fn are_one(one: (&str, Option<&str>), other: (&str, Option<&str>)) -> bool {
        let mut budgets = Budgets::default();
        let one = budgets.share(installation(one.0, one.1));
        let other = budgets.share(installation(other.0, other.1));
        Arc::ptr_eq(one.budget(), other.budget())
    }

    #[test]
    fn installations_share_a_budget_exactly_if_credential_and_origin_are_the_same() {
        let a = ("https://api.example", Some("token-a"));
        assert!(are_one(a, a));
        assert!(are_one(a, ("https://API.example:443/x", Some("token-a"))));
        assert!(!are_one(a, ("https://api.example", Some("token-b"))));
        assert!(!are_one(a, ("https://other.example", Some("token-a"))));
        assert!(!are_one(a, ("https://api.example", None)));
        assert!(are_one(
            ("https://api.example", None),
            ("https://api.example", None)
        ));
    }

    #[test]
    fn who_may_send_nothing_shares_nothing() {
        let mut budgets = Budgets::default();
        let one = budgets.share(Installation::nobody());
        let other = budgets.share(Installation::nobody());
        assert!(!Arc::ptr_eq(one.budget(), other.budget()));
    }

    #[test]
    fn no_secret_is_kept_or_shown() {
        let mut budgets = Budgets::default();
        let _ = budgets.share(installation("https://api.example", Some("hunter2")));
        assert!(!format!("{budgets:?}").contains("hunter2"));
    }
}
