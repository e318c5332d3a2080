//! A request and its answer, to be shown.

use super::body::{self, Shown};
use super::moment::{Moment, length, since};
use crate::legible::escaped;
use crate::page::record::{Body, Entry, Fields, Peer, Request};

/// A request.
#[derive(Debug, Clone)]
pub(super) struct Exchange {
    /// Its `id` on the page.
    pub(super) id: String,
    pub(super) at: Moment,
    pub(super) since: String,
    /// `Server` or `Port`.
    pub(super) to: &'static str,
    pub(super) method: String,
    /// The path and the query, for the line; the whole URL for the details.
    pub(super) path: String,
    pub(super) url: String,
    pub(super) took: String,
    /// The status, or why there is none.
    pub(super) result: String,
    pub(super) is_good: bool,
    /// What the host did with it.
    pub(super) note: &'static str,
    pub(super) sent: Message,
    /// None if there was no answer.
    pub(super) got: Option<Message>,
}

/// Header fields and a body.
#[derive(Debug, Clone)]
pub(super) struct Message {
    pub(super) fields: Fields,
    pub(super) body: Option<Shown>,
}

impl Message {
    pub(super) fn of(fields: &Fields, body: &Body) -> Message {
        let fields = fields.iter();
        Message {
            fields: fields
                .map(|(name, value)| (escaped(name).into_owned(), escaped(value).into_owned()))
                .collect(),
            body: body::shown(body),
        }
    }
}

impl Exchange {
    /// A request on the timeline of something that began at this time.
    pub(super) fn of(entry: &Entry, request: &Request, beginning: u64) -> Exchange {
        let url = escaped(&request.url).into_owned();
        let path = match url.split_once("://") {
            Some((_, rest)) => rest.find('/').and_then(|start| rest.get(start..)),
            None => Some(url.as_str()),
        };
        let (result, is_good) = match &request.answer {
            Ok(answer) if request.from_cache => (format!("{} cached", answer.status), true),
            Ok(answer) => (answer.status.to_string(), answer.status < 400),
            Err(reason) => (format!("no answer: {}", escaped(reason)), false),
        };
        Exchange {
            id: format!("e{}", entry.number),
            at: Moment::of(entry.at),
            since: since(beginning, entry.at),
            to: match request.to {
                Peer::Server => "Server",
                Peer::Port => "Port",
            },
            method: escaped(&request.method).into_owned(),
            path: path.unwrap_or("/").to_owned(),
            took: length(request.took),
            result,
            is_good,
            note: match (request.from_cache, request.credential_added) {
                (true, _) => "Answered out of the cache; nothing was sent.",
                (false, true) => "Sent with the host's credential, which is not shown.",
                (false, false) => "Sent without a credential.",
            },
            sent: Message::of(&request.fields, &request.body),
            got: request
                .answer
                .as_ref()
                .ok()
                .map(|answer| Message::of(&answer.fields, &answer.body)),
            url,
        }
    }
}
