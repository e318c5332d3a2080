//! Lists and mappings in brackets, without the line breaks in them.

use super::text::{in_quotes, unquoted};
use super::{MAX_DEPTH, Map, Node, member};

/// What a text that begins with a bracket is.
pub enum Read {
    /// A list or mapping, and nothing after it.
    Whole(Node),
    /// The beginning of one.
    Open,
    /// Something else.
    Fault,
}

/// Reads a text that begins with a bracket.
pub fn read(text: &str) -> Read {
    let mut flow = Flow {
        rest: text,
        is_open: false,
    };
    match flow.node(0) {
        Some(node) if flow.rest.trim().is_empty() => Read::Whole(node),
        None if flow.is_open => Read::Open,
        _ => Read::Fault,
    }
}

struct Flow<'a> {
    rest: &'a str,
    /// Whether the text has ended too early.
    is_open: bool,
}

impl<'a> Flow<'a> {
    /// The next character that is no space, if there is one.
    fn peek(&mut self) -> Option<char> {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
        let next = self.rest.chars().next();
        self.is_open |= next.is_none();
        next
    }

    fn take(&mut self, character: char) -> bool {
        let is_next = self.peek() == Some(character);
        if is_next {
            self.rest = self.rest.get(character.len_utf8()..).unwrap_or_default();
        }
        is_next
    }

    fn node(&mut self, depth: usize) -> Option<Node> {
        if depth > MAX_DEPTH {
            return None;
        }
        match self.peek()? {
            '[' => self.list(depth),
            '{' => self.map(depth),
            _ => self.scalar(),
        }
    }

    fn list(&mut self, depth: usize) -> Option<Node> {
        self.take('[');
        let mut items = Vec::new();
        while !self.take(']') {
            items.push(self.node(depth + 1)?);
            // A colon here would make a mapping of one member, which nobody writes.
            if !self.take(',') && self.peek()? != ']' {
                return None;
            }
        }
        Some(Node::List(items))
    }

    fn map(&mut self, depth: usize) -> Option<Node> {
        self.take('{');
        let mut map = Map::new();
        while !self.take('}') {
            let Node::Scalar(key) = self.scalar()? else {
                return None;
            };
            if key == "<<" || member(&map, &key).is_some() {
                return None;
            }
            let value = match self.take(':') {
                true if matches!(self.peek()?, ',' | '}') => Node::Null,
                true => self.node(depth + 1)?,
                false => Node::Null,
            };
            map.push((key, value));
            if !self.take(',') && self.peek()? != '}' {
                return None;
            }
        }
        Some(Node::Map(map))
    }

    fn scalar(&mut self) -> Option<Node> {
        let first = self.peek()?;
        if matches!(first, '"' | '\'') {
            let Some((raw, rest)) = in_quotes(self.rest, first) else {
                // A line break within quotes is not read.
                return None;
            };
            self.rest = rest;
            return Some(unquoted(raw));
        }
        if matches!(
            first,
            '&' | '*' | '!' | '|' | '>' | '%' | '@' | '`' | '?' | '-' | '#' | ',' | ':' | ']' | '}'
        ) && !self.is_negative()
        {
            return None;
        }
        let end = self.plain_end();
        let (text, rest) = self.rest.split_at_checked(end)?;
        // Where a comment begins or a quote opens within it, it is not certain what was meant.
        if text.contains(" #") || text.contains('"') {
            return None;
        }
        self.rest = rest;
        Some(Node::plain(text.trim_end()))
    }

    /// Whether a dash is a part of what follows it.
    fn is_negative(&self) -> bool {
        self.rest
            .strip_prefix('-')
            .is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_alphanumeric()))
    }

    /// Where a scalar without quotes ends.
    fn plain_end(&self) -> usize {
        let mut characters = self.rest.char_indices().peekable();
        while let Some((place, character)) = characters.next() {
            let next = characters.peek().map(|(_, next)| *next);
            let ends = match character {
                ',' | '[' | ']' | '{' | '}' => true,
                ':' => {
                    next.is_none_or(|next| matches!(next, ' ' | '\t' | ',' | '[' | ']' | '{' | '}'))
                }
                _ => false,
            };
            if ends {
                return place;
            }
        }
        self.rest.len()
    }
}
