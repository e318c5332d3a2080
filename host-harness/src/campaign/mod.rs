//! Fault campaigns: the real host as a real process between the simulated services, with faults and kills, and a judge
//! who counts.
//!
//! * [`catalogue`]: what can be made to go wrong, and the fate of a run that it strikes;
//! * [`plan`]: from a seed to everything that will happen;
//! * `world`: the services and their faults; `process`: the host; `conduct`: lets the plan happen;
//! * [`judge`]: what became of each run, from Port's and GitHub's views alone;
//! * `trace`: everything about one run, in order of time;
//! * [`baseline`] and [`transitions`]: series of campaigns.
//!
//! ```no_run
//! use host_harness::campaign::plan::{Cast, Faults, Wish};
//! use host_harness::campaign::{Setup, campaign};
//! use std::time::Duration;
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let setup = Setup::new("host-harness".into(), "github_workflow.wasm".into());
//! let wish = Wish { runs: 100, seed: 1, faults: Faults::Mixture(vec![]), kills: None, cast: Cast::All };
//! let report = campaign(&setup, &wish, Duration::from_secs(120), &|line| eprintln!("{line}")).await?;
//! println!("{}", report.closing_line());
//! # Ok(())
//! # }
//! ```

pub mod baseline;
pub mod catalogue;
mod conduct;
mod dice;
pub mod judge;
pub mod plan;
mod process;
mod report;
mod trace;
pub mod transitions;
mod world;

pub use report::{Report, Tally};

use conduct::{Limits, conduct};
use plan::{Faults, Plan, Wish};
use process::Launcher;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use world::World;

/// Who is told how far a campaign is.
pub type Progress<'a> = &'a dyn Fn(&str);

/// Why a campaign could not be held. Not: that a run came out wrong.
#[derive(Debug, thiserror::Error)]
pub enum CampaignError {
    /// A simulator could not listen.
    #[error("a simulator cannot listen on loopback: {0}")]
    Simulator(#[from] std::io::Error),
    /// A file or program cannot be used.
    #[error("{}: {error}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The host has ended without having been told to.
    #[error("the host has ended by itself ({how}); its log is {}", .log.display())]
    Ended {
        /// How.
        how: String,
        /// Where its log is.
        log: PathBuf,
    },
    /// A fault was asked for and never had the occasion to strike, so that nothing was shown.
    #[error("{0:?} never struck: ask for more runs or a larger share")]
    NeverStruck(&'static str),
    /// The host was to kill itself at a point of its journal and did not.
    #[error(
        "the host did not kill itself {0} its first journal commit: it does not know {name}",
        name = crate::journal::CRASH_VARIABLE
    )]
    NotKilled(&'static str),
}

impl CampaignError {
    fn file(path: &Path, error: std::io::Error) -> CampaignError {
        CampaignError::File {
            path: path.to_owned(),
            error,
        }
    }
}

/// What is tested.
#[derive(Debug, Clone)]
pub struct Setup {
    /// The program whose `serve` is the host.
    pub program: PathBuf,
    /// The component that it runs.
    pub component: PathBuf,
    /// Where the files of campaigns go; none for the system's folder for temporary files. They are kept when something is
    /// wrong.
    pub folder: Option<PathBuf>,
}

impl Setup {
    /// A setup with the system's folder for temporary files.
    pub fn new(program: PathBuf, component: PathBuf) -> Setup {
        Setup {
            program,
            component,
            folder: None,
        }
    }
}

/// Holds a campaign.
///
/// # Errors
/// If it could not be held, see [`CampaignError`]. A host that does wrong is no error but a bad [`Report`].
pub async fn campaign(
    setup: &Setup,
    wish: &Wish,
    limit: Duration,
    progress: Progress<'_>,
) -> Result<Report, CampaignError> {
    let limits = Limits {
        time: limit,
        crash: None,
    };
    let report = held(setup, &Plan::draw(wish), &limits, progress).await?;
    match &wish.faults {
        Faults::One(profile, _) if report.is_good() && report.never_struck(profile) => {
            Err(CampaignError::NeverStruck(profile.word))
        }
        _ => Ok(report),
    }
}

/// Holds a campaign with a plan.
async fn held(
    setup: &Setup,
    plan: &Plan,
    limits: &Limits,
    progress: Progress<'_>,
) -> Result<Report, CampaignError> {
    let parent = setup.folder.clone().unwrap_or_else(std::env::temp_dir);
    let mut folder = std::fs::create_dir_all(&parent)
        .and_then(|()| {
            let prefix = format!("campaign-{}-", plan.seed);
            tempfile::Builder::new().prefix(&prefix).tempdir_in(&parent)
        })
        .map_err(|error| CampaignError::file(&parent, error))?;
    let began = Instant::now();
    let outcome = async {
        let component = std::path::absolute(&setup.component)
            .map_err(|error| CampaignError::file(&setup.component, error))?;
        let launcher = Launcher::new(&setup.program, &component, folder.path());
        let world = World::build(plan).await?;
        let record = conduct(plan, &world, &launcher, limits, progress).await?;
        let report = Report::of(plan, &world, &record, &launcher.log(), began.elapsed());
        world.github.stop().await;
        world.port.stop().await;
        Ok(report)
    }
    .await;
    if !outcome.as_ref().is_ok_and(Report::is_good) {
        folder.disable_cleanup(true);
    }
    outcome
}
