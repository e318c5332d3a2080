//! Taking the CPU, the stack, or time.

use crate::contract::clocks::monotonic_clock::{self, now, subscribe_duration};
use crate::contract::http::types::{Fields, OutgoingRequest};
use crate::contract::io::poll::poll;
use crate::{Answer, Task, saw};
use serde_json::json;
use std::hint::black_box;

pub fn spin_in_wasm(_: &Task) -> Answer {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns.wrapping_add(1));
    }
}

pub fn spin_in_clocks(_: &Task) -> Answer {
    loop {
        black_box(monotonic_clock::resolution());
        black_box(now());
    }
}

pub fn spin_in_fields(_: &Task) -> Answer {
    let fields = Fields::new();
    fields.append("x-a", b"1").unwrap();
    loop {
        black_box(fields.clone());
    }
}

pub fn spin_in_requests(_: &Task) -> Answer {
    loop {
        black_box(OutgoingRequest::new(Fields::new()));
    }
}

pub fn recurse(_: &Task) -> Answer {
    saw(&json!({ "depth": deeper(1) }))
}

#[expect(unconditional_recursion, reason = "that is what it is for")]
fn deeper(depth: u64) -> u64 {
    let room = black_box([depth; 16]);
    deeper(depth + 1) + black_box(room)[3]
}

pub fn trap(_: &Task) -> Answer {
    unreachable!()
}

pub fn wait_for_ever(_: &Task) -> Answer {
    subscribe_duration(u64::MAX).block();
    saw(&json!("eternity is over"))
}

pub fn wait_again_and_again(_: &Task) -> Answer {
    loop {
        subscribe_duration(1_000_000).block();
    }
}

pub fn poll_nothing(_: &Task) -> Answer {
    saw(&json!(poll(&[])))
}
