//! Where values end, in a text that is known to be JSON.
//!
//! A delivery has 20 KB, of which a dozen values are wanted: finding the ends of all others is most of the work. In JSON
//! that is known to be right, a string ends at the first quote that no backslash escapes, an array or object at the
//! bracket that closes the first one outside of strings, and any other value where something between values begins.

/// The first value or key of a text that is known to be JSON, and what follows it. `None` before a closing bracket.
pub(super) fn first(text: &str) -> Option<(&str, &str)> {
    let bytes = text.as_bytes();
    let begin = bytes.iter().position(|byte| !is_between(*byte))?;
    let text = text.get(begin..)?;
    let bytes = text.as_bytes();
    let end = match bytes.first()? {
        b'"' => end_of_string(bytes, 1),
        b'{' | b'[' => end_of_brackets(bytes),
        b'}' | b']' => return None,
        _ => bytes
            .iter()
            .position(|byte| is_between(*byte) || matches!(byte, b'}' | b']'))
            .unwrap_or(bytes.len()),
    };
    text.split_at_checked(end)
}

/// The text of a string without escapes, which is the same as what stands between its quotes.
pub(super) fn plain_text(raw: &str) -> Option<&str> {
    let inside = raw.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.as_bytes().contains(&b'\\')).then_some(inside)
}

fn is_between(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | b',' | b':')
}

/// Where a string ends whose opening quote is before `at`.
fn end_of_string(bytes: &[u8], mut at: usize) -> usize {
    loop {
        // Eight at once: most strings have 10 to 60 bytes, too few for a search that has to be set up.
        while let Some(Ok(eight)) = bytes.get(at..at + 8).map(<[u8; 8]>::try_from) {
            let word = u64::from_le_bytes(eight);
            let found = zeros(word ^ QUOTES) | zeros(word ^ BACKSLASHES);
            if found != 0 {
                at += (found.trailing_zeros() / 8) as usize;
                break;
            }
            at += 8;
        }
        match bytes.get(at) {
            Some(b'"') => return at + 1,
            // What a backslash escapes is no end.
            Some(b'\\') => at += 2,
            Some(_) => at += 1,
            None => return bytes.len(),
        }
    }
}

const QUOTES: u64 = u64::from_le_bytes([b'"'; 8]);
const BACKSLASHES: u64 = u64::from_le_bytes([b'\\'; 8]);
const ONES: u64 = u64::from_le_bytes([1; 8]);
const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);

/// Marks the bytes that are zero. The lowest mark is right; above it there may be false ones, by its borrow.
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & HIGHS
}

/// Where the array or object ends that the text begins with.
fn end_of_brackets(bytes: &[u8]) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'"' => at = end_of_string(bytes, at),
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at;
                }
            }
            _ => {}
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IgnoredAny;

    /// Where serde_json says that the first value ends.
    fn by_the_library(text: &str) -> Option<(&str, &str)> {
        let text = text.trim_start_matches([' ', '\t', '\n', '\r', ',', ':']);
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>();
        values.next()?.ok()?;
        text.split_at_checked(values.byte_offset())
    }

    /// Documents made of pieces that are awkward for a scanner, from a seed.
    fn document(mut seed: u64, depth: usize, out: &mut String) {
        const SCALARS: [&str; 12] = [
            "0",
            "-1.5e+30",
            "true",
            "false",
            "null",
            "\"\"",
            "\"a\"",
            "\"}\"",
            "\"\\\"\"",
            "\"\\\\\"",
            "\"\\\\\\\"]\"",
            "\"\u{e9}\\u00e9\u{1f600}\"",
        ];
        const SPACE: [&str; 4] = ["", " ", "\n\t", "  "];
        let mut next = |most: u64| {
            seed = seed
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (seed >> 33) % most
        };
        let pick = |list: &[&str], at: u64| list[usize::try_from(at).unwrap()].to_owned();
        let kind = if depth == 0 { 0 } else { next(3) };
        if kind == 0 {
            out.push_str(&pick(&SCALARS, next(12)));
            return;
        }
        out.push(if kind == 1 { '[' } else { '{' });
        let number = next(4);
        for index in 0..number {
            if index > 0 {
                out.push(',');
            }
            out.push_str(&pick(&SPACE, next(4)));
            if kind == 2 {
                out.push_str(&pick(&SCALARS[5..], next(7)));
                out.push_str(&pick(&SPACE, next(4)));
                out.push(':');
            }
            document(next(u64::MAX), depth - 1, out);
            out.push_str(&pick(&SPACE, next(4)));
        }
        out.push(if kind == 1 { ']' } else { '}' });
    }

    #[test]
    fn values_end_where_the_library_says() {
        for seed in 0..20_000 {
            let mut text = " ".repeat(usize::try_from(seed % 3).unwrap());
            document(seed, 4, &mut text);
            for rest in ["", ",1", " }", "]", ":2", "\n, \"x\""] {
                let text = [&text, rest].concat();
                assert_eq!(first(&text), by_the_library(&text), "{text}");
            }
            // What is inside, value by value.
            let inside = text.trim().strip_prefix(['[', '{']);
            let mut rest = inside.unwrap_or_default();
            while let Some((value, after)) = first(rest) {
                assert_eq!(Some((value, after)), by_the_library(rest), "{rest}");
                rest = after;
            }
        }
    }

    #[test]
    fn a_text_that_is_cut_off_is_no_crash() {
        let mut whole = String::new();
        document(4, 4, &mut whole);
        for end in 0..whole.len() {
            if let Some(cut) = whole.get(..end) {
                let _ = first(cut);
            }
        }
    }

    #[test]
    fn only_a_string_without_escapes_is_its_own_text() {
        assert_eq!(plain_text("\"a \u{e9}\""), Some("a \u{e9}"));
        assert_eq!(plain_text("\"\""), Some(""));
        for other in ["\"", "\"a\\n\"", "1", "null", "[\"a\"]", ""] {
            assert_eq!(plain_text(other), None, "{other}");
        }
    }
}
