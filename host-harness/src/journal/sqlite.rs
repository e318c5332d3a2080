//! The journal in a SQLite file.
//!
//! Write-ahead log with `synchronous = FULL`: a commit is on the disk when it returns, so it outlives a loss of power and
//! not only a kill (SQLite, "PRAGMA synchronous"). The file can be read with any SQLite tool while a host writes it. A
//! lock file beside it keeps a second host out; the system drops that lock with the process, however it ends.

use super::record::{
    Call, Change, ChangeSet, Committed, Delivery, DeliveryKey, Filter, History, Moved, Note, Phase,
    Restored, Run, RunKey, StoredRun, Taken,
};
use super::{JournalError, Store};
use crate::port::RunKind;
use futures_util::future::BoxFuture;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{Connection, Row, SqlSafeStr, query};
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of a page of the file.
const PAGE: u32 = 4_096;

/// How long another process that reads the file may hold up a write.
const BUSY: Duration = Duration::from_secs(5);

/// How the file is opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteOptions {
    /// The file. It is made if it is not there; its folder is not.
    pub path: PathBuf,
    /// The file may not grow above so many MiB. None: as far as the disk goes.
    pub max_mib: Option<u32>,
}

/// A journal in a SQLite file.
#[derive(Debug)]
pub struct Sqlite {
    connection: SqliteConnection,
    path: PathBuf,
    /// Held as long as the journal is open for writing.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the file for a host, brings its tables up to date, and keeps other hosts out.
    pub async fn open(options: &SqliteOptions) -> Result<Sqlite, JournalError> {
        let lock = lock(&options.path)?;
        let mut settings = SqliteConnectOptions::new()
            .filename(&options.path)
            .create_if_missing(true)
            .page_size(PAGE)
            .auto_vacuum(SqliteAutoVacuum::Incremental)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY);
        if let Some(mib) = options.max_mib {
            let pages = u64::from(mib) * (1 << 20) / u64::from(PAGE);
            settings = settings.pragma("max_page_count", pages.to_string());
        }
        let mut journal = Sqlite::connect(&options.path, settings).await?;
        journal._lock = Some(lock);
        migrator()
            .run(&mut journal.connection)
            .await
            .map_err(|error| cannot_open(&options.path, &error))?;
        Ok(journal)
    }

    /// Opens an existing file to look inside, also while a host uses it. Nothing can be changed through it.
    pub async fn look(path: &Path) -> Result<Sqlite, JournalError> {
        let settings = SqliteConnectOptions::new()
            .filename(path)
            .read_only(true)
            .busy_timeout(BUSY);
        Sqlite::connect(path, settings).await
    }

    async fn connect(path: &Path, settings: SqliteConnectOptions) -> Result<Sqlite, JournalError> {
        let connection = SqliteConnection::connect_with(&settings)
            .await
            .map_err(|error| cannot_open(path, &error))?;
        Ok(Sqlite {
            connection,
            path: path.to_owned(),
            _lock: None,
        })
    }

    async fn write(&mut self, group: &[ChangeSet]) -> Result<Vec<Committed>, sqlx::Error> {
        self.begin().await?;
        let mut answers = Vec::with_capacity(group.len());
        for set in group {
            match make(&mut self.connection, set).await {
                Ok(fresh) => answers.push(Committed { fresh }),
                Err(error) => {
                    self.roll_back().await;
                    return Err(error);
                }
            }
        }
        self.end().await?;
        Ok(answers)
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

    async fn read_all(&mut self, ended: u32) -> Result<Restored, JournalError> {
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

    async fn read_external_ids(
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

    async fn read_delivery(&mut self, key: &DeliveryKey) -> Result<Option<Delivery>, JournalError> {
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

    async fn read_list(&mut self, filter: &Filter) -> Result<Vec<Run>, JournalError> {
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

    async fn read_history(&mut self, id: &str) -> Result<Vec<History>, JournalError> {
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

    async fn forget(&mut self, before: u64) -> Result<u64, sqlx::Error> {
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

impl Store for Sqlite {
    fn commit<'s>(
        &'s mut self,
        group: &'s [ChangeSet],
    ) -> BoxFuture<'s, Result<Vec<Committed>, JournalError>> {
        Box::pin(async move { self.write(group).await.map_err(unwritable) })
    }

    fn restore(&mut self, ended: u32) -> BoxFuture<'_, Result<Restored, JournalError>> {
        Box::pin(self.read_all(ended))
    }

    fn external_ids<'s>(
        &'s mut self,
        installation: &'s str,
        most: u32,
    ) -> BoxFuture<'s, Result<Vec<String>, JournalError>> {
        Box::pin(self.read_external_ids(installation, most))
    }

    fn delivery<'s>(
        &'s mut self,
        key: &'s DeliveryKey,
    ) -> BoxFuture<'s, Result<Option<Delivery>, JournalError>> {
        Box::pin(self.read_delivery(key))
    }

    fn list<'s>(&'s mut self, filter: &'s Filter) -> BoxFuture<'s, Result<Vec<Run>, JournalError>> {
        Box::pin(self.read_list(filter))
    }

    fn history<'s>(
        &'s mut self,
        run: &'s str,
    ) -> BoxFuture<'s, Result<Vec<History>, JournalError>> {
        Box::pin(self.read_history(run))
    }

    fn prune(&mut self, before: u64) -> BoxFuture<'_, Result<u64, JournalError>> {
        Box::pin(async move { self.forget(before).await.map_err(unwritable) })
    }

    fn size(&self) -> Option<u64> {
        std::fs::metadata(&self.path).map(|file| file.len()).ok()
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

/// Makes the changes of a set, within a transaction. False if something was known already.
async fn make(connection: &mut SqliteConnection, set: &ChangeSet) -> Result<bool, sqlx::Error> {
    let mut fresh = true;
    for change in set {
        fresh &= apply(connection, change).await?;
        if !fresh && matches!(change, Change::Claimed(_)) {
            // The journal knows the run: the rest of the set is about a run that is not ours to begin.
            break;
        }
    }
    Ok(fresh)
}

/// Makes one change. False if it was about something that is known already.
async fn apply(connection: &mut SqliteConnection, change: &Change) -> Result<bool, sqlx::Error> {
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
        Change::Moved(Moved {
            key,
            phase,
            life,
            external_run_id,
            started_at,
            finished_at,
        }) => query(
            "UPDATE run SET phase = $3, life_json = $4, external_run_id = $5, started_at = $6, finished_at = $7 \
             WHERE installation = $1 AND id = $2",
        )
        .bind(&key.installation)
        .bind(&key.run)
        .bind(phase.as_str())
        .bind(life)
        .bind(external_run_id)
        .bind(started_at.map(signed))
        .bind(finished_at.map(signed)),
        Change::Call(key, call) => query(
            "INSERT INTO call (installation, run, number, call_json) VALUES ($1, $2, $3, $4) \
             ON CONFLICT (installation, run, number) DO UPDATE SET call_json = excluded.call_json",
        )
        .bind(&key.installation)
        .bind(&key.run)
        .bind(i64::from(call.number))
        .bind(&call.call),
        Change::CallDone(key, number) => {
            query("DELETE FROM call WHERE installation = $1 AND run = $2 AND number = $3")
                .bind(&key.installation)
                .bind(&key.run)
                .bind(i64::from(*number))
        }
        Change::Delivery(delivery) => query(
            "INSERT INTO delivery (installation, id, received_at, headers_json, body) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (installation, id) DO NOTHING",
        )
        .bind(&delivery.key.installation)
        .bind(&delivery.key.delivery)
        .bind(signed(delivery.received_at))
        .bind(&delivery.headers)
        .bind(delivery.body.as_slice()),
        Change::DeliveryDone(key, at) => query(
            "UPDATE delivery SET done_at = $3, headers_json = '', body = $4 WHERE installation = $1 AND id = $2",
        )
        .bind(&key.installation)
        .bind(&key.delivery)
        .bind(signed(*at))
        .bind([].as_slice()),
        Change::DeliveryForgotten(key) => {
            query("DELETE FROM delivery WHERE installation = $1 AND id = $2")
                .bind(&key.installation)
                .bind(&key.delivery)
        }
        Change::Note(key, note) => query(
            "INSERT INTO note (installation, run, number, at, note) VALUES ($1, $2, $3, $4, $5) \
             ON CONFLICT (installation, run, number) DO UPDATE SET at = excluded.at, note = excluded.note",
        )
        .bind(&key.installation)
        .bind(&key.run)
        .bind(i64::from(note.number))
        .bind(signed(note.at))
        .bind(&note.text),
    };
    let done = statement.execute(connection).await?;
    let must_be_new = matches!(change, Change::Claimed(_) | Change::Delivery(_));
    Ok(!must_be_new || done.rows_affected() > 0)
}

