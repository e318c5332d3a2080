//! GitHub's REST API as far as this plugin needs it: what is asked, where, and what an answer means.
//!
//! Source of all paths, fields and statuses: GitHub's REST API documentation, version 2022-11-28. Later versions no
//! longer take `return_run_details`, and older servers know only this one.

mod answers;
mod objects;

pub use answers::{Subject, failure_of, names_run_details};
pub use objects::{
    Account, DispatchReply, EnvironmentList, Job, JobList, Owner, Repository, RunList, Step, Text,
    Workflow, WorkflowList, WorkflowRun,
};

use crate::contract::ocean::integration_action::types::{Failure, FailureKind, Installation};
use crate::host::{Host, Method, Request, Response, TransportError};
use crate::json::{self, FromJson};
use crate::names::{WORKFLOW_FOLDER, encoded};
use crate::time;

/// The most redirects that are followed for one question.
const MAX_REDIRECTS: usize = 3;

/// Items on a page: the most that GitHub gives.
pub const PAGE_SIZE: usize = 100;

/// GitHub's media types: objects, and files as they are.
const JSON: &str = "application/vnd.github+json";
const RAW: &str = "application/vnd.github.raw+json";

/// The GitHub server of one installation.
pub struct GitHub<'h> {
    host: &'h dyn Host,
    secure: bool,
    authority: String,
    prefix: String,
}

impl<'h> GitHub<'h> {
    /// The server at the installation's `api-url`.
    ///
    /// # Errors
    /// `invalid-api-url` if that is not the beginning of an HTTP URL.
    pub fn of(host: &'h dyn Host, installation: &Installation) -> Result<Self, Failure> {
        let url = installation.api_url.as_str();
        let (secure, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (true, rest),
            (None, Some(rest)) => (false, rest),
            (None, None) => return Err(invalid_api_url(url)),
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let allowed = |b: u8| {
            b.is_ascii_graphic() && !matches!(b, b'@' | b'?' | b'#' | b'\\' | b'"' | b'<' | b'>')
        };
        if authority.is_empty() || !rest.bytes().all(allowed) {
            return Err(invalid_api_url(url));
        }
        let path = path.trim_end_matches('/');
        let prefix = if path.is_empty() {
            String::new()
        } else {
            ["/", path].concat()
        };
        Ok(Self {
            host,
            secure,
            authority: authority.to_owned(),
            prefix,
        })
    }

    /// The world outside, for clocks and pauses.
    #[must_use]
    pub fn host(&self) -> &'h dyn Host {
        self.host
    }

    /// Where the server's pages for people begin: `https://github.com`.
    #[must_use]
    pub fn web(&self) -> String {
        let scheme = if self.secure { "https://" } else { "http://" };
        // github.com and its tenants keep the API on a host of its own, GitHub Enterprise Server under a path.
        let own_host = self.authority == "api.github.com" || self.authority.ends_with(".ghe.com");
        let authority = self
            .authority
            .strip_prefix("api.")
            .filter(|_| own_host)
            .unwrap_or(&self.authority);
        [
            scheme,
            authority,
            self.prefix.strip_suffix("/api/v3").unwrap_or(&self.prefix),
        ]
        .concat()
    }

    /// This moment on GitHub's clock, in seconds, as this response tells it; else on the host's clock.
    #[must_use]
    pub fn now(&self, response: &Response) -> u64 {
        match response.header("date").and_then(time::from_http_date) {
            // A response out of a cache keeps its date and tells its age (RFC 9111 section 5.1).
            Some(date) => date + response.number("age").unwrap_or(0).min(86_400),
            None => self.host.wall_clock_ms() / 1000,
        }
    }

    /// Sends a request and follows redirects within the same origin. Any other redirect is returned as it is.
    ///
    /// # Errors
    /// [`TransportError`] if there is no answer.
    pub fn exchange(
        &self,
        method: Method,
        path: &str,
        fresh: bool,
        body: Option<&str>,
    ) -> Result<Response, TransportError> {
        self.exchange_as(JSON, method, path, fresh, body)
    }

