//! The command line: arguments in, text or JSON out. What the commands do is elsewhere in the library.
//!
//! Exit codes: 0, it worked; 1, it ran and the answer is no (a refused run, a definition with problems, a demo that
//! did not end as it should); 2, it could not start (wrong arguments, configuration or component).

mod bench;
mod chaos;
mod configure;
mod demo;
mod dispatch;
mod doctor;
mod inspect;
mod journal;
mod new;
mod output;
mod serve;
mod signals;
mod simulate;
mod test;
mod webhook;

use crate::config::{ConfigError, InstallationConfig, check_settings, resolve_installation};
use crate::engine::{Engine, EngineOptions, Plugin};
use crate::installation::Installation;
use crate::runtime::{Call, Runtime, RuntimeOptions};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// Runs integration actions (WebAssembly components) for many installations, and tests them on a laptop.
#[derive(Debug, Parser)]
#[command(name = "host-harness", version, arg_required_else_help = true)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// How results are printed.
    #[arg(long, global = true, value_enum, default_value_t = Format::Text)]
    output: Format,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run actions through the real component in the real host, against a simulated GitHub and Port.
    Demo(demo::Arguments),
    /// Dispatch one run and show every request and response.
    Dispatch(dispatch::Arguments),
    /// Put one webhook delivery through the signature check and the component.
    Webhook(webhook::Arguments),
    /// Check and complete the definition of an action before it is saved in Port.
    Configure(configure::Arguments),
    /// Claim runs from Port, run them, and report how they end.
    Serve(serve::Arguments),
    /// Say what is wrong with a set-up, and how to mend it.
    Doctor(doctor::Arguments),
    /// Look into the journal of a host.
    Journal(journal::Arguments),
    /// Put this program under faults and kills, between a simulated GitHub and a simulated Port, and count.
    Chaos(chaos::Arguments),
    /// Measure what the host costs, beside a native client and wasmtime alone that do the same work.
    Bench(bench::Arguments),
    /// Play GitHub or Port for any client.
    Simulate(simulate::Arguments),
    /// Play scenarios: a plugin tested by files, in virtual time, without a network.
    Test(test::Arguments),
    /// Show what a component is: contract, imports, exports, manifest, size, limits.
    Inspect(inspect::Arguments),
    /// Write a small plugin for another kind of server, to begin your own from.
    New(new::Arguments),
}

/// How results may be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    Text,
    /// One JSON object, for programs.
    Json,
    /// JUnit's XML, for build servers; of `test` only.
    Junit,
}

impl Format {
    /// The same for commands that cannot write JUnit's XML.
    fn plain(self) -> Result<Output, Stop> {
        match self {
            Format::Text => Ok(Output::Text),
            Format::Json => Ok(Output::Json),
            Format::Junit => Err(Stop::unusable("only `test` can write `--output junit`")),
        }
    }
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    /// For people.
    Text,
    /// One JSON object, for programs.
    Json,
}

/// Which component to run.
#[derive(Debug, Args)]
struct ComponentArgument {
    /// The component. The default is the one that `make component` builds in this tree.
    #[arg(
        long,
        env = "HOST_HARNESS_COMPONENT",
        default_value = "target/component/wasm32-unknown-unknown/component/github_workflow.wasm"
    )]
    component: PathBuf,
}

/// Why a command ends without having done its work.
#[derive(Debug)]
enum Stop {
    /// It could not start: exit code 2.
    Unusable(String),
    /// It ran, and the answer is no; what there is to say has been printed. Exit code 1.
    No,
}

impl Stop {
    fn unusable(error: impl std::fmt::Display) -> Stop {
        Stop::Unusable(error.to_string())
    }
}

/// Runs a command and returns the process's exit code.
pub fn run(cli: Cli) -> ExitCode {
    let log = match &cli.command {
        Command::Serve(arguments) => serve::log_level(arguments),
        // The simulators tell of every violation; here they are counted instead.
        Command::Chaos(_) => "error",
        _ => "warn",
    };
    start_log(log, cli.output);
    match block_on(execute(cli)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Stop::No) => ExitCode::from(1),
        Err(Stop::Unusable(sentence)) => {
            eprintln!("error: {sentence}");
            ExitCode::from(2)
        }
    }
}

