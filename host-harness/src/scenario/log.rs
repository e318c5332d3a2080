//! The log of a scenario: what host and plugin log on its thread goes into its chronicle.
//!
//! There is one subscriber for all threads, which looks for the chronicle of the thread that it is called on. With one for
//! each scenario, a line that is logged for the first time while another scenario begins could be taken for one that
//! nobody listens to, and be missing: `tracing` remembers for each place in the code whether anybody does.

use super::chronicle::{Chronicle, What};
use std::cell::RefCell;
use std::io;
use std::sync::LazyLock;
use tracing::Dispatch;
use tracing::dispatcher::{self, DefaultGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;

/// What goes into the chronicle. The steps of runs are in it anyway.
const LOG: &str = "warn,plugin=debug";

static SUBSCRIBER: LazyLock<Dispatch> = LazyLock::new(|| {
    let log = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(LOG))
        .with_ansi(false)
        .without_time()
        .with_writer(ThisThreads)
        .finish();
    Dispatch::new(log)
});

thread_local! {
    static CHRONICLE: RefCell<Option<Chronicle>> = const { RefCell::new(None) };
}

/// Makes the subscriber, before anything is played, and lets panics be noticed.
pub(super) fn prepare() {
    LazyLock::force(&SUBSCRIBER);
    LazyLock::force(&PANICS);
}

/// A panic of a task ends that task and nobody else hears of it. On a thread that plays a scenario it is written down.
static PANICS: LazyLock<()> = LazyLock::new(|| {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let is_heard = CHRONICLE.with_borrow(Option::is_some);
        if is_heard {
            PANICKED.with_borrow_mut(|all| all.push(format!("a panic: {panic}")));
        } else {
            before(panic);
        }
    }));
});

thread_local! {
    static PANICKED: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
}

/// The panics on this thread since this was last asked.
pub(super) fn panics() -> Vec<String> {
    PANICKED.take()
}

/// Writes the log of this thread into a chronicle, as long as this lives.
pub(super) struct Listening {
    _guard: DefaultGuard,
}

/// Begins to listen on this thread.
#[must_use]
pub(super) fn listen(chronicle: &Chronicle) -> Listening {
    prepare();
    CHRONICLE.set(Some(chronicle.clone()));
    Listening {
        _guard: dispatcher::set_default(&SUBSCRIBER),
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        CHRONICLE.set(None);
    }
}

struct ThisThreads;

impl<'w> MakeWriter<'w> for ThisThreads {
    type Writer = Line;

    fn make_writer(&'w self) -> Line {
        Line(Vec::new())
    }
}

/// A line that is being written.
struct Line(Vec<u8>);

impl io::Write for Line {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let chronicle = CHRONICLE.with_borrow(Clone::clone);
        if let Some(chronicle) = chronicle {
            for line in String::from_utf8_lossy(&self.0).lines() {
                chronicle.note(What::Log(line.trim().to_owned()));
            }
        }
    }
}
