//! One compiled component: loaded, checked, linked and asked what it is.

use super::call::{self, CallState, Callee};
use super::clocks::Clocks;
use super::{Engine, Limits};
use crate::contract::{self, BindingsPre, ContractError, Manifest};
use crate::installation::Installation;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, HasSelf, Linker};
use wasmtime_wasi::p2::bindings as wasi;
use wasmtime_wasi_http::p2::bindings::http;
use wasmtime_wasi_http::{WasiHttp, WasiHttpView};

/// A plugin that is ready to be called. Cheap to clone.
#[derive(Clone)]
pub struct Plugin {
    callee: Callee,
    manifest: Arc<Manifest>,
    facts: Arc<Facts>,
}

/// What can be said about a component without running it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// Where it was loaded from.
    pub path: PathBuf,
    /// Its size, in bytes.
    pub size: u64,
    /// The version of the contract that it was built for.
    pub contract_version: String,
    /// Names of what it imports, with versions.
    pub imports: Vec<String>,
    /// Names of what it exports, with versions.
    pub exports: Vec<String>,
}

/// Why a component could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be read.
    #[error(
        "cannot read the component {}: {error}; build it with `make component`, or name another file",
        .path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The file is too large.
    #[error("the component {} has more than {LARGEST} bytes; is it the right file?", .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
    },
    /// The file is something else altogether.
    #[error("{} is not a WebAssembly component: it does not begin like a WebAssembly file", .path.display())]
    NotWebAssembly {
        /// The file.
        path: PathBuf,
    },
    /// The file is no component.
    #[error("{} is not a WebAssembly component: {error:#}", .path.display())]
    NotAComponent {
        /// The file.
        path: PathBuf,
        /// What wasmtime said.
        error: wasmtime::Error,
    },
    /// It is a component, but not a plugin for this host.
    #[error("{}: {error}", .path.display())]
    Contract {
        /// The file.
        path: PathBuf,
        /// Which contract it has instead.
        error: ContractError,
    },
    /// It wants more than a plugin gets, or exports the contract incompletely.
    #[error(
        "{} asks for something that the contract {package} {version} does not have: {error:#}", .path.display(),
        package = contract::PACKAGE, version = contract::VERSION,
    )]
    Link {
        /// The file.
        path: PathBuf,
        /// What wasmtime said: it names the import or export.
        error: wasmtime::Error,
    },
    /// It could not say what it is.
    #[error("{} failed to describe itself: {error}", .path.display())]
    Describe {
        /// The file.
        path: PathBuf,
        /// What happened.
        error: call::CallError,
    },
}

/// Largest component, in bytes. The plugin that comes with this project has 0.4 MB and is compiled in 0.1 s; one that
/// carries a scripting language's interpreter has ten to twenty MB.
pub const LARGEST: u64 = 64 << 20;

/// Longest wait for a component to say what it is. It sends nothing, so it has nothing to wait for: nobody who starts a
/// host should sit before it for the two minutes of a call.
const DESCRIBE: Duration = Duration::from_secs(5);

/// What every WebAssembly file begins with (WebAssembly core specification, "Modules").
const MAGIC: &[u8] = b"\0asm";

