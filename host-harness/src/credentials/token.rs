//! A token of an installation of a GitHub App, and how long it is good.

use crate::scrub::Spellings;
use secrecy::SecretString;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// How long before its end a token is replaced. GitHub's live an hour; what begins with one must be able to end with it.
const EARLY: Duration = Duration::from_secs(5 * 60);
/// How long before its end a token is not used any more, even if there is no other.
const LAST: Duration = Duration::from_secs(10);

/// A token. Its text is opaque: GitHub's have had 40 characters and have 520, and may change again.
pub(super) struct Token {
    pub(super) secret: SecretString,
    pub(super) spellings: Arc<Spellings>,
    /// From when on it should be replaced.
    ageing: Instant,
    /// From when on it must not be used.
    over: Instant,
}

/// What a token is good for at a moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Age {
    /// For everything.
    Fresh,
    /// It works, and should be replaced.
    Ageing,
    /// Nothing.
    Over,
}

impl Token {
    /// A token that came `now` and lives so long.
    pub(super) fn new(secret: SecretString, life: Duration, now: Instant) -> Token {
        // A server may hand out tokens that live shorter than these margins.
        let end = now + life;
        Token {
            spellings: Arc::new(Spellings::of(&secret)),
            secret,
            ageing: end - EARLY.min(life / 4),
            over: end - LAST.min(life / 8),
        }
    }

    pub(super) fn age(&self, now: Instant) -> Age {
        if now >= self.over {
            Age::Over
        } else if now >= self.ageing {
            Age::Ageing
        } else {
            Age::Fresh
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ages(life: u64, at: [u64; 3]) -> [Age; 3] {
        let now = Instant::now();
        let token = Token::new(SecretString::from("ghs_1"), Duration::from_secs(life), now);
        at.map(|seconds| token.age(now + Duration::from_secs(seconds)))
    }

    #[tokio::test]
    async fn a_token_is_replaced_five_minutes_early_and_used_until_ten_seconds_before_its_end() {
        assert_eq!(
            ages(3600, [3299, 3300, 3589]),
            [Age::Fresh, Age::Ageing, Age::Ageing]
        );
        assert_eq!(
            ages(3600, [0, 3590, 9999]),
            [Age::Fresh, Age::Over, Age::Over]
        );
    }

    #[tokio::test]
    async fn a_short_life_has_short_margins() {
        assert_eq!(ages(8, [5, 6, 7]), [Age::Fresh, Age::Ageing, Age::Over]);
        assert_eq!(ages(0, [0, 0, 0]), [Age::Over; 3]);
    }
}
