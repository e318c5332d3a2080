//! The token of one organization, and what is known about getting another one. Decides what to do at a moment, and asks
//! nobody.

use super::exchange::Minted;
use super::refusal::{AppError, Refusal};
use super::token::{Age, Token};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// How long GitHub is not asked again after a refusal, such as that the App is not installed. Short, because somebody is
/// about to mend it; long enough that a queue of runs is not a queue of questions.
const REFUSED_FOR: Duration = Duration::from_secs(10);
/// How long a token that should be replaced is used without a new try, if one has failed.
const RETRY_EARLY: Duration = Duration::from_secs(30);
/// How long a token that was made because of a refusal is kept, whatever is said of it. GitHub refuses some requests (those
/// that want a JWT) with any token, and a plugin that sends nothing else must not have one made for each: it would use up
/// what the App may ask for all its organizations.
pub(super) const RENEWED_FOR: Duration = Duration::from_secs(30);
/// Longest pause that is believed. Whoever says more is asked again then.
const LONGEST_PAUSE: Duration = Duration::from_secs(65 * 60);

/// The token of one organization.
#[derive(Default)]
pub(super) struct Slot {
    /// Held by the one that asks for a token. Whoever drops its request half-way lets the next one ask.
    pub(super) asking: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) token: Option<Arc<Token>>,
    /// The one before: it still works, and may still be repeated by somebody.
    pub(super) previous: Option<Arc<Token>>,
    /// GitHub's id of the installation.
    pub(super) installation: Option<u64>,
    refused: Option<(Refusal, Instant)>,
    not_before: Option<Instant>,
    /// Until when GitHub wants no questions, as it said to the last one.
    limited: Option<Instant>,
    /// When a token was last dropped because of a refusal.
    pub(super) renewed: Option<Instant>,
    pub(super) last_use: Option<Instant>,
}

/// What is known without asking.
pub(super) enum Known {
    Good(Arc<Token>),
    Ageing(Arc<Token>),
    Nothing,
}

impl Slot {
    pub(super) fn known<E>(&self, now: Instant) -> Result<Known, AppError<E>> {
        let state = self.lock();
        if let Some(token) = &state.token {
            let may_ask = state.not_before.is_none_or(|time| time <= now);
            match token.age(now) {
                Age::Fresh => return Ok(Known::Good(token.clone())),
                Age::Ageing if may_ask => return Ok(Known::Ageing(token.clone())),
                Age::Ageing => return Ok(Known::Good(token.clone())),
                Age::Over => {}
            }
        }
        match (&state.refused, state.limited) {
            (Some((refusal, until)), _) if *until > now => Err(AppError::Refused(refusal.clone())),
            (_, Some(until)) if until > now => Err(AppError::Limited(until - now)),
            _ => Ok(Known::Nothing),
        }
    }

    /// Takes note of what GitHub said. `usable` is a token that still works.
    pub(super) fn learn<E>(
        &self,
        asked: Result<Minted, AppError<E>>,
        usable: Option<Arc<Token>>,
        now: Instant,
    ) -> Result<Arc<Token>, AppError<E>> {
        let mut state = self.lock();
        match (asked, usable) {
            (Ok(minted), _) => {
                let token = Arc::new(Token::new(minted.token, minted.life, now));
                state.previous = state.token.replace(token.clone()).or(state.previous.take());
                (state.refused, state.not_before, state.limited) = (None, None, None);
                Ok(token)
            }
            (Err(_), Some(usable)) => {
                state.not_before = Some(now + RETRY_EARLY);
                Ok(usable)
            }
            (Err(error), None) => {
                match &error {
                    AppError::Refused(refusal) => {
                        state.refused = Some((refusal.clone(), now + REFUSED_FOR));
                    }
                    AppError::Limited(pause) => {
                        state.limited = Some(now + (*pause).min(LONGEST_PAUSE));
                    }
                    AppError::Unreachable(_) | AppError::Unavailable(_) => {}
                }
                Err(error)
            }
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
