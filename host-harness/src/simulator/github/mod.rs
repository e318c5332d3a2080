//! A simulated GitHub: the part of its REST API that dispatching and following workflow runs needs, and webhooks.
//!
//! Operation names for [`Fault`]: `dispatch`, `get-repository`, `list-runs`, `get-run`,
//! `get-attempt`, `list-jobs`, `get-job`, `list-annotations`, `get-workflow`, `list-workflows`, `switch-workflow`,
//! `cancel`, `rerun`, `get-ref`, `get-contents`, `list-environments`, `get-user`, `app`, `app-installations`,
//! `app-installation`, `app-token`, `rate-limit`, `meta`, `versions`, `unknown`; and for the webhooks of repositories,
//! organizations and the App alike `list-hooks`,
//! `create-hook`, `get-hook`, `update-hook`, `delete-hook`, `get-hook-config`, `update-hook-config`, `ping-hook`,
//! `list-deliveries`, `get-delivery`, `redeliver`.
//!
//! There is one GitHub App ([`Options::app_id`]), installed where [`GitHub::add_app_installation`] says. It proves
//! itself with a JWT and is given installation tokens. Tokens of [`Options::tokens`] need no App and reach every
//! repository. Stricter than github.com: an installation token sees no repository of another account, not even a
//! public one.
//!
//! Webhooks are made over REST, for a repository or an organization, or by [`GitHub::add_webhook`], for the App. All of
//! them get deliveries of `workflow_run` and `workflow_job`, and those made over REST a `ping`; they can be for other
//! events, but nothing else happens here. Kinder than github.com: a URL on loopback is allowed. Where several App hooks
//! were added, `/app/hook/config` is about the first, `/app/hook/deliveries` about all.
//!
//! Not simulated: `push` events, and with them `POST …/hooks/{id}/tests`; suspending and uninstalling the App over REST
//! (use [`GitHub::suspend`], [`GitHub::uninstall`]), tokens of people, several keys of one App, GraphQL, logs and
//! artifacts, TLS (so that `insecure_ssl` is only kept and read back), and secondary limits by counting (inject
//! [`secondary_limit`]).

mod answers;
mod app;
mod deliveries;
mod dispatch;
mod endpoint;
mod errors;
mod files;
mod gate;
mod hooks;
mod life;
mod listing;
mod lists;
mod objects;
mod options;
mod repository;
mod run;
mod run_object;
mod service;
mod view;
mod world;

#[cfg(test)]
mod tests;

pub use app::{AppInstallation, AppTokenFormat, TEST_KEY_PKCS1, TEST_KEY_PKCS8};
pub use deliveries::{DeliveryEffect, DeliveryFault, DeliveryView, StruckDelivery};
pub use endpoint::OPERATIONS;
pub use errors::{
    bad_gateway, not_found, primary_limit, secondary_limit, server_error,
    server_error_after_processing,
};
pub use hooks::signature;
pub use life::Phase;
pub use options::{Options, Standing};
pub use repository::{Input, Repository, Workflow};
pub use view::RunView;

use std::collections::BTreeMap;
use std::io;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::fault::{Fault, Faults, Injected};
use super::lock;
use super::recording::{Exchange, Recording};
use super::server::Running;
use app::App;
use deliveries::DeliveryFaults;
use gate::Gate;
use hooks::{Config, Hook, Target};
use objects::Bases;
use run::NewRun;
use view::view;
use world::World;

/// How often a waiting test looks again when nothing has changed.
const TICK: Duration = Duration::from_millis(20);

/// A running simulated GitHub. Clones are handles to the same one; it stops with the last of them.
#[derive(Debug, Clone)]
pub struct GitHub {
    api: Api,
    running: Arc<Running>,
}

#[derive(Debug, Clone)]
struct Api(Arc<State>);

