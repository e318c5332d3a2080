//! Every mistake in a configuration is one sentence with its place, before anything starts.

use crate::component::component;
use crate::program::{Finished, Program};
use std::net::TcpListener;

/// A configuration without a mistake, but for the secrets' files that it names.
const CONFIG: &str = r#"component = "plugin.wasm"
listen = "127.0.0.1:0"

[port]
base-url = "http://127.0.0.1:9"
client-id = "machine-client"
client-secret = { file = "port-secret" }

[[installation]]
id = "acme-github"
hosting = "self-hosted"
api-url = "https://api.github.com"
"#;

/// A folder with the component, the secret and a configuration.
fn folder(config: &str) -> Program {
    let program = Program::new();
    program.file("plugin.wasm", std::fs::read(component()).unwrap());
    program.file("port-secret", "machine-secret\n");
    program.file("host.toml", config);
    program
}

fn serve(config: &str) -> Finished {
    folder(config).run(&["serve", "--config", "host.toml"])
}

/// The configuration with a further line at its end, so in the installation.
fn with(line: &str) -> String {
    format!("{CONFIG}{line}\n")
}

/// The sentence with which a configuration is refused. It has to begin with this place and to hold these words.
#[track_caller]
fn expect(config: &str, place: &str, words: &[&str]) {
    let finished = serve(config);
    let sentence = finished.refusal();
    assert!(
        sentence.starts_with(&format!("host.toml{place}: ")),
        "{sentence}"
    );
    for word in words {
        assert!(sentence.contains(word), "{word:?} is not said: {sentence}");
    }
}

#[test]
fn an_unknown_key_is_named_with_its_line_and_a_suggestion() {
    expect(
        &with("organisation = \"acme\""),
        ":13:1",
        &["`organisation`", "did you mean `organization`?"],
    );
    expect(
        &CONFIG.replace("client-id", "clientid"),
        ":6:1",
        &["`clientid`", "did you mean `client-id`?"],
    );
    expect(
        &CONFIG.replace("[port]", "[prot]"),
        ":4:2",
        &["`prot`", "did you mean `port`?"],
    );
}

#[test]
fn a_missing_key_is_named() {
    expect(
        &CONFIG.replace("hosting = \"self-hosted\"\n", ""),
        ":9:1",
        &["missing field `hosting`"],
    );
}

#[test]
fn a_value_of_the_wrong_type_is_named_with_its_line() {
    expect(&with("live-events = \"yes\""), ":13:15", &["boolean"]);
    expect(
        &CONFIG.replace("\"127.0.0.1:0\"", "8080"),
        ":2:10",
        &["address"],
    );
    expect(
        &CONFIG.replace("\"self-hosted\"", "\"mine\""),
        ":11:11",
        &["`hosted-by-port`", "`self-hosted`"],
    );
}

#[test]
fn text_that_is_no_toml_is_named_with_its_line() {
    expect(&with("settings = {"), ":13:13", &["}"]);
}

#[test]
fn a_configuration_that_is_not_there_is_named() {
    let finished = Program::new().run(&["serve", "--config", "host.toml"]);
    assert!(
        finished.refusal().starts_with("cannot read host.toml: "),
        "{finished}"
    );
}

#[test]
fn a_secrets_file_that_is_not_there_is_named_with_its_key() {
    let config = with("webhook-secret = { file = \"hook-secret\" }");
    expect(
        &config,
        ": installation \"acme-github\".webhook-secret",
        &["hook-secret"],
    );
    let config = CONFIG.replace("\"port-secret\"", "\"elsewhere\"");
    expect(&config, ": port.client-secret", &["elsewhere"]);
}

#[test]
fn a_secrets_file_that_is_empty_is_named_with_its_key() {
    let program = folder(&with("webhook-secret = { file = \"hook-secret\" }"));
    program.file("hook-secret", "\n");
    let finished = program.run(&["serve", "--config", "host.toml"]);
    let sentence = finished.refusal();
    assert!(
        sentence.contains("webhook-secret") && sentence.contains("is empty"),
        "{sentence}"
    );
}

#[test]
fn a_variable_that_is_not_set_is_named_with_its_key() {
    let config = with("credential = { token = { env = \"A_VARIABLE_THAT_NOBODY_SETS\" } }");
    let place = ": installation \"acme-github\".credential.token";
    expect(&config, place, &["A_VARIABLE_THAT_NOBODY_SETS is not set"]);
}

