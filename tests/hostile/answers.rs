//! Guests whose answers should not be passed on as they are.

use crate::arena::{Arena, expect_trap};
use host_harness::contract::FailureKind;
use serde_json::{Value, json};

/// Loses its call: nobody copies that much out of it.
pub async fn answer_a_huge_text(arena: &Arena) {
    let error = arena.stopped("answer_a_huge_text", Value::Null).await;
    expect_trap(&error, "fuel");
}

async fn output(arena: &Arena, name: &str) -> String {
    arena
        .dispatch(name, Value::Null)
        .await
        .unwrap()
        .unwrap()
        .output
}

/// Has its document left out: no reader of JSON would take it.
pub async fn answer_deep_json(arena: &Arena) {
    assert_eq!(output(arena, "answer_deep_json").await, "{}");
}

/// Has its document left out: it would break out of the one that it is put into.
pub async fn answer_no_json(arena: &Arena) {
    assert_eq!(output(arena, "answer_no_json").await, "{}");
}

/// Has them taken out of whatever is one line.
pub async fn answer_control_characters(arena: &Arena) {
    let text = "a\u{0}b\u{1b}[31mc\nd\u{85}\u{2028}e";
    let answer = arena.dispatch("answer_control_characters", json!({ "text": text }));
    let started = answer.await.unwrap().unwrap();
    let clean = "ab[31mc d  e".to_owned();
    assert_eq!(started.external_run_id, clean);
    assert_eq!(started.link.as_ref(), Some(&clean));
    assert_eq!(started.status_label.as_ref(), Some(&clean));
}

/// Has them cut.
pub async fn answer_long_texts(arena: &Arena) {
    let answer = arena.dispatch("answer_long_texts", Value::Null).await;
    let failure = answer.unwrap().unwrap_err();
    let lengths = [
        &failure.code,
        &failure.message,
        failure.remedy.as_ref().unwrap(),
    ]
    .map(|text| text.chars().count());
    assert_eq!(lengths, [251, 20_001, 20_001]);
}

/// Has it cut.
pub async fn answer_a_huge_kind(arena: &Arena) {
    let answer = arena.dispatch("answer_a_huge_kind", Value::Null).await;
    match answer.unwrap().unwrap_err().kind {
        FailureKind::Other(kind) => assert_eq!(kind.chars().count(), 251),
        kind => panic!("{kind:?}"),
    }
}
