//! The host under test: this program's own `serve`, as a process that can be killed.

use super::CampaignError;
use super::world::{WEBHOOK_SECRET, World};
use crate::{clock, journal};
use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

/// How long a claimed run is kept from the next process when this one dies before the ack.
const VISIBILITY: Duration = Duration::from_secs(3);
/// A process that was told to stop and has not ended by then is killed.
const PATIENCE: Duration = Duration::from_secs(10);

/// What every process of a campaign is started with.
#[derive(Debug)]
pub(super) struct Launcher {
    program: PathBuf,
    component: PathBuf,
    folder: PathBuf,
}

/// What one process is started with beside that.
#[derive(Debug, Clone, Default)]
pub(super) struct Start {
    /// By how many seconds its clock is wrong.
    pub(super) clock: i64,
    /// Where it kills itself: `before:N` or `after:N`.
    pub(super) crash: Option<String>,
    /// The size that its journal may not exceed, in MiB.
    pub(super) journal_limit: Option<u32>,
}

/// A process at work. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Process {
    child: Child,
    /// When it was started.
    pub(super) since: Instant,
    /// The same by the wall clock.
    pub(super) started: SystemTime,
    /// By how many seconds its clock is wrong.
    pub(super) clock: i64,
    /// Since when it has been told to stop.
    stopping: Option<Instant>,
}

impl Launcher {
    /// A launcher of `program` in `folder`, which the files of the host go to.
    pub(super) fn new(program: &Path, component: &Path, folder: &Path) -> Launcher {
        Launcher {
            program: program.to_owned(),
            component: component.to_owned(),
            folder: folder.to_owned(),
        }
    }

    /// Where the host's log is.
    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("host.log")
    }

    /// Starts a process.
    pub(super) fn start(&self, world: &World, start: &Start) -> Result<Process, CampaignError> {
        let config = self.folder.join("host.toml");
        let text = config_text(world, &self.component, start);
        std::fs::write(&config, text).map_err(|error| CampaignError::file(&config, error))?;
        let log = open(&self.log())?;
        let also = log
            .try_clone()
            .map_err(|error| CampaignError::file(&self.log(), error))?;
        let mut command = Command::new(&self.program);
        command
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .env("RUST_LOG", "info")
            .env("CAMPAIGN_PORT_SECRET", world.port.client_secret())
            .env("CAMPAIGN_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .env_remove(journal::CRASH_VARIABLE)
            .env_remove(clock::OFFSET)
            .stdin(Stdio::null())
            .stdout(also)
            .stderr(log);
        for site in &world.sites {
            command.env(token_variable(&site.id), &site.token);
        }
        if start.clock != 0 {
            command.env(clock::OFFSET, start.clock.to_string());
        }
        if let Some(crash) = &start.crash {
            command.env(journal::CRASH_VARIABLE, crash);
        }
        let child = command
            .spawn()
            .map_err(|error| CampaignError::file(&self.program, error))?;
        Ok(Process {
            child,
            since: Instant::now(),
            started: SystemTime::now(),
            clock: start.clock,
            stopping: None,
        })
    }
}

impl Process {
    /// Kills it with SIGKILL.
    pub(super) fn kill(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Sends SIGTERM.
    pub(super) fn terminate(&mut self) {
        let id = i32::try_from(self.child.id()).ok();
        if let Some(pid) = id.and_then(rustix::process::Pid::from_raw) {
            // It may have ended already.
            let _ = rustix::process::kill_process(pid, rustix::process::Signal::TERM);
        }
        self.stopping = Some(Instant::now());
    }

    /// Whether it has been told to stop.
    pub(super) fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Whether it was told to stop so long ago that it will not.
    pub(super) fn refuses_to_stop(&self) -> bool {
        self.stopping
            .is_some_and(|since| since.elapsed() > PATIENCE)
    }

    /// How it has ended, if it has.
    pub(super) fn ended(&mut self) -> Option<Ended> {
        let status = self.child.try_wait().ok().flatten()?;
        Some(Ended(status))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// How a process has ended.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ended(ExitStatus);

impl Ended {
    /// By SIGKILL: the point of its journal at which it was to kill itself.
    pub(super) fn is_killed(self) -> bool {
        self.0.signal() == Some(rustix::process::Signal::KILL.as_raw())
    }

    /// By itself, as a process does that was told to stop.
    pub(super) fn is_orderly(self) -> bool {
        self.0.success()
    }

    /// By SIGTERM: it was told to stop before it was ready to hear it.
    pub(super) fn is_terminated(self) -> bool {
        self.0.signal() == Some(rustix::process::Signal::TERM.as_raw())
    }
}

impl std::fmt::Display for Ended {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

fn open(path: &Path) -> Result<File, CampaignError> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map_err(|error| CampaignError::file(path, error))
}

fn token_variable(site: &str) -> String {
    format!("CAMPAIGN_TOKEN_{}", site.to_uppercase().replace('-', "_"))
}

/// The host's configuration: quick enough that a campaign takes minutes, otherwise as anybody would run it.
fn config_text(world: &World, component: &Path, start: &Start) -> String {
    let mut text = format!(
        "component = {component:?}\n\
         listen = \"{listen}\"\n\n\
         [port]\n\
         base-url = \"{port}\"\n\
         client-id = \"{client}\"\n\
         client-secret = {{ env = \"CAMPAIGN_PORT_SECRET\" }}\n\
         poll-interval-ms = 100\n\
         visibility-timeout-ms = {visibility}\n",
        listen = world.listen,
        port = world.port.base_url(),
        client = world.port.client_id(),
        visibility = VISIBILITY.as_millis(),
    );
    text.push_str("\n[scheduler]\nshutdown-seconds = 3\nlimit-pause-seconds = 0.5\n");
    text.push_str("\n[check]\nfirst-seconds = 0.3\nlongest-seconds = 1\n");
    if let Some(limit) = start.journal_limit {
        let _ = writeln!(text, "\n[journal]\nmax-mib = {limit}");
    }
    for site in &world.sites {
        let _ = write!(
            text,
            "\n[[installation]]\n\
             id = \"{id}\"\n\
             hosting = \"self-hosted\"\n\
             organization = \"{organization}\"\n\
             api-url = \"{github}\"\n\
             allow-plain-http = true\n\
             allow-addresses = [\"127.0.0.0/8\"]\n\
             credential = {{ token = {{ env = \"{token}\" }} }}\n\
             webhook-secret = {{ env = \"CAMPAIGN_WEBHOOK_SECRET\" }}\n\
             settings = {{ discovery-seconds = 2 }}\n",
            id = site.id,
            organization = site.organization,
            github = world.github.api_url(),
            token = token_variable(&site.id),
        );
    }
    text
}
