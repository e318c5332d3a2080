//! A server that answers as it was told, for plugins of servers that nobody here simulates.
//!
//! It has a list of [`Line`]s: what a request has to look like, and its answer. A request gets the answer of the first
//! line that fits and is not used up. One that fits no line gets 404 and is a contract violation, so that a test finds out
//! about requests that its script does not foresee. Faults strike the operation `request`.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

use crate::network::Network;

use super::fault::{Fault, Faults, Injected};
use super::lock;
use super::recording::{Exchange, Recording};
use super::server::{Received, Reply, Running, Service};
use super::witness::Witness;

/// All operations, as faults and logs name them.
pub const OPERATIONS: &[&str] = &["request"];

/// What a request is compared by. What is not set fits every request.
pub type Fits = Arc<dyn Fn(&Asked<'_>) -> bool + Send + Sync>;

/// A request, as a line sees it.
#[derive(Debug)]
pub struct Asked<'r> {
    /// Upper-case method.
    pub method: &'r str,
    /// Path and query as they came over the wire.
    pub target: &'r str,
    /// Looks a header field up by its lower-case name.
    pub headers: &'r http::HeaderMap,
    /// The body, if it is JSON.
    pub json: Option<Value>,
}

/// A request and its answer.
#[derive(Clone)]
pub struct Line {
    /// Which requests it is for.
    pub fits: Fits,
    /// How often it answers; none for always.
    pub times: Option<u32>,
    /// Status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Vec<u8>,
    /// How long the server takes.
    pub after: Duration,
    /// No answer: the connection breaks.
    pub cut: bool,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("times", &self.times)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A running scripted server. Clones are handles to the same one; it stops with the last of them.
#[derive(Debug, Clone)]
pub struct Script {
    state: Play,
    running: Arc<Running>,
}

#[derive(Debug, Clone)]
struct Play(Arc<State>);

#[derive(Debug)]
struct State {
    recording: Recording,
    faults: Faults,
    lines: Mutex<Vec<Line>>,
}

impl Script {
    /// Starts a server with these lines.
    ///
    /// # Errors
    /// When the address cannot be bound.
    pub async fn start(
        network: &Network,
        listen: SocketAddr,
        lines: Vec<Line>,
        witness: Witness,
    ) -> io::Result<Script> {
        let (state, running) = Running::start(network, listen, |_| {
            Ok(Play(Arc::new(State {
                recording: Recording::new("server", true, witness)?,
                faults: Faults::default(),
                lines: Mutex::new(lines),
            })))
        })
        .await?;
        Ok(Script {
            state,
            running: Arc::new(running),
        })
    }

    /// Base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.running.address)
    }

    /// Injects a fault.
    pub fn inject(&self, fault: Fault) -> Injected {
        self.state.0.faults.inject(fault)
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.state.0.faults.clear();
    }

    /// Every exchange so far, in the order in which answers were decided.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.state.0.recording.exchanges()
    }

    /// Requests that no line was for.
    #[must_use]
    pub fn violations(&self) -> Vec<String> {
        self.state.0.recording.violations()
    }

    /// `false`: nobody listens at the address from now on, and every open connection breaks. `true`: back again.
    pub fn set_reachable(&self, reachable: bool) {
        self.running.set_reachable(reachable);
    }
}

impl State {
    /// The line for a request, which is used up once more.
    fn line(&self, received: &Received) -> Option<Line> {
        let target = match &received.query {
            Some(query) => format!("{}?{query}", received.path),
            None => received.path.clone(),
        };
        let asked = Asked {
            method: &received.method,
            target: &target,
            headers: &received.headers,
            json: serde_json::from_slice(&received.body).ok(),
        };
        let mut lines = lock(&self.lines);
        let line = lines
            .iter_mut()
            .find(|line| line.times != Some(0) && (line.fits)(&asked))?;
        if let Some(times) = &mut line.times {
            *times -= 1;
        }
        Some(line.clone())
    }
}

impl Service for Play {
    fn recording(&self) -> &Recording {
        &self.0.recording
    }

    fn faults(&self) -> &Faults {
        &self.0.faults
    }

    fn operation(&self, _: &Received) -> &'static str {
        "request"
    }

    fn examine(&self, _: &Received, _: &'static str) {}

    fn answer(&self, received: &Received) -> Reply {
        match self.0.line(received) {
            Some(line) => {
                let mut reply = Reply::empty(line.status).body(line.body);
                reply.headers = line.headers;
                reply.after = line.after;
                reply.cut = line.cut;
                reply
            }
            None => {
                let text = format!(
                    "{} {}: the script has no answer to this",
                    received.method, received.path
                );
                self.0.recording.violation(text);
                Reply::json(404, r#"{"message":"the script has no answer to this"}"#)
            }
        }
    }

    fn finish(&self, _: &Received, reply: Reply) -> Reply {
        reply
    }
}
