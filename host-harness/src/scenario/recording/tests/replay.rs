//! What is found for a request, and what is said where nothing is.

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
fn an_answer_whose_body_was_edited_tells_its_new_length() {
    for (body, told) in [("edited", "6"), ("", "1")] {
        let mut edited = recorded("GET", "http://a/", "", "");
        edited.outcome = ExchangeOutcome::Answered {
            status: 200,
            headers: header_map(&[("content-length", b"1")]),
            body: body.as_bytes().to_vec(),
        };
        let response = edited.response().unwrap();
        assert_eq!(response.headers()["content-length"], told);
    }
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
        ["GET http://a/ of \"acme\": it is exchange 1 (120 ms) of the recording, and was not made"]
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

proptest! {
    #[test]
    fn in_whatever_order_requests_come_each_gets_its_own_answers_in_their_order(
        (recorded_as, asked_as) in prop::collection::vec(0_usize..4, 0..12)
            .prop_flat_map(|keys| (Just(keys.clone()), Just(keys).prop_shuffle())),
    ) {
        let [a, b] = ["http://a/1", "http://a/2"];
        let keys = [("GET", a, ""), ("GET", b, ""), ("POST", a, "x"), ("POST", a, "y")];
        let numbered = |key: usize, number: usize| {
            let (method, url, body) = keys[key];
            recorded(method, url, body, &format!("{key}:{number}"))
        };
        let mut counts = [0; 4];
        let exchanges = recorded_as.iter().map(|key| {
            counts[*key] += 1;
            numbered(*key, counts[*key])
        });
        let replay = Replay::new(recording(exchanges.collect()));
        let mut counts = [0; 4];
        for (asked_before, key) in asked_as.iter().enumerate() {
            prop_assert_eq!(replay.faults().len(), asked_as.len() - asked_before);
            counts[*key] += 1;
            let (method, url, body) = keys[*key];
            let answer = replay.answer("acme", &request(method, url, body));
            prop_assert_eq!(body_of(answer), format!("{key}:{}", counts[*key]));
        }
        prop_assert_eq!(replay.faults(), Vec::<String>::new());
    }
}
