//! A simulated Port: the part of its API that an integration needs to claim, acknowledge, update and end runs.
//!
//! Operation names for [`Fault`]: `token`, `claim`, `ack`, `patch-run`, `add-log`, `get-logs`,
//! `get-run`, `find-run`, `claim-node`, `ack-node`, `patch-node`, `node-logs`, `find-node-run`,
//! `get-integration`, `patch-integration`, `create-integration`, `list-integrations`, `unknown`.
//!
//! Claiming, acknowledging and node runs are not in Port's published description; their shape here is what Port's own
//! open-source clients send and read. What those sources leave open is decided the unkind way: a run is acknowledged
//! once and every later try is a 409, and bounds are those that the clients keep. Integrations that may not process
//! actions are silently offered nothing.
//!
//! Not simulated: actions, blueprints, entities, approvals and permissions, the `message` of an update (accepted,
//! deprecated, ignored), finding a run by its external id in the path, and quotas.

mod action_runs;
mod answers;
mod endpoint;
mod integrations;
mod node_runs;
mod options;
mod runs;
mod schema;
mod service;
mod tokens;
mod view;

#[cfg(test)]
mod tests;

pub use endpoint::OPERATIONS;
pub use options::{Claims, Options};
pub use view::{Kind, LogView, NewRun, RunView};

use std::collections::BTreeMap;
use std::io;
use std::ops::Deref;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::watch;

use crate::clock;

use super::fault::{Fault, Faults, Injected};
use super::lock;
use super::recording::{Exchange, Recording};
use super::server::Running;
use runs::Runs;
use tokens::Tokens;

/// How often a waiting test looks again when nothing has changed.
const TICK: Duration = Duration::from_millis(20);

/// A running simulated Port. Clones are handles to the same one; it stops with the last of them.
#[derive(Debug, Clone)]
pub struct Port {
    api: Api,
    running: Arc<Running>,
}

#[derive(Debug, Clone)]
struct Api(Arc<State>);

impl Deref for Api {
    type Target = State;

    fn deref(&self) -> &State {
        &self.0
    }
}

#[derive(Debug)]
struct State {
    options: Options,
    recording: Recording,
    faults: Faults,
    tokens: Mutex<Tokens>,
    integrations: Mutex<BTreeMap<String, Value>>,
    runs: Mutex<Runs>,
    changed: watch::Sender<u64>,
}

impl State {
    fn change(&self) {
        self.changed.send_modify(|count| *count += 1);
    }
}

/// An integration object with what its maker said, and the rest as Port fills it in.
fn integration(id: &str, given: Map<String, Value>) -> Value {
    let mut object = Map::new();
    object.insert("identifier".into(), id.into());
    object.insert("installationId".into(), id.into());
    object.insert("title".into(), Value::Null);
    object.insert("installationAppType".into(), "github-ocean".into());
    object.insert("version".into(), "0.0.0".into());
    object.insert("config".into(), json!({"resources": []}));
    object.insert("actionsProcessingEnabled".into(), false.into());
    object.insert("changelogDestination".into(), json!({}));
    object.extend(given);
    Value::Object(object)
}