impl Deref for Api {
    type Target = Arc<State>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

#[derive(Debug)]
struct State {
    options: Options,
    recording: Recording,
    faults: Faults,
    delivery_faults: Mutex<DeliveryFaults>,
    gate: Mutex<Gate>,
    /// Locked after the world and before the gate by whoever needs both.
    app: Mutex<App>,
    world: Mutex<World>,
    /// Locked after the world, and before the log of deliveries.
    hooks: Mutex<Vec<Hook>>,
    /// The last queued delivery of each run and hook, so that the next one waits for it.
    lanes: Mutex<BTreeMap<(u64, u64), oneshot::Receiver<()>>>,
    deliveries: Mutex<Vec<DeliveryView>>,
    struck_deliveries: Mutex<Vec<StruckDelivery>>,
    client: hooks::Client,
    counter: AtomicU64,
    changed: watch::Sender<u64>,
}

impl State {
    fn change(&self) {
        self.changed.send_modify(|count| *count += 1);
    }

    fn next(&self) -> u64 {
        self.counter.fetch_add(1, Ordering::SeqCst) + 1
    }

    /// Looks like a GUID of GitHub's, comes from a counter.
    fn guid(&self) -> String {
        let number = self.next();
        format!(
            "{:08x}-51a7-11f1-8{:03x}-{number:012x}",
            0x6f00_0000_u64 + number,
            number % 0x1000
        )
    }

    fn hook_id(&self) -> u64 {
        470_000_000 + self.next()
    }

    fn delivery_id(&self) -> u64 {
        180_000_000_000 + self.next()
    }
}

impl GitHub {
    /// Starts a simulated GitHub without any repository.
    ///
    /// # Errors
    /// When the address cannot be bound, or the App's key cannot be used.
    pub async fn start(options: Options) -> io::Result<Self> {
        let app = App::new(&options)?;
        let (api, running) = Running::start(&options.network.clone(), options.listen, |address| {
            let bases = Bases {
                api: format!("http://{address}"),
                html: options.html_base.clone(),
            };
            Ok(Api(Arc::new(State {
                recording: Recording::new("github", options.keep_bodies, options.witness.clone())?,
                faults: Faults::default(),
                delivery_faults: Mutex::default(),
                gate: Mutex::new(Gate::new(&options)),
                app: Mutex::new(app.at(&bases.api)),
                world: Mutex::new(World::new(bases)),
                hooks: Mutex::default(),
                lanes: Mutex::default(),
                deliveries: Mutex::default(),
                struck_deliveries: Mutex::default(),
                client: hooks::client(options.network.clone()),
                counter: AtomicU64::new(0),
                changed: watch::Sender::new(0),
                options,
            })))
        })
        .await?;
        Ok(Self {
            api,
            running: Arc::new(running),
        })
    }

    /// Base URL of the API.
    #[must_use]
    pub fn api_url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// A token that may dispatch; empty if the options gave none.
    #[must_use]
    pub fn token(&self) -> String {
        self.api.options.tokens.first().cloned().unwrap_or_default()
    }

    /// A further token with a quota of its own: whether it may write, the login its runs carry, requests per window.
    pub fn add_token_with_quota(&self, token: &str, write: bool, login: &str, limit: u32) {
        lock(&self.api.gate).add(token, write, login, limit);
    }

    /// A further token: whether it may write, the login its runs carry, its own quota.
    pub fn add_token(&self, token: &str, write: bool, login: &str) {
        lock(&self.api.gate).add(token, write, login, self.api.options.rate_limit);
    }

    /// A further token of the classic kind: every answer to it shows its scopes, and with `repo` among them it may write.
    pub fn add_classic_token(&self, token: &str, login: &str, scopes: &str) {
        let write = scopes.split(',').any(|scope| scope.trim() == "repo");
        self.add_token(token, write, login);
        lock(&self.api.gate).set_scopes(token, scopes);
    }

    /// Lets a token expire, or brings it back. `false` if there is no such token.
    pub fn set_standing(&self, token: &str, standing: Standing) -> bool {
        lock(&self.api.app).set_standing(token, standing)
            || lock(&self.api.gate).set_standing(token, standing)
    }

    /// Leaves a token this many requests until the end of its window; an installation's tokens share them. `false` if
    /// there is no such token.
    pub fn set_remaining(&self, token: &str, remaining: u32) -> bool {
        let key = self.api.quota_key(token);
        lock(&self.api.gate).set_remaining(&key, remaining, self.api.now())
    }

