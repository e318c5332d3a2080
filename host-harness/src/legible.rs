//! Text that somebody else has written, made fit to be shown: nothing in it ends a line where none should end, moves a
//! cursor, or is a character that a database does not take.

use std::borrow::Cow;
use std::fmt::Write as _;

/// For a log: one line in which everything treacherous stands escaped, as in a Rust literal. What a guest has written
/// cannot look like a line of the host's.
pub(crate) fn escaped(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_treacherous) {
        return Cow::Borrowed(text);
    }
    let mut line = String::with_capacity(text.len() + 16);
    for character in text.chars() {
        if is_treacherous(character) {
            // Writing to a string does not fail.
            let _ = write!(line, "{}", character.escape_default());
        } else {
            line.push(character);
        }
    }
    Cow::Owned(line)
}

/// For people: one line, with a space where a line ended, and without control characters.
pub(crate) fn one_line(text: &str) -> Cow<'_, str> {
    let fit = |character: char| match character {
        '\t' => Some(' '),
        character if ends_a_line(character) => Some(' '),
        character if character.is_control() => None,
        character => Some(character),
    };
    changed(text, fit)
}

/// For a page or a terminal: lines in which nothing steers a cursor or the direction of text.
pub(crate) fn escaped_lines(text: &str) -> String {
    let line = |line: &str| escaped(&line.replace('\t', "    ")).into_owned();
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// For people: lines, without control characters.
pub(crate) fn lines(text: &str) -> Cow<'_, str> {
    let fit = |character: char| match character {
        '\n' | '\t' => Some(character),
        character if character.is_control() => None,
        character => Some(character),
    };
    changed(text, fit)
}

fn changed(text: &str, fit: impl Fn(char) -> Option<char>) -> Cow<'_, str> {
    if text
        .chars()
        .all(|character| fit(character) == Some(character))
    {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().filter_map(fit).collect())
}

/// What some program or other takes for the end of a line (Unicode Standard Annex 14, classes BK, LF and NL).
fn ends_a_line(character: char) -> bool {
    matches!(
        character,
        '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}'
    )
}

/// Control characters (Unicode's category Cc), ends of lines, and the marks that set the direction of text (Unicode
/// Standard Annex 9, section 2).
fn is_treacherous(character: char) -> bool {
    character.is_control()
        || ends_a_line(character)
        || matches!(
            character,
            '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_begin_a_line_or_steer_a_terminal_is_escaped_in_a_log() {
        assert_eq!(
            escaped("a\nINFO b\r\t\u{1b}[2K\u{85}\u{2028}\u{202e}é"),
            "a\\nINFO b\\r\\t\\u{1b}[2K\\u{85}\\u{2028}\\u{202e}é"
        );
        assert!(matches!(escaped("plain – ü"), Cow::Borrowed(_)));
    }

    #[test]
    fn people_get_lines_where_there_may_be_some_and_no_control_characters() {
        let text = "a\r\nb\tc\0\u{1b}[1m\u{2028}\u{200f}é";
        assert_eq!(one_line(text), "a b c[1m \u{200f}é");
        assert_eq!(lines(text), "a\nb\tc[1m\u{2028}\u{200f}é");
    }
}
