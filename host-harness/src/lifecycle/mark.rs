//! When a delivery is marked as handled: after all of its news has been handed over to the journal, and not before.
//!
//! A delivery may bring news of several runs, and each is decided in its own time. All pieces of its news hold one mark;
//! whoever lets go of the last one writes that the delivery is handled. What is handed over to the journal becomes
//! durable in that order, so a kill finds the delivery unmarked or all of its news durable. (On a full disk a mark may
//! overtake the news of another run, which cannot be written: then a check brings that.)

use crate::journal::DeliveryKey;
use std::sync::Arc;

/// One of those that hold a delivery's mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark(Arc<DeliveryKey>);

impl Mark {
    pub(super) fn of(delivery: DeliveryKey) -> Mark {
        Mark(Arc::new(delivery))
    }

    /// The delivery, if nobody else holds its mark: then the news that is written next may take the mark along.
    pub(super) fn alone(self) -> Result<DeliveryKey, Mark> {
        Arc::try_unwrap(self.0).map_err(Mark)
    }

    /// Lets go. The delivery, if this was the last: of several that let go at once, exactly one gets it.
    pub(super) fn let_go(self) -> Option<DeliveryKey> {
        Arc::into_inner(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> DeliveryKey {
        DeliveryKey {
            installation: "acme".to_owned(),
            delivery: "d".to_owned(),
        }
    }

    #[test]
    fn a_delivery_is_marked_by_the_last_of_its_news_and_by_no_other() {
        let first = Mark::of(key());
        let (second, third) = (first.clone(), first.clone());
        assert_eq!(second.let_go(), None);
        let first = first.alone().unwrap_err();
        assert_eq!(third.let_go(), None);
        assert_eq!(first.alone(), Ok(key()));
    }

    #[test]
    fn of_many_that_let_go_at_once_exactly_one_marks() {
        for _ in 0..200 {
            let marks = vec![Mark::of(key()); 4];
            let threads: Vec<_> = marks
                .into_iter()
                .map(|mark| std::thread::spawn(move || mark.let_go()))
                .collect();
            let marked = threads.into_iter().filter_map(|it| it.join().unwrap());
            assert_eq!(marked.count(), 1);
        }
    }
}
