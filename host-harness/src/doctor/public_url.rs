//! Where the outside reaches the listener, and so which URL a webhook must have.

use std::str::FromStr;
use url::Url;

/// The root of the listener as the outside sees it: `https://hooks.example.com`, or with a path that a proxy puts before
/// the listener's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicUrl(Url);

/// Why a text is no such URL.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "it is not a URL that a webhook can have, such as https://hooks.example.com: {0}; leave the path of the listener out"
)]
pub struct NotPublic(&'static str);

impl FromStr for PublicUrl {
    type Err = NotPublic;

    fn from_str(text: &str) -> Result<PublicUrl, NotPublic> {
        let url = Url::parse(text).map_err(|_| NotPublic("it cannot be read"))?;
        if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
            return Err(NotPublic("it is no http or https URL"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(NotPublic("it holds a user name or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(NotPublic("it has a query or a fragment"));
        }
        Ok(PublicUrl(url))
    }
}

impl PublicUrl {
    /// The URL below it with this path, which begins with `/`.
    pub(super) fn with(&self, path: &str) -> String {
        format!("{}{path}", self.0.as_str().trim_end_matches('/'))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_of_a_proxy_stays() {
        for (root, whole) in [
            ("https://h.example", "https://h.example/webhooks/a"),
            ("https://h.example/", "https://h.example/webhooks/a"),
            (
                "https://H.example/in:8/",
                "https://h.example/in:8/webhooks/a",
            ),
        ] {
            let url: PublicUrl = root.parse().unwrap();
            assert_eq!(url.with("/webhooks/a"), whole);
        }
    }

    #[test]
    fn what_no_webhook_can_have_is_refused_and_not_repeated() {
        for text in [
            "hooks.example.com",
            "ftp://x.example",
            "https://u:hunter2@x.example",
            "https://x.example/?a=1",
        ] {
            let error = text.parse::<PublicUrl>().unwrap_err().to_string();
            assert!(!error.contains("hunter2"), "{error}");
        }
    }
}
