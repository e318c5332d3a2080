//! The component that was just built, and a runtime with it.

use host_harness::engine::{Engine, EngineOptions, Plugin, PoolSize};
use host_harness::runtime::{Runtime, RuntimeOptions};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;
use tokio::sync::OnceCell;

/// The top of the project.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// The component, built from the source as it is now: once in each test process, and whoever starts it. A test can
/// therefore never see a stale one.
pub fn component() -> &'static Path {
    static COMPONENT: LazyLock<PathBuf> = LazyLock::new(|| built(None));
    &COMPONENT
}

/// The component of a project of its own in this folder, or else that of this one; built if it is not up to date.
pub fn built(project: Option<&Path>) -> PathBuf {
    let built = Command::new(root().join("component/build.sh"))
        .args(project)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(built.status.success(), "component/build.sh failed");
    PathBuf::from(String::from_utf8(built.stdout).unwrap().trim())
}

/// A runtime with the component, on one thread. Engine and compiled component are shared by all tests of the process.
pub async fn runtime() -> Runtime {
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    let plugin = PLUGIN
        .get_or_init(|| async {
            let options = EngineOptions {
                pool: PoolSize { instances: 200 },
                ..EngineOptions::default()
            };
            let engine = Engine::new(&options).unwrap();
            Plugin::load(&engine, component()).await.unwrap()
        })
        .await;
    let options = RuntimeOptions {
        threads: 1,
        ..RuntimeOptions::default()
    };
    Runtime::start(plugin.clone(), options).unwrap()
}
