//! From JSON to structs.

use std::borrow::Cow;

use super::{Fault, Members, checked, elements, text};

/// A value that can be read from JSON.
pub trait FromJson<'a>: Sized {
    /// Reads it from the text of one value, which is known to be JSON.
    ///
    /// # Errors
    /// [`Fault`] if the value is of another type, or too large.
    fn from_json(raw: &'a str) -> Result<Self, Fault>;
}

impl<'a> FromJson<'a> for Cow<'a, str> {
    fn from_json(raw: &'a str) -> Result<Self, Fault> {
        text(raw).ok_or_else(|| Fault::expected("it must be a text of Unicode characters"))
    }
}

impl<'a> FromJson<'a> for String {
    fn from_json(raw: &'a str) -> Result<Self, Fault> {
        Cow::from_json(raw).map(Cow::into_owned)
    }
}

impl FromJson<'_> for u64 {
    fn from_json(raw: &str) -> Result<Self, Fault> {
        raw.parse()
            .map_err(|_| Fault::expected("it must be a whole number below 2^64"))
    }
}

impl FromJson<'_> for u32 {
    fn from_json(raw: &str) -> Result<Self, Fault> {
        raw.parse()
            .map_err(|_| Fault::expected("it must be a whole number below 2^32"))
    }
}

impl FromJson<'_> for bool {
    fn from_json(raw: &str) -> Result<Self, Fault> {
        raw.parse()
            .map_err(|_| Fault::expected("it must be true or false"))
    }
}

impl<'a, T: FromJson<'a>> FromJson<'a> for Vec<T> {
    fn from_json(raw: &'a str) -> Result<Self, Fault> {
        let elements = elements(raw).ok_or_else(|| Fault::expected("it must be an array"))?;
        let mut list = Self::new();
        for element in elements {
            list.push(T::from_json(element)?);
        }
        Ok(list)
    }
}

/// A struct that is made of members of an object.
pub trait Object<'a>: Sized {
    /// Takes what it needs.
    fn of(fields: &mut Fields<'a>) -> Self;
}

impl<'a, T: Object<'a>> FromJson<'a> for T {
    fn from_json(raw: &'a str) -> Result<Self, Fault> {
        let mut fields = Fields {
            members: Members::read(raw)?,
            fault: None,
        };
        let object = Self::of(&mut fields);
        match fields.fault {
            None => Ok(object),
            Some(fault) => Err(fault),
        }
    }
}

/// The members that an [`Object`] is made of. The first fault is kept until it is finished: to leave at each member
/// takes several times the space.
pub struct Fields<'a> {
    members: Members<'a>,
    fault: Option<Fault>,
}

impl<'a> Fields<'a> {
    /// A member that may be absent or `null`.
    pub fn maybe<T: FromJson<'a>>(&mut self, key: &str) -> Option<T> {
        match T::from_json(self.members.present(key)?) {
            Ok(value) => Some(value),
            Err(fault) => {
                self.note(fault, key);
                None
            }
        }
    }

    /// A member without which the object means nothing.
    pub fn needed<T: FromJson<'a> + Default>(&mut self, key: &str) -> T {
        let value = self.maybe(key);
        if value.is_none() {
            self.note(Fault::expected("it is missing"), key);
        }
        value.unwrap_or_default()
    }

    fn note(&mut self, fault: Fault, key: &str) {
        self.fault.get_or_insert_with(|| fault.under(key));
    }
}

/// Reads a whole document into a value.
///
/// # Errors
/// [`Fault`] where the document is not JSON or not the one that was expected.
pub fn from_slice<'a, T: FromJson<'a>>(document: &'a [u8]) -> Result<T, Fault> {
    let text = std::str::from_utf8(document)
        .map_err(|_| Fault::expected("it is not a text of Unicode characters"))?;
    T::from_json(checked(text)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Eq)]
    struct Item {
        id: u64,
        inner: Option<Box<Item>>,
    }

    impl<'a> Object<'a> for Item {
        fn of(fields: &mut Fields<'a>) -> Self {
            Self {
                id: fields.needed("id"),
                inner: fields.maybe("inner").map(Box::new),
            }
        }
    }

    fn read(text: &str) -> Result<Item, String> {
        from_slice(text.as_bytes()).map_err(|fault| fault.to_string())
    }

    #[test]
    fn numbers_are_whole_and_fit_or_are_refused() {
        assert_eq!(u64::from_json("18446744073709551615"), Ok(u64::MAX));
        for other in [
            "18446744073709551616",
            "-1",
            "-0",
            "1.0",
            "1e3",
            "\"1\"",
            "{}",
        ] {
            assert!(u64::from_json(other).is_err(), "{other}");
        }
        assert!(u32::from_json("4294967296").is_err());
    }

    #[test]
    fn what_is_skipped_may_be_deep_but_must_be_json() {
        let nested = |depth: usize| ["[".repeat(depth), "]".repeat(depth)].concat();
        let with = |skipped: &str| read(&[r#"{"x":"#, skipped, r#","id":1}"#].concat());
        for fine in [&nested(1_000_000), r#""\ud800""#, r#"{"id":-1}"#] {
            assert_eq!(with(fine), Ok(Item { id: 1, inner: None }));
        }
        for broken in [
            "[",
            "]",
            "01",
            "nul",
            "{'a':1}",
            "{\"a\" 1}",
            "\"\n\"",
            r#""\x""#,
        ] {
            assert!(with(broken).unwrap_err().contains("line 1"), "{broken}");
        }
        assert!(read(r#"{"id":1} {}"#).is_err());
        assert!(from_slice::<Item>(b"{\"id\":1,\"x\":\"\xff\"}").is_err());
    }

    #[test]
    fn the_last_of_several_members_counts() {
        let text = r#"{"id":1,"inner":null,"id":2,"inner":{"\u0069d":3}}"#;
        let inner = Some(Box::new(Item { id: 3, inner: None }));
        assert_eq!(read(text), Ok(Item { id: 2, inner }));
    }

    #[test]
    fn a_fault_names_its_place() {
        for (text, fault) in [
            (
                r#"{"id":1,"inner":{"id":-1}}"#,
                "`inner`: `id`: it must be a whole number below 2^64",
            ),
            (r#"{"id":null}"#, "`id`: it is missing"),
            (r#"{"id":1,"inner":[]}"#, "`inner`: it must be an object"),
            ("5", "it must be an object"),
            ("", "EOF while parsing a value at line 1 column 0"),
        ] {
            assert_eq!(read(text), Err(fault.to_owned()));
        }
    }
}
