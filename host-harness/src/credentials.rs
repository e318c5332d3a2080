//! Credentials of installations. They leave this module only as a header for a request that policy has let through.

use http::HeaderValue;
use secrecy::{ExposeSecret, SecretString};

/// How requests of an installation prove who sends them.
pub enum Credential {
    /// A personal or installation access token, sent as `authorization: Bearer …`.
    Token(SecretString),
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

impl Credential {
    /// The value of the `authorization` field for a request (RFC 6750), marked so that HTTP libraries neither log nor
    /// index it.
    pub fn authorization(&self) -> Result<Option<HeaderValue>, CredentialError> {
        match self {
            Credential::None => Ok(None),
            Credential::Token(token) => {
                let mut value = HeaderValue::try_from(format!("Bearer {}", token.expose_secret()))
                    .map_err(|_| CredentialError::NotAHeader)?;
                value.set_sensitive(true);
                Ok(Some(value))
            }
        }
    }
}

impl std::fmt::Debug for Credential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Credential::Token(_) => "Token([secret])",
            Credential::None => "None",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_marked_sensitive() {
        let credential = Credential::Token(SecretString::from("ghp_1"));
        let header = credential.authorization().unwrap().unwrap();
        assert_eq!(header, "Bearer ghp_1");
        assert!(header.is_sensitive());
        assert_eq!(format!("{credential:?}"), "Token([secret])");
    }

    #[test]
    fn a_token_with_a_newline_inside_is_refused_and_not_repeated() {
        let error = Credential::Token(SecretString::from("ghp_1\nx"))
            .authorization()
            .unwrap_err();
        assert!(!error.to_string().contains("ghp_1"));
    }
}
