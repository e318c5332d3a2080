//! Answers that no host should pass on as they are.

use crate::contract::ocean::integration_action::types::{Failure, FailureKind, Started};
use crate::{Answer, Task, failure, started};

pub fn answer_a_huge_text(_: &Task) -> Answer {
    Ok(started("x".repeat(12 << 20)))
}

pub fn answer_deep_json(_: &Task) -> Answer {
    Ok(started(format!(
        "{{\"a\":{}{}}}",
        "[".repeat(40_000),
        "]".repeat(40_000)
    )))
}

pub fn answer_no_json(_: &Task) -> Answer {
    Ok(started("{\"a\":1},\"b\":{\"c\":\"\u{0}\"".to_owned()))
}

pub fn answer_control_characters(task: &Task) -> Answer {
    let text = task.text("text");
    Ok(Started {
        external_run_id: text.to_owned(),
        link: Some(text.to_owned()),
        output: "{}".to_owned(),
        status_label: Some(text.to_owned()),
    })
}

pub fn answer_long_texts(_: &Task) -> Answer {
    let text = "é".repeat(1 << 20);
    Err(Failure {
        code: text.clone(),
        message: text.clone(),
        remedy: Some(text.clone()),
        ..failure(text)
    })
}

pub fn answer_a_huge_kind(_: &Task) -> Answer {
    Err(Failure {
        kind: FailureKind::Other("k".repeat(4 << 20)),
        ..failure("huge".to_owned())
    })
}