#[test]
fn a_secret_that_is_written_into_the_file_is_refused_and_not_repeated() {
    for line in [
        "webhook-secret = \"hunter2\"",
        "credential = { token = \"hunter2\" }",
        "credential = \"hunter2\"",
        "credential = { token = { env = \"A\", value = \"hunter2\" } }",
    ] {
        let finished = serve(&with(line));
        assert!(
            finished.refusal().starts_with("host.toml:13:"),
            "{finished}"
        );
        finished.expect_never("hunter2");
    }
}

#[test]
fn a_token_that_is_no_token_is_refused_and_not_repeated() {
    let program = folder(&with("credential = { token = { file = \"token\" } }"));
    program.file("token", "hunter2\nand more\n");
    let finished = program.run(&["serve", "--config", "host.toml"]);
    assert!(
        finished.refusal().contains("credential.token"),
        "{finished}"
    );
    finished.expect_never("hunter2");
}

#[test]
fn a_component_that_is_not_there_is_named_with_the_remedy() {
    let program = folder(&CONFIG.replace("plugin.wasm", "other.wasm"));
    let finished = program.run(&["serve", "--config", "host.toml"]);
    let sentence = finished.refusal();
    assert!(
        sentence.contains("other.wasm") && sentence.contains("make component"),
        "{sentence}"
    );
    // A folder cannot be read either.
    let finished =
        folder(&CONFIG.replace("plugin.wasm", ".")).run(&["serve", "--config", "host.toml"]);
    assert!(
        finished
            .refusal()
            .starts_with("host.toml: component: cannot read the component "),
        "{finished}"
    );
}

#[test]
fn a_file_that_is_no_component_is_named() {
    // A core module, and one that breaks off.
    for content in [&b"\0asm\x01\0\0\0"[..], b"\0asm"] {
        not_a_component(content);
    }
}

fn not_a_component(content: &[u8]) {
    let program = folder(CONFIG);
    program.file("plugin.wasm", content);
    let finished = program.run(&["serve", "--config", "host.toml"]);
    let sentence = finished.refusal();
    assert!(
        sentence.contains("plugin.wasm is not a WebAssembly component"),
        "{sentence}"
    );
}

#[test]
fn a_component_of_another_version_of_the_contract_is_refused_with_both_versions() {
    let program = folder(CONFIG);
    program.file("plugin.wasm", of_version("0.2.0"));
    for finished in [
        program.run(&["serve", "--config", "host.toml"]),
        program.run(&["inspect", "plugin.wasm"]),
    ] {
        let sentence = finished.refusal();
        assert!(sentence.contains("plugin.wasm"), "{sentence}");
        assert!(
            sentence.contains("speaks ocean:integration-action 0.2.0"),
            "{sentence}"
        );
        assert!(sentence.contains("this host speaks 0.1.0"), "{sentence}");
    }
}

#[test]
fn a_component_that_is_no_plugin_is_told_so() {
    let program = folder(CONFIG);
    // The smallest component: it exports nothing.
    program.file("plugin.wasm", b"\0asm\x0d\0\x01\0");
    let finished = program.run(&["serve", "--config", "host.toml"]);
    assert!(
        finished
            .refusal()
            .contains("ocean:integration-action/actions@0.1.0"),
        "{finished}"
    );
}

/// The component with another version, of the same length, in the names of the contract's interfaces.
fn of_version(version: &str) -> Vec<u8> {
    let mut bytes = std::fs::read(component()).unwrap();
    for interface in ["actions", "types", "logging"] {
        let old = format!("ocean:integration-action/{interface}@0.1.0").into_bytes();
        let new = format!("ocean:integration-action/{interface}@{version}").into_bytes();
        assert_eq!(old.len(), new.len());
        for at in 0..bytes.len() - old.len() {
            if bytes[at..].starts_with(&old) {
                bytes[at..at + new.len()].copy_from_slice(&new);
            }
        }
    }
    bytes
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let finished = serve(&CONFIG.replace("127.0.0.1:0", &address));
    // The line about live events and the like comes later: nothing has started.
    let sentence = finished.refusal();
    assert!(
        sentence.contains(&format!("cannot listen on {address}")),
        "{sentence}"
    );
    for arguments in [
        ["simulate", "github", "--listen", &address],
        ["simulate", "port", "--listen", &address],
    ] {
        let finished = Program::new().run(&arguments);
        assert!(
            finished
                .refusal()
                .contains(&format!("cannot listen on {address}")),
            "{finished}"
        );
    }
}