    fn exchange_as(
        &self,
        media: &str,
        method: Method,
        path: &str,
        fresh: bool,
        body: Option<&str>,
    ) -> Result<Response, TransportError> {
        let mut path = [self.prefix.as_str(), path].concat();
        let mut redirects = 0;
        loop {
            let request = Request {
                method,
                secure: self.secure,
                authority: self.authority.clone(),
                path,
                headers: headers(media, fresh, body.is_some()),
                body: body.map(str::to_owned),
            };
            let response = self.host.send(&request)?;
            let next = self
                .redirect(method, &response)
                .filter(|_| redirects < MAX_REDIRECTS);
            let Some(next) = next else {
                return Ok(response);
            };
            redirects += 1;
            path = next;
        }
    }

    /// Where a redirect leads, if it may be followed: only within this origin, and with a body only where the
    /// status demands that the request stays the same (RFC 9110 section 15.4).
    fn redirect(&self, method: Method, response: &Response) -> Option<String> {
        match (method, response.status) {
            (Method::Get, 301 | 302 | 307 | 308) | (Method::Post, 307 | 308) => {}
            _ => return None,
        }
        let location = response.header("location")?;
        let scheme = if self.secure { "https://" } else { "http://" };
        let path = match location.strip_prefix(scheme) {
            Some(rest) => {
                let (authority, path) = rest.split_at_checked(self.authority.len())?;
                authority
                    .eq_ignore_ascii_case(&self.authority)
                    .then_some(path)?
            }
            None => location,
        };
        let path = path.split('#').next()?;
        let plain = path.starts_with('/')
            && !path.starts_with("//")
            && path.bytes().all(|b| b.is_ascii_graphic());
        (plain && !path.contains('\\')).then(|| path.to_owned())
    }

    /// Asks a question that changes nothing. `fresh` asks caches on the way not to answer from memory.
    ///
    /// # Errors
    /// What went wrong, as a failure of a call that has started nothing.
    pub fn read(
        &self,
        subject: &Subject<'_>,
        path: &str,
        fresh: bool,
    ) -> Result<Response, Failure> {
        self.read_as(JSON, subject, path, fresh)
    }

    fn read_as(
        &self,
        media: &str,
        subject: &Subject<'_>,
        path: &str,
        fresh: bool,
    ) -> Result<Response, Failure> {
        let response = self
            .exchange_as(media, Method::Get, path, fresh, None)
            .map_err(|error| unreached(&error))?;
        if response.status == 200 {
            Ok(response)
        } else {
            Err(failure_of(subject, &response, self.now(&response)))
        }
    }

    /// A repository, and when GitHub told, in seconds on its clock.
    ///
    /// # Errors
    /// As [`Self::read`], and `unreadable-answer` if its names cannot be a part of the next path.
    pub fn repository(
        &self,
        owner: &str,
        name: &str,
        fresh: bool,
    ) -> Result<(Repository, u64), Failure> {
        let named = [owner, "/", name].concat();
        let response = self.read(
            &Subject::Repository(&named),
            &repository_path(owner, name),
            fresh,
        )?;
        let mut repository: Repository = parse(&response)?;
        repository.scopes = response
            .header("x-oauth-scopes")
            .filter(|scopes| !scopes.is_empty())
            .map(str::to_owned);
        if repository.has_sound_names() {
            Ok((repository, self.now(&response)))
        } else {
            Err(unnamed_repository())
        }
    }

    /// A workflow, by file name or id. Asked past caches: who has just corrected a workflow must not be refused for
    /// what it was a minute ago.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn workflow(&self, owner: &str, name: &str, workflow: &str) -> Result<Workflow, Failure> {
        let path = [
            &repository_path(owner, name),
            "/actions/workflows/",
            &encoded(workflow),
        ]
        .concat();
        parse(&self.read(&Subject::Workflow(workflow), &path, true)?)
    }

    /// One page of a repository's workflows. Asked past caches, as [`Self::workflow`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn workflows(&self, owner: &str, name: &str, page: usize) -> Result<WorkflowList, Failure> {
        let path = format!(
            "{}/actions/workflows?per_page={PAGE_SIZE}&page={page}",
            repository_path(owner, name)
        );
        parse(&self.read(&Subject::Workflows, &path, true)?)
    }

    /// The first page of a repository's environments. Asked past caches, as [`Self::workflow`].
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn environments(&self, owner: &str, name: &str) -> Result<EnvironmentList, Failure> {
        let path = format!(
            "{}/environments?per_page={PAGE_SIZE}",
            repository_path(owner, name)
        );
        parse(&self.read(&Subject::Environments, &path, true)?)
    }

    /// The bytes of a workflow's file at a branch or tag. Asked past caches, as [`Self::workflow`].
    ///
    /// # Errors
    /// As [`Self::read`], and `unreadable-answer` if the end is missing.
    pub fn workflow_file(
        &self,
        owner: &str,
        name: &str,
        file: &str,
        reference: &str,
    ) -> Result<Vec<u8>, Failure> {
        let path = [
            &repository_path(owner, name),
            "/contents/",
            WORKFLOW_FOLDER,
            &encoded(file),
            "?ref=",
            &encoded(reference),
        ]
        .concat();
        let subject = Subject::File { file, reference };
        let response = self.read_as(RAW, &subject, &path, true)?;
        if response.complete {
            Ok(response.body)
        } else {
            Err(unreadable_answer(&response, "it is incomplete"))
        }
    }
}

