//! Guests that take the log, or lie in it.

use crate::arena::{Arena, expect_stop};
use crate::log;
use host_harness::engine::CallErrorKind;
use serde_json::{Value, json};

const ENOUGH: &str = "the plugin logs too much: further messages of this call are dropped";

/// Gets its lines, then one that says so, then none; and is stopped when its CPU time is used up.
pub async fn log_without_end(arena: &Arena) {
    let error = arena.stopped("log_without_end", Value::Null).await;
    expect_stop(&error, &CallErrorKind::Cpu(arena.limits.cpu));
    let log = arena.log();
    let again = log.iter().filter(|line| line.contains("again")).count();
    assert_eq!(again, usize::try_from(arena.limits.log_lines).unwrap() - 1);
    assert_eq!(log.iter().filter(|line| line.contains(ENOUGH)).count(), 1);
}

/// Gets the beginning of it.
pub async fn log_one_huge_line(arena: &Arena) {
    let error = arena.dispatch("log_one_huge_line", Value::Null).await;
    assert!(error.is_ok(), "{error:?}");
    let log = arena.log();
    let [line] = log.as_slice() else {
        panic!("{log:?}")
    };
    assert_eq!(
        line.matches('x').count(),
        4_000 + "xxx".matches('y').count()
    );
}

/// Gets as many as there is room for in all.
pub async fn log_many_long_lines(arena: &Arena) {
    arena.saw("log_many_long_lines", Value::Null).await;
    let log = arena.log();
    let bytes: usize = log.iter().map(|line| line.matches('y').count()).sum();
    assert!(bytes <= arena.limits.log_bytes && bytes > arena.limits.log_bytes - 4_000);
    assert!(log.last().is_some_and(|line| line.contains(ENOUGH)));
}

/// Writes one line for each message, under its own name, in both forms of the log, whatever is in it.
pub async fn log_control_characters(arena: &Arena) {
    let forged = format!("forged by {}", arena.attacker.id());
    let time = "2026-01-01T00:00:00.000000Z";
    let lines = [
        format!("a\n{time}  INFO {forged}"),
        format!("b\r\n{time} ERROR {forged}"),
        format!("c\u{1b}[2K\u{1b}[1A{forged}"),
        format!("d\u{85}{forged}"),
        format!("e\u{2028}{forged}"),
        format!("f\u{8}\u{8}\u{8}\u{7f}{forged}"),
        format!("g\u{202e}{forged}"),
        format!("h\0{forged}"),
        format!("i\", \"level\": \"ERROR\", \"x\": \"{forged}"),
        format!("j\u{9b}31m{forged}"),
    ];
    arena
        .saw("log_control_characters", json!({ "lines": lines }))
        .await;
    let text = log::TEXT.lines(&forged);
    assert_eq!(text.len(), lines.len(), "{text:#?}");
    let is_plain = |line: &String| !line.chars().any(|c| c.is_control() || c == '\u{202e}');
    let is_its_own = |line: &String| {
        let (_, rest) = line.split_once("  WARN ").unwrap_or_default();
        rest.starts_with(|letter: char| letter.is_ascii_lowercase())
    };
    assert!(text.iter().all(is_plain), "{text:#?}");
    assert!(text.iter().all(is_its_own), "{text:#?}");
    let documents = log::JSON.lines(&forged);
    assert_eq!(documents.len(), lines.len(), "{documents:#?}");
    for document in documents {
        let document: Value = serde_json::from_str(&document).unwrap();
        assert_eq!(document["level"], "WARN");
        assert_eq!(document["target"], "plugin");
        assert_eq!(document["fields"]["installation"], arena.attacker.id());
        assert!(document.get("x").is_none());
    }
}
