//! Which organization a request is about: an installation of a GitHub App, and so its token, belongs to one.

use http::Uri;

/// The login of the organization or user that a path of GitHub's API names, in lower case: `/repos/{owner}/…`,
/// `/orgs/{org}/…`, `/users/{user}/…`, below the path at which the API begins. None: the path names none, or what
/// stands there is no login.
pub(super) fn named_by(uri: &Uri, api: &Uri) -> Option<String> {
    let base = api.path().trim_end_matches('/');
    let path = uri.path().strip_prefix(base)?;
    let mut segments = path.strip_prefix('/')?.split('/');
    match segments.next()? {
        "repos" | "orgs" | "users" => login(segments.next()?),
        _ => None,
    }
}

/// A login, in lower case: GitHub compares them without case. Letters, digits and hyphens, in logins of managed users
/// an underscore too; at most 39 characters, of managed users a few more.
pub(super) fn login(text: &str) -> Option<String> {
    let is_login = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    let is_one = (1..=60).contains(&text.len()) && text.bytes().all(is_login);
    is_one.then(|| text.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(api: &str, path: &str) -> Option<String> {
        let uri = format!("https://github.example{path}").parse().unwrap();
        named_by(&uri, &api.parse().unwrap())
    }

    #[test]
    fn paths_name_their_organization() {
        let api = "https://github.example";
        for path in [
            "/repos/Acme/shop/actions/runs/1?x=/repos/b",
            "/orgs/acme/hooks",
            "/users/acme",
        ] {
            assert_eq!(named(api, path).as_deref(), Some("acme"), "{path}");
        }
        let server = "https://github.example/api/v3";
        assert_eq!(
            named(server, "/api/v3/repos/acme/shop").as_deref(),
            Some("acme")
        );
    }

    #[test]
    fn other_paths_name_none() {
        let api = "https://github.example/api/v3";
        for path in [
            "/repos/acme/shop",
            "/api/v3/rate_limit",
            "/api/v3/repositories/7",
            "/api/v3/repos//x",
            "/api/v3/repos/a%2fb/x",
            "/api/v3/repos/../orgs/acme",
            "/api/v3",
        ] {
            assert_eq!(named(api, path), None, "{path}");
        }
    }
}
