//! What every store has to do. A new store adds one line to the macro's uses at the end.

use super::record::*;
use super::{Memory, Sqlite, SqliteOptions, Store};
use crate::port::RunKind;

fn key(run: &str) -> RunKey {
    RunKey {
        installation: "acme".to_owned(),
        run: run.to_owned(),
    }
}

fn run(id: &str, claimed_at: u64) -> Run {
    Run {
        key: key(id),
        kind: RunKind::WorkflowNode,
        action: Some("deploy".to_owned()),
        order: r#"{"properties":"ünïcode \u0000"}"#.to_owned(),
        phase: Phase::Acking,
        life: "1".to_owned(),
        external_run_id: None,
        claimed_at,
        started_at: None,
        finished_at: None,
    }
}

fn moved(id: &str, phase: Phase, life: &str) -> Moved {
    Moved {
        key: key(id),
        phase,
        life: life.to_owned(),
        external_run_id: None,
        started_at: None,
        finished_at: None,
    }
}

fn call(number: u32) -> Call {
    Call {
        number,
        call: format!("call {number}"),
    }
}

fn delivery(id: &str, received_at: u64) -> Delivery {
    Delivery {
        key: DeliveryKey {
            installation: "acme".to_owned(),
            delivery: id.to_owned(),
        },
        received_at,
        headers: "[]".to_owned(),
        body: vec![0, 159, 146, 150],
    }
}

fn commit(store: &mut dyn Store, sets: Vec<ChangeSet>) -> Vec<bool> {
    let answers = store.commit(&sets).unwrap();
    answers.into_iter().map(|answer| answer.fresh).collect()
}

pub(super) fn a_claimed_run_comes_back_with_its_calls_in_order(store: &mut dyn Store) {
    commit(
        store,
        vec![
            vec![Change::Claimed(run("r_2", 20))],
            vec![
                Change::Claimed(run("r_1", 10)),
                Change::Call(key("r_1"), call(0)),
                Change::Call(key("r_1"), call(1)),
                Change::Call(key("r_1"), call(2)),
                Change::CallDone(key("r_1"), 1),
                Change::Note(key("r_1"), note(0)),
            ],
        ],
    );
    let restored = store.restore(9).unwrap();
    let expected = [
        StoredRun {
            run: run("r_1", 10),
            calls: vec![call(0), call(2)],
            notes: 1,
        },
        StoredRun {
            run: run("r_2", 20),
            calls: vec![],
            notes: 0,
        },
    ];
    assert_eq!(restored.runs, expected);
}

fn note(number: u32) -> Note {
    Note {
        number,
        at: 7,
        text: format!("note {number}"),
    }
}

pub(super) fn a_run_is_claimed_once_unless_it_was_given_back(store: &mut dyn Store) {
    let claim = |at| {
        vec![
            Change::Claimed(run("r_1", at)),
            Change::Call(key("r_1"), call(0)),
        ]
    };
    assert_eq!(commit(store, vec![claim(1)]), [true]);
    commit(store, vec![vec![Change::CallDone(key("r_1"), 0)]]);
    assert_eq!(commit(store, vec![claim(2)]), [false]);
    let restored = store.restore(9).unwrap();
    assert_eq!(restored.runs[0].run.claimed_at, 1);
    assert_eq!(restored.runs[0].calls, [], "the rest of the set was made");
    let returned = moved("r_1", Phase::Returned, "2");
    commit(store, vec![vec![Change::Moved(returned)]]);
    assert_eq!(store.restore(9).unwrap().runs, []);
    assert_eq!(commit(store, vec![claim(3)]), [true]);
    assert_eq!(store.restore(9).unwrap().runs[0].run.claimed_at, 3);
}

pub(super) fn a_run_that_has_finished_stays_finished_and_keeps_its_id(store: &mut dyn Store) {
    let finished = Moved {
        external_run_id: Some("gh_1".to_owned()),
        started_at: Some(50),
        finished_at: Some(90),
        ..moved("r_1", Phase::Finished, "9")
    };
    commit(
        store,
        vec![
            vec![Change::Claimed(run("r_1", 1))],
            vec![Change::Moved(finished)],
        ],
    );
    let restored = store.restore(1).unwrap();
    assert_eq!(restored.runs, []);
    let taken = Taken {
        installation: "acme".to_owned(),
        external_run_id: "gh_1".to_owned(),
    };
    assert_eq!(restored.taken, [taken]);
    assert_eq!(store.restore(0).unwrap().taken, []);
    let ids = store.external_ids("acme", 1).unwrap();
    assert_eq!(ids, ["gh_1"]);
    for (installation, most) in [("acme", 0), ("globex", 9)] {
        assert_eq!(store.external_ids(installation, most), Ok(vec![]));
    }
    let again = vec![vec![Change::Claimed(run("r_1", 100))]];
    assert_eq!(commit(store, again), [false]);
}

