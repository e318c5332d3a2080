//! Recordings: made against the simulated GitHub, replayed, and turned red by a byte.

use crate::component;
use host_harness::scenario::chronicle::Detail;
use host_harness::scenario::suite::{self, Case, Manner, Plugins, Verdict};
use host_harness::scenario::tape::Recordings;
use libtest_mimic::{Failed, Trial};
use std::path::{Path, PathBuf};

pub fn trials() -> Vec<Trial> {
    let test = |name: &str, check: fn() -> Result<(), Failed>| Trial::test(name, check);
    vec![
        test("a_recording_replays_without_the_worlds", replays),
        test("a_recording_of_a_whole_life_replays", lives),
        test(
            "deliveries_are_recorded_and_come_again_at_their_times",
            deliveries,
        ),
        test(
            "a_byte_that_changes_in_a_request_turns_a_replay_red",
            one_byte,
        ),
        test("what_nobody_asks_for_turns_a_replay_red", left_over),
        test("a_recording_holds_no_secret", no_secret),
        test(
            "an_update_records_anew_and_keeps_what_a_person_chose",
            update,
        ),
        test("a_recording_that_is_not_there_is_asked_for", missing),
    ]
}

/// A call that reads and writes, with an answer that would be another without the recording.
const DISPATCH: &str = r#"
recording = "it.recording.toml"
[github]
[call]
function = "dispatch"
[call.run.properties]
org = "acme"
repo = "shop"
workflow = "deploy.yml"
workflowInputs = { environment = "production" }
[expect]
result = { started = { externalRunId = "gh_41000001_500000002_20000000005" } }
"#;

const LIFE: &str = r#"
recording = "it.recording.toml"
[installation]
live-events = false
[[run]]
[[expect.run]]
status = "SUCCESS"
external-run-id = "gh_[..]"
"#;

/// Its end comes by a delivery, after what a person did on GitHub; a fault strikes that delivery.
const DELIVERED: &str = r#"
recording = "it.recording.toml"
fault = "webhook: twice"
[[github.repository]]
[[github.repository.workflow]]
manual = true
[[run]]
[[step]]
when = { is = "started" }
after = "20s"
do = "finish"
[expect]
took = "20s"
[[expect.run]]
status = "SUCCESS"
labels = ["Queued", "Running", "Succeeded"]
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(scenario: &str) -> Folder {
        let folder = Folder(tempfile::tempdir().unwrap());
        folder.write(scenario);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, scenario: &str) {
        std::fs::write(self.path("it.toml"), scenario).unwrap();
    }

    fn recording(&self) -> String {
        std::fs::read_to_string(self.path("it.recording.toml")).unwrap()
    }

    fn play(&self, recordings: Recordings) -> Verdict {
        let cases = suite::find(&[self.path("it.toml")], None).unwrap();
        let [case] = cases.as_slice() else {
            panic!("one scenario, and not {}", cases.len());
        };
        let manner = Manner {
            detail: Detail::Lines,
            recordings,
        };
        suite::run(case, &plugins(case, component::component()), manner)
    }
}

fn plugins(case: &Case, component: &Path) -> Plugins {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(Plugins::load(std::slice::from_ref(case), component, 1))
        .unwrap()
}

fn passes(verdict: &Verdict) -> Result<(), Failed> {
    if verdict.passed() {
        Ok(())
    } else {
        Err(verdict.told().into())
    }
}

/// The verdict is bad and says all of this.
fn says(verdict: &Verdict, parts: &[&str]) -> Result<(), Failed> {
    let told = verdict.told();
    match parts.iter().find(|part| !told.contains(**part)) {
        _ if verdict.passed() => Err("it has passed".into()),
        None => Ok(()),
        Some(part) => Err(format!("{part:?} is not said:\n{told}").into()),
    }
}

fn replays() -> Result<(), Failed> {
    let folder = Folder::with(DISPATCH);
    passes(&folder.play(Recordings::Record))?;
    // There is no such workflow any more, but in the recording.
    folder.write(&DISPATCH.replace("[github]", "[[github.repository]]\nname = \"gone\""));
    passes(&folder.play(Recordings::Replay))?;
    passes(&folder.play(Recordings::Record))
}

fn lives() -> Result<(), Failed> {
    let folder = Folder::with(LIFE);
    passes(&folder.play(Recordings::Record))?;
    folder.write(&format!("{LIFE}\n[[github.repository]]\nname = \"gone\"\n"));
    passes(&folder.play(Recordings::Replay))
}

fn deliveries() -> Result<(), Failed> {
    let folder = Folder::with(DELIVERED);
    passes(&folder.play(Recordings::Record))?;
    passes(&folder.play(Recordings::Replay))?;
    let recording = folder.recording();
    let (requests, _) = recording.split_once("[[delivery]]").unwrap();
    std::fs::write(folder.path("it.recording.toml"), requests).unwrap();
    says(&folder.play(Recordings::Replay), &["expect.run[0].status"])
}

fn one_byte() -> Result<(), Failed> {
    let folder = Folder::with(DISPATCH);
    passes(&folder.play(Recordings::Record))?;
    folder.write(&DISPATCH.replace("\"production\"", "\"productiom\""));
    let verdict = folder.play(Recordings::Replay);
    says(
        &verdict,
        &[
            "production",
            "productiom",
            "byte ",
            "6e",
            "6d",
            "dispatches",
        ],
    )
}

fn left_over() -> Result<(), Failed> {
    let folder = Folder::with(DISPATCH);
    passes(&folder.play(Recordings::Record))?;
    // With an organization that is no name nothing is sent at all.
    folder.write(&DISPATCH.replace("org = \"acme\"", "org = \"a/b\""));
    let verdict = folder.play(Recordings::Replay);
    says(&verdict, &["/repos/acme/shop", "dispatches"])
}

fn no_secret() -> Result<(), Failed> {
    for scenario in [DISPATCH, LIFE, DELIVERED] {
        let folder = Folder::with(scenario);
        passes(&folder.play(Recordings::Record))?;
        let text = folder.recording();
        // The simulators' token, client and webhook secret.
        for secret in [
            "ghs_",
            "machine-secret",
            "a secret of the stage",
            "Bearer",
            "authorization",
        ] {
            if text.contains(secret) {
                return Err(format!("{secret:?} is in the recording:\n{text}").into());
            }
        }
        assert!(text.contains("credential = true"), "{text}");
    }
    Ok(())
}

fn update() -> Result<(), Failed> {
    let folder = Folder::with(DISPATCH);
    passes(&folder.play(Recordings::Record))?;
    let chosen = folder
        .recording()
        .replace("    \"accept\",\n", "")
        .replace("\"ref\": \"main\"", "\"ref\": \"other\"");
    assert_ne!(chosen, folder.recording());
    std::fs::write(folder.path("it.recording.toml"), &chosen).unwrap();
    says(&folder.play(Recordings::Replay), &["other"])?;
    // What is there is not made again by asking for what is missing.
    says(&folder.play(Recordings::Record), &["other"])?;
    passes(&folder.play(Recordings::Update))?;
    let made = folder.recording();
    assert!(!made.contains("\"other\""), "{made}");
    assert!(!made.contains("    \"accept\",\n"), "{made}");
    passes(&folder.play(Recordings::Replay))
}

fn missing() -> Result<(), Failed> {
    let folder = Folder::with(DISPATCH);
    says(
        &folder.play(Recordings::Replay),
        &["it.recording.toml", "--record"],
    )
}
