//! Is a delivery from whom it says it is? Checked on the raw bytes, in constant time, before anything reads them.

use crate::contract::{SignatureAlgorithm, Webhooks};
use hmac::{Hmac, Mac};
use http::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use sha2::Sha256;

/// How deliveries for an installation are verified.
#[derive(Debug)]
pub enum WebhookSecret {
    /// With this shared secret.
    Verify(SecretString),
    /// Not configured: every delivery is refused.
    Missing,
    /// Not configured, and the operator has said in so many words that anybody may send deliveries.
    AcceptUnsigned,
}

/// Why a delivery is refused. The texts go back to the sender, so they tell nothing that it does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// No signature came.
    #[error("the delivery is not signed: set the webhook's secret")]
    Unsigned,
    /// What came is no signature.
    #[error("the delivery's signature cannot be read")]
    Malformed,
    /// The signature is of another secret or another body.
    #[error(
        "the delivery's signature does not match: the webhook's secret differs from the host's"
    )]
    Mismatch,
    /// This side has no secret to check with.
    #[error("deliveries for this installation are refused: it has no webhook secret")]
    NoSecret,
}

/// What can be said before the body is there: is a signature present, and is there something to check it with?
pub fn verify_head(
    secret: &WebhookSecret,
    webhooks: &Webhooks,
    headers: &HeaderMap,
) -> Result<(), SignatureError> {
    match secret {
        WebhookSecret::Verify(_) => signature_of(webhooks, headers).map(drop),
        WebhookSecret::Missing => Err(SignatureError::NoSecret),
        WebhookSecret::AcceptUnsigned => Ok(()),
    }
}

/// Checks the signature of a delivery in the way that the plugin's manifest describes.
pub fn verify(
    secret: &WebhookSecret,
    webhooks: &Webhooks,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<(), SignatureError> {
    let secret = match secret {
        WebhookSecret::Verify(secret) => secret,
        WebhookSecret::Missing => return Err(SignatureError::NoSecret),
        WebhookSecret::AcceptUnsigned => return Ok(()),
    };
    let signature = signature_of(webhooks, headers)?;
    match webhooks.signature_algorithm {
        SignatureAlgorithm::HmacSha256 => hmac_sha256(secret)
            .chain_update(body)
            .verify_slice(&signature)
            .map_err(|_| SignatureError::Mismatch),
    }
}

fn signature_of(webhooks: &Webhooks, headers: &HeaderMap) -> Result<Vec<u8>, SignatureError> {
    let value = headers
        .get(&webhooks.signature_header)
        .ok_or(SignatureError::Unsigned)?;
    let hexadecimal = value
        .to_str()
        .ok()
        .and_then(|text| text.strip_prefix(&webhooks.signature_prefix))
        .ok_or(SignatureError::Malformed)?;
    decode_hex(hexadecimal).ok_or(SignatureError::Malformed)
}

/// The signature that a sender with this secret puts on a body, with the manifest's prefix.
pub fn sign(secret: &SecretString, webhooks: &Webhooks, body: &[u8]) -> String {
    let signature = match webhooks.signature_algorithm {
        SignatureAlgorithm::HmacSha256 => hmac_sha256(secret).chain_update(body).finalize(),
    };
    let hexadecimal: String = signature
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{}{hexadecimal}", webhooks.signature_prefix)
}

fn hmac_sha256(secret: &SecretString) -> Hmac<Sha256> {
    #[expect(
        clippy::expect_used,
        reason = "HMAC takes keys of any length (RFC 2104)"
    )]
    Hmac::new_from_slice(secret.expose_secret().as_bytes()).expect("any length is allowed")
}

fn decode_hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhooks() -> Webhooks {
        Webhooks {
            events: vec![],
            event_header: "x-github-event".to_owned(),
            delivery_header: "x-github-delivery".to_owned(),
            signature_header: "x-hub-signature-256".to_owned(),
            signature_prefix: "sha256=".to_owned(),
            signature_algorithm: SignatureAlgorithm::HmacSha256,
        }
    }

    fn check(
        secret: &WebhookSecret,
        signature: Option<&str>,
        body: &[u8],
    ) -> Result<(), SignatureError> {
        let mut headers = HeaderMap::new();
        if let Some(signature) = signature {
            headers.insert("x-hub-signature-256", signature.parse().unwrap());
        }
        verify(secret, &webhooks(), &headers, body)
    }

    /// The example of GitHub's documentation, "Validating webhook deliveries".
    const KEY: &str = "It's a Secret to Everybody";
    const SIGNED: &str = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";

    #[test]
    fn the_documented_example_is_accepted() {
        let secret = WebhookSecret::Verify(SecretString::from(KEY));
        assert_eq!(check(&secret, Some(SIGNED), b"Hello, World!"), Ok(()));
        assert_eq!(
            sign(&SecretString::from(KEY), &webhooks(), b"Hello, World!"),
            SIGNED
        );
    }

    #[test]
    fn any_other_body_key_or_spelling_is_refused() {
        let secret = WebhookSecret::Verify(SecretString::from(KEY));
        let other = WebhookSecret::Verify(SecretString::from("other"));
        assert_eq!(
            check(&secret, Some(SIGNED), b"Hello, World?"),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(
            check(&other, Some(SIGNED), b"Hello, World!"),
            Err(SignatureError::Mismatch)
        );
        assert_eq!(check(&secret, None, b""), Err(SignatureError::Unsigned));
        for malformed in [
            "",
            "sha256=",
            "sha1=7571",
            "sha256=zz",
            "sha256=757",
            "7571",
        ] {
            let result = check(&secret, Some(malformed), b"Hello, World!");
            assert!(result.is_err(), "{malformed:?}");
        }
    }

    #[test]
    fn without_a_secret_everything_is_refused_unless_the_operator_says_otherwise() {
        assert_eq!(
            check(&WebhookSecret::Missing, Some(SIGNED), b"Hello, World!"),
            Err(SignatureError::NoSecret)
        );
        assert_eq!(check(&WebhookSecret::AcceptUnsigned, None, b"x"), Ok(()));
    }
}
