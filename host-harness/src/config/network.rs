//! What a file says about the network of an installation: where its requests may go, what they may reach, and whom they
//! trust there.

use super::place::Place;
use super::{ConfigError, InstallationConfig, folder_of};
use crate::egress::{Exceptions, Origin, Permits, Policy};
use crate::transport::Trust;
use http::Uri;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use url::{Host, Url};

/// The network of an installation.
pub(super) struct Network {
    /// Where the API begins, without a slash at its end.
    pub api_url: String,
    pub policy: Policy,
    pub exceptions: Exceptions,
    pub trust: Trust,
    pub permits: Permits,
}

pub(super) fn resolve(
    place: &Place<'_>,
    config: &InstallationConfig,
) -> Result<Network, ConfigError> {
    let exceptions = exceptions(place, &config.allow_addresses)?;
    let url = config.api_url.trim_end_matches('/');
    let api = origin(place, "api-url", url, config.allow_plain_http)?;
    reachable(place, "api-url", url, &exceptions)?;
    let mut others = Vec::new();
    for text in &config.allow_origins {
        others.push(other(place, text, config.allow_plain_http)?);
        reachable(place, "allow-origins", text, &exceptions)?;
    }
    Ok(Network {
        api_url: url.to_owned(),
        policy: Policy::only(api).and_without_credential(others),
        exceptions,
        trust: match &config.ca_file {
            Some(file) => trust(place, file)?,
            None => Trust::System,
        },
        permits: match config.requests_at_once {
            Some(0) => {
                return Err(place.error(
                    "requests-at-once",
                    "it is 0, so no request could ever be sent; leave it out for 100",
                ));
            }
            Some(at_once) => Permits::new(at_once),
            None => Permits::default(),
        },
    })
}

fn exceptions(place: &Place<'_>, texts: &[String]) -> Result<Exceptions, ConfigError> {
    let networks: Result<Vec<_>, _> = texts.iter().map(|text| Exceptions::parse(text)).collect();
    networks
        .map(Exceptions::new)
        .map_err(|error| place.error("allow-addresses", error.to_string()))
}

/// The origin of an absolute URL without a query, which has to be https unless plain http is allowed.
fn origin(
    place: &Place<'_>,
    key: &str,
    url: &str,
    allow_plain_http: bool,
) -> Result<Origin, ConfigError> {
    let uri: Uri = url
        .parse()
        .map_err(|error| place.error(key, format!("it is not a URL: {error}")))?;
    let origin = Origin::of(&uri).map_err(|error| {
        place.error(
            key,
            format!("{:?}: {error}", uri.host().unwrap_or_default()),
        )
    })?;
    if uri.query().is_some() {
        return Err(place.error(key, "it has a query; leave out everything from the `?`"));
    }
    if !origin.is_https() && !allow_plain_http {
        return Err(place.error(
            key,
            "it is not https, so what is sent would be readable on the way, the credential too; use https, or set \
             allow-plain-http = true for a server on this machine",
        ));
    }
    Ok(origin)
}

/// An origin beside the API's. A path would promise a limit that is not there.
fn other(place: &Place<'_>, text: &str, allow_plain_http: bool) -> Result<Origin, ConfigError> {
    let key = "allow-origins";
    let origin = origin(place, key, text, allow_plain_http)?;
    let has_path = text
        .parse()
        .is_ok_and(|uri: Uri| !matches!(uri.path(), "" | "/"));
    if has_path {
        return Err(place.error(
            key,
            format!(
                "{text:?} has a path, and every path of an origin is allowed; write {:?}",
                origin.to_string()
            ),
        ));
    }
    Ok(origin)
}

/// Refuses a host that is an address which no request may reach, in whatever spelling. A name is looked at when a
/// connection is opened.
fn reachable(
    place: &Place<'_>,
    key: &str,
    url: &str,
    exceptions: &Exceptions,
) -> Result<(), ConfigError> {
    let parsed = Url::parse(url);
    let address = match parsed.as_ref().ok().and_then(Url::host) {
        Some(Host::Ipv4(v4)) => IpAddr::V4(v4),
        Some(Host::Ipv6(v6)) => IpAddr::V6(v6),
        // By definition (RFC 6761, section 6.3).
        Some(Host::Domain("localhost")) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        Some(Host::Domain(_)) | None => return Ok(()),
    };
    exceptions.check(address).map_err(|prohibited| {
        place.error(
            key,
            format!(
                "{prohibited}, and requests go to public addresses only unless others are named; if this one is meant, \
                 set allow-addresses = [{:?}] in the configuration file",
                prohibited.exception().to_string()
            ),
        )
    })
}

