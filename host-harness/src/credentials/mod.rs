//! Credentials of installations. They leave this module only as a header for a request that policy has let through.
//!
//! A credential is an access token, or a GitHub App (`app`), whose tokens the host gets and renews by itself.

mod app;
mod exchange;
mod key;
mod organization;
mod refusal;
mod slot;
mod token;

pub use app::{Account, AppOptions, GitHubApp, KeyError, Scope};
pub use exchange::Sender;
pub use refusal::{AppError, Refusal};

use bytes::Bytes;
use http::HeaderValue;
use secrecy::SecretString;
use zeroize::Zeroizing;

/// How requests of an installation prove who sends them.
pub enum Credential {
    /// A personal or installation access token, sent as `authorization: Bearer …`.
    Token(SecretString),
    /// A GitHub App: the host gets a token for each organization.
    App(Box<GitHubApp>),
    /// None: requests are anonymous.
    None,
}

/// Why no header can be made from a credential.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CredentialError {
    /// The token holds characters that no header can carry. A file with more than the token in it, for instance.
    #[error(
        "the token holds characters that cannot be sent in a header; does its file hold more than the token?"
    )]
    NotAHeader,
}

/// Whether a text can be the login of a GitHub organization or user.
pub fn is_login(text: &str) -> bool {
    organization::login(text).is_some()
}

/// The value of the `authorization` field that carries a token (RFC 6750).
pub fn bearer(token: &str) -> Result<HeaderValue, CredentialError> {
    authorization("Bearer", token)
}

/// The value of the `authorization` field (RFC 9110, section 11.6.2), marked so that HTTP libraries neither log nor index
/// it. Its memory is overwritten when the last copy of it is dropped.
pub fn authorization(scheme: &str, token: &str) -> Result<HeaderValue, CredentialError> {
    let mut text = Zeroizing::new(Vec::with_capacity(scheme.len() + 1 + token.len()));
    for part in [scheme, " ", token] {
        text.extend_from_slice(part.as_bytes());
    }
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(text))
        .map_err(|_| CredentialError::NotAHeader)?;
    value.set_sensitive(true);
    Ok(value)
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credential::Token(_) => "Token([secret])",
            Credential::App(_) => "App([secret])",
            Credential::None => "None",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_marked_sensitive() {
        let header = bearer("ghp_1").unwrap();
        assert_eq!(header, "Bearer ghp_1");
        assert!(header.is_sensitive());
        let credential = Credential::Token(SecretString::from("ghp_1"));
        assert_eq!(format!("{credential:?}"), "Token([secret])");
    }

    #[test]
    fn a_token_with_a_newline_inside_is_refused_and_not_repeated() {
        let error = bearer("ghp_1\nx").unwrap_err();
        assert!(!error.to_string().contains("ghp_1"));
    }
}
