//! A delivery once more: as it came, past every list of what was seen. What it says is news that its runs have had, so it
//! ends none a second time; what it shows is how the plugin reads it now.

use super::listener::Shown;
use super::watch::Changed;
use crate::inbox::Accepted;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Replays that may wait or be under way at once.
const AT_ONCE: usize = 16;

/// Room for replays.
pub(super) fn room() -> Arc<Semaphore> {
    Arc::new(Semaphore::new(AT_ONCE))
}

/// Why a delivery cannot be replayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unplayable {
    /// It is not remembered any more, or was too large to be kept.
    #[error(
        "This delivery is not kept any more, so it cannot be replayed. GitHub can send it again."
    )]
    Gone,
    /// Others are being replayed.
    #[error("Too many deliveries are being replayed; try again in a moment.")]
    Busy,
}

/// Puts a delivery into the inbox again.
pub(super) fn replay(shown: &Shown, number: u64) -> Result<(), Unplayable> {
    let permit = shown.replays.clone().try_acquire_owned();
    let permit = permit.map_err(|_| Unplayable::Busy)?;
    let (key, delivery) = {
        let mut ledger = shown.watch.ledger();
        let known = ledger.delivery(number).ok_or(Unplayable::Gone)?;
        let whole = known.whole.clone().ok_or(Unplayable::Gone)?;
        known.replays = known.replays.saturating_add(1);
        (known.key.clone(), whole)
    };
    let installations = &shown.sights.installations;
    let mut installations = installations.iter();
    let installation = installations.find(|it| it.id() == key.installation);
    let installation = installation.ok_or(Unplayable::Gone)?.clone();
    tracing::info!(
        installation = installation.id(),
        delivery = %crate::legible::escaped(&key.delivery),
        "replayed from the page"
    );
    shown.sights.inbox.put_again(Accepted {
        installation,
        key,
        delivery: delivery.as_ref().clone(),
        room: vec![permit],
    });
    shown.watch.tell(Changed::Deliveries);
    Ok(())
}
