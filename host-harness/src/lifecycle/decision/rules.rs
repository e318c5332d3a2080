//! What an operator may set about the lives of runs.

use std::time::Duration;

/// What an operator may set about lives; all per installation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// First pause before the server is asked about a run that there is no news of.
    pub first_check: Duration,
    /// Pauses between checks double up to this.
    pub longest_check: Duration,
    /// How long a run may be on the server before it is cancelled. None: as long as it likes.
    pub max_run: Option<Duration>,
    /// How long a failure waits for somebody to run it again before it is reported. None: not at all.
    pub failure_grace: Option<Duration>,
    /// Whether a run that is ended in Port is cancelled on the server.
    pub cancel_with_port: bool,
    /// First pause where the server wants one and does not say how long; it doubles each time.
    pub limit_pause: Duration,
}

impl Default for Rules {
    /// Checks after half a minute, then up to five minutes apart: news by webhook is faster, and a check costs a
    /// request. Nothing is cancelled and nothing held back. GitHub wants a pause of a minute at least where it does not
    /// say how long ("Best practices for using the REST API").
    fn default() -> Rules {
        Rules {
            first_check: Duration::from_secs(30),
            longest_check: Duration::from_secs(5 * 60),
            max_run: None,
            failure_grace: None,
            cancel_with_port: false,
            limit_pause: Duration::from_secs(60),
        }
    }
}