    /// Adds a repository and says its id.
    pub fn add_repository(&self, repository: Repository) -> u64 {
        let now = self.api.now();
        lock(&self.api.world).add_repository(repository, now)
    }

    /// Renames a repository: the old name redirects from now on. `false` if there is none of that name.
    pub fn rename_repository(&self, owner: &str, name: &str, new_name: &str) -> bool {
        lock(&self.api.world).rename(owner, name, new_name)
    }

    /// Archives a repository, or brings it back.
    pub fn set_archived(&self, owner: &str, name: &str, archived: bool) -> bool {
        let mut world = lock(&self.api.world);
        let bases = world.bases.clone();
        let Some(record) = world.repository_mut(owner, name) else {
            return false;
        };
        record.definition.archived = archived;
        record.refresh(&bases);
        true
    }

    /// Adds a branch now; it is invisible for [`Options::ref_lag`].
    pub fn add_branch(&self, owner: &str, name: &str, branch: &str) -> bool {
        let now = self.api.now();
        let mut world = lock(&self.api.world);
        let Some(record) = world.repository_mut(owner, name) else {
            return false;
        };
        record.branches.push((branch.to_owned(), now));
        true
    }

    /// Sends `workflow_run` and `workflow_job` events of every repository to that URL (plain HTTP), signed if there
    /// is a secret. Says the hook's id.
    pub fn add_webhook(&self, url: impl Into<String>, secret: Option<String>) -> u64 {
        self.add_webhook_for(url, secret, ["workflow_run", "workflow_job"])
    }

    /// The same for chosen events.
    pub fn add_webhook_for<I: IntoIterator<Item = S>, S: Into<String>>(
        &self,
        url: impl Into<String>,
        secret: Option<String>,
        events: I,
    ) -> u64 {
        let events = events.into_iter().map(Into::into).collect();
        self.hook(None, url.into(), secret, events)
    }

    /// The same for the repositories of one owner, as an App that is installed there gets them. Says the hook's id.
    pub fn add_webhook_of(
        &self,
        owner: &str,
        url: impl Into<String>,
        secret: Option<String>,
    ) -> u64 {
        self.add_webhook_of_events(owner, url, secret, ["workflow_run", "workflow_job"])
    }

    /// The same for chosen events.
    pub fn add_webhook_of_events<I: IntoIterator<Item = S>, S: Into<String>>(
        &self,
        owner: &str,
        url: impl Into<String>,
        secret: Option<String>,
        events: I,
    ) -> u64 {
        let events = events.into_iter().map(Into::into).collect();
        self.hook(Some(owner.to_owned()), url.into(), secret, events)
    }

    fn hook(
        &self,
        owner: Option<String>,
        url: String,
        secret: Option<String>,
        events: Vec<String>,
    ) -> u64 {
        let id = self.api.hook_id();
        let now = self.api.now();
        lock(&self.api.hooks).push(Hook {
            id,
            target: Target::App(owner),
            config: Config::json(url, secret),
            events,
            active: true,
            created_at: now,
            updated_at: now,
        });
        id
    }

    /// Removes a hook; what is under way still arrives.
    pub fn remove_webhook(&self, id: u64) {
        lock(&self.api.hooks).retain(|hook| hook.id != id);
    }

    /// Injects a fault into the API.
    pub fn inject(&self, fault: Fault) -> Injected {
        self.api.faults.inject(fault)
    }

    /// Injects a fault into the deliveries.
    pub fn inject_delivery(&self, fault: DeliveryFault) -> Injected {
        lock(&self.api.delivery_faults).inject(fault)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.api.faults.clear();
        lock(&self.api.delivery_faults).clear();
    }

    /// Every exchange so far, in the order in which answers were decided.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.api.recording.exchanges()
    }

    /// The exchanges that are wanted, without copying the others.
    #[must_use]
    pub fn exchanges_that(&self, wanted: impl Fn(&Exchange) -> bool) -> Vec<Exchange> {
        self.api.recording.exchanges_that(wanted)
    }

    /// How many requests of that operation came, without copying them.
    #[must_use]
    pub fn count(&self, operation: &str) -> usize {
        self.api.recording.count(operation)
    }

