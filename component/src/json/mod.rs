//! JSON without loss: numbers keep their digits, objects their order, and nothing is read that could be read in two
//! ways.
//!
//! [`read`] is the one place that knows the grammar. Documents that people write (properties, settings,
//! definitions) are brought into one [`compact`] form first and then carried as text until somebody needs a value of
//! a certain type. What GitHub sends is read straight into the few fields that matter. Both in one pass, without a
//! tree and without recursion, so neither size nor depth of a document can harm. Small, too: this reader takes a tenth
//! of the space in the component that a general one takes.

pub mod read;

use std::collections::BTreeSet;
use std::fmt;

pub use read::{Fault, FromJson, Reader};

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

/// Reads a whole document into a value.
///
/// # Errors
/// [`Fault`] where the document is not JSON or not the one that was expected.
pub fn from_slice<'a, T: FromJson<'a>>(text: &'a [u8]) -> Result<T, Fault> {
    let mut reader = Reader::new(text);
    let value = T::read(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// The members of an object in their order, values as text.
#[derive(Clone, Debug)]
pub struct Members<'a>(pub Vec<(String, &'a str)>);

impl<'a> Members<'a> {
    /// The members of `text`, or `None` if it is not an object.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        let mut members = Vec::new();
        let mut reader = Reader::new(text.as_bytes());
        let mut member = |key: &str, value: &mut Reader<'a>| {
            let span = value.span()?;
            members.push((key.to_owned(), text.get(span).unwrap_or_default()));
            Ok(())
        };
        reader.object(&mut member).ok()?;
        reader.end().ok()?;
        Some(Self(members))
    }

    /// The value of a member.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0
            .iter()
            .find(|(name, _)| name == key)
            .map(|(_, value)| *value)
    }

    /// The value of a member that is there and not `null`.
    #[must_use]
    pub fn present(&self, key: &str) -> Option<&'a str> {
        self.get(key).filter(|value| *value != "null")
    }
}

/// The elements of an array, as text; `None` if the value is not an array.
#[must_use]
pub fn elements(text: &str) -> Option<Vec<&str>> {
    let mut elements = Vec::new();
    let mut reader = Reader::new(text.as_bytes());
    let mut element = |value: &mut Reader<'_>| {
        let span = value.span()?;
        elements.push(text.get(span).unwrap_or_default());
        Ok(())
    };
    reader.array(&mut element).ok()?;
    Some(elements)
}

/// The text of a JSON string, decoded; `None` if the value is not a string.
#[must_use]
pub fn as_string(raw: &str) -> Option<String> {
    Reader::new(raw.as_bytes())
        .text()
        .ok()
        .flatten()
        .map(Into::into)
}

/// Whether the value is a number.
#[must_use]
pub fn is_number(raw: &str) -> bool {
    raw.starts_with(|c: char| c == '-' || c.is_ascii_digit())
}

/// Writes `text` as a JSON string: UTF-8 as it is, only quotes, backslashes and control characters escaped.
pub fn push_string(out: &mut String, text: &str) {
    out.push('"');
    let mut rest = text;
    while let Some(at) = rest.find(|c: char| c < ' ' || c == '"' || c == '\\') {
        let (plain, special) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(plain);
        let mut characters = special.chars();
        match characters.next() {
            Some('"') => out.push_str("\\\""),
            Some('\\') => out.push_str("\\\\"),
            Some('\n') => out.push_str("\\n"),
            Some('\r') => out.push_str("\\r"),
            Some('\t') => out.push_str("\\t"),
            Some(control) => {
                out.push_str("\\u00");
                for nibble in [u32::from(control) >> 4, u32::from(control) & 15] {
                    out.push(char::from_digit(nibble, 16).unwrap_or('0'));
                }
            }
            None => {}
        }
        rest = characters.as_str();
    }
    out.push_str(rest);
    out.push('"');
}

/// `text` as a JSON string.
#[must_use]
pub fn string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    push_string(&mut out, text);
    out
}

/// An object of these members; the values are JSON already.
#[must_use]
pub fn object<'a>(members: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    let mut out = String::from("{");
    for (key, value) in members {
        if out.len() > 1 {
            out.push(',');
        }
        push_string(&mut out, key);
        out.push(':');
        out.push_str(value);
    }
    out.push('}');
    out
}

