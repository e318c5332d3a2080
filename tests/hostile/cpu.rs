//! Guests that take the CPU, the stack, or time.

use crate::arena::{Arena, expect_stop, expect_trap, limits};
use host_harness::engine::{CallErrorKind, Limits};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

async fn expect_cpu(arena: &Arena, name: &str) {
    let error = arena.stopped(name, Value::Null).await;
    expect_stop(&error, &CallErrorKind::Cpu(arena.limits.cpu));
    assert!(!error.request_sent);
    let text = error.to_string();
    assert_eq!(
        text,
        "the plugin's `dispatch` was stopped: it ran for more than 200ms of CPU time"
    );
}

/// Is stopped when its CPU time is used up.
pub async fn spin_in_wasm(arena: &Arena) {
    expect_cpu(arena, "spin_in_wasm").await;
}

/// Is stopped likewise: time in host functions counts.
pub async fn spin_in_clocks(arena: &Arena) {
    expect_cpu(arena, "spin_in_clocks").await;
}

/// Is stopped likewise: handles that are given back are no other limit's business.
pub async fn spin_in_fields(arena: &Arena) {
    expect_cpu(arena, "spin_in_fields").await;
}

/// Is stopped likewise.
pub async fn spin_in_requests(arena: &Arena) {
    expect_cpu(arena, "spin_in_requests").await;
}

/// Traps when its stack is used up.
pub async fn recurse(arena: &Arena) {
    let error = arena.stopped("recurse", Value::Null).await;
    let CallErrorKind::Trap(reason) = &error.kind else {
        panic!("{error}");
    };
    // Rust keeps a part of a frame in memory, and which of the two stacks ends first depends on the frame.
    let ends = ["call stack exhausted", "out of bounds memory access"];
    assert!(ends.iter().any(|end| reason.contains(end)), "{reason}");
}

/// Loses its own call.
pub async fn trap(arena: &Arena) {
    let error = arena.stopped("trap", Value::Null).await;
    expect_trap(&error, "unreachable");
}

async fn expect_wall(arena: &Arena, name: &str) {
    let began = Instant::now();
    let limits = Limits {
        wall: Duration::from_millis(300),
        ..limits()
    };
    let arena = Arena::of(arena.runtime.plugin().clone(), limits).await;
    let error = arena.stopped(name, Value::Null).await;
    expect_stop(&error, &CallErrorKind::Wall(limits.wall));
    assert!(began.elapsed() < Duration::from_secs(3));
    arena.goes_on().await;
}

/// Is stopped when its wall time is over.
pub async fn wait_for_ever(arena: &Arena) {
    expect_wall(arena, "wait_for_ever").await;
}

/// Is stopped likewise: it uses next to no CPU time, however often it waits.
pub async fn wait_again_and_again(arena: &Arena) {
    expect_wall(arena, "wait_again_and_again").await;
}

/// Traps, as WASI wants it.
pub async fn poll_nothing(arena: &Arena) {
    let error = arena.stopped("poll_nothing", json!({})).await;
    expect_trap(&error, "empty poll list");
}
