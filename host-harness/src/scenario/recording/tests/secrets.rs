//! What a recorder keeps, and what it never does.

use super::*;
use crate::egress::is_credential;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

fn recorder(token: &str, webhook: &str) -> Recorder {
    let installation = Installation::new(
        Installation::nobody().public().clone(),
        Policy::nowhere(),
        Credential::Token(SecretString::from(token)),
        WebhookSecret::Verify(SecretString::from(webhook)),
    );
    let other = Installation::nobody();
    Recorder::new(0, vec![Arc::new(other), Arc::new(installation)])
}

/// An exchange that has `canary` wherever something can stand.
fn exchange(canary: &str) -> Exchange {
    let is_harmless = |c: char| c.is_ascii_alphanumeric() || "%+/=-_.~".contains(c);
    let encoded = utf8_percent_encode(canary, NON_ALPHANUMERIC).to_string();
    let in_url = if canary.chars().all(is_harmless) {
        canary
    } else {
        &encoded
    };
    let headers = header_map(&[
        ("x-plain", canary.as_bytes()),
        ("x-odd", &[b"\xff", canary.as_bytes(), b"\xfe"].concat()),
        ("authorization", b"Basic Zm9vOmJhcg"),
        ("set-cookie", b"session-of-somebody"),
        ("content-length", b"7"),
    ]);
    let json = serde_json::json!({ "before": 1, "token": canary }).to_string();
    Exchange {
        method: Method::POST,
        uri: format!("http://a/{in_url}?token={in_url}").parse().unwrap(),
        request_headers: headers.clone(),
        request_body: json.clone().into_bytes(),
        credential_added: true,
        from_cache: false,
        outcome: ExchangeOutcome::Answered {
            status: 200,
            headers,
            body: [b"\xff", json.as_bytes()].concat(),
        },
        took: Duration::from_millis(20),
    }
}

fn written(recorder: &Recorder, exchange: &Exchange) -> String {
    recorder.note("acme", Duration::from_millis(120), exchange);
    recorder.finish().to_toml().unwrap()
}

/// Base64 in the file is decoded first: what would be found in it has to be gone from there too.
fn legible(recording: &str) -> String {
    let mut all = recording.to_owned();
    for word in recording.split(['"', '\'', ' ', '\n']) {
        if let Ok(bytes) = STANDARD.decode(word) {
            all.push_str(&String::from_utf8_lossy(&bytes));
        }
    }
    all
}

proptest! {
    #[test]
    fn no_secret_is_written_however_it_is_spelled_and_wherever_it_stands(
        token in "ghs_[A-Za-z0-9]{16}[!-~]{4}",
        webhook in "hook [!-~]{16}",
    ) {
        for secret in [&token, &webhook] {
            let spellings = [
                secret.clone(),
                STANDARD.encode(format!("x:{secret}")),
                URL_SAFE_NO_PAD.encode(secret),
                utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
                secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
            ];
            for canary in spellings {
                let text = written(&recorder(&token, &webhook), &exchange(&canary));
                let text = legible(&text);
                // What stands around it in base64 of something longer may stay.
                let core = canary.get(4..canary.len() - 4).unwrap();
                let in_url = utf8_percent_encode(core, NON_ALPHANUMERIC).to_string();
                let in_json = serde_json::Value::from(core).to_string();
                let in_json = in_json.trim_matches('"');
                for part in [core, &in_url, in_json] {
                    prop_assert!(!text.contains(part), "{} in {}", part, text);
                }
                prop_assert!(text.contains("[secret]"), "{}", text);
            }
        }
    }
}

#[test]
fn fields_that_carry_credentials_are_left_out() {
    let recorder = recorder("ghs_0123456789", "hook-0123456789");
    let text = written(&recorder, &exchange("harmless"));
    assert!(
        !text.contains("Zm9vOmJhcg") && !text.contains("session-of-somebody"),
        "{text}"
    );
    assert!(text.contains("x-plain: harmless"), "{text}");
    let recording = recorder.finish();
    let headers = &recording.exchanges[0].request_headers;
    assert!(headers.len() > 1 && !headers.keys().any(is_credential));
}

#[test]
fn deliveries_are_kept_without_secrets() {
    let secret = "ghs_0123456789";
    let recorder = recorder(secret, "hook-0123456789");
    let came = Delivery {
        event: format!("event-{secret}"),
        id: secret.to_owned(),
        ..delivery(&format!(r#"{{"token":"{secret}"}}"#))
    };
    let text = recorder.finish_with(vec![came]).to_toml().unwrap();
    assert!(text.contains("[[delivery]]"), "{text}");
    assert!(!text.contains(secret), "{text}");
}

#[test]
fn a_length_is_that_of_the_body_as_it_is_written() {
    let recorder = recorder("ghs_0123456789", "hook-0123456789");
    recorder.note("acme", Duration::ZERO, &exchange("ghs_0123456789"));
    let recorded = &recorder.finish().exchanges[0];
    let length = recorded.request_body.len().to_string();
    assert_eq!(recorded.request_headers["content-length"], length.as_str());
}

#[test]
fn exchanges_are_kept_in_the_order_in_which_they_began_and_without_those_of_the_cache() {
    let recorder = recorder("ghs_0123456789", "hook-0123456789");
    let mut cached = exchange("a");
    cached.from_cache = true;
    recorder.note("acme", Duration::from_millis(50), &exchange("quick"));
    recorder.note("acme", Duration::from_millis(60), &cached);
    let mut slow = exchange("slow");
    slow.took = Duration::from_millis(70);
    recorder.note("acme", Duration::from_millis(80), &slow);
    let at: Vec<_> = recorder
        .finish()
        .exchanges
        .iter()
        .map(|e| e.at.as_millis())
        .collect();
    assert_eq!(at, [10, 30]);
}

#[test]
fn a_field_whose_name_is_a_secret_is_left_out() {
    let recorder = recorder("ghs_0123456789", "hook-0123456789");
    let mut told = exchange("harmless");
    told.request_headers = header_map(&[("x-ghs_0123456789", b"a"), ("x-b", b"b")]);
    recorder.note("acme", Duration::ZERO, &told);
    let recorded = &recorder.finish().exchanges[0];
    assert_eq!(recorded.request_headers, header_map(&[("x-b", b"b")]));
}
