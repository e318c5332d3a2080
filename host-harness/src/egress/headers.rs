//! Header fields that belong to the host.
//!
//! Guests can neither set them nor see them: the filter works in both directions. They are the fields that carry
//! credentials, in either direction, and those that steer the connection itself.

use http::HeaderName;
use http::header;
use std::sync::Arc;
use wasmtime_wasi_http::{DEFAULT_FORBIDDEN_HEADERS, ForbiddenHeaderFilter};

/// Fields that carry credentials.
const CREDENTIALS: [HeaderName; 5] = [
    header::AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
    header::WWW_AUTHENTICATE,
    header::PROXY_AUTHENTICATE,
];

/// Whether a field carries a credential, so that no guest may see it.
pub fn is_credential(name: &HeaderName) -> bool {
    CREDENTIALS.contains(name) || *name == header::PROXY_AUTHORIZATION
}

/// Fields that steer the exchange itself, besides those that wasmtime forbids: what they ask for would have to be done by
/// the host's client, which does not.
const STEERING: [HeaderName; 3] = [header::EXPECT, header::TE, header::TRAILER];

/// Whether a field is the host's.
pub(super) fn is_forbidden(name: &HeaderName) -> bool {
    is_credential(name) || STEERING.contains(name) || DEFAULT_FORBIDDEN_HEADERS.contains(name)
}

pub(super) fn filter() -> ForbiddenHeaderFilter {
    Arc::new(is_forbidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_and_connection_fields_are_the_hosts() {
        for name in [
            "authorization",
            "proxy-authorization",
            "cookie",
            "set-cookie",
            "host",
            "connection",
            "transfer-encoding",
            "upgrade",
            "expect",
            "te",
            "trailer",
        ] {
            assert!(is_forbidden(&HeaderName::from_static(name)), "{name}");
        }
        for name in [
            "accept",
            "content-type",
            "content-length",
            "x-github-api-version",
            "user-agent",
            "if-none-match",
        ] {
            assert!(!is_forbidden(&HeaderName::from_static(name)), "{name}");
        }
    }
}
