//! Writing the tables.

use super::Sqlite;
use crate::journal::record::{
    Call, Change, ChangeSet, Committed, Delivery, DeliveryKey, Moved, Note, Run, RunKey,
};
use crate::port::RunKind;
use rusqlite::{Connection, Params, TransactionBehavior, params};

impl Sqlite {
    pub(super) fn write(&mut self, group: &[ChangeSet]) -> rusqlite::Result<Vec<Committed>> {
        // Dropped without a commit, it is rolled back.
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut answers = Vec::with_capacity(group.len());
        for set in group {
            answers.push(Committed {
                fresh: make(&transaction, set)?,
            });
        }
        transaction.commit()?;
        Ok(answers)
    }

    pub(super) fn forget(&mut self, before: u64) -> rusqlite::Result<u64> {
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let mut gone = 0;
        for statement in FORGET {
            gone += transaction.execute(statement, [signed(before)])?;
        }
        transaction.commit()?;
        // Gives the pages back to the disk: one for each row that it answers with.
        let mut vacuum = self.connection.prepare("PRAGMA incremental_vacuum")?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
        Ok(u64::try_from(gone).unwrap_or(u64::MAX))
    }
}

/// What goes with a run that finished long ago, and then the run. Deliveries go by their own age.
const FORGET: [&str; 5] = [
    "DELETE FROM note WHERE run IN (SELECT number FROM run WHERE finished_at < ?1)",
    "DELETE FROM call WHERE (installation, run) IN (SELECT installation, id FROM run WHERE finished_at < ?1)",
    "DELETE FROM run WHERE finished_at < ?1",
    "DELETE FROM delivery WHERE done_at < ?1",
    // Of an installation that is not served any more.
    "DELETE FROM delivery WHERE done_at IS NULL AND received_at < ?1",
];

/// Makes a set's changes, within a transaction. False if something in it was known already.
fn make(connection: &Connection, set: &ChangeSet) -> rusqlite::Result<bool> {
    let mut fresh = true;
    for change in set {
        match change {
            Change::Claimed(run) => {
                if claim(connection, run)? == 0 {
                    // The rest of the set is about a run that is not ours to begin.
                    return Ok(false);
                }
            }
            Change::Delivery(delivery) => fresh &= deliver(connection, delivery)? > 0,
            Change::Moved(moved) => move_on(connection, moved)?,
            Change::Call(key, call) => put_call(connection, key, call)?,
            Change::CallDone(key, number) => {
                let statement =
                    "DELETE FROM call WHERE installation = ?1 AND run = ?2 AND number = ?3";
                execute(
                    connection,
                    statement,
                    params![key.installation, key.run, number],
                )?;
            }
            Change::DeliveryDone(key, at) => deliver_done(connection, key, *at)?,
            Change::DeliveryForgotten(key) => {
                let statement = "DELETE FROM delivery WHERE installation = ?1 AND id = ?2";
                execute(
                    connection,
                    statement,
                    params![key.installation, key.delivery],
                )?;
            }
            Change::Note(key, note) => put_note(connection, key, note)?,
        }
    }
    Ok(fresh)
}

/// Puts a run in; no row is changed if it is known already and was not given back.
fn claim(connection: &Connection, run: &Run) -> rusqlite::Result<usize> {
    execute(
        connection,
        "INSERT INTO run (installation, id, kind, action, phase, external_run_id, order_json, life_json, \
         claimed_at, started_at, finished_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) \
         ON CONFLICT (installation, id) DO UPDATE SET kind = excluded.kind, action = excluded.action, \
         phase = excluded.phase, external_run_id = excluded.external_run_id, order_json = excluded.order_json, \
         life_json = excluded.life_json, claimed_at = excluded.claimed_at, started_at = excluded.started_at, \
         finished_at = excluded.finished_at WHERE run.phase = 'returned'",
        params![
            run.key.installation,
            run.key.run,
            kind_word(run.kind),
            run.action,
            run.phase.as_str(),
            run.external_run_id,
            run.order,
            run.life,
            signed(run.claimed_at),
            run.started_at.map(signed),
            run.finished_at.map(signed),
        ],
    )
}

fn move_on(connection: &Connection, moved: &Moved) -> rusqlite::Result<()> {
    let statement = "UPDATE run SET phase = ?3, life_json = ?4, external_run_id = ?5, started_at = ?6, finished_at = ?7 \
                     WHERE installation = ?1 AND id = ?2";
    let row = params![
        moved.key.installation,
        moved.key.run,
        moved.phase.as_str(),
        moved.life,
        moved.external_run_id,
        moved.started_at.map(signed),
        moved.finished_at.map(signed),
    ];
    execute(connection, statement, row).map(drop)
}

/// Puts a delivery in; no row is changed if it is known already.
fn deliver(connection: &Connection, delivery: &Delivery) -> rusqlite::Result<usize> {
    let Delivery {
        key,
        received_at,
        headers,
        body,
    } = delivery;
    execute(
        connection,
        "INSERT INTO delivery (installation, id, received_at, headers_json, body) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (installation, id) DO NOTHING",
        params![
            key.installation,
            key.delivery,
            signed(*received_at),
            headers,
            body
        ],
    )
}

/// Its id stays, so that it is known if it comes again.
fn deliver_done(connection: &Connection, key: &DeliveryKey, at: u64) -> rusqlite::Result<()> {
    let statement = "UPDATE delivery SET done_at = ?3, headers_json = '', body = x'' \
                     WHERE installation = ?1 AND id = ?2";
    let row = params![key.installation, key.delivery, signed(at)];
    execute(connection, statement, row).map(drop)
}

fn put_call(connection: &Connection, key: &RunKey, call: &Call) -> rusqlite::Result<()> {
    let statement = "INSERT INTO call (installation, run, number, call_json) VALUES (?1, ?2, ?3, ?4) \
                     ON CONFLICT (installation, run, number) DO UPDATE SET call_json = excluded.call_json";
    let row = params![key.installation, key.run, call.number, call.call];
    execute(connection, statement, row).map(drop)
}

fn put_note(connection: &Connection, key: &RunKey, note: &Note) -> rusqlite::Result<()> {
    let statement = "INSERT INTO note (run, number, at, note) \
                     SELECT number, ?3, ?4, ?5 FROM run WHERE installation = ?1 AND id = ?2 \
                     ON CONFLICT (run, number) DO UPDATE SET at = excluded.at, note = excluded.note";
    let row = params![
        key.installation,
        key.run,
        note.number,
        signed(note.at),
        note.text
    ];
    execute(connection, statement, row).map(drop)
}

fn execute(connection: &Connection, statement: &str, row: impl Params) -> rusqlite::Result<usize> {
    connection.prepare_cached(statement)?.execute(row)
}

pub(super) fn kind_word(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Action => "action",
        RunKind::WorkflowNode => "workflow-node",
    }
}

/// SQL has no unsigned numbers; milliseconds since 1970 are far from either end.
pub(super) fn signed(moment: u64) -> i64 {
    i64::try_from(moment).unwrap_or(i64::MAX)
}
