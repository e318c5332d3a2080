//! Many scenarios: found, read, and played on all cores.

use super::chronicle::{Detail, told};
use super::error::ScenarioError;
use super::judge::{Complaint, judge};
use super::log;
use super::play::play;
use super::played::Played;
use super::schema::Scenario;
use super::tape::{CALLS, Recordings, Requests, Tape};
use crate::config::{self, ConfigError};
use crate::engine::{Engine, EngineOptions, Plugin, PoolSize};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// A scenario and the file that it is in.
#[derive(Debug, Clone)]
pub struct Case {
    /// The file.
    pub file: PathBuf,
    /// What it claims: the file's name without its ending, and with the folders between it and where was looked.
    pub name: String,
    /// What it says, or what is wrong with the file.
    pub scenario: Result<Box<Scenario>, String>,
}

impl Case {
    /// The file of its recording, if it names one.
    pub fn recording(&self) -> Option<PathBuf> {
        let scenario = self.scenario.as_ref().ok()?;
        let folder = self.file.parent().unwrap_or(&self.file);
        scenario.recording.as_ref().map(|it| folder.join(it))
    }

    /// Its component: the one that it names, or `default`.
    pub fn component(&self, default: &Path) -> PathBuf {
        let said = self
            .scenario
            .as_ref()
            .ok()
            .and_then(|it| it.component.as_ref());
        match said {
            Some(component) => self.file.parent().unwrap_or(&self.file).join(component),
            None => default.to_owned(),
        }
    }
}

/// How a scenario went.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// What it claims.
    pub name: String,
    /// The file.
    pub file: PathBuf,
    /// The rule in a sentence.
    pub why: Option<String>,
    /// What is not as it was expected; empty if it passed.
    pub complaints: Vec<Complaint>,
    /// It could not be played, for this reason.
    pub error: Option<String>,
    /// What happened, for people.
    pub trace: String,
    /// What it took of real time.
    pub took: Duration,
    /// What it took of virtual time.
    pub virtual_time: Duration,
}

impl Verdict {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.complaints.is_empty() && self.error.is_none()
    }

    /// How it went, for people.
    pub fn told(&self) -> String {
        let mut text = String::new();
        let mark = if self.passed() { "ok" } else { "FAILED" };
        // Writing into a string cannot fail.
        let _ = writeln!(text, "{mark} {}", self.name);
        if let (Some(why), false) = (&self.why, self.passed()) {
            let _ = writeln!(text, "  rule: {}", why.trim());
        }
        let _ = writeln!(text, "  file: {}", self.file.display());
        if let Some(error) = &self.error {
            let _ = writeln!(text, "  it could not be played: {error}");
        }
        for complaint in &self.complaints {
            for line in complaint.to_string().lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        if !self.trace.is_empty() {
            let _ = writeln!(text, "  what happened:");
            for line in self.trace.lines() {
                let _ = writeln!(text, "  {line}");
            }
        }
        text.push('\n');
        text
    }
}

/// Ending of the files that hold scenarios.
const ENDING: &str = "toml";
/// Ending of those that hold recordings beside them.
const RECORDING: &str = ".recording.toml";

/// The scenarios in these files and folders, in the order of their names. `filter`: only those whose name contains it.
///
/// # Errors
/// A file or folder cannot be read.
pub fn find(paths: &[PathBuf], filter: Option<&str>) -> io::Result<Vec<Case>> {
    let mut cases = Vec::new();
    let mut seen = BTreeSet::new();
    for path in paths {
        let base = if path.is_dir() {
            path.clone()
        } else {
            path.parent().unwrap_or(path).to_owned()
        };
        let mut files = Vec::new();
        collect(path, &mut files)?;
        files.sort();
        for file in files {
            let name = name(&file, &base);
            let is_new = seen.insert(file.canonicalize().unwrap_or_else(|_| file.clone()));
            if is_new && filter.is_none_or(|filter| name.contains(filter)) {
                cases.push(read(file, name));
            }
        }
    }
    one_recording_each(&mut cases);
    Ok(cases)
}

