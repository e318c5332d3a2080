//! The name of a new plugin, and where it goes in the files.

/// A name that cargo takes for a package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Name(String);

/// Why a text is no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name:?} cannot be the name of a plugin: {reason}; take one like batch-jobs")]
pub(super) struct NameError {
    name: String,
    reason: &'static str,
}

/// Longest name: that of the largest package name that registries take.
const LONGEST: usize = 64;

/// Names that cargo refuses: keywords of Rust that are lower case, and packages that the plugin depends on or that
/// would hide the standard library.
const TAKEN: [&str; 62] = [
    "abstract",
    "alloc",
    "as",
    "async",
    "await",
    "become",
    "box",
    "break",
    "const",
    "continue",
    "core",
    "crate",
    "do",
    "dyn",
    "else",
    "enum",
    "extern",
    "false",
    "final",
    "fn",
    "for",
    "gen",
    "if",
    "impl",
    "in",
    "let",
    "loop",
    "macro",
    "match",
    "mod",
    "move",
    "mut",
    "override",
    "priv",
    "proc-macro",
    "pub",
    "ref",
    "return",
    "self",
    "serde",
    "serde-json",
    "static",
    "std",
    "struct",
    "super",
    "test",
    "trait",
    "true",
    "try",
    "type",
    "typeof",
    "unsafe",
    "unsized",
    "use",
    "virtual",
    "where",
    "while",
    "wit-bindgen",
    "yield",
    "build",
    "deps",
    "examples",
];

/// What stands in the files for the name, and for the name of the library that is made of it.
const PLACES: [&str; 2] = ["PLUGIN_NAME", "PLUGIN_FILE"];

impl Name {
    /// Checks a name.
    pub(super) fn parse(text: &str) -> Result<Name, NameError> {
        let refuse = |reason| NameError {
            name: text.to_owned(),
            reason,
        };
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !text.bytes().all(allowed) {
            return Err(refuse(
                "only lower-case letters, digits and hyphens are allowed",
            ));
        }
        if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
            return Err(refuse("it has to begin with a letter"));
        }
        if text.ends_with('-') || text.contains("--") {
            return Err(refuse("a hyphen has to stand between two other characters"));
        }
        if text.len() > LONGEST {
            return Err(refuse("it has more than 64 characters"));
        }
        if TAKEN.contains(&text) {
            return Err(refuse("cargo or Rust itself uses it"));
        }
        Ok(Name(text.to_owned()))
    }

    /// The name.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// What cargo calls the library.
    pub(super) fn library(&self) -> String {
        self.0.replace('-', "_")
    }

    /// A text of the template with the name in its places.
    pub(super) fn fill(&self, text: &str) -> String {
        let [name, library] = PLACES;
        text.replace(name, self.as_str())
            .replace(library, &self.library())
    }
}

#[cfg(test)]
mod tests {
    use super::super::files::FILES;
    use super::*;

    #[test]
    fn a_name_is_one_that_cargo_takes() {
        for good in ["batch-jobs", "a", "x1", "a-1-b", &"a".repeat(LONGEST)] {
            assert_eq!(Name::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "Batch",
            "batch_jobs",
            "1batch",
            "-batch",
            "batch-",
            "a--b",
            "a b",
            "../up",
            "/tmp/x",
            "a.b",
            "bätch",
            "fn",
            "test",
            "serde",
            &"a".repeat(LONGEST + 1),
        ] {
            let error = Name::parse(bad).unwrap_err().to_string();
            assert!(error.contains("batch-jobs"), "{error}");
        }
    }

    #[test]
    fn the_name_is_in_the_files_and_no_place_is_left_open() {
        let name = Name::parse("my-own-1").unwrap();
        for file in &FILES {
            let text = name.fill(file.text);
            for place in PLACES {
                assert!(!text.contains(place), "{} still has {place}", file.path);
            }
        }
        let filled = |path: &str| {
            let file = FILES.iter().find(|file| file.path == path).unwrap();
            name.fill(file.text)
        };
        assert!(filled("Cargo.toml").contains("name = \"my-own-1\"\n"));
        assert!(filled("README.md").contains("release/my_own_1.wasm\n"));
    }
}
