//! One installation at run time: what a guest may know of it, and what only the host knows.

use crate::contract::{self, Hosting};
use crate::credentials::Credential;
use crate::egress::{Budget, Cache, Exceptions, Origin, Permits, Policy};
use crate::engine::Limits;
use crate::ingress::WebhookSecret;
use crate::scrub::Spellings;
use crate::transport::Trust;
use std::borrow::Cow;
use std::sync::Arc;

/// One customer's connection between Port and one server.
///
/// What a guest sees of it is the contract's `installation` record, which has no room for a secret. The rest stays
/// on this side: where requests may go, which credential they get, how deliveries are verified.
#[derive(Debug)]
pub struct Installation {
    /// What guests are shown.
    public: contract::Installation,
    policy: Policy,
    credential: Credential,
    webhook_secret: WebhookSecret,
    /// What is blotted out, besides the tokens that an App gets.
    secrets: Secrets,
    limits: Limits,
    budget: Arc<Budget>,
    cache: Arc<Cache>,
    exceptions: Arc<Exceptions>,
    trust: Trust,
    permits: Permits,
}

/// Secrets that are known from the start.
struct Secrets {
    token: Arc<Spellings>,
    webhook: Spellings,
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[secrets]")
    }
}

impl Installation {
    /// Puts an installation together. `policy` says where its requests may go. It has a budget of its own; see
    /// [`Installation::with_budget`].
    pub fn new(
        public: contract::Installation,
        policy: Policy,
        credential: Credential,
        webhook_secret: WebhookSecret,
    ) -> Installation {
        let secrets = Secrets {
            token: Arc::new(match &credential {
                Credential::Token(token) => Spellings::of(token),
                Credential::App(_) | Credential::None => Spellings::default(),
            }),
            webhook: match &webhook_secret {
                WebhookSecret::Verify(secret) => Spellings::of(secret),
                WebhookSecret::Missing | WebhookSecret::AcceptUnsigned => Spellings::default(),
            },
        };
        Installation {
            public,
            policy,
            secrets,
            credential,
            webhook_secret,
            limits: Limits::default(),
            budget: Arc::default(),
            cache: Arc::default(),
            exceptions: Arc::default(),
            trust: Trust::System,
            permits: Permits::default(),
        }
    }

    /// Limits its calls by these, and not by the defaults.
    #[must_use]
    pub fn with_limits(mut self, limits: Limits) -> Installation {
        self.limits = limits;
        self
    }

    /// Lets requests reach these networks beside public addresses.
    #[must_use]
    pub fn with_exceptions(mut self, exceptions: Exceptions) -> Installation {
        self.exceptions = Arc::new(exceptions);
        self
    }

    /// Says whose certificates count for the servers of this installation.
    #[must_use]
    pub fn with_trust(mut self, trust: Trust) -> Installation {
        self.trust = trust;
        self
    }

    /// Sets how many of its requests may be under way at once.
    #[must_use]
    pub fn with_permits(mut self, permits: Permits) -> Installation {
        self.permits = permits;
        self
    }

    /// Shares the budget of another installation that sends with the same credential.
    #[must_use]
    pub fn with_budget(mut self, budget: Arc<Budget>) -> Installation {
        self.budget = budget;
        self
    }

    /// An installation that may send nothing and has no secrets, for calls that are made for nobody.
    pub fn nobody() -> Installation {
        let public = contract::Installation {
            id: String::new(),
            hosting: Hosting::SelfHosted,
            organization: None,
            api_url: String::new(),
            live_events: false,
            settings: "{}".to_owned(),
        };
        Installation::new(
            public,
            Policy::nowhere(),
            Credential::None,
            WebhookSecret::Missing,
        )
    }

    /// Port's `installationId`.
    pub fn id(&self) -> &str {
        &self.public.id
    }

    /// What guests are shown.
    pub fn public(&self) -> &contract::Installation {
        &self.public
    }

    /// Where requests of this installation may go.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The origin that the credential is for.
    pub fn origin(&self) -> Option<&Origin> {
        self.policy.origin()
    }

    /// The credential that the host adds to requests.
    pub fn credential(&self) -> &Credential {
        &self.credential
    }

    /// What one call for this installation may use.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// The access token that is its credential, if it is one, in the spellings in which it must not come back.
    pub fn token_spellings(&self) -> &Arc<Spellings> {
        &self.secrets.token
    }

    /// What the server still lets this installation's credential do.
    pub fn budget(&self) -> &Arc<Budget> {
        &self.budget
    }

    /// What servers have answered this installation.
    pub fn cache(&self) -> &Arc<Cache> {
        &self.cache
    }

    /// The networks that requests may reach beside public addresses.
    pub fn exceptions(&self) -> &Arc<Exceptions> {
        &self.exceptions
    }

    /// Whose certificates count.
    pub fn trust(&self) -> &Trust {
        &self.trust
    }

    /// Room for requests at once.
    pub fn permits(&self) -> &Permits {
        &self.permits
    }

    /// How deliveries for this installation are verified.
    pub fn webhook_secret(&self) -> &WebhookSecret {
        &self.webhook_secret
    }

    /// Blots out every secret of this installation in a text that leaves the host, in all common spellings.
    pub fn scrub<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let text = self.secrets.token.blot(Cow::Borrowed(text));
        let text = self.secrets.webhook.blot(text);
        match &self.credential {
            Credential::App(app) => app.blot(text),
            Credential::Token(_) | Credential::None => text,
        }
    }

    /// The same in bytes that need not be text: those that are none stay as they are. A secret is text, so it stands
    /// within a piece of text.
    pub fn scrub_bytes<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        if let Ok(text) = std::str::from_utf8(bytes) {
            return match self.scrub(text) {
                Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
                Cow::Owned(text) => Cow::Owned(text.into_bytes()),
            };
        }
        let mut scrubbed = Vec::with_capacity(bytes.len());
        for chunk in bytes.utf8_chunks() {
            scrubbed.extend_from_slice(self.scrub(chunk.valid()).as_bytes());
            scrubbed.extend_from_slice(chunk.invalid());
        }
        Cow::Owned(scrubbed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::SecretString;

    #[test]
    fn a_secret_between_bytes_that_are_no_text_is_blotted_out_and_they_stay() {
        let installation = Installation::new(
            Installation::nobody().public,
            Policy::nowhere(),
            Credential::Token(SecretString::from("ghs_abc")),
            WebhookSecret::Missing,
        );
        assert_eq!(
            installation.scrub_bytes(b"\xff\xe2\x82ghs_abc\0\xfe"),
            b"\xff\xe2\x82[secret]\0\xfe".as_slice()
        );
        let plain = installation.scrub_bytes(b"plain");
        assert!(matches!(plain, Cow::Borrowed(b"plain")), "{plain:?}");
    }

    #[test]
    fn a_secret_is_blotted_out_of_any_text_and_never_shown_by_debug() {
        let installation = Installation::new(
            Installation::nobody().public,
            Policy::nowhere(),
            Credential::Token(SecretString::from("ghs_abc")),
            WebhookSecret::Verify(SecretString::from("hook-key")),
        );
        assert_eq!(
            installation.scrub("token ghs_abc, key hook-key, ghs_abc"),
            "token [secret], key [secret], [secret]"
        );
        let debug = format!("{installation:?}");
        assert!(
            !debug.contains("ghs_abc") && !debug.contains("hook-key"),
            "{debug}"
        );
    }
}