impl Plugin {
    /// Loads a component from a file: compiles it or takes the code from the cache, checks the version of its
    /// contract before anything of it runs, links it, and asks for its manifest.
    pub async fn load(engine: &Engine, path: &Path) -> Result<Plugin, LoadError> {
        let in_file = |path: &Path| path.to_owned();
        let bytes = read(path)?;
        if !bytes.starts_with(MAGIC) {
            return Err(LoadError::NotWebAssembly {
                path: in_file(path),
            });
        }
        let component = Component::new(engine.wasmtime(), &bytes).map_err(|error| {
            LoadError::NotAComponent {
                path: in_file(path),
                error,
            }
        })?;
        let component_type = component.component_type();
        let contract_version = contract::check_version(&component_type, engine.wasmtime())
            .map_err(|error| LoadError::Contract {
                path: in_file(path),
                error,
            })?;
        let link_error = |error| LoadError::Link {
            path: in_file(path),
            error,
        };
        let linker = linker(engine).map_err(link_error)?;
        let pre = linker
            .instantiate_pre(&component)
            .and_then(BindingsPre::new)
            .map_err(link_error)?;
        let names = |items: &mut dyn Iterator<Item = (&str, ComponentItem)>| {
            items.map(|(name, _)| name.to_owned()).collect::<Vec<_>>()
        };
        let facts = Facts {
            path: in_file(path),
            size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            contract_version,
            imports: names(
                &mut component_type
                    .imports(engine.wasmtime())
                    .map(|(name, item)| (name, item.ty)),
            ),
            exports: names(
                &mut component_type
                    .exports(engine.wasmtime())
                    .map(|(name, item)| (name, item.ty)),
            ),
        };
        let callee = Callee::new(pre, engine.watch.clone());
        let manifest = describe(&callee)
            .await
            .map_err(|error| LoadError::Describe {
                path: in_file(path),
                error,
            })?;
        Ok(Plugin {
            callee,
            manifest: Arc::new(manifest),
            facts: Arc::new(facts),
        })
    }

    /// The linked component, from which each call makes its instance.
    pub fn callee(&self) -> &Callee {
        &self.callee
    }

    /// What the plugin says about itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// What can be said about the component without running it.
    pub fn facts(&self) -> &Facts {
        &self.facts
    }
}

/// Reads a file, and no more of it than may be there: what is named may as well be a device that never ends.
fn read(path: &Path) -> Result<Vec<u8>, LoadError> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path);
    file.and_then(|file| file.take(LARGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| LoadError::Unreadable {
            path: path.to_owned(),
            error,
        })?;
    if u64::try_from(bytes.len()).is_ok_and(|size| size <= LARGEST) {
        Ok(bytes)
    } else {
        Err(LoadError::TooLarge {
            path: path.to_owned(),
        })
    }
}

/// `describe` sends nothing, so it runs for nobody: an installation without a credential and with no destination.
async fn describe(callee: &Callee) -> Result<Manifest, call::CallError> {
    let limits = Limits {
        wall: DESCRIBE,
        ..Limits::default()
    };
    let nobody = Installation::nobody().with_limits(limits);
    let context = call::Context::new(Arc::new(nobody));
    call::run(callee, context, "describe", async |guest, store| {
        guest.call_describe(store).await
    })
    .await
}

/// Exactly the imports of the contract's world. A component that wants anything else does not link.
fn linker(engine: &Engine) -> wasmtime::Result<Linker<CallState>> {
    let mut linker = Linker::new(engine.wasmtime());
    let l = &mut linker;
    wasi::io::error::add_to_linker::<CallState, IoTable>(l, CallState::table)?;
    wasi::io::poll::add_to_linker::<CallState, IoTable>(l, CallState::table)?;
    wasi::io::streams::add_to_linker::<CallState, IoTable>(l, CallState::table)?;
    wasi::clocks::monotonic_clock::add_to_linker::<CallState, Clocks>(l, CallState::clocks)?;
    wasi::clocks::wall_clock::add_to_linker::<CallState, Clocks>(l, CallState::clocks)?;
    http::types::add_to_linker::<CallState, WasiHttp>(
        l,
        &http::types::LinkOptions::default(),
        CallState::http,
    )?;
    http::outgoing_handler::add_to_linker::<CallState, WasiHttp>(l, CallState::http)?;
    contract::types::add_to_linker::<CallState, HasSelf<CallState>>(l, |state| state)?;
    contract::logging::add_to_linker::<CallState, HasSelf<CallState>>(l, |state| state)?;
    Ok(linker)
}

/// Tells the linker that `wasi:io` works on the resource table alone.
struct IoTable;

impl wasmtime::component::HasData for IoTable {
    type Data<'a> = &'a mut wasmtime::component::ResourceTable;
}
