//! Port's access token: how long it is used, and what it says about its owner.

use crate::credentials;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::HeaderValue;
use secrecy::SecretString;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::Instant;

/// Whose token it is. Port hands runs out to machines only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenOwner {
    /// An integration's or an organization's own credentials.
    Machine,
    /// A person's. Port gives such a token no runs.
    Person,
    /// The token is not a JWT that can be read.
    Unknown,
}

/// A token in use.
pub(super) struct Token {
    /// `{tokenType} {accessToken}`, marked sensitive.
    pub(super) header: HeaderValue,
    /// The bare token, to remove it from texts.
    pub(super) bare: SecretString,
    pub(super) owner: TokenOwner,
    /// From here on a new one is fetched.
    pub(super) renew_at: Instant,
    /// Tells tokens apart: a 401 makes only the token useless that it was given for.
    pub(super) number: u64,
}

/// Reads the answer to a token request.
pub(super) fn read(body: &[u8], now: Instant, number: u64) -> Result<Token, String> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Answer {
        access_token: String,
        expires_in: f64,
        token_type: String,
    }
    // Not serde's own text: it may quote a value, and here every value may be a secret.
    let answer: Answer = serde_json::from_slice(body).map_err(|error| {
        format!(
            "not a token: {:?} at column {}",
            error.classify(),
            error.column()
        )
    })?;
    let header = credentials::authorization(&answer.token_type, &answer.access_token)
        .map_err(|_| "the token cannot be sent in a header".to_owned())?;
    Ok(Token {
        header,
        owner: owner(&answer.access_token),
        bare: SecretString::from(answer.access_token),
        renew_at: now + useful_life(answer.expires_in),
        number,
    })
}

/// 80 % of its life: the rest is margin for slow requests and for clocks that differ. Port's own framework uses the
/// whole, and its last requests fail.
fn useful_life(expires_in_seconds: f64) -> Duration {
    const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
    Duration::try_from_secs_f64(expires_in_seconds * 0.8)
        .unwrap_or_default()
        .min(LONGEST)
}

/// Reads the owner from the token's payload. The signature is not checked, for this is advice and not a right:
/// Port itself decides whom it gives runs.
///
/// The rule is that of Port's own framework: `isMachine` decides where it is present; else a token is a machine's
/// if `personalToken` is present and false.
fn owner(token: &str) -> TokenOwner {
    let Some(claims) = payload(token) else {
        return TokenOwner::Unknown;
    };
    let flag = |name: &str| claims.get(name).and_then(Value::as_bool);
    let machine = flag("isMachine").unwrap_or(!flag("personalToken").unwrap_or(true));
    if machine {
        TokenOwner::Machine
    } else {
        TokenOwner::Person
    }
}

fn payload(token: &str) -> Option<Value> {
    let part = token.split('.').nth(1)?;
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    claims.is_object().then_some(claims)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn jwt(claims: &str) -> String {
        format!("e30.{}.sig", URL_SAFE_NO_PAD.encode(claims))
    }

    #[test]
    fn is_machine_decides_where_it_is_present() {
        assert_eq!(
            owner(&jwt(r#"{"isMachine":true,"personalToken":true}"#)),
            TokenOwner::Machine
        );
        assert_eq!(
            owner(&jwt(r#"{"isMachine":false,"personalToken":false}"#)),
            TokenOwner::Person
        );
    }

    #[test]
    fn a_token_without_is_machine_is_a_machines_if_it_says_that_it_is_not_personal() {
        assert_eq!(
            owner(&jwt(r#"{"personalToken":false}"#)),
            TokenOwner::Machine
        );
        assert_eq!(owner(&jwt(r#"{"personalToken":true}"#)), TokenOwner::Person);
    }

    #[test]
    fn a_token_with_neither_claim_counts_as_a_persons() {
        assert_eq!(owner(&jwt("{}")), TokenOwner::Person);
    }

    #[test]
    fn a_token_that_cannot_be_read_is_unknown() {
        for token in ["", "opaque", "a.b.c", "a.!.c", &jwt("[]"), &jwt("nonsense")] {
            assert_eq!(owner(token), TokenOwner::Unknown, "{token}");
        }
    }

    #[test]
    fn padding_in_the_payload_does_no_harm() {
        let padded = jwt(r#"{"isMachine":true}"#).replace(".sig", "==.sig");
        assert_eq!(owner(&padded), TokenOwner::Machine);
    }

    #[test]
    fn four_fifths_of_a_tokens_life_are_used() {
        assert_eq!(useful_life(3600.0), Duration::from_secs(2880));
    }

    #[test]
    fn a_senseless_life_means_a_new_token_each_time_or_once_a_day() {
        for seconds in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(useful_life(seconds), Duration::ZERO, "{seconds}");
        }
        assert_eq!(useful_life(1e12), Duration::from_secs(86_400));
    }

    #[test]
    fn an_answer_without_a_token_is_described_without_its_values() {
        let reason = read(
            br#"{"accessToken":"t","expiresIn":"s3cret"}"#,
            Instant::now(),
            1,
        )
        .err()
        .unwrap();
        assert!(!reason.contains("s3cret"), "{reason}");
    }
}
