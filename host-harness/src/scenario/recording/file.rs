//! A recording as TOML, and back.

use super::body::Spelled;
use super::field;
use super::{Recorded, Recording, RecordingError, default_match_headers};
use crate::egress::{ExchangeOutcome, NoAnswer};
use crate::misread;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, StatusCode};
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;

/// The version of the format that is written and read.
pub(super) const VERSION: u32 = 1;

/// A text that knows where it stands.
type Text = Spanned<String>;

const PREFACE: &str = "# Written by `host-harness test --record`; replayed without network.\n";

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    version: u32,
    began: Moment,
    #[serde(default = "default_names")]
    match_headers: Vec<Name>,
    #[serde(default, rename = "exchange", skip_serializing_if = "Vec::is_empty")]
    exchanges: Vec<Spanned<Exchange>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Exchange {
    installation: String,
    #[serde(default)]
    at_ms: u64,
    #[serde(default)]
    took_ms: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    failed: Option<Failed>,
    request: Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: Verb,
    url: String,
    #[serde(default)]
    credential: bool,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<Text>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Response {
    status: Status,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    headers: Vec<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<Text>,
}

/// A value of a type that serde does not know, checked where it stands so that an error has its line.
macro_rules! value {
    ($name:ident($inner:ty) from $raw:ty, $read:expr, $written:expr) => {
        struct $name($inner);

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(from: D) -> Result<$name, D::Error> {
                let read: fn($raw) -> Result<$inner, String> = $read;
                read(<$raw>::deserialize(from)?)
                    .map($name)
                    .map_err(D::Error::custom)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                let written: fn(&$inner) -> $raw = $written;
                written(&self.0).serialize(to)
            }
        }
    };
}

value!(Name(HeaderName) from String,
    |text| text.parse().map_err(|_| "this is no name of a header field".to_owned()),
    |name| name.to_string());
value!(Moment(u64) from String,
    |text| text.parse::<Timestamp>()
        .ok()
        .and_then(|moment| u64::try_from(moment.as_millisecond()).ok())
        .ok_or("this is no moment since 1970, such as `2026-01-15T10:00:00Z`".to_owned()),
    |milliseconds| i64::try_from(*milliseconds)
        .ok()
        .and_then(|milliseconds| Timestamp::from_millisecond(milliseconds).ok())
        .unwrap_or(Timestamp::MAX)
        .to_string());
value!(Verb(Method) from String,
    |text| text.parse().map_err(|_| "this is no HTTP method".to_owned()),
    Method::to_string);
value!(Status(u16) from u16,
    |code| StatusCode::from_u16(code)
        .map(|status| status.as_u16())
        .map_err(|_| "this is no status code: it has three digits".to_owned()),
    |code| *code);
value!(Failed(NoAnswer) from String,
    |text| text.parse().map_err(|error: crate::egress::NotAReason| error.to_string()),
    NoAnswer::spelled);
fn default_names() -> Vec<Name> {
    default_match_headers().into_iter().map(Name).collect()
}

/// What is wrong in an exchange, and where if that is known.
struct Wrong {
    span: Option<Range<usize>>,
    message: &'static str,
}

fn unplaced(text: String) -> Text {
    Spanned::new(0..0, text)
}

fn fields(headers: &HeaderMap) -> Vec<Text> {
    let fields = headers.iter();
    fields
        .map(|(name, value)| unplaced(field::spell(name, value)))
        .collect()
}

