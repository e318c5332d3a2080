//! The App's JWTs (RFC 7519, signed with RS256 as in RFC 7518 section 3.3), judged as strictly as GitHub does.

use std::io;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject as _;
use serde_json::{Map, Value};

use super::super::super::server::Reply;
use super::super::errors::error;

/// How far in the future a JWT may end, in seconds by GitHub's clock.
const MAX_LIFE: i64 = 600;

/// Who may issue JWTs, and the key that proves it.
#[derive(Debug)]
pub(super) struct Issuer {
    pub(super) app_id: u64,
    pub(super) client_id: String,
    /// DER of PKCS#1's `RSAPublicKey`.
    pub(super) public_key: Vec<u8>,
}

/// What is wrong with a JWT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in super::super) enum Flaw {
    #[error("no JWT")]
    Missing,
    #[error("not a JWT, where only the App's JWT will do")]
    NotOne,
    #[error("a JWT that is not three base64url parts of JSON and a signature")]
    Malformed,
    #[error("a JWT that is not signed with RS256")]
    Algorithm,
    #[error("a JWT whose signature the App's key did not make")]
    Signature,
    #[error("a JWT whose issuer is neither the App's id nor its client id")]
    Issuer,
    #[error("a JWT of an App that does not exist")]
    UnknownApp,
    #[error("a JWT whose `iat` is not a whole number")]
    NoIssuedAt,
    #[error("a JWT whose `exp` is not a number")]
    NoExpiry,
    #[error("a JWT that was issued in the future")]
    IssuedInFuture,
    #[error("a JWT that has expired")]
    Expired,
    #[error("a JWT that ends more than ten minutes from now")]
    TooLong,
}

impl Flaw {
    /// Whether another clock would judge otherwise.
    pub(in super::super) fn is_of_time(self) -> bool {
        matches!(self, Self::IssuedInFuture | Self::Expired | Self::TooLong)
    }

    /// GitHub's answer.
    pub(in super::super) fn reply(self) -> Reply {
        let message = match self {
            Self::Missing | Self::NotOne | Self::Malformed | Self::Algorithm | Self::Signature => {
                "A JSON web token could not be decoded"
            }
            Self::Issuer => "'Issuer' claim ('iss') must be an Integer",
            Self::UnknownApp => return error("", 404, "Integration not found"),
            Self::NoIssuedAt | Self::IssuedInFuture => {
                "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was issued"
            }
            Self::NoExpiry | Self::Expired => {
                "'Expiration time' claim ('exp') must be a numeric value representing the future time at which the \
                 assertion expires"
            }
            Self::TooLong => "'Expiration time' claim ('exp') is too far in the future",
        };
        error("", 401, message)
    }
}

/// Whether a header's token is meant as a JWT: three parts, and not an installation token, which can have three too.
pub(in super::super) fn looks_like_one(token: &str) -> bool {
    token.split('.').count() == 3 && !token.starts_with("ghs_")
}

/// The public half of a private key in PEM, PKCS#1 or PKCS#8.
///
/// # Errors
/// When this is no such key, or it has less than 2,048 bits.
pub(super) fn public_key(private_pem: &str) -> io::Result<Vec<u8>> {
    let unusable = |why: String| {
        let what = format!("the simulated App's private key cannot be used: {why}");
        io::Error::new(io::ErrorKind::InvalidInput, what)
    };
    let key = PrivateKeyDer::from_pem_slice(private_pem.as_bytes())
        .map_err(|error| unusable(error.to_string()))?;
    let pair = match &key {
        PrivateKeyDer::Pkcs1(der) => RsaKeyPair::from_der(der.secret_pkcs1_der()),
        PrivateKeyDer::Pkcs8(der) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()),
        _ => return Err(unusable("it is not an RSA key".to_owned())),
    };
    let pair = pair.map_err(|error| unusable(error.to_string()))?;
    Ok(pair.public_key().as_ref().to_vec())
}

/// Judges a JWT at that moment of GitHub's clock.
pub(super) fn verify(token: &str, issuer: &Issuer, now: SystemTime) -> Result<(), Flaw> {
    if token.is_empty() {
        return Err(Flaw::Missing);
    }
    if !looks_like_one(token) {
        return Err(Flaw::NotOne);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Flaw::NotOne)?;
    let (header, claims) = signed.split_once('.').ok_or(Flaw::NotOne)?;
    let header = object(header)?;
    let claims = object(claims)?;
    if header.get("alg").and_then(Value::as_str) != Some("RS256") || header.contains_key("crit") {
        return Err(Flaw::Algorithm);
    }
    of_this_app(claims.get("iss"), issuer)?;
    let signature = decoded(signature)?;
    UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &issuer.public_key)
        .verify(signed.as_bytes(), &signature)
        .map_err(|_| Flaw::Signature)?;
    timely(&claims, now)
}

fn decoded(part: &str) -> Result<Vec<u8>, Flaw> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| Flaw::Malformed)
}

fn object(part: &str) -> Result<Map<String, Value>, Flaw> {
    serde_json::from_slice(&decoded(part)?).map_err(|_| Flaw::Malformed)
}

/// The issuer is the App's id, as a number or a string, or its client id.
fn of_this_app(claim: Option<&Value>, issuer: &Issuer) -> Result<(), Flaw> {
    let number = match claim {
        Some(Value::String(text)) if *text == issuer.client_id => return Ok(()),
        Some(Value::String(text)) => text.parse().ok(),
        Some(value) => value.as_u64(),
        None => None,
    };
    match number {
        Some(id) if id == issuer.app_id => Ok(()),
        Some(_) => Err(Flaw::UnknownApp),
        None => Err(Flaw::Issuer),
    }
}

fn timely(claims: &Map<String, Value>, now: SystemTime) -> Result<(), Flaw> {
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(now).unwrap_or(i64::MAX);
    let issued = claims
        .get("iat")
        .and_then(Value::as_i64)
        .ok_or(Flaw::NoIssuedAt)?;
    let ends = claims
        .get("exp")
        .and_then(Value::as_f64)
        .ok_or(Flaw::NoExpiry)?;
    if issued > now {
        Err(Flaw::IssuedInFuture)
    } else if ends <= now as f64 {
        Err(Flaw::Expired)
    } else if ends > now.saturating_add(MAX_LIFE) as f64 {
        Err(Flaw::TooLong)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_the_test_key_have_the_same_public_half() {
        let one = public_key(super::super::TEST_KEY_PKCS1).unwrap();
        let other = public_key(super::super::TEST_KEY_PKCS8).unwrap();
        assert_eq!(one, other);
    }

    #[test]
    fn what_is_no_rsa_key_is_refused_and_not_repeated() {
        for pem in [
            "",
            "hunter2",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ] {
            let error = public_key(pem).unwrap_err().to_string();
            assert!(error.contains("private key cannot be used"), "{error}");
            assert!(
                !error.contains("hunter2") && !error.contains("AAAA"),
                "{error}"
            );
        }
    }

    #[test]
    fn long_installation_tokens_are_not_taken_for_jwts() {
        assert!(looks_like_one("aaa.bbb.ccc"));
        assert!(!looks_like_one("ghs_900001_aaa.bbb.ccc"));
        assert!(!looks_like_one("ghp_aaa"));
    }
}
