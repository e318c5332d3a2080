//! A component that does to its host whatever the properties of a run tell it to: `{"do": "spin_in_wasm"}`.
//!
//! Each behaviour is a function in one of the modules below; `list.rs` beside this crate names them all. What a
//! behaviour saw goes back as the output of a run that was never started, for the test to look at.

#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "a guest that breaks is what is wanted here"
)]

pub mod contract;
#[macro_use]
#[path = "../../list.rs"]
mod list;

mod answers;
mod bodies;
mod cpu;
mod destinations;
mod fields;
mod http;
mod logging;
mod memory;
mod neighbour;
mod requests;
mod updates;

use contract::exports::ocean::integration_action::actions::Guest;
use contract::ocean::integration_action::types::{
    ActionType, Attempt, Configured, Delivery, Failure, FailureKind, Installation, Manifest,
    Origin, Problem, Run, RunPlan, RunUpdate, Scope, SignatureAlgorithm, Started, Webhooks,
};
use serde_json::Value;

/// What a behaviour is given.
pub struct Task {
    pub installation: Installation,
    /// The rest of the run's properties.
    pub with: Value,
}

impl Task {
    /// A text among the properties.
    pub fn text(&self, key: &str) -> &str {
        self.with[key].as_str().unwrap_or_default()
    }

    /// A list of texts among the properties.
    pub fn texts(&self, key: &str) -> Vec<&str> {
        let list = self.with[key].as_array();
        list.map(|list| list.iter().filter_map(Value::as_str).collect())
            .unwrap_or_default()
    }
}

pub type Answer = Result<Started, Failure>;

/// The answer of a behaviour that comes back: what it saw.
pub fn saw(what: &Value) -> Answer {
    Ok(started(format!("{{\"saw\":{what}}}")))
}

pub fn started(output: String) -> Started {
    Started {
        external_run_id: "seen".to_owned(),
        link: None,
        output,
        status_label: None,
    }
}

pub fn failure(message: String) -> Failure {
    Failure {
        kind: FailureKind::Internal,
        code: "no-such-behaviour".to_owned(),
        message,
        remedy: None,
        request_sent: false,
    }
}

macro_rules! dispatch_table {
    ($($theme:ident { $($name:ident),* $(,)? })*) => {
        fn act(name: &str, task: &Task) -> Answer {
            match name {
                "neighbour" => neighbour::neighbour(task),
                $($(stringify!($name) => $theme::$name(task),)*)*
                _ => Err(failure(name.to_owned())),
            }
        }
    };
}
guests!(dispatch_table);

macro_rules! delivery_table {
    ($($theme:ident { $($name:ident),* $(,)? })*) => {
        fn take(name: &str) -> Result<Vec<RunUpdate>, Failure> {
            match name {
                $($(stringify!($name) => Ok($theme::$name()),)*)*
                _ => Err(failure(name.to_owned())),
            }
        }
    };
}
delivery_guests!(delivery_table);

pub struct Guests;

#[cfg(target_family = "wasm")]
contract::export!(Guests with_types_in contract);

impl Guest for Guests {
    fn describe() -> Manifest {
        Manifest {
            name: "hostile-guests".to_owned(),
            version: "0.1.0".to_owned(),
            action_types: vec![ActionType {
                name: "misbehave".to_owned(),
                title: "Misbehave".to_owned(),
                description: "Does what it is told.".to_owned(),
                input_schema: "{}".to_owned(),
            }],
            // As GitHub signs, so that the simulated one's signatures fit.
            webhooks: Some(Webhooks {
                events: vec!["news".to_owned()],
                event_header: "x-github-event".to_owned(),
                delivery_header: "x-github-delivery".to_owned(),
                signature_header: "x-hub-signature-256".to_owned(),
                signature_prefix: "sha256=".to_owned(),
                signature_algorithm: SignatureAlgorithm::HmacSha256,
            }),
            settings: vec![],
        }
    }

    fn configure(
        _: Installation,
        definition: String,
        _: Origin,
        _: Scope,
    ) -> Result<Configured, Vec<Problem>> {
        Ok(Configured {
            definition,
            notes: vec![],
        })
    }

    fn plan(_: Installation, run: Run) -> Result<RunPlan, Failure> {
        Ok(RunPlan {
            partition_key: None,
            report_status: true,
            target: run.action_type,
        })
    }

    fn dispatch(installation: Installation, run: Run, _: Attempt) -> Answer {
        let with: Value = serde_json::from_str(&run.properties).unwrap();
        let name = with["do"].as_str().unwrap().to_owned();
        act(&name, &Task { installation, with })
    }

    fn handle_webhook(_: Installation, delivery: Delivery) -> Result<Vec<RunUpdate>, Failure> {
        take(&String::from_utf8(delivery.body).unwrap())
    }

    fn check(_: Installation, _: Run, _: String) -> Result<Vec<RunUpdate>, Failure> {
        Ok(vec![])
    }

    fn cancel(_: Installation, _: Run, _: String) -> Result<(), Failure> {
        Ok(())
    }
}
