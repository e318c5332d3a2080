//! A repository that somebody names.

use std::fmt;
use std::str::FromStr;

/// `owner/name`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryName {
    /// Who owns it.
    pub owner: String,
    /// Its own name.
    pub name: String,
}

/// Why a text names no repository.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("it is not a repository; write it as owner/name, such as acme/shop")]
pub struct NotARepository;

impl FromStr for RepositoryName {
    type Err = NotARepository;

    fn from_str(text: &str) -> Result<RepositoryName, NotARepository> {
        let fits = |part: &str| {
            let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
            !matches!(part, "" | "." | "..") && part.bytes().all(is_fit)
        };
        match text.split_once('/') {
            Some((owner, name)) if fits(owner) && fits(name) => Ok(RepositoryName {
                owner: owner.to_owned(),
                name: name.to_owned(),
            }),
            _ => Err(NotARepository),
        }
    }
}

impl fmt::Display for RepositoryName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.owner, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_an_owner_and_a_name_and_no_path() {
        assert_eq!(
            "acme/shop.js"
                .parse::<RepositoryName>()
                .unwrap()
                .to_string(),
            "acme/shop.js"
        );
        for text in ["", "acme", "acme/", "/shop", "acme/..", "a/b/c", "a/b?x"] {
            assert_eq!(text.parse::<RepositoryName>(), Err(NotARepository));
        }
    }
}
