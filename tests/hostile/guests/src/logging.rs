//! Taking the log, and lying in it.

use crate::contract::ocean::integration_action::logging::log;
use crate::contract::ocean::integration_action::types::Level;
use crate::{Answer, Task, saw};
use serde_json::json;

pub fn log_without_end(_: &Task) -> Answer {
    loop {
        log(Level::Error, "again");
    }
}

pub fn log_one_huge_line(_: &Task) -> Answer {
    log(Level::Info, &"x".repeat(8 << 20));
    saw(&json!("logged"))
}

pub fn log_many_long_lines(_: &Task) -> Answer {
    let line = "y".repeat(3_999);
    for _ in 0..1_000 {
        log(Level::Info, &line);
    }
    saw(&json!("logged"))
}

pub fn log_control_characters(task: &Task) -> Answer {
    for line in task.texts("lines") {
        log(Level::Warn, line);
    }
    saw(&json!("logged"))
}
