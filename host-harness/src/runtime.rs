//! One plugin on all cores: the functions of the contract, as the rest of the host calls them.

use crate::answer::Answer as Tidy;
use crate::contract::{
    Attempt, Configured, Delivery, Failure, Guest, Manifest, Origin, Problem, Run, RunPlan,
    RunUpdate, Scope, Started,
};
use crate::egress::{BeforeSending, Clients, Tap};
use crate::engine::call::{self, CallState, Context};
use crate::engine::{CallError, CallErrorKind, Plugin, PoolSize, Worker, Workers};
use crate::installation::Installation;
use crate::metrics::{GuestFunction, Metrics};
use std::sync::Arc;
use tokio::time::Instant;
use wasmtime::Store;

/// A plugin and the threads that it runs on. Cheap to clone.
#[derive(Clone)]
pub struct Runtime {
    plugin: Plugin,
    workers: Workers,
    metrics: Option<Metrics>,
    tap: Option<Tap>,
}

/// How many calls run where.
#[derive(Debug, Clone, Copy, Default)]
pub struct RuntimeOptions {
    /// Threads; 0 for one per core.
    pub threads: usize,
    /// How many calls may run at once.
    pub pool: PoolSize,
}

/// What a function of the plugin gave: its own answer or failure, unless the call itself went wrong.
pub type Answer<T> = Result<Result<T, Failure>, CallError>;

impl Runtime {
    /// Starts the threads.
    pub fn start(plugin: Plugin, options: RuntimeOptions) -> std::io::Result<Runtime> {
        let threads = match options.threads {
            0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
            threads => threads,
        };
        let workers = Workers::start(threads, options.pool.instances, || Worker {
            clients: Clients::default(),
        })?;
        Ok(Runtime {
            plugin,
            workers,
            metrics: None,
            tap: None,
        })
    }

    /// A runtime whose calls, so many at once, all stay on this thread and send by these clients: where time is virtual, so that everything
    /// happens in one order. To be called inside of a [`tokio::task::LocalSet`], which its calls need to go on.
    pub fn on_this_thread(plugin: Plugin, clients: Clients, calls: u32) -> Runtime {
        let worker = Worker { clients };
        Runtime {
            plugin,
            workers: Workers::on_this_thread(calls, worker),
            metrics: None,
            tap: None,
        }
    }

    /// The same runtime, whose every exchange is shown to somebody, unless its call names somebody else.
    #[must_use]
    pub fn watched_by(self, tap: Option<Tap>) -> Runtime {
        Runtime { tap, ..self }
    }

    /// The same runtime, whose calls are counted here.
    #[must_use]
    pub fn counted_by(self, metrics: Metrics) -> Runtime {
        Runtime {
            metrics: Some(metrics),
            ..self
        }
    }

    /// The plugin that runs here.
    pub fn plugin(&self) -> &Plugin {
        &self.plugin
    }

    /// What the plugin says about itself.
    pub fn manifest(&self) -> &Manifest {
        self.plugin.manifest()
    }

    /// See `configure` in the contract.
    pub async fn configure(
        &self,
        call: Call,
        definition: String,
        origin: Origin,
        scope: Scope,
    ) -> Result<Result<Configured, Vec<Problem>>, CallError> {
        let public = call.installation.public().clone();
        self.call(call, GuestFunction::Configure, async move |guest, store| {
            guest
                .call_configure(store, &public, &definition, origin, scope)
                .await
        })
        .await
    }