async fn execute(cli: Cli) -> Result<(), Stop> {
    let output = cli.output.plain();
    match cli.command {
        Command::Test(arguments) => test::run(arguments, cli.output).await,
        Command::Demo(arguments) => demo::run(arguments, output?).await,
        Command::Dispatch(arguments) => dispatch::run(arguments, output?).await,
        Command::Webhook(arguments) => webhook::run(arguments, output?).await,
        Command::Configure(arguments) => configure::run(arguments, output?).await,
        Command::Serve(arguments) => serve::run(arguments, output?).await,
        Command::Doctor(arguments) => doctor::run(arguments, output?).await,
        Command::Journal(arguments) => journal::run(arguments, output?),
        Command::Chaos(arguments) => chaos::run(arguments, output?).await,
        Command::Bench(arguments) => bench::run(arguments, output?).await,
        Command::Simulate(arguments) => simulate::run(arguments, output?).await,
        Command::Inspect(arguments) => inspect::run(arguments, output?).await,
        Command::New(arguments) => new::run(&arguments, output?),
    }
}

fn block_on(command: impl Future<Output = Result<(), Stop>>) -> Result<(), Stop> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Stop::unusable)?
        .block_on(command)
}

/// Messages go to standard error, so that standard output holds the result alone. `RUST_LOG` overrides the level.
fn start_log(default: &str, output: Format) {
    use tracing_subscriber::EnvFilter;
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(default));
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    let started = match output {
        Format::Json => log.json().try_init(),
        Format::Text | Format::Junit => log.with_target(false).try_init(),
    };
    // Somebody who embeds the library may have set up a log already; then theirs stays.
    drop(started);
}

/// Loads the component that an argument names into an engine with these options.
async fn load(path: &Path, options: &EngineOptions) -> Result<Plugin, Stop> {
    let engine = Engine::new(options).map_err(Stop::unusable)?;
    Plugin::load(&engine, path).await.map_err(Stop::unusable)
}

/// Loads a component and starts a runtime for a single call.
async fn small_runtime(component: &ComponentArgument) -> Result<Runtime, Stop> {
    let plugin = load(&component.component, &EngineOptions::small()).await?;
    let options = RuntimeOptions {
        threads: 1,
        ..RuntimeOptions::default()
    };
    Runtime::start(plugin, options).map_err(Stop::unusable)
}

/// For whom a single call is made, and where it runs.
struct SingleCall {
    installation: Arc<Installation>,
    runtime: Runtime,
}

/// Reads an installation's file, loads the component, and checks that they fit each other.
async fn prepare(file: &Path, component: &ComponentArgument) -> Result<SingleCall, Stop> {
    let config = InstallationConfig::load(file).map_err(Stop::unusable)?;
    let installation = resolve_installation(file, &config).map_err(Stop::unusable)?;
    let runtime = small_runtime(component).await?;
    let known = &runtime.manifest().settings;
    check_settings(file, &config.id, &config.settings, known).map_err(Stop::unusable)?;
    let installation = Arc::new(installation);
    check_values(file, &runtime, &installation).await?;
    Ok(SingleCall {
        installation,
        runtime,
    })
}

/// Lets the plugin look at the values of an installation's settings.
async fn check_values(
    file: &Path,
    runtime: &Runtime,
    installation: &Arc<Installation>,
) -> Result<(), Stop> {
    let call = Call::new(installation.clone(), "settings");
    runtime.check_settings(call).await.map_err(|reason| {
        let key = format!("installation {:?}.settings", installation.id());
        Stop::unusable(ConfigError::key(file, key, reason))
    })
}

/// Reads a file that an argument names.
fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    std::fs::read(path)
        .map_err(|error| Stop::Unusable(format!("cannot read {}: {error}", path.display())))
}

fn read_text(path: &Path) -> Result<String, Stop> {
    String::from_utf8(read(path)?)
        .map_err(|_| Stop::Unusable(format!("{} is not UTF-8 text", path.display())))
}