    /// Everything that a correct client would not have done.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.api.recording.violations()
    }

    /// Forgets exchanges, violations and deliveries; runs stay.
    pub fn clear_log(&self) {
        self.api.recording.clear();
        lock(&self.api.deliveries).clear();
    }

    /// All runs, oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<RunView> {
        let world = lock(&self.api.world);
        world
            .runs
            .values()
            .filter_map(|run| view(&world, run))
            .collect()
    }

    /// One run.
    #[must_use]
    pub fn run(&self, id: u64) -> Option<RunView> {
        let world = lock(&self.api.world);
        world.runs.get(&id).and_then(|run| view(&world, run))
    }

    /// Starts a run that our client did not ask for: another person's, or of another event. `None` if there is no
    /// such workflow.
    pub fn start_foreign_run(
        &self,
        owner: &str,
        repo: &str,
        workflow: &str,
        event: &str,
        actor: &str,
    ) -> Option<u64> {
        let new = {
            let world = lock(&self.api.world);
            let record = world.repository(owner, repo)?;
            NewRun {
                repository: record.id,
                workflow: record.find_workflow(workflow)?.id,
                event: event.to_owned(),
                branch: record.definition.default_branch.clone(),
                inputs: BTreeMap::new(),
                actor: actor.to_owned(),
            }
        };
        self.api.create_run(new)
    }

    /// Moves a run forward. `false` if it is already there or beyond.
    pub fn advance(&self, run_id: u64, phase: Phase) -> bool {
        self.api.advance(run_id, &phase, None)
    }

    /// Ends a run, through `in_progress` if it was not running yet.
    pub fn finish(&self, run_id: u64, conclusion: &str) -> bool {
        self.api.advance(run_id, &Phase::InProgress, None);
        self.api
            .advance(run_id, &Phase::Completed(conclusion.to_owned()), None)
    }

    /// From now on the run moves only by [`advance`](Self::advance) and [`finish`](Self::finish).
    pub fn hold(&self, run_id: u64) -> bool {
        self.api.hold(run_id)
    }

    /// Runs a completed run again: same id, next attempt. `false` if it is not completed.
    pub fn rerun(&self, run_id: u64) -> bool {
        self.api.rerun(run_id)
    }

    /// Log of the deliveries, in the order in which they ended.
    #[must_use]
    pub fn deliveries(&self) -> Vec<DeliveryView> {
        lock(&self.api.deliveries).clone()
    }

    /// The deliveries that faults with a name struck, also those that were never sent.
    #[must_use]
    pub fn struck_deliveries(&self) -> Vec<StruckDelivery> {
        lock(&self.api.struck_deliveries).clone()
    }

    /// Tells that the client was killed: it may have seen a rate-limit answer that it has not written down, so that not
    /// waiting for its end is no violation.
    pub fn client_was_killed(&self) {
        lock(&self.api.gate).forget_limits();
    }

    /// `false`: nobody listens at the address from now on, and every open connection breaks, with whatever was being
    /// said on it. `true`: back again.
    pub fn set_reachable(&self, reachable: bool) {
        self.running.set_reachable(reachable);
        lock(&self.api.gate).forget_limits();
    }

    /// Sends an earlier delivery again, with the same GUID and body, to the hook that got it first. `false` if there is
    /// none, or no body was kept.
    pub fn redeliver(&self, guid: &str) -> bool {
        self.api.redeliver(|view| view.guid == guid)
    }

    /// Waits until the condition holds or the time is over; says whether it held.
    pub async fn wait_until(
        &self,
        limit: Duration,
        mut condition: impl FnMut(&Self) -> bool,
    ) -> bool {
        let mut changes = self.api.changed.subscribe();
        let held = async {
            while !condition(self) {
                // A condition can also hang on time or on requests that change nothing.
                let _ = tokio::time::timeout(TICK, changes.changed()).await;
            }
            true
        };
        tokio::time::timeout(limit, held).await.unwrap_or(false)
    }

    /// Stops serving. Runs in the background still end, and their deliveries are still sent.
    pub async fn stop(&self) {
        self.running.stop().await;
    }
}
