//! Changes of a group that can be made together.
//!
//! Each statement is a way to the database's thread and back, which costs more than what the database does for it. So what
//! nobody waits for an answer to is gathered over the whole group: the last state of each run, and one statement for all
//! notes, one for all calls that are new, and so on.
//!
//! Nothing else is changed by that, since a group is kept whole or not at all, and whatever depends on the order of two
//! changes stays in it: of two states of a run or two words about a call the later one counts, and before a run or a
//! delivery is put in that something is gathered about ([`Batch::concerns`]), all of it is written.

use super::write::signed;
use crate::journal::record::{Call, Change, DeliveryKey, Moved, Note, RunKey};
use serde_json::json;
use sqlx::query;
use sqlx::sqlite::SqliteConnection;
use std::collections::BTreeMap;

/// What is gathered.
#[derive(Default)]
pub(super) struct Batch<'g> {
    moved: BTreeMap<&'g RunKey, &'g Moved>,
    /// None: Port has been told.
    calls: BTreeMap<(&'g RunKey, u32), Option<&'g Call>>,
    /// When it was handled; none: forgotten.
    deliveries: BTreeMap<&'g DeliveryKey, Option<u64>>,
    notes: Vec<(&'g RunKey, &'g Note)>,
}

impl<'g> Batch<'g> {
    /// Takes a change in. Gives it back if it has to be made by itself, because its answer counts.
    pub(super) fn add(&mut self, change: &'g Change) -> Option<&'g Change> {
        match change {
            Change::Claimed(_) | Change::Delivery(_) => return Some(change),
            Change::Moved(moved) => {
                self.moved.insert(&moved.key, moved);
            }
            Change::Call(key, call) => {
                self.calls.insert((key, call.number), Some(call));
            }
            Change::CallDone(key, number) => {
                self.calls.insert((key, *number), None);
            }
            Change::DeliveryDone(key, at) => {
                // Of one that is forgotten there is nothing to mark.
                self.deliveries.entry(key).or_insert(Some(*at));
            }
            Change::DeliveryForgotten(key) => {
                self.deliveries.insert(key, None);
            }
            Change::Note(key, note) => self.notes.push((key, note)),
        }
        None
    }

    /// Whether something is gathered about what this change puts in.
    pub(super) fn concerns(&self, change: &Change) -> bool {
        match change {
            Change::Claimed(run) => {
                self.moved.contains_key(&run.key)
                    || self.calls.keys().any(|(key, _)| **key == run.key)
                    || self.notes.iter().any(|(key, _)| **key == run.key)
            }
            Change::Delivery(delivery) => self.deliveries.contains_key(&delivery.key),
            _ => false,
        }
    }

    /// Writes what is gathered, within a transaction.
    pub(super) async fn write(
        &mut self,
        connection: &mut SqliteConnection,
    ) -> Result<(), sqlx::Error> {
        let Batch {
            moved,
            calls,
            deliveries,
            notes,
        } = std::mem::take(self);
        for moved in moved.into_values() {
            move_on(connection, moved).await?;
        }
        let (mut new, mut told) = (Vec::new(), Vec::new());
        for ((key, number), call) in calls {
            match call {
                Some(call) => new.push(json!([key.installation, key.run, number, call.call])),
                None => told.push(json!([key.installation, key.run, number])),
            }
        }
        rows(connection, CALLS, new).await?;
        rows(connection, CALLS_DONE, told).await?;
        let done_at = deliveries.values().flatten().max().copied();
        let (mut done, mut forgotten) = (Vec::new(), Vec::new());
        for (key, at) in deliveries {
            let list = if at.is_some() {
                &mut done
            } else {
                &mut forgotten
            };
            list.push(json!([key.installation, key.delivery]));
        }
        rows(connection, DELIVERIES_FORGOTTEN, forgotten).await?;
        if let Some(at) = done_at {
            let done = serde_json::Value::from(done).to_string();
            let statement = query(DELIVERIES_DONE).bind(done).bind(signed(at));
            statement
                .bind([].as_slice())
                .execute(&mut *connection)
                .await?;
        }
        let note = |(key, note): (&RunKey, &Note)| {
            json!([key.installation, key.run, note.number, note.at, note.text])
        };
        rows(connection, NOTES, notes.into_iter().map(note).collect()).await
    }
}

const CALLS: &str = "INSERT INTO call (installation, run, number, call_json) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each($1) WHERE true \
     ON CONFLICT (installation, run, number) DO UPDATE SET call_json = excluded.call_json";

const CALLS_DONE: &str = "DELETE FROM call WHERE (installation, run, number) IN \
     (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each($1))";

/// All of a group are marked with the time of its latest.
const DELIVERIES_DONE: &str = "UPDATE delivery SET done_at = $2, headers_json = '', body = $3 WHERE (installation, id) IN \
     (SELECT value ->> 0, value ->> 1 FROM json_each($1))";

const DELIVERIES_FORGOTTEN: &str = "DELETE FROM delivery WHERE (installation, id) IN \
     (SELECT value ->> 0, value ->> 1 FROM json_each($1))";

const NOTES: &str = "INSERT INTO note (installation, run, number, at, note) \
     SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4 FROM json_each($1) WHERE true \
     ON CONFLICT (installation, run, number) DO UPDATE SET at = excluded.at, note = excluded.note";

/// Runs a statement over rows, if there are any.
async fn rows(
    connection: &mut SqliteConnection,
    statement: &'static str,
    rows: Vec<serde_json::Value>,
) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let rows = serde_json::Value::from(rows).to_string();
    let statement = query(statement).bind(rows);
    statement.execute(connection).await.map(drop)
}