fn trust(place: &Place<'_>, file: &Path) -> Result<Trust, ConfigError> {
    let path = folder_of(place.file).join(file);
    let wrong = |reason: String| place.error("ca-file", format!("{}: {reason}", path.display()));
    let pem = std::fs::read(&path).map_err(|error| wrong(error.to_string()))?;
    Trust::only(&pem).map_err(|error| wrong(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::resolve_installation;
    use crate::egress::{Audience, Range};
    use crate::installation::Installation;
    use http::Method;

    fn installation(more: &str) -> Result<Installation, ConfigError> {
        let text = format!("id = \"a\"\nhosting = \"self-hosted\"\n{more}");
        resolve_installation(Path::new("i.toml"), &toml::from_str(&text).unwrap())
    }

    #[track_caller]
    fn expect(more: &str, key: &str, words: &str) {
        let error = installation(more).unwrap_err().to_string();
        let place = format!("i.toml: installation \"a\".{key}: ");
        assert!(error.starts_with(&place), "{error}");
        assert!(error.contains(words), "{error}");
    }

    const PUBLIC: &str = "api-url = \"https://api.github.com\"";

    #[test]
    fn an_api_at_an_inner_address_has_to_be_named_in_any_spelling() {
        for host in [
            "127.0.0.1",
            "2130706433",
            "0x7f.1",
            "127.1",
            "017700000001",
            "localhost",
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
        ] {
            let url = format!("api-url = \"https://{host}:8443/api/v3\"");
            expect(&url, "api-url", "loopback (this machine)");
            expect(&url, "api-url", "allow-addresses = [\"127.0.0.1/32\"]");
            let allowed = installation(&format!("{url}\nallow-addresses = [\"127.0.0.0/8\"]"));
            assert!(allowed.is_ok(), "{host}: {allowed:?}");
        }
        let metadata = "api-url = \"https://169.254.169.254\"\nallow-addresses = [\"0.0.0.0/0\"]";
        expect(metadata, "api-url", "metadata service");
    }

    #[test]
    fn an_exception_is_a_network_or_an_address() {
        let good = "allow-addresses = [\"10.0.0.0/8\", \"192.168.7.9\", \"fd00::/8\"]";
        let installation = installation(&format!("{PUBLIC}\n{good}")).unwrap();
        let exceptions = installation.exceptions();
        assert!(exceptions.check("10.1.2.3".parse().unwrap()).is_ok());
        let refused = exceptions
            .check("192.168.7.8".parse().unwrap())
            .unwrap_err();
        assert_eq!(refused.range, Range::Private);
        for (bad, words) in [
            ("intranet", "neither an address nor a network"),
            ("10.1.2.3/8", "write 10.0.0.0/8"),
            ("169.254.0.0/16", "name each of them alone"),
        ] {
            let line = format!("{PUBLIC}\nallow-addresses = [{bad:?}]");
            expect(&line, "allow-addresses", words);
        }
    }

    #[test]
    fn further_origins_get_no_credential() {
        let line = "allow-origins = [\"https://uploads.example\"]";
        let installation = installation(&format!("{PUBLIC}\n{line}")).unwrap();
        let uri = "https://uploads.example/x".parse().unwrap();
        let audience = installation.policy().check(&Method::PUT, &uri);
        assert_eq!(audience, Ok(Audience::Other));
        for (bad, words) in [
            ("uploads.example", "not an absolute"),
            ("http://uploads.example", "it is not https"),
            (
                "https://uploads.example/acme",
                "write \"https://uploads.example:443\"",
            ),
            ("https://uploads.example?a", "it has a query"),
            ("https://u:hunter2@uploads.example", "user name or password"),
            ("https://10.0.0.1", "allow-addresses = [\"10.0.0.1/32\"]"),
        ] {
            let line = format!("{PUBLIC}\nallow-origins = [{bad:?}]");
            expect(&line, "allow-origins", words);
        }
    }

    #[test]
    fn no_requests_at_once_is_a_mistake() {
        expect(
            &format!("{PUBLIC}\nrequests-at-once = 0"),
            "requests-at-once",
            "leave it out",
        );
        let few = installation(&format!("{PUBLIC}\nrequests-at-once = 3")).unwrap();
        assert_eq!(few.permits().free(), 3);
        assert_eq!(installation(PUBLIC).unwrap().permits().free(), 100);
    }

    #[test]
    fn an_authority_that_cannot_be_read_is_named_with_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let line = format!("{PUBLIC}\nca-file = {:?}", file.to_str().unwrap());
        expect(&line, "ca-file", "ca.pem: No such file");
        std::fs::write(&file, "nothing").unwrap();
        expect(&line, "ca-file", "ca.pem: it holds no certificate");
    }
}
