//! The host's log, in both of its forms, as the program writes it.

use std::io::Write;
use std::sync::{Mutex, Once, PoisonError};
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt;

/// One form of the log of this process.
pub struct Form(Mutex<Vec<u8>>);

/// The log as text.
pub static TEXT: Form = Form(Mutex::new(Vec::new()));
/// The log as JSON, a document in each line.
pub static JSON: Form = Form(Mutex::new(Vec::new()));

impl Form {
    /// All lines that hold this word.
    pub fn lines(&self, word: &str) -> Vec<String> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Not `lines`: what looks like an end of a line to anybody is one here.
        let text = String::from_utf8(all.clone()).unwrap();
        let ends = [
            '\n', '\r', '\u{85}', '\u{2028}', '\u{2029}', '\u{b}', '\u{c}',
        ];
        let lines = text.split(ends).filter(|line| line.contains(word));
        lines.map(str::to_owned).collect()
    }
}

impl Write for &Form {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Starts the log of this process, once. Without colours: then every escape in it comes from a guest.
pub fn start() {
    static START: Once = Once::new();
    START.call_once(|| {
        let text = fmt::layer()
            .with_ansi(false)
            .with_target(false)
            .with_writer(|| &TEXT);
        let json = fmt::layer().json().with_writer(|| &JSON);
        let log = tracing_subscriber::registry()
            .with(LevelFilter::DEBUG)
            .with(text)
            .with(json);
        tracing::subscriber::set_global_default(log).unwrap();
    });
}