pub(super) fn a_delivery_is_new_once_and_keeps_its_bytes_until_it_is_done(store: &mut dyn Store) {
    let (first, second) = (delivery("b", 1), delivery("a", 2));
    let sets = vec![
        vec![Change::Delivery(first.clone())],
        vec![Change::Delivery(second.clone())],
        vec![Change::Delivery(first.clone())],
    ];
    assert_eq!(commit(store, sets), [true, true, false]);
    let waiting = store.restore(9).unwrap().deliveries;
    assert_eq!(waiting, [first.key.clone(), second.key.clone()]);
    let read = store.delivery(&first.key).unwrap();
    assert_eq!(read, Some(first.clone()));
    let done = Change::DeliveryDone(first.key.clone(), 5);
    let forgotten = Change::DeliveryForgotten(second.key.clone());
    commit(store, vec![vec![done, forgotten]]);
    assert_eq!(store.restore(9).unwrap().deliveries, []);
    assert_eq!(store.delivery(&first.key), Ok(None));
    let again = vec![
        vec![Change::Delivery(first)],
        vec![Change::Delivery(second)],
    ];
    assert_eq!(commit(store, again), [false, true]);
}

pub(super) fn people_see_the_newest_run_first_and_its_whole_history(store: &mut dyn Store) {
    let mut elsewhere = run("r_3", 3);
    elsewhere.key.installation = "globex".to_owned();
    commit(
        store,
        vec![vec![
            Change::Claimed(run("r_1", 1)),
            Change::Claimed(run("r_2", 2)),
            Change::Claimed(elsewhere),
            Change::Moved(moved("r_2", Phase::Parked, "5")),
            Change::Note(key("r_2"), note(1)),
            Change::Note(key("r_2"), note(0)),
            Change::Call(key("r_2"), call(4)),
        ]],
    );
    let ids = |store: &mut dyn Store, filter: Filter| -> Vec<String> {
        let runs = store.list(&filter).unwrap();
        runs.into_iter().map(|run| run.key.run).collect()
    };
    let all = Filter::default();
    assert_eq!(ids(store, all.clone()), ["r_3", "r_2", "r_1"]);
    let one = Filter {
        limit: 1,
        ..all.clone()
    };
    assert_eq!(ids(store, one), ["r_3"]);
    let ours = Filter {
        installation: Some("acme".to_owned()),
        ..all.clone()
    };
    assert_eq!(ids(store, ours), ["r_2", "r_1"]);
    let parked = Filter {
        phase: Some(Phase::Parked),
        ..all
    };
    assert_eq!(ids(store, parked), ["r_2"]);
    let history = store.history("r_2").unwrap();
    assert_eq!(history.len(), 1);
    assert_eq!(history[0].notes, [note(0), note(1)]);
    assert_eq!(history[0].calls, [call(4)]);
    assert_eq!(store.history("r_9"), Ok(vec![]));
}

pub(super) fn pruning_takes_old_ends_and_nothing_that_is_under_way(store: &mut dyn Store) {
    let finished = |id: &str, at| Moved {
        finished_at: Some(at),
        ..moved(id, Phase::Finished, "9")
    };
    commit(
        store,
        vec![vec![
            Change::Claimed(run("old", 1)),
            Change::Claimed(run("new", 1)),
            Change::Claimed(run("long", 1)),
            Change::Note(key("old"), note(0)),
            Change::Note(key("new"), note(0)),
            Change::Note(key("long"), note(0)),
            Change::Moved(finished("old", 10)),
            Change::Moved(finished("new", 20)),
            Change::Delivery(delivery("done", 1)),
            Change::DeliveryDone(delivery("done", 1).key, 10),
            Change::Delivery(delivery("for nobody", 1)),
            Change::Delivery(delivery("waits", 20)),
        ]],
    );
    assert_eq!(store.prune(20), Ok(4));
    assert_eq!(store.history("old"), Ok(vec![]));
    for kept in ["new", "long"] {
        assert_eq!(store.history(kept).unwrap()[0].notes.len(), 1);
    }
    let restored = store.restore(9).unwrap();
    assert_eq!(restored.runs.len(), 1);
    assert_eq!(restored.deliveries, [delivery("waits", 1).key]);
}

/// Runs the suite on a new store of each kind.
macro_rules! every_store {
    ($($claim:ident)*) => { $(
        mod $claim {
            use super::*;

            #[test]
            fn memory() {
                super::$claim(&mut Memory::default());
            }

            #[test]
            fn sqlite() {
                let folder = tempfile::tempdir().unwrap();
                let options = SqliteOptions {
                    path: folder.path().join("journal.db"),
                    max_mib: None,
                };
                super::$claim(&mut Sqlite::open(&options).unwrap());
            }
        }
    )* };
}

every_store! {
    a_claimed_run_comes_back_with_its_calls_in_order
    a_run_is_claimed_once_unless_it_was_given_back
    a_run_that_has_finished_stays_finished_and_keeps_its_id
    a_delivery_is_new_once_and_keeps_its_bytes_until_it_is_done
    people_see_the_newest_run_first_and_its_whole_history
    pruning_takes_old_ends_and_nothing_that_is_under_way
}

#[test]
fn a_sqlite_journal_is_the_same_after_it_was_opened_again() {
    let folder = tempfile::tempdir().unwrap();
    let options = SqliteOptions {
        path: folder.path().join("journal.db"),
        max_mib: None,
    };
    let mut journal = Sqlite::open(&options).unwrap();
    let set = vec![
        Change::Claimed(run("r_1", 1)),
        Change::Call(key("r_1"), call(0)),
        Change::Delivery(delivery("d", 1)),
    ];
    commit(&mut journal, vec![set]);
    let before = journal.restore(9).unwrap();
    drop(journal);
    let mut journal = Sqlite::open(&options).unwrap();
    assert_eq!(journal.restore(9).unwrap(), before);
}
