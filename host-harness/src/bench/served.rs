//! This program's own `serve`, as a process of its own, between a simulated GitHub and a simulated Port.

use super::BenchError;
use super::work::SECRET;
use crate::simulator::KeptAddress;
use crate::simulator::github::{GitHub, Options, Phase, Repository, Workflow};
use crate::simulator::port::{self, Port, RunView};
use std::fmt::Write as _;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long the process may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// Both services, and a folder for the process.
pub(super) struct World {
    pub(super) github: GitHub,
    pub(super) port: Port,
    pub(super) listen: SocketAddr,
    _kept: KeptAddress,
    folder: tempfile::TempDir,
    component: PathBuf,
    installations: usize,
}

/// The process. Dropping it kills it.
pub(super) struct Served {
    child: Child,
    /// From the start of the process until it listened.
    pub(super) listening: Duration,
    /// When it was started.
    pub(super) began: Instant,
}

impl World {
    /// Both services, with one repository for each installation.
    pub(super) async fn build(component: &Path, installations: usize) -> Result<World, BenchError> {
        let build = async || -> Result<World, String> {
            let told = |error: std::io::Error| error.to_string();
            let github = GitHub::start(Options::default()).await.map_err(told)?;
            let options = port::Options {
                keep_bodies: false,
                ..port::Options::default()
            };
            let port = Port::start(options).await.map_err(told)?;
            let kept = KeptAddress::find().map_err(told)?;
            let listen = kept.get();
            for number in 0..installations {
                let owner = owner(number);
                github.add_repository(repository(&owner));
                github.add_token_with_quota(
                    &token(number),
                    true,
                    &format!("{owner}[bot]"),
                    1 << 30,
                );
                port.add_integration(&installation(number), true);
                let url = format!("http://{listen}/webhooks/{}", installation(number));
                hook(&github, &owner, url);
            }
            Ok(World {
                github,
                port,
                listen,
                _kept: kept,
                folder: tempfile::tempdir().map_err(told)?,
                component: component.canonicalize().map_err(told)?,
                installations,
            })
        };
        build().await.map_err(BenchError::setup("the services"))
    }

    /// Where the journal is.
    pub(super) fn journal(&self) -> PathBuf {
        self.folder.path().join("journal.db")
    }

