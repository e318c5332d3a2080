//! Guests that take memory and handles, or look for what others left.

use crate::arena::{Arena, dispatch, expect_stop, expect_trap, seen};
use host_harness::engine::{CallErrorKind, Limits};
use serde_json::{Value, json};

/// Is stopped at its limit of memory.
pub async fn allocate_without_end(arena: &Arena) {
    let error = arena.stopped("allocate_without_end", Value::Null).await;
    expect_stop(&error, &CallErrorKind::Memory(arena.limits.memory));
}

async fn expect_full(arena: &Arena, name: &str) {
    let error = arena.stopped(name, Value::Null).await;
    expect_trap(&error, "resource table");
}

/// Is stopped when its table of handles is full.
pub async fn open_fields_without_end(arena: &Arena) {
    expect_full(arena, "open_fields_without_end").await;
}

/// Is stopped likewise.
pub async fn open_requests_without_end(arena: &Arena) {
    expect_full(arena, "open_requests_without_end").await;
}

/// Is stopped likewise.
pub async fn open_pollables_without_end(arena: &Arena) {
    expect_full(arena, "open_pollables_without_end").await;
}

/// May do so: everything is given back when the call ends, connections included.
pub async fn leak_every_handle(arena: &Arena) {
    for _ in 0..20 {
        let saw = arena.saw("leak_every_handle", Value::Null).await;
        assert_eq!(saw, json!("leaked"));
    }
    assert_eq!(arena.server.requests().len(), 300);
}

/// Is always at its first call, in a trap's wake too.
pub async fn count_calls(arena: &Arena) {
    for trap in [false, true, false, false] {
        let answer = arena.dispatch("count_calls", json!({ "trap": trap })).await;
        assert_eq!(answer.is_err(), trap);
        if !trap {
            assert_eq!(seen(answer), json!({ "calls": 1 }));
        }
    }
}

/// Finds nothing: the memory of a call is zero wherever it has not written, whoever had it before.
pub async fn look_for_leftovers(arena: &Arena) {
    let arena = Arena::of(arena.runtime.plugin().clone(), Limits::default()).await;
    let with = json!({ "leave": true });
    for _ in 0..3 {
        let left = dispatch(
            &arena.runtime,
            &arena.neighbour,
            "look_for_leftovers",
            with.clone(),
        );
        assert_eq!(seen(left.await)["left"], 24 << 20);
        let saw = arena.saw("look_for_leftovers", json!({})).await;
        assert_eq!(saw, json!({ "dirty": 0 }));
    }
}
