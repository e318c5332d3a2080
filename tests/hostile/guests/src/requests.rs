//! Too many requests, and calls that end in the middle of one.

use crate::contract::http::outgoing_handler::handle;
use crate::contract::http::types::{Fields, Method};
use crate::{Answer, Task, cpu, http, saw};
use serde_json::json;
use std::collections::BTreeMap;

pub fn send_more_than_allowed(task: &Task) -> Answer {
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for _ in 0..task.with["requests"].as_u64().unwrap() {
        let outcome = http::outcome(&http::get(&task.installation.api_url));
        *outcomes.entry(outcome).or_default() += 1;
    }
    saw(&json!(outcomes))
}

pub fn send_many_at_once(task: &Task) -> Answer {
    let url = [&task.installation.api_url, "/slow"].concat();
    let begin = |_| {
        let request = http::request(http::Target::of(&url), &Method::Get, Fields::new());
        http::begin(request.unwrap())
    };
    let begun: Vec<_> = (0..task.with["requests"].as_u64().unwrap())
        .map(begin)
        .collect();
    let mut outcomes: BTreeMap<String, u32> = BTreeMap::new();
    for future in begun {
        let result = future.and_then(|future| http::wait(&future));
        let result = result.map(http::read).map_err(|code| http::word(&code));
        *outcomes.entry(http::outcome(&result)).or_default() += 1;
    }
    saw(&json!(outcomes))
}

/// Takes the heads of responses and never reads their bodies, so that each keeps its place.
pub fn keep_every_response(task: &Task) -> Answer {
    let mut kept = Vec::new();
    let mut outcomes = Vec::new();
    for _ in 0..18 {
        let target = http::Target::of(&task.installation.api_url);
        let request = http::request(target, &Method::Get, Fields::new()).unwrap();
        let future = handle(request, Some(http::impatient(100))).unwrap();
        let response = http::wait(&future).map_err(|code| http::word(&code));
        outcomes.push(response.as_ref().err().cloned().unwrap_or_default());
        kept.push((future, response));
    }
    saw(&json!(outcomes))
}

/// Sends a request that may change something, and returns when the server has it.
fn send(task: &Task) {
    let target = http::Target {
        path: "/silent",
        ..http::Target::of(&task.installation.api_url)
    };
    let request = http::request(target, &Method::Post, Fields::new()).unwrap();
    let future = handle(request, Some(http::impatient(300))).unwrap();
    let _ = http::wait(&future);
}

pub fn trap_after_sending(task: &Task) -> Answer {
    send(task);
    panic!("in the middle of a request")
}

pub fn spin_after_sending(task: &Task) -> Answer {
    send(task);
    cpu::spin_in_wasm(task)
}

/// Lets go of everything at every stage of a request, in the order that the contract allows.
pub fn drop_everything_half_way(task: &Task) -> Answer {
    let target = http::Target::of(&task.installation.api_url);
    for stage in 0..5 {
        let request = http::request(target, &Method::Post, Fields::new()).unwrap();
        if stage == 0 {
            continue;
        }
        let body = request.body().unwrap();
        let stream = body.write().unwrap();
        if stage == 1 {
            drop((stream, body));
            continue;
        }
        let future = handle(request, Some(http::impatient(300))).unwrap();
        let _ = stream.write(b"half");
        if stage == 2 {
            drop(future);
            drop((stream, body));
            continue;
        }
        let _ = stream.flush();
        drop((stream, body));
        if stage == 3 {
            drop(future);
            continue;
        }
        drop(http::wait(&future));
    }
    saw(&json!("dropped"))
}
