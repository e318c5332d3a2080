//! The little Markdown in the explanation of an end: list items, links, code, and escaped characters. Everything else
//! stays as it is written.

use crate::legible::escaped_lines;
use std::fmt::Write as _;
use url::Url;

/// A line of an explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) is_item: bool,
    /// Whether it is an item of an item.
    pub(crate) is_nested: bool,
    pub(crate) pieces: Vec<Piece>,
}

/// A piece of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) text: String,
    /// Where it leads, if it is a link.
    pub(crate) href: Option<String>,
    pub(crate) is_code: bool,
}

/// The lines that have something in them.
pub(crate) fn lines(text: &str) -> Vec<Line> {
    let text = escaped_lines(text);
    let lines = text.lines().filter(|line| !line.trim().is_empty());
    lines
        .map(|line| {
            let is_nested = line.starts_with("  ");
            let line = line.trim();
            let item = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
            Line {
                is_item: item.is_some(),
                is_nested,
                pieces: pieces(item.unwrap_or(line)),
            }
        })
        .collect()
}

/// For a terminal: without the characters that are there for Markdown only, and with the addresses of links. Nothing in it
/// steers a cursor.
pub(crate) fn plain(text: &str) -> String {
    let plain: Vec<String> = lines(text).iter().map(Line::plain).collect();
    plain.join("\n")
}

impl Line {
    fn plain(&self) -> String {
        let mut out = match (self.is_item, self.is_nested) {
            (false, _) => String::new(),
            (true, false) => "- ".to_owned(),
            (true, true) => "  - ".to_owned(),
        };
        for piece in &self.pieces {
            // Writing into a text cannot fail.
            let _ = match &piece.href {
                Some(href) => write!(out, "{} ({href})", piece.text),
                None if piece.is_code => write!(out, "`{}`", piece.text),
                None => write!(out, "{}", piece.text),
            };
        }
        out
    }
}

/// An address that a link may lead to: of the web, and nothing that runs.
pub(crate) fn web_address(text: &str) -> Option<String> {
    let url = Url::parse(text).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none();
    (matches!(url.scheme(), "http" | "https") && is_plain).then(|| url.to_string())
}

fn pieces(line: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut plain = String::new();
    let mut rest = line;
    while let Some(first) = rest.chars().next() {
        let after = rest.get(first.len_utf8()..).unwrap_or_default();
        let special = match first {
            '[' => link(rest),
            '`' => code(after),
            _ => None,
        };
        if let Some((piece, left)) = special {
            push_plain(&mut pieces, &mut plain);
            pieces.push(piece);
            rest = left;
            continue;
        }
        rest = after;
        match (first, rest.chars().next()) {
            ('\\', Some(escaped)) if escaped.is_ascii_punctuation() => {
                plain.push(escaped);
                rest = rest.get(1..).unwrap_or_default();
            }
            _ => plain.push(first),
        }
    }
    push_plain(&mut pieces, &mut plain);
    pieces
}

fn push_plain(pieces: &mut Vec<Piece>, plain: &mut String) {
    if !plain.is_empty() {
        pieces.push(Piece {
            text: std::mem::take(plain),
            href: None,
            is_code: false,
        });
    }
}

/// `[text](address)` at the beginning, and what follows it.
fn link(text: &str) -> Option<(Piece, &str)> {
    let inner = text.strip_prefix('[')?;
    let (label, rest) = until(inner, ']')?;
    let (address, rest) = rest.strip_prefix('(')?.split_once(')')?;
    let piece = Piece {
        text: label,
        href: Some(web_address(address)?),
        is_code: false,
    };
    Some((piece, rest))
}

/// The text up to a character that is not escaped.
fn until(text: &str, end: char) -> Option<(String, &str)> {
    let mut out = String::new();
    let mut characters = text.char_indices();
    while let Some((place, character)) = characters.next() {
        if character == end {
            return Some((out, text.get(place + end.len_utf8()..)?));
        }
        out.push(match character {
            '\\' => characters.next()?.1,
            character => character,
        });
    }
    None
}

/// Code after its first backtick, and what follows it.
fn code(text: &str) -> Option<(Piece, &str)> {
    let (code, rest) = text.split_once('`')?;
    let piece = Piece {
        text: code.to_owned(),
        href: None,
        is_code: true,
    };
    (!code.is_empty()).then_some((piece, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Vec<(String, Option<String>)> {
        let lines = lines(text);
        let pieces = lines.into_iter().flat_map(|line| line.pieces);
        pieces.map(|piece| (piece.text, piece.href)).collect()
    }

    #[test]
    fn a_failed_step_keeps_its_link_and_its_name() {
        let text = r"- Job [build \*x\*](https://github.com/a/b/job/4#step:3:1) failed in step 3: Run \[tests\]";
        let href = Some("https://github.com/a/b/job/4#step:3:1".to_owned());
        assert!(lines(text)[0].is_item);
        assert_eq!(
            told(text),
            [
                ("Job ".to_owned(), None),
                ("build *x*".to_owned(), href),
                (" failed in step 3: Run [tests]".to_owned(), None),
            ]
        );
    }

    #[test]
    fn in_a_terminal_nothing_is_escaped_and_nothing_steers_it() {
        let text = "1 job failed.\n\n- Job [build](https://x.example/a) failed\n  - src\\/cart\\.rs\\:41\\: \x1b[2Jtotal\n\n`code-1`";
        assert_eq!(
            plain(text),
            "1 job failed.\n- Job build (https://x.example/a) failed\n  - src/cart.rs:41: \\u{1b}[2Jtotal\n`code-1`"
        );
    }

    #[test]
    fn what_the_tools_of_a_step_said_stands_below_it() {
        let lines = lines("- Job x failed\n  - exit code 1\\.\n\nend");
        let shape = lines.iter().map(|line| (line.is_item, line.is_nested));
        let shape: Vec<(bool, bool)> = shape.collect();
        assert_eq!(shape, [(true, false), (true, true), (false, false)]);
        assert_eq!(lines[1].pieces[0].text, "exit code 1.");
    }

    #[test]
    fn a_link_leads_to_the_web_or_is_none() {
        for address in [
            "javascript:alert(1)",
            "data:text/html,x",
            "/runs/a/b",
            "https://user:hunter2@x.example",
            "vbscript:x",
            "",
        ] {
            assert_eq!(web_address(address), None, "{address}");
            let told = told(&format!("[text]({address})"));
            assert!(told.iter().all(|(_, href)| href.is_none()), "{told:?}");
        }
        assert!(web_address("https://x.example/a?b#c").is_some());
    }

    #[test]
    fn code_and_half_a_link_stay_readable() {
        let lines = lines("`code-1`\n\n[half](https://x.example\n`open");
        assert!(lines[0].pieces[0].is_code && lines[0].pieces[0].text == "code-1");
        assert_eq!(lines[1].pieces[0].text, "[half](https://x.example");
        assert_eq!(lines[2].pieces[0].text, "`open");
    }
}
