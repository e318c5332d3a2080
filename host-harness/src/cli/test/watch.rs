//! `test --watch`: plays scenarios again when something that they depend on has changed.

use super::{Arguments, Selection, play};
use crate::cli::{Format, Stop, output};
use crate::scenario::affected::{Affected, Known, Watched, affected};
use crate::scenario::suite::Case;
use notify_debouncer_mini::notify::{RecommendedWatcher, RecursiveMode};
use notify_debouncer_mini::{DebounceEventResult, Debouncer, new_debouncer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, SystemTime};
use tokio::sync::mpsc;

/// How long changes are gathered: editors write a file in several steps, compilers write several files.
const GATHER: Duration = Duration::from_millis(150);

/// Folders that a component is usually built from, where they are there.
const SOURCES: [&str; 4] = ["src", "wit", "component/src", "Cargo.toml"];

/// Plays all scenarios, and then those that changes affect. Ctrl-C ends the process, whatever it is doing.
pub(super) async fn watch(arguments: &Arguments, format: Format) -> Result<(), Stop> {
    let (sender, mut changes) = mpsc::unbounded_channel();
    let debouncer = new_debouncer(GATHER, move |changed: DebounceEventResult| {
        // Whoever watched has gone when this fails.
        drop(sender.send(changed));
    });
    let mut eyes = Eyes {
        debouncer: debouncer.map_err(Stop::unusable)?,
        watched: BTreeSet::new(),
        began: SystemTime::now(),
        seen: BTreeMap::new(),
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
        output::write("watching; Ctrl-C ends it\n\n");
        to_play = loop {
            let Some(changed) = changes.recv().await else {
                return Ok(());
            };
            let changed = changed.map_err(Stop::unusable)?;
            let paths = changed.iter().map(|event| absolute(&event.path));
            let paths: Vec<PathBuf> = paths.filter(|path| eyes.has_changed(path)).collect();
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
    output::line(format_args!("building: {command}"));
    match Command::new("sh").args(["-c", command]).status() {
        Ok(status) if status.success() => true,
        Ok(status) => {
            output::line(format_args!(
                "the component was not built: the command has ended with {status}"
            ));
            false
        }
        Err(error) => {
            output::line(format_args!("the component was not built: {error}"));
            false
        }
    }
}

/// What is watched for changes.
struct Eyes {
    debouncer: Debouncer<RecommendedWatcher>,
    watched: BTreeSet<PathBuf>,
    began: SystemTime,
    /// What files looked like when they were last looked at.
    seen: BTreeMap<PathBuf, Look>,
}

/// What a file looks like from outside; nothing if it is not there.
type Look = Option<(SystemTime, u64)>;

fn look(path: &Path) -> Look {
    let file = std::fs::metadata(path).ok()?;
    Some((file.modified().ok()?, file.len()))
}

impl Eyes {
    /// Watches everything that scenarios depend on. Files are watched by their folders, since editors and compilers put
    /// a new file in an old one's place.
    fn look_at(&mut self, watched: &Watched, known: &[Known]) -> Result<(), Stop> {
        for path in watched.scenarios.iter().chain(&watched.sources) {
            self.add(path, RecursiveMode::Recursive)?;
        }
        for known in known {
            let files = [
                Some(&known.file),
                Some(&known.component),
                known.recording.as_ref(),
            ];
            for path in files.into_iter().flatten() {
                self.seen.entry(path.clone()).or_insert_with(|| look(path));
            }
        }
        for path in known.iter().map(|known| &known.component) {
            if let Some(folder) = path.parent().filter(|folder| folder.is_dir()) {
                self.add(folder, RecursiveMode::NonRecursive)?;
            }
        }
        Ok(())
    }

    /// Whether a file is another than when it was last looked at. That it was read is an event too, and no change.
    fn has_changed(&mut self, path: &Path) -> bool {
        let now = look(path);
        let before = self.seen.insert(path.to_owned(), now);
        match before {
            Some(before) => before != now,
            None => now.is_none_or(|(modified, _)| modified >= self.began),
        }
    }

    fn add(&mut self, path: &Path, mode: RecursiveMode) -> Result<(), Stop> {
        if self.watched.insert(path.to_owned()) {
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
