//! What a test does with the App.

use secrecy::ExposeSecret as _;

use super::super::super::lock;
use super::super::GitHub;
use super::AppInstallation;

impl GitHub {
    /// The App's id, one of the two issuers that its JWTs may name.
    #[must_use]
    pub fn app_id(&self) -> u64 {
        self.api.options.app_id
    }

    /// The App's client id, the other one.
    #[must_use]
    pub fn app_client_id(&self) -> String {
        self.api.options.app_client_id.clone()
    }

    /// The App's private key as PEM, as its owner has downloaded it.
    #[must_use]
    pub fn app_private_key(&self) -> String {
        self.api.options.app_private_key.expose_secret().to_owned()
    }

    /// Installs the App, in place of an earlier installation on the same account, and says the installation's id.
    pub fn add_app_installation(&self, installation: AppInstallation) -> u64 {
        let now = self.api.now();
        lock(&self.api.app).install(installation, now)
    }

    /// Takes the App off an account: its tokens there get 401 from now on. `false` if it was not installed there.
    pub fn uninstall(&self, account: &str) -> bool {
        lock(&self.api.app).uninstall(account)
    }

    /// Suspends the installation on an account: it is given no token, and its tokens get 403. `false` if there is none.
    pub fn suspend(&self, account: &str) -> bool {
        let now = self.api.now();
        lock(&self.api.app).suspend(account, true, now)
    }

    /// Ends the suspension; tokens that are not over yet work again. `false` if there is no such installation.
    pub fn unsuspend(&self, account: &str) -> bool {
        let now = self.api.now();
        lock(&self.api.app).suspend(account, false, now)
    }

    /// Revokes all installation tokens that have been minted for an account so far: 401 `Bad credentials` from now on.
    /// Says how many that were.
    pub fn revoke_app_tokens(&self, account: &str) -> usize {
        lock(&self.api.app).revoke_tokens(account)
    }

    /// How many installation tokens have been minted for an account, all its installations together.
    #[must_use]
    pub fn app_tokens_minted(&self, account: &str) -> usize {
        lock(&self.api.app).minted_for(account)
    }
}
