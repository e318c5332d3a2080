//! From YAML to a small tree: exactly the forms in which people write the head of a workflow's file.
//!
//! A YAML library would be half as large as the whole component, for a few lines that are asked for once, when an
//! action is defined. So this reads block mappings and lists, flow ones, and scalars; whatever has another form becomes
//! [`Node::Unknown`], or makes the document unreadable where it is not certain where that form ends. The tests compare
//! it with a YAML library: it may know less, and must never say something else.
//!
//! Everything goes by lines. What belongs to a key is indented further than the key, whatever is in it, so most of a
//! file can be skipped without being read.

mod flow;
mod text;

use std::collections::BTreeSet;

use super::Unreadable;
use text::{content, flow_content, in_quotes, is_dash, key_of, unquoted};

/// The largest file that is read, in bytes: far more than any workflow has.
const MAX_BYTES: usize = 512 * 1024;

/// How deep lists and mappings may lie in each other.
const MAX_DEPTH: usize = 20;

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Nothing: no value, `~` or `null`.
    Null,
    /// A text, a number, true or false, without its quotes.
    Scalar(String),
    /// A scalar over several lines. What it says exactly has not been read.
    Long,
    /// A list.
    List(Vec<Node>),
    /// A mapping.
    Map(Map),
    /// Something of a form that is not read.
    Unknown,
}

impl Node {
    /// The text of a scalar.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Scalar(text) => Some(text),
            _ => None,
        }
    }

    /// The members of a mapping; `None` if nothing is there.
    pub fn members(&self, place: &str) -> Result<Option<&Map>, Unreadable> {
        match self {
            Self::Map(map) => Ok(Some(map)),
            Self::Null => Ok(None),
            _ => Err(super::unknown_form(place)),
        }
    }

    fn plain(text: &str) -> Self {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => Self::Null,
            text => Self::Scalar(text.to_owned()),
        }
    }
}

/// A mapping in the order of the file.
pub type Map = Vec<(String, Node)>;

/// The member of a mapping.
pub fn member<'m>(map: &'m Map, key: &str) -> Option<&'m Node> {
    map.iter()
        .find(|(name, _)| name == key)
        .map(|(_, node)| node)
}

/// The value of one key of a document that is a mapping. What the other keys hold is skipped.
///
/// # Errors
/// Where the document cannot be read.
pub fn value_of(document: &str, key: &str) -> Result<Option<Node>, Unreadable> {
    if document.len() > MAX_BYTES {
        return Err(Unreadable::because(&["it is larger than 512 KB"]));
    }
    let mut lines = Lines::of(document);
    lines.skip_document_start();
    let mut keys = BTreeSet::new();
    let mut found = None;
    while let Some(line) = lines.peek()? {
        let (name, rest) = match key_of(line.text) {
            Some(split) if line.indent == 0 => split,
            _ => return Err(lines.fault("a key was expected")),
        };
        if !keys.insert(name.clone()) {
            return Err(lines.fault("a key is there twice"));
        }
        lines.next += 1;
        if name == key {
            found = Some(lines.value(0, rest, 0)?);
        } else if content(rest).is_empty() {
            lines.skip_inner(0, true);
        } else {
            lines.value(0, rest, 0)?;
        }
    }
    Ok(found)
}

/// A line that is neither blank nor a comment.
#[derive(Clone, Copy)]
struct Line<'a> {
    indent: usize,
    text: &'a str,
}

struct Lines<'a> {
    all: Vec<&'a str>,
    /// The index of the line that comes next.
    next: usize,
}

impl<'a> Lines<'a> {
    fn of(document: &'a str) -> Self {
        let document = document.strip_prefix('\u{feff}').unwrap_or(document);
        Self {
            all: document.lines().collect(),
            next: 0,
        }
    }

    /// The trouble, at the line that comes next.
    fn fault(&self, what: &str) -> Unreadable {
        Unreadable(format!("line {}: {what}", self.next + 1))
    }

