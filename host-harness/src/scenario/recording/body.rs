//! How a body is spelled in a recording: the most legible way that gives every byte back.

use crate::layout;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;

/// JSON up to so many bytes stays in one line.
const SHORT: usize = 60;

/// A body as it stands in a file. At most one is there.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Spelled {
    pub(super) json: Option<String>,
    pub(super) text: Option<String>,
    pub(super) base64: Option<String>,
}

impl Spelled {
    pub(super) fn of(body: &[u8]) -> Spelled {
        let mut spelled = Spelled::default();
        match std::str::from_utf8(body) {
            Ok("") => {}
            Ok(text) => match as_json(text) {
                Some(json) => spelled.json = Some(json),
                None => spelled.text = Some(text.to_owned()),
            },
            Err(_) => spelled.base64 = Some(STANDARD.encode(body)),
        }
        spelled
    }

    pub(super) fn read(self) -> Result<Bytes, &'static str> {
        match (self.json, self.text, self.base64) {
            (None, None, None) => Ok(Bytes::new()),
            (Some(json), None, None) => layout::compact(&json)
                .map(Bytes::from)
                .ok_or("`json` is no JSON: correct it, or write `text` for a body that is none"),
            (None, Some(text), None) => Ok(Bytes::from(text)),
            (None, None, Some(base64)) => {
                let without_space: String = base64.split_ascii_whitespace().collect();
                let bytes = STANDARD.decode(without_space);
                bytes.map(Bytes::from).map_err(|_| "`base64` is no base64")
            }
            _ => Err("a body is one of `json`, `text` and `base64`: leave the others out"),
        }
    }
}

/// Objects and lists that come back as they are when they are put together again. Others are text.
fn as_json(text: &str) -> Option<String> {
    if !text.starts_with(['{', '[']) || layout::compact(text)? != text {
        return None;
    }
    if text.len() <= SHORT {
        return Some(text.to_owned());
    }
    Some(layout::pretty(text)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(body: &str) -> Spelled {
        Spelled::of(body.as_bytes())
    }

    fn json(text: &str) -> Spelled {
        let json = Some(text.to_owned());
        Spelled {
            json,
            ..Spelled::default()
        }
    }

    #[test]
    fn json_that_comes_back_byte_for_byte_is_json_and_long_json_has_lines() {
        assert_eq!(spelled(r#"{"b":1.0,"a":2}"#), json(r#"{"b":1.0,"a":2}"#));
        let long = format!("[\"{}\",1]", "x".repeat(SHORT));
        let lines = format!("[\n  \"{}\",\n  1\n]\n", "x".repeat(SHORT));
        assert_eq!(spelled(&long), json(&lines));
        assert_eq!(json(&lines).read(), Ok(Bytes::from(long)));
    }

    #[test]
    fn other_text_is_text_and_what_is_none_is_base64() {
        for text in ["{\"a\": 1}", "{}\n", "12", "\"x\"", "{", "a\r\nb", "\0"] {
            assert_eq!(spelled(text).text.as_deref(), Some(text));
        }
        assert_eq!(Spelled::of(b"\xff").base64.as_deref(), Some("/w=="));
        assert_eq!(Spelled::of(b""), Spelled::default());
    }

    #[test]
    fn a_body_that_is_spelled_twice_or_wrongly_is_refused() {
        let mut twice = json("{}");
        twice.text = Some(String::new());
        let told = twice.read().unwrap_err();
        assert!(told.contains("leave the others out"), "{told}");
        assert!(json("{").read().is_err());
        let wrong = Spelled {
            base64: Some("?".to_owned()),
            ..Spelled::default()
        };
        assert!(wrong.read().is_err());
    }
}
