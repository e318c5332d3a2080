//! What has to be done again when files have changed.

use std::path::{Path, PathBuf};

/// What is watched.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// Files and folders that were named on the command line.
    pub scenarios: Vec<PathBuf>,
    /// Folders that the component is built from.
    pub sources: Vec<PathBuf>,
}

/// A scenario, as far as it matters here.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its file.
    pub file: PathBuf,
    /// Its component.
    pub component: PathBuf,
    /// Its recording.
    pub recording: Option<PathBuf>,
}

/// What has to be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Affected {
    /// The component has to be built again.
    pub build: bool,
    /// These scenarios have to be played again, by their places.
    pub scenarios: Vec<usize>,
    /// Scenarios have come or gone: all have to be looked for again.
    pub look: bool,
}

impl Affected {
    /// Whether nothing has to be done.
    pub fn is_nothing(&self) -> bool {
        *self == Affected::default()
    }
}

/// What these changed files mean.
pub fn affected(changed: &[PathBuf], watched: &Watched, known: &[Known]) -> Affected {
    let mut affected = Affected::default();
    for path in changed {
        let is_source = watched.sources.iter().any(|it| path.starts_with(it));
        let is_known = known.iter().any(|it| it.file == *path);
        affected.build |= is_source && !is_known;
        affected.look |= !is_known
            && super::suite::is_scenario(path)
            && watched.scenarios.iter().any(|it| path.starts_with(it));
    }
    let touches = |known: &Known| {
        let has_changed = |it: &Path| changed.iter().any(|path| path == it);
        has_changed(&known.file)
            || has_changed(&known.component)
            || known.recording.as_deref().is_some_and(has_changed)
    };
    affected.scenarios = known
        .iter()
        .enumerate()
        .filter(|(_, known)| touches(known))
        .map(|(number, _)| number)
        .collect();
    affected
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known() -> Vec<Known> {
        let known = |file: &str, component: &str, recording: Option<&str>| Known {
            file: file.into(),
            component: component.into(),
            recording: recording.map(PathBuf::from),
        };
        vec![
            known("/s/a.toml", "/c/one.wasm", None),
            known("/s/b.toml", "/c/two.wasm", Some("/s/b.recording.toml")),
        ]
    }

    fn after(changed: &[&str]) -> Affected {
        let watched = Watched {
            scenarios: vec!["/s".into()],
            sources: vec!["/src".into()],
        };
        let changed: Vec<PathBuf> = changed.iter().map(PathBuf::from).collect();
        affected(&changed, &watched, &known())
    }

    #[test]
    fn a_scenario_is_played_again_when_its_file_its_component_or_its_recording_changes() {
        assert_eq!(after(&["/s/a.toml"]).scenarios, [0]);
        assert_eq!(after(&["/c/two.wasm"]).scenarios, [1]);
        assert_eq!(after(&["/s/b.recording.toml"]).scenarios, [1]);
        assert_eq!(after(&["/c/one.wasm", "/s/b.toml"]).scenarios, [0, 1]);
    }

    #[test]
    fn a_source_is_built_a_new_scenario_is_found_and_anything_else_is_nothing() {
        assert!(after(&["/src/lib.rs"]).build);
        assert!(after(&["/s/new.toml"]).look);
        assert!(after(&["/s/notes.md", "/elsewhere/a.toml"]).is_nothing());
    }
}
