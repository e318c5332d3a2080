//! What a trace depends on: the scenario and its seed, and nothing else.

use crate::component;
use host_harness::campaign::catalogue;
use host_harness::scenario::chronicle::Detail;
use host_harness::scenario::schema::{Scenario, editor_schema};
use host_harness::scenario::suite::{self, Case, Plugins, Verdict};
use libtest_mimic::{Failed, Trial};
use std::path::PathBuf;

pub fn trials() -> Vec<Trial> {
    let test = |name: &str, check: fn() -> Result<(), Failed>| Trial::test(name, check);
    vec![
        test("another_seed_gives_another_trace", another_seed),
        test("the_examples_of_the_documentation_are_scenarios", examples),
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
    let verdict = play(scenario);
    assert!(verdict.passed(), "{}", verdict.told());
    verdict.trace
}

fn play(scenario: Scenario) -> Verdict {
    let case = Case {
        file: PathBuf::from("it.toml"),
        name: "it".to_owned(),
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
    suite::run(&case, &plugins, crate::manner(Detail::Everything))
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

/// What stands in the documentation can be copied: it is read, its faults are known, and what is whole is played.
fn examples() -> Result<(), Failed> {
    let mut played = 0;
    for page in ["docs/scenarios.md", "README.md"] {
        let text = std::fs::read_to_string(component::root().join(page)).unwrap();
        for example in text
            .split("```toml\n")
            .skip(1)
            .filter_map(|it| it.split("```").next())
        {
            let is_scenario = ["[[run]]", "[call]", "[[fault]]"];
            if !is_scenario.iter().any(|it| example.contains(it)) {
                continue;
            }
            let scenario: Scenario =
                toml::from_str(example).map_err(|error| format!("{page}: {error}\n{example}"))?;
            for word in scenario
                .fault
                .0
                .iter()
                .filter_map(|fault| fault.word.as_deref())
            {
                catalogue::find(word).map_err(|error| format!("{page}: {error}"))?;
            }
            if scenario.recording.is_none() && !scenario.run.is_empty() {
                let verdict = play(scenario);
                assert!(verdict.passed(), "{page}: {}", verdict.told());
                played += 1;
            }
        }
    }
    assert!(played >= 2, "{played}");
    Ok(())
}