    /// Whether the plugin can use the settings of an installation. It says so with the code `invalid-settings` (see
    /// `installation.settings` in the contract) about any definition; this one is empty. Err: its own words.
    pub async fn check_settings(&self, call: Call) -> Result<(), String> {
        let answer = self
            .configure(call, "{}".to_owned(), Origin::Api, Scope::DefinitionOnly)
            .await;
        let problems = match answer {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(problems)) => problems,
            Err(error) => return Err(error.to_string()),
        };
        let bad = problems.iter().find(|p| p.code == "invalid-settings");
        bad.map_or(Ok(()), |bad| Err(format!("{} {}", bad.message, bad.remedy)))
    }

    /// See `plan` in the contract.
    pub async fn plan(&self, call: Call, run: Run) -> Answer<RunPlan> {
        let public = call.installation.public().clone();
        self.call(call, GuestFunction::Plan, async move |guest, store| {
            guest.call_plan(store, &public, &run).await
        })
        .await
    }

    /// See `dispatch` in the contract.
    pub async fn dispatch(&self, call: Call, run: Run, attempt: Attempt) -> Answer<Started> {
        let public = call.installation.public().clone();
        self.call(call, GuestFunction::Dispatch, async move |guest, store| {
            guest.call_dispatch(store, &public, &run, &attempt).await
        })
        .await
    }

    /// See `handle-webhook` in the contract. The delivery's signature has been verified.
    pub async fn handle_webhook(&self, call: Call, delivery: Delivery) -> Answer<Vec<RunUpdate>> {
        let public = call.installation.public().clone();
        self.call(
            call,
            GuestFunction::HandleWebhook,
            async move |guest, store| guest.call_handle_webhook(store, &public, &delivery).await,
        )
        .await
    }

    /// See `check` in the contract.
    pub async fn check(
        &self,
        call: Call,
        run: Run,
        external_run_id: String,
    ) -> Answer<Vec<RunUpdate>> {
        let public = call.installation.public().clone();
        self.call(call, GuestFunction::Check, async move |guest, store| {
            guest
                .call_check(store, &public, &run, &external_run_id)
                .await
        })
        .await
    }

    /// See `cancel` in the contract.
    pub async fn cancel(&self, call: Call, run: Run, external_run_id: String) -> Answer<()> {
        let public = call.installation.public().clone();
        self.call(call, GuestFunction::Cancel, async move |guest, store| {
            guest
                .call_cancel(store, &public, &run, &external_run_id)
                .await
        })
        .await
    }

    async fn call<T: Tidy + Send + 'static>(
        &self,
        call: Call,
        function: GuestFunction,
        invoke: impl AsyncFnOnce(&Guest, &mut Store<CallState>) -> wasmtime::Result<T> + Send + 'static,
    ) -> Result<T, CallError> {
        let callee = self.plugin.callee().clone();
        let name = function.as_str();
        let tap = self.tap.clone();
        let began = Instant::now();
        let job = async move |worker: std::rc::Rc<Worker>| {
            let way = worker
                .clients
                .way(&call.installation)
                .inspect_err(|error| tracing::error!("no requests can be sent: {error}"))
                .ok();
            let installation = call.installation.clone();
            let context = Context::new(call.installation)
                .by(way)
                .with_tap(call.tap.or(tap))
                .before_sending(call.mark)
                .about(call.subject);
            let answer = call::run(&callee, context, name, invoke).await;
            answer.map(|answer: T| answer.tidied(&installation))
        };
        let answer = self.workers.run(job).await;
        if let Some(metrics) = &self.metrics {
            metrics.guest_called(function, began.elapsed());
        }
        answer.unwrap_or_else(|gone| {
            Err(CallError {
                function: name,
                kind: CallErrorKind::NoResult,
                request_sent: gone.may_have_run,
            })
        })
    }
}

/// For whom a call is made, what it is about, and who watches.
#[derive(Clone)]
pub struct Call {
    installation: Arc<Installation>,
    subject: String,
    tap: Option<Tap>,
    mark: Option<BeforeSending>,
}

impl Call {
    /// A call for an installation about a run or a delivery, which the log names.
    pub fn new(installation: Arc<Installation>, subject: impl Into<String>) -> Call {
        Call {
            installation,
            subject: subject.into(),
            tap: None,
            mark: None,
        }
    }

    /// Shows every exchange of the call.
    #[must_use]
    pub fn watched_by(mut self, tap: Option<Tap>) -> Call {
        self.tap = tap;
        self
    }

    /// Awaits this mark before the first request of the call that may change something leaves; see [`BeforeSending`]. If
    /// the mark cannot be made, none leaves, and the plugin is told that the server is not available.
    #[must_use]
    pub fn before_sending(mut self, mark: BeforeSending) -> Call {
        self.mark = Some(mark);
        self
    }
}
