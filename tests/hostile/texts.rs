//! Guests that are written in the text format.

use crate::arena::{Arena, dispatch, expect_stop, expect_trap, limits, load};
use host_harness::engine::{CallError, CallErrorKind, LoadError};
use serde_json::Value;
use std::time::Duration;

/// Checks that everybody else goes on.
async fn others_go_on() {
    Arena::new().await.goes_on().await;
}

/// Why a component that cannot say what it is was refused.
async fn undescribed(name: &str) -> CallError {
    let refused = load(name).await.err();
    others_go_on().await;
    match refused {
        Some(LoadError::Describe { error, .. }) => error,
        other => panic!("{other:?}"),
    }
}

/// Why the first call of a component that loads was stopped.
async fn stopped(name: &str) -> CallError {
    let plugin = load(name).await.unwrap();
    let arena = Arena::of(plugin, limits()).await;
    let answer = dispatch(&arena.runtime, &arena.attacker, name, Value::Null).await;
    others_go_on().await;
    answer.expect_err("the guest was not stopped")
}

/// Checks that a component is refused before anything of it runs, with an error that holds these texts.
async fn expect_refused(name: &str, texts: &[&str]) {
    let refused = load(name).await.err();
    let Some(error) = refused else {
        panic!("{name} was loaded")
    };
    assert!(!matches!(error, LoadError::Describe { .. }), "{error}");
    let text = error.to_string();
    for part in texts {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
}

/// Is refused after two seconds: the limits hold for start functions too.
pub async fn start_spins(name: &str) {
    let error = undescribed(name).await;
    expect_stop(&error, &CallErrorKind::Cpu(Duration::from_secs(2)));
}

/// Is refused.
pub async fn start_traps(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "unreachable");
}

/// Is refused after five seconds.
pub async fn describe_waits(name: &str) {
    let error = undescribed(name).await;
    expect_stop(&error, &CallErrorKind::Wall(Duration::from_secs(5)));
}

/// Is refused; its stack was its own.
pub async fn describe_recurses(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "call stack exhausted");
}

/// Is stopped at its limit of memory.
pub async fn memory_grows(name: &str) {
    let error = stopped(name).await;
    expect_stop(&error, &CallErrorKind::Memory(limits().memory));
}

/// Is stopped likewise.
pub async fn memory_grows_at_once(name: &str) {
    let error = stopped(name).await;
    expect_stop(&error, &CallErrorKind::Memory(limits().memory));
}

/// Is stopped at its limit of elements.
pub async fn table_grows(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "table");
}

/// Is refused.
pub async fn huge_memory(name: &str) {
    expect_refused(name, &["memory"]).await;
}

/// Is refused.
pub async fn huge_table(name: &str) {
    expect_refused(name, &["table"]).await;
}

/// Is refused.
pub async fn hundred_tables(name: &str) {
    expect_refused(name, &["table"]).await;
}

/// Is refused.
pub async fn pointer_outside(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "out of bounds");
}

/// Is refused.
pub async fn pointer_misaligned(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "aligned");
}

/// Is refused.
pub async fn text_not_utf8(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "utf-8");
}

/// Is refused; nobody makes room for it.
pub async fn text_beyond_memory(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "out of bounds");
}

/// Is refused; nobody makes room for it.
pub async fn list_beyond_memory(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "out of bounds");
}

/// Is refused: what a list takes in the host counts.
pub async fn list_of_nothing(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "fuel");
}

/// Is refused at the limit of what is copied.
pub async fn same_text_often(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "fuel");
}

/// Loses its call.
pub async fn unknown_case(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "discriminant");
}

/// Loses its call.
pub async fn unknown_kind(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "discriminant");
}

/// Loses its call.
pub async fn realloc_outside(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "beyond end of memory");
}

/// Loses its call.
pub async fn realloc_misaligned(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "aligned");
}

/// Is stopped when its CPU time is used up.
pub async fn realloc_spins(name: &str) {
    let error = stopped(name).await;
    expect_stop(&error, &CallErrorKind::Cpu(limits().cpu));
}

/// Loses its call.
pub async fn realloc_calls_out(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "cannot leave component instance");
}

