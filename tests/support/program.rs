//! The real program, run as a user would.

use crate::component::component;
use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

/// A folder with files in it, and the program to run there.
pub struct Program {
    folder: tempfile::TempDir,
}

/// What a run of the program left.
pub struct Finished {
    /// The exit code.
    pub code: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
    command: String,
}

impl Default for Program {
    fn default() -> Program {
        Program::new()
    }
}

impl Program {
    /// An empty folder.
    pub fn new() -> Program {
        Program {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Writes a file; returns its path.
    pub fn file(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The program, ready to be run in the folder with the component that was just built.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_host-harness"));
        command
            .args(arguments)
            .current_dir(self.folder())
            .env("HOST_HARNESS_COMPONENT", component())
            .env_remove("RUST_LOG")
            .stdin(Stdio::null());
        command
    }

    /// Runs the program to its end.
    pub fn run(&self, arguments: &[&str]) -> Finished {
        Finished::of(arguments, self.command(arguments).output().unwrap())
    }

    /// Runs the program to its end, while the servers of the test go on.
    pub async fn run_beside(&self, arguments: &[&str]) -> Finished {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await;
        Finished::of(arguments, output.unwrap().unwrap())
    }

    /// Starts the program; nobody reads its standard output.
    pub fn start_unread(&self, arguments: &[&str]) -> Child {
        let mut child = self
            .command(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        child
    }

    /// Starts the program and lets it run.
    pub fn start(&self, arguments: &[&str]) -> Running {
        self.start_with(arguments, &[])
    }

    /// Starts the program with further environment variables and lets it run.
    pub fn start_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Running {
        let mut command = self.command(arguments);
        command.envs(variables.iter().copied());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, lines) = unbounded_channel();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                // A test that has failed listens no more.
                let _ = sender.send(line);
            }
        });
        let mut stderr = child.stderr.take().unwrap();
        let stderr = thread::spawn(move || {
            let mut text = String::new();
            stderr.read_to_string(&mut text).unwrap();
            text
        });
        Running {
            child,
            lines,
            seen: String::new(),
            stderr: Some(stderr),
            command: arguments.join(" "),
        }
    }
}

/// The program at work. Dropping it kills it.
pub struct Running {
    child: Child,
    lines: UnboundedReceiver<String>,
    seen: String,
    stderr: Option<JoinHandle<String>>,
    command: String,
}

/// How long a line or an end is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

impl Running {
    /// The next line of standard output; none when that has ended.
    async fn next(&mut self) -> Option<String> {
        let next = tokio::time::timeout(PATIENCE, self.lines.recv()).await;
        let line =
            next.unwrap_or_else(|_| panic!("{} is silent after\n{}", self.command, self.seen))?;
        self.seen.push_str(&line);
        self.seen.push('\n');
        Some(line)
    }

    /// The next line of standard output that holds this text.
    pub async fn line_with(&mut self, text: &str) -> String {
        while let Some(line) = self.next().await {
            if line.contains(text) {
                return line;
            }
        }
        panic!(
            "{} has ended without {text:?}:\n{}",
            self.command, self.seen
        )
    }

    /// Waits until the program has ended by itself.
    pub async fn ended(mut self) -> Finished {
        while self.next().await.is_some() {}
        self.finished()
    }

    /// The memory that the process has allocated and touched, in bytes (`RssAnon`, proc(5)).
    pub fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:"));
        let kib = line.unwrap().split_whitespace().nth(1).unwrap();
        kib.parse::<u64>().unwrap() * 1024
    }

    /// How many files and sockets the process has open.
    pub fn open_files(&self) -> usize {
        let files = std::fs::read_dir(format!("/proc/{}/fd", self.child.id()));
        files.unwrap().count()
    }

    /// Sends SIGTERM and waits for the end.
    pub async fn terminate(mut self) -> Finished {
        let id = self.child.id().to_string();
        let killed = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &id])
            .status();
        assert!(killed.unwrap().success());
        while self.next().await.is_some() {}
        self.finished()
    }

    fn finished(&mut self) -> Finished {
        let code = self.child.wait().unwrap().code();
        let stderr = self.stderr.take().map(|thread| thread.join().unwrap());
        Finished {
            code,
            stdout: std::mem::take(&mut self.seen),
            stderr: stderr.unwrap_or_default(),
            command: self.command.clone(),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Finished {
    fn of(arguments: &[&str], output: Output) -> Finished {
        Finished {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            command: arguments.join(" "),
        }
    }

    /// Fails the test unless the program ended with this code.
    #[track_caller]
    pub fn expect_code(&self, code: i32) -> &Finished {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Fails the test unless the program refused to start with one error, in one line; returns what it says.
    #[track_caller]
    pub fn refusal(&self) -> &str {
        self.expect_code(2);
        assert_eq!(self.stdout, "", "{self}");
        assert_eq!(self.stderr.lines().count(), 1, "{self}");
        let said = self.stderr.trim_end().strip_prefix("error: ");
        said.unwrap_or_else(|| panic!("no error: {self}"))
    }

    /// Fails the test if this is printed anywhere.
    #[track_caller]
    pub fn expect_never(&self, secret: &str) -> &Finished {
        assert!(
            !self.stdout.contains(secret) && !self.stderr.contains(secret),
            "{self}"
        );
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {self}"))
    }
}

impl fmt::Display for Finished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "\n--- host-harness {}\n--- exit code {:?}\n--- standard output\n{}--- standard error\n{}",
            self.command, self.code, self.stdout, self.stderr
        )
    }
}
