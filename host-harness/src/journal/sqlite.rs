//! The journal in a SQLite file.
//!
//! Write-ahead log with `synchronous = FULL`: a commit is on the disk when it returns, so it outlives a loss of power and
//! not only a kill (SQLite, "PRAGMA synchronous"). The file can be read with any SQLite tool while a host writes it. A
//! lock file beside it keeps a second host out; the system drops that lock with the process, however it ends.

mod read;
mod write;

use super::record::{ChangeSet, Committed, Delivery, DeliveryKey, Filter, History, Restored, Run};
use super::{JournalError, Store};
use rusqlite::{Connection, OpenFlags};
use rusqlite_migration::{M, Migrations};
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Bytes of a page of the file.
const PAGE: u32 = 4_096;

/// Pages that the write-ahead log may hold before they go into the file, 16 MiB: a page that changes often goes there once.
/// With a thousand, as SQLite has it by itself, a run's changes took a seventh more CPU time.
const CHECKPOINT: u32 = 4_000;

/// How long another process that reads the file may hold up a write.
const BUSY: Duration = Duration::from_secs(5);

/// Statements that are kept prepared: all that this module has, so that none is read twice.
const STATEMENTS: usize = 32;

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
    connection: Connection,
    path: PathBuf,
    /// Held as long as the journal is open for writing.
    _lock: Option<File>,
}

impl Sqlite {
    /// Opens the file for a host, brings its tables up to date, and keeps other hosts out.
    pub fn open(options: &SqliteOptions) -> Result<Sqlite, JournalError> {
        let path = &options.path;
        let lock = lock(path)?;
        let connection = prepare(options).map_err(|error| cannot_open(path, &error))?;
        Ok(Sqlite {
            connection,
            path: path.clone(),
            _lock: Some(lock),
        })
    }

    /// Opens an existing file to look inside, also while a host uses it. Nothing can be changed through it.
    pub fn look(path: &Path) -> Result<Sqlite, JournalError> {
        let open = || -> rusqlite::Result<Connection> {
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY)?;
            // Whether it is a journal at all, while the path is at hand.
            connection.query_row("SELECT COUNT(*) FROM sqlite_schema", [], |_| Ok(()))?;
            Ok(connection)
        };
        Ok(Sqlite {
            connection: open().map_err(|error| cannot_open(path, &error))?,
            path: path.to_owned(),
            _lock: None,
        })
    }
}

impl Store for Sqlite {
    fn commit(&mut self, group: &[ChangeSet]) -> Result<Vec<Committed>, JournalError> {
        self.write(group).map_err(unwritable)
    }

    fn restore(&mut self, ended: u32) -> Result<Restored, JournalError> {
        self.read_all(ended).map_err(unreadable)
    }

    fn external_ids(&mut self, installation: &str, most: u32) -> Result<Vec<String>, JournalError> {
        self.read_external_ids(installation, most)
            .map_err(unreadable)
    }

    fn delivery(&mut self, key: &DeliveryKey) -> Result<Option<Delivery>, JournalError> {
        self.read_delivery(key).map_err(unreadable)
    }

    fn list(&mut self, filter: &Filter) -> Result<Vec<Run>, JournalError> {
        self.read_list(filter).map_err(unreadable)
    }

    fn history(&mut self, run: &str) -> Result<Vec<History>, JournalError> {
        self.read_history(run).map_err(unreadable)
    }

    fn prune(&mut self, before: u64) -> Result<u64, JournalError> {
        self.forget(before).map_err(unwritable)
    }

    fn size(&self) -> Option<u64> {
        std::fs::metadata(&self.path).map(|file| file.len()).ok()
    }

    fn waits(&self) -> bool {
        true
    }
}

/// Opens or makes the file, with its tables as this host writes them.
fn prepare(options: &SqliteOptions) -> Result<Connection, rusqlite_migration::Error> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(&options.path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // Before anything is in the file: page size and vacuum can only be set then.
    connection.pragma_update(None, "page_size", PAGE)?;
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT)?;
    if let Some(mib) = options.max_mib {
        let pages = u64::from(mib) * (1 << 20) / u64::from(PAGE);
        connection.pragma_update(None, "max_page_count", pages.to_string())?;
    }
    Migrations::from_slice(&MIGRATIONS).to_latest(&mut connection)?;
    Ok(connection)
}

