//! The guest that means no harm: it asks its server a number of things and says how long each took.

use crate::contract::clocks::monotonic_clock::now;
use crate::{Answer, Task, http, saw};
use serde_json::json;

pub fn neighbour(task: &Task) -> Answer {
    let url = [&task.installation.api_url, task.text("path")].concat();
    let requests = task.with["requests"].as_u64().unwrap_or(1);
    let mut took = Vec::new();
    for _ in 0..requests {
        let began = now();
        let outcome = http::outcome(&http::get(&url));
        if outcome != "200" {
            return saw(&json!({ "failed": outcome }));
        }
        took.push((now() - began) / 1_000);
    }
    saw(&json!({ "microseconds": took }))
}
