//! Reading the tables.

use super::Sqlite;
use super::write::kind_word;
use crate::journal::JournalError;
use crate::journal::record::{
    Call, Delivery, DeliveryKey, Filter, History, Note, Phase, Restored, Run, RunKey, StoredRun,
    Taken,
};
use crate::port::RunKind;
use sqlx::sqlite::SqliteRow;
use sqlx::{Row, query};
use std::collections::BTreeMap;

impl Sqlite {
    async fn calls(
        &mut self,
        filter: Option<&RunKey>,
    ) -> Result<BTreeMap<RunKey, Vec<Call>>, JournalError> {
        let all = "SELECT installation, run, number, call_json FROM call ORDER BY installation, run, number";
        let some = "SELECT installation, run, number, call_json FROM call \
                    WHERE installation = $1 AND run = $2 ORDER BY number";
        let query = match filter {
            None => query(all),
            Some(key) => query(some).bind(&key.installation).bind(&key.run),
        };
        let rows = query
            .fetch_all(&mut self.connection)
            .await
            .map_err(unreadable)?;
        let mut calls: BTreeMap<RunKey, Vec<Call>> = BTreeMap::new();
        for row in rows {
            let key = RunKey {
                installation: get(&row, "installation")?,
                run: get(&row, "run")?,
            };
            let call = Call {
                number: get(&row, "number")?,
                call: get(&row, "call_json")?,
            };
            calls.entry(key).or_default().push(call);
        }
        Ok(calls)
    }

