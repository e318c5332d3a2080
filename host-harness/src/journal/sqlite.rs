//! The journal in a SQLite file.
//!
//! Write-ahead log with `synchronous = FULL`: a commit is on the disk when it returns, so it outlives a loss of power and
//! not only a kill (SQLite, "PRAGMA synchronous"). The file can be read with any SQLite tool while a host writes it. A
//! lock file beside it keeps a second host out; the system drops that lock with the process, however it ends.

mod batch;
mod read;
mod write;

use super::record::{ChangeSet, Committed, Delivery, DeliveryKey, Filter, History, Restored, Run};
use super::{JournalError, Store};
use futures_util::future::BoxFuture;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{
    SqliteAutoVacuum, SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous,
};
use sqlx::{Connection, SqlSafeStr};
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
}

#[cfg(test)]
impl Sqlite {
    /// The connection, for tests that look into the tables.
    fn connection(&mut self) -> &mut SqliteConnection {
        &mut self.connection
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

#[cfg(test)]
mod tests {
    use super::super::record::Change;
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