    /// The next line that says something; those before it are passed.
    fn peek(&mut self) -> Result<Option<Line<'a>>, Unreadable> {
        while let Some(line) = self.all.get(self.next) {
            let text = line.trim_start_matches(' ');
            if !content(text).is_empty() {
                let indent = line.len() - text.len();
                let is_marker = indent == 0 && (text.starts_with("---") || text.starts_with("..."));
                if text.starts_with('\t') || line.contains('\r') || is_marker {
                    return Err(self.fault("this form is not known here"));
                }
                return Ok(Some(Line { indent, text }));
            }
            self.next += 1;
        }
        Ok(None)
    }

    /// Passes `---`, which may stand before the document.
    fn skip_document_start(&mut self) {
        let start = self
            .all
            .iter()
            .position(|line| !content(line.trim_start_matches(' ')).is_empty());
        if let Some(start) = start
            && self
                .all
                .get(start)
                .is_some_and(|line| content(line) == "---")
        {
            self.next = start + 1;
        }
    }

    /// Passes what belongs to a key or dash at this indentation. A list may begin right below its key.
    fn skip_inner(&mut self, indent: usize, lists_too: bool) {
        while let Some(line) = self.all.get(self.next) {
            let text = line.trim_start_matches(' ');
            let is_inner = line.len() - text.len() > indent;
            let is_item = lists_too && is_dash(text) && line.len() - text.len() == indent;
            if !(is_inner || is_item || content(text).is_empty()) {
                break;
            }
            self.next += 1;
        }
    }

    /// Whether something belongs to a key or dash at this indentation.
    fn has_inner(&mut self, indent: usize) -> Result<bool, Unreadable> {
        Ok(self.peek()?.is_some_and(|line| line.indent > indent))
    }

    /// The value of a key or dash at this indentation, whose line has been passed and goes on with `rest`.
    fn value(&mut self, indent: usize, rest: &str, depth: usize) -> Result<Node, Unreadable> {
        if depth > MAX_DEPTH {
            return Err(self.fault("it is nested too deeply"));
        }
        let rest = content(rest);
        match rest.chars().next() {
            None => self.block(indent, depth),
            Some('|' | '>') => {
                self.skip_text(indent);
                Ok(Node::Long)
            }
            Some('&' | '!' | '*') => {
                self.skip_inner(indent, true);
                Ok(Node::Unknown)
            }
            Some('[' | '{') => self.flow(indent, rest),
            Some(quote @ ('"' | '\'')) => self.quoted(indent, rest, quote),
            Some('@' | '`' | '%' | ',' | ']' | '}' | '#') => {
                Err(self.fault("the value before this line cannot begin like that"))
            }
            Some(_) if key_of(rest).is_some() || is_dash(rest) || rest.starts_with("? ") => {
                Err(self.fault("the line before has a mapping or a list within a value"))
            }
            Some(_) if self.has_inner(indent)? => {
                self.skip_inner(indent, false);
                Ok(Node::Long)
            }
            Some(_) => Ok(Node::plain(rest)),
        }
    }

    /// Passes the lines of a block scalar: all that are indented further, and what looks like a comment among them.
    fn skip_text(&mut self, indent: usize) {
        while let Some(line) = self.all.get(self.next) {
            let text = line.trim_start_matches(' ');
            if !text.trim().is_empty() && line.len() - text.len() <= indent {
                break;
            }
            self.next += 1;
        }
    }

    /// What stands below a key or dash that has nothing on its own line.
    fn block(&mut self, indent: usize, depth: usize) -> Result<Node, Unreadable> {
        match self.peek()? {
            Some(line) if is_dash(line.text) && line.indent >= indent => {
                self.list(line.indent, depth)
            }
            Some(line) if line.indent > indent && key_of(line.text).is_some() => {
                self.map(line.indent, depth)
            }
            Some(line) if line.indent > indent => {
                self.skip_inner(indent, false);
                Ok(Node::Unknown)
            }
            _ => Ok(Node::Null),
        }
    }

    fn map(&mut self, indent: usize, depth: usize) -> Result<Node, Unreadable> {
        let mut map = Map::new();
        while let Some(line) = self.peek()?.filter(|line| line.indent >= indent) {
            let Some((name, rest)) = key_of(line.text).filter(|_| line.indent == indent) else {
                return Err(self.fault("a key was expected at the indentation of the one before"));
            };
            if name == "<<" || member(&map, &name).is_some() {
                return Err(self.fault("a key is there twice, or merges mappings"));
            }
            self.next += 1;
            let value = self.value(indent, rest, depth + 1)?;
            map.push((name, value));
        }
        Ok(Node::Map(map))
    }

    fn list(&mut self, indent: usize, depth: usize) -> Result<Node, Unreadable> {
        let mut items = Vec::new();
        while let Some(line) = self.peek()?.filter(|line| line.indent >= indent) {
            if line.indent > indent {
                return Err(self.fault("it is indented further than the item before"));
            }
            let Some(rest) = line.text.strip_prefix('-').filter(|_| is_dash(line.text)) else {
                break;
            };
            self.next += 1;
            let rest = rest.trim_start_matches([' ', '\t']);
            if key_of(rest).is_some() || is_dash(rest) {
                self.skip_inner(indent, false);
                items.push(Node::Unknown);
            } else {
                // Below a dash a list is indented.
                items.push(self.value(indent + 1, rest, depth + 1)?);
            }
        }
        Ok(Node::List(items))
    }

    /// A scalar in quotes. Over several lines it is only passed.
    fn quoted(&mut self, indent: usize, rest: &str, quote: char) -> Result<Node, Unreadable> {
        if let Some((raw, after)) = in_quotes(rest, quote) {
            if !content(after).is_empty() || self.has_inner(indent)? {
                return Err(self.fault("something follows a closing quote before this line"));
            }
            return Ok(unquoted(raw));
        }
        let mut whole = rest.to_owned();
        while let Some(line) = self.all.get(self.next) {
            let blank = line.trim().is_empty();
            if !blank && line.len() - line.trim_start_matches(' ').len() <= indent {
                break;
            }
            self.next += 1;
            whole.push(' ');
            whole.push_str(line);
            if let Some((_, after)) = in_quotes(&whole, quote) {
                return match content(after) {
                    "" if !self.has_inner(indent)? => Ok(Node::Long),
                    _ => Err(self.fault("something follows a closing quote before this line")),
                };
            }
        }
        Err(self.fault("a quote before this line is not closed"))
    }

    /// A list or mapping in brackets.
    fn flow(&mut self, indent: usize, rest: &str) -> Result<Node, Unreadable> {
        let mut whole = rest.to_owned();
        loop {
            match flow::read(&whole) {
                flow::Read::Whole(node) if self.has_inner(indent)? => {
                    drop(node);
                    return Err(self.fault("something follows a closing bracket before this line"));
                }
                flow::Read::Whole(node) => return Ok(node),
                flow::Read::Fault => {
                    return Err(self.fault("the brackets before this line cannot be read"));
                }
                flow::Read::Open => {}
            }
            let Some(line) = self.peek()?.filter(|line| line.indent > indent) else {
                return Err(self.fault("a bracket before this line is not closed"));
            };
            self.next += 1;
            whole.push(' ');
            whole.push_str(flow_content(line.text));
        }
    }
}
