//! The real program between a simulated GitHub and a simulated Port, to be killed and started again on its journal.

use crate::program::{Finished, Program, Running};
use crate::scene::SOON;
use host_harness::simulator::KeptAddress;
use host_harness::simulator::github::{self, GitHub, Repository, Workflow};
use host_harness::simulator::port::{self, Port, RunView};
use std::net::SocketAddr;
use std::time::Duration;

/// The secret that webhooks are signed with.
const HOOK_SECRET: &str = "a secret of the webhook";

/// The world around a program that may die.
pub struct Killable {
    /// The folder with the configuration and the journal.
    pub program: Program,
    /// The simulated GitHub, with the workflows of a scene.
    pub github: GitHub,
    /// The simulated Port.
    pub port: Port,
    /// Where the host listens, in each of its lives.
    pub address: SocketAddr,
    _kept: KeptAddress,
    /// The webhook's id.
    pub webhook: u64,
    host: Option<Running>,
}

impl Killable {
    /// A world whose host has not been started. `more` is appended to its configuration.
    pub async fn new(more: &str) -> Killable {
        let github = GitHub::start(github::Options::default()).await.unwrap();
        let port = Port::start(port::Options::default()).await.unwrap();
        port.add_integration("acme-github", true);
        github.add_repository(
            Repository::new("acme", "shop")
                .workflow(quick("deploy.yml"))
                .workflow(quick("other.yml"))
                .workflow(Workflow::new("held.yml").manual()),
        );
        let kept = KeptAddress::find().unwrap();
        let address = kept.get();
        let url = format!("http://{address}/webhooks/acme-github");
        let webhook = github.add_webhook(url, Some(HOOK_SECRET.to_owned()));
        let program = Program::new();
        program.file("hook-secret", HOOK_SECRET);
        program.file("token", github.token());
        program.file("port-secret", port.client_secret());
        let world = Killable {
            program,
            github,
            port,
            address,
            _kept: kept,
            webhook,
            host: None,
        };
        world.configure("", more);
        world
    }

    /// Writes the configuration: `tables` at its end, `keys` in the installation's table.
    pub fn configure(&self, keys: &str, tables: &str) {
        let (github, port) = (self.github.api_url(), self.port.base_url());
        let (address, client) = (self.address, self.port.client_id());
        let component = crate::component::component().display().to_string();
        self.program.file(
            "host.toml",
            format!(
                r#"component = "{component}"
listen = "{address}"
[port]
base-url = "{port}"
client-id = "{client}"
client-secret = {{ file = "port-secret" }}
poll-interval-ms = 50
visibility-timeout-ms = 3000
[[installation]]
id = "acme-github"
hosting = "self-hosted"
api-url = "{github}"
allow-plain-http = true
allow-addresses = ["127.0.0.0/8"]
credential = {{ token = {{ file = "token" }} }}
webhook-secret = {{ file = "hook-secret" }}
settings = {{ discovery-seconds = 1 }}
{keys}
{tables}
"#
            ),
        );
    }

    /// Presses the button.
    pub fn press(&self, workflow: &str) -> String {
        let properties = format!(r#"{{"org":"acme","repo":"shop","workflow":"{workflow}"}}"#);
        let port = &self.port;
        port.create_action_run("acme-github", "dispatch_workflow", &properties)
    }

    /// Starts the host and waits until it listens.
    pub async fn start(&mut self) {
        self.start_with(&[]).await;
        self.listening().await;
    }

    /// Waits until the host listens.
    pub async fn listening(&mut self) {
        let host = self.host.as_mut().unwrap();
        host.line_with("listening on").await;
    }

    /// Where the page of a host is that listens.
    pub async fn page(&mut self) -> SocketAddr {
        let host = self.host.as_mut().unwrap();
        let line = host.line_with("a page to look at: ").await;
        let place = line.split("http://").nth(1).unwrap();
        place.trim_end_matches('/').parse().unwrap()
    }

    /// Starts the host with environment variables, whatever becomes of it.
    pub async fn start_with(&mut self, variables: &[(&str, &str)]) {
        let serve = ["serve", "--config", "host.toml"];
        self.host = Some(self.program.start_with(&serve, variables));
    }

    /// Lets the host kill itself at a point of its journal, and waits until it has.
    pub async fn die_at(&mut self, point: &str) {
        self.start_with(&[("HOST_HARNESS_CRASH", point)]).await;
        let ended = self.host.take().unwrap().ended().await;
        assert_eq!(ended.code, None, "it was not killed at {point}: {ended}");
        self.port.client_was_killed();
    }

    /// Kills the host.
    pub fn kill(&mut self) {
        drop(self.host.take());
        self.port.client_was_killed();
    }

    /// Tells the host to stop and waits until it has.
    pub async fn terminate(&mut self) -> Finished {
        self.host.take().unwrap().terminate().await
    }

    /// Waits until a run has ended in Port, once.
    pub async fn ended(&self, id: &str) -> RunView {
        self.port.wait_until_ended(id, SOON).await;
        let run = self.port.run(id).unwrap();
        assert!(run.ended() && run.terminal_reports == 1, "{run:#?}");
        run
    }

    /// Waits until a run has ended in Port, and fails the test unless it succeeded.
    pub async fn succeeded(&self, id: &str) -> RunView {
        let run = self.ended(id).await;
        assert!(run.succeeded(), "{run:#?}");
        assert!(
            run.external_run_id.is_some() && run.link.len() == 1,
            "{run:#?}"
        );
        run
    }

    /// Fails the test if the host did anything that a correct client would never do, or started more than this.
    pub fn expect_runs(&self, runs: usize) {
        assert_eq!(self.github.runs().len(), runs);
        assert_eq!(
            (self.github.violations(), self.port.violations()),
            (vec![], vec![])
        );
    }
}

fn quick(file: &str) -> Workflow {
    Workflow::new(file)
        .queue_time(Duration::from_millis(20))
        .duration(Duration::from_millis(60))
}
