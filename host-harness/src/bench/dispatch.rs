//! Starting a workflow: CPU time and time on the wall, at several numbers of dispatches under way.
//!
//! Everybody's calls run on one thread, as they do in the host with one core. The host's callers are on another, as they
//! are in `serve`; what it takes to get from one to the other and back is the host's.

use super::canned::{Caching, Canned};
use super::measure::{Cost, Round, Spread};
use super::native::Native;
use super::raw::Raw;
use super::work::{EXTERNAL, attempt, run};
use super::{BenchError, Effort, load};
use crate::engine::{EngineOptions, PoolSize};
use crate::installation::Installation;
use crate::runtime::{Call, Runtime, RuntimeOptions};
use futures_util::future::join_all;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Dispatches under way at once.
pub const AT_ONCE: [usize; 3] = [1, 64, 1_000];

/// Dispatches in a round.
const OPERATIONS: usize = 4_000;

/// What dispatches cost, so many at once.
#[derive(Debug, Serialize)]
pub struct Row {
    /// Whether the answer about the repository was kept, so that a dispatch is one request and not two.
    pub requests: u8,
    /// How many were under way.
    pub at_once: usize,
    /// CPU time of a native client, in microseconds.
    pub native: Spread,
    /// The same of the component in wasmtime alone, where it sends as much.
    pub raw: Option<Spread>,
    /// The same of this host.
    pub host: Spread,
    /// What the host takes for one, in microseconds on the wall: of one after another, how long it takes.
    pub host_wall: Spread,
    /// The same of the native client.
    pub native_wall: Spread,
}

impl Row {
    /// The host's CPU time by the native client's.
    pub fn ratio(&self) -> f64 {
        self.host.median / self.native.median
    }
}

/// Measures all of it.
pub async fn measure(component: &Path, effort: Effort) -> Result<Vec<Row>, BenchError> {
    let mut rows = Vec::new();
    for caching in [Caching::AsGitHubSays, Caching::Never] {
        let canned = Canned::start(caching).await?;
        let everybody = Everybody::set_up(component, &canned, caching).await?;
        everybody.check().await?;
        for at_once in AT_ONCE {
            rows.push(everybody.row(&canned, at_once, effort).await?);
        }
    }
    Ok(rows)
}

struct Everybody {
    caching: Caching,
    native: Native,
    raw: Raw,
    runtime: Runtime,
    installation: Arc<Installation>,
}

impl Everybody {
    async fn set_up(
        component: &Path,
        canned: &Canned,
        caching: Caching,
    ) -> Result<Everybody, BenchError> {
        let options = EngineOptions {
            pool: PoolSize { instances: 2_100 },
            ..EngineOptions::default()
        };
        let (engine, plugin) = load(component, &options).await?;
        let installation = super::work::installation(&canned.url())?;
        let runtime = RuntimeOptions {
            threads: 1,
            pool: options.pool,
        };
        let runtime = Runtime::start(plugin, runtime)
            .map_err(|error| error.to_string())
            .map_err(BenchError::setup("the host's thread"))?;
        Ok(Everybody {
            caching,
            native: Native::new(&canned.url()).map_err(BenchError::setup("the native client"))?,
            raw: Raw::load(&engine, component, installation.public())?,
            runtime,
            installation: Arc::new(installation),
        })
    }

    /// Everybody has to find the same run.
    async fn check(&self) -> Result<(), BenchError> {
        for (who, answer) in [
            ("native", self.native().await),
            ("raw", self.raw().await),
            ("host", self.host().await),
        ] {
            if answer.as_deref() != Ok(EXTERNAL) {
                let answer = format!("{answer:?}");
                return Err(BenchError::Wrong { who, answer });
            }
        }
        Ok(())
    }

    async fn native(&self) -> Result<String, String> {
        self.native.dispatch(&run(), &attempt()).await
    }

    async fn raw(&self) -> Result<String, String> {
        let started = self.raw.dispatch(&run(), &attempt()).await?;
        started
            .map(|started| started.external_run_id)
            .map_err(|failure| failure.message)
    }

    async fn host(&self) -> Result<String, String> {
        let call = Call::new(self.installation.clone(), super::work::RUN);
        let started = self.runtime.dispatch(call, run(), attempt()).await;
        started
            .map_err(|error| error.to_string())?
            .map(|started| started.external_run_id)
            .map_err(|failure| failure.message)
    }

    async fn row(
        &self,
        canned: &Canned,
        at_once: usize,
        effort: Effort,
    ) -> Result<Row, BenchError> {
        let operations = effort.operations(OPERATIONS).max(at_once);
        let (mut native, mut raw, mut host) = (Vec::new(), Vec::new(), Vec::new());
        // The first round opens connections and touches memory, and does not count.
        for round in 0..=effort.rounds {
            let costs = [
                round_of("native", canned, operations, at_once, || self.native()).await?,
                round_of("raw", canned, operations, at_once, || self.raw()).await?,
                round_of("host", canned, operations, at_once, || self.host()).await?,
            ];
            if round > 0 {
                let [of_native, of_raw, of_host] = costs;
                native.push(of_native);
                raw.push(of_raw);
                host.push(of_host);
            }
        }
        Ok(Row {
            requests: match self.caching {
                Caching::AsGitHubSays => 1,
                Caching::Never => 2,
            },
            at_once,
            native: Spread::of_cpu(&native),
            // It keeps nothing, so it sends twice as much.
            raw: (self.caching == Caching::Never).then(|| Spread::of_cpu(&raw)),
            host: Spread::of_cpu(&host),
            host_wall: Spread::of_wall(&host),
            native_wall: Spread::of_wall(&native),
        })
    }
}

/// So many dispatches, so many at once.
async fn round_of<F: Future<Output = Result<String, String>>>(
    who: &'static str,
    canned: &Canned,
    operations: usize,
    at_once: usize,
    dispatch: impl Fn() -> F,
) -> Result<Cost, BenchError> {
    let each = operations / at_once;
    let one_after_another = async || {
        for _ in 0..each {
            let answer = dispatch().await;
            if answer.as_deref() != Ok(EXTERNAL) {
                let answer = format!("{answer:?}");
                return Err(BenchError::Wrong { who, answer });
            }
        }
        Ok(())
    };
    let round = Round::begin(canned.cpu().await);
    let all = join_all((0..at_once).map(|_| one_after_another())).await;
    let cost = round.end(canned.cpu().await, each * at_once);
    all.into_iter().collect::<Result<(), BenchError>>()?;
    Ok(cost)
}
