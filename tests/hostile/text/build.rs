//! Makes a component of each file in `guests/`.
//!
//! A file holds a core module that says only what it is about: functions of the contract that it does not export are
//! added, and so are a memory and an allocator if it has none (`rest.wat`). Two kinds of comments in a file change the
//! contract that it is built for:
//!
//! * `;; wit: TEXT` adds a line to the contract's world, with the packages in the file `NAME.wit` beside it if there is
//!   one;
//! * `;; contract: THIS => THAT` replaces every THIS in the contract's text.
//!
//! A file that begins with `(component` is a component already.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "a guest that cannot be built must fail the build"
)]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, UnresolvedPackageGroup};

const WIT: &str = "../../../wit";

fn main() {
    println!("cargo::rerun-if-changed=guests");
    println!("cargo::rerun-if-changed=rest.wat");
    println!("cargo::rerun-if-changed={WIT}");
    let out = PathBuf::from(std::env::var("OUT_DIR").expect("set by cargo"));
    let mut names = String::new();
    let mut components = String::new();
    for file in files("guests", "wat") {
        let name = file
            .file_stem()
            .and_then(|name| name.to_str())
            .expect("a plain name");
        let built = out.join(format!("{name}.wasm"));
        std::fs::write(&built, component(&file)).expect("a writable folder");
        let _ = writeln!(names, "{name},");
        let _ = writeln!(components, "({name:?}, include_bytes!({built:?})),");
    }
    let code = format!(
        "/// Calls a macro with the names of all files.\n\
         #[macro_export]\n\
         macro_rules! text_guests {{ ($with:ident) => {{ $with! {{ {names} }} }}; }}\n\
         /// Every component, by the name of its file.\n\
         pub const COMPONENTS: &[(&str, &[u8])] = &[ {components} ];\n"
    );
    std::fs::write(out.join("guests.rs"), code).expect("a writable folder");
}

fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let paths = entries.map(|entry| entry.expect("a readable folder").path());
    let mut files: Vec<PathBuf> = paths
        .filter(|path| path.extension().is_some_and(|found| found == extension))
        .collect();
    files.sort();
    files
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn component(file: &Path) -> Vec<u8> {
    let text = read(file);
    let whole = text.lines().any(|line| line.starts_with("(component"));
    let module = if whole {
        text.clone()
    } else {
        replaced(&text, completed(&text))
    };
    let parsed = wat::Parser::new().parse_str(Some(file), &module);
    let mut binary = parsed.unwrap_or_else(|error| panic!("{error}"));
    if whole {
        return binary;
    }
    let (resolve, world) = contract(file, &text);
    embed_component_metadata(&mut binary, &resolve, world, StringEncoding::UTF8)
        .unwrap_or_else(|error| panic!("{}: {error:#}", file.display()));
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.module(&binary).and_then(|encoder| {
        let encoder = encoder.validate(false);
        encoder.merge_imports_based_on_semver(false).encode()
    });
    encoded.unwrap_or_else(|error| panic!("{}: {error:#}", file.display()))
}

/// The module with what it does not say itself.
fn completed(text: &str) -> String {
    let rest = read(Path::new("rest.wat"));
    let end = text.rfind(')').expect("a module");
    let mut module = text.get(..end).unwrap_or_default().to_owned();
    for part in rest.split("\n\n").filter(|part| part.contains('"')) {
        let export = part.split('"').nth(1).expect("an export with a name");
        if !text.contains(&format!("\"{export}\"")) {
            module.push('\n');
            module.push_str(part);
        }
    }
    module.push_str("\n)");
    module
}

/// The replacements that a file wants in the contract.
fn replaced(file: &str, text: String) -> String {
    let mut text = text;
    for comment in comments(file, ";; contract:") {
        let (this, that) = comment.split_once(" => ").expect("THIS => THAT");
        text = text.replace(this, that);
    }
    text
}

fn comments(file: &str, kind: &str) -> Vec<String> {
    let lines = file.lines().filter_map(|line| line.strip_prefix(kind));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The contract's world, as the file wants it.
fn contract(file: &Path, text: &str) -> (Resolve, wit_parser::WorldId) {
    let lines = comments(text, ";; wit:").join("\n");
    let wit = files(WIT, "wit").into_iter().map(|path| {
        replaced(text, read(&path)).replace("export actions;", &format!("export actions;\n{lines}"))
    });
    let mut resolve = Resolve::default();
    let mut push = |name: String, text: &str| {
        let group = UnresolvedPackageGroup::parse(&name, text)
            .unwrap_or_else(|_| panic!("{name} is no WIT"));
        resolve
            .push_group(group)
            .unwrap_or_else(|error| panic!("{name}: {error:?}"))
    };
    for name in ["io", "clocks", "http"] {
        let path = Path::new(WIT).join("deps").join(format!("{name}.wit"));
        push(name.to_owned(), &read(&path));
    }
    let more = file.with_extension("wit");
    if more.exists() {
        push(more.display().to_string(), &read(&more));
    }
    let mut group = wit_parser::SourceMap::new();
    for (number, text) in wit.enumerate() {
        group.push(Path::new(&format!("contract-{number}.wit")), text);
    }
    let group = group
        .parse()
        .unwrap_or_else(|(_, error)| panic!("the contract: {error:?}"));
    let package = resolve
        .push_group(group)
        .unwrap_or_else(|error| panic!("the contract: {error:?}"));
    let world = resolve
        .select_world(&[package], Some("plugin"))
        .expect("the world");
    (resolve, world)
}
