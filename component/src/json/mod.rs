//! JSON without loss: numbers keep their digits, objects their order, and nothing is read that could be read in two
//! ways.
//!
//! `serde_json` decides what is JSON (`checked`), where a value ends (`first`) and what a string says (`text`).
//! Between these, values are carried as the text that they came as, until somebody needs one of a certain type.
//! Documents that people write (properties, settings, definitions) are brought into one [`compact`] form first. What
//! GitHub sends is read into typed structs ([`Object`]), and everything else in it is skipped without a tree and
//! without recursion, so that neither size nor depth can harm.
//!
//! Why nothing derives `Deserialize`, and why there is no `RawValue`: both bring `serde_json`'s message about
//! unexpected values along, which prints floats. The component was a third larger with the one and a quarter with the
//! other.

mod compact;
mod typed;

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

pub use compact::{JsonError, MAX_DEPTH, compact};
pub use typed::{Fields, FromJson, Object, from_slice};

/// Why a value could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault(String);

impl Fault {
    /// The fault that something else was expected.
    fn expected(what: &str) -> Self {
        Self(what.to_owned())
    }

    /// The same fault, seen from around the value: with the place where it is.
    fn under(self, place: &str) -> Self {
        match place {
            "" => self,
            _ => Self(["`", place, "`: ", &self.0].concat()),
        }
    }
}

impl From<serde_json::Error> for Fault {
    fn from(error: serde_json::Error) -> Self {
        Self(error.to_string())
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What stands between values (RFC 8259 section 2).
const BETWEEN: [char; 6] = [' ', '\t', '\n', '\r', ',', ':'];

/// The document, if it is JSON.
fn checked(document: &str) -> Result<&str, Fault> {
    serde_json::from_str::<IgnoredAny>(document)?;
    Ok(document.trim_matches(BETWEEN))
}

/// The first value or key of a text that is known to be JSON, and what follows it. `None` before a closing bracket.
fn first(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches(BETWEEN);
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
    values.next()?.ok()?;
    text.split_at_checked(values.byte_offset())
}

/// What is between the brackets of an array or object that is known to be JSON: its elements, or keys and values in
/// turn.
fn parts(raw: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = raw.get(1..).unwrap_or_default();
    while let Some((part, after)) = first(rest) {
        parts.push(part);
        rest = after;
    }
    parts
}

/// The members of an object in their order, values as text.
#[derive(Clone, Debug)]
pub struct Members<'a>(pub Vec<(Cow<'a, str>, &'a str)>);

impl<'a> Members<'a> {
    /// The members of `text`, or `None` if it is not an object.
    #[must_use]
    pub fn of(text: &'a str) -> Option<Self> {
        Self::read(checked(text).ok()?).ok()
    }

    /// The members of a value that is known to be JSON.
    fn read(raw: &'a str) -> Result<Self, Fault> {
        if !raw.starts_with('{') {
            return Err(Fault::expected("it must be an object"));
        }
        let mut members = Vec::new();
        for pair in parts(raw).chunks_exact(2) {
            if let [key, value] = pair {
                members.push((Cow::from_json(key)?, *value));
            }
        }
        Ok(Self(members))
    }

    /// The value of a member; the last one, should GitHub send several.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&'a str> {
        self.0
            .iter()
            .rfind(|(name, _)| name == key)
            .map(|(_, value)| *value)
    }

    /// The value of a member that is there and not `null`.
    #[must_use]
    pub fn present(&self, key: &str) -> Option<&'a str> {
        self.get(key).filter(|value| *value != "null")
    }
}

/// The elements of an array that is known to be JSON, as text; `None` if the value is not an array.
#[must_use]
pub fn elements(raw: &str) -> Option<Vec<&str>> {
    raw.starts_with('[').then(|| parts(raw))
}

/// The text of a JSON string, decoded; `None` if the value is not a string, or half a surrogate pair is in it.
#[must_use]
pub fn as_string(raw: &str) -> Option<String> {
    text(raw).map(Cow::into_owned)
}

/// The same, borrowed from the document unless there are escapes in it.
fn text(raw: &str) -> Option<Cow<'_, str>> {
    serde_json::from_str(raw).ok().and_then(|Text(text)| text)
}

struct Text<'a>(Option<Cow<'a, str>>);

impl<'a> Deserialize<'a> for Text<'a> {
    fn deserialize<D: Deserializer<'a>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TextVisitor)
    }
}

/// Takes every type of value, so that `serde_json` has nothing to say about unexpected ones (see above).
struct TextVisitor;

impl<'a> Visitor<'a> for TextVisitor {
    type Value = Text<'a>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_borrowed_str<E>(self, text: &'a str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Text(Some(Cow::Owned(text.to_owned()))))
    }

    fn visit_map<A>(self, _: A) -> Result<Self::Value, A::Error>
    where
        A: MapAccess<'a>,
    {
        Ok(Text(None))
    }

    fn visit_seq<A>(self, _: A) -> Result<Self::Value, A::Error>
    where
        A: SeqAccess<'a>,
    {
        Ok(Text(None))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Text(None))
    }
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
        push_member(&mut out, key, value);
    }
    out.push('}');
    out
}

/// Kept out of [`object`], which there are many copies of.
fn push_member(out: &mut String, key: &str, value: &str) {
    if out.len() > 1 {
        out.push(',');
    }
    push_string(out, key);
    out.push(':');
    out.push_str(value);
}

/// One step of a JSON pointer (RFC 6901), escaped.
#[must_use]
pub fn pointer_step(key: &str) -> String {
    ["/", &key.replace('~', "~0").replace('/', "~1")].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        assert!(matches!(text(r#""plain""#), Some(Cow::Borrowed("plain"))));
        assert_eq!(
            as_string(r#""\u00e9\ud83d\ude00\u0000\b\f\n\r\t\/\\\"""#).as_deref(),
            Some("é😀\0\u{8}\u{c}\n\r\t/\\\"")
        );
        for half in [r#""\ud800""#, r#""\udc00x""#, r#""\ud800\ud800""#] {
            assert_eq!(text(half), None, "{half}");
        }
    }

    #[test]
    fn parts_are_found_whatever_is_between_them() {
        let text = " {\"a\" : [ 1 ,-0.5e+3,\"],\\\"\" , { } ] ,\n\t\"\":{\"b\":[]},\"c\":null}\r\n";
        let members = Members::of(text).unwrap();
        let array = members.get("a").unwrap();
        assert_eq!(
            elements(array).unwrap(),
            ["1", "-0.5e+3", r#""],\"""#, "{ }"]
        );
        assert_eq!(members.get(""), Some(r#"{"b":[]}"#));
        assert_eq!(members.0.len(), 3);
        assert!(elements("[ ]").unwrap().is_empty());
        assert!(Members::of(" { } ").unwrap().0.is_empty());
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
