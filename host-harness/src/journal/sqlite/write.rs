//! Writing the tables.

use super::Sqlite;
use super::batch::Batch;
use crate::journal::record::{Change, ChangeSet, Committed};
use crate::port::RunKind;
use sqlx::query;
use sqlx::sqlite::SqliteConnection;

impl Sqlite {
    pub(super) async fn write(
        &mut self,
        group: &[ChangeSet],
    ) -> Result<Vec<Committed>, sqlx::Error> {
        self.begin().await?;
        match make(&mut self.connection, group).await {
            Ok(answers) => {
                self.end().await?;
                Ok(answers)
            }
            Err(error) => {
                self.roll_back().await;
                Err(error)
            }
        }
    }

    // Transactions by statements and not by sqlx's type: SQLite ends a transaction by itself when the disk is full, and
    // sqlx, which counts them, would refuse to begin the next.

    async fn begin(&mut self) -> Result<(), sqlx::Error> {
        let begin = query("BEGIN IMMEDIATE");
        begin.execute(&mut self.connection).await.map(drop)
    }

    async fn end(&mut self) -> Result<(), sqlx::Error> {
        let done = query("COMMIT").execute(&mut self.connection).await;
        if done.is_err() {
            self.roll_back().await;
        }
        done.map(drop)
    }

    async fn roll_back(&mut self) {
        // An error says that there is no transaction any more.
        let _ = query("ROLLBACK").execute(&mut self.connection).await;
    }

    pub(super) async fn forget(&mut self, before: u64) -> Result<u64, sqlx::Error> {
        self.begin().await?;
        let mut gone = 0;
        for statement in FORGET {
            let statement = query(statement).bind(signed(before));
            match statement.execute(&mut self.connection).await {
                Ok(done) => gone += done.rows_affected(),
                Err(error) => {
                    self.roll_back().await;
                    return Err(error);
                }
            }
        }
        self.end().await?;
        // Gives the pages back to the disk.
        query("PRAGMA incremental_vacuum")
            .execute(&mut self.connection)
            .await?;
        Ok(gone)
    }
}

/// What goes with a run that finished long ago, and then the run. Deliveries go by their own age.
const FORGET: [&str; 5] = [
    "DELETE FROM note WHERE (installation, run) IN (SELECT installation, id FROM run WHERE finished_at < $1)",
    "DELETE FROM call WHERE (installation, run) IN (SELECT installation, id FROM run WHERE finished_at < $1)",
    "DELETE FROM run WHERE finished_at < $1",
    "DELETE FROM delivery WHERE done_at < $1",
    // Of an installation that is not served any more.
    "DELETE FROM delivery WHERE done_at IS NULL AND received_at < $1",
];

/// Makes the changes of a group, within a transaction.
async fn make(
    connection: &mut SqliteConnection,
    group: &[ChangeSet],
) -> Result<Vec<Committed>, sqlx::Error> {
    let mut batch = Batch::default();
    let mut answers = Vec::with_capacity(group.len());
    for set in group {
        let mut fresh = true;
        for change in set {
            let Some(alone) = batch.add(change) else {
                continue;
            };
            if batch.concerns(alone) {
                batch.write(connection).await?;
            }
            fresh &= put_in(connection, alone).await?;
            if !fresh && matches!(alone, Change::Claimed(_)) {
                // The journal knows the run: the rest of the set is about a run that is not ours to begin.
                break;
            }
        }
        answers.push(Committed { fresh });
    }
    batch.write(connection).await?;
    Ok(answers)
}

/// Puts a run or a delivery in. False if it is known already.
async fn put_in(connection: &mut SqliteConnection, change: &Change) -> Result<bool, sqlx::Error> {
    let statement = match change {
        Change::Claimed(run) => query(
            "INSERT INTO run (installation, id, kind, action, phase, external_run_id, order_json, life_json, \
             claimed_at, started_at, finished_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) \
             ON CONFLICT (installation, id) DO UPDATE SET kind = excluded.kind, action = excluded.action, \
             phase = excluded.phase, external_run_id = excluded.external_run_id, order_json = excluded.order_json, \
             life_json = excluded.life_json, claimed_at = excluded.claimed_at, started_at = excluded.started_at, \
             finished_at = excluded.finished_at WHERE run.phase = 'returned'",
        )
        .bind(&run.key.installation)
        .bind(&run.key.run)
        .bind(kind_word(run.kind))
        .bind(&run.action)
        .bind(run.phase.as_str())
        .bind(&run.external_run_id)
        .bind(&run.order)
        .bind(&run.life)
        .bind(signed(run.claimed_at))
        .bind(run.started_at.map(signed))
        .bind(run.finished_at.map(signed)),
        Change::Delivery(delivery) => query(
            "INSERT INTO delivery (installation, id, received_at, headers_json, body) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (installation, id) DO NOTHING",
        )
        .bind(&delivery.key.installation)
        .bind(&delivery.key.delivery)
        .bind(signed(delivery.received_at))
        .bind(&delivery.headers)
        .bind(delivery.body.as_slice()),
        // All others are gathered.
        _ => return Ok(true),
    };
    let done = statement.execute(connection).await?;
    Ok(done.rows_affected() > 0)
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
