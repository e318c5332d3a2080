//! One call of a plugin: everything that belongs to it, from its first memory page to its last request.

use super::clocks::ClocksView;
use super::limits::{INSTANCES, Limits, MEMORIES, TABLES};
use super::log::GuestLog;
use super::meter::{Meter, Metered};
use super::slices::{AtTick, at_tick, give_way, take_turns};
use super::ticker::Watch;
use crate::clock;
use crate::contract::{self, BindingsPre, Guest, Level};
use crate::egress::{BeforeSending, CallEgress, Tap, Way};
use crate::installation::Installation;
use crate::legible;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use wasmtime::component::ResourceTable;
use wasmtime::{Store, StoreLimits, StoreLimitsBuilder, Trap, UpdateDeadline};
use wasmtime_wasi_http::{WasiHttpCtx, WasiHttpCtxView, WasiHttpView};

/// A linked component, from which each call makes its instance. Cheap to clone.
#[derive(Clone)]
pub struct Callee {
    pre: BindingsPre<CallState>,
    watch: Arc<Watch>,
}

impl Callee {
    pub(super) fn new(pre: BindingsPre<CallState>, watch: Arc<Watch>) -> Callee {
        Callee { pre, watch }
    }
}

/// For whom a call is made, and with what.
pub struct Context {
    installation: Arc<Installation>,
    way: Option<Way>,
    tap: Option<Tap>,
    mark: Option<BeforeSending>,
    subject: String,
}

impl Context {
    /// A call for this installation, within its limits, that can send nothing.
    pub fn new(installation: Arc<Installation>) -> Context {
        Context {
            installation,
            way: None,
            tap: None,
            mark: None,
            subject: String::new(),
        }
    }

    /// Lets the call send requests this way, as far as the installation's policy allows; without one, none.
    #[must_use]
    pub fn by(mut self, way: Option<Way>) -> Context {
        self.way = way;
        self
    }

    /// Shows every exchange of the call to somebody.
    #[must_use]
    pub fn with_tap(mut self, tap: Option<Tap>) -> Context {
        self.tap = tap;
        self
    }

    /// Awaits this mark before the first request of the call that may change something.
    #[must_use]
    pub fn before_sending(mut self, mark: Option<BeforeSending>) -> Context {
        self.mark = mark;
        self
    }

    /// Names what the call is about, for the log: the id of a run or a delivery.
    #[must_use]
    pub fn about(mut self, subject: String) -> Context {
        self.subject = subject;
        self
    }
}

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the plugin's `{function}` {kind}")]
pub struct CallError {
    /// The function that was called.
    pub function: &'static str,
    /// What happened.
    pub kind: CallErrorKind,
    /// Whether a request that may change something was handed to the network before. If so, the outcome of the call
    /// is unknown.
    pub request_sent: bool,
}

/// What can happen to a call.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallErrorKind {
    /// It ran for too long.
    #[error("was stopped: it ran for more than {0:?} of CPU time")]
    Cpu(Duration),
    /// It took too long.
    #[error("was stopped: it took more than {0:?}")]
    Wall(Duration),
    /// It wanted too much memory.
    #[error("was stopped: it wanted more than {0} bytes of memory")]
    Memory(usize),
    /// It trapped: a bug in the plugin, or a limit of the engine.
    #[error("trapped: {0}")]
    Trap(String),
    /// The host's thread ended before the call did, or had ended already.
    #[error("gave no result: the host's thread has ended")]
    NoResult,
}

/// What a store holds during a call.
pub struct CallState {
    table: ResourceTable,
    began: Instant,
    http: WasiHttpCtx,
    egress: CallEgress,
    log: GuestLog,
    limits: StoreLimits,
}

impl CallState {
    pub(super) fn table(&mut self) -> &mut ResourceTable {
        &mut self.table
    }

    pub(super) fn clocks(&mut self) -> ClocksView<'_> {
        ClocksView {
            began: self.began,
            table: &mut self.table,
        }
    }
}

impl WasiHttpView for CallState {
    fn http(&mut self) -> WasiHttpCtxView<'_> {
        WasiHttpCtxView {
            hooks: &mut self.egress,
            table: &mut self.table,
            ctx: &mut self.http,
        }
    }
}

impl contract::types::Host for CallState {}

impl contract::logging::Host for CallState {
    fn log(&mut self, level: Level, message: String) -> wasmtime::Result<()> {
        self.log.write(level, &message);
        Ok(())
    }
}

/// Longest reason of a trap, in bytes. It may repeat what the guest has said.
const LONGEST_REASON: usize = 500;

/// Why the epoch callback stopped a guest.
#[derive(Debug, thiserror::Error)]
#[error("out of CPU time")]
struct OutOfCpu;

