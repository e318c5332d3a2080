//! What holds for recordings as a whole: nothing is lost, nothing secret is written, and what is found for a request.

mod file;
mod replay;
mod secrets;

use super::*;
use crate::credentials::Credential;
use crate::egress::{Exchange, NoAnswer, Policy};
use crate::ingress::WebhookSecret;
use crate::installation::Installation;
use http::{HeaderValue, Request};
use proptest::prelude::*;
use secrecy::SecretString;
use std::sync::Arc;

const URL: &str = "http://127.0.0.1:20000/repos/acme/shop/actions/workflows/deploy.yml/dispatches";

fn header_map(fields: &[(&str, &[u8])]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_bytes(value).unwrap());
    }
    headers
}

fn recorded(method: &str, url: &str, body: &str, answer: &str) -> Recorded {
    Recorded {
        installation: "acme".to_owned(),
        at: Duration::from_millis(120),
        took: Duration::from_millis(3),
        method: method.parse().unwrap(),
        url: url.to_owned(),
        credential: true,
        request_headers: header_map(&[("accept", b"application/json"), ("user-agent", b"x/1")]),
        request_body: Bytes::copy_from_slice(body.as_bytes()),
        outcome: ExchangeOutcome::Answered {
            status: 200,
            headers: header_map(&[("content-type", b"application/json")]),
            body: answer.as_bytes().to_vec(),
        },
    }
}

fn recording(exchanges: Vec<Recorded>) -> Recording {
    Recording {
        began: 1_768_471_200_000,
        match_headers: default_match_headers(),
        exchanges,
        deliveries: vec![delivery(r#"{"action":"completed"}"#), delivery("")],
    }
}

fn delivery(body: &str) -> Delivery {
    Delivery {
        installation: "acme".to_owned(),
        at: Duration::from_millis(7_000),
        event: "workflow_run".to_owned(),
        id: "delivery-1".to_owned(),
        body: Bytes::copy_from_slice(body.as_bytes()),
    }
}

fn request(method: &str, url: &str, body: &str) -> Request<Bytes> {
    let mut request = Request::new(Bytes::copy_from_slice(body.as_bytes()));
    *request.method_mut() = method.parse().unwrap();
    *request.uri_mut() = url.parse().unwrap();
    // Another user agent than was recorded: it is not among the chosen fields.
    *request.headers_mut() = header_map(&[("accept", b"application/json"), ("user-agent", b"y")]);
    request
}

fn body_of(answer: Result<Arc<Recorded>, Unmatched>) -> String {
    let response = answer.unwrap().response().unwrap();
    String::from_utf8(response.into_body().to_vec()).unwrap()
}
