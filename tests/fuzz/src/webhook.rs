//! Deliveries from anybody who reaches the listener: is the signature right, and what does the component make of them?
//!
//! Sections: scene, delivery (header fields, an empty line, the body), answers.

use github_workflow::contract::ocean::integration_action::types::{
    Delivery, Failure, Header, RunUpdate,
};
use github_workflow::{manifest, webhook};
use host_harness::contract::{SignatureAlgorithm, Webhooks};
use host_harness::ingress::{SignatureError, WebhookSecret, sign, verify};
use http::{HeaderMap, HeaderName, HeaderValue};
use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use secrecy::SecretString;

use crate::input::{Scene, cut, fields, sections};
use crate::script::Scripted;
use crate::{requests, texts};

const KEY: &str = "fuzz-webhook-key";
const SIGNATURE: &str = "x-hub-signature-256";
const CONTENT_TYPE: &str = "content-type";
const FORM: &str = "application/x-www-form-urlencoded";

/// Checks one input.
pub fn check(input: &[u8]) {
    let sections = sections(input);
    let [scene, delivery, answers @ ..] = sections.as_slice() else {
        return;
    };
    let scene = Scene::of(scene);
    let (head, body) = cut(delivery, b"\n\n");
    let fields = fields(head);
    signature(&headers(&fields), body);
    let told = tell(&scene, &fields, body, answers);
    let is_form = fields.iter().any(|(name, _)| name == CONTENT_TYPE);
    if !is_form {
        let mut as_form = fields;
        as_form.push((CONTENT_TYPE.to_owned(), FORM.as_bytes().to_vec()));
        let body = format!("x=1&payload={}", percent_encode(body, NON_ALPHANUMERIC));
        let again = tell(&scene, &as_form, body.as_bytes(), answers);
        assert_eq!(again, told, "the same delivery as a form");
    }
}

/// What the component makes of a delivery whose signature was right.
fn tell(
    scene: &Scene,
    fields: &[(String, Vec<u8>)],
    body: &[u8],
    answers: &[&[u8]],
) -> Result<Vec<RunUpdate>, Failure> {
    let host = Scripted::of(scene, answers);
    let header = |(name, value): &(String, Vec<u8>)| Header {
        name: name.clone(),
        value: value.clone(),
    };
    let delivery = Delivery {
        id: "1".to_owned(),
        headers: fields.iter().map(header).collect(),
        body: body.to_vec(),
        received: scene.now_ms(),
    };
    let result = webhook::handle(&host, &scene.installation, &delivery);
    let exchanges = host.exchanges();
    for (request, _) in &exchanges {
        assert_eq!(request.body, None, "a delivery makes nothing happen");
    }
    if exchanges
        .iter()
        .all(|(request, _)| request.path.contains("/repos/"))
    {
        let places: Vec<_> = exchanges
            .first()
            .map(|(request, _)| first_place(&request.path))
            .into_iter()
            .collect();
        requests::stay_within(&scene.installation, &places, &exchanges);
    }
    match &result {
        Ok(updates) => texts::updates(updates),
        Err(failure) => texts::failure(failure),
    }
    result
}

/// The repository of a path: a delivery names its own, in JSON that only the component reads here.
fn first_place(path: &str) -> requests::Place {
    let names = path.split_once("/repos/").map_or("", |(_, names)| names);
    let mut names = names.split(['/', '?']).map(str::to_ascii_lowercase);
    (
        names.next().unwrap_or_default(),
        names.next().unwrap_or_default(),
    )
}

/// Only the signature of this body under this key is accepted.
fn signature(headers: &HeaderMap, body: &[u8]) {
    let webhooks = webhooks();
    let secret = WebhookSecret::Verify(SecretString::from(KEY));
    let right = sign(&SecretString::from(KEY), &webhooks, body);
    let given = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    // The digits may be written in both cases, the prefix in one.
    let is_right = given
        .and_then(|given| given.strip_prefix("sha256="))
        .is_some_and(|digits| format!("sha256={}", digits.to_ascii_lowercase()) == right);
    let verdict = verify(&secret, &webhooks, headers, body);
    assert_eq!(verdict.is_ok(), is_right, "{given:?}");
    let mut signed = headers.clone();
    signed.remove(SIGNATURE);
    assert_eq!(
        verify(&secret, &webhooks, &signed, body),
        Err(SignatureError::Unsigned)
    );
    signed.insert(
        SIGNATURE,
        HeaderValue::from_str(&right).expect("hexadecimal"),
    );
    assert_eq!(verify(&secret, &webhooks, &signed, body), Ok(()));
    let mut other = body.to_vec();
    match other.last_mut() {
        Some(byte) => *byte ^= 1,
        None => other.push(0),
    }
    assert_eq!(
        verify(&secret, &webhooks, &signed, &other),
        Err(SignatureError::Mismatch)
    );
    assert_eq!(
        verify(&WebhookSecret::Missing, &webhooks, &signed, body),
        Err(SignatureError::NoSecret)
    );
}

fn headers(fields: &[(String, Vec<u8>)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        let name = HeaderName::from_bytes(name.as_bytes());
        if let (Ok(name), Ok(value)) = (name, HeaderValue::from_bytes(value)) {
            headers.append(name, value);
        }
    }
    headers
}

/// How the component's manifest describes deliveries, as the host reads it.
fn webhooks() -> Webhooks {
    let told = manifest::describe()
        .webhooks
        .expect("the plugin takes deliveries");
    Webhooks {
        events: told.events,
        event_header: told.event_header,
        delivery_header: told.delivery_header,
        signature_header: told.signature_header,
        signature_prefix: told.signature_prefix,
        signature_algorithm: SignatureAlgorithm::HmacSha256,
    }
}
