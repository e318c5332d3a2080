//! The fault catalogue: everything that is made to go wrong between the host, GitHub and Port, under words that stay.
//!
//! A [`Profile`] cannot be written down without its [`Fate`]: what becomes of a run that it strikes. That is the promise
//! that a campaign checks. `docs/faults.md` is this catalogue as a table; a test compares them.

mod entries;

pub use entries::CATALOGUE;

use crate::simulator::github::DeliveryEffect;
use crate::simulator::{Effect, Fault};
use std::time::Duration;

/// What becomes of a run that a fault strikes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It ends in Port as its workflow ends on GitHub, as if nothing had happened.
    EndsAsItsWorkflow,
    /// GitHub has started it without a word. It is found and followed. Only where the workflow does not show the run's id
    /// and several runs come into question can nobody tell; then the run fails, saying so.
    IsFoundAgain,
    /// GitHub may or may not have started it, and has not said so. It is not sent again: if GitHub has it, it is found
    /// and followed; if not, it fails, saying that its outcome is unknown.
    MayBeUnknown,
    /// GitHub never started it; it fails and says why.
    FailsSayingWhy,
    /// Somebody else has ended it in Port. That end stays.
    EndsElsewhere,
    /// It belongs to another host. This one starts nothing and tells nothing.
    IsLeftAlone,
}

impl Fate {
    /// The fate in words, for tables.
    pub fn words(self) -> &'static str {
        match self {
            Fate::EndsAsItsWorkflow => "ends as its workflow",
            Fate::IsFoundAgain => "is found again and ends as its workflow",
            Fate::MayBeUnknown => {
                "is found again, or fails saying that its outcome is unknown; never sent twice"
            }
            Fate::FailsSayingWhy => "was never started; fails saying why",
            Fate::EndsElsewhere => "keeps the end that somebody else gave it",
            Fate::IsLeftAlone => "is left to the host that has it",
        }
    }
}

/// One of the two services.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// GitHub.
    GitHub,
    /// Port.
    Port,
}

/// A fault that the catalogue knows.
#[derive(Debug)]
pub struct Profile {
    /// Its word, such as `github.dispatch: 500-but-it-ran`. Never changes its meaning.
    pub word: &'static str,
    /// What happens, for people.
    pub what: &'static str,
    /// What becomes of a run that it strikes.
    pub fate: Fate,
    /// How it is brought about.
    pub troubles: &'static [Trouble],
    /// Where it can be part of a mixture.
    pub mixes: Mixes,
}

/// Where a profile can be part of a mixture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mixes {
    /// Everywhere.
    Well,
    /// In large campaigns, a few times: each strike holds a run up for half a minute or more.
    Rarely,
    /// Nowhere: it would change the fate of runs that it does not strike, or contradict other faults.
    Alone,
}

/// A way to make something go wrong.
#[derive(Debug)]
pub enum Trouble {
    /// Requests are struck.
    Requests {
        /// Who is asked.
        side: Side,
        /// Operations as the simulators name them, each with a text that the body has to hold (empty for any).
        operations: &'static [(&'static str, &'static str)],
        /// What happens to a struck request.
        effect: fn() -> Effect,
        /// Which requests are struck.
        choice: Choice,
    },
    /// Webhook deliveries are struck.
    Deliveries {
        /// The event; `*` for any.
        event: &'static str,
        /// The action of the event; none for any.
        action: Option<&'static str>,
        /// What happens to a struck delivery.
        effect: DeliveryEffect,
    },
    /// Nobody listens for a while, again and again.
    Outages(Side),
    /// Tokens are revoked: Port's again and again, GitHub's once and for all.
    Revocation(Side),
    /// GitHub is set up differently.
    Setting(Setting),
    /// People end runs in Port.
    PeopleEndRuns,
    /// Every installation has a pending run that cannot be read.
    UnreadableNeighbour,
    /// The host's process is killed (SIGKILL) again and again.
    Kills,
    /// The host's process is told to stop (SIGTERM) again and again.
    Terminations,
    /// The journal's file may not grow for a while.
    DiskFull,
    /// The host's wall clock jumps by so many seconds whenever the process is started again.
    HostClock(i64),
}

/// Which requests are struck, given a share in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// That share of the distinct requests, each so many times at most.
    Each(u32),
    /// That share of all requests, and never more than half, since they are repeated until they succeed.
    Any,
}

/// How GitHub can be set up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Setting {
    /// New runs show up in lists late.
    ListLag(Duration),
    /// A share of the new runs is not known by id at first.
    FreshRunLag(Duration),
    /// The quota of each installation is small, and used up again and again.
    SmallQuota,
    /// GitHub's clock minus ours, in seconds.
    Clock(i64),
}

/// A word that the catalogue does not know.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("there is no fault {word:?}; did you mean {nearest:?}? `docs/faults.md` lists all")]
pub struct UnknownFault {
    /// The word.
    pub word: String,
    /// The most similar one.
    pub nearest: &'static str,
}

/// The profile with this word.
///
/// # Errors
/// If there is none; the error names the nearest.
pub fn find(word: &str) -> Result<&'static Profile, UnknownFault> {
    let word = word.trim();
    if let Some(profile) = CATALOGUE.iter().find(|profile| profile.word == word) {
        return Ok(profile);
    }
    let nearest = CATALOGUE
        .iter()
        .map(|profile| profile.word)
        .min_by_key(|known| strsim::levenshtein(known, word))
        .unwrap_or_default();
    Err(UnknownFault {
        word: word.to_owned(),
        nearest,
    })
}

/// The fault of one of a profile's operations, which strikes every request: who chooses among them is up to the caller.
pub(crate) fn fault_of(
    word: &'static str,
    (operation, holds): (&str, &str),
    effect: fn() -> Effect,
) -> Fault {
    Fault::new(operation, effect())
        .named(word)
        .when_body_contains(holds)
}

impl Profile {
    /// Whether it is brought about by something of this kind.
    pub fn has(&self, kind: impl Fn(&Trouble) -> bool) -> bool {
        self.troubles.iter().any(kind)
    }

    /// Whether it can only happen to a host that keeps its runs over a restart.
    pub fn ends_the_process(&self) -> bool {
        self.has(|trouble| {
            matches!(
                trouble,
                Trouble::Kills | Trouble::Terminations | Trouble::DiskFull | Trouble::HostClock(_)
            )
        })
    }
}

/// The catalogue as the table of `docs/faults.md`.
pub fn table() -> String {
    let mut table =
        String::from("| fault | what happens | a run that it strikes |\n|---|---|---|\n");
    for profile in CATALOGUE {
        table.push_str(&format!(
            "| `{}` | {} | {} |\n",
            profile.word,
            profile.what,
            profile.fate.words()
        ));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_profile_is_found_by_its_word_and_no_word_stands_for_two() {
        for (index, profile) in CATALOGUE.iter().enumerate() {
            let found = find(profile.word).unwrap();
            assert!(std::ptr::eq(found, &CATALOGUE[index]), "{}", profile.word);
            assert!(!profile.troubles.is_empty(), "{}", profile.word);
        }
    }

    #[test]
    fn a_misspelt_word_is_answered_with_the_nearest() {
        let error = find("github.dispatch: 500-but-it-run").unwrap_err();
        assert_eq!(error.nearest, "github.dispatch: 500-but-it-ran");
    }

    #[test]
    fn the_table_in_the_documentation_is_the_catalogue() {
        let page = include_str!("../../../docs/faults.md");
        assert!(
            page.contains(&table()),
            "the table in docs/faults.md should be:\n\n{}",
            table()
        );
    }
}
