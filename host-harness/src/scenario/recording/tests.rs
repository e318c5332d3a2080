//! What holds for recordings as a whole: nothing is lost, nothing secret is written, and what is found for a request.

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

mod file {
    use super::*;

    #[test]
    fn a_recording_reads_as_people_would_write_it() {
        let mut first = recorded("POST", URL, "", "");
        first.request_body =
            r#"{"ref":"main","inputs":{"environment":"staging","reason":"it's \"new\""}}"#.into();
        first.outcome = ExchangeOutcome::Answered {
            status: 204,
            headers: header_map(&[("x-a", b"1"), ("x-a", b"2"), ("x-odd", b"\xff")]),
            body: vec![],
        };
        let mut second = recorded("GET", "http://127.0.0.1:20000/x", "", "");
        second.credential = false;
        second.outcome = ExchangeOutcome::Failed("connection-terminated".parse().unwrap());
        let recording = recording(vec![first, second]);
        let text = recording.to_toml().unwrap();
        assert_eq!(text, include_str!("example.toml"));
        assert_eq!(Recording::read(&text), Ok(recording));
    }

    const GOOD: &str = r#"version = 1
began = "2026-01-15T10:00:00Z"
[[exchange]]
installation = "acme"
[exchange.request]
method = "GET"
url = "http://a/"
[exchange.response]
status = 200
"#;

    #[test]
    fn what_may_be_left_out_may_be_left_out() {
        let read = Recording::read(GOOD).unwrap();
        assert_eq!(read.match_headers, default_match_headers());
        let exchange = &read.exchanges[0];
        assert!(!exchange.credential && exchange.request_body.is_empty());
        assert_eq!(exchange.at, Duration::ZERO);
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (right, wrong, told) in [
            (
                "version = 1",
                "version = 2",
                "1: this is a recording of version 2",
            ),
            ("version = 1\n", "", "1:1: missing field `version`"),
            ("2026-01-15T", "15.1.2026 ", "2:9: this is no moment"),
            ("\"GET\"", "\"G T\"", "6:10: this is no HTTP method"),
            ("url = ", "uri = ", "7:1: unknown field `uri`"),
            ("200", "20", "9:10: this is no status code"),
            ("200", "200\njson = '{'", "10:8: `json` is no JSON"),
            (
                "200",
                "200\ntext = ''\nbase64 = ''",
                "10:8: a body is one of",
            ),
            (
                "200",
                "200\nheaders = ['a']",
                "10:12: a header field is written",
            ),
            (
                "[exchange.response]\nstatus = 200\n",
                "",
                "3:1: an exchange has a table",
            ),
            (
                "\"acme\"",
                "\"acme\"\nfailed = 'so'",
                "5:10: this is no error code",
            ),
            (
                "\"acme\"",
                "\"acme\"\nfailed = 'dns-error'",
                "3:1: an exchange has a table",
            ),
        ] {
            assert!(GOOD.contains(right), "{right}");
            let error = Recording::read(&GOOD.replace(right, wrong)).unwrap_err();
            assert!(error.to_string().starts_with(told), "{wrong}: {error}");
        }
    }

    fn headers() -> impl Strategy<Value = HeaderMap> {
        let value = prop::collection::vec(prop_oneof![Just(b'\t'), 32_u8..127, 128_u8..], 0..12);
        let field = ("[a-z][a-z0-9-]{0,6}", value);
        prop::collection::vec(field, 0..6).prop_map(|fields| {
            let mut headers = HeaderMap::new();
            for (name, value) in fields {
                let name: HeaderName = name.parse().unwrap();
                headers.append(name, HeaderValue::from_bytes(&value).unwrap());
            }
            headers
        })
    }

