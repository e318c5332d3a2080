//! Recordings as files: how they look, what is said about wrong ones, and that nothing is lost.

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
