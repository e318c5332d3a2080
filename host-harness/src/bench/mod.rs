//! What the host costs, as ratios against baselines that do the same work in the same run.
//!
//! A microsecond counts only if it has an owner, so the same work is done by three who differ in one thing each:
//!
//! | who | what it is | its cost beyond the one before |
//! |---|---|---|
//! | `native` | plain Rust functions and one pool of connections | – |
//! | `raw` | the component in wasmtime, a fresh instance for each call, with the same pool and nothing else | WebAssembly's |
//! | `host` | this host: threads, limits, policy, credential, budget, cache, scrubbing | the host's |
//!
//! All three are asked for the same answers before anything is timed. They take turns round by round, so that a machine
//! that becomes slower does so for all of them; what is shown is the median of the rounds and their spread. CPU time is
//! that of the process without the thread that plays the server.
//!
//! * [`dispatch`]: starting a workflow, at several numbers of dispatches under way;
//! * [`delivery`]: a webhook, from its arrival to the decision, and what it takes to refuse one;
//! * [`instance`]: a fresh instance alone;
//! * [`journal`]: the changes of runs on the disk, and nothing else;
//! * [`flood`]: many runs that end at once;
//! * [`steady`]: many that end one after another, as fast as is to be borne;
//! * [`life`]: whole runs through `serve`, its start, and how both grow.

mod canned;
pub mod delivery;
pub mod dispatch;
pub mod flood;
pub mod instance;
pub mod journal;
pub mod life;
pub mod steady;

mod measure;
mod native;
mod raw;
pub mod report;
mod served;
mod work;

pub use measure::{Cost, Spread};

use crate::engine::{Engine, EngineOptions, Plugin};
use std::path::Path;

/// Why something could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// Part of the machinery could not be set up.
    #[error("cannot set up {what}: {why}")]
    Setup {
        /// What.
        what: &'static str,
        /// What it said.
        why: String,
    },
    /// Somebody gave another answer than the others. Then no time means anything.
    #[error("{who} gave a wrong answer, so nothing was timed: {answer}")]
    Wrong {
        /// Who: `native`, `raw`, `host`, `serve`.
        who: &'static str,
        /// What it answered.
        answer: String,
    },
}

impl BenchError {
    fn setup(what: &'static str) -> impl FnOnce(String) -> BenchError {
        move |why| BenchError::Setup { what, why }
    }
}

/// How much is measured.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    /// Rounds of each measurement.
    pub rounds: usize,
    /// By how much the number of operations in a round is divided: 1 for figures that mean something.
    pub divide: usize,
}

impl Effort {
    /// Enough for figures to be compared: some minutes.
    pub const FULL: Effort = Effort {
        rounds: 7,
        divide: 1,
    };
    /// Enough to see that everything can be measured: some seconds.
    pub const QUICK: Effort = Effort {
        rounds: 2,
        divide: 20,
    };

    fn operations(self, full: usize) -> usize {
        (full / self.divide).max(1)
    }
}

/// The component in an engine as the host sets it up.
async fn load(component: &Path, options: &EngineOptions) -> Result<(Engine, Plugin), BenchError> {
    let engine = Engine::new(options)
        .map_err(|error| error.to_string())
        .map_err(BenchError::setup("the engine"))?;
    let plugin = Plugin::load(&engine, component)
        .await
        .map_err(|error| error.to_string())
        .map_err(BenchError::setup("the component"))?;
    Ok((engine, plugin))
}

/// A folder for compiled components, empty at first.
fn cache() -> Result<tempfile::TempDir, BenchError> {
    tempfile::tempdir()
        .map_err(|error| error.to_string())
        .map_err(BenchError::setup("a folder for compiled components"))
}
