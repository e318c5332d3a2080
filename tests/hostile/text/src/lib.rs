//! Hostile components, written in the text format, each in a file of `guests/`; what a file needs not say, the build
//! script adds.
//!
//! The macro `text_guests!` calls a macro with the names of all files, and [`COMPONENTS`] holds what became of them. The
//! test program makes a test of each name: so a new file without a test does not compile.

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// The component that was made of a file.
///
/// # Panics
/// If there is no such file.
#[must_use]
pub fn component(name: &str) -> &'static [u8] {
    let found = COMPONENTS.iter().find(|(given, _)| *given == name);
    #[expect(clippy::expect_used, reason = "for tests alone")]
    found.expect("a file of this name").1
}
