//! Known secrets are blotted out of every text that leaves the host.
//!
//! No guest is ever given a secret; but a server's error page may repeat what it was sent, and a guest may pass that on.
//! So whatever comes back to a guest is searched for the credential that was sent, and whatever it logs or answers, and
//! every exchange that is shown to somebody, for all secrets of the installation: as they are, and in the spellings that
//! programs commonly give to what they repeat.

use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use memchr::memmem;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use std::borrow::Cow;
use zeroize::Zeroizing;

/// What stands where a secret was.
const BLOTTED: &str = "[secret]";

/// Secrets shorter than this are searched for only as they are: three letters of base64 stand in any text.
const LEAST_ENCODED: usize = 8;

/// What RFC 3986, section 2.3, leaves as it is.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// One secret in all its spellings, the longest first. The default is no secret at all.
#[derive(Default)]
pub struct Spellings(Vec<Zeroizing<String>>);

impl Spellings {
    /// As it is; in base64 (RFC 4648, both alphabets), alone or inside something longer, such as `user:secret`;
    /// percent-encoded; in hexadecimal; and inside a JSON string.
    pub fn of(secret: &SecretString) -> Spellings {
        let secret = secret.expose_secret();
        let mut all = vec![Zeroizing::new(secret.to_owned())];
        if secret.len() >= LEAST_ENCODED {
            for before in 0..3 {
                all.push(base64(&STANDARD_NO_PAD, secret, before));
                all.push(base64(&URL_SAFE_NO_PAD, secret, before));
            }
            for set in [NON_ALPHANUMERIC, UNRESERVED] {
                let encoded = Zeroizing::new(utf8_percent_encode(secret, set).to_string());
                all.push(Zeroizing::new(lower_escapes(&encoded)));
                all.push(encoded);
            }
            all.push(hexadecimal(secret, |byte| format!("{byte:02x}")));
            all.push(hexadecimal(secret, |byte| format!("{byte:02X}")));
            all.push(in_json(secret));
        }
        all.retain(|spelling| !spelling.is_empty());
        all.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        all.dedup();
        Spellings(all)
    }

    /// Those that so many bytes have room for. Most texts are short and have none: labels, ids, nearly all header fields.
    fn fitting(&self, bytes: usize) -> impl Iterator<Item = &Zeroizing<String>> {
        let longer = self.0.partition_point(|spelling| spelling.len() > bytes);
        self.0.iter().skip(longer)
    }

    /// Whether so many bytes have room for the secret.
    pub fn fits(&self, bytes: usize) -> bool {
        self.fitting(bytes).next().is_some()
    }

    /// Overwrites the secret in bytes, whose number stays the same. Tells whether it was there.
    pub fn overwrite(&self, bytes: &mut [u8]) -> bool {
        let mut was_there = false;
        for spelling in self.fitting(bytes.len()) {
            let mut from = 0;
            while let Some(rest) = bytes.get_mut(from..)
                && let Some(start) = memmem::find(rest, spelling.as_bytes())
            {
                let end = start + spelling.len();
                if let Some(secret) = rest.get_mut(start..end) {
                    secret.fill(b'*');
                }
                (from, was_there) = (from + end, true);
            }
        }
        was_there
    }

    /// How many bytes at the end may be the beginning of the secret.
    pub fn begun_at_end(&self, bytes: &[u8]) -> usize {
        let begun = |spelling: &Zeroizing<String>| {
            let spelling = spelling.as_bytes();
            let longest = spelling.len().saturating_sub(1).min(bytes.len());
            let tail = bytes.get(bytes.len() - longest..)?;
            let first = *spelling.first()?;
            let mut starts = memchr::memchr_iter(first, tail);
            let start = starts
                .find(|start| spelling.starts_with(tail.get(*start..).unwrap_or_default()))?;
            Some(longest - start)
        };
        self.0.iter().filter_map(begun).max().unwrap_or_default()
    }

