//! Guests whose bodies never end, and guests before servers that are as bad.

use crate::arena::{Arena, expect_trap};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Largest request body that leaves, in bytes.
const REQUEST_BODY: u64 = 2 << 20;
/// Largest response body that comes in, in bytes.
const RESPONSE_BODY: u64 = 16 << 20;

/// Is cut off at the limit, and told so.
pub async fn write_without_end(arena: &Arena) {
    let saw = arena.saw("write_without_end", Value::Null).await;
    let written = saw["written"].as_u64().unwrap();
    assert!(written <= REQUEST_BODY + (2 << 20), "{saw}");
    assert!(written >= REQUEST_BODY, "{saw}");
    assert_ne!(saw["outcome"], "200");
}

/// Gets an error when its time for the first byte is over.
pub async fn never_finish_a_body(arena: &Arena) {
    let began = Instant::now();
    let saw = arena.saw("never_finish_a_body", Value::Null).await;
    assert_eq!(saw, "ConnectionReadTimeout");
    assert!(began.elapsed() < Duration::from_secs(2));
}

/// Gets an error, and the server gets no body whose end is made up.
pub async fn contradict_the_length(arena: &Arena) {
    let saw = arena.saw("contradict_the_length", Value::Null).await;
    for outcome in saw.as_array().unwrap() {
        assert!(
            outcome["finished"] == false || outcome["outcome"] != "200",
            "{saw}"
        );
    }
}

/// Is cut off at the limit.
pub async fn read_without_end(arena: &Arena) {
    let saw = arena.saw("read_without_end", Value::Null).await;
    let bytes = saw["bytes"].as_u64().unwrap();
    assert!(
        bytes <= RESPONSE_BODY && bytes > RESPONSE_BODY - (1 << 20),
        "{saw}"
    );
}

/// Reads it until its wall time is over: bytes come, so nothing else is wrong with it.
pub async fn read_a_trickle(arena: &Arena) {
    let error = arena.stopped("read_a_trickle", Value::Null).await;
    assert_eq!(
        error.to_string(),
        "the plugin's `dispatch` was stopped: it took more than 3s"
    );
}

/// Gets an error when its time for the first byte is over.
pub async fn wait_for_a_silent_server(arena: &Arena) {
    let saw = arena.saw("wait_for_a_silent_server", Value::Null).await;
    assert_eq!(saw, "ConnectionReadTimeout");
}

/// Gets an error instead of the flood.
pub async fn take_a_flood_of_fields(arena: &Arena) {
    let saw = arena.saw("take_a_flood_of_fields", Value::Null).await;
    assert!(saw.is_string(), "{saw}");
}

/// Gets an error instead of the field.
pub async fn take_a_huge_field(arena: &Arena) {
    let saw = arena.saw("take_a_huge_field", Value::Null).await;
    assert!(saw.is_string(), "{saw}");
}

/// Gets what is there, and no more room than that takes.
pub async fn name_absurd_lengths(arena: &Arena) {
    let saw = arena.saw("name_absurd_lengths", Value::Null).await;
    assert_eq!(saw["some"], true);
}

/// Traps, as WASI wants it: it was told how much it may write.
pub async fn write_zeroes_without_end(arena: &Arena) {
    let error = arena.stopped("write_zeroes_without_end", Value::Null).await;
    expect_trap(&error, "write");
}
