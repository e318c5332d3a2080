//! Where webhooks come in: verified, recognized, queued, answered.

mod listener;
mod recent;
mod signature;

pub use listener::{Accepted, Ingress};
pub use signature::{SignatureError, WebhookSecret, sign, verify};
