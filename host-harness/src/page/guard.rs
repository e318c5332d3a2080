//! Who may ask the page, and what a browser may do with it.
//!
//! The page has no password, so other pages in the same browser must not get at it. A page of another site can send
//! requests here, and after *DNS rebinding* (its own name suddenly means 127.0.0.1) it could read the answers. Hence:
//! a request must name the host by an address or as `localhost`, which no stranger's page can; and a request that changes
//! something must come from the page itself.

use axum::extract::Request;
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HOST, ORIGIN, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

/// What a browser tells of where a request comes from (W3C, "Fetch Metadata Request Headers").
const FETCH_SITE: &str = "sec-fetch-site";

/// What a browser may load and do: what comes from here, and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

const MISDIRECTED: &str =
    "This page answers only where it is asked for by an address, or as localhost.\n";

/// Refuses strangers' requests, and puts on every answer what browsers are to keep to.
pub(super) async fn guard(request: Request, next: Next) -> Response {
    let mut response = if names_an_address(request.headers()) {
        next.run(request).await
    } else {
        (StatusCode::MISDIRECTED_REQUEST, MISDIRECTED).into_response()
    };
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`, which takes the `Origin` from the page's own form too. Other sites are told nothing either way.
        (REFERRER_POLICY, "same-origin"),
        (CACHE_CONTROL, "no-store"),
        (
            HeaderName::from_static("cross-origin-resource-policy"),
            "same-origin",
        ),
        (
            HeaderName::from_static("cross-origin-opener-policy"),
            "same-origin",
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Whether a request names the host by an address or as `localhost`, with whatever port: it may be forwarded.
fn names_an_address(headers: &HeaderMap) -> bool {
    let Some(authority) = authority(headers) else {
        return false;
    };
    let host = authority.host();
    // Nothing before it, and at most a port behind it.
    let port = authority.as_str().strip_prefix(host);
    if !port.is_some_and(|port| port.is_empty() || port.starts_with(':')) {
        return false;
    }
    let bare = host.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    bare.unwrap_or(host).parse::<IpAddr>().is_ok() || host.eq_ignore_ascii_case("localhost")
}

/// Whether a request that changes something was made by the page itself. One without any mark of a browser was not.
pub(super) fn is_from_the_page(headers: &HeaderMap) -> bool {
    let site = headers.get(FETCH_SITE).map(HeaderValue::as_bytes);
    match (site, headers.get(ORIGIN)) {
        (Some(site), _) if site != b"same-origin" => false,
        (_, Some(origin)) => is_our_origin(origin, headers),
        (Some(_), None) => true,
        (None, None) => false,
    }
}

fn is_our_origin(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let origin = origin.to_str().ok();
    let place = origin.and_then(|it| it.strip_prefix("http://").or(it.strip_prefix("https://")));
    match (place, authority(headers)) {
        (Some(place), Some(ours)) => ours == place,
        _ => false,
    }
}

fn authority(headers: &HeaderMap) -> Option<Authority> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => Authority::try_from(host.as_bytes()).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn only_an_address_or_localhost_names_the_page() {
        for host in [
            "127.0.0.1",
            "127.0.0.1:8090",
            "[::1]:8090",
            "localhost",
            "LocalHost:1",
            "192.168.1.7:80",
        ] {
            assert!(names_an_address(&headers(&[("host", host)])), "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:8090",
            "127.0.0.1.evil.example",
            "localhost.evil.example",
            "user@evil.example",
            "user@127.0.0.1",
            "2130706433",
            "",
            "[::1].evil.example",
        ] {
            assert!(!names_an_address(&headers(&[("host", host)])), "{host}");
        }
        assert!(!names_an_address(&headers(&[])));
    }

    #[test]
    fn only_the_page_itself_may_change_something() {
        let host = ("host", "127.0.0.1:8090");
        let own = ("origin", "http://127.0.0.1:8090");
        for good in [
            vec![host, own],
            vec![host, own, ("sec-fetch-site", "same-origin")],
            vec![host, ("sec-fetch-site", "same-origin")],
        ] {
            assert!(is_from_the_page(&headers(&good)), "{good:?}");
        }
        for bad in [
            vec![host],
            vec![host, ("origin", "null")],
            vec![host, ("origin", "http://evil.example")],
            vec![host, ("origin", "http://127.0.0.1:8091")],
            vec![host, ("origin", "http://localhost:8090")],
            vec![host, ("sec-fetch-site", "same-site")],
            vec![host, ("sec-fetch-site", "none")],
            vec![host, own, ("sec-fetch-site", "cross-site")],
        ] {
            assert!(!is_from_the_page(&headers(&bad)), "{bad:?}");
        }
    }
}
