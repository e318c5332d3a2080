//! Bodies: JSON is indented as it is, neither sorted nor rounded, also where it was cut.

use crate::legible::escaped_lines;
use crate::page::record::Body;
use serde::de::IgnoredAny;

/// Levels that are indented further. Deeper ones stand under each other, so that brackets alone cannot fill the memory.
const DEEPEST: usize = 30;

/// A body to be shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// What there is to say about it: its size, and whether it was cut.
    pub(super) note: String,
}

/// A body to be shown, if there is one.
pub(super) fn shown(body: &Body) -> Option<Shown> {
    if body.length == 0 {
        return None;
    }
    let text = body.text.trim();
    let looks_like_json = text.starts_with(['{', '[']);
    let is_json = || serde_json::from_str::<IgnoredAny>(text).is_ok();
    let text = if looks_like_json && (body.is_cut || is_json()) {
        indented(text)
    } else {
        text.to_owned()
    };
    let size = match body.length {
        1 => "1 byte".to_owned(),
        length @ ..10_000 => format!("{length} bytes"),
        length => format!("{} KB", length / 1_000),
    };
    Some(Shown {
        text: escaped_lines(&text),
        note: match body.is_cut {
            true => format!("{size}; the beginning"),
            false => size,
        },
    })
}

/// JSON, or the beginning of some, with lines and indentation. Nothing but white space is changed.
fn indented(json: &str) -> String {
    let mut out = String::with_capacity(json.len() * 2);
    let (mut depth, mut is_text, mut is_escaped) = (0_usize, false, false);
    let mut characters = json.chars().peekable();
    while let Some(character) = characters.next() {
        if is_text {
            out.push(character);
            is_text = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
            continue;
        }
        match character {
            ' ' | '\n' | '\r' | '\t' => {}
            '{' | '[' => {
                out.push(character);
                while characters
                    .next_if(|next| next.is_ascii_whitespace())
                    .is_some()
                {}
                match characters.next_if(|next| matches!(next, '}' | ']')) {
                    Some(end) => out.push(end),
                    None => {
                        depth += 1;
                        new_line(&mut out, depth);
                    }
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                new_line(&mut out, depth);
                out.push(character);
            }
            ',' => {
                out.push(character);
                new_line(&mut out, depth);
            }
            ':' => out.push_str(": "),
            '"' => {
                is_text = true;
                out.push(character);
            }
            _ => out.push(character),
        }
    }
    out
}

fn new_line(out: &mut String, depth: usize) {
    out.push('\n');
    for _ in 0..depth.min(DEEPEST) {
        out.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_keeps_its_order_its_digits_and_its_texts() {
        let json = r#"{"b":1.50000000000000000001,"a":[ ],"t":"x\\\"{,:}","n":{"k":[1, 2]}}"#;
        let lines = indented(json);
        assert_eq!(
            lines,
            "{\n  \"b\": 1.50000000000000000001,\n  \"a\": [],\n  \"t\": \"x\\\\\\\"{,:}\",\n  \"n\": {\n    \"k\": \
             [\n      1,\n      2\n    ]\n  }\n}"
        );
    }

    #[test]
    fn a_body_that_was_cut_is_indented_as_far_as_it_goes_and_says_so() {
        let long = format!("{{\"a\":\"{}", "x".repeat(20_000));
        let shown = shown(&Body::of(long.as_bytes())).unwrap();
        assert!(shown.text.starts_with("{\n  \"a\": \"xxx"));
        assert_eq!(shown.note, "20 KB; the beginning");
    }

    #[test]
    fn brackets_alone_do_not_fill_the_memory() {
        let body = Body::of(&[b'['; 20_000]);
        assert!(shown(&body).unwrap().text.len() < 2_000_000);
    }

    #[test]
    fn what_is_no_json_stays_as_it_is_and_cannot_steer_anything() {
        let body = Body::of("{no json}\n\u{1b}[2K\u{202e}é\t.".as_bytes());
        let shown = shown(&body).unwrap();
        assert_eq!(shown.text, "{no json}\n\\u{1b}[2K\\u{202e}é    .");
        assert_eq!(super::shown(&Body::of(b"")), None);
    }
}
