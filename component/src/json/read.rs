//! The grammar of JSON (RFC 8259), as a reader that goes over a text once.
//!
//! A caller asks for what it expects: an object's members one by one, a text, a number. What it does not want it
//! skips; skipped parts are checked for their form as well.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

/// How deep a document may be nested.
pub const MAX_DEPTH: usize = 128;

/// What was expected at which byte and not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The position in bytes, from 0.
    pub at: usize,
    /// What was expected there.
    pub expected: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at byte {}", self.expected, self.at)
    }
}

/// A value that can be read from JSON.
pub trait FromJson<'a>: Sized {
    /// Reads the value that comes next.
    ///
    /// # Errors
    /// [`Fault`] if something else comes.
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault>;
}

impl<'a, T: FromJson<'a>> FromJson<'a> for Vec<T> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, Fault> {
        let mut list = Self::new();
        reader.array(&mut |element| {
            list.push(T::read(element)?);
            Ok(())
        })?;
        Ok(list)
    }
}

/// A text and the place up to which it has been read.
pub struct Reader<'a> {
    text: &'a [u8],
    at: usize,
}

/// Is called with each key of an object, and must read or skip the value.
pub type OnMember<'f, 'a> = &'f mut dyn FnMut(&str, &mut Reader<'a>) -> Result<(), Fault>;

/// Is called for each element of an array, and must read or skip it.
pub type OnElement<'f, 'a> = &'f mut dyn FnMut(&mut Reader<'a>) -> Result<(), Fault>;

impl<'a> Reader<'a> {
    /// A reader at the beginning of a text.
    #[must_use]
    pub fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// The fault that something is not here.
    #[must_use]
    pub fn fault(&self, expected: &'static str) -> Fault {
        Fault {
            at: self.at,
            expected,
        }
    }

    /// Reads an object.
    ///
    /// # Errors
    /// [`Fault`], the caller's own included.
    pub fn object(&mut self, on_member: OnMember<'_, 'a>) -> Result<(), Fault> {
        self.take(b'{', "an object")?;
        if self.skip_if(b'}') {
            return Ok(());
        }
        loop {
            let key = self.key()?;
            on_member(&key, self)?;
            if !self.skip_if(b',') {
                return self.take(b'}', "`,` or `}`");
            }
        }
    }

    /// Reads an array.
    ///
    /// # Errors
    /// [`Fault`], the caller's own included.
    pub fn array(&mut self, on_element: OnElement<'_, 'a>) -> Result<(), Fault> {
        self.take(b'[', "an array")?;
        if self.skip_if(b']') {
            return Ok(());
        }
        loop {
            on_element(self)?;
            if !self.skip_if(b',') {
                return self.take(b']', "`,` or `]`");
            }
        }
    }

