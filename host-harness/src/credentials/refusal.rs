//! Why an App gets no token.

use std::time::Duration;

/// Why GitHub gives no token, whatever is tried. The texts are for whoever can change it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The request names no organization, and the installation is not fixed to one.
    NoOrganization,
    /// The App is not installed.
    NotInstalled,
    /// The App is installed and suspended.
    Suspended,
    /// GitHub does not accept the App's JWT, with its words.
    Key(String),
    /// Anything else, with status and words.
    Other(u16, String),
}

/// Why there is no token.
#[derive(Debug)]
pub enum AppError<E> {
    /// GitHub refuses; see [`GitHubApp::explain`](super::GitHubApp::explain).
    Refused(Refusal),
    /// GitHub wants a pause.
    Limited(Duration),
    /// GitHub could not be reached.
    Unreachable(E),
    /// GitHub answered with an error of its own.
    Unavailable(String),
}
