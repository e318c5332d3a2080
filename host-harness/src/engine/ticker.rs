//! The thread that makes running guests look up.

use std::time::Duration;

/// How often a running guest checks its budget and lets its neighbours run. A guest can exceed its CPU budget by at
/// most this much.
pub(super) const TICK: Duration = Duration::from_millis(10);

/// Starts the thread. It must not be a task of an asynchronous runtime: a guest that spins would keep that runtime
/// from ever running it. It holds the engine weakly and ends with it.
pub(super) fn start(engine: &wasmtime::Engine) -> std::io::Result<()> {
    let engine = engine.weak();
    std::thread::Builder::new()
        .name("epoch".to_owned())
        .spawn(move || {
            loop {
                std::thread::sleep(TICK);
                match engine.upgrade() {
                    Some(engine) => engine.increment_epoch(),
                    None => return,
                }
            }
        })?;
    Ok(())
}