    /// Reads a text, or `null` as `None`. Borrows from the document unless there are escapes in it.
    ///
    /// # Errors
    /// [`Fault`] for another value, and for a text that is not Unicode.
    pub fn text(&mut self) -> Result<Option<Cow<'a, str>>, Fault> {
        if self.skip_null() {
            return Ok(None);
        }
        self.peek();
        let start = self.at;
        let has_escapes = self.skip_string()?;
        let inner = self.text.get(start + 1..self.at - 1).unwrap_or_default();
        let not_unicode = Fault {
            at: start,
            expected: "Unicode text",
        };
        let inner = std::str::from_utf8(inner).map_err(|_| not_unicode)?;
        if has_escapes {
            unescaped(inner)
                .map(|text| Some(Cow::Owned(text)))
                .ok_or(not_unicode)
        } else {
            Ok(Some(Cow::Borrowed(inner)))
        }
    }

    /// Reads a whole number from 0 to 2⁶⁴−1, or `null` as `None`.
    ///
    /// # Errors
    /// [`Fault`] for another value, and for a number that is larger or not whole.
    pub fn number(&mut self) -> Result<Option<u64>, Fault> {
        if self.skip_null() {
            return Ok(None);
        }
        let start = self.at;
        let fault = Fault {
            at: start,
            expected: "a whole number below 2^64",
        };
        let digits = self
            .span()
            .ok()
            .and_then(|span| std::str::from_utf8(self.text.get(span)?).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()));
        digits
            .and_then(|digits| digits.parse().ok())
            .map(Some)
            .ok_or(fault)
    }

    /// Reads `true` or `false`, or `null` as `None`.
    ///
    /// # Errors
    /// [`Fault`] for another value.
    pub fn flag(&mut self) -> Result<Option<bool>, Fault> {
        let fault = self.fault("true or false");
        if self.skip_null() {
            Ok(None)
        } else if self.skip_word(b"true") {
            Ok(Some(true))
        } else if self.skip_word(b"false") {
            Ok(Some(false))
        } else {
            Err(fault)
        }
    }

    /// Reads a value, or `null` as `None`.
    ///
    /// # Errors
    /// [`Fault`] for a value of another type.
    pub fn maybe<T: FromJson<'a>>(&mut self) -> Result<Option<T>, Fault> {
        if self.skip_null() {
            Ok(None)
        } else {
            T::read(self).map(Some)
        }
    }

    /// Skips a value and tells where it stands, without the space around it.
    ///
    /// # Errors
    /// [`Fault`] if there is no value.
    pub fn span(&mut self) -> Result<Range<usize>, Fault> {
        self.peek();
        let start = self.at;
        self.skip()?;
        Ok(start..self.at)
    }

    /// Skips a value of any type.
    ///
    /// # Errors
    /// [`Fault`] if there is no value, or one that is nested too deep.
    pub fn skip(&mut self) -> Result<(), Fault> {
        // One bit for each open object or array, the innermost lowest: 1 for an object.
        let mut open: u128 = 0;
        let mut depth = 0;
        loop {
            if let Some(is_object) = self.scalar_or_opening()? {
                if depth == MAX_DEPTH {
                    return Err(self.fault("no more than 128 levels"));
                }
                depth += 1;
                open = (open << 1) | u128::from(is_object);
                let end = if is_object { b'}' } else { b']' };
                if self.peek() != Some(end) {
                    if is_object {
                        self.skip_key()?;
                    }
                    continue;
                }
            }
            loop {
                if depth == 0 {
                    return Ok(());
                }
                let is_object = open & 1 == 1;
                if self.skip_if(b',') {
                    if is_object {
                        self.skip_key()?;
                    }
                    break;
                }
                self.take(
                    if is_object { b'}' } else { b']' },
                    "`,` or the end of the object or array",
                )?;
                depth -= 1;
                open >>= 1;
            }
        }
    }

    /// That nothing but space follows.
    ///
    /// # Errors
    /// [`Fault`] if something does.
    pub fn end(&mut self) -> Result<(), Fault> {
        if self.peek().is_none() {
            Ok(())
        } else {
            Err(self.fault("the end of the document"))
        }
    }

    /// Skips a number, text or word, or enters an object (`true`) or array (`false`).
    fn scalar_or_opening(&mut self) -> Result<Option<bool>, Fault> {
        match self.peek() {
            Some(bracket @ (b'{' | b'[')) => {
                self.at += 1;
                return Ok(Some(bracket == b'{'));
            }
            Some(b'"') => {
                self.skip_string()?;
            }
            Some(b'-' | b'0'..=b'9') => self.skip_number()?,
            _ if self.skip_word(b"null") || self.skip_word(b"true") || self.skip_word(b"false") => {
            }
            _ => return Err(self.fault("a value")),
        }
        Ok(None)
    }

    /// Reads a key and its colon.
    fn key(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.peek() != Some(b'"') {
            return Err(self.fault("a key in quotes"));
        }
        let key = self.text()?.unwrap_or_default();
        self.take(b':', "`:`")?;
        Ok(key)
    }

    /// Skips a key and its colon.
    fn skip_key(&mut self) -> Result<(), Fault> {
        self.skip_string()?;
        self.take(b':', "`:`")
    }

    /// Skips a string and tells whether there are escapes in it.
    fn skip_string(&mut self) -> Result<bool, Fault> {
        self.take(b'"', "a text")?;
        let mut has_escapes = false;
        loop {
            self.at += plain_length(self.text.get(self.at..).unwrap_or_default());
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(has_escapes);
                }
                Some(b'\\') => {
                    has_escapes = true;
                    self.skip_escape()?;
                }
                Some(_) => return Err(self.fault("no control character")),
                None => return Err(self.fault("the end of the text")),
            }
        }
    }

    fn skip_escape(&mut self) -> Result<(), Fault> {
        let escape = self.text.get(self.at..).unwrap_or_default();
        let length = match escape {
            [
                _,
                b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't',
                ..,
            ] => 2,
            [_, b'u', a, b, c, d, ..]
                if [a, b, c, d].iter().all(|digit| digit.is_ascii_hexdigit()) =>
            {
                6
            }
            _ => return Err(self.fault("an escape")),
        };
        self.at += length;
        Ok(())
    }

    fn skip_number(&mut self) -> Result<(), Fault> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        if self.text.get(self.at) == Some(&b'0') {
            self.at += 1;
        } else {
            self.skip_digits()?;
        }
        if self.text.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.skip_digits()?;
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            self.skip_digits()?;
        }
        Ok(())
    }

    fn skip_digits(&mut self) -> Result<(), Fault> {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count > 0 {
            Ok(())
        } else {
            Err(self.fault("a digit"))
        }
    }

    /// The next byte that is not space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.text.get(self.at) {
                Some(b' ' | b'\n' | b'\t' | b'\r') => self.at += 1,
                other => return other.copied(),
            }
        }
    }

    fn skip_if(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn take(&mut self, byte: u8, expected: &'static str) -> Result<(), Fault> {
        if self.skip_if(byte) {
            Ok(())
        } else {
            Err(self.fault(expected))
        }
    }

    fn skip_word(&mut self, word: &[u8]) -> bool {
        let is_next = self
            .text
            .get(self.at..)
            .is_some_and(|rest| rest.starts_with(word));
        self.at += if is_next { word.len() } else { 0 };
        is_next
    }

    fn skip_null(&mut self) -> bool {
        self.peek() == Some(b'n') && self.skip_word(b"null")
    }
}