#[test]
fn a_setting_that_the_plugin_does_not_have_is_named_with_a_suggestion() {
    let place = ": installation \"acme-github\".settings.max-input";
    expect(
        &with("settings = { max-input = 10 }"),
        place,
        &["did you mean `max-inputs`?"],
    );
    let place = ": installation \"acme-github\".settings.colour";
    expect(
        &with("settings = { colour = 10 }"),
        place,
        &["max-inputs", "discovery-seconds"],
    );
}

#[test]
fn a_setting_with_a_value_that_the_plugin_cannot_use_is_refused_before_anything_starts() {
    expect(
        &with("settings = { max-inputs = \"ten\" }"),
        ": installation \"acme-github\".settings",
        &["max-inputs", "whole number"],
    );
}

#[test]
fn a_configuration_without_an_installation_is_refused() {
    let (without, _) = CONFIG.split_once("[[installation]]").unwrap();
    expect(
        &format!("installation = []\n{without}"),
        ": installation",
        &["[[installation]]"],
    );
}

#[test]
fn two_installations_with_one_id_are_refused() {
    let (_, second) = CONFIG.split_once("[[installation]]").unwrap();
    expect(
        &with(&format!("[[installation]]{second}")),
        ": installation.id",
        &["\"acme-github\""],
    );
}

#[test]
fn an_installation_without_an_id_is_refused() {
    expect(
        &CONFIG.replace("\"acme-github\"", "\"\""),
        ": installation \"\".id",
        &["empty"],
    );
}

#[test]
fn an_api_without_https_has_to_be_asked_for() {
    let place = ": installation \"acme-github\".api-url";
    expect(
        &CONFIG.replace("https://api", "http://api"),
        place,
        &["not https", "allow-plain-http"],
    );
    expect(
        &CONFIG.replace("https://api.github.com", "api.github.com"),
        place,
        &[],
    );
    expect(
        &CONFIG.replace("https://api", "https://mona:hunter2@api"),
        place,
        &["password"],
    );
}

#[test]
fn an_api_at_an_inner_address_has_to_be_named() {
    let place = ": installation \"acme-github\".api-url";
    let at = |host: &str| CONFIG.replace("api.github.com", host);
    expect(
        &at("10.1.2.3"),
        place,
        &["10.1.2.3 is private", "allow-addresses = [\"10.1.2.3/32\"]"],
    );
    expect(&at("169.254.169.254"), place, &["metadata service"]);
    expect(
        &with("allow-addresses = [\"10.1.2.3/8\"]"),
        ": installation \"acme-github\".allow-addresses",
        &["write 10.0.0.0/8"],
    );
    expect(
        &with("ca-file = \"missing.pem\""),
        ": installation \"acme-github\".ca-file",
        &["missing.pem", "No such file"],
    );
}

#[test]
fn an_installation_that_cannot_reach_port_is_refused() {
    let (before, rest) = CONFIG.split_once("[port]").unwrap();
    let (_, after) = rest.split_once("\n\n").unwrap();
    expect(
        &format!("{before}{after}"),
        ": port",
        &["missing", "\"acme-github\""],
    );
    expect(
        &CONFIG.replace("http://127.0.0.1:9", "ftp://x"),
        ": port.base-url",
        &["https"],
    );
}

#[test]
fn a_secret_and_unsigned_webhooks_contradict_each_other() {
    let program = folder(&with(
        "webhook-secret = { file = \"port-secret\" }\nallow-unsigned-webhooks = true",
    ));
    let finished = program.run(&["serve", "--config", "host.toml"]);
    assert!(
        finished.refusal().contains("allow-unsigned-webhooks"),
        "{finished}"
    );
}