    /// Blots the secret out of a text.
    pub fn blot<'t>(&self, mut text: Cow<'t, str>) -> Cow<'t, str> {
        for spelling in self.fitting(text.len()) {
            if memmem::find(text.as_bytes(), spelling.as_bytes()).is_some() {
                text = Cow::Owned(text.replace(spelling.as_str(), BLOTTED));
            }
        }
        text
    }
}

/// Those characters of the secret's base64 that stand there whatever comes before and after, if `before` bytes (of a
/// group of three) come before it.
fn base64(engine: &impl base64::Engine, secret: &str, before: usize) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(vec![0; before]);
    bytes.extend_from_slice(secret.as_bytes());
    let encoded = Zeroizing::new(engine.encode(&*bytes));
    // Each character holds six bits: the first and the last may hold bits of something else too.
    let first = (before * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    Zeroizing::new(encoded.get(first..last).unwrap_or_default().to_owned())
}

fn lower_escapes(encoded: &str) -> String {
    let mut escape = 0;
    let lower = |c: char| {
        if c == '%' {
            escape = 2;
        } else if escape > 0 {
            escape -= 1;
            return c.to_ascii_lowercase();
        }
        c
    };
    encoded.chars().map(lower).collect()
}

fn hexadecimal(secret: &str, digits: impl Fn(u8) -> String) -> Zeroizing<String> {
    Zeroizing::new(secret.bytes().map(digits).collect())
}

/// Without the quotes.
fn in_json(secret: &str) -> Zeroizing<String> {
    let quoted = Zeroizing::new(serde_json::Value::from(secret).to_string());
    let inside = quoted.get(1..quoted.len().saturating_sub(1));
    Zeroizing::new(inside.unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    use proptest::prelude::*;

    fn blotted(secret: &str, text: &str) -> String {
        Spellings::of(&SecretString::from(secret))
            .blot(Cow::Borrowed(text))
            .into_owned()
    }

    #[test]
    fn a_secret_is_blotted_out_as_it_is_wherever_it_stands() {
        assert_eq!(
            blotted("ghs_abc", "ghs_abc, xghs_abcx"),
            "[secret], x[secret]x"
        );
        assert_eq!(blotted("ab", "a b ab"), "a b [secret]");
        assert_eq!(blotted("", "nothing"), "nothing");
    }

    #[test]
    fn the_spellings_of_urls_and_json_are_known() {
        let secret = "p/ss w\"rd_1";
        for text in [
            "p%2Fss%20w%22rd%5F1",
            "p%2fss%20w%22rd%5f1",
            "p%2Fss%20w%22rd_1",
            r#"p/ss w\"rd_1"#,
            "702f737320772272645f31",
        ] {
            assert_eq!(
                blotted(secret, &format!("<{text}>")),
                "<[secret]>",
                "{text}"
            );
        }
    }

    #[test]
    fn the_beginning_of_a_secret_at_the_end_is_counted() {
        let spellings = Spellings::of(&SecretString::from("abcabd"));
        for (text, begun) in [
            ("xxabcab", 5),
            ("abcabc", 3),
            ("abcabcab", 5),
            ("a", 1),
            ("x", 0),
            ("", 0),
        ] {
            assert_eq!(spellings.begun_at_end(text.as_bytes()), begun, "{text}");
        }
    }

    proptest! {
        /// What is left of the base64 is at most a character at each end, of which six bits alone are of the secret.
        #[test]
        fn base64_of_something_longer_does_not_hide_a_secret(
            secret in "[!-~]{8,60}",
            before in "[ -~]{0,9}",
            after in "[ -~]{0,9}",
        ) {
            for engine in [STANDARD, URL_SAFE] {
                let text = engine.encode(format!("{before}{secret}{after}"));
                let left = blotted(&secret, &text);
                prop_assert!(left.contains(BLOTTED), "{text} → {left}");
                prop_assert!(left.len() <= text.len() - (secret.len() * 8 / 6 - 2) + BLOTTED.len());
            }
        }
    }
}