    pub(super) async fn read_all(&mut self, ended: u32) -> Result<Restored, JournalError> {
        let mut calls = self.calls(None).await?;
        let rows = query(
            "SELECT run.*, (SELECT COUNT(*) FROM note \
             WHERE note.installation = run.installation AND note.run = run.id) AS notes \
             FROM run WHERE finished_at IS NULL AND phase <> 'returned' ORDER BY claimed_at, id",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(unreadable)?;
        let mut runs = Vec::with_capacity(rows.len());
        for row in rows {
            match (run(&row), get(&row, "notes")) {
                (Ok(run), Ok(notes)) => runs.push(StoredRun {
                    calls: calls.remove(&run.key).unwrap_or_default(),
                    run,
                    notes,
                }),
                // It stays where it is and holds up no other.
                (Err(error), _) | (_, Err(error)) => {
                    tracing::error!("a run is left alone: {error}")
                }
            }
        }
        Ok(Restored {
            runs,
            taken: self.taken(ended).await?,
            deliveries: self.waiting().await?,
        })
    }

    async fn taken(&mut self, most: u32) -> Result<Vec<Taken>, JournalError> {
        let rows = query(
            "SELECT installation, external_run_id FROM run WHERE finished_at IS NOT NULL \
             AND external_run_id IS NOT NULL ORDER BY finished_at DESC LIMIT $1",
        )
        .bind(i64::from(most))
        .fetch_all(&mut self.connection)
        .await
        .map_err(unreadable)?;
        let taken = |row: &SqliteRow| {
            Ok(Taken {
                installation: get(row, "installation")?,
                external_run_id: get(row, "external_run_id")?,
            })
        };
        rows.iter().map(taken).collect()
    }

    pub(super) async fn read_external_ids(
        &mut self,
        installation: &str,
        most: u32,
    ) -> Result<Vec<String>, JournalError> {
        let rows = query(
            "SELECT external_run_id FROM run WHERE installation = $1 AND external_run_id IS NOT NULL \
             ORDER BY claimed_at DESC LIMIT $2",
        )
        .bind(installation)
        .bind(i64::from(most))
        .fetch_all(&mut self.connection)
        .await
        .map_err(unreadable)?;
        rows.iter().map(|row| get(row, "external_run_id")).collect()
    }

    async fn waiting(&mut self) -> Result<Vec<DeliveryKey>, JournalError> {
        let rows = query(
            "SELECT installation, id FROM delivery WHERE done_at IS NULL ORDER BY received_at, id",
        )
        .fetch_all(&mut self.connection)
        .await
        .map_err(unreadable)?;
        let key = |row: &SqliteRow| {
            Ok(DeliveryKey {
                installation: get(row, "installation")?,
                delivery: get(row, "id")?,
            })
        };
        rows.iter().map(key).collect()
    }

    pub(super) async fn read_delivery(
        &mut self,
        key: &DeliveryKey,
    ) -> Result<Option<Delivery>, JournalError> {
        let row = query(
            "SELECT received_at, headers_json, body FROM delivery \
             WHERE installation = $1 AND id = $2 AND done_at IS NULL",
        )
        .bind(&key.installation)
        .bind(&key.delivery)
        .fetch_optional(&mut self.connection)
        .await
        .map_err(unreadable)?;
        let Some(row) = row else {
            return Ok(None);
        };
        Ok(Some(Delivery {
            key: key.clone(),
            received_at: moment(&row, "received_at")?.unwrap_or_default(),
            headers: get(&row, "headers_json")?,
            body: get(&row, "body")?,
        }))
    }

    pub(super) async fn read_list(&mut self, filter: &Filter) -> Result<Vec<Run>, JournalError> {
        let rows = query(
            "SELECT * FROM run WHERE ($1 = '' OR installation = $1) AND ($2 = '' OR phase = $2) \
             ORDER BY claimed_at DESC, id DESC LIMIT $3",
        )
        .bind(filter.installation.clone().unwrap_or_default())
        .bind(filter.phase.map_or("", Phase::as_str))
        .bind(match filter.limit {
            0 => i64::MAX,
            limit => i64::from(limit),
        })
        .fetch_all(&mut self.connection)
        .await
        .map_err(unreadable)?;
        rows.iter().map(run).collect()
    }

    pub(super) async fn read_history(&mut self, id: &str) -> Result<Vec<History>, JournalError> {
        let rows = query("SELECT * FROM run WHERE id = $1 ORDER BY installation")
            .bind(id)
            .fetch_all(&mut self.connection)
            .await
            .map_err(unreadable)?;
        let mut found = Vec::new();
        for row in rows {
            let run = run(&row)?;
            let calls = self.calls(Some(&run.key)).await?.remove(&run.key);
            let notes = self.notes(&run.key).await?;
            found.push(History {
                run,
                calls: calls.unwrap_or_default(),
                notes,
            });
        }
        Ok(found)
    }

    async fn notes(&mut self, key: &RunKey) -> Result<Vec<Note>, JournalError> {
        let rows = query(
            "SELECT number, at, note FROM note WHERE installation = $1 AND run = $2 ORDER BY number",
        )
        .bind(&key.installation)
        .bind(&key.run)
        .fetch_all(&mut self.connection)
        .await
        .map_err(unreadable)?;
        let note = |row: &SqliteRow| {
            Ok(Note {
                number: get(row, "number")?,
                at: moment(row, "at")?.unwrap_or_default(),
                text: get(row, "note")?,
            })
        };
        rows.iter().map(note).collect()
    }
}

fn unreadable(error: sqlx::Error) -> JournalError {
    JournalError::Unreadable(error.to_string())
}

fn get<'r, T>(row: &'r SqliteRow, column: &str) -> Result<T, JournalError>
where
    T: sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    row.try_get(column).map_err(unreadable)
}

fn run(row: &SqliteRow) -> Result<Run, JournalError> {
    let unknown =
        |word: &str| JournalError::Unreadable(format!("it holds the unknown word {word:?}"));
    let phase: String = get(row, "phase")?;
    let kind: String = get(row, "kind")?;
    Ok(Run {
        key: RunKey {
            installation: get(row, "installation")?,
            run: get(row, "id")?,
        },
        kind: RunKind::ALL
            .into_iter()
            .find(|known| kind_word(*known) == kind)
            .ok_or_else(|| unknown(&kind))?,
        action: get(row, "action")?,
        order: get(row, "order_json")?,
        phase: Phase::parse(&phase).ok_or_else(|| unknown(&phase))?,
        life: get(row, "life_json")?,
        external_run_id: get(row, "external_run_id")?,
        claimed_at: moment(row, "claimed_at")?.unwrap_or_default(),
        started_at: moment(row, "started_at")?,
        finished_at: moment(row, "finished_at")?,
    })
}

fn moment(row: &SqliteRow, column: &str) -> Result<Option<u64>, JournalError> {
    let moment: Option<i64> = get(row, column)?;
    Ok(moment.map(|moment| u64::try_from(moment).unwrap_or_default()))
}
