//! The real program on a terminal, with somebody at the keyboard. The terminal is util-linux's `script`, which every
//! Debian and Ubuntu has: crates for pseudo terminals switch on features with which wasmtime would be compiled again.

use crate::program::Program;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

/// How long something is waited for on the screen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A program on a terminal. Dropping it ends both.
pub struct Terminal {
    child: Child,
    keyboard: ChildStdin,
    screen: Receiver<Vec<u8>>,
    seen: String,
    /// The end of it that has not been looked at.
    unread: String,
}

impl Terminal {
    /// Starts the program on a terminal of its own.
    pub fn start(program: &Program, arguments: &[&str]) -> Terminal {
        let command = program.command(arguments);
        let quoted = |text: &str| format!("'{}'", text.replace('\'', "'\\''"));
        let mut line = quoted(&command.get_program().to_string_lossy());
        for argument in command.get_args() {
            line.push(' ');
            line.push_str(&quoted(&argument.to_string_lossy()));
        }
        let mut script = Command::new("script");
        script
            .args(["-q", "-e", "-f", "-c", &line, "/dev/null"])
            .current_dir(program.folder())
            .envs(
                command
                    .get_envs()
                    .filter_map(|(name, value)| Some((name, value?))),
            )
            .env("NO_COLOR", "1")
            .env("TERM", "xterm")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        let mut child = script.spawn().unwrap_or_else(|error| {
            panic!("`script` of util-linux is needed for tests with a terminal: {error}")
        });
        let keyboard = child.stdin.take().unwrap();
        let mut stdout = child.stdout.take().unwrap();
        let (sender, screen) = channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = stdout.read(&mut bytes) {
                // A test that has failed looks no more.
                let _ = sender.send(bytes[..count].to_vec());
            }
        });
        Terminal {
            child,
            keyboard,
            screen,
            seen: String::new(),
            unread: String::new(),
        }
    }

    /// Waits until the screen shows this, after what was waited for before.
    #[track_caller]
    pub fn shows(&mut self, text: &str) {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some((_, after)) = self.unread.split_once(text) {
                self.unread = after.to_owned();
                return;
            }
            let left = until.saturating_duration_since(Instant::now());
            match self.screen.recv_timeout(left) {
                Ok(bytes) => {
                    let shown = String::from_utf8_lossy(&bytes);
                    self.seen.push_str(&shown);
                    self.unread.push_str(&shown);
                }
                Err(_) => panic!("the screen does not show {text:?}:\n{}", self.seen),
            }
        }
    }

    /// Types a line.
    pub fn types(&mut self, text: &str) {
        self.keyboard
            .write_all(format!("{text}\r").as_bytes())
            .unwrap();
        self.keyboard.flush().unwrap();
    }

    /// Waits for the end; returns the exit code and all that was shown.
    pub fn ended(mut self) -> (Option<i32>, String) {
        while let Ok(bytes) = self.screen.recv_timeout(PATIENCE) {
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        (
            self.child.wait().unwrap().code(),
            std::mem::take(&mut self.seen),
        )
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
