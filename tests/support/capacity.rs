//! How much a host holds at once and what that takes: the real program, with runs that all wait for a rate limit.

use crate::component::component;
use crate::program::{Program, Running};
use crate::sender::get;
use host_harness::simulator::Fault;
use host_harness::simulator::KeptAddress;
use host_harness::simulator::github::{self, GitHub, Repository, Workflow, secondary_limit};
use host_harness::simulator::port::{self, Port};
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// How long the host may take until it holds all of it.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long nothing may be heard from runs that wait.
const SILENCE: Duration = Duration::from_secs(3);
/// Long enough that nobody goes on while it is measured.
const LIMIT: u64 = 3_600;

/// What was held, and the memory of the process meanwhile, in bytes: what it has allocated, without the program's file.
pub struct Held {
    /// With one installation that has nothing to do.
    pub alone: u64,
    /// With all installations, which have nothing to do.
    pub idle: u64,
    /// With one parked run in each installation.
    pub first: u64,
    /// With all runs parked.
    pub all: u64,
    /// How long it took to claim, plan, ack and park all of them.
    pub parking: Duration,
    /// The most files and sockets that were open meanwhile.
    pub open_files: usize,
    /// Requests to GitHub while they waited, in `SILENCE`.
    pub requests_to_github: usize,
    installations: u64,
    runs: u64,
}

impl Held {
    /// Bytes for one more installation that has nothing to do.
    pub fn per_installation(&self) -> u64 {
        self.idle.saturating_sub(self.alone) / (self.installations - 1)
    }

    /// Bytes for one more parked run.
    pub fn per_run(&self) -> u64 {
        self.all.saturating_sub(self.first) / (self.runs - self.installations)
    }
}

/// Parks so many runs, shared out between so many installations, each with a credential of its own.
pub async fn hold(installations: u64, runs: u64) -> Held {
    let mut host = start(1).await;
    let alone = host.settled().await;
    drop(host);
    let mut host = start(installations).await;
    let idle = host.settled().await;
    host.press(installations);
    let early = host.parked(installations).await;
    let first = host.settled().await;
    let began = Instant::now();
    host.press(runs - installations);
    let open_files = host.parked(runs).await.max(early);
    let parking = began.elapsed();
    let all = host.settled().await;
    let before = host.github.exchanges().len();
    tokio::time::sleep(SILENCE).await;
    let requests_to_github = host.github.exchanges().len() - before;
    assert_eq!(
        (host.github.violations(), host.port.violations()),
        (vec![], vec![])
    );
    Held {
        alone,
        idle,
        first,
        all,
        parking,
        open_files,
        requests_to_github,
        installations,
        runs,
    }
}

struct Many {
    github: GitHub,
    port: Port,
    address: SocketAddr,
    _kept: KeptAddress,
    installations: u64,
    running: Running,
    _program: Program,
}

async fn start(installations: u64) -> Many {
    let github = GitHub::start(github::Options::default()).await.unwrap();
    let port = Port::start(port::Options::default()).await.unwrap();
    github.add_repository(Repository::new("acme", "shop").workflow(Workflow::new("deploy.yml")));
    github.inject(Fault::new("dispatch", secondary_limit(403, Some(LIMIT))));
    let kept = KeptAddress::find().unwrap();
    let address = kept.get();
    let program = Program::new();
    program.file("port-secret", port.client_secret());
    program.file("hook-secret", "a secret of the webhook");
    let mut config = format!(
        r#"component = "{}"
listen = "{address}"
[port]
base-url = "{}"
client-id = "{}"
client-secret = {{ file = "port-secret" }}
poll-interval-ms = 2000
"#,
        component().display(),
        port.base_url(),
        port.client_id(),
    );
    for number in 0..installations {
        let id = id_of(number);
        port.add_integration(&id, true);
        let token = format!("token-of-{id}");
        github.add_token(&token, true, &format!("{id}[bot]"));
        program.file(&token, &token);
        write!(
            config,
            r#"[[installation]]
id = "{id}"
hosting = "self-hosted"
api-url = "{}"
allow-plain-http = true
allow-addresses = ["127.0.0.0/8"]
credential = {{ token = {{ file = "{token}" }} }}
webhook-secret = {{ file = "hook-secret" }}
"#,
            github.api_url()
        )
        .unwrap();
    }
    program.file("host.toml", config);
    let mut running = program.start(&["serve", "--config", "host.toml"]);
    running.line_with("listening on").await;
    Many {
        github,
        port,
        address,
        _kept: kept,
        installations,
        running,
        _program: program,
    }
}

fn id_of(number: u64) -> String {
    format!("site-{number}")
}

impl Many {
    fn press(&self, runs: u64) {
        let properties = r#"{"org":"acme","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"staging"}}"#;
        for number in 0..runs {
            let id = id_of(number % self.installations);
            self.port
                .create_action_run(&id, "dispatch_workflow", properties);
        }
    }

    /// Waits until so many runs wait for the limit, and Port has been told of each. Returns the most files and sockets
    /// that were open meanwhile.
    async fn parked(&self, runs: u64) -> usize {
        let began = Instant::now();
        let mut open_files = 0;
        loop {
            open_files = open_files.max(self.running.open_files());
            let (_, text) = get(self.address, "/metrics").await;
            let value = |name: &str| {
                let line = text.lines().find(|line| line.starts_with(name));
                line.and_then(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
            };
            let parked = value(r#"host_harness_runs{phase="parked"}"#);
            if parked == Some(runs) && value("host_harness_outbox_calls_waiting") == Some(0) {
                return open_files;
            }
            assert!(
                began.elapsed() < PATIENCE,
                "{parked:?} of {runs} are parked:\n{text}"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The memory when every installation has been asked for a few times and nothing else goes on.
    async fn settled(&mut self) -> u64 {
        let claims = self.port.count("claim");
        let wanted = claims + 2 * usize::try_from(self.installations).unwrap();
        let asked = |port: &Port| port.count("claim") >= wanted;
        assert!(self.port.wait_until(PATIENCE, asked).await);
        self.running.memory()
    }
}
