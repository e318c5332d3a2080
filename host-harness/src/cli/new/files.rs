//! What a new plugin is made of: the files of `host-harness/template` and a copy of the contract.

/// A file to be written.
pub(super) struct File {
    /// Where, in the plugin's folder.
    pub(super) path: &'static str,
    /// What, with places for the name.
    pub(super) text: &'static str,
}

macro_rules! files {
    ($($path:literal from $source:literal),* $(,)?) => {
        [$(File {
            path: $path,
            text: include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/", $source)),
        }),*]
    };
}

/// All files, in the order in which they are best read.
pub(super) const FILES: [File; 18] = files![
    "README.md" from "template/README.md",
    "Cargo.toml" from "template/Cargo.toml.template",
    "build.rs" from "template/build.rs",
    ".cargo/config.toml" from "template/cargo-config.toml",
    "rustfmt.toml" from "template/rustfmt.toml",
    ".gitignore" from "template/gitignore",
    "src/lib.rs" from "template/src/lib.rs",
    "src/jobs.rs" from "template/src/jobs.rs",
    "src/http.rs" from "template/src/http.rs",
    "scenarios/a_run_ends_as_its_job_ends.toml" from "template/scenarios/a_run_ends_as_its_job_ends.toml",
    "scenarios/a_limit_of_the_server_is_a_pause.toml" from "template/scenarios/a_limit_of_the_server_is_a_pause.toml",
    "wit/world.wit" from "../wit/world.wit",
    "wit/actions.wit" from "../wit/actions.wit",
    "wit/types.wit" from "../wit/types.wit",
    "wit/logging.wit" from "../wit/logging.wit",
    "wit/deps/clocks.wit" from "../wit/deps/clocks.wit",
    "wit/deps/http.wit" from "../wit/deps/http.wit",
    "wit/deps/io.wit" from "../wit/deps/io.wit",
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    fn names_in(folder: &str) -> BTreeSet<String> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap())
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect()
    }

    /// A file of the contract or the template that is added later must not be forgotten here.
    #[test]
    fn every_file_of_the_contract_and_the_template_is_written() {
        for (source, written) in [
            ("../wit", "wit/"),
            ("../wit/deps", "wit/deps/"),
            ("template/src", "src/"),
            ("template/scenarios", "scenarios/"),
        ] {
            let mut there = names_in(source);
            // It is about changes of the contract, which a plugin does not make; `world.wit` names it.
            there.remove("VERSIONING.md");
            let listed: BTreeSet<String> = FILES
                .iter()
                .filter_map(|file| file.path.strip_prefix(written))
                .filter(|rest| !rest.contains('/'))
                .map(str::to_owned)
                .collect();
            assert_eq!(listed, there, "{source}");
        }
    }
}
