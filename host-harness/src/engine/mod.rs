//! Running a plugin: compile once, then a fresh store and instance for every call.
//!
//! * [`Engine`] holds what all plugins share: compiled code cache, instance pool, the clock that interrupts guests.
//! * [`Plugin`] is one compiled component, linked ahead of time against exactly the imports of the contract's world.
//! * [`Limits`] says what one call may use.
//! * [`call`] makes one call: state, limits and deadline are set up, the guest runs, everything is thrown away.
//! * [`Workers`] are the threads that calls run on: one per core, each with a runtime of its own.
//!
//! A guest has three clocks against it. Its CPU time is counted while it runs and not while it waits for a response
//! (`meter`); the wall clock limits the whole call; and the ticker, an operating system thread, makes sure that even
//! a guest that never returns to the host is interrupted, so that its neighbours on the same thread get their turn
//! (`slices`).

pub mod call;
mod clocks;
mod limits;
mod log;
mod meter;
mod plugin;
mod slices;
mod ticker;
mod workers;

pub use call::{CallError, CallErrorKind};
pub use limits::{Limits, PoolSize};
pub use plugin::{LoadError, Plugin};
pub use workers::{Worker, Workers};

use std::path::PathBuf;
use std::sync::Arc;
use ticker::Watch;
use wasmtime::{
    Cache, CacheConfig, Config, Enabled, InstanceAllocationStrategy, PoolingAllocationConfig,
    WasmFeatures,
};

/// How an [`Engine`] is set up.
#[derive(Debug, Clone)]
pub struct EngineOptions {
    /// Where compiled components are kept between processes: an absolute path. None: the user's cache directory.
    pub cache_directory: Option<PathBuf>,
    /// How many instances can be alive at once.
    pub pool: PoolSize,
    /// Memory that one instance may have, in bytes; the pool's slots are made for it.
    pub max_memory: usize,
    /// Elements that the tables of one instance may have; the same.
    pub max_table_elements: usize,
}

impl EngineOptions {
    /// For a process that makes calls one by one.
    pub fn small() -> EngineOptions {
        EngineOptions {
            pool: PoolSize { instances: 8 },
            ..EngineOptions::default()
        }
    }
}

impl Default for EngineOptions {
    fn default() -> EngineOptions {
        EngineOptions {
            cache_directory: None,
            pool: PoolSize::default(),
            max_memory: Limits::default().memory,
            max_table_elements: Limits::default().table_elements,
        }
    }
}

/// What all plugins of a process share. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    inner: wasmtime::Engine,
    watch: Arc<Watch>,
}

/// Where instances get their memory from.
#[derive(Clone, Copy)]
enum Allocation {
    /// From slots that were mapped beforehand: an instance costs tens of microseconds.
    Pooled,
    /// From the operating system each time, because it refused to map the pool.
    OnDemand,
}

/// Why an [`Engine`] could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// wasmtime refused the configuration.
    #[error("the WebAssembly engine cannot be set up on this machine: {0:#}")]
    Config(wasmtime::Error),
    /// The thread that interrupts guests could not be started.
    #[error("the thread that interrupts guests cannot be started: {0}")]
    Ticker(std::io::Error),
}

impl Engine {
    /// Sets up the engine. Maps the instance pool; where the machine refuses so much address space (containers with
    /// limits, small virtual machines), falls back to allocation on demand and says so in the log.
    pub fn new(options: &EngineOptions) -> Result<Engine, EngineError> {
        let inner = build(options, Allocation::Pooled).or_else(|error| {
            tracing::warn!(
                "no instance pool, calls will be slower: the system refused its address space ({error:#}); raise the \
                 limit of virtual memory or lower `runtime.instances`"
            );
            build(options, Allocation::OnDemand).map_err(EngineError::Config)
        })?;
        let watch = ticker::start(&inner).map_err(EngineError::Ticker)?;
        Ok(Engine { inner, watch })
    }

    /// wasmtime's engine.
    pub fn wasmtime(&self) -> &wasmtime::Engine {
        &self.inner
    }
}

fn build(options: &EngineOptions, allocation: Allocation) -> wasmtime::Result<wasmtime::Engine> {
    let mut config = Config::new();
    config.epoch_interruption(true);
    // Only WASI 0.2 is linked: without this each call would set up the machinery of asynchronous components.
    config.concurrency_support(false);
    config.wasm_features(ALLOWED.complement(), false);
    config.max_wasm_stack(WASM_STACK);
    config.async_stack_size(WASM_STACK + HOST_STACK);
    config.wasm_backtrace_max_frames(std::num::NonZeroUsize::new(16));
    config.cache(compilation_cache(options));
    config.allocation_strategy(match allocation {
        Allocation::Pooled => InstanceAllocationStrategy::Pooling(pool(options)),
        Allocation::OnDemand => InstanceAllocationStrategy::OnDemand,
    });
    wasmtime::Engine::new(&config)
}

