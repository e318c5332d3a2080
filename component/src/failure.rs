//! Building the contract's [`Failure`].
//!
//! A failure has three readers: the host reads its kind and decides what happens next, programs read the code, which
//! never changes once published, and people read message and remedy.

use crate::contract::ocean::integration_action::types::{Failure, FailureKind, Problem};

impl Failure {
    /// A failure of this kind that happened before the request that starts a run was sent.
    pub fn new(kind: FailureKind, code: &str, message: impl AsRef<str>) -> Self {
        Self::built(kind, code, message.as_ref())
    }

    /// The run's properties or the installation's settings are wrong, and nothing was sent.
    pub fn invalid(code: &str, message: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::built(FailureKind::InvalidParameters, code, message.as_ref())
            .remedied(remedy.as_ref())
    }

    /// The server, or the host on its behalf, refused.
    pub fn rejected(code: &str, message: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::built(FailureKind::Rejected, code, message.as_ref()).remedied(remedy.as_ref())
    }

    /// The run may have been started: look, never send again.
    pub fn ambiguous(code: &str, message: impl AsRef<str>, remedy: impl AsRef<str>) -> Self {
        Self::built(FailureKind::Ambiguous, code, message.as_ref())
            .remedied(remedy.as_ref())
            .sent()
    }

    /// Says what to do about it.
    #[must_use]
    pub fn with_remedy(self, remedy: impl AsRef<str>) -> Self {
        self.remedied(remedy.as_ref())
    }

    // Failures are made in a hundred places; kept out of line, they take little space there.
    #[inline(never)]
    fn built(kind: FailureKind, code: &str, message: &str) -> Self {
        Self {
            kind,
            code: code.to_owned(),
            message: message.to_owned(),
            remedy: None,
            request_sent: false,
        }
    }

    #[inline(never)]
    fn remedied(mut self, remedy: &str) -> Self {
        self.remedy = Some(remedy.to_owned());
        self
    }

    /// States that bytes of the request that starts a run have left.
    #[must_use]
    pub fn sent(mut self) -> Self {
        self.request_sent = true;
        self
    }

    /// Whether the same call may succeed later without anybody changing anything.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        matches!(
            self.kind,
            FailureKind::Unavailable | FailureKind::RateLimited(_) | FailureKind::Unauthorized
        )
    }

    /// The same fact as a problem of a definition, at this place.
    #[must_use]
    pub fn at(self, pointer: impl Into<String>) -> Problem {
        Problem {
            pointer: pointer.into(),
            code: self.code,
            message: self.message,
            remedy: self.remedy.unwrap_or_else(|| "Try again later.".to_owned()),
        }
    }
}
