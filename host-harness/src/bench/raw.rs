//! The component in wasmtime with nothing around it: a fresh instance for each call, one pool of connections, a
//! credential on every request. No limits, no policy, no cache, no budget, no threads of its own.

use super::BenchError;
use super::work::TOKEN;
use crate::contract::{
    self, Attempt, Bindings, BindingsPre, Delivery, Failure, Installation, Level, Run, RunUpdate,
    Started,
};
use crate::engine::Engine;
use crate::network::Network;
use crate::transport;
use ::http::header::AUTHORIZATION;
use ::http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use std::path::Path;
use wasmtime::component::{Component, HasData, HasSelf, Linker, ResourceTable};
use wasmtime::{Store, UpdateDeadline};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtx, WasiClocksCtxView};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi_http::p2::bindings::http;
use wasmtime_wasi_http::{
    Error, RequestOptions, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
    WasiHttpView,
};

/// A component, ready for calls.
pub(super) struct Raw {
    pre: BindingsPre<State>,
    client: transport::Client<WasiBody>,
    installation: Installation,
}

impl Raw {
    /// Loads a component into an engine that has been set up as the host sets it up.
    pub(super) fn load(
        engine: &Engine,
        path: &Path,
        installation: &Installation,
    ) -> Result<Raw, BenchError> {
        let setup = || -> Result<Raw, String> {
            let told = |error: wasmtime::Error| format!("{error:#}");
            let component = Component::from_file(engine.wasmtime(), path).map_err(told)?;
            let linker = linker(engine).map_err(told)?;
            let pre = linker.instantiate_pre(&component).map_err(told)?;
            Ok(Raw {
                pre: BindingsPre::new(pre).map_err(told)?,
                client: transport::client(Network::Machine).map_err(|error| error.to_string())?,
                installation: installation.clone(),
            })
        };
        setup().map_err(BenchError::setup("wasmtime alone"))
    }

    /// An instance, and nothing done with it.
    pub(super) async fn instantiate(&self) -> Result<(), String> {
        self.instance().await.map(drop)
    }

    /// See `dispatch` in the contract.
    pub(super) async fn dispatch(
        &self,
        run: &Run,
        attempt: &Attempt,
    ) -> Result<Result<Started, Failure>, String> {
        let (mut store, plugin) = self.instance().await?;
        plugin
            .ocean_integration_action_actions()
            .call_dispatch(&mut store, &self.installation, run, attempt)
            .await
            .map_err(|error| format!("{error:#}"))
    }

    /// See `handle-webhook` in the contract.
    pub(super) async fn handle_webhook(
        &self,
        delivery: &Delivery,
    ) -> Result<Result<Vec<RunUpdate>, Failure>, String> {
        let (mut store, plugin) = self.instance().await?;
        plugin
            .ocean_integration_action_actions()
            .call_handle_webhook(&mut store, &self.installation, delivery)
            .await
            .map_err(|error| format!("{error:#}"))
    }

    async fn instance(&self) -> Result<(Store<State>, Bindings), String> {
        let state = State {
            table: ResourceTable::new(),
            clocks: WasiClocksCtx::default(),
            http: WasiHttpCtx::new(),
            hooks: Hooks {
                client: self.client.clone(),
            },
        };
        let mut store = Store::new(self.pre.engine(), state);
        // The engine counts epochs; nobody is stopped here.
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|_| Ok(UpdateDeadline::Continue(1)));
        let plugin = self.pre.instantiate_async(&mut store).await;
        Ok((store, plugin.map_err(|error| format!("{error:#}"))?))
    }
}

/// What a call has.
pub(super) struct State {
    table: ResourceTable,
    clocks: WasiClocksCtx,
    http: WasiHttpCtx,
    hooks: Hooks,
}

impl State {
    fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    fn clocks(&mut self) -> WasiClocksCtxView<'_> {
        WasiClocksCtxView {
            ctx: &mut self.clocks,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for State {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.hooks,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl contract::types::Host for State {}

impl contract::logging::Host for State {
    fn log(&mut self, _level: Level, _message: String) -> wasmtime::Result<()> {
        Ok(())
    }
}

/// Sends what the guest sends.
struct Hooks {
    client: transport::Client<WasiBody>,
}

type Transmission = Box<dyn Future<Output = Result<(), Error>> + Send>;

impl WasiHttpHooks for Hooks {
    fn set_host_header(&mut self) -> bool {
        false
    }

    fn send_request(
        &mut self,
        mut request: Request<WasiBody>,
        _options: Option<RequestOptions>,
        _response_error: Transmission,
    ) -> Box<dyn Future<Output = Result<(Response<WasiBody>, Transmission), Error>> + Send> {
        let client = self.client.clone();
        if let Ok(credential) = HeaderValue::from_str(&format!("Bearer {TOKEN}")) {
            request.headers_mut().insert(AUTHORIZATION, credential);
        }
        Box::new(async move {
            let response = client.request(request).await;
            let response = response.map_err(|_| Error::ConnectionTerminated)?;
            let response =
                response.map(|body| body.map_err(|_| Error::ConnectionTerminated).boxed_unsync());
            Ok((response, Box::new(async { Ok(()) }) as Transmission))
        })
    }
}

fn linker(engine: &Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine.wasmtime());
    let l = &mut linker;
    wasi::io::error::add_to_linker::<State, Table>(l, State::table)?;
    wasi::io::poll::add_to_linker::<State, Table>(l, State::table)?;
    wasi::io::streams::add_to_linker::<State, Table>(l, State::table)?;
    wasi::clocks::monotonic_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    wasi::clocks::wall_clock::add_to_linker::<State, WasiClocks>(l, State::clocks)?;
    http::types::add_to_linker::<State, WasiHttp>(
        l,
        &http::types::LinkOptions::default(),
        State::http,
    )?;
    http::outgoing_handler::add_to_linker::<State, WasiHttp>(l, State::http)?;
    contract::types::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    contract::logging::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    Ok(linker)
}

struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}
