//! Looking for a secret in whatever a run leaves behind, however it is spelt. Not by the host's own scrubber, which is
//! what is tested.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::path::Path;

/// Everything that is searched: each part with what it is.
#[derive(Default)]
pub struct Haystack(Vec<(String, Vec<u8>)>);

impl Haystack {
    /// Adds something to search.
    pub fn add(&mut self, what: impl Into<String>, bytes: impl Into<Vec<u8>>) {
        self.0.push((what.into(), bytes.into()));
    }

    /// Adds every file of a folder whose name begins like this.
    pub fn add_files(&mut self, folder: &Path, begin: &str) {
        let before = self.0.len();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with(begin) {
                self.add(format!("the file {name}"), std::fs::read(&path).unwrap());
            }
        }
        assert!(self.0.len() > before, "no file {begin}… to search");
    }

    /// How many bytes there are to search.
    pub fn size(&self) -> usize {
        self.0.iter().map(|(_, bytes)| bytes.len()).sum()
    }

    /// Where a secret is, in which spelling.
    pub fn find(&self, secret: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (spelling, needle) in spellings(secret) {
            for (what, bytes) in &self.0 {
                let place = bytes
                    .windows(needle.len())
                    .position(|it| it == needle.as_slice());
                if let Some(place) = place {
                    let around =
                        place.saturating_sub(60)..(place + needle.len() + 60).min(bytes.len());
                    let around = String::from_utf8_lossy(&bytes[around]).into_owned();
                    found.push(format!("{spelling} in {what}: …{around}…"));
                }
            }
        }
        found
    }

    /// Fails the test if any of these is anywhere.
    #[track_caller]
    pub fn expect_none<'s>(&self, secrets: impl IntoIterator<Item = &'s str>) {
        for secret in secrets {
            assert_eq!(self.find(secret), Vec::<String>::new());
        }
    }
}

/// A secret as it is, in base64 at each of the three places in a group, percent-encoded, in hexadecimal, backwards.
pub fn spellings(secret: &str) -> Vec<(String, Vec<u8>)> {
    let mut all = vec![
        ("plain".to_owned(), secret.as_bytes().to_vec()),
        ("backwards".to_owned(), secret.bytes().rev().collect()),
    ];
    let mut text = |name: &str, text: String| all.push((name.to_owned(), text.into_bytes()));
    for before in 0..3_usize {
        let bytes = [&b"\0\0\0"[..before], secret.as_bytes()].concat();
        // Whole groups only: what comes before and after cannot change those.
        let groups = bytes.len() / 3 * 4;
        let first = if before == 0 { 0 } else { 4 };
        for (name, encoded) in [
            ("base64", STANDARD_NO_PAD.encode(&bytes)),
            ("base64url", URL_SAFE_NO_PAD.encode(&bytes)),
        ] {
            text(name, encoded.chars().take(groups).skip(first).collect());
        }
    }
    let percent = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    text("percent-encoded", secret.bytes().map(percent).collect());
    let hexadecimal: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    text("hexadecimal", hexadecimal.to_uppercase());
    text("hexadecimal", hexadecimal);
    text(
        "JSON",
        serde_json::Value::from(secret)
            .to_string()
            .trim_matches('"')
            .to_owned(),
    );
    all
}

#[test]
fn the_search_finds_what_is_hidden() {
    let secret = "ghs_S3cret/with+signs=and.more";
    let hidden = [
        format!("x{secret}y"),
        STANDARD_NO_PAD.encode(format!("user:{secret}@host")),
        URL_SAFE_NO_PAD.encode(format!("us:{secret}")),
        STANDARD_NO_PAD.encode(secret),
        "ghs%5FS3cret%2Fwith%2Bsigns%3Dand%2Emore".to_owned(),
        "6768735f5333637265742f776974682b7369676e733d616e642e6d6f7265".to_owned(),
    ];
    for text in hidden {
        let mut haystack = Haystack::default();
        haystack.add("here", text.clone());
        assert!(!haystack.find(secret).is_empty(), "{text}");
    }
    let mut haystack = Haystack::default();
    haystack.add("here", "ghs_S3cret/with+signs");
    assert!(haystack.find(secret).is_empty());
}
