//! Every scenario of this folder as a test of its own: with the component as it is now, in virtual time, twice.
//!
//! Twice, because a scenario whose trace is not the same each time, byte for byte, proves nothing: what it shows today may
//! be chance.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot be set up has failed"
)]

#[path = "../support/component.rs"]
#[expect(dead_code, reason = "other test programs use the rest")]
mod component;
mod recordings;
mod trace;

use host_harness::scenario::chronicle::Detail;
use host_harness::scenario::suite::{self, Case, Manner, Plugins};
use host_harness::scenario::tape::Recordings;
use libtest_mimic::{Arguments, Failed, Trial};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

fn main() {
    let folder = component::root().join("tests/scenarios");
    let cases = Arc::new(suite::find(&[folder], None).unwrap());
    // Made when the first test runs, and not where tests are only listed.
    let plugins: Arc<OnceLock<Plugins>> = Arc::default();
    let mut trials: Vec<Trial> = (0..cases.len())
        .map(|number| {
            let (cases, plugins) = (cases.clone(), plugins.clone());
            let name = format!(
                "scenario::{}",
                cases.get(number).map_or("", |case| &case.name)
            );
            Trial::test(name, move || {
                let plugins = plugins.get_or_init(|| load(&cases));
                cases
                    .get(number)
                    .map_or(Ok(()), |case| holds(case, plugins))
            })
        })
        .collect();
    trials.extend(trace::trials());
    trials.extend(recordings::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit();
}

fn load(cases: &[Case]) -> Plugins {
    let path: PathBuf = component::component().to_owned();
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(Plugins::load(cases, &path, cores))
        .unwrap()
}

fn holds(case: &Case, plugins: &Plugins) -> Result<(), Failed> {
    let first = suite::run(case, plugins, manner(Detail::Everything));
    if !first.passed() {
        return Err(suite::run(case, plugins, manner(Detail::Lines))
            .told()
            .into());
    }
    let second = suite::run(case, plugins, manner(Detail::Everything));
    match trace::difference(&first.trace, &second.trace) {
        None => Ok(()),
        Some(difference) => Err(format!("the same seed gave another trace: {difference}").into()),
    }
}

fn manner(detail: Detail) -> Manner {
    Manner {
        detail,
        recordings: Recordings::Replay,
    }
}
