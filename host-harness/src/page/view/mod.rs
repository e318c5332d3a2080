//! What a person sees: from records to texts, and the templates that texts go into. No I/O; the time is an argument.
//!
//! Texts of strangers are made legible here (nothing in them steers a line) and escaped by the templates.

mod body;
mod deliveries;
mod exchange;
mod installations;
mod moment;
mod run;
mod runs;
mod state;

pub(super) use deliveries::Deliveries;
pub(super) use installations::Sight;
pub(super) use run::RunPage;
pub(super) use runs::{Filter, Overview};

use crate::journal::RunKey;
use askama::Template;
use moment::Moment;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What stays as it is in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What every page shows.
#[derive(Debug, Clone)]
pub(super) struct Frame {
    /// Whether deliveries can be replayed.
    pub(super) allow_replay: bool,
    /// Now, in milliseconds since 1970.
    pub(super) now: u64,
}

impl Frame {
    fn rendered(&self) -> Moment {
        Moment::of(self.now)
    }
}

/// A page that says one sentence.
#[derive(Template)]
#[template(path = "page/message.html")]
pub(super) struct Message {
    pub(super) frame: Frame,
    pub(super) title: &'static str,
    pub(super) text: String,
}

/// Where the page of a run is.
pub(super) fn path_of(run: &RunKey) -> String {
    let encoded = |text: &str| utf8_percent_encode(text, SEGMENT).to_string();
    format!("/runs/{}/{}", encoded(&run.installation), encoded(&run.run))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leads_to_another_page() {
        let run = RunKey {
            installation: "../events?a#b".to_owned(),
            run: "r/1\"><script>".to_owned(),
        };
        assert_eq!(
            path_of(&run),
            "/runs/..%2Fevents%3Fa%23b/r%2F1%22%3E%3Cscript%3E"
        );
    }
}
