//! Sending, for behaviours that send: small pieces, each of which tells how it failed.

use crate::contract::http::outgoing_handler;
use crate::contract::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingResponse, Method, OutgoingRequest,
    RequestOptions, Scheme,
};
use crate::contract::io::streams::StreamError;

/// The most of a response that is read.
const MOST: usize = 1 << 20;

/// Where a request goes.
#[derive(Clone, Copy)]
pub struct Target<'t> {
    pub scheme: &'t str,
    pub authority: &'t str,
    pub path: &'t str,
}

impl<'t> Target<'t> {
    /// Takes a URL apart without understanding it: behaviours want to say things that no URL library lets through.
    pub fn of(url: &'t str) -> Target<'t> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
        let end = rest.find('/').unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        Target {
            scheme,
            authority,
            path: if path.is_empty() { "/" } else { path },
        }
    }
}

/// A request, or the name of the part that the host did not take.
pub fn request(
    target: Target<'_>,
    method: &Method,
    fields: Fields,
) -> Result<OutgoingRequest, &'static str> {
    let request = OutgoingRequest::new(fields);
    let scheme = match target.scheme {
        "https" => Scheme::Https,
        "http" => Scheme::Http,
        other => Scheme::Other(other.to_owned()),
    };
    request.set_method(method).map_err(|()| "method")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "scheme")?;
    request
        .set_authority(Some(target.authority))
        .map_err(|()| "authority")?;
    request
        .set_path_with_query(Some(target.path))
        .map_err(|()| "path")?;
    Ok(request)
}

/// Options that make a test short.
pub fn impatient(milliseconds: u64) -> RequestOptions {
    let options = RequestOptions::new();
    let limit = Some(milliseconds * 1_000_000);
    options.set_connect_timeout(limit).unwrap();
    options.set_first_byte_timeout(limit).unwrap();
    options.set_between_bytes_timeout(limit).unwrap();
    options
}

/// Hands a request without a body over.
pub fn begin(request: OutgoingRequest) -> Result<FutureIncomingResponse, ErrorCode> {
    outgoing_handler::handle(request, Some(impatient(1_000)))
}

/// Waits for the head of the response.
pub fn wait(future: &FutureIncomingResponse) -> Result<IncomingResponse, ErrorCode> {
    future.subscribe().block();
    future.get().unwrap().unwrap()
}

/// A whole response.
pub struct Response {
    pub status: u16,
    pub fields: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    /// How the body ended.
    pub end: &'static str,
}

/// Reads a response to its end.
pub fn read(incoming: IncomingResponse) -> Response {
    let status = incoming.status();
    let fields = incoming.headers().entries();
    let body = incoming.consume().unwrap();
    let stream = body.stream().unwrap();
    let mut bytes = Vec::new();
    let end = loop {
        match stream.blocking_read(64 * 1024) {
            Ok(_) if bytes.len() > MOST => break "long",
            Ok(more) => bytes.extend_from_slice(&more),
            Err(StreamError::Closed) => break "complete",
            Err(StreamError::LastOperationFailed(_)) => break "broken",
        }
    };
    Response {
        status,
        fields,
        body: bytes,
        end,
    }
}

/// One GET from beginning to end.
pub fn get(url: &str) -> Result<Response, String> {
    exchange(url, &Method::Get)
}

/// One request without a body.
pub fn exchange(url: &str, method: &Method) -> Result<Response, String> {
    exchange_with(url, method, Fields::new())
}

/// One request with these fields and without a body.
pub fn exchange_with(url: &str, method: &Method, fields: Fields) -> Result<Response, String> {
    let request = request(Target::of(url), method, fields).map_err(str::to_owned)?;
    let answer = begin(request).and_then(|future| wait(&future));
    answer.map(read).map_err(|code| word(&code))
}

/// What became of a request, in one word: the status or the code of the error.
pub fn outcome(result: &Result<Response, String>) -> String {
    match result {
        Ok(response) => response.status.to_string(),
        Err(word) => word.clone(),
    }
}

/// The name of an error, without what it carries.
pub fn word(code: &ErrorCode) -> String {
    let text = format!("{code:?}");
    let text = text.strip_prefix("ErrorCode::").unwrap_or(&text);
    let name = text.split(|c: char| !c.is_ascii_alphanumeric()).next();
    name.unwrap_or_default().to_owned()
}
