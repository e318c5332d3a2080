//! A plugin that runs jobs of a batch server. This file is what the host sees; `jobs.rs` decides, `http.rs` sends.
//!
//! The host makes every call in a new instance, so nothing is kept between calls, and it adds the credential to each
//! request by itself. The contract, with every item explained, is in `wit/`.

mod http;
mod jobs;

/// The contract as Rust types.
mod contract {
    wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });
}

use contract::exports::ocean::integration_action::actions::Guest;
use contract::ocean::integration_action::types::{
    ActionType, Attempt, Configured, Delivery, Failure, Installation, Manifest, Origin, Problem, Run,
    RunPlan, RunUpdate, Scope, Setting, SignatureAlgorithm, Started, Webhooks,
};

struct Plugin;

contract::export!(Plugin with_types_in contract);

impl Guest for Plugin {
    fn describe() -> Manifest {
        Manifest {
            name: env!("CARGO_PKG_NAME").to_owned(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            action_types: vec![ActionType {
                name: "run_job".to_owned(),
                title: "Run a job".to_owned(),
                description: "Starts a job on the batch server and follows it to its end.".to_owned(),
                input_schema: r#"{"type": "object", "required": ["job"], "additionalProperties": false, "properties": {
                    "job": {"type": "string", "minLength": 1, "title": "Job", "description": "The job's name."},
                    "arguments": {"type": "object", "title": "Arguments", "description": "Handed to the job as they are."}
                }}"#
                .to_owned(),
            }],
            webhooks: Some(Webhooks {
                events: vec![jobs::EVENT.to_owned()],
                event_header: jobs::EVENT_HEADER.to_owned(),
                delivery_header: "x-batch-delivery".to_owned(),
                signature_header: "x-batch-signature".to_owned(),
                signature_prefix: "v1=".to_owned(),
                signature_algorithm: SignatureAlgorithm::HmacSha256,
            }),
            settings: vec![Setting {
                name: "queue".to_owned(),
                description: "The queue that jobs are put into.".to_owned(),
                schema: r#"{"type": "string", "minLength": 1, "default": "default"}"#.to_owned(),
            }],
        }
    }

    /// Looks at the definition alone: this server has no list of jobs that it could be compared with.
    fn configure(
        installation: Installation,
        definition: String,
        _: Origin,
        _: Scope,
    ) -> Result<Configured, Vec<Problem>> {
        jobs::problems(&installation, &definition)?;
        Ok(Configured { definition, notes: vec![] })
    }

    fn plan(installation: Installation, run: Run) -> Result<RunPlan, Failure> {
        let (order, queue) = jobs::order(&installation, &run)?;
        Ok(RunPlan {
            partition_key: None, // jobs may overlap
            report_status: true,
            target: format!("{} · queue {queue}", order.job),
        })
    }

    fn dispatch(installation: Installation, run: Run, attempt: Attempt) -> Result<Started, Failure> {
        jobs::dispatch(&installation, &run, &attempt)
    }

    fn handle_webhook(_: Installation, delivery: Delivery) -> Result<Vec<RunUpdate>, Failure> {
        jobs::news(&delivery)
    }

    fn check(installation: Installation, _: Run, id: String) -> Result<Vec<RunUpdate>, Failure> {
        jobs::check(&installation, &id)
    }

    fn cancel(installation: Installation, _: Run, id: String) -> Result<(), Failure> {
        jobs::cancel(&installation, &id)
    }
}