fn migrator() -> Migrator {
    Migrator::with_migrations(vec![Migration::new(
        1,
        "runs, calls, deliveries, notes".into(),
        MigrationType::Simple,
        include_str!("migrations/sqlite/0001_runs_calls_deliveries_notes.sql").into_sql_str(),
        false,
    )])
}

/// Locks the journal for this process.
fn lock(path: &Path) -> Result<File, JournalError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&name)
        .map_err(|error| cannot_open(path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(JournalError::InUse {
            path: path.display().to_string(),
        }),
        Err(TryLockError::Error(error)) => Err(cannot_open(path, &error)),
    }
}

fn cannot_open(path: &Path, error: &dyn std::fmt::Display) -> JournalError {
    JournalError::Open {
        path: path.display().to_string(),
        reason: error.to_string(),
    }
}

fn unwritable(error: sqlx::Error) -> JournalError {
    JournalError::Unwritable(error.to_string())
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

fn kind_word(kind: RunKind) -> &'static str {
    match kind {
        RunKind::Action => "action",
        RunKind::WorkflowNode => "workflow-node",
    }
}

/// SQL has no unsigned numbers; milliseconds since 1970 are far from either end.
fn signed(moment: u64) -> i64 {
    i64::try_from(moment).unwrap_or(i64::MAX)
}