/// The path of a repository. The names have been checked; encoding them is the second fence.
#[must_use]
pub fn repository_path(owner: &str, name: &str) -> String {
    ["/repos/", &encoded(owner), "/", &encoded(name)].concat()
}

/// The path of a workflow run.
#[must_use]
pub fn run_path(owner: &str, name: &str, run: u64) -> String {
    format!("{}/actions/runs/{run}", repository_path(owner, name))
}

/// Reads the body of a response.
///
/// # Errors
/// `unreadable-answer`, of the kind `unavailable`: something between here and GitHub has answered in its place, or
/// the body broke off.
pub fn parse<'r, T: FromJson<'r>>(response: &'r Response) -> Result<T, Failure> {
    json::from_slice(&response.body).map_err(|fault| {
        if response.complete {
            unreadable_answer(response, &fault.to_string())
        } else {
            unreadable_answer(response, "it is incomplete")
        }
    })
}

fn unreadable_answer(response: &Response, why: &str) -> Failure {
    Failure::new(
        FailureKind::Unavailable,
        "unreadable-answer",
        format!(
            "GitHub's answer ({}) cannot be read: {why}.",
            response.status
        ),
    )
    .with_remedy("If this stays so, check whether a proxy answers in GitHub's place.")
}

/// The failure of a question that got no answer and would have changed nothing.
#[must_use]
pub fn unreached(error: &TransportError) -> Failure {
    match error {
        TransportError::Denied(why) => egress_denied(why),
        TransportError::NotSent(why) | TransportError::Unknown(why) => Failure::new(
            FailureKind::Unavailable,
            "not-reached",
            format!("GitHub could not be reached: {why}."),
        )
        .with_remedy("Check the network between the host and GitHub, and GitHub's status page."),
    }
}

/// The failure of a request that the host does not let out.
#[must_use]
pub fn egress_denied(why: &str) -> Failure {
    Failure::rejected(
        "egress-denied",
        format!("The host did not let the request out: {why}."),
        "Check the installation's API URL and the host's egress policy.",
    )
}

fn unnamed_repository() -> Failure {
    Failure::rejected(
        "unreadable-answer",
        "GitHub's answer names the repository in a way that no GitHub repository can be named.",
        "Check whether the installation's API URL is that of a GitHub server.",
    )
}

fn headers(media: &str, fresh: bool, has_body: bool) -> Vec<(&'static str, String)> {
    let agent = concat!(
        "ocean-",
        env!("CARGO_PKG_NAME"),
        "/",
        env!("CARGO_PKG_VERSION")
    );
    let mut headers = vec![
        ("accept", media.to_owned()),
        ("user-agent", agent.to_owned()),
        ("x-github-api-version", "2022-11-28".to_owned()),
    ];
    if fresh {
        headers.push(("cache-control", "no-cache".to_owned()));
    }
    if has_body {
        headers.push(("content-type", "application/json".to_owned()));
    }
    headers
}

