//! Messages of a guest, on their way into the host's log.

use crate::contract::Level;
use crate::installation::Installation;
use crate::legible::escaped;
use std::sync::Arc;

/// Longest message that is kept, in bytes. The rest is cut.
const LONGEST_MESSAGE: usize = 4_000;

/// How much more than that is searched for secrets, in bytes: so that a message of megabytes costs no more than a long
/// one, and no secret is cut in two before it is found. Longer than any secret, in any of its spellings.
const MARGIN: usize = 16_000;

/// The log of one call.
pub(super) struct GuestLog {
    installation: Arc<Installation>,
    subject: String,
    lines_left: u32,
    bytes_left: usize,
}

impl GuestLog {
    /// The log of a call about `subject`, which takes so many lines and bytes.
    pub(super) fn new(
        installation: Arc<Installation>,
        subject: String,
        lines: u32,
        bytes: usize,
    ) -> GuestLog {
        GuestLog {
            installation,
            subject,
            lines_left: lines,
            bytes_left: bytes,
        }
    }

    /// Takes a message, or the last one that there is room for, or none.
    pub(super) fn write(&mut self, level: Level, message: &str) {
        if self.lines_left == 0 {
            return;
        }
        let installation = self.installation.id();
        let subject = self.subject.as_str();
        let message = kept(&self.installation, message);
        if self.lines_left == 1 || message.len() > self.bytes_left {
            self.lines_left = 0;
            tracing::warn!(
                installation,
                subject,
                "the plugin logs too much: further messages of this call are dropped"
            );
            return;
        }
        self.lines_left -= 1;
        self.bytes_left -= message.len();
        match level {
            Level::Debug => tracing::debug!(target: "plugin", installation, subject, "{message}"),
            Level::Info => tracing::info!(target: "plugin", installation, subject, "{message}"),
            Level::Warn => tracing::warn!(target: "plugin", installation, subject, "{message}"),
            Level::Error => tracing::error!(target: "plugin", installation, subject, "{message}"),
        }
    }
}

/// What is kept of a message: one line, without secrets, of bounded length.
fn kept(installation: &Installation, message: &str) -> String {
    let end = message.floor_char_boundary(LONGEST_MESSAGE + MARGIN);
    let piece = message.get(..end).unwrap_or_default();
    let text = installation.scrub(piece);
    let most = if piece.len() == message.len() {
        LONGEST_MESSAGE
    } else {
        // The end of the piece may be the first half of a secret, and may have moved to the front.
        LONGEST_MESSAGE.min(text.len().saturating_sub(MARGIN))
    };
    let text = text
        .get(..text.floor_char_boundary(most))
        .unwrap_or_default();
    escaped(text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Credential;
    use crate::egress::Policy;
    use crate::ingress::WebhookSecret;
    use secrecy::SecretString;

    #[test]
    fn no_secret_is_cut_in_two_before_it_is_found() {
        let secret = "s3cr3t-".repeat(20);
        let installation = Installation::new(
            Installation::nobody().public().clone(),
            Policy::nowhere(),
            Credential::Token(SecretString::from(secret.as_str())),
            WebhookSecret::Missing,
        );
        for shift in 0..200 {
            // Many in the window, so that scrubbing moves the end of what is searched to the front.
            let message = format!(
                "{}{}",
                "x".repeat(shift),
                format!("{secret} ").repeat(40_000 / secret.len())
            );
            let kept = kept(&installation, &message);
            assert!(!kept.contains("s3cr3t"), "{shift}: {kept}");
            assert!(kept.len() <= LONGEST_MESSAGE);
        }
    }
}