    /// Starts the process; `cache` is where it keeps compiled components.
    pub(super) fn serve(&self, cache: &Path) -> Result<Served, BenchError> {
        let start = || -> Result<Served, std::io::Error> {
            let config = self.folder.path().join("host.toml");
            fs::write(&config, self.config(cache))?;
            let log = fs::File::create(self.folder.path().join("host.log"))?;
            let began = Instant::now();
            let mut child = Command::new(std::env::current_exe()?)
                .args(["serve", "--config"])
                .arg(&config)
                .env_remove("RUST_LOG")
                .env("BENCH_PORT_SECRET", self.port.client_secret())
                .env("BENCH_HOOK_SECRET", SECRET)
                .stdin(Stdio::null())
                .stdout(Stdio::piped())
                .stderr(log)
                .spawn()?;
            let mut line = String::new();
            if let Some(stdout) = child.stdout.take() {
                BufReader::new(stdout).read_line(&mut line)?;
            }
            let served = Served {
                child,
                listening: began.elapsed(),
                began,
            };
            match line.starts_with("listening on") {
                true => Ok(served),
                false => Err(std::io::Error::other(self.log())),
            }
        };
        start()
            .map_err(|error| error.to_string())
            .map_err(BenchError::setup("`serve`"))
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("host.log")).unwrap_or_default()
    }

    /// As anybody would write it, with the defaults.
    fn config(&self, cache: &Path) -> String {
        let mut text = format!(
            "component = {:?}\nlisten = \"{}\"\n[runtime]\ncache-directory = {cache:?}\n[port]\nbase-url = \"{}\"\n\
             client-id = \"{}\"\nclient-secret = {{ env = \"BENCH_PORT_SECRET\" }}\n",
            self.component,
            self.listen,
            self.port.base_url(),
            self.port.client_id(),
        );
        for number in 0..self.installations {
            let _ = write!(
                text,
                "[[installation]]\nid = \"{}\"\nhosting = \"self-hosted\"\norganization = \"{}\"\napi-url = \"{}\"\n\
                 allow-plain-http = true\nallow-addresses = [\"127.0.0.0/8\"]\n\
                 credential = {{ token = {{ file = \"{}\" }} }}\nwebhook-secret = {{ env = \"BENCH_HOOK_SECRET\" }}\n",
                installation(number),
                owner(number),
                self.github.api_url(),
                self.token_file(number).display(),
            );
        }
        text
    }

    fn token_file(&self, number: usize) -> PathBuf {
        let file = self.folder.path().join(token(number));
        // Written where it is named first; a file that cannot be written is told by the process.
        let _ = fs::write(&file, token(number));
        file
    }

    /// Presses the buttons, in turn for each installation, and waits until all runs have succeeded.
    pub(super) async fn run(&self, runs: usize) -> Result<(), BenchError> {
        let ids: Vec<String> = (0..runs).map(|number| self.press(number)).collect();
        self.ended(&ids).await
    }

    /// Presses the buttons of a workflow that goes on until it is told to end, and waits until Port knows that all run.
    pub(super) async fn hold(&self, runs: usize) -> Result<Vec<String>, BenchError> {
        let ids: Vec<String> = (0..runs)
            .map(|number| self.press_that(number, HELD))
            .collect();
        self.all(&ids, "started", |run| !run.link.is_empty())
            .await?;
        for run in self.github.runs() {
            self.github.advance(run.id, Phase::InProgress);
        }
        // So that what there is to tell of that has been told.
        self.all(&ids, "said to run", |run| {
            run.status_label.as_deref() == Some("Running")
        })
        .await?;
        Ok(ids)
    }

    /// Waits until all of these have succeeded.
    pub(super) async fn ended(&self, ids: &[String]) -> Result<(), BenchError> {
        self.all(ids, "succeeded", has_succeeded).await
    }

    /// Waits until Port shows this of all these runs.
    async fn all(
        &self,
        ids: &[String],
        what: &str,
        is_so: impl Fn(&RunView) -> bool,
    ) -> Result<(), BenchError> {
        // What is so stays so, and this is asked often.
        let mut known = 0;
        let are = |port: &Port| {
            let rest = ids.get(known..).unwrap_or_default().iter();
            let is_known = |id: &&String| port.run(id).is_some_and(|run| is_so(&run));
            known += rest.take_while(is_known).count();
            known == ids.len()
        };
        if self.port.wait_until(PATIENCE * 5, are).await {
            return Ok(());
        }
        let all = ids.iter().filter_map(|id| self.port.run(id));
        let left = all.filter(|run| !is_so(run)).count();
        Err(self.wrong(&format!("{left} of {} runs are not {what}", ids.len())))
    }

    /// Whether Port knows that this one has succeeded.
    pub(super) fn has_succeeded(&self, id: &str) -> bool {
        self.port.run(id).is_some_and(|run| has_succeeded(&run))
    }

    fn wrong(&self, what: &str) -> BenchError {
        BenchError::Wrong {
            who: "serve",
            answer: format!("{what}\n{}", self.log()),
        }
    }

    /// Presses the button of an installation; returns the run's id.
    pub(super) fn press(&self, number: usize) -> String {
        self.press_that(number, QUICK)
    }

    fn press_that(&self, number: usize, workflow: &str) -> String {
        let number = number % self.installations;
        let properties = format!(
            r#"{{"org":"{}","repo":"shop","workflow":"{workflow}","workflowInputs":{{"environment":"staging"}}}}"#,
            owner(number)
        );
        self.port
            .create_action_run(&installation(number), "dispatch_workflow", &properties)
    }
}

fn has_succeeded(run: &RunView) -> bool {
    run.status == "SUCCESS"
}

/// A workflow that ends by itself, and one that does not.
const QUICK: &str = "deploy.yml";
const HELD: &str = "held.yml";

fn repository(owner: &str) -> Repository {
    let takes = || crate::simulator::github::Input::new("environment");
    let quick = Workflow::new(QUICK)
        .input(takes())
        .queue_time(Duration::from_millis(20))
        .duration(Duration::from_millis(200));
    let held = Workflow::new(HELD).input(takes()).manual();
    Repository::new(owner, "shop")
        .workflow(quick)
        .workflow(held)
}

/// Three deliveries for each run: requested, in progress, completed. As the system in use was measured.
fn hook(github: &GitHub, owner: &str, url: String) {
    github.add_webhook_of_events(owner, url, Some(SECRET.to_owned()), ["workflow_run"]);
}

fn installation(number: usize) -> String {
    format!("site-{number}")
}

fn owner(number: usize) -> String {
    format!("org-{number}")
}

fn token(number: usize) -> String {
    format!("ghs_{number:036}")
}

impl Served {
    /// Its CPU time so far, of all threads that live.
    pub(super) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let of_task = |task: fs::DirEntry| {
            let text = fs::read_to_string(task.path().join("schedstat")).ok()?;
            text.split(' ').next()?.parse::<u64>().ok()
        };
        let nanoseconds = tasks
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(of_task)
            .sum();
        Duration::from_nanos(nanoseconds)
    }

    /// What it has allocated, in bytes.
    pub(super) fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()));
        let status = status.unwrap_or_default();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kib = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<u64>().ok());
        kib.unwrap_or_default() * 1024
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
