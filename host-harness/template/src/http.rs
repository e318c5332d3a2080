//! One request and its answer, over `wasi:http`. Never with a credential: the host adds that.

use crate::contract::wasi::http::outgoing_handler;
use crate::contract::wasi::http::types::{
    ErrorCode, Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, Scheme,
};
use crate::contract::wasi::io::streams::StreamError;
use serde::de::DeserializeOwned;

/// The most that is read of an answer.
const LARGEST: usize = 1 << 20;

pub struct Response {
    pub status: u16,
    headers: Vec<(String, Vec<u8>)>,
    /// None: it broke off, or was too large.
    body: Option<Vec<u8>>,
}

/// Why there is no answer. The question is: can the server have acted?
pub enum Unanswered {
    /// No: nothing has left. Trying again may help.
    NotSent(String),
    /// No: the host refused. Trying again is no use.
    Denied(String),
    /// Nobody knows.
    Lost(String),
}

impl Response {
    pub fn json<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_slice(self.body.as_ref()?).ok()
    }

    /// A header field that is a whole number.
    pub fn number(&self, name: &str) -> Option<u32> {
        let (_, value) = self.headers.iter().find(|(given, _)| given.eq_ignore_ascii_case(name))?;
        std::str::from_utf8(value).ok()?.trim().parse().ok()
    }
}

pub fn send(
    api_url: &str,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Result<Response, Unanswered> {
    let (request, out) = request(api_url, method, path, headers, body)
        .ok_or_else(|| Unanswered::NotSent("the request cannot be built".to_owned()))?;
    let pending = outgoing_handler::handle(request, None).map_err(|code| match reason(&code) {
        Unanswered::Lost(why) => Unanswered::NotSent(why), // the host did not even begin
        known => known,
    })?;
    if let (Some(out), Some(body)) = (out, body) {
        // If writing fails, the error that waits below says why.
        let _ = write(out, body);
    }
    pending.subscribe().block();
    match pending.get() {
        Some(Ok(Ok(response))) => Ok(read(response)),
        Some(Ok(Err(code))) => Err(reason(&code)),
        _ => Err(Unanswered::Lost("the host gave no answer".to_owned())),
    }
}

fn request(
    api_url: &str,
    method: &Method,
    path: &str,
    headers: &[(&str, &str)],
    body: Option<&[u8]>,
) -> Option<(OutgoingRequest, Option<OutgoingBody>)> {
    let (scheme, rest) = api_url.split_once("://")?;
    let (authority, base) = rest.find('/').map_or((rest, ""), |slash| rest.split_at(slash));
    let mut fields = vec![("accept".to_owned(), b"application/json".to_vec())];
    fields.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec())));
    if let Some(body) = body {
        fields.push(("content-length".to_owned(), body.len().to_string().into_bytes()));
    }
    let request = OutgoingRequest::new(Fields::from_list(&fields).ok()?);
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request.set_method(method).ok()?;
    request.set_scheme(Some(&scheme)).ok()?;
    request.set_authority(Some(authority)).ok()?;
    request.set_path_with_query(Some(&format!("{base}{path}"))).ok()?;
    let out = if body.is_some() { Some(request.body().ok()?) } else { None };
    Some((request, out))
}

fn write(out: OutgoingBody, body: &[u8]) -> Option<()> {
    let stream = out.write().ok()?;
    for chunk in body.chunks(4096) {
        stream.blocking_write_and_flush(chunk).ok()?;
    }
    drop(stream); // before its body is finished
    OutgoingBody::finish(out, None).ok()
}

fn read(response: IncomingResponse) -> Response {
    let (status, headers) = (response.status(), response.headers().entries());
    Response { status, headers, body: read_body(&response) }
}

fn read_body(response: &IncomingResponse) -> Option<Vec<u8>> {
    let body = response.consume().ok()?;
    let stream = body.stream().ok()?;
    let mut bytes = vec![];
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(more) if bytes.len() + more.len() > LARGEST => return None,
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return Some(bytes),
            Err(StreamError::LastOperationFailed(_)) => return None,
        }
    }
}

/// Only what fails before a connection stands is surely not sent.
fn reason(code: &ErrorCode) -> Unanswered {
    let why = format!("{code:?}");
    match code {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsCertificateError => Unanswered::NotSent(why),
        ErrorCode::HttpRequestDenied | ErrorCode::DestinationIpProhibited => Unanswered::Denied(why),
        _ => Unanswered::Lost(why),
    }
}

/// A value for a query.
pub fn encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    let byte = |byte: u8| {
        if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }
    };
    text.bytes().map(byte).collect()
}
