//! Where requests of an installation may go. Pure: no name is resolved and nothing is sent here.

use http::uri::{Authority, Scheme};
use http::{Method, Uri};

/// Scheme, host and port (RFC 6454): what a credential is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    https: bool,
    /// In lower case; an IPv6 address in brackets.
    host: String,
    port: u16,
}

/// Why a URL names no origin.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OriginError {
    /// It is no absolute URL with a host.
    #[error("it is not an absolute http or https URL")]
    NotAbsolute,
    /// It holds a user name or password.
    #[error("it holds a user name or password; name the credential separately")]
    Userinfo,
}

impl Origin {
    /// The origin of a URI.
    pub fn of(uri: &Uri) -> Result<Origin, OriginError> {
        let https = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => false,
            _ => return Err(OriginError::NotAbsolute),
        };
        let authority = uri.authority().ok_or(OriginError::NotAbsolute)?;
        if authority.as_str().contains('@') {
            return Err(OriginError::Userinfo);
        }
        // A port that is none would count as the scheme's own.
        if authority.host().is_empty() || has_bad_port(authority) {
            return Err(OriginError::NotAbsolute);
        }
        let default_port = if https { 443 } else { 80 };
        Ok(Origin {
            https,
            host: authority.host().to_ascii_lowercase(),
            port: authority.port_u16().unwrap_or(default_port),
        })
    }

    /// Whether the connection is encrypted.
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// A URI of this origin in the one spelling that leaves the host. Connections are pooled by what stands there, and a
    /// guest that spells the port in ever new ways (`:443`, `:0443`) would get a connection for each.
    pub(super) fn spelled(&self, uri: Uri) -> Uri {
        let default_port = if self.https { 443 } else { 80 };
        let authority = if self.port == default_port {
            self.host.clone()
        } else {
            format!("{}:{}", self.host, self.port)
        };
        if uri
            .authority()
            .is_some_and(|spelled| spelled.as_str() == authority)
        {
            return uri;
        }
        let mut parts = uri.clone().into_parts();
        parts.authority = authority.parse().ok();
        Uri::from_parts(parts).unwrap_or(uri)
    }
}

/// Whether something stands after the host's colon that is no port. Nothing at all is fine (RFC 3986, section 3.2.3).
fn has_bad_port(authority: &Authority) -> bool {
    let after_host = authority.as_str().strip_prefix(authority.host());
    !matches!(after_host, Some("" | ":")) && authority.port_u16().is_none()
}

impl std::fmt::Display for Origin {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let scheme = if self.https { "https" } else { "http" };
        write!(f, "{scheme}://{}:{}", self.host, self.port)
    }
}

/// Where requests of an installation may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    api: Option<Origin>,
    others: Vec<Origin>,
}

/// Whom a request that is allowed goes to, and so whether it gets the credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// The installation's API, which the credential is for.
    Api,
    /// Another origin that the operator has named. It gets no credential.
    Other,
}

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It goes to an origin that is neither the installation's API nor named beside it.
    #[error("requests of this installation go to {allowed}, not to {asked}")]
    Origin {
        /// The origins that are allowed.
        allowed: String,
        /// The origin that was asked for.
        asked: String,
    },
    /// Its destination cannot be read.
    #[error("the destination {0} is not an absolute http or https URL without a user name")]
    Unreadable(String),
    /// Its method is none that an API needs.
    #[error("the method {0} is not allowed; GET, HEAD, POST, PUT, PATCH and DELETE are")]
    Method(String),
    /// The call may send nothing at all.
    #[error("this call may send no requests")]
    Nowhere,
    /// The call has sent as many requests as it may.
    #[error("the call has sent all the requests that it may")]
    TooMany,
}

/// What APIs need. `TRACE` above all is not among them: it makes a server send the request back, with the credential in
/// it (RFC 9110, section 9.3.8).
const METHODS: [Method; 6] = [
    Method::GET,
    Method::HEAD,
    Method::POST,
    Method::PUT,
    Method::PATCH,
    Method::DELETE,
];

/// What a guest has chosen, cut to what belongs into a log.
fn shortened(text: &str) -> String {
    text.chars().take(200).collect()
}

impl Policy {
    /// Allows one origin: the API's.
    pub fn only(origin: Origin) -> Policy {
        Policy {
            api: Some(origin),
            others: vec![],
        }
    }

    /// Allows nothing.
    pub fn nowhere() -> Policy {
        Policy {
            api: None,
            others: vec![],
        }
    }

    /// Allows further origins, to which requests go without the credential.
    #[must_use]
    pub fn and_without_credential(mut self, others: Vec<Origin>) -> Policy {
        self.others = others;
        self
    }

    /// The API's origin, which the credential is for.
    pub fn origin(&self) -> Option<&Origin> {
        self.api.as_ref()
    }