async fn move_on(connection: &mut SqliteConnection, moved: &Moved) -> Result<(), sqlx::Error> {
    let statement = query(
        "UPDATE run SET phase = $3, life_json = $4, external_run_id = $5, started_at = $6, finished_at = $7 \
         WHERE installation = $1 AND id = $2",
    )
    .bind(&moved.key.installation)
    .bind(&moved.key.run)
    .bind(moved.phase.as_str())
    .bind(&moved.life)
    .bind(&moved.external_run_id)
    .bind(moved.started_at.map(signed))
    .bind(moved.finished_at.map(signed));
    statement.execute(connection).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Sqlite, SqliteOptions, Store};
    use sqlx::Row;

    fn run() -> RunKey {
        RunKey {
            installation: "acme".to_owned(),
            run: "r_1".to_owned(),
        }
    }

    fn delivery() -> DeliveryKey {
        DeliveryKey {
            installation: "acme".to_owned(),
            delivery: "d_1".to_owned(),
        }
    }

    fn came() -> Change {
        Change::Delivery(crate::journal::Delivery {
            key: delivery(),
            received_at: 1,
            headers: "{}".to_owned(),
            body: b"body".to_vec(),
        })
    }

    async fn store() -> (tempfile::TempDir, Sqlite) {
        let folder = tempfile::tempdir().unwrap();
        let options = SqliteOptions {
            path: folder.path().join("journal.db"),
            max_mib: None,
        };
        let store = Sqlite::open(&options).await.unwrap();
        (folder, store)
    }

    #[tokio::test]
    async fn a_delivery_that_is_forgotten_and_comes_again_in_one_group_is_there() {
        let (_folder, mut store) = store().await;
        store.commit(&[vec![came()]]).await.unwrap();
        let group = [
            vec![Change::DeliveryForgotten(delivery())],
            vec![came()],
            vec![came()],
        ];
        let answers = store.commit(&group).await.unwrap();
        let fresh: Vec<bool> = answers.iter().map(|it| it.fresh).collect();
        assert_eq!(fresh, [true, true, false]);
        assert_eq!(store.restore(0).await.unwrap().deliveries, [delivery()]);
    }

    #[tokio::test]
    async fn one_that_comes_and_is_handled_in_one_group_is_done_and_known() {
        let (_folder, mut store) = store().await;
        let group = [vec![came()], vec![Change::DeliveryDone(delivery(), 5)]];
        store.commit(&group).await.unwrap();
        assert_eq!(store.restore(0).await.unwrap().deliveries, []);
        assert!(!store.commit(&[vec![came()]]).await.unwrap()[0].fresh);
    }

    #[test]
    fn of_two_words_about_a_call_the_later_one_counts() {
        let call = Change::Call(
            run(),
            Call {
                number: 3,
                call: "{}".to_owned(),
            },
        );
        let told = Change::CallDone(run(), 3);
        let mut batch = Batch::default();
        assert!(batch.add(&call).is_none() && batch.add(&told).is_none());
        assert!(batch.calls.values().all(Option::is_none));
        batch.add(&call);
        assert!(batch.calls.values().all(Option::is_some));
    }

    #[tokio::test]
    async fn no_statement_looks_through_a_whole_table() {
        let (_folder, mut store) = store().await;
        for statement in [CALLS_DONE, DELIVERIES_DONE, DELIVERIES_FORGOTTEN] {
            let explain = format!("EXPLAIN QUERY PLAN {statement}");
            let rows = query(sqlx::AssertSqlSafe(explain))
                .bind("[]")
                .fetch_all(store.connection())
                .await
                .unwrap();
            let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
            let plan = plan.join("; ");
            assert!(
                plan.contains("SEARCH ") && !plan.contains("SCAN call"),
                "{plan}"
            );
            assert!(!plan.contains("SCAN delivery"), "{plan}");
        }
    }
}
