//! What the ledger is made of. Everything in here is scrubbed already, and nothing is escaped yet.

use crate::contract;
use crate::journal::{DeliveryKey, RunKey};
use crate::lifecycle::{Delivered, End};
use crate::port::RunKind;
use std::sync::Arc;
use std::time::Duration;

/// Bytes of a body that are kept to be shown.
pub(super) const BODY: usize = 16 * 1024;
/// Bytes of a text that strangers have written and that stands in a line: a URL, a header field, a reason.
pub(super) const LINE: usize = 2 * 1024;

/// A body, as far as it is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) text: String,
    /// Of the whole, in bytes.
    pub(super) length: usize,
    pub(super) is_cut: bool,
}

impl Body {
    /// The beginning of a body. Bytes that are no text are replaced.
    pub(super) fn of(bytes: &[u8]) -> Body {
        let kept = bytes.get(..BODY).unwrap_or(bytes);
        let mut text = String::from_utf8_lossy(kept).into_owned();
        let is_cut = kept.len() < bytes.len();
        // A character that the cut went through.
        if is_cut && text.ends_with('\u{fffd}') {
            text.pop();
        }
        Body {
            text,
            length: bytes.len(),
            is_cut,
        }
    }
}

/// A text for a line, cut with an ellipsis.
pub(super) fn line(text: &str) -> String {
    if text.len() <= LINE {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(LINE);
    format!("{}…", text.get(..end).unwrap_or_default())
}

/// Header fields.
pub(super) type Fields = Vec<(String, String)>;

/// Whom a request went to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Peer {
    /// The installation's server: the plugin's request.
    Server,
    /// Port: the host's own request.
    Port,
}

/// A request and its answer.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Request {
    pub(super) to: Peer,
    pub(super) method: String,
    pub(super) url: String,
    pub(super) fields: Fields,
    pub(super) body: Body,
    /// Whether the host has added a credential.
    pub(super) credential_added: bool,
    /// Whether nothing was sent, because the answer was known.
    pub(super) from_cache: bool,
    /// The answer, or why there is none.
    pub(super) answer: Result<Answer, String>,
    pub(super) took: Duration,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) fields: Fields,
    pub(super) body: Body,
}

/// Something on the timeline of a run or a delivery.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    /// Its place among all that was written down.
    pub(super) number: u64,
    /// When it began, in milliseconds since 1970.
    pub(super) at: u64,
    pub(super) what: What,
}

/// What.
#[derive(Debug, Clone)]
pub(super) enum What {
    /// A step of a run's life, in words.
    Step(Arc<str>),
    /// A request.
    Request(Arc<Request>),
}

/// A run.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) number: u64,
    pub(super) key: RunKey,
    pub(super) kind: RunKind,
    pub(super) action: Option<String>,
    /// The properties that Port ordered it with, as JSON.
    pub(super) properties: Option<Body>,
    pub(super) claimed_at: u64,
    pub(super) is_restored: bool,
    pub(super) external_run_id: Option<String>,
    pub(super) target: Option<String>,
    pub(super) link: Option<String>,
    pub(super) label: Option<String>,
    pub(super) summary: Option<String>,
    pub(super) ended: Option<(u64, End)>,
    pub(super) entries: Vec<Entry>,
    /// How many entries are not kept.
    pub(super) left_out: usize,
    pub(super) bytes: usize,
}

/// A delivery that was taken in.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    pub(super) number: u64,
    pub(super) key: DeliveryKey,
    pub(super) at: u64,
    pub(super) event: String,
    pub(super) fields: Fields,
    pub(super) body: Body,
    /// As it came, where it may be replayed and is not too large for that.
    pub(super) whole: Option<Arc<contract::Delivery>>,
    pub(super) outcome: Outcome,
    /// Which runs of the server it is about.
    pub(super) external_run_ids: Vec<String>,
    pub(super) requests: Vec<Entry>,
    pub(super) replays: u32,
    pub(super) bytes: usize,
}

/// Where a delivery stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It waits to be read.
    Waiting,
    /// It was read.
    Read(Delivered),
    /// It will be read again, for this reason.
    Again(String),
    /// It could not be read, for this reason.
    Failed(String),
}

/// A request to the webhook listener that did not become a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct TurnedAway {
    pub(super) at: u64,
    pub(super) installation: String,
    pub(super) event: String,
    pub(super) delivery: String,
    pub(super) status: u16,
    pub(super) reason: String,
}

impl Run {
    /// Bytes of the texts that change.
    pub(super) fn texts(&self) -> usize {
        let texts = [
            &self.external_run_id,
            &self.target,
            &self.link,
            &self.label,
            &self.summary,
        ];
        texts.into_iter().flatten().map(String::len).sum()
    }
}

impl Request {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        let fields = |fields: &Fields| -> usize {
            let each = |(name, value): &(String, String)| name.len() + value.len() + 48;
            fields.iter().map(each).sum()
        };
        let answer = match &self.answer {
            Ok(answer) => fields(&answer.fields) + answer.body.text.len(),
            Err(reason) => reason.len(),
        };
        self.url.len() + fields(&self.fields) + self.body.text.len() + answer + 200
    }
}

impl Entry {
    /// About how much memory it takes.
    pub(super) fn bytes(&self) -> usize {
        match &self.what {
            What::Step(words) => words.len() + 60,
            What::Request(request) => request.bytes() + 60,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_cut_between_characters_and_says_how_long_it_was() {
        let whole = "é".repeat(BODY);
        let body = Body::of(&whole.as_bytes()[1..]);
        assert!(body.is_cut && body.length == 2 * BODY - 1);
        assert!(body.text.len() <= BODY + 3, "{}", body.text.len());
        assert!(body.text.ends_with('é'));
        let short = Body::of(b"{}");
        assert_eq!((short.text.as_str(), short.is_cut), ("{}", false));
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let cut = line(&"é".repeat(LINE));
        assert!(cut.ends_with("é…") && cut.len() <= LINE + 3);
        assert_eq!(line("short"), "short");
    }
}
