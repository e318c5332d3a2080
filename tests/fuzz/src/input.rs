//! The form of an input: sections of text between lines of `====`.
//!
//! The first section of most targets is a *scene*: a line of words that set the installation and the clock, and under it
//! the installation's settings. A section with an answer is HTTP without its first line's version: a status, header
//! fields, an empty line, the body; or one of the words `unsent`, `denied` and `lost` for a request without an answer.

use std::collections::BTreeMap;

use github_workflow::contract::ocean::integration_action::types::{Attempt, Hosting, Installation};
use github_workflow::host::{Response, TransportError};

/// The sections of an input.
#[must_use]
pub fn sections(input: &[u8]) -> Vec<&[u8]> {
    const BETWEEN: &[u8] = b"\n====\n";
    let mut sections = Vec::new();
    let mut rest = input;
    while let Some(at) = rest.windows(BETWEEN.len()).position(|part| part == BETWEEN) {
        sections.push(&rest[..at]);
        rest = &rest[at + BETWEEN.len()..];
    }
    sections.push(rest);
    sections
}

/// What is before the first occurrence of `mark`, and what is after it.
#[must_use]
pub fn cut<'t>(text: &'t [u8], mark: &[u8]) -> (&'t [u8], &'t [u8]) {
    match text.windows(mark.len()).position(|part| part == mark) {
        Some(at) => (&text[..at], &text[at + mark.len()..]),
        None => (text, &[]),
    }
}

/// Header fields of the lines of `head`: names in lower case, values trimmed. Lines without a colon are left out.
#[must_use]
pub fn fields(head: &[u8]) -> Vec<(String, Vec<u8>)> {
    head.split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let colon = line.iter().position(|byte| *byte == b':')?;
            let name = String::from_utf8_lossy(&line[..colon])
                .trim()
                .to_ascii_lowercase();
            Some((name, line[colon + 1..].trim_ascii().to_vec()))
        })
        .collect()
}

/// The answer that a section describes.
///
/// # Errors
/// What it says instead of an answer.
pub fn answer(section: &[u8]) -> Result<Response, TransportError> {
    let (first, rest) = cut(section, b"\n");
    let first = String::from_utf8_lossy(first);
    let mut words = first.split_whitespace();
    let status = match words.next() {
        Some("unsent") => return Err(TransportError::NotSent("unsent".to_owned())),
        Some("denied") => return Err(TransportError::Denied("denied".to_owned())),
        Some("lost") => return Err(TransportError::Unknown("lost".to_owned())),
        Some(status) => status.parse().unwrap_or(200),
        None => 200,
    };
    let (head, body) = match rest.strip_prefix(b"\n") {
        Some(body) => (&b""[..], body),
        None => cut(rest, b"\n\n"),
    };
    Ok(Response {
        status,
        headers: fields(head),
        body: body.to_vec(),
        complete: words.next() != Some("cut"),
    })
}

/// Who asks, when, and with which settings.
pub struct Scene {
    words: BTreeMap<String, String>,
    /// The installation.
    pub installation: Installation,
}

impl Scene {
    /// Reads a section. Words are `name` or `name=value`.
    #[must_use]
    pub fn of(section: &[u8]) -> Self {
        let (line, settings) = cut(section, b"\n");
        let words: BTreeMap<String, String> = String::from_utf8_lossy(line)
            .split_whitespace()
            .map(|word| {
                let (name, value) = word.split_once('=').unwrap_or((word, ""));
                (name.to_owned(), value.to_owned())
            })
            .collect();
        let settings = String::from_utf8_lossy(settings).into_owned();
        let word = |name: &str| words.get(name).cloned();
        let installation = Installation {
            id: word("id").unwrap_or_else(|| "inst-1".to_owned()),
            hosting: match word("hosted") {
                Some(_) => Hosting::HostedByPort,
                None => Hosting::SelfHosted,
            },
            organization: word("org"),
            api_url: word("api").unwrap_or_else(|| "https://api.github.com".to_owned()),
            live_events: word("quiet").is_none(),
            settings: match settings.trim() {
                "" => "{}".to_owned(),
                _ => settings,
            },
        };
        Self {
            words,
            installation,
        }
    }

    /// The value of a word.
    #[must_use]
    pub fn word(&self, name: &str) -> Option<&str> {
        self.words.get(name).map(String::as_str)
    }

    /// The value of a word that is a number.
    #[must_use]
    pub fn number(&self, name: &str) -> Option<u64> {
        self.word(name)?.parse().ok()
    }

    /// Which try of a dispatch it is: `try` (1 if not given), `first` (when the first began, in milliseconds) and `taken`.
    #[must_use]
    pub fn attempt(&self) -> Attempt {
        let number = self
            .number("try")
            .and_then(|number| u32::try_from(number).ok());
        Attempt {
            number: number.unwrap_or(1).max(1),
            first_began: self.number("first").unwrap_or(NOW_MS),
            taken: self.word("taken").map(str::to_owned).into_iter().collect(),
        }
    }

    /// The host's time of day, in milliseconds since 1970.
    #[must_use]
    pub fn now_ms(&self) -> u64 {
        self.number("now").unwrap_or(NOW_MS)
    }
}

/// 2026-03-10T12:00:00Z, in milliseconds.
const NOW_MS: u64 = 1_773_144_000_000;