    fn body() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            any::<String>().prop_map(String::into_bytes),
            "([a'\"\\\\\r\n\t {}] ?){0,40}".prop_map(String::into_bytes),
            "[a'\"\\\\/ü]{0,80}".prop_map(|text| {
                let json = serde_json::json!({ "b": [text, 1.5, null], "a": {} });
                json.to_string().into_bytes()
            }),
        ]
    }

    fn outcome() -> impl Strategy<Value = ExchangeOutcome> {
        let answered = (100_u16..1000, headers(), body());
        prop_oneof![
            3 => answered.prop_map(|(status, headers, body)| ExchangeOutcome::Answered {
                status,
                headers,
                body,
            }),
            1 => any::<Option<String>>().prop_map(|text| {
                let error = Error::HttpResponseContentCoding(text);
                ExchangeOutcome::Failed(NoAnswer::from(&error))
            }),
        ]
    }

    prop_compose! {
        fn exchange()(
            installation: String,
            at: u32,
            took: u32,
            method in "[A-Z]{1,9}",
            url: String,
            credential: bool,
            request_headers in headers(),
            request_body in body(),
            outcome in outcome(),
        ) -> Recorded {
            Recorded {
                installation,
                at: Duration::from_millis(at.into()),
                took: Duration::from_millis(took.into()),
                method: method.parse().unwrap(),
                url,
                credential,
                request_headers,
                request_body: request_body.into(),
                outcome,
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_was_recorded_is_read_back_byte_for_byte(
            began in 0_u64..253_402_207_200_000,
            exchanges in prop::collection::vec(exchange(), 0..4),
        ) {
            let recording = Recording { began, ..recording(exchanges) };
            let text = recording.to_toml().unwrap();
            prop_assert_eq!(Recording::read(&text), Ok(recording), "{}", text);
        }
    }
}

mod secrets {
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
}

mod replay {
    use super::*;

    #[test]
    fn requests_may_come_in_another_order_and_those_alike_are_answered_one_after_another() {
        let replay = Replay::new(recording(vec![
            recorded("GET", "http://a/1", "", "first"),
            recorded("GET", "http://a/2", "", "other"),
            recorded("GET", "http://a/1", "", "second"),
        ]));
        let get = |url: &str| replay.answer("acme", &request("GET", url, ""));
        assert_eq!(body_of(get("http://a/2")), "other");
        assert_eq!(body_of(get("http://a/1")), "first");
        assert_eq!(body_of(get("http://a/1")), "second");
        assert_eq!(replay.faults(), Vec::<String>::new());
        let told = get("http://a/1").unwrap_err().to_string();
        assert_eq!(
            told,
            "GET http://a/1 of \"acme\": it was made more often than it was recorded"
        );
        assert_eq!(replay.faults(), [told]);
    }

    #[test]
    fn an_error_is_answered_with_the_same_error() {
        let mut lost = recorded("GET", "http://a/", "", "");
        lost.outcome = ExchangeOutcome::Failed("http-response-body-size: 5".parse().unwrap());
        let replay = Replay::new(recording(vec![lost]));
        let answer = replay.answer("acme", &request("GET", "http://a/", ""));
        let error = answer.unwrap().response().unwrap_err();
        assert!(
            matches!(error, Error::HttpResponseBodySize(Some(5))),
            "{error}"
        );
    }

    #[test]
    fn every_part_of_the_key_counts() {
        for (installation, method, url, body, accept) in [
            ("other", "POST", "http://a/", "b", "application/json"),
            ("acme", "PUT", "http://a/", "b", "application/json"),
            ("acme", "POST", "http://a/?", "b", "application/json"),
            ("acme", "POST", "http://a/", "c", "application/json"),
            ("acme", "POST", "http://a/", "b", "text/plain"),
        ] {
            let replay = Replay::new(recording(vec![recorded("POST", "http://a/", "b", "")]));
            let mut asked = request(method, url, body);
            asked
                .headers_mut()
                .insert("accept", accept.parse().unwrap());
            replay.answer(installation, &asked).unwrap_err();
            assert_eq!(replay.faults().len(), 2);
            replay
                .answer("acme", &request("POST", "http://a/", "b"))
                .unwrap();
        }
    }

    #[test]
    fn what_was_not_found_is_told_with_what_is_nearest_and_the_differing_byte() {
        let replay = Replay::new(recording(vec![
            recorded("GET", "http://a/", "", ""),
            recorded("POST", URL, r#"{"ref":"trunk"}"#, ""),
            recorded("POST", URL, r#"{"ref":"main"}"#, ""),
        ]));
        let mut asked = request("POST", URL, r#"{"ref":"mein"}"#);
        asked.headers_mut().remove("accept");
        let told = replay.answer("acme", &asked).unwrap_err().to_string();
        assert_eq!(
            told,
            format!(
                r#"POST {URL} of "acme": it is not in the recording. Nearest of 3 left is exchange 3 (120 ms), which differs:
  accept: expected "application/json", seen none
  body:
    - expected, + seen:
      {{
    -   "ref": "main"
    +   "ref": "mein"
      }}
    byte 9: expected 61 in "{{"ref":"main"}}", seen 65 in "{{"ref":"mein"}}""#
            )
        );
    }

    #[test]
    fn another_url_is_told_with_the_most_alike() {
        let replay = Replay::new(recording(vec![
            recorded("GET", "http://a/repos/acme/shop", "", ""),
            recorded("GET", "http://a/user", "", ""),
        ]));
        let asked = request("GET", "http://a/repos/acme/store", "");
        let told = replay.answer("acme", &asked).unwrap_err().to_string();
        let line = "  url: expected http://a/repos/acme/shop, seen http://a/repos/acme/store";
        assert!(told.ends_with(line), "{told}");
    }

    #[test]
    fn what_was_not_asked_for_is_a_fault() {
        let replay = Replay::new(recording(vec![recorded("GET", "http://a/", "", "")]));
        assert_eq!(
            replay.faults(),
            [
                "GET http://a/ of \"acme\": it is exchange 1 (120 ms) of the recording, and was not made"
            ]
        );
        let empty = Replay::new(recording(vec![]));
        assert_eq!(empty.faults(), Vec::<String>::new());
        let told = empty
            .answer("acme", &request("GET", "http://a/", ""))
            .unwrap_err();
        assert!(
            told.to_string().ends_with("and nothing is left there"),
            "{told}"
        );
    }
}
