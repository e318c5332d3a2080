//! Taking memory and handles, and looking for what others left in memory.

use crate::contract::clocks::monotonic_clock::subscribe_duration;
use crate::contract::http::types::{Fields, OutgoingRequest};
use crate::{Answer, Task, http, saw};
use serde_json::json;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering};

pub fn allocate_without_end(_: &Task) -> Answer {
    let mut all = Vec::new();
    loop {
        all.push(black_box(vec![1_u8; 1 << 20]));
    }
}

pub fn open_fields_without_end(_: &Task) -> Answer {
    without_end(Fields::new)
}

pub fn open_requests_without_end(_: &Task) -> Answer {
    without_end(|| OutgoingRequest::new(Fields::new()))
}

pub fn open_pollables_without_end(_: &Task) -> Answer {
    without_end(|| subscribe_duration(u64::MAX))
}

fn without_end<T>(open: impl Fn() -> T) -> Answer {
    let all: Vec<T> = (0..10_000).map(|_| open()).collect();
    saw(&json!({ "opened": all.len() }))
}

pub fn leak_every_handle(task: &Task) -> Answer {
    let method = crate::contract::http::types::Method::Get;
    // As many as may be under way at once.
    for _ in 0..15 {
        let request = http::request(
            http::Target::of(&task.installation.api_url),
            &method,
            Fields::new(),
        );
        let future = http::begin(request.unwrap()).unwrap();
        std::mem::forget(http::wait(&future));
        std::mem::forget(future);
        std::mem::forget(subscribe_duration(u64::MAX));
    }
    saw(&json!("leaked"))
}

static CALLS: AtomicU32 = AtomicU32::new(0);

pub fn count_calls(task: &Task) -> Answer {
    let calls = CALLS.fetch_add(1, Ordering::Relaxed) + 1;
    if task.with["trap"] == true {
        panic!("after counting");
    }
    saw(&json!({ "calls": calls }))
}

/// What `look_for_leftovers` leaves and looks for: no text of a program, and not in this one in this form.
fn mark() -> [u8; 16] {
    std::array::from_fn(|index| black_box(0x5a_u8).wrapping_mul(black_box(index as u8 + 3)) ^ 0xc3)
}

/// Told to, fills most of its memory; else looks through all memory that it can have, and for the global of the other.
pub fn look_for_leftovers(task: &Task) -> Answer {
    const ROOM: usize = 24 << 20;
    if task.with["leave"] == true {
        let mut room = Vec::with_capacity(ROOM);
        while room.len() + 16 <= ROOM {
            room.extend_from_slice(&mark());
        }
        return saw(&json!({ "left": black_box(room).len() }));
    }
    // A fresh page is zero (WebAssembly core specification, "Memory instances"), so a part that was not written shows
    // whatever the one before has left. Volatile, since the optimizer takes reading it for undefined.
    let room: Vec<u8> = Vec::with_capacity(ROOM);
    let begin = room.as_ptr();
    let mut dirty = 0_u64;
    for offset in (0..ROOM).step_by(64) {
        // SAFETY: within the allocation; any byte is a `u8`.
        dirty += u64::from(unsafe { begin.add(offset).read_volatile() } != 0);
    }
    drop(room);
    saw(&json!({ "dirty": dirty }))
}
