//! Where a guest shows what it can do: a worker thread that it shares with a neighbour, a server for each, and the log.

use crate::log;
use crate::server::Server;
use host_harness::contract::{
    self, Attempt, Delivery, Failure, Hosting, Run, RunKind, RunUpdate, Started,
};
use host_harness::credentials::Credential;
use host_harness::egress::{Exceptions, Origin, Policy};
use host_harness::engine::{CallError, CallErrorKind, Engine, EngineOptions, Limits, Plugin};
use host_harness::engine::{LoadError, PoolSize};
use host_harness::ingress::WebhookSecret;
use host_harness::installation::Installation;
use host_harness::runtime::{Call, Runtime, RuntimeOptions};
use secrecy::SecretString;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;
use tokio::sync::OnceCell;

/// One test's place.
pub struct Arena {
    pub runtime: Runtime,
    pub limits: Limits,
    pub attacker: Arc<Installation>,
    pub neighbour: Arc<Installation>,
    pub server: Server,
    /// The neighbour's server, of which the attacker should see nothing.
    pub neighbours: Server,
    /// The attacker's credential, which no guest should see.
    pub secret: String,
}

/// Limits that make a test short, and the defaults otherwise.
pub fn limits() -> Limits {
    Limits {
        cpu: Duration::from_millis(200),
        wall: Duration::from_secs(3),
        ..Limits::default()
    }
}

impl Arena {
    /// A place with [`limits`].
    pub async fn new() -> Arena {
        Arena::with(limits()).await
    }

    /// A place with these limits.
    pub async fn with(limits: Limits) -> Arena {
        Arena::of(guests().await, limits).await
    }

    /// A place for this plugin.
    pub async fn of(plugin: Plugin, limits: Limits) -> Arena {
        static NEXT: AtomicU32 = AtomicU32::new(1);
        log::start();
        // Three digits, so that no name is the beginning of another.
        let number = 100 + NEXT.fetch_add(1, Ordering::Relaxed);
        let (server, neighbours) = (Server::start().await, Server::start().await);
        let secret = format!("ghs_canary/+{number}=~of\u{7e}the attacker");
        Arena {
            runtime: runtime(plugin),
            limits,
            attacker: installation(&format!("attacker-{number}"), &server, &secret, limits),
            neighbour: installation(
                &format!("neighbour-{number}"),
                &neighbours,
                "neighbours-secret",
                limits,
            ),
            server,
            neighbours,
            secret,
        }
    }

    /// Lets the attacker do something.
    pub async fn dispatch(
        &self,
        name: &str,
        with: Value,
    ) -> Result<Result<Started, Failure>, CallError> {
        dispatch(&self.runtime, &self.attacker, name, with).await
    }

    /// What the attacker saw, doing something that it may do.
    pub async fn saw(&self, name: &str, with: Value) -> Value {
        seen(self.dispatch(name, with).await)
    }

    /// Why the attacker was stopped, doing something that it may not do.
    pub async fn stopped(&self, name: &str, with: Value) -> CallError {
        let answer = self.dispatch(name, with).await;
        answer.expect_err("the guest was not stopped")
    }

    /// Lets the attacker take a delivery.
    pub async fn deliver(&self, name: &str) -> Result<Result<Vec<RunUpdate>, Failure>, CallError> {
        let delivery = Delivery {
            id: "d_1".to_owned(),
            headers: vec![],
            body: name.as_bytes().to_vec(),
            received: 0,
        };
        let call = Call::new(self.attacker.clone(), "d_1");
        self.runtime.handle_webhook(call, delivery).await
    }

    /// Checks that the next calls of both on the same thread are as good as any.
    pub async fn goes_on(&self) {
        for who in [&self.attacker, &self.neighbour] {
            let with = json!({ "path": "/fine", "requests": 2 });
            let saw = seen(dispatch(&self.runtime, who, "neighbour", with).await);
            let took = saw["microseconds"].as_array();
            assert_eq!(took.map(Vec::len), Some(2), "{saw}");
        }
    }