fn invalid_api_url(url: &str) -> Failure {
    Failure::invalid(
        "invalid-api-url",
        format!("`{url}` is not the URL of a GitHub API."),
        "Set the installation's API URL, for instance to https://api.github.com or https://github.example.com/api/v3.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Script, answer, answer_with, installation, repository};

    fn at(api_url: &str) -> Installation {
        Installation {
            api_url: api_url.into(),
            ..installation()
        }
    }

    fn moved(status: u16, location: &str) -> Result<Response, TransportError> {
        answer_with(status, &[("Location", location)], "{}")
    }

    #[test]
    fn a_request_goes_below_the_api_url_with_githubs_headers_and_no_credential() {
        let host = Script::of([repository()]);
        let github = GitHub::of(&host, &at("https://github.example.com:8443/api/v3/")).unwrap();
        github.repository("acme", "shop", true).unwrap();
        let requests = host.requests.borrow();
        let request = requests.first().unwrap();
        assert_eq!(
            (request.secure, request.authority.as_str()),
            (true, "github.example.com:8443")
        );
        assert_eq!(request.path, "/api/v3/repos/acme/shop");
        let names: Vec<&str> = request.headers.iter().map(|(name, _)| *name).collect();
        assert_eq!(
            names,
            [
                "accept",
                "user-agent",
                "x-github-api-version",
                "cache-control"
            ]
        );
    }

    #[test]
    fn an_api_url_that_is_no_plain_http_url_is_refused() {
        let host = Script::default();
        for url in [
            "",
            "github.com",
            "ftp://a",
            "https://",
            "https:///x",
            "https://a@b",
            "https://a/?x",
            "https://a b",
            "https://a#x",
        ] {
            assert_eq!(
                GitHub::of(&host, &at(url)).err().unwrap().code,
                "invalid-api-url",
                "{url}"
            );
        }
    }

    #[test]
    fn pages_for_people_are_found_from_the_api_url() {
        let host = Script::default();
        for (api, web) in [
            ("https://api.github.com", "https://github.com"),
            ("https://api.octocorp.ghe.com", "https://octocorp.ghe.com"),
            (
                "https://github.example.com/api/v3",
                "https://github.example.com",
            ),
            ("http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ] {
            assert_eq!(GitHub::of(&host, &at(api)).unwrap().web(), web);
        }
    }

    #[test]
    fn redirects_are_followed_within_the_origin_only() {
        for location in [
            "https://api.github.com/repositories/22",
            "/repositories/22",
            "https://API.github.com/repositories/22#x",
        ] {
            let host = Script::of([moved(301, location), repository()]);
            GitHub::of(&host, &installation())
                .unwrap()
                .repository("acme", "old", false)
                .unwrap();
            assert_eq!(
                host.asked(),
                ["GET /repos/acme/old", "GET /repositories/22"]
            );
        }
        for location in [
            "https://evil.example/x",
            "//evil.example/x",
            "http://api.github.com/x",
            "https://api.github.com@evil.example/",
            "https://api.github.com.evil.example/",
            "x",
            "",
        ] {
            let host = Script::of([moved(302, location)]);
            let failure = GitHub::of(&host, &installation())
                .unwrap()
                .repository("acme", "old", false)
                .unwrap_err();
            assert_eq!(
                (host.requests.borrow().len(), failure.code.as_str()),
                (1, "redirect-refused"),
                "{location}"
            );
        }
    }

    #[test]
    fn redirects_end() {
        let host = Script::default().then_forever(moved(302, "/again"));
        let failure = GitHub::of(&host, &installation())
            .unwrap()
            .repository("acme", "shop", false)
            .unwrap_err();
        assert_eq!(
            (host.requests.borrow().len(), failure.code.as_str()),
            (1 + MAX_REDIRECTS, "redirect-refused")
        );
    }

    #[test]
    fn a_post_is_redirected_only_where_it_stays_a_post() {
        for (status, requests) in [(307, 2), (308, 2), (301, 1), (302, 1), (303, 1)] {
            let host = Script::of([moved(status, "/moved"), answer(204, "")]);
            let github = GitHub::of(&host, &installation()).unwrap();
            github
                .exchange(Method::Post, "/x", false, Some("{}"))
                .unwrap();
            assert_eq!(host.requests.borrow().len(), requests, "{status}");
        }
    }

    #[test]
    fn an_answer_that_is_not_github_s_is_unavailable() {
        let host = Script::of([answer(200, "<html>please log in</html>")]);
        let failure = GitHub::of(&host, &installation())
            .unwrap()
            .repository("acme", "shop", false)
            .unwrap_err();
        assert_eq!(
            (failure.kind, failure.code.as_str()),
            (FailureKind::Unavailable, "unreadable-answer")
        );
    }

    #[test]
    fn a_cached_date_is_corrected_by_its_age() {
        let host = Script::default();
        let github = GitHub::of(&host, &installation()).unwrap();
        let response = answer_with(200, &[("age", "30")], "").unwrap();
        assert_eq!(github.now(&response), crate::script::NOW + 30);
        let undated = Response {
            headers: Vec::new(),
            ..response
        };
        assert_eq!(github.now(&undated), crate::script::NOW - 3600);
    }
}