/// One step of a JSON pointer (RFC 6901), escaped.
#[must_use]
pub fn pointer_step(key: &str) -> String {
    ["/", &key.replace('~', "~0").replace('/', "~1")].concat()
}

/// The document without insignificant space and with plain UTF-8 in its strings. Everything else stays: digits of
/// numbers, order of members.
///
/// # Errors
/// [`JsonError`] for anything that is not one unambiguous JSON document.
pub fn compact(text: &str) -> Result<String, JsonError> {
    let mut reader = Reader::new(text.as_bytes());
    reader.skip()?;
    reader.end()?;
    // From here on the text is known to be valid, so that one flat pass is enough.
    let mut writer = Compactor {
        out: String::with_capacity(text.len()),
        open: Vec::new(),
    };
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        rest = match first {
            '"' => writer.string(rest)?,
            ' ' | '\t' | '\n' | '\r' => skip(rest),
            other => {
                writer.structure(other);
                skip(rest)
            }
        };
    }
    Ok(writer.out)
}

/// One open array or object.
struct Level {
    /// The keys so far, if it is an object.
    keys: Option<BTreeSet<String>>,
    /// The last key, for pointers.
    key: String,
    /// The index of the current element, for pointers into arrays.
    index: usize,
    /// Whether the next string is a key.
    expects_key: bool,
}

struct Compactor {
    out: String,
    open: Vec<Level>,
}

impl Compactor {
    /// A character outside strings: brackets, commas, colons, and the letters of numbers and words.
    fn structure(&mut self, character: char) {
        self.out.push(character);
        match character {
            '{' | '[' => {
                let is_object = character == '{';
                self.open.push(Level {
                    keys: is_object.then(BTreeSet::new),
                    key: String::new(),
                    index: 0,
                    expects_key: is_object,
                });
            }
            '}' | ']' => {
                self.open.pop();
            }
            ',' => {
                if let Some(level) = self.open.last_mut() {
                    level.expects_key = level.keys.is_some();
                    level.index += 1;
                }
            }
            _ => {}
        }
    }

    /// Takes the string at the beginning of `rest` and returns what follows it.
    fn string<'a>(&mut self, rest: &'a str) -> Result<&'a str, JsonError> {
        let (literal, after) = rest
            .split_at_checked(literal_length(rest))
            .unwrap_or((rest, ""));
        if let Some(level) = self.open.last_mut()
            && level.expects_key
        {
            level.expects_key = false;
            level.key = decoded(literal)?;
            push_string(&mut self.out, &level.key);
            if level
                .keys
                .as_mut()
                .is_some_and(|keys| !keys.insert(level.key.clone()))
            {
                return Err(JsonError::DuplicateKey {
                    pointer: self.pointer(),
                });
            }
        } else if literal.contains('\\') {
            push_string(&mut self.out, &decoded(literal)?);
        } else {
            self.out.push_str(literal);
        }
        Ok(after)
    }

    fn pointer(&self) -> String {
        let steps = self.open.iter().map(|level| match level.keys {
            Some(_) => pointer_step(&level.key),
            None => format!("/{}", level.index),
        });
        steps.collect()
    }
}

/// The length of the string literal at the beginning of `text`, quotes included.
fn literal_length(text: &str) -> usize {
    Reader::new(text.as_bytes())
        .span()
        .map_or(text.len(), |span| span.end)
}

fn decoded(literal: &str) -> Result<String, JsonError> {
    Ok(Reader::new(literal.as_bytes())
        .text()?
        .unwrap_or_default()
        .into_owned())
}

fn skip(text: &str) -> &str {
    let mut characters = text.chars();
    characters.next();
    characters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn depth_is_limited_and_costs_no_stack() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        assert!(compact(&nested(read::MAX_DEPTH)).is_ok());
        for depth in [read::MAX_DEPTH + 1, 1_000_000] {
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

    #[test]
    fn members_are_found_and_null_is_not_present() {
        let members = Members::of(r#"{"a":1,"b":null}"#).unwrap();
        assert_eq!(members.get("b"), Some("null"));
        assert_eq!(members.present("b"), None);
        assert_eq!(members.present("a"), Some("1"));
        assert!(Members::of("[]").is_none());
    }
}
