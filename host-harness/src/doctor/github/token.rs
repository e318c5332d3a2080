//! A token: whether it may start workflows, as far as GitHub tells, and whether it reaches a repository. Decisions only.
//!
//! Of a classic token GitHub shows the scopes. Of any other it shows nothing but what a request is refused for, and no
//! request that would be refused for want of `actions: write` is free of effect where it is not. So the last word about
//! such a token is left to the first run.

use super::app::PERMISSIONS;
use super::client::{Answer, Asked};
use crate::doctor::finding::Finding;
use crate::doctor::repository::RepositoryName;
use serde::Deserialize;

pub(super) const REPOSITORY: &str = "github.repository";

/// The header with the scopes of a classic token.
const SCOPES: &str = "x-oauth-scopes";

/// A repository, as far as somebody may see it.
pub(super) struct Repository {
    pub(super) finding: Finding,
    /// Whether whoever asks may push to it.
    push: Option<bool>,
}

/// What `GET /repos/{owner}/{repo}` means.
pub(super) fn repository(name: &RepositoryName, asked: &Asked) -> Repository {
    #[derive(Deserialize)]
    struct Object {
        #[serde(default)]
        archived: bool,
        permissions: Option<Rights>,
    }
    #[derive(Deserialize)]
    struct Rights {
        #[serde(default)]
        push: bool,
    }
    let answer = match asked {
        Ok(answer) => answer,
        Err(trouble) => {
            return unseen(Finding::not_known(
                REPOSITORY,
                trouble.to_string(),
                "mend that, and run this again",
            ));
        }
    };
    let object: Option<Object> = if answer.is_success() {
        answer.read()
    } else {
        None
    };
    let Some(object) = object else {
        return unseen(hidden(name, answer));
    };
    let finding = if object.archived {
        let says = format!("{name} is archived, and runs no workflows");
        Finding::wrong(REPOSITORY, says, "unarchive it, or use another one")
    } else {
        Finding::ok(REPOSITORY, format!("{name} can be seen"))
    };
    Repository {
        finding,
        push: object.permissions.map(|rights| rights.push),
    }
}

fn unseen(finding: Finding) -> Repository {
    Repository {
        finding,
        push: None,
    }
}

fn hidden(name: &RepositoryName, answer: &Answer) -> Finding {
    let says = format!("{name} cannot be seen (GitHub answered {})", answer.words());
    match answer.status {
        401 | 403 | 404 => Finding::wrong(
            REPOSITORY,
            says,
            "check its name, and give the credential access to it",
        ),
        301 | 302 | 307 => Finding::warning(REPOSITORY, says, "it was renamed: use its new name"),
        _ => Finding::not_known(REPOSITORY, says, "run this again"),
    }
}

/// Whether a token may start workflows. `first`: the answer to any request with it. `workflows`: the answer to a look at
/// the repository's workflows.
pub(super) fn rights(
    first: &Answer,
    repository: Option<&Repository>,
    workflows: Option<&Asked>,
) -> Finding {
    if let Some(scopes) = first.header(SCOPES) {
        return classic(scopes);
    }
    if repository.and_then(|it| it.push) == Some(false) {
        return Finding::wrong(
            PERMISSIONS,
            "the token may read the repository and not write to it",
            "give it Actions: read and write, and its owner write access to the repository",
        );
    }
    match workflows {
        Some(Ok(answer)) if answer.status == 403 => {
            let wanted = answer.header("x-accepted-github-permissions");
            Finding::wrong(
                PERMISSIONS,
                format!(
                    "the token may not see workflows (GitHub answered {}, and wants {})",
                    answer.words(),
                    wanted.unwrap_or("actions")
                ),
                "give it Actions: read and write",
            )
        }
        Some(Ok(answer)) if answer.is_success() => Finding::not_known(
            PERMISSIONS,
            "the token reads workflows; whether it may start them, GitHub tells nobody beforehand",
            "see that it has Actions: read and write",
        ),
        _ => Finding::not_known(
            PERMISSIONS,
            "GitHub does not tell what this token may do",
            "see that it has Actions: read and write and Metadata: read, or say --repository to have one looked at",
        ),
    }
}

fn classic(scopes: &str) -> Finding {
    let has = |wanted: &str| scopes.split(',').any(|scope| scope.trim() == wanted);
    if has("repo") {
        Finding::ok(PERMISSIONS, "the token has the scope repo")
    } else if has("public_repo") {
        Finding::warning(
            PERMISSIONS,
            "the token has the scope public_repo: it starts workflows of public repositories only",
            "give it the scope repo if there are others",
        )
    } else {
        let scopes = super::client::shortened(scopes);
        let scopes = if scopes.is_empty() { "none" } else { &scopes };
        Finding::wrong(
            PERMISSIONS,
            format!("the token may start nothing: its scopes are {scopes}"),
            "give it the scope repo",
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;
    use http::HeaderMap;

    fn answer(status: u16, header: Option<(&'static str, &'static str)>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some((name, value)) = header {
            headers.insert(name, http::HeaderValue::from_static(value));
        }
        Answer {
            status,
            headers,
            body: r#"{"permissions":{"push":true}}"#.into(),
            skew: None,
        }
    }

    #[test]
    fn scopes_are_whole_words() {
        for (scopes, state) in [
            ("admin:org, repo", State::Ok),
            ("public_repo", State::Warning),
            ("repo:status", State::Wrong),
            ("", State::Wrong),
        ] {
            let first = answer(200, Some((SCOPES, scopes)));
            assert_eq!(rights(&first, None, None).state, state, "{scopes:?}");
        }
    }

    #[test]
    fn nobody_is_called_able_to_write_who_was_only_seen_reading() {
        let first = answer(200, None);
        let read = Ok(answer(200, None));
        assert_eq!(rights(&first, None, Some(&read)).state, State::NotKnown);
        assert_eq!(rights(&first, None, None).state, State::NotKnown);
        let refused = Ok(answer(
            403,
            Some(("x-accepted-github-permissions", "actions=read")),
        ));
        let finding = rights(&first, None, Some(&refused));
        assert_eq!(finding.state, State::Wrong);
        assert!(finding.says.contains("actions=read"), "{}", finding.says);
    }

    #[test]
    fn a_repository_that_has_moved_is_no_reason_to_stop() {
        let name = "acme/shop".parse().unwrap();
        for (status, state) in [
            (200, State::Ok),
            (301, State::Warning),
            (404, State::Wrong),
            (502, State::NotKnown),
        ] {
            let seen = repository(&name, &Ok(answer(status, None)));
            assert_eq!(seen.finding.state, state, "{status}");
        }
    }
}
