//! Where webhooks come in: verified, recognized, written down, answered.

mod listener;
mod signature;

pub use listener::{Ingress, IngressOptions};
pub use signature::{SignatureError, WebhookSecret, sign, verify};
