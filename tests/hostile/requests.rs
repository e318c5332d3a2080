//! Guests that send too much at once, and guests that end in the middle of a request.

use crate::arena::{Arena, expect_stop, expect_trap, limits};
use host_harness::engine::{CallErrorKind, Limits};
use serde_json::{Value, json};

/// Gets as many as it may, and is refused after that.
pub async fn send_more_than_allowed(arena: &Arena) {
    let limits = Limits {
        requests: 30,
        ..limits()
    };
    let arena = Arena::of(arena.runtime.plugin().clone(), limits).await;
    let saw = arena
        .saw("send_more_than_allowed", json!({ "requests": 50 }))
        .await;
    assert_eq!(saw, json!({ "200": 30, "HttpRequestDenied": 20 }));
    assert_eq!(arena.server.requests().len(), 30);
    arena.goes_on().await;
}

/// Gets its answers, side by side.
pub async fn send_many_at_once(arena: &Arena) {
    let saw = arena
        .saw("send_many_at_once", json!({ "requests": 100 }))
        .await;
    let all: u64 = saw
        .as_object()
        .unwrap()
        .values()
        .filter_map(Value::as_u64)
        .sum();
    assert_eq!(all, 100);
    assert!(saw["200"].as_u64() >= Some(16), "{saw}");
}

/// Is told that there is no room when as many are open as may be at once, and gives all of it back when it ends.
pub async fn keep_every_response(arena: &Arena) {
    for _ in 0..8 {
        let saw = arena.saw("keep_every_response", Value::Null).await;
        let outcomes = saw.as_array().unwrap();
        let (taken, refused) = outcomes.split_at(16);
        assert!(taken.iter().all(|it| it == ""), "{saw}");
        assert!(
            refused.iter().all(|it| it == "ConnectionLimitReached"),
            "{saw}"
        );
    }
}

/// Loses its call, and the host says that a request has left.
pub async fn trap_after_sending(arena: &Arena) {
    let error = arena.stopped("trap_after_sending", Value::Null).await;
    expect_trap(&error, "unreachable");
    assert!(error.request_sent);
    assert_eq!(arena.server.requests(), ["POST /silent HTTP/1.1"]);
}

/// Likewise.
pub async fn spin_after_sending(arena: &Arena) {
    let error = arena.stopped("spin_after_sending", Value::Null).await;
    expect_stop(&error, &CallErrorKind::Cpu(arena.limits.cpu));
    assert!(error.request_sent);
}

/// May do so.
pub async fn drop_everything_half_way(arena: &Arena) {
    let saw = arena.saw("drop_everything_half_way", Value::Null).await;
    assert_eq!(saw, "dropped");
}
