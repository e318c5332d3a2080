//! `new`: a small plugin for the same contract and another kind of server, to begin one's own from.

mod files;
mod name;

use super::{Output, Stop, output};
use clap::Args;
use files::FILES;
use name::Name;
use serde_json::json;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Arguments of `new`.
#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The plugin's name, and that of the folder that is made for it: lower-case letters, digits and hyphens.
    name: String,
}

pub(super) fn run(arguments: &Arguments, format: Output) -> Result<(), Stop> {
    let name = Name::parse(&arguments.name).map_err(Stop::unusable)?;
    let folder = PathBuf::from(name.as_str());
    create(&folder)?;
    let written: Vec<PathBuf> = FILES.iter().map(|file| folder.join(file.path)).collect();
    for (file, path) in FILES.iter().zip(&written) {
        write(path, &name.fill(file.text))?;
    }
    let component = format!(
        "target/wasm32-unknown-unknown/release/{}.wasm",
        name.library()
    );
    match format {
        Output::Json => output::print(&json!({
            "ok": true,
            "folder": folder,
            "files": written,
            "component": folder.join(component),
        })),
        Output::Text => {
            for path in &written {
                output::line(format_args!("wrote {}", path.display()));
            }
            output::line(format_args!(
                "\nNext:\n    cd {name}\n    rustup target add wasm32-unknown-unknown\n    cargo build --release\n    \
                 host-harness inspect {component}\n    host-harness test scenarios --component {component}",
                name = name.as_str(),
            ));
        }
    }
    Ok(())
}

/// Makes the folder. One that is there is somebody's work, even if it is empty.
fn create(folder: &Path) -> Result<(), Stop> {
    fs::create_dir(folder).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Stop::Unusable(format!(
            "{} is there already; choose another name, or move it away",
            folder.display()
        )),
        _ => Stop::Unusable(format!(
            "cannot make the folder {}: {error}",
            folder.display()
        )),
    })
}

fn write(path: &Path, text: &str) -> Result<(), Stop> {
    let parent = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(parent)
        .and_then(|()| fs::write(path, text))
        .map_err(|error| Stop::Unusable(format!("cannot write {}: {error}", path.display())))
}
