//! Tests of the cache, with answers made by hand and virtual time.

use super::*;
use crate::egress::body::full;
use futures_util::stream;
use http::HeaderValue;
use http_body::Frame;
use http_body_util::{Empty, StreamBody};

const PLACE: &str = "https://api.example/repos/acme/shop";

/// The server's clock when the tests begin.
const DATE: &str = "Sun, 06 Nov 1994 08:49:37 GMT";

const NO_CACHE: (&str, &str) = ("cache-control", "no-cache");

type Fields<'f> = &'f [(&'static str, &'f str)];

fn fields(fields: Fields<'_>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in fields {
        headers.append(HeaderName::from_static(name), value.parse().unwrap());
    }
    headers
}

fn request(method: Method, place: &str, headers: Fields<'_>) -> Request<Empty<Bytes>> {
    let mut request = Request::new(Empty::new());
    *request.method_mut() = method;
    *request.uri_mut() = place.parse().unwrap();
    *request.headers_mut() = fields(headers);
    request
}

fn response(status: u16, headers: Fields<'_>, body: WasiBody) -> Response<WasiBody> {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(status).unwrap();
    *response.headers_mut() = fields(headers);
    response
}

fn text(body: &str) -> WasiBody {
    full(Bytes::copy_from_slice(body.as_bytes()))
}

fn pieces(pieces: Vec<Result<Bytes, Error>>) -> WasiBody {
    let frames = pieces.into_iter().map(|piece| piece.map(Frame::data));
    StreamBody::new(stream::iter(frames.collect::<Vec<_>>())).boxed_unsync()
}

/// An answer as GitHub gives it: fresh for a minute.
fn answer(etag: &str, body: &str) -> Response<WasiBody> {
    let headers = [
        ("content-type", "application/json; charset=utf-8"),
        ("date", DATE),
        ("etag", etag),
        ("cache-control", "private, max-age=60, s-maxage=60"),
        ("vary", "Accept, Authorization"),
        ("x-ratelimit-remaining", "10"),
    ];
    response(200, &headers, text(body))
}

fn confirmation(etag: &str) -> Response<WasiBody> {
    let headers = [
        ("date", "Sun, 06 Nov 1994 09:00:00 GMT"),
        ("etag", etag),
        ("cache-control", "private, max-age=60, s-maxage=60"),
        ("x-ratelimit-remaining", "9"),
        ("x-new", "1"),
    ];
    response(304, &headers, text(""))
}

/// What a guest got.
#[derive(Debug)]
struct Got {
    /// The fields that reached the server; none if it was not asked.
    sent: Option<HeaderMap>,
    status: u16,
    headers: HeaderMap,
    /// None: it broke off.
    body: Option<String>,
}

impl Got {
    fn sent(&self, name: &str) -> Option<&str> {
        self.sent.as_ref().unwrap().get(name)?.to_str().ok()
    }