    /// What the text log says about the attacker.
    pub fn log(&self) -> Vec<String> {
        log::TEXT.lines(self.attacker.id())
    }
}

/// What a guest that came back has seen.
pub fn seen(answer: Result<Result<Started, Failure>, CallError>) -> Value {
    let output: Value = serde_json::from_str(&answer.unwrap().unwrap().output).unwrap();
    output["saw"].clone()
}

/// One call of `dispatch` for a run whose properties name a behaviour.
pub async fn dispatch(
    runtime: &Runtime,
    who: &Arc<Installation>,
    name: &str,
    with: Value,
) -> Result<Result<Started, Failure>, CallError> {
    let mut properties = with;
    if properties.is_null() {
        properties = json!({});
    }
    properties["do"] = Value::from(name);
    let run = Run {
        id: "r_hostile".to_owned(),
        kind: RunKind::Action,
        action_type: "misbehave".to_owned(),
        properties: properties.to_string(),
    };
    let attempt = Attempt {
        number: 1,
        first_began: 0,
        taken: vec![],
    };
    let call = Call::new(who.clone(), "r_hostile");
    runtime.dispatch(call, run, attempt).await
}

/// Checks why a call was stopped.
#[track_caller]
pub fn expect_stop(error: &CallError, kind: &CallErrorKind) {
    assert_eq!(&error.kind, kind, "{error}");
}

/// Checks that a call trapped, and that the reason holds this text.
#[track_caller]
pub fn expect_trap(error: &CallError, reason: &str) {
    match &error.kind {
        CallErrorKind::Trap(text) if text.contains(reason) => {}
        other => panic!("expected a trap with {reason:?}, got {other:?}"),
    }
}

fn runtime(plugin: Plugin) -> Runtime {
    let options = RuntimeOptions {
        threads: 1,
        ..RuntimeOptions::default()
    };
    Runtime::start(plugin, options).unwrap()
}

fn installation(id: &str, server: &Server, secret: &str, limits: Limits) -> Arc<Installation> {
    let url = server.url();
    let origin = Origin::of(&url.parse().unwrap()).unwrap();
    let installation = Installation::new(
        contract::Installation {
            id: id.to_owned(),
            hosting: Hosting::SelfHosted,
            organization: None,
            api_url: url,
            live_events: false,
            settings: "{}".to_owned(),
        },
        Policy::only(origin),
        Credential::Token(SecretString::from(secret)),
        WebhookSecret::Missing,
    );
    let installation = installation.with_exceptions(Exceptions::loopback());
    Arc::new(installation.with_limits(limits))
}

/// The engine of this process.
pub async fn engine() -> &'static Engine {
    static ENGINE: OnceCell<Engine> = OnceCell::const_new();
    let start = async || {
        let options = EngineOptions {
            pool: PoolSize { instances: 100 },
            ..EngineOptions::default()
        };
        Engine::new(&options).unwrap()
    };
    ENGINE.get_or_init(start).await
}

/// The plugin with all guests that are written in Rust, built from the source as it is now.
async fn guests() -> Plugin {
    static PLUGIN: OnceCell<Plugin> = OnceCell::const_new();
    let load = async || Plugin::load(engine().await, built()).await.unwrap();
    PLUGIN.get_or_init(load).await.clone()
}

fn built() -> &'static Path {
    static BUILT: LazyLock<PathBuf> = LazyLock::new(|| {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let built = Command::new(root.join("component/build.sh"))
            .arg("hostile-guests")
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(built.status.success(), "component/build.sh failed");
        PathBuf::from(String::from_utf8(built.stdout).unwrap().trim())
    });
    &BUILT
}

/// Loads a component that is written in the text format.
pub async fn load(name: &str) -> Result<Plugin, LoadError> {
    log::start();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(format!("{name}.wasm"));
    std::fs::write(&file, hostile_text::component(name)).unwrap();
    Plugin::load(engine().await, &file).await
}
