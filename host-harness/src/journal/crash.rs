//! Dying at a chosen point of the journal: how the fault campaign kills a host at every single transition in turn.
//!
//! The variable `HOST_HARNESS_CRASH` of the process says when: `before:17` kills it right before the 17th commit,
//! `after:17` right after that. Counted are commits that somebody waits for: what goes along with them, or is written alone
//! because nothing else was, changes no number. The process sends itself SIGKILL, which nothing can catch: what is not in the journal by
//! then is lost.

use rustix::process::{Signal, getpid, kill_process};

/// The environment variable that names the point.
pub const VARIABLE: &str = "HOST_HARNESS_CRASH";

/// When to die.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashPoint {
    before: bool,
    commit: u64,
}

impl CrashPoint {
    /// The point that the environment names; none if it names none.
    ///
    /// # Errors
    /// A sentence, where the variable is not to be understood.
    pub fn from_environment() -> Result<Option<CrashPoint>, String> {
        match std::env::var(VARIABLE) {
            Ok(text) => CrashPoint::parse(&text).map(Some),
            Err(_) => Ok(None),
        }
    }

    fn parse(text: &str) -> Result<CrashPoint, String> {
        let parsed = text.split_once(':').and_then(|(when, commit)| {
            let before = match when {
                "before" => true,
                "after" => false,
                _ => return None,
            };
            let commit = commit.parse().ok().filter(|commit| *commit > 0)?;
            Some(CrashPoint { before, commit })
        });
        parsed.ok_or_else(|| {
            format!("{VARIABLE}={text:?} is no point to crash at: write before:17 or after:17")
        })
    }

    pub(super) fn before(&self, commit: u64) {
        if self.before && commit == self.commit {
            die();
        }
    }

    pub(super) fn after(&self, commit: u64) {
        if !self.before && commit == self.commit {
            die();
        }
    }
}

fn die() {
    if kill_process(getpid(), Signal::KILL).is_err() {
        std::process::abort();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_before_or_after_a_numbered_commit_and_nothing_else() {
        let point = |before, commit| Ok(CrashPoint { before, commit });
        assert_eq!(CrashPoint::parse("before:1"), point(true, 1));
        assert_eq!(CrashPoint::parse("after:17"), point(false, 17));
        for wrong in ["", "17", "before", "before:", "before:0", "during:1"] {
            assert!(CrashPoint::parse(wrong).unwrap_err().contains("before:17"));
        }
    }
}