const MIGRATIONS: [M<'static>; 2] = [
    M::up(include_str!(
        "migrations/0001_runs_calls_deliveries_notes.sql"
    )),
    M::up(include_str!(
        "migrations/0002_notes_and_calls_lie_together.sql"
    )),
];

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

fn unwritable(error: rusqlite::Error) -> JournalError {
    JournalError::Unwritable(error.to_string())
}

fn unreadable(error: rusqlite::Error) -> JournalError {
    JournalError::Unreadable(error.to_string())
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

    #[test]
    fn a_second_host_cannot_open_the_same_journal_and_a_reader_can() {
        let folder = tempfile::tempdir().unwrap();
        let first = Sqlite::open(&options(&folder)).unwrap();
        let second = Sqlite::open(&options(&folder)).unwrap_err();
        assert!(matches!(second, JournalError::InUse { .. }), "{second}");
        let mut reader = Sqlite::look(&options(&folder).path).unwrap();
        assert_eq!(reader.list(&Filter::default()), Ok(vec![]));
        drop(first);
        assert!(Sqlite::open(&options(&folder)).is_ok());
    }

    #[test]
    fn a_journal_with_the_tables_of_an_earlier_host_is_taken_over() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder);
        let before = Connection::open(&options.path).unwrap();
        let tables = include_str!("migrations/0001_runs_calls_deliveries_notes.sql");
        before.execute_batch(tables).unwrap();
        before.execute_batch(BEFORE).unwrap();
        drop(before);
        let mut journal = Sqlite::open(&options).unwrap();
        let restored = journal.restore(9).unwrap();
        let keys: Vec<String> = restored
            .runs
            .iter()
            .map(|it| it.run.key.to_string())
            .collect();
        assert_eq!(keys, ["acme/r_1", "globex/r_1"]);
        assert_eq!((restored.runs[0].notes, restored.runs[1].notes), (2, 1));
        assert_eq!(restored.runs[1].calls[0].call, "call");
        assert_eq!(restored.deliveries.len(), 1);
        let notes = &journal.history("r_1").unwrap()[0].notes;
        assert_eq!((notes[1].number, notes[1].text.as_str()), (1, "second"));
    }

    /// What an earlier host has written.
    const BEFORE: &str = "\
        INSERT INTO run VALUES ('globex', 'r_1', 'action', 'a', 'acking', NULL, '{}', '{}', 2, NULL, NULL);
        INSERT INTO run VALUES ('acme', 'r_1', 'action', 'a', 'started', 'gh_1', '{}', '{}', 1, 1, NULL);
        INSERT INTO note VALUES ('acme', 'r_1', 0, 1, 'first'), ('acme', 'r_1', 1, 2, 'second'), ('globex', 'r_1', 0, 3, 'x');
        INSERT INTO call VALUES ('globex', 'r_1', 4, 'call');
        INSERT INTO delivery VALUES ('acme', 'd', 1, '[]', x'00', NULL);";

    #[test]
    fn a_journal_of_a_newer_host_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let options = options(&folder);
        let newer = Sqlite::open(&options).unwrap();
        newer
            .connection
            .pragma_update(None, "user_version", 99)
            .unwrap();
        drop(newer);
        let error = Sqlite::open(&options).unwrap_err();
        assert!(matches!(error, JournalError::Open { .. }), "{error}");
    }

    #[test]
    fn a_file_that_is_no_journal_is_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = options(&folder).path;
        std::fs::write(&path, "my letters, ".repeat(1_000)).unwrap();
        let error = Sqlite::open(&options(&folder)).unwrap_err();
        assert!(matches!(error, JournalError::Open { .. }), "{error}");
        assert!(
            std::fs::read_to_string(&path)
                .unwrap()
                .starts_with("my letters")
        );
    }

    #[test]
    fn a_full_journal_takes_nothing_and_loses_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Sqlite::open(&SqliteOptions {
            max_mib: Some(1),
            ..options(&folder)
        })
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
            match journal.commit(&[delivery(taken)]) {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
        };
        assert!(error.to_string().contains("full"), "{error}");
        assert!(taken > 5, "{taken}");
        let kept = journal.restore(9).unwrap().deliveries.len();
        assert_eq!(kept, taken);
        // Handling what is there makes room again.
        let key = DeliveryKey {
            installation: "acme".to_owned(),
            delivery: "0".to_owned(),
        };
        journal
            .commit(&[vec![Change::DeliveryDone(key, 2)]])
            .unwrap();
        journal.commit(&[delivery(taken)]).unwrap();
    }
}