/// How many bytes come before the first quote, backslash or control character. Eight bytes at a time: most of a
/// delivery is text that nobody wants.
fn plain_length(text: &[u8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    // A byte is zero if subtracting one borrows into its high bit, and that bit was clear before.
    let zeros = |word: u64| word.wrapping_sub(ONES) & !word;
    let (words, rest) = text.as_chunks::<8>();
    for (index, bytes) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*bytes);
        let quotes = zeros(word ^ (ONES * u64::from(b'"')));
        let backslashes = zeros(word ^ (ONES * u64::from(b'\\')));
        let controls = word.wrapping_sub(ONES * 0x20) & !word;
        let special = (quotes | backslashes | controls) & HIGH_BITS;
        if special != 0 {
            return index * 8 + (special.trailing_zeros() / 8) as usize;
        }
    }
    let tail = rest
        .iter()
        .take_while(|byte| **byte >= 0x20 && **byte != b'"' && **byte != b'\\')
        .count();
    text.len() - rest.len() + tail
}

/// The inside of a string without its escapes, which are known to be well formed. `None` for half a surrogate pair.
fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((plain, escape)) = rest.split_once('\\') {
        out.push_str(plain);
        let (kind, after) = escape.split_at_checked(1)?;
        rest = after;
        out.push(match kind {
            "b" => '\u{8}',
            "f" => '\u{c}',
            "n" => '\n',
            "r" => '\r',
            "t" => '\t',
            "u" => {
                let (character, after) = unicode_escape(rest)?;
                rest = after;
                character
            }
            itself => itself.chars().next()?,
        });
    }
    out.push_str(rest);
    Some(out)
}

/// The character of a `\u` escape, which takes two of them outside the basic plane (RFC 8259 section 7).
fn unicode_escape(text: &str) -> Option<(char, &str)> {
    let (first, rest) = hexadecimal(text)?;
    if !(0xd800..0xdc00).contains(&first) {
        // Fails for the second half of a pair, which stands alone here.
        return Some((char::from_u32(first)?, rest));
    }
    let (second, rest) = hexadecimal(rest.strip_prefix("\\u")?)?;
    let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
    Some((
        char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + low)?,
        rest,
    ))
}

