//! A recording as TOML, and back.

use super::body::Spelled;
use super::field;
use super::{Delivery, Recorded, Recording, RecordingError, default_match_headers};
use crate::egress::ExchangeOutcome;
use crate::misread;
use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::str::FromStr;
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
    began: Text,
    match_headers: Option<Vec<Text>>,
    #[serde(default, rename = "exchange", skip_serializing_if = "Vec::is_empty")]
    exchanges: Vec<Spanned<Exchange>>,
    #[serde(default, rename = "delivery", skip_serializing_if = "Vec::is_empty")]
    deliveries: Vec<Delivered>,
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
    failed: Option<Text>,
    request: Request,
    #[serde(skip_serializing_if = "Option::is_none")]
    response: Option<Response>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Request {
    method: Text,
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
    status: Spanned<u16>,
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
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Delivered {
    installation: String,
    #[serde(default)]
    at_ms: u64,
    event: String,
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    json: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base64: Option<Text>,
}

/// What is wrong, and where.
struct Wrong {
    span: Range<usize>,
    message: &'static str,
}

impl Wrong {
    fn at<T>(value: &Spanned<T>, message: &'static str) -> Wrong {
        let span = value.span();
        Wrong { span, message }
    }

    /// With its place in the text of the file.
    fn told(self, text: &str) -> RecordingError {
        error_at(text, self.span, self.message)
    }
}

impl Recording {
    /// Reads the text of a file.
    ///
    /// # Errors
    /// With the line of what is not as it should be.
    pub fn read(text: &str) -> Result<Recording, RecordingError> {
        check_version(text)?;
        recording(parse(text)?).map_err(|wrong| wrong.told(text))
    }

    /// The text of a file that [`Recording::read`] reads.
    ///
    /// # Errors
    /// It began after the year 9999.
    pub fn to_toml(&self) -> Result<String, RecordingError> {
        let began = i64::try_from(self.began).unwrap_or(i64::MAX);
        let began = Timestamp::from_millisecond(began)
            .map_err(|error| RecordingError::Unwritable(error.to_string()))?;
        let names = self.match_headers.iter();
        let exchanges = self.exchanges.iter();
        let file = File {
            version: VERSION,
            began: unplaced(began.to_string()),
            match_headers: Some(names.map(|name| unplaced(name.to_string())).collect()),
            exchanges: exchanges
                .map(|recorded| unplaced(Exchange::from(recorded)))
                .collect(),
            deliveries: self.deliveries.iter().map(Delivered::from).collect(),
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
        error_at(text, error.span().unwrap_or_default(), &message)
    })
}

fn error_at(text: &str, span: Range<usize>, message: &str) -> RecordingError {
    let (line, column) = misread::place(text, span.start);
    RecordingError::Text {
        line,
        column,
        message: message.to_owned(),
    }
}

fn recording(file: File) -> Result<Recording, Wrong> {
    let no_moment = "this is no moment since 1970, such as `2026-01-15T10:00:00Z`";
    let began: Timestamp = said(&file.began, no_moment)?;
    let match_headers = match file.match_headers {
        Some(names) => names
            .iter()
            .map(|name| said(name, "this is no name of a header field"))
            .collect::<Result<_, Wrong>>()?,
        None => default_match_headers(),
    };
    Ok(Recording {
        began: u64::try_from(began.as_millisecond())
            .map_err(|_| Wrong::at(&file.began, no_moment))?,
        match_headers,
        exchanges: file
            .exchanges
            .into_iter()
            .map(recorded)
            .collect::<Result<_, Wrong>>()?,
        deliveries: file
            .deliveries
            .into_iter()
            .map(delivery)
            .collect::<Result<_, Wrong>>()?,
    })
}

fn delivery(said: Delivered) -> Result<Delivery, Wrong> {
    Ok(Delivery {
        installation: said.installation,
        at: Duration::from_millis(said.at_ms),
        event: said.event,
        id: said.id,
        body: body(said.json, said.text, said.base64)?,
    })
}

fn recorded(exchange: Spanned<Exchange>) -> Result<Recorded, Wrong> {
    let no_outcome = Wrong::at(
        &exchange,
        "an exchange has a table `response` or says how it `failed`",
    );
    let exchange = exchange.into_inner();
    let request = exchange.request;
    let no_reason = "this is no error code of wasi:http, such as `connection-terminated`";
    let reason = exchange.failed.map(|text| said(&text, no_reason));
    Ok(Recorded {
        installation: exchange.installation,
        at: Duration::from_millis(exchange.at_ms),
        took: Duration::from_millis(exchange.took_ms),
        method: said(&request.method, "this is no HTTP method")?,
        url: request.url,
        credential: request.credential,
        request_headers: headers(&request.headers)?,
        request_body: body(request.json, request.text, request.base64)?,
        outcome: match (exchange.response, reason.transpose()?) {
            (Some(response), None) => answered(response)?,
            (None, Some(reason)) => ExchangeOutcome::Failed(reason),
            _ => return Err(no_outcome),
        },
    })
}

fn answered(response: Response) -> Result<ExchangeOutcome, Wrong> {
    let status = StatusCode::from_u16(*response.status.get_ref()).map_err(|_| {
        Wrong::at(
            &response.status,
            "this is no status code: it has three digits",
        )
    })?;
    Ok(ExchangeOutcome::Answered {
        status: status.as_u16(),
        headers: headers(&response.headers)?,
        body: body(response.json, response.text, response.base64)?.into(),
    })
}

/// What a text says.
fn said<T: FromStr>(text: &Text, otherwise: &'static str) -> Result<T, Wrong> {
    let read = text.get_ref().parse();
    read.map_err(|_| Wrong::at(text, otherwise))
}

fn headers(fields: &[Text]) -> Result<HeaderMap, Wrong> {
    let mut headers = HeaderMap::with_capacity(fields.len());
    for text in fields {
        let read = field::read(text.get_ref());
        let (name, value) = read.map_err(|message| Wrong::at(text, message))?;
        headers.append(name, value);
    }
    Ok(headers)
}

fn body(json: Option<Text>, text: Option<Text>, base64: Option<Text>) -> Result<Bytes, Wrong> {
    let first = [&json, &text, &base64].into_iter().flatten().next();
    let span = first.map(Spanned::span).unwrap_or_default();
    let spelled = Spelled {
        json: json.map(Spanned::into_inner),
        text: text.map(Spanned::into_inner),
        base64: base64.map(Spanned::into_inner),
    };
    spelled.read().map_err(|message| Wrong { span, message })
}

impl From<&Recorded> for Exchange {
    fn from(recorded: &Recorded) -> Exchange {
        let (failed, response) = match &recorded.outcome {
            ExchangeOutcome::Failed(reason) => (Some(unplaced(reason.spelled())), None),
            ExchangeOutcome::Answered {
                status,
                headers,
                body,
            } => {
                let [json, text, base64] = spelled(body);
                let response = Response {
                    status: unplaced(*status),
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
                method: unplaced(recorded.method.to_string()),
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

impl From<&Delivery> for Delivered {
    fn from(delivery: &Delivery) -> Delivered {
        let [json, text, base64] = spelled(&delivery.body);
        Delivered {
            installation: delivery.installation.clone(),
            at_ms: milliseconds(delivery.at),
            event: delivery.event.clone(),
            id: delivery.id.clone(),
            json,
            text,
            base64,
        }
    }
}

/// A value that is about to be written.
fn unplaced<T>(value: T) -> Spanned<T> {
    Spanned::new(0..0, value)
}

fn fields(headers: &HeaderMap) -> Vec<Text> {
    let fields = headers.iter();
    fields
        .map(|(name, value)| unplaced(field::spell(name, value)))
        .collect()
}

fn spelled(body: &[u8]) -> [Option<Text>; 3] {
    let Spelled { json, text, base64 } = Spelled::of(body);
    [json, text, base64].map(|spelled| spelled.map(unplaced))
}

/// TOML's numbers have a sign.
fn milliseconds(duration: Duration) -> u64 {
    let most = i64::MAX.unsigned_abs();
    u64::try_from(duration.as_millis())
        .unwrap_or(most)
        .min(most)
}
