//! JSON laid out in lines for people, and put together again.
//!
//! Only the space between tokens changes: keys keep their order, numbers and texts their spelling. What was written
//! without spaces comes back byte for byte, which no library that reads values promises.

use serde::de::IgnoredAny;

/// What one level is moved to the right by.
const INDENT: &str = "  ";

/// Without the space between tokens. None if it is no JSON.
pub(crate) fn compact(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    Some(Tokens(text).collect())
}

/// With a line for each element and member. None if it is no JSON.
pub(crate) fn pretty(text: &str) -> Option<String> {
    serde_json::from_str::<IgnoredAny>(text).ok()?;
    let mut tokens = Tokens(text).peekable();
    let (mut out, mut depth) = (String::with_capacity(text.len() * 2), 0_usize);
    while let Some(token) = tokens.next() {
        let closes_next = matches!(tokens.peek(), Some(&("}" | "]")));
        out.push_str(token);
        match token {
            "{" | "[" if closes_next => out.extend(tokens.next()),
            "{" | "[" => {
                depth += 1;
                break_line(&mut out, depth);
                continue;
            }
            "," => break_line(&mut out, depth),
            ":" => out.push(' '),
            _ => {}
        }
        if matches!(tokens.peek(), Some(&("}" | "]"))) {
            depth = depth.saturating_sub(1);
            break_line(&mut out, depth);
        }
    }
    Some(out)
}

fn break_line(out: &mut String, depth: usize) {
    out.push('\n');
    out.extend(std::iter::repeat_n(INDENT, depth));
}

/// The tokens of a text that is JSON.
struct Tokens<'t>(&'t str);

impl<'t> Iterator for Tokens<'t> {
    type Item = &'t str;

    fn next(&mut self) -> Option<&'t str> {
        let rest = self.0.trim_start_matches([' ', '\t', '\n', '\r']);
        let (token, rest) = rest.split_at_checked(length(rest))?;
        self.0 = rest;
        (!token.is_empty()).then_some(token)
    }
}

/// How long the first token is.
fn length(text: &str) -> usize {
    match text.as_bytes().first() {
        None => 0,
        Some(b'"') => text_length(text),
        Some(b'{' | b'}' | b'[' | b']' | b':' | b',') => 1,
        Some(_) => {
            let end = |byte: &u8| b"{}[]:,\" \t\r\n".contains(byte);
            text.bytes()
                .position(|byte| end(&byte))
                .unwrap_or(text.len())
        }
    }
}

fn text_length(text: &str) -> usize {
    let mut is_escaped = false;
    let is_end = |byte: u8| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    };
    let after_quote = text.bytes().skip(1).position(is_end);
    after_quote.map_or(text.len(), |length| length + 2)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn json_is_laid_out_as_people_do() {
        let text = r#"{"a":[1,{"b":"x\"},\\"}],"c":{},"d":[],"e":-1.50E+3}"#;
        let lines = r#"{
  "a": [
    1,
    {
      "b": "x\"},\\"
    }
  ],
  "c": {},
  "d": [],
  "e": -1.50E+3
}"#;
        assert_eq!(pretty(text).as_deref(), Some(lines));
        assert_eq!(compact(lines).as_deref(), Some(text));
        assert_eq!(pretty(" 1 ").as_deref(), Some("1"));
    }

    #[test]
    fn what_is_no_json_is_not_laid_out() {
        for text in ["", " ", "{", "{\"a\":1}}", "x", "{'a':1}", "\"\n\""] {
            assert_eq!(pretty(text), None, "{text}");
            assert_eq!(compact(text), None, "{text}");
        }
    }

    /// Any JSON, with spellings that a library would change.
    fn json() -> impl Strategy<Value = String> {
        let scalar = prop_oneof![
            Just("null".to_owned()),
            Just("1.0e+05".to_owned()),
            Just("123456789012345678901234567890".to_owned()),
            Just(r#""\u00e9\/\"\\""#.to_owned()),
            any::<String>().prop_map(|text| serde_json::Value::from(text).to_string()),
        ];
        scalar.prop_recursive(5, 40, 5, |inner| {
            let members = prop::collection::vec((any::<String>(), inner.clone()), 0..5);
            prop_oneof![
                prop::collection::vec(inner, 0..5).prop_map(|all| format!("[{}]", all.join(","))),
                members.prop_map(|all| {
                    let all: Vec<String> = all
                        .into_iter()
                        .map(|(key, value)| format!("{}:{value}", serde_json::Value::from(key)))
                        .collect();
                    format!("{{{}}}", all.join(","))
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_is_laid_out_comes_back_byte_for_byte(text in json()) {
            let lines = pretty(&text).unwrap();
            prop_assert_eq!(compact(&lines), Some(text.clone()));
            prop_assert_eq!(compact(&text), Some(text));
            prop_assert_eq!(pretty(&lines), Some(lines));
        }
    }
}