    /// Decides on a request. Nobody follows redirects for a guest: each destination comes here.
    pub fn check(&self, method: &Method, uri: &Uri) -> Result<Audience, Denied> {
        if !METHODS.contains(method) {
            return Err(Denied::Method(shortened(method.as_str())));
        }
        let api = self.api.as_ref().ok_or(Denied::Nowhere)?;
        let asked = Origin::of(uri).map_err(|_| {
            // Not the whole URI: it might hold a password.
            Denied::Unreadable(shortened(uri.host().unwrap_or_default()))
        })?;
        if asked == *api {
            return Ok(Audience::Api);
        }
        if self.others.contains(&asked) {
            return Ok(Audience::Other);
        }
        let all = std::iter::once(api).chain(&self.others);
        Err(Denied::Origin {
            allowed: all.map(Origin::to_string).collect::<Vec<_>>().join(", "),
            asked: shortened(&asked.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(url: &str) -> Policy {
        Policy::only(Origin::of(&url.parse().unwrap()).unwrap())
    }

    fn allows(policy: &Policy, url: &str) -> bool {
        policy.check(&Method::GET, &url.parse().unwrap()).is_ok()
    }

    #[test]
    fn the_api_itself_is_allowed_in_every_spelling_of_its_origin() {
        let policy = policy("https://api.github.com");
        assert!(allows(&policy, "https://api.github.com/repos/a/b?x=1"));
        assert!(allows(&policy, "https://API.GitHub.com:443/"));
    }

    #[test]
    fn another_scheme_host_or_port_is_refused() {
        let policy = policy("https://api.github.com");
        for url in [
            "http://api.github.com/",
            "https://api.github.com:8443/",
            "https://api.github.com.evil.example/",
            "https://evil.example/api.github.com",
            "https://github.com/",
            "https://169.254.169.254/latest/meta-data",
        ] {
            assert!(!allows(&policy, url), "{url}");
        }
    }

    #[test]
    fn a_user_name_before_the_host_does_not_fool_the_check() {
        let policy = policy("https://api.github.com");
        assert!(!allows(&policy, "https://api.github.com@evil.example/"));
        let denied = policy
            .check(
                &Method::GET,
                &"https://u:hunter2@api.github.com/".parse().unwrap(),
            )
            .unwrap_err();
        assert!(!denied.to_string().contains("hunter2"));
    }

    #[test]
    fn methods_that_reflect_or_tunnel_are_refused() {
        let policy = policy("https://api.github.com");
        let uri = "https://api.github.com/".parse().unwrap();
        for method in ["TRACE", "CONNECT", "OPTIONS", "get", "PROPFIND"] {
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            assert!(
                matches!(policy.check(&method, &uri), Err(Denied::Method(_))),
                "{method}"
            );
        }
    }

    #[test]
    fn the_credential_goes_to_the_api_and_nowhere_else() {
        let uploads = Origin::of(&"https://uploads.example".parse().unwrap()).unwrap();
        let policy = policy("https://api.github.com").and_without_credential(vec![uploads]);
        let audience = |url: &str| policy.check(&Method::POST, &url.parse().unwrap());
        assert_eq!(audience("https://api.github.com/x"), Ok(Audience::Api));
        assert_eq!(
            audience("https://Uploads.example:443/x"),
            Ok(Audience::Other)
        );
        for url in [
            "http://uploads.example/",
            "https://uploads.example:8443/",
            "https://x.uploads.example/",
        ] {
            let denied = audience(url).unwrap_err().to_string();
            assert!(
                denied.contains("https://uploads.example:443, not to"),
                "{denied}"
            );
        }
    }

    #[test]
    fn all_spellings_of_an_origin_leave_as_one() {
        let spelled = |url: &str| {
            let uri: Uri = url.parse().unwrap();
            Origin::of(&uri).unwrap().spelled(uri).to_string()
        };
        for url in [
            "https://api.github.com/a?b",
            "https://API.github.com:443/a?b",
            "https://api.github.com:/a?b",
            "https://api.github.com:000443/a?b",
            "https://api.github.com:+443/a?b",
        ] {
            assert_eq!(spelled(url), "https://api.github.com/a?b", "{url}");
        }
        assert_eq!(spelled("http://[::1]:08080"), "http://[::1]:8080/");
    }

    #[test]
    fn a_port_that_is_none_is_not_taken_for_the_usual_one() {
        for url in ["https://api.github.com:84430/", "https://[::1]:99999/"] {
            let origin = Origin::of(&url.parse().unwrap());
            assert_eq!(origin, Err(OriginError::NotAbsolute), "{url}");
        }
    }

    #[test]
    fn an_origin_that_is_named_beside_the_api_is_still_the_api() {
        let api = Origin::of(&"https://api.github.com".parse().unwrap()).unwrap();
        let policy = Policy::only(api.clone()).and_without_credential(vec![api]);
        let uri = "https://api.github.com/".parse().unwrap();
        assert_eq!(policy.check(&Method::GET, &uri), Ok(Audience::Api));
    }

    #[test]
    fn without_an_origin_nothing_is_allowed() {
        assert!(!allows(&Policy::nowhere(), "https://api.github.com/"));
    }
}
