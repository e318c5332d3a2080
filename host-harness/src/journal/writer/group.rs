//! What the next commit holds, and when it is due.

use super::{Question, Request, Waiting};
use crate::journal::ChangeSet;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Most change sets in one commit. A bound on how long the first of them waits for the last.
const GROUP: usize = 256;

/// How long a change set that nobody waits for may wait for company. So much of what Port was told can be told once more after
/// a kill.
pub(super) const LATER: Duration = Duration::from_millis(20);

/// Change sets of the next commit, in order, and who waits for each.
#[derive(Default)]
pub(super) struct Group {
    pub(super) sets: Vec<ChangeSet>,
    pub(super) waiting: Vec<Option<Waiting>>,
    /// When it is written though nobody waits.
    pub(super) due: Option<Instant>,
}

impl Group {
    pub(super) fn add(&mut self, changes: ChangeSet, waiting: Option<Waiting>) {
        if self.due.is_none() && waiting.is_none() {
            self.due = Some(Instant::now() + LATER);
        }
        self.sets.push(changes);
        self.waiting.push(waiting);
    }

    fn is_full(&self) -> bool {
        self.sets.len() >= GROUP
    }

    pub(super) fn is_due(&self) -> bool {
        let is_late = self.due.is_some_and(|due| due <= Instant::now());
        is_late || self.is_full() || self.waiting.iter().any(Option::is_some)
    }

    /// Takes a request in, and as many more as there are now and have room. Returns a question, which ends the group.
    pub(super) fn gather(
        &mut self,
        first: Request,
        queue: &mut mpsc::Receiver<Request>,
    ) -> Option<Question> {
        let mut next = Some(first);
        while let Some(request) = next {
            match request {
                Request::Commit(changes, waiting) => self.add(changes, waiting),
                Request::Ask(question) => return Some(question),
            }
            if self.is_full() {
                return None;
            }
            next = queue.try_recv().ok();
        }
        None
    }
}