/// Harms itself alone: what it reads and answers is its own memory.
pub async fn realloc_overlaps(name: &str) {
    let plugin = load(name).await.unwrap();
    let arena = Arena::of(plugin, limits()).await;
    let answer = dispatch(&arena.runtime, &arena.attacker, name, Value::Null).await;
    assert_eq!(answer.unwrap().unwrap().external_run_id, "");
}

/// Loses its call.
pub async fn log_beyond_memory(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "out of bounds");
}

/// Loses its call.
pub async fn log_unknown_level(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "discriminant");
}

/// Loses its call.
pub async fn forged_handle(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "unknown handle index");
}

/// Loses its call.
pub async fn handle_used_twice(name: &str) {
    let error = stopped(name).await;
    expect_trap(&error, "unknown handle index");
}

/// Is refused, and the error names what it wants.
pub async fn wants_sockets(name: &str) {
    expect_refused(
        name,
        &[
            "asks for something that the contract ocean:integration-action 0.1.0 does not have",
            "wasi:sockets/instance-network@0.2.0",
        ],
    )
    .await;
}

/// Is refused, and the error names what it wants.
pub async fn wants_files(name: &str) {
    expect_refused(
        name,
        &[
            "asks for something that the contract ocean:integration-action 0.1.0 does not have",
            "wasi:filesystem/preopens@0.2.0",
        ],
    )
    .await;
}

/// Is refused, and the error names what it wants.
pub async fn wants_environment(name: &str) {
    expect_refused(
        name,
        &[
            "asks for something that the contract ocean:integration-action 0.1.0 does not have",
            "wasi:cli/environment@0.2.0",
        ],
    )
    .await;
}

/// Is refused, and the error names what it wants.
pub async fn wants_randomness(name: &str) {
    expect_refused(
        name,
        &[
            "asks for something that the contract ocean:integration-action 0.1.0 does not have",
            "wasi:random/random@0.2.0",
        ],
    )
    .await;
}

/// Is refused, and the error names what it wants.
pub async fn wants_newer_http(name: &str) {
    expect_refused(
        name,
        &[
            "asks for something that the contract ocean:integration-action 0.1.0 does not have",
            "wasi:http/client@0.3.0",
        ],
    )
    .await;
}

/// Is refused, and the error names what it wants.
pub async fn wants_a_new_function(name: &str) {
    expect_refused(
        name,
        &[
            "asks for something that the contract ocean:integration-action 0.1.0 does not have",
            "wasi:http/types@0.2.99",
        ],
    )
    .await;
}

/// Is refused, and the error names what it wants.
pub async fn wants_an_unknown_interface(name: &str) {
    expect_refused(
        name,
        &[
            "asks for something that the contract ocean:integration-action 0.1.0 does not have",
            "evil:host/shell@1.0.0",
        ],
    )
    .await;
}

/// Is refused, and the error names both versions.
pub async fn other_version(name: &str) {
    expect_refused(
        name,
        &["speaks ocean:integration-action 0.2.0, this host speaks 0.1.0"],
    )
    .await;
}

/// Is refused.
pub async fn other_signature(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "expected `record` found `string`");
}

/// Is refused likewise, although nobody has called that function yet.
pub async fn other_signature_of_cancel(name: &str) {
    let error = undescribed(name).await;
    expect_trap(&error, "expected `tuple` found `string`");
}

/// Is refused, and the error names the function.
pub async fn missing_function(name: &str) {
    expect_refused(name, &["cancel"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_gc(name: &str) {
    expect_refused(name, &["gc"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_exceptions(name: &str) {
    expect_refused(name, &["exceptions"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_threads(name: &str) {
    expect_refused(name, &["threads"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_memory64(name: &str) {
    expect_refused(name, &["memory64"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_two_memories(name: &str) {
    expect_refused(name, &["memor"]).await;
}

/// Is refused with a sentence. It once ended the process: wasmtime's own code between the two has two memories.
pub async fn two_components(name: &str) {
    expect_refused(name, &["memor"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_tail_calls(name: &str) {
    expect_refused(name, &["tail"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_relaxed_simd(name: &str) {
    expect_refused(name, &["relaxed"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_function_references(name: &str) {
    expect_refused(name, &["function references"]).await;
}

/// Is refused: no plugin needs it.
pub async fn feature_async(name: &str) {
    expect_refused(name, &["async"]).await;
}