/// Makes one call: a new store and instance, `function` on it, and everything is dropped again, whatever happened.
///
/// Both limits of time cover instantiation too, since a component's start functions run there.
pub async fn run<T>(
    callee: &Callee,
    context: Context,
    function: &'static str,
    call: impl AsyncFnOnce(&Guest, &mut Store<CallState>) -> wasmtime::Result<T>,
) -> Result<T, CallError> {
    let limits = *context.installation.limits();
    let meter = Meter::new();
    let installation = context.installation.clone();
    let subject = context.subject.clone();
    let pre = &callee.pre;
    let mut store = new_store(pre, context, meter.clone());
    let sent = store.data().egress.sent_flag();
    let calling = Metered::new(
        async {
            let instance = pre.instantiate_async(&mut store).await?;
            call(instance.ocean_integration_action_actions(), &mut store).await
        },
        meter.clone(),
        callee.watch.clone(),
    );
    let result = tokio::time::timeout(limits.wall, calling).await;
    let kind = match result {
        Ok(Ok(value)) => return Ok(value),
        Ok(Err(error)) => explain(&error, &limits),
        Err(_elapsed) => CallErrorKind::Wall(limits.wall),
    };
    tracing::warn!(
        installation = installation.id(),
        subject,
        "the plugin's `{function}` {kind}"
    );
    // Apart, since it is another each time.
    tracing::debug!(
        installation = installation.id(),
        subject,
        "it has used {:?} of CPU time",
        meter.used()
    );
    Err(CallError {
        function,
        kind,
        request_sent: sent.get(),
    })
}

/// A store with an instance in it, which nobody calls: what the benchmark measures.
///
/// # Errors
/// Where there is no room for an instance, or the component's own start fails.
pub async fn instantiate(callee: &Callee, context: Context) -> wasmtime::Result<()> {
    let mut store = new_store(&callee.pre, context, Meter::new());
    callee.pre.instantiate_async(&mut store).await.map(drop)
}

fn new_store(
    pre: &BindingsPre<CallState>,
    context: Context,
    meter: Arc<Meter>,
) -> Store<CallState> {
    let limits = *context.installation.limits();
    let mut table = ResourceTable::new();
    table.set_max_capacity(limits.handles);
    let mut http = WasiHttpCtx::new();
    http.set_field_size_limit(limits.header_bytes);
    let state = CallState {
        table,
        began: Instant::now(),
        http,
        egress: CallEgress::new(
            context.installation.clone(),
            context.way,
            context.tap,
            limits,
            context.mark,
        ),
        log: GuestLog::new(
            context.installation,
            context.subject,
            limits.log_lines,
            limits.log_bytes,
        ),
        limits: StoreLimitsBuilder::new()
            .memory_size(limits.memory)
            .table_elements(limits.table_elements)
            .memories(MEMORIES)
            .tables(TABLES)
            .instances(INSTANCES)
            .trap_on_grow_failure(true)
            .build(),
    };
    let mut store = Store::new(pre.engine(), state);
    store.limiter(|state| &mut state.limits);
    store.set_hostcall_fuel(limits.hostcall_bytes);
    store.set_epoch_deadline(1);
    // Virtual time must not depend on real time: there nobody else is waiting for a turn.
    let alone = clock::is_virtual();
    store.epoch_deadline_callback(move |_| {
        let next = match at_tick(meter.used(), meter.at_a_stretch(), limits.cpu) {
            AtTick::GoOn => return Ok(UpdateDeadline::Continue(1)),
            AtTick::Yield | AtTick::TakeTurns if alone => {
                return Ok(UpdateDeadline::Continue(1));
            }
            AtTick::Yield => give_way(),
            AtTick::TakeTurns => take_turns(meter.clone()),
            AtTick::Stop => return Err(OutOfCpu.into()),
        };
        Ok(UpdateDeadline::YieldCustom(1, next))
    });
    store
}

fn explain(error: &wasmtime::Error, limits: &Limits) -> CallErrorKind {
    if error.is::<OutOfCpu>() {
        return CallErrorKind::Cpu(limits.cpu);
    }
    let text = format!("{error:#}");
    if text.contains("forcing trap when growing memory") {
        return CallErrorKind::Memory(limits.memory);
    }
    match error.downcast_ref::<Trap>() {
        Some(trap) => CallErrorKind::Trap(trap.to_string()),
        None => CallErrorKind::Trap(reason(error)),
    }
}

/// The innermost cause. What wasmtime puts around it is a backtrace: many lines, with names that the guest has chosen.
fn reason(error: &wasmtime::Error) -> String {
    let cause = error.root_cause().to_string();
    let end = cause.floor_char_boundary(LONGEST_REASON);
    let cause = cause.get(..end).unwrap_or_default();
    legible::escaped(cause).into_owned()
}