#[test]
fn a_mistake_in_a_simulated_world_is_named_with_its_line() {
    let program = Program::new();
    let simulate = |world: &str| {
        program.file("world.toml", world);
        program.run(&[
            "simulate",
            "github",
            "--listen",
            "127.0.0.1:0",
            "--world",
            "world.toml",
        ])
    };
    let unknown =
        simulate("[[repository]]\nowner = \"acme\"\nname = \"shop\"\nbranch = [\"main\"]\n");
    let sentence = unknown.refusal();
    assert!(
        sentence.starts_with("world.toml:4:1: ") && sentence.contains("did you mean `branches`?"),
        "{sentence}"
    );
    let written = simulate("[[webhook]]\nurl = \"http://127.0.0.1:9\"\nsecret = \"hunter2\"\n");
    assert!(written.refusal().starts_with("world.toml:3:"), "{written}");
    written.expect_never("hunter2");
}

#[test]
fn arguments_that_do_not_exist_are_refused_with_the_usage() {
    for arguments in [
        &["serv", "--config", "host.toml"][..],
        &["dispatch", "--run", "run.json", "--instalation", "i.toml"],
        &["inspect", "a.wasm", "--output", "yaml"],
        &["simulate", "gitlab"],
        &["simulate", "github", "--listen", "everywhere"],
    ] {
        let finished = Program::new().run(arguments);
        finished.expect_code(2);
        assert!(
            finished.stdout.is_empty() && finished.stderr.starts_with("error: "),
            "{finished}"
        );
        assert!(finished.stderr.contains("--help"), "{finished}");
    }
}

#[test]
fn serve_without_a_configuration_names_both_ways_to_give_it_one() {
    let finished = Program::new().run(&["serve"]);
    let sentence = finished.refusal();
    for word in ["OCEAN__PORT__CLIENT_ID", "--config"] {
        assert!(sentence.contains(word), "{word:?} is not said: {sentence}");
    }
}

#[test]
fn a_run_or_a_body_that_is_not_there_is_named() {
    let program = Program::new();
    program.file(
        "i.toml",
        "id = \"a\"\nhosting = \"self-hosted\"\napi-url = \"https://api.github.com\"\n",
    );
    let finished = program.run(&["dispatch", "--run", "run.json", "--installation", "i.toml"]);
    assert!(
        finished.refusal().starts_with("cannot read run.json: "),
        "{finished}"
    );
    program.file("run.json", "{\"id\":\"r_1\",\"payload\":{}}");
    let finished = program.run(&["dispatch", "--run", "run.json", "--installation", "i.toml"]);
    assert!(finished.refusal().starts_with("run.json: "), "{finished}");
    let finished = program.run(&[
        "webhook",
        "--event",
        "x",
        "--body",
        "b.json",
        "--installation",
        "i.toml",
    ]);
    assert!(
        finished.refusal().starts_with("cannot read b.json: "),
        "{finished}"
    );
    let finished = program.run(&["configure", "a.json", "--installation", "i.toml"]);
    assert!(
        finished.refusal().starts_with("cannot read a.json: "),
        "{finished}"
    );
}

/// wasmtime's own message about the magic number goes over a dozen lines.
#[test]
fn a_file_that_is_no_webassembly_is_named_in_one_line() {
    for content in [&b"hello, world"[..], b""] {
        not_a_component(content);
    }
}

/// As the component's path is, and as `HostConfig::load` says of all paths.
#[test]
fn a_secrets_file_is_looked_for_beside_the_configuration() {
    let program = Program::new();
    std::fs::create_dir(program.folder().join("etc")).unwrap();
    program.file("etc/port-secret", "machine-secret");
    // Port's secret is read before the component.
    program.file("etc/host.toml", CONFIG);
    let finished = program.run(&["serve", "--config", "etc/host.toml"]);
    let sentence = finished.refusal();
    assert!(sentence.contains("plugin.wasm"), "{sentence}");
}

#[test]
fn a_run_that_is_no_run_is_told_in_good_english() {
    let program = Program::new();
    program.file(
        "i.toml",
        "id = \"a\"\nhosting = \"self-hosted\"\napi-url = \"https://api.github.com\"\n",
    );
    program.file("run.json", r#"{"id":"r_1","payload":{}}"#);
    let finished = program.run(&["dispatch", "--run", "run.json", "--installation", "i.toml"]);
    let sentence = finished.refusal();
    assert!(
        sentence.starts_with("run.json: not an action run: "),
        "{sentence}"
    );
}
