//! The journal alone: what becomes of a run's changes on the disk, without anything that makes them. The floor of a run's
//! life, as far as the disk is concerned.

use super::measure::{Round, Spread};
use super::{BenchError, Effort};
use crate::journal::{
    Call, Change, ChangeSet, Delivery, DeliveryKey, JournalError, Moved, Note, Phase, Run, RunKey,
    Sqlite, SqliteOptions, Store,
};
use crate::port::RunKind;
use serde::Serialize;
use std::path::Path;
use std::time::Duration;

/// Runs in a round.
const RUNS: usize = 1_000;

/// How many runs share each commit: one alone, and as many as a busy host may gather.
const SHARED: [usize; 2] = [1, 20];

/// Runs that the journal holds before.
const JOURNALED: [usize; 2] = [100, 100_000];

/// Bytes of a delivery's body: those of [`super::delivery`].
const BODY: usize = 17_529;

/// What the changes of one run cost.
#[derive(Debug, Serialize)]
pub struct Row {
    /// How many runs share each commit.
    pub shared: usize,
    /// How many runs the journal held before.
    pub journaled: usize,
    /// CPU time for a run, in microseconds.
    pub run: Spread,
    /// The same by the clock on the wall: with the disk.
    pub wall: Spread,
}

/// Measures it.
pub fn measure(effort: Effort) -> Result<Vec<Row>, BenchError> {
    let mut rows = Vec::new();
    for journaled in JOURNALED {
        for shared in SHARED {
            rows.push(row(shared, journaled / effort.divide, effort)?);
        }
    }
    Ok(rows)
}

fn row(shared: usize, journaled: usize, effort: Effort) -> Result<Row, BenchError> {
    let folder = tempfile::tempdir()
        .map_err(|error| error.to_string())
        .map_err(BenchError::setup("a folder for a journal"))?;
    let path = folder.path().join("journal.db");
    fill(&path, journaled)?;
    let mut store = open(&path)?;
    let runs = effort.operations(RUNS).next_multiple_of(shared);
    let mut costs = Vec::new();
    for round in 0..effort.rounds.min(3) {
        let began = Round::begin(Duration::ZERO);
        for first in (0..runs).step_by(shared) {
            let numbers = round * runs + first..round * runs + first + shared;
            for step in STEPS {
                let group: Vec<ChangeSet> = numbers.clone().map(|run| step(run, shared)).collect();
                store.commit(&group).map_err(setup)?;
            }
        }
        costs.push(began.end(Duration::ZERO, runs));
    }
    Ok(Row {
        shared,
        journaled,
        run: Spread::of_cpu(&costs),
        wall: Spread::of_wall(&costs),
    })
}

/// Writes so many runs that have ended into a journal.
pub(super) fn fill(path: &Path, runs: usize) -> Result<(), BenchError> {
    let mut store = open(path)?;
    let now = crate::clock::timestamp();
    let sets: Vec<ChangeSet> = (0..runs)
        .map(|number| {
            let run = Run {
                phase: Phase::Finished,
                started_at: Some(now),
                finished_at: Some(now),
                ..claimed(format!("r_before{number}"), now)
            };
            vec![Change::Claimed(run)]
        })
        .collect();
    for group in sets.chunks(1_000) {
        store.commit(group).map_err(setup)?;
    }
    Ok(())
}

fn open(path: &Path) -> Result<Sqlite, BenchError> {
    let options = SqliteOptions {
        path: path.to_owned(),
        max_mib: None,
    };
    Sqlite::open(&options).map_err(setup)
}

fn setup(error: JournalError) -> BenchError {
    BenchError::Setup {
        what: "a journal with runs in it",
        why: error.to_string(),
    }
}

/// The commits of a run, as its life makes them: what nobody waits for goes along with what comes next, its end with the
/// beginning of the run so many before it.
const STEPS: [fn(usize, usize) -> ChangeSet; 6] = [
    |run, shared| {
        let begun = vec![Change::Claimed(claimed(key(run).run, 1)), note(run, 0)];
        let over = run.checked_sub(shared).map(ended);
        over.into_iter().flatten().chain(begun).collect()
    },
    |run, _| vec![moved(run, Phase::Sending), note(run, 1), note(run, 2)],
    |run, _| vec![moved(run, Phase::Started), note(run, 3), call(run, 0)],
    |run, _| [vec![told(run, 0)], came(run, 0)].concat(),
    |run, _| [news(run, 1), came(run, 1)].concat(),
    |run, _| [news(run, 2), came(run, 2)].concat(),
];

/// A delivery has come.
fn came(run: usize, number: u32) -> ChangeSet {
    vec![Change::Delivery(Delivery {
        key: delivery(run, number),
        received_at: 1,
        headers: "h".repeat(400),
        body: vec![b'x'; BODY],
    })]
}

/// The delivery before was news of the run, and Port was told.
fn news(run: usize, number: u32) -> ChangeSet {
    let handled = Change::DeliveryDone(delivery(run, number - 1), 2);
    vec![
        handled,
        moved(run, Phase::Started),
        note(run, 3 + number),
        call(run, number),
        told(run, number),
    ]
}

fn ended(run: usize) -> ChangeSet {
    vec![
        Change::DeliveryDone(delivery(run, 2), 2),
        call(run, 3),
        told(run, 3),
        note(run, 6),
        moved(run, Phase::Finished),
    ]
}

fn key(run: usize) -> RunKey {
    RunKey {
        installation: "site-0".to_owned(),
        // Port's ids come in no order.
        run: format!("r_{:05}{run}", run * 7_919 % 100_003),
    }
}

fn delivery(run: usize, number: u32) -> DeliveryKey {
    DeliveryKey {
        installation: "site-0".to_owned(),
        delivery: format!("{run:08x}-{number}"),
    }
}

fn claimed(run: String, claimed_at: u64) -> Run {
    Run {
        key: RunKey {
            installation: "site-0".to_owned(),
            run,
        },
        kind: RunKind::Action,
        action: Some("deploy".to_owned()),
        order: r#"{"org":"org-0","repo":"shop","workflow":"deploy.yml","workflowInputs":{"environment":"staging"}}"#
            .to_owned(),
        phase: Phase::Acking,
        life: "{}".to_owned(),
        external_run_id: None,
        claimed_at,
        started_at: None,
        finished_at: None,
    }
}

fn moved(run: usize, phase: Phase) -> Change {
    Change::Moved(Moved {
        key: key(run),
        phase,
        life: "l".repeat(600),
        external_run_id: Some(format!("gh_1_1_{run}")),
        started_at: Some(1),
        finished_at: (phase == Phase::Finished).then_some(2),
    })
}

fn note(run: usize, number: u32) -> Change {
    let note = Note {
        number,
        at: 1,
        text: "n".repeat(50),
    };
    Change::Note(key(run), note)
}

fn call(run: usize, number: u32) -> Change {
    let call = Call {
        number,
        call: "c".repeat(200),
    };
    Change::Call(key(run), call)
}

fn told(run: usize, number: u32) -> Change {
    Change::CallDone(key(run), number)
}
