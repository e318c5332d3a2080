//! A fresh instance alone: a store, an instance in it, and both dropped again.

use super::measure::{Round, Spread};
use super::raw::Raw;
use super::{BenchError, Effort, load};
use crate::engine::EngineOptions;
use crate::engine::call::{Context, instantiate};
use crate::installation::Installation;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Instances in a round.
const OPERATIONS: usize = 20_000;

/// What an instance costs, in microseconds of CPU time.
#[derive(Debug, Serialize)]
pub struct Row {
    /// In wasmtime alone.
    pub raw: Spread,
    /// With the host's state, limits and clocks.
    pub host: Spread,
}

/// Measures it.
pub async fn measure(component: &Path, effort: Effort) -> Result<Row, BenchError> {
    let (engine, plugin) = load(component, &EngineOptions::default()).await?;
    let nobody = Arc::new(Installation::nobody());
    let raw = Raw::load(&engine, component, nobody.public())?;
    let operations = effort.operations(OPERATIONS);
    let (mut of_raw, mut of_host) = (Vec::new(), Vec::new());
    for counts in [false]
        .into_iter()
        .chain(std::iter::repeat_n(true, effort.rounds))
    {
        let round = Round::begin(Duration::ZERO);
        for _ in 0..operations {
            raw.instantiate()
                .await
                .map_err(BenchError::setup("an instance"))?;
        }
        let one = round.end(Duration::ZERO, operations);
        let round = Round::begin(Duration::ZERO);
        for _ in 0..operations {
            let context = Context::new(nobody.clone());
            instantiate(plugin.callee(), context)
                .await
                .map_err(|error| error.to_string())
                .map_err(BenchError::setup("an instance"))?;
        }
        let other = round.end(Duration::ZERO, operations);
        if counts {
            of_raw.push(one);
            of_host.push(other);
        }
    }
    Ok(Row {
        raw: Spread::of_cpu(&of_raw),
        host: Spread::of_cpu(&of_host),
    })
}