    fn field(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    fn came_from_memory(&self) -> bool {
        self.sent.is_none()
    }

    fn was_conditional(&self) -> bool {
        self.sent(IF_NONE_MATCH.as_str()).is_some()
    }
}

async fn collected(sent: Option<HeaderMap>, response: Response<WasiBody>) -> Got {
    let (head, body) = response.into_parts();
    let body = body.collect().await.ok();
    Got {
        sent,
        status: head.status.as_u16(),
        headers: head.headers,
        body: body.map(|body| String::from_utf8(body.to_bytes().to_vec()).unwrap()),
    }
}

/// Sends a request past the cache to a server that would answer so.
async fn send(
    cache: &Arc<Cache>,
    request: Request<Empty<Bytes>>,
    answer: Response<WasiBody>,
) -> Result<Got, Error> {
    let question = match cache.recall(&request, Instant::now()) {
        Recalled::Answer(answer) => return Ok(collected(None, whole(answer)).await),
        Recalled::Question(question) => question,
    };
    let mut headers = request.headers().clone();
    question.put_condition(&mut headers);
    let response = cache.learn(question, answer, Instant::now())?;
    Ok(collected(Some(headers), response).await)
}

async fn get(cache: &Arc<Cache>, headers: Fields<'_>, answer: Response<WasiBody>) -> Got {
    let request = request(Method::GET, PLACE, headers);
    send(cache, request, answer).await.unwrap()
}

/// Whether the cache would ask the server about a kept answer.
async fn is_kept(cache: &Arc<Cache>) -> bool {
    let got = get(cache, &[NO_CACHE], response(500, &[], text(""))).await;
    got.was_conditional()
}

/// A cache that has seen one answer.
async fn after(answer: Response<WasiBody>) -> Arc<Cache> {
    let cache = Arc::new(Cache::default());
    get(&cache, &[], answer).await;
    cache
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_fresh_answer_is_given_unasked_with_its_age_and_its_own_date() {
    let cache = after(answer("\"1\"", r#"{"id":1}"#)).await;
    tokio::time::advance(seconds(59)).await;
    let got = get(&cache, &[], answer("\"2\"", "2")).await;
    assert!(got.came_from_memory());
    assert_eq!(
        (got.status, got.body.as_deref()),
        (200, Some(r#"{"id":1}"#))
    );
    assert_eq!(
        (got.field("age"), got.field("date")),
        (Some("59"), Some(DATE))
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_longer_fresh_is_confirmed_and_fresh_again() {
    let cache = after(answer("\"1\"", "1")).await;
    tokio::time::advance(seconds(60)).await;
    let got = get(&cache, &[], confirmation("\"1\"")).await;
    assert_eq!(got.sent("if-none-match"), Some("\"1\""));
    assert_eq!((got.status, got.body.as_deref()), (200, Some("1")));
    assert!(
        get(&cache, &[], answer("\"2\"", "2"))
            .await
            .came_from_memory()
    );
}

#[tokio::test(start_paused = true)]
async fn with_no_cache_the_server_is_asked_and_a_304_is_the_kept_answer_at_this_moment() {
    let cache = after(answer("W/\"1\"", "1")).await;
    let got = get(&cache, &[NO_CACHE], confirmation("\"1\"")).await;
    assert_eq!(got.sent("if-none-match"), Some("W/\"1\""));
    assert_eq!(got.sent("cache-control"), Some("max-age=0"));
    assert_eq!((got.status, got.body.as_deref()), (200, Some("1")));
    assert_eq!(got.field("date"), Some("Sun, 06 Nov 1994 09:00:00 GMT"));
    assert_eq!(got.field("x-ratelimit-remaining"), Some("9"));
    assert_eq!(got.field("x-new"), Some("1"));
    assert_eq!(
        got.field("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(got.field("age"), None);
}

#[tokio::test(start_paused = true)]
async fn a_changed_answer_takes_the_place_of_the_kept_one() {
    let cache = after(answer("\"1\"", "1")).await;
    let got = get(&cache, &[NO_CACHE], answer("\"2\"", "2")).await;
    assert_eq!(got.body.as_deref(), Some("2"));
    let got = get(&cache, &[NO_CACHE], confirmation("\"2\"")).await;
    assert_eq!(got.sent("if-none-match"), Some("\"2\""));
    assert_eq!(got.body.as_deref(), Some("2"));
}

#[tokio::test(start_paused = true)]
async fn directives_are_read_without_case() {
    let cache = after(answer("\"1\"", "1")).await;
    let shouted = [("cache-control", "No-Cache")];
    assert!(
        !get(&cache, &shouted, confirmation("\"1\""))
            .await
            .came_from_memory()
    );
    let mut secret = answer("\"1\"", "1");
    secret
        .headers_mut()
        .insert("cache-control", HeaderValue::from_static("No-Store"));
    assert!(!is_kept(&after(secret).await).await);
}

#[tokio::test(start_paused = true)]
async fn a_guest_that_sets_conditions_itself_is_left_alone() {
    let cache = after(answer("\"1\"", "1")).await;
    for own in [
        ("if-none-match", "\"0\""),
        ("range", "bytes=0-1"),
        ("if-modified-since", DATE),
    ] {
        let got = get(&cache, &[own], confirmation("\"0\"")).await;
        assert_eq!(got.sent.as_ref(), Some(&fields(&[own])));
        assert_eq!(got.status, 304);
    }
    assert!(is_kept(&cache).await);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_confirmed_or_checked_is_not_kept() {
    let changed = |name: &'static str, value: Option<&str>| {
        let mut answer = answer("\"1\"", "1");
        match value {
            Some(value) => drop(answer.headers_mut().insert(name, value.parse().unwrap())),
            None => drop(answer.headers_mut().remove(name)),
        }
        answer
    };
    assert!(is_kept(&after(changed("x-other", None)).await).await);
    assert!(is_kept(&after(changed("cache-control", None)).await).await);
    for (name, value) in [
        ("etag", None),
        ("content-type", None),
        ("content-type", Some("text/html")),
        ("content-encoding", Some("gzip")),
        ("cache-control", Some("no-store")),
        ("vary", Some("*")),
        ("age", Some("18446744073709551615")),
    ] {
        let cache = after(changed(name, value)).await;
        assert!(!is_kept(&cache).await, "{name}: {value:?}");
    }
    for status in [201, 203, 206, 301, 404, 500] {
        let mut answer = answer("\"1\"", "1");
        *answer.status_mut() = StatusCode::from_u16(status).unwrap();
        assert!(!is_kept(&after(answer).await).await, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_body_that_breaks_off_or_is_damaged_is_not_kept() {
    let cut = || pieces(vec![Ok("[1".into()), Err(Error::HttpResponseIncomplete)]);
    for (body, whole) in [
        (cut(), None),
        (text("<html>}{"), Some("<html>}{")),
        (text("[1"), Some("[1")),
    ] {
        let cache = Arc::new(Cache::default());
        let got = get(&cache, &[], answer("\"1\"", "").map(|_| body)).await;
        assert_eq!(got.body.as_deref(), whole);
        assert!(!is_kept(&cache).await, "{whole:?}");
    }
    let cache =
        after(answer("\"1\"", "").map(|_| pieces(vec![Ok("[1".into()), Ok("]".into())]))).await;
    assert_eq!(
        get(&cache, &[], answer("\"2\"", "2")).await.body.as_deref(),
        Some("[1]")
    );
}

#[tokio::test(start_paused = true)]
async fn a_reader_that_stops_at_the_known_end_has_read_the_whole_answer() {
    let cache = Arc::new(Cache::default());
    let Recalled::Question(question) =
        cache.recall(&request(Method::GET, PLACE, &[]), Instant::now())
    else {
        panic!("known before the first answer")
    };
    let response = cache.learn(question, answer("\"1\"", "1"), Instant::now());
    let mut body = response.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    assert!(body.is_end_stream());
    assert!(is_kept(&cache).await);
}

#[tokio::test(start_paused = true)]
async fn an_answer_above_the_limit_passes_whole_and_is_not_kept() {
    for size in [LARGEST - 4_000, LARGEST, LARGEST * 3] {
        let body = format!("\"{}\"", "x".repeat(size - 2));
        // Once with a length that is known before, once without.
        let halves = body
            .as_bytes()
            .chunks(size / 2)
            .map(|half| Ok(Bytes::copy_from_slice(half)));
        for sent in [text(&body), pieces(halves.collect())] {
            let cache = Arc::new(Cache::default());
            let got = get(&cache, &[], answer("\"1\"", "").map(|_| sent)).await;
            assert_eq!(got.body.as_ref(), Some(&body));
            assert_eq!(is_kept(&cache).await, size < LARGEST, "{size}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_another_kind_of_request_is_neither_given_nor_asked_about() {
    let cache = after(answer("\"1\"", "1")).await;
    let got = get(&cache, &[("accept", "text/plain")], answer("\"2\"", "2")).await;
    assert!(!got.was_conditional());
    assert_eq!(got.body.as_deref(), Some("2"));
    let other_place = request(Method::GET, &format!("{PLACE}?page=2"), &[]);
    assert!(
        !send(&cache, other_place, answer("\"3\"", "3"))
            .await
            .unwrap()
            .was_conditional()
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_makes_what_was_known_of_that_place_void_if_it_succeeded() {
    for (status, is_kept_after) in [(204, false), (303, false), (403, true), (500, true)] {
        let cache = after(answer("\"1\"", "1")).await;
        let change = request(Method::PATCH, PLACE, &[]);
        send(&cache, change, response(status, &[], text("")))
            .await
            .unwrap();
        assert_eq!(is_kept(&cache).await, is_kept_after, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_is_forgotten_and_a_limit_or_an_error_is_no_news() {
    for (status, is_kept_after) in [
        (404, false),
        (410, false),
        (301, false),
        (403, true),
        (429, true),
        (502, true),
    ] {
        let cache = after(answer("\"1\"", "1")).await;
        let got = get(&cache, &[NO_CACHE], response(status, &[], text(""))).await;
        assert_eq!(got.status, status);
        assert_eq!(is_kept(&cache).await, is_kept_after, "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_of_something_else_is_an_error_and_not_believed_again() {
    let cache = after(answer("\"1\"", "1")).await;
    let request = request(Method::GET, PLACE, &[NO_CACHE]);
    let result = send(&cache, request, confirmation("\"2\"")).await;
    assert!(
        matches!(result, Err(Error::HttpProtocolError)),
        "{result:?}"
    );
    assert!(!is_kept(&cache).await);
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_names_nothing_means_what_was_asked_about() {
    let cache = after(answer("\"1\"", "1")).await;
    let got = get(&cache, &[NO_CACHE], response(304, &[], text(""))).await;
    assert_eq!((got.status, got.body.as_deref()), (200, Some("1")));
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_can_forbid_to_keep_the_answer_any_longer() {
    let cache = after(answer("\"1\"", "1")).await;
    let got = get(
        &cache,
        &[NO_CACHE],
        response(304, &[("cache-control", "no-store")], text("")),
    )
    .await;
    assert_eq!(got.body.as_deref(), Some("1"));
    assert!(!is_kept(&cache).await);
}

#[tokio::test(start_paused = true)]
async fn however_often_it_is_confirmed_an_answer_is_kept_for_an_hour() {
    let cache = after(answer("\"1\"", "1")).await;
    for _ in 0..59 {
        tokio::time::advance(seconds(60)).await;
        assert!(
            get(&cache, &[NO_CACHE], confirmation("\"1\""))
                .await
                .was_conditional()
        );
    }
    tokio::time::advance(seconds(60)).await;
    assert!(
        !get(&cache, &[NO_CACHE], answer("\"1\"", "1"))
            .await
            .was_conditional()
    );
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_was_overtaken_by_a_newer_one_does_not_replace_it() {
    let cache = Arc::new(Cache::default());
    let ask = || match cache.recall(&request(Method::GET, PLACE, &[]), Instant::now()) {
        Recalled::Question(question) => question,
        Recalled::Answer(_) => panic!("known"),
    };
    let (slow, fast) = (ask(), ask());
    let slow = cache
        .learn(slow, answer("\"1\"", "1"), Instant::now())
        .unwrap();
    tokio::time::advance(seconds(1)).await;
    let fast = cache
        .learn(fast, answer("\"2\"", "2"), Instant::now())
        .unwrap();
    collected(None, fast).await;
    collected(None, slow).await;
    assert_eq!(
        get(&cache, &[], answer("\"3\"", "3")).await.body.as_deref(),
        Some("2")
    );
}

#[tokio::test(start_paused = true)]
async fn fields_that_no_guest_may_see_are_not_kept() {
    let mut secret = answer("\"1\"", "1");
    for name in ["set-cookie", "www-authenticate", "connection"] {
        secret
            .headers_mut()
            .insert(name, HeaderValue::from_static("x"));
    }
    let cache = after(secret).await;
    let got = get(&cache, &[], answer("\"2\"", "2")).await;
    assert!(got.came_from_memory());
    for name in ["set-cookie", "www-authenticate", "connection"] {
        assert_eq!(got.field(name), None, "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_least_recently_used_answers_make_room() {
    let cache = Arc::new(Cache::default());
    let place = |number: usize| format!("https://api.example/{number}");
    let body = format!("\"{}\"", "x".repeat(100_000));
    let fill = async |number: usize, body: &str| {
        let request = request(Method::GET, &place(number), &[NO_CACHE]);
        send(&cache, request, answer("\"1\"", body)).await.unwrap()
    };
    for number in 0..60 {
        fill(number, &body).await;
        fill(0, &body).await;
    }
    {
        let entries = cache.lock();
        assert!(entries.bytes <= BYTES && entries.bytes > BYTES - 110_000);
        let weight = |(uri, entry): (&String, &Entry)| entry.stored.weight() + uri.len();
        assert_eq!(
            entries.bytes,
            entries.by_uri.iter().map(weight).sum::<usize>()
        );
        assert!(entries.by_uri.contains_key(&place(0)));
        assert!(!entries.by_uri.contains_key(&place(1)));
        assert!(entries.by_uri.contains_key(&place(59)));
    }
    for number in 0..2 * ENTRIES {
        fill(number, "1").await;
    }
    assert_eq!(cache.lock().by_uri.len(), ENTRIES);
}
