//! What is on one line: keys, dashes, quotes and comments.

use super::Node;
use crate::json;

/// Whether a line begins with the dash of a list's item.
pub fn is_dash(text: &str) -> bool {
    text.strip_prefix('-')
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
}

/// A value without the comment at its end and without space around it.
pub fn content(text: &str) -> &str {
    let text = text.trim();
    let end = match text.chars().next() {
        None | Some('#') => return "",
        Some(quote @ ('"' | '\'')) => match in_quotes(text, quote) {
            Some((raw, after)) => match comment(after, false) {
                Some(place) => raw.len() + place,
                None => text.len(),
            },
            None => text.len(),
        },
        Some('[' | '{') => return flow_content(text),
        Some(_) => comment(text, false).unwrap_or(text.len()),
    };
    text.get(..end).unwrap_or(text).trim_end()
}

/// The same, of a line within brackets.
pub fn flow_content(text: &str) -> &str {
    let end = comment(text, true).unwrap_or(text.len());
    text.get(..end).unwrap_or(text).trim()
}

/// Where a comment begins: at a `#` at the beginning or after a space. With `quotes`, not within quotes.
fn comment(text: &str, quotes: bool) -> Option<usize> {
    let mut before = ' ';
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        if character == '#' && matches!(before, ' ' | '\t') {
            return Some(place);
        }
        let opens = matches!(before, ' ' | '\t' | '[' | '{' | ',' | ':');
        if quotes && opens && matches!(character, '"' | '\'') {
            let (_, after) = in_quotes(text.get(place..)?, character)?;
            let end = text.len() - after.len();
            while characters.offset() < end {
                characters.next();
            }
        }
        before = character;
    }
    None
}

/// The key that a line begins with, and what follows its colon.
pub fn key_of(text: &str) -> Option<(String, &str)> {
    let (key, rest) = match text.chars().next()? {
        quote @ ('"' | '\'') => {
            let (raw, rest) = in_quotes(text, quote)?;
            let Node::Scalar(key) = unquoted(raw) else {
                return None;
            };
            (key, rest.trim_start_matches([' ', '\t']).strip_prefix(':')?)
        }
        '&' | '*' | '!' | '?' | '|' | '>' | '[' | ']' | '{' | '}' | ',' | '#' | '%' | '@' | '`' => {
            return None;
        }
        _ if is_dash(text) => return None,
        _ => {
            let before_comment = text.get(..comment(text, false).unwrap_or(text.len()))?;
            let (place, _) = before_comment.char_indices().find(|(place, character)| {
                *character == ':'
                    && text
                        .get(place + 1..)
                        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t']))
            })?;
            (
                text.get(..place)?.trim_end().to_owned(),
                text.get(place + 1..)?,
            )
        }
    };
    (rest.is_empty() || rest.starts_with([' ', '\t'])).then_some((key, rest))
}

/// A text that begins with a quote, split after the quote that closes it.
pub fn in_quotes(text: &str, quote: char) -> Option<(&str, &str)> {
    let mut characters = text.char_indices().skip(1).peekable();
    while let Some((place, character)) = characters.next() {
        if quote == '"' && character == '\\' {
            characters.next();
        } else if character == quote {
            if quote == '\'' && characters.peek().is_some_and(|(_, next)| *next == quote) {
                characters.next();
            } else {
                return text.split_at_checked(place + 1);
            }
        }
    }
    None
}

/// The scalar in quotes that are closed. What YAML writes like JSON is read; of its own escapes none is.
pub fn unquoted(raw: &str) -> Node {
    let single = raw
        .strip_prefix('\'')
        .and_then(|inner| inner.strip_suffix('\''));
    match single {
        Some(inner) => Node::Scalar(inner.replace("''", "'")),
        None => json::as_string(raw).map_or(Node::Unknown, Node::Scalar),
    }
}
