//! One form for documents that people write.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;

use super::{BETWEEN, Fault, checked, first, pointer_step, push_string, text};

/// How deep a document may be nested.
pub const MAX_DEPTH: usize = 128;

/// Why a document was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The text is not JSON (RFC 8259), is nested too deep, or one of its strings is not Unicode (half a
    /// surrogate pair).
    Malformed(Fault),
    /// A key occurs twice in one object. RFC 8259 section 4 leaves open which one counts, so neither does.
    DuplicateKey {
        /// JSON pointer of the second one.
        pointer: String,
    },
}

impl From<Fault> for JsonError {
    fn from(fault: Fault) -> Self {
        Self::Malformed(fault)
    }
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(fault) => write!(f, "not valid JSON: {fault}"),
            Self::DuplicateKey { pointer } => {
                write!(f, "the key at `{pointer}` occurs twice in the same object")
            }
        }
    }
}

/// The document without insignificant space and with plain UTF-8 in its strings. Everything else stays: digits of
/// numbers, order of members.
///
/// # Errors
/// [`JsonError`] for anything that is not one unambiguous JSON document.
pub fn compact(document: &str) -> Result<String, JsonError> {
    let document = checked(document)?;
    let mut compactor = Compactor {
        out: String::with_capacity(document.len()),
        path: Vec::new(),
    };
    compactor.value(document)?;
    Ok(compactor.out)
}

struct Compactor {
    out: String,
    /// The steps of the JSON pointer to the current value.
    path: Vec<String>,
}

impl Compactor {
    /// Appends the value at the beginning of a text and returns what follows it. Calls itself once for each level of
    /// the document, of which there may be [`MAX_DEPTH`].
    fn value<'t>(&mut self, text: &'t str) -> Result<&'t str, JsonError> {
        let text = text.trim_start_matches(BETWEEN);
        if let Some(inside) = text.strip_prefix(['{', '[']) {
            if self.path.len() == MAX_DEPTH {
                return Err(Fault::expected("it has more than 128 levels").into());
            }
            return self.inside(inside, text.starts_with('{'));
        }
        let (scalar, after) = self.first(text)?;
        if scalar.starts_with('"') {
            let text = self.decoded(scalar)?;
            push_string(&mut self.out, &text);
        } else {
            self.out.push_str(scalar);
        }
        Ok(after)
    }

    /// Appends an object or array, given what follows its opening bracket.
    fn inside<'t>(&mut self, mut rest: &'t str, is_object: bool) -> Result<&'t str, JsonError> {
        let mut keys = BTreeSet::new();
        let mut index = 0;
        self.out.push(if is_object { '{' } else { '[' });
        loop {
            rest = rest.trim_start_matches(BETWEEN);
            if let Some(after) = rest.strip_prefix(['}', ']']) {
                self.out.push(if is_object { '}' } else { ']' });
                return Ok(after);
            }
            if index > 0 {
                self.out.push(',');
            }
            if is_object {
                let (key, after) = self.first(rest)?;
                let key = self.decoded(key)?;
                push_string(&mut self.out, &key);
                self.out.push(':');
                self.path.push(pointer_step(&key));
                if !keys.insert(key) {
                    let pointer = self.path.concat();
                    return Err(JsonError::DuplicateKey { pointer });
                }
                rest = after;
            } else {
                self.path.push(format!("/{index}"));
            }
            rest = self.value(rest)?;
            self.path.pop();
            index += 1;
        }
    }

    fn first<'t>(&self, text: &'t str) -> Result<(&'t str, &'t str), Fault> {
        // Never missing, since the document is known to be JSON.
        first(text).ok_or_else(|| Fault::expected("a value is missing").under(&self.path.concat()))
    }

    /// The one thing that can still be wrong is half a surrogate pair.
    fn decoded<'t>(&self, raw: &'t str) -> Result<Cow<'t, str>, Fault> {
        text(raw).ok_or_else(|| {
            Fault::expected("half a surrogate pair is no character").under(&self.path.concat())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::string;

    #[test]
    fn numbers_keep_their_digits_and_objects_their_order() {
        let text = "{ \"z\" : 12345678901234567890123 ,\n \"a\": [1.0, 1e400, -0, 9007199254740993], \"m\": {} }";
        assert_eq!(
            compact(text).unwrap(),
            r#"{"z":12345678901234567890123,"a":[1.0,1e400,-0,9007199254740993],"m":{}}"#
        );
    }

    #[test]
    fn strings_become_plain_utf_8_and_keep_their_meaning() {
        assert_eq!(
            compact(r#" "\u00e9\ud83d\ude00\/\u0001 \" \\ { ," "#).unwrap(),
            "\"é😀/\\u0001 \\\" \\\\ { ,\""
        );
    }

    #[test]
    fn duplicate_keys_are_refused_wherever_they_are() {
        assert_eq!(
            compact(r#"{"a":1,"a":2}"#),
            Err(JsonError::DuplicateKey {
                pointer: "/a".into()
            })
        );
        assert_eq!(
            compact(r#"{"x/y":[0,{"b":{"c":1},"\u0062":2}]}"#),
            Err(JsonError::DuplicateKey {
                pointer: "/x~1y/1/b".into()
            })
        );
        assert!(compact(r#"{"a":{"a":{"a":"a"}},"b":["a","a"]}"#).is_ok());
    }

    #[test]
    fn half_a_surrogate_pair_is_refused() {
        for text in [r#""\ud800""#, r#"{"\udc00":1}"#, r#"["\ud800x"]"#] {
            assert!(
                matches!(compact(text), Err(JsonError::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_fault_names_its_place() {
        let why = |text: &str| compact(text).unwrap_err().to_string();
        assert_eq!(
            why(r#"{"a":["\ud800"]}"#),
            "not valid JSON: `/a/0`: half a surrogate pair is no character"
        );
        assert_eq!(
            why("{\n\"a\":1,}"),
            "not valid JSON: key must be a string at line 2 column 7"
        );
    }

    #[test]
    fn depth_is_limited_and_costs_no_stack() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(compact(&nested(MAX_DEPTH)).is_ok());
        for depth in [MAX_DEPTH + 1, 1_000_000] {
            assert!(
                compact(&nested(depth))
                    .unwrap_err()
                    .to_string()
                    .contains("128 levels")
            );
        }
    }

    #[test]
    fn what_is_not_json_is_refused() {
        for text in [
            "",
            "{",
            "{'a':1}",
            "{\"a\":1,}",
            "01",
            "nul",
            "1 2",
            "\"\n\"",
            "[1 2]",
        ] {
            assert!(
                matches!(compact(text), Err(JsonError::Malformed(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_megabyte_of_text_passes() {
        let text = string(&"é\"".repeat(500_000));
        assert_eq!(compact(&text).unwrap(), text);
    }
}
