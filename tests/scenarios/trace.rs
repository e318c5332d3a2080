//! What a trace depends on: the scenario and its seed, and nothing else.

use crate::component;
use host_harness::scenario::chronicle::Detail;
use host_harness::scenario::schema::{Scenario, editor_schema};
use host_harness::scenario::suite::{self, Case, Plugins};
use libtest_mimic::{Failed, Trial};
use std::path::PathBuf;

pub fn trials() -> Vec<Trial> {
    let test = |name: &str, check: fn() -> Result<(), Failed>| Trial::test(name, check);
    vec![
        test("another_seed_gives_another_trace", another_seed),
        test("the_schema_for_editors_is_that_of_the_code", schema),
    ]
}

/// The first line that two traces do not share.
pub fn difference(one: &str, other: &str) -> Option<String> {
    if one == other {
        return None;
    }
    let mut lines = one.lines().zip(other.lines()).enumerate();
    let line = lines.find(|(_, (one, other))| one != other);
    Some(
        line.map_or("one is longer".to_owned(), |(number, (one, other))| {
            format!("line {number}\n- {one}\n+ {other}")
        }),
    )
}

/// Retries are a matter of chance, so of the seed: and of nothing that differs between two plays of one seed.
const RETRIES: &str = r#"
[[fault]]
on = "port.ack"
answer = { status = 503 }
times = 3
[[run]]
"#;

fn trace(seed: u64) -> String {
    let mut scenario: Scenario = toml::from_str(RETRIES).unwrap();
    scenario.seed = seed;
    let case = Case {
        file: PathBuf::from("retries.toml"),
        name: "retries".to_owned(),
        scenario: Ok(Box::new(scenario)),
    };
    let plugins = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(Plugins::load(
            std::slice::from_ref(&case),
            component::component(),
            1,
        ))
        .unwrap();
    let verdict = suite::run(&case, &plugins, crate::manner(Detail::Everything));
    assert!(verdict.passed(), "{}", verdict.told());
    verdict.trace
}

fn another_seed() -> Result<(), Failed> {
    if trace(1) != trace(1) {
        return Err("the same seed gave another trace".into());
    }
    if trace(1) == trace(2) {
        return Err("another seed gave the same trace, though retries are drawn by lot".into());
    }
    Ok(())
}

fn schema() -> Result<(), Failed> {
    let file = component::root().join("tests/scenarios/scenario.schema.json");
    let kept = std::fs::read_to_string(&file).unwrap_or_default();
    let made = format!("{:#}\n", editor_schema());
    if kept == made {
        return Ok(());
    }
    Err(format!(
        "{} is not what `host-harness test --schema` prints: write that into it",
        file.display()
    )
    .into())
}
