//! `test --watch`: plays scenarios again when something that they depend on has changed.

use super::{Arguments, Selection, play};
use crate::cli::signals::Signals;
use crate::cli::{Format, Stop};
use crate::scenario::affected::{Affected, Known, Watched, affected};
use crate::scenario::suite::Case;
use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long changes are gathered: editors write a file in several steps, compilers write several files.
const GATHER: Duration = Duration::from_millis(150);

/// Folders that a component is usually built from, where they are there.
const SOURCES: [&str; 4] = ["src", "wit", "component/src", "Cargo.toml"];

/// Plays all scenarios, and then those that changes affect, until the process is told to stop.
pub(super) async fn watch(arguments: &Arguments, format: Format) -> Result<(), Stop> {
    let mut signals = Signals::listen()?;
    let (sender, mut changes) = mpsc::unbounded_channel();
    let debouncer = new_debouncer(GATHER, move |changed: DebounceEventResult| {
        // Whoever watched has gone when this fails.
        drop(sender.send(changed));
    });
    let mut eyes = Eyes {
        debouncer: debouncer.map_err(Stop::unusable)?,
        seen: BTreeSet::new(),
    };
    let watched = Watched {
        scenarios: arguments.paths.iter().map(|it| absolute(it)).collect(),
        sources: sources(arguments),
    };
    let mut to_play = Selection::All;
    loop {
        let (cases, _) = play(arguments, format, &to_play).await?;
        let known = known(&cases, &arguments.component.component);
        eyes.look_at(&watched, &known)?;
        println!("watching; Ctrl-C ends it\n");
        to_play = loop {
            let changed = tokio::select! {
                () = signals.next() => return Ok(()),
                changed = changes.recv() => changed,
            };
            let Some(changed) = changed else {
                return Ok(());
            };
            let paths: Vec<PathBuf> = changed
                .map_err(Stop::unusable)?
                .iter()
                .map(|event| absolute(&event.path))
                .collect();
            if let Some(selection) = selection(&affected(&paths, &watched, &known), arguments) {
                break selection;
            }
        };
    }
}

/// What is to be played after changes; nothing if they affect nothing. Builds the component if they affect that.
fn selection(affected: &Affected, arguments: &Arguments) -> Option<Selection> {
    if affected.build
        && let Some(command) = &arguments.build
        && build(command)
    {
        // Every scenario may have another component now.
        return Some(Selection::All);
    }
    match affected {
        Affected { look: true, .. } => Some(Selection::All),
        Affected { scenarios, .. } if !scenarios.is_empty() => {
            Some(Selection::These(scenarios.clone()))
        }
        _ => None,
    }
}

/// Runs a command of the user's shell; says whether it worked. What it prints is for the user.
fn build(command: &str) -> bool {
    println!("building: {command}");
    match Command::new("sh").args(["-c", command]).status() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            println!("the component was not built: the command has ended with {status}");
            false
        }
        Err(error) => {
            println!("the component was not built: {error}");
            false
        }
    }
}

/// What is watched for changes.
struct Eyes {
    debouncer: Debouncer<RecommendedWatcher>,
    seen: BTreeSet<PathBuf>,
}

impl Eyes {
    /// Watches everything that scenarios depend on. Files are watched by their folders, since editors and compilers put
    /// a new file in an old one's place.
    fn look_at(&mut self, watched: &Watched, known: &[Known]) -> Result<(), Stop> {
        for path in watched.scenarios.iter().chain(&watched.sources) {
            self.add(path, RecursiveMode::Recursive)?;
        }
        for path in known.iter().map(|known| &known.component) {
            if let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
                self.add(folder, RecursiveMode::NonRecursive)?;
            }
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, mode: RecursiveMode) -> Result<(), Stop> {
        if self.seen.insert(path.to_owned()) {
            let watching = self.debouncer.watcher().watch(path, mode);
            watching.map_err(|error| {
                Stop::Unusable(format!("{} cannot be watched: {error}", path.display()))
            })?;
        }
        Ok(())
    }
}

fn sources(arguments: &Arguments) -> Vec<PathBuf> {
    if arguments.build.is_none() {
        return Vec::new();
    }
    let usual = SOURCES.iter().map(PathBuf::from).filter(|it| it.exists());
    let said = arguments.source.iter().cloned();
    let all: Vec<PathBuf> = if arguments.source.is_empty() {
        usual.collect()
    } else {
        said.collect()
    };
    all.iter().map(|it| absolute(it)).collect()
}

fn known(cases: &[Case], component: &Path) -> Vec<Known> {
    let known = |case: &Case| Known {
        file: absolute(&case.file),
        component: absolute(&case.component(component)),
        recording: case.recording().map(|it| absolute(&it)),
    };
    cases.iter().map(known).collect()
}

/// The one spelling of a path that changes are told in. A file that has gone is spelled by its folder.
fn absolute(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| {
        let folder = path.parent().and_then(|it| it.canonicalize().ok());
        match (folder, path.file_name()) {
            (Some(folder), Some(name)) => folder.join(name),
            _ => path.to_owned(),
        }
    })
}