fn headers(fields: Vec<Text>) -> Result<HeaderMap, Wrong> {
    let mut headers = HeaderMap::new();
    for text in fields {
        let (name, value) = field::read(text.get_ref()).map_err(|message| Wrong {
            span: Some(text.span()),
            message,
        })?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn spelled(body: &[u8]) -> [Option<Text>; 3] {
    let Spelled { json, text, base64 } = Spelled::of(body);
    [json, text, base64].map(|spelled| spelled.map(unplaced))
}

fn body(json: Option<Text>, text: Option<Text>, base64: Option<Text>) -> Result<Bytes, Wrong> {
    let spelled = [&json, &text, &base64];
    let span = spelled.into_iter().flatten().next().map(Spanned::span);
    let spelled = Spelled {
        json: json.map(Spanned::into_inner),
        text: text.map(Spanned::into_inner),
        base64: base64.map(Spanned::into_inner),
    };
    spelled.read().map_err(|message| Wrong { span, message })
}

impl Recording {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// With the line of what is not as it should be.
    pub fn read(text: &str) -> Result<Recording, RecordingError> {
        check_version(text)?;
        let file: File = parse(text)?;
        let mut exchanges = Vec::with_capacity(file.exchanges.len());
        for exchange in file.exchanges {
            let span = exchange.span();
            let exchange = Recorded::try_from(exchange.into_inner());
            exchanges.push(
                exchange
                    .map_err(|wrong| error_at(text, wrong.span.or(Some(span)), wrong.message))?,
            );
        }
        Ok(Recording {
            began: file.began.0,
            match_headers: file.match_headers.into_iter().map(|name| name.0).collect(),
            exchanges,
        })
    }

    /// The text of a file that [`Recording::read`] reads.
    ///
    /// # Errors
    /// Only if TOML has no way to write it down, of which there is none known.
    pub fn to_toml(&self) -> Result<String, RecordingError> {
        let file = File {
            version: VERSION,
            began: Moment(self.began),
            match_headers: self.match_headers.iter().cloned().map(Name).collect(),
            exchanges: self
                .exchanges
                .iter()
                .map(|recorded| Spanned::new(0..0, Exchange::from(recorded)))
                .collect(),
        };
        let text = toml::to_string_pretty(&file)
            .map_err(|error| RecordingError::Unwritable(error.to_string()))?;
        Ok(format!("{PREFACE}{text}"))
    }
}

/// Before anything else is looked at, which another version may have changed.
fn check_version(text: &str) -> Result<(), RecordingError> {
    #[derive(Deserialize)]
    struct Head {
        version: Spanned<u32>,
    }
    let version = parse::<Head>(text)?.version;
    if *version.get_ref() == VERSION {
        return Ok(());
    }
    Err(RecordingError::Version {
        line: misread::place(text, version.span().start).0,
        found: version.into_inner(),
    })
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, RecordingError> {
    toml::from_str(text).map_err(|error| {
        let message = misread::without_value(error.message());
        error_at(text, error.span(), &message)
    })
}

fn error_at(text: &str, span: Option<Range<usize>>, message: &str) -> RecordingError {
    let (line, column) = misread::place(text, span.map_or(0, |span| span.start));
    RecordingError::Text {
        line,
        column,
        message: message.to_owned(),
    }
}

impl TryFrom<Exchange> for Recorded {
    type Error = Wrong;

    fn try_from(exchange: Exchange) -> Result<Recorded, Wrong> {
        let request = exchange.request;
        let outcome = match (exchange.response, exchange.failed) {
            (Some(response), None) => ExchangeOutcome::Answered {
                status: response.status.0,
                headers: headers(response.headers)?,
                body: body(response.json, response.text, response.base64)?.into(),
            },
            (None, Some(Failed(reason))) => ExchangeOutcome::Failed(reason),
            _ => {
                let message = "an exchange has a table `response` or says how it `failed`";
                return Err(Wrong {
                    span: None,
                    message,
                });
            }
        };
        Ok(Recorded {
            installation: exchange.installation,
            at: Duration::from_millis(exchange.at_ms),
            took: Duration::from_millis(exchange.took_ms),
            method: request.method.0,
            url: request.url,
            credential: request.credential,
            request_headers: headers(request.headers)?,
            request_body: body(request.json, request.text, request.base64)?,
            outcome,
        })
    }
}

impl From<&Recorded> for Exchange {
    fn from(recorded: &Recorded) -> Exchange {
        let (failed, response) = match &recorded.outcome {
            ExchangeOutcome::Failed(reason) => (Some(Failed(reason.clone())), None),
            ExchangeOutcome::Answered {
                status,
                headers,
                body,
            } => {
                let [json, text, base64] = spelled(body);
                let response = Response {
                    status: Status(*status),
                    headers: fields(headers),
                    json,
                    text,
                    base64,
                };
                (None, Some(response))
            }
        };
        let [json, text, base64] = spelled(&recorded.request_body);
        Exchange {
            installation: recorded.installation.clone(),
            at_ms: milliseconds(recorded.at),
            took_ms: milliseconds(recorded.took),
            failed,
            request: Request {
                method: Verb(recorded.method.clone()),
                url: recorded.url.clone(),
                credential: recorded.credential,
                headers: fields(&recorded.request_headers),
                json,
                text,
                base64,
            },
            response,
        }
    }
}

/// TOML's numbers have a sign.
fn milliseconds(duration: Duration) -> u64 {
    let most = i64::MAX.unsigned_abs();
    u64::try_from(duration.as_millis())
        .unwrap_or(most)
        .min(most)
}