fn hexadecimal(text: &str) -> Option<(u32, &str)> {
    let (digits, rest) = text.split_at_checked(4)?;
    Some((u32::from_str_radix(digits, 16).ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn skips(text: &str) -> bool {
        let mut reader = Reader::new(text.as_bytes());
        reader.skip().and_then(|()| reader.end()).is_ok()
    }

    /// `serde_json` is not part of the component, but an independent judge of the grammar.
    fn agrees(text: &str) {
        let judged = serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok();
        assert_eq!(skips(text), judged, "{text:?}");
    }

    #[test]
    fn the_grammar_is_the_one_of_the_standard() {
        let whole = r#" {"a" : [ 1 , -0.5e+3 , 1E9, "x\u00e9\n\"\\\/" , true , false , null , [ ] , { } ] , "" : {"b":[{}]} } "#;
        agrees(whole);
        // Every beginning and end, and every text that differs in one character.
        for (at, _) in whole.char_indices() {
            let (before, after) = whole.split_at(at);
            agrees(before);
            agrees(after);
            for other in [
                "", "\"", "\\", "{", "}", "[", "]", ",", ":", "0", "-", ".", "e", "u", "n", " ",
                "\u{1}", "é",
            ] {
                let mut chars = after.chars();
                chars.next();
                agrees(&[before, other, chars.as_str()].concat());
            }
        }
    }

    #[test]
    fn texts_are_decoded_like_anywhere_else() {
        for raw in [
            r#""""#,
            r#""plain""#,
            r#""é😀""#,
            r#""\u00e9\ud83d\ude00\u0000\b\f\n\r\t\/\\\"""#,
            r#""\ud800""#,
            r#""\ud800\n""#,
            r#""\udc00""#,
            r#""\ud800\ud800""#,
            r#""\uD83D\uDE00x""#,
            "\"0123456\\\"89\"",
            "\"a\u{7f}b\"",
        ] {
            let ours = Reader::new(raw.as_bytes())
                .text()
                .ok()
                .flatten()
                .map(Cow::into_owned);
            assert_eq!(ours, serde_json::from_str::<String>(raw).ok(), "{raw}");
        }
    }

    #[test]
    fn a_text_without_escapes_is_borrowed() {
        let borrowed = Reader::new(b" \"plain\" ").text().unwrap().unwrap();
        assert!(matches!(borrowed, Cow::Borrowed("plain")));
        assert!(Reader::new(b"\"\xff\"").text().is_err());
    }

    #[test]
    fn the_end_of_plain_text_is_found_at_every_place() {
        for special in [b'"', b'\\', 0, 0x1f] {
            for at in 0..40 {
                for around in [b'a', 0x20, 0x7f, 0x80, 0xff, b'!', b'#', b'['] {
                    let mut text = [around; 40];
                    text[at] = special;
                    assert_eq!(plain_length(&text), at, "{special} {around}");
                }
            }
        }
        assert_eq!(plain_length(&[0xff; 21]), 21);
    }

    #[test]
    fn numbers_are_whole_and_fit_or_are_refused() {
        let number = |text: &str| Reader::new(text.as_bytes()).number();
        assert_eq!(number("18446744073709551615"), Ok(Some(u64::MAX)));
        assert_eq!(number("null"), Ok(None));
        for text in [
            "18446744073709551616",
            "-1",
            "1.0",
            "1e3",
            "\"1\"",
            "{}",
            "",
            "nul",
        ] {
            assert!(number(text).is_err(), "{text}");
        }
    }

    #[test]
    fn members_and_elements_are_given_in_order() {
        let mut seen = Vec::new();
        let mut reader = Reader::new(br#"{"a":[1,2],"b":{},"\u0063":null}"#);
        reader
            .object(&mut |key, value| {
                if key == "a" {
                    value.array(&mut |element| {
                        seen.push(element.number()?.unwrap().to_string());
                        Ok(())
                    })
                } else {
                    seen.push(key.to_owned());
                    value.skip()
                }
            })
            .unwrap();
        assert_eq!(seen, ["1", "2", "b", "c"]);
    }
}
