//! Somebody who is shown everything a simulator sees, at once and in order.

use std::fmt;
use std::sync::Arc;

use super::github::DeliveryView;
use super::recording::Exchange;

/// What a simulator has seen.
#[derive(Debug, Clone, Copy)]
pub enum Sight<'s> {
    /// A request was answered.
    Exchange(&'s Exchange),
    /// GitHub has sent a delivery, and it was answered or not.
    Delivery(&'s DeliveryView),
}

/// Is told every sight. Must return quickly, and must not use the simulator. The default looks away.
#[derive(Clone, Default)]
pub struct Witness(Option<Arc<See>>);

/// What is done with a sight.
type See = dyn Fn(Sight<'_>) + Send + Sync;

impl Witness {
    /// One who does this with every sight.
    pub fn new(see: impl Fn(Sight<'_>) + Send + Sync + 'static) -> Witness {
        Witness(Some(Arc::new(see)))
    }

    pub(super) fn see(&self, sight: Sight<'_>) {
        if let Some(see) = &self.0 {
            see(sight);
        }
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.0.is_some() {
            "somebody"
        } else {
            "nobody"
        })
    }
}
