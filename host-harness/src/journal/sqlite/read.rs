//! Reading the tables.

use super::Sqlite;
use super::write::kind_word;
use crate::journal::record::{
    Call, Delivery, DeliveryKey, Filter, History, Note, Phase, Restored, Run, RunKey, StoredRun,
    Taken,
};
use crate::port::RunKind;
use rusqlite::types::Type;
use rusqlite::{Error, OptionalExtension, Params, Result, Row, params};
use std::collections::BTreeMap;

impl Sqlite {
    fn rows<T>(
        &self,
        statement: &str,
        parameters: impl Params,
        read: impl FnMut(&Row) -> Result<T>,
    ) -> Result<Vec<T>> {
        let mut statement = self.connection.prepare_cached(statement)?;
        statement.query_map(parameters, read)?.collect()
    }

    pub(super) fn read_all(&self, ended: u32) -> Result<Restored> {
        let mut calls: BTreeMap<RunKey, Vec<Call>> = BTreeMap::new();
        let all = "SELECT installation, run, number, call_json FROM call ORDER BY installation, run, number";
        for (key, call) in self.rows(all, [], |row| Ok((key_of(row)?, call(row)?)))? {
            calls.entry(key).or_default().push(call);
        }
        let under_way = "SELECT run.*, (SELECT COUNT(*) FROM note WHERE note.run = run.number) AS notes \
                         FROM run WHERE finished_at IS NULL AND phase <> 'returned' ORDER BY claimed_at, id";
        // One that cannot be read stays where it is and holds up no other.
        let read = |row: &Row| {
            let stored = (|| Ok((run(row)?, row.get("notes")?)))();
            Ok(stored
                .inspect_err(|error: &Error| tracing::error!("a run is left alone: {error}"))
                .ok())
        };
        let runs = self.rows(under_way, [], read)?.into_iter().flatten();
        let stored = |(run, notes): (Run, u32)| StoredRun {
            calls: calls.remove(&run.key).unwrap_or_default(),
            run,
            notes,
        };
        Ok(Restored {
            runs: runs.map(stored).collect(),
            taken: self.taken(ended)?,
            deliveries: self.waiting()?,
        })
    }

    fn taken(&self, most: u32) -> Result<Vec<Taken>> {
        let ended = "SELECT installation, external_run_id FROM run WHERE finished_at IS NOT NULL \
                     AND external_run_id IS NOT NULL ORDER BY finished_at DESC LIMIT ?1";
        self.rows(ended, [most], |row| {
            Ok(Taken {
                installation: row.get("installation")?,
                external_run_id: row.get("external_run_id")?,
            })
        })
    }

    pub(super) fn read_external_ids(&self, installation: &str, most: u32) -> Result<Vec<String>> {
        let newest = "SELECT external_run_id FROM run WHERE installation = ?1 AND external_run_id IS NOT NULL \
                      ORDER BY claimed_at DESC LIMIT ?2";
        self.rows(newest, params![installation, most], |row| row.get(0))
    }

    fn waiting(&self) -> Result<Vec<DeliveryKey>> {
        let waiting =
            "SELECT installation, id FROM delivery WHERE done_at IS NULL ORDER BY received_at, id";
        self.rows(waiting, [], |row| {
            Ok(DeliveryKey {
                installation: row.get("installation")?,
                delivery: row.get("id")?,
            })
        })
    }

    pub(super) fn read_delivery(&self, key: &DeliveryKey) -> Result<Option<Delivery>> {
        let mut statement = self.connection.prepare_cached(
            "SELECT received_at, headers_json, body FROM delivery \
             WHERE installation = ?1 AND id = ?2 AND done_at IS NULL",
        )?;
        let read = |row: &Row| {
            Ok(Delivery {
                key: key.clone(),
                received_at: moment(row, "received_at")?.unwrap_or_default(),
                headers: row.get("headers_json")?,
                body: row.get("body")?,
            })
        };
        let found = statement.query_row([&key.installation, &key.delivery], read);
        found.optional()
    }

    pub(super) fn read_list(&self, filter: &Filter) -> Result<Vec<Run>> {
        let list = "SELECT * FROM run WHERE (?1 = '' OR installation = ?1) AND (?2 = '' OR phase = ?2) \
                    ORDER BY claimed_at DESC, id DESC LIMIT ?3";
        let limit = match filter.limit {
            0 => i64::MAX,
            limit => i64::from(limit),
        };
        let installation = filter.installation.as_deref().unwrap_or_default();
        let phase = filter.phase.map_or("", Phase::as_str);
        self.rows(list, params![installation, phase, limit], run)
    }

    pub(super) fn read_history(&self, id: &str) -> Result<Vec<History>> {
        let runs = self.rows(
            "SELECT * FROM run WHERE id = ?1 ORDER BY installation",
            [id],
            run,
        )?;
        let history = |run: Run| {
            Ok(History {
                calls: self.calls(&run.key)?,
                notes: self.notes(&run.key)?,
                run,
            })
        };
        runs.into_iter().map(history).collect()
    }

    fn calls(&self, key: &RunKey) -> Result<Vec<Call>> {
        let calls = "SELECT number, call_json FROM call WHERE installation = ?1 AND run = ?2 ORDER BY number";
        self.rows(calls, [&key.installation, &key.run], call)
    }

    fn notes(&self, key: &RunKey) -> Result<Vec<Note>> {
        let notes = "SELECT note.number, at, note FROM note JOIN run ON run.number = note.run \
                     WHERE installation = ?1 AND id = ?2 ORDER BY note.number";
        self.rows(notes, [&key.installation, &key.run], |row| {
            Ok(Note {
                number: row.get("number")?,
                at: moment(row, "at")?.unwrap_or_default(),
                text: row.get("note")?,
            })
        })
    }
}

/// The run that a row is about.
fn key_of(row: &Row) -> Result<RunKey> {
    Ok(RunKey {
        installation: row.get("installation")?,
        run: row.get("run")?,
    })
}

fn call(row: &Row) -> Result<Call> {
    Ok(Call {
        number: row.get("number")?,
        call: row.get("call_json")?,
    })
}

fn run(row: &Row) -> Result<Run> {
    let kind = |word: &str| {
        let mut kinds = RunKind::ALL.into_iter();
        kinds.find(|known| kind_word(*known) == word)
    };
    Ok(Run {
        key: RunKey {
            installation: row.get("installation")?,
            run: row.get("id")?,
        },
        kind: known(row, "kind", kind)?,
        action: row.get("action")?,
        order: row.get("order_json")?,
        phase: known(row, "phase", Phase::parse)?,
        life: row.get("life_json")?,
        external_run_id: row.get("external_run_id")?,
        claimed_at: moment(row, "claimed_at")?.unwrap_or_default(),
        started_at: moment(row, "started_at")?,
        finished_at: moment(row, "finished_at")?,
    })
}

/// One of the words that a column can have.
fn known<T>(row: &Row, column: &str, parse: impl Fn(&str) -> Option<T>) -> Result<T> {
    let word: String = row.get(column)?;
    parse(&word).ok_or_else(|| {
        let why = format!("{word:?} is not known");
        let column = row.as_ref().column_index(column).unwrap_or_default();
        Error::FromSqlConversionFailure(column, Type::Text, why.into())
    })
}

fn moment(row: &Row, column: &str) -> Result<Option<u64>> {
    let moment: Option<i64> = row.get(column)?;
    Ok(moment.map(|moment| u64::try_from(moment).unwrap_or_default()))
}