/// Two scenarios with one recording would write over each other's.
fn one_recording_each(cases: &mut [Case]) {
    let mut owners: BTreeMap<PathBuf, String> = BTreeMap::new();
    for case in cases {
        let Some(file) = case.recording() else {
            continue;
        };
        if let Some(owner) = owners.get(&file) {
            let told = format!("its recording {} is that of {owner} too", file.display());
            case.scenario = Err(format!("{}: {told}", case.file.display()));
        } else {
            owners.insert(file, case.name.clone());
        }
    }
}

fn collect(path: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let in_words =
        |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", path.display()));
    let kind = std::fs::metadata(path).map_err(in_words)?;
    if kind.is_file() {
        // What is named itself is taken whatever it is called.
        files.push(path.to_owned());
        return Ok(());
    }
    if !kind.is_dir() {
        let reason = format!("{} is neither a file nor a folder", path.display());
        return Err(io::Error::other(reason));
    }
    for entry in std::fs::read_dir(path).map_err(in_words)? {
        let entry = entry.map_err(in_words)?;
        // Links are not followed into folders: one that leads up would never end.
        if entry.file_type().map_err(in_words)?.is_dir() {
            if !is_passed_over(&entry.file_name().to_string_lossy()) {
                collect(&entry.path(), files)?;
            }
        } else if is_scenario(&entry.path()) && entry.path().is_file() {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Folders that hold no scenarios: hidden ones, and what cargo builds.
fn is_passed_over(folder: &str) -> bool {
    folder.starts_with('.') || folder == "target"
}

/// Whether a file holds a scenario, by its name: a TOML file that is neither a recording nor cargo's.
pub fn is_scenario(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.extension().is_some_and(|ending| ending == ENDING)
        && !name.ends_with(RECORDING)
        && name != "Cargo.toml"
}

fn name(file: &Path, base: &Path) -> String {
    let inner = file.strip_prefix(base).unwrap_or(file).with_extension("");
    inner.to_string_lossy().replace('\\', "/")
}

fn read(file: PathBuf, name: String) -> Case {
    let scenario = no_dates(&file).and_then(|()| config::load(&file));
    Case {
        scenario: scenario.map(Box::new).map_err(|error| error.to_string()),
        name,
        file,
    }
}

/// TOML has dates, JSON has none: one without quotes would come out as an object that nobody has written.
fn no_dates(file: &Path) -> Result<(), ConfigError> {
    fn find(value: &toml::Value, key: &str) -> Option<String> {
        let mut below: Box<dyn Iterator<Item = (String, &toml::Value)>> = match value {
            toml::Value::Datetime(_) => return Some(key.to_owned()),
            toml::Value::Array(items) => {
                let items = items.iter().enumerate();
                Box::new(items.map(|(number, item)| (format!("{key}[{number}]"), item)))
            }
            toml::Value::Table(members) => {
                let members = members.iter();
                Box::new(members.map(|(name, member)| (format!("{key}.{name}"), member)))
            }
            _ => return None,
        };
        below.find_map(|(key, value)| find(value, &key))
    }
    let table: toml::Table = config::load(file)?;
    match find(&toml::Value::Table(table), "") {
        None => Ok(()),
        Some(key) => {
            let message = "it is a date, and JSON has none: put it into quotes";
            Err(ConfigError::key(file, key.trim_start_matches('.'), message))
        }
    }
}

/// The components that scenarios name, each loaded once.
pub struct Plugins {
    default: PathBuf,
    loaded: BTreeMap<PathBuf, Result<Plugin, String>>,
}

impl Plugins {
    /// Loads what the cases name, and `default` for those that name nothing. A component that cannot be loaded fails the
    /// scenarios that want it.
    ///
    /// # Errors
    /// There can be no engine on this machine.
    pub async fn load(
        cases: &[Case],
        default: &Path,
        jobs: usize,
    ) -> Result<Plugins, crate::engine::EngineError> {
        log::prepare();
        let jobs = u32::try_from(jobs).unwrap_or(u32::MAX);
        let engine = Engine::new(&EngineOptions {
            pool: PoolSize {
                instances: CALLS.saturating_mul(jobs),
            },
            ..EngineOptions::default()
        })?;
        let mut plugins = Plugins {
            default: default.to_owned(),
            loaded: BTreeMap::new(),
        };
        for case in cases {
            if case.scenario.is_err() {
                continue;
            }
            let path = case.component(default);
            if let Entry::Vacant(place) = plugins.loaded.entry(path) {
                let plugin = Plugin::load(&engine, place.key()).await;
                place.insert(plugin.map_err(|error| error.to_string()));
            }
        }
        Ok(plugins)
    }

    fn of(&self, case: &Case) -> Result<&Plugin, String> {
        match self.loaded.get(&case.component(&self.default)) {
            Some(Ok(plugin)) => Ok(plugin),
            Some(Err(error)) => Err(error.clone()),
            None => Err("its component was not loaded".to_owned()),
        }
    }
}

/// How cases are played.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How much of what happened is told.
    pub detail: Detail,
    /// What becomes of recordings.
    pub recordings: Recordings,
}

/// Plays one case.
pub fn run(case: &Case, plugins: &Plugins, manner: Manner) -> Verdict {
    let began = Instant::now();
    let mut verdict = Verdict {
        name: case.name.clone(),
        file: case.file.clone(),
        why: None,
        complaints: Vec::new(),
        error: None,
        trace: String::new(),
        took: Duration::ZERO,
        virtual_time: Duration::ZERO,
    };
    if let Err(error) = play_into(case, plugins, manner, &mut verdict) {
        verdict.error = Some(error);
    }
    verdict.took = began.elapsed();
    verdict
}

fn play_into(
    case: &Case,
    plugins: &Plugins,
    manner: Manner,
    verdict: &mut Verdict,
) -> Result<(), String> {
    let scenario = case.scenario.as_ref().map_err(Clone::clone)?;
    verdict.why.clone_from(&scenario.why);
    let plugin = plugins.of(case)?;
    let in_file = |error: ScenarioError| format!("{}: {error}", case.file.display());
    let file = case.recording();
    let requests = Requests::decide(file.as_deref(), manner.recordings).map_err(in_file)?;
    let played = play(scenario, plugin, &requests).map_err(in_file)?;
    if let (Requests::Recorded(tape), Some(file)) = (&requests, &file) {
        write(tape, &played, file)?;
    }
    verdict.complaints = judge(scenario, &played);
    verdict.virtual_time = played.took;
    // A call sends a few requests, so all of them can be shown; a whole life would fill pages.
    let detail = match manner.detail {
        Detail::Lines if scenario.call.is_some() => Detail::Beginnings,
        detail => detail,
    };
    verdict.trace = told(&played.entries, detail);
    Ok(())
}

fn write(tape: &Tape, played: &Played, file: &Path) -> Result<(), String> {
    let Some(recording) = tape.recording(&played.entries) else {
        return Ok(());
    };
    let text = recording.to_toml().map_err(|error| error.to_string())?;
    std::fs::write(file, text).map_err(|error| {
        format!(
            "the recording {} cannot be written: {error}",
            file.display()
        )
    })
}

/// Plays all cases, `jobs` at a time, and gives the verdicts in the cases' order. `done` is told each as it comes.
pub fn run_all(
    cases: &[Case],
    plugins: &Plugins,
    jobs: usize,
    manner: Manner,
    done: impl Fn(&Verdict) + Sync,
) -> Vec<Verdict> {
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::with_capacity(cases.len()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.clamp(1, cases.len().max(1)) {
            scope.spawn(|| {
                while let Some((number, case)) = take(&next, cases) {
                    let verdict = run(case, plugins, manner);
                    done(&verdict);
                    let mut verdicts = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                    verdicts.push((number, verdict));
                }
            });
        }
    });
    let mut verdicts = verdicts
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    verdicts.sort_by_key(|(number, _)| *number);
    verdicts.into_iter().map(|(_, verdict)| verdict).collect()
}

fn take<'c>(next: &AtomicUsize, cases: &'c [Case]) -> Option<(usize, &'c Case)> {
    let number = next.fetch_add(1, Ordering::Relaxed);
    cases.get(number).map(|case| (number, case))
}