impl Port {
    /// Starts a simulated Port without integrations and runs, and with one machine client.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(options: Options) -> io::Result<Self> {
        let (api, running) = Running::start(&options.network.clone(), options.listen, |_| {
            let mut tokens = Tokens::default();
            tokens.add_client(
                &options.client_id,
                &options.client_secret,
                Claims::machine(),
            );
            Ok(Api(Arc::new(State {
                recording: Recording::new("port", options.keep_bodies, options.witness.clone())?,
                faults: Faults::default(),
                tokens: Mutex::new(tokens),
                integrations: Mutex::default(),
                runs: Mutex::default(),
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

    /// Base URL, without `/v1`.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// Id of the first machine client.
    #[must_use]
    pub fn client_id(&self) -> String {
        self.api.options.client_id.clone()
    }

    /// Secret of the first machine client.
    #[must_use]
    pub fn client_secret(&self) -> String {
        self.api.options.client_secret.clone()
    }

    /// Adds a client, or changes one: its next token carries these claims.
    pub fn add_client(&self, id: &str, secret: &str, claims: Claims) {
        lock(&self.api.tokens).add_client(id, secret, claims);
    }

    /// Adds an integration, or switches whether it may process actions.
    pub fn add_integration(&self, installation_id: &str, actions_processing_enabled: bool) {
        let mut integrations = lock(&self.api.integrations);
        let object = integrations
            .entry(installation_id.to_owned())
            .or_insert_with(|| integration(installation_id, Map::new()));
        if let Some(object) = object.as_object_mut() {
            object.insert(
                "actionsProcessingEnabled".into(),
                actions_processing_enabled.into(),
            );
        }
    }

    /// The integration as Port has it now.
    #[must_use]
    pub fn integration(&self, installation_id: &str) -> Option<Value> {
        lock(&self.api.integrations).get(installation_id).cloned()
    }

    /// Creates a pending action run of the action `dispatch`; the text of the properties is handed out verbatim.
    pub fn create_action_run(
        &self,
        installation_id: &str,
        integration_action_type: &str,
        properties_json: &str,
    ) -> String {
        self.create(new_run(
            Kind::Action,
            installation_id,
            integration_action_type,
            properties_json,
        ))
    }

    /// Creates a pending run of the workflow node `dispatch`.
    pub fn create_node_run(
        &self,
        installation_id: &str,
        integration_action_type: &str,
        properties_json: &str,
    ) -> String {
        self.create(new_run(
            Kind::Node,
            installation_id,
            integration_action_type,
            properties_json,
        ))
    }

    /// Creates a pending run with every detail chosen.
    pub fn create(&self, new: NewRun) -> String {
        let id = lock(&self.api.runs).create(new, clock::now());
        self.api.change();
        id
    }

    /// Creates a pending run whose making knows its id, as mappings in Port may use it (`{{ .run.id }}`).
    /// `make` must not use the simulator.
    pub fn create_knowing_id(&self, kind: Kind, make: impl FnOnce(&str) -> NewRun) -> String {
        let mut runs = lock(&self.api.runs);
        let new = make(&runs.next_id(kind));
        let id = runs.create(NewRun { kind, ..new }, clock::now());
        drop(runs);
        self.api.change();
        id
    }

    /// Creates a pending run that consists of this text, whatever it is. Id and installation are read from it where
    /// it is JSON that has them; without an installation whoever claims first gets it.
    pub fn create_raw_pending_run(&self, kind: Kind, raw_json: &str) -> String {
        let id = lock(&self.api.runs).create_raw(kind, raw_json, clock::now());
        self.api.change();
        id
    }

    /// One run.
    #[must_use]
    pub fn run(&self, id: &str) -> Option<RunView> {
        lock(&self.api.runs)
            .records
            .get(id)
            .map(|record| record.view.clone())
    }

    /// All runs, oldest first.
    #[must_use]
    pub fn runs(&self) -> Vec<RunView> {
        let runs = lock(&self.api.runs);
        let mut records: Vec<_> = runs.records.values().collect();
        records.sort_by_key(|record| record.sequence);
        records
            .into_iter()
            .map(|record| record.view.clone())
            .collect()
    }

    /// Ends a run from elsewhere, as a person in Port's pages would; the client's own report will meet a 409.
    pub fn end_elsewhere(&self, id: &str, succeeded: bool) -> bool {
        let now = clock::now();
        let mut runs = lock(&self.api.runs);
        let Some(record) = runs
            .records
            .get_mut(id)
            .filter(|record| !record.view.ended())
        else {
            return false;
        };
        match record.view.kind {
            Kind::Action => record.end(if succeeded { "SUCCESS" } else { "FAILURE" }, None, now),
            Kind::Node => record.end(
                "COMPLETED",
                Some(if succeeded { "SUCCESS" } else { "FAILED" }),
                now,
            ),
        }
        drop(runs);
        self.api.change();
        true
    }

    /// Waits for the run to end. `None` if it does not in time, or does not exist.
    pub async fn wait_until_ended(&self, id: &str, limit: Duration) -> Option<RunView> {
        self.wait_until(limit, |port| port.run(id).is_some_and(|run| run.ended()))
            .await;
        self.run(id).filter(RunView::ended)
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

    /// Tells when anything has changed: a run, the integration.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.api.changed.subscribe()
    }

    /// Injects a fault.
    pub fn inject(&self, fault: Fault) -> Injected {
        self.api.faults.inject(fault)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.api.faults.clear();
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

    /// Forgets exchanges and violations; runs stay.
    pub fn clear_log(&self) {
        self.api.recording.clear();
    }

    /// Tells that the client was killed: it may have seen answers that it has not written down, so that one
    /// repetition of an acknowledgement or a final report is no violation.
    pub fn client_was_killed(&self) {
        for record in lock(&self.api.runs).records.values_mut() {
            record.acks_seen = 0;
            record.end_seen = false;
        }
    }

    /// `false`: nobody listens at the address from now on, and every open connection breaks. `true`: back again.
    pub fn set_reachable(&self, reachable: bool) {
        self.running.set_reachable(reachable);
    }

    /// Every token issued so far answers 401 from now on.
    pub fn revoke_tokens(&self) {
        lock(&self.api.tokens).revoke_all();
    }

    /// Stops serving.
    pub async fn stop(&self) {
        self.running.stop().await;
    }
}

fn new_run(kind: Kind, installation_id: &str, action_type: &str, properties: &str) -> NewRun {
    NewRun {
        kind,
        installation_id: installation_id.to_owned(),
        action_type: action_type.to_owned(),
        properties: properties.to_owned(),
        identifier: "dispatch".into(),
    }
}
