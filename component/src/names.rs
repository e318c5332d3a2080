//! Names that become part of a URL: what GitHub allows in them, and their encoding.
//!
//! Two fences: a name that does not have GitHub's grammar is refused, and what passes is percent-encoded as one path
//! segment. So no value of a property can lead a request to another endpoint.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Everything but the unreserved characters of RFC 3986 section 2.3.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// Where GitHub looks for workflow files.
pub const WORKFLOW_FOLDER: &str = ".github/workflows/";

/// Encodes one path segment or query value.
#[must_use]
pub fn encoded(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Whether this can be the login of an account: letters, digits and hyphens, for managed users also underscores.
#[must_use]
pub fn is_owner(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// Whether this can be the name of a repository.
#[must_use]
pub fn is_repository(text: &str) -> bool {
    (1..=100).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
        && text != "."
        && text != ".."
}

/// How a workflow is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Workflow {
    /// By the name of its file under `.github/workflows/`.
    File(String),
    /// By GitHub's numeric id.
    Id(u64),
    /// By the `name:` in its file, which only GitHub can resolve.
    DisplayName(String),
}

impl Workflow {
    /// Reads the property `workflow`.
    ///
    /// # Errors
    /// A sentence, when no workflow can have this name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        if text.trim().is_empty() {
            return Err("The name of the workflow is empty.");
        }
        if text.chars().any(char::is_control) {
            return Err("The name of the workflow contains control characters.");
        }
        if text.len() > 500 {
            return Err("The name of the workflow is longer than 500 bytes.");
        }
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return text
                .parse()
                .map(Self::Id)
                .map_err(|_| "The id of the workflow is too large a number.");
        }
        let file = text.strip_prefix(WORKFLOW_FOLDER);
        let name = file.unwrap_or(text);
        let is_file = [".yml", ".yaml"]
            .iter()
            .any(|end| name.len() > end.len() && name.ends_with(end));
        match (is_file, file) {
            (true, _) if name.contains(['/', '\\']) => Err(
                "A workflow's file must lie in .github/workflows/ itself, not in another folder.",
            ),
            (true, _) => Ok(Self::File(name.to_owned())),
            (false, Some(_)) => Err("A workflow's file must end in .yml or .yaml."),
            (false, None) => Ok(Self::DisplayName(text.to_owned())),
        }
    }

    /// This workflow under the file name or id that GitHub has for it.
    #[must_use]
    pub fn found_as(&self, name: &str) -> Self {
        match self {
            Self::DisplayName(_) => name
                .parse()
                .map_or_else(|_| Self::File(name.to_owned()), Self::Id),
            named => named.clone(),
        }
    }

    /// The name as people and partition keys use it.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::File(name) | Self::DisplayName(name) => name.clone(),
            Self::Id(id) => id.to_string(),
        }
    }
}

/// The name of a branch or tag without the prefix of its full form (`refs/heads/x`, `refs/tags/x`): as GitHub
/// shows it in a run's `head_branch`.
#[must_use]
pub fn short_ref(reference: &str) -> &str {
    let branch = reference.strip_prefix("refs/heads/");
    branch
        .or_else(|| reference.strip_prefix("refs/tags/"))
        .unwrap_or(reference)
}

/// The id that connects Port's run with GitHub's: `gh_{owner id}_{repository id}_{run id}`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExternalId {
    /// GitHub's id of the account that owns the repository.
    pub owner: u64,
    /// GitHub's id of the repository.
    pub repository: u64,
    /// GitHub's id of the workflow run.
    pub run: u64,
}

impl ExternalId {
    /// Reads an id that this plugin has given out.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = text.strip_prefix("gh_")?.split('_').map(|part| {
            let plain = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse().ok())?
        });
        let id = Self {
            owner: numbers.next()??,
            repository: numbers.next()??,
            run: numbers.next()??,
        };
        numbers.next().is_none().then_some(id)
    }
}

impl std::fmt::Display for ExternalId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "gh_{}_{}_{}", self.owner, self.repository, self.run)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_could_change_the_path_is_refused() {
        for bad in [
            "", ".", "..", "a/b", "a b", "a\0", "a%2e", "é", "a?b", "a#b",
        ] {
            assert!(!is_repository(bad), "{bad:?}");
            assert!(!is_owner(bad), "{bad:?}");
        }
        assert!(is_owner("acme-corp") && is_owner("mona_acme") && !is_owner("acme.corp"));
        assert!(is_repository("shop.api_v2-x") && is_repository(".github"));
    }

    #[test]
    fn a_workflow_is_a_file_an_id_or_a_display_name() {
        assert_eq!(
            Workflow::parse("deploy.yml"),
            Ok(Workflow::File("deploy.yml".into()))
        );
        assert_eq!(
            Workflow::parse(".github/workflows/deploy.yaml"),
            Ok(Workflow::File("deploy.yaml".into()))
        );
        assert_eq!(Workflow::parse("161335"), Ok(Workflow::Id(161_335)));
        assert_eq!(
            Workflow::parse("CI / build"),
            Ok(Workflow::DisplayName("CI / build".into()))
        );
        assert_eq!(
            Workflow::parse(".yml"),
            Ok(Workflow::DisplayName(".yml".into()))
        );
    }

    #[test]
    fn a_workflow_elsewhere_is_refused() {
        for bad in [
            "",
            " ",
            "../x.yml",
            "a/b.yml",
            ".github/workflows/../../x.yml",
            ".github/workflows/x",
            "x\0.yml",
            "x\n.yml",
            "99999999999999999999",
        ] {
            assert!(Workflow::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn segments_are_encoded() {
        assert_eq!(encoded("my file?#é.yml"), "my%20file%3F%23%C3%A9.yml");
        assert_eq!(
            encoded(">=2026-01-01T00:00:00Z"),
            "%3E%3D2026-01-01T00%3A00%3A00Z"
        );
    }

    #[test]
    fn an_external_id_is_read_back_exactly() {
        let id = ExternalId {
            owner: 1,
            repository: 22,
            run: u64::MAX,
        };
        assert_eq!(ExternalId::parse(&id.to_string()), Some(id));
        for bad in [
            "",
            "gh_1_2",
            "gh_1_2_3_4",
            "gh_1_2_x",
            "gh_+1_2_3",
            "gh_1__3",
            "gl_1_2_3",
            "gh_1_2_99999999999999999999",
        ] {
            assert_eq!(ExternalId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn full_refs_are_shortened() {
        assert_eq!(short_ref("refs/heads/release/1"), "release/1");
        assert_eq!(short_ref("refs/tags/v1"), "v1");
        assert_eq!(short_ref("main"), "main");
    }
}
