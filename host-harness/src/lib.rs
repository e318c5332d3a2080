//! Runs integration actions: WebAssembly components that start work on a server for actions of the developer portal
//! Port, for many customers in one process.
//!
//! A *plugin* is a component that speaks the contract `ocean:integration-action` ([`contract`]). It decides everything
//! about its server (GitHub, for the plugin that comes with this project) and nothing else. The host does the rest:
//!
//! 1. [`engine`] compiles a plugin once and gives each call a fresh instance with limits; [`runtime`] spreads calls over
//!    all cores.
//! 2. [`egress`] is the only way out: a request of a guest is checked against the [`installation`]'s policy, gets the
//!    credential that the guest never sees, and leaves on a connection of that installation.
//! 3. [`poller`] claims runs from [`port`], [`lifecycle`] carries each to its end, [`ingress`] takes the server's webhooks.
//! 4. [`host`] puts these together for a list of installations; [`config`] reads the list from a file.
//! 5. [`page`] shows in a browser what it is doing, as a [`watcher`] is shown it.
//! 6. [`doctor`] says what is wrong with a set-up, and mends what can be mended from here; [`new_action`] begins an action
//!    that a plugin completes.
//! 7. [`simulator`] plays GitHub and Port, [`stage`] puts a host between them: for the demo and for tests.
//!
//! # One call
//!
//! ```no_run
//! use host_harness::config::{InstallationConfig, resolve_installation};
//! use host_harness::contract::{Attempt, Run, RunKind};
//! use host_harness::engine::{Engine, EngineOptions, Plugin};
//! use host_harness::runtime::{Call, Runtime, RuntimeOptions};
//! use std::path::Path;
//! use std::sync::Arc;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! // Once for each process: the engine, the compiled plugin, the threads.
//! let engine = Engine::new(&EngineOptions::default())?;
//! let plugin = Plugin::load(&engine, Path::new("github_workflow.wasm")).await?;
//! let runtime = Runtime::start(plugin, RuntimeOptions::default())?;
//!
//! // Once for each customer: who it is, where requests may go, and with which credential.
//! let file = Path::new("acme.toml");
//! let installation = resolve_installation(file, &InstallationConfig::load(file)?)?;
//!
//! // For each run: a call in a new instance.
//! let run = Run {
//!     id: "r_1".to_owned(),
//!     kind: RunKind::Action,
//!     action_type: "dispatch_workflow".to_owned(),
//!     properties: r#"{"org":"acme","repo":"shop","workflow":"deploy.yml"}"#.to_owned(),
//! };
//! let first = Attempt {
//!     number: 1,
//!     first_began: host_harness::clock::timestamp(),
//!     taken: vec![],
//! };
//! let call = Call::new(Arc::new(installation), "r_1");
//! // Two layers: the call itself can be stopped (limits, traps), and the plugin can say no.
//! match runtime.dispatch(call, run, first).await? {
//!     Ok(started) => println!("started as {}", started.external_run_id),
//!     Err(failure) => println!("not started: {}", failure.message),
//! }
//! # Ok(())
//! # }
//! ```

mod answer;
pub mod bench;
pub mod campaign;
pub mod chance;
pub mod cli;
pub mod clock;
pub mod config;
pub mod contract;
pub mod credentials;
pub mod doctor;
pub mod egress;
pub mod engine;
pub mod host;
pub mod inbox;
pub mod ingress;
pub mod installation;
pub mod journal;
mod layout;
mod legible;
pub mod lifecycle;
mod markdown;
pub mod metrics;
mod misread;
pub mod network;
pub mod new_action;
pub mod page;
pub mod poller;
pub mod port;
pub mod runtime;
pub mod scenario;
pub mod scheduler;
pub mod scrub;
pub mod secrets;
pub mod simulator;
pub mod stage;
pub mod terraform;
pub mod transport;
pub mod watcher;
