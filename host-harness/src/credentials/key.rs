//! The private key of a GitHub App, and what it signs.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{RSA_PKCS1_SHA256, RsaKeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use serde::Serialize;
use zeroize::{Zeroize, Zeroizing};

/// What GitHub takes as the longest life of a JWT is ten minutes. One less leaves room for a clock that is wrong
/// (GitHub, "Generating a JSON Web Token (JWT) for a GitHub App").
const LIFE_SECONDS: i64 = 9 * 60;
/// GitHub's own advice against clocks that are ahead: issued a minute ago.
const BACKDATED_SECONDS: i64 = 60;

/// An RSA key, ready to sign.
pub(super) struct AppKey(RsaKeyPair);

/// Who signs. Servers are known that take an app id as a number only.
#[derive(Serialize)]
#[serde(untagged)]
enum Issuer<'i> {
    AppId(u64),
    ClientId(&'i str),
}

/// Why a text is no key. Never contains any of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// No PEM file is in it, neither as it is nor in base64.
    #[error(
        "it is not a private key in PEM format (`-----BEGIN RSA PRIVATE KEY-----` …), nor one in base64; download the key \
         again from the settings of the GitHub App"
    )]
    NotPem,
    /// It is a key of another kind.
    #[error("it is not an RSA private key; GitHub Apps have no others")]
    NotRsa,
    /// It is an RSA key that cannot be used.
    #[error("its RSA key cannot be used: {0}; a GitHub App's key has 2048 bits")]
    Unusable(&'static str),
    /// The system gave no random numbers, or the key is inconsistent.
    #[error("it could not sign")]
    CannotSign,
}

impl AppKey {
    /// Reads a key: PKCS#1, as GitHub hands it out, or PKCS#8. Environment variables hold no line breaks everywhere, so
    /// a PEM file with `\n` written out and one in base64 are taken as well.
    pub(super) fn parse(text: &str) -> Result<AppKey, KeyError> {
        let pem = pem(text)?;
        let mut der =
            PrivateKeyDer::from_pem_slice(pem.as_bytes()).map_err(|_| KeyError::NotPem)?;
        let key = match &der {
            PrivateKeyDer::Pkcs1(key) => RsaKeyPair::from_der(key.secret_pkcs1_der()),
            PrivateKeyDer::Pkcs8(key) => RsaKeyPair::from_pkcs8(key.secret_pkcs8_der()),
            _ => return Err(KeyError::NotRsa),
        };
        der.zeroize();
        let key = key.map_err(|error| match error.to_string().as_str() {
            "WrongAlgorithm" => KeyError::NotRsa,
            "TooSmall" => KeyError::Unusable("it is too short"),
            "TooLarge" => KeyError::Unusable("it is too long"),
            _ => KeyError::Unusable("it is damaged"),
        })?;
        Ok(AppKey(key))
    }

    /// A token that says who asks (RFC 7519), for the app `issuer` (its client id or app id), made at `now` on GitHub's
    /// clock, in seconds since 1970.
    pub(super) fn jwt(&self, issuer: &str, now: i64) -> Result<Zeroizing<String>, KeyError> {
        #[derive(Serialize)]
        struct Claims<'c> {
            iat: i64,
            exp: i64,
            iss: Issuer<'c>,
        }
        let claims = Claims {
            iat: now.saturating_sub(BACKDATED_SECONDS),
            exp: now.saturating_add(LIFE_SECONDS),
            iss: issuer
                .parse()
                .map_or(Issuer::ClientId(issuer), Issuer::AppId),
        };
        let claims = serde_json::to_vec(&claims).map_err(|_| KeyError::CannotSign)?;
        let mut token = Zeroizing::new(URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256","typ":"JWT"}"#));
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(claims, &mut token);
        let mut signature = vec![0; self.0.public().modulus_len()];
        self.0
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                token.as_bytes(),
                &mut signature,
            )
            .map_err(|_| KeyError::CannotSign)?;
        token.push('.');
        URL_SAFE_NO_PAD.encode_string(signature, &mut token);
        Ok(token)
    }
}

/// The PEM file in a text.
fn pem(text: &str) -> Result<Zeroizing<String>, KeyError> {
    const BEGIN: &str = "-----BEGIN ";
    if text.contains(BEGIN) {
        return Ok(Zeroizing::new(text.replace("\\n", "\n")));
    }
    let compact: Zeroizing<String> =
        Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
    let bytes = STANDARD
        .decode(compact.as_bytes())
        .map_err(|_| KeyError::NotPem)?;
    match String::from_utf8(bytes) {
        Ok(pem) if pem.contains(BEGIN) => Ok(Zeroizing::new(pem)),
        Ok(other) => {
            Zeroizing::new(other);
            Err(KeyError::NotPem)
        }
        Err(other) => {
            Zeroizing::new(other.into_bytes());
            Err(KeyError::NotPem)
        }
    }
}