fn moment(row: &SqliteRow, column: &str) -> Result<Option<u64>, JournalError> {
    let moment: Option<i64> = get(row, column)?;
    Ok(moment.map(|moment| u64::try_from(moment).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(folder: &tempfile::TempDir) -> SqliteOptions {
        SqliteOptions {
            path: folder.path().join("journal.db"),
            max_mib: None,
        }
    }

    #[tokio::test]
    async fn a_second_host_cannot_open_the_same_journal_and_a_reader_can() {
        let folder = tempfile::tempdir().unwrap();
        let first = Sqlite::open(&options(&folder)).await.unwrap();
        let second = Sqlite::open(&options(&folder)).await.unwrap_err();
        assert!(matches!(second, JournalError::InUse { .. }), "{second}");
        let mut reader = Sqlite::look(&options(&folder).path).await.unwrap();
        assert_eq!(reader.list(&Filter::default()).await, Ok(vec![]));
        drop(first);
        assert!(Sqlite::open(&options(&folder)).await.is_ok());
    }

    #[tokio::test]
    async fn a_file_that_is_no_journal_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = options(&folder).path;
        std::fs::write(&path, "my letters, ".repeat(1_000)).unwrap();
        let error = Sqlite::open(&options(&folder)).await.unwrap_err();
        assert!(matches!(error, JournalError::Open { .. }), "{error}");
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .starts_with("my letters")
        );
    }

    #[tokio::test]
    async fn a_full_journal_takes_nothing_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Sqlite::open(&SqliteOptions {
            max_mib: Some(1),
            ..options(&folder)
        })
        .await
        .unwrap();
        let delivery = |number: usize| {
            vec![Change::Delivery(Delivery {
                key: DeliveryKey {
                    installation: "acme".to_owned(),
                    delivery: number.to_string(),
                },
                received_at: 1,
                headers: "[]".to_owned(),
                body: vec![b'x'; 100_000],
            })]
        };
        let mut taken = 0;
        let error = loop {
            match journal.commit(&[delivery(taken)]).await {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("full"), "{error}");
        assert!(taken > 5, "{taken}");
        let kept = journal.restore(9).await.unwrap().deliveries.len();
        assert_eq!(kept, taken);
        // Handling what is there makes room again.
        let key = DeliveryKey {
            installation: "acme".to_owned(),
            delivery: "0".to_owned(),
        };
        journal
            .commit(&[vec![Change::DeliveryDone(key, 2)]])
            .await
            .unwrap();
        journal.commit(&[delivery(taken)]).await.unwrap();
    }
}
