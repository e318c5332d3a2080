//! `bench`: what the host costs, beside baselines that do the same work.

use super::{ComponentArgument, Output, Stop, output};
use crate::bench::{
    Effort, delivery, dispatch, flood, instance, journal, life, report::Report, steady,
};
use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `bench`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only these.
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Group>,
    /// A few rounds of few operations: to see that everything can be measured. Its figures mean little.
    #[arg(long)]
    quick: bool,
    /// A file for the figures as JSON, as well.
    #[arg(long)]
    json: Option<PathBuf>,
    #[command(flatten)]
    component: ComponentArgument,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Group {
    /// Starting a workflow.
    Dispatch,
    /// A fresh instance.
    Instance,
    /// A webhook.
    Delivery,
    /// The changes of runs in the journal, and nothing else.
    Journal,
    /// Whole runs through `serve`, with several numbers of installations and of runs in the journal. Linux only.
    Life,
    /// Many runs that end, at once and at a steady rate, through `serve`. Linux only.
    Flood,
    /// How soon `serve` is there, and how soon it does something.
    Start,
}

pub(super) async fn run(arguments: Arguments, format: Output) -> Result<(), Stop> {
    let effort = if arguments.quick {
        Effort::QUICK
    } else {
        Effort::FULL
    };
    let component = &arguments.component.component;
    let wants = |group| arguments.only.is_empty() || arguments.only.contains(&group);
    let mut report = Report::default();
    if wants(Group::Instance) {
        let row = instance::measure(component, effort).await;
        report.instance = Some(row.map_err(Stop::unusable)?);
    }
    if wants(Group::Delivery) {
        let rows = delivery::measure(component, effort).await;
        report.delivery = Some(rows.map_err(Stop::unusable)?);
    }
    if wants(Group::Dispatch) {
        let rows = dispatch::measure(component, effort).await;
        report.dispatch = Some(rows.map_err(Stop::unusable)?);
    }
    if wants(Group::Journal) {
        let rows = journal::measure(effort);
        report.journal = Some(rows.map_err(Stop::unusable)?);
    }
    if wants(Group::Start) {
        let start = life::starts(component, effort).await;
        report.start = Some(start.map_err(Stop::unusable)?);
    }
    if wants(Group::Life) {
        let rows = life::measure(component, effort).await;
        report.life = Some(rows.map_err(Stop::unusable)?);
    }
    if wants(Group::Flood) {
        let row = flood::measure(component, effort).await;
        report.flood = Some(row.map_err(Stop::unusable)?);
        let row = steady::measure(component, effort).await;
        report.steady = Some(row.map_err(Stop::unusable)?);
    }
    let json = serde_json::to_value(&report).map_err(Stop::unusable)?;
    if let Some(file) = &arguments.json {
        let text = format!("{json:#}\n");
        std::fs::write(file, text)
            .map_err(|error| Stop::unusable(format!("{}: {error}", file.display())))?;
    }
    match format {
        Output::Json => output::print(&json),
        Output::Text => output::write(&format!("{}\n", report.table())),
    }
    Ok(())
}
