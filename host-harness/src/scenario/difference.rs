//! Where two bodies differ, for people: line by line, and the first byte.

use crate::layout;
use crate::legible;
use similar::{ChangeTag, TextDiff};
use std::borrow::Cow;
use std::fmt::Write as _;
use std::time::Duration;

/// Equal lines that are shown around different ones.
const AROUND: usize = 3;
/// Most lines that are shown.
const MOST_LINES: usize = 60;
/// Bytes that are shown on each side of the first different one.
const CONTEXT: usize = 16;
/// After this the lines are compared less closely: two large texts with nothing in common would take minutes.
const PATIENCE: Duration = Duration::from_secs(1);

/// Says in lines how `seen` differs from what was `expected`; empty if it does not. JSON is laid out before its lines are
/// compared. The last line says which byte is the first that differs.
pub fn of_bodies(expected: &[u8], seen: &[u8]) -> String {
    let Some(at) = first_difference(expected, seen) else {
        return String::new();
    };
    let mut told = match (readable(expected), readable(seen)) {
        (Some(expected), Some(seen)) if expected == seen => {
            "as JSON they say the same: only the space between differs\n".to_owned()
        }
        (Some(expected), Some(seen)) => in_lines(&expected, &seen),
        _ => format!("{} bytes expected, {} seen\n", expected.len(), seen.len()),
    };
    // Writing to a string does not fail.
    let _ = write!(
        told,
        "byte {at}: expected {}, seen {}",
        byte_in_context(expected, at),
        byte_in_context(seen, at)
    );
    told
}

/// How many bytes two bodies have in common at their beginning, if they are not the same.
pub(super) fn first_difference(expected: &[u8], seen: &[u8]) -> Option<usize> {
    let different = expected.iter().zip(seen).position(|(a, b)| a != b);
    let shorter = expected.len().min(seen.len());
    different.or_else(|| (expected.len() != seen.len()).then_some(shorter))
}

/// A body as it is compared by lines: laid out, if it is JSON. None if it is no text.
fn readable(body: &[u8]) -> Option<Cow<'_, str>> {
    let text = std::str::from_utf8(body).ok()?;
    Some(layout::pretty(text).map_or(Cow::Borrowed(text), Cow::Owned))
}

fn in_lines(expected: &str, seen: &str) -> String {
    let diff = TextDiff::configure()
        .timeout(PATIENCE)
        .diff_lines(expected, seen);
    let mut lines = vec!["- expected, + seen:".to_owned()];
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            lines.push("  …".to_owned());
        }
        let changes = group.iter().flat_map(|op| diff.iter_changes(op));
        lines.extend(changes.map(|change| {
            let sign = match change.tag() {
                ChangeTag::Equal => ' ',
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
            };
            let line = change.value();
            let line = line.strip_suffix('\n').unwrap_or(line);
            format!("{sign} {}", legible::escaped(line))
        }));
    }
    let left_out = lines.len().saturating_sub(MOST_LINES);
    lines.truncate(MOST_LINES);
    if left_out > 0 {
        lines.push(format!("… and {left_out} more lines"));
    }
    lines.push(String::new());
    lines.join("\n")
}

/// One byte in hexadecimal, and what stands around it.
fn byte_in_context(body: &[u8], at: usize) -> String {
    let Some(byte) = body.get(at) else {
        return match at {
            0 => "nothing".to_owned(),
            _ => format!("the end after {}", in_context(body, at)),
        };
    };
    format!("{byte:02x} in {}", in_context(body, at))
}

/// `…text…`, in quotes. What is no text, and what cannot be seen, stands escaped.
fn in_context(body: &[u8], at: usize) -> String {
    let (start, end) = (at.saturating_sub(CONTEXT), (at + CONTEXT).min(body.len()));
    let mut shown = String::from(if start > 0 { "\"…" } else { "\"" });
    for chunk in body.get(start..end).unwrap_or_default().utf8_chunks() {
        shown.push_str(&legible::escaped(chunk.valid()));
        shown.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    shown.push_str(if end < body.len() { "…\"" } else { "\"" });
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_is_compared_by_lines_and_the_differing_byte_is_named() {
        let expected = br#"{"ref":"main","inputs":{"environment":"staging"}}"#;
        let seen = br#"{"ref":"mein","inputs":{"environment":"staging"}}"#;
        assert_eq!(
            of_bodies(expected, seen),
            r#"- expected, + seen:
  {
-   "ref": "main",
+   "ref": "mein",
    "inputs": {
      "environment": "staging"
    }
byte 9: expected 61 in "{"ref":"main","inputs":{"…", seen 65 in "{"ref":"mein","inputs":{"…""#
        );
    }

    #[test]
    fn bodies_that_differ_in_space_alone_are_said_to() {
        let told = of_bodies(b"{\"a\": 1}", b"{\"a\":1}");
        assert!(told.starts_with("as JSON they say the same"), "{told}");
        assert!(told.contains("byte 5: expected 20 in"), "{told}");
    }

    #[test]
    fn a_body_that_ends_too_early_or_is_not_there_is_said_to() {
        let told = of_bodies(b"abc", b"ab");
        assert!(
            told.ends_with("byte 2: expected 63 in \"abc\", seen the end after \"ab\""),
            "{told}"
        );
        let told = of_bodies(b"", b"\x00\xff");
        assert_eq!(
            told,
            "0 bytes expected, 2 seen\nbyte 0: expected nothing, seen 00 in \"\\u{0}\\xff\""
        );
    }

    #[test]
    fn a_long_difference_is_cut_and_says_how_much_is_left_out() {
        let lines = |word: &str| -> String { (0..100).map(|n| format!("{word}{n}\n")).collect() };
        let told = of_bodies(lines("a").as_bytes(), lines("b").as_bytes());
        assert!(told.contains("… and 141 more lines\nbyte 0: "), "{told}");
    }

    proptest! {
        #[test]
        fn there_is_a_difference_where_bodies_differ_and_none_where_they_do_not(
            start in prop::collection::vec(any::<u8>(), 0..40),
            a in prop::collection::vec(any::<u8>(), 0..20),
            b in prop::collection::vec(any::<u8>(), 0..20),
        ) {
            let (a, b) = ([start.clone(), a].concat(), [start, b].concat());
            let told = of_bodies(&a, &b);
            prop_assert_eq!(told.is_empty(), a == b);
            let is_harmless = |c: char| c == '\n' || !c.is_control();
            prop_assert!(told.chars().all(is_harmless), "{}", told);
            if let Some(at) = first_difference(&a, &b) {
                prop_assert_eq!(a.get(..at), b.get(..at));
                prop_assert_ne!(a.get(at), b.get(at));
                let named = format!("byte {at}: ");
                prop_assert!(told.lines().last().is_some_and(|last| last.starts_with(&named)));
            }
        }
    }
}