/// Stack of a guest, in bytes. More: it traps. Rust's own programs have 1 MiB in WebAssembly's memory beside it, which
/// their compiler bounds; this one holds return addresses and registers, and a recursion of thousands of frames fits.
const WASM_STACK: usize = 512 << 10;

/// What host functions find below a guest that has used all of its stack: they send requests and format errors, and
/// never recurse by what a guest says. What wasmtime adds by default.
const HOST_STACK: usize = 1536 << 10;

/// The parts of WebAssembly that plugins may use: what compilers for Rust, C, Go and TinyGo emit unasked. Everything
/// else is off, whatever wasmtime's default is: garbage collection, exceptions, threads, typed references to functions,
/// 64-bit memories, tail calls, instructions that behave differently on different machines, asynchronous
/// components. What is not there cannot be attacked, and makes no plugin depend on this machine or this version.
///
/// Several memories are on for one reason: wasmtime's own code between two components inside of one has them, and
/// without the feature such a component ends the process while it is compiled. The limit of one memory for each
/// component (`limits::MEMORIES`) refuses both kinds with a sentence.
const ALLOWED: WasmFeatures = WasmFeatures::MUTABLE_GLOBAL
    .union(WasmFeatures::SATURATING_FLOAT_TO_INT)
    .union(WasmFeatures::SIGN_EXTENSION)
    .union(WasmFeatures::MULTI_VALUE)
    .union(WasmFeatures::BULK_MEMORY)
    .union(WasmFeatures::BULK_MEMORY_OPT)
    .union(WasmFeatures::REFERENCE_TYPES)
    .union(WasmFeatures::CALL_INDIRECT_OVERLONG)
    .union(WasmFeatures::EXTENDED_CONST)
    .union(WasmFeatures::FLOATS)
    .union(WasmFeatures::SIMD)
    .union(WasmFeatures::MULTI_MEMORY)
    .union(WasmFeatures::COMPONENT_MODEL);

fn pool(options: &EngineOptions) -> PoolingAllocationConfig {
    let instances = options.pool.instances;
    let mut pool = PoolingAllocationConfig::default();
    pool.total_component_instances(instances);
    // As many as every instance may have, or some could use up those of their neighbours. They are only counted: what
    // takes room is memories, tables and stacks.
    let core_instances = u32::try_from(limits::INSTANCES).unwrap_or(u32::MAX);
    pool.total_core_instances(instances.saturating_mul(core_instances));
    pool.total_memories(instances);
    pool.total_tables(instances.saturating_mul(2));
    pool.total_stacks(instances);
    pool.max_memories_per_component(u32::try_from(limits::MEMORIES).unwrap_or(1));
    pool.max_tables_per_component(u32::try_from(limits::TABLES).unwrap_or(1));
    pool.max_memory_size(options.max_memory);
    pool.table_elements(options.max_table_elements);
    // What a typical call touches: kept mapped between calls, so that the next one need not fault it in again. All of the
    // memory that the plugin of this project begins with. With less, a delivery takes 20 µs more; with more, the same.
    pool.linear_memory_keep_resident(320 * 1024);
    pool.table_keep_resident(16 * 1024);
    // A page that was swapped out while dirty would be neither reset nor given back (wasmtime#14357): the next
    // customer's instance could read it.
    pool.pagemap_scan(Enabled::No);
    pool
}

/// Compiled code is kept on disk. A cache that cannot be used only costs time, so it is no error.
fn compilation_cache(options: &EngineOptions) -> Option<Cache> {
    let mut config = CacheConfig::new();
    if let Some(directory) = &options.cache_directory {
        config.with_directory(directory);
    }
    Cache::new(config)
        .inspect_err(|error| {
            tracing::warn!(
                "components are compiled anew at each start, the cache is unusable: {error:#}"
            );
        })
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Store;
    use wasmtime::component::{Component, Linker};

    /// A component that holds an empty module so many times (component-model, "Binary Format").
    fn with_core_instances(number: u8) -> Vec<u8> {
        let mut bytes = b"\0asm\x0d\0\x01\0".to_vec();
        bytes.extend(b"\x01\x08\0asm\x01\0\0\0");
        bytes.extend([2, 1 + 3 * number, number]);
        bytes.extend(vec![0; 3 * usize::from(number)]);
        bytes
    }

    #[test]
    fn calls_that_have_all_the_instances_they_may_leave_their_neighbours_theirs() {
        let options = EngineOptions::small();
        let engine = Engine::new(&options).unwrap();
        let bytes = with_core_instances(u8::try_from(limits::INSTANCES).unwrap());
        let component = Component::new(engine.wasmtime(), bytes).unwrap();
        let linker = Linker::new(engine.wasmtime());
        let mut alive = Vec::new();
        for number in 0..options.pool.instances {
            let mut store = Store::new(engine.wasmtime(), ());
            let instance = linker.instantiate(&mut store, &component);
            assert!(instance.is_ok(), "{number}: {:?}", instance.err());
            alive.push(store);
        }
    }
}
