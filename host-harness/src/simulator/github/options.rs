//! How the simulated GitHub is set up, and how a credential of it behaves.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, SystemTime};

use secrecy::SecretString;

use crate::clock;
use crate::network::Network;

use super::super::witness::Witness;

use super::app::{AppInstallation, AppTokenFormat, TEST_KEY_PKCS1};

/// Settings of [`GitHub`](super::GitHub). Every field has a default that is right for a test on loopback.
#[derive(Debug, Clone)]
pub struct Options {
    /// The network that it is on, and that its deliveries go over. Default: the machine's.
    pub network: Network,
    /// Who is shown every request. Default: nobody.
    pub witness: Witness,
    /// Address to listen on. Default: loopback, any free port.
    pub listen: SocketAddr,
    /// Tokens with `actions: write` that may administer webhooks too. Default: one installation token.
    pub tokens: Vec<String>,
    /// Tokens with `actions: read` only. Default: none.
    pub read_only_tokens: Vec<String>,
    /// Login that runs of these tokens carry as actor: `<slug>[bot]` for an App. Default: `ocean-runner[bot]`.
    pub token_login: String,
    /// `false` plays an older GitHub Enterprise Server that refuses `return_run_details`. Default: `true`.
    pub return_run_details_supported: bool,
    /// Answer every accepted dispatch with 204, as if run details had never been asked for. Default: `false`.
    pub always_204: bool,
    /// Requests per token and window. Default: 5,000, an installation's quota.
    pub rate_limit: u32,
    /// Length of a rate window. Default: one hour.
    pub rate_window: Duration,
    /// Status of the answer when the quota is used up: 403 or 429, the documentation allows both. Default: 403.
    pub rate_limit_status: u16,
    /// Requests that arrive this soon after a rate-limit answer were under way already and are no violation.
    /// Default: 250 ms.
    pub limit_grace: Duration,
    /// Factor on every duration of a workflow. Default: 1.
    pub time_scale: f64,
    /// How long a new run stays out of the run lists. Default: zero.
    pub list_lag: Duration,
    /// How long a new run answers 404 by id. Default: zero.
    pub fresh_run_lag: Duration,
    /// Percentage of the runs that this happens to; which ones depends on their ids. Default: 100.
    pub fresh_run_share: u8,
    /// How long a new branch answers `No ref found`. Default: zero.
    pub ref_lag: Duration,
    /// GitHub's clock minus ours, in seconds. Default: 0.
    pub clock_offset_seconds: i64,
    /// How long a webhook receiver may take. Default: 10 s; Enterprise Server allows 30 s.
    pub delivery_timeout: Duration,
    /// Base of links for people. Default: `https://github.com`.
    pub html_base: String,
    /// Id of the App, which the webhook deliveries come from too. Default: 900001.
    pub app_id: u64,
    /// Id of the App's first installation, and of the one that deliveries of accounts without an installation name.
    /// Default: 55000001.
    pub installation_id: u64,
    /// Client id of the App. Its JWTs may name this or the App's id as their issuer. Default: `Iv23liSimulatedApp01`.
    pub app_client_id: String,
    /// Short name of the App; runs that its installations start carry `<slug>[bot]` as actor. Default: `ocean-runner`.
    pub app_slug: String,
    /// The App's RSA key, PEM of PKCS#1 or PKCS#8; only its public half is used. Default: [`TEST_KEY_PKCS1`].
    ///
    /// [`TEST_KEY_PKCS1`]: super::TEST_KEY_PKCS1
    pub app_private_key: SecretString,
    /// What the App has subscribed to, and its webhook is for. Default: `workflow_job` and `workflow_run`.
    pub app_events: Vec<String>,
    /// Where the App is installed from the start. Default: nowhere.
    pub app_installations: Vec<AppInstallation>,
    /// How long an installation token lives. Default: one hour.
    pub app_token_life: Duration,
    /// How installation tokens look. Default: the long form.
    pub app_token_format: AppTokenFormat,
    /// Keep request, response and delivery bodies. Without them long load runs stay small, and nothing can be
    /// redelivered. Default: `true`.
    pub keep_bodies: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            network: Network::Machine,
            witness: Witness::default(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tokens: vec![installation_token('A')],
            read_only_tokens: Vec::new(),
            token_login: "ocean-runner[bot]".into(),
            return_run_details_supported: true,
            always_204: false,
            rate_limit: 5_000,
            rate_window: Duration::from_secs(3_600),
            rate_limit_status: 403,
            limit_grace: Duration::from_millis(250),
            time_scale: 1.0,
            list_lag: Duration::ZERO,
            fresh_run_lag: Duration::ZERO,
            fresh_run_share: 100,
            ref_lag: Duration::ZERO,
            clock_offset_seconds: 0,
            delivery_timeout: Duration::from_secs(10),
            html_base: "https://github.com".into(),
            app_id: 900_001,
            installation_id: 55_000_001,
            app_client_id: "Iv23liSimulatedApp01".into(),
            app_slug: "ocean-runner".into(),
            app_private_key: TEST_KEY_PKCS1.into(),
            app_events: ["workflow_job", "workflow_run"].map(str::to_owned).to_vec(),
            app_installations: Vec::new(),
            app_token_life: Duration::from_secs(3_600),
            app_token_format: AppTokenFormat::Stateless,
            keep_bodies: true,
        }
    }
}

impl Options {
    /// The time by GitHub's clock.
    pub(super) fn now(&self) -> SystemTime {
        let offset = Duration::from_secs(self.clock_offset_seconds.unsigned_abs());
        let now = clock::now();
        if self.clock_offset_seconds < 0 {
            now - offset
        } else {
            now + offset
        }
    }
}

/// A token in the shape of an installation token. Put together here so that no scanner takes it for a real one.
fn installation_token(letter: char) -> String {
    format!("ghs_{}", letter.to_string().repeat(36))
}

/// What a token may do at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Works.
    Valid,
    /// Its hour is over, or somebody revoked it: 401 `Bad credentials`.
    Expired,
}
